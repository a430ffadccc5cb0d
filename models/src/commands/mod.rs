//! The command line, a file per verb: parse, then check, then act.

mod ablate;
mod bounds;
mod check;
mod consents;
mod evaluate;
mod fit;
mod import;
mod inspect;
mod lines;
mod memory;
mod recommend;
mod recorded;
mod report;
mod sample;
mod settings;
mod update;

use crate::error::{Error, Result};
use crate::tables::Renames;
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
    /// Reads tables and says what a fit would find, before it is made.
    Check(check::Args),
    /// Answers requests natively and measures the answers against what happened.
    Evaluate(evaluate::Args),
    /// Puts another catalog into a model, between two fits.
    Update(update::Args),
    /// Leaves out each source of knowledge, fits again, and measures what is lost.
    Ablate(ablate::Args),
    /// Measures what the bounds of profiles cost and save.
    #[command(hide = true)]
    Bounds(bounds::Args),
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
            Command::Check(args) => check::run(&args),
            Command::Evaluate(args) => evaluate::run(&args),
            Command::Update(args) => update::run(&args),
            Command::Ablate(args) => ablate::run(&args),
            Command::Bounds(args) => bounds::run(&args),
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

/// The wall clock, which decides only which events are refused as being from the future.
pub(crate) fn clock_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |time| time.as_millis() as i64)
}

/// A column that was to be renamed and that no table has is a mistake, not a wish that may go unheard.
pub(crate) fn check_renames(renames: &Renames, found: &std::collections::BTreeSet<String>) -> Result<()> {
    match renames.sources().find(|name| !found.contains(*name)) {
        Some(name) => Err(Error::config("map", format!("renames `{name}`, which no table has"))),
        None => Ok(()),
    }
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
