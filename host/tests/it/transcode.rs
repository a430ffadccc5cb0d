//! JSON and MessagePack carry the same values.

use unisono_host::HostErrorCode;
use unisono_host::transcode::{json_to_msgpack, msgpack_to_json, request_id_of_json, request_id_of_msgpack};

fn there_and_back(json: &str) -> String {
    String::from_utf8(msgpack_to_json(&json_to_msgpack(json.as_bytes()).unwrap()).unwrap()).unwrap()
}

#[test]
fn values_survive_both_ways() {
    for json in [
        "null",
        "true",
        "0",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551615",
        "0.1",
        "1.5e+300",
        "\"\"",
        "\"a\\nb \\u0000 ü 😀\"",
        "[]",
        "{}",
        "[1,[2,{\"a\":[]}],null]",
        "{\"b\":1,\"a\":{\"c\":[true,false]}}",
    ] {
        assert_eq!(there_and_back(json), json);
    }
}

#[test]
fn integers_stay_integers_and_floats_stay_floats() {
    assert_eq!(json_to_msgpack(b"20").unwrap(), [20]);
    assert_eq!(json_to_msgpack(b"-5").unwrap(), [0xfb]);
    assert_eq!(json_to_msgpack(b"300").unwrap(), [0xcd, 1, 44]);
    assert_eq!(json_to_msgpack(b"20.0").unwrap()[0], 0xcb);
    assert_eq!(there_and_back("1509494400000"), "1509494400000");
    assert_eq!(there_and_back("2.0"), "2.0");
}

#[test]
fn decimals_become_the_nearest_float() {
    // The classic that a parser without correct rounding gets wrong in the last bit.
    for text in
        ["9007199254740993.5", "0.30000000000000004", "2.2250738585072011e-308", "5e-324", "123456789.123456789"]
    {
        let bytes = json_to_msgpack(text.as_bytes()).unwrap();
        assert_eq!(bytes[0], 0xcb);
        let bits = u64::from_be_bytes(bytes[1..].try_into().unwrap());
        assert_eq!(bits, text.parse::<f64>().unwrap().to_bits(), "{text}");
    }
}

#[test]
fn duplicate_keys_and_their_order_reach_the_module() {
    let bytes = json_to_msgpack(br#"{"k":1,"a":2,"k":3}"#).unwrap();
    assert_eq!(bytes, b"\x83\xa1k\x01\xa1a\x02\xa1k\x03");
}

#[test]
fn numbers_as_strings_stay_strings() {
    assert_eq!(json_to_msgpack(br#"{"k":"20"}"#).unwrap(), b"\x81\xa1k\xa220");
}

#[test]
fn what_is_no_json_is_refused_with_its_place() {
    let deep = "[".repeat(1_000);
    for text in [
        &b""[..],
        b" ",
        b"{",
        b"{} {}",
        b"NaN",
        b"[1,]",
        b"{\"a\":Infinity}",
        b"1e999",
        b"\"\\ud800\"",
        b"\"\xff\"",
        b"'a'",
        deep.as_bytes(),
    ] {
        let error = json_to_msgpack(text).unwrap_err();
        assert_eq!(error.kind(), HostErrorCode::InvalidJson, "{}", String::from_utf8_lossy(text));
        assert!(error.message().contains("at column"), "{error}");
    }
}

#[test]
fn the_place_of_an_error_names_the_line_where_there_are_several() {
    let error = json_to_msgpack(b"{\n\"a\": nonsense}").unwrap_err();
    assert!(error.message().contains("at line 2 column"), "{error}");
}

#[test]
fn what_is_no_msgpack_is_refused() {
    let deep = [vec![0x91; 1_000], vec![0x01]].concat();
    // Empty, cut off, reserved, two values, too deep, a map whose key is a list, an announced length without bytes.
    for bytes in [&b""[..], b"\x92\x01", b"\xc1", b"\x01\x01", &deep, b"\x81\x90\x01", b"\xdd\xff\xff\xff\xff"] {
        assert_eq!(msgpack_to_json(bytes).unwrap_err().kind(), HostErrorCode::GuestBadResult, "{bytes:?}");
    }
}

#[test]
fn request_ids_are_found_where_there_are_any() {
    let found = [
        (&br#"{"now_ms":1,"request_id":"r1","x":[{}]}"#[..], Some("r1")),
        (br#"{"request_id":7}"#, None),
        (br#"{"request_id":null}"#, None),
        (br#"{"a":1}"#, None),
        (b"[1]", None),
        (b"{broken", None),
    ];
    for (json, expected) in found {
        assert_eq!(request_id_of_json(json).as_deref(), expected);
        if let Ok(msgpack) = json_to_msgpack(json) {
            assert_eq!(request_id_of_msgpack(&msgpack).as_deref(), expected);
        }
    }
    let long = format!("{{\"request_id\":\"{}\"}}", "x".repeat(129));
    assert_eq!(request_id_of_json(long.as_bytes()), None);
}

/// Marsaglia's xorshift64: the same changes in each run.
fn next(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 16) as usize
}

/// A few bytes of `text` replaced, put in, taken out or doubled.
fn changed(text: &[u8], state: &mut u64) -> Vec<u8> {
    const BYTES: &[u8] = b"{}[]\",:\\u-+.eE0123456789 tfn\x00\xff\xc3\x80\xdf\x93\xa1\xcb\xd9";
    let mut text = text.to_vec();
    for _ in 0..1 + next(state) % 4 {
        let at = next(state) % (text.len() + 1);
        let byte = BYTES[next(state) % BYTES.len()];
        match next(state) % 4 {
            0 => text.insert(at, byte),
            1 if at < text.len() => text[at] = byte,
            2 if at < text.len() => drop(text.remove(at)),
            _ => text.extend_from_within(at.saturating_sub(8)..at),
        }
    }
    text
}

#[test]
fn whatever_is_read_comes_back_the_same_and_nothing_panics() {
    const SEED: &str = r#"{"request_id":"r1","n":[0,-1,18446744073709551615,-9223372036854775808,0.1,1e-320,-0.0,2.5E3],
        "texts":["","é","\u00e9\n\"","𝄞"],"flags":[true,false,null],"deep":[[[{"a":{}}]]],"a":1,"a":2}"#;
    let (mut state, mut read) = (0x9e37_79b9_7f4a_7c15, 0);
    for _ in 0..50_000 {
        let json = changed(SEED.as_bytes(), &mut state);
        // Bytes that are no MessagePack either, mostly.
        let _ = msgpack_to_json(&json);
        let _ = request_id_of_json(&json);
        let Ok(msgpack) = json_to_msgpack(&json) else { continue };
        read += 1;
        let again = msgpack_to_json(&msgpack).unwrap();
        assert_eq!(json_to_msgpack(&again).unwrap(), msgpack, "{}", String::from_utf8_lossy(&json));
        let _ = msgpack_to_json(&changed(&msgpack, &mut state));
    }
    assert!(read > 2_000, "only {read} changed texts were still JSON");
}
