//! `recommend`: requests in, responses out, answered natively by core.

use super::lines::{Lines, read, to_json, to_msgpack};
use crate::error::{Error, Result};
use crate::parallel;
use crate::progress::Progress;
use clap::Args as ClapArgs;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use unisono_core::{Model, recommend};

/// Lines that are read, answered and written together.
const BATCH: usize = 1_024;

/// Options of `recommend`.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example:\n  unisono-models recommend --model shop.unisono --requests requests.jsonl --out responses.jsonl"
)]
pub(crate) struct Args {
    /// The model file.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Requests in JSON, a line each.
    #[arg(long, value_name = "FILE")]
    requests: PathBuf,
    /// Responses in JSON, a line each, in the order of the requests.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Threads [default: one per core].
    #[arg(long)]
    threads: Option<usize>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let file = read(&args.model)?;
    let model = Model::load(&file).map_err(Error::from_core)?;
    let out = std::fs::File::create(&args.out).map_err(|e| Error::io("create", &args.out, e))?;
    let mut out = BufWriter::new(out);
    let mut lines = Lines::open(&args.requests)?;
    let bar = Progress::on_terminal().bar("requests", 0);
    loop {
        let batch = lines.take(BATCH)?;
        if batch.is_empty() {
            break;
        }
        let answer = |(): &mut (), at: usize| answer(&model, &batch[at].1);
        for line in parallel::in_order(threads(args.threads), batch.len(), || (), answer, || bar.inc(1)) {
            writeln!(out, "{line}").map_err(|e| Error::io("write", &args.out, e))?;
        }
    }
    bar.finish();
    out.flush().map_err(|e| Error::io("write", &args.out, e))
}

/// One line for one line: what is no JSON gets an error in the same form as core's own.
fn answer(model: &Model<'_>, line: &str) -> String {
    let answered = to_msgpack(line).and_then(|request| to_json(&recommend(model, &request)));
    answered.unwrap_or_else(|reason| {
        serde_json::json!({"error": {"code": "invalid_json", "message": reason, "field": ""}}).to_string()
    })
}

/// The number of threads asked for, else one per core.
pub(crate) fn threads(asked: Option<usize>) -> usize {
    asked.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)).max(1)
}
