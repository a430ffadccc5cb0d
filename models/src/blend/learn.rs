//! The recipe: tables counted before several cuts, cases after each, blends fitted on all but the last cut, calibration
//! and metrics on the last.

use super::aim::{Aim, Takes};
use super::calibration;
use super::cases::{Case, cases, every_shortened, shortened, windows};
use super::hash::hash;
use super::rows::{Gather, Rows, Task, gather, id_of, with_scene};
use super::{fit, forest};
use crate::config::LearnParams;
use crate::counts::{CountRules, Tables, count};
use crate::error::{Error, Result};
use crate::eval::{Means, Popular, RankMetrics, personal, popular, rank_metrics};
use crate::parallel;
use crate::progress::Progress;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use unisono_core::Model;
use unisono_core::blend::{Blend, Calibration};
use unisono_core::candidates::Candidate;
use unisono_core::features::Feature;
use unisono_core::model::{ForestParts, ModelParts, encode};
use unisono_core::page;
use unisono_core::ranking::best_first;
use unisono_message::PlacementKind;

/// Places of a list that count.
const K: usize = 20;
/// What learning gives a model.
#[derive(Debug, Default)]
pub(crate) struct Learned {
    pub(crate) next: Blend,
    pub(crate) together: Blend,
    pub(crate) next_forest: ForestParts,
    pub(crate) together_forest: ForestParts,
    pub(crate) discover_forest: ForestParts,
    pub(crate) discover_calibration: Calibration,
    pub(crate) calibrations: Vec<(PlacementKind, Calibration)>,
    pub(crate) report: LearnReport,
}

/// One cut of the recipe.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CutReport {
    /// Unix milliseconds: tables before, cases after.
    pub cut_ms: i64,
    /// Cases taken.
    pub cases: usize,
    /// Rows that the blend `next` learns from; none of the last cut, which is held out.
    pub rows: usize,
    /// Share of the true items that were among the candidates.
    pub reach: f64,
}

/// Metrics of one task on the held-out cut.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TaskReport {
    /// `next` or `together`.
    pub task: String,
    /// The learned blend.
    pub blend: Means,
    /// The personal baseline.
    pub personal: Means,
    /// The popularity baseline.
    pub popular: Means,
}

/// One forest.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ForestReport {
    /// `next`, `discover` or `together`.
    pub task: String,
    /// Cases with a row to learn from; copies with shortened histories do not count.
    pub cases: usize,
    /// Trees; none below 500 cases.
    pub trees: usize,
    /// What the number was chosen by: ndcg@20 of the held-out cases with so many trees.
    pub tried: Vec<(usize, f64)>,
}

/// The account of the learning.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LearnReport {
    /// The cuts, oldest first.
    pub cuts: Vec<CutReport>,
    /// The forests; where there is none, the additive blend ranks.
    pub forests: Vec<ForestReport>,
    /// Metrics on the last of them.
    pub held_out: Vec<TaskReport>,
}

/// What the recipe needs to know besides the settings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe<'p> {
    pub(crate) params: &'p LearnParams,
    /// The moment after the last event.
    pub(crate) end_ms: i64,
    pub(crate) aim: Aim,
    pub(crate) count: CountRules<'p>,
}

/// A cut: its tables and its cases.
pub(super) struct Cut {
    parts: ModelParts,
    cases: Vec<Case>,
}

/// Rows of one task: of whole histories, and of shortened ones.
#[derive(Default)]
pub(super) struct Lesson {
    pub(super) whole: Rows,
    pub(super) short: Rows,
}

/// What all cuts give.
pub(super) struct Material {
    pub(super) next: Lesson,
    pub(super) together: Lesson,
    /// The last cut, which no blend sees.
    pub(super) held_out: Cut,
    cuts: Vec<CutReport>,
}

/// What a task is answered with.
pub(super) struct Answer {
    pub(super) blend: Blend,
    pub(super) forest: ForestParts,
    /// Of the rows of items that were never bought.
    discover: ForestParts,
    /// Whole cases that forest and discovery learned from.
    cases: [usize; 2],
}

/// Counts before each cut and gathers the rows of all but the last.
///
/// # Errors
/// What counting and encoding fail with.
pub(super) fn material(tables: &Tables, recipe: Recipe<'_>, progress: &Progress) -> Result<Material> {
    let (mut next, mut together) = (Lesson::default(), Lesson::default());
    let mut reports: Vec<CutReport> = Vec::new();
    let mut windows = windows(&tables.log, recipe.params, recipe.aim.takes, recipe.end_ms);
    let cuts = windows.len();
    let last = windows.pop().unwrap_or_default();
    let cut = |number: usize, window: std::ops::Range<i64>| {
        let stage = format!("tables before cut {number} of {cuts}");
        progress.stage(stage, || cut_at(tables, recipe, window, progress))
    };
    for (number, window) in (1..).zip(windows) {
        let cut_ms = window.start;
        let cut = cut(number, window)?;
        let stage = format!("features of cut {number} of {cuts}");
        let (of_next, of_cart) = progress.stage(stage, || features(tables, recipe, &cut, progress))?;
        let reach = reach(of_next.whole.taken.iter().filter(|taken| **taken).count(), &cut.cases);
        // A case and its shortened copy.
        let first_case = reports.iter().map(|cut| 2 * cut.cases as u32).sum();
        let short = first_case + cut.cases.len() as u32;
        reports.push(CutReport { cut_ms, cases: cut.cases.len(), rows: of_next.whole.len(), reach });
        for (lesson, rows) in [(&mut next, of_next), (&mut together, of_cart)] {
            lesson.whole.append(rows.whole, first_case);
            lesson.short.append(rows.short, short);
        }
    }
    let cut_ms = last.start;
    let held_out = cut(cuts, last)?;
    // Its reach is known when its cases are judged.
    reports.push(CutReport { cut_ms, cases: held_out.cases.len(), rows: 0, reach: 0.0 });
    Ok(Material { next, together, held_out, cuts: reports })
}

/// Share of what the cases took of which candidates were found.
fn reach(found: usize, cases: &[Case]) -> f64 {
    let taken: usize = cases.iter().map(|case| case.truth.len()).sum();
    found as f64 / taken.max(1) as f64
}

/// Learns both blends and their calibrations.
///
/// # Errors
/// `not_enough_data` when no cut has cases, and what counting, encoding and the solvers fail with.
pub(crate) fn learn(tables: &Tables, recipe: Recipe<'_>, progress: &Progress) -> Result<Learned> {
    let Material { next, together, held_out, cuts } = material(tables, recipe, progress)?;
    let mut learned = Learned { report: LearnReport { cuts, ..LearnReport::default() }, ..Learned::default() };
    let (next, together) = progress.stage("blends and trees", || both(next, together, recipe))?;
    (learned.next, learned.next_forest) = (next.blend, next.forest);
    learned.discover_forest = next.discover;
    (learned.together, learned.together_forest) = (together.blend, together.forest);
    let tried = progress.stage("number of trees", || cut_forests(tables, recipe, &held_out, &mut learned, progress))?;
    let cases = [next.cases[0], next.cases[1], together.cases[0]];
    for ((task, tried), cases) in TASKS.into_iter().zip(tried).zip(cases) {
        let trees = learned.forest_of(task).roots.len();
        learned.report.forests.push(ForestReport { task: task.as_str().into(), cases, trees, tried });
    }
    progress.stage("calibration and metrics", || judge(tables, recipe, held_out, &mut learned, progress))?;
    Ok(learned)
}

const TASKS: [Task; 3] = [Task::Next, Task::Discover, Task::Together];
/// Numbers of trees that are tried.
const TRIED: usize = 5;

impl Learned {
    fn forest_of(&mut self, task: Task) -> &mut ForestParts {
        match task {
            Task::Next => &mut self.next_forest,
            Task::Discover => &mut self.discover_forest,
            Task::Together => &mut self.together_forest,
        }
    }

    /// The model of a cut's tables with what was learned, of each forest the first `trees`.
    fn model_of(&self, cut: &ModelParts, recipe: Recipe<'_>, trees: usize) -> Result<Vec<u8>> {
        let parts = ModelParts {
            next: self.next.clone(),
            together: self.together.clone(),
            next_forest: forest::truncated(&self.next_forest, trees),
            together_forest: forest::truncated(&self.together_forest, trees),
            discover_forest: forest::truncated(&self.discover_forest, trees),
            ranked_max: recipe.params.ranked_max,
            scale_bits: recipe.params.scale_bits,
            ..cut.clone()
        };
        encode(&parts).map_err(Error::from_core)
    }
}

/// Cuts each forest to the number of trees, of five, that ranks the held-out cases best; of equals the least.
/// -> what was tried, task by task.
fn cut_forests(
    tables: &Tables,
    recipe: Recipe<'_>,
    held_out: &Cut,
    learned: &mut Learned,
    progress: &Progress,
) -> Result<[Vec<(usize, f64)>; 3]> {
    let (least, most) = (recipe.params.trees_min, recipe.params.trees);
    let mut tried = [const { Vec::new() }; 3];
    if least >= most || TASKS.iter().all(|task| learned.forest_of(*task).roots.len() <= least) {
        return Ok(tried);
    }
    let counts: Vec<usize> = (0..TRIED).map(|step| least + (most - least) * step / (TRIED - 1)).collect();
    // By task, number of trees and case.
    let mut found: [Vec<Vec<f64>>; 3] = Default::default();
    for count in &counts {
        let file = learned.model_of(&held_out.parts, recipe, *count)?;
        let model = Model::load(&file).map_err(Error::from_core)?;
        for (task, found) in TASKS.into_iter().zip(&mut found) {
            if !learned.forest_of(task).roots.is_empty() {
                let judged = judged(tables, recipe, &model, &held_out.cases, task, progress);
                found.push(judged.into_iter().filter_map(|case| Some(case.metrics?[0].ndcg)).collect());
            }
        }
    }
    for ((task, found), tried) in TASKS.into_iter().zip(&found).zip(&mut tried) {
        let mean = |cases: &Vec<f64>| cases.iter().sum::<f64>() / cases.len().max(1) as f64;
        *tried = counts.iter().copied().zip(found.iter().map(mean)).collect();
        // The last of equals in a search from behind is the one of the fewest trees.
        if let Some((count, _)) = tried.iter().rev().max_by(|a, b| a.1.total_cmp(&b.1)) {
            let forest = learned.forest_of(task);
            *forest = forest::truncated(forest, *count);
        }
    }
    Ok(tried)
}

/// The metrics of another blend and forest for one task on the held-out cases, by profile.
///
/// # Errors
/// What encoding fails with.
pub(super) fn judge_cases(
    tables: &Tables,
    recipe: Recipe<'_>,
    held_out: &Cut,
    task: Task,
    (blend, forest): (Blend, ForestParts),
    progress: &Progress,
) -> Result<Vec<(u32, RankMetrics)>> {
    let mut parts = held_out.parts.clone();
    match task {
        Task::Together => (parts.together, parts.together_forest) = (blend, forest),
        Task::Next | Task::Discover => (parts.next, parts.next_forest) = (blend, forest),
    }
    (parts.ranked_max, parts.scale_bits) = (recipe.params.ranked_max, recipe.params.scale_bits);
    let file = encode(&parts).map_err(Error::from_core)?;
    let model = Model::load(&file).map_err(Error::from_core)?;
    let judged = judged(tables, recipe, &model, &held_out.cases, task, progress);
    let of_case = |(case, judged): (&Case, Judged)| Some((case.profile, judged.metrics?[0]));
    Ok(held_out.cases.iter().zip(judged).filter_map(of_case).collect())
}

/// Judges each case of one task.
fn judged(
    tables: &Tables,
    recipe: Recipe<'_>,
    model: &Model<'_>,
    cases: &[Case],
    task: Task,
    progress: &Progress,
) -> Vec<Judged> {
    let popularity = Popular::of(model);
    let bar = progress.bar("held-out cases", cases.len() as u64);
    let judge = |(): &mut (), number: usize| judge_case(tables, recipe, model, &popularity, &cases[number], task);
    let judged = parallel::in_order(recipe.count.threads, cases.len(), || (), judge, || bar.inc(1));
    bar.finish();
    judged
}

fn cut_at(tables: &Tables, recipe: Recipe<'_>, window: std::ops::Range<i64>, progress: &Progress) -> Result<Cut> {
    let parts = count(tables, CountRules { until_ms: window.start, ..recipe.count }, progress)?;
    let cases = cases(&tables.log, recipe.aim, window, recipe.params.seed);
    Ok(Cut { parts, cases })
}

fn features(tables: &Tables, recipe: Recipe<'_>, cut: &Cut, progress: &Progress) -> Result<(Lesson, Lesson)> {
    let file = encode(&cut.parts).map_err(Error::from_core)?;
    let model = Model::load(&file).map_err(Error::from_core)?;
    let LearnParams { negatives, seed, short_weight, .. } = *recipe.params;
    let short = short_cases(tables, recipe, &cut.cases);
    let pieces = |cases: &[Case]| 2 * cases.len().div_ceil(32) as u64;
    let bar = progress.bar("features", pieces(&cut.cases) + pieces(&short));
    let of = |task: Task, cases: &[Case], weight: f64| {
        let (takes, threads) = (recipe.aim.takes, recipe.count.threads);
        let rules = Gather { task, takes, negatives, seed, threads, weight: weight as f32 };
        gather(&model, &tables.log, cases, rules, &|| bar.inc(1))
    };
    let lesson = |task: Task| Lesson { whole: of(task, &cut.cases, 1.0), short: of(task, &short, short_weight) };
    let lessons = (lesson(Task::Next), lesson(Task::Together));
    bar.finish();
    Ok(lessons)
}

/// The shortened copies of cases, none where the settings want none.
fn short_cases(tables: &Tables, recipe: Recipe<'_>, cases: &[Case]) -> Vec<Case> {
    match recipe.params.short_weight > 0.0 && recipe.params.trees > 0 {
        true => shortened(&tables.log, cases, recipe.params.seed),
        false => Vec::new(),
    }
}

/// Both answers, side by side where there are two threads: neither sees the other.
fn both(next: Lesson, together: Lesson, recipe: Recipe<'_>) -> Result<(Answer, Answer)> {
    let params = recipe.params;
    // Orders of one item have no half to give.
    let fits_together = together.whole.taken.contains(&true);
    let (next, together) = match recipe.count.threads {
        _ if !fits_together => (answer(next, params, true), None),
        0 | 1 => (answer(next, params, true), Some(answer(together, params, false))),
        _ => std::thread::scope(|scope| {
            let beside = scope.spawn(|| answer(together, params, false));
            let next = answer(next, params, true);
            let panicked = || Error::FitFailed { step: "blend", reason: "the solver panicked".into() };
            (next, Some(beside.join().unwrap_or_else(|_| Err(panicked()))))
        }),
    };
    let next = next?;
    let copy = || {
        let (blend, forest) = (next.blend.clone(), next.forest.clone());
        Ok(Answer { blend, forest, discover: ForestParts::default(), cases: next.cases })
    };
    let together = together.unwrap_or_else(copy)?;
    Ok((next, together))
}

/// The blend learns from whole histories, the trees from shortened ones too.
pub(super) fn answer(lesson: Lesson, params: &LearnParams, discovers: bool) -> Result<Answer> {
    let blend = fit::fit(&within(&lesson.whole, params), params)?;
    // The forest of discovery learns from cases cut to no purchase too, though it never ranks for customers without one:
    // without them cj-discover's validation cut is no better (.0328, with them .0334).
    let is_new = |rows: &Rows, row: usize| rows.values[row][Feature::OwnDays as usize] == 0;
    let whole = &lesson.whole;
    let cases = [distinct(whole, |_| true), distinct(whole, |row| discovers && is_new(whole, row))];
    let mut all = lesson.whole;
    all.append(lesson.short, 0);
    let forest = forest::fit(&within(&all, params), cases[0], params, 1)?;
    let mut new = match discovers {
        true => all.filtered(|row| is_new(&all, row)),
        false => Rows::default(),
    };
    let learns = new.taken.contains(&true) && all.len() > new.len();
    drop(all);
    // What is come back to says nothing of a first purchase: with it the validation cut of cj-discover falls by .0015.
    new.values.iter_mut().for_each(|values| values[Feature::CategoryRepeat as usize] = 0);
    let discover = match learns {
        true => forest::fit(&within(&new, params), cases[1], params, 1)?,
        false => ForestParts::default(),
    };
    Ok(Answer { blend, forest, discover, cases })
}

/// Cases that have a row for which `keep` says so.
fn distinct(rows: &Rows, keep: impl Fn(usize) -> bool) -> usize {
    let mut cases: Vec<u32> = (0..rows.len()).filter(|row| keep(*row)).map(|row| rows.case[row]).collect();
    cases.dedup();
    cases.len()
}

/// At most `rows_max` rows: whole cases, in the order of a hash of their number.
fn within(rows: &Rows, params: &LearnParams) -> Rows {
    let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
    rows.case.iter().for_each(|case| *sizes.entry(*case).or_default() += 1);
    let mut order: Vec<u32> = sizes.keys().copied().collect();
    order.sort_by_key(|case| hash(params.seed, &["keep", &case.to_string()]));
    let mut left = params.rows_max;
    let mut keep = BTreeSet::new();
    for case in order {
        let size = sizes[&case];
        if size > left {
            break;
        }
        left -= size;
        keep.insert(case);
    }
    rows.filtered(|row| keep.contains(&rows.case[row]))
}

/// What one held-out case shows.
#[derive(Default)]
struct Judged {
    /// Purchase days of the history.
    visits: u32,
    /// Items to be found that are among the candidates.
    found: usize,
    /// Score, and whether it was taken; best first.
    pairs: Vec<(i64, bool)>,
    own_pairs: Vec<(i64, bool)>,
    metrics: Option<[RankMetrics; 3]>,
}

/// Calibrations and metrics on the cut that the blends never saw.
fn judge(tables: &Tables, recipe: Recipe<'_>, cut: Cut, learned: &mut Learned, progress: &Progress) -> Result<()> {
    let Cut { parts, mut cases } = cut;
    let whole = cases.len();
    // Long histories alone would give newcomers the chances of regulars. Where a case is an item, histories have no orders to be cut to.
    cases.extend(match (recipe.aim.takes, recipe.params.short_weight > 0.0) {
        (Takes::Order, true) => every_shortened(&tables.log, &cases),
        _ => short_cases(tables, recipe, &cases),
    });
    let file = learned.model_of(&parts, recipe, usize::MAX)?;
    let model = Model::load(&file).map_err(Error::from_core)?;
    for task in TASKS {
        if task == Task::Discover && learned.discover_forest.roots.is_empty() {
            continue;
        }
        let judged = judged(tables, recipe, &model, &cases, task, progress);
        if let (Task::Next, Some(cut)) = (task, learned.report.cuts.last_mut()) {
            cut.reach = reach(judged[..whole].iter().map(|case| case.found).sum(), &cases[..whole]);
        }
        let map = |places: usize, of: fn(&Judged) -> &Vec<(i64, bool)>| {
            calibration::fit(judged.iter().map(|case| (case.visits, &of(case)[..of(case).len().min(places)])))
        };
        // Of equal scores, those that reach a list are taken more often than those that others of their case leave behind.
        let shown = map(K, |case| &case.pairs);
        learned.calibrations.extend(match task {
            Task::Discover => {
                learned.discover_calibration = shown;
                Vec::new()
            }
            Task::Next => vec![
                (PlacementKind::ForYou, shown),
                (PlacementKind::BuyAgain, map(K, |case| &case.own_pairs)),
                (PlacementKind::Rerank, map(usize::MAX, |case| &case.pairs)),
            ],
            Task::Together => vec![(PlacementKind::Similar, shown.clone()), (PlacementKind::BoughtTogether, shown)],
        });
        let metrics: Vec<[RankMetrics; 3]> = judged[..whole].iter().filter_map(|case| case.metrics).collect();
        let means = |at: usize| Means::of(&metrics.iter().map(|of_case| of_case[at]).collect::<Vec<_>>());
        let task = task.as_str().to_owned();
        learned.report.held_out.push(TaskReport { task, blend: means(0), personal: means(1), popular: means(2) });
    }
    learned.calibrations.retain(|(_, map)| !map.scores.is_empty());
    learned.calibrations.sort_by_key(|(kind, _)| *kind);
    Ok(())
}

fn judge_case(
    tables: &Tables,
    recipe: Recipe<'_>,
    model: &Model<'_>,
    popularity: &Popular<'_>,
    case: &Case,
    task: Task,
) -> Judged {
    let (Aim { target, takes, .. }, log) = (recipe.aim, &tables.log);
    let mut judged = Judged::default();
    with_scene(model, log, case, (task, takes), recipe.params.seed, |split, scene, candidates| {
        let bought = |candidate: &Candidate<'_>| {
            let own = candidate.own.and_then(|at| scene.history.items.get(at as usize));
            own.is_some_and(|own| own.days > 0)
        };
        judged.visits = scene.history.visits;
        // Counted before the forest is given the best of them alone.
        judged.found = candidates.iter().filter(|one| split.truth.contains(id_of(model, one))).count();
        let new_only = task == Task::Discover;
        // The forest of discovery ranks for who has bought.
        if new_only && scene.history.visits == 0 {
            return;
        }
        let candidates: Vec<Candidate<'_>> =
            candidates.iter().filter(|one| !new_only || !bought(one)).copied().collect();
        let (_, mut scored) =
            page::score(scene, task.kind(), new_only, &candidates, K, &mut page::OwnScores::default());
        scored.sort_unstable_by(best_first);
        for one in &scored {
            let taken = split.truth.contains(id_of(model, &one.candidate));
            judged.pairs.push((one.score, taken));
            if one.candidate.own.is_some() {
                judged.own_pairs.push((one.score, taken));
            }
        }
        let events = case.events(log);
        let own_ids = scene.history.items.iter().filter(|own| new_only && own.days > 0).map(|own| own.id);
        let barred: BTreeSet<&str> = split.cart.iter().copied().chain(own_ids).collect();
        let truth: BTreeSet<&str> = split.truth.iter().filter(|id| !barred.contains(*id)).copied().collect();
        if truth.is_empty() {
            return;
        }
        let own = personal(target, &events, case.now_ms, popularity, &barred, K);
        judged.metrics = Some([
            rank_metrics(scored.iter().map(|one| id_of(model, &one.candidate)), &truth, K),
            rank_metrics(own, &truth, K),
            rank_metrics(popular(popularity, &barred, K), &truth, K),
        ]);
    });
    judged
}
