//! From tables to a model: it learns, it answers, and the same data give the same bytes.

use crate::shop::{self, Folder, LATEST_MS};
use std::path::Path;
use unisono_core::Model;
use unisono_models::config::FitParams;
use unisono_models::counts::Tables;
use unisono_models::fit::{FitOptions, Fitted};
use unisono_models::progress::Progress;
use unisono_models::tables::{BadRowLimits, read_catalog, read_events, read_offers};

fn fit(events: &Path, folder: &Folder, (margin, cost): (i64, i64), threads: usize, seed: u64) -> Fitted {
    let limits = BadRowLimits::default();
    let (log, _) = read_events(events, LATEST_MS, limits).unwrap();
    let (catalog, _) = read_catalog(&folder.write("catalog.csv", &shop::catalog(margin)), limits).unwrap();
    let (offers, _) = read_offers(&folder.write("offers.csv", &shop::offers(cost)), limits).unwrap();
    let progress = Progress::hidden();
    let options = FitOptions { threads, as_of_ms: None, progress: &progress };
    let params = FitParams::new().seed(seed).min_support(3).check().unwrap();
    params.fit(&Tables { log, catalog, offers }, &options).unwrap()
}

#[test]
fn a_fit_beats_popularity_and_its_model_answers() {
    let folder = Folder::new();
    let fitted = fit(&folder.write("e.csv", &shop::csv(&shop::events(150, 21))), &folder, (1, 1), 2, 7);
    let report = &fitted.report;
    assert_eq!((report.target.as_str(), report.min_support, report.items, report.offers), ("purchase", 3, 120, 5));
    let next = &report.learn.held_out[0];
    assert!(next.blend.recall_20 > next.popular.recall_20 + 0.05, "{next:#?}");
    assert!(next.blend.recall_20 > next.personal.recall_20 - 0.03, "{next:#?}");
    let model = Model::load(&fitted.file).unwrap();
    assert!(!model.next.tables.is_empty() && !model.together.tables.is_empty());
    assert_eq!(model.calibrations.len(), 5);
    assert_eq!((model.min_support, model.currency), (3, Some("EUR")));
    let request = serde_json::json!({"request_id": "r", "now_ms": LATEST_MS, "probability": true, "explain": true,
        "profile": {"profile_id": "x", "events": []}, "placements": [{"id": "m", "kind": "for_you", "k": 5}]});
    let response = unisono_core::recommend(&model, &rmp_serde::to_vec_named(&request).unwrap());
    let response: serde_json::Value = rmp_serde::from_slice(&response).unwrap();
    let first = &response["placements"][0]["recommendations"][0];
    assert!(first["probability"].as_f64().is_some_and(|p| p > 0.0 && p < 1.0), "{response:#}");
}

#[test]
fn format_order_and_threads_leave_no_trace_in_the_file() {
    let folder = Folder::new();
    let rows = shop::events(60, 22);
    let mixed = shop::shuffled(&rows, 23);
    let parquet = folder.path("mixed.parquet");
    shop::parquet(&parquet, &mixed);
    let wanted = fit(&folder.write("a.csv", &shop::csv(&rows)), &folder, (1, 1), 1, 7);
    let others = [
        fit(&folder.write("b.csv", &shop::csv(&mixed)), &folder, (1, 1), 2, 7),
        fit(&parquet, &folder, (1, 1), 3, 7),
        fit(&folder.write("d.jsonl", &shop::jsonl(&mixed)), &folder, (1, 1), 2, 7),
    ];
    for other in others {
        assert!(other.file == wanted.file, "{} is not {}", other.report.model_id, wanted.report.model_id);
        assert_eq!(other.report, wanted.report);
    }
    let other_seed = fit(&parquet, &folder, (1, 1), 2, 8);
    assert_ne!(other_seed.report.model_id, wanted.report.model_id);
}

#[test]
fn private_columns_leave_no_trace_in_the_file() {
    let folder = Folder::new();
    let events = folder.write("e.csv", &shop::csv(&shop::events(40, 24)));
    let wanted = fit(&events, &folder, (1, 1), 2, 7);
    assert!(fit(&events, &folder, (987_654, 1), 2, 7).file == wanted.file);
    assert!(fit(&events, &folder, (1, 123_456), 2, 7).file == wanted.file);
}

#[test]
fn anonymous_sessions_get_a_floor_of_one_and_a_model() {
    let folder = Folder::new();
    let mut text = "event_id,profile_id,session_id,ts_ms,type,channel,item_id\n".to_owned();
    let mut dice = shop::Dice(9);
    for session in 0..400i64 {
        let mut item = dice.roll(40);
        for place in 0..2 + dice.roll(5) as i64 {
            let ts_ms = shop::START_MS + session * 600_000 + place * 20_000;
            text += &format!("{session}-{place},{session},{session},{ts_ms},view,web,{item}\n");
            item = if dice.roll(3) == 0 { dice.roll(40) } else { (item + 1) % 40 };
        }
    }
    let (log, _) = read_events(&folder.write("e.csv", &text), LATEST_MS, BadRowLimits::default()).unwrap();
    let progress = Progress::hidden();
    let options = FitOptions { threads: 2, as_of_ms: None, progress: &progress };
    let fitted = FitParams::new().check().unwrap().fit(&Tables { log, ..Default::default() }, &options).unwrap();
    assert_eq!((fitted.report.target.as_str(), fitted.report.min_support), ("view", 1));
    let next = &fitted.report.learn.held_out[0];
    assert!(next.blend.mrr_20 > next.popular.mrr_20, "{next:#?}");
}

#[test]
fn an_empty_or_thin_log_says_what_is_missing() {
    let folder = Folder::new();
    let text = "event_id,profile_id,ts_ms,type,channel,item_id\n";
    let progress = Progress::hidden();
    for (name, rows) in [("none.csv", ""), ("one.csv", "e,p,1700006400000,purchase,web,i\n")] {
        let (log, _) =
            read_events(&folder.write(name, &format!("{text}{rows}")), LATEST_MS, BadRowLimits::default()).unwrap();
        let options = FitOptions { threads: 1, as_of_ms: None, progress: &progress };
        let error = FitParams::new().check().unwrap().fit(&Tables { log, ..Default::default() }, &options).unwrap_err();
        assert_eq!((error.code(), error.exit_code()), ("not_enough_data", 3), "{error}");
    }
}
