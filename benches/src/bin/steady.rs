//! Many calls on one instance of a host, on the request of median length: its memory stays as it is after the first few,
//! and every answer is the first.

use clap::Parser;
use std::path::PathBuf;
use unisono_benches::{fitted_subject, host};
use unisono_host::sha256_hex;

/// Answers one request again and again in wasmtime, and compares.
#[derive(Parser)]
struct Arguments {
    /// A fitted model.
    #[arg(long)]
    model: PathBuf,
    /// Requests, JSON Lines or the file of `unisono-models sample`.
    #[arg(long)]
    requests: PathBuf,
    /// How often.
    #[arg(long, default_value_t = 1_000_000)]
    calls: usize,
}

/// After so many calls the memory is to stay as it is; the second may still find the freed pieces of the first too small.
const EARLY: usize = 100;

fn main() {
    let arguments = Arguments::parse();
    let subject = fitted_subject(&arguments.model, &arguments.requests);
    let host = host(&subject.model);
    let first = host.decide(&subject.request).expect("an answer");
    let mut early = 0;
    for call in 1..arguments.calls.max(EARLY + 1) {
        let answer = host.decide(&subject.request).expect("an answer");
        assert!(answer == first, "call {call} answers other bytes");
        if call + 1 == EARLY {
            early = host.health().memory_bytes_idle;
        }
    }
    let late = host.health().memory_bytes_idle;
    println!("wasmtime, {}: {early} bytes of memory after {EARLY} calls", subject.name);
    println!("wasmtime: {late} bytes after {} calls, every answer {}", arguments.calls, sha256_hex(&first));
    assert_eq!(early, late, "the memory grows");
    let health = host.health();
    assert_eq!((health.faults, health.rebuilt), (0, 0), "one instance answered all of them");
}
