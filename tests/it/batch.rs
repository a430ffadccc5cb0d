//! The host's batch, library and program: JSON lines in, the native answers as JSON lines out.

use crate::golden::golden;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};
use unisono_core::{Model, Policy, recommend};
use unisono_host::{HostBuilder, transcode};
use unisono_tests::case::CaseFile;
use unisono_tests::case::json::Json;
use unisono_tests::runtime::{module, path};
use unisono_tests::value::decode;

/// Requests that JSON can say, from the case files on the golden model, and the native answers to what the host's
/// transcoder makes of them.
fn lines() -> (String, Vec<String>) {
    let file = golden("model.unisono");
    let model = Model::load(&file).unwrap();
    let (mut requests, mut responses) = (String::new(), Vec::new());
    for case in CaseFile::read_all(&path("tests/cases")).unwrap() {
        let json = Json::parse(&fs::read_to_string(&case.path).unwrap()).unwrap();
        let Some(request) = json.get("request") else { continue };
        let line = request.pretty().split('\n').map(str::trim).collect::<Vec<_>>().join(" ");
        let is_plain = !line.contains("\"$") && line.starts_with('{');
        if !is_plain || json.get("call").is_some() {
            continue;
        }
        let msgpack = transcode::json_to_msgpack(line.as_bytes()).unwrap();
        let response = transcode::msgpack_to_json(&recommend(&model, &Policy::default(), &msgpack)).unwrap();
        responses.push(String::from_utf8(response).unwrap());
        writeln!(requests, "{line}").unwrap();
    }
    (requests, responses)
}

#[test]
fn a_batch_answers_as_native_code_does_line_by_line() {
    let Ok(bytes) = module() else { return eprintln!("*** SKIPPED: no module ***") };
    let (requests, wanted) = lines();
    assert!(wanted.len() > 60, "{} lines", wanted.len());
    let builder = HostBuilder::new().module_bytes(bytes).model_bytes(golden("model.unisono"));
    let host = builder.instances(2).build().unwrap();
    let mut out = Vec::new();
    let counts = unisono_host::batch::run(&host, requests.as_bytes(), &mut out, |_| {}).unwrap();
    let found: Vec<String> = String::from_utf8(out).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(counts.lines as usize, wanted.len());
    assert_eq!(found, wanted);
}

/// The program is built by whoever runs the tests of the whole workspace; alone, this package does not build it.
#[test]
fn the_program_answers_a_file_as_native_code_does() {
    let program = env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("unisono-host");
    if !program.is_file() || module().is_err() {
        return eprintln!("*** SKIPPED: no {}; run `cargo build -p unisono-host` ***", program.display());
    }
    let (requests, wanted) = lines();
    let folder: PathBuf = env::temp_dir().join(format!("unisono-batch-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = |name: &str| folder.join(name);
    fs::write(file("model.unisono"), golden("model.unisono")).unwrap();
    fs::write(file("in.jsonl"), requests).unwrap();
    let mut command = Command::new(program);
    command.arg("batch").arg("--module").arg(path("wasm/pkg/unisono.wasm"));
    command.arg("--model").arg(file("model.unisono"));
    command.arg("--requests").arg(file("in.jsonl")).arg("--out").arg(file("out.jsonl"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found = fs::read_to_string(file("out.jsonl")).unwrap();
    assert_eq!(found.lines().collect::<Vec<_>>(), wanted);
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn the_hosts_transcoder_writes_what_case_files_mean() {
    let mut compared = 0;
    for case in CaseFile::read_all(&path("tests/cases")).unwrap() {
        let json = Json::parse(&fs::read_to_string(&case.path).unwrap()).unwrap();
        let Some(request) = json.get("request") else { continue };
        let text = request.pretty();
        if !text.contains("\"$") {
            let msgpack = transcode::json_to_msgpack(text.as_bytes()).unwrap();
            assert_eq!(decode(&msgpack).unwrap(), decode(&case.inputs[0]).unwrap(), "{}", case.name);
            compared += 1;
        }
    }
    assert!(compared > 60, "{compared}");
}
