//! What a model consists of, owned: what training builds and the encoder writes.

use crate::blend::{Blend, Calibration};
use crate::forest::Bins;
use alloc::string::String;
use alloc::vec::Vec;
use unisono_message::PlacementKind;

/// Rows of (item, weight), one row an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NeighbourParts {
    /// Start of each row, and the end: items + 1 values.
    pub offsets: Vec<u32>,
    /// Item indices, strongest first within a row.
    pub items: Vec<u32>,
    /// Codes of [`weight`](super::weight).
    pub weights: Vec<u8>,
}

/// The catalog section. Per-item vectors are as long as `ids`, or empty where the field says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemParts {
    /// Ids, strictly ascending by bytes.
    pub ids: Vec<String>,
    /// Index into `categories`; `NO_CATEGORY` for none.
    pub category: Vec<u16>,
    /// `FLAG_SENSITIVE` | `FLAG_RESTRICTED`.
    pub flags: Vec<u8>,
    /// Bit per channel of the model; empty: sold in all.
    pub channels: Vec<u32>,
    /// Unix ms; empty: always available.
    pub available_from_ms: Vec<i64>,
    /// Unix ms; empty: never ends.
    pub unavailable_from_ms: Vec<i64>,
    /// Variant groups; empty: none.
    pub group: Vec<u32>,
    /// Brands, by number; empty: none.
    pub brand: Vec<u32>,
    /// Category paths, strictly ascending by bytes.
    pub categories: Vec<String>,
    /// Share of the profiles of each category's items that came back to them, in 255ths; empty: 0 for all.
    pub category_repeat: Vec<u8>,
}

/// Popularity, as distinct profiles. Per-item vectors are as long as the ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PopularityParts {
    /// Over all days.
    pub all: Vec<u32>,
    /// Over the last 28 days.
    pub recent: Vec<u32>,
    /// Over the last 7 days.
    pub week: Vec<u32>,
    /// Share of profiles that came back to the item, in 255ths.
    pub repeat: Vec<u8>,
    /// Per channel of the model: (item, distinct profiles), best first.
    pub channels: Vec<Vec<(u32, u32)>>,
}

/// Segments; see [`Segments`](crate::segments::Segments) for what a dimension is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SegmentParts {
    /// (dimensions) Empty: no segments.
    pub weights: Vec<u16>,
    /// (segments) of (dimensions).
    pub centers: Vec<Vec<u16>>,
    /// (categories)
    pub groups: Vec<u8>,
    /// Per segment: (item, distinct profiles), best first.
    pub popular: Vec<Vec<(u32, u32)>>,
}

/// One offer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfferPart {
    /// Its id.
    pub id: String,
    /// Unix ms.
    pub starts_ms: i64,
    /// Unix ms, not included.
    pub ends_ms: i64,
    /// Bit per channel of the model; all bits for every channel.
    pub channels: u32,
    /// Redemptions per profile; 0 for no cap.
    pub cap: u32,
    /// Rolling days of the cap.
    pub cap_days: u32,
    /// `NO_CATEGORY` when it covers items.
    pub category: u16,
    /// Distinct profiles that redeemed it, 0 below the floor.
    pub popularity: u32,
    /// Items that it covers, ascending.
    pub items: Vec<u32>,
}

/// A fact about the fit, for people: never read by scoring.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// Text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A figure.
    Float(f64),
}

/// Boosted trees; see [`Forest`](crate::forest::Forest) for the arrays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForestParts {
    /// What every score starts from, in 2^-scale_bits.
    pub base: i64,
    /// The features that nodes look at, with their bins.
    pub bins: Vec<Bins>,
    /// Link to the root of each tree.
    pub roots: Vec<u16>,
    /// (nodes)
    pub features: Vec<u8>,
    /// (nodes)
    pub thresholds: Vec<u8>,
    /// (nodes)
    pub left: Vec<u16>,
    /// (nodes)
    pub right: Vec<u16>,
    /// (nodes)
    pub values: Vec<i32>,
    /// (leaves)
    pub leaves: Vec<i32>,
}

/// A whole model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelParts {
    /// The shop's currency, ISO 4217.
    pub currency: Option<String>,
    /// Channel names, ascending, at most 32; bits of masks count in this order.
    pub channels: Vec<String>,
    /// Fewest distinct profiles behind a figure.
    pub min_support: u32,
    /// Whether an item that only the profile knows stays a candidate.
    pub keep_unknown_items: bool,
    /// Newest distinct items of a profile whose neighbour rows are read.
    pub history_items: u32,
    /// Candidates that each source gives at most.
    pub candidates_per_source: u32,
    /// Within how many days the target event of a `probability` happens; 0 when it is the next order.
    pub horizon_days: u32,
    /// Bits after the binary point of scores, 0 to 16.
    pub scale_bits: u32,
    /// For `for_you`, `buy_again` and `rerank`.
    pub next: Blend,
    /// For `bought_together` and `similar`.
    pub together: Blend,
    /// Ranks what `next` found best.
    pub next_forest: ForestParts,
    /// Ranks what `together` found best.
    pub together_forest: ForestParts,
    /// Ranks what `next` found best among items that the customer never bought, where a placement leaves out the others.
    pub discover_forest: ForestParts,
    /// Score to probability where that forest ranks; empty for none.
    pub discover_calibration: Calibration,
    /// Candidates at most that a forest ranks, unless more are asked for or nothing is known of the customer.
    pub ranked_max: u32,
    /// How strongly items of one category avoid each other where a placement does not say, in 1,000ths.
    pub diversity: u32,
    /// Score to probability, per kind of placement.
    pub calibrations: Vec<(PlacementKind, Calibration)>,
    /// Where the data came from: fingerprint, rows, profiles, dates.
    pub data: Vec<(String, Fact)>,
    /// The configuration of the fit.
    pub config: Vec<(String, Fact)>,
    /// Metrics on the held-out future.
    pub metrics: Vec<(String, Fact)>,
    /// The catalog.
    pub items: ItemParts,
    /// Popularity.
    pub popularity: PopularityParts,
    /// Customers who buy alike.
    pub segments: SegmentParts,
    /// Undirected neighbours.
    pub bought: NeighbourParts,
    /// Directed neighbours.
    pub next_items: NeighbourParts,
    /// Distinct items of anonymous sessions, the one looked at last first; newest session first.
    pub sessions: Vec<Vec<u32>>,
    /// Offers, ascending by id.
    pub offers: Vec<OfferPart>,
}

impl Default for ModelParts {
    fn default() -> Self {
        ModelParts {
            currency: None,
            channels: Vec::new(),
            min_support: 1,
            keep_unknown_items: true,
            history_items: 100,
            candidates_per_source: 100,
            horizon_days: 0,
            scale_bits: 16,
            next: Blend::default(),
            together: Blend::default(),
            next_forest: ForestParts::default(),
            together_forest: ForestParts::default(),
            discover_forest: ForestParts::default(),
            discover_calibration: Calibration::default(),
            ranked_max: 200,
            diversity: 0,
            calibrations: Vec::new(),
            data: Vec::new(),
            config: Vec::new(),
            metrics: Vec::new(),
            items: ItemParts::default(),
            popularity: PopularityParts::default(),
            segments: SegmentParts::default(),
            bought: NeighbourParts::default(),
            next_items: NeighbourParts::default(),
            sessions: Vec::new(),
            offers: Vec::new(),
        }
    }
}
