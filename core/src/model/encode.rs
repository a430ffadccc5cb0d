//! Parts to bytes. Its twin `load.rs` stands beside it; golden files pin both.

use super::arrays::STRINGS_PER_START;
use super::layout::{FORMAT_VERSION, NO_BRAND, NO_GROUP, Section, data_start};
use super::parts::{Fact, ForestParts, ModelParts, NeighbourParts};
use crate::blend::{Blend, Calibration};
use crate::digest::sha256;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use unisono_message::{Error, Writer};

/// Encodes a model, and loads the result once, so that what is written can be read.
///
/// # Errors
/// Whatever [`Model::load`](super::Model::load) would say of the file.
pub fn encode(parts: &ModelParts) -> Result<Vec<u8>, Error> {
    let sections = sections_of(parts);
    let mut entries = Writer::new();
    // An empty array and an absent one are the same to the reader.
    let present: Vec<&(Section, Vec<u8>)> = sections.iter().filter(|(_, bytes)| !bytes.is_empty()).collect();
    entries.array(present.len());
    let mut offset = 0usize;
    for (section, bytes) in present.iter().map(|pair| (pair.0, &pair.1)) {
        entries.map(7);
        entries.str("name");
        entries.str(section.name());
        entries.str("dtype");
        entries.str(section.dtype().as_str());
        entries.str("first");
        entries.int(0);
        entries.str("end");
        entries.int(parts.items.ids.len() as i64);
        entries.str("offset");
        entries.int(offset as i64);
        entries.str("length");
        entries.int(bytes.len() as i64);
        entries.str("sha256");
        entries.bin(&sha256(&[bytes]));
        offset = data_start(offset + bytes.len());
    }
    let anonymous = root(parts, None, entries.as_bytes());
    let model_id = sha256(&[&anonymous]);
    let mut file = root(parts, Some(&model_id), entries.as_bytes());
    for (_, bytes) in present {
        file.resize(data_start(file.len()), 0);
        file.extend_from_slice(bytes);
    }
    super::Model::load(&file)?;
    Ok(file)
}

fn root(parts: &ModelParts, model_id: Option<&[u8; 32]>, sections: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    let forests = [&parts.next_forest, &parts.together_forest, &parts.discover_forest];
    let has_trees = forests.iter().any(|forest| !forest.roots.is_empty());
    w.map(17 + usize::from(model_id.is_some()) + if has_trees { 5 } else { 0 } + usize::from(parts.diversity > 0));
    w.str("format_version");
    w.int(FORMAT_VERSION);
    if let Some(model_id) = model_id {
        w.str("model_id");
        w.bin(model_id);
    }
    w.str("items");
    w.int(parts.items.ids.len() as i64);
    w.str("data");
    write_facts(&mut w, &parts.data);
    w.str("config");
    write_facts(&mut w, &parts.config);
    w.str("metrics");
    write_facts(&mut w, &parts.metrics);
    w.str("currency");
    w.opt_str(parts.currency.as_deref());
    w.str("channels");
    w.array(parts.channels.len());
    for channel in &parts.channels {
        w.str(channel);
    }
    w.str("min_support");
    w.int(i64::from(parts.min_support));
    w.str("keep_unknown_items");
    w.bool(parts.keep_unknown_items);
    w.str("history_items");
    w.int(i64::from(parts.history_items));
    w.str("candidates_per_source");
    w.int(i64::from(parts.candidates_per_source));
    w.str("horizon_days");
    w.int(i64::from(parts.horizon_days));
    w.str("scale_bits");
    w.int(i64::from(parts.scale_bits));
    w.str("next");
    write_blend(&mut w, &parts.next);
    w.str("together");
    write_blend(&mut w, &parts.together);
    if has_trees {
        w.str("next_forest");
        write_forest(&mut w, &parts.next_forest);
        w.str("together_forest");
        write_forest(&mut w, &parts.together_forest);
        w.str("discover_forest");
        write_forest(&mut w, &parts.discover_forest);
        w.str("discover_calibration");
        write_calibration(&mut w, &parts.discover_calibration);
        w.str("ranked_max");
        w.int(i64::from(parts.ranked_max));
    }
    if parts.diversity > 0 {
        w.str("diversity");
        w.int(i64::from(parts.diversity));
    }
    w.str("calibrations");
    w.map(parts.calibrations.len());
    for (kind, calibration) in &parts.calibrations {
        w.str(kind.as_str());
        write_calibration(&mut w, calibration);
    }
    w.str("sections");
    w.raw(sections);
    w.into_bytes()
}

fn write_facts(w: &mut Writer, facts: &[(String, Fact)]) {
    w.map(facts.len());
    for (name, fact) in facts {
        w.str(name);
        match fact {
            Fact::Text(text) => w.str(text),
            Fact::Int(value) => w.int(*value),
            Fact::Float(value) => w.f64(*value),
        }
    }
}

fn write_blend(w: &mut Writer, blend: &Blend) {
    w.map(2);
    w.str("base");
    w.int(blend.base);
    w.str("features");
    w.array(blend.tables.len());
    for table in &blend.tables {
        w.map(3);
        w.str("name");
        w.str(table.feature.as_str());
        w.str("edges");
        write_ints(w, &table.edges);
        w.str("points");
        write_ints(w, &table.points);
    }
}

fn write_forest(w: &mut Writer, forest: &ForestParts) {
    w.map(2);
    w.str("base");
    w.int(forest.base);
    w.str("bins");
    w.array(forest.bins.len());
    for bins in &forest.bins {
        w.map(2);
        w.str("name");
        w.str(bins.feature.as_str());
        w.str("edges");
        write_ints(w, &bins.edges);
    }
}

fn write_calibration(w: &mut Writer, calibration: &Calibration) {
    let (first, banded) = (calibration.visits_min == 0, !calibration.longer.is_empty());
    w.map(2 + usize::from(!first) + usize::from(banded));
    w.str("scores");
    write_ints(w, &calibration.scores);
    w.str("probabilities");
    write_ints(w, &calibration.probabilities);
    if !first {
        w.str("visits_min");
        w.int(calibration.visits_min.into());
    }
    if banded {
        w.str("longer");
        w.array(calibration.longer.len());
        calibration.longer.iter().for_each(|longer| write_calibration(w, longer));
    }
}

fn write_ints(w: &mut Writer, values: &[i64]) {
    w.array(values.len());
    for value in values {
        w.int(*value);
    }
}

fn sections_of(parts: &ModelParts) -> Vec<(Section, Vec<u8>)> {
    let mut sections: Vec<_> = Section::ALL.iter().map(|section| (*section, bytes_of(*section, parts))).collect();
    // Arrays of one type side by side: brotli makes a twentieth less of the file than in the order of their meaning.
    sections.sort_by_key(|(section, _)| section.dtype().as_str());
    sections
}

fn bytes_of(section: Section, parts: &ModelParts) -> Vec<u8> {
    let (items, popularity, offers) = (&parts.items, &parts.popularity, &parts.offers);
    let segments = &parts.segments;
    let (next, together, discover) = (&parts.next_forest, &parts.together_forest, &parts.discover_forest);
    let offer_u32 = |f: fn(&super::parts::OfferPart) -> u32| u32s(offers.iter().map(f));
    match section {
        Section::ItemIdLengths => string_lengths(items.ids.iter()),
        Section::ItemIdStarts => string_starts(items.ids.iter()),
        Section::ItemIdBytes => items.ids.concat().into_bytes(),
        Section::ItemCategory => u16s(items.category.iter().copied()),
        Section::ItemFlags => items.flags.clone(),
        Section::ItemChannels => u32s(items.channels.iter().copied()),
        Section::ItemAvailableFrom => i64s(items.available_from_ms.iter().copied()),
        Section::ItemUnavailableFrom => i64s(items.unavailable_from_ms.iter().copied()),
        Section::ItemGroup if items.group.iter().all(|group| *group == NO_GROUP) => Vec::new(),
        Section::ItemGroup => u32s(items.group.iter().copied()),
        Section::ItemBrand if items.brand.iter().all(|brand| *brand == NO_BRAND) => Vec::new(),
        Section::ItemBrand => u32s(items.brand.iter().copied()),
        Section::CategoryLengths => string_lengths(items.categories.iter()),
        Section::CategoryStarts => string_starts(items.categories.iter()),
        Section::CategoryBytes => items.categories.concat().into_bytes(),
        Section::CategoryRepeat => items.category_repeat.clone(),
        Section::PopularityAll => u32s(popularity.all.iter().copied()),
        Section::PopularityRecent => u32s(popularity.recent.iter().copied()),
        Section::PopularityWeek => u32s(popularity.week.iter().copied()),
        Section::PopularityRepeat => popularity.repeat.clone(),
        Section::ChannelOffsets => row_offsets(popularity.channels.iter().map(Vec::len)),
        Section::ChannelItems => popular_items(&popularity.channels),
        Section::ChannelCounts => popular_counts(&popularity.channels),
        Section::SegmentWeights => u16s(segments.weights.iter().copied()),
        Section::SegmentCenters => u16s(segments.centers.iter().flatten().copied()),
        Section::SegmentGroups => segments.groups.clone(),
        Section::SegmentOffsets if segments.weights.is_empty() => Vec::new(),
        Section::SegmentOffsets => row_offsets(segments.popular.iter().map(Vec::len)),
        Section::SegmentItems => popular_items(&segments.popular),
        Section::SegmentCounts => popular_counts(&segments.popular),
        Section::BoughtOffsets => neighbour_offsets(&parts.bought, parts),
        Section::BoughtItems => u32s(parts.bought.items.iter().copied()),
        Section::BoughtWeights => parts.bought.weights.clone(),
        Section::NextOffsets => neighbour_offsets(&parts.next_items, parts),
        Section::NextItems => u32s(parts.next_items.items.iter().copied()),
        Section::NextWeights => parts.next_items.weights.clone(),
        Section::NextTreeRoots => u16s(next.roots.iter().copied()),
        Section::NextTreeNodes => nodes(next),
        Section::NextTreeValues => i32s(next.values.iter().copied()),
        Section::NextTreeLeaves => i32s(next.leaves.iter().copied()),
        Section::DiscoverTreeRoots => u16s(discover.roots.iter().copied()),
        Section::DiscoverTreeNodes => nodes(discover),
        Section::DiscoverTreeValues => i32s(discover.values.iter().copied()),
        Section::DiscoverTreeLeaves => i32s(discover.leaves.iter().copied()),
        Section::TogetherTreeRoots => u16s(together.roots.iter().copied()),
        Section::TogetherTreeNodes => nodes(together),
        Section::TogetherTreeValues => i32s(together.values.iter().copied()),
        Section::TogetherTreeLeaves => i32s(together.leaves.iter().copied()),
        Section::SessionOffsets if parts.sessions.is_empty() => Vec::new(),
        Section::SessionOffsets => row_offsets(parts.sessions.iter().map(Vec::len)),
        Section::SessionItems => u32s(parts.sessions.iter().flatten().copied()),
        _ if offers.is_empty() => Vec::new(),
        Section::OfferIdLengths => string_lengths(offers.iter().map(|offer| &offer.id)),
        Section::OfferIdStarts => string_starts(offers.iter().map(|offer| &offer.id)),
        Section::OfferIdBytes => offers.iter().flat_map(|offer| offer.id.bytes()).collect(),
        Section::OfferStarts => i64s(offers.iter().map(|offer| offer.starts_ms)),
        Section::OfferEnds => i64s(offers.iter().map(|offer| offer.ends_ms)),
        Section::OfferChannels => offer_u32(|offer| offer.channels),
        Section::OfferCaps => offer_u32(|offer| offer.cap),
        Section::OfferCapDays => offer_u32(|offer| offer.cap_days),
        Section::OfferCategory => u16s(offers.iter().map(|offer| offer.category)),
        Section::OfferPopularity => offer_u32(|offer| offer.popularity),
        Section::OfferItemOffsets => row_offsets(offers.iter().map(|offer| offer.items.len())),
        Section::OfferItems => u32s(offers.iter().flat_map(|offer| offer.items.iter().copied())),
    }
}

fn popular_items(lists: &[Vec<(u32, u32)>]) -> Vec<u8> {
    u32s(lists.iter().flatten().map(|pair| pair.0))
}

fn popular_counts(lists: &[Vec<(u32, u32)>]) -> Vec<u8> {
    u32s(lists.iter().flatten().map(|pair| pair.1))
}

fn neighbour_offsets(list: &NeighbourParts, parts: &ModelParts) -> Vec<u8> {
    // A model without the list has empty rows, so that reading it needs no second case.
    let empty = vec![0; parts.items.ids.len() + 1];
    u32s(if list.offsets.is_empty() { empty } else { list.offsets.clone() }.into_iter())
}

fn string_lengths<'s>(strings: impl Iterator<Item = &'s String>) -> Vec<u8> {
    // Ids and paths are checked to be shorter than 65,536 bytes; loading the result would find what is not.
    u16s(strings.map(|string| u16::try_from(string.len()).unwrap_or(u16::MAX)))
}

fn string_starts<'s>(strings: impl Iterator<Item = &'s String>) -> Vec<u8> {
    let mut end = 0u32;
    let starts = strings.map(|string| {
        let start = end;
        end = end.saturating_add(string.len() as u32);
        start
    });
    u32s(starts.step_by(STRINGS_PER_START))
}

fn row_offsets(lengths: impl Iterator<Item = usize>) -> Vec<u8> {
    let mut end = 0u32;
    let mut offsets = vec![0u32];
    for length in lengths {
        end = end.saturating_add(length as u32);
        offsets.push(end);
    }
    u32s(offsets.into_iter())
}

fn u16s(values: impl Iterator<Item = u16>) -> Vec<u8> {
    values.flat_map(u16::to_le_bytes).collect()
}

fn u32s(values: impl Iterator<Item = u32>) -> Vec<u8> {
    values.flat_map(u32::to_le_bytes).collect()
}

/// Three numbers a node.
fn nodes(forest: &ForestParts) -> Vec<u8> {
    let asked = forest.features.iter().zip(&forest.thresholds);
    let links = forest.left.iter().zip(&forest.right);
    let node = |((feature, threshold), (left, right)): ((&u8, &u8), (&u16, &u16))| {
        [u16::from_le_bytes([*feature, *threshold]), *left, *right]
    };
    u16s(asked.zip(links).flat_map(node))
}

fn i32s(values: impl Iterator<Item = i32>) -> Vec<u8> {
    values.flat_map(i32::to_le_bytes).collect()
}

fn i64s(values: impl Iterator<Item = i64>) -> Vec<u8> {
    values.flat_map(i64::to_le_bytes).collect()
}
