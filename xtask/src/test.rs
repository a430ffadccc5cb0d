//! `cargo xtask test`: every test in every runtime that this machine can have, and an account of those it could not.

use crate::apt;
use crate::browser;
use crate::npm;
use crate::run::{Run, find_program};
use crate::tree::Tree;
use crate::wasm;
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Fail when a runtime is missing, in place of testing without it
    #[arg(long)]
    require_all: bool,
    /// Install nothing: neither Node packages nor a browser nor Redis
    #[arg(long)]
    offline: bool,
}

/// Folders with Node packages that tests run on.
const NODE_FOLDERS: [&str; 2] = ["wasm/js", "tests/js"];

/// A runtime that answers the tests' requests, or the server that keeps their profiles: here under this version, or not here for this reason.
struct Runtime {
    name: &'static str,
    found: Result<String, String>,
}

pub(crate) fn command(tree: &Tree, arguments: &Arguments) -> Result<()> {
    let module = wasm::build_package(tree)?;
    let digest = crate::digest::sha256(&module.module);
    let mut runtimes = vec![
        Runtime { name: "native", found: Ok(std::env::consts::ARCH.to_owned()) },
        Runtime { name: "wasmtime", found: Ok(format!("inside the host, module {digest}")) },
    ];
    let node = npm::node_version().and_then(|version| {
        prepare_node(tree, arguments.offline)?;
        Ok(version)
    });
    let has_node = node.is_ok();
    runtimes.push(Runtime { name: "Node", found: told(node) });
    let chromium =
        if arguments.offline { browser::find().context("none was found") } else { browser::find_or_install() };
    let chromium_version =
        chromium.as_ref().map_err(|error| format!("{error:#}")).and_then(|chromium| told(browser::version(chromium)));
    runtimes.push(Runtime { name: "Chromium", found: chromium_version });

    let redis = Runtime { name: "Redis", found: told(redis(arguments.offline)) };

    let mut failures = Vec::new();
    let mut step = |what: &'static str, result: Result<()>| {
        if let Err(error) = result {
            eprintln!("error: {what}: {error:#}");
            failures.push(what);
        }
    };
    step("cargo test", cargo_test(tree, chromium.ok(), &runtimes, redis.found.is_ok()));
    if has_node {
        step("tests of the npm package", package_tests(tree));
    }
    runtimes.push(redis);
    report(&runtimes);
    let missing: Vec<&str> = runtimes.iter().filter(|one| one.found.is_err()).map(|one| one.name).collect();
    if !failures.is_empty() {
        bail!("these failed: {}", failures.join(", "));
    }
    if arguments.require_all && !missing.is_empty() {
        bail!("these runtimes are missing: {}", missing.join(", "));
    }
    Ok(())
}

/// The version of the Redis that stores of profiles are tested on.
fn redis(offline: bool) -> Result<String> {
    const NAMES: [&str; 1] = ["redis-server"];
    let server = if offline {
        find_program(&NAMES).context("none was found")?
    } else {
        apt::find_or_install(&NAMES, "redis-server")?
    };
    Ok(Run::new(server).arg("--version").quiet().output()?.trim().to_owned())
}

fn told(found: Result<String>) -> Result<String, String> {
    found.map_err(|error| format!("{error:#}"))
}

pub(crate) fn prepare_node(tree: &Tree, offline: bool) -> Result<()> {
    let folders = NODE_FOLDERS.map(|folder| tree.path(folder));
    for folder in folders.iter().filter(|folder| folder.join("package.json").is_file()) {
        if !offline {
            npm::install(folder)
                .with_context(|| format!("can't install the Node packages of `{}`", folder.display()))?;
        }
    }
    Ok(())
}

/// Benchmarks are measured by `cargo xtask prove`; compiling them here would only cost time.
fn cargo_test(tree: &Tree, chromium: Option<OsString>, runtimes: &[Runtime], has_redis: bool) -> Result<()> {
    // What was found is required, so that none is passed over in silence and then reported as run.
    let found: Vec<String> =
        runtimes.iter().filter(|one| one.found.is_ok()).map(|one| one.name.to_lowercase()).collect();
    let mut run = tree
        .cargo(&["test", "--workspace", "--exclude", "unisono-benches", "--no-fail-fast"])
        .env("UNISONO_REQUIRE_RUNTIMES", found.join(","));
    if has_redis {
        run = run.env("UNISONO_REDIS", "1");
    }
    if let Some(chromium) = chromium {
        run = run.env("UNISONO_CHROMIUM", chromium);
    }
    run.run()
}

/// The package's own tests, over the package that was just built.
fn package_tests(tree: &Tree) -> Result<()> {
    let model = tiny_model(tree)?;
    let folder = tree.path("wasm/js");
    Run::new("npm").args(["run", "--silent", "types"]).dir(&folder).run()?;
    let mut tests: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder.join("test"))? {
        let file = entry?.path();
        if file.to_string_lossy().ends_with(".test.mjs") {
            tests.push(file);
        }
    }
    tests.sort();
    Run::new("node")
        .args(["--test", "--test-reporter=spec"])
        .args(tests)
        .dir(&folder)
        .env("UNISONO_TINY_MODEL", model)
        .run()
}

/// A model of four items, written by core's own encoder.
fn tiny_model(tree: &Tree) -> Result<PathBuf> {
    let model = tree.target().join("tiny.unisono");
    tree.cargo(&["run", "--quiet", "--package", "unisono-wasm", "--example", "tiny_model", "--"]).arg(&model).run()?;
    Ok(model)
}

fn report(runtimes: &[Runtime]) {
    eprintln!("\nruntimes that these tests ran in, and the server that they stored profiles in:");
    for Runtime { name, found } in runtimes {
        match found {
            Ok(version) => eprintln!("  yes  {name:<10} {version}"),
            Err(reason) => eprintln!("  no   {name:<10} {reason}"),
        }
    }
}
