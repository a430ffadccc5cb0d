//! The leak check: whatever is known at a moment is the same, byte for byte, from the whole log and from one that ends there.

use super::held_out::HeldOut;
use crate::blend::{Case, Takes, Task, id_of, with_scene};
use crate::counts::{CountRules, Tables, count};
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::tables::EventLog;
use serde::Serialize;
use unisono_core::Model;
use unisono_core::features::{FEATURES, values};
use unisono_core::model::encode;

/// Cases whose features are compared.
const CASES: usize = 32;

/// What was compared.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LeakReport {
    /// Whether the tables counted at the cut have the same bytes.
    pub tables_equal: bool,
    /// Bytes of them.
    pub table_bytes: usize,
    /// Cases whose features were compared.
    pub cases: usize,
    /// Candidates among them.
    pub candidates: usize,
    /// Cases whose features differ.
    pub cases_that_differ: usize,
    /// Settings of counting that the model's file does not record, as `name = default`: the check counted with the default.
    pub presumed: Vec<String>,
}

impl LeakReport {
    /// Whether nothing of the future was found.
    pub fn holds(&self) -> bool {
        self.tables_equal && self.cases_that_differ == 0
    }
}

/// Compares the tables at `rules.until_ms` counted from `whole` with those from `ending`, the same rows without any at or
/// after that moment; and the features of cases at equal distances, from the whole log and from one that ends at each.
///
/// # Errors
/// What counting and encoding fail with.
pub fn leak_check(
    whole: &Tables,
    ending: &Tables,
    held_out: &HeldOut<'_>,
    rules: CountRules<'_>,
    seed: u64,
) -> Result<LeakReport> {
    let bytes = |tables: &Tables| {
        let parts = count(tables, rules, &Progress::hidden())?;
        encode(&parts).map_err(Error::from_core)
    };
    let (of_whole, of_ending) = (bytes(whole)?, bytes(ending)?);
    let mut report =
        LeakReport { tables_equal: of_whole == of_ending, table_bytes: of_whole.len(), ..LeakReport::default() };
    let model = Model::load(&of_whole).map_err(Error::from_core)?;
    let wanted = held_out.len().min(CASES);
    for number in 0..wanted {
        let case = &held_out.cases[number * held_out.len() / wanted];
        let log = ending_at(held_out.log, case);
        let cut = Case { history: log.rows_of(case.profile), ..case.clone() };
        let task = (Task::Next, held_out.aim.takes);
        let seen = features(&model, held_out.log, case, task, seed);
        report.cases += 1;
        report.candidates += seen.len();
        report.cases_that_differ += usize::from(seen != features(&model, &log, &cut, task, seed));
    }
    Ok(report)
}

/// The log as it stood at a case: everything before it, and of its own profile what the session had seen at that moment.
fn ending_at(log: &EventLog, case: &Case) -> EventLog {
    let time = |row: usize| log.columns.ts_ms[row];
    log.only(|row| time(row) < case.now_ms || time(row) == case.now_ms && case.history.contains(&row))
}

fn features(
    model: &Model<'_>,
    log: &EventLog,
    case: &Case,
    task: (Task, Takes),
    seed: u64,
) -> Vec<(String, [i64; FEATURES])> {
    with_scene(model, log, case, task, seed, |_, scene, candidates| {
        let of = |candidate| (id_of(model, candidate).to_owned(), values(scene, candidate));
        candidates.iter().map(of).collect()
    })
    .unwrap_or_default()
}
