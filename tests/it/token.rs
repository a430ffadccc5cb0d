//! The portable token through the module's calls: one golden payload, and every refusal with its field.

use crate::golden::{bless, golden};
use unisono_message::{ErrorCode, limits};
use unisono_tests::oracle::{hex, sha256};
use unisono_tests::value::{Value, decode, encode, field, list, map, text};

const NOW_MS: i64 = 1_700_000_000_000;

/// Three weeks of a customer: purchases of numbered items in the store, looks at others on the web, a contact.
fn state() -> Vec<u8> {
    let event = |at: i64| {
        let (kind, channel, item) = match at % 5 {
            0 | 1 => ("purchase", "store", Some(format!("{}", 820_000 + at * at * 37 % 4_000))),
            2 => ("view", "web", Some(format!("SKU-{:05}-{}", at % 17, ["RED", "BLUE"][at as usize % 2]))),
            3 => ("cart_add", "web", Some(format!("SKU-{:05}-RED", at % 3))),
            _ => ("contact", "call_center", None),
        };
        map(vec![
            ("event_id", Value::from(format!("e{at}"))),
            ("ts_ms", Value::from(NOW_MS - at / 4 * 30_000_000)),
            ("type", Value::from(kind)),
            ("channel", Value::from(channel)),
            ("item_id", item.map_or(Value::Nil, Value::from)),
            ("quantity", Value::from(1 + at % 3)),
            ("price", Value::from(9.5)),
        ])
    };
    let input = map(vec![("now_ms", Value::from(NOW_MS)), ("events", Value::Array((0..120).map(event).collect()))]);
    binary(&unisono_core::profile_apply(&unisono_core::Policy::default(), &encode(&input)), "state")
}

fn binary(answer: &[u8], name: &str) -> Vec<u8> {
    let answer = decode(answer).unwrap();
    field(&answer, name).and_then(Value::as_slice).unwrap_or_else(|| panic!("{answer}")).to_vec()
}

fn write(changed: &[(&str, Value)]) -> Vec<u8> {
    let mut input = map(vec![
        ("state", Value::Binary(state())),
        ("now_ms", Value::from(NOW_MS)),
        ("expires_ms", Value::from(NOW_MS + 600_000)),
        ("shop", Value::from("shop.example")),
        ("key_id", Value::from("k1")),
    ]);
    changed.iter().for_each(|(name, value)| unisono_tests::value::set(&mut input, name, value.clone()));
    unisono_core::token_write(&unisono_core::Policy::default(), &encode(&input))
}

fn apply(payload: &[u8], now_ms: i64, shop: &str) -> Vec<u8> {
    let payload = Value::Binary(payload.to_vec());
    let input = map(vec![("payload", payload), ("now_ms", Value::from(now_ms)), ("shop", Value::from(shop))]);
    unisono_core::token_apply(&unisono_core::Policy::default(), &encode(&input))
}

#[test]
fn today_still_writes_the_golden_token_and_reads_it_to_the_golden_state() {
    let payload = binary(&write(&[]), "payload");
    let carried = binary(&apply(&payload, NOW_MS, "shop.example"), "state");
    bless("token.msgpack", &payload);
    bless("token_state.msgpack", &carried);
    assert!(golden("token.msgpack") == payload, "the token has other bytes");
    assert!(golden("token_state.msgpack") == carried, "the state has other bytes");
    let head = decode(&payload).unwrap();
    let head: Vec<String> = head.as_array().unwrap().iter().take(5).map(Value::to_string).collect();
    assert_eq!(head, ["1", "\"k1\"", "\"shop.example\"", "1700000000", "1700000600"]);
}

#[test]
fn what_is_carried_has_neither_price_nor_id_and_joins_beside_what_is_known() {
    let carried = golden("token_state.msgpack");
    let events = decode(&carried).unwrap();
    for event in list(&events, "events") {
        let values = event.as_array().unwrap();
        let item = values.get(4).cloned().unwrap_or(Value::Nil);
        let content = Value::Array(vec![values[1].clone(), values[2].clone(), values[3].clone(), item]);
        assert_eq!(values[0].as_str().unwrap(), &hex(&sha256(&encode(&content)))[..16]);
        assert!(
            values.len() == 25 && values[24] == Value::from(1) && values[6..24].iter().all(Value::is_nil),
            "{event}"
        );
    }
    let (own, payload) = (Value::Binary(state()), Value::Binary(golden("token.msgpack")));
    let join = |state: Value| {
        let now_ms = Value::from(NOW_MS);
        let shop = Value::from("shop.example");
        let input = map(vec![("state", state), ("payload", payload.clone()), ("now_ms", now_ms), ("shop", shop)]);
        binary(&unisono_core::token_apply(&unisono_core::Policy::default(), &encode(&input)), "state")
    };
    let once = join(own);
    assert!(join(Value::Binary(once.clone())) == once, "a token applied twice is applied once");
}

#[test]
fn every_refusal_of_a_token_names_its_code_and_field() {
    let payload = golden("token.msgpack");
    let mut later = payload.clone();
    later[1] = 2;
    let refused = [
        (ErrorCode::TokenExpired, apply(&payload, NOW_MS + 600_000, "shop.example")),
        (ErrorCode::TokenForeign, apply(&payload, NOW_MS, "another.example")),
        (ErrorCode::TokenVersionUnsupported, apply(&later, NOW_MS, "shop.example")),
        (ErrorCode::TokenInvalid, apply(&payload[..payload.len() - 1], NOW_MS, "shop.example")),
        (ErrorCode::TokenInvalid, apply(&payload, NOW_MS - 3_600_000, "shop.example")),
    ];
    for (code, answer) in refused {
        let answer = decode(&answer).unwrap();
        let error = field(&answer, "error").unwrap_or_else(|| panic!("{code}: {answer}"));
        assert_eq!((text(error, "code"), text(error, "field")), (Some(code.as_str()), Some("payload")), "{error}");
    }
    for (name, value) in
        [("bytes_max", Value::from(20)), ("expires_ms", Value::from(NOW_MS - 1000)), ("shop", Value::Nil)]
    {
        let answer = decode(&write(&[(name, value)])).unwrap();
        assert_eq!(field(&answer, "error").and_then(|error| text(error, "field")), Some(name), "{answer}");
    }
}

#[test]
fn a_smaller_token_carries_less_and_says_so() {
    let answer = decode(&write(&[("bytes_max", Value::from(150))])).unwrap();
    let codes: Vec<&str> = list(&answer, "warnings").iter().filter_map(|warning| text(warning, "code")).collect();
    assert_eq!(codes, ["token_marks_left_out", "token_events_left_out"]);
    let payload = field(&answer, "payload").and_then(Value::as_slice).unwrap();
    assert!((120..=150).contains(&payload.len()), "{} bytes", payload.len());
}

#[test]
fn without_a_word_on_its_size_a_token_fits_2048_characters_and_holds_the_newest_events_before_marks() {
    let event = |at: i64| {
        map(vec![
            ("event_id", Value::from(format!("e{at}"))),
            ("ts_ms", Value::from(NOW_MS - at * 3_600_000)),
            ("type", "purchase".into()),
            ("channel", "store".into()),
            ("item_id", Value::from(format!("{:08x}-5555-4444-8888-{:012x}", at * 2_654_435_761, at * 97_003))),
        ])
    };
    let input = map(vec![("now_ms", Value::from(NOW_MS)), ("events", Value::Array((0..400).map(event).collect()))]);
    let policy = unisono_core::Policy::default();
    let state = binary(&unisono_core::profile_apply(&policy, &encode(&input)), "state");
    let payload = binary(&write(&[("state", Value::Binary(state))]), "payload");
    let most = limits::TOKEN_BYTES as usize;
    assert!(payload.len() <= most && payload.len() > most - 40, "{} bytes", payload.len());
    let carried = decode(&binary(&apply(&payload, NOW_MS, "shop.example"), "state")).unwrap();
    let (events, marks) = (list(&carried, "events").len(), list(&carried, "marks").len());
    assert_eq!(events, limits::TOKEN_EVENTS_FIRST, "and {marks} marks");
    assert!((16..400).contains(&marks), "{marks} marks");
}
