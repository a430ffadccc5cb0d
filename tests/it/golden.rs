//! Files of every format version: opened, decoded, and encoded again to the same bytes. What is here once is never
//! rewritten after a release: a change is a break of the format.

use std::fs;
use std::path::PathBuf;
use unisono_core::profile::Profile;
use unisono_core::{Model, model, profile_merge, recommend};
use unisono_message::Request;
use unisono_tests::case::CaseFile;
use unisono_tests::oracle;
use unisono_tests::plain_model::PlainModel;
use unisono_tests::runtime::path;
use unisono_tests::value::{Value, decode, encode, field, int, list, map, text};

pub(crate) fn golden(name: &str) -> Vec<u8> {
    let file = file(name);
    fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}; UNISONO_BLESS=1 writes it", file.display()))
}

fn file(name: &str) -> PathBuf {
    path("tests/golden/v1").join(name)
}

pub(crate) fn bless(name: &str, bytes: &[u8]) {
    if crate::blessing() {
        fs::create_dir_all(file("")).unwrap();
        fs::write(file(name), bytes).unwrap();
    }
}

/// The model of most case files, a request that meets much of it, and a state of every kind of field.
fn made() -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let case = |name: &str| CaseFile::read(&path("tests/cases").join(name)).unwrap();
    let page = case("for-you-ranks-own-purchases-before-neighbours-before-popularity.json");
    let state = case("every-field-of-an-event-has-its-place-in-the-state.json");
    let applied = decode(&unisono_core::profile_apply(&unisono_core::Policy::default(), &state.inputs[0])).unwrap();
    let state = field(&applied, "state").and_then(Value::as_slice).unwrap().to_vec();
    (model::encode(&page.parts).unwrap(), page.inputs[0].clone(), state)
}

/// The same model with trees.
fn with_trees() -> Vec<u8> {
    model_of("trees-rank-the-best-of-the-blend-and-explain-their-paths.json")
}

/// The same model with sessions.
fn with_sessions() -> Vec<u8> {
    model_of("sessions-that-share-items-with-this-one-vote-for-theirs.json")
}

/// The same model with chances for longer histories.
fn with_bands() -> Vec<u8> {
    model_of("a-longer-history-has-chances-of-its-own.json")
}

fn model_of(name: &str) -> Vec<u8> {
    model::encode(&CaseFile::read(&path("tests/cases").join(name)).unwrap().parts).unwrap()
}

#[test]
fn today_still_writes_the_golden_model_and_state() {
    let (model, request, state) = made();
    bless("model.unisono", &model);
    bless("model-with-trees.unisono", &with_trees());
    assert!(golden("model-with-trees.unisono") == with_trees(), "the encoder of trees writes other bytes");
    bless("model-with-sessions.unisono", &with_sessions());
    assert!(golden("model-with-sessions.unisono") == with_sessions(), "the encoder of sessions writes other bytes");
    bless("model-with-bands.unisono", &with_bands());
    assert!(golden("model-with-bands.unisono") == with_bands(), "the encoder of calibrations writes other bytes");
    bless("request.msgpack", &request);
    bless("profile_state.msgpack", &state);
    bless("response.msgpack", &recommend(&Model::load(&model).unwrap(), &unisono_core::Policy::default(), &request));
    assert!(golden("model.unisono") == model, "the encoder of models writes other bytes");
    assert!(golden("profile_state.msgpack") == state, "the encoder of states writes other bytes");
}

#[test]
fn the_golden_model_is_read_as_documented_and_encodes_to_itself() {
    for name in ["model", "model-with-trees", "model-with-sessions", "model-with-bands"] {
        let file = golden(&format!("{name}.unisono"));
        let plain = PlainModel::read(&file).unwrap();
        let parts = plain.parts().unwrap();
        assert!(model::encode(&parts).unwrap() == file, "the parts encode to other bytes");
        assert!(plain.write() == file, "the root encodes to other bytes");
        let loaded = Model::load(&file).unwrap();
        assert_eq!(field(&plain.root, "model_id").and_then(Value::as_slice), Some(&loaded.model_id[..]));
        assert_eq!(loaded.items_len as usize, parts.items.ids.len());
    }
}

/// Step by step what a reader in Python does; nothing of ours between.
#[test]
fn a_section_is_found_by_offset_and_dtype_alone() {
    let file = golden("model.unisono");
    let mut rest = &file[..];
    let root = rmpv::decode::read_value(&mut rest).unwrap();
    let data_start = (file.len() - rest.len()).div_ceil(16) * 16;
    let entry = list(&root, "sections").iter().find(|one| text(one, "name") == Some("popularity.recent")).unwrap();
    assert_eq!(text(entry, "dtype"), Some("<u4"));
    let at = data_start + int(field(entry, "offset").unwrap()).unwrap() as usize;
    let bytes = &file[at..at + int(field(entry, "length").unwrap()).unwrap() as usize];
    let numbers: Vec<u32> = bytes.chunks(4).map(|four| u32::from_le_bytes(four.try_into().unwrap())).collect();
    // apple, bread, butter, cheese, knife, milk, oat-milk, pregnancy-test, roses, seeds, skates, soy-milk, tea
    assert_eq!(numbers, [12, 12, 8, 6, 1, 20, 9, 1, 3, 2, 2, 9, 0]);
    assert_eq!(field(entry, "sha256").and_then(Value::as_slice), Some(&oracle::sha256(bytes)[..]));
    assert_eq!(at % 16, 0);
}

#[test]
fn the_golden_request_has_the_golden_response() {
    let (file, request) = (golden("model.unisono"), golden("request.msgpack"));
    let response = recommend(&Model::load(&file).unwrap(), &unisono_core::Policy::default(), &request);
    assert!(golden("response.msgpack") == response, "the answer has other bytes");
    for bytes in [&request, &response] {
        assert!(encode(&decode(bytes).unwrap()) == *bytes, "another implementation encodes it otherwise");
    }
    let decoded = Request::decode(&request).unwrap();
    assert_eq!((decoded.now_ms, decoded.profile.events.len(), decoded.placements.len()), (1_700_000_000_000, 3, 1));
    oracle::agrees(&PlainModel::read(&file).unwrap().parts().unwrap(), None, &request, &response).unwrap();
}

#[test]
fn the_golden_state_encodes_to_itself() {
    let state = golden("profile_state.msgpack");
    assert!(Profile::decode(&state).unwrap().encode() == state);
    assert!(oracle::profile::Profile::decode(&state).unwrap().encode() == state);
    let input = encode(&map(vec![("states", Value::Array(vec![Value::Binary(state.clone())]))]));
    let merged = decode(&profile_merge(&input)).unwrap();
    assert_eq!(field(&merged, "state").and_then(Value::as_slice), Some(&state[..]));
}
