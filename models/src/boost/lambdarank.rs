//! LambdaRank: how far the pairs of a case pull its rows apart.

use super::objective::Slope;

/// Scores lower than the case's best by more than this are ranked, but pull no harder: exp stays above zero.
const BEHIND_MAX: f64 = 600.0;

/// Discounts and ideals of NDCG, by rank from 0.
pub(crate) struct Tables {
    /// 1 / log2(rank + 2)
    discounts: Vec<f64>,
    /// The DCG of so many taken rows ranked first, cut at the truncation.
    ideals: Vec<f64>,
    truncation: usize,
}

impl Tables {
    /// Tables for cases of up to `longest` rows.
    pub(crate) fn new(longest: usize, truncation: usize) -> Tables {
        let discounts: Vec<f64> = (0..longest).map(|rank| 1.0 / libm::log2(rank as f64 + 2.0)).collect();
        let mut ideals = vec![0.0];
        for (rank, discount) in discounts.iter().enumerate() {
            ideals.push(ideals[rank] + if rank < truncation { *discount } else { 0.0 });
        }
        Tables { discounts, ideals, truncation }
    }
}

/// One case, best first; kept from case to case only to spare allocations.
#[derive(Default)]
pub(crate) struct Space {
    /// Rows of the case by falling score, equal scores in their own order.
    order: Vec<u32>,
    /// By rank: score, exp(score - best), slope.
    scores: Vec<f64>,
    exps: Vec<f64>,
    slopes: Vec<Slope>,
    /// Ranks of the rows that were taken, and of those that were not.
    taken: Vec<u32>,
    left: Vec<u32>,
}

/// LambdaRank for one case of rows (scores, labels, out), as LightGBM computes it with `lambdarank_norm` and sigma 1:
/// every pair of a taken and a left row, one of them within the truncation, pulls its rows apart by
/// |delta NDCG| / (0.01 + |delta score|) times the logistic function of the score that the wrong one is ahead
/// (Burges, "From RankNet to LambdaRank to LambdaMART", 2010); then the case is scaled by log2(1 + sum) / sum.
pub(crate) fn lambdarank(scores: &[f64], labels: &[bool], tables: &Tables, space: &mut Space, out: &mut [Slope]) {
    out.fill(Slope::default());
    let taken = labels.iter().filter(|label| **label).count();
    if taken == 0 || taken == labels.len() {
        return;
    }
    space.rank(scores, labels);
    let Space { order, scores, exps, slopes, taken, left } = space;
    let count = order.len();
    let apart = scores[0] != scores[count - 1];
    let scale = 1.0 / tables.ideals[taken.len()];
    let mut pulled = 0.0;
    for rank in 0..tables.truncation.min(count - 1) {
        let is_taken = labels[order[rank] as usize];
        let others = if is_taken { &*left } else { &*taken };
        let below = &others[others.partition_point(|other| *other as usize <= rank)..];
        let sign = if is_taken { -1.0 } else { 1.0 };
        let (score, exp, discount) = (scores[rank], exps[rank], tables.discounts[rank]);
        let mut own = Slope::default();
        for other in below.iter().map(|other| *other as usize) {
            let mut weight = (discount - tables.discounts[other]) * scale;
            if apart {
                weight /= 0.01 + (score - scores[other]);
            }
            // exp(low) / (exp(low) + exp(high)) is the logistic function of low - high.
            let wrong = (if is_taken { exps[other] } else { exp }) / (exp + exps[other]);
            let (gradient, hessian) = (weight * wrong, weight * wrong * (1.0 - wrong));
            own.gradient += sign * gradient;
            own.hessian += hessian;
            slopes[other].gradient -= sign * gradient;
            slopes[other].hessian += hessian;
            pulled += 2.0 * gradient;
        }
        slopes[rank].gradient += own.gradient;
        slopes[rank].hessian += own.hessian;
    }
    let scale = if pulled > 0.0 { libm::log2(1.0 + pulled) / pulled } else { 1.0 };
    for (row, slope) in order.iter().zip(slopes.iter()) {
        out[*row as usize] = Slope { gradient: slope.gradient * scale, hessian: slope.hessian * scale };
    }
}

impl Space {
    fn rank(&mut self, scores: &[f64], labels: &[bool]) {
        self.order.clear();
        self.order.extend(0..scores.len() as u32);
        self.order.sort_by(|a, b| scores[*b as usize].total_cmp(&scores[*a as usize]));
        let best = scores[self.order[0] as usize];
        self.scores.clear();
        self.scores.extend(self.order.iter().map(|row| scores[*row as usize]));
        self.exps.clear();
        self.exps.extend(self.scores.iter().map(|score| libm::exp((score - best).max(-BEHIND_MAX))));
        self.slopes.clear();
        self.slopes.resize(scores.len(), Slope::default());
        self.taken.clear();
        self.left.clear();
        for (rank, row) in self.order.iter().enumerate() {
            if labels[*row as usize] { self.taken.push(rank as u32) } else { self.left.push(rank as u32) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// LambdaRank by its definition: ranks and NDCG are computed afresh for every pair.
    fn naive_lambdarank(scores: &[f64], labels: &[bool], truncation: usize) -> Vec<Slope> {
        let rank = |row: usize| {
            let before =
                |other: &usize| scores[*other] > scores[row] || (scores[*other] == scores[row] && *other < row);
            (0..scores.len()).filter(before).count()
        };
        let discount = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
        let taken = labels.iter().filter(|label| **label).count();
        let ideal: f64 = (0..taken.min(truncation)).map(discount).sum();
        let apart = scores.iter().any(|score| *score != scores[0]);
        let mut slopes = vec![Slope::default(); scores.len()];
        let mut pulled = 0.0;
        for high in (0..scores.len()).filter(|row| labels[*row]) {
            for low in (0..scores.len()).filter(|row| !labels[*row]) {
                if rank(high).min(rank(low)) >= truncation {
                    continue;
                }
                let ahead = scores[high] - scores[low];
                let mut weight = (discount(rank(high)) - discount(rank(low))).abs() / ideal;
                if apart {
                    weight /= 0.01 + ahead.abs();
                }
                let wrong = 1.0 / (1.0 + ahead.exp());
                slopes[high].gradient -= weight * wrong;
                slopes[low].gradient += weight * wrong;
                slopes[high].hessian += weight * wrong * (1.0 - wrong);
                slopes[low].hessian += weight * wrong * (1.0 - wrong);
                pulled += 2.0 * weight * wrong;
            }
        }
        let scale = if pulled > 0.0 { (1.0 + pulled).log2() / pulled } else { 1.0 };
        slopes.iter().map(|slope| Slope { gradient: slope.gradient * scale, hessian: slope.hessian * scale }).collect()
    }

    #[test]
    fn two_rows_in_the_wrong_order_pull_as_computed_by_hand() {
        let mut slopes = [Slope::default(); 2];
        // Scores 1 (left) and 0 (taken): delta NDCG = 1 - 1/log2(3) = 0.36907, over 1.01, times 1 / (1 + e^-1) = 0.73106.
        lambdarank(&[1.0, 0.0], &[false, true], &Tables::new(2, 30), &mut Space::default(), &mut slopes);
        // 0.26714; the case is scaled by log2(1 + 0.53428) / 0.53428 = 1.15591.
        assert!((slopes[0].gradient - 0.30879).abs() < 1e-4, "{slopes:?}");
        assert_eq!(slopes[0].gradient, -slopes[1].gradient);
        assert!((slopes[0].hessian - 0.30879 * 0.26894).abs() < 1e-4);
    }

    proptest! {
        #[test]
        fn lambdas_sum_to_zero_and_equal_a_double_loop(
            rows in prop::collection::vec((-8i32..8, any::<bool>()), 1..40),
            truncation in 1usize..45,
        ) {
            // Steps of a quarter, so that scores tie often.
            let scores: Vec<f64> = rows.iter().map(|row| f64::from(row.0) / 4.0).collect();
            let labels: Vec<bool> = rows.iter().map(|row| row.1).collect();
            let mut slopes = vec![Slope::default(); rows.len()];
            lambdarank(&scores, &labels, &Tables::new(rows.len(), truncation), &mut Space::default(), &mut slopes);
            let naive = naive_lambdarank(&scores, &labels, truncation);
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-11 * (1.0 + a.abs());
            for (fast, slow) in slopes.iter().zip(&naive) {
                prop_assert!(close(fast.gradient, slow.gradient) && close(fast.hessian, slow.hessian), "{fast:?} {slow:?}");
                prop_assert!(fast.hessian >= 0.0);
            }
            prop_assert!(slopes.iter().map(|slope| slope.gradient).sum::<f64>().abs() < 1e-11);
        }
    }
}
