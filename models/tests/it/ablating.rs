//! The ablation: the whole is the fit's own figure, and what the shop lives from is what is missed most.

use crate::command_line::{ok, run, text};
use crate::shop::{self, Folder};
use serde_json::Value;

#[test]
fn an_ablation_measures_the_whole_as_fit_does_and_misses_what_the_shop_lives_from() {
    let folder = Folder::new();
    let events = folder.write("e.csv", &shop::csv(&shop::events(55, 91)));
    let catalog = folder.write("c.csv", &shop::catalog(1));
    let (model, account, page) = (folder.path("m.unisono"), folder.path("r.json"), folder.path("a.html"));
    let (e, c) = (text(&events), text(&catalog));
    ok(&["fit", "--events", e, "--catalog", c, "--out", text(&model), "--report", text(&account)]);
    let account: Value = serde_json::from_slice(&std::fs::read(account).unwrap()).unwrap();
    let args = ["ablate", "--events", e, "--catalog", c, "--draws", "200", "--format", "json"];
    let printed = ok(&[&args[..], &["--report", text(&page)]].concat());
    assert_eq!(printed, ok(&[&args[..], &["--threads", "1"]].concat()), "threads leave no trace");
    let ablation: Value = serde_json::from_str(&printed).unwrap();
    let rows = ablation["rows"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row["left_out"].as_str().unwrap()).collect();
    // Nobody looked at anything and no cart was given, so that nothing can be left out there.
    assert_eq!(
        names,
        ["nothing", "the trees", "shortened histories", "own", "history", "next", "popular", "background"]
    );
    let value = |row: &Value, group: &str, name: &str| row[group]["recall@20"][name].as_f64().unwrap();
    let held_out = &account["fit"]["learn"]["held_out"][0]["blend"];
    assert!((value(&rows[0], "figures", "value") - held_out["recall_20"].as_f64().unwrap()).abs() < 1e-12);
    assert_eq!(ablation["cases"], held_out["cases"]);
    // Too few cases for trees: without them nothing is lost.
    assert_eq!(value(&rows[1], "less_whole", "value"), 0.0);
    let own = &rows[3];
    assert!(own["features"].as_array().unwrap().contains(&"own_days".into()), "{own}");
    assert!(value(own, "less_whole", "high") < 0.0, "habits are what this shop lives from: {own}");
    assert!(rows[4..].iter().all(|row| value(row, "less_whole", "value") > value(own, "less_whole", "value")));
    let html = std::fs::read_to_string(page).unwrap();
    assert!(html.matches("<svg ").count() == 2 && !html.contains("src="), "{html}");
    assert!(ok(&args[..args.len() - 2]).contains("\nown "));
    let carts = ok(&[&args[..], &["--task", "together", "--each-feature"]].concat());
    assert!(carts.contains("\"left_out\": \"cart\"") && carts.contains("\"left_out\": \"own_days\""));
    assert_eq!(run(&[&args[..5], &["--draws", "0"]].concat()).status.code(), Some(2));
}
