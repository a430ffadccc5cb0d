//! The root: what a model says of itself, and where its sections lie.

use super::layout::{FORMAT_VERSION, data_start};
use crate::blend::{Blend, Calibration, Table};
use crate::digest::sha256;
use crate::features::Feature;
use crate::forest::Bins;
use alloc::vec::Vec;
use unisono_message::limits;
use unisono_message::text;
use unisono_message::{Error, ErrorCode, PlacementKind, Reader, Result, Writer, read_fields};

/// A section as the root lists it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SectionEntry<'a> {
    /// Its name, as `items.id_bytes`.
    pub name: &'a str,
    /// Element type in numpy's words.
    pub dtype: &'a str,
    /// First item that it covers.
    pub first: i64,
    /// The item after the last one that it covers.
    pub end: i64,
    /// Bytes from the start of the data area.
    pub offset: usize,
    /// Bytes.
    pub length: usize,
    /// SHA-256 of its bytes.
    pub sha256: &'a [u8],
}

/// The root, decoded.
pub(super) struct Root<'a> {
    pub(super) model_id: [u8; 32],
    pub(super) items: u32,
    pub(super) currency: Option<&'a str>,
    pub(super) channels: Vec<&'a str>,
    pub(super) min_support: u32,
    pub(super) keep_unknown_items: bool,
    pub(super) history_items: u32,
    pub(super) candidates_per_source: u32,
    pub(super) horizon_days: u32,
    pub(super) scale_bits: u32,
    pub(super) next: Blend,
    pub(super) together: Blend,
    pub(super) next_forest: ForestRoot,
    pub(super) together_forest: ForestRoot,
    pub(super) discover_forest: ForestRoot,
    pub(super) discover_calibration: Calibration,
    pub(super) ranked_max: u32,
    pub(super) diversity: u32,
    pub(super) calibrations: Vec<(PlacementKind, Calibration)>,
    pub(super) sections: Vec<SectionEntry<'a>>,
    /// Where the data area starts.
    pub(super) data_start: usize,
}

/// What the root says of a forest; the trees lie in sections.
#[derive(Default)]
pub(super) struct ForestRoot {
    pub(super) base: i64,
    pub(super) bins: Vec<Bins>,
}

/// From here on `ROOT` names what only models with trees have.
const FOREST: usize = 13;
const ROOT: [&str; 19] = [
    "items",
    "currency",
    "channels",
    "min_support",
    "keep_unknown_items",
    "history_items",
    "candidates_per_source",
    "horizon_days",
    "scale_bits",
    "next",
    "together",
    "calibrations",
    "sections",
    "next_forest",
    "together_forest",
    "ranked_max",
    "discover_forest",
    "discover_calibration",
    "diversity",
];

/// Reads the root at the start of a file.
pub(super) fn read<'a>(file: &'a [u8]) -> Result<Root<'a>> {
    let id = read_id(file).map_err(|error| as_model_error(error, file))?;
    let mut reader = Reader::new(file);
    let mut root = empty(id.model_id);
    let mut present = 0u32;
    read_fields(&mut reader, &ROOT, |r, field| {
        present |= 1 << field;
        read_field(&mut root, r, field);
    });
    let length = file.len() - reader.rest().len();
    reader.result().map_err(|error| as_model_error(error, file))?;
    if length > limits::MODEL_ROOT_BYTES_MAX {
        return Err(invalid(text!(
            "a root of `{}` bytes; model_root_bytes_max is {}",
            length,
            limits::MODEL_ROOT_BYTES_MAX
        )));
    }
    // Everything but the currency, which may be null, and what only models with trees have.
    let required = ((1u32 << FOREST) - 1) & !(1 << 1);
    if let Some(name) = ROOT.iter().enumerate().find(|(at, _)| required & !present & (1 << at) != 0).map(|pair| pair.1)
    {
        return Err(invalid(text!("the root has no `{}`", *name)).in_field(name));
    }
    let mut header = Writer::new();
    header.map(id.pairs - 1);
    let before = file.get(id.header_end..id.pair_start).unwrap_or_default();
    let after = file.get(id.pair_end..length).unwrap_or_default();
    if sha256(&[header.as_bytes(), before, after]) != id.model_id {
        return Err(invalid("the root does not have the SHA-256 that its `model_id` says").in_field("model_id"));
    }
    root.data_start = data_start(length);
    if file.iter().take(root.data_start).skip(length).any(|byte| *byte != 0) {
        return Err(invalid("zeros follow the root up to a multiple of 16"));
    }
    Ok(root)
}

struct Id {
    model_id: [u8; 32],
    pairs: usize,
    header_end: usize,
    pair_start: usize,
    pair_end: usize,
}

/// The version stands first and the id second, so that a newer file is recognised whatever else it holds.
fn read_id(file: &[u8]) -> Result<Id> {
    let mut reader = Reader::new(file);
    let at = |reader: &Reader<'_>| file.len() - reader.rest().len();
    let pairs = reader.map();
    let header_end = at(&reader);
    if reader.str() != "format_version" {
        reader.fail(invalid("a model's root begins with `format_version`"));
    }
    let version = reader.int();
    if version != FORMAT_VERSION {
        let message = text!("the file has format `{}`; this module reads {}", version, FORMAT_VERSION);
        reader.fail(Error::new(ErrorCode::ModelVersionUnsupported, message).in_field("format_version"));
    }
    let pair_start = at(&reader);
    if reader.str() != "model_id" {
        reader.fail(invalid("`model_id` must follow `format_version`"));
    }
    let model_id = reader.bin();
    let pair_end = at(&reader);
    reader.result()?;
    let model_id = <[u8; 32]>::try_from(model_id).map_err(|_| invalid("a `model_id` has 32 bytes"))?;
    Ok(Id { model_id, pairs, header_end, pair_start, pair_end })
}

fn empty<'a>(model_id: [u8; 32]) -> Root<'a> {
    Root {
        model_id,
        items: 0,
        currency: None,
        channels: Vec::new(),
        min_support: 0,
        keep_unknown_items: false,
        history_items: 0,
        candidates_per_source: 0,
        horizon_days: 0,
        scale_bits: 0,
        next: Blend::default(),
        together: Blend::default(),
        next_forest: ForestRoot::default(),
        together_forest: ForestRoot::default(),
        discover_forest: ForestRoot::default(),
        discover_calibration: Calibration::default(),
        ranked_max: 0,
        diversity: 0,
        calibrations: Vec::new(),
        sections: Vec::new(),
        data_start: 0,
    }
}

fn read_field<'a>(root: &mut Root<'a>, r: &mut Reader<'a>, field: usize) {
    match field {
        0 => root.items = count(r, limits::MODEL_ITEMS_MAX as i64),
        1 => root.currency = Some(r.str()),
        2 => {
            r.each(limits::MODEL_CHANNELS_MAX, "model_channels_max", |r| root.channels.push(r.str()));
            if root.channels.iter().zip(root.channels.iter().skip(1)).any(|(a, b)| a >= b) {
                r.fail(invalid("channels stand in rising order, each once"));
            }
        }
        3 => root.min_support = count(r, i64::from(u32::MAX)),
        4 => root.keep_unknown_items = r.bool(),
        5 => root.history_items = count(r, i64::from(limits::HISTORY_ITEMS_FOR_NEIGHBOURS_MAX)),
        6 => root.candidates_per_source = count(r, limits::ID_LIST_MAX as i64),
        7 => root.horizon_days = count(r, limits::MODEL_HORIZON_DAYS_MAX),
        8 => root.scale_bits = count(r, limits::MODEL_SCALE_BITS_MAX.into()),
        9 => root.next = read_blend(r),
        10 => root.together = read_blend(r),
        11 => root.calibrations = read_calibrations(r),
        13 => root.next_forest = read_forest(r),
        14 => root.together_forest = read_forest(r),
        16 => root.discover_forest = read_forest(r),
        17 => root.discover_calibration = read_calibration(r, 0, false),
        18 => root.diversity = count(r, limits::DIVERSITY_MAX),
        15 => root.ranked_max = count(r, limits::ID_LIST_MAX as i64),
        _ => r.each(limits::MODEL_SECTIONS_MAX, "model_sections_max", |r| root.sections.push(read_section(r))),
    }
}

fn count(r: &mut Reader<'_>, max: i64) -> u32 {
    r.int_within(0, max) as u32
}

fn read_section<'a>(r: &mut Reader<'a>) -> SectionEntry<'a> {
    let mut entry = SectionEntry::default();
    let known = ["name", "dtype", "first", "end", "offset", "length", "sha256"];
    read_fields(r, &known, |r, field| match field {
        0 => entry.name = r.str(),
        1 => entry.dtype = r.str(),
        2 => entry.first = r.int(),
        3 => entry.end = r.int(),
        4 => entry.offset = count(r, i64::from(u32::MAX)) as usize,
        5 => entry.length = count(r, i64::from(u32::MAX)) as usize,
        _ => entry.sha256 = r.bin(),
    });
    entry
}

fn read_blend(r: &mut Reader<'_>) -> Blend {
    let mut blend = Blend::default();
    read_fields(r, &["base", "features"], |r, field| match field {
        0 => blend.base = points(r),
        _ => r.each(limits::MODEL_FEATURES_MAX, "model_features_max", |r| {
            let Some(table) = read_table(r) else { return };
            if blend.tables.iter().any(|other| other.feature == table.feature) {
                r.fail(invalid(text!("the feature `{}` has two tables", table.feature.as_str())));
            }
            blend.tables.push(table);
        }),
    });
    blend
}

fn read_table(r: &mut Reader<'_>) -> Option<Table> {
    let (mut feature, mut edges, mut values) = (None, Vec::new(), Vec::new());
    read_fields(r, &["name", "edges", "points"], |r, field| match field {
        0 => feature = read_feature(r),
        1 => edges = ints(r, limits::MODEL_BINS_MAX, "model_bins_max", Reader::int),
        _ => values = ints(r, limits::MODEL_BINS_MAX, "model_bins_max", points),
    });
    let Some(feature) = feature else {
        r.fail(invalid("a table has no `name`"));
        return None;
    };
    if !rises(&edges) || values.len() != edges.len() + 1 {
        let name = feature.as_str();
        r.fail(invalid(text!("the table of `{}` needs rising edges and one more points than edges", name)));
    }
    Some(Table { feature, edges, points: values })
}

fn read_forest(r: &mut Reader<'_>) -> ForestRoot {
    let mut forest = ForestRoot::default();
    read_fields(r, &["base", "bins"], |r, field| match field {
        0 => forest.base = points(r),
        _ => r.each(limits::MODEL_FEATURES_MAX, "model_features_max", |r| {
            let bins = read_bins(r);
            // Parts of an explanation have one place for each feature.
            if bins.as_ref().is_some_and(|bins| forest.bins.iter().any(|other| other.feature == bins.feature)) {
                r.fail(invalid("a feature has two lists of bins"));
            }
            forest.bins.extend(bins);
        }),
    });
    forest
}

fn read_bins(r: &mut Reader<'_>) -> Option<Bins> {
    let (mut feature, mut edges) = (None, Vec::new());
    read_fields(r, &["name", "edges"], |r, field| match field {
        0 => feature = read_feature(r),
        _ => edges = ints(r, limits::MODEL_TREE_EDGES_MAX, "model_tree_edges_max", Reader::int),
    });
    let Some(feature) = feature else {
        r.fail(invalid("bins have no `name`"));
        return None;
    };
    if !rises(&edges) {
        r.fail(invalid(text!("the bins of `{}` need rising edges", feature.as_str())));
    }
    Some(Bins { feature, edges })
}

fn read_feature(r: &mut Reader<'_>) -> Option<Feature> {
    let name = r.str();
    let feature = Feature::from_name(name);
    if feature.is_none() {
        r.fail(invalid(text!("no feature has the name `{}`", name)));
    }
    feature
}

fn read_calibrations(r: &mut Reader<'_>) -> Vec<(PlacementKind, Calibration)> {
    let mut out = Vec::new();
    read_fields(r, PlacementKind::NAMES, |r, field| {
        let map = read_calibration(r, 1, false);
        out.extend(PlacementKind::ALL.get(field).map(|kind| (*kind, map)));
    });
    out
}

/// Reads a map of at least so many knots; the first of its kind has others for longer histories, or one of these.
fn read_calibration(r: &mut Reader<'_>, knots_min: usize, longer: bool) -> Calibration {
    let mut map = Calibration::default();
    let last = if longer { "visits_min" } else { "longer" };
    read_fields(r, &["scores", "probabilities", last], |r, part| {
        let mut values = || {
            ints(r, limits::MODEL_KNOTS_MAX, "model_knots_max", |r| {
                r.int_within(-limits::MODEL_SCORE_ABS_MAX, limits::MODEL_SCORE_ABS_MAX)
            })
        };
        match part {
            0 => map.scores = values(),
            1 => map.probabilities = values(),
            _ if longer => map.visits_min = count(r, u32::MAX.into()),
            _ => r.each(limits::MODEL_BANDS_MAX, "model_bands_max", |r| {
                let band = read_calibration(r, 1, true);
                if map.longer.last().map_or(0, |before| before.visits_min) >= band.visits_min {
                    r.fail(invalid("`longer` rises by `visits_min`, from 1"));
                }
                map.longer.push(band);
            }),
        }
    });
    let monotone = map.probabilities.iter().zip(map.probabilities.iter().skip(1)).all(|(a, b)| a <= b);
    let bounded = map.probabilities.iter().all(|p| (0..=limits::MODEL_PROBABILITY_MAX).contains(p));
    let paired = map.scores.len() == map.probabilities.len() && map.scores.len() >= knots_min;
    if !paired || !rises(&map.scores) || !monotone || !bounded {
        r.fail(invalid(
            "a calibration needs rising scores and as many probabilities within 0 to 2^30 that do not fall",
        ));
    }
    map
}

fn ints<'a>(r: &mut Reader<'a>, max: usize, limit: &str, read: fn(&mut Reader<'a>) -> i64) -> Vec<i64> {
    let mut values = Vec::new();
    r.each(max, limit, |r| values.push(read(r)));
    values
}

fn points(r: &mut Reader<'_>) -> i64 {
    r.int_within(-limits::MODEL_POINTS_MAX, limits::MODEL_POINTS_MAX)
}

fn rises(values: &[i64]) -> bool {
    values.iter().zip(values.iter().skip(1)).all(|(a, b)| a < b)
}

#[cold]
fn invalid(message: impl Into<alloc::string::String>) -> Error {
    Error::new(ErrorCode::ModelRootInvalid, message)
}

/// Decoding errors of the root become errors of the model; what is one already stays.
#[cold]
fn as_model_error(error: Error, file: &[u8]) -> Error {
    match error.code() {
        ErrorCode::ModelRootInvalid | ErrorCode::ModelVersionUnsupported => error,
        ErrorCode::InvalidMsgpack if matches!(file.first(), None | Some(0x80..=0x8f | 0xde | 0xdf)) => {
            Error::new(ErrorCode::ModelTruncated, "the file ends within its root").in_field(error.field())
        }
        _ => invalid(text!("{}: {}", error.code().as_str(), error.message())).in_field(error.field()),
    }
}
