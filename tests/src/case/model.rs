//! Models as case files describe them.
//!
//! ```json
//! {"currency": "EUR", "channels": ["store", "web"], "next": {"base": 0, "tables": [
//!    {"feature": "own_days", "edges": [1], "points": [0, 65536]}]}, "together": {..},
//!  "next_forest": {"base": 0, "bins": [{"feature": "own_days", "edges": [1]}], "trees": [{"feature": "own_days",
//!    "at_most": 0, "value": 0, "left": -8192, "right": 8192}]}, "together_forest": {..}, "discover_forest": {..}, "ranked_max": 200, "diversity": 300,
//!  "calibrations": {"for_you": [[score, probability in 2^-30], .., {"visits_min": 2, "knots": [[..], ..]}, ..]},
//!  "items": [{"id": "apple", "category": "food/fruit", "popularity": [all, recent, week, repeat],
//!    "flags": ["sensitive"], "channels": ["web"], "available_from_ms": 0, "unavailable_from_ms": 0, "group": 1, "brand": 1,
//!    "bought": [["bread", 255]], "next": [["bread", 243]]}, ..],
//!  "sessions": [["bread", "apple"], ..],
//!  "channel_lists": {"web": [["apple", 7]]}, "category_repeat": {"food/fruit": 100},
//!  "offers": [{"id": "o1", "starts_ms": 0, "ends_ms": 0, "channels": ["web"], "cap": 1, "cap_days": 7,
//!    "category": "food", "popularity": 3, "items": ["apple"]}, ..]}
//! ```
//! What is absent has the encoder's default; a list of channels that is absent means all of them.

use super::json::Json;
use crate::trees::{self, Tree};
use anyhow::{Context, Result, bail};
use unisono_core::blend::{Blend, Calibration, Table};
use unisono_core::features::Feature;
use unisono_core::forest::Bins;
use unisono_core::model::{
    FLAG_RESTRICTED, FLAG_SENSITIVE, ForestParts, ItemParts, ModelParts, NO_BRAND, NO_CATEGORY, NO_GROUP,
    NeighbourParts, OfferPart, PopularityParts, SegmentParts,
};
use unisono_message::PlacementKind;

/// The parts of a described model.
///
/// # Errors
/// Where the description names something that it does not have.
pub fn parts(json: &Json) -> Result<ModelParts> {
    let channels: Vec<String> = texts(json.get("channels"));
    let mut items: Vec<&Json> = json.get("items").map_or(Vec::new(), |items| items.list().iter().collect());
    items.sort_by_key(|item| item.get("id").and_then(Json::text).unwrap_or_default().to_owned());
    let ids: Vec<String> = items.iter().map(|item| text(item, "id")).collect::<Result<_>>()?;
    let all =
        json.get("items").map_or(&[][..], Json::list).iter().chain(json.get("offers").map_or(&[][..], Json::list));
    let mut categories: Vec<String> = all.filter_map(|one| one.get("category")?.text().map(str::to_owned)).collect();
    categories.sort();
    categories.dedup();
    let names = Names { channels: &channels, ids: &ids, categories: &categories };
    let number = |name: &str, default: i64| json.get(name).and_then(Json::int).unwrap_or(default) as u32;
    let default = ModelParts::default();
    Ok(ModelParts {
        currency: json.get("currency").and_then(Json::text).map(str::to_owned),
        min_support: number("min_support", 1),
        keep_unknown_items: json.get("keep_unknown_items") != Some(&Json::Bool(false)),
        history_items: number("history_items", default.history_items.into()),
        candidates_per_source: number("candidates_per_source", default.candidates_per_source.into()),
        horizon_days: number("horizon_days", 0),
        scale_bits: number("scale_bits", 16),
        next: json.get("next").map_or(Ok(Blend::default()), blend)?,
        together: json.get("together").map_or(Ok(Blend::default()), blend)?,
        next_forest: json.get("next_forest").map_or(Ok(ForestParts::default()), forest)?,
        discover_forest: json.get("discover_forest").map_or(Ok(ForestParts::default()), forest)?,
        together_forest: json.get("together_forest").map_or(Ok(ForestParts::default()), forest)?,
        ranked_max: number("ranked_max", default.ranked_max.into()),
        diversity: number("diversity", 0),
        calibrations: json.get("calibrations").map_or(Ok(Vec::new()), calibrations)?,
        popularity: names.popularity(json, &items)?,
        segments: json.get("segments").map_or(Ok(SegmentParts::default()), |all| names.segments(all))?,
        bought: names.neighbours(&items, "bought")?,
        next_items: names.neighbours(&items, "next")?,
        sessions: json
            .get("sessions")
            .map_or(&[][..], Json::list)
            .iter()
            .map(|s| names.session(s))
            .collect::<Result<_>>()?,
        offers: json.get("offers").map_or(&[][..], Json::list).iter().map(|o| names.offer(o)).collect::<Result<_>>()?,
        items: ItemParts { category_repeat: names.category_repeat(json), ..names.items(&items)? },
        channels,
        ..default
    })
}

struct Names<'n> {
    channels: &'n [String],
    ids: &'n [String],
    categories: &'n [String],
}

impl Names<'_> {
    fn item(&self, id: &Json) -> Result<u32> {
        let id = id.text().context("an item is named by its id")?;
        Ok(self.ids.iter().position(|own| own == id).with_context(|| format!("no item `{id}`"))? as u32)
    }

    fn category(&self, of: &Json) -> u16 {
        let path = of.get("category").and_then(Json::text);
        path.and_then(|path| self.categories.iter().position(|own| own == path)).map_or(NO_CATEGORY, |at| at as u16)
    }

    fn mask(&self, of: &Json) -> Result<u32> {
        let Some(names) = of.get("channels") else { return Ok(u32::MAX) };
        texts(Some(names)).iter().try_fold(0, |mask, name| {
            let at =
                self.channels.iter().position(|own| own == name).with_context(|| format!("no channel `{name}`"))?;
            Ok(mask | 1 << at)
        })
    }

    fn items(&self, items: &[&Json]) -> Result<ItemParts> {
        let flag =
            |item: &Json, name: &str, bit: u8| if texts(item.get("flags")).iter().any(|f| f == name) { bit } else { 0 };
        let number = |item: &&Json, name: &str, default: i64| item.get(name).and_then(Json::int).unwrap_or(default);
        // An array is written where an item uses it, so that both ways of files are met.
        let any = |name: &str| items.iter().any(|item| item.get(name).is_some());
        let times = |name: &str, default: i64| -> Vec<i64> {
            if any(name) { items.iter().map(|item| number(item, name, default)).collect() } else { Vec::new() }
        };
        let masks = items.iter().map(|item| self.mask(item)).collect::<Result<Vec<u32>>>()?;
        let group = |item: &&Json| number(item, "group", i64::from(NO_GROUP)) as u32;
        let brand = |item: &&Json| number(item, "brand", i64::from(NO_BRAND)) as u32;
        Ok(ItemParts {
            ids: self.ids.to_vec(),
            category: items.iter().map(|item| self.category(item)).collect(),
            flags: items
                .iter()
                .map(|item| flag(item, "sensitive", FLAG_SENSITIVE) | flag(item, "restricted", FLAG_RESTRICTED))
                .collect(),
            channels: if any("channels") { masks } else { Vec::new() },
            available_from_ms: times("available_from_ms", 0),
            unavailable_from_ms: times("unavailable_from_ms", i64::MAX),
            brand: if any("brand") { items.iter().map(brand).collect() } else { Vec::new() },
            category_repeat: Vec::new(),
            group: if any("group") { items.iter().map(group).collect() } else { Vec::new() },
            categories: self.categories.to_vec(),
        })
    }

    fn category_repeat(&self, json: &Json) -> Vec<u8> {
        let Some(shares) = json.get("category_repeat") else { return Vec::new() };
        self.categories.iter().map(|path| shares.get(path).and_then(Json::int).unwrap_or(0) as u8).collect()
    }

    fn popularity(&self, json: &Json, items: &[&Json]) -> Result<PopularityParts> {
        let figure = |at: usize| -> Vec<u32> {
            let of =
                |item: &&Json| item.get("popularity").and_then(|all| all.list().get(at)?.int()).unwrap_or(0) as u32;
            items.iter().map(of).collect()
        };
        let list = |channel: &String| -> Result<Vec<(u32, u32)>> {
            let entries = json.get("channel_lists").and_then(|lists| lists.get(channel)).map_or(&[][..], Json::list);
            entries.iter().map(|entry| self.weighted(entry).map(|(item, count)| (item, count as u32))).collect()
        };
        Ok(PopularityParts {
            all: figure(0),
            recent: figure(1),
            week: figure(2),
            repeat: figure(3).into_iter().map(|share| share as u8).collect(),
            channels: self.channels.iter().map(list).collect::<Result<_>>()?,
        })
    }

    fn weighted(&self, entry: &Json) -> Result<(u32, i64)> {
        let [id, weight] = entry.list() else { bail!("an entry is an id and a number") };
        Ok((self.item(id)?, weight.int().context("a number")?))
    }

    fn segments(&self, json: &Json) -> Result<SegmentParts> {
        let numbers = |json: &Json| json.list().iter().filter_map(Json::int).map(|value| value as u16).collect();
        let group = |path: &String| json.get("groups").and_then(|groups| groups.get(path)).and_then(Json::int);
        let entry = |entry: &Json| self.weighted(entry).map(|(item, count)| (item, count as u32));
        let row = |row: &Json| row.list().iter().map(entry).collect::<Result<_>>();
        let popular = json.get("popular").map_or(&[][..], Json::list).iter();
        Ok(SegmentParts {
            weights: json.get("weights").map(numbers).context("segments have weights")?,
            centers: json.get("centers").map_or(&[][..], Json::list).iter().map(numbers).collect(),
            groups: self.categories.iter().map(|path| group(path).map_or(u8::MAX, |group| group as u8)).collect(),
            popular: popular.map(row).collect::<Result<_>>()?,
        })
    }

    fn neighbours(&self, items: &[&Json], name: &str) -> Result<NeighbourParts> {
        let mut list = NeighbourParts { offsets: vec![0], ..NeighbourParts::default() };
        for item in items {
            for entry in item.get(name).map_or(&[][..], Json::list) {
                let (other, weight) = self.weighted(entry)?;
                list.items.push(other);
                list.weights.push(u8::try_from(weight).context("a weight's code is one byte")?);
            }
            list.offsets.push(list.items.len() as u32);
        }
        Ok(list)
    }

    fn session(&self, ids: &Json) -> Result<Vec<u32>> {
        ids.list().iter().map(|id| self.item(id)).collect()
    }

    fn offer(&self, offer: &Json) -> Result<OfferPart> {
        let number = |name: &str, default: i64| offer.get(name).and_then(Json::int).unwrap_or(default);
        let mut items: Vec<u32> =
            offer.get("items").map_or(&[][..], Json::list).iter().map(|id| self.item(id)).collect::<Result<_>>()?;
        items.sort_unstable();
        Ok(OfferPart {
            id: text(offer, "id")?,
            starts_ms: number("starts_ms", 0),
            ends_ms: number("ends_ms", i64::MAX),
            channels: self.mask(offer)?,
            cap: number("cap", 0) as u32,
            cap_days: number("cap_days", 0) as u32,
            category: self.category(offer),
            popularity: number("popularity", 0) as u32,
            items,
        })
    }
}

fn text(json: &Json, name: &str) -> Result<String> {
    json.get(name).and_then(Json::text).map(str::to_owned).with_context(|| format!("`{name}` is text"))
}

fn texts(json: Option<&Json>) -> Vec<String> {
    json.map_or(&[][..], Json::list).iter().filter_map(Json::text).map(str::to_owned).collect()
}

fn ints(json: Option<&Json>) -> Vec<i64> {
    json.map_or(&[][..], Json::list).iter().filter_map(Json::int).collect()
}

fn blend(json: &Json) -> Result<Blend> {
    let table = |table: &Json| {
        let name = text(table, "feature")?;
        let feature = Feature::from_name(&name).with_context(|| format!("no feature `{name}`"))?;
        Ok(Table { feature, edges: ints(table.get("edges")), points: ints(table.get("points")) })
    };
    let tables = json.get("tables").map_or(&[][..], Json::list).iter().map(table).collect::<Result<_>>()?;
    Ok(Blend { base: json.get("base").and_then(Json::int).unwrap_or(0), tables })
}

fn forest(json: &Json) -> Result<ForestParts> {
    let one = |bins: &Json| {
        let name = text(bins, "feature")?;
        let feature = Feature::from_name(&name).with_context(|| format!("no feature `{name}`"))?;
        Ok(Bins { feature, edges: ints(bins.get("edges")) })
    };
    let bins: Vec<Bins> = json.get("bins").map_or(&[][..], Json::list).iter().map(one).collect::<Result<_>>()?;
    let trees =
        json.get("trees").map_or(&[][..], Json::list).iter().map(|one| tree(one, &bins)).collect::<Result<Vec<_>>>()?;
    Ok(trees::forest(json.get("base").and_then(Json::int).unwrap_or(0), bins, &trees))
}

fn tree(json: &Json, bins: &[Bins]) -> Result<Tree> {
    if let Some(points) = json.int() {
        return Ok(Tree::Leaf(points as i32));
    }
    let number = |name: &str| json.get(name).and_then(Json::int).with_context(|| format!("`{name}` is a number"));
    let side = |name: &str| tree(json.get(name).with_context(|| format!("`{name}` is a tree"))?, bins).map(Box::new);
    let name = text(json, "feature")?;
    let feature = bins.iter().position(|bins| bins.feature.as_str() == name);
    Ok(Tree::Node {
        feature: feature.with_context(|| format!("`{name}` has no bins"))? as u8,
        at_most: number("at_most")? as u8,
        value: number("value")? as i32,
        left: side("left")?,
        right: side("right")?,
    })
}

fn calibrations(json: &Json) -> Result<Vec<(PlacementKind, Calibration)>> {
    let map = |knots: &Json| {
        let of = |at: usize| knots.list().iter().filter_map(|knot| knot.list().get(at)?.int()).collect();
        Calibration { scores: of(0), probabilities: of(1), ..Calibration::default() }
    };
    let calibration = |(name, knots): &(String, Json)| {
        let kind = PlacementKind::from_name(name).with_context(|| format!("no placement kind `{name}`"))?;
        let longer = |band: &Json| {
            let visits_min = band.get("visits_min")?.int()? as u32;
            Some(Calibration { visits_min, ..map(band.get("knots")?) })
        };
        Ok((kind, Calibration { longer: knots.list().iter().filter_map(longer).collect(), ..map(knots) }))
    };
    json.pairs().iter().map(calibration).collect()
}
