//! Random profiles: of nothing and of thousands of events, as events, as a state, or both.

use super::events::{Habits, event};
use super::registers::{self, consents, state_of};
use super::{DAY_MS, moment};
use crate::random::Random;
use crate::value::{Value, decode, encode, field, int, map};
use unisono_core::Policy;
use unisono_core::model::ModelParts;
use unisono_message::{Purpose, limits};

/// A profile as a request carries it.
pub(super) fn profile(random: &mut Random, parts: &ModelParts, now_ms: i64) -> Value {
    let mut fields = Vec::new();
    let mut events = events(random, parts, now_ms);
    let is_linked = random.chance(10);
    if is_linked || random.chance(70) {
        fields.push(("profile_id", Value::from("p1")));
    }
    if is_linked {
        let mut family = family(random, parts, now_ms);
        let own = family.remove(0);
        fields.push(("state", field(&own, "state").cloned().expect("a profile has a state")));
        family.retain(|_| !random.chance(6));
        random.shuffle(&mut family);
        fields.push(("linked", Value::Array(family)));
    } else if random.chance(30) {
        // Some of the events in the state, some beside it, a few in both.
        let cut = random.below(events.len() + 1);
        let in_state = events[..cut].to_vec();
        events.drain(..cut.saturating_sub(2));
        fields.push(("state", Value::Binary(state_of(random, in_state, now_ms))));
    }
    let mut consents = if random.chance(25) { consents(random, now_ms) } else { Vec::new() };
    if random.chance(6) {
        cover(random, now_ms, &mut consents, &mut events);
    }
    if !consents.is_empty() {
        fields.push(("consents", Value::Array(consents)));
    }
    fields.push(("events", Value::Array(events)));
    random.shuffle(&mut fields);
    map(fields)
}

/// Withholds every purpose in one channel for good, and puts events there that are wrong: no one may notice.
fn cover(random: &mut Random, now_ms: i64, consents: &mut Vec<Value>, events: &mut Vec<Value>) {
    for purpose in ["personalization", "offers", "measurement"] {
        consents.push(map(vec![
            ("purpose", purpose.into()),
            ("channel", "email".into()),
            ("granted", false.into()),
            ("ts_ms", (now_ms + limits::FUTURE_MS_MAX).into()),
            ("writer", "~".into()),
        ]));
    }
    for _ in 0..1 + random.below(4) {
        let at = random.below(events.len() + 1);
        events.insert(at, super::invalid::covered_event(random, now_ms, "email"));
    }
}

fn family(random: &mut Random, parts: &ModelParts, now_ms: i64) -> Vec<Value> {
    let habits = Habits { ids: 40, one_channel: false, many_items: false };
    let mut few = |random: &mut Random| -> Vec<Value> {
        (0..random.below(12)).map(|_| event(random, parts, now_ms, habits)).collect()
    };
    registers::family(random, &mut few, now_ms)
}

/// Events: in one profile in seven none, in one of thirty-three up to 4,000.
pub(super) fn events(random: &mut Random, parts: &ModelParts, now_ms: i64) -> Vec<Value> {
    let count = match random.weighted(&[14, 38, 35, 9, 4]) {
        0 => 0,
        1 => random.within(1, 9),
        2 => random.within(10, 99),
        3 => random.within(100, 999),
        _ => random.within(1_000, 4_000),
    } as usize;
    let habits = Habits {
        ids: if random.chance(25) { 1 + count / 2 } else { 1_000_000 },
        // The more there are, the more often a class is to be full.
        one_channel: random.chance(if count < 1_000 { 30 } else { 95 }),
        many_items: random.chance(if count < 1_000 { 30 } else { 95 }),
    };
    (0..count).map(|_| event(random, parts, now_ms, habits)).collect()
}

/// Input of `profile_apply`: a state or none, and events, consents, traits and links of which a few are refused.
pub fn apply_input(random: &mut Random, parts: &ModelParts) -> Value {
    let now_ms = moment(random);
    let mut fields = vec![("now_ms", Value::from(now_ms))];
    if random.chance(50) {
        let before = events(random, parts, now_ms);
        fields.push(("state", Value::Binary(state_of(random, before, now_ms))));
    }
    let mut list = events(random, parts, now_ms);
    for _ in 0..random.below(3) {
        let at = random.below(list.len() + 1);
        list.insert(at, super::invalid::invalid_event(random, now_ms));
    }
    fields.push(("events", Value::Array(list)));
    let links = |random: &mut Random| -> Vec<Value> {
        (0..1 + random.below(3))
            .map(|_| {
                let (other, linked) = (format!("p{}", 2 + random.below(3)), random.chance(75));
                registers::link(random, &other, linked, now_ms)
            })
            .collect()
    };
    let mut of_registers = [
        ("consents", if random.chance(40) { consents(random, now_ms) } else { Vec::new() }),
        ("traits", if random.chance(35) { registers::traits(random, now_ms) } else { Vec::new() }),
        ("links", if random.chance(25) { links(random) } else { Vec::new() }),
    ];
    for _ in 0..random.below(3) {
        let (name, one) = registers::refused(random, now_ms);
        for (_, all) in of_registers.iter_mut().filter(|all| all.0 == name) {
            let at = random.below(all.len() + 1);
            all.insert(at, one.clone());
        }
    }
    fields
        .extend(of_registers.into_iter().filter(|all| !all.1.is_empty()).map(|(name, all)| (name, Value::Array(all))));
    if random.chance(50) {
        fields.push(("profile_id", Value::from("p1")));
    }
    if random.chance(10) {
        fields.push(("campaign", Value::from(7)));
    }
    random.shuffle(&mut fields);
    map(fields)
}

/// Input of `profile_merge`: up to five states, which share some events.
pub fn merge_input(random: &mut Random, parts: &ModelParts) -> Value {
    let now_ms = moment(random);
    let all = events(random, parts, now_ms);
    let part = |random: &mut Random| {
        let kept = all.iter().filter(|_| random.chance(60)).cloned().collect();
        Value::Binary(state_of(random, kept, now_ms))
    };
    let states = (0..random.below(6)).map(|_| part(random)).collect();
    map(vec![("states", Value::Array(states))])
}

/// Input of `profile_erase`: a state or none, and a moment within it or beside it.
pub fn erase_input(random: &mut Random, parts: &ModelParts) -> Value {
    let now_ms = moment(random);
    let ts_ms = now_ms - super::models::age_ms(random);
    let mut fields = vec![("now_ms", Value::from(now_ms))];
    if random.chance(70) {
        fields.push(("ts_ms", ts_ms.into()));
    }
    if random.chance(90) {
        let before = events(random, parts, now_ms);
        fields.push(("state", Value::Binary(state_of(random, before, now_ms))));
    }
    if random.chance(10) {
        fields.push(("why", Value::from("asked")));
    }
    random.shuffle(&mut fields);
    map(fields)
}

/// Input of `profile_export`: all that is stored, or what one purpose may see.
pub fn export_input(random: &mut Random, parts: &ModelParts) -> Value {
    let now_ms = moment(random);
    let before = events(random, parts, now_ms);
    let mut fields = vec![("now_ms", Value::from(now_ms)), ("state", Value::Binary(state_of(random, before, now_ms)))];
    if random.chance(50) {
        fields.push(("profile_id", Value::from("p1")));
    }
    if random.chance(75) {
        fields.push(("purpose", Value::from(random.pick(&Purpose::ALL).as_str())));
    }
    random.shuffle(&mut fields);
    map(fields)
}

/// Input of `profile_component`: a family, of which some are not at home.
pub fn component_input(random: &mut Random, parts: &ModelParts) -> Value {
    let now_ms = moment(random);
    let mut family = family(random, parts, now_ms);
    family.retain(|_| !random.chance(8));
    if random.chance(10) {
        let again = family.first().cloned();
        family.extend(again);
    }
    random.shuffle(&mut family);
    let mut fields = vec![("profile_id", Value::from("p1"))];
    if !family.is_empty() || random.chance(50) {
        fields.push(("profiles", Value::Array(family)));
    }
    random.shuffle(&mut fields);
    map(fields)
}

/// Input of `token_write`: a state, and mostly room for little of it.
pub fn token_write_input(random: &mut Random, parts: &ModelParts) -> Value {
    write_input(random, parts, 92)
}

fn write_input(random: &mut Random, parts: &ModelParts, tight: usize) -> Value {
    let now_ms = moment(random);
    let before = events(random, parts, now_ms);
    let mut fields = vec![
        ("now_ms", Value::from(now_ms)),
        ("expires_ms", (now_ms + 500 * DAY_MS).into()),
        ("shop", "shop.example".into()),
        ("key_id", "k1".into()),
        ("state", Value::Binary(state_of(random, before, now_ms))),
    ];
    if random.chance(tight) {
        fields.push(("bytes_max", Value::from(*random.pick(&[64, 70, 80, 1_000]))));
    }
    random.shuffle(&mut fields);
    map(fields)
}

/// Input of `token_apply`: what `token_write` gives, for a state that may hold some of it.
pub fn token_apply_input(random: &mut Random, parts: &ModelParts) -> Value {
    // With room also for what is older than policies keep it.
    let written = write_input(random, parts, 30);
    let answer = unisono_core::token_write(&Policy::default(), &encode(&written));
    let payload = field(&decode(&answer).expect("core answers in MessagePack"), "payload").cloned();
    // It may come late, when policies would not keep all of it any more.
    let moment =
        field(&written, "now_ms").and_then(int).unwrap_or_default() + *random.pick(&[0, 400, 400, 400]) * DAY_MS;
    let mut fields = vec![
        ("now_ms", Value::from(moment)),
        ("shop", Value::from("shop.example")),
        ("payload", payload.unwrap_or(Value::Nil)),
    ];
    if random.chance(70) {
        fields.push(("state", field(&written, "state").cloned().unwrap_or(Value::Nil)));
    }
    random.shuffle(&mut fields);
    map(fields)
}
