//! Learning: cases from the log, rows by core's own features, the blend by linfa, the calibration beside it.

mod ablation;
mod aim;
mod bins;
mod calibration;
mod cases;
mod fit;
mod forest;
mod hash;
mod learn;
mod rows;

pub(crate) use ablation::{Ablated, ablate};
pub use aim::{Aim, Intent, Takes};
pub(crate) use aim::{CASES_MIN, aim};
pub(crate) use cases::{Case, cases, days_wanted};
pub(crate) use hash::hash;
pub use learn::{CutReport, ForestReport, LearnReport, TaskReport};
pub(crate) use learn::{Recipe, learn};
pub(crate) use rows::{Task, id_of, with_scene};
