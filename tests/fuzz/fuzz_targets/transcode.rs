//! Any bytes as JSON and as MessagePack from the network: refused, or the same value in the other format.
#![no_main]

use libfuzzer_sys::fuzz_target;
use unisono_host::transcode::{error_code, json_to_msgpack, msgpack_to_json, request_id_of_json, request_id_of_msgpack};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(msgpack) = json_to_msgpack(bytes) {
        let json = msgpack_to_json(&msgpack).expect("what came from JSON goes back");
        assert_eq!(json_to_msgpack(&json).ok(), Some(msgpack), "one value in both formats");
    }
    if let Ok(json) = msgpack_to_json(bytes) {
        json_to_msgpack(&json).expect("what is written is JSON");
    }
    let _ = (error_code(bytes), request_id_of_json(bytes), request_id_of_msgpack(bytes));
});
