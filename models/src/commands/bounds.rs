//! `bounds`: what the bounds of a profile cost in accuracy and save in bytes. A tool of development, not shown in the help.

use super::lines::{Line, Lines, bad_line, read, read_truth, to_msgpack};
use super::recommend::{thread_count, threads};
use super::{Format, print, print_json};
use crate::error::{Error, Result};
use crate::eval::{DRAWS, Draws, Figure, K, RankMetrics, rank_metrics};
use crate::parallel;
use crate::progress::Progress;
use clap::Args as ClapArgs;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use unisono_core::history::History;
use unisono_core::profile::{Bounds, Profile};
use unisono_core::ranking::best_first;
use unisono_core::scene::{Background, seed_sums};
use unisono_core::{Model, Policy, candidates, page, profile_apply, recommend};
use unisono_message::{PlacementKind, Reader, Request, Writer, read_fields};

const BATCH: usize = 256;
/// Calls in which a profile's events reach its state.
const CALLS: usize = 3;
const EVENTS: [usize; 5] = [50, 100, 200, 400, usize::MAX];
const MARKS: [usize; 7] = [128, 256, 512, 1_024, 2_048, 4_096, usize::MAX];

/// Options of `bounds`.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// The model file.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Requests in JSON, a line each, all for `for_you` without further rules.
    #[arg(long, value_name = "FILE")]
    requests: PathBuf,
    /// What happened, a line each.
    #[arg(long, value_name = "FILE")]
    truth: PathBuf,
    /// Draws of the bootstrap.
    #[arg(long, default_value_t = DRAWS)]
    draws: usize,
    /// Seed of the bootstrap.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Threads, 1 or more [default: one per core].
    #[arg(long, value_parser = thread_count)]
    threads: Option<usize>,
    /// How the figures are printed.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

/// One pair of bounds.
#[derive(Debug, Serialize)]
struct Row {
    /// Newest full events and marks per class and channel; none: all of them.
    events: Option<usize>,
    marks: Option<usize>,
    recall: f64,
    ndcg: f64,
    /// Less the figures without bounds, paired.
    recall_less: Option<Figure>,
    ndcg_less: Option<Figure>,
    /// Bytes of a state: median, 99th of a hundred, greatest.
    bytes: [usize; 3],
    /// Share of the profiles that lose something.
    cut: f64,
}

/// The account of the command.
#[derive(Debug, Serialize)]
struct Curve {
    cases: usize,
    /// Cases whose list under the default bounds is that of `recommend`.
    as_recommended: usize,
    /// Cases whose state under the default bounds is, to the byte, what `profile_apply` built in three calls.
    as_applied: usize,
    rows: Vec<Row>,
}

/// One case: under each pair of bounds the metrics and the bytes of the state.
struct Case {
    profile: String,
    by_bounds: Vec<(RankMetrics, usize)>,
    as_recommended: bool,
    as_applied: bool,
}

/// Every number of events with the default marks, every number of marks with the default events, and all of both, last.
fn grid() -> Vec<Bounds> {
    let usual = Bounds::default();
    let of_events = EVENTS.into_iter().map(|events| Bounds { events, ..usual });
    let of_marks = MARKS.into_iter().map(|marks| Bounds { marks, ..usual });
    let mut grid: Vec<Bounds> = of_events.chain(of_marks.filter(|bounds| *bounds != usual)).collect();
    grid.push(Bounds { events: usize::MAX, marks: usize::MAX });
    grid
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let file = read(&args.model)?;
    let model = Model::load(&file).map_err(Error::from_core)?;
    let truth = read_truth(&args.truth)?;
    let mut lines = Lines::open(&args.requests)?;
    let (grid, mut cases) = (grid(), Vec::new());
    let bar = Progress::on_terminal().bar("requests", truth.len() as u64);
    loop {
        let batch = lines.take_filled(BATCH)?;
        if batch.is_empty() {
            break;
        }
        let judge = |(): &mut (), at: usize| judge(&model, &grid, &truth, &batch[at]);
        let judged = parallel::in_order(threads(args.threads), batch.len(), || (), judge, || bar.inc(1));
        for (case, line) in judged.into_iter().zip(&batch) {
            cases.extend(case.map_err(|reason| bad_line(&args.requests, line.number, reason))?);
        }
    }
    bar.finish();
    let curve = curve(&grid, &cases, args);
    match args.format {
        Format::Json => print_json(&curve),
        Format::Human => show(&curve),
    }
    Ok(())
}

/// None where a request has no truth.
fn judge(
    model: &Model<'_>,
    grid: &[Bounds],
    truth: &BTreeMap<String, BTreeSet<String>>,
    line: &Line,
) -> std::result::Result<Option<Case>, String> {
    let text = line.text.as_ref().map_err(ToString::to_string)?;
    let plain = to_msgpack(text).map_err(|refusal| refusal.to_string())?;
    let request = Request::decode(&plain).map_err(|error| error.to_string())?;
    let Some(truth) = truth.get(request.request_id.unwrap_or_default()) else { return Ok(None) };
    let truth: BTreeSet<&str> = truth.iter().map(String::as_str).collect();
    let mut case = Case {
        profile: request.profile.profile_id.or(request.request_id).unwrap_or_default().to_owned(),
        by_bounds: Vec::new(),
        as_recommended: false,
        as_applied: false,
    };
    for bounds in grid {
        let profile = Profile::of_events_within(*bounds, &request.profile.events);
        let list = list(model, &request, &profile);
        let state = profile.encode();
        if *bounds == Bounds::default() {
            case.as_recommended = list == recommended(model, &plain)?;
            case.as_applied = state == applied(&request, text)?;
        }
        let metrics = rank_metrics(list.iter().map(String::as_str), &truth, K);
        case.by_bounds.push((metrics, state.len()));
    }
    Ok(Some(case))
}

/// The best ids of `for_you` for a profile, as a request without rules would show them.
fn list(model: &Model<'_>, request: &Request<'_>, profile: &Profile<'_>) -> Vec<String> {
    let history = History::fold(model, profile, request.now_ms, &request.context);
    let background = Background::new(model, history, request.context.channel, request.now_ms);
    let sums = seed_sums(model, &[]);
    let scene = background.scene(model, &[], &sums);
    let found = candidates::collect(&scene, PlacementKind::ForYou, false, &[]);
    let (_, mut scored) = page::score(&scene, PlacementKind::ForYou, false, &found, K, &mut page::OwnScores::default());
    scored.sort_unstable_by(best_first);
    let id = |one: &unisono_core::ranking::Scored<'_>| crate::blend::id_of(model, &one.candidate).to_owned();
    scored.iter().take(K).map(id).collect()
}

fn recommended(model: &Model<'_>, request: &[u8]) -> std::result::Result<Vec<String>, String> {
    let answer = recommend(model, &Policy::default(), request);
    let answer: Value = rmp_serde::from_slice(&answer).map_err(|error| error.to_string())?;
    let list = answer.pointer("/placements/0/recommendations").and_then(Value::as_array);
    let ids = list.into_iter().flatten().filter_map(|one| Some(one.get("item_id")?.as_str()?.to_owned()));
    Ok(ids.take(K).collect())
}

/// The state after the events came in three calls, each holding every third of them.
fn applied(request: &Request<'_>, text: &[u8]) -> std::result::Result<Vec<u8>, String> {
    let json: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let events = json.pointer("/profile/events").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut state = Vec::new();
    for call in 0..CALLS {
        let some: Vec<&Value> = events.iter().skip(call).step_by(CALLS).collect();
        let mut w = Writer::new();
        w.map(2 + usize::from(!state.is_empty()));
        w.str("now_ms");
        w.int(request.now_ms);
        if !state.is_empty() {
            w.str("state");
            w.bin(&state);
        }
        w.str("events");
        w.raw(&rmp_serde::to_vec_named(&some).map_err(|error| error.to_string())?);
        let answer = profile_apply(&Policy::default(), w.as_bytes());
        let mut reader = Reader::new(&answer);
        let mut next = Vec::new();
        read_fields(&mut reader, &["state"], |r, _| next = r.bin().to_vec());
        reader.result().map_err(|error| error.to_string())?;
        state = next;
    }
    Ok(state)
}

fn curve(grid: &[Bounds], cases: &[Case], args: &Args) -> Curve {
    let profiles: Vec<&str> = cases.iter().map(|case| case.profile.as_str()).collect();
    let draws = Draws::new(&profiles, args.draws, args.seed);
    let all = grid.len() - 1;
    let count = cases.len().max(1) as f64;
    let row = |(at, bounds): (usize, &Bounds)| {
        let mean =
            |of: fn(&RankMetrics) -> f64| cases.iter().map(|case| of(&case.by_bounds[at].0)).sum::<f64>() / count;
        let less = |of: fn(&RankMetrics) -> f64| {
            let difference = |case: &Case| of(&case.by_bounds[at].0) - of(&case.by_bounds[all].0);
            draws.figure(&cases.iter().map(difference).collect::<Vec<_>>())
        };
        let mut bytes: Vec<usize> = cases.iter().map(|case| case.by_bounds[at].1).collect();
        bytes.sort_unstable();
        let place = |share: f64| bytes.get((share * (bytes.len().max(1) - 1) as f64) as usize).copied().unwrap_or(0);
        let cut = cases.iter().filter(|case| case.by_bounds[at].1 < case.by_bounds[all].1).count();
        let told = |bound: usize| (bound < usize::MAX).then_some(bound);
        Row {
            events: told(bounds.events),
            marks: told(bounds.marks),
            recall: mean(|metrics| metrics.recall),
            ndcg: mean(|metrics| metrics.ndcg),
            recall_less: less(|metrics| metrics.recall),
            ndcg_less: less(|metrics| metrics.ndcg),
            bytes: [0.5, 0.99, 1.0].map(place),
            cut: cut as f64 / count,
        }
    };
    Curve {
        cases: cases.len(),
        as_recommended: cases.iter().filter(|case| case.as_recommended).count(),
        as_applied: cases.iter().filter(|case| case.as_applied).count(),
        rows: grid.iter().enumerate().map(row).collect(),
    }
}

fn show(curve: &Curve) {
    let Curve { cases, as_recommended, as_applied, rows } = curve;
    print(&format!("{cases} cases; under the default bounds {as_recommended} lists are those of `recommend`,"));
    print(&format!("and {as_applied} states those that `profile_apply` built in {CALLS} calls, byte for byte\n"));
    print(
        "| events | marks | recall@20 | ndcg@20 | recall, less without bounds | ndcg, less | bytes, median | p99 | most | profiles cut |",
    );
    print("|---|---|---|---|---|---|---|---|---|---|");
    for row in rows {
        let bound = |bound: Option<usize>| bound.map_or("all".to_owned(), |bound| bound.to_string());
        let less = |figure: &Option<Figure>| {
            figure.map_or(String::new(), |f| format!("{:+.4} [{:+.4}, {:+.4}]", f.value, f.low, f.high))
        };
        let [median, p99, most] = row.bytes;
        print(&format!(
            "| {} | {} | {:.4} | {:.4} | {} | {} | {median} | {p99} | {most} | {:.1} % |",
            bound(row.events),
            bound(row.marks),
            row.recall,
            row.ndcg,
            less(&row.recall_less),
            less(&row.ndcg_less),
            row.cut * 100.0
        ));
    }
}
