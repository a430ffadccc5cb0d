//! Bad schemas end the reading with the table, the column and what was expected; bad rows are counted and shown.

use crate::shop::{self, Folder, LATEST_MS};
use arrow_array::{ArrayRef, BooleanArray};
use std::sync::Arc;
use unisono_models::Error;
use unisono_models::config::FitParams;
use unisono_models::tables::{BadRowLimits, read_catalog, read_events, read_offers};

const HEAD: &str = "event_id,profile_id,ts_ms,type,channel,item_id,quantity,price,currency\n";
const GOOD: &str = "e,p,1700006400000,purchase,web,i,1,2.5,EUR\n";

fn events(
    folder: &Folder,
    name: &str,
    text: &str,
    limits: BadRowLimits,
) -> Result<(usize, unisono_models::tables::TableReport), Error> {
    read_events(&folder.write(name, text), LATEST_MS, limits).map(|(log, report)| (log.len(), report))
}

#[test]
fn a_bad_schema_names_table_column_expected_and_found() {
    let folder = Folder::new();
    let limits = BadRowLimits::default();
    let no_profile = "event_id,ts_ms,type,channel\n1,2,view,web\n";
    let cases = [
        (
            "a.csv",
            no_profile,
            "events table: column `profile_id` should be present (text or an integer), found only the columns",
        ),
        (
            "b.csv",
            "event_id,event_id,profile_id,ts_ms,type,channel\n",
            "column `event_id` should be there once, found it twice",
        ),
        ("c.jsonl", "{\"event_id\":1}\n", "column `profile_id` should be present"),
        ("d.csv", "", "found no columns at all"),
    ];
    for (name, text, wanted) in cases {
        let error = events(&folder, name, text, limits).unwrap_err();
        assert_eq!(error.code(), "bad_schema", "{name}: {error}");
        assert!(error.to_string().contains(wanted), "{name}: {error}");
        assert_eq!(error.exit_code(), 2);
    }
    let path = folder.path("e.parquet");
    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![true]));
    let text = || shop::texts(["view".to_owned()].into_iter());
    let columns =
        vec![("event_id", text()), ("profile_id", text()), ("ts_ms", flags), ("type", text()), ("channel", text())];
    shop::write_parquet(&path, columns);
    let error = read_events(&path, LATEST_MS, limits).unwrap_err().to_string();
    assert!(
        error.contains("`ts_ms` should be an integer of Unix milliseconds or a timestamp, found `Boolean`"),
        "{error}"
    );
}

#[test]
fn unreadable_files_say_what_to_do() {
    let folder = Folder::new();
    let limits = BadRowLimits::default();
    let code = |path: &std::path::Path| read_events(path, LATEST_MS, limits).unwrap_err().code().to_owned();
    assert_eq!(code(&folder.write("a.xlsx", "")), "unknown_format");
    assert_eq!(code(&folder.path("absent.csv")), "io");
    assert_eq!(code(&folder.write("b.parquet", "no parquet at all")), "bad_table");
}

#[test]
fn each_bad_row_is_counted_under_its_reason_with_an_example() {
    let folder = Folder::new();
    let bad = [
        ("e,p,,purchase,web,i,1,1,EUR", "ts_ms", "is missing"),
        (
            "e,p,soon,purchase,web,i,1,1,EUR",
            "ts_ms",
            "is neither Unix milliseconds nor a timestamp such as 2026-11-22T18:30:00Z",
        ),
        ("e,p,32503680000000,purchase,web,i,1,1,EUR", "ts_ms", "is outside the years 1970 to 2300"),
        ("e,p,1900000000000,purchase,web,i,1,1,EUR", "ts_ms", "is from the future"),
        ("e,,1700006400000,purchase,web,i,1,1,EUR", "profile_id", "is missing"),
        (",p,1700006400000,purchase,web,i,1,1,EUR", "event_id", "is missing"),
        ("e,p,1700006400000,bought,web,i,1,1,EUR", "type", "is no event type"),
        ("e,p,1700006400000,purchase,Web Shop,i,1,1,EUR", "channel", "is no channel name"),
        ("e,p,1700006400000,purchase,web,,1,1,EUR", "item_id", "is missing"),
        ("e,p,1700006400000,purchase,web,i,0,1,EUR", "quantity", "is zero or negative"),
        ("e,p,1700006400000,purchase,web,i,-2,1,EUR", "quantity", "is zero or negative"),
        ("e,p,1700006400000,purchase,web,i,two,1,EUR", "quantity", "is no number"),
        ("e,p,1700006400000,purchase,web,i,1,NaN,EUR", "price", "is not a number"),
        ("e,p,1700006400000,purchase,web,i,1,-0.01,EUR", "price", "is negative"),
        ("e,p,1700006400000,purchase,web,i,1,1e300,EUR", "price", "is out of range"),
        ("e,p,1700006400000,purchase,web,i,1,1,euro", "currency", "is no currency"),
        ("e,p,1700006400000,purchase,web,i,1", "", "the row can't be read"),
    ];
    let long = "x".repeat(129);
    let mut text = format!("{HEAD}{GOOD}");
    bad.iter().for_each(|(row, _, _)| text += &format!("{row}\n"));
    text += &format!("e,p,1700006400000,purchase,web,{long},1,1,EUR\n");
    let (kept, report) =
        events(&folder, "bad.csv", &text, BadRowLimits { examples: 20, share_max: 1.0, ..Default::default() }).unwrap();
    assert_eq!((kept, report.rows, report.bad_rows()), (1, bad.len() as u64 + 2, bad.len() as u64 + 1));
    let found = |row: u64, column: &str, reason: &str| {
        report.bad.iter().any(|(why, bad)| {
            why.starts_with(reason) && bad.examples.iter().any(|example| example.row == row && example.column == column)
        })
    };
    for (row, (_, column, reason)) in (2..).zip(bad) {
        assert!(found(row, column, reason), "row {row}: {column} {reason}\n{report:#?}");
    }
    assert!(found(bad.len() as u64 + 2, "item_id", "is too long"));
}

#[test]
fn broken_json_lines_spoil_themselves_only() {
    let folder = Folder::new();
    let good =
        "{\"event_id\":\"e\",\"profile_id\":\"p\",\"ts_ms\":1700006400000,\"type\":\"view\",\"channel\":\"web\"}\n";
    let text = format!("{good}{{\"event_id\":\n[1,2]\n{}", good.replace("\"e\"", "{\"a\":1}"));
    let limits = BadRowLimits { share_max: 1.0, ..Default::default() };
    let (kept, report) = events(&folder, "a.jsonl", &text, limits).unwrap();
    assert_eq!((kept, report.rows, report.bad_rows()), (1, 4, 3), "{report:#?}");
}

#[test]
fn more_bad_rows_than_allowed_end_the_reading_with_the_first() {
    let folder = Folder::new();
    let text = format!("{HEAD}{GOOD}{}", "e,p,x,purchase,web,i,1,1,EUR\n".repeat(3));
    let limits = |rows_max, share_max| BadRowLimits { rows_max, share_max, examples: 1 };
    assert!(events(&folder, "b.csv", &text, limits(0, 0.75)).is_ok());
    let error = events(&folder, "c.csv", &text, limits(2, 0.5)).unwrap_err();
    assert_eq!(error.code(), "too_many_bad_rows");
    let text = error.to_string();
    assert!(
        text.contains("3 of 4 rows") && text.contains("row 2, column `ts_ms`, value `x`: is neither Unix milliseconds"),
        "{text}"
    );
}

#[test]
fn the_limit_in_rows_counts_up_to_a_tenth_and_a_table_without_a_usable_row_fails() {
    let folder = Folder::new();
    let good =
        |from: usize, to: usize| (from..to).map(|at| GOOD.replacen('e', &format!("e{at}"), 1)).collect::<String>();
    let bad = |count: usize| "e,p,x,purchase,web,i,1,1,EUR\n".repeat(count);
    let read = |name: &str, text: String, limits| events(&folder, name, &format!("{HEAD}{text}"), limits);
    let limits = BadRowLimits::default();
    assert!(read("a.csv", good(0, 18) + &bad(2), limits).is_ok());
    assert_eq!(read("b.csv", good(0, 17) + &bad(3), limits).unwrap_err().code(), "too_many_bad_rows");
    let error = read("c.csv", bad(2), BadRowLimits { share_max: 1.0, ..limits }).unwrap_err();
    assert!(error.to_string().contains("2 of 2 rows can't be used, more than the 1 allowed"), "{error}");
    let offers = folder.write("o.csv", "offer_id,kind,starts_ms,ends_ms\nb,gift,1,2\nc,coupon,2,2\n");
    assert_eq!(read_offers(&offers, limits).unwrap_err().code(), "too_many_bad_rows");
}

#[test]
fn events_that_need_an_item_without_the_column_are_a_bad_schema() {
    let folder = Folder::new();
    let head = "event_id,profile_id,ts_ms,type,channel";
    let read = |text: String| read_events(&folder.write("e.csv", &text), LATEST_MS, BadRowLimits::default());
    let error = read(format!("{head}\ne,p,1700006400000,purchase,web\n")).unwrap_err();
    assert_eq!(error.code(), "bad_schema");
    assert!(error.to_string().contains("column `item_id` should be present"), "{error}");
    assert!(error.to_string().contains("found only the columns `event_id`"), "{error}");
    assert!(read(format!("{head}\ne,p,1700006400000,search,web\n")).is_ok());
}

#[test]
fn times_in_seconds_are_warned_of() {
    let folder = Folder::new();
    let warnings = |name: &str, text: &str| {
        events(&folder, name, &format!("{HEAD}{text}"), BadRowLimits::default()).unwrap().1.warnings
    };
    assert_eq!(warnings("a.csv", GOOD), Vec::<String>::new());
    let [warning] = &warnings("b.csv", &GOOD.replace("1700006400000", "1700006400"))[..] else { panic!() };
    assert!(warning.contains("in seconds"), "{warning}");
}

#[test]
fn bad_products_and_offers_are_rows_of_their_accounts() {
    let folder = Folder::new();
    let limits = BadRowLimits { share_max: 1.0, ..Default::default() };
    let text =
        "item_id,price,available_from_ms,unavailable_from_ms,sensitive\na,1,5,9,no\nb,-1,,,\nc,1,9,5,\nd,1,,,maybe\n";
    let (catalog, report) = read_catalog(&folder.write("c.csv", text), limits).unwrap();
    assert_eq!((catalog.items.len(), catalog.left_out.len(), report.bad_rows()), (4, 3, 3));
    let text = "offer_id,kind,starts_ms,ends_ms\na,coupon,1,2\nb,gift,1,2\nc,coupon,2,2\n";
    let (offers, report) = read_offers(&folder.write("o.csv", text), limits).unwrap();
    assert_eq!((offers.offers.len(), report.bad_rows()), (1, 2));
}

#[test]
fn settings_outside_their_range_or_unknown_are_refused_by_name() {
    let error = FitParams::from_toml("[tables]\nneighbours = 0\n").unwrap().check().unwrap_err();
    assert!(error.to_string().contains("`tables.neighbours` is 0; it must lie within 1 to 1000"), "{error}");
    let error = FitParams::from_toml("[tables]\nneighbors = 5\n").unwrap_err();
    assert!(error.code() == "bad_config" && error.to_string().contains("neighbors"), "{error}");
    let error = FitParams::from_toml("[learn]\ncuts = 1\n").unwrap().check().unwrap_err();
    assert!(error.code() == "bad_config" && error.to_string().contains("`learn.cuts` is 1"), "{error}");
    let params = FitParams::new().neighbours(12).seed(3);
    assert_eq!(FitParams::from_toml(&params.to_toml()).unwrap(), params);
}

#[test]
fn changed_json_lines_are_rows_or_are_counted_and_never_panic() {
    let folder = Folder::new();
    let text = shop::jsonl(&shop::events(4, 51));
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    // Marsaglia's xorshift64: the same changes in each run.
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 16) as usize
    };
    const BYTES: &[u8] = b"{}[]\",:\\u-+.eE0123456789 tfn\x00\xff\xc3\x80\n";
    let limits = BadRowLimits { share_max: 1.0, ..BadRowLimits::default() };
    for _ in 0..300 {
        let mut changed = text.clone().into_bytes();
        for _ in 0..1 + next() % 40 {
            let (at, byte) = (next() % changed.len(), BYTES[next() % BYTES.len()]);
            match next() % 3 {
                0 => changed.insert(at, byte),
                1 => changed[at] = byte,
                _ => drop(changed.remove(at)),
            }
        }
        let path = folder.path("changed.jsonl");
        std::fs::write(&path, &changed).unwrap();
        // A column that no line holds any more is an error of the table; else every row is read or counted.
        if let Ok((log, account)) = read_events(&path, LATEST_MS, limits) {
            assert_eq!(log.len() as u64 + account.duplicates + account.bad_rows(), account.rows, "{account:?}");
        }
    }
}
