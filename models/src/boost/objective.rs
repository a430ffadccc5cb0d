//! Objectives: the first and second derivatives of the loss at the scores, as whole numbers.

use super::forest::on_grain;
use super::lambdarank::{Space, Tables, lambdarank};
use super::{Binned, BoostValidParams, Objective};
use std::ops::Range;

/// Rows at most: 2^31 derivatives of at most 2^30 steps sum to 2^61, within an i64.
pub(crate) const ROWS_MAX: usize = 1 << 31;
/// Derivatives are below 2^`STEP_BITS` steps.
const STEP_BITS: i32 = 30;

/// One row's derivatives, in steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Steps {
    pub(crate) gradient: i32,
    pub(crate) hessian: i32,
}

/// All rows' derivatives and the size of a step of each, a power of two chosen per tree by the largest of them, so that
/// rounding costs at most 2^-30 of it and sums are exact in any order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Quantised {
    /// (rows)
    pub(crate) rows: Vec<Steps>,
    pub(crate) gradient_step: f64,
    pub(crate) hessian_step: f64,
}

/// One row's derivatives.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Slope {
    pub(crate) gradient: f64,
    pub(crate) hessian: f64,
}

/// What an objective keeps from tree to tree.
pub(crate) struct State<'d> {
    params: &'d BoostValidParams,
    records: &'d Binned,
    labels: &'d [bool],
    weights: Option<&'d [f32]>,
    tables: Tables,
    slopes: Vec<Slope>,
    /// The derivatives at the scores last given.
    pub(crate) quantised: Quantised,
}

impl<'d> State<'d> {
    pub(crate) fn new(
        params: &'d BoostValidParams,
        records: &'d Binned,
        labels: &'d [bool],
        weights: Option<&'d [f32]>,
    ) -> Self {
        let longest = (0..records.cases()).map(|number| records.case(number).len()).max().unwrap_or(0);
        let slopes = vec![Slope::default(); records.rows()];
        let quantised = Quantised { rows: vec![Steps::default(); records.rows()], ..Quantised::default() };
        let tables = Tables::new(longest, params.truncation);
        State { params, records, labels, weights, tables, slopes, quantised }
    }

    /// The score before the first tree: the log-odds of being taken, or 0 where only the order counts.
    pub(crate) fn base(&self) -> f64 {
        if self.params.objective == Objective::LambdaRank {
            return 0.0;
        }
        let weight = |row: usize| self.weights.map_or(1.0, |weights| f64::from(weights[row]));
        let (mut taken, mut left) = (0.0, 0.0);
        for (row, label) in self.labels.iter().enumerate() {
            *if *label { &mut taken } else { &mut left } += weight(row);
        }
        if taken > 0.0 && left > 0.0 { on_grain(libm::log(taken / left)) } else { 0.0 }
    }

    /// Sets `quantised` to the derivatives at `scores` (rows).
    pub(crate) fn gradients(&mut self, scores: &[f64]) {
        let runs = self.records.runs(self.params.threads);
        let mut slopes = std::mem::take(&mut self.slopes);
        let this = &*self;
        in_parts(&mut slopes, &runs, this.records, |run, part| this.slopes_of(run, scores, part));
        let largest = |of: fn(&Slope) -> f64| slopes.iter().map(of).fold(0.0, f64::max);
        let (gradient_step, gradients) = step(largest(|slope| slope.gradient.abs()));
        let (hessian_step, hessians) = step(largest(|slope| slope.hessian));
        for (steps, slope) in self.quantised.rows.iter_mut().zip(&slopes) {
            *steps = Steps { gradient: round(slope.gradient * gradients), hessian: round(slope.hessian * hessians) };
        }
        (self.quantised.gradient_step, self.quantised.hessian_step) = (gradient_step, hessian_step);
        self.slopes = slopes;
    }

    fn slopes_of(&self, run: Range<usize>, scores: &[f64], out: &mut [Slope]) {
        let first = self.records.case(run.start).start;
        let mut space = Space::default();
        for number in run {
            let rows = self.records.case(number);
            let (scores, labels) = (&scores[rows.clone()], &self.labels[rows.clone()]);
            let out = &mut out[rows.start - first..rows.end - first];
            match self.params.objective {
                Objective::LambdaRank => lambdarank(scores, labels, &self.tables, &mut space, out),
                Objective::Logistic => logistic(scores, labels, out),
            }
            if let Some(weights) = self.weights {
                for (slope, weight) in out.iter_mut().zip(&weights[rows]) {
                    slope.gradient *= f64::from(*weight);
                    slope.hessian *= f64::from(*weight);
                }
            }
        }
    }
}

/// Runs `work(run, rows of the run)` for every run of cases, each on its own thread.
fn in_parts(
    slopes: &mut [Slope],
    runs: &[Range<usize>],
    records: &Binned,
    work: impl Fn(Range<usize>, &mut [Slope]) + Sync,
) {
    let mut rest = slopes;
    let mut parts = Vec::with_capacity(runs.len());
    for run in runs {
        let rows = records.case(run.end - 1).end - records.case(run.start).start;
        let (part, after) = rest.split_at_mut(rows);
        parts.push((run.clone(), part));
        rest = after;
    }
    let Some((own, own_part)) = parts.pop() else { return };
    let work = &work;
    std::thread::scope(|scope| {
        for (run, part) in parts {
            scope.spawn(move || work(run, part));
        }
        work(own, own_part);
    });
}

/// The step for values up to `largest`, and how many of it make 1.
fn step(largest: f64) -> (f64, f64) {
    // Below this every value counts as zero; above, both powers of two are normal numbers.
    if largest < 1e-200 {
        return (0.0, 0.0);
    }
    let above = (largest.to_bits() >> 52) as i32 - 1023 + 1;
    let power = |exponent: i32| f64::from_bits(((exponent + 1023) as u64) << 52);
    (power(above - STEP_BITS), power(STEP_BITS - above))
}

/// To the nearest whole number, halves away from zero.
fn round(value: f64) -> i32 {
    (value + 0.5f64.copysign(value)) as i32
}

/// Logistic loss: gradient p - y and hessian p (1 - p), with p the logistic function of the score.
fn logistic(scores: &[f64], labels: &[bool], out: &mut [Slope]) {
    for ((slope, score), label) in out.iter_mut().zip(scores).zip(labels) {
        let p = 1.0 / (1.0 + libm::exp(-score));
        *slope = Slope { gradient: p - f64::from(u8::from(*label)), hessian: p * (1.0 - p) };
    }
}
