//! The configuration of a fit: every setting with its unit, range and default; checked before anything is read.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Settings of a fit, as `fit.toml` holds them. Each has a default that suits most shops.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FitParams {
    /// Reading the tables.
    pub data: DataParams,
    /// Counting.
    pub tables: TableParams,
    /// Learning the blend.
    pub learn: LearnParams,
}

/// Reading the tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataParams {
    /// Rows that can't be used before the reading stops; whichever limit allows more holds.
    pub bad_rows_max: u64,
    /// The same as a share of the table's rows, 0 to 1.
    pub bad_rows_share_max: f64,
}

impl Default for DataParams {
    fn default() -> Self {
        DataParams { bad_rows_max: 100, bad_rows_share_max: 0.01 }
    }
}

/// Counting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TableParams {
    /// Fewest distinct profiles behind a figure, 1 or more; 0 lets `fit` decide: 5 where profiles can be found again,
    /// 1 where they are anonymous single sessions.
    pub min_support: u32,
    /// Neighbours kept per item and list, 1 to 1,000.
    pub neighbours: usize,
    /// Days within which the next order counts as "what came after", 1 to 3,650.
    pub next_days: u32,
    /// Items kept in a channel's list of popular items, 1 to 100,000.
    pub channel_items: usize,
    /// Newest distinct items of a profile whose neighbour rows are read, 1 to 1,024.
    pub history_items: u32,
    /// Candidates that each source gives, 1 to 10,000.
    pub candidates_per_source: u32,
}

impl Default for TableParams {
    fn default() -> Self {
        TableParams {
            min_support: 0,
            neighbours: 30,
            next_days: 45,
            channel_items: 200,
            history_items: 100,
            candidates_per_source: 100,
        }
    }
}

/// Learning the blend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LearnParams {
    /// Cuts before the end of the log at which cases are taken, 2 to 24; the last is held out for calibration and metrics.
    pub cuts: usize,
    /// Days between cuts, and of the cases after each, 1 to 365; shortened for logs that are shorter than twice the cuts.
    pub window_days: u32,
    /// Fewest distinct items of an order that makes a case; 0 lets `fit` decide: the lower quartile of orders, 2 to 5.
    pub case_items_min: usize,
    /// Share of the candidates that were not taken which the fit reads, above 0 to 1.
    pub negatives: f64,
    /// Rows that the fit holds in memory, 1,000 or more.
    pub rows_max: usize,
    /// Bins per feature, 2 to 256.
    pub bins: usize,
    /// Learning rate of FTRL-proximal, above 0 to 1: small rates smooth, large ones follow few rows.
    pub rate: f64,
    /// How often the rows are gone through, 1 to 100.
    pub passes: u32,
    /// Bits after the binary point of scores, 8 to 24.
    pub scale_bits: u32,
    /// Seed of the hash that samples negatives and halves baskets.
    pub seed: u64,
}

impl Default for LearnParams {
    fn default() -> Self {
        LearnParams {
            cuts: 5,
            window_days: 30,
            case_items_min: 0,
            negatives: 0.15,
            rows_max: 1_000_000,
            bins: 24,
            rate: 0.02,
            passes: 2,
            scale_bits: 16,
            seed: 7,
        }
    }
}

/// Settings whose every value lies in its range.
#[derive(Debug, Clone, PartialEq)]
pub struct FitValidParams(FitParams);

impl FitValidParams {
    /// The settings.
    pub fn params(&self) -> &FitParams {
        &self.0
    }
}

impl FitParams {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the support floor; 0 lets `fit` decide.
    #[must_use]
    pub fn min_support(mut self, profiles: u32) -> Self {
        self.tables.min_support = profiles;
        self
    }

    /// Sets the neighbours kept per item and list.
    #[must_use]
    pub fn neighbours(mut self, count: usize) -> Self {
        self.tables.neighbours = count;
        self
    }

    /// Sets the seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.learn.seed = seed;
        self
    }

    /// Reads settings from TOML; a key that is no setting is an error.
    ///
    /// # Errors
    /// `bad_config` with the place in the text.
    pub fn from_toml(text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|error| Error::config("fit.toml", error.to_string().trim_end().to_owned()))
    }

    /// These settings as TOML.
    pub fn to_toml(&self) -> String {
        // Plain structs of numbers always have a TOML form.
        toml::to_string(self).unwrap_or_default()
    }

    fn check_ranges(&self) -> Result<()> {
        let (t, l) = (&self.tables, &self.learn);
        within("data.bad_rows_share_max", self.data.bad_rows_share_max, 0.0, 1.0)?;
        within("tables.neighbours", t.neighbours as f64, 1.0, 1_000.0)?;
        within("tables.next_days", t.next_days.into(), 1.0, 3_650.0)?;
        within("tables.channel_items", t.channel_items as f64, 1.0, 100_000.0)?;
        within("tables.history_items", t.history_items.into(), 1.0, 1_024.0)?;
        within("tables.candidates_per_source", t.candidates_per_source.into(), 1.0, 10_000.0)?;
        within("learn.cuts", l.cuts as f64, 2.0, 24.0)?;
        within("learn.window_days", l.window_days.into(), 1.0, 365.0)?;
        within("learn.case_items_min", l.case_items_min as f64, 0.0, 1_000.0)?;
        within("learn.negatives", l.negatives, 1e-6, 1.0)?;
        within("learn.rows_max", l.rows_max as f64, 1_000.0, 1e9)?;
        within("learn.bins", l.bins as f64, 2.0, 256.0)?;
        within("learn.rate", l.rate, 1e-6, 1.0)?;
        within("learn.passes", l.passes.into(), 1.0, 100.0)?;
        within("learn.scale_bits", l.scale_bits.into(), 8.0, 24.0)
    }
}

impl FitParams {
    /// Checks every range.
    ///
    /// # Errors
    /// `bad_config` that names the setting and its range.
    pub fn check(self) -> Result<FitValidParams> {
        self.check_ranges()?;
        Ok(FitValidParams(self))
    }
}

fn within(field: &str, value: f64, low: f64, high: f64) -> Result<()> {
    match value >= low && value <= high {
        true => Ok(()),
        false => Err(Error::config(field, format!("is {value}; it must lie within {low} to {high}"))),
    }
}
