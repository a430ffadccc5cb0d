//! Figures that take long: equality over runtimes, speed, memory, instructions, and what a support floor costs.

use crate::demo;
use crate::run::{Run, find_program};
use crate::tree::{self, Tree};
use crate::wasm;
use anyhow::{Context, Result, ensure};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Generated cases, and the calls on one instance, of the proof.
const CASES: &str = "20000";
const CALLS: &str = "1000000";
/// Customers among whom the one of median length is measured: all that the data has.
const CUSTOMERS: &str = "2469";

/// Twenty thousand generated cases and all case files, in every runtime.
pub(super) fn runtimes(tree: &Tree) -> Result<String> {
    wasm::build_package(tree)?;
    let printed = tree
        .cargo(&["test", "--package", "unisono-tests", "--test", "it", "--", "generated", "conformance", "--nocapture"])
        .env("UNISONO_CASES", CASES)
        .env("UNISONO_REQUIRE_RUNTIMES", "native,wasmtime,node,chromium")
        .output()?;
    Ok(printed)
}

/// A model of Complete Journey and requests of its customers, made once for the steps that measure.
struct Subject {
    model: PathBuf,
    requests: PathBuf,
}

fn subject(tree: &Tree) -> Result<Subject> {
    let models = tree.program("unisono-models")?;
    let tables = demo::tables(tree, &models)?;
    let model = demo::fit(tree, &models, &tables)?;
    let requests = tree.target().join("prove-requests.json");
    Run::new(&models)
        .arg("sample")
        .arg("--events")
        .arg(&tables.events)
        .arg("--catalog")
        .arg(&tables.catalog)
        .arg("--model")
        .arg(&model)
        .args(["--customers", CUSTOMERS, "--out"])
        .arg(&requests)
        .run()?;
    Ok(Subject { model, requests })
}

/// A program of the benchmarks, compiled as users compile.
fn bench(tree: &Tree, name: &str) -> Result<PathBuf> {
    tree.cargo(&["build", "--release", "--package", "unisono-benches", "--bin", name]).run()?;
    Ok(tree.target().join("release").join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}

/// Native, wasmtime and Node in turn, on the median household and on synthetic models.
pub(super) fn speed(tree: &Tree) -> Result<String> {
    wasm::build_package(tree)?;
    let subject = subject(tree)?;
    let program = bench(tree, "side-by-side")?;
    Run::new(program).arg("--model").arg(&subject.model).arg("--requests").arg(&subject.requests).output()
}

/// Instructions of a call, counted by valgrind.
pub(super) fn instructions(tree: &Tree) -> Result<String> {
    let valgrind = find_program(&["valgrind"]).context("valgrind is not here; on Debian: apt-get install valgrind")?;
    let subject = subject(tree)?;
    let program = bench(tree, "hot-path")?;
    let mut counts: Vec<u64> = Vec::new();
    for calls in ["10", "110"] {
        let out = tree.target().join(format!("callgrind-{calls}.out"));
        let (passed, printed) = Run::new(&valgrind)
            .args(["--tool=callgrind", &format!("--callgrind-out-file={}", out.display())])
            .arg(&program)
            .arg("--model")
            .arg(&subject.model)
            .arg("--requests")
            .arg(&subject.requests)
            .args(["--calls", calls])
            .verdict()?;
        ensure!(passed, "valgrind failed:\n{printed}");
        let collected = printed.lines().find_map(|line| line.split_once("Collected :")).map(|pair| pair.1.trim());
        counts.push(collected.context("valgrind printed no count")?.parse()?);
    }
    let a_call = (counts[1] - counts[0]) / 100;
    Ok(format!("recommend, native, median household of Complete Journey: {a_call} instructions a call\n"))
}

/// What an instance's memory holds before and after loading, and after a million calls.
pub(super) fn memory(tree: &Tree) -> Result<String> {
    wasm::build_package(tree)?;
    let subject = subject(tree)?;
    let program = bench(tree, "hot-path")?;
    let request = tree.target().join("prove-request.msgpack");
    Run::new(program)
        .arg("--model")
        .arg(&subject.model)
        .arg("--requests")
        .arg(&subject.requests)
        .args(["--calls", "1", "--write-request"])
        .arg(&request)
        .run()?;
    Run::new("node")
        .arg(tree.path("benches/node/memory.mjs"))
        .arg(tree.package().join("unisono.wasm"))
        .arg(&subject.model)
        .arg(&request)
        .arg(CALLS)
        .output()
}

/// The model's size by section, and accuracy on the held-out cut, under each floor.
pub(super) fn support(tree: &Tree) -> Result<String> {
    let models = tree.program("unisono-models")?;
    let tables = demo::tables(tree, &models)?;
    let place = tree.target().join("prove-support");
    std::fs::create_dir_all(&place)?;
    let mut figures = String::new();
    for floor in ["1", "3", "5", "10"] {
        let model = place.join(format!("floor-{floor}.unisono"));
        tables.fit(&models, &model).args(["--min-support", floor]).run()?;
        let inspected = Run::new(&models).arg("inspect").arg(&model).output()?;
        writeln!(figures, "min_support {floor}: {} bytes\n{inspected}", tree::read(&model)?.len())?;
    }
    Ok(figures)
}
