//! Segments: customers who buy alike, by linfa's k-means over the coordinates that core gives each, and what is popular
//! in each segment.

use super::{CountRules, Target};
use crate::blend::hash;
use crate::error::{Error, Result};
use crate::parallel;
use crate::tables::{EventLog, NONE};
use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_clustering::KMeans;
use ndarray::Array2;
use rand_xoshiro::Xoshiro256Plus;
use rand_xoshiro::rand_core::SeedableRng;
use std::collections::{BTreeMap, BTreeSet};
use unisono_core::Model;
use unisono_core::history::History;
use unisono_core::model::{ModelParts, NeighbourParts, SegmentParts, encode, is_below};
use unisono_core::profile::Profile;
use unisono_core::segments::{MEASURES, NO_SEGMENT_GROUP, coordinates};
use unisono_message::{Context, Event};

/// Customers that k-means reads; of more a hash picks.
const SAMPLE: usize = 20_000;
/// Fewest customers of a segment; the support floor where that is higher.
const MEMBERS_MIN: usize = 50;
/// Groups of categories at most.
const GROUPS_MAX: usize = 24;
/// What the four measures, the channels and the groups weigh against each other: what is bought tells customers apart from
/// their first order on, how often only later.
const BLOCKS: [f64; 3] = [0.2, 0.2, 0.6];
const DAYS_28_MS: i64 = 28 * 86_400_000;

/// Finds the segments of the customers in the log before `rules.until_ms`, and describes each in words. None where there
/// are too few customers or where nobody can be found again.
///
/// # Errors
/// What encoding the counted model fails with, and k-means.
pub(super) fn segments(
    log: &EventLog,
    parts: &ModelParts,
    rules: CountRules<'_>,
) -> Result<(SegmentParts, Vec<String>)> {
    let wanted = rules.params.segments;
    if wanted == 0 || rules.target != Target::Purchase || rules.min_support < 2 {
        return Ok(Default::default());
    }
    let customers = customers(log, rules.until_ms);
    let members_min = MEMBERS_MIN.max(rules.min_support as usize);
    let count = wanted.min(customers.len() / members_min);
    if count < 2 {
        return Ok(Default::default());
    }
    let (groups, names) = groups(parts);
    let dimensions = MEASURES + parts.channels.len() + names.len();
    // Core reads the shape from a model, so it gets one whose centres are still to be found, without what no coordinate reads.
    let mut draft = ModelParts {
        segments: shape(groups, vec![1; dimensions], 1),
        bought: NeighbourParts::default(),
        next_items: NeighbourParts::default(),
        sessions: Vec::new(),
        offers: Vec::new(),
        ..parts.clone()
    };
    let points = with_model(&draft, |model| points(model, log, &customers, rules))?;
    draft.segments.weights = weights(&points, parts.channels.len());
    draft.segments.centers = centers(&points, &draft.segments.weights, count)?;
    draft.segments.popular = vec![Vec::new(); draft.segments.centers.len()];
    let mut members = with_model(&draft, |model| nearest(model, &points))?;
    // A small segment would tell of few, so its customers join the nearest of the others.
    while let Some(small) = smallest(&members, draft.segments.centers.len(), members_min) {
        draft.segments.centers.remove(small);
        draft.segments.popular.pop();
        members = with_model(&draft, |model| nearest(model, &points))?;
    }
    if draft.segments.centers.len() < 2 {
        return Ok(Default::default());
    }
    let floor = rules.min_support as usize;
    for (at, center) in draft.segments.centers.iter_mut().enumerate() {
        for (dimension, value) in center.iter_mut().enumerate().filter(|(dimension, _)| *dimension >= MEASURES) {
            if having(&points, &members, at, dimension) < floor {
                *value = 0;
            }
        }
    }
    let members = with_model(&draft, |model| nearest(model, &points))?;
    draft.segments.popular = popular(log, parts, &customers, &members, draft.segments.centers.len(), rules);
    let words =
        (0..draft.segments.centers.len()).map(|at| describe(&points, &members, at, parts, &names, floor)).collect();
    Ok((draft.segments, words))
}

/// Customers who bought before `until_ms`, ascending; at most [`SAMPLE`].
fn customers(log: &EventLog, until_ms: i64) -> Vec<u32> {
    let bought = |profile: &u32| {
        log.rows_of(*profile).any(|row| {
            Target::Purchase.takes(log.kind(row)) && log.columns.item[row] != NONE && log.columns.ts_ms[row] < until_ms
        })
    };
    let mut all: Vec<u32> = (0..log.profiles.len() as u32).filter(bought).collect();
    if all.len() > SAMPLE {
        all.sort_by_cached_key(|profile| hash(0, &["segment", log.profiles.get(*profile)]));
        all.truncate(SAMPLE);
        all.sort_unstable();
    }
    all
}

fn shape(groups: Vec<u8>, weights: Vec<u16>, segments: usize) -> SegmentParts {
    let centers = vec![vec![0; weights.len()]; segments];
    SegmentParts { weights, centers, groups, popular: vec![Vec::new(); segments] }
}

fn with_model<T>(parts: &ModelParts, see: impl FnOnce(&Model<'_>) -> T) -> Result<T> {
    let file = encode(parts).map_err(Error::from_core)?;
    Ok(see(&Model::load(&file).map_err(Error::from_core)?))
}

/// Groups of categories whose shares are dimensions: the first levels, of which the one with the most buyers is cut into
/// its children as long as there is room. Gives each category's group and the groups' paths.
fn groups(parts: &ModelParts) -> (Vec<u8>, Vec<String>) {
    let mut buyers: BTreeMap<&str, u64> = BTreeMap::new();
    for (item, category) in parts.items.category.iter().enumerate() {
        if let Some(path) = parts.items.categories.get(usize::from(*category)) {
            let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
            ends.for_each(|end| *buyers.entry(&path[..end]).or_default() += u64::from(parts.popularity.all[item]));
        }
    }
    buyers.retain(|_, count| *count > 0);
    let level = |path: &str| path.matches('/').count();
    let mut chosen: BTreeSet<&str> = buyers.keys().copied().filter(|path| level(path) == 0).collect();
    if chosen.len() > GROUPS_MAX {
        let mut best: Vec<&str> = chosen.iter().copied().collect();
        best.sort_by_key(|path| (std::cmp::Reverse(buyers[path]), *path));
        chosen = best.into_iter().take(GROUPS_MAX).collect();
    }
    loop {
        let children = |path: &str| -> Vec<&str> {
            let below = |other: &&str| {
                level(other) == level(path) + 1 && other.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
            };
            buyers.keys().copied().filter(below).collect()
        };
        let fits = |path: &&str| !children(path).is_empty() && chosen.len() - 1 + children(path).len() <= GROUPS_MAX;
        let Some(largest) = chosen.iter().copied().filter(fits).max_by_key(|path| buyers[path]) else { break };
        chosen.remove(largest);
        chosen.extend(children(largest));
    }
    let names: Vec<String> = chosen.iter().map(|path| (*path).to_owned()).collect();
    let group = |path: &String| names.iter().position(|group| is_below(path, group));
    let of = parts.items.categories.iter().map(|path| group(path).map_or(NO_SEGMENT_GROUP, |at| at as u8)).collect();
    (of, names)
}

/// The coordinates of each customer, (customers x dimensions), by core.
fn points(model: &Model<'_>, log: &EventLog, customers: &[u32], rules: CountRules<'_>) -> Vec<Vec<i64>> {
    let of = |customer: usize| {
        let rows = log.rows_of(customers[customer]).filter(|row| log.columns.ts_ms[*row] < rules.until_ms);
        let events: Vec<Event<'_>> = rows.map(|row| log.event(row)).collect();
        let (profile, _) = Profile::from_events(&events);
        let history = History::fold(model, &profile, rules.until_ms, &Context::default());
        coordinates(model, &profile, &history)
    };
    parallel::in_order(rules.threads, customers.len(), || (), |(), customer| of(customer), || ())
}

/// What a squared difference counts, (dimensions): a block's weight over the variance of the whole block.
fn weights(points: &[Vec<i64>], channels: usize) -> Vec<u16> {
    let n = points.len() as f64;
    let variance = |dimension: usize| {
        let values = || points.iter().map(|point| point[dimension] as f64);
        let mean = values().sum::<f64>() / n;
        values().map(|value| (value - mean) * (value - mean)).sum::<f64>() / n
    };
    let dimensions = points.first().map_or(0, Vec::len);
    let blocks = [0..MEASURES, MEASURES..MEASURES + channels, MEASURES + channels..dimensions];
    let mut out = vec![0u16; dimensions];
    for (block, share) in blocks.into_iter().zip(BLOCKS) {
        let spread: f64 = block.clone().map(variance).sum();
        // Measures differ in unit, so each counts alike; shares of one block have one unit.
        for dimension in block.clone() {
            let spread = if dimension < MEASURES { variance(dimension) * MEASURES as f64 } else { spread };
            if spread > 0.0 {
                out[dimension] = (share / spread * 10_000_000.0).round().clamp(1.0, 65_535.0) as u16;
            }
        }
    }
    out
}

/// Centres by k-means, (segments x dimensions); seeded, ordered by their coordinates.
fn centers(points: &[Vec<i64>], weights: &[u16], count: usize) -> Result<Vec<Vec<u16>>> {
    let scale: Vec<f64> = weights.iter().map(|weight| f64::from(*weight).sqrt()).collect();
    let records =
        Array2::from_shape_fn((points.len(), scale.len()), |(row, column)| points[row][column] as f64 * scale[column]);
    let failed = |reason: String| Error::FitFailed { step: "segments", reason };
    let fitted = KMeans::params_with_rng(count, Xoshiro256Plus::seed_from_u64(7))
        .n_runs(5)
        .max_n_iterations(100)
        .tolerance(1e-4)
        .fit(&DatasetBase::from(records))
        .map_err(|error| failed(error.to_string()))?;
    let unscaled = |(value, scale): (&f64, &f64)| {
        if *scale > 0.0 { (value / scale).round().clamp(0.0, 65_535.0) as u16 } else { 0 }
    };
    let mut centers: Vec<Vec<u16>> =
        fitted.centroids().outer_iter().map(|row| row.iter().zip(&scale).map(unscaled).collect()).collect();
    centers.sort();
    centers.dedup();
    Ok(centers)
}

fn nearest(model: &Model<'_>, points: &[Vec<i64>]) -> Vec<usize> {
    points.iter().map(|point| model.segments.nearest(point).unwrap_or(0) as usize).collect()
}

/// Members of a segment whose share in a dimension is not nothing: what fewer than the floor have stays out of the model.
fn having(points: &[Vec<i64>], members: &[usize], segment: usize, dimension: usize) -> usize {
    points.iter().zip(members).filter(|(point, own)| **own == segment && point[dimension] > 0).count()
}

/// The smallest segment, if it has too few members.
fn smallest(members: &[usize], segments: usize, members_min: usize) -> Option<usize> {
    let size = |segment: &usize| members.iter().filter(|own| *own == segment).count();
    (0..segments).min_by_key(size).filter(|segment| size(segment) < members_min)
}

/// Items that most distinct customers of each segment bought in the last 28 days, best first.
fn popular(
    log: &EventLog,
    parts: &ModelParts,
    customers: &[u32],
    members: &[usize],
    segments: usize,
    rules: CountRules<'_>,
) -> Vec<Vec<(u32, u32)>> {
    let mut counts: Vec<BTreeMap<u32, u32>> = vec![BTreeMap::new(); segments];
    for (customer, segment) in customers.iter().zip(members) {
        let recent = log.rows_of(*customer).filter(|row| {
            let ts = log.columns.ts_ms[*row];
            ts < rules.until_ms && ts >= rules.until_ms - DAYS_28_MS && Target::Purchase.takes(log.kind(*row))
        });
        let items: BTreeSet<u32> = recent.map(|row| log.columns.item[row]).filter(|item| *item != NONE).collect();
        for item in items {
            if let Ok(index) = parts.items.ids.binary_search_by(|id| id.as_str().cmp(log.items.get(item))) {
                *counts[*segment].entry(index as u32).or_default() += 1;
            }
        }
    }
    let row = |counts: BTreeMap<u32, u32>| {
        let mut row: Vec<(u32, u32)> = counts.into_iter().filter(|entry| entry.1 >= rules.min_support).collect();
        row.sort_by_key(|(item, count)| (std::cmp::Reverse(*count), *item));
        row.truncate(rules.params.channel_items);
        row
    };
    counts.into_iter().map(row).collect()
}

/// A segment in words: its size, its rhythm, and the channel and categories that stand out.
fn describe(
    points: &[Vec<i64>],
    members: &[usize],
    at: usize,
    parts: &ModelParts,
    groups: &[String],
    floor: usize,
) -> String {
    let own: Vec<&Vec<i64>> = points.iter().zip(members).filter(|pair| *pair.1 == at).map(|pair| pair.0).collect();
    let mean = |of: &[&Vec<i64>], dimension: usize| {
        of.iter().map(|point| point[dimension] as f64).sum::<f64>() / of.len().max(1) as f64
    };
    let all: Vec<&Vec<i64>> = points.iter().collect();
    let back = |dimension: usize| libm::exp2(mean(&own, dimension) / 64.0) - 1.0;
    let mut text = format!(
        "{:.0} % of customers: {:.0} purchase days, the last {:.0} days ago, {:.1} items each time at {:.2}",
        100.0 * own.len() as f64 / points.len() as f64,
        back(1),
        back(0),
        back(2) / 16.0,
        back(3) / 100.0,
    );
    let names = parts.channels.iter().chain(groups);
    let mut outstanding: Vec<(f64, &String, f64, usize)> = (MEASURES..)
        .zip(names)
        .map(|(dimension, name)| {
            (mean(&own, dimension) - mean(&all, dimension), name, mean(&own, dimension), dimension)
        })
        .filter(|entry| entry.0 >= 10.0)
        .filter(|entry| having(points, members, at, entry.3) >= floor)
        .collect();
    outstanding.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    for (more, name, share, _) in outstanding.iter().take(3) {
        text.push_str(&format!("; more {name} ({:.0} %, {:+.0})", share / 10.0, more / 10.0));
    }
    text
}
