//! One customer, one profile: the algebra, consent, durability, speed and size of what is kept.

use super::Proof::Tree as InTree;
use super::{Step, figures, fuzz};
use crate::run::Run;
use crate::test;
use crate::tree::Tree;
use crate::wasm;
use anyhow::{Result, ensure};
use std::fs;

/// In the order in which they run: the quick ones first.
pub(super) const STEPS: &[Step] = &[
    Step {
        name: "token",
        claim: "A token of Complete Journey's p99 household has at most 2,048 characters, and so has one of 36-byte ids",
        run: InTree(token),
    },
    Step {
        name: "disk",
        claim: "The disk has the data before the client has the answer, and an erased customer is in no file",
        run: InTree(disk),
    },
    Step {
        name: "throughput",
        claim: "In batches, from one client and from four, the store takes at least half the events of a bare redb loop that \
                writes the same bytes",
        run: InTree(throughput),
    },
    Step {
        name: "crash",
        claim: "Killed 100 times while four clients write, the host loses no acknowledged event and breaks no profile; so \
                with Redis, stopped and started",
        run: InTree(crash),
    },
    Step {
        name: "two-hosts",
        claim: "Two hosts on one Redis with 10,000 customers and 100,000 concurrent events come to what one writer comes to",
        run: InTree(two_hosts),
    },
    Step {
        name: "algebra",
        claim: "100,000 random sets of events, consents, traits, links and erasures, written, delayed, doubled and merged in \
                any way, end in the same bytes, natively and in the module",
        run: InTree(algebra),
    },
    Step {
        name: "consent",
        claim: "100,000 pairs of requests for each purpose, which differ only in what it covers, have the same answer without \
                it, and most have another with it; an erased customer is answered as one never seen",
        run: InTree(consent),
    },
    Step {
        name: "fuzz",
        claim: "Ten minutes of each fuzz target of profiles find nothing",
        run: InTree(fuzz_profiles),
    },
];

/// What must answer, so that none is passed over.
const RUNTIMES: &str = "native,wasmtime,node,chromium";
/// Random sets, and pairs for each purpose.
const PROFILES: &str = "100000";

fn algebra(tree: &Tree) -> Result<String> {
    wasm::build_package(tree)?;
    of_profiles(tree, "profiles::")
}

fn consent(tree: &Tree) -> Result<String> {
    of_profiles(tree, "consent::")
}

fn of_profiles(tree: &Tree, tests: &str) -> Result<String> {
    test::prepare_node(tree, false)?;
    let arguments = ["test", "--package", "unisono-tests", "--test", "it", "--", tests, "--nocapture"];
    figures_of(tree.cargo(&arguments).env("UNISONO_PROFILES", PROFILES).env("UNISONO_REQUIRE_RUNTIMES", RUNTIMES), 1)
}

/// What tests print of themselves, to either stream. A name that no test has would otherwise prove anything.
fn figures_of(run: Run, tests: usize) -> Result<String> {
    let (passed, printed) = run.verdict()?;
    let figures = without_cargo(&printed);
    ensure!(passed, "{figures}");
    let run = passed_tests(&figures);
    ensure!(run >= tests, "{run} tests ran, at least {tests} are meant: a name that no test has?\n{figures}");
    ensure!(!figures.contains("NOT CHECKED"), "something could not be checked here:\n{figures}");
    Ok(figures)
}

/// Leaves out what cargo says of its own work: nothing of the claim, and paths of the machine.
fn without_cargo(printed: &str) -> String {
    let is_cargos =
        |line: &&str| ["Compiling ", "Finished ", "Running "].iter().any(|word| line.trim_start().starts_with(word));
    printed.lines().filter(|line| !is_cargos(line)).collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

/// How many tests the harness says passed.
fn passed_tests(printed: &str) -> usize {
    let of_line = |line: &str| line.strip_prefix("test result: ok. ")?.split(' ').next()?.parse::<usize>().ok();
    printed.lines().filter_map(of_line).sum()
}

/// Tests of the host with the real module and the real binary.
fn of_host(tree: &Tree, tests: &[&str], variables: &[(&str, &str)]) -> Result<String> {
    wasm::build_package(tree)?;
    let mut arguments = vec!["test", "--package", "unisono-host", "--test", "it", "--"];
    arguments.extend(tests);
    arguments.push("--nocapture");
    let run = tree.cargo(&arguments).env("UNISONO_REDIS", "1");
    figures_of(variables.iter().fold(run, |run, (name, value)| run.env(name, value)), tests.len())
}

fn disk(tree: &Tree) -> Result<String> {
    let tests = ["the_disk_has_the_data_before_the_client", "an_erased_customer_is_found_in_no"];
    of_host(tree, &tests, &[])
}

fn crash(tree: &Tree) -> Result<String> {
    let tests = ["no_acknowledged_event_is_lost", "redis"];
    of_host(tree, &tests, &[("UNISONO_PROOF_KILLS", "100")])
}

fn two_hosts(tree: &Tree) -> Result<String> {
    let counts = [("UNISONO_PROOF_CUSTOMERS", "10000"), ("UNISONO_PROOF_EVENTS", "100000")];
    of_host(tree, &["two_hosts_on_one_redis"], &counts)
}

fn throughput(tree: &Tree) -> Result<String> {
    wasm::build_package(tree)?;
    let folder = tree.target().join("prove-store");
    fs::create_dir_all(&folder)?;
    let printed = Run::new(figures::bench(tree, "profile-store")?).arg("--folder").arg(&folder).output()?;
    let ratios = batch_ratios(&printed);
    ensure!(ratios.len() == 2, "profile-store printed {} ratios of batches:\n{printed}", ratios.len());
    ensure!(
        ratios.iter().all(|ratio| *ratio >= BATCH_RATIO_MIN),
        "{printed}\nbatches: {ratios:?} of bare redb from one client and from four, at least {BATCH_RATIO_MIN} were asked"
    );
    Ok(printed)
}

/// Events in batches through the module and the store, against a bare redb loop of the same bytes.
const BATCH_RATIO_MIN: f64 = 0.5;

/// The ratios in the lines of `profile-store` that measure batches.
fn batch_ratios(printed: &str) -> Vec<f64> {
    let lines = printed.lines().filter(|line| line.starts_with("batches"));
    lines.filter_map(|line| line.rsplit_once("ratio ")?.1.trim().parse().ok()).collect()
}

/// Tokens of every household, with its own ids and with UUIDs in their place.
fn token(tree: &Tree) -> Result<String> {
    let subject = figures::subject(tree)?;
    wasm::build_package(tree)?;
    let program = figures::bench(tree, "portable-token")?;
    let own = Run::new(&program).arg(&subject.requests).output()?;
    let uuids = Run::new(&program).arg(&subject.requests).arg("--uuid").output()?;
    for printed in [&own, &uuids] {
        let row = printed.lines().find(|line| line.starts_with("| characters")).unwrap_or_default();
        let most = row.split('|').filter_map(|cell| cell.trim().parse::<f64>().ok()).fold(0.0, f64::max);
        ensure!((1.0..=2_048.0).contains(&most), "{own}\n{uuids}\na token of {most} characters");
    }
    Ok(format!("{own}\n{uuids}"))
}

fn fuzz_profiles(tree: &Tree) -> Result<String> {
    fuzz::targets_for(tree, 600, |target| !["model", "request"].contains(&target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_no_test_has_proves_nothing() {
        let line = |passed: usize| {
            format!("test result: ok. {passed} passed; 0 failed; 0 ignored; 0 measured; 9 filtered out")
        };
        assert_eq!(passed_tests(&line(0)), 0);
        assert_eq!(passed_tests(&[line(0), "noise".to_owned(), line(2)].join("\n")), 2);
        assert_eq!(passed_tests("test result: FAILED. 3 passed; 1 failed"), 0);
    }

    #[test]
    fn a_proof_names_no_path_of_the_machine() {
        let printed =
            "   Compiling it v1\nkilled 100 times: 0 lost\n    Finished `test`\n     Running it (/somewhere/it-1)\n\n";
        assert_eq!(without_cargo(printed), "killed 100 times: 0 lost");
    }

    #[test]
    fn the_ratio_of_batches_is_read_and_nothing_else() {
        let printed = "batches               19126 events/s; bare redb, ...: 64040 events/s; ratio 0.30\n\
                       batches, 4 clients    39126 events/s; bare redb, ...: 64040 events/s; ratio 0.61\n\
                       single, 1 client        230 events/s; ...; ratio 1.14\n";
        assert_eq!(batch_ratios(printed), [0.3, 0.61]);
        assert!(batch_ratios("single, 1 client  ratio 1.14").is_empty());
    }
}
