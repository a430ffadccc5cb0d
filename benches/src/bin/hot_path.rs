//! Answers one request again and again, natively: `valgrind --tool=callgrind hot-path --calls N` counts its instructions,
//! which, unlike its time, are the same on a busy machine. Two runs of different N tell loading and calls apart.

use clap::Parser;
use std::hint::black_box;
use std::path::PathBuf;
use unisono_benches::{fitted_subject, synthetic_subject};
use unisono_core::{Model, Policy, recommend};

/// Answers one request again and again.
#[derive(Parser)]
struct Arguments {
    /// A fitted model; without one a synthetic model of 10,000 items serves.
    #[arg(long, requires = "requests")]
    model: Option<PathBuf>,
    /// Requests, JSON Lines or the file of `unisono-models sample`; the one of median length is answered.
    #[arg(long)]
    requests: Option<PathBuf>,
    /// How often.
    #[arg(long, default_value_t = 100)]
    calls: usize,
    /// Also write the request, MessagePack, to this file.
    #[arg(long)]
    write_request: Option<PathBuf>,
}

fn main() {
    let arguments = Arguments::parse();
    let subject = match (&arguments.model, &arguments.requests) {
        (Some(model), Some(requests)) => fitted_subject(model, requests),
        _ => synthetic_subject(10_000),
    };
    if let Some(file) = &arguments.write_request {
        std::fs::write(file, &subject.request).expect("the request can be written");
    }
    let model = Model::load(&subject.model).expect("a sound model");
    let bytes: usize = (0..arguments.calls)
        .map(|_| recommend(black_box(&model), &Policy::default(), black_box(&subject.request)).len())
        .sum();
    println!("{}: {} calls, {bytes} bytes of answers", subject.name, arguments.calls);
}
