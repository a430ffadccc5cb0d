//! Rows to learn from: the features of a case's candidates, by core's own code, and whether they were taken.

use super::aim::Takes;
use super::cases::Case;
use super::hash::{falls_into, hash};
use crate::parallel;
use crate::tables::{EventLog, NONE};
use std::collections::BTreeSet;
use unisono_core::Model;
use unisono_core::candidates::{self, Candidate};
use unisono_core::features::{FEATURES, values};
use unisono_core::history::History;
use unisono_core::profile::Profile;
use unisono_core::scene::{Background, Scene, known_items, seed_sums};
use unisono_message::{Context, PlacementKind};

/// What a blend is learned for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// What comes next: nothing is given but the history.
    Next,
    /// What comes next among items that were never bought.
    Discover,
    /// What completes a basket: half of it is given as the cart, the other half is to be found.
    Together,
}

impl Task {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Task::Next => "next",
            Task::Discover => "discover",
            Task::Together => "together",
        }
    }

    pub(crate) fn kind(self) -> PlacementKind {
        match self {
            Task::Next | Task::Discover => PlacementKind::ForYou,
            Task::Together => PlacementKind::BoughtTogether,
        }
    }
}

/// Feature values of candidates, row by row, cut to 32 bits, with the label of each.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    pub(crate) values: Vec<[i32; FEATURES]>,
    pub(crate) taken: Vec<bool>,
    /// What a row counts.
    pub(crate) weight: Vec<f32>,
    /// Number of the case within the whole learning set, ascending.
    pub(crate) case: Vec<u32>,
}

impl Rows {
    pub(crate) fn len(&self) -> usize {
        self.taken.len()
    }

    /// The rows for which `keep` says so.
    pub(crate) fn filtered(&self, keep: impl Fn(usize) -> bool) -> Rows {
        let mut kept = Rows::default();
        for row in (0..self.len()).filter(|row| keep(*row)) {
            kept.values.push(self.values[row]);
            kept.taken.push(self.taken[row]);
            kept.weight.push(self.weight[row]);
            kept.case.push(self.case[row]);
        }
        kept
    }

    pub(crate) fn append(&mut self, mut other: Rows, first_case: u32) {
        self.values.append(&mut other.values);
        self.taken.append(&mut other.taken);
        self.weight.append(&mut other.weight);
        self.case.extend(other.case.into_iter().map(|case| case + first_case));
    }
}

/// One case with the part of it that is given.
pub(crate) struct Split<'l> {
    /// Ids in the cart, ascending.
    pub(crate) cart: Vec<&'l str>,
    /// Ids to be found, ascending.
    pub(crate) truth: BTreeSet<&'l str>,
}

/// Splits a case: for `Together` an order is halved, and an item is given the one before it; none where nothing is left.
pub(crate) fn split<'l>(log: &'l EventLog, case: &Case, (task, takes): (Task, Takes), seed: u64) -> Option<Split<'l>> {
    let profile = log.profiles.get(case.profile);
    let ids = case.truth.iter().map(|item| log.items.get(*item));
    let (cart, truth): (Vec<&str>, Vec<&str>) = match (task, takes) {
        (Task::Next | Task::Discover, _) => (Vec::new(), ids.collect()),
        (Task::Together, Takes::Order) => ids.partition(|id| hash(seed, &["cart", profile, id]) & 1 == 1),
        (Task::Together, Takes::Item) => {
            let before = case.history.clone().rev().find_map(|row| log.event(row).item_id);
            (before.into_iter().collect(), ids.filter(|id| Some(*id) != before).collect())
        }
    };
    let empty = truth.is_empty() || task == Task::Together && cart.is_empty();
    (!empty).then(|| Split { cart, truth: truth.into_iter().collect() })
}

/// How rows are gathered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gather {
    pub(crate) task: Task,
    pub(crate) takes: Takes,
    /// Share of the candidates that were not taken which is kept.
    pub(crate) negatives: f64,
    pub(crate) seed: u64,
    pub(crate) threads: usize,
    /// What a row counts.
    pub(crate) weight: f32,
}

/// Calls `see(split, scene, candidates)` for a case, in the scene that serving would build.
pub(crate) fn with_scene<T>(
    model: &Model<'_>,
    log: &EventLog,
    case: &Case,
    task: (Task, Takes),
    seed: u64,
    see: impl FnOnce(&Split<'_>, &Scene<'_, '_>, &[Candidate<'_>]) -> T,
) -> Option<T> {
    let split = split(log, case, task, seed)?;
    let events = case.events(log);
    let (profile, _) = Profile::from_events(&events);
    let store_id = (case.store != NONE).then(|| log.stores.get(case.store));
    let context = Context { channel: log.channels.get(case.channel.into()), store_id, ..Context::default() };
    let history = History::fold(model, &profile, case.now_ms, &context);
    let background = Background::new(model, history, context.channel, case.now_ms);
    let (seeds, _) = known_items(model, &split.cart);
    let sums = seed_sums(model, &seeds);
    let scene = background.scene(model, &seeds, &sums);
    let mut found = candidates::collect(&scene, task.0.kind(), task.0 == Task::Discover, &[]);
    found.retain(|candidate| split.cart.binary_search(&id_of(model, candidate)).is_err());
    Some(see(&split, &scene, &found))
}

/// The id of a candidate, whether the model knows it or not.
pub(crate) fn id_of<'c>(model: &Model<'c>, candidate: &Candidate<'c>) -> &'c str {
    candidate.item.map_or(candidate.unknown_id, |item| model.items.ids.get(item))
}

/// The rows of all cases, negatives sampled by a hash of profile and item.
pub(crate) fn gather(
    model: &Model<'_>,
    log: &EventLog,
    cases: &[Case],
    rules: Gather,
    done: &(dyn Fn() + Sync),
) -> Rows {
    const PIECE: usize = 32;
    let pieces = cases.len().div_ceil(PIECE);
    let parts = parallel::in_order(
        rules.threads,
        pieces,
        || (),
        |(), piece| {
            let mut rows = Rows::default();
            let range = piece * PIECE..((piece + 1) * PIECE).min(cases.len());
            for (number, case) in range.clone().zip(&cases[range]) {
                gather_case(model, log, case, number as u32, rules, &mut rows);
            }
            rows
        },
        done,
    );
    let mut all = Rows::default();
    parts.into_iter().for_each(|part| all.append(part, 0));
    all
}

fn gather_case(model: &Model<'_>, log: &EventLog, case: &Case, number: u32, rules: Gather, rows: &mut Rows) {
    let profile = log.profiles.get(case.profile);
    let now = case.now_ms.to_string();
    with_scene(model, log, case, (rules.task, rules.takes), rules.seed, |split, scene, candidates| {
        for candidate in candidates {
            let id = id_of(model, candidate);
            let taken = split.truth.contains(id);
            if taken || falls_into(hash(rules.seed, &["negative", profile, &now, id]), rules.negatives) {
                let values = values(scene, candidate);
                rows.values.push(values.map(|value| value.clamp(i32::MIN.into(), i32::MAX.into()) as i32));
                rows.taken.push(taken);
                rows.weight.push(rules.weight);
                rows.case.push(number);
            }
        }
    });
}
