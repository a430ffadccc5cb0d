//! Writes seeds for the fuzz targets: `cargo run -p unisono-tests --no-default-features --example fuzz_seeds`, into
//! `tests/fuzz/corpus`: golden files, the inputs of all case files, wrong models, and small generated requests.

use std::fs;
use std::path::PathBuf;
use unisono_tests::broken::broken_models;
use unisono_tests::case::CaseFile;
use unisono_tests::generator;
use unisono_tests::oracle::{hex, sha256};
use unisono_tests::runtime::path;
use unisono_tests::suite::Call;
use unisono_tests::value::{Value, decode, field, list};

/// Larger seeds only slow a fuzzer down.
const SEED_BYTES_MAX: usize = 4_096;

fn main() -> anyhow::Result<()> {
    let golden = |name: &str| fs::read(path("tests/golden/v1").join(name));
    let mut seeds: Vec<(&str, Vec<u8>)> =
        vec![("request", golden("request.msgpack")?), ("profile_state", golden("profile_state.msgpack")?)];
    let token = golden("token.msgpack")?;
    // The first byte says whether the rest is a payload or the body behind a head.
    seeds.push(("token", [&[0], &token[..]].concat()));
    seeds.push(("token", [&[1], &token[token.len() - 150..]].concat()));
    for case in CaseFile::read_all(&path("tests/cases"))? {
        let target = target_of(case.call);
        seeds.extend(case.policy.map(|policy| ("policy", policy)));
        for input in case.inputs {
            seeds.extend(states(&input).into_iter().map(|state| ("profile_state", state)));
            seeds.push((target, input));
        }
    }
    for case in generator::suite(1, 400).cases {
        seeds.push((target_of(case.call), case.input));
    }
    seeds.extend(generator::policies().into_iter().map(|policy| ("policy", policy)));
    let model = golden("model.unisono")?;
    let wrong = broken_models(&model).into_iter().map(|one| one.file);
    // The first byte says whether the rest is a file or the content of a section.
    seeds.extend(wrong.chain([model]).map(|file| ("model", [vec![0], file].concat())));
    seeds.extend((0..40).map(|section| ("model", vec![200, section, 0, 0, 0, 0, 1, 0, 0, 0, 255, 255])));
    let mut written = 0;
    for (target, bytes) in seeds.into_iter().filter(|seed| seed.1.len() <= SEED_BYTES_MAX * 2) {
        let folder: PathBuf = path("tests/fuzz/corpus").join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(hex(&sha256(&bytes)[..8])), bytes)?;
        written += 1;
    }
    println!("{written} seeds");
    Ok(())
}

/// The target that takes the inputs of a call.
fn target_of(call: Call) -> &'static str {
    match call {
        Call::Recommend => "request",
        Call::ProfileApply => "profile_apply",
        Call::ProfileMerge => "profile_merge",
        // The target of tokens takes payloads, not inputs of calls; its seeds are golden.
        Call::TokenWrite | Call::TokenApply => "token_call",
        Call::ProfileErase => "profile_erase",
        Call::ProfileExport => "profile_export",
        Call::ProfileComponent => "profile_component",
        Call::Load => "model",
    }
}

/// The states within an input, wherever they are.
fn states(input: &[u8]) -> Vec<Vec<u8>> {
    let Ok(value) = decode(input) else { return Vec::new() };
    let of_profile = field(&value, "profile").and_then(|profile| field(profile, "state"));
    let of_others = list(&value, "profiles").iter().filter_map(|one| field(one, "state"));
    let all = of_profile.into_iter().chain(field(&value, "state")).chain(list(&value, "states")).chain(of_others);
    all.filter_map(Value::as_slice).map(<[u8]>::to_vec).collect::<Vec<_>>()
}
