//! Files that must come out the same, however they are made.

use crate::demo;
use crate::digest::sha256;
use crate::tree::{self, Tree};
use crate::wasm;
use anyhow::{Result, ensure};
use std::fmt::Write as _;
use std::fs;

/// Builds the module in two copies of the tree, in paths of different length, from nothing.
pub(super) fn module(tree: &Tree) -> Result<String> {
    let place = tree.target().join("prove-module");
    let mut figures = String::new();
    let mut modules = Vec::new();
    for path in ["a", "somewhere/else/entirely"] {
        let copy = tree.copied_to(&place.join(path), &place.join("target").join(modules.len().to_string()));
        if copy.target().exists() {
            fs::remove_dir_all(copy.target())?;
        }
        tree.copy_files_to(copy.root())?;
        let output = wasm::build_module(&copy)?;
        writeln!(figures, "{}  {:>7} bytes  built in .../{path}", sha256(&output.module), output.module.len())?;
        modules.push(output.module);
    }
    // Gigabytes of compiled things that no one needs any more.
    fs::remove_dir_all(&place)?;
    ensure!(modules.windows(2).all(|pair| pair[0] == pair[1]), "the modules differ:\n{figures}");
    Ok(figures)
}

/// Fits Complete Journey again and again. Other forms and orders of the same rows are tests of `unisono-models`.
pub(super) fn fit(tree: &Tree) -> Result<String> {
    let models = tree.program("unisono-models")?;
    let tables = demo::tables(tree, &models)?;
    let place = tree.target().join("prove-fit");
    fs::create_dir_all(&place)?;
    let runs: [(&str, &[&str]); 4] =
        [("once", &[]), ("again", &[]), ("1 thread", &["--threads", "1"]), ("2 threads", &["--threads", "2"])];
    let (mut figures, mut digests) = (String::new(), Vec::new());
    for (what, arguments) in runs {
        let model = place.join("fitted.unisono");
        tables.fit(&models, &model).args(arguments).run()?;
        let bytes = tree::read(&model)?;
        writeln!(figures, "{}  {:>8} bytes  {what}", sha256(&bytes), bytes.len())?;
        digests.push(sha256(&bytes));
    }
    fs::remove_dir_all(&place)?;
    ensure!(digests.windows(2).all(|pair| pair[0] == pair[1]), "the models differ:\n{figures}");
    Ok(figures)
}
