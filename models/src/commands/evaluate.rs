//! `evaluate`: requests answered natively, measured against what happened, beside both baselines.

use super::lines::{Line, Lines, bad_line, ids_of, read, read_truth, to_msgpack};
use super::recommend::threads;
use super::{Format, print, print_json};
use crate::counts::Target;
use crate::error::{Error, Result};
use crate::eval::{Means, Popular, RankMetrics, personal, popular, rank_metrics};
use crate::parallel;
use crate::progress::Progress;
use clap::Args as ClapArgs;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use unisono_core::{Model, recommend};
use unisono_message::{EventType, Request};

const BATCH: usize = 512;
const K: usize = 20;

/// Options of `evaluate`.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example:\n  unisono-models evaluate --model shop.unisono --requests cases.jsonl --truth truth.jsonl\n\n\
A line of the truth is {\"case\": request_id, \"truth\": [ids]}. Metrics count the first 20 of each request's first \
placement; a request without a truth is answered and not counted, a truth without a request counts as zero."
)]
pub(crate) struct Args {
    /// The model file.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Requests in JSON, a line each.
    #[arg(long, value_name = "FILE")]
    requests: PathBuf,
    /// What happened, a line each.
    #[arg(long, value_name = "FILE")]
    truth: PathBuf,
    /// Threads [default: one per core].
    #[arg(long)]
    threads: Option<usize>,
    /// How the figures are printed.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

#[derive(Debug, Serialize)]
struct Report {
    requests: usize,
    without_truth: usize,
    without_request: usize,
    model: Means,
    personal: Means,
    popular: Means,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let file = read(&args.model)?;
    let model = Model::load(&file).map_err(Error::from_core)?;
    let popularity = Popular::of(&model);
    let truth = read_truth(&args.truth)?;
    let mut lines = Lines::open(&args.requests)?;
    let bar = Progress::on_terminal().bar("requests", truth.len() as u64);
    let (mut metrics, mut requests, mut seen) = (Vec::new(), 0, BTreeSet::new());
    loop {
        let batch = lines.take_filled(BATCH)?;
        if batch.is_empty() {
            break;
        }
        let judge = |(): &mut (), at: usize| judge(&model, &popularity, &truth, &batch[at]);
        let judged = parallel::in_order(threads(args.threads), batch.len(), || (), judge, || bar.inc(1));
        for (one, Line { number, .. }) in judged.into_iter().zip(&batch) {
            let (case, of_case) = one.map_err(|reason| bad_line(&args.requests, *number, reason))?;
            requests += 1;
            if let Some(of_case) = of_case {
                if !seen.insert(case.clone()) {
                    return Err(bad_line(&args.requests, *number, format!("the request `{case}` stands twice")));
                }
                metrics.push(of_case);
            }
        }
    }
    bar.finish();
    let without_request = truth.len() - metrics.len();
    let without_truth = requests - metrics.len();
    metrics.extend(std::iter::repeat_n([RankMetrics::default(); 3], without_request));
    let means = |at: usize| Means::of(&metrics.iter().map(|of_case| of_case[at]).collect::<Vec<_>>());
    let report =
        Report { requests, without_truth, without_request, model: means(0), personal: means(1), popular: means(2) };
    show(&report, args.format);
    Ok(())
}

type OfCase = (String, Option<[RankMetrics; 3]>);

fn judge(
    model: &Model<'_>,
    popularity: &Popular<'_>,
    truth: &BTreeMap<String, BTreeSet<String>>,
    line: &Line,
) -> std::result::Result<OfCase, String> {
    let text = line.text.as_ref().map_err(|refusal| refusal.to_string())?;
    let bytes = to_msgpack(text).map_err(|refusal| refusal.to_string())?;
    let answer = ids_of(&recommend(model, &bytes))?;
    let request = Request::decode(&bytes).map_err(|error| error.to_string())?;
    let case = request.request_id.unwrap_or_default().to_owned();
    let Some(truth) = truth.get(&case) else { return Ok((case, None)) };
    let truth: BTreeSet<&str> = truth.iter().map(String::as_str).collect();
    let events = &request.profile.events;
    let bought = events.iter().any(|event| event.kind == EventType::Purchase);
    let target = if bought { Target::Purchase } else { Target::View };
    let barred: BTreeSet<&str> = request.context.cart.iter().copied().collect();
    let own = personal(target, events, request.now_ms, popularity, &barred, K);
    let all = [
        rank_metrics(answer.iter().map(String::as_str), &truth, K),
        rank_metrics(own, &truth, K),
        rank_metrics(popular(popularity, &barred, K), &truth, K),
    ];
    Ok((case, Some(all)))
}

fn show(report: &Report, format: Format) {
    if format == Format::Json {
        print_json(report);
        return;
    }
    let Report { requests, without_truth, without_request, .. } = report;
    print(&format!("{requests} requests, {without_truth} without a truth, {without_request} truths without a request"));
    print(&table(&[("model", &report.model), ("personal", &report.personal), ("popular", &report.popular)]));
}

/// Rows of means for people.
pub(crate) fn table(rows: &[(&str, &Means)]) -> String {
    let head =
        format!("{:<12} {:>6} {:>10} {:>8} {:>8} {:>8}", "", "cases", "recall@20", "ndcg@20", "hit@20", "mrr@20");
    let line = |(name, m): &(&str, &Means)| {
        let Means { cases, recall_20, ndcg_20, hit_20, mrr_20 } = m;
        format!("{name:<12} {cases:>6} {recall_20:>10.4} {ndcg_20:>8.4} {hit_20:>8.4} {mrr_20:>8.4}")
    };
    std::iter::once(head).chain(rows.iter().map(line)).collect::<Vec<_>>().join("\n")
}
