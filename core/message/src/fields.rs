//! How a map becomes a struct: known keys in any order, each once, null as absent, unknown keys counted.

use crate::error::{Error, ErrorCode};
use crate::limits;
use crate::reader::Reader;
use crate::text;
use crate::text::fill;
use alloc::string::String;

/// Reads a map and calls `read(reader, index)` for each key of `known` (at most 64) whose value is not null.
///
/// Unknown keys are passed over and counted in [`Reader::unknown_fields`]. The reader fails with `invalid_type` when the
/// value is no map, with `duplicate_key`, and with whatever `read` fails; errors name the key.
#[inline]
pub fn read_fields<'a>(reader: &mut Reader<'a>, known: &[&str], mut read: impl FnMut(&mut Reader<'a>, usize)) {
    visit_fields(reader, known, &mut read);
}

/// A closure behind a pointer. The standard traits would put its body into the module twice: once for a call by value,
/// which never happens.
pub(crate) trait Visit<'a> {
    fn visit(&mut self, reader: &mut Reader<'a>, index: usize);
}

impl<'a, F: FnMut(&mut Reader<'a>, usize)> Visit<'a> for F {
    fn visit(&mut self, reader: &mut Reader<'a>, index: usize) {
        self(reader, index);
    }
}

fn visit_fields<'a>(reader: &mut Reader<'a>, known: &[&str], read: &mut dyn Visit<'a>) {
    let mut seen = 0u64;
    for place in 0..reader.map() {
        let at_key = reader.rest();
        let found = position(known, reader.str_bytes(), reader.guess(place));
        if reader.failed() {
            return;
        }
        let Some((index, key)) = found else {
            // Only now is the key checked to be UTF-8: a known one is.
            let mut key = Reader::new(at_key);
            let name = key.str();
            reader.take(key.result());
            reader.skip();
            if reader.failed() {
                return reader.in_field(&echo(name));
            }
            reader.count_unknown_fields(1);
            continue;
        };
        reader.learn(place, index);
        let bit = 1u64 << (index & 63);
        if seen & bit != 0 {
            reader.fail_with(ErrorCode::DuplicateKey, text!("the key `{}` stands twice", key));
        }
        seen |= bit;
        if !reader.failed() && !reader.nil() {
            read.visit(reader, index);
        }
        if reader.failed() {
            return reader.in_field(key);
        }
    }
}

/// An unknown key as an error repeats it: whole, or its beginning.
#[cold]
fn echo(key: &str) -> String {
    let end = key.floor_char_boundary(limits::ECHO_BYTES_MAX);
    fill(if end < key.len() { "{}…" } else { "{}" }, &[key.get(..end).unwrap_or(key).into()])
}

/// The place of a name among names: one loop for every list of words.
#[inline(never)]
pub fn position_of(names: &[&str], name: &str) -> Option<usize> {
    names.iter().position(|known| *known == name)
}

/// The known key that these bytes are, with its position; looked for from `guess` on, then before it.
fn position<'k>(known: &[&'k str], key: &[u8], guess: usize) -> Option<(usize, &'k str)> {
    let guess = guess.min(known.len());
    let (before, after) = known.split_at_checked(guess)?;
    let is_key = |name: &&str| is_same(name.as_bytes(), key);
    let found = after.iter().position(is_key).map(|offset| guess + offset);
    let index = found.or_else(|| before.iter().position(is_key))?;
    Some((index, known.get(index)?))
}

/// Whether two keys are the same. Nearly all have four to sixteen bytes: their first and last four or eight, which may
/// overlap, are all of them, and reading these is faster than the call that compares any number.
#[inline]
fn is_same(name: &[u8], key: &[u8]) -> bool {
    fn ends<const N: usize>(bytes: &[u8]) -> Option<(&[u8; N], &[u8; N])> {
        bytes.first_chunk().zip(bytes.last_chunk())
    }
    name.len() == key.len()
        && match name.len() {
            4..8 => ends::<4>(name) == ends::<4>(key),
            8..=16 => ends::<8>(name) == ends::<8>(key),
            _ => name == key,
        }
}

/// The reader fails, for a required field that is absent.
#[cold]
pub fn missing(reader: &mut Reader<'_>, name: &str) {
    reader.fail(Error::new(ErrorCode::MissingField, text!("`{}` is required", name)).in_field(name));
}
