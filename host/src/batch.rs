//! Many requests from a file: one request a line in, one response or error a line out, in the same order, on all cores,
//! within a bounded memory.
//!
//! A reader cuts the input into chunks of lines, workers decide them, and the calling thread writes the results in order.
//! The reader runs ahead of the writer by a few chunks for each worker, never further. Every line of the input, a blank or
//! broken one too, has its line in the output.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read, Write};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use unisono_message::limits::REQUEST_BYTES_MAX;

use crate::error::{HostError, HostErrorCode};
use crate::host::Host;
use crate::limits::{BATCH_CHUNK_BYTES, BATCH_CHUNK_LINES_MAX, BATCH_CHUNKS_PER_WORKER};
use crate::profiles::{Profiles, asks_for_stored, store_missing};
use crate::transcode;

/// What a batch came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchCounts {
    /// Lines read, and as many written.
    pub lines: u64,
    /// Bytes read, line ends included.
    pub bytes: u64,
    /// Lines that hold a decision.
    pub decided: u64,
    /// Lines that hold an error, by its code.
    pub errors: BTreeMap<String, u64>,
}

impl BatchCounts {
    /// Lines that hold an error.
    pub fn errors_total(&self) -> u64 {
        self.errors.values().sum()
    }

    fn add(&mut self, other: BatchCounts) {
        self.lines += other.lines;
        self.bytes += other.bytes;
        self.decided += other.decided;
        for (code, count) in other.errors {
            *self.errors.entry(code).or_default() += count;
        }
    }
}

/// Decides every line of `input` and writes the answers to `output`. `progress` is told the counts so far, again and
/// again.
///
/// # Errors
/// `requests_unreadable` or `responses_unwritable`; what was decided before that has been written. A line that is no valid
/// request is no error of the batch: its line in the output says what is wrong with it.
pub fn run(
    host: &Host,
    input: impl BufRead + Send,
    output: impl Write,
    progress: impl FnMut(&BatchCounts),
) -> Result<BatchCounts, HostError> {
    let decide = |request: &[u8]| match asks_for_stored(request) {
        true => Err(store_missing()),
        false => host.decide(request),
    };
    run_by(&decide, host.health().instances, input, output, progress)
}

/// As [`run`], where a request may name a stored profile, as [`Profiles::decide`] takes it.
///
/// # Errors
/// Those of [`run`].
pub fn run_stored(
    host: &Host,
    profiles: &Profiles,
    input: impl BufRead + Send,
    output: impl Write,
    progress: impl FnMut(&BatchCounts),
) -> Result<BatchCounts, HostError> {
    let decide = |request: &[u8]| profiles.decide(request).map(|decision| decision.response);
    run_by(&decide, host.health().instances, input, output, progress)
}

/// Makes a response of a request, both MessagePack.
type Decide<'a> = &'a (dyn Fn(&[u8]) -> Result<Vec<u8>, HostError> + Sync);

fn run_by(
    decide: Decide<'_>,
    workers: usize,
    input: impl BufRead + Send,
    mut output: impl Write,
    mut progress: impl FnMut(&BatchCounts),
) -> Result<BatchCounts, HostError> {
    let ahead = workers.saturating_mul(BATCH_CHUNKS_PER_WORKER);
    thread::scope(|scope| {
        let (to_workers, work) = channel::<Job>();
        let (to_writer, in_order) = sync_channel::<Receiver<Answers>>(ahead);
        let work = Arc::new(Mutex::new(work));
        let reader = scope.spawn(move || read_chunks(input, &to_workers, &to_writer));
        for _ in 0..workers {
            let work = work.clone();
            scope.spawn(move || decide_chunks(decide, &work));
        }
        // The workers alone own the queue now: should all of them be gone, the reader learns it.
        drop(work);
        let written = write_in_order(&mut output, in_order, &mut progress);
        let read = reader
            .join()
            .map_err(|_| HostError::new(HostErrorCode::Internal, "the reading thread panicked".to_owned()))?;
        let counts = written?;
        read.map_err(|e| {
            let text = format!("the requests can't be read after line {}: {e}", counts.lines);
            HostError::new(HostErrorCode::RequestsUnreadable, text).with_source(e)
        })?;
        Ok(counts)
    })
}

/// A chunk of lines, and where its answers go.
struct Job {
    lines: Vec<Line>,
    first_line: u64,
    bytes: u64,
    answers: SyncSender<Answers>,
}

enum Line {
    Whole(Vec<u8>),
    /// Longer than a request may be; its text was skipped.
    TooLong,
}

struct Answers {
    text: Vec<u8>,
    counts: BatchCounts,
}

/// Reads to the end, or until nobody wants more.
fn read_chunks(
    mut input: impl BufRead,
    to_workers: &Sender<Job>,
    to_writer: &SyncSender<Receiver<Answers>>,
) -> io::Result<()> {
    let mut first_line: u64 = 1;
    loop {
        let mut lines = Vec::new();
        let mut bytes: u64 = 0;
        let mut held = 0;
        while lines.len() < BATCH_CHUNK_LINES_MAX && held < BATCH_CHUNK_BYTES {
            let Some((line, length)) = read_line(&mut input)? else { break };
            held += if let Line::Whole(text) = &line { text.len() } else { 0 };
            bytes += length;
            lines.push(line);
        }
        if lines.is_empty() {
            return Ok(());
        }
        let count = lines.len();
        let (answers, answered) = sync_channel(1);
        // This waits while the writer is too far behind. Either refusal means that writing has failed.
        let wanted =
            to_writer.send(answered).is_ok() && to_workers.send(Job { lines, first_line, bytes, answers }).is_ok();
        if !wanted {
            return Ok(());
        }
        first_line = first_line.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
    }
}

/// The next line without its end, and how many bytes it took; `None` at the end of the input.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<(Line, u64)>> {
    // The line end counts too.
    let longest = u64::try_from(REQUEST_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut text = Vec::new();
    let mut length = count(input.by_ref().take(longest).read_until(b'\n', &mut text)?);
    if length == 0 {
        return Ok(None);
    }
    if text.pop_if(|last| *last == b'\n').is_some() || length < longest {
        return Ok(Some((Line::Whole(text), length)));
    }
    loop {
        text.clear();
        let skipped = count(input.by_ref().take(longest).read_until(b'\n', &mut text)?);
        length += skipped;
        if skipped == 0 || text.last() == Some(&b'\n') {
            return Ok(Some((Line::TooLong, length)));
        }
    }
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

fn decide_chunks(decide: Decide<'_>, work: &Mutex<Receiver<Job>>) {
    loop {
        let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        let mut text = Vec::new();
        let mut counts = BatchCounts { bytes: job.bytes, ..BatchCounts::default() };
        for (line, number) in job.lines.iter().zip(job.first_line..) {
            let (answer, code) = decide_line(decide, line, number);
            text.extend_from_slice(&answer);
            text.push(b'\n');
            counts.lines += 1;
            match code {
                None => counts.decided += 1,
                Some(code) => *counts.errors.entry(code).or_default() += 1,
            }
        }
        // Nobody waits for it when writing has failed.
        let _ = job.answers.send(Answers { text, counts });
    }
}

/// The line to write, and the code of the error in it, if it is one.
fn decide_line(decide: Decide<'_>, line: &Line, number: u64) -> (Vec<u8>, Option<String>) {
    let decided = match line {
        Line::Whole(json) => decide_json(decide, json),
        Line::TooLong => {
            let text = format!("the line has more than {REQUEST_BYTES_MAX} bytes");
            Err(HostError::new(HostErrorCode::BodyTooLarge, text))
        }
    };
    decided.unwrap_or_else(|e| {
        let request_id = match line {
            Line::Whole(json) => transcode::request_id_of_json(json),
            Line::TooLong => None,
        };
        (transcode::error_json(request_id.as_deref(), &e, Some(number)), Some(e.code().to_owned()))
    })
}

fn decide_json(decide: Decide<'_>, json: &[u8]) -> Result<(Vec<u8>, Option<String>), HostError> {
    let response = decide(&transcode::json_to_msgpack(json)?)?;
    Ok((transcode::msgpack_to_json(&response)?, transcode::error_code(&response)))
}

/// Takes the queue by value: when writing fails it is dropped, and the reader stops.
fn write_in_order(
    output: &mut impl Write,
    in_order: Receiver<Receiver<Answers>>,
    progress: &mut impl FnMut(&BatchCounts),
) -> Result<BatchCounts, HostError> {
    let unwritable = |e: io::Error| {
        HostError::new(HostErrorCode::ResponsesUnwritable, format!("the responses can't be written: {e}"))
            .with_source(e)
    };
    let mut counts = BatchCounts::default();
    for answered in in_order {
        let answers = answered
            .recv()
            .map_err(|e| HostError::new(HostErrorCode::Internal, "a worker of the batch panicked").with_source(e))?;
        output.write_all(&answers.text).map_err(unwritable)?;
        counts.add(answers.counts);
        progress(&counts);
    }
    output.flush().map_err(unwritable)?;
    Ok(counts)
}
