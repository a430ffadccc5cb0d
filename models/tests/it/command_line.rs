//! The binary: commands one after another on a small shop, exit codes, JSON for programs.

use crate::shop::{self, Folder};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

pub(crate) fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_unisono-models")).args(args).output().unwrap()
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub(crate) fn ok(args: &[&str]) -> String {
    let output = run(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn fit_inspect_recommend_evaluate_and_sample_work_one_after_another() {
    let folder = Folder::new();
    let events = folder.write("events.csv", &shop::csv(&shop::events(80, 31)));
    let catalog = folder.write("catalog.csv", &shop::catalog(3));
    let offers = folder.write("offers.csv", &shop::offers(3));
    let (model, report) = (folder.path("shop.unisono"), folder.path("report.json"));
    let shown = ok(&[
        "fit",
        "--events",
        text(&events),
        "--catalog",
        text(&catalog),
        "--offers",
        text(&offers),
        "--out",
        text(&model),
        "--report",
        text(&report),
        "--threads",
        "2",
    ]);
    for wanted in ["rows/s", "peak memory", "held-out future, `next`", "[learn]", "model "] {
        assert!(shown.contains(wanted), "{wanted} is not in\n{shown}");
    }
    let held_out = shown.lines().find(|line| line.ends_with(", held out")).unwrap_or_else(|| panic!("{shown}"));
    assert!(held_out.contains(" 0 rows  reach 0."), "{held_out}");
    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    let model_id = report["fit"]["model_id"].as_str().unwrap();

    let view: Value = serde_json::from_str(&ok(&["inspect", text(&model), "--format", "json"])).unwrap();
    assert_eq!(view["model_id"], model_id);
    assert_eq!(view["root"]["min_support"], 5);
    let sections = view["sections"].as_array().unwrap();
    let total: u64 = sections.iter().map(|section| section["bytes"].as_u64().unwrap()).sum();
    assert!(
        total < std::fs::metadata(&model).unwrap().len() && sections.iter().all(|s| s["brotli"].as_u64() > Some(0))
    );
    assert!(ok(&["inspect", text(&model), "--no-brotli"]).contains("blend `next`: base"));

    let customers = folder.path("customers.json");
    ok(&[
        "sample",
        "--events",
        text(&events),
        "--catalog",
        text(&catalog),
        "--model",
        text(&model),
        "--customers",
        "6",
        "--out",
        text(&customers),
    ]);
    let page: Value = serde_json::from_slice(&std::fs::read(customers).unwrap()).unwrap();
    let requests: Vec<&Value> = page["customers"].as_array().unwrap().iter().map(|one| &one["request"]).collect();
    assert_eq!(requests.len(), 6);
    let lines: String = requests.iter().map(|request| format!("{request}\n")).collect();
    let (requests, out) = (folder.write("requests.jsonl", &lines), folder.path("responses.jsonl"));
    ok(&["recommend", "--model", text(&model), "--requests", text(&requests), "--out", text(&out)]);
    let responses = std::fs::read_to_string(out).unwrap();
    let mut truth = String::new();
    for line in responses.lines() {
        let response: Value = serde_json::from_str(line).unwrap();
        assert_eq!(response["model_id"], model_id);
        for placement in response["placements"].as_array().unwrap().iter().take(2) {
            for one in placement["recommendations"].as_array().unwrap() {
                assert!(page["titles"][one["item_id"].as_str().unwrap()].is_string(), "{one}");
            }
        }
        let first = &response["placements"][0]["recommendations"][0]["item_id"];
        truth += &format!("{}\n", serde_json::json!({"case": response["request_id"], "truth": [first]}));
    }
    let truth = folder.write("truth.jsonl", &truth);
    let figures = ok(&[
        "evaluate",
        "--model",
        text(&model),
        "--requests",
        text(&requests),
        "--truth",
        text(&truth),
        "--format",
        "json",
    ]);
    let figures: Value = serde_json::from_str(&figures).unwrap();
    assert_eq!(
        (&figures["model"]["recall_20"], &figures["model"]["mrr_20"]),
        (&1.0.into(), &1.0.into()),
        "{figures:#}"
    );
}

#[test]
fn a_line_that_is_no_json_gets_an_error_in_its_place() {
    let folder = Folder::new();
    let events = folder.write("events.csv", &shop::csv(&shop::events(40, 32)));
    let catalog = folder.write("catalog.csv", &shop::catalog(3));
    let model = folder.path("m.unisono");
    ok(&["fit", "--events", text(&events), "--catalog", text(&catalog), "--out", text(&model)]);
    let good =
        "{\"request_id\":\"a\",\"now_ms\":1720000000000,\"placements\":[{\"id\":\"m\",\"kind\":\"trending\",\"k\":2}]}";
    let twice = good.replace("\"now_ms\"", "\"now_ms\":1,\"now_ms\"");
    let requests = folder.write("r.jsonl", &format!("{good}\n{{\n{twice}\n{good}\n"));
    let out = folder.path("o.jsonl");
    ok(&["recommend", "--model", text(&model), "--requests", text(&requests), "--out", text(&out)]);
    let lines: Vec<Value> =
        std::fs::read_to_string(out).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0]["placements"][0]["recommendations"].as_array().unwrap().len(), 2);
    assert_eq!(lines[1]["error"]["code"], "invalid_json");
    assert_eq!(lines[2]["error"]["code"], "duplicate_key");
    assert_eq!(lines[0], lines[3]);
}

/// The same file as in the tests of `unisono-host`: both programs answer each of its lines with the same bytes.
#[test]
fn lines_that_no_one_can_read_are_answered_as_the_host_answers_them() {
    let folder = Folder::new();
    let events = folder.write("events.csv", &shop::csv(&shop::events(40, 33)));
    let catalog = folder.write("catalog.csv", &shop::catalog(3));
    let model = folder.path("m.unisono");
    ok(&["fit", "--events", text(&events), "--catalog", text(&catalog), "--out", text(&model)]);
    let lines = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/lines");
    let out = folder.path("o.jsonl");
    let requests = lines.join("unreadable.jsonl");
    ok(&["recommend", "--model", text(&model), "--requests", text(&requests), "--out", text(&out)]);
    let answers = std::fs::read_to_string(&out).unwrap();
    assert_eq!(answers, std::fs::read_to_string(lines.join("unreadable-answers.jsonl")).unwrap());

    // A line that is longer than a request may be costs itself alone.
    let mut long = vec![b' '; unisono_message::limits::REQUEST_BYTES_MAX + 1];
    long.extend_from_slice(b"\n\nx");
    let requests = folder.path("long.jsonl");
    std::fs::write(&requests, long).unwrap();
    ok(&["recommend", "--model", text(&model), "--requests", text(&requests), "--out", text(&out)]);
    let answers = std::fs::read_to_string(&out).unwrap();
    let codes = answers.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["error"]["code"].clone());
    assert_eq!(codes.collect::<Vec<_>>(), ["body_too_large", "invalid_json", "invalid_json"]);
}

#[test]
fn errors_have_a_code_a_sentence_and_an_exit_code() {
    let folder = Folder::new();
    let catalog = folder.write("catalog.csv", &shop::catalog(3));
    let fit = |events: &Path| {
        let out = folder.path("m.unisono");
        run(&["fit", "--events", text(events), "--catalog", text(&catalog), "--out", text(&out)])
    };
    let cases = [
        (folder.path("absent.csv"), 1, "error[io]: can't open"),
        (folder.write("a.csv", "event_id\n"), 2, "error[bad_schema]: events table: column `profile_id`"),
        (folder.write("b.csv", "event_id,profile_id,ts_ms,type,channel\n"), 3, "error[not_enough_data]"),
    ];
    for (events, code, wanted) in cases {
        let output = fit(&events);
        let shown = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(code) && shown.contains(wanted), "{code}: {shown}");
    }
    // Times in seconds make a log of minutes, which may be too short to learn from: the warning comes before that.
    let seconds = "event_id,profile_id,ts_ms,type,channel,item_id\ne,p,1700006400,purchase,web,i\n";
    let output = fit(&folder.write("s.csv", seconds));
    assert!(
        String::from_utf8(output.stderr).unwrap().starts_with("warning: events table: every event is of before 1980")
    );
    let broken = folder.write("broken.unisono", "\u{1}\u{2}");
    let output = run(&["inspect", text(&broken)]);
    let shown = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && shown.starts_with("error[model_"), "{shown}");
}

#[test]
fn no_command_destroys_what_it_reads_or_what_was_there() {
    let folder = Folder::new();
    let events = folder.write("events.csv", &shop::csv(&shop::events(40, 34)));
    let catalog = folder.write("catalog.csv", &shop::catalog(3));
    let (model, requests) = (folder.path("m.unisono"), folder.write("r.jsonl", "{}\n"));
    ok(&["fit", "--events", text(&events), "--catalog", text(&catalog), "--out", text(&model)]);
    let old = folder.write("old.jsonl", "old\n");
    let refused = |args: &[&str], code: i32, wanted: &str| {
        let output = run(args);
        let shown = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(code) && shown.contains(wanted), "{args:?}: {shown}");
    };
    let recommend = |requests: &Path, out: &Path, code, wanted: &str| {
        refused(
            &["recommend", "--model", text(&model), "--requests", text(requests), "--out", text(out)],
            code,
            wanted,
        );
    };
    recommend(&requests, &folder.path("./r.jsonl"), 2, "name another file");
    recommend(&folder.path("absent"), &old, 1, "error[io]: can't open");
    let fit = |more: &[&str], code, wanted: &str| {
        refused(&[&["fit", "--events", text(&events), "--catalog", text(&catalog)], more].concat(), code, wanted);
    };
    fit(&["--out", text(&events)], 2, "name another file");
    fit(&["--out", text(&model), "--report", text(&model)], 2, "name another file");
    fit(&["--out", "/nope/x"], 1, "error[io]: can't write `/nope/x`");
    fit(&["--out", text(&model), "--report", "/nope/r"], 1, "error[io]: can't write `/nope/r`");
    fit(&["--out", text(&model), "--threads", "0"], 2, "at least one thread");
    folder.write("events.parquet", "old");
    let (to, from) = (folder.path(""), folder.path("nope"));
    refused(&["import", "complete-journey", "--from", text(&from), "--out", text(&to)], 1, "transactions.parquet");
    refused(&["inspect", text(&requests)], 2, "r.jsonl` is no Unisono model file");
    for (name, wanted) in [("r.jsonl", "{}\n"), ("old.jsonl", "old\n"), ("events.parquet", "old")] {
        assert_eq!(std::fs::read_to_string(folder.path(name)).unwrap(), wanted);
    }
    ok(&["inspect", text(&model), "--no-brotli"]);
    let partial = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().contains("partial");
    assert!(!std::fs::read_dir(folder.path("")).unwrap().any(|entry| partial(&entry.unwrap())));
}

#[test]
fn the_printed_configuration_is_one_that_fit_reads() {
    let printed = ok(&["fit", "--print-config", "--min-support", "5"]);
    let params = unisono_models::config::FitParams::from_toml(&printed).unwrap();
    assert_eq!(params, unisono_models::config::FitParams::new().min_support(5));
}
