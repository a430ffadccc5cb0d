//! The blend: linfa's FTRL logistic regression over one-hot bins, rounded to integer points.

use super::bins::{Bins, choose};
use super::hash::hash;
use super::rows::Rows;
use crate::config::LearnParams;
use crate::error::{Error, Result};
use linfa::traits::FitWith;
use linfa::{DatasetBase, ParamGuard};
use linfa_ftrl::{Ftrl, FtrlError};
use ndarray::{Array1, Array2};
use unisono_core::blend::{Blend, Table};
use unisono_message::limits::MODEL_POINTS_MAX;

/// Rows that FTRL reads between two steps; their one-hot matrix stays in the processor's cache.
const BATCH: usize = 32;

/// Learns a blend from rows whose negatives were sampled with the share `negatives`, by linfa's FTRL-proximal (McMahan and
/// others, 2013) over batches in the order of a hash.
///
/// # Errors
/// `not_enough_data` when nothing or everything was taken; `fit_failed` when the solver fails.
pub(crate) fn fit(rows: &Rows, params: &LearnParams) -> Result<Blend> {
    let taken = rows.taken.iter().filter(|taken| **taken).count();
    if taken == 0 || taken == rows.len() {
        let reason = format!("of {} candidates {taken} were taken; a blend needs some of both", rows.len());
        return Err(Error::NotEnoughData { reason });
    }
    let bins = choose(rows, params.bins);
    let layout = Layout::new(rows, &bins);
    let order = shuffled(rows.len(), params.seed);
    let failed = |error: FtrlError| Error::FitFailed { step: "blend", reason: error.to_string() };
    let solver =
        Ftrl::<f64>::params().alpha(params.rate).beta(1.0).l1_ratio(0.0).l2_ratio(0.0).check().map_err(failed)?;
    let mut model: Option<Ftrl<f64>> = None;
    for _ in 0..params.passes {
        for batch in order.chunks(BATCH) {
            let records = layout.one_hot(rows, &bins, batch);
            let targets = Array1::from_iter(batch.iter().map(|row| rows.taken[*row as usize]));
            model = Some(solver.fit_with(model, &DatasetBase::new(records, targets)).map_err(failed)?);
        }
    }
    let weights = model.map_or_else(Vec::new, |model| model.get_weights().to_vec());
    // Sampling the negatives moves nothing but the intercept, the last column.
    let base = weights.last().copied().unwrap_or(0.0) + params.negatives.ln();
    layout.blend(&bins, &weights, base, params.scale_bits)
}

/// Row numbers in the order of a hash.
fn shuffled(rows: usize, seed: u64) -> Vec<u32> {
    let mut order: Vec<u32> = (0..rows as u32).collect();
    order.sort_by_cached_key(|row| hash(seed, &["row", &row.to_string()]));
    order
}

/// Where each bin that holds a row stands among the columns of the one-hot matrix.
struct Layout {
    /// Per feature and bin: the column, none for an empty bin.
    columns: Vec<Vec<Option<usize>>>,
    /// Per feature: the bin of most rows, whose points become 0.
    commonest: Vec<usize>,
    width: usize,
}

impl Layout {
    fn new(rows: &Rows, bins: &[Bins]) -> Self {
        let mut layout = Layout { columns: Vec::new(), commonest: Vec::new(), width: 0 };
        for of_feature in bins {
            let mut counts = vec![0u32; of_feature.len()];
            for values in &rows.values {
                counts[of_feature.of(values[of_feature.feature as usize].into())] += 1;
            }
            let most = (0..counts.len()).max_by_key(|bin| (counts[*bin], usize::MAX - bin)).unwrap_or(0);
            layout.commonest.push(most);
            let mut place = |count: &u32| {
                (*count > 0).then(|| {
                    layout.width += 1;
                    layout.width - 1
                })
            };
            layout.columns.push(counts.iter().map(&mut place).collect());
        }
        layout
    }

    /// The one-hot matrix of some rows, and a last column of ones for the intercept.
    fn one_hot(&self, rows: &Rows, bins: &[Bins], batch: &[u32]) -> Array2<f64> {
        let mut records = Array2::zeros((batch.len(), self.width + 1));
        for (row, mut record) in batch.iter().zip(records.rows_mut()) {
            let values = &rows.values[*row as usize];
            for (of_feature, columns) in bins.iter().zip(&self.columns) {
                if let Some(column) = columns[of_feature.of(values[of_feature.feature as usize].into())] {
                    record[column] = 1.0;
                }
            }
            record[self.width] = 1.0;
        }
        records
    }

    /// Integer points: those of each feature's commonest bin are moved into the base, so that explanations are short.
    fn blend(&self, bins: &[Bins], weights: &[f64], base: f64, scale_bits: u32) -> Result<Blend> {
        let scale = f64::from(1u32 << scale_bits);
        let mut whole = base;
        let mut tables = Vec::new();
        for ((of_feature, columns), commonest) in bins.iter().zip(&self.columns).zip(&self.commonest) {
            let weight = |bin: usize| columns[bin].map_or(0.0, |column| weights[column]);
            let zero = weight(*commonest);
            whole += zero;
            // A bin without rows says nothing: it counts like the commonest one.
            let filled = |bin: usize| if columns[bin].is_some() { weight(bin) - zero } else { 0.0 };
            let points: Vec<i64> = (0..of_feature.len()).map(|bin| (filled(bin) * scale).round() as i64).collect();
            if points.iter().any(|points| *points != 0) {
                tables.push(Table { feature: of_feature.feature, edges: of_feature.edges.clone(), points });
            }
        }
        let blend = Blend { base: (whole * scale).round() as i64, tables };
        let sound = blend
            .tables
            .iter()
            .flat_map(|table| &table.points)
            .chain([&blend.base])
            .all(|p| p.abs() <= MODEL_POINTS_MAX);
        let finite = weights.iter().all(|weight| weight.is_finite()) && base.is_finite();
        match sound && finite {
            true => Ok(blend),
            false => Err(Error::FitFailed {
                step: "blend",
                reason: "the weights grew without bound; lower `learn.rate`".into(),
            }),
        }
    }
}
