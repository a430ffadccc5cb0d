//! Large synthetic models, for benchmarks: zipf popularity, 30 neighbours an item, a blend of the shape that a fit gives.

use crate::random::Random;
use unisono_core::blend::{Blend, Calibration, Table};
use unisono_core::features::Feature;
use unisono_core::model::{
    ItemParts, ModelParts, NO_CATEGORY, NeighbourParts, OfferPart, PopularityParts, weight_code,
};
use unisono_message::PlacementKind;

const NEIGHBOURS: usize = 30;
const PROFILES: f64 = 2_000_000.0;

/// A model of `n_items` items, 10,000 to 1,000,000: popularity falls as 1/rank, neighbours are mostly popular items and
/// mostly of the same category, two channels, five hundred categories, a hundred offers. Ids are `p0000000` and so on, in
/// an order that says nothing of popularity.
pub fn synthetic(n_items: usize) -> ModelParts {
    let random = &mut Random::new(n_items as u64);
    let categories: Vec<String> = (0..500usize).map(|at| format!("d{:02}/c{:02}", at / 25, at % 25)).collect();
    // Item index to rank of popularity, and back.
    let mut by_rank: Vec<u32> = (0..n_items as u32).collect();
    random.shuffle(&mut by_rank);
    let mut all = vec![0u32; n_items];
    for (rank, item) in by_rank.iter().enumerate() {
        all[*item as usize] = (PROFILES / 4.0 / (rank as f64 + 10.0)) as u32;
    }
    let recent: Vec<u32> =
        all.iter().map(|count| count / 6 + (random.bits() % 3).min(u64::from(*count)) as u32).collect();
    let recent: Vec<u32> = recent.iter().zip(&all).map(|(recent, all)| *recent.min(all)).collect();
    let week: Vec<u32> = recent.iter().map(|count| count / 4).collect();
    let list = |share: u32| channel_list(&by_rank, &recent, share);
    ModelParts {
        currency: Some("EUR".into()),
        channels: vec!["store".into(), "web".into()],
        min_support: 5,
        next: blend(&[
            Feature::OwnStrength,
            Feature::OwnDays,
            Feature::OwnDue,
            Feature::BoughtScore,
            Feature::NextScore,
        ]),
        together: blend(&[Feature::CartScore, Feature::BoughtScore, Feature::OwnStrength]),
        calibrations: vec![(
            PlacementKind::ForYou,
            Calibration {
                scores: vec![-400_000, 0, 400_000],
                probabilities: vec![1 << 20, 1 << 26, 1 << 29],
                ..Calibration::default()
            },
        )],
        popularity: PopularityParts {
            repeat: (0..n_items).map(|_| random.below(200) as u8).collect(),
            channels: vec![list(3), list(4)],
            all,
            recent,
            week,
        },
        bought: neighbours(random, &by_rank),
        next_items: neighbours(random, &by_rank),
        offers: offers(random, n_items),
        items: ItemParts {
            ids: (0..n_items).map(|at| format!("p{at:07}")).collect(),
            category: (0..n_items).map(|_| random.below(categories.len()) as u16).collect(),
            flags: vec![0; n_items],
            categories,
            ..ItemParts::default()
        },
        ..ModelParts::default()
    }
}

/// The thousand most popular items of a channel.
fn channel_list(by_rank: &[u32], recent: &[u32], share: u32) -> Vec<(u32, u32)> {
    let mut row: Vec<(u32, u32)> = by_rank
        .iter()
        .take(1_000)
        .map(|item| (*item, recent[*item as usize] / share))
        .filter(|pair| pair.1 > 0)
        .collect();
    row.sort_by_key(|(item, count)| (std::cmp::Reverse(*count), *item));
    row
}

/// The item at a rank drawn with a density that falls as 1/rank.
fn popular(random: &mut Random, by_rank: &[u32]) -> u32 {
    let rank = (by_rank.len() as f64).powf(random.unit()) as usize;
    by_rank[rank.min(by_rank.len()) - 1]
}

fn neighbours(random: &mut Random, by_rank: &[u32]) -> NeighbourParts {
    let n = by_rank.len();
    let mut list = NeighbourParts { offsets: vec![0], ..NeighbourParts::default() };
    let mut row: Vec<(u8, u32)> = Vec::new();
    for item in 0..n as u32 {
        row.clear();
        for _ in 0..NEIGHBOURS {
            let near = (item as usize + 1 + random.below(200)) % n;
            let other = if random.chance(50) { popular(random, by_rank) } else { near as u32 };
            row.push((weight_code(0.3 * random.unit() * random.unit()), other));
        }
        row.sort_unstable_by_key(|(weight, other)| (*other, std::cmp::Reverse(*weight)));
        row.dedup_by_key(|entry| entry.1);
        row.retain(|entry| entry.1 != item);
        row.sort_unstable_by_key(|(weight, other)| (std::cmp::Reverse(*weight), *other));
        list.items.extend(row.iter().map(|entry| entry.1));
        list.weights.extend(row.iter().map(|entry| entry.0));
        list.offsets.push(list.items.len() as u32);
    }
    list
}

/// Sixteen bins a feature, points that rise by the logarithm of the value.
fn blend(own: &[Feature]) -> Blend {
    let background = [
        Feature::PopularityRecent,
        Feature::PopularityChannel,
        Feature::RepeatRate,
        Feature::CategoryDecay90,
        Feature::Visits,
        Feature::DaysSinceVisit,
    ];
    let table = |feature: Feature| Table {
        feature,
        edges: (0..16).map(|bin| 1i64 << bin).collect(),
        points: (0..=16).map(|bin| 7_919 * bin).collect(),
    };
    Blend { base: -300_000, tables: own.iter().chain(&background).map(|feature| table(*feature)).collect() }
}

fn offers(random: &mut Random, n_items: usize) -> Vec<OfferPart> {
    let offer = |at: usize, random: &mut Random| OfferPart {
        id: format!("o{at:03}"),
        starts_ms: 0,
        ends_ms: i64::MAX,
        channels: u32::MAX,
        cap: 1,
        cap_days: 30,
        category: if at.is_multiple_of(2) { (at * 5) as u16 } else { NO_CATEGORY },
        popularity: random.below(1_000) as u32,
        items: if at.is_multiple_of(2) {
            Vec::new()
        } else {
            (0..200).map(|step| (step * (n_items / 200)) as u32).collect()
        },
    };
    (0..100).map(|at| offer(at, random)).collect()
}
