//! Files that must come out the same, however they are made.

use crate::demo;
use crate::digest::sha256;
use crate::run::Run;
use crate::tree::{self, Tree};
use crate::wasm;
use anyhow::{Result, ensure};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

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

/// Fits Complete Journey from every form of its tables.
pub(super) fn fit(tree: &Tree) -> Result<String> {
    let models = tree.program("unisono-models")?;
    let tables = demo::tables(tree, &models)?;
    let place = tree.target().join("prove-fit");
    fs::create_dir_all(&place)?;
    let (csv, shuffled) = (place.join("events.csv"), place.join("shuffled.csv"));
    Run::new(&models).arg("convert").arg("--events").arg(&tables.events).arg("--out").arg(&csv).run()?;
    shuffle_lines(&csv, &shuffled)?;
    let forms: [(&str, &Path, &[&str]); 6] = [
        ("Parquet", &tables.events, &[]),
        ("Parquet, again", &tables.events, &[]),
        ("Parquet, 1 thread", &tables.events, &["--threads", "1"]),
        ("Parquet, 2 threads", &tables.events, &["--threads", "2"]),
        ("CSV", &csv, &[]),
        ("CSV, rows shuffled", &shuffled, &[]),
    ];
    let (mut figures, mut digests) = (String::new(), Vec::new());
    for (what, events, arguments) in forms {
        let model = place.join("fitted.unisono");
        let form = demo::Tables {
            events: events.to_path_buf(),
            catalog: tables.catalog.clone(),
            offers: tables.offers.clone(),
        };
        form.fit(&models, &model).args(arguments).run()?;
        let bytes = tree::read(&model)?;
        writeln!(figures, "{}  {:>8} bytes  {what}", sha256(&bytes), bytes.len())?;
        digests.push(sha256(&bytes));
    }
    fs::remove_dir_all(&place)?;
    ensure!(digests.windows(2).all(|pair| pair[0] == pair[1]), "the models differ:\n{figures}");
    Ok(figures)
}

/// Puts the lines after the first into another order, the same one each time. No cell of the tables holds a line break.
fn shuffle_lines(from: &Path, to: &Path) -> Result<()> {
    let text = tree::read_text(from)?;
    let (head, rows) = text.split_once('\n').unwrap_or((&text, ""));
    let mut rows: Vec<&str> = rows.lines().collect();
    // A linear congruential generator (Knuth's MMIX) under Fisher and Yates's shuffle; any order will do.
    let mut state: u64 = 1;
    for last in (1..rows.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        rows.swap(last, (state >> 33) as usize % (last + 1));
    }
    let mut shuffled = String::with_capacity(text.len() + 1);
    shuffled.push_str(head);
    for row in rows {
        shuffled.push('\n');
        shuffled.push_str(row);
    }
    shuffled.push('\n');
    tree::write(to, shuffled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_keeps_the_head_and_every_row() {
        let place = std::env::temp_dir().join(format!("unisono-shuffle-{}", std::process::id()));
        let (from, to) = (place.join("from.csv"), place.join("to.csv"));
        let rows: Vec<String> = (0..100).map(|row| format!("{row},x")).collect();
        tree::write(&from, format!("id,name\n{}\n", rows.join("\n"))).unwrap();
        shuffle_lines(&from, &to).unwrap();
        let shuffled = tree::read_text(&to).unwrap();
        fs::remove_dir_all(&place).unwrap();
        let mut found: Vec<&str> = shuffled.lines().skip(1).collect();
        assert_eq!(shuffled.lines().next(), Some("id,name"));
        assert_ne!(found, rows);
        found.sort_unstable();
        let mut expected = rows.clone();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }
}
