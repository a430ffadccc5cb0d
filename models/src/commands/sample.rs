//! `sample`: customers of the log as ready requests for a demo page.

use super::lines::read;
use super::print;
use super::settings::LimitArgs;
use crate::counts::Target;
use crate::error::{Error, Result};
use crate::output::{Output, apart};
use crate::tables::{Catalog, EventLog, event_json, read_catalog, read_events};
use clap::Args as ClapArgs;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use unisono_core::{Model, Policy, recommend};

/// Items of the model whose titles are always put in, the most popular first.
const POPULAR_TITLES: usize = 200;
/// Newest events of a customer that a request carries.
const EVENTS: usize = 2_000;

/// Options of `sample`.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example:\n  unisono-models sample --events events.parquet --catalog catalog.csv --model shop.unisono --out customers.json"
)]
pub(crate) struct Args {
    /// Events.
    #[arg(long, value_name = "FILE")]
    events: PathBuf,
    /// Products.
    #[arg(long, value_name = "FILE")]
    catalog: PathBuf,
    #[command(flatten)]
    limits: LimitArgs,
    /// The model, whose answers' titles are put in.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// How many customers.
    #[arg(long, default_value_t = 24)]
    customers: usize,
    /// {"customers": [{"label", "request"}], "titles": {item_id: title}}.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let file = read(&args.model)?;
    let model = Model::load(&file).map_err(Error::from_core)?;
    let inputs = [Some(&args.events), Some(&args.catalog), Some(&args.model), args.limits.config.as_ref()];
    apart(&inputs.into_iter().flatten().map(PathBuf::as_path).collect::<Vec<_>>(), &[&args.out])?;
    let limits = args.limits.read()?;
    let mut out = Output::create(&args.out)?;
    let (log, _) = read_events(&args.events, i64::MAX, limits)?;
    let (catalog, _) = read_catalog(&args.catalog, limits)?;
    let Some(last_ms) = log.last_ms() else {
        return Err(Error::NotEnoughData { reason: "the events table has no row that can be used".into() });
    };
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    wanted.extend(model.popularity.order.iter().take(POPULAR_TITLES).map(|item| model.items.ids.get(*item).to_owned()));
    let mut customers = Vec::new();
    for profile in pick(&log, args.customers) {
        let request = request(&log, profile, last_ms + 1);
        let bytes = rmp_serde::to_vec_named(&request).map_err(|e| Error::config("request", e.to_string()))?;
        wanted.extend(log.rows_of(profile).filter_map(|row| log.event(row).item_id.map(str::to_owned)));
        wanted.extend(all_ids(&recommend(&model, &Policy::default(), &bytes)));
        customers.push(json!({"label": label(&log, profile), "request": request}));
    }
    let titles = titles(&catalog, &wanted);
    let page = json!({"customers": customers, "titles": titles});
    let text = serde_json::to_vec(&page).map_err(|e| Error::io("write", &args.out, e.into()))?;
    out.write(&text)?;
    out.complete()?;
    print(&format!("{} customers, {} titles in `{}`", customers.len(), titles.len(), args.out.display()));
    Ok(())
}

/// Profiles at equal distances in the order of how many events they have, so that newcomers and regulars are among them.
fn pick(log: &EventLog, count: usize) -> Vec<u32> {
    let mut order: Vec<(usize, u32)> = (0..log.profiles.len() as u32).map(|p| (log.rows_of(p).len(), p)).collect();
    order.sort_unstable();
    let count = count.min(order.len());
    let at = |number: usize| order[(2 * number + 1) * order.len() / (2 * count)].1;
    (0..count).map(at).collect()
}

fn label(log: &EventLog, profile: u32) -> String {
    let rows = log.rows_of(profile);
    let takes = |row: &usize| Target::Purchase.takes(log.kind(*row));
    let orders: BTreeSet<(u8, i64)> =
        rows.clone().filter(takes).map(|row| crate::counts::basket_key(log, row)).collect();
    format!("Customer {}: {} orders, {} events", log.profiles.get(profile), orders.len(), rows.len())
}

fn request(log: &EventLog, profile: u32, now_ms: i64) -> Value {
    let rows = log.rows_of(profile);
    let newest = rows.end - rows.len().min(EVENTS)..rows.end;
    let events: Vec<Value> = newest.clone().map(|row| event_json(&log.event(row))).collect();
    let channel = newest.last().map_or("web", |row| log.event(row).channel);
    let id = log.profiles.get(profile);
    json!({
        "request_id": format!("customer-{id}"),
        "now_ms": now_ms,
        "profile": {"profile_id": id, "events": events},
        "context": {"channel": channel, "cart": []},
        "placements": [
            {"id": "for-you", "kind": "for_you", "k": 12},
            {"id": "buy-again", "kind": "buy_again", "k": 6},
            {"id": "offers", "kind": "offers", "k": 4},
        ],
        "seed": 0,
    })
}

/// Every id that a response recommends.
fn all_ids(response: &[u8]) -> Vec<String> {
    let value: Value = rmp_serde::from_slice(response).unwrap_or_default();
    let placements = value.get("placements").and_then(Value::as_array).cloned().unwrap_or_default();
    let lists = placements.iter().filter_map(|placement| placement.get("recommendations")?.as_array());
    lists.flatten().filter_map(|one| Some(one.get("item_id")?.as_str()?.to_owned())).collect()
}

fn titles(catalog: &Catalog, wanted: &BTreeSet<String>) -> BTreeMap<String, String> {
    let title = |id: &String| Some((id.clone(), catalog.items.get(id)?.title.clone()));
    wanted.iter().filter_map(title).filter(|(_, title)| !title.is_empty()).collect()
}
