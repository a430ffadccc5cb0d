//! What the benchmarks measure on: Complete Journey's model and its median household, and synthetic models.
//!
//! This crate measures; it decides nothing and no other crate depends on it.

use std::path::{Path, PathBuf};
use unisono_core::model::encode;
use unisono_message::Writer;
use unisono_tests::generator::synthetic;

/// A model file and a request for it.
pub struct Subject {
    /// What the report calls it.
    pub name: String,
    /// The model file.
    pub model: Vec<u8>,
    /// The request, MessagePack.
    pub request: Vec<u8>,
}

/// A synthetic model of `items` items with a request whose history has as many events as Complete Journey's median.
pub fn synthetic_subject(items: usize) -> Subject {
    let model = encode(&synthetic(items)).expect("the generator makes sound models");
    Subject { name: format!("synthetic, {items} items"), model, request: typical_request() }
}

/// A year of a customer: 416 purchases of 208 items on 52 days, all of them among the first 10,000 ids, so that models of
/// every size know them; one placement of 20.
fn typical_request() -> Vec<u8> {
    const NOW_MS: i64 = 1_760_000_000_000;
    let mut w = Writer::new();
    w.map(4);
    w.str("now_ms");
    w.int(NOW_MS);
    w.str("profile");
    w.map(1);
    w.str("events");
    w.array(416);
    for event in 0..416i64 {
        w.map(7);
        let (id, item, order) = (format!("e{event}"), event * 7_919 % 208 * 48, event / 8);
        for (key, value) in [
            ("event_id", id.as_str()),
            ("type", "purchase"),
            ("channel", "store"),
            ("item_id", &format!("p{item:07}")),
            ("order_id", &format!("o{order}")),
        ] {
            w.str(key);
            w.str(value);
        }
        w.str("ts_ms");
        w.int(NOW_MS - (order + 1) * 7 * 86_400_000);
        w.str("price");
        w.f64(2.49);
    }
    w.str("context");
    w.map(1);
    w.str("channel");
    w.str("store");
    w.str("placements");
    w.array(1);
    w.map(3);
    w.str("id");
    w.str("main");
    w.str("kind");
    w.str("for_you");
    w.str("k");
    w.int(20);
    w.into_bytes()
}

/// A fitted model with the request of median length among those of a JSON or JSON Lines file.
///
/// # Panics
/// When a file cannot be read or holds no request: a benchmark without its subject has nothing to say.
pub fn fitted_subject(model: &Path, requests: &Path) -> Subject {
    let mut all = requests_of(requests);
    all.sort_by_cached_key(|request| (events_of(request), request.to_string()));
    let median = all.get(all.len() / 2).expect("the file holds a request");
    let json = serde_json::to_vec(median).expect("JSON stays JSON");
    Subject {
        name: format!("Complete Journey, median household, {} events", events_of(median)),
        model: std::fs::read(model).expect("the model can be read"),
        request: unisono_host::transcode::json_to_msgpack(&json).expect("requests are JSON"),
    }
}

/// Requests of JSON Lines, or of the customers that `unisono-models sample` writes.
///
/// # Panics
/// When the file cannot be read.
pub fn requests_of(path: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(path).expect("the requests can be read");
    match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(whole) if whole["customers"].is_array() => {
            whole["customers"].as_array().into_iter().flatten().map(|customer| customer["request"].clone()).collect()
        }
        _ => text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
    }
}

fn events_of(request: &serde_json::Value) -> usize {
    request["profile"]["events"].as_array().map_or(0, Vec::len)
}

/// The module that `cargo xtask wasm` made.
pub fn module_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wasm/pkg/unisono.wasm")
}

/// A host with one instance and that module.
pub fn host(model: &[u8]) -> unisono_host::Host {
    unisono_host::HostBuilder::new()
        .module_path(module_path())
        .model_bytes(model)
        .instances(1)
        .memory_bytes_max(2 << 30)
        .load_deadline_ms(120_000)
        .build()
        .expect("the module is built (cargo xtask wasm) and takes the model")
}
