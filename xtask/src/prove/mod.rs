//! `cargo xtask prove NAME`: long proofs, whose figures go to proofs/NAME.md with the machine and the command.

mod accuracy;
mod figures;
mod fuzz;
mod identities;
mod line;
mod record;

use crate::tree::Tree;
use anyhow::{Result, bail};
use record::Record;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Which proof
    #[arg(value_parser = ["line"])]
    name: String,
    /// Only these steps; what the file says of the others stays
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// Name the steps, and run none
    #[arg(long)]
    list: bool,
}

/// One claim, and how it is proved.
struct Step {
    /// For `--only`.
    name: &'static str,
    /// A sentence that is true or not.
    claim: &'static str,
    /// Gives the figures; fails when the claim does not hold.
    run: fn(&Tree) -> Result<String>,
}

pub(crate) fn command(tree: &Tree, arguments: &Arguments) -> Result<()> {
    let steps = match arguments.name.as_str() {
        "line" => line::STEPS,
        other => bail!("no proof is named `{other}`"),
    };
    if let Some(unknown) = arguments.only.iter().find(|name| steps.iter().all(|step| step.name != **name)) {
        bail!("no step is named `{unknown}`; `--list` names them");
    }
    let chosen =
        steps.iter().filter(|step| arguments.only.is_empty() || arguments.only.iter().any(|name| name == step.name));
    if arguments.list {
        chosen.for_each(|step| println!("{:<12} {}", step.name, step.claim));
        return Ok(());
    }
    let mut record = Record::begin(tree, &arguments.name, steps);
    for step in chosen {
        eprintln!("\n== {}: {}", step.name, step.claim);
        record.step(step, tree)?;
    }
    record.end()
}
