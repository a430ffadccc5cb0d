//! `update`: a model and a newer catalog in, the model with that catalog out.

use super::fit::show_table;
use super::lines::read;
use super::settings::LimitArgs;
use super::{Format, check_renames, grouped, print, print_json};
use crate::error::Result;
use crate::output::{Output, apart};
use crate::tables::{ReadRules, Renames, TableReport, read_catalog};
use crate::update::{UpdateReport, update};
use clap::Args as ClapArgs;
use serde::Serialize;
use std::path::PathBuf;

/// Options of `update`.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example:\n  unisono-models update --model shop.unisono --catalog new.csv --out shop-today.unisono\n\n\
Products that are gone stay in the model, unavailable. What was counted and learned stays as it was; a fit renews it."
)]
pub(crate) struct Args {
    /// The model file.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// All products that are sold now: item_id, title, category, ...
    #[arg(long, value_name = "FILE")]
    catalog: PathBuf,
    /// Columns under other names, as from=to,from=to.
    #[arg(long, value_name = "FROM=TO,...", default_value = "", hide_default_value = true)]
    map: String,
    #[command(flatten)]
    limits: LimitArgs,
    /// The model file with the new catalog.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// How it is printed.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

#[derive(Debug, Serialize)]
struct View {
    table: TableReport,
    update: UpdateReport,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let renames = Renames::parse(&args.map)?;
    let inputs = [Some(&args.model), Some(&args.catalog), args.limits.config.as_ref()];
    apart(&inputs.into_iter().flatten().map(PathBuf::as_path).collect::<Vec<_>>(), &[&args.out])?;
    let file = read(&args.model)?;
    let rules = ReadRules { renames: &renames, ..args.limits.read()?.into() };
    let (catalog, table) = read_catalog(&args.catalog, rules)?;
    check_renames(&renames, &table.renamed_columns.iter().cloned().collect())?;
    let updated = update(&file, &catalog)?;
    let mut out = Output::create(&args.out)?;
    out.write(&updated.file)?;
    out.complete()?;
    let view = View { table, update: updated.report };
    match args.format {
        Format::Json => print_json(&view),
        Format::Human => show(&view),
    }
    Ok(())
}

fn show(view: &View) {
    show_table(&view.table);
    let update = &view.update;
    let [new, gone, changed, unchanged] =
        [update.new, update.gone, update.changed, update.unchanged].map(|count| grouped(count as u64));
    print(&format!("{new} new, {gone} gone, {changed} changed, {unchanged} unchanged"));
    print(&format!("model {} ({} bytes)", update.model_id, grouped(update.bytes as u64)));
}
