//! Erasure: a tombstone that also wins over copies that come late.

use super::codec::{decode_state, encode_within_bounds, failure, state_and_warnings};
use super::{FoldReport, Profile};
use alloc::vec::Vec;
use unisono_message::{Reader, Result, limits, missing, read_fields};

/// Erases: `{"state"?, "ts_ms"}` gives `{"state": bin, "warnings"}`. Everything at or before `ts_ms` goes: events, marks of
/// its day and before, traits, consents and links; and whatever of that time a later merge or event brings. Never fails:
/// errors are in the answer.
pub fn erase(input: &[u8]) -> Vec<u8> {
    erase_bytes(input).unwrap_or_else(|error| failure(&error))
}

fn erase_bytes(input: &[u8]) -> Result<Vec<u8>> {
    let mut reader = Reader::new(input);
    let (mut state, mut ts_ms) = (None, None);
    read_fields(&mut reader, &["state", "ts_ms"], |r, field| match field {
        0 => state = Some(r.bin()),
        _ => ts_ms = Some(r.int_within(limits::TIME_MS_MIN, limits::TIME_MS_MAX)),
    });
    if ts_ms.is_none() {
        missing(&mut reader, "ts_ms");
    }
    reader.finish()?;
    let tombstone = Profile { erased_ms: ts_ms, ..Profile::default() };
    let (profile, _) = decode_state(state)?.merged(&tombstone);
    let warnings = FoldReport::default().warnings(reader.unknown_fields());
    Ok(state_and_warnings(&encode_within_bounds(&profile)?, &warnings))
}
