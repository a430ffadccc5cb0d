//! A shop that allows many bad rows to `fit` allows them to every command that reads the same tables, by the same file.

use crate::command_line::{ok, run, text};
use crate::shop::{self, DAY_MS, Folder, START_MS};

#[test]
fn the_limits_of_the_settings_hold_wherever_tables_are_read_again() {
    let folder = Folder::new();
    // 400 of some 14,000 events and 40 of 160 products can't be used, more than the usual limits allow.
    let bad_events: String = (0..400).map(|at| format!("bad{at},p0,no-time,purchase,web,i1,1,1,EUR,o,\n")).collect();
    let bad_products: String = (0..40).map(|at| format!("bad{at},Bad,shop/kind 0,no-price,1,,,false\n")).collect();
    let events = folder.write("events.csv", &(shop::csv(&shop::events(60, 61)) + &bad_events));
    let catalog = folder.write("catalog.csv", &(shop::catalog(3) + &bad_products));
    let config = folder.write("fit.toml", "[data]\nbad_rows_share_max = 0.5\n");
    let wrong = folder.write("wrong.toml", "[data]\nbad_rows_share_max = 2.0\n");
    let as_of = (START_MS + 210 * DAY_MS).to_string();
    let (model, out) = (folder.path("m.unisono"), folder.path("out"));
    let (e, c, m, o) = (text(&events), text(&catalog), text(&model), text(&out));
    ok(&["fit", "--events", e, "--catalog", c, "--as-of", &as_of, "--config", text(&config), "--out", m]);
    let commands: [&[&str]; 4] = [
        &["update", "--model", m, "--catalog", c, "--out", o],
        &["evaluate", "--model", m, "--events", e, "--draws", "10"],
        &["evaluate", "--model", m, "--events", e, "--catalog", c, "--draws", "10"],
        &["sample", "--events", e, "--catalog", c, "--model", m, "--out", o],
    ];
    for command in commands {
        let refused = |config: &[&str], wanted: &str| {
            let output = run(&[command, config].concat());
            let shown = String::from_utf8(output.stderr).unwrap();
            assert!(output.status.code() == Some(2) && shown.contains(wanted), "{command:?} {config:?}: {shown}");
            assert!(!out.exists());
        };
        refused(&[], "error[too_many_bad_rows]");
        refused(&["--config", text(&wrong)], "error[bad_config]: configuration: `data.bad_rows_share_max` is 2");
        ok(&[command, &["--config", text(&config)]].concat());
        let help = ok(&[command[0], "--help"]);
        assert!(help.contains("--config <FILE>") && help.contains("bad_rows_share_max"), "{help}");
        let _ = std::fs::remove_file(&out);
    }
    let output = run(&["update", "--model", m, "--catalog", c, "--config", text(&config), "--out", text(&config)]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("name another file"));
}
