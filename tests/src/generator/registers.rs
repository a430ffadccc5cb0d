//! Random consents, traits and links, and what was said or carried of a profile besides its own events.

use super::events::CHANNELS;
use super::models::age_ms;
use crate::random::Random;
use crate::value::{Value, decode, encode, field, list, map, set};
use unisono_message::{EventType, Purpose, limits};

const WRITERS: [&str; 3] = ["", "app", "host-2"];

/// When and by whom: few moments and writers, so that ties are met.
fn stamped(random: &mut Random, now_ms: i64, fields: &mut Vec<(&'static str, Value)>) {
    let ts_ms = match random.below(4) {
        0 => now_ms - 86_400_000,
        1 => now_ms,
        _ => now_ms - age_ms(random),
    };
    fields.push(("ts_ms", Value::from(ts_ms)));
    if random.chance(50) {
        fields.push(("writer", Value::from(*random.pick(&WRITERS[1..]))));
    }
    if random.chance(3) {
        fields.push(("mood", Value::Nil));
        fields.push(("by", Value::from("phone")));
    }
    random.shuffle(fields);
}

/// A sound consent.
fn consent(random: &mut Random, now_ms: i64, granted: usize) -> Value {
    let mut fields = vec![
        ("purpose", Value::from(random.pick(&Purpose::ALL).as_str())),
        ("granted", Value::from(random.chance(granted))),
    ];
    if random.chance(45) {
        fields.push(("channel", Value::from(*random.pick(&CHANNELS))));
    }
    stamped(random, now_ms, &mut fields);
    map(fields)
}

/// A few sound consents: mostly given, or mostly withheld.
pub(super) fn consents(random: &mut Random, now_ms: i64) -> Vec<Value> {
    let granted = *random.pick(&[100, 85, 60, 20]);
    (0..1 + random.below(9)).map(|_| consent(random, now_ms, granted)).collect()
}

/// A few sound traits.
pub(super) fn traits(random: &mut Random, now_ms: i64) -> Vec<Value> {
    let one = |random: &mut Random| {
        let mut fields = vec![
            ("name", Value::from(format!("trait-{}", random.below(6)))),
            ("purpose", Value::from(random.pick(&Purpose::ALL).as_str())),
        ];
        match random.below(5) {
            0 => {}
            1 => fields.push(("value", Value::from(random.chance(50)))),
            2 => fields.push(("value", Value::from(random.within(-3, 3)))),
            _ => fields.push(("value", Value::from(*random.pick(&["S", "M", "größe-l"])))),
        }
        stamped(random, now_ms, &mut fields);
        map(fields)
    };
    (0..1 + random.below(5)).map(|_| one(random)).collect()
}

/// A word on a link.
pub(super) fn link(random: &mut Random, other: &str, linked: bool, now_ms: i64) -> Value {
    let mut fields = vec![("profile_id", Value::from(other)), ("linked", Value::from(linked))];
    stamped(random, now_ms, &mut fields);
    map(fields)
}

/// A consent, trait or link that is refused, and where it belongs.
pub(super) fn refused(random: &mut Random, now_ms: i64) -> (&'static str, Value) {
    let name = *random.pick(&["consents", "traits", "links"]);
    let mut one = match name {
        "consents" => consent(random, now_ms, 50),
        "traits" => traits(random, now_ms).remove(0),
        _ => link(random, "p9", true, now_ms),
    };
    match random.below(5) {
        0 => set(&mut one, "ts_ms", Value::from(now_ms + limits::FUTURE_MS_MAX + 1)),
        1 => set(&mut one, "ts_ms", Value::Nil),
        2 if name == "links" => set(&mut one, "linked", Value::Nil),
        2 => set(&mut one, "purpose", Value::from("love")),
        3 => set(&mut one, "writer", Value::from("x".repeat(limits::ID_BYTES_MAX + 1))),
        _ => one = Value::from("what"),
    }
    (name, one)
}

/// The state after one more call of the core.
fn called(call: impl Fn(&[u8]) -> Vec<u8>, input: Vec<(&str, Value)>) -> Vec<u8> {
    let answer = decode(&call(&encode(&map(input)))).expect("the core answers in MessagePack");
    let state = field(&answer, "state").and_then(Value::as_slice);
    state.unwrap_or_else(|| panic!("a sound input makes a state: {answer}")).to_vec()
}

/// The state of events, which may have registers, an erasure behind it and carried copies.
pub(super) fn state_of(random: &mut Random, events: Vec<Value>, now_ms: i64) -> Vec<u8> {
    let apply = |input: &[u8]| unisono_core::profile_apply(&unisono_core::Policy::default(), input);
    let mut fields = vec![("now_ms", Value::from(now_ms)), ("events", Value::Array(events))];
    if random.chance(25) {
        fields.push(("consents", Value::Array(consents(random, now_ms))));
    }
    if random.chance(25) {
        fields.push(("traits", Value::Array(traits(random, now_ms))));
    }
    let mut state = called(apply, fields.clone());
    if random.chance(15) {
        let at = now_ms - *random.pick(&[0i64, 1, 7, 60, 400]) * 86_400_000 - random.within(0, 80_000_000);
        state = called(
            unisono_core::profile_erase,
            vec![("state", Value::Binary(state)), ("ts_ms", at.into()), ("now_ms", now_ms.into())],
        );
        if random.chance(50) {
            // Late copies, of which only the later ones come in.
            fields.push(("state", Value::Binary(state)));
            state = called(apply, fields);
        }
    }
    if random.chance(25) { carrying(random, &state) } else { state }
}

/// The state as a token left it: with carried copies of some of its events, and of some that it has not.
fn carrying(random: &mut Random, state: &[u8]) -> Vec<u8> {
    let mut root = decode(state).expect("a state is MessagePack");
    let mut events = list(&root, "events").to_vec();
    let erased_ms = field(&root, "erased").and_then(Value::as_i64).unwrap_or(-1);
    let mut carried: Vec<((i64, String), Value)> = Vec::new();
    for at in 0..events.len().min(8) {
        let original = events[random.below(events.len())].as_array().expect("an event is a list").clone();
        let mut one = vec![Value::Nil; 25];
        one[..original.len().min(5)].clone_from_slice(&original[..original.len().min(5)]);
        for kept in [8, 11].into_iter().filter(|kept| *kept < original.len()) {
            one[kept] = original[kept].clone();
        }
        let moved = if random.chance(50) { 0 } else { random.within(0, 9) * 86_400_000 };
        let ts_ms = original[1].as_i64().expect("a moment") - moved;
        if ts_ms <= erased_ms.max(0) {
            continue;
        }
        (one[0], one[1]) = (Value::from(format!("c{at}")), Value::from(ts_ms));
        if random.chance(10) {
            one[2] = Value::from(EventType::Purchase as i64);
        }
        one[24] = Value::from(1);
        let class = (one[2].as_i64().expect("a type"), one[3].as_str().expect("a channel").to_owned());
        carried.push((class, Value::Array(one)));
    }
    // By class, newest first, and of one moment the greater id first; ids differ.
    let newest = |one: &Value| one.as_array().map(|one| (one[1].as_i64(), one[0].as_str().map(str::to_owned)));
    carried.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| newest(&b.1).cmp(&newest(&a.1))));
    events.extend(carried.into_iter().map(|one| one.1));
    set(&mut root, "events", Value::Array(events));
    encode(&root)
}

/// Profiles that may be one customer, the first of them `p1`, each with its events: in a chain, a ring, a star or anyhow,
/// with links that only one side holds and links that were dissolved.
pub(super) fn family(
    random: &mut Random,
    events: &mut dyn FnMut(&mut Random) -> Vec<Value>,
    now_ms: i64,
) -> Vec<Value> {
    let count = match random.below(8) {
        0..2 => 17 + random.below(4),
        2 => 16,
        _ => 1 + random.below(5),
    };
    let ids: Vec<String> = (1..=count).map(|at| format!("p{at}")).collect();
    let shape = random.below(4);
    let mut links: Vec<Vec<Value>> = vec![Vec::new(); count];
    for a in 0..count {
        for b in a + 1..count {
            let is_linked = match shape {
                0 => b == a + 1,
                1 => b == a + 1 || (a == 0 && b == count - 1),
                2 => a == 0,
                _ => random.chance(35),
            };
            if !is_linked {
                continue;
            }
            // Small families are quarrelsome; large ones have to hold together.
            let trouble = if count > 6 { 1 } else { 15 };
            for (one, other) in [(a, b), (b, a)].into_iter().filter(|_| !random.chance(trouble / 2)).collect::<Vec<_>>()
            {
                let linked = !random.chance(trouble);
                links[one].push(link(random, &ids[other], linked, now_ms));
            }
        }
    }
    let apply = |input: &[u8]| unisono_core::profile_apply(&unisono_core::Policy::default(), input);
    let mut out = Vec::new();
    for (id, links) in ids.iter().zip(links) {
        let mut fields = vec![("now_ms", Value::from(now_ms)), ("links", Value::Array(links))];
        let own = if random.chance(80) { events(random) } else { Vec::new() };
        let state = state_of(random, own, now_ms);
        fields.push(("state", Value::Binary(state)));
        let state = called(apply, fields);
        out.push(map(vec![("profile_id", Value::from(id.as_str())), ("state", Value::Binary(state))]));
    }
    out
}
