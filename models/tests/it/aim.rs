//! What a fit learns: each branch of the rule, by `check`, and that few cases get no trees.

use crate::command_line::{ok, text};
use crate::shop::{self, DAY_MS, Dice, Folder, START_MS};
use serde_json::Value;
use std::fmt::Write;

const HEAD: &str = "event_id,profile_id,session_id,order_id,ts_ms,type,channel,item_id\n";

/// `profiles` visit every ten days for 240 days; in each visit they look at `views` items, put `carts` into the cart, and buy
/// `bought` of them with a chance of `percent`.
fn log(profiles: u64, views: u64, carts: u64, (bought, percent): (u64, u64)) -> String {
    let mut dice = Dice(3);
    let mut text = HEAD.to_owned();
    for profile in 0..profiles {
        for visit in 0..24i64 {
            let start = START_MS + visit * 10 * DAY_MS + dice.roll(80_000_000) as i64;
            let buys = dice.roll(100) < percent;
            let bought = if buys { bought } else { 0 };
            let events = [("view", views), ("cart_add", carts), ("purchase", bought)];
            for (kind, count) in events {
                for place in 0..count {
                    let (item, ts_ms) = (dice.roll(60), start + place as i64 * 1_000);
                    let order = if kind == "purchase" { format!("o{profile}-{visit}") } else { String::new() };
                    let id = format!("{profile}-{visit}-{kind}-{place}");
                    writeln!(text, "{id},p{profile},s{profile}-{visit},{order},{ts_ms},{kind},web,i{item}").unwrap();
                }
            }
        }
    }
    text
}

fn survey(log: &str) -> Value {
    let folder = Folder::new();
    let events = folder.write("e.csv", log);
    let view: Value = serde_json::from_str(&ok(&["check", "--events", text(&events), "--format", "json"])).unwrap();
    view["survey"].clone()
}

#[test]
fn the_strongest_intent_with_enough_events_and_cases_is_the_target() {
    let cases = [
        // Orders of three items, a case a profile and window.
        (log(150, 2, 0, (3, 100)), "purchase", "order", true),
        // Orders of one item: each item is a case.
        (log(150, 2, 0, (1, 100)), "purchase", "item", true),
        // Enough of everything, and less than 5 % of it purchases.
        (log(200, 40, 3, (1, 100)), "cart_add", "item", true),
        // Neither purchases nor carts.
        (log(200, 60, 1, (1, 100)), "view", "item", true),
        // Half of the events are purchases of 40 customers, which make 320 cases.
        (log(40, 4, 0, (4, 100)), "view", "item", true),
        // Nothing suffices: views have most cases.
        (log(6, 4, 2, (2, 50)), "view", "item", false),
        // Of equals the stronger.
        (
            log(0, 0, 0, (0, 0)) + &format!("e,p,s,o,{START_MS},purchase,web,i\nf,p,s,,{START_MS},view,web,i\n"),
            "purchase",
            "item",
            false,
        ),
    ];
    for (number, (log, target, takes, suffices)) in cases.into_iter().enumerate() {
        let survey = survey(&log);
        let intents = survey["intents"].as_array().unwrap();
        let chosen = intents.iter().find(|intent| intent["target"] == target).unwrap();
        assert_eq!((&survey["target"], &survey["takes"]), (&target.into(), &takes.into()), "{number}: {intents:#?}");
        assert_eq!(
            (&chosen["suffices"], &chosen["takes"]),
            (&suffices.into(), &takes.into()),
            "{number}: {intents:#?}"
        );
        assert_eq!(survey["cases"], chosen["cases"], "{number}");
    }
}

#[test]
fn the_least_order_of_a_case_is_what_three_of_four_profiles_usually_exceed() {
    // Half of all orders are of one item, yet who buys at all buys seven and one in turn: four on average.
    let mut rows = HEAD.to_owned();
    for profile in 0..40 {
        for order in 0..10 {
            for item in 0..if order % 2 == 0 { 7 } else { 1 } {
                let ts_ms = START_MS + order * 20 * DAY_MS + profile;
                writeln!(rows, "{profile}-{order}-{item},p{profile},,o{profile}-{order},{ts_ms},purchase,web,i{item}")
                    .unwrap();
            }
        }
    }
    assert_eq!(survey(&rows)["case_items_min"], 4);
    assert_eq!(survey(&log(20, 0, 0, (9, 100)))["case_items_min"], 5);
    // Three items with a repeat now and then.
    assert_eq!(survey(&log(20, 0, 0, (3, 100)))["case_items_min"], 2);
}

#[test]
fn fewer_than_five_hundred_whole_cases_get_no_trees_and_fit_says_so() {
    let folder = Folder::new();
    let catalog = folder.write("catalog.csv", &shop::catalog(1));
    let fit = |profiles: u64| {
        let events = folder.write("e.csv", &shop::csv(&shop::events(profiles, 33)));
        let (model, report) = (folder.path("m.unisono"), folder.path("r.json"));
        let args = [
            "fit",
            "--events",
            text(&events),
            "--catalog",
            text(&catalog),
            "--out",
            text(&model),
            "--report",
            text(&report),
        ];
        let shown = ok(&args);
        let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
        (report["fit"].clone(), shown)
    };
    // With their shortened copies these would be more than 500.
    let (few, shown) = fit(58);
    let forests = few["learn"]["forests"].as_array().unwrap();
    assert_eq!(few["learn"]["cuts"].as_array().unwrap().len(), 9, "cases are orders");
    let facts = ok(&["inspect", text(&folder.path("m.unisono")), "--no-brotli"]);
    let said = facts.lines().find(|line| line.trim_start().starts_with("used.cuts")).unwrap();
    assert_eq!(said.split_whitespace().last(), Some("9"), "{said}");
    let cases = forests[0]["cases"].as_u64().unwrap();
    assert!((400..500).contains(&cases) && forests.iter().all(|forest| forest["trees"] == 0), "{forests:?}");
    assert!(shown.contains("500 are wanted, so the additive blend ranks"), "{shown}");
    assert!(shown.contains("-> purchase"), "{shown}");
    let (enough, shown) = fit(150);
    let next = &enough["learn"]["forests"][0];
    assert!(next["cases"].as_u64() >= Some(500), "{next}");
    let tried: Vec<u64> = next["tried"].as_array().unwrap().iter().filter_map(|pair| pair[0].as_u64()).collect();
    assert_eq!(tried, [60, 75, 90, 105, 120]);
    let trees = next["trees"].as_u64().unwrap();
    let figure_of = |at: usize| next["tried"][at][1].as_f64().unwrap();
    let chosen = tried.iter().position(|count| *count == trees).expect("one of those that were tried");
    assert!((0..5).all(|at| figure_of(at) < figure_of(chosen) || (at >= chosen && figure_of(at) == figure_of(chosen))));
    assert!(shown.contains(&format!(" {trees} trees from ")), "{shown}");
}
