//! Calibration: how far the predicted chances are from what happened.

use super::bootstrap::below;
use serde::Serialize;

/// Bins of the calibration error, as in the evaluation kit.
pub const BINS: usize = 10;

/// One prediction about one recommended item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// The predicted chance, 0 to 1.
    pub chance: f64,
    /// Whether it happened.
    pub happened: bool,
    /// Number of the profile.
    pub profile: usize,
}

/// One bin of the curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bin {
    /// Predictions in the bin.
    pub count: u64,
    /// Mean predicted chance.
    pub predicted: f64,
    /// Share that happened.
    pub observed: f64,
}

/// Predictions in rising order, equal ones in the order given.
pub fn in_order(mut predictions: Vec<Prediction>) -> Vec<Prediction> {
    predictions.sort_by(|a, b| a.chance.total_cmp(&b.chance));
    predictions
}

/// The curve of ordered predictions: `bins` bins of equal count, the first ones one longer where they do not divide evenly.
/// `times` says how often each profile counts.
pub fn curve(ordered: &[Prediction], bins: usize, times: impl Fn(usize) -> u32) -> Vec<Bin> {
    let total: u64 = ordered.iter().map(|one| u64::from(times(one.profile))).sum();
    let size = |bin: usize| total / bins as u64 + u64::from((bin as u64) < total % bins as u64);
    let mut curve = Vec::with_capacity(bins);
    let (mut chances, mut happened, mut count) = (0.0, 0.0, 0);
    for one in ordered {
        let mut left = u64::from(times(one.profile));
        while left > 0 {
            let room = size(curve.len()) - count;
            let taken = left.min(room);
            chances += taken as f64 * one.chance;
            happened += taken as f64 * f64::from(u8::from(one.happened));
            (count, left) = (count + taken, left - taken);
            if count == size(curve.len()) {
                let n = count as f64;
                curve.push(Bin { count, predicted: chances / n, observed: happened / n });
                (chances, happened, count) = (0.0, 0.0, 0);
            }
        }
    }
    curve
}

/// Expected calibration error: the mean over bins of equal count of |mean prediction - share that happened| (Naeini, Cooper
/// and Hauskrecht, 2015, with the equal-count bins of `metrics.py`'s `ece`). None without predictions.
pub fn ece(curve: &[Bin]) -> Option<f64> {
    let gaps: f64 = curve.iter().map(|bin| (bin.predicted - bin.observed).abs()).sum();
    (!curve.is_empty()).then(|| gaps / curve.len() as f64)
}

/// Redraws behind [`by_chance`].
const REDRAWS: usize = 100;

/// The mean error of ordered predictions if what happened were drawn, each time anew, with the chances predicted: what an error
/// shows of few cases alone (consistency resampling, Bröcker and Smith, 2007). Items of a case are drawn apart, so that it is
/// rather too low.
pub fn by_chance(ordered: &[Prediction], seed: u64) -> Option<f64> {
    let mut state = seed;
    let mut drawn = ordered.to_vec();
    let mut sum = 0.0;
    for _ in 0..REDRAWS {
        for one in &mut drawn {
            one.happened = (below(&mut state, 1 << 30) as f64) < one.chance * f64::from(1 << 30);
        }
        sum += ece(&curve(&drawn, BINS, |_| 1))?;
    }
    Some(sum / REDRAWS as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(pairs: &[(f64, bool)]) -> Vec<Prediction> {
        let one = |(chance, happened): &(f64, bool)| Prediction { chance: *chance, happened: *happened, profile: 0 };
        in_order(pairs.iter().map(one).collect())
    }

    #[test]
    fn the_error_equals_the_value_worked_out_by_hand() {
        // Two bins: predictions .1 .3 against 0 1 -> |.2 - .5|; .6 .8 against 1 1 -> |.7 - 1|.
        let all = ordered(&[(0.8, true), (0.1, false), (0.6, true), (0.3, true)]);
        assert!((ece(&curve(&all, 2, |_| 1)).unwrap() - 0.3).abs() < 1e-12);
        // Five in two bins: three and two, as numpy's array_split has them.
        let all = ordered(&[(0.1, false), (0.2, false), (0.3, true), (0.4, true), (0.5, true)]);
        assert_eq!(curve(&all, 2, |_| 1).iter().map(|bin| bin.count).collect::<Vec<_>>(), [3, 2]);
    }

    #[test]
    fn counting_a_profile_twice_is_the_same_as_its_rows_twice() {
        let once = ordered(&[(0.1, false), (0.3, true), (0.6, true)]);
        let twice: Vec<Prediction> = once.iter().flat_map(|one| [*one, *one]).collect();
        assert_eq!(curve(&once, 4, |_| 2), curve(&twice, 4, |_| 1));
        assert_eq!(ece(&curve(&[], 10, |_| 1)), None);
    }

    #[test]
    fn by_chance_the_error_falls_with_the_root_of_the_cases() {
        let of = |count: usize| by_chance(&ordered(&vec![(0.5, true); count]), 7).unwrap();
        // Bins of a hundred coins: the mean absolute deviation of a share is .5 x sqrt(2 / (pi x 100)) = .0399.
        assert!((of(1_000) - 0.0399).abs() < 0.004, "{}", of(1_000));
        assert!((of(4_000) - 0.0199).abs() < 0.002, "{}", of(4_000));
        assert_eq!(by_chance(&[], 7), None);
    }
}
