//! A small generated shop: customers with habits, so that there is something to learn, and its tables in every format.

use arrow_array::builder::{Float64Builder, Int64Builder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use parquet::arrow::ArrowWriter;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

pub(crate) const DAY_MS: i64 = 86_400_000;
pub(crate) const START_MS: i64 = 1_700_006_400_000;
pub(crate) const LATEST_MS: i64 = START_MS + 400 * DAY_MS;

/// One event of the generated log.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) event_id: String,
    pub(crate) profile_id: String,
    pub(crate) ts_ms: i64,
    pub(crate) item_id: String,
    pub(crate) quantity: f64,
    pub(crate) price: f64,
    pub(crate) order_id: String,
    pub(crate) channel: &'static str,
}

/// Numbers from a seed: splitmix64.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % sides
    }
}

/// `profiles` customers over 240 days: each has a dozen habits among 120 items and buys some of them about weekly.
pub(crate) fn events(profiles: u64, seed: u64) -> Vec<Row> {
    let mut dice = Dice(seed);
    let mut rows = Vec::new();
    for profile in 0..profiles {
        let theme = dice.roll(6) * 20;
        let habits: Vec<u64> =
            (0..12).map(|_| if dice.roll(4) == 0 { dice.roll(120) } else { theme + dice.roll(20) }).collect();
        let mut day = dice.roll(10) as i64;
        while day < 240 {
            let ts_ms = START_MS + day * DAY_MS + dice.roll(40_000) as i64 * 1_000;
            let order_id = format!("o{profile}-{day}");
            let channel = if dice.roll(3) == 0 { "web" } else { "store" };
            let mut basket: Vec<u64> = habits.iter().copied().filter(|_| dice.roll(2) == 0).collect();
            basket.push(dice.roll(120));
            basket.sort_unstable();
            basket.dedup();
            for item in basket {
                rows.push(Row {
                    event_id: format!("{order_id}-{item}"),
                    profile_id: format!("p{profile}"),
                    ts_ms,
                    item_id: format!("i{item}"),
                    quantity: 1.0 + dice.roll(3) as f64 / 2.0,
                    price: dice.roll(2_000) as f64 / 100.0,
                    order_id: order_id.clone(),
                    channel,
                });
            }
            day += 3 + dice.roll(9) as i64;
        }
    }
    rows
}

/// The same rows in another order.
pub(crate) fn shuffled(rows: &[Row], seed: u64) -> Vec<Row> {
    let mut dice = Dice(seed);
    let mut rows = rows.to_vec();
    for at in (1..rows.len()).rev() {
        rows.swap(at, dice.roll(at as u64 + 1) as usize);
    }
    rows
}

pub(crate) fn csv(rows: &[Row]) -> String {
    let mut text =
        "event_id,profile_id,ts_ms,type,channel,item_id,quantity,price,currency,order_id,session_id\n".to_owned();
    for r in rows {
        let Row { event_id, profile_id, ts_ms, item_id, quantity, price, order_id, channel } = r;
        writeln!(
            text,
            "{event_id},{profile_id},{ts_ms},purchase,{channel},{item_id},{quantity},{price},EUR,{order_id},"
        )
        .unwrap();
    }
    text
}

pub(crate) fn jsonl(rows: &[Row]) -> String {
    let line = |r: &Row| {
        serde_json::json!({"ts_ms": r.ts_ms, "event_id": r.event_id, "profile_id": r.profile_id, "type": "purchase",
            "channel": r.channel, "item_id": r.item_id, "quantity": r.quantity, "price": r.price, "currency": "EUR",
            "order_id": r.order_id, "session_id": null})
    };
    rows.iter().map(|row| format!("{}\n", line(row))).collect()
}

pub(crate) fn write_parquet(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

pub(crate) fn texts(values: impl Iterator<Item = String>) -> ArrayRef {
    let mut builder = StringBuilder::new();
    values.for_each(|value| builder.append_value(value));
    Arc::new(builder.finish())
}

pub(crate) fn ints(values: impl Iterator<Item = i64>) -> ArrayRef {
    let mut builder = Int64Builder::new();
    values.for_each(|value| builder.append_value(value));
    Arc::new(builder.finish())
}

pub(crate) fn floats(values: impl Iterator<Item = f64>) -> ArrayRef {
    let mut builder = Float64Builder::new();
    values.for_each(|value| builder.append_value(value));
    Arc::new(builder.finish())
}

pub(crate) fn parquet(path: &Path, rows: &[Row]) {
    parquet_named(path, rows, &[]);
}

/// The same with some columns under other names.
pub(crate) fn parquet_named(path: &Path, rows: &[Row], names: &[(&str, &'static str)]) {
    let named = |column: &'static str| names.iter().find(|(from, _)| *from == column).map_or(column, |(_, to)| *to);
    let text = |f: fn(&Row) -> &str| texts(rows.iter().map(|row| f(row).to_owned()));
    write_parquet(
        path,
        vec![
            ("price", floats(rows.iter().map(|row| row.price))),
            ("event_id", text(|r| &r.event_id)),
            (named("profile_id"), text(|r| &r.profile_id)),
            ("ts_ms", ints(rows.iter().map(|row| row.ts_ms))),
            ("type", text(|_| "purchase")),
            ("channel", text(|r| r.channel)),
            ("item_id", text(|r| &r.item_id)),
            ("quantity", floats(rows.iter().map(|row| row.quantity))),
            ("currency", text(|_| "EUR")),
            ("order_id", text(|r| &r.order_id)),
        ],
    );
}

/// The catalog of the 120 items, with a private margin.
pub(crate) fn catalog(margin: i64) -> String {
    let mut text = "item_id,title,category,price,margin,tags,channels,sensitive\n".to_owned();
    for item in 0..120 {
        let kind = item / 20;
        writeln!(text, "i{item},Item {item},shop/kind {kind},{}.5,{margin},a;b,,{}", item % 7, item == 3).unwrap();
    }
    text
}

pub(crate) fn offers(cost: i64) -> String {
    let mut text = "offer_id,title,kind,starts_ms,ends_ms,items,cost,channels\n".to_owned();
    for offer in 0..5i64 {
        let (from, to) = (START_MS + offer * 10 * DAY_MS, START_MS + (200 + offer) * DAY_MS);
        writeln!(text, "c{offer},Offer {offer},coupon,{from},{to},i{offer};i{},{cost},store", offer + 20).unwrap();
    }
    text
}

/// A folder with files that go when it goes.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Folder(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }
}
