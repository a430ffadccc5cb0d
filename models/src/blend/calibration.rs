//! Calibration: a monotone map from score to probability, by linfa's isotonic regression on cases the blend never saw.

use crate::error::{Error, Result};
use linfa::traits::{Fit, Predict};
use linfa::{Dataset, DatasetBase};
use linfa_linear::IsotonicRegression;
use ndarray::{Array1, Array2};
use unisono_core::blend::Calibration;

/// Probabilities are in 2^-30.
const ONE: f64 = (1u64 << 30) as f64;
/// Groups of equal count that the regression reads.
const GROUPS: usize = 1_024;
/// Knots of the map.
const KNOTS: usize = 32;
const _: () = assert!(KNOTS <= unisono_message::limits::MODEL_KNOTS_MAX);

/// The map fitted on (score, taken) pairs in any order; empty where nothing was taken.
///
/// # Errors
/// `fit_failed` when the regression fails.
pub(crate) fn fit(mut pairs: Vec<(i64, bool)>) -> Result<Calibration> {
    if !pairs.iter().any(|pair| pair.1) {
        return Ok(Calibration::default());
    }
    pairs.sort_unstable();
    let groups = groups(&pairs);
    let scores = Array2::from_shape_fn((groups.len(), 1), |(row, _)| groups[row].score as f64);
    let shares = Array1::from_iter(groups.iter().map(|group| group.taken as f64 / group.count as f64));
    let weights = Array1::from_iter(groups.iter().map(|group| group.count as f32));
    let dataset: Dataset<f64, f64, _> = DatasetBase::new(scores.clone(), shares).with_weights(weights);
    let failed =
        |error: linfa_linear::LinearError<f64>| Error::FitFailed { step: "calibration", reason: error.to_string() };
    let fitted = IsotonicRegression::new().fit(&dataset).map_err(failed)?;
    let fitted: Array1<f64> = fitted.predict(&scores);
    let curve: Vec<(i64, i64)> = groups
        .iter()
        .zip(&fitted)
        .map(|(group, share)| (group.score, (share.clamp(0.0, 1.0) * ONE).round() as i64))
        .collect();
    let knots = thin(&curve, KNOTS);
    Ok(Calibration {
        scores: knots.iter().map(|knot| knot.0).collect(),
        probabilities: knots.iter().map(|knot| knot.1).collect(),
    })
}

/// Pairs of nearly equal score.
struct Group {
    /// Mean score, rounded.
    score: i64,
    taken: u64,
    count: u64,
}

/// Groups of equal count, finer at the top, where the answers lie; strictly rising scores.
fn groups(sorted: &[(i64, bool)]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut start = 0;
    while start < sorted.len() {
        let left = sorted.len() - start;
        let size = (sorted.len() / GROUPS).min(left / 16).max(50);
        let mut end = (start + size).min(sorted.len());
        // Equal scores are one group.
        while end < sorted.len() && sorted[end].0 == sorted[end - 1].0 {
            end += 1;
        }
        let slice = &sorted[start..end];
        let sum: i128 = slice.iter().map(|pair| i128::from(pair.0)).sum();
        let taken = slice.iter().filter(|pair| pair.1).count() as u64;
        let score = sum.div_euclid(slice.len() as i128) as i64;
        match groups.last_mut() {
            Some(last) if last.score >= score => {
                last.taken += taken;
                last.count += slice.len() as u64;
            }
            _ => groups.push(Group { score, taken, count: slice.len() as u64 }),
        }
        start = end;
    }
    groups
}

/// At most `knots` points of a rising curve: the ends, then again and again the point farthest from the line through its
/// neighbours among those kept, measured against the larger of the probability and a thousandth.
fn thin(curve: &[(i64, i64)], knots: usize) -> Vec<(i64, i64)> {
    if curve.len() <= 2 {
        return curve.to_vec();
    }
    let mut kept = vec![0, curve.len() - 1];
    while kept.len() < knots {
        let farthest = kept.windows(2).flat_map(|pair| (pair[0] + 1..pair[1]).map(move |at| (pair[0], at, pair[1])));
        let error = |(from, at, to): (usize, usize, usize)| {
            let ((x0, y0), (x, y), (x1, y1)) = (curve[from], curve[at], curve[to]);
            let line = y0 as f64 + (y1 - y0) as f64 * (x - x0) as f64 / (x1 - x0) as f64;
            (y as f64 - line).abs() / (y as f64).max(ONE / 1_000.0)
        };
        let best = farthest.map(|place| (error(place), place.1)).max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        match best {
            Some((error, at)) if error > 1e-4 => {
                kept.push(at);
                kept.sort_unstable();
            }
            _ => break,
        }
    }
    kept.into_iter().map(|at| curve[at]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_rises_and_meets_the_true_rate() {
        // Taken with the chance score / 1000, by a fixed pattern.
        let pairs = (0..200_000i64).map(|i| (i % 1000, (i / 1000 * 5 + i * 7) % 1000 < i % 1000)).collect();
        let map = fit(pairs).unwrap();
        assert!(map.scores.len() <= KNOTS && map.scores.is_sorted_by(|a, b| a < b) && map.probabilities.is_sorted());
        for score in [100, 300, 500, 900] {
            let found = map.probability(score) as f64 / ONE;
            assert!((found - score as f64 / 1000.0).abs() < 0.05, "{score}: {found}");
        }
    }

    #[test]
    fn nothing_taken_gives_no_map() {
        assert_eq!(fit(vec![(1, false), (2, false)]).unwrap(), Calibration::default());
    }
}
