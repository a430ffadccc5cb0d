//! Small random models: every section, every rule, and ties on purpose.

use super::{CURRENCIES, DAY_MS, moment};
use crate::random::Random;
use crate::trees::{self, Tree};
use unisono_core::blend::{Blend, Calibration, Table};
use unisono_core::features::Feature;
use unisono_core::forest::Bins;
use unisono_core::model::{
    FLAG_RESTRICTED, FLAG_SENSITIVE, Fact, ForestParts, ItemParts, ModelParts, NO_BRAND, NO_CATEGORY, NO_GROUP,
    NeighbourParts, OfferPart, PopularityParts, SegmentParts,
};
use unisono_core::segments::MEASURES;
use unisono_message::PlacementKind;

/// `foodstuff` begins like `food` and does not lie below it.
const CATEGORIES: [&str; 7] = ["food", "food/dairy", "food/dairy/milk", "foodstuff", "home", "home/garden", "käse"];
const CHANNELS: [&str; 6] = ["app", "call_center", "kiosk", "my_shop_2", "store", "web"];

/// A random model that loads.
pub fn model(random: &mut Random) -> ModelParts {
    let n = [0, random.within(1, 3), random.within(4, 15), random.within(16, 60), random.within(61, 160)]
        [random.weighted(&[7, 8, 29, 40, 16])] as usize;
    let categories: Vec<String> =
        CATEGORIES.iter().filter(|_| random.chance(75)).map(|name| (*name).to_owned()).collect();
    let channels: Vec<String> = CHANNELS.iter().filter(|_| random.chance(60)).map(|name| (*name).to_owned()).collect();
    let items = items(random, n, &categories, channels.len());
    let popularity = popularity(random, n, channels.len());
    let offers = offers(random, n, categories.len(), channels.len());
    let segments = segments(random, n, &items, channels.len());
    let has_trees = random.chance(35);
    let without_bought = random.chance(30);
    ModelParts {
        currency: [None, Some("EUR"), Some("USD")][random.below(3)].map(str::to_owned),
        channels,
        min_support: random.within(1, 10) as u32,
        keep_unknown_items: random.chance(55),
        history_items: *random.pick(&[0, 1, 3, 20, 100]),
        candidates_per_source: *random.pick(&[0, 1, 3, 10, 100]),
        horizon_days: random.below(60) as u32,
        scale_bits: *random.pick(&[0, 1, 8, 16, 16]),
        next: next(random),
        together: together(random),
        next_forest: if has_trees { forest(random) } else { ForestParts::default() },
        together_forest: if has_trees { forest(random) } else { ForestParts::default() },
        discover_forest: if has_trees { forest(random) } else { ForestParts::default() },
        discover_calibration: if has_trees && random.chance(50) { calibration(random) } else { Calibration::default() },
        ranked_max: if has_trees { *random.pick(&[0, 1, 3, 10, 200]) } else { 0 },
        diversity: *random.pick(&[0, 0, 0, 300]),
        calibrations: calibrations(random),
        data: vec![("rows".into(), Fact::Int(n as i64)), ("source".into(), Fact::Text("generated".into()))],
        config: vec![("rate".into(), Fact::Float(0.5))],
        metrics: Vec::new(),
        items,
        popularity,
        segments,
        // A model of sessions mostly has no undirected list.
        bought: if without_bought { NeighbourParts::default() } else { neighbours(random, n) },
        next_items: neighbours(random, n),
        sessions: sessions(random, n),
        offers,
    }
}

fn items(random: &mut Random, n: usize, categories: &[String], channels: usize) -> ItemParts {
    let mut ids: Vec<String> = (0..n).map(|at| item_id(random, at)).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), n, "every id holds its number");
    let some = |random: &mut Random, percent: usize| n > 0 && random.chance(percent);
    let category = |random: &mut Random| match categories.len() {
        0 => NO_CATEGORY,
        _ if random.chance(10) => NO_CATEGORY,
        count => random.below(count) as u16,
    };
    let mask = |random: &mut Random| match random.below(4) {
        0 => random.below(1 << channels) as u32,
        _ => u32::MAX,
    };
    let flags = |random: &mut Random| {
        (if random.chance(12) { FLAG_SENSITIVE } else { 0 }) | (if random.chance(12) { FLAG_RESTRICTED } else { 0 })
    };
    let groups = 1 + n / 4;
    let group = |random: &mut Random| if random.chance(60) { random.below(groups) as u32 } else { NO_GROUP };
    let brand = |random: &mut Random| if random.chance(80) { random.below(5) as u32 } else { NO_BRAND };
    ItemParts {
        category: (0..n).map(|_| category(random)).collect(),
        flags: (0..n).map(|_| flags(random)).collect(),
        channels: if some(random, 60) { (0..n).map(|_| mask(random)).collect() } else { Vec::new() },
        available_from_ms: if some(random, 40) { (0..n).map(|_| opens(random)).collect() } else { Vec::new() },
        unavailable_from_ms: if some(random, 40) { (0..n).map(|_| closes(random)).collect() } else { Vec::new() },
        brand: if some(random, 60) { (0..n).map(|_| brand(random)).collect() } else { Vec::new() },
        category_repeat: if random.chance(60) {
            categories.iter().map(|_| random.below(256) as u8).collect()
        } else {
            Vec::new()
        },
        group: if some(random, 50) { (0..n).map(|_| group(random)).collect() } else { Vec::new() },
        categories: categories.to_vec(),
        ids,
    }
}

/// Ids of several lengths and scripts; the order of their bytes is not the order of their numbers.
fn item_id(random: &mut Random, at: usize) -> String {
    match random.below(5) {
        0 => format!("{at}"),
        1 => format!("sku-{:03}", 997 - at),
        2 => format!("ß{at}"),
        3 => format!("Tee {at} 茶"),
        _ => format!("item/{at}/{}", "x".repeat(random.below(90))),
    }
}

/// Mostly long ago, else at one of the moments at which requests are made, to the millisecond.
fn opens(random: &mut Random) -> i64 {
    if random.chance(75) { 0 } else { moment(random) + *random.pick(&[-1, 0, 1]) }
}

fn closes(random: &mut Random) -> i64 {
    if random.chance(75) { i64::MAX } else { moment(random) + *random.pick(&[-1, 0, 1]) }
}

/// Small figures, so that many items are equally popular.
fn popularity(random: &mut Random, n: usize, channels: usize) -> PopularityParts {
    let greatest = *random.pick(&[0usize, 1, 4, 4, 60]);
    let all: Vec<u32> = (0..n).map(|_| random.below(greatest + 1) as u32).collect();
    let below = |random: &mut Random, of: &[u32]| of.iter().map(|max| random.below(*max as usize + 1) as u32).collect();
    let recent: Vec<u32> = below(random, &all);
    let week: Vec<u32> = below(random, &recent);
    let rows = (0..channels)
        .map(|_| {
            let entry = |item: u32| random.chance(30).then(|| (item, 1 + random.below(greatest + 1) as u32));
            let mut row: Vec<(u32, u32)> = (0..n as u32).filter_map(entry).collect();
            row.sort_by_key(|(item, count)| (std::cmp::Reverse(*count), *item));
            if random.chance(25) { Vec::new() } else { row }
        })
        .collect();
    PopularityParts { repeat: (0..n).map(|_| random.below(256) as u8).collect(), all, recent, week, channels: rows }
}

/// Two thirds of the models have segments; centres lie anywhere that a customer may stand.
fn segments(random: &mut Random, n: usize, items: &ItemParts, channels: usize) -> SegmentParts {
    let count = random.below(6);
    if n == 0 || count < 2 {
        return SegmentParts::default();
    }
    let groups = random.below(4);
    let dimensions = MEASURES + channels + groups;
    let group =
        |random: &mut Random| if groups == 0 || random.chance(20) { u8::MAX } else { random.below(groups) as u8 };
    let entry = |random: &mut Random, item: u32| random.chance(30).then(|| (item, 1 + random.below(5) as u32));
    let popular = |random: &mut Random| {
        let mut row: Vec<(u32, u32)> = (0..n as u32).filter_map(|item| entry(random, item)).collect();
        row.sort_by_key(|(item, count)| (std::cmp::Reverse(*count), *item));
        row
    };
    let center = |random: &mut Random| (0..dimensions).map(|_| random.below(1001) as u16).collect();
    SegmentParts {
        weights: (0..dimensions).map(|_| *random.pick(&[0, 1, 30, u16::MAX])).collect(),
        centers: (0..count).map(|_| center(random)).collect(),
        groups: items.categories.iter().map(|_| group(random)).collect(),
        popular: (0..count).map(|_| popular(random)).collect(),
    }
}

fn neighbours(random: &mut Random, n: usize) -> NeighbourParts {
    if n == 0 || random.chance(10) {
        return NeighbourParts::default();
    }
    let mut list = NeighbourParts { offsets: vec![0], ..NeighbourParts::default() };
    for _ in 0..n {
        let mut row: Vec<(u32, u8)> = (0..random.below(8))
            .map(|_| (random.below(n) as u32, *random.pick(&[0, 1, 15, 16, 100, 183, 255])))
            .collect();
        row.sort_by_key(|(item, weight)| (std::cmp::Reverse(*weight), *item));
        row.dedup_by_key(|entry| entry.0);
        list.items.extend(row.iter().map(|entry| entry.0));
        list.weights.extend(row.iter().map(|entry| entry.1));
        list.offsets.push(list.items.len() as u32);
    }
    list
}

/// Few items and many sessions, so that several share some, and equally many.
fn sessions(random: &mut Random, n: usize) -> Vec<Vec<u32>> {
    if n == 0 || random.chance(35) {
        return Vec::new();
    }
    let session = |random: &mut Random| {
        let mut row: Vec<u32> = Vec::new();
        for _ in 0..random.below(9) {
            let item = random.below(n.min(20)) as u32;
            if !row.contains(&item) {
                row.push(item);
            }
        }
        row
    };
    (0..1 + random.below(40)).map(|_| session(random)).collect()
}

/// From no table at all (everything ties at the base) to every feature; points are few, so that sums meet.
fn blend(random: &mut Random) -> Blend {
    let share = *random.pick(&[0, 15, 40, 100]);
    let mut tables = Vec::new();
    for feature in Feature::ALL {
        if random.chance(share) {
            tables.push(table(random, *feature));
        }
    }
    random.shuffle(&mut tables);
    Blend { base: *random.pick(&[0, -65_536, 12_345, -(1 << 40), 1 << 40]), tables }
}

/// Often a blend that hears the votes of sessions: chance alone rarely has them speak.
fn next(random: &mut Random) -> Blend {
    let mut blend = blend(random);
    if random.chance(65) {
        let votes = [Feature::SessionScore, Feature::SessionScoreRaw, Feature::SessionRank, Feature::SessionLast];
        blend.tables.retain(|table| !votes.contains(&table.feature));
        for feature in votes {
            blend.tables.push(Table { feature, edges: vec![1, 3, 1_024], points: vec![0, 65_536, 32_768, 131_072] });
        }
    }
    blend
}

/// Mostly a blend that speaks for what goes with the cart: chance alone rarely does.
fn together(random: &mut Random) -> Blend {
    let mut blend = blend(random);
    if random.chance(60) {
        blend.tables.retain(|table| table.feature != Feature::CartScore);
        blend.tables.push(Table {
            feature: Feature::CartScore,
            edges: vec![1, 2_048],
            points: vec![0, 65_536, 131_072],
        });
    }
    blend
}

fn table(random: &mut Random, feature: Feature) -> Table {
    let mut edges: Vec<i64> =
        (0..random.below(5)).map(|_| *random.pick(&[-1, 0, 1, 2, 7, 30, 256, 500, 1_024, 4_096])).collect();
    edges.sort_unstable();
    edges.dedup();
    let wild = random.chance(10);
    let points = (0..=edges.len())
        .map(|bin| match random.below(4) {
            0 => 0,
            _ if wild => random.within(-(1 << 40), 1 << 40),
            1 => *random.pick(&[-65_536, -3, 65_536]),
            _ => 8_192 * bin as i64,
        })
        .collect();
    Table { feature, edges, points }
}

/// None, stumps and deep trees; points are few, so that sums meet.
fn forest(random: &mut Random) -> ForestParts {
    let share = *random.pick(&[5, 30, 100]);
    let mut bins: Vec<Bins> = Vec::new();
    for feature in Feature::ALL {
        if random.chance(share) {
            bins.push(Bins { feature: *feature, edges: table(random, *feature).edges });
        }
    }
    let count = if bins.is_empty() { 0 } else { *random.pick(&[0, 1, 2, 9]) };
    let trees: Vec<Tree> = (0..count).map(|_| tree(random, bins.len(), 5)).collect();
    trees::forest(*random.pick(&[0, -65_536, 12_345]), bins, &trees)
}

fn tree(random: &mut Random, features: usize, depth: usize) -> Tree {
    let points = *random.pick(&[0, -65_536, 8_192, 16_384, 65_536, i32::MAX, i32::MIN]);
    if depth == 0 || random.chance(25) {
        return Tree::Leaf(points);
    }
    Tree::Node {
        feature: random.below(features) as u8,
        at_most: random.below(5) as u8,
        value: points / 2,
        left: Box::new(tree(random, features, depth - 1)),
        right: Box::new(tree(random, features, depth - 1)),
    }
}

fn calibrations(random: &mut Random) -> Vec<(PlacementKind, Calibration)> {
    let mut out = Vec::new();
    for kind in PlacementKind::ALL.iter().copied().filter(|kind| *kind != PlacementKind::Offers) {
        if random.chance(50) {
            out.push((kind, calibration(random)));
        }
    }
    out
}

/// A map, and in every second case others for longer histories.
fn calibration(random: &mut Random) -> Calibration {
    let mut first = one_calibration(random);
    if random.chance(50) {
        let mut days: Vec<u32> = (0..1 + random.below(4)).map(|_| random.within(1, 12) as u32).collect();
        days.sort_unstable();
        days.dedup();
        let band = |visits_min: u32| Calibration { visits_min, ..one_calibration(random) };
        first.longer = days.into_iter().map(band).collect();
    }
    first
}

fn one_calibration(random: &mut Random) -> Calibration {
    let mut scores: Vec<i64> = (0..1 + random.below(6))
        .map(|_| match random.below(3) {
            0 => random.within(-100_000, 300_000),
            1 => *random.pick(&[-65_536, 0, 8_192, 65_536]),
            _ => random.within(-(1 << 45), 1 << 45),
        })
        .collect();
    scores.sort_unstable();
    scores.dedup();
    let mut probabilities: Vec<i64> = scores.iter().map(|_| random.within(0, 1 << 30)).collect();
    probabilities.sort_unstable();
    Calibration { scores, probabilities, ..Calibration::default() }
}

fn offers(random: &mut Random, n: usize, categories: usize, channels: usize) -> Vec<OfferPart> {
    if random.chance(15) {
        return Vec::new();
    }
    let offer = |at: usize, random: &mut Random| OfferPart {
        id: format!("offer-{at:02}"),
        starts_ms: opens(random),
        ends_ms: closes(random),
        channels: if random.chance(70) { u32::MAX } else { random.below(1 << channels) as u32 },
        cap: *random.pick(&[0, 0, 1, 2]),
        cap_days: *random.pick(&[0, 1, 7, 365]),
        category: if categories > 0 && random.chance(50) { random.below(categories) as u16 } else { NO_CATEGORY },
        popularity: random.below(3) as u32,
        items: (0..n as u32).filter(|_| random.chance(25)).collect(),
    };
    let mut out = Vec::new();
    for at in 0..1 + random.below(12) {
        out.push(offer(at, random));
    }
    out
}

/// The currency of a purchase: the shop's, none, or another one.
pub(super) fn currency(random: &mut Random, parts: &ModelParts) -> Option<String> {
    match random.below(4) {
        0 => Some((*random.pick(&CURRENCIES)).to_owned()),
        1 => None,
        _ => parts.currency.clone(),
    }
}

/// How long before `now_ms` something happened: skewed to the recent past, days and whole months alike.
pub(super) fn age_ms(random: &mut Random) -> i64 {
    let days = match random.below(5) {
        0 => 0,
        1 => random.within(0, 7),
        2 => *random.pick(&[1, 7, 30, 90, 365]),
        3 => random.within(0, 60),
        _ => random.within(0, 900),
    };
    days * DAY_MS + if random.chance(40) { 0 } else { random.within(0, DAY_MS - 1) }
}
