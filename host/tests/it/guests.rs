//! Guests for the tests. The echo guest answers a request with the request itself, unless its first byte is one of the
//! codes below: then it misbehaves. All of them are whole MessagePack values, so that JSON can carry them too.

use std::thread::sleep;
use std::time::{Duration, Instant};

use unisono_host::{Host, HostBuilder};

pub(crate) const TRAP: u8 = 0;
pub(crate) const LOOP: u8 = 1;
pub(crate) const HOG: u8 = 2;
pub(crate) const RESULT_OUTSIDE: u8 = 3;
pub(crate) const RESULT_HUGE: u8 = 4;
pub(crate) const RESULT_EMPTY: u8 = 5;
pub(crate) const SLOW: u8 = 6;
pub(crate) const RECURSE: u8 = 7;
pub(crate) const REFUSE: u8 = 8;
pub(crate) const NO_MSGPACK: u8 = 9;
pub(crate) const GROW_REFUSED: u8 = 10;
/// Answers how many of these the instance had before.
pub(crate) const COUNT: u8 = 11;

/// Two models of the echo guest: it takes the first 64 bytes of the file for the model's id.
pub(crate) const MODEL_A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
pub(crate) const MODEL_B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
/// A model that the echo guest refuses with `model_root_invalid`.
pub(crate) const MODEL_REFUSED: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

pub(crate) const ECHO: &str = include_str!("echo.wat");

pub(crate) fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

/// The echo guest with one piece of its text replaced; fails when the piece is not there.
pub(crate) fn echo_with(old: &str, new: &str) -> Vec<u8> {
    assert!(ECHO.contains(old), "the echo guest has no `{old}`");
    wasm(&ECHO.replace(old, new))
}

pub(crate) fn builder() -> HostBuilder {
    HostBuilder::new().module_bytes(wasm(ECHO)).model_bytes(MODEL_A).instances(2).deadline_ms(200)
}

pub(crate) fn host() -> Host {
    builder().build().unwrap()
}

/// Any MessagePack value that the echo guest gives back: a map of one key with a number.
pub(crate) fn request(number: u64) -> Vec<u8> {
    #[derive(serde::Serialize)]
    struct Request {
        request_id: String,
        number: u64,
    }
    rmp_serde::to_vec_named(&Request { request_id: format!("r{number}"), number }).unwrap()
}

/// Waits until every instance is there again.
pub(crate) fn until_rebuilt(host: &Host) {
    let started = Instant::now();
    while host.health().rebuilding > 0 {
        assert!(started.elapsed() < Duration::from_secs(10), "not rebuilt: {:?}", host.health());
        sleep(Duration::from_millis(2));
    }
}
