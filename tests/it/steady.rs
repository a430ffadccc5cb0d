//! Many calls on one instance: the memory stays as it is, and the last answer is the first.
//!
//! `UNISONO_STEADY_CALLS` says how many (20,000; the long proof takes 1,000,000).

use unisono_tests::case::{self, CaseFile};
use unisono_tests::oracle::hex;
use unisono_tests::runtime::{Edge, Native, Runtime, available, module, path, repeat_in_node};
use unisono_tests::suite::Suite;

fn calls() -> usize {
    std::env::var("UNISONO_STEADY_CALLS").map_or(20_000, |text| text.parse().expect("UNISONO_STEADY_CALLS is a number"))
}

/// Every case file that asks for recommendations of the most used model.
fn shop() -> Suite {
    let files = CaseFile::read_all(&path("tests/cases")).unwrap();
    let mut suite = case::suite(&files).unwrap();
    let uses = |model: u32| suite.cases.iter().filter(|case| case.model == model).count();
    let most = (0..suite.models.len() as u32).max_by_key(|model| uses(*model)).unwrap();
    suite.cases.retain(|case| case.model == most && case.call == unisono_tests::suite::Call::Recommend);
    suite.cases.retain(|case| case.input.len() < 2_000 && case.policy == 0);
    suite.policies.clear();
    for case in &mut suite.cases {
        case.model = 0;
    }
    suite.models = vec![suite.models[most as usize].clone()];
    suite
}

#[test]
fn memory_is_flat_and_answers_are_equal_over_many_calls_in_wasmtime() {
    let suite = shop();
    let Ok(bytes) = module() else { return skipped("wasmtime") };
    let edge = Edge::start(&bytes).unwrap();
    edge.host().swap_model(suite.models[0].file.clone()).unwrap();
    let first: Vec<Vec<u8>> = Native.answer_all(&suite).unwrap();
    let mut early = 0;
    for call in 0..calls() {
        let at = call % suite.cases.len();
        let answer = edge.host().decide(&suite.cases[at].input).unwrap();
        assert!(answer == first[at], "call {call} differs: {}", hex(&answer));
        if call == 1_000 {
            early = edge.host().health().memory_bytes_idle;
        }
    }
    let late = edge.host().health().memory_bytes_idle;
    eprintln!("wasmtime: {} calls of {} requests, {early} bytes early, {late} at the end", calls(), suite.cases.len());
    assert_eq!(early, late, "the memory grows");
}

#[test]
fn memory_is_flat_and_answers_are_equal_over_many_calls_in_node() {
    if !available().iter().any(|runtime| runtime.name() == "node") {
        return skipped("node");
    }
    let (early, late) = repeat_in_node(&shop(), calls()).unwrap();
    eprintln!("node: {} calls, {early} bytes early, {late} at the end", calls());
    assert_eq!(early, late, "the memory grows");
}

fn skipped(name: &str) {
    eprintln!("*** SKIPPED: no {name} ***");
}
