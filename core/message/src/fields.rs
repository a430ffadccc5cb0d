//! How a map becomes a struct: known keys in any order, each once, null as absent, unknown keys counted.

use crate::error::{Error, ErrorCode, Result};
use crate::reader::Reader;
use crate::text;

/// Reads a map and calls `read(reader, index)` for each key of `known` (at most 64) whose value is not null.
///
/// Unknown keys are passed over and counted in [`Reader::unknown_fields`].
///
/// # Errors
/// `invalid_type` when the value is no map, `duplicate_key`, and whatever `read` fails with; errors name the key.
pub fn read_fields<'a>(
    reader: &mut Reader<'a>,
    known: &[&str],
    read: &mut dyn FnMut(&mut Reader<'a>, usize) -> Result<()>,
) -> Result<()> {
    let pairs = reader.map()?;
    let mut seen = 0u64;
    // Senders keep an order: the key after the last one is tried first.
    let mut next = 0usize;
    for _ in 0..pairs {
        let mut at_key = reader.clone();
        let Some((index, key)) = position(known, reader.str_bytes()?, next) else {
            let key = at_key.str()?;
            reader.skip().map_err(|error| error.in_field(key))?;
            reader.count_unknown_fields(1);
            continue;
        };
        next = index + 1;
        let bit = 1u64 << (index & 63);
        if seen & bit != 0 {
            return Err(Error::new(ErrorCode::DuplicateKey, text!("the key `", key, "` stands twice")).in_field(key));
        }
        seen |= bit;
        if !reader.nil() {
            read(reader, index).map_err(|error| error.in_field(key))?;
        }
    }
    Ok(())
}

/// The known key that these bytes are, with its position.
fn position<'k>(known: &[&'k str], key: &[u8], next: usize) -> Option<(usize, &'k str)> {
    let (before, after) = known.split_at_checked(next)?;
    let is_key = |name: &&str| name.as_bytes() == key;
    let found = after.iter().position(is_key).map(|offset| next + offset);
    let index = found.or_else(|| before.iter().position(is_key))?;
    Some((index, known.get(index)?))
}

/// The error for a required field that is absent.
#[cold]
pub(crate) fn missing(name: &str) -> Error {
    Error::new(ErrorCode::MissingField, text!("`", name, "` is required")).in_field(name)
}
