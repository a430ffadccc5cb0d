//! The recipe: tables counted before several cuts, cases after each, blends fitted on all but the last cut, calibration
//! and metrics on the last.

use super::calibration;
use super::cases::{Case, cases};
use super::fit;
use super::hash::hash;
use super::rows::{Gather, Rows, Task, gather, id_of, with_scene};
use crate::config::LearnParams;
use crate::counts::{CountRules, Tables, count};
use crate::error::{Error, Result};
use crate::eval::{Means, Popular, RankMetrics, personal, popular, rank_metrics};
use crate::parallel;
use crate::progress::Progress;
use serde::Serialize;
use std::collections::BTreeSet;
use unisono_core::Model;
use unisono_core::blend::{Blend, Calibration};
use unisono_core::model::encode;
use unisono_core::ranking::{Scored, best_first};
use unisono_message::PlacementKind;

const DAY_MS: i64 = 86_400_000;
/// Places of a list that count.
const K: usize = 20;

/// What learning gives a model.
#[derive(Debug, Default)]
pub(crate) struct Learned {
    pub(crate) next: Blend,
    pub(crate) together: Blend,
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
    /// Rows that the blend `next` learns from.
    pub rows: usize,
    /// Share of the true items that were among the candidates; -1 for the cut that is held out.
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

/// The account of the learning.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LearnReport {
    /// The cuts, oldest first.
    pub cuts: Vec<CutReport>,
    /// Metrics on the last of them.
    pub held_out: Vec<TaskReport>,
}

/// What the recipe needs to know besides the settings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe<'p> {
    pub(crate) params: &'p LearnParams,
    /// The moment after the last event.
    pub(crate) end_ms: i64,
    pub(crate) items_min: usize,
    pub(crate) count: CountRules<'p>,
}

/// A cut: its encoded tables and its cases.
struct Cut {
    file: Vec<u8>,
    cases: Vec<Case>,
}

/// Learns both blends and their calibrations.
///
/// # Errors
/// `not_enough_data` when no cut has cases, and what counting, encoding and the solvers fail with.
pub(crate) fn learn(tables: &Tables, recipe: Recipe<'_>, progress: &Progress) -> Result<Learned> {
    let first_ms = tables.log.columns.ts_ms.iter().copied().min().unwrap_or(0);
    let cuts = recipe.params.cuts as i64;
    let window = (i64::from(recipe.params.window_days) * DAY_MS).min((recipe.end_ms - first_ms) / (cuts + 3)).max(1);
    let mut learned = Learned::default();
    let (mut next, mut together) = (Rows::default(), Rows::default());
    let mut held_out = None;
    for number in 1..=cuts {
        let cut_ms = recipe.end_ms - (cuts + 1 - number) * window;
        let cut = progress.stage(format!("tables before cut {number} of {cuts}"), || {
            cut_at(tables, recipe, cut_ms, cut_ms..cut_ms + window, progress)
        })?;
        let mut report = CutReport { cut_ms, cases: cut.cases.len(), rows: 0, reach: -1.0 };
        if number < cuts {
            let stage = format!("features of cut {number} of {cuts}");
            let (rows, of_cart) = progress.stage(stage, || features(tables, recipe, &cut, progress))?;
            let reachable: usize = cut.cases.iter().map(|case| case.truth.len()).sum();
            report.rows = rows.len();
            report.reach = rows.taken.iter().filter(|taken| **taken).count() as f64 / reachable.max(1) as f64;
            let first_case = learned.report.cuts.iter().map(|cut| cut.cases as u32).sum();
            next.append(rows, first_case);
            together.append(of_cart, first_case);
        } else {
            held_out = Some(cut);
        }
        learned.report.cuts.push(report);
    }
    (learned.next, learned.together) = progress.stage("blends", || both(next, together, recipe))?;
    if let Some(cut) = held_out {
        progress.stage("calibration and metrics", || judge(tables, recipe, &cut, &mut learned, progress))?;
    }
    Ok(learned)
}

fn cut_at(
    tables: &Tables,
    recipe: Recipe<'_>,
    cut_ms: i64,
    window: std::ops::Range<i64>,
    progress: &Progress,
) -> Result<Cut> {
    let parts = count(tables, CountRules { until_ms: cut_ms, ..recipe.count }, progress)?;
    let file = encode(&parts).map_err(Error::from_core)?;
    let cases = cases(&tables.log, recipe.count.target, window, recipe.items_min, recipe.params.seed);
    Ok(Cut { file, cases })
}

fn features(tables: &Tables, recipe: Recipe<'_>, cut: &Cut, progress: &Progress) -> Result<(Rows, Rows)> {
    let model = Model::load(&cut.file).map_err(Error::from_core)?;
    let bar = progress.bar("features", 2 * cut.cases.len().div_ceil(32) as u64);
    let of = |task: Task| {
        let LearnParams { negatives, seed, .. } = *recipe.params;
        let rules = Gather { task, target: recipe.count.target, negatives, seed, threads: recipe.count.threads };
        gather(&model, &tables.log, &cut.cases, rules, &|| bar.inc(1))
    };
    let rows = (of(Task::Next), of(Task::Together));
    bar.finish();
    Ok(rows)
}

/// Both blends, side by side where there are two threads: neither sees the other.
fn both(next: Rows, together: Rows, recipe: Recipe<'_>) -> Result<(Blend, Blend)> {
    let params = recipe.params;
    // Orders of one item have no half to give.
    let fits_together = together.taken.contains(&true);
    let (next, together) = match recipe.count.threads {
        _ if !fits_together => (fit_within(next, params), None),
        0 | 1 => (fit_within(next, params), Some(fit_within(together, params))),
        _ => std::thread::scope(|scope| {
            let beside = scope.spawn(|| fit_within(together, params));
            let next = fit_within(next, params);
            let panicked = || Error::FitFailed { step: "blend", reason: "the solver panicked".into() };
            (next, Some(beside.join().unwrap_or_else(|_| Err(panicked()))))
        }),
    };
    let next = next?;
    let together = together.unwrap_or_else(|| Ok(next.clone()))?;
    Ok((next, together))
}

/// Fits on at most `rows_max` rows: whole cases, in the order of a hash of their number.
fn fit_within(rows: Rows, params: &LearnParams) -> Result<Blend> {
    let cases = rows.case.last().map_or(0, |last| last + 1);
    let mut sizes = vec![0usize; cases as usize];
    rows.case.iter().for_each(|case| sizes[*case as usize] += 1);
    let mut order: Vec<u32> = (0..cases).collect();
    order.sort_by_key(|case| hash(params.seed, &["keep", &case.to_string()]));
    let mut left = params.rows_max;
    let mut keep = vec![false; cases as usize];
    for case in order {
        let size = sizes[case as usize];
        if size > left {
            break;
        }
        left -= size;
        keep[case as usize] = true;
    }
    let mut kept = Rows::default();
    for ((values, taken), case) in rows.values.into_iter().zip(rows.taken).zip(rows.case) {
        if keep[case as usize] {
            kept.values.push(values);
            kept.taken.push(taken);
            kept.case.push(case);
        }
    }
    fit::fit(&kept, params)
}

/// What one held-out case shows.
#[derive(Default)]
struct Judged {
    pairs: Vec<(i64, bool)>,
    own_pairs: Vec<(i64, bool)>,
    metrics: Option<[RankMetrics; 3]>,
}

/// Calibrations and metrics on the cut that the blends never saw.
fn judge(tables: &Tables, recipe: Recipe<'_>, cut: &Cut, learned: &mut Learned, progress: &Progress) -> Result<()> {
    let model = Model::load(&cut.file).map_err(Error::from_core)?;
    let popularity = Popular::of(&model);
    for task in [Task::Next, Task::Together] {
        let blend = if task == Task::Next { &learned.next } else { &learned.together };
        let bar = progress.bar("held-out cases", cut.cases.len() as u64);
        let judged = parallel::in_order(
            recipe.count.threads,
            cut.cases.len(),
            || (),
            |(), number| judge_case(tables, recipe, &model, &popularity, &cut.cases[number], task, blend),
            || bar.inc(1),
        );
        bar.finish();
        let all = judged.iter().flat_map(|case| case.pairs.iter().copied()).collect();
        let own = judged.iter().flat_map(|case| case.own_pairs.iter().copied()).collect();
        let map = calibration::fit(all)?;
        learned.calibrations.extend(match task {
            Task::Next => vec![
                (PlacementKind::ForYou, map.clone()),
                (PlacementKind::BuyAgain, calibration::fit(own)?),
                (PlacementKind::Rerank, map),
            ],
            Task::Together => vec![(PlacementKind::Similar, map.clone()), (PlacementKind::BoughtTogether, map)],
        });
        let metrics: Vec<[RankMetrics; 3]> = judged.iter().filter_map(|case| case.metrics).collect();
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
    blend: &Blend,
) -> Judged {
    let (target, log) = (recipe.count.target, &tables.log);
    let mut judged = Judged::default();
    with_scene(model, log, case, (task, target), recipe.params.seed, |split, candidates| {
        let mut scored = Vec::new();
        for (candidate, values) in candidates {
            let score = blend.score(&values);
            let taken = split.truth.contains(id_of(model, candidate));
            judged.pairs.push((score, taken));
            if candidate.own.is_some() {
                judged.own_pairs.push((score, taken));
            }
            scored.push(Scored { score, popularity: model.popularity.of(candidate.item), candidate: *candidate });
        }
        scored.sort_unstable_by(best_first);
        let events = case.events(log);
        let barred: BTreeSet<&str> = split.cart.iter().copied().collect();
        let own = personal(target, &events, case.now_ms, popularity, &barred, K);
        judged.metrics = Some([
            rank_metrics(scored.iter().map(|one| id_of(model, &one.candidate)), &split.truth, K),
            rank_metrics(own, &split.truth, K),
            rank_metrics(popular(popularity, &barred, K), &split.truth, K),
        ]);
    });
    judged
}
