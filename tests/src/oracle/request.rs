//! Requests, naively: a valid one, read by another MessagePack implementation.

use super::policy::Policy;
use super::seen::Seen;
use crate::value::{Value, field, int, list, map, strings, text};
use anyhow::{Context, Result};
use unisono_message::PlacementKind;

/// A placement of a valid request.
#[derive(Clone, Debug)]
pub struct Placement {
    /// Its id.
    pub id: String,
    /// Its kind.
    pub kind: PlacementKind,
    /// Wanted recommendations.
    pub k: usize,
    /// Items to start from.
    pub items: Vec<String>,
    /// What to choose among.
    pub candidates: Vec<String>,
    /// What must not appear.
    pub exclude: Vec<String>,
    /// Whether to leave out what was bought.
    pub exclude_bought: bool,
    /// Only this category.
    pub category: Option<String>,
    /// Open gates.
    pub allow: Vec<String>,
    /// How strongly categories are spread, in 1,000ths.
    pub diversity: Option<i64>,
}

/// A valid request.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its id.
    pub request_id: Option<String>,
    /// The moment.
    pub now_ms: i64,
    /// The profile, as far as purposes allow.
    pub seen: Seen,
    /// Whose it is.
    pub profile_id: Option<String>,
    /// The channel.
    pub channel: String,
    /// The store.
    pub store_id: Option<String>,
    /// Minutes from UTC.
    pub utc_offset_min: i64,
    /// The cart.
    pub cart: Vec<String>,
    /// The placements.
    pub placements: Vec<Placement>,
    /// The seed.
    pub seed: i64,
    /// Whether to explain.
    pub explain: bool,
    /// Whether to give probabilities.
    pub probability: bool,
    /// Keys that no version knows.
    pub unknown_fields: usize,
}

const REQUEST: [&str; 8] =
    ["request_id", "now_ms", "profile", "context", "placements", "seed", "explain", "probability"];
const PROFILE: [&str; 5] = ["profile_id", "events", "state", "consents", "linked"];
const CONSENT: [&str; 5] = ["purpose", "channel", "granted", "ts_ms", "writer"];
const CONTEXT: [&str; 4] = ["channel", "store_id", "utc_offset_min", "cart"];
const PLACEMENT: [&str; 10] =
    ["id", "kind", "k", "items", "candidates", "exclude", "exclude_bought", "category", "allow", "diversity"];

impl Request {
    /// Reads a valid request.
    ///
    /// # Errors
    /// When it is not valid.
    pub fn read(value: &Value, policy: &Policy) -> Result<Request> {
        let nothing = map(Vec::new());
        let profile = field(value, "profile").unwrap_or(&nothing);
        let context = field(value, "context").unwrap_or(&nothing);
        let now_ms = field(value, "now_ms").and_then(int).context("a request has a moment")?;
        let channel = text(context, "channel").unwrap_or("web");
        let seen = Seen::of(policy, profile, channel, now_ms)?;
        let placements: Option<Vec<Placement>> = list(value, "placements").iter().map(placement).collect();
        let mut unknown = unknown_keys(value, &REQUEST) + unknown_keys(profile, &PROFILE);
        unknown += unknown_keys(context, &CONTEXT);
        let of_lists = [("consents", &CONSENT[..]), ("linked", &["profile_id", "state"])];
        for (name, known) in of_lists {
            unknown += list(profile, name).iter().map(|one| unknown_keys(one, known)).sum::<usize>();
        }
        unknown += seen.unknown_fields;
        unknown += list(value, "placements").iter().map(|one| unknown_keys(one, &PLACEMENT)).sum::<usize>();
        let owned = |value: &Value, name: &str| text(value, name).map(str::to_owned);
        let switch = |name: &str| field(value, name).and_then(Value::as_bool).unwrap_or(false);
        Ok(Request {
            request_id: owned(value, "request_id"),
            now_ms,
            seen,
            profile_id: owned(profile, "profile_id"),
            channel: channel.to_owned(),
            store_id: owned(context, "store_id"),
            utc_offset_min: field(context, "utc_offset_min").and_then(int).unwrap_or(0),
            cart: ids(context, "cart"),
            placements: placements.context("a placement has an id, a kind and a k")?,
            seed: field(value, "seed").and_then(int).unwrap_or(0),
            explain: switch("explain"),
            probability: switch("probability"),
            unknown_fields: unknown,
        })
    }

    /// What the decision id covers besides the profile.
    pub fn canonical(&self) -> Value {
        let optional = |text: &Option<String>| text.as_deref().map_or(Value::Nil, Value::from);
        let placement = |one: &Placement| {
            let mut fields: Vec<Value> = vec![
                one.id.as_str().into(),
                (one.kind as i64).into(),
                one.k.into(),
                strings(&one.items),
                strings(&one.candidates),
                strings(&one.exclude),
                one.exclude_bought.into(),
                optional(&one.category),
                one.allow.iter().any(|gate| gate == "sensitive").into(),
                one.allow.iter().any(|gate| gate == "restricted").into(),
            ];
            fields.extend(one.diversity.map(Value::from));
            Value::Array(fields)
        };
        Value::Array(vec![
            optional(&self.request_id),
            self.now_ms.into(),
            optional(&self.profile_id),
            Value::Array(vec![
                self.channel.as_str().into(),
                optional(&self.store_id),
                self.utc_offset_min.into(),
                strings(&self.cart),
            ]),
            Value::Array(self.placements.iter().map(placement).collect()),
            self.seed.into(),
            self.explain.into(),
            self.probability.into(),
        ])
    }
}

fn placement(value: &Value) -> Option<Placement> {
    Some(Placement {
        id: text(value, "id")?.to_owned(),
        kind: PlacementKind::from_name(text(value, "kind")?)?,
        k: field(value, "k").and_then(int)? as usize,
        items: ids(value, "items"),
        candidates: ids(value, "candidates"),
        exclude: ids(value, "exclude"),
        exclude_bought: field(value, "exclude_bought").and_then(Value::as_bool).unwrap_or(false),
        category: text(value, "category").map(str::to_owned),
        allow: ids(value, "allow"),
        diversity: field(value, "diversity").and_then(Value::as_f64).map(|d| (d * 1_000.0).round_ties_even() as i64),
    })
}

fn ids(value: &Value, name: &str) -> Vec<String> {
    list(value, name).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

pub(super) fn unknown_keys(value: &Value, known: &[&str]) -> usize {
    let is_known = |key: &Value| key.as_str().is_some_and(|key| known.contains(&key));
    value.as_map().map_or(0, |pairs| pairs.iter().filter(|pair| !is_known(&pair.0)).count())
}
