//! The settings file: the whole of it where a command learns, the limits of bad rows where it only reads tables.

use crate::config::FitParams;
use crate::error::{Error, Result};
use crate::tables::BadRowLimits;
use clap::Args as ClapArgs;
use std::path::{Path, PathBuf};

/// Options of the commands that read tables and do not learn from them.
#[derive(Debug, ClapArgs)]
pub(super) struct LimitArgs {
    /// Settings of `fit` in TOML, of which `bad_rows_max` and `bad_rows_share_max` hold here: how many rows of a table that
    /// can't be used stop the reading.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

impl LimitArgs {
    /// The limits of the file, or the defaults.
    pub(super) fn read(&self) -> Result<BadRowLimits> {
        Ok(bad_row_limits(settings(self.config.as_deref())?.check()?.params()))
    }
}

/// The settings of a file, or the defaults; their ranges are not checked yet.
pub(super) fn settings(config: Option<&Path>) -> Result<FitParams> {
    match config {
        Some(path) => FitParams::from_toml(&std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?),
        None => Ok(FitParams::new()),
    }
}

/// How many bad rows these settings allow.
pub(super) fn bad_row_limits(params: &FitParams) -> BadRowLimits {
    BadRowLimits {
        rows_max: params.data.bad_rows_max,
        share_max: params.data.bad_rows_share_max,
        ..BadRowLimits::default()
    }
}
