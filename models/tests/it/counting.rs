//! Law of the public model: every figure is recounted naively from the rows, and none rests on fewer profiles than the
//! floor.

use crate::shop::{self, DAY_MS, Folder, LATEST_MS, Row, START_MS};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use unisono_core::model::{ModelParts, NeighbourParts, weight_code};
use unisono_models::config::TableParams;
use unisono_models::counts::{CountRules, Tables, Target, count};
use unisono_models::progress::Progress;
use unisono_models::tables::{BadRowLimits, read_catalog, read_events};

fn counted(rows: &[Row], catalog: &str, min_support: u32, threads: usize) -> ModelParts {
    let folder = Folder::new();
    let limits = BadRowLimits::default();
    let (log, _) = read_events(&folder.write("e.csv", &shop::csv(rows)), LATEST_MS, limits).unwrap();
    let (catalog, _) = read_catalog(&folder.write("c.csv", catalog), limits).unwrap();
    let params = TableParams { neighbours: 7, next_days: 10, ..TableParams::default() };
    let until_ms = START_MS + 250 * DAY_MS;
    let target = Target::Purchase;
    let rules = CountRules { params: &params, min_support, sessions: 0, undirected: true, target, until_ms, threads };
    let tables = Tables { log, catalog, offers: Default::default() };
    count(&tables, rules, &Progress::hidden()).unwrap()
}

type Baskets<'r> = BTreeMap<(&'r str, i64, &'r str), BTreeSet<&'r str>>;

/// Baskets by profile, time and order.
fn baskets(rows: &[Row]) -> Baskets<'_> {
    let mut times: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for row in rows {
        let time = times.entry((&row.profile_id, &row.order_id)).or_insert(row.ts_ms);
        *time = row.ts_ms.min(*time);
    }
    let mut baskets = Baskets::new();
    for row in rows {
        let time = times[&(row.profile_id.as_str(), row.order_id.as_str())];
        baskets.entry((&row.profile_id, time, &row.order_id)).or_default().insert(&row.item_id);
    }
    baskets
}

/// (a, b) -> (times seen, distinct profiles).
type Pairs<'r> = BTreeMap<(&'r str, &'r str), (u32, BTreeSet<&'r str>)>;

fn together<'r>(baskets: &Baskets<'r>) -> Pairs<'r> {
    let mut pairs = Pairs::new();
    for ((profile, _, _), items) in baskets {
        for a in items {
            for b in items.iter().filter(|b| *b != a) {
                let pair = pairs.entry((a, b)).or_default();
                pair.0 += 1;
                pair.1.insert(profile);
            }
        }
    }
    pairs
}

/// What came later in the same basket, or in the profile's next basket within `days`.
fn next<'r>(rows: &'r [Row], baskets: &Baskets<'r>, days: i64) -> Pairs<'r> {
    let mut pairs = Pairs::new();
    let mut see = |a: &'r str, b: &'r str, profile: &'r str| {
        if a != b {
            let pair = pairs.entry((a, b)).or_default();
            pair.0 += 1;
            pair.1.insert(profile);
        }
    };
    for ((profile, _, order), items) in baskets {
        let times = |item: &str| -> Vec<i64> {
            let of_basket = rows.iter().filter(|row| row.profile_id == *profile && row.order_id == *order);
            of_basket.filter(|row| row.item_id == item).map(|row| row.ts_ms).collect()
        };
        for a in items {
            for b in items.iter().filter(|b| times(b).iter().max() > times(a).iter().min()) {
                see(a, b, profile);
            }
        }
    }
    let all: Vec<_> = baskets.iter().collect();
    for pair in all.windows(2) {
        let (((p, t, _), before), ((q, u, _), after)) = (pair[0], pair[1]);
        if p == q && u - t <= days * DAY_MS {
            before.iter().for_each(|a| after.iter().for_each(|b| see(a, b, p)));
        }
    }
    pairs
}

/// The list that the pairs give: per item the strongest `keep` of those above the floor.
fn list(parts: &ModelParts, baskets: &Baskets<'_>, pairs: &Pairs<'_>, floor: usize, keep: usize) -> NeighbourParts {
    let holding = |item: &str| baskets.values().filter(|items| items.contains(item)).count() as f64;
    let index: BTreeMap<&str, u32> = (0u32..).zip(&parts.items.ids).map(|(at, id)| (id.as_str(), at)).collect();
    let mut rows: Vec<Vec<(f64, u32, u32)>> = vec![Vec::new(); index.len()];
    for ((a, b), (times, profiles)) in pairs {
        if let (Some(a_at), Some(b_at), true) = (index.get(a), index.get(b), profiles.len() >= floor) {
            let weight = f64::from(*times) / (holding(a) * holding(b)).sqrt();
            rows[*a_at as usize].push((weight, parts.popularity.all[*b_at as usize], *b_at));
        }
    }
    for row in &mut rows {
        row.sort_by(|x, y| y.0.total_cmp(&x.0).then(y.1.cmp(&x.1)).then(x.2.cmp(&y.2)));
        row.truncate(keep);
    }
    let greatest = rows.iter().flatten().map(|entry| entry.0).fold(0.0, f64::max);
    let mut out = NeighbourParts { offsets: vec![0], ..Default::default() };
    for row in rows {
        out.items.extend(row.iter().map(|entry| entry.2));
        out.weights.extend(row.iter().map(|entry| weight_code(entry.0 / greatest)));
        out.offsets.push(out.items.len() as u32);
    }
    out
}

fn buyers<'r>(rows: &'r [Row], item: &str, from_ms: i64) -> BTreeSet<&'r str> {
    let of_item = rows.iter().filter(|row| row.item_id == item && row.ts_ms >= from_ms);
    of_item.map(|row| row.profile_id.as_str()).collect()
}

fn check(rows: &[Row], floor: u32) {
    let parts = counted(rows, "item_id\ni1\ni2\nnever-sold\n", floor, 2);
    let floored = |count: usize| if count as u32 >= floor { count as u32 } else { 0 };
    let until = START_MS + 250 * DAY_MS;
    for (at, id) in parts.items.ids.iter().enumerate() {
        let of = |days: i64| floored(buyers(rows, id, until - days * DAY_MS).len());
        let popularity = &parts.popularity;
        assert_eq!(
            [popularity.all[at], popularity.recent[at], popularity.week[at]],
            [of(10_000), of(28), of(7)],
            "{id}"
        );
    }
    let sold: BTreeSet<&str> = rows.iter().map(|row| row.item_id.as_str()).collect();
    for id in sold {
        let listed = parts.items.ids.iter().any(|known| known == id);
        assert_eq!(listed, ["i1", "i2"].contains(&id) || buyers(rows, id, 0).len() as u32 >= floor, "{id}");
    }
    // Items below the floor are no items of the model, and take part in nothing.
    let known: Vec<Row> = rows.iter().filter(|row| parts.items.ids.contains(&row.item_id)).cloned().collect();
    let baskets = baskets(&known);
    assert_eq!(parts.bought, list(&parts, &baskets, &together(&baskets), floor as usize, 7));
    assert_eq!(parts.next_items, list(&parts, &baskets, &next(&known, &baskets, 10), floor as usize, 7));
    for (name, row) in parts.channels.iter().zip(&parts.popularity.channels) {
        let here: Vec<Row> = rows.iter().filter(|row| row.channel == name).cloned().collect();
        let count = |id: &String| buyers(&here, id, until - 28 * DAY_MS).len() as u32;
        let mut wanted: Vec<(u32, u32)> =
            (0u32..).zip(parts.items.ids.iter().map(count)).filter(|e| e.1 >= floor.max(1)).collect();
        wanted.sort_by_key(|(item, count)| (std::cmp::Reverse(*count), *item));
        wanted.truncate(200);
        assert_eq!(row, &wanted, "{name}");
    }
}

#[test]
fn every_figure_of_a_generated_shop_equals_the_naive_recount() {
    for floor in [1, 2, 3, 5] {
        check(&shop::events(25, 11), floor);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_figure_of_any_log_equals_the_naive_recount(
        raw in prop::collection::vec((0u8..6, 0u8..8, 0i64..40, any::<bool>()), 1..120),
        floor in 1u32..4,
    ) {
        let row = |(at, (profile, item, day, web)): (usize, &(u8, u8, i64, bool))| Row {
            event_id: format!("e{at}"),
            profile_id: format!("p{profile}"),
            ts_ms: START_MS + (210 + day) * DAY_MS,
            item_id: format!("i{item}"),
            quantity: 1.0,
            price: 1.0,
            order_id: format!("o{profile}-{}", day / 3),
            channel: if *web { "web" } else { "store" },
        };
        let rows: Vec<Row> = raw.iter().enumerate().map(row).collect();
        check(&rows, floor);
    }
}

#[test]
fn threads_leave_no_trace_in_the_counts() {
    let rows = shop::events(40, 5);
    let one = counted(&rows, &shop::catalog(1), 2, 1);
    for threads in [2, 5] {
        assert_eq!(one, counted(&rows, &shop::catalog(1), 2, threads));
    }
}

#[test]
fn one_more_profile_of_unique_items_changes_nothing() {
    let rows = shop::events(40, 6);
    for floor in [2, 3, 5] {
        let before = counted(&rows, &shop::catalog(1), floor, 2);
        let mut more = rows.clone();
        for number in 0..60i64 {
            more.push(Row {
                event_id: format!("u{number}"),
                profile_id: "unique".into(),
                ts_ms: START_MS + (200 + number / 10) * DAY_MS,
                item_id: format!("only-here-{}", number % 13),
                quantity: 1.0,
                price: 1.0,
                order_id: format!("u{}", number / 10),
                channel: "web",
            });
        }
        assert_eq!(before, counted(&more, &shop::catalog(1), floor, 2), "floor {floor}");
    }
}

#[test]
fn a_profile_that_alone_pairs_known_items_adds_no_entry() {
    let rows = shop::events(40, 7);
    let pairs = |parts: &ModelParts| -> BTreeSet<(usize, u32)> {
        let row = |at: usize| parts.bought.offsets[at] as usize..parts.bought.offsets[at + 1] as usize;
        (0..parts.items.ids.len())
            .flat_map(|at| parts.bought.items[row(at)].iter().map(move |other| (at, *other)))
            .collect()
    };
    let alone: BTreeSet<(&str, &str)> = together(&baskets(&rows))
        .iter()
        .filter(|(_, (_, profiles))| profiles.len() == 1)
        .map(|(pair, _)| *pair)
        .collect();
    let parts = counted(&rows, &shop::catalog(1), 2, 2);
    let id = |at: usize| parts.items.ids[at].as_str();
    assert!(!alone.is_empty());
    assert!(pairs(&parts).iter().all(|(a, b)| !alone.contains(&(id(*a), id(*b as usize)))));
}

#[test]
fn later_in_a_session_counts_as_next_and_the_other_way_round_does_not() {
    let folder = Folder::new();
    let mut text = "event_id,profile_id,session_id,ts_ms,type,channel,item_id\n".to_owned();
    for profile in 0..4 {
        for (place, item) in ["a", "b", "c"].iter().enumerate() {
            let ts_ms = START_MS + profile * DAY_MS + place as i64 * 1_000;
            text += &format!("{profile}-{place},p{profile},s{profile},{ts_ms},view,web,{item}\n");
        }
    }
    let limits = BadRowLimits::default();
    let (log, _) = read_events(&folder.write("e.csv", &text), LATEST_MS, limits).unwrap();
    let params = TableParams::default();
    let rules = views(&params, LATEST_MS);
    let parts = count(&Tables { log, ..Default::default() }, rules, &Progress::hidden()).unwrap();
    assert_eq!(parts.items.ids, ["a", "b", "c"]);
    assert_eq!(parts.next_items.offsets, [0, 2, 3, 3]);
    assert_eq!(parts.next_items.items, [1, 2, 2]);
}

fn views(params: &TableParams, until_ms: i64) -> CountRules<'_> {
    let (target, sessions) = (Target::View, params.sessions);
    CountRules { params, min_support: 1, sessions, undirected: true, target, until_ms, threads: 1 }
}

#[test]
fn sessions_stand_newest_first_and_only_of_profiles_that_have_no_other() {
    let looks = [
        ("alone", "s0", "aba"),
        ("twice", "s1", "ab"),
        ("twice", "s2", "bc"),
        ("one", "s3", "c"),
        ("new", "s4", "bc"),
        ("back", "s5", "ab"),
    ];
    let mut text = "event_id,profile_id,session_id,ts_ms,type,channel,item_id\n".to_owned();
    for (day, (profile, session, items)) in looks.iter().enumerate() {
        for (place, item) in items.chars().enumerate() {
            let ts_ms = START_MS + day as i64 * DAY_MS + place as i64 * 1_000;
            text += &format!("{session}-{place},{profile},{session},{ts_ms},view,web,{item}\n");
        }
    }
    // Whoever came back, if only to search, could be found again.
    text += &format!("s6-0,back,s6,{},search,web,\n", START_MS + 7 * DAY_MS);
    let folder = Folder::new();
    let (log, _) = read_events(&folder.write("e.csv", &text), LATEST_MS, BadRowLimits::default()).unwrap();
    let tables = Tables { log, ..Default::default() };
    let params = TableParams::default();
    let sessions = |rules: CountRules<'_>| count(&tables, rules, &Progress::hidden()).unwrap().sessions;
    // a, b, c are 0, 1, 2; what was looked at last comes first.
    assert_eq!(sessions(views(&params, LATEST_MS)), [[2, 1], [0, 1]]);
    // A cut within the newest session leaves it one item.
    assert_eq!(sessions(views(&params, START_MS + 4 * DAY_MS + 1_000)), [[0, 1]]);
    assert_eq!(sessions(CountRules { sessions: 1, ..views(&params, LATEST_MS) }), [[2, 1]]);
    assert!(sessions(CountRules { sessions: 0, ..views(&params, LATEST_MS) }).is_empty());
}
