//! The fit: from tables to a model file and the account of how it came about.

use crate::blend::{Aim, Intent, LearnReport, Recipe, Takes, aim, learn};
use crate::config::{FitParams, FitValidParams, LearnParams};
use crate::counts::{CountRules, Tables, Target, count};
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::tables::EventLog;
use serde::Serialize;
use unisono_core::model::{Fact, encode};

/// What a fit may use of the machine, and the moment it stands at. Neither threads nor progress leave a trace in the file.
#[derive(Debug)]
pub struct FitOptions<'o> {
    /// Threads, 1 or more.
    pub threads: usize,
    /// Unix milliseconds; events at or after it are not read. None: the moment after the last event.
    pub as_of_ms: Option<i64>,
    /// Where progress is shown.
    pub progress: &'o Progress,
}

/// A model file and its account.
#[derive(Debug)]
pub struct Fitted {
    /// The file.
    pub file: Vec<u8>,
    /// How it came about.
    pub report: FitReport,
}

/// How a model came about.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct FitReport {
    /// Events that are counted: `purchase`, `cart_add` or `view`.
    pub target: String,
    /// What a case takes: the next `order` or the next `item`.
    pub takes: String,
    /// Every intent that the log shows, with the counts by which the target was chosen.
    pub intents: Vec<Intent>,
    /// Fewest distinct profiles behind a figure.
    pub min_support: u32,
    /// Fewest distinct items of an order that makes a case.
    pub case_items_min: usize,
    /// Events used.
    pub events: usize,
    /// Distinct profiles among them.
    pub profiles: usize,
    /// Items of the model.
    pub items: usize,
    /// Items that are never shown, because a catalog row of theirs can't be used.
    pub items_left_out: usize,
    /// Brands that the catalog names and the model does not hold, because they are more than `tables.brands_max`.
    pub brands_left_out: usize,
    /// Offers of the model.
    pub offers: usize,
    /// Entries of the undirected list.
    pub bought_entries: usize,
    /// Entries of the directed list.
    pub next_entries: usize,
    /// Sessions of the model.
    pub sessions: usize,
    /// The learning.
    pub learn: LearnReport,
    /// SHA-256 of the file's root, in hexadecimal.
    pub model_id: String,
    /// Bytes of the file.
    pub bytes: usize,
}

/// What a fit decides before it counts.
#[derive(Debug)]
pub(crate) struct Plan<'p> {
    pub(crate) aim: Aim,
    pub(crate) intents: Vec<Intent>,
    /// The moment after the last event that counts.
    pub(crate) end_ms: i64,
    pub(crate) count: CountRules<'p>,
    pub(crate) learn: LearnParams,
}

impl Plan<'_> {
    /// The plan as the learning takes it.
    pub(crate) fn recipe(&self) -> Recipe<'_> {
        Recipe { params: &self.learn, end_ms: self.end_ms, aim: self.aim, count: self.count }
    }
}

impl FitValidParams {
    /// What is decided before anything is counted.
    pub(crate) fn plan(&self, tables: &Tables, options: &FitOptions<'_>) -> Result<Plan<'_>> {
        let (params, log) = (self.params(), &tables.log);
        let Some(last_ms) = log.last_ms() else {
            return Err(Error::NotEnoughData { reason: "the events table has no row that can be used".into() });
        };
        let end_ms = options.as_of_ms.unwrap_or(i64::MAX).min(last_ms + 1);
        let (aim, intents) = options.progress.stage("target", || aim(log, &params.learn, end_ms));
        let min_support = match params.tables.min_support {
            0 => usual_min_support(log, aim.target, end_ms),
            chosen => chosen,
        };
        let threads = options.threads.max(1);
        let target = aim.target;
        let anonymous = min_support == 1 && usual_min_support(log, target, end_ms) == 1;
        let sessions = if anonymous { params.tables.sessions } else { 0 };
        // All sessions together say what was taken with what, so that a list of it would only make the file larger.
        let undirected = log.profiles.len() > sessions;
        let count =
            CountRules { params: &params.tables, min_support, sessions, undirected, target, until_ms: end_ms, threads };
        let mut learn = params.learn.clone();
        learn.negatives = match (params.learn.negatives, aim.takes) {
            (0.0, Takes::Order) => 0.15,
            (0.0, Takes::Item) => 1.0,
            (chosen, _) => chosen,
        };
        Ok(Plan { aim, intents, end_ms, count, learn })
    }

    /// Counts, learns, evaluates and encodes.
    ///
    /// # Errors
    /// `not_enough_data` for a log without cases, and whatever counting, learning and encoding fail with.
    pub fn fit(&self, tables: &Tables, options: &FitOptions<'_>) -> Result<Fitted> {
        let (params, log) = (self.params(), &tables.log);
        let plan = self.plan(tables, options)?;
        let recipe = plan.recipe();
        let (rules, end_ms, min_support) = (plan.count, plan.end_ms, plan.count.min_support);
        let Aim { target, takes, items_min } = plan.aim;
        let learned = learn(tables, recipe, options.progress)?;
        let mut parts = options.progress.stage("tables of all events", || count(tables, rules, options.progress))?;
        let mut report = FitReport {
            target: target.as_str().into(),
            takes: takes.as_str().into(),
            intents: plan.intents.clone(),
            min_support,
            case_items_min: items_min,
            events: log.columns.ts_ms.iter().filter(|ts| **ts < end_ms).count(),
            profiles: (0..log.profiles.len() as u32)
                .filter(|profile| known(log, *profile, end_ms).next().is_some())
                .count(),
            items: parts.items.ids.len(),
            items_left_out: tables.catalog.never_shown(log).len(),
            brands_left_out: if parts.items.brand.is_empty() { tables.catalog.brands() } else { 0 },
            offers: parts.offers.len(),
            bought_entries: parts.bought.items.len(),
            next_entries: parts.next_items.items.len(),
            sessions: parts.sessions.len(),
            learn: learned.report,
            ..FitReport::default()
        };
        parts.scale_bits = params.learn.scale_bits;
        (parts.next, parts.together, parts.calibrations) = (learned.next, learned.together, learned.calibrations);
        (parts.next_forest, parts.together_forest) = (learned.next_forest, learned.together_forest);
        (parts.discover_forest, parts.discover_calibration) = (learned.discover_forest, learned.discover_calibration);
        parts.ranked_max = params.learn.ranked_max;
        let segments = std::mem::take(&mut parts.data);
        parts.diversity = (params.learn.diversity * 1_000.0).round() as u32;
        parts.data = data_facts(tables, &report, end_ms);
        parts.data.extend(segments);
        parts.config = config_facts(params, &report);
        parts.metrics = metric_facts(&report);
        let file = options.progress.stage("encoding", || encode(&parts)).map_err(Error::from_core)?;
        let model = unisono_core::Model::load(&file).map_err(Error::from_core)?;
        report.model_id = hex(&model.model_id);
        report.bytes = file.len();
        Ok(Fitted { file, report })
    }
}

/// The rows of a profile before a moment.
fn known(log: &EventLog, profile: u32, end_ms: i64) -> impl Iterator<Item = usize> {
    log.rows_of(profile).take_while(move |row| log.columns.ts_ms[*row] < end_ms)
}

/// 1 where views are learned, nothing was bought and nine of ten profiles are one session, so that nobody can be found again, else 5: on
/// Complete Journey's validation cut 3, 5 and 10 rank alike, and 5 keeps four fifths of the file that 3 gives.
fn usual_min_support(log: &EventLog, target: Target, end_ms: i64) -> u32 {
    let profiles = || (0..log.profiles.len() as u32).filter(|profile| known(log, *profile, end_ms).next().is_some());
    let once = |profile: &u32| {
        let mut keys = known(log, *profile, end_ms).map(|row| crate::counts::basket_key(log, row));
        let first = keys.next();
        keys.all(|key| Some(key) == first)
    };
    let bought = |profile: u32| known(log, profile, end_ms).any(|row| Target::Purchase.takes(log.kind(row)));
    let single = profiles().filter(once).count();
    // Who buys once can be known by name all the same: purchases never lower the floor.
    let anonymous = target == Target::View && !profiles().any(bought);
    if anonymous && single * 10 >= profiles().count() * 9 { 1 } else { 5 }
}

fn data_facts(tables: &Tables, report: &FitReport, end_ms: i64) -> Vec<(String, Fact)> {
    let log = &tables.log;
    let first_ms = log.columns.ts_ms.iter().copied().min().unwrap_or(0);
    let count = |name: &str, value: usize| (name.to_owned(), Fact::Int(value as i64));
    vec![
        ("events_sha256".into(), Fact::Text(hex(&log.fingerprint()))),
        ("catalog_sha256".into(), Fact::Text(hex(&tables.catalog.fingerprint()))),
        ("offers_sha256".into(), Fact::Text(hex(&tables.offers.fingerprint()))),
        count("events", report.events),
        count("profiles", report.profiles),
        ("first_ms".into(), Fact::Int(first_ms)),
        ("end_ms".into(), Fact::Int(end_ms)),
        ("target".into(), Fact::Text(report.target.clone())),
    ]
}

/// Every setting as it was used; what `fit` decided stands beside what was asked.
fn config_facts(params: &FitParams, report: &FitReport) -> Vec<(String, Fact)> {
    let mut facts = Vec::new();
    if let Ok(toml::Value::Table(groups)) = toml::Value::try_from(params) {
        for (group, settings) in groups {
            let toml::Value::Table(settings) = settings else { continue };
            for (name, value) in settings {
                let fact = match value {
                    toml::Value::Integer(value) => Fact::Int(value),
                    toml::Value::Float(value) => Fact::Float(value),
                    other => Fact::Text(other.to_string()),
                };
                facts.push((format!("{group}.{name}"), fact));
            }
        }
    }
    facts.push(("used.min_support".into(), Fact::Int(report.min_support.into())));
    facts.push(("used.takes".into(), Fact::Text(report.takes.clone())));
    facts.push(("used.cuts".into(), Fact::Int(report.learn.cuts.len() as i64)));
    facts.push(("used.case_items_min".into(), Fact::Int(report.case_items_min as i64)));
    facts
}

fn metric_facts(report: &FitReport) -> Vec<(String, Fact)> {
    let mut facts = Vec::new();
    for task in &report.learn.held_out {
        for (who, means) in [("blend", &task.blend), ("personal", &task.personal), ("popular", &task.popular)] {
            facts.push((format!("{}.{who}.cases", task.task), Fact::Int(means.cases as i64)));
            for (name, value) in [("recall@20", means.recall_20), ("ndcg@20", means.ndcg_20), ("hit@20", means.hit_20)]
            {
                facts.push((format!("{}.{who}.{name}", task.task), Fact::Float(value)));
            }
        }
    }
    facts
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
