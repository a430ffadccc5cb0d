//! The records: features cut into bins, column by column, and where each case begins.

use super::BoostError;
use linfa::dataset::Records;
use std::ops::Range;

/// (rows × columns) bins, column-major, with the rows of each case side by side.
///
/// Within a case the order of the rows is the order in which equal scores are ranked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binned {
    columns: Vec<Vec<u8>>,
    /// Bins of each column: one more than the highest that it holds.
    bins: Vec<usize>,
    cases: Vec<usize>,
}

impl Binned {
    /// `columns[c][r]` is the bin (0 to 254) of row `r` in column `c`; `cases` holds the first row of every case in rising
    /// order, then the number of rows: `[0, 3, 8]` are two cases of 3 and of 5 rows.
    ///
    /// # Errors
    /// Columns of unequal length, the bin 255, too many columns, or boundaries that do not run from 0 to the rows.
    pub fn new(columns: Vec<Vec<u8>>, cases: Vec<usize>) -> Result<Binned, BoostError> {
        let rows = cases.last().copied().unwrap_or(0);
        if cases.first() != Some(&0) {
            return Err(BoostError::BadCases { at: 0 });
        }
        if let Some(at) = cases.windows(2).position(|pair| pair[0] >= pair[1]) {
            return Err(BoostError::BadCases { at: at + 1 });
        }
        if columns.len() > usize::from(u16::MAX) {
            return Err(BoostError::TooManyColumns { columns: columns.len() });
        }
        if let Some(column) = columns.iter().find(|column| column.len() != rows) {
            return Err(BoostError::Length { what: "bins of a column", found: column.len(), expected: rows });
        }
        let bins: Vec<usize> =
            columns.iter().map(|column| column.iter().max().map_or(0, |bin| usize::from(*bin) + 1)).collect();
        match bins.iter().position(|bins| *bins > 255) {
            Some(column) => Err(BoostError::TooManyBins { column }),
            None => Ok(Binned { columns, bins, cases }),
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.cases.last().copied().unwrap_or(0)
    }

    /// The (rows) bins of each column.
    pub fn columns(&self) -> &[Vec<u8>] {
        &self.columns
    }

    /// Number of bins of each column.
    pub fn bins(&self) -> &[usize] {
        &self.bins
    }

    /// Number of cases.
    pub fn cases(&self) -> usize {
        self.cases.len().saturating_sub(1)
    }

    /// The rows of a case.
    pub fn case(&self, number: usize) -> Range<usize> {
        self.cases[number]..self.cases[number + 1]
    }

    /// Cuts the cases into at most `parts` runs of about as many rows each.
    pub(crate) fn runs(&self, parts: usize) -> Vec<Range<usize>> {
        let cut = |part: usize| self.cases.partition_point(|first| *first < self.rows() * part / parts);
        let cuts: Vec<usize> = (0..=parts).map(|part| cut(part).min(self.cases())).collect();
        cuts.windows(2).map(|pair| pair[0]..pair[1]).filter(|run| !run.is_empty()).collect()
    }
}

impl Records for Binned {
    type Elem = u8;

    fn nsamples(&self) -> usize {
        self.rows()
    }

    fn nfeatures(&self) -> usize {
        self.columns.len()
    }
}
