//! The file: MessagePack root, zeros up to a multiple of 16, then raw little-endian arrays, each at a multiple of 16.
//!
//! ```text
//! root = {"format_version": 1, "model_id": bin 32, ..., "sections": [
//!     {"name", "dtype", "first", "end", "offset", "length", "sha256"}, ...]}
//! ```
//! `offset` counts from the data area, which starts at the root's length rounded up to 16; `first..end` is the range of
//! items that a section covers (0..items in a whole file). `model_id` is the SHA-256 of the root without `model_id`.

/// The format that this version writes and reads.
pub const FORMAT_VERSION: i64 = 1;
/// Sections start at multiples of this, from the file's start.
pub(super) const ALIGNMENT: usize = 16;

/// The type of an array's elements, named as numpy names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// One byte.
    U8,
    /// Two bytes, little-endian.
    U16,
    /// Four bytes, little-endian.
    U32,
    /// Four bytes, two's complement, little-endian.
    I32,
    /// Eight bytes, two's complement, little-endian.
    I64,
}

impl Dtype {
    /// numpy's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Dtype::U8 => "u1",
            Dtype::U16 => "<u2",
            Dtype::U32 => "<u4",
            Dtype::I32 => "<i4",
            Dtype::I64 => "<i8",
        }
    }
}

macro_rules! sections {
    ($($name:ident $word:literal $dtype:ident $text:literal),+ $(,)?) => {
        /// A named array of the file.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Section { $(#[doc = $text] $name),+ }

        impl Section {
            /// Every section. Files hold those of one type side by side, in this order.
            pub const ALL: &'static [Section] = &[$(Section::$name),+];
            /// The name in the root.
            pub const fn name(self) -> &'static str { match self { $(Section::$name => $word),+ } }
            /// The type of its elements.
            pub const fn dtype(self) -> Dtype { match self { $(Section::$name => Dtype::$dtype),+ } }
            /// What it holds.
            pub const fn meaning(self) -> &'static str { match self { $(Section::$name => $text),+ } }
        }
    };
}

sections! {
    ItemIdLengths "items.id_lengths" U16 "Bytes of each item's id in `items.id_bytes`.",
    ItemIdStarts "items.id_starts" U32 "Where the first, the 17th, the 33rd... of them starts.",
    ItemIdBytes "items.id_bytes" U8 "The item ids in ascending order of their bytes.",
    ItemCategory "items.category" U16 "Index of each item's category; 65,535 for none.",
    ItemFlags "items.flags" U8 "Bit 0: sensitive, bit 1: restricted, bit 2: only the log names it.",
    ItemChannels "items.channels" U32 "Bit per channel of the root in which the item is sold; absent: all in all.",
    ItemAvailableFrom "items.available_from_ms" I64 "Unix ms from which the item is available; absent: always.",
    ItemUnavailableFrom "items.unavailable_from_ms" I64 "Unix ms from which it no longer is; absent: never.",
    ItemGroup "items.group" U32 "Number of the item's variant group; 4,294,967,295 for none; absent: no groups.",
    ItemBrand "items.brand" U32 "Number of the item's brand; 4,294,967,295 for none; absent: no brands.",
    CategoryLengths "categories.lengths" U16 "Bytes of each category path in `categories.bytes`.",
    CategoryStarts "categories.starts" U32 "Where the first, the 17th, the 33rd... of them starts.",
    CategoryBytes "categories.bytes" U8 "The category paths in ascending order of their bytes.",
    CategoryRepeat "categories.repeat" U8 "Share of the profiles of the category's items that came back to them, in 255ths; 0 below the floor; absent: 0 for all.",
    PopularityAll "popularity.all" U32 "Distinct profiles with the target event; 0 below the support floor.",
    PopularityRecent "popularity.recent" U32 "The same within the last 28 days.",
    PopularityWeek "popularity.week" U32 "The same within the last 7 days.",
    PopularityRepeat "popularity.repeat" U8 "Share of the item's profiles that came back to it, in 255ths; 0 below the floor.",
    ChannelOffsets "popularity.channel_offsets" U32 "Start of each channel's row, and the end: channels + 1 values.",
    ChannelItems "popularity.channel_items" U32 "Most popular items of a channel in the last 28 days, best first.",
    ChannelCounts "popularity.channel_counts" U32 "Their distinct profiles.",
    SegmentWeights "segments.weights" U16 "What a squared difference counts in each dimension; absent: no segments.",
    SegmentCenters "segments.centers" U16 "The centre of each segment: dimensions values each.",
    SegmentGroups "segments.groups" U8 "Of each category, the group whose share is a dimension; 255 for none.",
    SegmentOffsets "segments.offsets" U32 "Start of each segment's row, and the end: segments + 1 values.",
    SegmentItems "segments.items" U32 "Most popular items of a segment in the last 28 days, best first.",
    SegmentCounts "segments.counts" U32 "Their distinct profiles.",
    BoughtOffsets "neighbours.bought_offsets" U32 "Start of each item's row of the undirected list, and the end.",
    BoughtItems "neighbours.bought_items" U32 "Items in the same order or session, strongest first.",
    BoughtWeights "neighbours.bought_weights" U8 "Codes c of their cosines: in 507,904ths of the list's greatest c where c < 16, else (16 + c % 16) 2^(c / 16 - 1).",
    NextOffsets "neighbours.next_offsets" U32 "Start of each item's row of the directed list, and the end.",
    NextItems "neighbours.next_items" U32 "Items that came after it, strongest first.",
    NextWeights "neighbours.next_weights" U8 "The same codes of how often they came after it.",
    SessionOffsets "sessions.offsets" U32 "Start of each anonymous session's row, newest session first, and the end; absent: none.",
    SessionItems "sessions.items" U32 "Its distinct items, the one looked at last first.",
    OfferIdLengths "offers.id_lengths" U16 "Bytes of each offer's id in `offers.id_bytes`.",
    OfferIdStarts "offers.id_starts" U32 "Where the first, the 17th, the 33rd... of them starts.",
    OfferIdBytes "offers.id_bytes" U8 "The offer ids in ascending order of their bytes.",
    OfferStarts "offers.starts_ms" I64 "Unix ms at which the offer begins.",
    OfferEnds "offers.ends_ms" I64 "Unix ms at which it ends (not included).",
    OfferChannels "offers.channels" U32 "Bit per channel in which it holds.",
    OfferCaps "offers.caps" U32 "Redemptions per profile within the cap's days; 0 for no cap.",
    OfferCapDays "offers.cap_days" U32 "Rolling days of the cap.",
    OfferCategory "offers.category" U16 "Category that it covers; 65,535 when it covers items.",
    OfferPopularity "offers.popularity" U32 "Distinct profiles that redeemed it; 0 below the support floor.",
    OfferItemOffsets "offers.item_offsets" U32 "Start of each offer's row of items, and the end.",
    OfferItems "offers.items" U32 "Items that it covers, ascending within an offer.",
    NextTreeRoots "trees.next_roots" U16 "Forest of `next`: link to the root of each tree; links of 32,768 and more point at leaves.",
    NextTreeNodes "trees.next_nodes" U16 "Three numbers a node: its feature's place among the forest's bins plus 256 times the bin up to which a candidate goes left; the link on the left, to a later node of the tree or a leaf; the link on the right. A tree's nodes stand together, its root first, in the order of the roots.",
    NextTreeValues "trees.next_values" I32 "Each node's mean of the leaves below, in 2^-scale_bits.",
    NextTreeLeaves "trees.next_leaves" I32 "Each leaf's points, in 2^-scale_bits.",
    DiscoverTreeRoots "trees.discover_roots" U16 "Forest that ranks for `next` where what was bought is left out: the same four arrays.",
    DiscoverTreeNodes "trees.discover_nodes" U16 "See `trees.next_nodes`.",
    DiscoverTreeValues "trees.discover_values" I32 "See `trees.next_values`.",
    DiscoverTreeLeaves "trees.discover_leaves" I32 "See `trees.next_leaves`.",
    TogetherTreeRoots "trees.together_roots" U16 "Forest of `together`: the same four arrays.",
    TogetherTreeNodes "trees.together_nodes" U16 "See `trees.next_nodes`.",
    TogetherTreeValues "trees.together_values" I32 "See `trees.next_values`.",
    TogetherTreeLeaves "trees.together_leaves" I32 "See `trees.next_leaves`.",
}

/// Bit of `items.flags`.
pub const FLAG_SENSITIVE: u8 = 1;
/// Bit of `items.flags`.
pub const FLAG_RESTRICTED: u8 = 2;
/// Bit of `items.flags`: the catalog does not name the item. No decision reads it; it tells an update of the catalog what is
/// gone from what never was in it.
pub const FLAG_UNLISTED: u8 = 4;
/// No category.
pub const NO_CATEGORY: u16 = u16::MAX;
/// No variant group.
pub const NO_GROUP: u32 = u32::MAX;
/// No brand.
pub const NO_BRAND: u32 = u32::MAX;

/// The length of the root rounded up to where the data area starts.
pub const fn data_start(root_length: usize) -> usize {
    root_length.next_multiple_of(ALIGNMENT)
}
