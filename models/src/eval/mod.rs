//! Evaluation: metrics as formulas, the baselines, intervals, and the account of them all.

mod account;
mod baselines;
mod bootstrap;
mod calibration;
mod held_out;
mod leak;
mod measures;
mod metrics;
mod outcome;

pub use account::{AccountRules, Difference, Figures, Group, Reached, calibration_curve, groups};
pub use baselines::{Popular, personal, popular};
pub use bootstrap::{DRAWS, Draws, Figure};
pub use calibration::{BINS, Bin, Prediction, by_chance, curve, ece, in_order};
pub use held_out::{HeldOut, HeldOutRules};
pub use leak::{LeakReport, leak_check};
pub use measures::{MEASURES, Weights, coverage, row};
pub use metrics::{Means, RankMetrics, rank_metrics};
pub use outcome::{K, Outcome, answer, mean_prices, with_probability};
