//! The learned blend: each feature's value falls into a bin, each bin has integer points, a score is their sum.

use crate::bins::{bin_of, of_each};
use crate::features::{FEATURES, Feature};
use alloc::vec;
use alloc::vec::Vec;
use unisono_message::list::Listed;
use unisono_message::{Explanation, Part};

/// One feature's look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The feature.
    pub feature: Feature,
    /// Rising; bin `b` holds the values from `edges[b - 1]` to below `edges[b]`.
    pub edges: Vec<i64>,
    /// One more than edges; in 2^-scale_bits.
    pub points: Vec<i64>,
}

impl Table {
    /// The points of the bin that `value` falls into.
    #[inline]
    pub fn points_of(&self, value: i64) -> i64 {
        self.points.get(usize::from(bin_of(&self.edges, value))).copied().unwrap_or(0)
    }
}

/// An additive model: base plus one look-up per feature, summed exactly in integers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blend {
    /// What every score starts from.
    pub base: i64,
    /// At most one table a feature; [`crate::Model::load`] checks it.
    pub tables: Vec<Table>,
}

impl Blend {
    /// The scores of candidates' features, in 2^-scale_bits.
    pub(crate) fn scores(&self, all: &[[i64; FEATURES]]) -> Vec<i64> {
        let mut scores = vec![self.base; all.len()];
        for table in &self.tables {
            let values = all.iter().map(|values| table.feature.of(values));
            let points = |bin: u8| table.points.get(usize::from(bin)).copied().unwrap_or(0);
            scores.iter_mut().zip(of_each(&table.edges, values, points)).for_each(|(score, points)| *score += points);
        }
        scores
    }

    /// What some features add beyond what they would add to an item that nothing is known of.
    pub fn gain(&self, values: &[i64; FEATURES], nothing: &[i64; FEATURES], counts: impl Fn(Feature) -> bool) -> i64 {
        let points =
            |table: &Table| table.points_of(table.feature.of(values)) - table.points_of(table.feature.of(nothing));
        self.tables.iter().filter(|table| counts(table.feature)).map(points).sum()
    }

    /// The same sum, part by part; parts of 0 are left out.
    pub fn explain(&self, values: &[i64; FEATURES]) -> Explanation<'static> {
        let part = |table: &Table| {
            let value = table.feature.of(values);
            Part { feature: table.feature.as_str(), value, points: table.points_of(value) }
        };
        let parts = self.tables.iter().map(part).filter(|part| part.points != 0).listed();
        Explanation { base: self.base, parts }
    }
}

/// A monotone piecewise-linear map from score to probability, and others in its place for longer histories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calibration {
    /// Rising, in 2^-scale_bits.
    pub scores: Vec<i64>,
    /// Not falling, in 2^-30, as many as scores.
    pub probabilities: Vec<i64>,
    /// Fewest purchase days of a history for one of `longer`; else 0.
    pub visits_min: u32,
    /// Rising by `visits_min`, each without any of its own.
    pub longer: Vec<Calibration>,
}

impl Calibration {
    /// The probability of a score for a history of so many purchase days, in 2^-30; constant beyond the first and last knot.
    pub fn probability(&self, score: i64, visits: u32) -> i64 {
        let map = self.longer.iter().rfind(|map| map.visits_min <= visits).unwrap_or(self);
        let after = map.scores.partition_point(|knot| *knot <= score);
        let knot = |at: usize| Some((*map.scores.get(at)?, *map.probabilities.get(at)?));
        match (after.checked_sub(1).and_then(knot), knot(after)) {
            (Some((s0, p0)), Some((s1, p1))) => {
                // Multiplication and division of f64 are exact to the last bit in every runtime.
                let share = (score - s0) as f64 / (s1 - s0) as f64;
                p0 + libm::rint((p1 - p0) as f64 * share) as i64
            }
            (Some((_, only)), None) | (None, Some((_, only))) => only,
            (None, None) => 0,
        }
    }
}
