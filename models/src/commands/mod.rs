//! The command line, a file per verb: parse, then check, then act.

mod evaluate;
mod fit;
mod import;
mod inspect;
mod lines;
mod memory;
mod recommend;
mod sample;

use crate::error::Result;
use clap::{Parser, Subcommand, ValueEnum};

/// Trains, evaluates and reads Unisono models.
#[derive(Debug, Parser)]
#[command(name = "unisono-models", version, about, propagate_version = true)]
#[command(after_help = "Example:\n  unisono-models import complete-journey --from raw --out tables\n  \
unisono-models fit --events tables/events.parquet --catalog tables/catalog.csv --out shop.unisono")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Trains a model from tables of events, products and offers.
    Fit(fit::Args),
    /// Answers requests natively and measures the answers against what happened.
    Evaluate(evaluate::Args),
    /// Shows what a model file holds.
    Inspect(inspect::Args),
    /// Answers requests natively, a line each.
    Recommend(recommend::Args),
    /// Picks customers of the log as ready requests for a demo page.
    Sample(sample::Args),
    /// Turns a public data set into tables.
    Import(import::Args),
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Human,
    /// For programs: one JSON object on standard output.
    Json,
}

impl Cli {
    /// Runs the chosen command.
    ///
    /// # Errors
    /// Whatever the command fails with.
    pub fn run(self) -> Result<()> {
        match self.command {
            Command::Fit(args) => fit::run(&args),
            Command::Evaluate(args) => evaluate::run(&args),
            Command::Inspect(args) => inspect::run(&args),
            Command::Recommend(args) => recommend::run(&args),
            Command::Sample(args) => sample::run(&args),
            Command::Import(args) => import::run(&args),
        }
    }
}

/// Prints to standard output; a reader that went away ends the program quietly.
pub(crate) fn print(text: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    if out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).is_err() {
        std::process::exit(0);
    }
}

/// A value as one JSON line on standard output.
pub(crate) fn print_json(value: &impl serde::Serialize) {
    // Reports are plain structs with text keys, which always have a JSON form.
    print(&serde_json::to_string_pretty(value).unwrap_or_default());
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
