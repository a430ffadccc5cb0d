//! Random profiles: of nothing and of thousands of events, as events, as a state, or both.

use super::events::{Habits, event};
use super::moment;
use crate::random::Random;
use crate::value::{Value, decode, encode, field, map};
use unisono_core::model::ModelParts;

/// A profile as a request carries it.
pub(super) fn profile(random: &mut Random, parts: &ModelParts, now_ms: i64) -> Value {
    let mut fields = Vec::new();
    if random.chance(70) {
        fields.push(("profile_id", Value::from("p1")));
    }
    let mut events = events(random, parts, now_ms);
    if random.chance(20) {
        // Some of the events in the state, some beside it, a few in both.
        let cut = random.below(events.len() + 1);
        let in_state = events[..cut].to_vec();
        events.drain(..cut.saturating_sub(2));
        fields.push(("state", Value::Binary(state_of(in_state, now_ms))));
    }
    fields.push(("events", Value::Array(events)));
    random.shuffle(&mut fields);
    map(fields)
}

/// Events: in one profile in seven none, in one of thirty-three up to 4,000.
pub(super) fn events(random: &mut Random, parts: &ModelParts, now_ms: i64) -> Vec<Value> {
    let count = match random.weighted(&[14, 38, 36, 9, 3]) {
        0 => 0,
        1 => random.within(1, 9),
        2 => random.within(10, 99),
        3 => random.within(100, 999),
        _ => random.within(1_000, 4_000),
    } as usize;
    let habits = Habits {
        ids: if random.chance(25) { 1 + count / 2 } else { 1_000_000 },
        one_channel: random.chance(30),
        many_items: random.chance(30),
    };
    (0..count).map(|_| event(random, parts, now_ms, habits)).collect()
}

/// The state that the core makes of events; what it refuses is not in it.
fn state_of(events: Vec<Value>, now_ms: i64) -> Vec<u8> {
    let input = map(vec![("now_ms", Value::from(now_ms)), ("events", Value::Array(events))]);
    let answer = decode(&unisono_core::profile_apply(&unisono_core::Policy::default(), &encode(&input)))
        .expect("the core answers in MessagePack");
    field(&answer, "state").and_then(Value::as_slice).expect("valid events make a state").to_vec()
}

/// Input of `profile_apply`: a state or none, and events of which a few are refused.
pub fn apply_input(random: &mut Random, parts: &ModelParts) -> Value {
    let now_ms = moment(random);
    let mut fields = vec![("now_ms", Value::from(now_ms))];
    if random.chance(50) {
        let before = events(random, parts, now_ms);
        fields.push(("state", Value::Binary(state_of(before, now_ms))));
    }
    let mut list = events(random, parts, now_ms);
    for _ in 0..random.below(3) {
        let at = random.below(list.len() + 1);
        list.insert(at, super::invalid::invalid_event(random, now_ms));
    }
    fields.push(("events", Value::Array(list)));
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
        Value::Binary(state_of(kept, now_ms))
    };
    let states = (0..random.below(6)).map(|_| part(random)).collect();
    map(vec![("states", Value::Array(states))])
}
