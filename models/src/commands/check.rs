//! `check`: what a log holds, before a fit.

use super::consents::ConsentArgs;
use super::fit::{day, show_intents, show_table};
use super::{Format, check_renames, clock_ms, grouped, print, print_json};
use crate::error::Result;
use crate::survey::Survey;
use crate::tables::{BadRowLimits, ReadRules, Renames, TableReport, read_catalog, read_events};
use clap::Args as ClapArgs;
use serde::Serialize;
use std::path::PathBuf;

/// Options of `check`.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example:\n  unisono-models check --events events.parquet --catalog catalog.csv --map user_id=profile_id,sku=item_id\n\n\
Rows that can't be used are counted here, however many they are, as long as one can; `fit` stops where they are too many."
)]
pub(crate) struct Args {
    /// Events: event_id, profile_id, ts_ms, type, channel, item_id, ...
    #[arg(long, value_name = "FILE")]
    events: PathBuf,
    /// Products: item_id, title, category, ...
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    #[command(flatten)]
    consents: ConsentArgs,
    /// Columns under other names, as from=to,from=to.
    #[arg(long, value_name = "FROM=TO,...", default_value = "", hide_default_value = true)]
    map: String,
    /// How it is printed.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

#[derive(Debug, Serialize)]
struct View {
    tables: Vec<TableReport>,
    survey: Survey,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let renames = Renames::parse(&args.map)?;
    let limits = BadRowLimits { share_max: 1.0, ..BadRowLimits::default() };
    let rules = ReadRules { renames: &renames, ..limits.into() };
    let consents = args.consents.read(rules)?;
    let rules = ReadRules { consents: consents.as_ref().map(|(consents, _)| consents), ..rules };
    let (log, report) = read_events(&args.events, clock_ms(), rules)?;
    let mut tables = vec![report];
    tables.extend(consents.as_ref().map(|(_, report)| report.clone()));
    let mut catalog = None;
    if let Some(path) = &args.catalog {
        let (read, report) = read_catalog(path, rules)?;
        (catalog, _) = (Some(read), tables.push(report));
    }
    check_renames(&renames, &tables.iter().flat_map(|table| table.renamed_columns.iter().cloned()).collect())?;
    let view = View { tables, survey: Survey::of(&log, catalog.as_ref()) };
    match args.format {
        Format::Json => print_json(&view),
        Format::Human => show(&view),
    }
    Ok(())
}

fn show(view: &View) {
    view.tables.iter().for_each(show_table);
    let s = &view.survey;
    let n = |number: usize| grouped(number as u64);
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    print(&format!("\n{} events of {} profiles, {} items", n(s.events), n(s.profiles), n(s.items)));
    if s.events > 0 {
        print(&format!("{} to {} (UTC), {} days", day(s.first_ms), day(s.last_ms), s.days()));
    }
    print("\ntypes by channel");
    for (channel, types) in &s.types {
        for (kind, count) in types {
            print(&format!("  {channel:<14} {kind:<16} {:>12}", n(*count)));
        }
    }
    print("\ntime gaps of 3 days or more");
    for gap in &s.gaps {
        print(&format!("  {} to {}: {} days", day(gap.from_ms), day(gap.to_ms), gap.days));
    }
    if s.gaps.is_empty() {
        print("  none");
    }
    print(&format!("\nseen once (anonymous)   {} of profiles", percent(s.anonymous_share)));
    print(&format!("target                  {}, {} events", s.target, n(s.target_events)));
    show_intents(&s.intents, &s.target);
    print(&format!("baskets                 {}, {:.2} items each", n(s.baskets), s.basket_items));
    print(&format!("two baskets or more     {} profiles", n(s.profiles_with_two)));
    print(&format!("5 profiles or more      {} of {} items", n(s.items_above_floor), n(s.items)));
    print(&format!("with a price            {}", percent(s.priced_share)));
    if let Some(share) = s.not_in_catalog_share {
        print(&format!("not in the catalog      {} of the target's events", percent(share)));
    }
    print("\ntoo thin to learn");
    for finding in &s.findings {
        print(&format!("  {}: {}", finding.code, finding.text));
    }
    if s.findings.is_empty() {
        print("  nothing");
    }
}
