//! The ablation of a fit as figures: what each group of features, the trees and the shortened histories carry.

use crate::blend::{Ablated, Task, ablate};
use crate::config::FitValidParams;
use crate::counts::Tables;
use crate::error::{Error, Result};
use crate::eval::{Draws, Figures, RankMetrics};
use crate::fit::FitOptions;
use serde::Serialize;

/// The measures of an ablation.
pub const ABLATION_MEASURES: [&str; 3] = ["recall@20", "ndcg@20", "mrr@20"];

/// Which order is foretold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AblationTask {
    /// What comes next.
    Next,
    /// What completes a cart.
    Together,
}

/// One fit without something.
#[derive(Debug, Clone, Serialize)]
pub struct AblationRow {
    /// What is left out; `nothing` for the whole, which stands first.
    pub left_out: String,
    /// Features that neither blend nor trees saw.
    pub features: Vec<&'static str>,
    /// Each measure on the held-out cases, with its interval.
    pub figures: Figures,
    /// The same less the whole's, case by case: below 0 is what the thing left out carries.
    pub less_whole: Figures,
}

/// What each part carries.
#[derive(Debug, Clone, Serialize)]
pub struct Ablation {
    /// `next` or `together`.
    pub task: String,
    /// Held-out cases.
    pub cases: usize,
    /// The whole, then each thing left out.
    pub rows: Vec<AblationRow>,
}

impl FitValidParams {
    /// Fits again and again with something left out, from tables counted once, and measures on the cut that a fit holds out. Intervals are
    /// 95 %, over `draws` draws of the profiles.
    ///
    /// # Errors
    /// `not_enough_data` for a log without cases, and what counting and learning fail with.
    pub fn ablate(
        &self,
        tables: &Tables,
        options: &FitOptions<'_>,
        task: AblationTask,
        (each_feature, draws): (bool, usize),
    ) -> Result<Ablation> {
        let plan = self.plan(tables, options)?;
        let task = if task == AblationTask::Next { Task::Next } else { Task::Together };
        let ablated = ablate(tables, plan.recipe(), (task, each_feature), options.progress)?;
        let whole = ablated.first().map(|whole| whole.cases.clone()).unwrap_or_default();
        if whole.is_empty() {
            return Err(Error::NotEnoughData { reason: "the held-out cut has no case to measure on".into() });
        }
        let names: Vec<String> =
            whole.iter().map(|(profile, _)| tables.log.profiles.get(*profile).to_owned()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let draws = Draws::new(&names, draws, plan.learn.seed);
        let row = |one: Ablated| {
            let figures = |minus: f64| -> Figures {
                let value =
                    |measure: usize, case: usize| of(&one.cases[case].1, measure) - minus * of(&whole[case].1, measure);
                let figure =
                    |at: usize| draws.figure(&(0..whole.len()).map(|case| value(at, case)).collect::<Vec<_>>());
                ABLATION_MEASURES.iter().enumerate().filter_map(|(at, name)| Some((*name, figure(at)?))).collect()
            };
            let (figures, less_whole) = (figures(0.0), figures(1.0));
            AblationRow { left_out: one.left_out.clone(), features: one.features.clone(), figures, less_whole }
        };
        Ok(Ablation { task: task.as_str().into(), cases: whole.len(), rows: ablated.into_iter().map(row).collect() })
    }
}

/// A measure by its place among [`ABLATION_MEASURES`].
fn of(metrics: &RankMetrics, measure: usize) -> f64 {
    [metrics.recall, metrics.ndcg, metrics.mrr][measure]
}
