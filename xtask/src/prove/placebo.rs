//! A placebo: what the channel's label is worth, and that a label which says nothing is worth nothing.
//!
//! All of Complete Journey was sold in stores, so that its stores stand for channels. `true` labels each order with its store, `shuffled`
//! with the store of another order of the same household, `none` with the same word.

use super::kit::{Cases, Kit};
use super::recommendations::{answered, fit};
use crate::tree::Tree;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write as _};
use std::path::Path;

/// Stores that are channels of their own, those of most rows first; a model holds 32 channels.
const STORES: usize = 20;
/// Every other store, and all of them where there is no label.
const OTHER: &str = "store";

/// Fits and answers under the three labels.
pub(super) fn stores(tree: &Tree, kit: &Kit) -> Result<String> {
    let cases = kit.cases(tree, "cj-basket", None)?;
    let labels = Labels::read(&cases)?;
    let place = Kit::place(tree)?;
    let mut answers = Vec::new();
    for kind in ["none", "true", "shuffled"] {
        let (events, requests) = (place.join(format!("{kind}.csv")), place.join(format!("{kind}-requests.jsonl")));
        labels.write_events(&cases.events_csv, &events, kind)?;
        labels.write_requests(&cases.requests, &requests, kind)?;
        let model = place.join(format!("placebo-{}-{kind}.unisono", kit.cut));
        fit(tree, &events, &cases.catalog, &model, 7)?;
        answers.push(answered(tree, &model, &requests, &format!("placebo-{}-{kind}", kit.cut))?);
    }
    let mut out = String::new();
    let mut gains = Vec::new();
    for (name, with, without) in [("true - none", 1, 0), ("shuffled - none", 2, 0), ("true - shuffled", 1, 2)] {
        let figures = kit.scored("cj-basket", &[&answers[with]], Some(&answers[without]))?;
        for measure in ["recall@20", "ndcg@20"] {
            let value = figures[format!("{measure} against")].as_f64().context("no difference")?;
            let ends = &figures[format!("{measure} against 95 %")];
            let (low, high) = (ends[0].as_f64().context("no interval")?, ends[1].as_f64().context("no interval")?);
            writeln!(out, "{name:<16} {measure:<10} {value:+.4} [{low:+.4}, {high:+.4}]")?;
            if name == "shuffled - none" && low > 0.0 {
                gains.push(measure);
            }
        }
    }
    ensure!(gains.is_empty(), "{out}\nthe placebo gains {}", gains.join(", "));
    Ok(out)
}

/// Labels of the orders of each household.
struct Labels {
    stores: BTreeSet<String>,
}

impl Labels {
    fn read(cases: &Cases) -> Result<Labels> {
        let mut rows: BTreeMap<String, usize> = BTreeMap::new();
        let table = Table::open(&cases.events_csv)?;
        let store = table.column("store_id")?;
        for line in table.lines {
            *rows.entry(cell(&line?, store).to_owned()).or_default() += 1;
        }
        let mut order: Vec<(usize, String)> = rows.into_iter().map(|(store, rows)| (rows, store)).collect();
        order.sort_by(|a, b| b.cmp(a));
        Ok(Labels { stores: order.into_iter().take(STORES).map(|(_, store)| store).collect() })
    }

    fn of(&self, store: &str) -> String {
        if self.stores.contains(store) { format!("s{store}") } else { OTHER.to_owned() }
    }

    /// The label of each order of one household, from its store.
    fn labelled(&self, profile: &str, stores: &BTreeMap<String, String>, kind: &str) -> BTreeMap<String, String> {
        let own: Vec<String> = stores.values().map(|store| self.of(store)).collect();
        let mut from: Vec<&String> = stores.keys().collect();
        if kind == "shuffled" {
            from.sort_by_key(|order| hash(&[profile, order]));
        }
        let label =
            |(order, label): (&String, String)| (order.clone(), if kind == "none" { OTHER.to_owned() } else { label });
        from.into_iter().zip(own).map(label).collect()
    }

    /// The training rows with a label for a channel and no store.
    fn write_events(&self, from: &Path, to: &Path, kind: &str) -> Result<()> {
        let mut households: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        let table = Table::open(from)?;
        let at = ["profile_id", "order_id", "store_id", "channel"].map(|name| table.column(name));
        let [profile, order, store, channel] = at;
        let (profile, order, store, channel) = (profile?, order?, store?, channel?);
        for line in table.lines {
            let line = line?;
            let orders = households.entry(cell(&line, profile).to_owned()).or_default();
            orders.insert(cell(&line, order).to_owned(), cell(&line, store).to_owned());
        }
        let labels: BTreeMap<&String, BTreeMap<String, String>> =
            households.iter().map(|(profile, stores)| (profile, self.labelled(profile, stores, kind))).collect();
        let table = Table::open(from)?;
        let mut out = BufWriter::new(File::create(to)?);
        writeln!(out, "{}", table.head)?;
        for line in table.lines {
            let line = line?;
            let mut cells: Vec<&str> = line.split(',').collect();
            let label = labels.get(&cells[profile].to_owned()).and_then(|orders| orders.get(cells[order]));
            cells[channel] = label.context("a row without a label")?;
            cells[store] = "";
            writeln!(out, "{}", cells.join(","))?;
        }
        Ok(out.flush()?)
    }

    /// The requests alike; what is asked for is one more order.
    fn write_requests(&self, from: &Path, to: &Path, kind: &str) -> Result<()> {
        const ASKED: &str = "~";
        let mut out = BufWriter::new(File::create(to)?);
        for line in BufReader::new(File::open(from)?).lines() {
            let mut request: Value = serde_json::from_str(&line?)?;
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let mut stores = BTreeMap::from([(ASKED.to_owned(), text(&request["context"]["store_id"]))]);
            for event in request["profile"]["events"].as_array().into_iter().flatten() {
                stores.insert(text(&event["order_id"]), text(&event["store_id"]));
            }
            let labels = self.labelled(&text(&request["profile"]["profile_id"]), &stores, kind);
            let put = |object: &mut Value, order: &str| {
                if let (Some(object), Some(label)) = (object.as_object_mut(), labels.get(order)) {
                    object.insert("channel".into(), label.clone().into());
                    object.remove("store_id");
                }
            };
            put(&mut request["context"], ASKED);
            for event in request["profile"]["events"].as_array_mut().into_iter().flatten() {
                let order = text(&event["order_id"]);
                put(event, &order);
            }
            writeln!(out, "{request}")?;
        }
        Ok(out.flush()?)
    }
}

/// A CSV without quotes, as the kit writes it for this data.
struct Table {
    head: String,
    lines: std::io::Lines<BufReader<File>>,
}

impl Table {
    fn open(path: &Path) -> Result<Table> {
        let file = File::open(path).with_context(|| format!("can't open `{}`", path.display()))?;
        let mut lines = BufReader::new(file).lines();
        let head = lines.next().context("the table is empty")??;
        Ok(Table { head, lines })
    }

    fn column(&self, name: &str) -> Result<usize> {
        self.head.split(',').position(|column| column == name).with_context(|| format!("the table has no `{name}`"))
    }
}

fn cell(line: &str, at: usize) -> &str {
    line.split(',').nth(at).unwrap_or_default()
}

/// FNV-1a with splitmix64's finaliser: an order that says nothing.
fn hash(parts: &[&str]) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for byte in parts.iter().flat_map(|part| part.bytes().chain([0xff])) {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state ^ (state >> 27)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffled_labels_are_the_households_own_in_another_order() {
        let labels = Labels { stores: BTreeSet::from(["1".into(), "2".into()]) };
        let stores: BTreeMap<String, String> =
            (0..40).map(|order| (order.to_string(), (1 + order % 3).to_string())).collect();
        let [told, shuffled, none] = ["true", "shuffled", "none"].map(|kind| labels.labelled("p", &stores, kind));
        let sorted = |labels: &BTreeMap<String, String>| {
            let mut values: Vec<String> = labels.values().cloned().collect();
            values.sort();
            values
        };
        assert_eq!(told["0"], "s1");
        assert_eq!(told["2"], OTHER);
        assert!(told != shuffled && sorted(&told) == sorted(&shuffled));
        assert!(none.values().all(|label| label == OTHER) && none.len() == 40);
    }
}
