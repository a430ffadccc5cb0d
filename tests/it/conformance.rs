//! The case files, in every runtime.

use std::collections::BTreeSet;
use unisono_tests::case::{self, CaseFile};
use unisono_tests::oracle;
use unisono_tests::runtime::{Native, Runtime, available, path};
use unisono_tests::suite::Call;
use unisono_tests::value::{decode, difference, field};

fn files() -> Vec<CaseFile> {
    CaseFile::read_all(&path("tests/cases")).unwrap()
}

/// `UNISONO_BLESS=1` writes what native code answers; without it a file whose answer differs fails.
#[test]
fn every_case_file_is_answered_natively_as_it_says() {
    let files = files();
    let answers = Native.answer_all(&case::suite(&files).unwrap()).unwrap();
    let mut answers = answers.into_iter();
    let mut failed = 0;
    for file in &files {
        let mut wanted = file.response.clone();
        for (at, input) in file.inputs.iter().enumerate() {
            let answer = answers.next().unwrap();
            if crate::blessing() && at == 0 {
                file.bless(&answer).unwrap();
                wanted = Some(answer.clone());
            }
            if wanted.as_ref() != Some(&answer) {
                let wanted = wanted.as_ref().map(|wanted| decode(wanted).unwrap());
                let difference = wanted.and_then(|wanted| difference(&wanted, &decode(&answer).unwrap()));
                eprintln!("`{}`, request {at}{}", file.name, difference.unwrap_or_else(|| ": no response yet".into()));
                failed += 1;
            }
            failed += usize::from(!the_oracle_agrees(file, input, &answer));
        }
    }
    assert_eq!(failed, 0, "answers differ; if that is meant, UNISONO_BLESS=1 rewrites the files");
}

/// Whatever is no error is also what the naive twin says, so that a file can't be blessed with a wrong answer.
fn the_oracle_agrees(file: &CaseFile, input: &[u8], answer: &[u8]) -> bool {
    if field(&decode(answer).unwrap(), "error").is_some() {
        return true;
    }
    let policy = file.policy.as_deref();
    let verdict = match file.call {
        Call::ProfileApply => oracle::applied(policy, input, answer),
        Call::ProfileMerge => oracle::merged(input, answer),
        Call::ProfileErase => oracle::erased(input, answer),
        Call::ProfileExport => oracle::exported(policy, input, answer),
        Call::ProfileComponent => oracle::component(input, answer),
        Call::TokenWrite => oracle::token_written(policy, input, answer),
        Call::TokenApply => oracle::token_applied(policy, input, answer),
        Call::Recommend | Call::Load => oracle::agrees(&file.parts, policy, input, answer),
    };
    verdict.inspect_err(|error| eprintln!("the oracle on `{}`: {error:#}", file.name)).is_ok()
}

#[test]
fn every_runtime_answers_every_case_file_with_the_same_bytes() {
    let files = files();
    let suite = case::suite(&files).unwrap();
    let wanted: Vec<&Vec<u8>> =
        files.iter().flat_map(|file| file.inputs.iter().map(|_| file.response.as_ref().unwrap())).collect();
    for mut runtime in available() {
        let answers = runtime.answer_all(&suite).unwrap();
        let differences = answers.iter().zip(&wanted).filter(|(answer, wanted)| answer != *wanted).count();
        eprintln!("{}: {} cases of {} files, {differences} differences", runtime.name(), answers.len(), files.len());
        assert_eq!(differences, 0, "{} differs", runtime.name());
    }
}

#[test]
fn every_case_file_has_a_name_and_a_reason_of_its_own() {
    let files = files();
    let names: BTreeSet<&str> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names.len(), files.len());
    for file in &files {
        let slug: String = file.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let stem = file.path.file_stem().unwrap().to_string_lossy().into_owned();
        let words = |text: &str| {
            text.to_lowercase().split('-').filter(|w| !w.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(words(&stem), words(&slug), "the file is named as the case");
    }
}
