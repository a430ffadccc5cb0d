//! What a catalog row forbids holds, whether the row can be used or not, and whichever of several rows says it.

use crate::shop::{self, Folder};
use serde_json::Value;
use unisono_core::{Model, Policy, recommend};
use unisono_models::config::FitParams;
use unisono_models::counts::Tables;
use unisono_models::fit::{FitOptions, Fitted};
use unisono_models::progress::Progress;
use unisono_models::tables::{BadRowLimits, Catalog, Item, Offers, read_catalog, read_events};

const HEAD: &str = "item_id,title,price,channels,available_from_ms,unavailable_from_ms,restricted,sensitive\n";

fn catalog(name: &str, text: &str) -> Catalog {
    let folder = Folder::new();
    let limits = BadRowLimits { share_max: 1.0, ..Default::default() };
    read_catalog(&folder.write(name, text), limits).unwrap().0
}

/// A shop in which `i7` sells best, fitted with `rows` as its catalog.
fn fitted(name: &str, rows: &str) -> Fitted {
    let folder = Folder::new();
    let mut events = shop::events(60, 71);
    for (at, row) in events.iter_mut().enumerate().filter(|(at, _)| at % 3 == 0) {
        (row.item_id, row.event_id) = ("i7".to_owned(), format!("{}-{at}", row.order_id));
    }
    let events = folder.write("events.csv", &shop::csv(&events));
    let (log, _) = read_events(&events, shop::LATEST_MS, BadRowLimits::default()).unwrap();
    let tables = Tables { log, catalog: catalog(name, rows), offers: Offers::default() };
    let options = FitOptions { threads: 1, as_of_ms: None, progress: &Progress::hidden() };
    FitParams::new().check().unwrap().fit(&tables, &options).unwrap()
}

/// Whether `i7` is shown by what sells best or to someone who bought it.
fn shows(fitted: &Fitted, allow: &[&str]) -> bool {
    let model = Model::load(&fitted.file).unwrap();
    let placement = |kind: &str| serde_json::json!({"id": kind, "kind": kind, "k": 50, "allow": allow});
    let request = serde_json::json!({
        "now_ms": shop::LATEST_MS,
        "profile": {"events": [{"event_id": "e", "ts_ms": shop::START_MS, "type": "purchase", "channel": "web", "item_id": "i7"}]},
        "context": {"channel": "web"},
        "placements": [placement("buy_again"), placement("trending"), placement("for_you")],
    });
    let answer = recommend(&model, &Policy::default(), &rmp_serde::to_vec_named(&request).unwrap());
    let answer: Value = rmp_serde::from_slice(&answer).unwrap();
    assert!(answer["placements"][1]["recommendations"].as_array().unwrap().len() > 5, "{answer}");
    answer.to_string().contains("\"item_id\":\"i7\"")
}

#[test]
fn an_item_whose_catalog_row_is_bad_is_never_shown_and_is_counted() {
    let good = format!("{HEAD}i1,One,1,,,,,\n");
    let open = fitted("c.csv", &format!("{good}i7,Seven,1,,,,,\n"));
    assert!(shows(&open, &[]));
    assert_eq!(open.report.items_left_out, 0);
    let behind = fitted("c.csv", &format!("{good}i7,Seven,1,,,,true,\n"));
    assert!(!shows(&behind, &[]) && shows(&behind, &["restricted"]));
    let json = "{\"item_id\":\"i1\"}\n";
    for (name, rows) in [
        // A price that is no number, one that makes a field too many, one of the two where the id does not come first.
        ("c.csv", format!("{good}i7,Seven,\"12,90\",,,,true,\n")),
        ("c.csv", format!("{good}i7,Seven,12,90,,,,true,\n")),
        ("c.csv", "title,item_id,price,restricted\nOne,i1,1,\nSe,ven,i7,1,true\n".to_owned()),
        ("c.csv", format!("{good}i7,Seven,1,,,,perhaps,\n")),
        ("c.jsonl", format!("{json}{{\"item_id\":\"i7\",\"restricted\":true,\"price\":12,90}}\n")),
        ("c.jsonl", format!("{json}{{\"item_id\":\"i7\",\"restricted\":true,\"price\":{{}}}}\n")),
        // A good row beside a bad one.
        ("c.csv", format!("{good}i7,Seven,1,,,,,\ni7,Seven,x,,,,true,\n")),
    ] {
        let fitted = fitted(name, &rows);
        assert_eq!(fitted.report.items_left_out, 1, "{rows}");
        assert!(!shows(&fitted, &[]) && !shows(&fitted, &["restricted", "sensitive"]), "{rows}");
    }
}

#[test]
fn what_any_row_of_an_item_forbids_is_forbidden() {
    let rows = ["a,Z,1,web;app,5,90,true,", "a,Y,1,,7,,,yes", "a,X,1,app;store,,80,,"];
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for order in orders {
        let text: String = order.iter().map(|at| format!("{}\n", rows[*at])).collect();
        let catalog = catalog("c.csv", &format!("{HEAD}{text}"));
        let wanted = Item {
            title: "Z".into(),
            price_micro: Some(1_000_000),
            channels: vec!["app".into()],
            available_from_ms: Some(7),
            unavailable_from_ms: Some(80),
            restricted: true,
            sensitive: true,
            ..Item::default()
        };
        assert_eq!(catalog.items["a"], wanted, "{text}");
        assert!(catalog.left_out.is_empty());
    }
    // Where nothing is left that all rows allow, the item is never shown: no channel would mean every channel.
    for rows in ["a,A,1,web,,,,\na,A,1,store,,,,\na,A,1,web,,,,\n", "a,A,1,,5,9,,\na,A,1,,9,12,,\n"] {
        let catalog = catalog("c.csv", &format!("{HEAD}{rows}"));
        assert!(catalog.left_out.contains("a") && catalog.items["a"].unavailable_from_ms == Some(0), "{catalog:?}");
    }
}
