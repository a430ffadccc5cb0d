//! Gradient-boosted trees over binned features, as a linfa algorithm: parameters, `fit`, `predict`.
//!
//! ```ignore
//! let dataset = DatasetBase::new(Binned::new(columns, cases)?, labels);
//! let forest = Booster::params().trees(100).leaves_max(31).threads(2).fit(&dataset)?;
//! let scores: Array1<f64> = forest.predict(&dataset);
//! ```
//!
//! The same rows, parameters and seed give the same forest to the bit, with any number of threads:
//! gradients are sums of integers, exp and log come from `libm`, random choices are hashes, and every tie has an order.
//!
//! What it does not do: choose bins, read missing values (give them a bin), learn from labels other than taken or not,
//! stop early (fit once, then compare `forest.truncated(n)`).

mod error;
mod forest;
mod grow;
mod histogram;
mod lambdarank;
mod objective;
mod params;
mod records;
mod share;
#[cfg(test)]
mod tests;

pub use error::BoostError;
pub use forest::{Attribution, Forest, Tree};
pub use params::{BoostParams, BoostValidParams, Objective};
pub use records::Binned;

use linfa::DatasetBase;
use linfa::traits::Fit;
use ndarray::Array1;

/// The algorithm's name, from which its parameters are had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Booster;

impl Booster {
    /// Parameters at their defaults, not yet checked.
    pub fn params() -> BoostParams {
        BoostParams::default()
    }
}

impl Fit<Binned, Array1<bool>, BoostError> for BoostValidParams {
    type Object = Forest;

    /// Fits a forest on (rows) binned records, (rows) labels and, where given, (rows) weights.
    ///
    /// # Errors
    /// A label or weight too many or too few, a weight below zero or not finite, more than 2^31 rows, or labels that are
    /// all the same.
    fn fit(&self, dataset: &DatasetBase<Binned, Array1<bool>>) -> Result<Forest, BoostError> {
        let records = &dataset.records;
        let labels = dataset.targets.to_vec();
        let weights = (!dataset.weights.is_empty()).then(|| dataset.weights.to_vec());
        check(records, &labels, weights.as_deref())?;
        let mut objective = objective::State::new(self, records, &labels, weights.as_deref());
        let mut grower = grow::Grower::new(self, records);
        let base = objective.base();
        let mut scores = vec![base; records.rows()];
        let mut trees = Vec::with_capacity(self.trees);
        for number in 0..self.trees {
            objective.gradients(&scores);
            trees.push(grower.tree(number, &objective.quantised, &mut scores));
        }
        Ok(Forest { base, trees })
    }
}

fn check(records: &Binned, labels: &[bool], weights: Option<&[f32]>) -> Result<(), BoostError> {
    let rows = records.rows();
    if rows > objective::ROWS_MAX {
        return Err(BoostError::TooManyRows { rows, allowed: objective::ROWS_MAX });
    }
    if labels.len() != rows {
        return Err(BoostError::Length { what: "labels", found: labels.len(), expected: rows });
    }
    if let Some(weights) = weights {
        if weights.len() != rows {
            return Err(BoostError::Length { what: "weights", found: weights.len(), expected: rows });
        }
        if let Some(row) = weights.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0)) {
            return Err(BoostError::BadWeight { row, weight: weights[row] });
        }
    }
    let taken = labels.iter().filter(|label| **label).count();
    if taken == 0 || taken == rows {
        return Err(BoostError::OneLabel { rows, taken });
    }
    Ok(())
}

/// 64 bits of a choice under `seed`: its kind, its round and its subject, each stirred in by splitmix64's finaliser
/// (Steele, Lea and Flood, 2014).
fn choice(seed: u64, kind: u64, round: usize, subject: usize) -> u64 {
    [kind, round as u64, subject as u64].into_iter().fold(stir(seed), |state, part| stir(state ^ part))
}

fn stir(value: u64) -> u64 {
    let mut x = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
