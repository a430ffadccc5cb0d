//! `ablate`: what each source of knowledge carries, by leaving it out and fitting again.

use super::consents::ConsentArgs;
use super::recommend::{thread_count, threads};
use super::settings::{bad_row_limits, settings};
use super::{Format, check_renames, clock_ms, print, print_json, report};
use crate::ablation::{ABLATION_MEASURES, Ablation, AblationTask};
use crate::counts::Tables;
use crate::error::{Error, Result};
use crate::eval::{DRAWS, Figure};
use crate::fit::FitOptions;
use crate::output::{Output, apart};
use crate::progress::Progress;
use crate::tables::{Offers, ReadRules, Renames, read_catalog, read_events};
use clap::{Args as ClapArgs, ValueEnum};
use std::path::{Path, PathBuf};

/// Options of `ablate`.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example:\n  unisono-models ablate --events events.parquet --catalog catalog.csv --report ablation.html\n\n\
Tables are counted and rows gathered once; each fit then sees all features but one group's, or does without the trees or without the \
histories cut short. Candidates stay the same. Figures are those of the cut that a fit holds out, differences are paired with the whole, \
intervals are 95 % by the bootstrap over profiles."
)]
pub(crate) struct Args {
    /// Events.
    #[arg(long, value_name = "FILE")]
    events: PathBuf,
    /// Products.
    #[arg(long, value_name = "FILE")]
    catalog: PathBuf,
    #[command(flatten)]
    consents: ConsentArgs,
    /// Columns under other names, as from=to,from=to.
    #[arg(long, value_name = "FROM=TO,...", default_value = "", hide_default_value = true)]
    map: String,
    /// Settings of the fit in TOML; what it leaves out has its default.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What is foretold: what comes next, or what completes a cart.
    #[arg(long, value_enum, default_value = "next")]
    task: Foretold,
    /// Leave out each feature alone, too.
    #[arg(long)]
    each_feature: bool,
    /// Unix milliseconds: events at or after it are not used [default: the moment after the last event].
    #[arg(long, value_name = "MS")]
    as_of: Option<i64>,
    /// Draws of the bootstrap.
    #[arg(long, default_value_t = DRAWS)]
    draws: usize,
    /// Threads, 1 or more [default: one per core].
    #[arg(long, value_parser = thread_count)]
    threads: Option<usize>,
    /// One HTML page with the table and a plot.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// How the figures are printed.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

/// What is foretold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Foretold {
    Next,
    Together,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if args.draws == 0 {
        return Err(Error::config("draws", "is 0; an interval needs at least 1"));
    }
    let params = settings(args.config.as_deref())?;
    let inputs: Vec<&Path> =
        [Some(&args.events), Some(&args.catalog), args.consents.consents.as_ref(), args.config.as_ref()]
            .into_iter()
            .flatten()
            .map(PathBuf::as_path)
            .collect();
    apart(&inputs, &args.report.as_deref().into_iter().collect::<Vec<_>>())?;
    let page = args.report.as_deref().map(Output::create).transpose()?;
    let renames = Renames::parse(&args.map)?;
    let until_ms = args.as_of.unwrap_or(i64::MAX);
    let rules = ReadRules { renames: &renames, until_ms, ..bad_row_limits(&params).into() };
    let consents = args.consents.read(rules)?;
    let rules = ReadRules { consents: consents.as_ref().map(|(consents, _)| consents), ..rules };
    let (log, events) = read_events(&args.events, clock_ms(), rules)?;
    let (catalog, products) = read_catalog(&args.catalog, rules)?;
    let read = [Some(&events), Some(&products), consents.as_ref().map(|(_, report)| report)];
    check_renames(
        &renames,
        &read.into_iter().flatten().flat_map(|table| table.renamed_columns.iter().cloned()).collect(),
    )?;
    let tables = Tables { log, catalog, offers: Offers::default() };
    let progress = Progress::on_terminal();
    let options = FitOptions { threads: threads(args.threads), as_of_ms: args.as_of, progress: &progress };
    let task = if args.task == Foretold::Next { AblationTask::Next } else { AblationTask::Together };
    let ablation = params.check()?.ablate(&tables, &options, task, (args.each_feature, args.draws))?;
    if let Some(mut page) = page {
        page.write(report::ablation_html(&ablation)?.as_bytes())?;
        page.complete()?;
    }
    match args.format {
        Format::Json => print_json(&ablation),
        Format::Human => show(&ablation),
    }
    Ok(())
}

fn show(ablation: &Ablation) {
    print(&format!("`{}`, {} held-out cases; less the whole, with 95 % intervals\n", ablation.task, ablation.cases));
    let head: String = ABLATION_MEASURES.iter().map(|measure| format!("  {measure:<34}")).collect();
    print(format!("{:<26}{head}", "without").trim_end());
    for row in &ablation.rows {
        let cell = |measure: &&str| {
            let (Some(value), Some(less)) = (row.figures.get(*measure), row.less_whole.get(*measure)) else {
                return String::new();
            };
            let Figure { value: d, low, high, .. } = less;
            let less =
                if row.left_out == "nothing" { String::new() } else { format!("{d:+.4} [{low:+.4}, {high:+.4}]") };
            format!("  {:.4} {less:<27}", value.value)
        };
        let cells: String = ABLATION_MEASURES.iter().map(cell).collect();
        print(format!("{:<26}{cells}", row.left_out).trim_end());
    }
}
