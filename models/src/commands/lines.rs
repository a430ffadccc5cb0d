//! JSON lines in and out, and JSON <-> MessagePack without a struct between.

use crate::error::{Error, Result};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// The lines of a file that hold anything, with their numbers from 1.
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

    /// At most `count` more lines.
    pub(crate) fn take(&mut self, count: usize) -> Result<Vec<(u64, String)>> {
        let mut lines = Vec::new();
        while lines.len() < count {
            let mut line = String::new();
            self.number += 1;
            let read = self.reader.read_line(&mut line).map_err(|e| Error::io("read", &self.path, e))?;
            if read == 0 {
                break;
            }
            if !line.trim().is_empty() {
                lines.push((self.number, line));
            }
        }
        Ok(lines)
    }
}

pub(crate) fn bad_line(path: &Path, line: u64, reason: impl ToString) -> Error {
    Error::BadLine { path: path.into(), line, reason: reason.to_string() }
}

/// JSON text as MessagePack; duplicate keys survive, so that core can refuse them.
pub(crate) fn to_msgpack(json: &str) -> std::result::Result<Vec<u8>, String> {
    let mut reader = serde_json::Deserializer::from_str(json);
    let mut bytes = Vec::with_capacity(json.len());
    serde_transcode::transcode(&mut reader, &mut rmp_serde::Serializer::new(&mut bytes)).map_err(|e| e.to_string())?;
    reader.end().map_err(|e| e.to_string())?;
    Ok(bytes)
}

/// MessagePack as one line of JSON.
pub(crate) fn to_json(bytes: &[u8]) -> std::result::Result<String, String> {
    let mut reader = rmp_serde::Deserializer::from_read_ref(bytes);
    let mut text = Vec::with_capacity(bytes.len());
    serde_transcode::transcode(&mut reader, &mut serde_json::Serializer::new(&mut text)).map_err(|e| e.to_string())?;
    String::from_utf8(text).map_err(|e| e.to_string())
}

/// True ids by case, from lines of `{"case", "truth": [...]}`.
pub(crate) fn read_truth(path: &Path) -> Result<std::collections::BTreeMap<String, BTreeSet<String>>> {
    #[derive(serde::Deserialize)]
    struct Truth {
        case: String,
        truth: BTreeSet<String>,
    }
    let mut lines = Lines::open(path)?;
    let mut all = std::collections::BTreeMap::new();
    loop {
        let batch = lines.take(1_024)?;
        if batch.is_empty() {
            return Ok(all);
        }
        for (number, line) in batch {
            let truth: Truth = serde_json::from_str(&line).map_err(|e| bad_line(path, number, e))?;
            if all.insert(truth.case.clone(), truth.truth).is_some() {
                return Err(bad_line(path, number, format!("the case `{}` stands twice", truth.case)));
            }
        }
    }
}

/// Answered ids by case, from lines of `{"case", "items": [...]}` or of responses.
pub(crate) fn read_answers(path: &Path) -> Result<std::collections::BTreeMap<String, Vec<String>>> {
    let mut lines = Lines::open(path)?;
    let mut all = std::collections::BTreeMap::new();
    loop {
        let batch = lines.take(1_024)?;
        if batch.is_empty() {
            return Ok(all);
        }
        for (number, line) in batch {
            let (case, items) = answer_of(&line).map_err(|reason| bad_line(path, number, reason))?;
            if all.insert(case.clone(), items).is_some() {
                return Err(bad_line(path, number, format!("the case `{case}` stands twice")));
            }
        }
    }
}

fn answer_of(line: &str) -> std::result::Result<(String, Vec<String>), String> {
    use serde_json::Value;
    let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
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

/// Reads a whole file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Error::io("read", path, e))
}
