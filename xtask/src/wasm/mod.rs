//! `cargo xtask wasm`: the module and the npm package over it, built and checked.
//!
//! source -> rustc's module (build.rs) -> what no one needs taken out (finish.rs, traps.rs) -> checks (check.rs) -> package

mod build;
mod check;
mod finish;
mod package;
mod traps;

pub(crate) use build::ensure_target;
pub(crate) use finish::Output;

use crate::digest::sha256;
use crate::size;
use crate::tree::{self, Tree};
use anyhow::{Result, ensure};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Check the wasm/pkg that is there, and build nothing
    #[arg(long)]
    check: bool,
}

pub(crate) fn command(tree: &Tree, arguments: &Arguments) -> Result<()> {
    if arguments.check {
        return check_package(tree);
    }
    build_package(tree)?;
    size::print_totals(tree)
}

/// Builds the package into `wasm/pkg` and checks it.
pub(crate) fn build_package(tree: &Tree) -> Result<Output> {
    let output = build_module(tree)?;
    check::module(&output.module)?;
    package::write(tree, &output)?;
    eprintln!("wasm/pkg is ready; unisono.wasm has the SHA-256 {}", sha256(&output.module));
    Ok(output)
}

/// Builds the module of `tree` without writing a package.
pub(crate) fn build_module(tree: &Tree) -> Result<Output> {
    finish::run(&build::run(tree)?)
}

/// Checks the module of the package that was built last.
pub(crate) fn check_package(tree: &Tree) -> Result<()> {
    let file = tree.package().join("unisono.wasm");
    ensure!(file.is_file(), "`{}` is not there; run `cargo xtask wasm`", file.display());
    check::module(&tree::read(&file)?)
}
