//! JSON lines as rows of cells: a line that is no JSON object spoils itself only.

use super::renames::Renames;
use super::source::{Broken, Cell, Spec};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader};

/// A value of a JSON object that a table can hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum OwnedCell {
    #[default]
    Null,
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    List(Vec<String>),
}

impl OwnedCell {
    pub(crate) fn cell(&self) -> Cell<'_> {
        match self {
            OwnedCell::Null => Cell::Null,
            OwnedCell::Text(text) => Cell::Text(text),
            OwnedCell::Int(value) => Cell::Int(*value),
            OwnedCell::Float(value) => Cell::Float(*value),
            OwnedCell::Bool(value) => Cell::Bool(*value),
            OwnedCell::List(values) => Cell::List(values),
        }
    }
}

/// The lines of a file that hold anything.
pub(crate) struct Lines {
    reader: BufReader<File>,
    line: Vec<u8>,
}

impl Lines {
    pub(crate) fn new(file: File) -> Self {
        Lines { reader: BufReader::with_capacity(1 << 18, file), line: Vec::new() }
    }

    /// The next line that is not blank.
    pub(crate) fn next(&mut self) -> std::io::Result<Option<&[u8]>> {
        loop {
            self.line.clear();
            if self.reader.read_until(b'\n', &mut self.line)? == 0 {
                return Ok(None);
            }
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        Ok(Some(self.line.trim_ascii()))
    }
}

/// The keys of the first `lines` lines.
pub(crate) fn head_names(file: File, lines: usize) -> std::io::Result<BTreeSet<String>> {
    let mut reader = Lines::new(file);
    let mut names = BTreeSet::new();
    for _ in 0..lines {
        let Some(line) = reader.next()? else { break };
        if let Ok(object) = serde_json::from_slice::<std::collections::BTreeMap<String, IgnoredAny>>(line) {
            names.extend(object.into_keys());
        }
    }
    Ok(names)
}

/// One line as cells in the order of `specs`; keys that no spec has are added to `unknown`.
pub(crate) fn parse(
    line: &[u8],
    specs: &[Spec],
    renames: &Renames,
    unknown: &mut BTreeSet<String>,
) -> Result<Vec<OwnedCell>, Broken> {
    let mut reader = serde_json::Deserializer::from_slice(line);
    let broken = |error| Broken { reason: format!("is no row: {error}"), texts: texts(line) };
    let row = RowSeed { specs, renames, unknown }.deserialize(&mut reader).map_err(broken)?;
    reader.end().map_err(broken)?;
    Ok(row)
}

/// What a broken line may hold as texts or numbers: whatever stands between quotes, and between the signs of JSON.
fn texts(line: &[u8]) -> Vec<String> {
    let line = String::from_utf8_lossy(line);
    let quoted = line.split('"');
    let bare = line.split(|sign: char| sign.is_whitespace() || "{}[]:,\"".contains(sign));
    quoted.chain(bare).filter(|text| !text.is_empty()).map(str::to_owned).collect()
}

struct RowSeed<'s> {
    specs: &'s [Spec],
    renames: &'s Renames,
    unknown: &'s mut BTreeSet<String>,
}

impl<'de> DeserializeSeed<'de> for RowSeed<'_> {
    type Value = Vec<OwnedCell>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_> {
    type Value = Vec<OwnedCell>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut cells = vec![OwnedCell::Null; self.specs.len()];
        // Writers keep an order: the column after the last one is tried first.
        let mut next = 0;
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            let name = self.renames.of(&key);
            let after = self.specs.iter().skip(next).position(|s| s.name == name).map(|at| at + next);
            match after.or_else(|| self.specs.iter().position(|s| s.name == name)) {
                Some(at) => {
                    cells[at] = map.next_value_seed(CellSeed)?;
                    next = at + 1;
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                    if !self.unknown.contains(name) {
                        self.unknown.insert(name.to_owned());
                    }
                }
            }
        }
        Ok(cells)
    }
}

struct CellSeed;

impl<'de> DeserializeSeed<'de> for CellSeed {
    type Value = OwnedCell;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for CellSeed {
    type Value = OwnedCell;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, a boolean, a list of these, or null")
    }
    fn visit_unit<E>(self) -> Result<OwnedCell, E> {
        Ok(OwnedCell::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<OwnedCell, E> {
        Ok(OwnedCell::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<OwnedCell, E> {
        Ok(OwnedCell::Int(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<OwnedCell, E> {
        Ok(i64::try_from(value).map_or(OwnedCell::Text(value.to_string()), OwnedCell::Int))
    }
    fn visit_f64<E>(self, value: f64) -> Result<OwnedCell, E> {
        Ok(OwnedCell::Float(value))
    }
    fn visit_str<E>(self, value: &str) -> Result<OwnedCell, E> {
        Ok(OwnedCell::Text(value.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<OwnedCell, A::Error> {
        let mut list = Vec::new();
        while let Some(cell) = seq.next_element_seed(CellSeed)? {
            list.extend(match cell {
                OwnedCell::Text(text) => Some(text),
                OwnedCell::Int(value) => Some(value.to_string()),
                OwnedCell::Null => None,
                _ => return Err(serde::de::Error::custom("a list may hold texts and integers only")),
            });
        }
        Ok(OwnedCell::List(list))
    }
}
