//! One error type for training: a stable `code` for programs, a sentence that says what to do for people.

use std::path::{Path, PathBuf};

/// What the crate's functions return.
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that can go wrong from the tables to the model file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("can't {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried: `open`, `read`, `write`, ...
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
    /// A table's extension names no format that is read.
    #[error("`{}` has no known table format: name it .parquet, .csv, .tsv or .jsonl", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// A table's bytes are not what its extension says.
    #[error("{table} table `{}` can't be read: {reason}", path.display())]
    BadTable {
        /// Which table: `events`, `catalog`, `offers`, ...
        table: &'static str,
        /// The file.
        path: PathBuf,
        /// What the reader answered.
        reason: String,
    },
    /// A column is missing, doubled or of a type that can't hold what it should.
    #[error("{table} table: column `{column}` should be {expected}, found {found}")]
    BadSchema {
        /// Which table.
        table: &'static str,
        /// The column.
        column: String,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// More rows than allowed could not be used.
    #[error(
        "{table} table: {bad} of {rows} rows can't be used, more than the {allowed} allowed (first: {example}); mend them{}",
        if *table == "consents" { ": each might be a withdrawal" } else { " or raise `bad_rows_max` and `bad_rows_share_max`" }
    )]
    TooManyBadRows {
        /// Which table.
        table: &'static str,
        /// Rows that can't be used.
        bad: u64,
        /// Rows read.
        rows: u64,
        /// How many were allowed.
        allowed: u64,
        /// The first of them.
        example: String,
    },
    /// A configuration value is outside its range.
    #[error("configuration: `{field}` {reason}")]
    BadConfig {
        /// The setting.
        field: String,
        /// What is wrong and what is allowed.
        reason: String,
    },
    /// The log is too short or too thin to learn from.
    #[error("not enough data: {reason}")]
    NotEnoughData {
        /// What is missing.
        reason: String,
    },
    /// A solver of the learning library failed.
    #[error("the {step} could not be fitted: {reason}")]
    FitFailed {
        /// `blend` or `forest`.
        step: &'static str,
        /// What the solver answered.
        reason: String,
    },
    /// Something of the future was found in what is known at a moment.
    #[error("the future leaks into the past: {reason}")]
    Leak {
        /// What differs.
        reason: String,
    },
    /// A line of a requests, truth or answers file is not what it should be.
    #[error("`{}`, line {line}: {reason}", path.display())]
    BadLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A core function refused its input: a model file that is broken, too new or over a limit.
    #[error("{message} (field `{field}`)")]
    Core {
        /// Core's own code.
        code: String,
        /// Core's own sentence.
        message: String,
        /// The field that core names, or empty.
        field: String,
    },
}

impl Error {
    /// The stable name of this error, for programs.
    pub fn code(&self) -> &str {
        match self {
            Error::Io { .. } => "io",
            Error::UnknownFormat { .. } => "unknown_format",
            Error::BadTable { .. } => "bad_table",
            Error::BadSchema { .. } => "bad_schema",
            Error::TooManyBadRows { .. } => "too_many_bad_rows",
            Error::BadConfig { .. } => "bad_config",
            Error::NotEnoughData { .. } => "not_enough_data",
            Error::FitFailed { .. } => "fit_failed",
            Error::Leak { .. } => "leak",
            Error::BadLine { .. } => "bad_line",
            Error::Core { code, .. } => code,
        }
    }

    /// What a script sees: 2 the input or the configuration is wrong, 3 the data does not suffice, 1 anything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Io { .. } | Error::FitFailed { .. } => 1,
            Error::NotEnoughData { .. } | Error::Leak { .. } => 3,
            _ => 2,
        }
    }

    pub(crate) fn from_core(error: unisono_message::Error) -> Self {
        let (code, message) = (error.code().as_str().to_owned(), error.message().to_owned());
        Error::Core { code, message, field: error.field().to_owned() }
    }

    pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Error::Io { action, path: path.to_path_buf(), source }
    }

    pub(crate) fn config(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Error::BadConfig { field: field.into(), reason: reason.into() }
    }
}
