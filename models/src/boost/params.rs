//! Parameters: what each means, its default, its range.

use super::BoostError;
use linfa::ParamGuard;

/// What the trees are fitted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objective {
    /// The order within each case: LambdaRank (Burges, 2010), weighing pairs by the NDCG that swapping them would move.
    LambdaRank,
    /// Whether a row was taken: logistic loss, cases ignored. Scores are log-odds.
    Logistic,
}

/// Parameters that were checked, ready to fit.
#[derive(Debug, Clone, PartialEq)]
pub struct BoostValidParams {
    pub(crate) objective: Objective,
    pub(crate) trees: usize,
    pub(crate) leaves_max: usize,
    pub(crate) learning_rate: f64,
    pub(crate) rows_min: usize,
    pub(crate) hessian_min: f64,
    pub(crate) l2: f64,
    pub(crate) truncation: usize,
    pub(crate) columns_share: f64,
    pub(crate) cases_share: f64,
    pub(crate) seed: u64,
    pub(crate) threads: usize,
}

/// Parameters as they were set, to be checked by `check`, `check_ref` or `fit`.
#[derive(Debug, Clone, PartialEq)]
pub struct BoostParams(BoostValidParams);

impl Default for BoostParams {
    fn default() -> Self {
        BoostParams(BoostValidParams {
            objective: Objective::LambdaRank,
            trees: 100,
            leaves_max: 31,
            learning_rate: 0.05,
            rows_min: 100,
            hessian_min: 1e-3,
            l2: 1.0,
            truncation: 30,
            columns_share: 0.7,
            cases_share: 0.5,
            seed: 0,
            threads: 1,
        })
    }
}

impl BoostParams {
    /// What the trees are fitted to (`LambdaRank`).
    pub fn objective(mut self, objective: Objective) -> Self {
        self.0.objective = objective;
        self
    }

    /// Number of trees, 1 to 4,096 (100).
    pub fn trees(mut self, trees: usize) -> Self {
        self.0.trees = trees;
        self
    }

    /// Leaves of a tree at most, 2 to 1,024 (31).
    pub fn leaves_max(mut self, leaves_max: usize) -> Self {
        self.0.leaves_max = leaves_max;
        self
    }

    /// Share of its Newton step that each tree takes, above 0 to 1 (0.05).
    pub fn learning_rate(mut self, learning_rate: f64) -> Self {
        self.0.learning_rate = learning_rate;
        self
    }

    /// Rows that a leaf holds at least, from 1 (100).
    pub fn rows_min(mut self, rows_min: usize) -> Self {
        self.0.rows_min = rows_min;
        self
    }

    /// Sum of second derivatives that a leaf holds at least, from 0 (0.001).
    pub fn hessian_min(mut self, hessian_min: f64) -> Self {
        self.0.hessian_min = hessian_min;
        self
    }

    /// Added to the sum of second derivatives in every step and gain, from 0 (1).
    pub fn l2(mut self, l2: f64) -> Self {
        self.0.l2 = l2;
        self
    }

    /// LambdaRank: only pairs of which one row ranks among the first so many count, from 1 (30).
    pub fn truncation(mut self, truncation: usize) -> Self {
        self.0.truncation = truncation;
        self
    }

    /// Share of the columns that each tree may use, above 0 to 1 (0.7).
    pub fn columns_share(mut self, columns_share: f64) -> Self {
        self.0.columns_share = columns_share;
        self
    }

    /// Share of the cases from which each tree is grown, above 0 to 1 (0.5, after Friedman, "Stochastic gradient boosting",
    /// 2002).
    pub fn cases_share(mut self, cases_share: f64) -> Self {
        self.0.cases_share = cases_share;
        self
    }

    /// Seed of the choice of columns and cases (0).
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }

    /// Threads to work with, 1 to 256 (1); the forest does not depend on them.
    pub fn threads(mut self, threads: usize) -> Self {
        self.0.threads = threads;
        self
    }
}

impl ParamGuard for BoostParams {
    type Checked = BoostValidParams;
    type Error = BoostError;

    fn check_ref(&self) -> Result<&BoostValidParams, BoostError> {
        let p = &self.0;
        whole("trees", p.trees, 1, 4_096, "1 to 4096")?;
        whole("leaves_max", p.leaves_max, 2, 1_024, "2 to 1024")?;
        whole("rows_min", p.rows_min, 1, usize::MAX, "1 or more")?;
        whole("truncation", p.truncation, 1, usize::MAX, "1 or more")?;
        whole("threads", p.threads, 1, 256, "1 to 256")?;
        let share = |value: f64| value > 0.0 && value <= 1.0;
        real("learning_rate", p.learning_rate, share, "above 0 and at most 1")?;
        real("columns_share", p.columns_share, share, "above 0 and at most 1")?;
        real("cases_share", p.cases_share, share, "above 0 and at most 1")?;
        let amount = |value: f64| value.is_finite() && value >= 0.0;
        real("hessian_min", p.hessian_min, amount, "finite and not below 0")?;
        real("l2", p.l2, amount, "finite and not below 0")?;
        Ok(p)
    }

    fn check(self) -> Result<BoostValidParams, BoostError> {
        self.check_ref()?;
        Ok(self.0)
    }
}

fn whole(name: &'static str, value: usize, least: usize, most: usize, allowed: &'static str) -> Result<(), BoostError> {
    let fits = (least..=most).contains(&value);
    if fits { Ok(()) } else { Err(BoostError::Parameter { name, found: value.to_string(), allowed }) }
}

fn real(name: &'static str, value: f64, fits: impl Fn(f64) -> bool, allowed: &'static str) -> Result<(), BoostError> {
    if fits(value) { Ok(()) } else { Err(BoostError::Parameter { name, found: value.to_string(), allowed }) }
}
