//! What can go wrong, in sentences.

/// Why parameters, records or a fit were refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BoostError {
    /// A parameter is outside its range.
    #[error("`{name}` is {found}, it should be {allowed}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        allowed: &'static str,
    },
    /// A vector's length is not that of the rows.
    #[error("{found} {what} for {expected} rows; give one a row")]
    Length {
        /// What was given: `labels`, `weights`, `column 3`.
        what: &'static str,
        /// How many.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A column holds bin 255.
    #[error("column {column} holds the bin 255; cut it into at most 255 bins, 0 to 254")]
    TooManyBins {
        /// The column.
        column: usize,
    },
    /// More columns than a tree can name.
    #[error("{columns} columns; a tree names at most 65,535")]
    TooManyColumns {
        /// How many.
        columns: usize,
    },
    /// More rows than the sums can hold.
    #[error("{rows} rows, more than the {allowed} whose sums are sure not to overflow; sample them")]
    TooManyRows {
        /// How many.
        rows: usize,
        /// How many may be.
        allowed: usize,
    },
    /// The boundaries of the cases do not run from 0 to the number of rows.
    #[error("case boundaries should rise from 0 to the number of rows; boundary {at} breaks that")]
    BadCases {
        /// Position of the first that is wrong.
        at: usize,
    },
    /// A weight is below zero or no number.
    #[error("row {row} weighs {weight}; weights are finite and not below 0")]
    BadWeight {
        /// The row.
        row: usize,
        /// Its weight.
        weight: f32,
    },
    /// Every row has the same label.
    #[error("of {rows} rows {taken} were taken; a forest needs some of both")]
    OneLabel {
        /// How many rows.
        rows: usize,
        /// How many of them were taken.
        taken: usize,
    },
    /// What linfa itself refuses.
    #[error(transparent)]
    Linfa(#[from] linfa::Error),
}
