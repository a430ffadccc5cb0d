//! The codec against its oracle, and the decimals against their definition.

use crate::{ErrorCode, Event, EventType, MICRO, Reader, Request, Writer, limits, micro_from_f64, micro_to_f64};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};
use proptest::prelude::*;
use rmpv::Value;

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::from),
        (-70_000i64..70_000).prop_map(Value::from),
        any::<f64>().prop_filter("NaN never reaches an output", |x| !x.is_nan()).prop_map(Value::F64),
        ".{0,40}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Value::Binary),
    ];
    leaf.prop_recursive(4, 64, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Value::Array),
            prop::collection::vec((inner.clone(), inner), 0..20).prop_map(Value::Map),
        ]
    })
}

fn write(w: &mut Writer, value: &Value) {
    match value {
        Value::Nil => w.nil(),
        Value::Boolean(b) => w.bool(*b),
        Value::Integer(i) => w.int(i.as_i64().unwrap()),
        Value::F64(x) => w.f64(*x),
        Value::String(s) => w.str(s.as_str().unwrap()),
        Value::Binary(b) => w.bin(b),
        Value::Array(values) => {
            w.array(values.len());
            values.iter().for_each(|value| write(w, value));
        }
        Value::Map(pairs) => {
            w.map(pairs.len());
            pairs.iter().for_each(|(key, value)| (write(w, key), write(w, value)).1);
        }
        other => panic!("not generated: {other}"),
    }
}

fn read(r: &mut Reader<'_>) -> Value {
    use crate::Kind;
    match r.kind() {
        Kind::Nil => (r.nil(), Value::Nil).1,
        Kind::Bool => Value::Boolean(r.bool()),
        Kind::Int => Value::from(r.int()),
        Kind::Float => Value::F64(r.f64()),
        Kind::Str => Value::from(r.str()),
        Kind::Bin => Value::Binary(r.bin().to_vec()),
        Kind::Array => Value::Array((0..r.array()).map(|_| read(r)).collect()),
        Kind::Map => Value::Map((0..r.map()).map(|_| (read(r), read(r))).collect()),
        kind => panic!("{kind:?}"),
    }
}

proptest! {
    #[test]
    fn what_is_written_is_what_the_oracle_writes(value in value()) {
        let mut w = Writer::new();
        write(&mut w, &value);
        let mut oracle = Vec::new();
        rmpv::encode::write_value(&mut oracle, &value).unwrap();
        prop_assert_eq!(w.as_bytes(), &oracle[..]);
        let mut r = Reader::new(&oracle);
        prop_assert_eq!(r.skip(), &oracle[..]);
        prop_assert!(r.finish().is_ok());
    }

    #[test]
    fn what_the_oracle_writes_is_read(value in value().prop_filter("finite", |v| !v.to_string().contains("inf"))) {
        let mut oracle = Vec::new();
        rmpv::encode::write_value(&mut oracle, &value).unwrap();
        let mut r = Reader::new(&oracle);
        prop_assert_eq!(read(&mut r), value);
        prop_assert!(r.finish().is_ok());
    }

    #[test]
    fn bytes_of_any_kind_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut r = Reader::new(&bytes);
        while !r.skip().is_empty() {}
        prop_assert!(r.failed() && r.rest().is_empty());
        let _ = Request::decode(&bytes);
        let _ = Request::id_of(&bytes);
    }

    #[test]
    fn money_of_six_decimals_round_trips_exactly(micro in -1_000_000_000_000_000i64..1_000_000_000_000_000) {
        prop_assert_eq!(micro_from_f64(micro_to_f64(micro)).unwrap(), micro);
    }
}

/// An event that differs from its like in few places, each of them small.
fn alike() -> impl Strategy<Value = Event<'static>> {
    let text = || {
        prop::sample::select(
            &[None, Some("a"), Some("b"), Some("aa"), Some("a text of more than 31 bytes, so it is")][..],
        )
    };
    let number =
        || prop::sample::select(&[None, Some(-200i64), Some(-1), Some(0), Some(5), Some(300), Some(1 << 40)][..]);
    let channel = prop::sample::select(&["web", "app", "store", "a_channel_whose_name_has_32_bytes"][..]);
    let texts = (text(), text(), text(), text());
    (0u8..3, channel, texts, number(), number(), 0i64..3).prop_map(|(kind, channel, texts, one, other, quantity)| {
        let mut event = Event::new("e", 1, EventType::ALL[kind as usize], channel);
        (event.item_id, event.currency, event.query, event.outcome) = texts;
        (event.value_micro, event.utc_offset_min) = (one, other);
        event.quantity_milli = 999 + quantity;
        event
    })
}

proptest! {
    #[test]
    fn copies_are_ordered_as_their_bytes_are(a in alike(), b in alike()) {
        let bytes = |event: &Event<'_>| {
            let mut w = Writer::new();
            event.write(&mut w);
            w.into_bytes()
        };
        prop_assert_eq!(a.total_cmp(&b), bytes(&a).cmp(&bytes(&b)));
        prop_assert!(a.total_cmp(&a).is_eq());
    }
}

#[test]
fn a_number_that_no_field_could_hold_is_passed_over() {
    for bytes in [
        &[0xcf, 255, 255, 255, 255, 255, 255, 255, 255][..],
        &[0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0],
        &[0xd3; 9],
        &[0xca; 5],
    ] {
        let mut r = Reader::new(bytes);
        assert_eq!(r.skip(), bytes);
        assert!(r.finish().is_ok());
    }
}

#[test]
fn what_is_no_integer_says_why() {
    let code = |value: f64| {
        let mut w = Writer::new();
        w.raw(&[0xcb]);
        w.raw(&value.to_be_bytes());
        let mut r = Reader::new(w.as_bytes());
        r.int();
        r.finish().err().map(|error| error.code())
    };
    for value in
        [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, limits::WHOLE_FLOAT_ABS_MAX + 2.0, (1u64 << 60) as f64]
    {
        assert_eq!(code(value), Some(ErrorCode::OutOfRange), "{value}");
    }
    assert_eq!(code(0.5), Some(ErrorCode::InvalidType));
    assert_eq!((code(-limits::WHOLE_FLOAT_ABS_MAX), code(7.0)), (None, None));
}

#[test]
fn a_value_that_is_read_apart_costs_those_after_it_nothing() {
    let mut deep = vec![0x94, 0x05, 0xa1, b'x'];
    deep.extend([0x91; 100]);
    deep.extend([0xdf, 0, 0, 0x10, 1]);
    deep.extend([0xa1, 0xff].repeat(2 * 4_097));
    deep.push(0x07);
    let mut r = Reader::new(&deep);
    let mut read = Vec::new();
    r.each(4, "four", |r| read.push(r.apart(Reader::int).ok()));
    assert!(r.finish().is_ok());
    assert_eq!(read, [Some(5), None, None, Some(7)]);
    let mut r = Reader::new(&[0x92, 0x91, 0xc1, 0x05]);
    r.each(2, "two", |r| read.push(r.apart(Reader::int).ok()));
    assert_eq!(r.finish().unwrap_err().code(), ErrorCode::InvalidMsgpack);
}

#[test]
fn an_error_repeats_the_beginning_of_an_unknown_key() {
    let key = "ä".repeat(100);
    let mut w = Writer::new();
    w.map(1);
    w.str(&key);
    w.raw(&[0xc1]);
    let error = Request::decode(w.as_bytes()).unwrap_err();
    assert_eq!(error.field(), "ä".repeat(limits::ECHO_BYTES_MAX / 2) + "…");
}

#[test]
fn decimals_round_half_to_even_and_refuse_what_is_no_number() {
    assert_eq!(micro_from_f64(0.000_000_5).unwrap(), 0);
    assert_eq!(micro_from_f64(0.000_001_5).unwrap(), 2);
    assert_eq!(micro_from_f64(0.000_002_5).unwrap(), 2);
    assert_eq!(micro_from_f64(-2.5).unwrap(), -5 * MICRO / 2);
    for bad in [f64::NAN, f64::INFINITY, 1e300, -1_000_000_001.0] {
        assert_eq!(micro_from_f64(bad).unwrap_err().code(), ErrorCode::OutOfRange);
    }
}

#[test]
fn skipping_is_bounded_in_depth_and_refuses_lengths_beyond_the_input() {
    let deep: Vec<u8> = vec![0x91; 100];
    let mut r = Reader::new(&deep);
    r.skip();
    assert_eq!(r.finish().unwrap_err().code(), ErrorCode::LimitExceeded);
    let mut r = Reader::new(&[0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0]);
    assert_eq!(r.array(), 0);
    assert_eq!(r.finish().unwrap_err().code(), ErrorCode::InvalidMsgpack);
    let ext = [0xc7, 0x03, 0x05, 1, 2, 3];
    assert_eq!(Reader::new(&ext).skip(), &ext[..]);
}

#[test]
fn the_first_error_sticks_and_everything_after_it_is_empty() {
    let mut r = Reader::new(&[0xa1, b'x', 0x05]);
    assert_eq!((r.int(), r.str(), r.int(), r.bin(), r.array(), r.bool()), (0, "", 0, &[][..], 0, false));
    assert!(r.failed() && r.rest().is_empty());
    r.in_field("k");
    let error = r.finish().unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidType, "k"));
}

#[test]
fn an_error_names_the_path_to_its_field() {
    let mut w = Writer::new();
    w.map(3);
    w.str("request_id");
    w.str("r1");
    w.str("now_ms");
    w.int(5);
    w.str("placements");
    w.array(1);
    w.map(2);
    w.str("id");
    w.str("main");
    w.str("kind");
    w.str("for_me");
    let error = Request::decode(w.as_bytes()).unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::UnknownPlacement, "placements[0].kind"));
    assert_eq!(Request::id_of(w.as_bytes()), Some("r1"));
    let words: Vec<String> = ErrorCode::ALL.iter().map(|code| format!("{code}")).collect();
    assert!(words.iter().all(|word| words.iter().filter(|other| *other == word).count() == 1));
}
