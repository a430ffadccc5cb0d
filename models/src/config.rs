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

/// A group of settings: each with its default, its range and what it does, from which struct, checks and the documented
/// TOML are made.
macro_rules! settings {
    ($(#[doc = $about:literal])* $name:ident $group:literal {
        $($field:ident: $kind:ty = $default:expr, $low:literal to $high:literal, $doc:literal;)+
    }) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $(#[doc = $doc]
            pub $field: $kind,)+
        }

        impl Default for $name {
            fn default() -> Self {
                $name { $($field: $default,)+ }
            }
        }

        impl $name {
            fn check(&self) -> Result<()> {
                $(within(concat!($group, ".", stringify!($field)), self.$field as f64, $low as f64, $high as f64)?;)+
                Ok(())
            }

            fn write_toml(&self, out: &mut String) {
                out.push_str(concat!("[", $group, "]\n"));
                $(let (low, high) = (stringify!($low), stringify!($high));
                out.push_str(&format!("# {} ({low} to {high})\n{} = {:?}\n", $doc.trim(), stringify!($field), self.$field));)+
            }
        }
    };
}

settings! {
    /// Reading the tables.
    DataParams "data" {
        bad_rows_max: u64 = 100, 0 to 1_000_000_000,
            "Rows of a table that can't be used before the reading stops, up to a tenth of the table; whichever of the two limits allows more holds.";
        bad_rows_share_max: f64 = 0.01, 0 to 1,
            "The same as a share of the table's rows.";
    }
}

settings! {
    /// Counting.
    TableParams "tables" {
        min_support: u32 = 0, 0 to 1_000_000,
            "Fewest distinct profiles behind a figure; 0 lets fit decide: 5 where profiles can be found again, 1 where they are anonymous single sessions.";
        neighbours: usize = 20, 1 to 1_000,
            "Neighbours kept per item and list.";
        sessions: usize = 25_000, 0 to 10_000_000,
            "Newest sessions kept where profiles are anonymous single sessions, in place of undirected neighbours if these are all; a model of other profiles holds none.";
        next_days: u32 = 45, 1 to 3_650,
            "Days within which the next order counts as what came after.";
        channel_items: usize = 200, 1 to 100_000,
            "Items kept in a channel's list of popular items.";
        brands_max: usize = 1_000, 0 to 16_000_000,
            "Brands at most that a model holds, as numbers; where the catalog names more it holds none: on Complete Journey 6,472 brands were a tenth of the file for .0005 of recall@20, carts .0045.";
        history_items: u32 = 100, 1 to 1_024,
            "Newest distinct items of a profile whose neighbour rows are read.";
        segments: usize = 8, 0 to 64,
            "Segments of customers who buy alike; 0 for none. Only where customers can be found again and 50 a segment have bought.";
        candidates_per_source: u32 = 100, 1 to 10_000,
            "Candidates that each source gives.";
    }
}

settings! {
    /// Learning the blend.
    LearnParams "learn" {
        cuts: usize = 0, 0 to 24,
            "Cuts before the end of the log at which cases are taken, at least 2; the last is held out for calibration and metrics. 0 lets fit decide: 9 where a case is an order, 5 where it is an item.";
        window_days: u32 = 30, 1 to 365,
            "Days between cuts, and of the cases after each; shortened where the log is too short for them.";
        case_items_min: usize = 0, 0 to 1_000,
            "Fewest distinct items of an order that makes a case; 0 lets fit decide: the lower quartile of the profiles' mean orders, 2 to 5.";
        negatives: f64 = 0.0, 0 to 1,
            "Share of the candidates that were not taken which the fit reads; 0 lets fit decide: 0.15 where a case is an order, all where it is an item.";
        rows_max: usize = 1_000_000, 1_000 to 1_000_000_000,
            "Rows that a fit reads; of more, whole cases are left out by a hash.";
        bins: usize = 24, 4 to 256,
            "Bins per feature.";
        rate: f64 = 0.02, 0.000001 to 1,
            "Learning rate of FTRL-proximal: small rates smooth, large ones follow few rows.";
        passes: u32 = 2, 1 to 100,
            "How often the rows are gone through.";
        trees: usize = 120, 0 to 4_096,
            "Boosted trees at most that rank what the blend found best; 0 for none. Fewer than 500 cases have none.";
        trees_min: usize = 60, 1 to 4_096,
            "Fewest of them: of five numbers from here to `trees` the one that ranks the last cut best; `trees` itself where that is no more.";
        tree_leaves: usize = 31, 2 to 1_024,
            "Leaves of a tree at most; the time of a page grows with leaves times trees.";
        tree_rate: f64 = 0.05, 0.000001 to 1,
            "Share of its step that each tree takes.";
        tree_bins: usize = 63, 4 to 250,
            "Bins per feature of the trees.";
        ranked_max: u32 = 60, 1 to 10_000,
            "Candidates that the trees rank, unless a placement asks for more; of someone of whom nothing is known 1,000.";
        diversity: f64 = 0.0, 0 to 1,
            "How strongly the products of one category avoid each other in a list, unless a placement says it.";
        short_weight: f64 = 0.5, 0 to 1,
            "What a case counts for the trees when its history is cut to its last 0, 1, 2, 3, 5 or 10 orders; 0 leaves such cases out.";
        scale_bits: u32 = 16, 8 to 16,
            "Bits after the binary point of scores.";
        seed: u64 = 7, 0 to 9e15,
            "Seed of the hashes that sample negatives, halve baskets and order rows.";
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

    /// These settings as TOML, each under a comment that says what it does and within which range.
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        self.data.write_toml(&mut out);
        out.push('\n');
        self.tables.write_toml(&mut out);
        out.push('\n');
        self.learn.write_toml(&mut out);
        out
    }
}

impl FitParams {
    /// Checks every range.
    ///
    /// # Errors
    /// `bad_config` that names the setting and its range.
    pub fn check(self) -> Result<FitValidParams> {
        self.data.check()?;
        self.tables.check()?;
        self.learn.check()?;
        if self.learn.cuts == 1 {
            return Err(Error::config("learn.cuts", "is 1; it must be 0 or at least 2: the last cut is held out"));
        }
        Ok(FitValidParams(self))
    }
}

fn within(field: &str, value: f64, low: f64, high: f64) -> Result<()> {
    match value >= low && value <= high {
        true => Ok(()),
        false => Err(Error::config(field, format!("is {value}; it must lie within {low} to {high}"))),
    }
}
