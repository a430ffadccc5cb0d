//! The consents table: what customers said of the purposes that their data may serve, a row for each time that one said it.

use super::cells::Row;
use super::renames::ReadRules;
use super::report::{Bad, BadRowLimits, TableReport};
use super::source::{Kind, Spec, may, need, read_table};
use crate::error::Result;
use std::collections::BTreeMap;
use std::path::Path;
use unisono_core::{Consents, Policy};
use unisono_message::{Purpose, Register, RegisterKind, RegisterValue, limits};

const SPECS: &[Spec] = &[
    need("profile_id", Kind::Text),
    need("purpose", Kind::Text),
    need("granted", Kind::Flag),
    need("ts_ms", Kind::Time),
    may("channel", Kind::Text),
    may("writer", Kind::Text),
];
// Places in the list above.
const PROFILE: usize = 0;
const PURPOSE: usize = 1;
const GRANTED: usize = 2;
const TS: usize = 3;
const CHANNEL: usize = 4;
const WRITER: usize = 5;

/// Who lets their events serve training, and in which channels.
#[derive(Debug, Clone)]
pub struct TrainingConsents {
    /// What is presumed of those who said nothing.
    policy: Policy,
    said: BTreeMap<String, Vec<Said>>,
}

/// One word on training.
#[derive(Debug, Clone)]
struct Said {
    /// Empty for all channels.
    channel: String,
    granted: bool,
    ts_ms: i64,
    writer: String,
}

impl Said {
    fn register(&self) -> Register<'_> {
        Register {
            kind: RegisterKind::Consent,
            name: &self.channel,
            value: RegisterValue::Bool(self.granted),
            ts_ms: self.ts_ms,
            writer: &self.writer,
            purpose: Purpose::Training,
        }
    }
}

impl TrainingConsents {
    /// Nobody has said anything: `granted` says what is presumed.
    pub fn presumed(granted: bool) -> Self {
        let mut policy = Policy::default();
        policy.granted = if granted { Purpose::Training.bit() } else { 0 };
        TrainingConsents { policy, said: BTreeMap::new() }
    }

    /// Whether the events of a profile in a channel may serve training, by core's own rule.
    pub fn allow(&self, profile_id: &str, channel: &str) -> bool {
        let said = self.said.get(profile_id).map_or(&[][..], Vec::as_slice);
        let registers: Vec<Register<'_>> = said.iter().map(Said::register).collect();
        Consents { policy: &self.policy, registers: &registers }.allow(Purpose::Training, channel)
    }
}

/// Reads the consents table at `path`; `granted` says what is presumed of those who said nothing. Every row counts, whatever its
/// time, so that a withdrawal holds for older events too.
///
/// # Errors
/// A file that can't be read, a bad schema, or a single row that can't be used: it might be a withdrawal.
pub fn read_consents<'r>(
    path: &Path,
    granted: bool,
    rules: impl Into<ReadRules<'r>>,
) -> Result<(TrainingConsents, TableReport)> {
    let ReadRules { limits, renames, .. } = rules.into();
    let limits = BadRowLimits { rows_max: 0, share_max: 0.0, ..limits };
    let mut report = TableReport::new("consents", path);
    let mut consents = TrainingConsents::presumed(granted);
    let seen = read_table("consents", path, SPECS, renames, &mut |first, batch| {
        for row in 0..batch.rows() {
            report.rows += 1;
            let read = match batch.broken(row) {
                Some(broken) => Err(Bad::row(broken)),
                None => read_row(&Row { batch, row, specs: SPECS }),
            };
            match read {
                Ok((Purpose::Training, profile_id, said)) => consents.said.entry(profile_id).or_default().push(said),
                Ok(_) => {}
                Err(bad) => report.add_bad(first + row as u64, bad, limits),
            }
        }
        Ok(())
    })?;
    report.close("consents", seen, limits)?;
    Ok((consents, report))
}

fn read_row(row: &Row<'_>) -> std::result::Result<(Purpose, String, Said), Bad> {
    let mut buffer = String::new();
    let profile_id = row.need_id(PROFILE, &mut buffer)?.to_owned();
    let name = row.need_id(PURPOSE, &mut buffer)?;
    let purpose = Purpose::ALL.into_iter().find(|purpose| purpose.as_str() == name);
    let purpose = purpose
        .ok_or_else(|| row.bad(PURPOSE, "is none of personalization, offers, cross_channel, measurement, training"))?;
    let said = Said {
        channel: row.channel_if_any(CHANNEL)?.unwrap_or_default().to_owned(),
        granted: row.need_flag(GRANTED)?,
        ts_ms: row.time(TS)?.ok_or_else(|| row.bad(TS, "is missing"))?,
        writer: row.free_text(WRITER, limits::ID_BYTES_MAX)?.unwrap_or_default(),
    };
    Ok((purpose, profile_id, said))
}
