//! Evaluation: metrics as formulas, the baselines, and the account of both.

mod baselines;
mod metrics;

pub use baselines::{Popular, personal, popular};
pub use metrics::{Means, RankMetrics, rank_metrics};
