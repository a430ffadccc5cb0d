//! Who lets their events serve training: options that several commands share.

use crate::error::Result;
use crate::tables::{ReadRules, TableReport, TrainingConsents, read_consents};
use clap::{Args as ClapArgs, ValueEnum};
use std::path::PathBuf;

/// Options of the commands that learn or measure.
#[derive(Debug, ClapArgs)]
pub(super) struct ConsentArgs {
    /// Consents: profile_id, purpose, granted, ts_ms, channel, writer. Events of profiles, or of their channels, without the
    /// purpose `training` are left out.
    #[arg(long, value_name = "FILE")]
    pub(super) consents: Option<PathBuf>,
    /// What holds for a profile that said nothing.
    #[arg(long, value_enum, default_value = "granted", requires = "consents")]
    consent_default: Presumed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Presumed {
    /// Opt-out.
    Granted,
    /// Opt-in.
    Withheld,
}

impl ConsentArgs {
    /// Reads the table, if one is named.
    pub(super) fn read(&self, rules: ReadRules<'_>) -> Result<Option<(TrainingConsents, TableReport)>> {
        let read = |path: &PathBuf| read_consents(path, self.consent_default == Presumed::Granted, rules);
        self.consents.as_ref().map(read).transpose()
    }
}
