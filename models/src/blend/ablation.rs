//! Ablation: what each part of the learning carries, by leaving it out, learning again from the same rows and judging on the same
//! held-out cases.

use super::learn::{Answer, Lesson, Material, Recipe, answer, judge_cases, material};
use super::rows::{Rows, Task};
use crate::counts::Tables;
use crate::error::Result;
use crate::eval::RankMetrics;
use crate::parallel;
use crate::progress::Progress;
use unisono_core::features::{FEATURES, Feature, Group};
use unisono_core::model::ForestParts;

/// What is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Without {
    Nothing,
    /// The trees: the additive blend ranks.
    Trees,
    /// The copies with shortened histories.
    Shortened,
    Group(Group),
    Feature(Feature),
}

const GROUPS: [(Group, &str); 8] = [
    (Group::Own, "own"),
    (Group::Cart, "cart"),
    (Group::History, "history"),
    (Group::Next, "next"),
    (Group::Viewed, "viewed"),
    (Group::Popular, "popular"),
    (Group::Content, "content"),
    (Group::Background, "background"),
];

impl Without {
    fn name(self) -> String {
        match self {
            Without::Nothing => "nothing".into(),
            Without::Trees => "the trees".into(),
            Without::Shortened => "shortened histories".into(),
            Without::Group(group) => GROUPS.iter().find(|(one, _)| *one == group).map_or("", |(_, name)| name).into(),
            Without::Feature(feature) => feature.as_str().into(),
        }
    }

    fn hides(self, feature: Feature) -> bool {
        match self {
            Without::Group(group) => feature.group() == group,
            Without::Feature(one) => feature == one,
            _ => false,
        }
    }

    /// A column that is the same everywhere has no bins, so neither blend nor trees see it.
    fn of(self, lesson: &Lesson) -> Lesson {
        let masked = |rows: &Rows| {
            let mut rows = rows.clone();
            for feature in Feature::ALL.iter().filter(|feature| self.hides(**feature)) {
                rows.values.iter_mut().for_each(|values: &mut [i32; FEATURES]| values[*feature as usize] = 0);
            }
            rows
        };
        let short = if self == Without::Shortened { Rows::default() } else { masked(&lesson.short) };
        Lesson { whole: masked(&lesson.whole), short }
    }
}

/// One thing left out.
#[derive(Debug)]
pub(crate) struct Ablated {
    pub(crate) left_out: String,
    /// Features that no row shows.
    pub(crate) features: Vec<&'static str>,
    /// By held-out case: the number of the profile, and the metrics.
    pub(crate) cases: Vec<(u32, RankMetrics)>,
}

/// The whole first, then each thing left out. Candidates stay what they are: what is left out is what is known of them.
///
/// # Errors
/// What counting and the solvers fail with.
pub(crate) fn ablate(
    tables: &Tables,
    recipe: Recipe<'_>,
    (task, each_feature): (Task, bool),
    progress: &Progress,
) -> Result<Vec<Ablated>> {
    let Material { next, together, held_out, .. } = material(tables, recipe, progress)?;
    let lesson = if task == Task::Together { together } else { next };
    let shown = |without: &Without| match without {
        // Nothing is lost with what says the same of every candidate.
        Without::Group(_) | Without::Feature(_) => varies(&lesson.whole, |feature| without.hides(feature)),
        _ => true,
    };
    let groups = GROUPS.iter().map(|(group, _)| Without::Group(*group));
    let single = Feature::ALL.iter().filter(|_| each_feature).map(|feature| Without::Feature(*feature));
    let wanted: Vec<Without> = [Without::Nothing, Without::Trees, Without::Shortened]
        .into_iter()
        .chain(groups)
        .chain(single)
        .filter(shown)
        .collect();
    let bar = progress.bar("fits", wanted.len() as u64);
    let learn = |(): &mut (), at: usize| answer(wanted[at].of(&lesson), recipe.params, false);
    let answers = progress.stage("a fit without each", || {
        parallel::in_order(recipe.count.threads, wanted.len(), || (), learn, || bar.inc(1))
    });
    bar.finish();
    let mut ablated = Vec::new();
    for (without, learned) in wanted.into_iter().zip(answers) {
        let Answer { blend, forest, .. } = learned?;
        let forest = if without == Without::Trees { ForestParts::default() } else { forest };
        let cases = judge_cases(tables, recipe, &held_out, task, (blend, forest), progress)?;
        let features = Feature::ALL.iter().filter(|feature| without.hides(**feature)).map(|feature| feature.as_str());
        ablated.push(Ablated { left_out: without.name(), features: features.collect(), cases });
    }
    Ok(ablated)
}

/// Whether any of some features has two values.
fn varies(rows: &Rows, of: impl Fn(Feature) -> bool) -> bool {
    let differs = |feature: &Feature| {
        let first = rows.values.first().map(|values| values[*feature as usize]);
        rows.values.iter().any(|values| Some(values[*feature as usize]) != first)
    };
    Feature::ALL.iter().filter(|feature| of(**feature)).any(differs)
}
