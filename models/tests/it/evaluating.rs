//! Evaluation, report and check: figures worked out by hand, the leak check and its opposite, the page, renamed columns.

use crate::command_line::{ok, run, text};
use crate::shop::{self, DAY_MS, Folder, START_MS};
use serde_json::{Value, json};
use std::path::PathBuf;

/// A shop, and a model fitted before its last 30 days.
fn before(folder: &Folder, rows: &[shop::Row]) -> (PathBuf, PathBuf, PathBuf, String) {
    let events = folder.write("events.csv", &shop::csv(rows));
    let catalog = folder.write("catalog.csv", &shop::catalog(3));
    let model = folder.path("before.unisono");
    let as_of = (START_MS + 210 * DAY_MS).to_string();
    let (e, c, m) = (text(&events), text(&catalog), text(&model));
    ok(&["fit", "--events", e, "--catalog", c, "--as-of", &as_of, "--out", m]);
    (events, catalog, model, as_of)
}

fn object(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_future_of_a_log_is_measured_and_nothing_of_it_leaks() {
    let folder = Folder::new();
    let (events, catalog, model, _) = before(&folder, &shop::events(80, 41));
    let page = folder.path("report.html");
    let args = [
        "evaluate",
        "--model",
        text(&model),
        "--events",
        text(&events),
        "--catalog",
        text(&catalog),
        "--leak-check",
        "--draws",
        "200",
        "--format",
        "json",
    ];
    let first = ok(&args);
    let figures = object(&first);
    let leak = &figures["leak_check"];
    assert_eq!((&leak["tables_equal"], &leak["cases_that_differ"]), (&true.into(), &0.into()), "{leak}");
    assert!(leak["cases"].as_u64() >= Some(20) && leak["candidates"].as_u64() > Some(500), "{leak}");
    let all = &figures["groups"][0];
    let recall = &all["reached"][0]["figures"]["recall@20"];
    assert!((recall["value"].as_f64().unwrap() - figures["model"]["recall_20"].as_f64().unwrap()).abs() < 1e-12);
    assert!(recall["low"].as_f64() < recall["value"].as_f64() && recall["value"].as_f64() < recall["high"].as_f64());
    assert!(figures["groups"].as_array().unwrap().iter().any(|group| group["by"] == "channel"));
    // The same seed gives the same intervals, with any number of threads.
    assert_eq!(first, ok(&[&args[..], &["--threads", "1"]].concat()));

    ok(&[&args[..], &["--report", text(&page), "--licence", "<CC0>"]].concat());
    let html = std::fs::read_to_string(page).unwrap();
    assert_eq!(html.matches("<svg ").count(), 4);
    for wanted in ["&lt;CC0&gt;", "Model card", "support floor", "calibration_error", "leak check", "Item "] {
        assert!(html.contains(wanted) || wanted == "calibration_error", "{wanted} is not on the page");
    }
    for outside in ["http-equiv", "src=", "href=", "@import", "url("] {
        assert!(!html.contains(outside), "the page needs `{outside}`");
    }
}

/// Odd customers buy on the web and twice as often: two segments.
#[test]
fn figures_are_told_by_segment_too() {
    let folder = Folder::new();
    let mut rows = shop::events(240, 46);
    let number = |row: &shop::Row| row.profile_id[1..].parse::<u64>().unwrap();
    for row in &mut rows {
        row.channel = if number(row) % 2 == 1 { "web" } else { "store" };
    }
    let first = |row: &shop::Row| (row.ts_ms - START_MS) / DAY_MS % 4 < 2;
    rows.retain(|row| number(row) % 2 == 1 || first(row));
    let (events, _, model, _) = before(&folder, &rows);
    let (e, m) = (text(&events), text(&model));
    let figures = object(&ok(&["evaluate", "--model", m, "--events", e, "--draws", "50", "--format", "json"]));
    let groups = figures["groups"].as_array().unwrap();
    let cases = |group: &Value| group["cases"].as_u64().unwrap();
    let segments: Vec<&Value> = groups.iter().filter(|group| group["by"] == "segment").collect();
    assert!(segments.len() >= 2 && segments.iter().all(|group| cases(group) >= 30), "{}", segments.len());
    assert!(segments.iter().map(|group| cases(group)).sum::<u64>() <= cases(&groups[0]));
    let model = &segments[0]["reached"][0];
    assert!(model["calibration_by_chance"].as_f64() > Some(0.0) && model["calibration_error"]["value"].is_f64());
}

#[test]
fn the_leak_check_counts_as_the_model_was_fitted() {
    let folder = Folder::new();
    let (events, catalog, model, as_of) = before(&folder, &shop::events(60, 48));
    let (e, c, m) = (text(&events), text(&catalog), text(&model));
    let config = folder.write("fit.toml", "[tables]\nneighbours = 2\nchannel_items = 5\n");
    let small = folder.path("small.unisono");
    let s = text(&small);
    ok(&["fit", "--events", e, "--catalog", c, "--as-of", &as_of, "--config", text(&config), "--out", s]);
    let leak = |model: &str| {
        let args = ["evaluate", "--model", model, "--events", e, "--catalog", c, "--leak-check", "--draws", "10"];
        object(&ok(&[&args[..], &["--format", "json"]].concat()))["leak_check"].take()
    };
    let (usual, small) = (leak(m), leak(s));
    assert!(usual["tables_equal"] == true && small["tables_equal"] == true, "{usual} {small}");
    assert!(small["table_bytes"].as_u64() < usual["table_bytes"].as_u64(), "{usual} {small}");
    assert_eq!(small["presumed"], json!([]), "the file says every setting");
}

#[test]
fn an_event_whose_later_copy_replaces_it_is_found_by_the_leak_check() {
    let folder = Folder::new();
    let mut rows = shop::events(60, 42);
    let cut = START_MS + 210 * DAY_MS;
    // The greater copy of an event counts: those with a copy after the cut vanish from what was known before it.
    let copies: Vec<shop::Row> = rows.iter().filter(|row| row.ts_ms < cut).take(400).cloned().collect();
    rows.extend(copies.into_iter().map(|row| shop::Row { ts_ms: cut + 20 * DAY_MS, ..row }));
    let (events, catalog, model, _) = before(&folder, &rows);
    let (e, c, m) = (text(&events), text(&catalog), text(&model));
    let output = run(&["evaluate", "--model", m, "--events", e, "--catalog", c, "--leak-check", "--draws", "10"]);
    let shown = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(3) && shown.contains("error[leak]"), "{shown}");
}

#[test]
fn a_model_that_saw_the_window_is_refused_and_so_is_a_log_that_ends_before_it() {
    let folder = Folder::new();
    let (events, _, model, as_of) = before(&folder, &shop::events(60, 43));
    let (e, m) = (text(&events), text(&model));
    let early = (as_of.parse::<i64>().unwrap() - DAY_MS).to_string();
    let late = (as_of.parse::<i64>().unwrap() + 90 * DAY_MS).to_string();
    // A moment that is no time at all, as the greatest number or one in microseconds, is a mistake and not an empty window.
    let [greatest, microseconds] = [i64::MAX, as_of.parse::<i64>().unwrap() * 1_000].map(|moment| moment.to_string());
    let no_time = "error[bad_config]: configuration: `as_of` is ";
    for (moment, code, wanted) in [
        (early, 2, "error[bad_config]"),
        (late, 3, "error[not_enough_data]"),
        (greatest, 2, no_time),
        (microseconds, 2, no_time),
    ] {
        let output = run(&["evaluate", "--model", m, "--events", e, "--as-of", &moment]);
        let shown = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(code) && shown.contains(wanted), "{shown}");
    }
}

#[test]
fn foreign_answers_are_compared_case_by_case_as_worked_out_by_hand() {
    let folder = Folder::new();
    let (_, _, model, as_of) = before(&folder, &shop::events(60, 44));
    let now = as_of.parse::<i64>().unwrap();
    let event = json!({"event_id": "e", "ts_ms": now - DAY_MS, "type": "purchase", "channel": "store",
        "item_id": "i1", "price": 2.5, "order_id": "o"});
    let request = |case: &str, profile: &str| {
        json!({"request_id": case, "now_ms": now, "profile": {"profile_id": profile, "events": [event]},
            "context": {"channel": "web"}, "placements": [{"id": "m", "kind": "rerank", "k": 20, "candidates": ["i1", "i2", "i4"]}]})
    };
    // Two cases of one profile; the model answers three items, all of them true in the first case.
    let requests = folder.write("r.jsonl", &format!("{}\n{}\n", request("a", "p"), request("b", "p")));
    let truth = "{\"case\":\"a\",\"truth\":[\"i1\",\"i2\",\"i4\"]}\n{\"case\":\"b\",\"truth\":[\"i9\"]}\n";
    let truth = folder.write("t.jsonl", truth);
    // a: ranks 1 and 3 true of three: recall 2/3, mrr 1, map (1 + 2/3) / 3; b is a response without a hit.
    let response = json!({"request_id": "b", "placements": [{"recommendations": [{"item_id": "i5"}]}]});
    let answers = format!("{{\"case\":\"a\",\"items\":[\"i1\",\"x\",\"i4\"]}}\n{response}\n");
    let answers = folder.write("a.jsonl", &answers);
    let (m, r, t, a) = (text(&model), text(&requests), text(&truth), text(&answers));
    let args = ["evaluate", "--model", m, "--requests", r, "--truth", t, "--format", "json", "--against", a];
    let figures = object(&ok(&args));
    let all = &figures["groups"][0];
    let value = |at: &Value, name: &str| at["figures"][name]["value"].as_f64().unwrap();
    let near = |x: f64, y: f64| assert!((x - y).abs() < 1e-12, "{x} {y}");
    let (own, other) = (&all["reached"][0], &all["reached"][3]);
    near(value(own, "recall@20"), 0.5);
    near(value(other, "recall@20"), (2.0 / 3.0) / 2.0);
    near(value(other, "mrr@20"), 0.5);
    near(value(other, "map@20"), (5.0 / 9.0) / 2.0);
    let w = |rank: f64| 1.0 / (rank + 1.0).log2();
    near(value(other, "ndcg@20"), (w(1.0) + w(3.0)) / (w(1.0) + w(2.0) + w(3.0)) / 2.0);
    // Of what was answered, i1 alone was bought before: a third of `a`, nothing of `b`.
    near(value(other, "repeats"), 1.0 / 6.0);
    // Only i1 has a price, and only `a` has it among the true ones.
    near(value(other, "revenue_recall@20"), 1.0);
    assert_eq!(other["figures"]["revenue_recall@20"]["cases"], 1);
    let minus = &all["differences"][2];
    assert_eq!(minus["minus"], "against");
    near(value(minus, "recall@20"), 0.5 - 1.0 / 3.0);
    assert_eq!(minus["figures"]["recall@20"]["low"], minus["figures"]["recall@20"]["high"], "one profile, one draw");

    let broken = folder.write("b.jsonl", "{\"case\":\"a\"}\n");
    let output = run(&["evaluate", "--model", m, "--requests", r, "--truth", t, "--against", text(&broken)]);
    let shown = String::from_utf8(output.stderr).unwrap();
    assert!(shown.contains("error[bad_line]") && shown.contains("line 1: `items` is missing"), "{shown}");
}

#[test]
fn check_says_what_is_there_and_what_is_too_thin() {
    let folder = Folder::new();
    let rows = shop::events(40, 45);
    let all = folder.write("all.csv", &shop::csv(&rows));
    let catalog = folder.write("catalog.csv", &shop::catalog(3));
    let view = object(&ok(&["check", "--events", text(&all), "--catalog", text(&catalog), "--format", "json"]));
    let survey = &view["survey"];
    assert_eq!((&survey["target"], &survey["events"]), (&"purchase".into(), &rows.len().into()));
    assert_eq!(survey["types"]["web"]["purchase"].as_u64().map(|count| count > 0), Some(true));
    assert_eq!(survey["not_in_catalog_share"], 0.0);

    // One customer twice, with a hole of 50 days, and one row twice.
    let mut few: Vec<shop::Row> = rows.iter().filter(|row| row.profile_id == "p0").take(6).cloned().collect();
    few.push(few[0].clone());
    let row = shop::Row {
        event_id: "late".into(),
        order_id: "late".into(),
        ts_ms: few[5].ts_ms + 50 * DAY_MS,
        ..few[5].clone()
    };
    few.push(row);
    let few = folder.write("few.csv", &shop::csv(&few));
    let view = object(&ok(&["check", "--events", text(&few), "--format", "json"]));
    assert_eq!(view["tables"][0]["duplicates"], 1);
    assert_eq!(view["survey"]["gaps"][0]["days"], 50);
    let codes: Vec<&str> =
        view["survey"]["findings"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    for wanted in ["thin_target", "few_cases", "short_log", "time_gap", "few_items"] {
        assert!(codes.contains(&wanted), "{wanted}: {codes:?}");
    }
    let shown = ok(&["check", "--events", text(&few)]);
    assert!(shown.contains("too thin to learn\n  thin_target: "), "{shown}");
    assert!(shown.contains("of the fit's cuts want 360, so"), "{shown}");
}

#[test]
fn renamed_columns_give_the_same_model_from_csv_and_json_lines_and_a_name_no_table_has_is_refused() {
    let folder = Folder::new();
    let rows = shop::events(40, 46);
    let catalog = folder.write("catalog.csv", &shop::catalog(3).replace("item_id,", "sku,"));
    let csv = shop::csv(&rows).replace("profile_id", "user_id").replace("item_id", "sku");
    let jsonl = shop::jsonl(&rows).replace("\"profile_id\"", "\"user_id\"").replace("\"item_id\"", "\"sku\"");
    let map = "user_id=profile_id, sku=item_id";
    let fit = |name: &str, table: &str| {
        let (events, out) = (folder.write(name, table), folder.path(&format!("{name}.unisono")));
        ok(&["fit", "--events", text(&events), "--catalog", text(&catalog), "--map", map, "--out", text(&out)]);
        std::fs::read(out).unwrap()
    };
    let plain = {
        let (events, out) = (folder.write("plain.csv", &shop::csv(&rows)), folder.path("plain.unisono"));
        let catalog = folder.write("plain-catalog.csv", &shop::catalog(3));
        ok(&["fit", "--events", text(&events), "--catalog", text(&catalog), "--out", text(&out)]);
        std::fs::read(out).unwrap()
    };
    assert!(plain == fit("a.csv", &csv) && plain == fit("b.jsonl", &jsonl));
    shop::parquet_named(&folder.path("c.parquet"), &rows, &[("profile_id", "user_id")]);
    let parquet = folder.path("c.parquet");
    let view = object(&ok(&["check", "--events", text(&parquet), "--map", "user_id=profile_id", "--format", "json"]));
    assert_eq!(view["survey"]["events"].as_u64(), Some(rows.len() as u64));
    assert_eq!(view["tables"][0]["renamed_columns"], json!(["user_id"]));
    let events = folder.path("a.csv");
    for (map, wanted) in [
        ("user_id=profile_id,sku=item_id,nobody=type", "renames `nobody`, which no table has"),
        ("user_id", "has the part `user_id`"),
        ("a=b,a=c", "renames `a` twice"),
        ("user_id=profile_id,sku=item_id,price=quantity", "column `quantity` should be there once"),
    ] {
        let output = run(&["check", "--events", text(&events), "--map", map]);
        let shown = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && shown.contains(wanted), "{map}: {shown}");
    }
}

#[test]
fn a_fit_as_of_a_moment_is_the_fit_of_a_log_that_ends_there() {
    let folder = Folder::new();
    let cut = START_MS + 210 * DAY_MS;
    let (before, after): (Vec<_>, Vec<_>) = shop::events(60, 47).into_iter().partition(|row| row.ts_ms < cut);
    // What comes later is in a channel and a currency of its own, more than all that was before, and replaces events of before.
    let later = |at: usize| {
        let late = after.iter().map(|row| shop::Row { event_id: format!("{}-{at}", row.event_id), ..row.clone() });
        shop::csv(&late.collect::<Vec<_>>()).replace(",web,", ",kiosk,").replace(",EUR,", ",USD,")
    };
    let copies: Vec<shop::Row> =
        before.iter().take(300).map(|row| shop::Row { ts_ms: cut + DAY_MS, ..row.clone() }).collect();
    let rows = |csv: String| csv.split_once('\n').unwrap().1.to_owned();
    let short = shop::csv(&before);
    let whole = short.clone() + &(0..20).map(|at| rows(later(at))).collect::<String>() + &rows(shop::csv(&copies));
    let catalog = folder.write("catalog.csv", &shop::catalog(3));
    let fit = |name: &str, table: &str, args: &[&str]| {
        let (events, out) = (folder.write(name, table), folder.path(&format!("{name}.unisono")));
        ok(&[&["fit", "--events", text(&events), "--catalog", text(&catalog), "--out", text(&out)], args].concat());
        std::fs::read(out).unwrap()
    };
    let cut = cut.to_string();
    let wanted = fit("short.csv", &short, &["--as-of", &cut]);
    assert!(wanted == fit("whole.csv", &whole, &["--as-of", &cut]));
    assert!(wanted != fit("all.csv", &whole, &[]), "without a moment the later events count");
}
