//! A module for tests: it merges as the real one does, with less to say. A state is a map of events, links and consents,
//! each by the greatest copy, above the time of an erasure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use unisono_host::profiles::ProfileCalls;
use unisono_host::{Decision, Host, HostError};

use crate::guests;

#[derive(Default, Serialize, Deserialize)]
struct State {
    events: BTreeMap<String, i64>,
    consents: BTreeMap<String, (i64, bool)>,
    links: BTreeMap<String, (i64, bool)>,
    erased_ms: i64,
}

#[derive(Deserialize)]
struct Apply {
    #[serde(rename = "now_ms")]
    _now_ms: i64,
    profile_id: String,
    state: Option<ByteBuf>,
    #[serde(default)]
    events: Vec<Event>,
    #[serde(default)]
    consents: Vec<Consent>,
    #[serde(default)]
    links: Vec<Link>,
}

#[derive(Deserialize)]
struct Event {
    event_id: Option<String>,
    profile_id: String,
    ts_ms: i64,
    #[serde(default)]
    withheld: bool,
}

#[derive(Deserialize)]
struct Consent {
    purpose: String,
    granted: bool,
    ts_ms: i64,
}

#[derive(Deserialize)]
struct Link {
    profile_id: String,
    linked: bool,
    ts_ms: i64,
}

#[derive(Serialize, Default)]
struct Applied {
    state: ByteBuf,
    results: Vec<Outcome>,
    refused: Vec<Outcome>,
    warnings: Vec<Outcome>,
}

#[derive(Serialize, Default)]
struct Outcome {
    status: &'static str,
    message: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    code: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    field: &'static str,
}

#[derive(Deserialize)]
struct Whole {
    state: Option<ByteBuf>,
    #[serde(default)]
    ts_ms: i64,
    #[serde(default)]
    now_ms: i64,
    purpose: Option<String>,
}

#[derive(Deserialize)]
struct Component {
    profile_id: String,
    profiles: Vec<Given>,
}

#[derive(Deserialize)]
struct Given {
    profile_id: String,
    state: Option<ByteBuf>,
}

#[derive(Serialize)]
struct Belonging {
    profile_ids: Vec<String>,
    unit_id: String,
    needs: Vec<String>,
}

/// Decides as the echo guest does, so that a test sees the request.
pub(crate) struct PlainModule(Host);

impl PlainModule {
    pub(crate) fn new() -> Self {
        PlainModule(guests::host())
    }
}

/// The profile whose events this module refuses whole.
pub(crate) const BROKEN: &str = "broken";

fn read(state: Option<ByteBuf>) -> State {
    state.filter(|bytes| !bytes.is_empty()).map(|bytes| rmp_serde::from_slice(&bytes).unwrap()).unwrap_or_default()
}

fn newer(map: &mut BTreeMap<String, (i64, bool)>, key: String, value: (i64, bool)) {
    let held = map.entry(key).or_insert(value);
    // Of equal times the one that says no.
    *held = (*held).max_by_key_of(value);
}

trait MaxByKeyOf {
    fn max_by_key_of(self, other: Self) -> Self;
}

impl MaxByKeyOf for (i64, bool) {
    fn max_by_key_of(self, other: Self) -> Self {
        if (other.0, !other.1) > (self.0, !self.1) { other } else { self }
    }
}

impl ProfileCalls for PlainModule {
    fn profile_apply(&self, input: &[u8]) -> Result<Vec<u8>, HostError> {
        let input: Apply = rmp_serde::from_slice(input).unwrap();
        if input.profile_id == BROKEN {
            #[derive(Serialize)]
            struct Failed {
                error: BTreeMap<&'static str, &'static str>,
            }
            let error = BTreeMap::from([("code", "limit_exceeded"), ("message", "too large"), ("field", "state")]);
            return Ok(rmp_serde::to_vec_named(&Failed { error }).unwrap());
        }
        let mut state = read(input.state);
        let mut applied = Applied::default();
        for event in input.events {
            assert_eq!(event.profile_id, input.profile_id);
            let Some(event_id) = event.event_id else {
                applied.results.push(Outcome {
                    status: "refused",
                    message: "",
                    code: "missing_field",
                    field: "event_id",
                });
                continue;
            };
            let status = match event.withheld || event.ts_ms <= state.erased_ms {
                true => "withheld",
                false if state.events.insert(event_id, event.ts_ms).is_some() => "duplicate",
                false => "accepted",
            };
            applied.results.push(Outcome { status, ..Outcome::default() });
        }
        for consent in input.consents {
            if consent.purpose == "world domination" {
                applied.refused.push(Outcome {
                    status: "refused",
                    message: "no such purpose",
                    code: "unknown_purpose",
                    field: "consents[0].purpose",
                });
                continue;
            }
            newer(&mut state.consents, consent.purpose, (consent.ts_ms, consent.granted));
        }
        for (at, link) in input.links.into_iter().enumerate() {
            if link.ts_ms <= state.erased_ms {
                let field = ["links[0].ts_ms", "links[1].ts_ms"][at];
                applied.refused.push(Outcome { status: "refused", message: "too old", code: "register_erased", field });
                continue;
            }
            newer(&mut state.links, link.profile_id, (link.ts_ms, link.linked));
        }
        applied.state = ByteBuf::from(rmp_serde::to_vec(&state).unwrap());
        Ok(rmp_serde::to_vec_named(&applied).unwrap())
    }

    fn profile_erase(&self, input: &[u8]) -> Result<Vec<u8>, HostError> {
        let input: Whole = rmp_serde::from_slice(input).unwrap();
        let mut state = read(input.state);
        let newest = state.events.values().chain(state.consents.values().map(|word| &word.0)).copied().max();
        let all = input.now_ms.max(newest.unwrap_or(0));
        state.erased_ms = state.erased_ms.max(if input.ts_ms > 0 { input.ts_ms } else { all });
        state.events.retain(|_, ts_ms| *ts_ms > state.erased_ms);
        state.consents.retain(|_, (ts_ms, _)| *ts_ms > state.erased_ms);
        state.links.retain(|_, (ts_ms, _)| *ts_ms > state.erased_ms);
        let applied = Applied { state: ByteBuf::from(rmp_serde::to_vec(&state).unwrap()), ..Applied::default() };
        Ok(rmp_serde::to_vec_named(&applied).unwrap())
    }

    fn profile_export(&self, input: &[u8]) -> Result<Vec<u8>, HostError> {
        let input: Whole = rmp_serde::from_slice(input).unwrap();
        let mut state = read(input.state);
        if input.purpose.is_some() {
            state.events.clear();
        }
        Ok(rmp_serde::to_vec_named(&state).unwrap())
    }

    fn profile_component(&self, input: &[u8]) -> Result<Vec<u8>, HostError> {
        let input: Component = rmp_serde::from_slice(input).unwrap();
        let states: BTreeMap<String, State> =
            input.profiles.into_iter().map(|given| (given.profile_id, read(given.state))).collect();
        let (mut profile_ids, mut needs) = (vec![input.profile_id], Vec::new());
        let mut at = 0;
        while let Some(id) = profile_ids.get(at).cloned() {
            at += 1;
            for (other, (_, linked)) in &states[&id].links {
                if !linked || profile_ids.contains(other) {
                    continue;
                }
                match states.get(other) {
                    None => needs.push(other.clone()),
                    Some(state) if state.links.get(&id).is_some_and(|(_, linked)| *linked) => {
                        profile_ids.push(other.clone());
                    }
                    Some(_) => {}
                }
            }
        }
        profile_ids.sort();
        let unit_id = profile_ids[0].clone();
        Ok(rmp_serde::to_vec_named(&Belonging { profile_ids, unit_id, needs }).unwrap())
    }

    fn token_write(&self, _input: &[u8]) -> Result<Vec<u8>, HostError> {
        panic!("no test asks this module for a token")
    }

    fn token_apply(&self, _input: &[u8]) -> Result<Vec<u8>, HostError> {
        panic!("no test asks this module for a token")
    }

    fn decide_with_ids(&self, request: &[u8]) -> Result<Decision, HostError> {
        self.0.decide_with_ids(request)
    }

    fn workers(&self) -> usize {
        2
    }
}
