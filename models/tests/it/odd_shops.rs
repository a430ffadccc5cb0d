//! Shops that are no shops: each gives a sound model or an error that says what is missing.

use crate::shop::{self, DAY_MS, Folder, LATEST_MS, Row, START_MS};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use unisono_core::{Model, Policy, recommend};
use unisono_models::config::FitParams;
use unisono_models::counts::Tables;
use unisono_models::fit::{FitOptions, Fitted};
use unisono_models::progress::Progress;
use unisono_models::tables::{BadRowLimits, Offers, read_catalog, read_events};
use unisono_models::{Error, Result};

fn fit(events: &str, catalog: &str) -> Result<Fitted> {
    let folder = Folder::new();
    let limits = BadRowLimits::default();
    let (log, _) = read_events(&folder.write("e.csv", events), LATEST_MS, limits)?;
    let (catalog, _) = read_catalog(&folder.write("c.csv", catalog), limits)?;
    let options = FitOptions { threads: 2, as_of_ms: None, progress: &Progress::hidden() };
    FitParams::new().check()?.fit(&Tables { log, catalog, offers: Offers::default() }, &options)
}

/// The response to a `for_you` of `k` items.
fn response(model: &Model<'_>, events: &[Value], k: usize) -> Value {
    let request = json!({"request_id": "r", "now_ms": LATEST_MS, "probability": true,
        "profile": {"profile_id": "x", "events": events}, "placements": [{"id": "m", "kind": "for_you", "k": k}]});
    rmp_serde::from_slice(&recommend(model, &Policy::default(), &rmp_serde::to_vec_named(&request).unwrap())).unwrap()
}

fn bought(items: impl IntoIterator<Item = String>) -> Vec<Value> {
    let event = |(at, item): (usize, String)| {
        json!({"event_id": format!("e{at}"), "ts_ms": LATEST_MS - (at as i64 + 1) * 3_600_000, "type": "purchase", "channel": "web",
            "item_id": item, "order_id": format!("o{}", at / 5)})
    };
    items.into_iter().enumerate().map(event).collect()
}

/// A model is sound when a stranger and a customer get as many distinct items as there are, up to ten, with a chance each.
fn is_sound(fitted: &Fitted) {
    let model = Model::load(&fitted.file).unwrap();
    for events in [Vec::new(), bought(["i1".to_owned(), "i2".to_owned()])] {
        let response = response(&model, &events, 10);
        let list = response["placements"][0]["recommendations"].as_array().unwrap_or_else(|| panic!("{response:#}"));
        let ids: BTreeSet<&str> = list.iter().map(|one| one["item_id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), 10.min(model.items_len as usize), "{response:#}");
        assert!(
            list.iter().all(|one| one["probability"].as_f64().is_some_and(|p| (0.0..=1.0).contains(&p))),
            "{response:#}"
        );
    }
}

fn is_refused(fitted: Result<Fitted>, wanted: &str) {
    let error: Error = fitted.unwrap_err();
    assert_eq!((error.code(), error.exit_code()), ("not_enough_data", 3), "{error}");
    assert!(error.to_string().contains(wanted), "{error}");
}

#[test]
fn an_empty_catalog_gives_a_model_of_what_was_bought() {
    let fitted = fit(&shop::csv(&shop::events(40, 61)), "item_id,title\n").unwrap();
    assert!(fitted.report.items > 50, "{}", fitted.report.items);
    is_sound(&fitted);
}

#[test]
fn one_customer_gives_a_model_that_shows_no_one_what_he_bought() {
    let fitted = fit(&shop::csv(&shop::events(1, 62)), &shop::catalog(1)).unwrap();
    is_sound(&fitted);
    let model = Model::load(&fitted.file).unwrap();
    assert!(model.popularity.all.iter().all(|count| count == 0), "one profile is fewer than the floor");
    assert_eq!((fitted.report.bought_entries, fitted.report.next_entries), (0, 0));
}

#[test]
fn events_of_one_instant_have_nothing_before_them() {
    let rows: Vec<Row> = shop::events(40, 63).into_iter().map(|row| Row { ts_ms: START_MS, ..row }).collect();
    is_refused(fit(&shop::csv(&rows), &shop::catalog(1)), "taken");
}

#[test]
fn items_that_were_never_sold_are_known_and_come_last() {
    let mut catalog = shop::catalog(1);
    (0..2_000).for_each(|item| catalog += &format!("never{item},Never {item},shop/kind 1,1,1,,,\n"));
    let fitted = fit(&shop::csv(&shop::events(40, 64)), &catalog).unwrap();
    assert_eq!(fitted.report.items, 2_120);
    is_sound(&fitted);
    let model = Model::load(&fitted.file).unwrap();
    let response = response(&model, &[], 60);
    let list = response["placements"][0]["recommendations"].as_array().unwrap();
    let never = |one: &Value| one["item_id"].as_str().unwrap().starts_with("never");
    assert!(list.len() == 60 && !list.iter().take(20).any(never), "{response:#}");
}

#[test]
fn a_history_of_ten_thousand_events_is_learned_from_and_answered_and_one_more_is_refused() {
    let mut rows = shop::events(40, 65);
    let long = |at: u64| Row {
        event_id: format!("long{at}"),
        profile_id: "long".into(),
        ts_ms: START_MS + at as i64 * 2_000_000,
        item_id: format!("i{}", at * 7 % 120),
        quantity: 1.0,
        price: 1.0,
        order_id: format!("long{}", at / 10),
        channel: "web",
    };
    rows.extend((0..10_000).map(long));
    let fitted = fit(&shop::csv(&rows), &shop::catalog(1)).unwrap();
    is_sound(&fitted);
    let model = Model::load(&fitted.file).unwrap();
    let events = bought((0..10_001).map(|at| format!("i{}", at * 7 % 120)));
    let full = response(&model, &events[..10_000], 20);
    assert_eq!(full["placements"][0]["recommendations"].as_array().map(Vec::len), Some(20), "{full:#}");
    let error = &response(&model, &events, 20)["error"];
    assert!(error["code"].is_string() && error["field"] == "profile.events", "{error:#}");
}

#[test]
fn prices_may_be_missing() {
    let csv = shop::csv(&shop::events(40, 66));
    // The table without its columns of price and currency.
    let cut = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        [&cells[..7], &cells[9..]].concat().join(",") + "\n"
    };
    let text: String = csv.lines().map(cut).collect();
    assert!(text.starts_with("event_id,profile_id,ts_ms,type,channel,item_id,quantity,order_id,session_id\n"));
    let fitted = fit(&text, "item_id,title\ni1,One\n").unwrap();
    assert_eq!(Model::load(&fitted.file).unwrap().currency, None);
    is_sound(&fitted);
}

#[test]
fn a_shop_of_one_item_has_nothing_to_choose() {
    let row = |order: i64, profile: i64| Row {
        event_id: format!("{profile}-{order}"),
        profile_id: format!("p{profile}"),
        ts_ms: START_MS + order * 8 * DAY_MS + profile,
        item_id: "only".into(),
        quantity: 1.0,
        price: 1.0,
        order_id: format!("{profile}-{order}"),
        channel: "web",
    };
    let rows: Vec<Row> = (0..30).flat_map(|order| (0..40).map(move |profile| row(order, profile))).collect();
    is_refused(fit(&shop::csv(&rows), "item_id,title\nonly,Only\n"), "a blend needs some of both");
}
