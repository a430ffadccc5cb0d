//! `cargo xtask prove NAME`: long proofs, whose figures go to proofs/NAME.md with the machine and the command.

mod accuracy;
mod figures;
mod fuzz;
mod identities;
mod kit;
mod line;
mod placebo;
mod profile;
mod recommendations;
mod record;

use crate::tree::Tree;
use anyhow::{Context, Result, bail};
use kit::Kit;
use record::Record;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Which proof
    #[arg(value_parser = ["line", "recommendations", "profile"])]
    name: String,
    /// Only these steps; what the file says of the others stays
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// Name the steps, and run none
    #[arg(long)]
    list: bool,
    /// Of `recommendations`: the folder with score.py and peers.py of the evaluation kit
    #[arg(long, value_name = "DIR")]
    kit: Option<PathBuf>,
    /// Of `recommendations`: the folder with the kit's data
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Of `recommendations`: a Python with what the kit needs
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: PathBuf,
    /// Of `recommendations`: the cut that is measured; `test` is for when all is done
    #[arg(long, default_value = "valid", value_parser = ["valid", "test"])]
    cut: String,
}

impl Arguments {
    fn kit(&self) -> Result<Kit> {
        let (kit, data) = (self.kit.clone(), self.data.clone());
        let kit = kit.context("need --kit: the folder with score.py and peers.py of the evaluation kit")?;
        let data = data.context("need --data: the folder with the kit's data")?;
        Ok(Kit { kit, data, python: self.python.clone(), cut: self.cut.clone() })
    }
}

/// One claim, and how it is proved.
struct Step {
    /// For `--only`.
    name: &'static str,
    /// A sentence that is true or not.
    claim: &'static str,
    /// Gives the figures; fails when the claim does not hold.
    run: Proof,
}

/// How a step is proved: in this tree alone, or with the evaluation kit beside it.
enum Proof {
    Tree(fn(&Tree) -> Result<String>),
    Kit(fn(&Tree, &Kit) -> Result<String>),
}

pub(crate) fn command(tree: &Tree, arguments: &Arguments) -> Result<()> {
    let steps = match arguments.name.as_str() {
        "line" => line::STEPS,
        "recommendations" => recommendations::STEPS,
        "profile" => profile::STEPS,
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
        record.step(step, || match step.run {
            Proof::Tree(prove) => prove(tree),
            Proof::Kit(prove) => prove(tree, &arguments.kit()?),
        })?;
    }
    record.end()
}
