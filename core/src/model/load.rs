//! Bytes to a model: views into the file, checked once. Its twin `encode.rs` stands beside it.

use super::arrays::{I32s, I64s, Node, Nodes, Rows, SortedStrings, U16s, U32s};
use super::layout::{ALIGNMENT, NO_CATEGORY, Section};
use super::root::{self, ForestRoot, Root, SectionEntry};
use super::{ByCategory, Items, Model, Neighbours, Offers, PopularLists, Popularity, Sessions};
use crate::digest::sha256;
use crate::forest::{Forest, LEAF};
use crate::order::sorted;
use crate::segments::{MEASURES, NO_SEGMENT_GROUP, Segments};
use alloc::vec::Vec;
use core::cell::Cell;
use core::mem::take;
use unisono_message::limits;
use unisono_message::list::Listed;
use unisono_message::text;
use unisono_message::{Error, ErrorCode, Result};

impl<'a> Model<'a> {
    /// Reads a model file in place: no array is copied. Which sessions hold an item is gathered here.
    ///
    /// # Errors
    /// `model_truncated`, `model_version_unsupported`, `model_root_invalid`, `model_section_missing`,
    /// `model_section_invalid`, `model_section_hash`, `model_index_out_of_range`, `model_ranges_unsupported`,
    /// `trailing_bytes`; the field names the section.
    pub fn load(file: &'a [u8]) -> Result<Self> {
        let mut root = root::read(file)?;
        let (next, together) = (take(&mut root.next_forest), take(&mut root.together_forest));
        let (discover, discover_calibration) = (take(&mut root.discover_forest), take(&mut root.discover_calibration));
        let sections = Sections::check(file, &root)?;
        let n = root.items as usize;
        let items = read_items(&sections, n);
        // From here on `n` is what the file has, and not only what it says: room is made for as many.
        sections.finish()?;
        let categories = items.categories.len();
        let popularity = read_popularity(&sections, n, root.channels.len());
        let segments = read_segments(&sections, n, root.channels.len(), categories);
        let bought =
            read_neighbours(&sections, n, [Section::BoughtOffsets, Section::BoughtItems, Section::BoughtWeights]);
        let next_items =
            read_neighbours(&sections, n, [Section::NextOffsets, Section::NextItems, Section::NextWeights]);
        let sessions = read_sessions(&sections, n);
        let offers = read_offers(&sections, n, categories);
        let next_forest = read_forest(&sections, next, NEXT_TREES);
        let together_forest = read_forest(&sections, together, TOGETHER_TREES);
        let discover_forest = read_forest(&sections, discover, DISCOVER_TREES);
        // What is made in the size of sections is made when they are known to be sound.
        sections.finish()?;
        let by_category = ByCategory::new(&items, popularity.every_item(root.items));
        let sessions = sessions.map_or_else(Sessions::default, |(rows, items)| Sessions::new(rows, items, n));
        Ok(Model {
            model_id: root.model_id,
            items_len: root.items,
            currency: root.currency,
            channels: root.channels,
            min_support: root.min_support,
            keep_unknown_items: root.keep_unknown_items,
            history_items: root.history_items,
            candidates_per_source: root.candidates_per_source,
            horizon_days: root.horizon_days,
            scale_bits: root.scale_bits,
            next: root.next,
            together: root.together,
            next_forest,
            together_forest,
            discover_forest,
            discover_calibration,
            ranked_max: root.ranked_max,
            diversity: root.diversity.into(),
            calibrations: root.calibrations,
            sections: root.sections,
            items,
            by_category,
            popularity,
            segments,
            bought,
            next_items,
            sessions,
            offers,
        })
    }

    /// The number of a channel, by which masks and channel rows count.
    pub fn channel(&self, name: &str) -> Option<u32> {
        self.channels.iter().position(|channel| *channel == name).map(|at| at as u32)
    }
}

/// The sections of a file. The first error sticks, so that the code that reads has no way out of its own for each section; after it
/// what is read is of no use. [`Sections::finish`] tells it, and is asked before anything is kept or made in its size.
struct Sections<'a, 'r> {
    data: &'a [u8],
    entries: &'r [SectionEntry<'a>],
    error: Cell<Option<Error>>,
}

impl<'a, 'r> Sections<'a, 'r> {
    /// Checks place, range, type and hash of every section, and that nothing follows the last.
    fn check(file: &'a [u8], root: &'r Root<'a>) -> Result<Self> {
        let data = file.get(root.data_start.min(file.len())..).unwrap_or_default();
        let mut end = 0usize;
        for (index, entry) in root.sections.iter().enumerate() {
            if root.sections.iter().skip(index + 1).any(|other| other.name == entry.name) {
                return Err(invalid(entry.name, "stands twice"));
            }
            if entry.first != 0 || entry.end != i64::from(root.items) {
                let message = text!("the section covers items {} to {} of {}", entry.first, entry.end, root.items);
                return Err(Error::new(ErrorCode::ModelRangesUnsupported, message).in_field(entry.name));
            }
            if entry.offset % ALIGNMENT != 0 {
                return Err(invalid(entry.name, "does not start at a multiple of 16"));
            }
            let after = entry.offset.saturating_add(entry.length);
            let Some(bytes) = data.get(entry.offset..after) else {
                let message = text!("the section ends at byte `{}` of the data area, which has {}", after, data.len());
                return Err(Error::new(ErrorCode::ModelTruncated, message).in_field(entry.name));
            };
            // One id covers the file: what no hash covers is zero.
            if data.get(end..entry.offset).is_none_or(|gap| gap.iter().any(|byte| *byte != 0)) {
                return Err(invalid(entry.name, "does not follow the one before it with zeros between"));
            }
            if sha256(&[bytes]) != entry.sha256 {
                let message = "the bytes do not have the SHA-256 that the root names";
                return Err(Error::new(ErrorCode::ModelSectionHash, message).in_field(entry.name));
            }
            end = end.max(after);
        }
        if data.len() > end {
            return Err(Error::new(
                ErrorCode::TrailingBytes,
                text!("`{}` bytes follow the last section", data.len() - end),
            ));
        }
        Ok(Sections { data, entries: &root.sections, error: Cell::new(None) })
    }

    /// Tells the first error.
    fn finish(&self) -> Result<()> {
        self.error.take().map_or(Ok(()), Err)
    }

    /// Notes an error, unless there was one before.
    #[cold]
    #[inline(never)]
    fn fail(&self, error: Error) {
        self.error.set(self.error.take().or(Some(error)));
    }

    #[cold]
    #[inline(never)]
    fn invalid(&self, section: Section, what: &str) {
        self.fail(invalid(section.name(), what));
    }

    /// What was made of a section; where nothing could be, the error is noted.
    fn made<T: Default>(&self, made: Option<T>, section: Section, what: &str) -> T {
        made.unwrap_or_else(|| {
            self.invalid(section, what);
            T::default()
        })
    }

    /// The bytes of a section; empty when the file has none.
    #[inline(never)]
    fn optional(&self, section: Section) -> &'a [u8] {
        let Some(entry) = self.entries.iter().find(|entry| entry.name == section.name()) else { return &[] };
        if entry.dtype != section.dtype().as_str() {
            self.invalid(section, &text!("has the type `{}`, not `{}`", entry.dtype, section.dtype().as_str()));
            return &[];
        }
        self.data.get(entry.offset..entry.offset.saturating_add(entry.length)).unwrap_or_default()
    }

    /// A view of a section, which must be of this length.
    #[inline(never)]
    fn u8s(&self, section: Section, length: usize) -> &'a [u8] {
        let bytes = self.optional(section);
        if self.has_length(section, bytes.len(), length) { bytes } else { &[] }
    }

    #[inline(never)]
    fn any_u16s(&self, section: Section) -> U16s<'a> {
        self.made(U16s::new(self.optional(section)), section, RAGGED)
    }

    fn u16s(&self, section: Section, length: usize) -> U16s<'a> {
        let array = self.any_u16s(section);
        if self.has_length(section, array.len(), length) { array } else { U16s::default() }
    }

    #[inline(never)]
    fn any_u32s(&self, section: Section) -> U32s<'a> {
        self.made(U32s::new(self.optional(section)), section, RAGGED)
    }

    #[inline(never)]
    fn u32s(&self, section: Section, length: usize) -> U32s<'a> {
        let array = self.any_u32s(section);
        if self.has_length(section, array.len(), length) { array } else { U32s::default() }
    }

    #[inline(never)]
    fn any_i32s(&self, section: Section) -> I32s<'a> {
        self.made(I32s::new(self.optional(section)), section, RAGGED)
    }

    #[inline(never)]
    fn i64s(&self, section: Section, length: usize) -> I64s<'a> {
        let array = self.made(I64s::new(self.optional(section)), section, RAGGED);
        if self.has_length(section, array.len(), length) { array } else { I64s::default() }
    }

    /// An optional per-item array is as long as the items, or absent.
    #[inline(never)]
    fn length_of(&self, section: Section, length: usize) -> usize {
        if self.entries.iter().any(|entry| entry.name == section.name()) { length } else { 0 }
    }

    #[inline(never)]
    fn has_length(&self, section: Section, found: usize, wanted: usize) -> bool {
        if found != wanted {
            self.fail(of_other_length(section, found, wanted));
        }
        found == wanted
    }

    /// Item indices, each below `below`.
    #[inline(never)]
    fn indices(&self, section: Section, below: usize) -> U32s<'a> {
        let array = self.any_u32s(section);
        match array.iter().position(|index| index as usize >= below) {
            None => array,
            Some(at) => {
                self.fail(out_of_range(section, at, below));
                U32s::default()
            }
        }
    }

    #[inline(never)]
    fn strings(&self, [lengths, starts, bytes]: [Section; 3]) -> SortedStrings<'a> {
        let strings = SortedStrings::new(self.any_u16s(lengths), self.any_u32s(starts), self.optional(bytes));
        self.made(strings, lengths, "does not cut its bytes into rising UTF-8 strings")
    }

    #[inline(never)]
    fn rows(&self, section: Section, rows: usize, entries: usize) -> Rows<'a> {
        let offsets = self.u32s(section, rows + 1);
        self.made(Rows::new(offsets, entries), section, "does not rise from 0 to the number of entries")
    }

    #[inline(never)]
    fn popular(&self, [offsets, items, counts]: [Section; 3], rows: usize, n: usize) -> PopularLists<'a> {
        let items = self.indices(items, n);
        let rows = self.rows(offsets, rows, items.len());
        PopularLists { rows, items, counts: self.u32s(counts, items.len()) }
    }
}

fn read_items<'a>(s: &Sections<'a, '_>, n: usize) -> Items<'a> {
    let ids = s.strings([Section::ItemIdLengths, Section::ItemIdStarts, Section::ItemIdBytes]);
    s.has_length(Section::ItemIdLengths, ids.len(), n);
    let categories = s.strings([Section::CategoryLengths, Section::CategoryStarts, Section::CategoryBytes]);
    if categories.len() > limits::MODEL_CATEGORIES_MAX {
        s.invalid(Section::CategoryLengths, "holds more than model_categories_max categories");
    }
    let category = s.u16s(Section::ItemCategory, n);
    check_categories(s, Section::ItemCategory, category, categories.len());
    let optional = |section| s.length_of(section, n);
    Items {
        ids,
        category,
        flags: s.u8s(Section::ItemFlags, n),
        channels: s.u32s(Section::ItemChannels, optional(Section::ItemChannels)),
        available_from_ms: s.i64s(Section::ItemAvailableFrom, optional(Section::ItemAvailableFrom)),
        unavailable_from_ms: s.i64s(Section::ItemUnavailableFrom, optional(Section::ItemUnavailableFrom)),
        group: s.u32s(Section::ItemGroup, optional(Section::ItemGroup)),
        brand: s.u32s(Section::ItemBrand, optional(Section::ItemBrand)),
        category_repeat: s.u8s(Section::CategoryRepeat, s.length_of(Section::CategoryRepeat, categories.len())),
        categories,
    }
}

fn check_categories(s: &Sections<'_, '_>, section: Section, categories: U16s<'_>, below: usize) {
    let is_beyond = |category: u16| category != NO_CATEGORY && usize::from(category) >= below;
    if let Some(at) = categories.iter().position(is_beyond) {
        s.fail(out_of_range(section, at, below));
    }
}

fn read_popularity<'a>(s: &Sections<'a, '_>, n: usize, channels: usize) -> Popularity<'a> {
    let (all, recent) = (s.u32s(Section::PopularityAll, n), s.u32s(Section::PopularityRecent, n));
    Popularity {
        all,
        recent,
        order: order(all, recent),
        week: s.u32s(Section::PopularityWeek, n),
        repeat: s.u8s(Section::PopularityRepeat, n),
        channels: s.popular([Section::ChannelOffsets, Section::ChannelItems, Section::ChannelCounts], channels, n),
    }
}

/// Items with popularity, by recent, then all, both descending, then index.
fn order(all: U32s<'_>, recent: U32s<'_>) -> Vec<u32> {
    let popular: Vec<(u32, u32, u32)> = (0u32..)
        .zip(recent.iter().zip(all.iter()))
        .filter(|(_, (_, all))| *all > 0)
        .map(|(item, (recent, all))| (recent, all, item))
        .listed();
    let popular = sorted(popular, |a, b| (b.0, b.1).cmp(&(a.0, a.1)).then(a.2.cmp(&b.2)));
    popular.into_iter().map(|entry| entry.2).listed()
}

fn read_segments<'a>(s: &Sections<'a, '_>, n: usize, channels: usize, categories: usize) -> Segments<'a> {
    // A model without segments has none of their sections; one that lacks only some is broken.
    if !s.entries.iter().any(|entry| entry.name.starts_with("segments.")) {
        return Segments::default();
    }
    let weights = s.any_u16s(Section::SegmentWeights);
    let Some(groups) = weights.len().checked_sub(MEASURES + channels) else {
        s.invalid(Section::SegmentWeights, "has fewer dimensions than measures and channels");
        return Segments::default();
    };
    let centers = s.any_u16s(Section::SegmentCenters);
    let segments = centers.len() / weights.len();
    s.has_length(Section::SegmentCenters, centers.len(), segments.max(1) * weights.len());
    if segments > limits::MODEL_SEGMENTS_MAX {
        s.invalid(Section::SegmentCenters, "holds more than model_segments_max segments");
    }
    let of_category = s.u8s(Section::SegmentGroups, categories);
    let beyond = |group: &u8| *group != NO_SEGMENT_GROUP && usize::from(*group) >= groups;
    if let Some(at) = of_category.iter().position(beyond) {
        s.fail(out_of_range(Section::SegmentGroups, at, groups));
    }
    let popular = s.popular([Section::SegmentOffsets, Section::SegmentItems, Section::SegmentCounts], segments, n);
    Segments { weights, centers, groups: of_category, popular }
}

fn read_neighbours<'a>(s: &Sections<'a, '_>, n: usize, [offsets, items, weights]: [Section; 3]) -> Neighbours<'a> {
    let indices = s.indices(items, n);
    let rows = s.rows(offsets, n, indices.len());
    check_rows(s, offsets, rows, "model_neighbours_max", limits::MODEL_NEIGHBOURS_MAX);
    Neighbours { rows, items: indices, weights: s.u8s(weights, indices.len()) }
}

#[inline(never)]
fn check_rows(s: &Sections<'_, '_>, section: Section, rows: Rows<'_>, limit: &str, max: usize) {
    let longest = (0..rows.len() as u32).map(|row| rows.range(row)).map(|(start, end)| end - start).max().unwrap_or(0);
    if longest > max {
        s.invalid(section, &text!("has a row of `{}`; {} is {}", longest, limit, max));
    }
}

/// The sessions as rows of items; none where the model has none.
fn read_sessions<'a>(s: &Sections<'a, '_>, n: usize) -> Option<(Rows<'a>, U32s<'a>)> {
    let items = s.indices(Section::SessionItems, n);
    let offsets = s.any_u32s(Section::SessionOffsets);
    if offsets.is_empty() && items.is_empty() {
        return None;
    }
    let count = offsets.len().saturating_sub(1);
    let rows = s.rows(Section::SessionOffsets, count, items.len());
    check_rows(s, Section::SessionOffsets, rows, "model_session_items_max", limits::MODEL_SESSION_ITEMS_MAX);
    Some((rows, items))
}

fn read_offers<'a>(s: &Sections<'a, '_>, n: usize, categories: usize) -> Offers<'a> {
    // A model without offers has none of their sections; one that lacks only some is broken.
    if !s.entries.iter().any(|entry| entry.name.starts_with("offers.")) {
        return Offers::default();
    }
    let ids = s.strings([Section::OfferIdLengths, Section::OfferIdStarts, Section::OfferIdBytes]);
    let count = ids.len();
    if count > limits::MODEL_OFFERS_MAX {
        s.invalid(Section::OfferIdLengths, "holds more than model_offers_max offers");
        return Offers::default();
    }
    let items = s.indices(Section::OfferItems, n);
    let category = s.u16s(Section::OfferCategory, count);
    check_categories(s, Section::OfferCategory, category, categories);
    let rows = s.rows(Section::OfferItemOffsets, count, items.len());
    for offer in 0..count as u32 {
        let (start, end) = rows.range(offer);
        let row = items.slice(start, end);
        if row.iter().zip(row.iter().skip(1)).any(|(a, b)| a >= b) {
            s.invalid(Section::OfferItems, "has a row that does not rise");
            break;
        }
    }
    Offers {
        ids,
        starts_ms: s.i64s(Section::OfferStarts, count),
        ends_ms: s.i64s(Section::OfferEnds, count),
        channels: s.u32s(Section::OfferChannels, count),
        caps: s.u32s(Section::OfferCaps, count),
        cap_days: s.u32s(Section::OfferCapDays, count),
        category,
        popularity: s.u32s(Section::OfferPopularity, count),
        rows,
        items,
    }
}

const NEXT_TREES: [Section; 4] =
    [Section::NextTreeRoots, Section::NextTreeNodes, Section::NextTreeValues, Section::NextTreeLeaves];

const DISCOVER_TREES: [Section; 4] =
    [Section::DiscoverTreeRoots, Section::DiscoverTreeNodes, Section::DiscoverTreeValues, Section::DiscoverTreeLeaves];

const TOGETHER_TREES: [Section; 4] =
    [Section::TogetherTreeRoots, Section::TogetherTreeNodes, Section::TogetherTreeValues, Section::TogetherTreeLeaves];

/// Reads the trees of a forest and checks every link: to a later node of the same tree or to a leaf, so that every walk ends.
fn read_forest<'a>(s: &Sections<'a, '_>, root: ForestRoot, [roots, nodes, values, leaves]: [Section; 4]) -> Forest<'a> {
    let forest = Forest {
        base: root.base,
        bins: root.bins,
        roots: s.any_u16s(roots),
        nodes: s.made(Nodes::new(s.optional(nodes)), nodes, RAGGED),
        values: s.any_i32s(values),
        leaves: s.any_i32s(leaves),
    };
    let (count, leaf_count) = (forest.nodes.len(), forest.leaves.len());
    s.has_length(values, forest.values.len(), count);
    if forest.roots.len() > limits::MODEL_TREES_MAX || count > usize::from(LEAF) || leaf_count > usize::from(LEAF) {
        s.invalid(roots, "names more than model_trees_max trees, or 32,768 nodes or leaves");
        return forest;
    }
    // Backwards, as trees are read: the nodes of one end where those of the next begin.
    let mut end = count;
    for (at, root) in forest.roots.iter().enumerate().rev() {
        let leads = |link: u16, from: usize| match link & LEAF {
            0 => (from..end).contains(&link.into()),
            _ => usize::from(link & !LEAF) < leaf_count,
        };
        if !leads(root, 0) {
            s.fail(out_of_tree(roots, at));
            return forest;
        }
        if root & LEAF != 0 {
            continue;
        }
        let sound = |at: usize| {
            let links_on = |node: Node| leads(node.left, at + 1) && leads(node.right, at + 1);
            forest.nodes.get(at).is_some_and(|node| links_on(node) && usize::from(node.feature) < forest.bins.len())
        };
        if let Some(at) = (root.into()..end).find(|at| !sound(*at)) {
            s.fail(out_of_tree(nodes, at));
            return forest;
        }
        end = root.into();
    }
    if end > 0 {
        s.invalid(roots, "has no tree that begins at node 0");
    }
    forest
}

const RAGGED: &str = "is no whole number of elements";

#[cold]
fn invalid(section: &str, what: &str) -> Error {
    Error::new(ErrorCode::ModelSectionInvalid, text!("the section {}", what)).in_field(section)
}

#[cold]
fn out_of_range(section: Section, at: usize, below: usize) -> Error {
    let message = text!("element `{}` points beyond the {} that there are", at, below);
    Error::new(ErrorCode::ModelIndexOutOfRange, message).in_field(section.name())
}

#[cold]
fn out_of_tree(section: Section, at: usize) -> Error {
    Error::new(ErrorCode::ModelIndexOutOfRange, text!("element `{}` points outside its tree", at))
        .in_field(section.name())
}

#[cold]
fn of_other_length(section: Section, found: usize, wanted: usize) -> Error {
    if found > 0 {
        return invalid(section.name(), &text!("has `{}` elements, not {}", found, wanted));
    }
    let message = text!("the model needs `{}` elements of this section", wanted);
    Error::new(ErrorCode::ModelSectionMissing, message).in_field(section.name())
}
