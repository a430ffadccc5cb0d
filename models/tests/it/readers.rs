//! The same rows are the same log, whatever the format, the physical types and the order.

use crate::shop::{self, Folder, LATEST_MS, Row};
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Float32Array, Int64Array, ListArray, TimestampNanosecondArray};
use std::sync::Arc;
use unisono_models::tables::{BadRowLimits, EventLog, TableReport, read_catalog, read_events, read_offers};

fn read(path: &std::path::Path) -> (EventLog, TableReport) {
    read_events(path, LATEST_MS, BadRowLimits::default()).unwrap()
}

#[test]
fn every_format_and_order_gives_the_same_fingerprint() {
    let folder = Folder::new();
    let rows = shop::events(30, 1);
    let mixed = shop::shuffled(&rows, 2);
    let files = [
        folder.write("a.csv", &shop::csv(&rows)),
        folder.write("b.csv", &shop::csv(&mixed)),
        folder.write("c.tsv", &shop::csv(&mixed).replace(',', "\t")),
        folder.write("d.jsonl", &shop::jsonl(&mixed)),
    ];
    let parquet = folder.path("e.parquet");
    shop::parquet(&parquet, &mixed);
    let (wanted, report) = read(&files[0]);
    assert_eq!((report.rows, report.kept, report.bad_rows()), (rows.len() as u64, rows.len() as u64, 0));
    for file in files.iter().chain([&parquet]) {
        let (log, report) = read(file);
        assert_eq!(log.fingerprint(), wanted.fingerprint(), "{}", file.display());
        assert_eq!(report.kept, rows.len() as u64);
    }
    let mut other = rows.clone();
    other[7].price += 0.01;
    let (changed, _) = read(&folder.write("f.csv", &shop::csv(&other)));
    assert_ne!(changed.fingerprint(), wanted.fingerprint());
}

#[test]
fn a_time_may_stand_as_text() {
    let folder = Folder::new();
    let head = "event_id,profile_id,ts_ms,type,channel,item_id\n";
    let row = |ts: &str| format!("e1,p1,{ts},purchase,web,i1\n");
    let (wanted, _) = read(&folder.write("a.csv", &format!("{head}{}", row("1727400238000"))));
    for text in
        ["2024-09-27T01:23:58Z", "2024-09-27 01:23:58", "2024-09-26T22:23:58.000-03:00", " 2024-09-27T01:23:58+00:00 "]
    {
        let (log, report) = read(&folder.write("b.csv", &format!("{head}{}", row(text))));
        assert_eq!((log.fingerprint(), report.bad_rows()), (wanted.fingerprint(), 0), "{text}");
        let line = serde_json::json!({"event_id": "e1", "profile_id": "p1", "ts_ms": text, "type": "purchase", "channel": "web", "item_id": "i1"});
        assert_eq!(read(&folder.write("b.jsonl", &line.to_string())).0.fingerprint(), wanted.fingerprint(), "{text}");
    }
    let day = |ts: &str| read(&folder.write("d.csv", &format!("{head}{}", row(ts)))).0.fingerprint();
    assert_eq!(day("2024-09-27"), day("1727395200000"));
    for text in ["27/09/2024", "2024-13-01", "yesterday", "2024-09-27T25:00:00Z"] {
        let refused =
            read_events(&folder.write("c.csv", &format!("{head}{}", row(text))), LATEST_MS, BadRowLimits::default());
        let shown = refused.map(|_| ()).unwrap_err().to_string();
        assert!(shown.contains("is neither Unix milliseconds nor a timestamp such as 2026-11-22T18:30:00Z"), "{shown}");
    }
}

#[test]
fn physical_types_do_not_matter() {
    let folder = Folder::new();
    let plain = "event_id,profile_id,ts_ms,type,channel,item_id,quantity,price,sensitive_note\n\
        1,10,1700006400000,purchase,store,7,2,0.5,x\n2,10,1700006401000,view,web,8,,,x\n";
    let typed = folder.path("typed.parquet");
    let kinds: DictionaryArray<Int32Type> = vec!["purchase", "view"].into_iter().collect();
    let times = vec![1_700_006_400_000_000_000, 1_700_006_401_000_000_000];
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("event_id", shop::ints([1, 2].into_iter())),
        ("profile_id", Arc::new(arrow_array::Int32Array::from(vec![10, 10]))),
        ("ts_ms", Arc::new(TimestampNanosecondArray::from(times).with_timezone("UTC"))),
        ("type", Arc::new(kinds)),
        ("channel", Arc::new(arrow_array::LargeStringArray::from(vec!["store", "web"]))),
        ("item_id", shop::floats([7.0, 8.0].into_iter())),
        ("quantity", Arc::new(Int64Array::from(vec![Some(2), None]))),
        ("price", Arc::new(Float32Array::from(vec![Some(0.5), None]))),
    ];
    shop::write_parquet(&typed, columns);
    let (a, report) = read(&folder.write("plain.csv", plain));
    let (b, _) = read(&typed);
    assert_eq!(report.unknown_columns, ["sensitive_note"]);
    assert_eq!(a.fingerprint(), b.fingerprint());
    let event = b.event(0);
    assert_eq!((event.event_id, event.quantity_milli, event.price_micro), ("1", 2_000, Some(500_000)));
    assert_eq!(event.item_id, Some("7"));
}

#[test]
fn of_two_copies_of_an_event_the_greater_stays_whichever_comes_first() {
    let folder = Folder::new();
    let rows = shop::events(5, 3);
    let mut copies = rows.clone();
    for row in rows.iter().step_by(3) {
        copies.push(Row { price: row.price + 1.0, ..row.clone() });
    }
    let (a, report) = read(&folder.write("a.csv", &shop::csv(&copies)));
    let (b, _) = read(&folder.write("b.csv", &shop::csv(&shop::shuffled(&copies, 4))));
    assert_eq!(report.duplicates, rows.len().div_ceil(3) as u64);
    assert_eq!((a.fingerprint(), a.len()), (b.fingerprint(), rows.len()));
    // In another channel or of another type the same id is another event.
    let other = "event_id,profile_id,ts_ms,type,channel,item_id\n1,p,1700006400000,view,web,a\n\
        1,p,1700006400000,view,app,a\n1,p,1700006400000,click,web,a\n1,p,1700006400000,view,web,a\n";
    let (log, report) = read(&folder.write("c.csv", other));
    assert_eq!((log.len(), report.duplicates), (3, 1));
}

#[test]
fn catalogs_and_offers_are_the_same_from_lists_and_from_text() {
    let folder = Folder::new();
    let limits = BadRowLimits::default();
    let csv = folder.write("c.csv", "item_id,title,tags,channels,restricted\n1,Tea,b;a,web; store,true\n2,Cup,,,0\n");
    let json = "{\"item_id\":2,\"title\":\"Cup\"}\n\n{\"item_id\":\"1\",\"title\":\"Tea\",\"tags\":[\"a\",\"b\"],\
        \"channels\":[\"store\",\"web\"],\"restricted\":true}\n";
    let (a, _) = read_catalog(&csv, limits).unwrap();
    let (b, _) = read_catalog(&folder.write("c.jsonl", json), limits).unwrap();
    assert_eq!((&a, a.fingerprint()), (&b, b.fingerprint()));

    let wide = "offer_id,kind,starts_ms,ends_ms,items\nx,coupon,1,2,7;8;9\n";
    let long =
        "offer_id,kind,starts_ms,ends_ms,item_id\nx,coupon,1,2,9\nx,coupon,1,2,7\nx,coupon,1,2,8\nx,coupon,1,2,8\n";
    let (a, _) = read_offers(&folder.write("wide.csv", wide), limits).unwrap();
    let (b, report) = read_offers(&folder.write("long.csv", long), limits).unwrap();
    assert_eq!((&a, a.fingerprint(), report.duplicates), (&b, b.fingerprint(), 1));
    let path = folder.path("wide.parquet");
    let items = ListArray::from_iter_primitive::<arrow_array::types::Int64Type, _, _>(vec![Some(vec![
        Some(7),
        Some(8),
        Some(9),
    ])]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("offer_id", shop::texts(["x".to_owned()].into_iter())),
        ("kind", shop::texts(["coupon".to_owned()].into_iter())),
        ("starts_ms", shop::ints([1].into_iter())),
        ("ends_ms", shop::ints([2].into_iter())),
        ("items", Arc::new(items)),
    ];
    shop::write_parquet(&path, columns);
    assert_eq!(read_offers(&path, limits).unwrap().0, a);
}
