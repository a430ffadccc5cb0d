//! JSON lines in and out, and JSON <-> MessagePack without a struct between.

use crate::error::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use unisono_message::limits::{ID_BYTES_MAX, REQUEST_BYTES_MAX};

/// Bytes of lines that are held at once; a few lines as long as a request may be go beyond it by one.
const HELD_BYTES_MAX: usize = 16 << 20;

/// Why a line has no answer: a stable code, and a sentence. Codes and sentences are those of `unisono-host batch`, which
/// `tests/lines` compares.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// One line of a file, blank ones and broken ones too.
pub(crate) struct Line {
    /// From 1.
    pub(crate) number: u64,
    /// Without the line's end; refused where it is longer than a request may be.
    pub(crate) text: std::result::Result<Vec<u8>, Refusal>,
}

impl Line {
    fn is_blank(&self) -> bool {
        self.text.as_ref().is_ok_and(|text| text.iter().all(u8::is_ascii_whitespace))
    }
}

/// The lines of a file, one after another.
pub(crate) struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    number: u64,
}

impl Lines {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::io("open", path, e))?;
        Ok(Lines { path: path.into(), reader: BufReader::with_capacity(1 << 20, file), number: 0 })
    }

    /// At most `count` more lines; none only at the end of the file.
    pub(crate) fn take(&mut self, count: usize) -> Result<Vec<Line>> {
        let (mut lines, mut held) = (Vec::new(), 0);
        while lines.len() < count && held < HELD_BYTES_MAX {
            let Some(line) = self.next().map_err(|e| Error::io("read", &self.path, e))? else { break };
            held += line.text.as_ref().map_or(0, Vec::len);
            lines.push(line);
        }
        Ok(lines)
    }

    /// As [`Lines::take`], without the lines that hold nothing.
    pub(crate) fn take_filled(&mut self, count: usize) -> Result<Vec<Line>> {
        loop {
            let mut lines = self.take(count)?;
            let at_end = lines.is_empty();
            lines.retain(|line| !line.is_blank());
            if at_end || !lines.is_empty() {
                return Ok(lines);
            }
        }
    }

    fn next(&mut self) -> std::io::Result<Option<Line>> {
        // The line's end counts too.
        let longest = REQUEST_BYTES_MAX as u64 + 1;
        let mut text = Vec::new();
        let length = self.reader.by_ref().take(longest).read_until(b'\n', &mut text)? as u64;
        if length == 0 {
            return Ok(None);
        }
        self.number += 1;
        let ended = text.pop_if(|last| *last == b'\n').is_some();
        if ended || length < longest {
            return Ok(Some(Line { number: self.number, text: Ok(text) }));
        }
        skip_line(&mut self.reader)?;
        let message = format!("the line has more than {REQUEST_BYTES_MAX} bytes; send less, or split the request");
        Ok(Some(Line { number: self.number, text: Err(Refusal { code: "body_too_large", message }) }))
    }
}

/// Reads past the next line's end, without holding what comes before it.
fn skip_line(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        let (skipped, ended) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        reader.consume(skipped);
        if ended {
            return Ok(());
        }
    }
}

pub(crate) fn bad_line(path: &Path, line: u64, reason: impl ToString) -> Error {
    Error::BadLine { path: path.into(), line, reason: reason.to_string() }
}

/// JSON text as MessagePack; duplicate keys survive, so that core can refuse them.
pub(crate) fn to_msgpack(json: &[u8]) -> std::result::Result<Vec<u8>, Refusal> {
    let invalid = |error: &dyn std::fmt::Display| {
        // The line that counts is the file's.
        let text = error.to_string().replace(" at line 1 column ", " at column ");
        Refusal {
            code: "invalid_json",
            message: format!("the request is no valid JSON: {text}; send one whole JSON value in UTF-8"),
        }
    };
    let mut reader = serde_json::Deserializer::from_slice(json);
    let mut bytes = Vec::with_capacity(json.len());
    serde_transcode::transcode(&mut reader, &mut rmp_serde::Serializer::new(&mut bytes)).map_err(|e| invalid(&e))?;
    reader.end().map_err(|e| invalid(&e))?;
    Ok(bytes)
}

/// MessagePack as one line of JSON.
pub(crate) fn to_json(bytes: &[u8]) -> std::result::Result<Vec<u8>, Refusal> {
    let mut reader = rmp_serde::Deserializer::from_read_ref(bytes);
    let mut text = Vec::with_capacity(bytes.len() * 2);
    serde_transcode::transcode(&mut reader, &mut serde_json::Serializer::new(&mut text))
        .map_err(|e| Refusal { code: "internal", message: format!("the response can't be written as JSON: {e}") })?;
    Ok(text)
}

/// The `request_id` of a request, for an error that core never saw; none where there is none to find.
pub(crate) fn request_id_of(json: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Request {
        request_id: Option<Id>,
    }
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Id {
        Text(String),
        Other(serde::de::IgnoredAny),
    }
    match serde_json::from_slice::<Request>(json).ok()?.request_id? {
        // Longer ones are no ids: core refuses them too.
        Id::Text(text) => Some(text).filter(|text| text.len() <= ID_BYTES_MAX),
        Id::Other(_) => None,
    }
}

/// The line that answers a line without an answer.
pub(crate) fn error_line(line: &Line, refusal: &Refusal) -> Vec<u8> {
    #[derive(serde::Serialize)]
    struct Reply<'a> {
        request_id: Option<String>,
        error: Body<'a>,
    }
    #[derive(serde::Serialize)]
    struct Body<'a> {
        code: &'a str,
        message: &'a str,
        field: &'a str,
        line: u64,
    }
    let request_id = line.text.as_ref().ok().and_then(|text| request_id_of(text));
    let error = Body { code: refusal.code, message: &refusal.message, field: "", line: line.number };
    // Strings and numbers always become JSON, so the default is never taken.
    serde_json::to_vec(&Reply { request_id, error }).unwrap_or_default()
}

/// True ids by case, from lines of `{"case", "truth": [...]}`.
pub(crate) fn read_truth(path: &Path) -> Result<BTreeMap<String, BTreeSet<String>>> {
    #[derive(serde::Deserialize)]
    struct Truth {
        case: String,
        truth: BTreeSet<String>,
    }
    by_case(path, |text| {
        let truth: Truth = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        Ok((truth.case, truth.truth))
    })
}

/// Answered ids by case, from lines of `{"case", "items": [...]}` or of responses.
pub(crate) fn read_answers(path: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    by_case(path, answer_of)
}

/// What each line says of its case; a case that stands twice is an error.
fn by_case<T>(
    path: &Path,
    read: impl Fn(&[u8]) -> std::result::Result<(String, T), String>,
) -> Result<BTreeMap<String, T>> {
    let mut lines = Lines::open(path)?;
    let mut all = BTreeMap::new();
    loop {
        let batch = lines.take_filled(1_024)?;
        if batch.is_empty() {
            return Ok(all);
        }
        for Line { number, text } in batch {
            let text = text.map_err(|e| bad_line(path, number, e))?;
            let (case, of_case) = read(&text).map_err(|reason| bad_line(path, number, reason))?;
            if all.insert(case.clone(), of_case).is_some() {
                return Err(bad_line(path, number, format!("the case `{case}` stands twice")));
            }
        }
    }
}

fn answer_of(line: &[u8]) -> std::result::Result<(String, Vec<String>), String> {
    use serde_json::Value;
    let value: Value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let id = |value: &Value| value.as_str().map(str::to_owned).or(value.as_i64().map(|id| id.to_string()));
    if let Some(case) = value.get("request_id") {
        if let Some(error) = value.get("error") {
            return Err(format!("is an error: {error}"));
        }
        let list = value.pointer("/placements/0/recommendations").and_then(Value::as_array);
        let list = list.ok_or("the response has no placement")?;
        let one = |one: &Value| id(one.get("offer_id").or(one.get("item_id"))?);
        return Ok((id(case).unwrap_or_default(), list.iter().filter_map(one).collect()));
    }
    let case = value.get("case").and_then(id).ok_or("`case` is missing")?;
    let items = value.get("items").and_then(Value::as_array).ok_or("`items` is missing")?;
    let items = items.iter().map(|item| id(item).ok_or_else(|| format!("`{item}` is no id")));
    Ok((case, items.collect::<std::result::Result<_, _>>()?))
}

/// Reads a model file; one that does not even begin like a model is named as such.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let file = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
    // The root is a MessagePack map whose first key has a header of one byte.
    const FIRST_KEY: &[u8] = b"format_version";
    let head = &file[..file.len().min(FIRST_KEY.len() + 6)];
    if head.windows(FIRST_KEY.len()).any(|bytes| bytes == FIRST_KEY) {
        return Ok(file);
    }
    Err(Error::Core {
        code: "model_root_invalid".into(),
        message: format!("`{}` is no Unisono model file; name one that `unisono-models fit` wrote", path.display()),
        field: "model".into(),
    })
}
