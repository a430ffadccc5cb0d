//! Generated cases: the same bytes in every runtime, the oracle's bytes, and every rule met often enough to prove it.
//!
//! `UNISONO_CASES` says how many (2,000; the long proof takes 20,000).

use std::thread;
use unisono_tests::coverage::Coverage;
use unisono_tests::runtime::{Native, Runtime, available};
use unisono_tests::suite::{Call, Case, Expect, Suite};
use unisono_tests::value::{decode, field, text};
use unisono_tests::{generator, oracle};

/// Cases of one suite; a long proof is many of them, each on models of its own.
const CHUNK: usize = 2_000;
/// How often each word is met in 20,000 cases, at least.
const LEAST: usize = 100;

fn wanted_cases() -> usize {
    std::env::var("UNISONO_CASES").map_or(CHUNK, |text| text.parse().expect("UNISONO_CASES is a number"))
}

#[test]
fn generated_cases_have_one_answer_everywhere_and_it_is_the_oracles() {
    let cases = wanted_cases();
    let mut runtimes = available();
    let mut coverage = Coverage::default();
    let (mut differences, mut mistakes) = (vec![0usize; runtimes.len()], 0);
    for (chunk, start) in (0..cases).step_by(CHUNK).enumerate() {
        let suite = generator::suite(1 + chunk as u64, CHUNK.min(cases - start));
        let native = Native.answer_all(&suite).unwrap();
        coverage.add(&suite, &native);
        thread::scope(|scope| {
            let judged = scope.spawn(|| judge(&suite, &native));
            for (runtime, differences) in runtimes.iter_mut().zip(&mut differences) {
                let answers = runtime.answer_all(&suite).unwrap();
                *differences += answers.iter().zip(&native).filter(|(answer, wanted)| answer != wanted).count();
            }
            mistakes += judged.join().unwrap();
        });
        eprintln!("{} of {cases} cases", start + suite.cases.len());
    }
    eprintln!("{coverage}");
    for (runtime, differences) in runtimes.iter().zip(&differences) {
        let module_id = runtime.module_id().unwrap_or_else(|| "no module".into());
        eprintln!("{:<10} {cases} cases, {differences} differences, module {module_id}", runtime.name());
    }
    assert_eq!(differences.iter().sum::<usize>(), 0, "runtimes differ");
    assert_eq!(mistakes, 0, "answers are not those of the oracle");
    let mut modules: Vec<String> = runtimes.iter().filter_map(|runtime| runtime.module_id()).collect();
    modules.dedup();
    assert!(modules.len() <= 1, "the runtimes took different modules: {modules:?}");
    let few = coverage.below(LEAST * cases / 20_000);
    assert!(few.is_empty(), "met too rarely: {few:#?}");
    assert!(coverage.is_mostly_filled(), "most placements recommend nothing");
}

/// How many answers are wrong; says which.
fn judge(suite: &Suite, answers: &[Vec<u8>]) -> usize {
    let wrong = suite.cases.iter().zip(answers).enumerate().filter(|(at, (case, answer))| {
        let verdict = judge_one(suite, case, answer);
        verdict.inspect_err(|why| eprintln!("case {at} on model {}: {why:#}", case.model)).is_err()
    });
    wrong.count()
}

fn judge_one(suite: &Suite, case: &Case, answer: &[u8]) -> anyhow::Result<()> {
    match (&case.expect, case.call) {
        (Expect::Error(code, wanted), _) => {
            let answer = decode(answer)?;
            let found = field(&answer, "error").and_then(|error| Some((text(error, "code")?, text(error, "field")?)));
            let same =
                found.is_some_and(|found| found.0 == code.as_str() && wanted.as_ref().is_none_or(|w| w == found.1));
            anyhow::ensure!(same, "wanted {code} at {wanted:?}, found {answer}");
            Ok(())
        }
        (Expect::Answer, call) => {
            let (parts, policy) = (&suite.models[case.model as usize].parts, suite.policy_of(case));
            match call {
                Call::Recommend => oracle::agrees(parts, policy, &case.input, answer),
                Call::ProfileApply => oracle::applied(policy, &case.input, answer),
                Call::ProfileMerge => oracle::merged(&case.input, answer),
                Call::ProfileErase => oracle::erased(&case.input, answer),
                Call::ProfileExport => oracle::exported(policy, &case.input, answer),
                Call::ProfileComponent => oracle::component(&case.input, answer),
                Call::TokenWrite => oracle::token_written(policy, &case.input, answer),
                Call::TokenApply => oracle::token_applied(policy, &case.input, answer),
                Call::Load => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

#[test]
fn a_seed_gives_the_same_suite_for_ever() {
    let digest = oracle::hex(&oracle::sha256(&generator::suite(7, 50).to_bytes()));
    assert_eq!(digest, oracle::hex(&oracle::sha256(&generator::suite(7, 50).to_bytes())));
    assert_ne!(digest, oracle::hex(&oracle::sha256(&generator::suite(8, 50).to_bytes())));
}

#[test]
fn a_large_synthetic_model_loads_and_answers_as_the_oracle_says() {
    let parts = generator::synthetic(10_000);
    let file = unisono_core::model::encode(&parts).unwrap();
    let model = unisono_core::Model::load(&file).unwrap();
    let random = &mut unisono_tests::random::Random::new(3);
    for _ in 0..3 {
        let request = unisono_tests::value::encode(&generator::request(random, &parts));
        oracle::agrees(
            &parts,
            None,
            &request,
            &unisono_core::recommend(&model, &unisono_core::Policy::default(), &request),
        )
        .unwrap();
    }
}
