//! The model file: its layout, the encoder that training uses, and the reader that scoring uses in place.

mod arrays;
mod by_category;
mod encode;
mod layout;
mod load;
mod parts;
mod root;
mod sessions;
mod weights;

pub use arrays::{I32s, I64s, Node, Nodes, Rows, SortedStrings, U16s, U32s};
pub use by_category::ByCategory;
pub use encode::encode;
pub use layout::{
    Dtype, FLAG_RESTRICTED, FLAG_SENSITIVE, FLAG_UNLISTED, FORMAT_VERSION, NO_BRAND, NO_CATEGORY, NO_GROUP, Section,
    data_start,
};
pub use parts::{Fact, ForestParts, ItemParts, ModelParts, NeighbourParts, OfferPart, PopularityParts, SegmentParts};
pub use root::SectionEntry;
pub use sessions::Sessions;
pub use weights::{WEIGHT_MAX, weight, weight_code};

use crate::blend::{Blend, Calibration};
use crate::forest::Forest;
use crate::segments::Segments;
use alloc::vec::Vec;
use unisono_message::PlacementKind;

/// A loaded model: views into the bytes of its file. Loading checks every hash, offset, order and index once.
#[derive(Clone, Debug)]
pub struct Model<'a> {
    /// SHA-256 of the root without this field.
    pub model_id: [u8; 32],
    /// Number of items.
    pub items_len: u32,
    /// The shop's currency.
    pub currency: Option<&'a str>,
    /// Channel names, ascending.
    pub channels: Vec<&'a str>,
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
    /// Ranks what `next` found best; empty where the blend alone ranks.
    pub next_forest: Forest<'a>,
    /// Ranks what `together` found best.
    pub together_forest: Forest<'a>,
    /// Ranks what `next` found best among items that the customer never bought, where a placement leaves out the others.
    pub discover_forest: Forest<'a>,
    /// Score to probability where that forest ranks; empty for none.
    pub discover_calibration: Calibration,
    /// Candidates at most that a forest ranks, unless more are asked for or nothing is known of the customer.
    pub ranked_max: u32,
    /// How strongly items of one category avoid each other where a placement does not say, in 1,000ths.
    pub diversity: i64,
    /// Score to probability, per kind of placement.
    pub calibrations: Vec<(PlacementKind, Calibration)>,
    /// Every section as the root lists it.
    pub sections: Vec<SectionEntry<'a>>,
    /// The catalog.
    pub items: Items<'a>,
    /// The same by category.
    pub by_category: ByCategory,
    /// Popularity.
    pub popularity: Popularity<'a>,
    /// Customers who buy alike.
    pub segments: Segments<'a>,
    /// Undirected neighbours.
    pub bought: Neighbours<'a>,
    /// Directed neighbours.
    pub next_items: Neighbours<'a>,
    /// Anonymous sessions.
    pub sessions: Sessions<'a>,
    /// Offers.
    pub offers: Offers<'a>,
}

/// What scoring needs of the catalog. Optional arrays are empty when the file has none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Items<'a> {
    /// Ids; an item's index is its id's rank.
    pub ids: SortedStrings<'a>,
    /// Category index, or [`NO_CATEGORY`].
    pub category: U16s<'a>,
    /// [`FLAG_SENSITIVE`] | [`FLAG_RESTRICTED`].
    pub flags: &'a [u8],
    /// Bit per channel.
    pub channels: U32s<'a>,
    /// Unix ms.
    pub available_from_ms: I64s<'a>,
    /// Unix ms.
    pub unavailable_from_ms: I64s<'a>,
    /// Variant group, or [`NO_GROUP`].
    pub group: U32s<'a>,
    /// Brand, or [`NO_BRAND`].
    pub brand: U32s<'a>,
    /// Category paths.
    pub categories: SortedStrings<'a>,
    /// Share of the profiles of each category's items that came back to them, in 255ths.
    pub category_repeat: &'a [u8],
}

impl Items<'_> {
    /// The item's category, none when it has none.
    #[inline]
    pub fn category_of(&self, item: u32) -> Option<u16> {
        self.category.get(item as usize).filter(|category| *category != NO_CATEGORY)
    }

    /// The item's variant group.
    pub fn group_of(&self, item: u32) -> Option<u32> {
        self.group.get(item as usize).filter(|group| *group != NO_GROUP)
    }

    /// The item's brand.
    #[inline]
    pub fn brand_of(&self, item: u32) -> Option<u32> {
        self.brand.get(item as usize).filter(|brand| *brand != NO_BRAND)
    }

    /// Whether category `inner` is `outer` or lies below it.
    pub fn is_within(&self, inner: u16, outer: &str) -> bool {
        is_below(self.categories.get(u32::from(inner)), outer)
    }
}

/// Whether a category path is `outer` or lies below it: `a/b` is below `a`, `ab` is not.
pub fn is_below(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Popularity as numbers of distinct profiles; 0 below the support floor.
#[derive(Clone, Debug, Default)]
pub struct Popularity<'a> {
    /// Over all days.
    pub all: U32s<'a>,
    /// Over the last 28 days.
    pub recent: U32s<'a>,
    /// Over the last 7 days.
    pub week: U32s<'a>,
    /// Share of profiles that came back to the item, in 255ths.
    pub repeat: &'a [u8],
    /// Items with popularity, by recent, then all, both descending, then index. Sorted while loading: in a file it would weigh
    /// as much as all other figures of popularity together.
    pub order: Vec<u32>,
    /// A row per channel.
    pub channels: PopularLists<'a>,
}

impl Popularity<'_> {
    /// Every item of `items_len`, most popular first: those with popularity in the order, then the others by index.
    pub fn every_item(&self, items_len: u32) -> impl Iterator<Item = u32> + Clone + '_ {
        let unpopular = |item: &u32| self.all.get(*item as usize) == Some(0);
        self.order.iter().copied().chain((0..items_len).filter(unpopular))
    }

    /// Popularity over all days, by which ties are broken; 0 for an unknown item.
    #[inline]
    pub fn of(&self, item: Option<u32>) -> u32 {
        item.and_then(|item| self.all.get(item as usize)).unwrap_or(0)
    }
}

/// What is popular with some of the customers: a row for each channel or segment.
#[derive(Clone, Copy, Debug, Default)]
pub struct PopularLists<'a> {
    /// Its rows.
    pub rows: Rows<'a>,
    /// Most popular items of the last 28 days, best first within a row.
    pub items: U32s<'a>,
    /// Their distinct profiles.
    pub counts: U32s<'a>,
}

impl<'a> PopularLists<'a> {
    /// The items of a row with their distinct profiles, best first.
    pub fn of(&self, row: u32) -> impl Iterator<Item = (u32, u32)> + use<'a> {
        let (start, end) = self.rows.range(row);
        self.items.slice(start, end).iter().zip(self.counts.slice(start, end).iter())
    }
}

/// A list of neighbours per item.
#[derive(Clone, Copy, Debug, Default)]
pub struct Neighbours<'a> {
    /// A row per item.
    pub rows: Rows<'a>,
    /// Strongest first within a row.
    pub items: U32s<'a>,
    /// Codes of [`weight`].
    pub weights: &'a [u8],
}

impl<'a> Neighbours<'a> {
    /// An item's neighbours with their weights, strongest first.
    #[inline]
    pub fn of(&self, item: u32) -> impl Iterator<Item = (u32, u32)> + use<'a> {
        let (start, end) = self.rows.range(item);
        let codes = self.weights.get(start..end).unwrap_or_default();
        self.items.slice(start, end).iter().zip(codes.iter().map(|code| weight(*code)))
    }
}

/// Offers, in ascending order of their ids.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offers<'a> {
    /// Ids.
    pub ids: SortedStrings<'a>,
    /// Unix ms.
    pub starts_ms: I64s<'a>,
    /// Unix ms, not included.
    pub ends_ms: I64s<'a>,
    /// Bit per channel.
    pub channels: U32s<'a>,
    /// Redemptions per profile; 0 for no cap.
    pub caps: U32s<'a>,
    /// Rolling days of the cap.
    pub cap_days: U32s<'a>,
    /// Category, or [`NO_CATEGORY`].
    pub category: U16s<'a>,
    /// Distinct profiles that redeemed it.
    pub popularity: U32s<'a>,
    /// A row per offer.
    pub rows: Rows<'a>,
    /// Items, ascending within a row.
    pub items: U32s<'a>,
}
