//! A model file as the parts that it was made of: what [`encode`](unisono_core::model::encode) turns into the same bytes.

use crate::error::{Error, Result};
use unisono_core::Model;
use unisono_core::blend::Calibration;
use unisono_core::forest::Forest;
use unisono_core::model::{
    Fact, ForestParts, ItemParts, ModelParts, NeighbourParts, Neighbours, OfferPart, PopularLists, PopularityParts,
    SegmentParts, SortedStrings,
};
use unisono_message::{Kind, Reader};

/// The parts of a model file.
///
/// # Errors
/// Whatever [`Model::load`] says of the file.
pub(crate) fn opened(file: &[u8]) -> Result<ModelParts> {
    let model = Model::load(file).map_err(Error::from_core)?;
    let [data, config, metrics] = facts(file);
    let (popularity, items) = (&model.popularity, &model.items);
    Ok(ModelParts {
        currency: model.currency.map(str::to_owned),
        channels: model.channels.iter().map(|name| (*name).to_owned()).collect(),
        min_support: model.min_support,
        keep_unknown_items: model.keep_unknown_items,
        history_items: model.history_items,
        candidates_per_source: model.candidates_per_source,
        horizon_days: model.horizon_days,
        scale_bits: model.scale_bits,
        next: model.next.clone(),
        together: model.together.clone(),
        next_forest: forest(&model.next_forest),
        together_forest: forest(&model.together_forest),
        discover_forest: forest(&model.discover_forest),
        discover_calibration: Calibration::clone(&model.discover_calibration),
        ranked_max: model.ranked_max,
        diversity: model.diversity as u32,
        calibrations: model.calibrations.clone(),
        data,
        config,
        metrics,
        items: ItemParts {
            ids: texts(&items.ids),
            category: items.category.iter().collect(),
            flags: items.flags.to_vec(),
            channels: items.channels.iter().collect(),
            available_from_ms: items.available_from_ms.iter().collect(),
            unavailable_from_ms: items.unavailable_from_ms.iter().collect(),
            group: items.group.iter().collect(),
            brand: items.brand.iter().collect(),
            categories: texts(&items.categories),
            category_repeat: items.category_repeat.to_vec(),
        },
        popularity: PopularityParts {
            all: popularity.all.iter().collect(),
            recent: popularity.recent.iter().collect(),
            week: popularity.week.iter().collect(),
            repeat: popularity.repeat.to_vec(),
            channels: lists(&popularity.channels),
        },
        segments: segments(&model),
        sessions: (0..model.sessions.rows.len() as u32).map(|at| model.sessions.of(at).iter().collect()).collect(),
        bought: neighbours(&model.bought),
        next_items: neighbours(&model.next_items),
        offers: (0..model.offers.ids.len() as u32).map(|offer| offer_part(&model, offer)).collect(),
    })
}

fn segments(model: &Model<'_>) -> SegmentParts {
    let segments = &model.segments;
    let weights: Vec<u16> = segments.weights.iter().collect();
    let centers: Vec<u16> = segments.centers.iter().collect();
    SegmentParts {
        centers: centers.chunks(weights.len().max(1)).map(<[u16]>::to_vec).collect(),
        groups: segments.groups.to_vec(),
        popular: lists(&segments.popular),
        weights,
    }
}

fn lists(lists: &PopularLists<'_>) -> Vec<Vec<(u32, u32)>> {
    (0..lists.rows.len() as u32).map(|row| lists.of(row).collect()).collect()
}

fn texts(strings: &SortedStrings<'_>) -> Vec<String> {
    (0..strings.len() as u32).map(|at| strings.get(at).to_owned()).collect()
}

fn neighbours(list: &Neighbours<'_>) -> NeighbourParts {
    let ends = (0..list.rows.len() as u32).map(|row| list.rows.range(row).1 as u32);
    NeighbourParts {
        offsets: std::iter::once(0).chain(ends).collect(),
        items: list.items.iter().collect(),
        weights: list.weights.to_vec(),
    }
}

fn forest(forest: &Forest<'_>) -> ForestParts {
    let nodes: Vec<_> = (0..forest.nodes.len()).filter_map(|at| forest.nodes.get(at)).collect();
    ForestParts {
        base: forest.base,
        bins: forest.bins.clone(),
        roots: forest.roots.iter().collect(),
        features: nodes.iter().map(|node| node.feature).collect(),
        thresholds: nodes.iter().map(|node| node.threshold).collect(),
        left: nodes.iter().map(|node| node.left).collect(),
        right: nodes.iter().map(|node| node.right).collect(),
        values: forest.values.iter().collect(),
        leaves: forest.leaves.iter().collect(),
    }
}

fn offer_part(model: &Model<'_>, offer: u32) -> OfferPart {
    let (offers, at) = (&model.offers, offer as usize);
    let (start, end) = offers.rows.range(offer);
    // Every array of a loaded model is as long as its ids.
    OfferPart {
        id: offers.ids.get(offer).to_owned(),
        starts_ms: offers.starts_ms.get(at).unwrap_or_default(),
        ends_ms: offers.ends_ms.get(at).unwrap_or_default(),
        channels: offers.channels.get(at).unwrap_or_default(),
        cap: offers.caps.get(at).unwrap_or_default(),
        cap_days: offers.cap_days.get(at).unwrap_or_default(),
        category: offers.category.get(at).unwrap_or_default(),
        popularity: offers.popularity.get(at).unwrap_or_default(),
        items: offers.items.slice(start, end).iter().collect(),
    }
}

/// Data, configuration and metrics, which scoring never reads.
fn facts(file: &[u8]) -> [Vec<(String, Fact)>; 3] {
    let mut out = [Vec::new(), Vec::new(), Vec::new()];
    let mut reader = Reader::new(file);
    for _ in 0..reader.map() {
        let key = reader.str();
        match ["data", "config", "metrics"].iter().position(|name| *name == key) {
            Some(at) => out[at] = (0..reader.map()).map(|_| (reader.str().to_owned(), fact(&mut reader))).collect(),
            None => drop(reader.skip()),
        }
    }
    out
}

fn fact(reader: &mut Reader<'_>) -> Fact {
    match reader.kind() {
        Kind::Str => Fact::Text(reader.str().to_owned()),
        Kind::Float => Fact::Float(reader.f64()),
        _ => Fact::Int(reader.int()),
    }
}
