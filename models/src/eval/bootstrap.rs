//! Intervals by the bootstrap over profiles: whole profiles are drawn with replacement, every case of a drawn one counting
//! (Efron and Tibshirani, 1993, chapters 8 and 13; the percentile interval of `metrics.py`'s `paired`).

use serde::Serialize;

/// Draws of a bootstrap, as in the evaluation kit.
pub const DRAWS: usize = 2_000;

/// A mean with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figure {
    /// The mean over the cases.
    pub value: f64,
    /// 2.5 % quantile over the draws.
    pub low: f64,
    /// 97.5 % quantile over the draws.
    pub high: f64,
    /// Cases that have a value.
    pub cases: usize,
}

/// What is drawn: how often each profile stands in each draw. One set of draws serves every metric and answerer, so that
/// differences are paired.
#[derive(Debug)]
pub struct Draws {
    /// Number of the profile of each case.
    group: Vec<usize>,
    /// Draw by draw, how often each profile was drawn.
    times: Vec<Vec<u32>>,
}

impl Draws {
    /// `draws` draws of the profiles of `cases` (a name per case), the same for the same seed and the same set of names.
    pub fn new(profiles: &[&str], draws: usize, seed: u64) -> Self {
        let mut names = profiles.to_vec();
        names.sort_unstable();
        names.dedup();
        let number = |name: &&str| names.partition_point(|other| other < name);
        let group = profiles.iter().map(number).collect();
        let mut state = seed;
        let times = (0..draws).map(|_| {
            let mut times = vec![0; names.len()];
            (0..names.len()).for_each(|_| times[below(&mut state, names.len())] += 1);
            times
        });
        Draws { group, times: times.collect() }
    }

    /// Number of the profile of each case.
    pub fn groups(&self) -> &[usize] {
        &self.group
    }

    /// The mean of one value per case and its interval; cases without a value (NaN) do not count. None where no case has one.
    pub fn figure(&self, values: &[f64]) -> Option<Figure> {
        let profiles = self.times.first().map_or(0, Vec::len);
        let (mut sums, mut counts) = (vec![0.0; profiles], vec![0u32; profiles]);
        let (mut sum, mut cases) = (0.0, 0);
        for (value, group) in values.iter().zip(&self.group).filter(|(value, _)| !value.is_nan()) {
            (sums[*group], counts[*group]) = (sums[*group] + value, counts[*group] + 1);
            (sum, cases) = (sum + value, cases + 1);
        }
        let mean = |times: &Vec<u32>| {
            let of = |sum: f64, group: usize| sum + f64::from(times[group]) * sums[group];
            let count: u32 = times.iter().zip(&counts).map(|(times, count)| times * count).sum();
            (count > 0).then(|| (0..profiles).fold(0.0, of) / f64::from(count))
        };
        self.interval(mean).filter(|_| cases > 0).map(|(low, high)| Figure {
            value: sum / cases as f64,
            low,
            high,
            cases,
        })
    }

    /// 2.5 % and 97.5 % quantiles of a statistic over the draws; draws without a value are left out.
    pub fn interval(&self, statistic: impl Fn(&Vec<u32>) -> Option<f64>) -> Option<(f64, f64)> {
        let mut values: Vec<f64> = self.times.iter().filter_map(statistic).collect();
        values.sort_unstable_by(f64::total_cmp);
        Some((quantile(&values, 0.025)?, quantile(&values, 0.975)?))
    }
}

/// The quantile of sorted values, linear between neighbours, as numpy has it.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let (low, part) = (sorted[place as usize], place.fract());
    let high = sorted.get(place as usize + 1).copied().unwrap_or(low);
    Some(low + (high - low) * part)
}

/// A number below `count`: splitmix64 and the high half of the product (Lemire, 2019; its bias below 2^-40 shows nowhere).
pub(super) fn below(state: &mut u64, count: usize) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut x = *state;
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^= x >> 31;
    ((u128::from(x) * count as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_drawn_whole_and_their_cases_counted() {
        // Groups {1, 3} and {5}: the mean of the cases is 3; draws give 2, 3 or 5.
        let figure = Draws::new(&["a", "a", "b"], DRAWS, 7).figure(&[1.0, 3.0, 5.0]).unwrap();
        assert_eq!(figure, Figure { value: 3.0, low: 2.0, high: 5.0, cases: 3 });
    }

    #[test]
    fn the_seed_decides_and_nothing_else() {
        let names: Vec<String> = (0..50).map(|n| format!("p{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let values: Vec<f64> = (0..50).map(|n| f64::from(n % 7)).collect();
        let figure = |seed| Draws::new(&names, 500, seed).figure(&values);
        assert_eq!(figure(7), figure(7));
        assert_ne!(figure(7), figure(8));
    }

    #[test]
    fn a_case_without_a_value_does_not_count() {
        let draws = Draws::new(&["a", "b"], 100, 7);
        assert_eq!(draws.figure(&[f64::NAN, 2.0]).map(|figure| (figure.value, figure.cases)), Some((2.0, 1)));
        assert_eq!(draws.figure(&[f64::NAN, f64::NAN]), None);
    }
}
