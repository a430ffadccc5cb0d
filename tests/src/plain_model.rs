//! A model file as anyone reads it: a MessagePack library for the root, raw arrays for the rest, no core.
//!
//! The same steps in Python: `msgpack.Unpacker` gives the root and its length; the data area starts at that length rounded
//! up to 16; a section is `numpy.frombuffer(file, dtype, count, data_start + offset)`. Here also backwards, with every way
//! in which a file can be wrong, for the tests that need one.

use crate::oracle::sha256;
use crate::value::{Value, encode, field, int, list, set, text};
use anyhow::{Context, Result, ensure};
use unisono_core::blend::{Blend, Calibration, Table};
use unisono_core::features::Feature;
use unisono_core::forest::Bins;
use unisono_core::model::{
    Fact, ForestParts, ItemParts, ModelParts, NeighbourParts, OfferPart, PopularityParts, SegmentParts,
};
use unisono_message::PlacementKind;

/// A file in its pieces.
#[derive(Clone, Debug)]
pub struct PlainModel {
    /// The root.
    pub root: Value,
    /// Everything behind it.
    pub data: Vec<u8>,
}

impl PlainModel {
    /// Takes a file apart.
    ///
    /// # Errors
    /// Where it does not begin with a MessagePack value.
    pub fn read(file: &[u8]) -> Result<PlainModel> {
        let mut rest = file;
        let root = rmpv::decode::read_value(&mut rest)?;
        let start = (file.len() - rest.len()).next_multiple_of(16);
        Ok(PlainModel { root, data: file.get(start..).unwrap_or_default().to_vec() })
    }

    /// Puts the file together, with the `model_id` that its root has.
    pub fn write(&self) -> Vec<u8> {
        let mut root = self.root.clone();
        if let Value::Map(pairs) = &mut root {
            pairs.retain(|pair| pair.0.as_str() != Some("model_id"));
            let model_id = sha256(&encode(&Value::Map(pairs.clone())));
            pairs.insert(1.min(pairs.len()), ("model_id".into(), Value::Binary(model_id.to_vec())));
        }
        self.write_as(&root)
    }

    /// Puts the file together with this root, whatever its `model_id` says.
    pub fn write_as(&self, root: &Value) -> Vec<u8> {
        let mut file = encode(root);
        file.resize(file.len().next_multiple_of(16), 0);
        file.extend(&self.data);
        file
    }

    /// Where a section lies in the data area.
    pub fn place(&self, name: &str) -> Option<std::ops::Range<usize>> {
        let entry = list(&self.root, "sections").iter().find(|entry| text(entry, "name") == Some(name))?;
        let offset = int(field(entry, "offset")?)? as usize;
        Some(offset..offset + int(field(entry, "length")?)? as usize)
    }

    /// A section's bytes; empty where there is none.
    pub fn bytes(&self, name: &str) -> &[u8] {
        self.place(name).map_or(&[], |place| &self.data[place])
    }

    /// Changes a section's entry in the root.
    pub fn edit_entry(&mut self, name: &str, key: &str, value: Value) {
        if let Some(entry) = self.entries().iter_mut().find(|entry| text(entry, "name") == Some(name)) {
            set(entry, key, value);
        }
    }

    /// The sections' entries.
    pub fn entries(&mut self) -> &mut Vec<Value> {
        let Value::Map(pairs) = &mut self.root else { panic!("a root is a map") };
        let sections = pairs.iter_mut().find(|pair| pair.0.as_str() == Some("sections")).map(|pair| &mut pair.1);
        let Some(Value::Array(entries)) = sections else { panic!("a root lists sections") };
        entries
    }

    /// Puts other bytes into a section's place, of the same length, and its new hash into the root.
    pub fn overwrite(&mut self, name: &str, bytes: &[u8]) {
        let place = self.place(name).expect("the section is there");
        assert_eq!(place.len(), bytes.len(), "bytes are overwritten, not moved");
        self.data[place].copy_from_slice(bytes);
        self.edit_entry(name, "sha256", Value::Binary(sha256(bytes).to_vec()));
    }

    /// Takes a section out, and moves the others together.
    pub fn remove(&mut self, name: &str) {
        let names: Vec<String> =
            self.entries().iter().filter_map(|entry| text(entry, "name").map(str::to_owned)).collect();
        let mut data = Vec::new();
        for kept in names.iter().filter(|kept| *kept != name) {
            data.resize(usize::next_multiple_of(data.len(), 16), 0);
            let offset = data.len();
            data.extend(self.bytes(kept));
            // The place in the old data is read before it changes, and never again.
            self.edit_entry(kept, "offset", offset.into());
        }
        self.entries().retain(|entry| text(entry, "name") != Some(name));
        self.data = data;
    }

    /// The parts that the file was made of.
    ///
    /// # Errors
    /// Where the file is not as documented.
    pub fn parts(&self) -> Result<ModelParts> {
        let root = &self.root;
        let number =
            |name: &str| field(root, name).and_then(int).with_context(|| format!("`{name}`")).map(|n| n as u32);
        let channels = strings(root, "channels");
        Ok(ModelParts {
            currency: text(root, "currency").map(str::to_owned),
            min_support: number("min_support")?,
            keep_unknown_items: field(root, "keep_unknown_items").and_then(Value::as_bool).context("a boolean")?,
            history_items: number("history_items")?,
            candidates_per_source: number("candidates_per_source")?,
            horizon_days: number("horizon_days")?,
            scale_bits: number("scale_bits")?,
            next: blend(field(root, "next").context("`next`")?)?,
            together: blend(field(root, "together").context("`together`")?)?,
            next_forest: self.forest("next")?,
            together_forest: self.forest("together")?,
            discover_forest: self.forest("discover")?,
            discover_calibration: field(root, "discover_calibration").map_or_else(Calibration::default, calibration),
            ranked_max: number("ranked_max").unwrap_or(ModelParts::default().ranked_max),
            diversity: number("diversity").unwrap_or(0),
            calibrations: calibrations(field(root, "calibrations").context("`calibrations`")?)?,
            data: facts(root, "data"),
            config: facts(root, "config"),
            metrics: facts(root, "metrics"),
            items: self.items()?,
            popularity: self.popularity(channels.len()),
            segments: self.segments(),
            bought: self.neighbours("bought"),
            next_items: self.neighbours("next"),
            sessions: self.sessions(),
            offers: self.offers()?,
            channels,
        })
    }

    fn forest(&self, task: &str) -> Result<ForestParts> {
        let Some(root) = field(&self.root, &format!("{task}_forest")) else { return Ok(ForestParts::default()) };
        let name = |array: &str| format!("trees.{task}_{array}");
        let i32s = |array: &str| self.u32s(&name(array)).into_iter().map(|bits| bits as i32).collect();
        let nodes: Vec<[u16; 3]> = self.u16s(&name("nodes")).as_chunks().0.to_vec();
        let bins = |bins: &Value| {
            let feature = text(bins, "name").and_then(Feature::from_name).context("bins name a feature")?;
            Ok(Bins { feature, edges: ints(bins, "edges") })
        };
        Ok(ForestParts {
            base: field(root, "base").and_then(int).context("a base")?,
            bins: list(root, "bins").iter().map(bins).collect::<Result<_>>()?,
            roots: self.u16s(&name("roots")),
            features: nodes.iter().map(|node| (node[0] % 256) as u8).collect(),
            thresholds: nodes.iter().map(|node| (node[0] / 256) as u8).collect(),
            left: nodes.iter().map(|node| node[1]).collect(),
            right: nodes.iter().map(|node| node[2]).collect(),
            values: i32s("values"),
            leaves: i32s("leaves"),
        })
    }

    fn items(&self) -> Result<ItemParts> {
        Ok(ItemParts {
            ids: self.texts("items.id_lengths", "items.id_bytes")?,
            category: self.u16s("items.category"),
            flags: self.bytes("items.flags").to_vec(),
            channels: self.u32s("items.channels"),
            available_from_ms: self.i64s("items.available_from_ms"),
            unavailable_from_ms: self.i64s("items.unavailable_from_ms"),
            group: self.u32s("items.group"),
            brand: self.u32s("items.brand"),
            category_repeat: self.bytes("categories.repeat").to_vec(),
            categories: self.texts("categories.lengths", "categories.bytes")?,
        })
    }

    fn popularity(&self, channels: usize) -> PopularityParts {
        let offsets = self.u32s("popularity.channel_offsets");
        let (items, counts) = (self.u32s("popularity.channel_items"), self.u32s("popularity.channel_counts"));
        let row = |channel: usize| {
            (offsets[channel] as usize..offsets[channel + 1] as usize).map(|at| (items[at], counts[at])).collect()
        };
        PopularityParts {
            all: self.u32s("popularity.all"),
            recent: self.u32s("popularity.recent"),
            week: self.u32s("popularity.week"),
            repeat: self.bytes("popularity.repeat").to_vec(),
            channels: (0..channels).map(row).collect(),
        }
    }

    fn segments(&self) -> SegmentParts {
        let weights = self.u16s("segments.weights");
        if weights.is_empty() {
            return SegmentParts::default();
        }
        let (items, counts) = (self.u32s("segments.items"), self.u32s("segments.counts"));
        let offsets = self.u32s("segments.offsets");
        let row =
            |ends: &[u32]| (ends[0] as usize..ends[1] as usize).map(|at| (items[at], counts[at])).collect::<Vec<_>>();
        SegmentParts {
            centers: self.u16s("segments.centers").chunks(weights.len()).map(<[u16]>::to_vec).collect(),
            groups: self.bytes("segments.groups").to_vec(),
            popular: offsets.windows(2).map(row).collect(),
            weights,
        }
    }

    fn neighbours(&self, list: &str) -> NeighbourParts {
        NeighbourParts {
            offsets: self.u32s(&format!("neighbours.{list}_offsets")),
            items: self.u32s(&format!("neighbours.{list}_items")),
            weights: self.bytes(&format!("neighbours.{list}_weights")).to_vec(),
        }
    }

    fn sessions(&self) -> Vec<Vec<u32>> {
        let (offsets, items) = (self.u32s("sessions.offsets"), self.u32s("sessions.items"));
        offsets.windows(2).map(|pair| items[pair[0] as usize..pair[1] as usize].to_vec()).collect()
    }

    fn offers(&self) -> Result<Vec<OfferPart>> {
        let ids = self.texts("offers.id_lengths", "offers.id_bytes")?;
        let (starts, ends) = (self.i64s("offers.starts_ms"), self.i64s("offers.ends_ms"));
        let u32s = |name: &str| self.u32s(&format!("offers.{name}"));
        let (channels, caps, days) = (u32s("channels"), u32s("caps"), u32s("cap_days"));
        let (popularity, offsets, items) = (u32s("popularity"), u32s("item_offsets"), u32s("items"));
        let category = self.u16s("offers.category");
        let offer = |(at, id): (usize, String)| OfferPart {
            id,
            starts_ms: starts[at],
            ends_ms: ends[at],
            channels: channels[at],
            cap: caps[at],
            cap_days: days[at],
            category: category[at],
            popularity: popularity[at],
            items: items[offsets[at] as usize..offsets[at + 1] as usize].to_vec(),
        };
        Ok(ids.into_iter().enumerate().map(offer).collect())
    }

    /// A section of 16-bit numbers.
    pub fn u16s(&self, name: &str) -> Vec<u16> {
        self.bytes(name).chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]])).collect()
    }

    /// A section of 32-bit numbers.
    pub fn u32s(&self, name: &str) -> Vec<u32> {
        self.bytes(name).as_chunks().0.iter().map(|four| u32::from_le_bytes(*four)).collect()
    }

    fn i64s(&self, name: &str) -> Vec<i64> {
        self.bytes(name).as_chunks().0.iter().map(|eight| i64::from_le_bytes(*eight)).collect()
    }

    fn texts(&self, lengths: &str, bytes: &str) -> Result<Vec<String>> {
        let mut rest = self.bytes(bytes);
        let cut = |length: u16| {
            let (string, after) = rest.split_at_checked(length.into()).context("lengths lie within")?;
            rest = after;
            Ok(String::from_utf8(string.to_vec())?)
        };
        self.u16s(lengths).into_iter().map(cut).collect()
    }
}

fn strings(value: &Value, name: &str) -> Vec<String> {
    list(value, name).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn ints(value: &Value, name: &str) -> Vec<i64> {
    list(value, name).iter().filter_map(int).collect()
}

fn blend(value: &Value) -> Result<Blend> {
    let table = |table: &Value| {
        let feature = text(table, "name").and_then(Feature::from_name).context("a table names a feature")?;
        Ok(Table { feature, edges: ints(table, "edges"), points: ints(table, "points") })
    };
    let tables = list(value, "features").iter().map(table).collect::<Result<_>>()?;
    Ok(Blend { base: field(value, "base").and_then(int).context("a base")?, tables })
}

fn calibrations(value: &Value) -> Result<Vec<(PlacementKind, Calibration)>> {
    let of_kind = |(kind, map): &(Value, Value)| {
        let kind = kind.as_str().and_then(PlacementKind::from_name).context("a kind of placement")?;
        ensure!(map.is_map(), "a calibration is a map");
        Ok((kind, calibration(map)))
    };
    value.as_map().context("a map of calibrations")?.iter().map(of_kind).collect()
}

fn calibration(map: &Value) -> Calibration {
    Calibration {
        scores: ints(map, "scores"),
        probabilities: ints(map, "probabilities"),
        visits_min: field(map, "visits_min").and_then(int).unwrap_or(0) as u32,
        longer: list(map, "longer").iter().map(calibration).collect(),
    }
}

fn facts(root: &Value, name: &str) -> Vec<(String, Fact)> {
    let fact = |(key, value): &(Value, Value)| {
        let fact = match (value.as_str(), value.as_i64()) {
            (Some(text), _) => Fact::Text(text.to_owned()),
            (None, Some(number)) => Fact::Int(number),
            _ => Fact::Float(value.as_f64().unwrap_or(f64::NAN)),
        };
        (key.as_str().unwrap_or_default().to_owned(), fact)
    };
    field(root, name).and_then(Value::as_map).map_or(Vec::new(), |pairs| pairs.iter().map(fact).collect())
}
