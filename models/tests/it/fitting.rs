//! From tables to a model: it learns, it answers, and the same data give the same bytes.

use crate::shop::{self, Folder, LATEST_MS};
use std::path::Path;
use unisono_core::Model;
use unisono_models::blend::CutReport;
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
    let response =
        unisono_core::recommend(&model, &unisono_core::Policy::default(), &rmp_serde::to_vec_named(&request).unwrap());
    let response: serde_json::Value = rmp_serde::from_slice(&response).unwrap();
    let first = &response["placements"][0]["recommendations"][0];
    assert!(first["probability"].as_f64().is_some_and(|p| p > 0.0 && p < 1.0), "{response:#}");
}

/// Two fits with one cut in common: the earlier holds it out, the later learns from it.
#[test]
fn the_reach_of_a_cut_is_the_same_held_out_or_learned_from() {
    let folder = Folder::new();
    let limits = BadRowLimits::default();
    let (log, _) = read_events(&folder.write("e.csv", &shop::csv(&shop::events(60, 25))), LATEST_MS, limits).unwrap();
    let (catalog, _) = read_catalog(&folder.write("catalog.csv", &shop::catalog(1)), limits).unwrap();
    let tables = Tables { log, catalog, offers: Default::default() };
    let progress = Progress::hidden();
    let cuts = |as_of_ms: Option<i64>, cuts: usize| {
        let mut params = FitParams::new().min_support(3);
        (params.learn.cuts, params.learn.case_items_min, params.learn.window_days) = (cuts, 2, 30);
        // Few candidates, so that some of what was taken is not among them.
        (params.tables.candidates_per_source, params.tables.segments) = (5, 0);
        let options = FitOptions { threads: 2, as_of_ms, progress: &progress };
        params.check().unwrap().fit(&tables, &options).unwrap().report.learn.cuts
    };
    let later = cuts(None, 3);
    let earlier = cuts(Some(later[2].cut_ms), 2);
    let common = |cuts: &[CutReport]| (cuts[1].cut_ms, cuts[1].cases, cuts[1].reach);
    assert_eq!(common(&earlier), common(&later));
    assert!(later.iter().all(|cut| cut.reach > 0.1 && cut.reach < 1.0), "{later:#?}");
    assert_eq!((earlier[1].rows, later[2].rows), (0, 0), "what is held out gives no rows");
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
    let tables = Tables { log, ..Default::default() };
    let fitted = FitParams::new().check().unwrap().fit(&tables, &options).unwrap();
    let sections = |file: &[u8]| {
        let model = Model::load(file).unwrap();
        (model.sessions.rows.len(), !model.bought.items.is_empty())
    };
    assert_eq!(sections(&fitted.file), (400, false), "sessions in place of undirected neighbours");
    let floor = FitParams::new().min_support(2).check().unwrap().fit(&tables, &options).unwrap();
    assert_eq!(sections(&floor.file), (0, true), "a session rests on one profile");
    assert_eq!((fitted.report.target.as_str(), fitted.report.min_support), ("view", 1));
    assert_eq!(fitted.report.learn.cuts.len(), 5, "cases are items");
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

/// Every setting in its group, with its default and the range that its documentation states.
fn settings() -> Vec<(String, String, String, [String; 2])> {
    let toml = FitParams::new().to_toml();
    let (mut group, mut range, mut found) = (String::new(), None, Vec::new());
    for line in toml.lines() {
        if let Some(name) = line.strip_prefix('[') {
            group = name.trim_end_matches(']').to_owned();
        } else if line.starts_with('#') {
            let stated = line.rsplit_once('(').unwrap().1.trim_end_matches(')');
            range = stated.split_once(" to ").map(|(low, high)| [low.to_owned(), high.to_owned()]);
        } else if let Some((name, default)) = line.split_once(" = ") {
            found.push((group.clone(), name.to_owned(), default.to_owned(), range.take().unwrap()));
        }
    }
    found
}

#[test]
fn every_setting_at_the_ends_of_its_range_is_one_that_a_fit_takes() {
    let folder = Folder::new();
    let limits = BadRowLimits::default();
    let events = folder.write("e.csv", &shop::csv(&shop::events(60, 24)));
    let (log, _) = read_events(&events, LATEST_MS, limits).unwrap();
    let (catalog, _) = read_catalog(&folder.write("catalog.csv", &shop::catalog(1)), limits).unwrap();
    let (offers, _) = read_offers(&folder.write("offers.csv", &shop::offers(1)), limits).unwrap();
    let (tables, progress) = (Tables { log, catalog, offers }, Progress::hidden());
    let settings = settings();
    assert!(settings.len() > 15, "{settings:?}");
    for (group, name, default, range) in settings {
        let whole = !default.contains(['.', 'e']);
        for (place, end) in range.iter().enumerate() {
            // The ranges are written as Rust writes numbers: 1_000, 9e15.
            let end: f64 = end.replace('_', "").parse().unwrap();
            let text = |value: f64| if whole { format!("{value:.0}") } else { format!("{value:?}") };
            let with = |value: f64| FitParams::from_toml(&format!("[{group}]\n{name} = {}", text(value))).unwrap();
            let options = FitOptions { threads: 2, as_of_ms: None, progress: &progress };
            match with(end).check().unwrap().fit(&tables, &options) {
                Ok(fitted) => drop(Model::load(&fitted.file).unwrap()),
                // No order of this shop has a thousand items, and of its candidates no millionth part is left: that is said
                // of the data, not of the setting.
                Err(error) => assert!(
                    error.code() == "not_enough_data" && ["case_items_min", "negatives"].contains(&name.as_str()),
                    "{group}.{name} = {end}: {error}"
                ),
            }
            let beyond = if place == 0 { end - 1.0 } else { end + 1.0 };
            if beyond >= 0.0 {
                let refused = with(beyond).check().unwrap_err().to_string();
                assert!(refused.contains(&name), "{refused}");
            }
        }
    }
}
