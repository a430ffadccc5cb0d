//! Files that must come out the same, however they are made.

use crate::demo;
use crate::digest::sha256;
use crate::run::Run;
use crate::tree::{self, Tree};
use crate::wasm;
use anyhow::{Context, Result, ensure};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

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

/// Fits Complete Journey again and again, the last time from the same rows in another form and order.
pub(super) fn fit(tree: &Tree) -> Result<String> {
    let models = tree.program("unisono-models")?;
    let tables = demo::tables(tree, &models)?;
    let place = tree.target().join("prove-fit");
    fs::create_dir_all(&place)?;
    let runs: [(&str, &[&str]); 4] =
        [("once", &[]), ("again", &[]), ("1 thread", &["--threads", "1"]), ("2 threads", &["--threads", "2"])];
    let (mut figures, mut digests) = (String::new(), Vec::new());
    let mut note = |what: &str, tables: &demo::Tables, arguments: &[&str]| -> Result<()> {
        let model = place.join("fitted.unisono");
        tables.fit(&models, &model).args(arguments).run()?;
        let bytes = tree::read(&model)?;
        writeln!(figures, "{}  {:>8} bytes  {what}", sha256(&bytes), bytes.len())?;
        digests.push(sha256(&bytes));
        Ok(())
    };
    for (what, arguments) in runs {
        note(what, &tables, arguments)?;
    }
    let shuffled = demo::Tables { events: shuffled_csv(tree, &models, &place)?, ..tables };
    note("shuffled CSV", &shuffled, &[])?;
    fs::remove_dir_all(&place)?;
    ensure!(digests.windows(2).all(|pair| pair[0] == pair[1]), "the models differ:\n{figures}");
    Ok(figures)
}

/// The events of Complete Journey as CSV, in an order of their own.
fn shuffled_csv(tree: &Tree, models: &Path, place: &Path) -> Result<PathBuf> {
    let raw = demo::raw(tree)?;
    Run::new(models)
        .args(["import", "complete-journey", "--events", "csv", "--from"])
        .arg(raw)
        .arg("--out")
        .arg(place)
        .run()?;
    let text = tree::read_text(&place.join("events.csv"))?;
    // No cell of this data holds a line's end, so that a line is a row.
    let (head, rows) = text.split_once('\n').context("the table has no header")?;
    let mut rows: Vec<&str> = rows.lines().collect();
    shuffle(&mut rows);
    let file = place.join("shuffled.csv");
    tree::write(&file, format!("{head}\n{}\n", rows.join("\n")))?;
    Ok(file)
}

/// Fisher and Yates, with Marsaglia's xorshift64: the same order each time.
fn shuffle<T>(values: &mut [T]) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for last in (1..values.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        values.swap(last, (state % (last as u64 + 1)) as usize);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_shuffle_loses_nothing_and_leaves_little_in_place() {
        let mut values: Vec<usize> = (0..1_000).collect();
        super::shuffle(&mut values);
        assert!(values.iter().enumerate().filter(|(at, value)| at == *value).count() < 10);
        values.sort_unstable();
        assert_eq!(values, (0..1_000).collect::<Vec<_>>());
    }
}
