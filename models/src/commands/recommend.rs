//! `recommend`: requests in, responses out, answered natively by core.

use super::lines::{Line, Lines, error_line, read, to_json, to_msgpack};
use crate::error::{Error, Result};
use crate::output::{Output, apart};
use crate::parallel;
use crate::progress::Progress;
use clap::Args as ClapArgs;
use std::path::PathBuf;
use unisono_core::{Model, Policy, recommend};

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
    /// Responses in JSON, a line each, in the order of the requests; a line that can't be read has an error in its place.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Threads, 1 or more [default: one per core].
    #[arg(long, value_parser = thread_count)]
    threads: Option<usize>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let file = read(&args.model)?;
    let model = Model::load(&file).map_err(Error::from_core)?;
    apart(&[&args.model, &args.requests], &[&args.out])?;
    let mut lines = Lines::open(&args.requests)?;
    let mut out = Output::create(&args.out)?;
    let bar = Progress::on_terminal().bar("requests", 0);
    loop {
        let batch = lines.take(BATCH)?;
        if batch.is_empty() {
            break;
        }
        let answer = |(): &mut (), at: usize| answer(&model, &batch[at]);
        for mut line in parallel::in_order(threads(args.threads), batch.len(), || (), answer, || bar.inc(1)) {
            line.push(b'\n');
            out.write(&line)?;
        }
    }
    bar.finish();
    out.complete()
}

/// One line for one line: what can't be read gets an error in the same form as core's own, with the number of its line.
fn answer(model: &Model<'_>, line: &Line) -> Vec<u8> {
    let answered = match &line.text {
        Ok(text) => to_msgpack(text).and_then(|request| to_json(&recommend(model, &Policy::default(), &request))),
        Err(refusal) => return error_line(line, refusal),
    };
    answered.unwrap_or_else(|refusal| error_line(line, &refusal))
}

/// The number of threads asked for, else one per core.
pub(crate) fn threads(asked: Option<usize>) -> usize {
    asked.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)).max(1)
}

/// Reads a number of threads.
pub(crate) fn thread_count(text: &str) -> std::result::Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least one thread is needed".to_owned()),
        Ok(count) => Ok(count),
        Err(error) => Err(format!("{error}")),
    }
}
