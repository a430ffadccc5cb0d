//! A state has one encoding: whatever else says the same, or says what no join leaves, is refused.

use unisono_core::{Policy, profile_apply, profile_erase, profile_merge};
use unisono_message::limits::{PROFILE_EVENTS_PER_CLASS, PROFILE_MARKS_PER_CLASS};
use unisono_tests::value::{Value, decode, encode, field, list, map, set};

const NOW_MS: i64 = 1_700_000_000_000;
const DAY_MS: i64 = 86_400_000;
const LISTS: [&str; 5] = ["events", "marks", "traits", "consents", "links"];

/// The state that applying gives.
fn applied(input: Vec<(&str, Value)>) -> Value {
    let answer = decode(&profile_apply(&Policy::default(), &encode(&map(input)))).unwrap();
    let Some(Value::Binary(state)) = field(&answer, "state") else { panic!("no state: {answer}") };
    decode(state).unwrap()
}

fn event(id: &str, kind: &str, channel: &str, days_ago: i64, more: Vec<(&str, Value)>) -> Value {
    let ts_ms = NOW_MS - days_ago * DAY_MS;
    let required =
        vec![("event_id", id.into()), ("ts_ms", ts_ms.into()), ("type", kind.into()), ("channel", channel.into())];
    map(required.into_iter().chain(more).collect())
}

fn register(name: &'static str, value: Value, purpose: Option<&str>) -> Vec<(&'static str, Value)> {
    let purpose = purpose.map(|purpose| ("purpose", Value::from(purpose)));
    let told = match name {
        "trait" => vec![("name", "size".into()), ("value", value)],
        "consent" => vec![("channel", "web".into()), ("granted", value)],
        _ => vec![("profile_id", "p2".into()), ("linked", value)],
    };
    told.into_iter().chain([("ts_ms", NOW_MS.into()), ("writer", "till".into())]).chain(purpose).collect()
}

/// A state with several of everything: each field, numbers and texts of each width, negative ones too.
fn rich() -> Value {
    let item = |id: &str| ("item_id", Value::from(id));
    let all = vec![
        ("sentiment", Value::F64(-0.5)),
        ("value", Value::F64(4.5)),
        ("utc_offset_min", (-180).into()),
        ("rank", 200.into()),
        ("wait_ms", 90_000.into()),
        ("query", Value::from("q".repeat(300 / 8))),
        ("topic", "delivery".into()),
    ];
    let id = "x".repeat(40);
    let mut events = vec![
        event("e1", "contact", "call_center", 3, all),
        event(&id, "purchase", "store", 1, vec![item("milk"), ("quantity", 2.into()), ("price", Value::F64(0.0001))]),
        event("e3", "purchase", "store", 2, vec![item("tea"), ("price", Value::F64(2.49)), ("currency", "EUR".into())]),
        event("e4", "purchase", "store", 2, vec![item("milk")]),
        event("e5", "view", "web", 0, vec![item("tea")]),
    ];
    events.extend((0..20).map(|at| event(&format!("v{at}"), "view", "web", at, vec![item("bread")])));
    let named = |register: Vec<(&str, Value)>| Value::Array(vec![map(register)]);
    let mut traits = vec![map(register("trait", "large".into(), Some("offers")))];
    traits.extend((0..2).map(|at| {
        let mut one = map(register("trait", (at * 1_000).into(), Some("offers")));
        set(&mut one, "name", format!("n{at}").into());
        one
    }));
    applied(vec![
        ("now_ms", NOW_MS.into()),
        ("profile_id", "p1".into()),
        ("events", Value::Array(events)),
        ("traits", Value::Array(traits)),
        ("consents", named(register("consent", true.into(), Some("training")))),
        ("links", named(register("link", true.into(), None))),
    ])
}

/// After an erasure, with a little that came later.
fn erased() -> Value {
    let input = map(vec![("now_ms", (NOW_MS - 30 * DAY_MS).into()), ("state", Value::Binary(encode(&rich())))]);
    let answer = decode(&profile_erase(&encode(&input))).unwrap();
    let state = field(&answer, "state").unwrap_or_else(|| panic!("no state: {answer}")).clone();
    let events = vec![event("e9", "purchase", "store", 2, vec![("item_id", "tea".into())])];
    applied(vec![("now_ms", NOW_MS.into()), ("profile_id", "p1".into()), ("state", state), ("events", events.into())])
}

type Pairs = Vec<(Value, Value)>;

fn is_taken(state: &[u8]) -> bool {
    let input = map(vec![("states", Value::Array(vec![Value::Binary(state.to_vec())]))]);
    let answer = decode(&profile_merge(&encode(&input))).unwrap();
    match field(&answer, "state") {
        Some(Value::Binary(merged)) => {
            assert_eq!(merged, state, "what is taken is canonical");
            true
        }
        _ => false,
    }
}

/// Where each value of an encoding begins.
fn heads(bytes: &[u8]) -> Vec<usize> {
    let mut heads = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        heads.push(at);
        at += 1 + match bytes[at] {
            tag @ 0xa0..=0xbf => usize::from(tag & 0x1f),
            0xd9 => 1 + usize::from(bytes[at + 1]),
            0xca | 0xce | 0xd2 => 4,
            0xcb | 0xcf | 0xd3 => 8,
            0xcc | 0xd0 => 1,
            0xcd | 0xd1 | 0xdc => 2,
            _ => 0,
        };
    }
    heads
}

/// The same value at a head in every longer form; integers as floats too.
fn longer(bytes: &[u8]) -> Vec<Vec<u8>> {
    let with = |head: &[u8], cut: usize| [head, &bytes[cut..]].concat();
    let int = |value: i64, cut: usize| {
        let all = [
            (value >= 0).then(|| [&[0xcf], &value.to_be_bytes()[..]].concat()),
            Some([&[0xd3], &value.to_be_bytes()[..]].concat()),
            Some([&[0xcb], &(value as f64).to_be_bytes()[..]].concat()),
            i32::try_from(value).ok().map(|value| [&[0xd2], &value.to_be_bytes()[..]].concat()),
            u32::try_from(value).ok().map(|value| [&[0xce], &value.to_be_bytes()[..]].concat()),
            i16::try_from(value).ok().map(|value| [&[0xd1], &value.to_be_bytes()[..]].concat()),
            u16::try_from(value).ok().map(|value| [&[0xcd], &value.to_be_bytes()[..]].concat()),
            i8::try_from(value).ok().map(|value| [&[0xd0], &value.to_be_bytes()[..]].concat()),
            u8::try_from(value).ok().map(|value| vec![0xcc, value]),
        ];
        let all = all.into_iter().flatten().filter(|head| head[..] != bytes[..cut]);
        all.map(|head| with(&head, cut)).collect::<Vec<_>>()
    };
    let number = |width: usize| bytes[1..=width].iter().fold(0i64, |number, byte| number << 8 | i64::from(*byte));
    match bytes[0] {
        tag @ (0x00..=0x7f | 0xe0..=0xff) => int((tag as i8).into(), 1),
        0xcc => int(number(1), 2),
        0xcd => int(number(2), 3),
        0xce => int(number(4), 5),
        0xcf => int(number(8), 9),
        0xd0 => int((bytes[1] as i8).into(), 2),
        0xd1 => int((number(2) as i16).into(), 3),
        0xd2 => int((number(4) as i32).into(), 5),
        tag @ 0xa0..=0xbf => {
            let length = tag & 0x1f;
            vec![with(&[0xd9, length], 1), with(&[0xda, 0, length], 1), with(&[0xdb, 0, 0, 0, length], 1)]
        }
        0xd9 => vec![with(&[0xda, 0, bytes[1]], 2), with(&[0xdb, 0, 0, 0, bytes[1]], 2)],
        tag @ 0x90..=0x9f => vec![with(&[0xdc, 0, tag & 0x0f], 1), with(&[0xdd, 0, 0, 0, tag & 0x0f], 1)],
        0xdc => vec![with(&[0xdd, 0, 0, bytes[1], bytes[2]], 3)],
        tag @ 0x80..=0x8f => vec![with(&[0xde, 0, tag & 0x0f], 1), with(&[0xdf, 0, 0, 0, tag & 0x0f], 1)],
        _ => Vec::new(),
    }
}

#[test]
fn what_is_longer_than_it_need_be_is_refused() {
    let mut tried = 0;
    for state in [rich(), erased()] {
        let state = encode(&state);
        assert!(is_taken(&state));
        for at in heads(&state) {
            for longer in longer(&state[at..]) {
                let changed = [&state[..at], &longer].concat();
                assert!(decode(&changed).is_ok(), "at {at}");
                assert!(!is_taken(&changed), "{:02x?} for {:02x?} at {at}", &longer[..9.min(longer.len())], state[at]);
                tried += 1;
            }
        }
    }
    assert!(tried > 1_000, "{tried}");
}

/// The state with one of its lists changed.
fn with_list(state: &Value, name: &str, change: impl Fn(&mut Vec<Value>)) -> Value {
    let mut values = list(state, name).to_vec();
    change(&mut values);
    let mut state = state.clone();
    set(&mut state, name, Value::Array(values));
    state
}

#[test]
fn another_order_copies_and_what_need_not_be_said_are_refused() {
    let state = rich();
    let mut changed = Vec::new();
    for name in LISTS {
        assert!(!list(&state, name).is_empty(), "{name}");
        for at in 0..list(&state, name).len() {
            changed
                .push((format!("{name}[{at}] twice"), with_list(&state, name, |all| all.insert(at, all[at].clone()))));
            if at > 0 {
                changed.push((format!("{name}[{at}] first"), with_list(&state, name, |all| all.swap(at - 1, at))));
            }
        }
    }
    for (at, event) in list(&state, "events").iter().enumerate() {
        let fields = event.as_array().unwrap();
        let mut change = |what: &str, change: &dyn Fn(&mut Vec<Value>)| {
            let mut fields = fields.clone();
            change(&mut fields);
            let told = with_list(&state, "events", |all| all[at] = Value::Array(fields.clone()));
            changed.push((format!("events[{at}] {what}"), told));
        };
        change("ends with nothing", &|fields| fields.push(Value::Nil));
        if fields.len() <= 5 || fields[5].is_nil() {
            change("is one of it", &|fields| {
                fields.resize(fields.len().max(6), Value::Nil);
                fields[5] = 1_000.into();
            });
        }
        let before = at.checked_sub(1).and_then(|before| list(&state, "events")[before].as_array());
        if let Some(before) = before.filter(|before| before[2..4] == fields[2..4]) {
            change("is an older copy", &|fields| fields[0] = before[0].clone());
        }
    }
    let Value::Map(pairs) = &state else { panic!("{state}") };
    for at in 0..pairs.len() {
        let mut change = |what: &str, change: &dyn Fn(&mut Pairs)| {
            let mut pairs = pairs.clone();
            change(&mut pairs);
            changed.push((format!("key {at} {what}"), Value::Map(pairs)));
        };
        change("is null", &|pairs| pairs[at].1 = Value::Nil);
        if at < 3 {
            change("is absent", &|pairs| drop(pairs.remove(at)));
        }
        if at > 0 {
            change("stands before", &|pairs| pairs.swap(at - 1, at));
        }
    }
    let bare: Pairs = pairs[..3].to_vec();
    for pairs in [pairs, &bare] {
        for at in 0..=pairs.len() {
            let with = |name: &str, value: Value| {
                let mut more = pairs.clone();
                more.insert(at, (name.into(), value));
                (format!("{name} at {at} of {}", pairs.len()), Value::Map(more))
            };
            let absent = LISTS[2..].iter().filter(|list| pairs.iter().all(|(name, _)| name.as_str() != Some(**list)));
            changed.extend(absent.chain(&["erased"]).map(|name| with(name, Value::Nil)));
            changed.extend(["more", "version"].map(|name| with(name, 1.into())));
        }
    }
    assert!(is_taken(&encode(&Value::Map(bare))));
    for name in &LISTS[2..] {
        changed.push((format!("no {name}"), with_list(&state, name, Vec::clear)));
    }
    assert!(changed.len() > 150, "{}", changed.len());
    for (what, state) in changed {
        assert!(!is_taken(&encode(&state)), "{what}: {state}");
    }
}

#[test]
fn what_a_tombstone_would_take_is_refused_and_what_is_after_it_is_not() {
    let full = rich();
    for name in LISTS {
        let mut alone =
            map(vec![("version", 1.into()), ("events", Value::Array(vec![])), ("marks", Value::Array(vec![]))]);
        set(&mut alone, name, Value::Array(list(&full, name)[..1].to_vec()));
        let newest = list(&full, name)[0].as_array().unwrap();
        let moment = match name {
            "events" => newest[1].as_i64().unwrap(),
            "marks" => newest[0].as_i64().unwrap() * DAY_MS,
            _ => NOW_MS,
        };
        for (erased_ms, taken) in [(moment, false), (moment - 1, true), (moment + 40 * DAY_MS, false)] {
            set(&mut alone, "erased", erased_ms.into());
            assert_eq!(is_taken(&encode(&alone)), taken, "{name} and a tombstone of {erased_ms}: {alone}");
        }
    }
}

#[test]
fn what_is_beyond_the_bounds_is_refused_however_it_is_spread() {
    let event = |class: i64, at: usize| {
        let (id, ts_ms) = (format!("{at:04}"), NOW_MS - at as i64);
        Value::Array(vec![id.into(), ts_ms.into(), class.into(), "web".into()])
    };
    let mark = |day: usize, class: i64| {
        Value::Array(vec![(19_000 - day as i64).into(), format!("i{class}").into(), class.into(), "web".into()])
    };
    let state = |events: Vec<Value>, marks: Vec<Value>| {
        encode(&map(vec![("version", 1.into()), ("events", Value::Array(events)), ("marks", Value::Array(marks))]))
    };
    let (events, marks) = (PROFILE_EVENTS_PER_CLASS, PROFILE_MARKS_PER_CLASS);
    for (first, second, taken) in [(events, events, true), (events + 1, 1, false), (1, events + 1, false)] {
        let spread = (0..first).map(|at| event(0, at)).chain((0..second).map(|at| event(5, at))).collect();
        assert_eq!(is_taken(&state(spread, Vec::new())), taken, "{first} and {second} events");
    }
    for (first, second, taken) in [(marks, marks, true), (marks + 1, 1, false), (1, marks + 1, false)] {
        let of_day = |day: usize| {
            let views = (day < first).then(|| mark(day, 0));
            views.into_iter().chain((day < second).then(|| mark(day, 5)))
        };
        let spread = (0..first.max(second)).flat_map(of_day).collect();
        assert_eq!(is_taken(&state(Vec::new(), spread)), taken, "{first} and {second} marks");
    }
}
