//! The binary itself: what it prints, and what it exits with.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;
use unisono_host::store::Change;
use unisono_host::transcode::msgpack_to_json;
use unisono_host::{HostErrorCode, PolicyFile};

use crate::guests::{ECHO, MODEL_A, MODEL_REFUSED, wasm};

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("echo.wasm"), wasm(ECHO)).unwrap();
    fs::write(folder.path().join("a.unisono"), MODEL_A).unwrap();
    fs::write(folder.path().join("refused.unisono"), MODEL_REFUSED).unwrap();
    fs::write(folder.path().join("in.jsonl"), "{\"request_id\":\"a\"}\nbroken\n{\"request_id\":\"b\"}\n").unwrap();
    folder
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unisono-host"));
    command.current_dir(folder).args(arguments).env("XDG_CACHE_HOME", folder.join("cache"));
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

fn batch<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["batch", "--module", "echo.wasm", "--model", "a.unisono"], more].concat()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_batch_writes_a_line_for_each_line_and_counts() {
    let folder = folder();
    let output = run(folder.path(), &batch(&["--requests", "in.jsonl", "--out", "out.jsonl"]));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("3 lines") && stderr(&output).contains("2 ok, 1 errors (invalid_json 1)"));
    let lines = fs::read_to_string(folder.path().join("out.jsonl")).unwrap();
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!((lines.len(), lines[0], lines[2]), (3, "{\"request_id\":\"a\"}", "{\"request_id\":\"b\"}"));
    assert!(lines[1].contains("\"code\":\"invalid_json\"") && lines[1].contains("\"line\":2"));
    assert!(!folder.path().join("out.jsonl.partial").exists());
    // The second run finds the module's code where the first left it.
    assert!(folder.path().join("cache/unisono").is_dir());
}

#[test]
fn a_batch_reads_stdin_and_writes_stdout() {
    let folder = folder();
    let mut child = command(folder.path(), &batch(&["--requests", "-", "--out", "-", "--format", "json"]))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"{\"request_id\":\"a\"}\n{\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.starts_with(b"{\"request_id\":\"a\"}\n{\"request_id\":null,\"error\""));
    let summary: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(
        (summary["lines"].as_u64(), summary["decided"].as_u64(), summary["errors"].as_u64()),
        (Some(2), Some(1), Some(1))
    );
    assert_eq!(summary["errors_by_code"]["invalid_json"], 1);
    assert_eq!(summary["model_id"], MODEL_A);
}

#[test]
fn exit_codes_tell_files_from_command_lines_from_unfit_models() {
    let folder = folder();
    let cases: &[(i32, &str, Vec<&str>)] = &[
        (1, "requests_unreadable", batch(&["--requests", "absent.jsonl", "--out", "out.jsonl"])),
        (1, "responses_unwritable", batch(&["--requests", "in.jsonl", "--out", "absent/out.jsonl"])),
        (
            1,
            "model_unreadable",
            vec!["batch", "--module", "echo.wasm", "--model", "absent", "--requests", "in.jsonl", "--out", "o"],
        ),
        (
            1,
            "module_unreadable",
            vec!["batch", "--module", "absent", "--model", "a.unisono", "--requests", "in.jsonl", "--out", "o"],
        ),
        (1, "reads this very file", batch(&["--requests", "in.jsonl", "--out", "./in.jsonl"])),
        (1, "reads this very file", batch(&["--requests", "in.jsonl", "--out", "a.unisono"])),
        (
            3,
            "`refused.unisono` is no Unisono model file",
            vec![
                "batch",
                "--module",
                "echo.wasm",
                "--model",
                "refused.unisono",
                "--requests",
                "in.jsonl",
                "--out",
                "o",
            ],
        ),
        (2, "--requests", batch(&["--out", "out.jsonl"])),
        (
            3,
            "model_root_invalid",
            vec![
                "batch",
                "--module",
                "echo.wasm",
                "--model",
                "refused.unisono",
                "--requests",
                "in.jsonl",
                "--out",
                "o",
            ],
        ),
        (
            3,
            "module_invalid",
            vec!["batch", "--module", "in.jsonl", "--model", "a.unisono", "--requests", "in.jsonl", "--out", "o"],
        ),
        (
            3,
            "listen_not_loopback",
            vec!["serve", "--module", "echo.wasm", "--model", "a.unisono", "--listen", "0.0.0.0:8787"],
        ),
        (1, "folder_unreadable", vec!["serve", "--module", "echo.wasm", "--model", "a.unisono", "--static", "absent"]),
    ];
    for (code, word, arguments) in cases {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(*code), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(word), "{arguments:?}: {}", stderr(&output));
    }
    assert!(!folder.path().join("o").exists() && !folder.path().join("o.partial").exists());
    let requests = fs::read_to_string(folder.path().join("in.jsonl")).unwrap();
    assert!(requests.starts_with("{\"request_id\""), "{requests}");
}

#[test]
fn every_command_has_help_with_an_example() {
    let folder = folder();
    for command in ["serve", "batch"] {
        let output = run(folder.path(), &[command, "--help"]);
        assert_eq!(output.status.code(), Some(0));
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(help.contains(&format!("Example: unisono-host {command} --model")), "{help}");
    }
}

#[cfg(unix)]
#[test]
fn a_server_says_where_it_listens_and_why_there_only_answers_and_stops() {
    let folder = folder();
    let serve = ["serve", "--module", "echo.wasm", "--model", "a.unisono", "--listen", "127.0.0.1:0"];
    let mut child = command(folder.path(), &serve).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("loopback only, because there are no keys"), "{line}");
    let address = line.trim_start_matches("listening on http://").split(' ').next().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let body = "{\"request_id\":\"a\"}";
    write!(
        stream,
        "POST /v1/recommendations HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(body), "{answer}");
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let log = stderr(&output);
    assert!(log.contains("module_id") && log.contains("running requests finish"), "{log}");
}

#[cfg(unix)]
#[test]
fn ten_megabytes_over_a_real_connection_still_get_their_answer() {
    let folder = folder();
    let serve = ["serve", "--module", "echo.wasm", "--model", "a.unisono", "--listen", "127.0.0.1:0"];
    let mut child = command(folder.path(), &serve).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim_start_matches("listening on http://").split(' ').next().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let body = vec![b' '; 10 * 1024 * 1024];
    write!(stream, "POST /v1/recommendations HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len()).unwrap();
    stream.write_all(&body).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("body_too_large"), "{answer}");
}

#[test]
fn a_policy_file_is_taken_apart_for_module_and_host() {
    let file = PolicyFile::parse(br#"{"version":1,"host":{"gpc":["offers"]},"retention_days":{"view":90}}"#).unwrap();
    assert_eq!(msgpack_to_json(&file.module).unwrap(), br#"{"version":1,"retention_days":{"view":90}}"#);
    assert_eq!(msgpack_to_json(&file.host.unwrap()).unwrap(), br#"{"gpc":["offers"]}"#);
    assert_eq!(PolicyFile::parse(br#"{"version":1}"#).unwrap().host, None);
    for text in ["", "[]", "{", "7"] {
        assert_eq!(PolicyFile::parse(text.as_bytes()).unwrap_err().kind(), HostErrorCode::PolicyUnreadable, "{text}");
    }
    let folder = folder();
    let missing = run(folder.path(), &batch(&["--policy", "none.json", "--requests", "in.jsonl", "--out", "-"]));
    assert_eq!(missing.status.code(), Some(1));
    assert!(stderr(&missing).contains("policy_unreadable"), "{}", stderr(&missing));
}

#[test]
fn a_store_is_backed_up_restored_compacted_and_counted() {
    let folder = folder();
    let store = unisono_host::store::open(&folder.path().join("store").display().to_string()).unwrap();
    let change = |key: &[u8]| Change { key: key.to_vec(), version: 0, state: b"state".to_vec() };
    store.write(vec![change(b"a"), change(b"b")]).unwrap();
    let locked = run(folder.path(), &["store", "stat", "--data", "store"]);
    assert_eq!(locked.status.code(), Some(1));
    assert!(stderr(&locked).contains("store_locked"), "{}", stderr(&locked));
    drop(store);
    for command in [
        &["store", "compact", "--data", "store"][..],
        &["store", "backup", "--data", "redb:store", "--to", "all.backup"],
        &["store", "restore", "--data", "other", "--from", "all.backup"],
    ] {
        let output = run(folder.path(), command);
        assert_eq!(output.status.code(), Some(0), "{command:?}: {}", stderr(&output));
    }
    let stat = run(folder.path(), &["store", "stat", "--data", "other"]);
    let stat: serde_json::Value = serde_json::from_slice(&stat.stdout).unwrap();
    assert_eq!((&stat["kind"], &stat["profiles"], &stat["bytes"]), (&"embedded".into(), &2.into(), &12.into()));
    let wrong = run(folder.path(), &["store", "restore", "--data", "third", "--from", "in.jsonl"]);
    assert_eq!(wrong.status.code(), Some(3), "{}", stderr(&wrong));
}

#[cfg(unix)]
#[test]
fn a_server_with_keys_listens_where_it_is_told_and_asks_for_them() {
    let folder = folder();
    let keys =
        format!("[[keys]]\nid = \"a\"\nsha256 = \"{}\"\nroles = [\"decide\"]\n", unisono_host::sha256_hex(b"secret"));
    fs::write(folder.path().join("keys.toml"), keys).unwrap();
    let serve =
        ["serve", "--module", "echo.wasm", "--model", "a.unisono", "--listen", "0.0.0.0:0", "--keys", "keys.toml"];
    let mut child = command(folder.path(), &serve).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("0.0.0.0:") && line.contains("with keys"), "{line}");
    let port = line.split(' ').nth(2).unwrap().rsplit(':').next().unwrap();
    let ask = |authorization: &str| {
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        write!(
            stream,
            "POST /v1/recommendations HTTP/1.1\r\nhost: a\r\n{authorization}content-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(ask("").starts_with("HTTP/1.1 401"));
    assert!(ask("authorization: Bearer secret\r\n").starts_with("HTTP/1.1 200"));
    child.kill().unwrap();
    child.wait().unwrap();
    let without = run(folder.path(), &["serve", "--model", "a.unisono", "--listen", "0.0.0.0:0"]);
    assert_eq!(without.status.code(), Some(3));
    assert!(stderr(&without).contains("listen_not_loopback"), "{}", stderr(&without));
}
