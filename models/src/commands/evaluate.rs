//! `evaluate`: requests answered natively, measured against what happened, beside both baselines and whoever is compared.

use super::consents::ConsentArgs;
use super::lines::{Line, Lines, Refusal, bad_line, read, read_answers, read_truth, to_msgpack};
use super::recommend::{thread_count, threads};
use super::recorded::{aim_of, fact, tables_of};
use super::settings::LimitArgs;
use super::{Format, clock_ms, grouped, inspect, print, print_json, report};
use crate::counts::{CountRules, Tables, Target};
use crate::error::{Error, Result};
use crate::eval::{
    AccountRules, DRAWS, Group, HeldOut, HeldOutRules, LeakReport, Means, Outcome, Popular, Weights, answer,
    calibration_curve, groups, leak_check, mean_prices, rank_metrics, with_probability,
};
use crate::output::{Output, apart};
use crate::parallel;
use crate::progress::Progress;
use crate::tables::{Catalog, Offers, ReadRules, Renames, read_catalog, read_events};
use clap::Args as ClapArgs;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use unisono_core::Model;
use unisono_message::Request;

const BATCH: usize = 512;
const K: usize = crate::eval::K;
/// Bins of the curve in the report, finer than those of the error.
const CURVE_BINS: usize = 20;

/// Options of `evaluate`.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  unisono-models fit --events events.parquet --catalog catalog.csv --as-of 1506816000000 --out before.unisono\n  \
unisono-models evaluate --model before.unisono --events events.parquet --catalog catalog.csv --leak-check --report report.html\n  \
unisono-models evaluate --model shop.unisono --requests cases.jsonl --truth truth.jsonl --against answers.jsonl\n\n\
A line of the truth is {\"case\": request_id, \"truth\": [ids]}, one of the answers {\"case\": id, \"items\": [ids]} or a \
response. Metrics count the first 20 of each request's first placement; a request without a truth is answered and not \
counted, a truth without a request counts as zero, and so does a case without an answer. Intervals are 95 %, by the \
bootstrap over profiles."
)]
pub(crate) struct Args {
    /// The model file; with --events it must have been fitted before the held-out window.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Requests in JSON, a line each.
    #[arg(long, value_name = "FILE", requires = "truth", required_unless_present = "events")]
    requests: Option<PathBuf>,
    /// What happened, a line each.
    #[arg(long, value_name = "FILE", requires = "requests")]
    truth: Option<PathBuf>,
    /// Events that go on after the model's last one; cases are taken there as fit takes its own.
    #[arg(long, value_name = "FILE", conflicts_with = "requests")]
    events: Option<PathBuf>,
    /// Products: the titles of the report's examples, and what the leak check counts.
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    #[command(flatten)]
    consents: ConsentArgs,
    /// Unix milliseconds: cases from here on [default: the moment at which the model ends].
    #[arg(long, value_name = "MS", requires = "events")]
    as_of: Option<i64>,
    /// Days of the held-out window [default: the model's setting].
    #[arg(long, value_name = "DAYS", requires = "events")]
    window_days: Option<u32>,
    /// Columns under other names, as from=to,from=to.
    #[arg(long, value_name = "FROM=TO,...", default_value = "", hide_default_value = true)]
    map: String,
    #[command(flatten)]
    limits: LimitArgs,
    /// Answers of another recommender to the same cases.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Compare tables and features with those of a log that ends at the case; a difference is an error.
    #[arg(long, requires = "events", requires = "catalog")]
    leak_check: bool,
    /// One HTML page with plots, examples and a model card.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// The data's licence, for the model card.
    #[arg(long, value_name = "TEXT")]
    licence: Option<String>,
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

/// The account of one evaluation.
#[derive(Debug, Serialize)]
pub(crate) struct Evaluation {
    pub(crate) model_id: String,
    /// File names, without folders.
    pub(crate) cases_from: String,
    pub(crate) against: Option<String>,
    pub(crate) requests: usize,
    pub(crate) without_truth: usize,
    pub(crate) without_request: usize,
    /// Cases that the compared answers leave out.
    pub(crate) without_answer: usize,
    /// Events left out because their profiles withhold them from training.
    pub(crate) withheld_events: u64,
    /// Distinct profiles among these.
    pub(crate) withheld_profiles: u64,
    pub(crate) draws: usize,
    pub(crate) seed: u64,
    pub(crate) model: Means,
    pub(crate) personal: Means,
    pub(crate) popular: Means,
    pub(crate) groups: Vec<Group>,
    pub(crate) calibration: Vec<crate::eval::Bin>,
    pub(crate) leak_check: Option<LeakReport>,
}

/// What was asked and what came of it.
#[derive(Default)]
struct Answered {
    outcomes: Vec<Outcome>,
    requests: usize,
    without_request: usize,
    withheld: (u64, u64),
    leak: Option<LeakReport>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if args.draws == 0 {
        return Err(Error::config("draws", "is 0; an interval needs at least 1"));
    }
    if args.consents.consents.is_some() && args.events.is_none() {
        return Err(Error::config("consents", "are read with --events: a request holds what may be seen, and no more"));
    }
    let file = read(&args.model)?;
    let model = Model::load(&file).map_err(Error::from_core)?;
    let facts = inspect::facts(&file);
    let renames = Renames::parse(&args.map)?;
    let rules = ReadRules { renames: &renames, ..args.limits.read()?.into() };
    let others = [&args.requests, &args.truth, &args.events, &args.catalog, &args.consents.consents, &args.against];
    let others = others.into_iter().chain([&args.limits.config]).flatten();
    let inputs: Vec<&Path> = others.chain([&args.model]).map(PathBuf::as_path).collect();
    apart(&inputs, &args.report.as_deref().into_iter().collect::<Vec<_>>())?;
    let page_out = args.report.as_deref().map(Output::create).transpose()?;
    let consents = args.consents.read(rules)?;
    let rules = ReadRules { consents: consents.as_ref().map(|(consents, _)| consents), ..rules };
    let mut renamed = BTreeSet::new();
    renamed.extend(consents.iter().flat_map(|(_, report)| report.renamed_columns.iter().cloned()));
    let mut catalog = Catalog::default();
    if let Some(path) = &args.catalog {
        let (read, report) = read_catalog(path, rules)?;
        (catalog, _) = (read, renamed.extend(report.renamed_columns));
    }
    let mut answered = match (&args.events, &args.requests, &args.truth) {
        (Some(events), ..) => of_log(args, events, &model, &facts, &catalog, rules, &mut renamed)?,
        (_, Some(requests), Some(truth)) => of_requests(args, requests, truth, &model, aim_of(&facts).target)?,
        _ => return Err(Error::config("arguments", "need --events, or --requests and --truth")),
    };
    super::check_renames(&renames, &renamed)?;
    let mut answerers = vec!["model", "personal", "popular"];
    let mut without_answer = 0;
    if let Some(path) = &args.against {
        let mut answers = read_answers(path)?;
        for outcome in &mut answered.outcomes {
            let list = answers.remove(&outcome.case);
            without_answer += usize::from(list.is_none());
            outcome.lists.resize(3, Vec::new());
            outcome.lists.push(list.unwrap_or_default());
        }
        answerers.push("against");
    }
    let outcomes = answered.outcomes;
    let profiles = facts.pointer("/data/profiles").and_then(Value::as_u64).unwrap_or(0);
    let weights = Weights::new(&model, profiles, mean_prices(&outcomes));
    let account = AccountRules { answerers: &answerers, draws: args.draws, seed: args.seed };
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let evaluation = Evaluation {
        model_id: crate::fit::hex(&model.model_id),
        cases_from: args.events.as_deref().or(args.requests.as_deref()).map(name).unwrap_or_default(),
        against: args.against.as_deref().map(name),
        requests: answered.requests,
        without_truth: answered.requests + answered.without_request - outcomes.len(),
        without_request: answered.without_request,
        without_answer,
        withheld_events: answered.withheld.0,
        withheld_profiles: answered.withheld.1,
        draws: args.draws,
        seed: args.seed,
        model: means(&outcomes, 0),
        personal: means(&outcomes, 1),
        popular: means(&outcomes, 2),
        groups: groups(&outcomes, &model, &weights, account),
        calibration: calibration_curve(&outcomes, CURVE_BINS),
        leak_check: answered.leak,
    };
    if let Some(mut out) = page_out {
        let page = report::Page {
            evaluation: &evaluation,
            outcomes: &outcomes,
            catalog: &catalog,
            view: &inspect::view(&file, &model, true),
            model: &model,
            licence: args.licence.as_deref(),
        };
        out.write(report::html(&page)?.as_bytes())?;
        out.complete()?;
    }
    match args.format {
        Format::Json => print_json(&evaluation),
        Format::Human => show(&evaluation),
    }
    match evaluation.leak_check.filter(|leak| !leak.holds()) {
        Some(leak) if !leak.tables_equal => Err(Error::Leak { reason: "tables at the cut differ".into() }),
        Some(leak) => Err(Error::Leak {
            reason: format!("features of {} of {} cases differ", leak.cases_that_differ, leak.cases),
        }),
        None => Ok(()),
    }
}

fn means(outcomes: &[Outcome], who: usize) -> Means {
    let of_case = |outcome: &Outcome| {
        let truth: BTreeSet<&str> = outcome.truth.iter().map(String::as_str).collect();
        rank_metrics(outcome.lists.get(who).into_iter().flatten().map(String::as_str), &truth, K)
    };
    Means::of(&outcomes.iter().map(of_case).collect::<Vec<_>>())
}

fn of_requests(args: &Args, requests: &Path, truth: &Path, model: &Model<'_>, target: Target) -> Result<Answered> {
    let popularity = (&Popular::of(model), target);
    let truth = read_truth(truth)?;
    let mut lines = Lines::open(requests)?;
    let bar = Progress::on_terminal().bar("requests", truth.len() as u64);
    let (mut answered, mut seen) = (Answered::default(), BTreeSet::new());
    loop {
        let batch = lines.take_filled(BATCH)?;
        if batch.is_empty() {
            break;
        }
        let judge = |(): &mut (), at: usize| judge(model, popularity, &truth, &batch[at]);
        let judged = parallel::in_order(threads(args.threads), batch.len(), || (), judge, || bar.inc(1));
        for (one, Line { number, .. }) in judged.into_iter().zip(&batch) {
            let (case, outcome) = one.map_err(|reason| bad_line(requests, *number, reason))?;
            answered.requests += 1;
            if let Some(outcome) = outcome {
                if !seen.insert(case.clone()) {
                    return Err(bad_line(requests, *number, format!("the request `{case}` stands twice")));
                }
                answered.outcomes.push(outcome);
            }
        }
    }
    bar.finish();
    for (case, truth) in truth.into_iter().filter(|(case, _)| !seen.contains(case)) {
        answered.without_request += 1;
        answered.outcomes.push(Outcome { profile: case.clone(), case, truth, ..Outcome::default() });
    }
    Ok(answered)
}

/// Answers a line as `recommend` would; what makes it no request there makes it none here.
fn judge(
    model: &Model<'_>,
    popularity: (&Popular<'_>, Target),
    truth: &BTreeMap<String, BTreeSet<String>>,
    line: &Line,
) -> std::result::Result<(String, Option<Outcome>), String> {
    let text = line.text.as_ref().map_err(Refusal::to_string)?;
    let plain = to_msgpack(text).map_err(|refusal| refusal.to_string())?;
    // With `probability` put in, of two keys of one name one would be lost before core sees them.
    Request::decode(&plain).map_err(|error| error.to_string())?;
    answer(model, popularity, &with_probability(text)?, |case| truth.get(case).cloned())
}

fn of_log(
    args: &Args,
    events: &Path,
    model: &Model<'_>,
    facts: &Value,
    catalog: &Catalog,
    rules: ReadRules<'_>,
    renamed: &mut BTreeSet<String>,
) -> Result<Answered> {
    let end_ms = fact(facts, "data", "end_ms").unwrap_or(i64::MIN);
    let as_of_ms = args.as_of.unwrap_or(end_ms);
    if as_of_ms < end_ms {
        let reason = format!("is {as_of_ms}, but the model has seen events until {end_ms}; fit it with --as-of");
        return Err(Error::config("as_of", reason));
    }
    let aim = aim_of(facts);
    let seed = fact(facts, "config", "learn.seed").unwrap_or(7) as u64;
    let window = fact(facts, "config", "learn.window_days").unwrap_or(30) as u32;
    let window_days = args.window_days.unwrap_or(window).max(1);
    let held_out = HeldOutRules { as_of_ms, window_days, aim, seed };
    // Nobody should wait for a log to be read to learn that no case can be taken from it.
    held_out.window()?;
    let counted_with = args.leak_check.then(|| tables_of(facts)).transpose()?;
    let (log, report) = read_events(events, clock_ms(), rules)?;
    renamed.extend(report.renamed_columns);
    let withheld = (report.withheld, report.withheld_profiles);
    // Which products the catalog lost is told by the whole log, for both sides of the leak check: a gate is no figure.
    let catalog = catalog.closed(&log).into_owned();
    let whole = Tables { log, catalog: catalog.clone(), offers: Offers::default() };
    let held_out = HeldOut::of(&whole.log, held_out)?;
    let popularity = (&Popular::of(model), aim.target);
    let bar = Progress::on_terminal().bar("cases", held_out.len() as u64);
    let judge = |(): &mut (), number: usize| -> Result<Option<Outcome>> {
        let (request, truth) = held_out.request(number)?;
        let answered = answer(model, popularity, &request, |_| Some(truth));
        answered.map(|(_, outcome)| outcome).map_err(|reason| Error::config("case", reason))
    };
    let judged = parallel::in_order(threads(args.threads), held_out.len(), || (), judge, || bar.inc(1));
    bar.finish();
    let outcomes: Vec<Outcome> = judged.into_iter().filter_map(Result::transpose).collect::<Result<_>>()?;
    let mut answered = Answered { requests: outcomes.len(), outcomes, withheld, ..Answered::default() };
    if let Some((params, presumed)) = counted_with {
        let (log, _) = read_events(events, clock_ms(), ReadRules { until_ms: as_of_ms, ..rules })?;
        let ending = Tables { log, catalog, offers: Offers::default() };
        let (target, min_support) = (aim.target, model.min_support);
        let count = CountRules {
            params: &params,
            min_support,
            sessions: model.sessions.rows.len(),
            undirected: !model.bought.items.is_empty(),
            target,
            until_ms: as_of_ms,
            threads: threads(args.threads),
        };
        let leak = leak_check(&whole, &ending, &held_out, count, seed)?;
        answered.leak = Some(LeakReport { presumed, ..leak });
    }
    Ok(answered)
}

fn show(evaluation: &Evaluation) {
    let Evaluation { requests, without_truth, without_request, .. } = evaluation;
    print(&format!("{requests} requests, {without_truth} without a truth, {without_request} truths without a request"));
    if evaluation.withheld_events > 0 {
        let [events, profiles] = [evaluation.withheld_events, evaluation.withheld_profiles].map(grouped);
        print(&format!("{events} events of {profiles} profiles are left out: they withhold them from training"));
    }
    for group in &evaluation.groups {
        let name = if group.by == "all" { "all".to_owned() } else { format!("{} {}", group.by, group.value) };
        print(&format!("\n{name}: {} cases of {} profiles", group.cases, group.profiles));
        let shown: &[&str] =
            if group.by == "all" { &crate::eval::MEASURES } else { &["recall@20", "ndcg@20", "mrr@20"] };
        for measure in shown {
            for one in &group.reached {
                let Some(f) = one.figures.get(measure) else { continue };
                let (value, low, high) = (f.value, f.low, f.high);
                let mut line = format!("  {measure:<18} {:<9} {value:>8.4}  [{low:.4}, {high:.4}]", one.answerer);
                let minus = group.differences.iter().find(|difference| difference.minus == one.answerer);
                if let Some(d) = minus.and_then(|difference| difference.figures.get(measure)) {
                    line += &format!("  model {:+.4} [{:+.4}, {:+.4}]", d.value, d.low, d.high);
                }
                print(&line);
            }
        }
        for one in group.reached.iter().filter(|_| group.by == "all") {
            print(&format!("  {:<18} {:<9} {:>8.4}", "coverage", one.answerer, one.coverage));
        }
        if let Some(f) = group.reached.first().and_then(|model| model.calibration_error) {
            let (value, low, high) = (f.value, f.low, f.high);
            let mut line = format!("  {:<18} {:<9} {value:>8.4}  [{low:.4}, {high:.4}]", "calibration_error", "model");
            if let Some(chance) = group.reached.first().and_then(|model| model.calibration_by_chance) {
                line += &format!("  by chance {chance:.4}");
            }
            print(&line);
        }
    }
    if let Some(leak) = &evaluation.leak_check {
        let presumed = match leak.presumed.is_empty() {
            true => String::new(),
            false => format!("; counted with defaults that the model does not record: {}", leak.presumed.join(", ")),
        };
        print(&format!(
            "\nleak check: tables {} ({} bytes), features of {} of {} cases differ ({} candidates){presumed}",
            if leak.tables_equal { "equal" } else { "differ" },
            leak.table_bytes,
            leak.cases_that_differ,
            leak.cases,
            leak.candidates
        ));
    }
}

/// Rows of means for people.
pub(crate) fn table(rows: &[(&str, &Means)]) -> String {
    let head = format!(
        "{:<12} {:>6} {:>10} {:>8} {:>8} {:>8} {:>8}",
        "", "cases", "recall@20", "ndcg@20", "hit@20", "mrr@20", "map@20"
    );
    let line = |(name, m): &(&str, &Means)| {
        let Means { cases, recall_20, ndcg_20, hit_20, mrr_20, map_20 } = m;
        format!("{name:<12} {cases:>6} {recall_20:>10.4} {ndcg_20:>8.4} {hit_20:>8.4} {mrr_20:>8.4} {map_20:>8.4}")
    };
    std::iter::once(head).chain(rows.iter().map(line)).collect::<Vec<_>>().join("\n")
}
