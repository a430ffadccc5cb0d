//! The account: every measure of every answerer, overall and by group, with intervals and paired differences.

use super::bootstrap::{Draws, Figure};
use super::calibration::{BINS, Bin, Prediction, by_chance, curve, ece, in_order};
use super::measures::{MEASURES, Weights, coverage, row};
use super::outcome::Outcome;
use serde::Serialize;
use std::collections::BTreeMap;
use unisono_core::Model;

/// Fewest cases of a channel, store, segment or history length that stands for itself.
const GROUP_CASES_MIN: usize = 30;
/// Stores at most that are told, those of most cases first.
const STORES_MAX: usize = 12;
/// History lengths: the name, and the first length of it.
const LENGTHS: [(&str, usize); 7] = [("0", 0), ("1", 1), ("2", 2), ("3-4", 3), ("5-9", 5), ("10-49", 10), ("50+", 50)];

/// Figures by measure.
pub type Figures = BTreeMap<&'static str, Figure>;

/// What one answerer reached.
#[derive(Debug, Clone, Serialize)]
pub struct Reached {
    /// `model`, `personal`, `popular` or `against`.
    pub answerer: String,
    /// Every measure with its interval.
    pub figures: Figures,
    /// Share of the model's items on at least one list.
    pub coverage: f64,
    /// Calibration error of the chances of recommended items; of the model alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration_error: Option<Figure>,
    /// The calibration error that the same chances would show on average if every one of them were exactly right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration_by_chance: Option<f64>,
}

/// The model less another answerer, case by case.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// Who is subtracted.
    pub minus: String,
    /// Every measure's paired difference; an interval that holds 0 is no win.
    pub figures: Figures,
}

/// Cases that have something in common.
#[derive(Debug, Clone, Serialize)]
pub struct Group {
    /// `all`, `channel`, `store`, `segment` or `history`.
    pub by: &'static str,
    /// The channel, the store, the segment's number, or the length of the history in baskets or views.
    pub value: String,
    /// Cases of the group.
    pub cases: usize,
    /// Distinct profiles among them.
    pub profiles: usize,
    /// Answerers, the model first.
    pub reached: Vec<Reached>,
    /// The model less each of the others.
    pub differences: Vec<Difference>,
}

/// How an account is made.
#[derive(Debug, Clone, Copy)]
pub struct AccountRules<'r> {
    /// Names of the answerers, as an outcome's lists stand.
    pub answerers: &'r [&'r str],
    /// Draws of the bootstrap.
    pub draws: usize,
    /// Its seed.
    pub seed: u64,
}

/// The groups of all outcomes, the whole first. A group of fewer than 30 cases is left out; its cases count in the whole.
pub fn groups(outcomes: &[Outcome], model: &Model<'_>, weights: &Weights<'_>, rules: AccountRules<'_>) -> Vec<Group> {
    let everyone: Vec<usize> = (0..outcomes.len()).collect();
    let mut members = vec![("all", String::new(), everyone)];
    // Truths without a request have no channel and no history.
    let asked = || outcomes.iter().enumerate().filter(|(_, outcome)| !outcome.lists.iter().all(Vec::is_empty));
    let mut by: [BTreeMap<String, Vec<usize>>; 4] = Default::default();
    for (at, outcome) in asked() {
        let length = LENGTHS.iter().rposition(|(_, first)| *first <= outcome.history).unwrap_or(0);
        by[0].entry(outcome.channel.clone()).or_default().push(at);
        by[1].entry(outcome.store.clone().unwrap_or_else(|| "(none)".into())).or_default().push(at);
        by[2].entry(outcome.segment.map_or("(none)".into(), |segment| segment.to_string())).or_default().push(at);
        by[3].entry(length.to_string()).or_default().push(at);
    }
    if model.segments.weights.is_empty() {
        by[2].clear();
    }
    for (by, found) in ["channel", "store", "segment", "history"].into_iter().zip(by) {
        let mut found: Vec<_> = found.into_iter().filter(|(_, cases)| cases.len() >= GROUP_CASES_MIN).collect();
        if by == "store" {
            found.sort_by_key(|(_, cases)| std::cmp::Reverse(cases.len()));
            found.truncate(STORES_MAX);
        }
        let name = |value: String| match by {
            "history" => LENGTHS[value.parse::<usize>().unwrap_or(0)].0.to_owned(),
            _ => value,
        };
        members.extend(found.into_iter().map(|(value, cases)| (by, name(value), cases)));
    }
    let group = |(by, value, cases): (&'static str, String, Vec<usize>)| {
        let cases: Vec<&Outcome> = cases.iter().map(|at| &outcomes[*at]).collect();
        group(by, value, &cases, model, weights, rules)
    };
    members.into_iter().map(group).collect()
}

fn group(
    by: &'static str,
    value: String,
    cases: &[&Outcome],
    model: &Model<'_>,
    weights: &Weights<'_>,
    rules: AccountRules<'_>,
) -> Group {
    let profiles: Vec<&str> = cases.iter().map(|case| case.profile.as_str()).collect();
    let draws = Draws::new(&profiles, rules.draws, rules.seed);
    let rows: Vec<Vec<[f64; MEASURES.len()]>> = (0..rules.answerers.len())
        .map(|who| cases.iter().map(|case| row(case, list_of(case, who), weights)).collect())
        .collect();
    let figures = |of: &dyn Fn(usize, usize) -> f64| -> Figures {
        let figure = |at: usize| draws.figure(&(0..cases.len()).map(|case| of(case, at)).collect::<Vec<_>>());
        MEASURES.iter().enumerate().filter_map(|(at, name)| Some((*name, figure(at)?))).collect()
    };
    let chances = predictions(cases, draws.groups());
    let reached = |(who, answerer): (usize, &&str)| Reached {
        answerer: (*answerer).to_owned(),
        figures: figures(&|case, at| rows[who][case][at]),
        coverage: coverage(cases.iter().filter_map(|case| case.lists.get(who)), model),
        calibration_error: (who == 0).then(|| calibration_error(&chances, &draws)).flatten(),
        calibration_by_chance: (who == 0).then(|| by_chance(&chances, rules.seed)).flatten(),
    };
    let difference = |(who, answerer): (usize, &&str)| Difference {
        minus: (*answerer).to_owned(),
        figures: figures(&|case, at| rows[0][case][at] - rows[who][case][at]),
    };
    let mut distinct = profiles.clone();
    distinct.sort_unstable();
    distinct.dedup();
    Group {
        by,
        value,
        cases: cases.len(),
        profiles: distinct.len(),
        reached: rules.answerers.iter().enumerate().map(reached).collect(),
        differences: rules.answerers.iter().enumerate().skip(1).map(difference).collect(),
    }
}

fn list_of(case: &Outcome, who: usize) -> &[String] {
    case.lists.get(who).map(Vec::as_slice).unwrap_or_default()
}

/// Every chance that the model gave a recommended item, in the order of the cases.
fn predictions(cases: &[&Outcome], groups: &[usize]) -> Vec<Prediction> {
    let of_case = |(case, profile): (&&Outcome, usize)| -> Vec<Prediction> {
        let pairs = list_of(case, 0).iter().zip(&case.chances);
        let one = |(id, chance): (&String, &Option<f64>)| {
            Some(Prediction { chance: (*chance)?, happened: case.truth.contains(id), profile })
        };
        pairs.filter_map(one).collect()
    };
    in_order(cases.iter().zip(groups.iter().copied()).flat_map(of_case).collect())
}

fn calibration_error(ordered: &[Prediction], draws: &Draws) -> Option<Figure> {
    let value = ece(&curve(ordered, BINS, |_| 1))?;
    let (low, high) = draws.interval(|times| ece(&curve(ordered, BINS, |profile| times[profile])))?;
    Some(Figure { value, low, high, cases: ordered.len() })
}

/// The calibration curve of all recommended items, in `bins` bins of equal count.
pub fn calibration_curve(outcomes: &[Outcome], bins: usize) -> Vec<Bin> {
    let cases: Vec<&Outcome> = outcomes.iter().collect();
    curve(&predictions(&cases, &vec![0; cases.len()]), bins, |_| 1)
}
