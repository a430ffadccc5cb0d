//! Batches through the library.

use std::io::{self, BufReader, Read, Write};

use unisono_host::HostErrorCode;
use unisono_host::batch::{self, BatchCounts};

use crate::guests::{builder, until_rebuilt};

fn decide(instances: usize, input: &[u8]) -> (Vec<String>, BatchCounts) {
    let host = builder().instances(instances).wait_ms_max(30_000).build().unwrap();
    let mut output = Vec::new();
    let counts = batch::run(&host, BufReader::new(input), &mut output, |_| {}).unwrap();
    let text = String::from_utf8(output).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    (text.lines().map(str::to_owned).collect(), counts)
}

fn code(line: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(line).unwrap();
    value["error"]["code"].as_str().unwrap_or_else(|| panic!("no error in {line}")).to_owned()
}

#[test]
fn many_lines_on_many_threads_keep_their_order() {
    let input: Vec<String> = (0..20_000).map(|n| format!("{{\"request_id\":\"r{n}\",\"number\":{n}}}")).collect();
    let (output, counts) = decide(8, input.join("\n").as_bytes());
    assert_eq!(output, input);
    assert_eq!((counts.lines, counts.decided, counts.errors_total()), (20_000, 20_000, 0));
    assert_eq!(counts.bytes as usize, input.join("\n").len());
}

#[test]
fn bad_lines_keep_their_place_and_nothing_is_lost() {
    let input = b"{\"request_id\":\"a\"}\nnot json\n\n{\"request_id\":\"b\"}\r\n{\"request_id\":\"c\",\n\xff\xfe\n8\n{\"request_id\":\"d\"}";
    let (output, counts) = decide(4, input);
    assert_eq!(output.len(), 8);
    assert_eq!(output[0], "{\"request_id\":\"a\"}");
    assert_eq!(output[3], "{\"request_id\":\"b\"}");
    assert_eq!(output[7], "{\"request_id\":\"d\"}");
    for index in [1, 2, 4, 5] {
        let line: serde_json::Value = serde_json::from_str(&output[index]).unwrap();
        assert_eq!(line["error"]["code"], "invalid_json");
        assert_eq!(line["error"]["line"], index + 1);
        assert!(line["request_id"].is_null());
        assert_eq!(line["error"]["field"], "");
    }
    // The module's own error stays as the module wrote it.
    assert_eq!(
        output[6],
        r#"{"request_id":"r1","error":{"code":"unknown_placement","message":"bad","field":"placements[0].kind"}}"#
    );
    assert_eq!((counts.lines, counts.decided), (8, 3));
    assert_eq!(
        counts.errors.iter().map(|(c, n)| (c.as_str(), *n)).collect::<Vec<_>>(),
        [("invalid_json", 4), ("unknown_placement", 1)]
    );
}

/// The same file as in the tests of `unisono-models`: both programs answer each of its lines with the same bytes.
#[test]
fn lines_that_no_one_can_read_have_their_answers_in_a_file() {
    let lines = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/lines");
    let (output, _) = decide(3, &std::fs::read(lines.join("unreadable.jsonl")).unwrap());
    let answers = std::fs::read_to_string(lines.join("unreadable-answers.jsonl")).unwrap();
    assert_eq!(output, answers.lines().collect::<Vec<_>>());
}

#[test]
fn an_empty_file_gives_an_empty_file() {
    let (output, counts) = decide(2, b"");
    assert!(output.is_empty());
    assert_eq!(counts, BatchCounts::default());
}

#[test]
fn a_trap_costs_its_line_only() {
    let mut input: Vec<String> = (0..2_000).map(|n| format!("{{\"request_id\":\"r{n}\"}}")).collect();
    for place in [0, 5, 6, 7, 1_000, 1_999] {
        input[place] = "0".to_owned();
    }
    let host = builder().wait_ms_max(30_000).build().unwrap();
    let mut output = Vec::new();
    let counts = batch::run(&host, input.join("\n").as_bytes(), &mut output, |_| {}).unwrap();
    let output = String::from_utf8(output).unwrap();
    for (index, (line, request)) in output.lines().zip(&input).enumerate() {
        if request == "0" {
            assert_eq!(code(line), "guest_trapped", "line {index}");
        } else {
            assert_eq!(line, request);
        }
    }
    assert_eq!((counts.lines, counts.errors_total()), (2_000, 6));
    until_rebuilt(&host);
}

#[test]
fn a_line_over_the_limit_is_refused_and_the_next_one_is_read() {
    let mut input = b"{\"request_id\":\"a\"}\n\"".to_vec();
    input.resize(input.len() + 2 * unisono_message::limits::REQUEST_BYTES_MAX + 7, b'x');
    input.extend_from_slice(b"\"\n{\"request_id\":\"b\"}\n\"");
    let fits = unisono_message::limits::REQUEST_BYTES_MAX - 6;
    input.resize(input.len() + fits, b'y');
    input.extend_from_slice(b"\"\n");
    let (output, _) = decide(2, &input);
    assert_eq!(output.len(), 4);
    assert_eq!(output[0], "{\"request_id\":\"a\"}");
    assert_eq!(code(&output[1]), "body_too_large");
    assert_eq!(output[2], "{\"request_id\":\"b\"}");
    assert_eq!(output[3].len(), fits + 2);
}

#[test]
fn progress_ends_at_the_counts_of_the_whole() {
    let host = builder().build().unwrap();
    let input = "{}\n".repeat(1_000);
    let mut seen = Vec::new();
    let counts =
        batch::run(&host, input.as_bytes(), io::sink(), |so_far| seen.push((so_far.lines, so_far.bytes))).unwrap();
    assert!(seen.len() > 10);
    assert!(seen.is_sorted());
    assert_eq!(seen.last(), Some(&(counts.lines, counts.bytes)));
}

/// Gives some lines, then fails.
struct Failing(usize);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::Error::other("the disk is gone"));
        }
        self.0 -= 1;
        buffer[..3].copy_from_slice(b"{}\n");
        Ok(3)
    }
}

#[test]
fn a_file_that_fails_under_way_is_an_error_after_what_could_be_read() {
    let host = builder().build().unwrap();
    let mut output = Vec::new();
    let error = batch::run(&host, BufReader::new(Failing(640)), &mut output, |_| {}).unwrap_err();
    assert_eq!(error.kind(), HostErrorCode::RequestsUnreadable);
    assert!(error.message().contains("the disk is gone"), "{error}");
    assert_eq!(output.len(), 640 * 3);
}

struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or_else(|| io::Error::other("no space left"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_ends_the_batch_with_an_error() {
    let host = builder().build().unwrap();
    let input = "{}\n".repeat(100_000);
    let error = batch::run(&host, input.as_bytes(), Full(1_000), |_| {}).unwrap_err();
    assert_eq!(error.kind(), HostErrorCode::ResponsesUnwritable);
}
