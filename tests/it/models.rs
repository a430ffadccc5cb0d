//! Model files that are wrong: each refused with its code and field, natively and everywhere, and none ever a panic.

use crate::golden::golden;
use std::collections::BTreeSet;
use unisono_core::model::{ItemParts, ModelParts, PopularityParts, encode};
use unisono_core::sources::content::like;
use unisono_core::{Model, Policy, recommend};
use unisono_message::{ErrorCode, limits};
use unisono_tests::broken::broken_models;
use unisono_tests::plain_model::PlainModel;
use unisono_tests::runtime::available;
use unisono_tests::suite::{Call, Case, Expect, Suite};
use unisono_tests::value::{self, Value, decode, list, map, text};

#[test]
fn every_way_in_which_a_file_can_be_wrong_has_its_code_and_field() {
    let mut failed = 0;
    let all = ["model.unisono", "model-with-trees.unisono", "model-with-sessions.unisono"]
        .map(|name| broken_models(&golden(name)));
    for broken in all.into_iter().flatten() {
        let found = Model::load(&broken.file).map(|_| ()).map_err(|error| (error.code(), error.field().to_owned()));
        if found != Err((broken.code, broken.field.clone())) {
            eprintln!("{}: wanted {} at `{}`, found {found:?}", broken.what, broken.code, broken.field);
            failed += 1;
        }
    }
    assert_eq!(failed, 0);
}

#[test]
fn every_code_of_models_is_met() {
    let met: BTreeSet<ErrorCode> = broken_models(&golden("model.unisono")).into_iter().map(|one| one.code).collect();
    let all = ErrorCode::ALL.iter().filter(|code| code.as_str().starts_with("model_"));
    let missing: Vec<&ErrorCode> = all.filter(|code| !met.contains(code)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_file_that_ends_at_any_byte_is_truncated() {
    let file = golden("model.unisono");
    for end in 0..file.len() {
        let error = Model::load(&file[..end]).map(|_| ()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ModelTruncated, "at byte {end}: {error}");
    }
}

#[test]
fn a_bit_that_flips_in_a_section_is_its_hashs() {
    let file = golden("model.unisono");
    let plain = PlainModel::read(&file).unwrap();
    let data_start = file.len() - plain.data.len();
    for entry in list(&plain.root, "sections") {
        let name = text(entry, "name").unwrap();
        for at in plain.place(name).unwrap() {
            let mut flipped = file.clone();
            flipped[data_start + at] ^= 1 << (at % 8);
            let error = Model::load(&flipped).map(|_| ()).unwrap_err();
            assert_eq!((error.code(), error.field()), (ErrorCode::ModelSectionHash, name), "byte {at}");
        }
    }
}

/// One id covers the file, so no byte of it may change behind the id, not even between two sections.
#[test]
fn a_bit_that_flips_anywhere_is_noticed() {
    let file = golden("model.unisono");
    let unnoticed: Vec<usize> = (0..file.len())
        .filter(|at| {
            let mut flipped = file.clone();
            flipped[*at] ^= 1 << (at % 8);
            Model::load(&flipped).is_ok()
        })
        .collect();
    assert!(unnoticed.is_empty(), "bytes {unnoticed:?} of {}", file.len());
}

#[test]
fn every_runtime_refuses_the_same_files_in_the_same_words() {
    let file = golden("model.unisono");
    let wrong = broken_models(&file);
    let case = |input: Vec<u8>| Case { call: Call::Load, model: 0, policy: 0, input, expect: Expect::Anything };
    let mut suite = Suite {
        models: Vec::new(),
        policies: Vec::new(),
        cases: wrong.iter().map(|one| case(one.file.clone())).collect(),
    };
    suite.cases.push(case(file.clone()));
    suite.cases.extend((0..file.len()).step_by(97).map(|end| case(file[..end].to_vec())));
    let mut native = Vec::new();
    for mut runtime in available() {
        let answers = runtime.answer_all(&suite).unwrap();
        if native.is_empty() {
            native = answers;
            continue;
        }
        for ((at, answer), wanted) in answers.iter().enumerate().zip(&native) {
            let shown = [answer, wanted].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            assert_eq!(shown[0], shown[1], "{} differs from native in case {at}", runtime.name());
        }
        eprintln!("{}: {} model files, 0 differences", runtime.name(), answers.len());
    }
    assert_eq!(native[wrong.len()].len(), 64, "the sound file loads, and gives its id");
}

/// Of a category larger than what is looked through, a part of those without history is looked at too: here they alone are of
/// the given item's brand.
#[test]
fn what_has_no_history_is_found_in_a_large_category() {
    let count = 4 * limits::CONTENT_ITEMS_MAX as u32;
    let (bought, given) = (count / 2, count / 4);
    let items = ItemParts {
        ids: (0..count).map(|item| format!("item-{item:05}")).collect(),
        category: vec![0; count as usize],
        categories: vec!["tea".into()],
        brand: (0..count).map(|item| u32::from(item >= bought || item == given)).collect(),
        flags: vec![0; count as usize],
        ..ItemParts::default()
    };
    let counts: Vec<u32> = (0..count).map(|item| bought.saturating_sub(item)).collect();
    let popularity = PopularityParts {
        all: counts.clone(),
        recent: counts.clone(),
        week: counts,
        repeat: vec![0; count as usize],
        channels: vec![],
    };
    let file = encode(&ModelParts { items, popularity, ..ModelParts::default() }).unwrap();
    let model = Model::load(&file).unwrap();
    let mut looked_at = like(&model, &[given], count as usize);
    looked_at.sort_unstable();
    let (most, last) = (limits::CONTENT_ITEMS_MAX as u32 / 4 * 3, limits::CONTENT_ITEMS_MAX as u32 / 4);
    assert_eq!(looked_at, (0..most).chain(count - last..count).collect::<Vec<_>>());
    let items = Value::Array(vec![format!("item-{given:05}").into()]);
    let similar = map(vec![("id", "s".into()), ("kind", "similar".into()), ("items", items), ("k", 20.into())]);
    let request = map(vec![("now_ms", 1_700_000_000_000i64.into()), ("placements", Value::Array(vec![similar]))]);
    let answer = recommend(&model, &Policy::default(), &value::encode(&request));
    let answer = decode(&answer).unwrap();
    let found: Vec<&str> = list(&list(&answer, "placements")[0], "recommendations")
        .iter()
        .filter_map(|one| text(one, "item_id"))
        .collect();
    assert_eq!(found.len(), 20, "{answer}");
    let first = format!("item-{bought:05}");
    assert!(found.iter().all(|id| **id >= *first), "{found:?}");
}
