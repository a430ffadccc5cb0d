//! Consents: what is withheld from training leaves no trace in a model.

use crate::command_line::{ok, run, text};
use crate::shop::{self, DAY_MS, Folder, START_MS};
use serde_json::Value;
use std::path::PathBuf;
use unisono_models::tables::{BadRowLimits, TrainingConsents, read_consents};

const HEAD: &str = "profile_id,purpose,channel,granted,ts_ms,writer\n";

fn table(folder: &Folder, rows: &str) -> PathBuf {
    folder.write("consents.csv", &format!("{HEAD}{rows}"))
}

fn consents(rows: &str, granted: bool) -> TrainingConsents {
    let folder = Folder::new();
    read_consents(&table(&folder, rows), granted, BadRowLimits::default()).unwrap().0
}

#[test]
fn the_newer_word_counts_and_withheld_where_both_are_of_one_time() {
    let said = "a,training,,false,5,\nb,training,web,false,5,\nb,training,,true,6,\nc,training,,false,5,\nc,training,web,true,6,\n\
d,training,,true,5,\nd,training,web,false,5,\ne,personalization,,false,5,\nf,training,,true,5,host\nf,training,,false,4,host\n\
g,training,,true,5,\n";
    for granted in [true, false] {
        let consents = consents(said, granted);
        let allows = |profile: &str| ["web", "store"].map(|channel| consents.allow(profile, channel));
        assert_eq!(allows("a"), [false, false], "withheld");
        assert_eq!(allows("b"), [true, true], "the newer word on all channels takes back that on one");
        assert_eq!(allows("c"), [true, false], "the newer word on one channel is of that one");
        assert_eq!(allows("d"), [false, true], "of one time");
        assert_eq!(allows("e"), [granted; 2], "another purpose");
        assert_eq!(allows("f"), [true, true], "an older word");
        assert_eq!(allows("g"), [true, true], "granted");
        assert_eq!(allows("nobody"), [granted; 2], "what is presumed");
    }
}

/// The model is that of the tables without the rows, byte for byte, whatever else these hold.
#[test]
fn a_fit_leaves_out_what_is_withheld_and_says_how_much() {
    let folder = Folder::new();
    let mut rows = shop::events(80, 61);
    // Bought by no one else, seen nowhere else.
    for row in rows.iter_mut().filter(|row| row.profile_id == "p3") {
        row.item_id = format!("planted-{}", row.item_id);
    }
    let is_withheld = |row: &shop::Row| row.profile_id == "p3" || row.profile_id == "p7" && row.channel == "web";
    let (withheld, kept): (Vec<_>, Vec<_>) = rows.iter().cloned().partition(is_withheld);
    assert!(withheld.len() > 50 && withheld.iter().any(|row| row.profile_id == "p7"));
    let all = folder.write("all.csv", &shop::csv(&rows));
    let less = folder.write("less.jsonl", &shop::jsonl(&kept));
    let catalog = folder.write("catalog.csv", &shop::catalog(3));
    let said =
        table(&folder, "p7,training,web,false,9,\np3,training,,no,8,till\np4,offers,,false,8,\np5,training,,true,8,\n");
    let (one, other, report) = (folder.path("one.unisono"), folder.path("other.unisono"), folder.path("report.json"));
    let (c, s) = (text(&catalog), text(&said));
    let shown = ok(&[
        "fit",
        "--events",
        text(&all),
        "--catalog",
        c,
        "--consents",
        s,
        "--out",
        text(&one),
        "--report",
        text(&report),
    ]);
    let wanted = format!("{} events of 2 profiles are left out: they withhold them from training", withheld.len());
    assert!(shown.contains(&wanted), "{wanted} is not in\n{shown}");
    ok(&["fit", "--events", text(&less), "--catalog", c, "--out", text(&other)]);
    let model = std::fs::read(&one).unwrap();
    assert!(model == std::fs::read(&other).unwrap(), "what is withheld leaves a trace");
    assert!(!model.windows(7).any(|bytes| bytes == b"planted"));
    let report: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    let events = &report["tables"][0];
    assert_eq!(
        (events["withheld"].as_u64(), events["kept"].as_u64()),
        (Some(withheld.len() as u64), Some(kept.len() as u64))
    );

    // Opt-in: only who granted it is read.
    let output =
        ok(&["check", "--events", text(&all), "--consents", s, "--consent-default", "withheld", "--format", "json"]);
    let view: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(view["survey"]["profiles"], 1);
    let output = run(&["check", "--events", text(&all), "--consent-default", "withheld"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn an_evaluation_leaves_out_what_is_withheld() {
    let folder = Folder::new();
    let rows = shop::events(80, 62);
    let events = folder.write("events.csv", &shop::csv(&rows));
    let catalog = folder.write("catalog.csv", &shop::catalog(3));
    let withheld: String = (0..20).map(|p| format!("p{p},training,,false,1,\n")).collect();
    let said = table(&folder, &withheld);
    let model = folder.path("before.unisono");
    let as_of = (START_MS + 210 * DAY_MS).to_string();
    let (e, c, m, s) = (text(&events), text(&catalog), text(&model), text(&said));
    ok(&["fit", "--events", e, "--catalog", c, "--as-of", &as_of, "--consents", s, "--out", m]);
    let args = ["evaluate", "--model", m, "--events", e, "--catalog", c, "--draws", "10", "--format", "json"];
    let figures = |more: &[&str]| -> Value { serde_json::from_str(&ok(&[&args[..], more].concat())).unwrap() };
    let (whole, less) = (figures(&[]), figures(&["--consents", s, "--leak-check"]));
    let profiles = |figures: &Value| figures["groups"][0]["profiles"].as_u64().unwrap();
    assert!(profiles(&less) < profiles(&whole) && less["withheld_profiles"] == 20, "{}", profiles(&less));
    let output = run(&["evaluate", "--model", m, "--requests", e, "--truth", e, "--consents", s]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("error[bad_config]"));
}

#[test]
fn a_single_row_that_can_not_be_used_is_an_error_because_it_might_be_a_withdrawal() {
    let folder = Folder::new();
    let events = folder.write("events.csv", &shop::csv(&shop::events(20, 63)));
    let sound: String = (0..500).map(|p| format!("p{p},training,,true,1,\n")).collect();
    for (row, wanted) in [
        ("p1,train,,false,1,", "is none of personalization"),
        ("p1,training,,perhaps,1,", "is neither true nor false"),
        ("p1,training,,,1,", "column `granted`, value ``: is missing"),
        ("p1,training,Web,false,1,", "is no channel name"),
        ("p1,training,,false,,", "column `ts_ms`, value ``: is missing"),
        (",training,,false,1,", "column `profile_id`, value ``: is missing"),
    ] {
        let said = table(&folder, &format!("{sound}{row}\n"));
        let output = run(&["check", "--events", text(&events), "--consents", text(&said)]);
        let shown = String::from_utf8(output.stderr).unwrap();
        let named = shown.contains("error[too_many_bad_rows]") && shown.contains("row 501") && shown.contains(wanted);
        assert!(named, "{row}: {shown}");
        assert!(shown.contains("mend them: each might be a withdrawal") && !shown.contains("bad_rows_max"), "{shown}");
    }
    let said = folder.write("less.csv", "profile_id,purpose,ts_ms\np,training,1\n");
    let output = run(&["check", "--events", text(&events), "--consents", text(&said)]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("`granted`"));
}
