//! `fit`: tables in, a model file and its account out.

use super::consents::ConsentArgs;
use super::evaluate::table;
use super::memory::peak_bytes;
use super::recommend::{thread_count, threads};
use super::settings::{bad_row_limits, settings};
use super::{Format, check_renames, clock_ms, grouped, print, print_json};
use crate::blend::{CASES_MIN, CutReport, Intent};
use crate::config::FitParams;
use crate::counts::Tables;
use crate::error::{Error, Result};
use crate::fit::{FitOptions, FitReport};
use crate::output::{Output, apart};
use crate::progress::Progress;
use crate::tables::{Offers, ReadRules, Renames, TableReport, read_catalog, read_events, read_offers};
use clap::Args as ClapArgs;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Options of `fit`.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example:\n  unisono-models fit --events events.parquet --catalog catalog.csv --offers offers.csv --out shop.unisono\n\n\
Tables are .parquet, .csv, .tsv or .jsonl. `--print-config` prints every setting with its default."
)]
pub(crate) struct Args {
    /// Events: event_id, profile_id, ts_ms, type, channel, item_id, ...
    #[arg(long, value_name = "FILE", required_unless_present = "print_config")]
    events: Option<PathBuf>,
    /// Products: item_id, title, category, ...
    #[arg(long, value_name = "FILE", required_unless_present = "print_config")]
    catalog: Option<PathBuf>,
    /// Offers: offer_id, kind, starts_ms, ends_ms, items or category, ...
    #[arg(long, value_name = "FILE")]
    offers: Option<PathBuf>,
    #[command(flatten)]
    consents: ConsentArgs,
    /// Columns under other names, as from=to,from=to.
    #[arg(long, value_name = "FROM=TO,...", default_value = "", hide_default_value = true)]
    map: String,
    /// Settings in TOML; what it leaves out has its default.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The model file.
    #[arg(long, value_name = "FILE", required_unless_present = "print_config")]
    out: Option<PathBuf>,
    /// The account as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Threads, 1 or more; they leave no trace in the file [default: one per core].
    #[arg(long, value_parser = thread_count)]
    threads: Option<usize>,
    /// Fewest distinct profiles behind a figure, in place of the setting.
    #[arg(long)]
    min_support: Option<u32>,
    /// Seed of all sampling, in place of the setting.
    #[arg(long)]
    seed: Option<u64>,
    /// Unix milliseconds: events at or after it are not used [default: the moment after the last event].
    #[arg(long, value_name = "MS")]
    as_of: Option<i64>,
    /// Print the settings that a fit with these options would use, and end.
    #[arg(long)]
    print_config: bool,
    /// How the account is printed.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

/// The account of one run. Only its `fit` is the same on every machine.
#[derive(Debug, Serialize)]
struct Run {
    tables: Vec<TableReport>,
    fit: FitReport,
    seconds: f64,
    rows_per_second: f64,
    peak_bytes: Option<u64>,
    stages: Vec<(String, f64)>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let params = params(args)?;
    if args.print_config {
        print(params.to_toml().trim_end());
        return Ok(());
    }
    let (Some(events), Some(catalog), Some(out)) = (&args.events, &args.catalog, &args.out) else {
        return Err(Error::config("arguments", "need --events, --catalog and --out"));
    };
    let renames = Renames::parse(&args.map)?;
    // Nobody should wait for a fit to learn that its file can't be written.
    let others = [args.offers.as_ref(), args.consents.consents.as_ref(), args.config.as_ref()];
    let inputs = [Some(events), Some(catalog)].into_iter().chain(others).flatten();
    let outputs = [Some(out), args.report.as_ref()].into_iter().flatten();
    let inputs: Vec<&Path> = inputs.map(PathBuf::as_path).collect();
    apart(&inputs, &outputs.map(PathBuf::as_path).collect::<Vec<_>>())?;
    let mut out = Output::create(out)?;
    let mut account = args.report.as_deref().map(Output::create).transpose()?;
    let start = Instant::now();
    let progress = Progress::on_terminal();
    // What is not read can't leak: channels, currencies and later copies of an event neither.
    let until_ms = args.as_of.unwrap_or(i64::MAX);
    let rules = ReadRules { renames: &renames, until_ms, ..bad_row_limits(&params).into() };
    let checked = params.check()?;
    let consents = args.consents.read(rules)?;
    let rules = ReadRules { consents: consents.as_ref().map(|(consents, _)| consents), ..rules };
    let mut reports = Vec::new();
    let (log, report) = progress.stage("reading events", || read_events(events, clock_ms(), rules))?;
    // Told at once: what is wrong may well end the fit before its account.
    report.warnings.iter().for_each(|warning| eprintln!("warning: events table: {warning}"));
    let event_rows = report.rows;
    reports.push(report);
    reports.extend(consents.as_ref().map(|(_, report)| report.clone()));
    let (catalog, report) = progress.stage("reading catalog", || read_catalog(catalog, rules))?;
    reports.push(report);
    let mut offers = Offers::default();
    if let Some(path) = &args.offers {
        let (read, report) = progress.stage("reading offers", || read_offers(path, rules))?;
        (offers, _) = (read, reports.push(report));
    }
    check_renames(&renames, &reports.iter().flat_map(|table| table.renamed_columns.iter().cloned()).collect())?;
    let tables = Tables { log, catalog, offers };
    let options = FitOptions { threads: threads(args.threads), as_of_ms: args.as_of, progress: &progress };
    let fitted = checked.fit(&tables, &options)?;
    out.write(&fitted.file)?;
    out.complete()?;
    let seconds = start.elapsed().as_secs_f64();
    let run = Run {
        tables: reports,
        fit: fitted.report,
        seconds,
        rows_per_second: event_rows as f64 / seconds,
        peak_bytes: peak_bytes(),
        stages: progress.stages().into_iter().map(|(name, time)| (name, time.as_secs_f64())).collect(),
    };
    if let Some(mut account) = account.take() {
        account.write(&serde_json::to_vec_pretty(&run).unwrap_or_default())?;
        account.complete()?;
    }
    match args.format {
        Format::Json => print_json(&run),
        Format::Human => show(&run, checked.params()),
    }
    Ok(())
}

fn params(args: &Args) -> Result<FitParams> {
    let mut params = settings(args.config.as_deref())?;
    if let Some(profiles) = args.min_support {
        params = params.min_support(profiles);
    }
    if let Some(seed) = args.seed {
        params = params.seed(seed);
    }
    Ok(params)
}

fn show(run: &Run, params: &FitParams) {
    for table in &run.tables {
        show_table(table);
    }
    let fit = &run.fit;
    let numbers = [fit.events, fit.profiles, fit.items, fit.offers].map(|number| grouped(number as u64));
    print(&format!("\n{} events of {} profiles, {} items, {} offers", numbers[0], numbers[1], numbers[2], numbers[3]));
    if fit.items_left_out > 0 {
        let left_out = grouped(fit.items_left_out as u64);
        print(&format!(
            "{left_out} items are never shown: a catalog row of theirs can't be used, or their rows disagree"
        ));
    }
    if fit.brands_left_out > 0 {
        let brands = grouped(fit.brands_left_out as u64);
        print(&format!("{brands} brands are not in the model: `tables.brands_max` is {}", params.tables.brands_max));
    }
    print("\ntarget: the strongest intent with 5 % of the events and 500 cases, else the one of most cases");
    show_intents(&fit.intents, &fit.target);
    print(&format!("floor: {} profiles", fit.min_support));
    let entries = [fit.bought_entries, fit.next_entries, fit.sessions].map(|number| grouped(number as u64));
    print(&format!("neighbours: {} together, {} next; sessions: {}", entries[0], entries[1], entries[2]));
    print("\nsettings");
    params.to_toml().lines().filter(|line| !line.starts_with('#')).for_each(print);
    print("\ncuts");
    for (number, cut) in (1..).zip(&fit.learn.cuts) {
        let CutReport { cut_ms, cases, rows, reach } = cut;
        let held_out = if number == fit.learn.cuts.len() { ", held out" } else { "" };
        let (day, rows) = (day(*cut_ms), grouped(*rows as u64));
        print(&format!("  {day}  {cases:>6} cases  {rows:>8} rows  reach {reach:.3}{held_out}"));
    }
    print("\ntrees");
    for forest in &fit.learn.forests {
        let cases = grouped(forest.cases as u64);
        let why = match (forest.trees, forest.cases < CASES_MIN) {
            (0, true) => format!(": {CASES_MIN} are wanted, so the additive blend ranks"),
            _ => String::new(),
        };
        print(&format!("  {:<9} {:>4} trees from {cases} cases{why}", forest.task, forest.trees));
        let tried = |(trees, ndcg): &(usize, f64)| format!("{trees} {ndcg:.4}");
        if !forest.tried.is_empty() {
            let tried: Vec<String> = forest.tried.iter().map(tried).collect();
            print(&format!("  {:<9} held-out ndcg@20 by number of trees: {}", "", tried.join(", ")));
        }
    }
    for task in &fit.learn.held_out {
        print(&format!("\nheld-out future, `{}`", task.task));
        print(&table(&[("blend", &task.blend), ("personal", &task.personal), ("popular", &task.popular)]));
    }
    print("\nstages");
    for (name, seconds) in &run.stages {
        print(&format!("  {name:<28} {seconds:>8.2} s"));
    }
    let peak = run.peak_bytes.map_or("unknown".to_owned(), |bytes| format!("{} MiB", bytes >> 20));
    print(&format!("\n{} rows/s, {:.1} s, peak memory {peak}", grouped(run.rows_per_second as u64), run.seconds));
    print(&format!("model {} ({} bytes)", fit.model_id, grouped(fit.bytes as u64)));
}

/// A line for each intent, the chosen one marked.
pub(crate) fn show_intents(intents: &[Intent], target: &str) {
    for intent in intents {
        let Intent { events, share, baskets, basket_items, items_min, cases, .. } = intent;
        let mark = if intent.target == target { "->" } else { "  " };
        let case = match (intent.takes.as_str(), items_min) {
            ("order", items) => format!("the next order of {items} items or more"),
            _ => "the next item".to_owned(),
        };
        print(&format!(
            "{mark} {:<9} {:>11} events ({:.1} %), {} baskets of {basket_items:.2} items, a case is {case}: {} cases",
            intent.target,
            grouped(*events as u64),
            share * 100.0,
            grouped(*baskets as u64),
            grouped(*cases as u64)
        ));
    }
}

pub(crate) fn show_table(table: &TableReport) {
    let counts = [table.rows, table.kept, table.duplicates, table.bad_rows()].map(grouped);
    print(&format!(
        "{:<8} {}: {} rows, {} used, {} duplicates, {} bad",
        table.table, table.file, counts[0], counts[1], counts[2], counts[3]
    ));
    if table.withheld > 0 {
        let [events, profiles] = [table.withheld, table.withheld_profiles].map(grouped);
        print(&format!("  {events} events of {profiles} profiles are left out: they withhold them from training"));
    }
    for (reason, bad) in &table.bad {
        print(&format!("  {} {reason}", grouped(bad.count)));
        for example in &bad.examples {
            print(&format!("    row {}, column `{}`, value `{}`", example.row, example.column, example.value));
        }
    }
    if !table.unknown_columns.is_empty() {
        print(&format!("  {} columns are not read: {}", table.unknown_columns.len(), table.unknown_columns.join(", ")));
    }
}

/// The UTC day of a time, as 2017-10-01 (days to civil dates by Howard Hinnant's algorithm).
pub(crate) fn day(ms: i64) -> String {
    let z = ms.div_euclid(86_400_000) + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}
