//! A planted effect of the channel is found, and where its labels are shuffled within each profile nothing is.
//!
//! The figures of this generated shop say that the way from label to list works, and nothing about accuracy.

use crate::command_line::{ok, text};
use crate::shop::{self, DAY_MS, Dice, Folder, Row, START_MS};
use serde_json::Value;

/// Customers over 240 days who buy each item in one channel only: even ones on the web, odd ones in the store.
fn planted(profiles: u64) -> Vec<Row> {
    let mut dice = Dice(71);
    let mut rows = Vec::new();
    for profile in 0..profiles {
        let habits: Vec<u64> = (0..16).map(|_| dice.roll(120)).collect();
        let mut day = dice.roll(6) as i64;
        while day < 240 {
            let web = dice.roll(2);
            let ts_ms = START_MS + day * DAY_MS + dice.roll(40_000) as i64 * 1_000;
            let mut basket: Vec<u64> =
                habits.iter().copied().filter(|item| item % 2 == web && dice.roll(3) > 0).collect();
            basket.extend([dice.roll(60) * 2 + web, dice.roll(60) * 2 + web]);
            basket.sort_unstable();
            basket.dedup();
            rows.extend(basket.into_iter().map(|item| Row {
                event_id: format!("{profile}-{day}-{item}"),
                profile_id: format!("p{profile}"),
                ts_ms,
                item_id: format!("i{item}"),
                quantity: 1.0,
                price: 1.0,
                order_id: format!("{profile}-{day}"),
                channel: if web == 1 { "web" } else { "store" },
            }));
            day += 3 + dice.roll(6) as i64;
        }
    }
    rows
}

/// The same rows, each order with the channel of another order of its profile, drawn without replacement.
fn shuffled_within_profiles(rows: &[Row]) -> Vec<Row> {
    let mut dice = Dice(72);
    let mut shuffled = Vec::new();
    for of_profile in rows.chunk_by(|a, b| a.profile_id == b.profile_id) {
        let orders: Vec<&[Row]> = of_profile.chunk_by(|a, b| a.order_id == b.order_id).collect();
        let mut labels: Vec<&str> = orders.iter().map(|order| order[0].channel).collect();
        for at in (1..labels.len()).rev() {
            labels.swap(at, dice.roll(at as u64 + 1) as usize);
        }
        for (order, channel) in orders.iter().zip(labels) {
            shuffled.extend(
                order.iter().map(|row| Row { channel: if channel == "web" { "web" } else { "store" }, ..row.clone() }),
            );
        }
    }
    shuffled
}

/// ndcg@20 on the last 30 days, of a model fitted on what lies before.
fn ndcg(folder: &Folder, rows: &[Row]) -> f64 {
    let events = folder.write("e.csv", &shop::csv(rows));
    let catalog = folder.write("c.csv", &shop::catalog(1));
    let model = folder.path("m.unisono");
    let (e, c, m) = (text(&events), text(&catalog), text(&model));
    let as_of = (START_MS + 210 * DAY_MS).to_string();
    ok(&["fit", "--events", e, "--catalog", c, "--as-of", &as_of, "--out", m]);
    let printed = ok(&["evaluate", "--model", m, "--events", e, "--draws", "10", "--format", "json"]);
    let figures: Value = serde_json::from_str(&printed).unwrap();
    figures["model"]["ndcg_20"].as_f64().unwrap()
}

#[test]
fn a_planted_effect_of_the_channel_is_recovered_and_a_placebo_gains_nothing() {
    let folder = Folder::new();
    let rows = planted(160);
    let placebo = shuffled_within_profiles(&rows);
    let blind: Vec<Row> = rows.iter().map(|row| Row { channel: "web", ..row.clone() }).collect();
    assert!(placebo.iter().zip(&rows).filter(|(a, b)| a.channel != b.channel).count() > rows.len() / 3);
    let [with, without, shuffled] = [&rows, &blind, &placebo].map(|rows| ndcg(&folder, rows));
    assert!(with > shuffled + 0.1 && with > without + 0.1, "true {with}, placebo {shuffled}, no label {without}");
    assert!(shuffled < without + 0.02, "placebo {shuffled}, no label {without}");
}
