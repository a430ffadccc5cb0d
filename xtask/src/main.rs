//! Build automation of Unisono: `cargo xtask wasm`, `test`, `demo`, `prove`, `size`, `mutants`, `ci-checks`.
//!
//! Everything that a fresh clone needs is fetched or named here, one file per command. What this program does not do:
//! no product code lives here, and nothing of the product depends on it.

mod apt;
mod browser;
mod ci_checks;
mod demo;
mod digest;
mod mutants;
mod npm;
mod prove;
mod run;
mod size;
mod test;
mod tree;
mod wasm;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;
use tree::Tree;

/// Build automation of Unisono.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = "Example: cargo xtask demo")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the module and the npm package into wasm/pkg, and check both
    Wasm(wasm::Arguments),
    /// Run every test in every runtime that this machine can have
    Test(test::Arguments),
    /// From nothing to a page: module, data, model, host, demo site
    Demo(demo::Arguments),
    /// Run long proofs and write their figures to proofs/NAME.md
    Prove(prove::Arguments),
    /// Check formatting, lints, docs, dependencies and the module
    CiChecks(ci_checks::Arguments),
    /// Measure the module and the npm package against their budget
    Size(size::Arguments),
    /// Break the source in named ways and see that the tests notice
    Mutants(mutants::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match Tree::find().and_then(|tree| dispatch(&tree, arguments.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(tree: &Tree, command: Command) -> Result<()> {
    match command {
        Command::Wasm(arguments) => wasm::command(tree, &arguments),
        Command::Test(arguments) => test::command(tree, &arguments),
        Command::Demo(arguments) => demo::command(tree, &arguments),
        Command::Prove(arguments) => prove::command(tree, &arguments),
        Command::CiChecks(arguments) => ci_checks::command(tree, &arguments),
        Command::Size(arguments) => size::command(tree, &arguments),
        Command::Mutants(arguments) => mutants::command(tree, &arguments),
    }
}
