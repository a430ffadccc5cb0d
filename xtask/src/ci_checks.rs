//! `cargo xtask ci-checks`: what must hold of every commit, short of its tests. All checks run, and all failures are told.

use crate::mutants;
use crate::run::{Run, find_program};
use crate::tree::Tree;
use crate::wasm;
use anyhow::{Context, Result, bail};
use std::fmt;

/// Packages, and what may not be among all that they depend on, directly or not.
const FORBIDDEN: &[(&str, &[&str])] = &[
    // The host moves bytes to and from the module: a second way to decide must be impossible.
    ("unisono-host", &["unisono-core", "unisono-models", "unisono-xtask"]),
    ("unisono-models", &["unisono-host", "unisono-wasm", "unisono-xtask"]),
    ("unisono-core", &["unisono-wasm", "wasm-bindgen", "linfa", "ndarray", "rand", "serde", "tokio"]),
    ("unisono-message", &["unisono-core", "wasm-bindgen", "serde"]),
    ("unisono-wasm", &["unisono-host", "unisono-models", "js-sys", "web-sys"]),
];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only these checks: format, module, clippy, docs, alone, fuzz, mutants, edges, deny
    names: Vec<String>,
}

/// A check: its name, what holds when it passes, and how it is made.
type Check = (&'static str, &'static str, fn(&Tree) -> Result<()>);

const CHECKS: &[Check] = &[
    ("format", "the source is formatted", formatted),
    ("module", "the module imports nothing and needs no feature beyond the four", module),
    ("clippy", "clippy finds nothing", clippy),
    ("docs", "the documentation builds without a warning", documented),
    ("alone", "each crate compiles alone", each_alone),
    ("fuzz", "the fuzz targets compile", fuzz_targets),
    ("mutants", "each named mutant fits the source", mutants::check),
    ("edges", "nobody depends on what they must not know", forbidden_dependencies),
    ("deny", "licences, sources and bans are kept", cargo_deny),
];

pub(crate) fn command(tree: &Tree, arguments: &Arguments) -> Result<()> {
    if let Some(unknown) = arguments.names.iter().find(|wanted| CHECKS.iter().all(|(name, ..)| name != wanted)) {
        bail!("no check is named `{unknown}`; `--help` names them");
    }
    let chosen = |name: &str| arguments.names.is_empty() || arguments.names.iter().any(|wanted| wanted == name);
    let (mut held, mut failures, mut not_checked) = (0, Vec::new(), Vec::new());
    for (name, what, check) in CHECKS.iter().filter(|(name, ..)| chosen(name)) {
        eprintln!("\n== {name}: {what}");
        match check(tree) {
            Ok(()) => held += 1,
            Err(error) if error.is::<NotChecked>() => {
                eprintln!("\n!! {error}");
                not_checked.push(*name);
            }
            Err(error) => {
                eprintln!("error: {error:#}");
                failures.push(*name);
            }
        }
    }
    if !not_checked.is_empty() {
        eprintln!("\n!! NOT CHECKED on this machine: {}", not_checked.join(", "));
    }
    if failures.is_empty() {
        eprintln!("\n{held} checks hold, {} were not made", not_checked.len());
        return Ok(());
    }
    bail!("{} of {} checks do not hold: {}", failures.len(), held + failures.len(), failures.join(", "))
}

fn formatted(tree: &Tree) -> Result<()> {
    tree.cargo(&["fmt", "--all", "--check"]).run()
}

/// Built before the rest is compiled, because the host takes the module in.
fn module(tree: &Tree) -> Result<()> {
    wasm::build_package(tree).map(|_| ())
}

fn clippy(tree: &Tree) -> Result<()> {
    tree.cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]).run()?;
    // The exports exist on the Wasm target alone.
    wasm::ensure_target()?;
    tree.cargo(&["clippy", "--package", "unisono-wasm", "--lib", "--target", "wasm32-unknown-unknown"])
        .args(["--", "--deny", "warnings"])
        .run()
}

fn documented(tree: &Tree) -> Result<()> {
    tree.cargo(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "--deny warnings").run()
}

/// A crate that only compiles beside others borrows a feature that someone else turned on.
fn each_alone(tree: &Tree) -> Result<()> {
    for package in packages(tree)? {
        tree.cargo(&["check", "--package", &package]).run()?;
    }
    Ok(())
}

/// The workspace's packages, by name.
fn packages(tree: &Tree) -> Result<Vec<String>> {
    let metadata = tree.cargo(&["metadata", "--no-deps", "--format-version", "1"]).quiet().output()?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata).context("cargo's metadata can't be read")?;
    let packages =
        metadata.get("packages").and_then(|packages| packages.as_array()).context("cargo lists no packages")?;
    Ok(packages.iter().filter_map(|package| package.get("name")?.as_str().map(str::to_owned)).collect())
}

fn forbidden_dependencies(tree: &Tree) -> Result<()> {
    for (package, forbidden) in FORBIDDEN {
        // Development dependencies are not shipped, but for the host even they would be a second way to decide.
        let edges = if *package == "unisono-host" { "normal,build,dev" } else { "normal,build" };
        let listed = tree
            .cargo(&["tree", "--package", package, "--edges", edges, "--prefix", "none", "--format", "{p}"])
            .output()?;
        let depends_on = |name: &&&str| listed.lines().any(|line| line.split(' ').next() == Some(**name));
        if let Some(name) = forbidden.iter().find(depends_on) {
            bail!("`{package}` depends on `{name}`; `cargo tree --package {package} --invert {name}` shows how");
        }
    }
    Ok(())
}

/// They are a workspace of their own, with their own lock file: no other check sees them. A stable compiler can check them;
/// only running them needs nightly.
fn fuzz_targets(tree: &Tree) -> Result<()> {
    const MANIFEST: &str = "tests/fuzz/Cargo.toml";
    let (fetched, printed) = tree.cargo(&["fetch", "--locked", "--manifest-path", MANIFEST]).verdict()?;
    if !fetched && !printed.contains("lock file") {
        bail!(NotChecked(format!("what the fuzz targets depend on is not here and can't be fetched:\n{printed}")));
    }
    // A target directory of their own: their features differ, and would make the workspace's crates be compiled anew.
    let target = tree.target().join("fuzz-check");
    tree.cargo(&["check", "--locked", "--manifest-path", MANIFEST, "--bins"]).env("CARGO_TARGET_DIR", target).run()
}

/// Needs no network: advisories are looked up elsewhere. Nothing is installed for it.
fn cargo_deny(tree: &Tree) -> Result<()> {
    let Some(program) = find_program(&["cargo-deny"]) else {
        let remedy = "cargo-deny is not on the search path; `cargo install --locked cargo-deny` brings it";
        bail!(NotChecked(remedy.to_owned()));
    };
    Run::new(program).args(["check", "bans", "licenses", "sources"]).dir(tree.root()).run()
}

/// Why a check was not made: something that it needs is not on this machine. No failure, but never silent either.
#[derive(Debug)]
struct NotChecked(String);

impl fmt::Display for NotChecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NOT CHECKED: {}", self.0)
    }
}

impl std::error::Error for NotChecked {}
