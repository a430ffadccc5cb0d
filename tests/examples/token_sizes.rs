//! What portable tokens weigh and carry: `cargo run --release -p unisono-tests --no-default-features --example token_sizes --
//! requests.jsonl [uuid] [bytes_max]`, a request with a profile's events in each line; `uuid` gives each item an id of 36
//! characters in place of its own. Times are of this machine, natively.

use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader};
use std::time::Instant;
use unisono_core::Policy;
use unisono_tests::value::{Value, decode, encode, field, int, list, map, set};

/// What one profile's token is: characters of base64 with the signature, marks, events, and microseconds.
struct Token {
    characters: usize,
    state_marks: usize,
    marks: usize,
    events: usize,
    write_us: f64,
    apply_us: f64,
}

/// A row of the table.
type Figure = (&'static str, fn(&Token) -> f64);

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or_else(|| anyhow::anyhow!("name a file of requests, JSON Lines"))?;
    let rest: Vec<String> = arguments.collect();
    let uuid = rest.iter().any(|word| word == "uuid");
    let bytes_max = rest.iter().find_map(|word| word.parse::<i64>().ok()).unwrap_or(1_472);
    let mut tokens = Vec::new();
    for line in BufReader::new(std::fs::File::open(file)?).lines() {
        tokens.push(token(&serde_json::from_str(&line?)?, uuid, bytes_max)?);
    }
    println!("{} profiles, payloads of at most {bytes_max} bytes{}", tokens.len(), if uuid { ", UUIDs" } else { "" });
    let figures: [Figure; 6] = [
        ("characters", |token| token.characters as f64),
        ("marks of the state", |token| token.state_marks as f64),
        ("marks carried", |token| token.marks as f64),
        ("events carried", |token| token.events as f64),
        ("write, µs", |token| token.write_us),
        ("apply, µs", |token| token.apply_us),
    ];
    println!("| | least | p5 | median | p95 | p99 | most | mean |\n|---|---|---|---|---|---|---|---|");
    for (name, figure) in figures {
        let mut values: Vec<f64> = tokens.iter().map(figure).collect();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let row = [at(0.0), at(0.05), at(0.5), at(0.95), at(0.99), at(1.0), mean].map(|value| format!("{value:.0}"));
        println!("| {name} | {} |", row.join(" | "));
    }
    let short = |most: usize| tokens.iter().filter(|token| token.marks < token.state_marks.min(most)).count();
    println!("without all of their newest 512 marks: {}", short(512));
    Ok(())
}

fn token(request: &serde_json::Value, uuid: bool, bytes_max: i64) -> anyhow::Result<Token> {
    let mut request = value(request);
    let now_ms = field(&request, "now_ms").and_then(int).unwrap_or_default();
    let mut events = list(field(&request, "profile").unwrap_or(&Value::Nil), "events").to_vec();
    if uuid {
        for event in &mut events {
            let id = field(event, "item_id").and_then(Value::as_str).map(as_uuid);
            set(event, "item_id", id.map_or(Value::Nil, Value::from));
        }
    }
    request = map(vec![("now_ms", Value::from(now_ms)), ("events", Value::Array(events))]);
    let applied = decode(&unisono_core::profile_apply(&Policy::default(), &encode(&request)))?;
    let state = field(&applied, "state").cloned().ok_or_else(|| anyhow::anyhow!("{applied}"))?;
    let input = encode(&map(vec![
        ("state", state.clone()),
        ("now_ms", Value::from(now_ms)),
        ("expires_ms", Value::from(now_ms + 3_600_000)),
        ("shop", Value::from("shop.example")),
        ("key_id", Value::from("k1")),
        ("bytes_max", Value::from(bytes_max)),
    ]));
    let start = Instant::now();
    let written = unisono_core::token_write(&Policy::default(), &input);
    let write_us = start.elapsed().as_secs_f64() * 1e6;
    let written = decode(&written)?;
    let payload = field(&written, "payload").cloned().ok_or_else(|| anyhow::anyhow!("{written}"))?;
    let input = encode(&map(vec![
        ("payload", payload.clone()),
        ("now_ms", Value::from(now_ms)),
        ("shop", Value::from("shop.example")),
    ]));
    let start = Instant::now();
    let joined = unisono_core::token_apply(&Policy::default(), &input);
    let apply_us = start.elapsed().as_secs_f64() * 1e6;
    let joined = decode(&joined)?;
    let parts = |state: Option<&Value>| -> anyhow::Result<(usize, usize)> {
        let state = decode(state.and_then(Value::as_slice).unwrap_or_default())?;
        Ok((list(&state, "marks").len(), list(&state, "events").len()))
    };
    let (marks, events) = parts(field(&joined, "state"))?;
    let characters = ((payload.as_slice().map_or(0, <[u8]>::len) + 64) * 4).div_ceil(3);
    Ok(Token { characters, state_marks: parts(Some(&state))?.0, marks, events, write_us, apply_us })
}

fn value(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(value) => Value::from(*value),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) => Value::from(whole),
            None => Value::from(number.as_f64().unwrap_or_default()),
        },
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(values) => Value::Array(values.iter().map(value).collect()),
        serde_json::Value::Object(fields) => {
            Value::Map(fields.iter().map(|(name, one)| (Value::from(name.as_str()), value(one))).collect())
        }
    }
}

/// A UUID of version 4 that is the same for the same item.
fn as_uuid(id: &str) -> String {
    let hex: String = Sha256::digest(id).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}
