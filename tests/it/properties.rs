//! What holds of any input: arbitrary and mangled bytes never panic and have one answer everywhere; the look of a request
//! and the order of its events leave no trace.

use crate::golden::golden;
use proptest::prelude::*;
use unisono_core::{
    Model, Policy, profile_apply, profile_component, profile_erase, profile_export, profile_merge, recommend,
};
use unisono_tests::generator;
use unisono_tests::random::Random;
use unisono_tests::runtime::available;
use unisono_tests::suite::{Call, Case, Expect, Suite};
use unisono_tests::value::{Value, decode, encode, encode_loosely, field, list, set, text};

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_and_always_have_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let file = golden("model.unisono");
        let model = Model::load(&file).unwrap();
        let policy = Policy::default();
        let answers = [
            recommend(&model, &policy, &bytes),
            profile_apply(&policy, &bytes),
            profile_merge(&bytes),
            profile_erase(&bytes),
            profile_export(&policy, &bytes),
            profile_component(&bytes),
        ];
        for answer in answers {
            prop_assert!(decode(&answer).is_ok());
        }
        prop_assert!(Model::load(&bytes).is_err());
        prop_assert!(Policy::load(&bytes).is_err());
    }

    #[test]
    fn mangled_models_never_panic(seed in any::<u64>()) {
        let random = &mut Random::new(seed);
        let mangled = mangle(random, golden("model.unisono"));
        // Most are refused; one that is not answers like any other.
        if let Ok(model) = Model::load(&mangled) {
            prop_assert!(decode(&recommend(&model, &Policy::default(), &golden("request.msgpack"))).is_ok());
        }
    }

    #[test]
    fn the_encoding_of_a_request_leaves_no_trace(seed in any::<u64>()) {
        let random = &mut Random::new(seed);
        let parts = generator::model(random);
        let file = unisono_core::model::encode(&parts).unwrap();
        let model = Model::load(&file).unwrap();
        let request = generator::request(random, &parts);
        let wanted = recommend(&model, &Policy::default(), &encode(&request));
        for _ in 0..3 {
            prop_assert!(recommend(&model, &Policy::default(), &encode_loosely(&request, random)) == wanted);
        }
    }

    #[test]
    fn the_order_of_events_leaves_no_trace(seed in any::<u64>()) {
        let random = &mut Random::new(seed);
        let parts = generator::model(random);
        let file = unisono_core::model::encode(&parts).unwrap();
        let model = Model::load(&file).unwrap();
        let mut request = generator::request(random, &parts);
        let wanted = recommend(&model, &Policy::default(), &encode(&request));
        if let Some(mut profile) = field(&request, "profile").cloned() {
            let mut events = list(&profile, "events").to_vec();
            random.shuffle(&mut events);
            set(&mut profile, "events", Value::Array(events));
            set(&mut request, "profile", profile);
        }
        prop_assert!(recommend(&model, &Policy::default(), &encode(&request)) == wanted);
    }

    #[test]
    fn an_event_more_changes_the_decision(seed in any::<u64>()) {
        let random = &mut Random::new(seed);
        let parts = generator::model(random);
        let file = unisono_core::model::encode(&parts).unwrap();
        let model = Model::load(&file).unwrap();
        let mut request = generator::request(random, &parts);
        // An event that no one may look at, or that was erased, changes nothing.
        if let Some(mut profile) = field(&request, "profile").cloned() {
            ["consents", "state", "linked"].iter().for_each(|name| set(&mut profile, name, Value::Nil));
            set(&mut request, "profile", profile);
        }
        let before = decode(&recommend(&model, &Policy::default(), &encode(&request))).unwrap();
        // Wrong events that consents covered are errors now.
        prop_assume!(field(&before, "error").is_none());
        let mut profile = field(&request, "profile").cloned().unwrap_or(Value::Map(Vec::new()));
        let mut events = list(&profile, "events").to_vec();
        let now_ms = field(&request, "now_ms").cloned().unwrap();
        events.push(unisono_tests::value::map(vec![
            ("event_id", "one more".into()), ("ts_ms", now_ms), ("type", "rating".into()), ("channel", "app".into()),
        ]));
        set(&mut profile, "events", Value::Array(events));
        set(&mut request, "profile", profile);
        let after = decode(&recommend(&model, &Policy::default(), &encode(&request))).unwrap();
        prop_assert_ne!(field(&before, "decision_id"), field(&after, "decision_id"));
    }
}

/// A few bytes changed, cut, doubled or put in.
fn mangle(random: &mut Random, mut bytes: Vec<u8>) -> Vec<u8> {
    for _ in 0..1 + random.below(4) {
        if bytes.is_empty() {
            break;
        }
        let at = random.below(bytes.len());
        match random.below(5) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = *random.pick(&[0, 0x7f, 0x80, 0xc0, 0xc1, 0xdd, 0xdf, 0xff]),
            2 => bytes.truncate(at),
            3 => bytes.insert(at, random.below(256) as u8),
            _ => {
                let end = (at + random.below(40)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
        }
    }
    bytes
}

/// Mangled inputs of every kind and plain noise, on a few models.
fn mangled_suite(seed: u64, cases: usize) -> Suite {
    let mut suite = generator::suite(seed, cases);
    let random = &mut Random::new(seed);
    let model_file = golden("model.unisono");
    for case in &mut suite.cases {
        let input = match random.below(20) {
            0 => (0..random.below(200)).map(|_| random.below(256) as u8).collect(),
            1 => {
                case.call = Call::Load;
                mangle(random, model_file.clone())
            }
            _ => mangle(random, std::mem::take(&mut case.input)),
        };
        *case = Case { call: case.call, model: case.model, policy: case.policy, input, expect: Expect::Anything };
    }
    suite
}

#[test]
fn mangled_inputs_have_one_answer_in_every_runtime() {
    let suite = mangled_suite(99, 2_000);
    let mut wanted: Vec<Vec<u8>> = Vec::new();
    for mut runtime in available() {
        let answers = runtime.answer_all(&suite).unwrap();
        if wanted.is_empty() {
            wanted = answers;
            let refused = wanted.iter().filter(|answer| decode(answer).is_ok_and(|one| field(&one, "error").is_some()));
            eprintln!("{} of {} mangled inputs are refused", refused.count(), suite.cases.len());
            continue;
        }
        let differences = answers.iter().zip(&wanted).filter(|(answer, wanted)| answer != wanted).count();
        eprintln!("{}: {} mangled inputs, {differences} differences", runtime.name(), answers.len());
        assert_eq!(differences, 0, "{} differs", runtime.name());
    }
}

#[test]
fn a_state_that_the_module_returns_can_be_used_again() {
    // 10,000 events of 50 classes, each with all the text that it may have: far more than a state may weigh.
    let query = "x".repeat(512);
    let event = |at: usize| {
        unisono_tests::value::map(vec![
            ("event_id", Value::from(format!("e{at}"))),
            ("ts_ms", Value::from(1_700_000_000_000i64)),
            ("type", "search".into()),
            ("channel", Value::from(format!("c{}", at % 50))),
            ("query", Value::from(query.as_str())),
        ])
    };
    let events = Value::Array((0..10_000).map(event).collect());
    let input = unisono_tests::value::map(vec![("now_ms", 1_700_000_000_000i64.into()), ("events", events)]);
    let answer = decode(&profile_apply(&Policy::default(), &encode(&input))).unwrap();
    let Some(state) = field(&answer, "state").and_then(Value::as_slice) else {
        let error = field(&answer, "error").expect("an answer is a state or an error");
        assert_eq!((text(error, "code"), text(error, "field")), (Some("limit_exceeded"), Some("state")));
        return;
    };
    assert!(
        unisono_core::profile::Profile::decode(state).is_ok(),
        "a state of {} bytes is given and refused",
        state.len()
    );
}
