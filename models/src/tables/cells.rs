//! Cells to values: every refusal names its column, its value and the reason.

use super::report::Bad;
use super::source::{Batch, Cell, Spec};
use arrow_cast::parse::string_to_datetime;
use chrono::Utc;
use unisono_message::{limits, micro_from_f64, milli_from_f64};

/// One row of a batch, read by the places of its columns in the table's list.
pub(crate) struct Row<'b> {
    pub(crate) batch: &'b Batch,
    pub(crate) row: usize,
    pub(crate) specs: &'static [Spec],
}

type Read<T> = Result<T, Bad>;

impl<'b> Row<'b> {
    pub(crate) fn bad(&self, at: usize, reason: &'static str) -> Bad {
        Bad { column: self.specs[at].name, value: shown(self.batch.cell(self.row, at)), reason }
    }

    fn cell(&self, at: usize) -> Cell<'b> {
        self.batch.cell(self.row, at)
    }

    /// A text of any length up to `max` bytes; integers and whole floats give their digits, put into `buffer`.
    fn text<'t>(&self, at: usize, buffer: &'t mut String, max: usize) -> Read<Option<&'t str>>
    where
        'b: 't,
    {
        let text: &'t str = match self.cell(at) {
            Cell::Null => return Ok(None),
            Cell::Text(text) => text,
            Cell::Int(value) => digits(buffer, value),
            // Tables from Python hold integer ids as floats wherever the column has gaps.
            Cell::Float(value) if value.fract() == 0.0 && value.abs() < 9e15 => digits(buffer, value as i64),
            _ => return Err(self.bad(at, "is no text")),
        };
        if text.len() > max {
            return Err(self.bad(at, "is too long"));
        }
        Ok(Some(text))
    }

    /// An id of 1 to 128 bytes.
    pub(crate) fn id<'t>(&self, at: usize, buffer: &'t mut String) -> Read<Option<&'t str>>
    where
        'b: 't,
    {
        self.text(at, buffer, limits::ID_BYTES_MAX)
    }

    /// An id that must be there.
    pub(crate) fn need_id<'t>(&self, at: usize, buffer: &'t mut String) -> Read<&'t str>
    where
        'b: 't,
    {
        self.id(at, buffer)?.ok_or_else(|| self.bad(at, "is missing"))
    }

    /// A free text of at most `max` bytes.
    pub(crate) fn free_text(&self, at: usize, max: usize) -> Read<Option<String>> {
        let mut buffer = String::new();
        Ok(self.text(at, &mut buffer, max)?.map(str::to_owned))
    }

    /// A channel name.
    pub(crate) fn channel(&self, at: usize) -> Read<&'b str> {
        match self.cell(at) {
            Cell::Text(name) if is_channel(name) => Ok(name),
            Cell::Null => Err(self.bad(at, "is missing")),
            _ => Err(self.bad(at, "is no channel name (1 to 32 lower-case letters, digits and underscores)")),
        }
    }

    /// A channel name that may be absent.
    pub(crate) fn channel_if_any(&self, at: usize) -> Read<Option<&'b str>> {
        match self.cell(at) {
            Cell::Null => Ok(None),
            _ => self.channel(at).map(Some),
        }
    }

    /// A currency code.
    pub(crate) fn currency(&self, at: usize) -> Read<Option<&'b str>> {
        match self.cell(at) {
            Cell::Null => Ok(None),
            Cell::Text(code) if code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()) => Ok(Some(code)),
            _ => Err(self.bad(at, "is no currency (three upper-case letters)")),
        }
    }

    /// A time within the years that core takes: Unix milliseconds, or a timestamp, in UTC where it names no offset.
    pub(crate) fn time(&self, at: usize) -> Read<Option<i64>> {
        let Some(ts_ms) = (match self.cell(at) {
            Cell::Time(ts_ms) => Some(ts_ms),
            Cell::Text(text) => {
                let text = text.trim();
                let timestamp = || Some(string_to_datetime(&Utc, text).ok()?.timestamp_millis());
                let found = text.parse().ok().or_else(timestamp);
                let bad = || self.bad(at, "is neither Unix milliseconds nor a timestamp such as 2026-11-22T18:30:00Z");
                Some(found.ok_or_else(bad)?)
            }
            _ => self.integer(at)?,
        }) else {
            return Ok(None);
        };
        if !(limits::TIME_MS_MIN..=limits::TIME_MS_MAX).contains(&ts_ms) {
            return Err(self.bad(at, "is outside the years 1970 to 2300"));
        }
        Ok(Some(ts_ms))
    }

    /// A whole number.
    pub(crate) fn integer(&self, at: usize) -> Read<Option<i64>> {
        match self.cell(at) {
            Cell::Null => Ok(None),
            Cell::Int(value) => Ok(Some(value)),
            Cell::Float(value) if value.fract() == 0.0 && value.abs() < 9e15 => Ok(Some(value as i64)),
            Cell::Text(text) => text.trim().parse().map(Some).map_err(|_| self.bad(at, "is no integer")),
            _ => Err(self.bad(at, "is no integer")),
        }
    }

    /// A whole number within `low..=high`.
    pub(crate) fn integer_within(&self, at: usize, low: i64, high: i64) -> Read<Option<i64>> {
        match self.integer(at)? {
            Some(value) if !(low..=high).contains(&value) => Err(self.bad(at, "is out of range")),
            value => Ok(value),
        }
    }

    /// A finite number.
    fn number(&self, at: usize) -> Read<Option<f64>> {
        let value = match self.cell(at) {
            Cell::Null => return Ok(None),
            Cell::Int(value) => value as f64,
            Cell::Float(value) => value,
            Cell::Text(text) => text.trim().parse().map_err(|_| self.bad(at, "is no number"))?,
            _ => return Err(self.bad(at, "is no number")),
        };
        if value.is_nan() {
            return Err(self.bad(at, "is not a number"));
        }
        Ok(Some(value))
    }

    /// A decimal in micro-units, rounded as core rounds it.
    pub(crate) fn micro(&self, at: usize) -> Read<Option<i64>> {
        let Some(value) = self.number(at)? else { return Ok(None) };
        micro_from_f64(value).map(Some).map_err(|_| self.bad(at, "is out of range"))
    }

    /// Money of 0 or more, in micro-units.
    pub(crate) fn money(&self, at: usize) -> Read<Option<i64>> {
        match self.micro(at)? {
            Some(value) if value < 0 => Err(self.bad(at, "is negative")),
            value => Ok(value),
        }
    }

    /// A quantity above 0, in milli-units.
    pub(crate) fn quantity(&self, at: usize) -> Read<Option<i64>> {
        let Some(value) = self.number(at)? else { return Ok(None) };
        let milli = milli_from_f64(value).map_err(|_| self.bad(at, "is out of range"))?;
        if milli <= 0 {
            return Err(self.bad(at, "is zero or negative"));
        }
        Ok(Some(milli))
    }

    /// true or false; absent is false.
    pub(crate) fn flag(&self, at: usize) -> Read<bool> {
        match self.cell(at) {
            Cell::Null | Cell::Bool(false) | Cell::Int(0) => Ok(false),
            Cell::Bool(true) | Cell::Int(1) => Ok(true),
            Cell::Text(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" => Ok(true),
                "false" | "0" | "no" => Ok(false),
                _ => Err(self.bad(at, "is neither true nor false")),
            },
            _ => Err(self.bad(at, "is neither true nor false")),
        }
    }

    /// true or false, which must be there.
    pub(crate) fn need_flag(&self, at: usize) -> Read<bool> {
        match self.cell(at) {
            Cell::Null => Err(self.bad(at, "is missing")),
            _ => self.flag(at),
        }
    }

    /// Texts of a list, or of one text with `;` between them; sorted, each once.
    pub(crate) fn list(&self, at: usize) -> Read<Vec<String>> {
        let mut texts: Vec<String> = match self.cell(at) {
            Cell::Null => Vec::new(),
            Cell::List(values) => values.to_vec(),
            Cell::Text(text) => text.split(';').map(|part| part.trim().to_owned()).collect(),
            Cell::Int(value) => vec![value.to_string()],
            _ => return Err(self.bad(at, "is no list of texts")),
        };
        texts.retain(|text| !text.is_empty());
        if texts.iter().any(|text| text.len() > limits::ID_BYTES_MAX) {
            return Err(self.bad(at, "holds a text that is too long"));
        }
        texts.sort_unstable();
        texts.dedup();
        Ok(texts)
    }

    /// Channel names of a list.
    pub(crate) fn channels(&self, at: usize) -> Read<Vec<String>> {
        let channels = self.list(at)?;
        match channels.iter().all(|name| is_channel(name)) {
            true => Ok(channels),
            false => Err(self.bad(at, "holds what is no channel name")),
        }
    }
}

fn is_channel(name: &str) -> bool {
    let sound = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    sound && !name.is_empty() && name.len() <= limits::CHANNEL_BYTES_MAX
}

fn digits(buffer: &mut String, value: i64) -> &str {
    use std::fmt::Write;
    buffer.clear();
    // Writing to a String can't fail.
    let _ = write!(buffer, "{value}");
    buffer
}

fn shown(cell: Cell<'_>) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Text(text) => text.to_owned(),
        Cell::Int(value) | Cell::Time(value) => value.to_string(),
        Cell::Float(value) => value.to_string(),
        Cell::Bool(value) => value.to_string(),
        Cell::List(values) => values.join(";"),
    }
}
