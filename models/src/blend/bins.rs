//! Bins: where the values of a feature are cut, so that each bin holds enough of them.

use super::rows::Rows;
use unisono_core::features::{FEATURES, Feature};

/// Rising edges of one feature; bin `b` holds the values from `edges[b - 1]` to below `edges[b]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bins {
    pub(crate) feature: Feature,
    pub(crate) edges: Vec<i64>,
}

impl Bins {
    /// The bin of a value.
    pub(crate) fn of(&self, value: i64) -> usize {
        self.edges.partition_point(|edge| *edge <= value)
    }

    /// Number of bins.
    pub(crate) fn len(&self) -> usize {
        self.edges.len() + 1
    }
}

/// At most `bins` bins a feature: "does not apply" and 0 have their own, the others hold equal shares, half of the
/// edges by all rows and half by those that were taken, because that is where the ranking is decided.
pub(crate) fn choose(rows: &Rows, bins: usize) -> Vec<Bins> {
    let of = |feature: &Feature| {
        let at = *feature as usize;
        let column = |only_taken: bool| -> Vec<i64> {
            let rows = rows.values.iter().zip(&rows.taken).filter(|(_, taken)| **taken || !only_taken);
            let mut values: Vec<i64> =
                rows.map(|(values, _)| i64::from(values[at])).filter(|value| *value > 0).collect();
            values.sort_unstable();
            values
        };
        if is_code(*feature) {
            let mut edges = column_of(rows, at);
            edges.dedup();
            drop_idle(rows, at, &mut edges);
            return Bins { feature: *feature, edges };
        }
        let mut edges = vec![0, 1];
        let free = bins.saturating_sub(edges.len() + 1);
        edges.extend(quantiles(&column(false), free / 2));
        edges.extend(quantiles(&column(true), free - free / 2));
        edges.sort_unstable();
        edges.dedup();
        drop_idle(rows, at, &mut edges);
        Bins { feature: *feature, edges }
    };
    let all: Vec<Bins> = Feature::ALL.iter().map(of).collect();
    debug_assert_eq!(all.len(), FEATURES);
    all.into_iter().filter(|bins| !bins.edges.is_empty()).collect()
}

/// Whether a feature's values are the numbers of crossed bins, so that each is a bin of its own.
fn is_code(feature: Feature) -> bool {
    feature.as_str().contains("_x_")
}

/// The values of a feature, ascending.
fn column_of(rows: &Rows, at: usize) -> Vec<i64> {
    let mut values: Vec<i64> = rows.values.iter().map(|values| values[at].into()).collect();
    values.sort_unstable();
    values
}

/// `count` values that cut a sorted column into `count + 1` equal parts.
fn quantiles(sorted: &[i64], count: usize) -> Vec<i64> {
    let at = |part: usize| sorted.get(part * sorted.len() / (count + 1)).copied();
    (1..=count).filter_map(at).collect()
}

/// An edge with no row on one of its sides says nothing.
fn drop_idle(rows: &Rows, at: usize, edges: &mut Vec<i64>) {
    let values = rows.values.iter().map(|values| i64::from(values[at]));
    let (low, high) = values.fold((i64::MAX, i64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    edges.retain(|edge| low < *edge && *edge <= high);
}
