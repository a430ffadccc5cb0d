//! `cargo xtask ci-checks`: what must hold of every commit, short of its tests. All checks run, and all failures are told.

use crate::run::{Run, find_program};
use crate::tree::Tree;
use crate::wasm;
use anyhow::{Context, Result, bail};

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
    /// Only these checks: format, module, clippy, docs, alone, edges, deny
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
    ("edges", "nobody depends on what they must not know", forbidden_dependencies),
    ("deny", "licences, sources and bans are kept", cargo_deny),
];

pub(crate) fn command(tree: &Tree, arguments: &Arguments) -> Result<()> {
    if let Some(unknown) = arguments.names.iter().find(|wanted| CHECKS.iter().all(|(name, ..)| name != wanted)) {
        bail!("no check is named `{unknown}`; `--help` names them");
    }
    let chosen = |name: &str| arguments.names.is_empty() || arguments.names.iter().any(|wanted| wanted == name);
    let (mut held, mut failures) = (0, Vec::new());
    for (name, what, check) in CHECKS.iter().filter(|(name, ..)| chosen(name)) {
        eprintln!("\n== {name}: {what}");
        match check(tree) {
            Ok(()) => held += 1,
            Err(error) => {
                eprintln!("error: {error:#}");
                failures.push(*name);
            }
        }
    }
    if failures.is_empty() {
        eprintln!("\nall {held} checks hold");
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

/// Needs no network: advisories are looked up elsewhere.
fn cargo_deny(tree: &Tree) -> Result<()> {
    if find_program(&["cargo-deny"]).is_none() {
        eprintln!("cargo-deny is not here, so that this was not checked; `cargo install cargo-deny` brings it");
        return Ok(());
    }
    Run::new("cargo-deny").args(["check", "bans", "licenses", "sources"]).dir(tree.root()).run()
}
