//! `unisono-host batch`.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use unisono_host::batch::{self, BatchCounts};
use unisono_host::profiles::Profiles;
use unisono_host::{Host, HostError, store};

use super::{HostArguments, IdentityArguments};

/// Decide a file of requests: one request in JSON a line, one response or error a line, in the same order.
///
/// A line that is no valid request gets a line that says so, and the batch goes on. At the end the counts are printed on
/// stderr.
///
/// Example: unisono-host batch --model shop.unisono --requests requests.jsonl --out responses.jsonl
#[derive(Args)]
pub(crate) struct Batch {
    #[command(flatten)]
    host: HostArguments,
    /// The requests, one in JSON a line; `-` reads stdin.
    #[arg(long, value_name = "FILE")]
    requests: PathBuf,
    /// Where the responses go; `-` writes stdout. A file appears under its name when it is complete.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The store of profiles, for requests with a `profile_id` and no profile: a folder that no host serves from, or
    /// redis://HOST:PORT/.
    #[arg(long, value_name = "DIR|URL")]
    data: Option<String>,
    #[command(flatten)]
    identities: IdentityArguments,
    /// Milliseconds that one decision may take. Generous, so that a busy machine does not change an answer.
    #[arg(long, value_name = "MS", default_value_t = 60_000)]
    deadline_ms: u64,
    /// How the counts are printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A sentence for people, and a progress bar on a terminal.
    Text,
    /// One line of JSON.
    Json,
}

/// Milliseconds that a worker waits for an instance: only while one is being rebuilt, as there is one for each worker.
const WAIT_MS: u64 = 60_000;

#[derive(Serialize)]
struct Summary<'a> {
    lines: u64,
    decided: u64,
    errors: u64,
    errors_by_code: &'a std::collections::BTreeMap<String, u64>,
    seconds: f64,
    module_id: &'a str,
    model_id: &'a str,
}

impl Batch {
    pub(crate) fn run(self) -> Result<(), HostError> {
        // Files come first: nobody should wait for a model to learn that they can't be read or written.
        let files = self.files()?;
        let identities = self.identities.hasher()?;
        let store = self.data.as_deref().map(store::open).transpose()?;
        let host = self.host.build(self.deadline_ms, WAIT_MS)?;
        let profiles = store.map(|store| {
            let profiles = Profiles::new(host.clone(), store);
            match identities {
                Some(hasher) => profiles.identities(hasher),
                None => profiles,
            }
        });
        let started = Instant::now();
        let bar = self.progress_bar();
        let counts = decide(&host, profiles.as_ref(), files, &bar)?;
        bar.finish_and_clear();
        self.print(&host, &counts, started.elapsed());
        Ok(())
    }

    fn files(&self) -> Result<Files<'_>, HostError> {
        let input: Box<dyn io::BufRead + Send> = if is_dash(&self.requests) {
            Box::new(BufReader::new(io::stdin()))
        } else {
            Box::new(BufReader::with_capacity(1 << 20, open(&self.requests)?))
        };
        if is_dash(&self.out) {
            return Ok(Files { input, output: None });
        }
        let host = [self.host.model_path(), self.host.module_path(), self.host.policy_path()];
        let named = host.into_iter().chain([Some(&self.requests), self.identities.key_path()]);
        if is_plain(&self.out) && named.flatten().any(|input| is_same(input, &self.out)) {
            let error = io::Error::other("the batch reads this very file; name another one");
            return Err(HostError::responses_unwritable(&self.out, error));
        }
        Ok(Files { input, output: Some(Output::create(&self.out)?) })
    }

    /// Nothing is drawn when stderr is no terminal, or when a program reads it.
    fn progress_bar(&self) -> ProgressBar {
        let bytes = fs::metadata(&self.requests).ok().filter(fs::Metadata::is_file).map(|file| file.len());
        if self.format == Format::Json {
            return ProgressBar::hidden();
        }
        let (bar, template) = match bytes {
            Some(bytes) => (ProgressBar::new(bytes), "{bar:40} {percent:>3} % {msg}, {eta} left"),
            None => (ProgressBar::new_spinner(), "{spinner} {msg}, {elapsed}"),
        };
        bar.enable_steady_tick(Duration::from_millis(200));
        match ProgressStyle::with_template(template) {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }

    fn print(&self, host: &Host, counts: &BatchCounts, elapsed: Duration) {
        let model_id = host.model_id();
        let seconds = elapsed.as_secs_f64();
        let summary = Summary {
            lines: counts.lines,
            decided: counts.decided,
            errors: counts.errors_total(),
            errors_by_code: &counts.errors,
            seconds,
            module_id: host.module_id(),
            model_id: &model_id,
        };
        if self.format == Format::Json {
            eprintln!("{}", serde_json::to_string(&summary).unwrap_or_default());
            return;
        }
        let codes: Vec<String> = counts.errors.iter().map(|(code, count)| format!("{code} {count}")).collect();
        let list = if codes.is_empty() { String::new() } else { format!(" ({})", codes.join(", ")) };
        let (lines, decided, errors) = (summary.lines, summary.decided, summary.errors);
        eprintln!("{lines} lines in {seconds:.1} s: {decided} ok, {errors} errors{list}");
        eprintln!("module {}, model {model_id}", summary.module_id);
    }
}

/// What a batch reads and writes; no output is stdout.
struct Files<'a> {
    input: Box<dyn io::BufRead + Send>,
    output: Option<Output<'a>>,
}

fn decide(
    host: &Host,
    profiles: Option<&Profiles>,
    files: Files<'_>,
    bar: &ProgressBar,
) -> Result<BatchCounts, HostError> {
    let progress = |counts: &BatchCounts| {
        bar.set_position(counts.bytes);
        bar.set_message(format!("{} lines, {} errors", counts.lines, counts.errors_total()));
    };
    let run = |input, output: &mut dyn Write| match profiles {
        Some(profiles) => batch::run_stored(host, profiles, input, output, progress),
        None => batch::run(host, input, output, progress),
    };
    let Some(output) = files.output else {
        return run(files.input, &mut BufWriter::new(io::stdout().lock()));
    };
    let counts = run(files.input, &mut BufWriter::new(&output.file))?;
    output.complete()?;
    Ok(counts)
}

/// A pipe or a terminal may well be read and written.
fn is_plain(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file())
}

/// Whether both names lead to one file.
fn is_same(a: &Path, b: &Path) -> bool {
    fs::canonicalize(a).is_ok_and(|a| fs::canonicalize(b).is_ok_and(|b| a == b))
}

fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn open(path: &Path) -> Result<File, HostError> {
    File::open(path).map_err(|e| HostError::requests_unreadable(path, e))
}

/// A file under way: it has its final name only once it is complete, so that nobody reads half of it.
struct Output<'a> {
    file: File,
    path: &'a Path,
    /// Its name until it is complete, and its name then.
    names: Option<(PathBuf, PathBuf)>,
}

impl<'a> Output<'a> {
    fn create(path: &'a Path) -> Result<Self, HostError> {
        // What is no plain file, as a pipe or /dev/null, can't be replaced and is written as it is.
        let special = fs::metadata(path).is_ok_and(|found| !found.is_file());
        // A link, as /dev/stdout may be one to a file, stays a link.
        let whole = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut partial = whole.clone().into_os_string();
        partial.push(".partial");
        let names = (!special).then(|| (PathBuf::from(partial), whole));
        let target = names.as_ref().map_or(path, |(partial, _)| partial);
        let file = if special { File::options().write(true).open(target) } else { File::create(target) };
        let file = file.map_err(|e| HostError::responses_unwritable(target, e))?;
        Ok(Output { file, path, names })
    }

    fn complete(mut self) -> Result<(), HostError> {
        self.file.flush().map_err(|e| HostError::responses_unwritable(self.path, e))?;
        if let Some((partial, whole)) = &self.names {
            fs::rename(partial, whole).map_err(|e| HostError::responses_unwritable(self.path, e))?;
        }
        self.names = None;
        Ok(())
    }
}

impl Drop for Output<'_> {
    fn drop(&mut self) {
        if let Some((partial, _)) = &self.names {
            // What is left of a failed batch; whoever can't remove it has been told of the failure itself.
            let _ = fs::remove_file(partial);
        }
    }
}
