//! The fuzz targets, each for a time.

use crate::run::{Run, find_program};
use crate::tree::{self, Tree};
use anyhow::{Context, Result, bail, ensure};
use std::fmt::Write as _;

/// Runs every target for a minute.
pub(super) fn all_targets(tree: &Tree) -> Result<String> {
    targets_for(tree, 60, |_| true)
}

/// Runs the targets of `tests/fuzz/Cargo.toml` that are wanted, each for so many seconds. What was found before is where the
/// fuzzer begins.
pub(super) fn targets_for(tree: &Tree, seconds: u64, wanted: impl Fn(&str) -> bool) -> Result<String> {
    let rustup = find_program(&["rustup"]).context("rustup is not here; fuzzing needs its nightly compiler")?;
    let toolchains = Run::new(rustup).args(["toolchain", "list"]).quiet().output()?;
    ensure!(toolchains.contains("nightly"), "fuzzing needs a nightly compiler: `rustup toolchain install nightly`");
    if find_program(&["cargo-fuzz"]).is_none() {
        bail!("cargo-fuzz is not on the search path; `cargo install --locked cargo-fuzz` brings it");
    }
    let (mut figures, mut finds) = (String::new(), Vec::new());
    let all = targets(&tree::read_text(&tree.path("tests/fuzz/Cargo.toml"))?)?;
    for target in all.into_iter().filter(|target| wanted(target)) {
        // `cargo` of the search path is rustup's, which knows `+nightly`; the one that runs this program may not.
        let (passed, printed) = Run::new("cargo")
            .args(["+nightly", "fuzz", "run", &target, "--target-dir"])
            .arg(tree.target().join("fuzz"))
            .args(["--", &format!("-max_total_time={seconds}")])
            .dir(&tree.path("tests/fuzz"))
            // Set by the cargo that runs this program, for its own toolchain.
            .env("RUSTUP_TOOLCHAIN", "nightly")
            .verdict()?;
        let runs = printed.lines().find_map(|line| line.strip_prefix("Done ")).unwrap_or("not done");
        writeln!(figures, "{target:<18} {runs}{}", if passed { "" } else { ", FAILED" })?;
        if !passed {
            let end: Vec<&str> = printed.lines().rev().take(30).collect();
            finds.push(format!("{target}:\n{}", end.into_iter().rev().collect::<Vec<_>>().join("\n")));
        }
    }
    ensure!(finds.is_empty(), "{figures}\n{}", finds.join("\n\n"));
    Ok(figures)
}

/// The names of the binaries of a manifest.
fn targets(manifest: &str) -> Result<Vec<String>> {
    #[derive(serde::Deserialize)]
    struct Manifest {
        bin: Vec<Binary>,
    }
    #[derive(serde::Deserialize)]
    struct Binary {
        name: String,
    }
    let manifest: Manifest = toml::from_str(manifest).context("tests/fuzz/Cargo.toml can't be read")?;
    Ok(manifest.bin.into_iter().map(|binary| binary.name).collect())
}
