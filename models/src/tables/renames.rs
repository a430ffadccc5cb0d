//! Columns that stand under other names than the tables' own.

use super::consents::TrainingConsents;
use super::report::BadRowLimits;
use crate::error::{Error, Result};
use std::collections::BTreeMap;

/// Names of columns as a shop has them, each with the name that is read: `user_id=profile_id,sku=item_id`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renames(BTreeMap<String, String>);

/// No column is renamed.
const NONE: &Renames = &Renames(BTreeMap::new());

impl Renames {
    /// Reads `from=to,from=to`.
    ///
    /// # Errors
    /// `bad_config` that names the part which is no pair, or the column that is named twice.
    pub fn parse(text: &str) -> Result<Self> {
        let mut pairs = BTreeMap::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let pair = part.split_once('=').map(|(from, to)| (from.trim(), to.trim()));
            let Some((from, to)) = pair.filter(|(from, to)| !from.is_empty() && !to.is_empty()) else {
                return Err(Error::config("map", format!("has the part `{part}`; write it as from=to")));
            };
            if pairs.insert(from.to_owned(), to.to_owned()).is_some() {
                return Err(Error::config("map", format!("renames `{from}` twice")));
            }
        }
        Ok(Renames(pairs))
    }

    /// The name under which a column is read.
    pub(crate) fn of<'n>(&'n self, name: &'n str) -> &'n str {
        self.0.get(name).map_or(name, String::as_str)
    }

    /// Every column that is renamed, as the shop has it.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// How a table is read.
#[derive(Debug, Clone, Copy)]
pub struct ReadRules<'r> {
    /// How many rows that can't be used stop the reading.
    pub limits: BadRowLimits,
    /// Columns under other names.
    pub renames: &'r Renames,
    /// Unix milliseconds: of events, those at or after it are passed over as if the table ended there.
    pub until_ms: i64,
    /// Who lets their events serve training; none: everyone does.
    pub consents: Option<&'r TrainingConsents>,
}

impl From<BadRowLimits> for ReadRules<'_> {
    fn from(limits: BadRowLimits) -> Self {
        ReadRules { limits, renames: NONE, until_ms: i64::MAX, consents: None }
    }
}
