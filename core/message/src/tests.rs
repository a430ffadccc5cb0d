//! The codec against its oracle, and the decimals against their definition.

use crate::{ErrorCode, MICRO, Reader, Request, Writer, micro_from_f64, micro_to_f64};
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
