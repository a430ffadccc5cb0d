//! Calibration: monotone maps from score to probability, by isotonic regression on cases the blend never saw. Each band of
//! history lengths has its own, because trees that rank within a case give a newcomer's best item and a regular's tenth one score.
//!
//! linfa's own isotonic regression (linfa-linear 0.8.1) is not used: where a block falls below the one before it, its loop
//! compares with the block that it has just merged instead of the next one, and so pools everything down to the lowest score. On Complete
//! Journey that gave three quarters of all recommended items one probability.

use unisono_core::blend::Calibration;

/// Probabilities are in 2^-30.
const ONE: f64 = (1u64 << 30) as f64;
/// Groups of equal count that the regression reads.
const GROUPS: usize = 1_024;
/// Knots of the map.
const KNOTS: usize = 32;
const _: () = assert!(KNOTS <= unisono_message::limits::MODEL_KNOTS_MAX);

/// First purchase days of the bands of history lengths, as far as cases suffice.
const BANDS: [u32; 7] = [0, 1, 2, 4, 10, 20, 40];
const _: () = assert!(BANDS.len() <= unisono_message::limits::MODEL_BANDS_MAX);
/// Fewest cases, and fewest taken items, that a band's map rests on.
const BAND_CASES_MIN: usize = 200;
const BAND_TAKEN_MIN: usize = 200;

/// The maps fitted on cases in any order: purchase days, and (score, taken) pairs. A band that is too thin is one with the
/// next longer, the last with the one before. Empty where nothing was taken.
pub(crate) fn fit<'c>(cases: impl Iterator<Item = (u32, &'c [(i64, bool)])>) -> Calibration {
    let mut bands: Vec<Band> = BANDS.iter().map(|first| Band { first: *first, ..Band::default() }).collect();
    for (visits, pairs) in cases {
        let band = BANDS.partition_point(|first| *first <= visits) - 1;
        bands[band].cases += 1;
        bands[band].pairs.extend(pairs);
    }
    let mut thick: Vec<Band> = Vec::new();
    for band in bands {
        match thick.last_mut() {
            Some(last) if last.is_thin() => last.take_in(band),
            _ => thick.push(band),
        }
    }
    if let Some(last) = thick.pop_if(|last| last.is_thin()) {
        match thick.last_mut() {
            Some(before) => before.take_in(last),
            None => thick.push(last),
        }
    }
    let mut maps = thick.into_iter().map(|band| Calibration { visits_min: band.first, ..map(band.pairs) });
    let first = maps.next().unwrap_or_default();
    Calibration { longer: maps.collect(), ..first }
}

/// The cases of some lengths of history.
#[derive(Default)]
struct Band {
    /// Fewest purchase days.
    first: u32,
    cases: usize,
    pairs: Vec<(i64, bool)>,
}

impl Band {
    fn is_thin(&self) -> bool {
        self.cases < BAND_CASES_MIN || self.pairs.iter().filter(|pair| pair.1).count() < BAND_TAKEN_MIN
    }

    fn take_in(&mut self, longer: Band) {
        self.cases += longer.cases;
        self.pairs.extend(longer.pairs);
    }
}

/// The map fitted on (score, taken) pairs in any order; empty where nothing was taken.
fn map(mut pairs: Vec<(i64, bool)>) -> Calibration {
    if !pairs.iter().any(|pair| pair.1) {
        return Calibration::default();
    }
    pairs.sort_unstable();
    let point = |block: &Group| (block.mean(), (block.taken as f64 / block.count as f64 * ONE).round() as i64);
    let curve: Vec<(i64, i64)> = pooled(groups(&pairs)).iter().map(point).collect();
    let knots = thin(&curve, KNOTS);
    Calibration {
        scores: knots.iter().map(|knot| knot.0).collect(),
        probabilities: knots.iter().map(|knot| knot.1).collect(),
        ..Calibration::default()
    }
}

/// Pairs of nearly equal score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Group {
    /// Sum of the scores.
    score: i128,
    taken: u64,
    count: u64,
}

impl Group {
    /// Mean score, rounded down.
    fn mean(&self) -> i64 {
        self.score.div_euclid(i128::from(self.count)) as i64
    }

    fn with(self, other: Group) -> Group {
        let (score, taken, count) = (self.score + other.score, self.taken + other.taken, self.count + other.count);
        Group { score, taken, count }
    }

    /// Whether the share taken is less than another's.
    fn less_than(&self, other: &Group) -> bool {
        u128::from(self.taken) * u128::from(other.count) < u128::from(other.taken) * u128::from(self.count)
    }
}

/// Blocks whose shares rise: pool adjacent violators (Ayer and others, 1955; Best and Chakravarti, 1990), in whole numbers.
fn pooled(groups: Vec<Group>) -> Vec<Group> {
    let mut blocks: Vec<Group> = Vec::new();
    for group in groups {
        let mut block = group;
        while let Some(last) = blocks.pop_if(|last| !last.less_than(&block)) {
            block = last.with(block);
        }
        blocks.push(block);
    }
    blocks
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
        let score = slice.iter().map(|pair| i128::from(pair.0)).sum();
        let taken = slice.iter().filter(|pair| pair.1).count() as u64;
        let group = Group { score, taken, count: slice.len() as u64 };
        match groups.last_mut() {
            Some(last) if last.mean() >= group.mean() => *last = last.with(group),
            _ => groups.push(group),
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
        let map = map(pairs);
        assert!(map.scores.len() <= KNOTS && map.scores.is_sorted_by(|a, b| a < b) && map.probabilities.is_sorted());
        for score in [100, 300, 500, 900] {
            let found = map.probability(score, 0) as f64 / ONE;
            assert!((found - score as f64 / 1000.0).abs() < 0.05, "{score}: {found}");
        }
    }

    #[test]
    fn a_block_takes_in_those_above_it_and_no_other() {
        let group = |score: i128, taken: u64| Group { score: score * 10, taken, count: 10 };
        let found = pooled(
            [(0, 0), (1, 1), (2, 5), (3, 7), (4, 3), (5, 9), (6, 9)].map(|(score, taken)| group(score, taken)).into(),
        );
        let wanted = [(0, 0, 10), (10, 1, 10), (90, 15, 30), (110, 18, 20)];
        assert_eq!(found, wanted.map(|(score, taken, count)| Group { score, taken, count }));
    }

    /// Of every set of rising shares the pooled one has the least squared error (Barlow and others, 1972): each share is the
    /// greatest, over what begins at or before it, of the least mean up to what ends at or after it.
    #[test]
    fn pooled_shares_are_those_of_the_min_max_formula() {
        let mut state = 7u64;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for _ in 0..200 {
            let groups: Vec<Group> = (0..1 + next(12) as i128)
                .map(|score| {
                    let count = 1 + next(9);
                    Group { score: score * i128::from(count), taken: next(count + 1), count }
                })
                .collect();
            let mean = |from: usize, to: usize| {
                let of = |f: fn(&Group) -> u64| groups[from..=to].iter().map(f).sum::<u64>() as f64;
                of(|group| group.taken) / of(|group| group.count)
            };
            let wanted = (0..groups.len()).map(|at| {
                let least = |from: usize| (at..groups.len()).map(|to| mean(from, to)).fold(f64::INFINITY, f64::min);
                (0..=at).map(least).fold(0.0, f64::max)
            });
            let wanted: Vec<f64> = wanted.collect();
            let mut at = 0;
            for block in pooled(groups.clone()) {
                let mut left = block.count;
                while left > 0 {
                    assert!((wanted[at] - block.taken as f64 / block.count as f64).abs() < 1e-12, "{groups:?}");
                    (left, at) = (left - groups[at].count, at + 1);
                }
            }
            assert_eq!(at, groups.len());
        }
    }

    /// Cases of so many purchase days, of whose ten items the best ones are taken.
    fn taking(cases: usize, visits: u32, taken: usize) -> Vec<(u32, Vec<(i64, bool)>)> {
        vec![(visits, (0..10).rev().map(|score| (score as i64, score >= 10 - taken)).collect()); cases]
    }

    #[test]
    fn a_band_has_its_own_map_where_its_cases_suffice() {
        let cases =
            [taking(300, 0, 1), taking(199, 1, 2), taking(250, 5, 3), taking(400, 12, 4), taking(20, 90, 5)].concat();
        let found = fit(cases.iter().map(|case| (case.0, &case.1[..])));
        assert_eq!(found.longer.iter().map(|map| map.visits_min).collect::<Vec<_>>(), [1, 10]);
        assert_eq!(
            found,
            fit(cases.iter().rev().map(|case| (case.0, &case.1[..]))),
            "the order of cases leaves no trace"
        );
        let chance = |score, visits| found.probability(score, visits) as f64 / ONE;
        assert!(chance(4, 0) == 0.0 && chance(4, 10) > 0.0);
        assert!((chance(7, 3) - 250.0 / 449.0).abs() < 1e-6, "one day and five are one band: {}", chance(7, 3));
    }

    #[test]
    fn few_cases_have_one_map() {
        let cases = [taking(30, 0, 1), taking(30, 90, 2)].concat();
        let found = fit(cases.iter().map(|case| (case.0, &case.1[..])));
        assert!(found.longer.is_empty() && found.visits_min == 0 && !found.scores.is_empty());
        assert_eq!(fit(std::iter::empty()), Calibration::default());
    }

    #[test]
    fn nothing_taken_gives_no_map() {
        assert_eq!(map(vec![(1, false), (2, false)]), Calibration::default());
    }
}
