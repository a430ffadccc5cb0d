//! What was read of a table, and what could not be used: counted, with examples, never dropped in silence.

use super::source::{Broken, Seen};
use crate::error::{Error, Result};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// How many rows that can't be used stop the reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BadRowLimits {
    /// Rows, up to a tenth of the table.
    pub rows_max: u64,
    /// Share of all rows, 0 to 1; both limits must be passed before the reading stops.
    pub share_max: f64,
    /// Examples kept per reason.
    pub examples: usize,
}

impl Default for BadRowLimits {
    /// 100 rows (but no more than a tenth of the table) or 1 % of it, whichever is more; three examples of each reason.
    fn default() -> Self {
        BadRowLimits { rows_max: 100, share_max: 0.01, examples: 3 }
    }
}

/// A row that can't be used.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BadRow {
    /// Number of the row, from 1 (the header does not count; for JSON lines the blank lines do not either).
    pub row: u64,
    /// The column, or empty when the whole row is meant.
    pub column: String,
    /// The value, shortened to 80 characters.
    pub value: String,
}

/// Rows that can't be used for one reason.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct BadRows {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub examples: Vec<BadRow>,
}

/// The account of one table.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TableReport {
    /// `events`, `catalog`, `offers` or `consents`.
    pub table: String,
    /// File name of the table, without its folder.
    pub file: String,
    /// Rows read.
    pub rows: u64,
    /// Rows that are used.
    pub kept: u64,
    /// Events that are left out because their profiles withhold them from training.
    pub withheld: u64,
    /// Distinct profiles among these.
    pub withheld_profiles: u64,
    /// Rows that stand for something another row says already.
    pub duplicates: u64,
    /// Rows that can't be used, by reason.
    pub bad: BTreeMap<String, BadRows>,
    /// Columns that are not read.
    pub unknown_columns: Vec<String>,
    /// Columns that are read under another name, as the table has them.
    pub renamed_columns: Vec<String>,
    /// What looks wrong though every row can be read.
    pub warnings: Vec<String>,
}

impl TableReport {
    pub(crate) fn new(table: &'static str, path: &Path) -> Self {
        let file = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        TableReport { table: table.into(), file: file.into(), ..Default::default() }
    }

    /// Rows that can't be used.
    pub fn bad_rows(&self) -> u64 {
        self.bad.values().map(|bad| bad.count).sum()
    }

    pub(crate) fn add_bad(&mut self, row: u64, bad: Bad, limits: BadRowLimits) {
        let entry = self.bad.entry(bad.reason.to_owned()).or_default();
        entry.count += 1;
        if entry.examples.len() < limits.examples {
            let value = bad.value.chars().take(80).collect();
            entry.examples.push(BadRow { row, column: bad.column.into(), value });
        }
    }

    /// Closes the account; fails when too many rows can't be used, and always when not one can.
    pub(crate) fn close(&mut self, table: &'static str, seen: Seen, limits: BadRowLimits) -> Result<()> {
        self.unknown_columns = seen.unknown.into_iter().collect();
        self.renamed_columns = seen.renamed.into_iter().collect();
        let bad = self.bad_rows();
        self.kept = self.rows - bad - self.withheld - self.duplicates;
        // A fixed number of rows may be the whole of a small table, so it counts up to a tenth of it only.
        let few = limits.rows_max.min(self.rows / 10);
        let share = (limits.share_max * self.rows as f64) as u64;
        let allowed = few.max(share).min(self.rows.saturating_sub(1));
        if bad <= allowed {
            return Ok(());
        }
        let first = self.bad.iter().filter_map(|(reason, bad)| bad.examples.first().map(|e| (e, reason)));
        let example = first
            .min_by_key(|(e, _)| e.row)
            .map(|(e, reason)| format!("row {}, column `{}`, value `{}`: {reason}", e.row, e.column, e.value));
        let example = example.unwrap_or_else(|| "no example kept".into());
        Err(Error::TooManyBadRows { table, bad, rows: self.rows, allowed, example })
    }
}

/// Why a row can't be used.
#[derive(Debug)]
pub(crate) struct Bad {
    pub(crate) column: &'static str,
    pub(crate) value: String,
    pub(crate) reason: &'static str,
}

impl Bad {
    /// A row of which no cell can be read.
    pub(crate) fn row(broken: &Broken) -> Self {
        Bad { column: "", value: broken.reason.clone(), reason: "the row can't be read" }
    }
}
