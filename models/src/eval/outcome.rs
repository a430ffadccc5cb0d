//! Outcomes: one request answered natively and by both baselines, with what it takes to measure the lists.

use super::baselines::{Popular, personal, popular};
use crate::counts::Target;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use unisono_core::history::History;
use unisono_core::profile::Profile;
use unisono_core::{Model, Policy, recommend};
use unisono_message::{Event, EventType, MICRO, Request};

/// Places of a list that count.
pub const K: usize = 20;
/// Newest items of a history that an example shows.
const RECENT: usize = 6;

/// One case, answered.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The request's id.
    pub case: String,
    /// Whose it is: what the bootstrap draws.
    pub profile: String,
    /// The channel of the context.
    pub channel: String,
    /// The store of the context.
    pub store: Option<String>,
    /// Baskets of the history; views where it holds no purchase.
    pub history: usize,
    /// The model's segment of who has bought.
    pub segment: Option<u32>,
    /// True ids.
    pub truth: BTreeSet<String>,
    /// Ids that the history holds as the target has them.
    pub own: BTreeSet<String>,
    /// The newest of them, newest first.
    pub recent: Vec<String>,
    /// Lists by answerer: the model, the personal baseline, popularity, and whoever is compared.
    pub lists: Vec<Vec<String>>,
    /// Beside the model's list: the chance it gives each item.
    pub chances: Vec<Option<f64>>,
    /// Beside the model's list: the reasons.
    pub reasons: Vec<Vec<String>>,
    /// Unit prices of the history: item, micro-units, how often.
    pub prices: BTreeMap<String, (i128, u32)>,
}

/// A request in JSON with `probability` asked for, as MessagePack.
///
/// # Errors
/// A sentence: the text is no JSON object.
pub fn with_probability(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut map: Map<String, Value> = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    map.insert("probability".into(), true.into());
    rmp_serde::to_vec_named(&map).map_err(|error| error.to_string())
}

/// Answers a request by a model of `target`; `truth_of` gives what happened by the request's id, and a request that it does not know gives only its id.
///
/// # Errors
/// A sentence: the request or the model's answer is an error.
pub fn answer(
    model: &Model<'_>,
    (popularity, target): (&Popular<'_>, Target),
    request: &[u8],
    truth_of: impl FnOnce(&str) -> Option<BTreeSet<String>>,
) -> Result<(String, Option<Outcome>), String> {
    let response: Value =
        rmp_serde::from_slice(&recommend(model, &Policy::default(), request)).map_err(|error| error.to_string())?;
    if let Some(error) = response.get("error") {
        let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
        return Err(format!("{}: {} (field `{}`)", text("code"), text("message"), text("field")));
    }
    let request = Request::decode(request).map_err(|error| error.to_string())?;
    let case = request.request_id.unwrap_or_default().to_owned();
    let Some(truth) = truth_of(&case) else { return Ok((case, None)) };
    let target = target_of(target, &request.profile.events);
    let mut outcome = Outcome { segment: segment(model, &request)?, ..of_history(&request, target) };
    let mut barred: BTreeSet<&str> = request.context.cart.iter().copied().collect();
    if let Some(placement) = request.placements.first() {
        barred.extend(placement.exclude.iter().copied());
        let bought = request.profile.events.iter().filter(|event| event.kind == EventType::Purchase);
        barred.extend(bought.filter(|_| placement.exclude_bought).filter_map(|event| event.item_id));
    }
    let own = personal(target, &request.profile.events, request.now_ms, popularity, &barred, K);
    let owned = |ids: Vec<&str>| ids.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let model_list = read_list(&response, &mut outcome);
    outcome.lists = vec![model_list, owned(own), owned(popular(popularity, &barred, K))];
    (outcome.case, outcome.truth) = (case.clone(), truth);
    Ok((case, Some(outcome)))
}

/// The model's target; views where the history holds nothing of it.
fn target_of(target: Target, events: &[Event<'_>]) -> Target {
    if events.iter().any(|event| target.takes(event.kind)) { target } else { Target::View }
}

fn segment(model: &Model<'_>, request: &Request<'_>) -> Result<Option<u32>, String> {
    let state = request.profile.state.map(Profile::decode).transpose().map_err(|error| error.to_string())?;
    let (profile, _) = state.unwrap_or_default().with_events(&request.profile.events);
    Ok(History::fold(model, &profile, request.now_ms, &request.context).segment)
}

fn of_history(request: &Request<'_>, target: Target) -> Outcome {
    let events = &request.profile.events;
    let mut outcome = Outcome {
        profile: request.profile.profile_id.or(request.request_id).unwrap_or_default().to_owned(),
        channel: request.context.channel.to_owned(),
        store: request.context.store_id.map(str::to_owned),
        ..Outcome::default()
    };
    let mut baskets = BTreeSet::new();
    let mut newest: Vec<(i64, &str)> = Vec::new();
    for event in events.iter().filter(|event| target.takes(event.kind)) {
        let Some(item) = event.item_id else { continue };
        let day = event.day().to_string();
        baskets.insert(event.order_id.or(event.session_id).unwrap_or(&day).to_owned());
        outcome.own.insert(item.to_owned());
        newest.push((event.ts_ms, item));
        if let Some(price) = event.price_micro {
            let entry = outcome.prices.entry(item.to_owned()).or_default();
            *entry = (entry.0 + i128::from(price), entry.1 + 1);
        }
    }
    outcome.history = if target == Target::View { newest.len() } else { baskets.len() };
    newest.sort_unstable_by(|a, b| b.cmp(a));
    for (_, item) in newest {
        if outcome.recent.len() < RECENT && !outcome.recent.iter().any(|known| known == item) {
            outcome.recent.push(item.to_owned());
        }
    }
    outcome
}

/// The ids of the first placement; chances and reasons go beside them.
fn read_list(response: &Value, outcome: &mut Outcome) -> Vec<String> {
    let list = response.pointer("/placements/0/recommendations").and_then(Value::as_array);
    let mut ids = Vec::new();
    for one in list.into_iter().flatten().take(K) {
        let Some(id) = one.get("offer_id").or(one.get("item_id")).and_then(Value::as_str) else { continue };
        ids.push(id.to_owned());
        outcome.chances.push(one.get("probability").and_then(Value::as_f64));
        let reasons = one.get("reasons").and_then(Value::as_array).into_iter().flatten();
        outcome.reasons.push(reasons.filter_map(|reason| Some(reason.as_str()?.to_owned())).collect());
    }
    ids
}

/// Mean unit prices of all histories together, in units of the currency.
pub fn mean_prices(outcomes: &[Outcome]) -> BTreeMap<String, f64> {
    let mut sums: BTreeMap<&str, (i128, u32)> = BTreeMap::new();
    for (item, (sum, count)) in outcomes.iter().flat_map(|outcome| &outcome.prices) {
        let entry = sums.entry(item).or_default();
        *entry = (entry.0 + sum, entry.1 + count);
    }
    let mean = |(sum, count): (i128, u32)| sum as f64 / f64::from(count) / MICRO as f64;
    sums.into_iter().map(|(item, both)| (item.to_owned(), mean(both))).collect()
}
