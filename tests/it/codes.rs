//! The published words: every error code is met by a test, and the table of all words is generated from source.

use crate::golden::golden;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use unisono_core::Policy;
use unisono_core::features::Feature;
use unisono_core::model::Section;
use unisono_message::{EmptyReason, ErrorCode, EventType, Exclusion, PlacementKind, Reason, WarningCode};
use unisono_tests::broken::broken_models;
use unisono_tests::generator::INVALID_CODES;
use unisono_tests::runtime::path;
use unisono_tests::value::{Value, encode, map, strings};

/// Met by the tests of `token.rs`.
const OF_TOKENS: [ErrorCode; 4] =
    [ErrorCode::TokenInvalid, ErrorCode::TokenVersionUnsupported, ErrorCode::TokenExpired, ErrorCode::TokenForeign];

/// Met by a case file: registers are refused alone, beside a state.
const OF_REGISTERS: [ErrorCode; 1] = [ErrorCode::RegisterErased];

/// Met by the tests of `abi.rs`, through the module and the host.
const OF_THE_MODULE: [ErrorCode; 3] =
    [ErrorCode::UnknownHandle, ErrorCode::HandlesExhausted, ErrorCode::AllocationRefused];

#[test]
fn every_error_code_is_met_by_a_test_that_names_its_field() {
    let of_models = broken_models(&golden("model.unisono")).into_iter().map(|one| one.code);
    let of_policies = broken_policies().into_iter().map(|(_, code, _)| code);
    let met: BTreeSet<ErrorCode> = INVALID_CODES
        .into_iter()
        .chain(of_models)
        .chain(of_policies)
        .chain(OF_THE_MODULE)
        .chain(OF_TOKENS)
        .chain(OF_REGISTERS)
        .collect();
    let missing: Vec<&ErrorCode> = ErrorCode::ALL.iter().filter(|code| !met.contains(code)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Policies that are wrong in one way, with the code and the field of the refusal.
fn broken_policies() -> Vec<(Value, ErrorCode, &'static str)> {
    let policy = |name: &'static str, value: Value| map(vec![("version", 1.into()), (name, value)]);
    let consent = |name: &'static str, value: Value| policy("consent", map(vec![(name, value)]));
    let of_type = |kind: &'static str, value: Value| map(vec![(kind, value)]);
    let invalid = ErrorCode::PolicyInvalid;
    vec![
        (map(vec![]), ErrorCode::MissingField, "version"),
        (map(vec![("version", 2.into())]), invalid, "version"),
        (policy("rules", Value::Array(vec![])), invalid, ""),
        (consent("purposes", Value::Nil), invalid, ""),
        (consent("defaults", map(vec![("love", true.into())])), invalid, ""),
        (consent("defaults", map(vec![("offers", 1.into())])), ErrorCode::InvalidType, "consent.defaults.offers"),
        (consent("event_purposes", of_type("bought", strings(&["offers"]))), invalid, ""),
        (
            consent("event_purposes", of_type("view", strings(&["offers", "love"]))),
            ErrorCode::UnknownPurpose,
            "consent.event_purposes.view[1]",
        ),
        (
            consent("event_purposes", of_type("view", strings(&["offers"; 6]))),
            ErrorCode::LimitExceeded,
            "consent.event_purposes.view",
        ),
        (consent("on_withdrawal", "forget".into()), invalid, "consent.on_withdrawal"),
        (policy("retention_days", of_type("view", 0.into())), ErrorCode::OutOfRange, "retention_days.view"),
        (policy("retention_days", of_type("looked", 7.into())), invalid, ""),
    ]
}

#[test]
fn a_wrong_policy_is_refused_by_code_and_field() {
    for (policy, code, field) in broken_policies() {
        let error = Policy::load(&encode(&policy)).expect_err("it is wrong");
        assert_eq!((error.code(), error.field()), (code, field), "{policy}");
    }
}

/// What is absent is as in the default policy; the order of keys and of purposes makes no other policy.
#[test]
fn one_policy_has_one_id_in_every_encoding() {
    let id = |policy: &Value| Policy::load(&encode(policy)).expect("a sound policy").id;
    let consent = |pairs| map(vec![("version", 1.into()), ("consent", map(pairs))]);
    let bare = id(&map(vec![("version", 1.into())]));
    assert_eq!(
        bare,
        id(&consent(vec![("on_withdrawal", "mask".into()), ("defaults", map(vec![("offers", true.into())]))]))
    );
    let rating = |purposes: &[&str]| id(&consent(vec![("event_purposes", map(vec![("rating", strings(purposes))]))]));
    assert_eq!(bare, rating(&["training", "offers", "measurement", "personalization", "offers"]));
    assert_ne!(bare, rating(&["training"]));
    for policy in unisono_tests::generator::policies() {
        let wanted = unisono_tests::oracle::Policy::read(Some(&policy)).expect("the twin reads it").id();
        assert_eq!(Policy::load(&policy).expect("a sound policy").id, wanted);
    }
}

/// `UNISONO_BLESS=1` writes the file.
#[test]
fn the_table_of_words_is_up_to_date() {
    let (file, table) = (path("docs/codes.md"), table());
    if crate::blessing() {
        fs::create_dir_all(path("docs")).unwrap();
        fs::write(&file, &table).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(found == table, "docs/codes.md is not what the source says; UNISONO_BLESS=1 writes it");
}

fn table() -> String {
    let mut out = String::from(
        "# Words and limits\n\nGenerated from the source by `UNISONO_BLESS=1 cargo test -p unisono-tests --test it codes -- \
         --test-threads 1`; a test fails while\nthis page is older than the source. Words never change their meaning; later \
         versions may add some.\n",
    );
    rows(&mut out, "Errors", &["code", "what it means", "what to do"], ErrorCode::ALL, |code| {
        vec![code.as_str().into(), code.meaning().into(), code.remedy().into()]
    });
    rows(&mut out, "Placement kinds", &["kind"], PlacementKind::ALL, |kind| vec![kind.as_str().into()]);
    rows(&mut out, "Event types", &["type", "number in a profile state"], EventType::ALL, |kind| {
        vec![kind.as_str().into(), (*kind as i64).to_string()]
    });
    rows(&mut out, "Reasons of a recommendation", &["reason", "what it means"], Reason::ALL, |word| {
        vec![word.as_str().into(), word.meaning().into()]
    });
    rows(
        &mut out,
        "Exclusions, in the order in which they are named",
        &["reason", "what it means"],
        Exclusion::ALL,
        |word| vec![word.as_str().into(), word.meaning().into()],
    );
    rows(&mut out, "Reasons of an empty placement", &["reason", "what it means"], EmptyReason::ALL, |word| {
        vec![word.as_str().into(), word.meaning().into()]
    });
    rows(&mut out, "Warnings", &["code", "what it means"], WarningCode::ALL, |word| {
        vec![word.as_str().into(), word.meaning().into()]
    });
    rows(&mut out, "Features of a blend", &["feature", "what it measures"], Feature::ALL, |feature| {
        vec![feature.as_str().into(), feature.meaning().into()]
    });
    rows(&mut out, "Sections of a model file", &["section", "dtype", "what it holds"], Section::ALL, |section| {
        vec![section.name().into(), section.dtype().as_str().into(), section.meaning().into()]
    });
    rows(&mut out, "Limits", &["limit", "value", "what it bounds"], &limits(), Vec::clone);
    out
}

fn rows<T>(out: &mut String, title: &str, head: &[&str], all: &[T], row: impl Fn(&T) -> Vec<String>) {
    let bars = |cells: &[String]| {
        format!("| {} |", cells.iter().map(|cell| cell.replace('|', "\\|")).collect::<Vec<_>>().join(" | "))
    };
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    writeln!(out, "\n## {title}\n\n{}\n|{}", bars(&head), "---|".repeat(head.len())).unwrap();
    for one in all {
        let mut cells = row(one);
        cells[0] = format!("`{}`", cells[0]);
        writeln!(out, "{}", bars(&cells)).unwrap();
    }
}

/// The constants of the one file of limits, read as text so that none is forgotten: name, value as written, comment.
fn limits() -> Vec<Vec<String>> {
    let source = fs::read_to_string(path("core/message/src/limits.rs")).unwrap();
    let (mut out, mut comment) = (Vec::new(), String::new());
    for line in source.lines() {
        if let Some(text) = line.strip_prefix("/// ") {
            comment = if comment.is_empty() { text.to_owned() } else { format!("{comment} {text}") };
        } else if let Some((name, value)) = line.strip_prefix("pub const ").and_then(|rest| rest.split_once(": ")) {
            let value = value.split_once(" = ").map_or("", |pair| pair.1).trim_end_matches(';');
            out.push(vec![name.to_lowercase(), value.to_owned(), std::mem::take(&mut comment)]);
        } else {
            comment.clear();
        }
    }
    assert!(out.len() > 30, "the limits are constants of one file");
    out
}
