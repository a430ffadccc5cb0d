//! What portable tokens weigh and carry, and how long the module takes for them in wasmtime:
//! `portable-token customers.json [--uuid] [--bytes-max N]`, the file of `unisono-models sample`, or requests line by line.

use std::path::PathBuf;
use std::time::Instant;

use clap::Parser;
use serde_json::json;
use unisono_core::model::{ModelParts, encode as encode_model};
use unisono_host::transcode::json_to_msgpack;
use unisono_host::{Host, HostError, sha256_hex};
use unisono_tests::value::{Value, decode, encode, field, list, map};

#[derive(Parser)]
struct Arguments {
    /// Requests with a profile's events.
    requests: PathBuf,
    /// Give each item an id of 36 characters in place of its own.
    #[arg(long)]
    uuid: bool,
    /// Bytes of a payload at most; with signature and base64 1,472 are 2,048 characters.
    #[arg(long, default_value_t = 1_472)]
    bytes_max: i64,
}

/// What one profile's token is, and microseconds of the module.
struct Token {
    characters: usize,
    state_bytes: usize,
    state_marks: usize,
    marks: usize,
    events: usize,
    write_us: f64,
    apply_us: f64,
    join_us: f64,
    merge_us: f64,
}

/// A row of the table.
type Figure = (&'static str, fn(&Token) -> f64);

const FIGURES: [Figure; 9] = [
    ("characters", |token| token.characters as f64),
    ("bytes of the state", |token| token.state_bytes as f64),
    ("marks of the state", |token| token.state_marks as f64),
    ("marks carried", |token| token.marks as f64),
    ("events carried", |token| token.events as f64),
    ("`token_write`, µs", |token| token.write_us),
    ("`token_apply` to no state, µs", |token| token.apply_us),
    ("`token_apply` to the whole state, µs", |token| token.join_us),
    ("`profile_merge` of both states, µs", |token| token.merge_us),
];

fn main() {
    let arguments = Arguments::parse();
    let model = encode_model(&ModelParts::default()).expect("an empty model is sound");
    let host = unisono_benches::host(&model);
    let requests = unisono_benches::requests_of(&arguments.requests);
    let tokens: Vec<Token> = requests.iter().map(|request| token(&host, request, &arguments)).collect();
    let ids = if arguments.uuid { ", ids of 36 characters" } else { "" };
    println!("{} profiles, payloads of at most {} bytes{ids}; times in wasmtime", tokens.len(), arguments.bytes_max);
    println!("| | least | p5 | median | p95 | p99 | most | mean |\n|---|---|---|---|---|---|---|---|");
    for (name, figure) in FIGURES {
        let mut values: Vec<f64> = tokens.iter().map(figure).collect();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let row = [at(0.0), at(0.05), at(0.5), at(0.95), at(0.99), at(1.0), mean].map(|value| format!("{value:.0}"));
        println!("| {name} | {} |", row.join(" | "));
    }
    let short = tokens.iter().filter(|token| token.marks < token.state_marks.min(512)).count();
    println!("without all of their newest 512 marks: {short}");
}

fn token(host: &Host, request: &serde_json::Value, arguments: &Arguments) -> Token {
    let now_ms = request["now_ms"].clone();
    let mut events = request["profile"]["events"].as_array().cloned().unwrap_or_default();
    if arguments.uuid {
        for event in &mut events {
            event["item_id"] = as_uuid(event["item_id"].as_str().unwrap_or_default()).into();
        }
    }
    let apply = json_to_msgpack(json!({"now_ms": now_ms, "events": events}).to_string().as_bytes()).expect("JSON");
    let (_, applied) = timed(|| host.profile_apply(&apply));
    let now_ms = Value::from(now_ms.as_i64().unwrap_or_default());
    let write = encode(&map(vec![
        ("state", state(&applied)),
        ("now_ms", now_ms.clone()),
        ("expires_ms", Value::from(now_ms.as_i64().unwrap_or_default() + 3_600_000)),
        ("shop", Value::from("shop.example")),
        ("key_id", Value::from("k1")),
        ("bytes_max", Value::from(arguments.bytes_max)),
    ]));
    let (write_us, written) = timed(|| host.token_write(&write));
    let payload = field(&written, "payload").cloned().unwrap_or_else(|| panic!("{written}"));
    let carried = [("payload", payload.clone()), ("now_ms", now_ms), ("shop", Value::from("shop.example"))];
    let to_nothing = encode(&map(carried.to_vec()));
    let to_state = encode(&map([("state", state(&applied))].into_iter().chain(carried).collect()));
    let (apply_us, received) = timed(|| host.token_apply(&to_nothing));
    let (join_us, _) = timed(|| host.token_apply(&to_state));
    let both = encode(&map(vec![("states", Value::Array(vec![state(&applied), state(&received)]))]));
    let (merge_us, _) = timed(|| host.profile_merge(&both));
    let state_bytes = state(&applied).as_slice().map_or(0, <[u8]>::len);
    let (state, received) = (inner(&applied), inner(&received));
    Token {
        characters: ((payload.as_slice().map_or(0, <[u8]>::len) + 64) * 4).div_ceil(3),
        state_bytes,
        state_marks: list(&state, "marks").len(),
        marks: list(&received, "marks").len(),
        events: list(&received, "events").len(),
        write_us,
        apply_us,
        join_us,
        merge_us,
    }
}

/// Microseconds of the faster of two calls, and what they answered.
fn timed(call: impl Fn() -> Result<Vec<u8>, HostError>) -> (f64, Value) {
    let once = || {
        let start = Instant::now();
        let answer = call();
        (start.elapsed().as_secs_f64() * 1e6, answer.expect("the module answers"))
    };
    let (first, _) = once();
    let (second, answer) = once();
    (first.min(second), decode(&answer).expect("MessagePack"))
}

fn state(answer: &Value) -> Value {
    field(answer, "state").cloned().unwrap_or_else(|| panic!("{answer}"))
}

fn inner(answer: &Value) -> Value {
    decode(state(answer).as_slice().unwrap_or_default()).expect("a state is MessagePack")
}

/// A UUID of version 4 that is the same for the same item.
fn as_uuid(id: &str) -> String {
    let hex = sha256_hex(id.as_bytes());
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}
