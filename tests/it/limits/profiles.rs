//! The limits of what is kept of a customer, and of the calls that keep it.

use super::{NOW_MS, Pairs, event, said};
use unisono_core::{Policy, profile_apply, profile_merge, token_apply, token_write};
use unisono_message::{Purpose, Register, RegisterKind, RegisterValue, Writer, limits};
use unisono_tests::value::{self, Value, decode, field, map, set};

impl Pairs {
    pub(super) fn profiles(&mut self) {
        let apply =
            |events: Vec<Value>| value::encode(&map(vec![("now_ms", NOW_MS.into()), ("events", Value::Array(events))]));
        let views = |count: usize| (0..count).map(|at| event(&format!("e{at}"), vec![])).collect();
        let max = limits::PROFILE_EVENTS_PER_CLASS;
        let wanted = ["", "warned events_beyond_bound"];
        self.add("profile_events_per_class", apply(views(max)), apply(views(max + 1)), wanted, |_, input| {
            said(&profile_apply(&Policy::default(), &input))
        });
        let items = |count: usize| {
            let one = |at: usize| event(&format!("e{at}"), vec![("item_id", format!("i{at}").into())]);
            (0..count).map(one).collect()
        };
        let max = limits::PROFILE_MARKS_PER_CLASS;
        let wanted = ["warned events_beyond_bound", "warned events_beyond_bound marks_beyond_bound"];
        self.add("profile_marks_per_class", apply(items(max)), apply(items(max + 1)), wanted, |_, input| {
            said(&profile_apply(&Policy::default(), &input))
        });
        let channels =
            |count: usize| (0..count).map(|at| event("e", vec![("channel", format!("c{at}").into())])).collect();
        let max = limits::PROFILE_CLASSES_MAX;
        let wanted = ["", "refused limit_exceeded at channel"];
        self.add("profile_classes_max", apply(channels(max)), apply(channels(max + 1)), wanted, |_, input| {
            said(&profile_apply(&Policy::default(), &input))
        });
        let wanted = ["", "limit_exceeded at states[0].events"];
        let merge = |_: &Self, state: Vec<u8>| said(&profile_merge(&merge_of(&[state])));
        self.add("profile_events_max", full_state(0), full_state(1), wanted, merge);
        let wanted = ["invalid_type at states[0]", "limit_exceeded at states[0]"];
        let max = limits::PROFILE_BYTES_MAX;
        self.add("profile_bytes_max", vec![0xc0; max], vec![0xc0; max + 1], wanted, merge);
        let max = limits::PROFILE_OTHER_BYTES_MAX;
        let wanted = ["", "limit_exceeded at states[0]"];
        self.add("profile_other_bytes_max", state_of_bytes(max), state_of_bytes(max + 1), wanted, merge);
        let token = |bytes: usize| {
            let payload = Value::Binary(vec![0xc0; bytes]);
            value::encode(&map(vec![("now_ms", NOW_MS.into()), ("shop", "s".into()), ("payload", payload)]))
        };
        let wanted_of_tokens = ["token_invalid at payload", "limit_exceeded at payload"];
        let max = limits::TOKEN_BYTES_MAX;
        self.add("token_bytes_max", token(max), token(max + 1), wanted_of_tokens, |_, input| {
            said(&token_apply(&Policy::default(), &input))
        });
        let carried = |events: Vec<Value>| {
            let state =
                field(&value::decode(&profile_apply(&Policy::default(), &apply(events))).unwrap(), "state").cloned();
            let bytes_max = Value::from(limits::TOKEN_BYTES_MAX);
            value::encode(&map(vec![
                ("state", state.unwrap()),
                ("now_ms", NOW_MS.into()),
                ("expires_ms", (NOW_MS + 600_000).into()),
                ("shop", "s".into()),
                ("key_id", "k".into()),
                ("bytes_max", bytes_max),
            ]))
        };
        let write = |_: &Self, input: Vec<u8>| said(&token_write(&Policy::default(), &input));
        let max = limits::TOKEN_MARKS;
        let wanted_of_tokens = ["", "warned token_marks_left_out"];
        self.add("token_marks", carried(items(max)), carried(items(max + 1)), wanted_of_tokens, write);
        let one_elsewhere = |count: usize| {
            let view = |at: usize| event(&format!("e{at}"), vec![("ts_ms", (NOW_MS - 1000 * at as i64).into())]);
            let mut events: Vec<Value> = (1..count).map(view).collect();
            events.push(event("e", vec![("channel", "app".into())]));
            events
        };
        let max = limits::TOKEN_EVENTS;
        let wanted_of_tokens = ["", "warned token_events_left_out"];
        self.add("token_events", carried(one_elsewhere(max)), carried(one_elsewhere(max + 1)), wanted_of_tokens, write);
        let states = |count: usize| merge_of(&vec![empty_state(); count]);
        let max = limits::MERGE_STATES_MAX;
        let wanted = ["", "limit_exceeded at states"];
        self.add("merge_states_max", states(max), states(max + 1), wanted, |_, input| said(&profile_merge(&input)));
        let wanted = ["", "limit_exceeded at states[0].marks"];
        self.add("profile_marks_max", state_of_marks(0), state_of_marks(1), wanted, merge);
    }

    pub(super) fn registers(&mut self) {
        let applied = |_: &Self, input: Vec<u8>| said(&profile_apply(&Policy::default(), &input));
        let apply = |name: &'static str, of: &dyn Fn(usize) -> Value, count: usize| {
            value::encode(&map(vec![("now_ms", NOW_MS.into()), (name, Value::Array((0..count).map(of).collect()))]))
        };
        let register = |key: &'static str, id: String, other: Vec<(&'static str, Value)>| {
            map([vec![(key, id.into()), ("ts_ms", NOW_MS.into())], other].concat())
        };
        let consent = |at: usize| {
            register("channel", format!("c{at}"), vec![("purpose", "offers".into()), ("granted", true.into())])
        };
        let one = |at: usize| register("name", format!("t{at}"), vec![("purpose", "offers".into())]);
        let link = |at: usize| register("profile_id", format!("p{at}"), vec![("linked", true.into())]);
        let (max, wanted) = (limits::PROFILE_CONSENTS_MAX, ["", "refused limit_exceeded at consents[256]"]);
        let (at, over) = (apply("consents", &consent, max), apply("consents", &consent, max + 1));
        self.add("profile_consents_max", at, over, wanted, applied);
        // Whoever withdraws for all channels is heard, and the state can be read again.
        let and_all = |count: usize| {
            let said = ["personalization", "offers", "cross_channel", "measurement", "training"];
            let of = move |at: usize| match at.checked_sub(count) {
                None => consent(at),
                Some(at) => {
                    map(vec![("purpose", said[at].into()), ("granted", false.into()), ("ts_ms", NOW_MS.into())])
                }
            };
            apply("consents", &of, count + said.len())
        };
        self.add("profile_consents_max", and_all(max), and_all(max + 1), wanted, |_, input| {
            let answer = profile_apply(&Policy::default(), &input);
            let state = field(&decode(&answer).unwrap(), "state").and_then(Value::as_slice).unwrap().to_vec();
            let merged = said(&profile_merge(&merge_of(&[state])));
            [said(&answer), merged].concat()
        });
        let (max, wanted) = (limits::PROFILE_TRAITS_MAX, ["", "refused limit_exceeded at traits[64]"]);
        let (at, over) = (apply("traits", &one, max), apply("traits", &one, max + 1));
        self.add("profile_traits_max", at, over, wanted, applied);
        let (max, wanted) = (limits::PROFILE_LINKS_MAX, ["", "refused limit_exceeded at links[256]"]);
        let (at, over) = (apply("links", &link, max), apply("links", &link, max + 1));
        self.add("profile_links_max", at, over, wanted, applied);
        // And where a state is read back.
        for (limit, kind, max) in [
            ("profile_traits_max", RegisterKind::Trait, limits::PROFILE_TRAITS_MAX),
            ("profile_consents_max", RegisterKind::Consent, limits::PROFILE_CONSENTS_MAX),
            ("profile_links_max", RegisterKind::Link, limits::PROFILE_LINKS_MAX),
        ] {
            let wanted = match kind {
                RegisterKind::Trait => ["", "limit_exceeded at states[0].traits"],
                RegisterKind::Consent => ["", "limit_exceeded at states[0].consents"],
                RegisterKind::Link => ["", "limit_exceeded at states[0].links"],
            };
            self.add(limit, state_of_registers(kind, max), state_of_registers(kind, max + 1), wanted, |_, state| {
                said(&profile_merge(&merge_of(&[state])))
            });
        }
        let state = |links: Vec<Value>| {
            let input = map(vec![("now_ms", NOW_MS.into()), ("links", Value::Array(links))]);
            let answer = decode(&profile_apply(&Policy::default(), &value::encode(&input))).unwrap();
            field(&answer, "state").cloned().unwrap()
        };
        let given = |id: String, state: Value| map(vec![("profile_id", id.into()), ("state", state)]);
        let component = |profiles: Vec<Value>| {
            value::encode(&map(vec![("profile_id", "p0".into()), ("profiles", Value::Array(profiles))]))
        };
        let found = |_: &Self, input: Vec<u8>| said(&unisono_core::profile_component(&input));
        let star = |count: usize| {
            let first = given("p0".into(), state((1..count).map(link).collect()));
            let others = (1..count).map(|at| given(format!("p{at}"), state(vec![link(0)])));
            component([first].into_iter().chain(others).collect())
        };
        let max = limits::COMPONENT_PROFILES_MAX;
        self.add("component_profiles_max", star(max), star(max + 1), ["", "warned links_beyond_bound"], found);
        let empty =
            |count: usize| component((0..count).map(|at| given(format!("p{at}"), Value::Binary(vec![]))).collect());
        let max = limits::COMPONENT_STATES_MAX;
        self.add("component_states_max", empty(max), empty(max + 1), ["", "limit_exceeded at profiles"], found);
    }

    pub(super) fn policies(&mut self) {
        let loaded = |_: &Self, policy: Value| {
            let found = Policy::load(&value::encode(&policy));
            found.map_or_else(|error| format!("{} at {}", error.code(), error.field()), |_| String::new())
        };
        let sized = |bytes: usize| {
            let mut policy = map(vec![("version", 1.into()), ("later", Value::Nil)]);
            let room = bytes - value::encode(&policy).len() - 4;
            set(&mut policy, "later", Value::Binary(vec![0; room]));
            assert_eq!(value::encode(&policy).len(), bytes);
            policy
        };
        let max = limits::POLICY_BYTES_MAX;
        let wanted = ["policy_invalid at ", "limit_exceeded at "];
        self.add("policy_bytes_max", sized(max), sized(max + 1), wanted, loaded);
        let retention =
            |days: i64| map(vec![("version", 1.into()), ("retention_days", map(vec![("view", days.into())]))]);
        let max = limits::RETENTION_DAYS_MAX;
        let wanted = ["", "out_of_range at retention_days.view"];
        self.add("retention_days_max", retention(max), retention(max + 1), wanted, loaded);
    }

    pub(super) fn inputs(&mut self) {
        let padded = |key: &str, value: Value, bytes: usize| {
            let mut input = map(vec![(key, value), ("later", Value::Nil)]);
            let room = bytes - value::encode(&input).len() - 4;
            set(&mut input, "later", Value::Binary(vec![0; room]));
            let encoded = value::encode(&input);
            assert_eq!(encoded.len(), bytes);
            encoded
        };
        let wanted = ["warned unknown_field", "limit_exceeded at "];
        let apply = |bytes| padded("now_ms", NOW_MS.into(), bytes);
        let max = limits::APPLY_BYTES_MAX;
        self.add("apply_bytes_max", apply(max), apply(max + 1), wanted, |_, input| {
            said(&profile_apply(&Policy::default(), &input))
        });
        let merge = |bytes| padded("states", Value::Array(vec![]), bytes);
        let max = limits::MERGE_BYTES_MAX;
        self.add("merge_bytes_max", merge(max), merge(max + 1), wanted, |_, input| said(&profile_merge(&input)));
    }
}

fn merge_of(states: &[Vec<u8>]) -> Vec<u8> {
    value::encode(&map(vec![(
        "states",
        Value::Array(states.iter().map(|state| Value::Binary(state.clone())).collect()),
    )]))
}

fn empty_state() -> Vec<u8> {
    value::encode(&map(vec![("version", 1.into()), ("events", Value::Array(vec![])), ("marks", Value::Array(vec![]))]))
}

/// A state of as many events as a profile may hold, and some more.
fn full_state(more: usize) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(3);
    w.str("version");
    w.int(1);
    w.str("events");
    w.array(limits::PROFILE_EVENTS_MAX + more);
    for class in 0..limits::PROFILE_CLASSES_MAX {
        for event in (0..limits::PROFILE_EVENTS_PER_CLASS).rev() {
            w.array(4);
            w.str(&format!("e{event:03}"));
            w.int(NOW_MS);
            w.int(1);
            w.str(&format!("c{class:03}"));
        }
    }
    (0..more).for_each(|_| w.nil());
    w.str("marks");
    w.array(0);
    w.into_bytes()
}

/// A canonical state of so many registers of a kind, and of nothing else.
fn state_of_registers(kind: RegisterKind, count: usize) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(4);
    w.str("version");
    w.int(1);
    for list in ["events", "marks"] {
        w.str(list);
        w.array(0);
    }
    w.str(kind.list());
    w.array(count);
    for at in 0..count {
        let (name, value) = (format!("n{at:03}"), RegisterValue::Bool(true));
        let one = Register { kind, name: &name, value, ts_ms: NOW_MS, writer: "w", purpose: Purpose::Offers };
        one.write(&mut w, false);
    }
    w.into_bytes()
}

/// A canonical state of so many bytes, at least a thousand, without consents.
fn state_of_bytes(bytes: usize) -> Vec<u8> {
    // Of an event with the longest id; the last two share the rest.
    let (longest, mut sizes) = (146, Vec::new());
    let mut left = bytes - 27;
    while left >= 2 * longest {
        sizes.push(longest);
        left -= longest;
    }
    sizes.extend([left / 2, left - left / 2]);
    let mut w = Writer::new();
    w.map(3);
    w.str("version");
    w.int(1);
    w.str("events");
    w.array(sizes.len());
    for (at, size) in sizes.iter().enumerate() {
        // Newest first; the last two, whose ids are of other lengths, in classes of their own.
        let others = (at + 3).saturating_sub(sizes.len());
        let class = at / limits::PROFILE_EVENTS_PER_CLASS + others;
        let event = if others > 0 { 0 } else { at % limits::PROFILE_EVENTS_PER_CLASS };
        w.array(4);
        w.str(&format!("{:0>width$}", 1_000 - event, width = size - 18));
        w.int(NOW_MS);
        w.int(1);
        w.str(&format!("c{class:03}"));
    }
    w.str("marks");
    w.array(0);
    w.into_bytes()
}

#[test]
fn a_state_that_is_full_still_hears_a_withdrawal() {
    let full = state_of_bytes(limits::PROFILE_OTHER_BYTES_MAX);
    let call = |state: Vec<u8>, name: &'static str, list: Vec<Value>| {
        let state = Value::Binary(state);
        let input = map(vec![("now_ms", NOW_MS.into()), ("state", state), (name, Value::Array(list))]);
        profile_apply(&Policy::default(), &value::encode(&input))
    };
    let withdrawal = |at: usize| {
        let channel = format!("channel_of_thirty_two_bytes__{at:03}");
        assert_eq!(channel.len(), limits::CHANNEL_BYTES_MAX);
        map(vec![
            ("purpose", "personalization".into()),
            ("channel", channel.into()),
            ("granted", false.into()),
            ("ts_ms", NOW_MS.into()),
            ("writer", "w".repeat(limits::ID_BYTES_MAX).into()),
        ])
    };
    let withdrawn = call(full.clone(), "consents", (0..limits::PROFILE_CONSENTS_MAX).map(withdrawal).collect());
    assert_eq!(said(&withdrawn), "");
    let Some(Value::Binary(state)) = field(&decode(&withdrawn).unwrap(), "state").cloned() else { panic!("no state") };
    assert!(state.len() > full.len() + limits::PROFILE_CONSENTS_MAX * 128 && state.len() <= limits::PROFILE_BYTES_MAX);
    // Read back, by itself and joined; and still no room for anything else.
    assert_eq!(said(&profile_merge(&merge_of(&[state.clone(), full]))), "warned duplicate_event");
    assert_eq!(said(&call(state, "events", vec![event("f", vec![])])), "limit_exceeded at state");
}

/// A state of as many marks as a profile may hold, and some more.
fn state_of_marks(more: usize) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(3);
    w.str("version");
    w.int(1);
    w.str("events");
    w.array(0);
    w.str("marks");
    w.array(limits::PROFILE_MARKS_MAX + more);
    for day in (0..limits::PROFILE_MARKS_PER_CLASS).rev() {
        for class in 0..limits::PROFILE_CLASSES_MAX {
            w.array(4);
            w.int(day as i64);
            w.str("i");
            w.int(1);
            w.str(&format!("c{class:03}"));
        }
    }
    (0..more).for_each(|_| w.nil());
    w.into_bytes()
}
