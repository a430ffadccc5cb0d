//! Histograms: exact sums of derivatives by bin, and the best split that they show.

use super::BoostValidParams;
use super::objective::{Quantised, Steps};

/// Sums over rows, in steps; exact, so that they may be added and subtracted in any order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) gradient: i64,
    pub(crate) hessian: i64,
    pub(crate) rows: i64,
}

impl Sums {
    pub(crate) fn of(steps: impl Iterator<Item = Steps>) -> Sums {
        steps.fold(Sums::default(), |mut sums, steps| {
            sums.add(steps);
            sums
        })
    }

    fn add(&mut self, steps: Steps) {
        self.gradient += i64::from(steps.gradient);
        self.hessian += i64::from(steps.hessian);
        self.rows += 1;
    }

    pub(crate) fn plus(self, other: Sums) -> Sums {
        Sums {
            gradient: self.gradient + other.gradient,
            hessian: self.hessian + other.hessian,
            rows: self.rows + other.rows,
        }
    }

    pub(crate) fn minus(self, other: Sums) -> Sums {
        Sums {
            gradient: self.gradient - other.gradient,
            hessian: self.hessian - other.hessian,
            rows: self.rows - other.rows,
        }
    }
}

/// Sums by bin over `rows` of a column; `steps[i]` belongs to `rows[i]`, `out` has a place for every bin.
pub(crate) fn fill(column: &[u8], rows: &[u32], steps: &[Steps], out: &mut [Sums]) {
    // A place for every u8 spares the check of bounds; two tables by turns spare the wait where neighbours share a bin.
    let (mut even, mut odd) = ([Sums::default(); 256], [Sums::default(); 256]);
    let (row_pairs, step_pairs) = (rows.chunks_exact(2), steps.chunks_exact(2));
    let (row_rest, step_rest) = (row_pairs.remainder(), step_pairs.remainder());
    for (rows, steps) in row_pairs.zip(step_pairs) {
        even[usize::from(column[rows[0] as usize])].add(steps[0]);
        odd[usize::from(column[rows[1] as usize])].add(steps[1]);
    }
    for (row, steps) in row_rest.iter().zip(step_rest) {
        even[usize::from(column[*row as usize])].add(*steps);
    }
    for ((out, even), odd) in out.iter_mut().zip(&even).zip(&odd) {
        *out = even.plus(*odd);
    }
}

/// What a split must satisfy, and the sizes of the steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) rows_min: i64,
    pub(crate) hessian_min: f64,
    pub(crate) l2: f64,
    pub(crate) gradient_step: f64,
    pub(crate) hessian_step: f64,
}

impl Rules {
    pub(crate) fn new(params: &BoostValidParams, quantised: &Quantised) -> Rules {
        Rules {
            rows_min: i64::try_from(params.rows_min).unwrap_or(i64::MAX),
            hessian_min: params.hessian_min,
            l2: params.l2,
            gradient_step: quantised.gradient_step,
            hessian_step: quantised.hessian_step,
        }
    }

    /// Whether a leaf with these sums may stand.
    pub(crate) fn allow(&self, sums: Sums) -> bool {
        sums.rows >= self.rows_min && sums.hessian as f64 * self.hessian_step >= self.hessian_min
    }

    /// Whether a leaf with these sums is large enough to be split at all.
    pub(crate) fn may_split(&self, sums: Sums) -> bool {
        sums.rows / 2 >= self.rows_min
    }

    /// Twice the loss that a Newton step on these sums saves: G² / (H + l2).
    pub(crate) fn worth(&self, sums: Sums) -> f64 {
        let gradient = sums.gradient as f64 * self.gradient_step;
        -gradient * self.newton(sums)
    }

    /// The Newton step on these sums: -G / (H + l2), or 0 where the loss is flat.
    pub(crate) fn newton(&self, sums: Sums) -> f64 {
        let hessian = sums.hessian as f64 * self.hessian_step + self.l2;
        if hessian > 0.0 { -(sums.gradient as f64 * self.gradient_step) / hessian } else { 0.0 }
    }
}

/// A split: rows whose bin in `column` is at most `bin` go left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Split {
    /// Above 0: what the children are worth beyond their parent.
    pub(crate) gain: f64,
    pub(crate) column: u16,
    pub(crate) bin: u8,
    pub(crate) left: Sums,
}

/// The better of two splits; where they gain the same, the lower column, then the lower bin.
pub(crate) fn better(a: Option<Split>, b: Option<Split>) -> Option<Split> {
    let (Some(one), Some(other)) = (a, b) else { return a.or(b) };
    let place = |split: &Split| (split.column, split.bin);
    let other_wins = other.gain > one.gain || (other.gain == one.gain && place(&other) < place(&one));
    if other_wins { b } else { a }
}

/// The best split of a leaf by one column, from the column's sums by bin and the leaf's sums.
pub(crate) fn best_split(bins: &[Sums], all: Sums, column: u16, rules: &Rules) -> Option<Split> {
    let whole = rules.worth(all);
    let mut best: Option<Split> = None;
    let mut left = Sums::default();
    for (bin, sums) in bins.iter().enumerate().take(bins.len().saturating_sub(1)) {
        left = left.plus(*sums);
        let right = all.minus(left);
        if right.rows < rules.rows_min {
            break;
        }
        // An empty bin repeats the split before it.
        if sums.rows == 0 || !rules.allow(left) || !rules.allow(right) {
            continue;
        }
        let gain = rules.worth(left) + rules.worth(right) - whole;
        if gain > best.map_or(0.0, |best| best.gain) {
            best = Some(Split { gain, column, bin: bin as u8, left });
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The best split by trying every bin of every column over the rows themselves.
    fn naive_split(columns: &[Vec<u8>], steps: &[Steps], rules: &Rules) -> Option<(u16, u8, Sums)> {
        let all = Sums::of(steps.iter().copied());
        let mut best = None;
        let mut most = 0.0;
        for (at, column) in columns.iter().enumerate() {
            for bin in 0..=254u8 {
                let left = Sums::of(steps.iter().zip(column).filter(|(_, of)| **of <= bin).map(|(steps, _)| *steps));
                let right = Sums::of(steps.iter().zip(column).filter(|(_, of)| **of > bin).map(|(steps, _)| *steps));
                let gain = rules.worth(left) + rules.worth(right) - rules.worth(all);
                if rules.allow(left) && rules.allow(right) && gain > most {
                    (best, most) = (Some((at as u16, bin, left)), gain);
                }
            }
        }
        best
    }

    proptest! {
        #[test]
        fn the_histograms_split_is_that_of_trying_everything(
            rows in prop::collection::vec((prop::array::uniform3(0u8..9), -50i32..50, 1i32..20), 2..80),
            rows_min in 1i64..6,
            l2 in 0.0f64..3.0,
        ) {
            let rules = Rules { rows_min, hessian_min: 5.0, l2, gradient_step: 0.5, hessian_step: 0.25 };
            let steps: Vec<Steps> = rows.iter().map(|row| Steps { gradient: row.1, hessian: row.2 }).collect();
            let columns: Vec<Vec<u8>> = (0..3).map(|at| rows.iter().map(|row| row.0[at]).collect()).collect();
            let ids: Vec<u32> = (0..rows.len() as u32).collect();
            let all = Sums::of(steps.iter().copied());
            let mut best = None;
            // Columns from behind: the order of the search is no matter.
            for (at, column) in columns.iter().enumerate().rev() {
                let mut bins = vec![Sums::default(); 9];
                fill(column, &ids, &steps, &mut bins);
                best = better(best, best_split(&bins, all, at as u16, &rules));
            }
            prop_assert_eq!(best.map(|best| (best.column, best.bin, best.left)), naive_split(&columns, &steps, &rules));
        }
    }
}
