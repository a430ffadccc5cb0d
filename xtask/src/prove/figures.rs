//! Figures that take long: equality over runtimes, speed, memory, instructions, and what a support floor costs.

use crate::demo;
use crate::run::{Run, find_program};
use crate::test;
use crate::tree::{self, Tree};
use crate::wasm;
use anyhow::{Context, Result, bail, ensure};
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
    test::prepare_node(tree, false)?;
    let (passed, printed) = tree
        .cargo(&["test", "--package", "unisono-tests", "--test", "it", "--", "generated", "conformance", "--nocapture"])
        .env("UNISONO_CASES", CASES)
        .env("UNISONO_REQUIRE_RUNTIMES", "native,wasmtime,node,chromium")
        .verdict()?;
    // What was met how often, and what each runtime answered, go to standard error; cargo's own lines begin with spaces.
    let is_told = |line: &&str| !line.starts_with(' ') && !line.ends_with(&format!(" of {CASES} cases"));
    let told = printed.lines().filter(is_told).collect::<Vec<_>>().join("\n");
    ensure!(passed, "{told}");
    Ok(told)
}

/// A model of Complete Journey and requests of its customers, made once for the steps that measure.
pub(super) struct Subject {
    pub(super) model: PathBuf,
    pub(super) requests: PathBuf,
}

pub(super) fn subject(tree: &Tree) -> Result<Subject> {
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
pub(super) fn bench(tree: &Tree, name: &str) -> Result<PathBuf> {
    tree.cargo(&["build", "--release", "--package", "unisono-benches", "--bin", name]).run()?;
    Ok(tree.target().join("release").join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}

/// Native, wasmtime and Node in turn, on the median household and on synthetic models.
pub(super) fn speed(tree: &Tree) -> Result<String> {
    wasm::build_package(tree)?;
    let subject = subject(tree)?;
    let program = bench(tree, "side-by-side")?;
    let printed =
        Run::new(program).arg("--model").arg(&subject.model).arg("--requests").arg(&subject.requests).output()?;
    let missed = missed_marks(&printed)?;
    ensure!(missed.is_empty(), "{printed}\nmissed:\n{}", missed.join("\n"));
    Ok(printed)
}

/// A call for the median household in wasmtime: at most 2 ms.
const HOUSEHOLD_US_MAX: f64 = 2_000.0;
/// The module in wasmtime against the same source compiled natively.
const WASMTIME_RATIO_MAX: f64 = 1.4;
/// The module in Node against native.
const NODE_RATIO_MAX: f64 = 1.6;
/// A million items against ten thousand: an answer must not cost what the catalog holds.
const ITEMS_RATIO_MAX: f64 = 2.0;

/// Which marks the table of `side-by-side` misses; an error where it is no such table.
fn missed_marks(printed: &str) -> Result<Vec<String>> {
    let number = |text: &str| text.trim().parse::<f64>().with_context(|| format!("`{text}` is no figure"));
    let mut missed = Vec::new();
    let mut mark = |what: String, found: f64, most: f64| {
        // What is no number holds nothing.
        if found.is_nan() || found > most {
            missed.push(format!("{what}: {found}, at most {most} were asked"));
        }
    };
    let rows: Vec<Vec<&str>> = printed
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| subject"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    ensure!(rows.len() > 1, "side-by-side printed no table:\n{printed}");
    for (at, row) in rows.iter().enumerate() {
        let [subject, _, wasmtime_us, to_wasmtime, _, to_node] = row[..] else {
            bail!("a row of side-by-side has {} columns:\n{printed}", row.len());
        };
        // The first subject is the household.
        if at == 0 {
            mark(format!("{subject}, µs in wasmtime"), number(wasmtime_us)?, HOUSEHOLD_US_MAX);
        }
        mark(format!("{subject}, wasmtime / native"), number(to_wasmtime)?, WASMTIME_RATIO_MAX);
        mark(format!("{subject}, Node / native"), number(to_node)?, NODE_RATIO_MAX);
    }
    let last =
        printed.lines().rev().find(|line| line.starts_with("wasmtime, ")).and_then(|line| line.rsplit_once(": "));
    let (what, ratio) = last.context("side-by-side compared no sizes")?;
    mark(what.to_owned(), number(ratio)?, ITEMS_RATIO_MAX);
    Ok(missed)
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
    let in_node = Run::new("node")
        .arg(tree.path("benches/node/memory.mjs"))
        .arg(tree.package().join("unisono.wasm"))
        .arg(&subject.model)
        .arg(&request)
        .arg(CALLS)
        .output()?;
    let steady = Run::new(bench(tree, "steady")?).arg("--model").arg(&subject.model);
    Ok(in_node + &steady.arg("--requests").arg(&subject.requests).args(["--calls", CALLS]).output()?)
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

/// What `cargo xtask demo --check` says of a model that is fitted anew and of the page.
pub(super) fn demo(tree: &Tree) -> Result<String> {
    let made_by = demo::made_by(tree)?;
    if made_by.exists() {
        std::fs::remove_file(&made_by).with_context(|| format!("can't remove `{}`", made_by.display()))?;
    }
    let (passed, printed) = tree.cargo(&["xtask", "demo", "--check"]).verdict()?;
    ensure!(passed, "{printed}");
    let is_meant = |line: &&str| ["rows/s", "events", "the page "].iter().any(|words| line.contains(words));
    let lines: Vec<&str> = printed.lines().filter(is_meant).filter(|line| !line.starts_with('$')).collect();
    ensure!(lines.iter().any(|line| line.contains("rows/s")), "the fit told no rows per second:\n{printed}");
    ensure!(lines.iter().any(|line| line.contains("Identical bytes")), "the page compared no bytes:\n{printed}");
    Ok(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::missed_marks;

    fn table(household: &str, items: &str) -> String {
        format!(
            "| subject | native µs | wasmtime µs | wasmtime / native | Node µs | Node / native |\n|---|---|---|---|---|---|\n\
             | household, 442 events | {household} |\n| synthetic, 10000 items | 900 | 1200 | 1.33 | 1400 | 1.56 |\n\n\
             wasmtime, 1000000 items against 10000: {items}\n"
        )
    }

    #[test]
    fn each_mark_of_speed_can_be_missed() {
        let good = "1400 | 1990 | 1.40 | 2200 | 1.60";
        assert_eq!(missed_marks(&table(good, "2.00")).unwrap(), Vec::<String>::new());
        for (household, items, wanted) in [
            ("1500 | 2010 | 1.34 | 2200 | 1.47", "1.10", "µs in wasmtime: 2010"),
            ("1000 | 1410 | 1.41 | 1500 | 1.50", "1.10", "wasmtime / native: 1.41"),
            ("1000 | 1400 | 1.40 | 1700 | 1.70", "1.10", "Node / native: 1.7"),
            (good, "2.10", "against 10000: 2.1"),
            (good, "NaN", "against 10000: NaN"),
        ] {
            let missed = missed_marks(&table(household, items)).unwrap();
            assert!(missed.len() == 1 && missed[0].contains(wanted), "{missed:?}");
        }
        assert!(missed_marks("nothing").is_err());
    }
}
