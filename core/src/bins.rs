//! Bins: between which edges the value of a feature falls.

use crate::features::{FEATURES, Feature};

/// A bin of every feature, by its place among tables or trees; as long as places can be, so that none lies outside.
pub(crate) type Cut = [u8; 256];

/// The bins of the candidate before. Candidates of one scene agree in most features, so that most look-ups are spared.
pub(crate) struct LastBins {
    values: [i64; FEATURES],
    bins: Cut,
    is_first: bool,
}

impl LastBins {
    /// Of no candidate yet.
    pub(crate) fn new() -> Self {
        LastBins { values: [0; FEATURES], bins: [0; 256], is_first: true }
    }

    /// The bins of these values under (feature, rising edges): bin `b` holds what is from `edges[b - 1]` to below `edges[b]`.
    /// The features and edges are those of the call before.
    pub(crate) fn of<'e>(
        &mut self,
        edges: impl Iterator<Item = (Feature, &'e [i64])>,
        values: &[i64; FEATURES],
    ) -> &Cut {
        for ((feature, edges), (last, bin)) in edges.zip(self.values.iter_mut().zip(self.bins.iter_mut())) {
            let value = feature.of(values);
            if self.is_first || *last != value {
                *last = value;
                *bin = bin_of(edges, value);
            }
        }
        self.is_first = false;
        &self.bins
    }
}

/// How many of the rising edges, at most 255, are at most the value.
#[inline]
pub(crate) fn bin_of(edges: &[i64], value: i64) -> u8 {
    edges.partition_point(|edge| *edge <= value) as u8
}
