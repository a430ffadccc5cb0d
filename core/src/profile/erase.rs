//! Erasure: a tombstone that also wins over copies that come late.

use super::codec::{decode_state, encode_within_bounds, failure, state_and_warnings};
use super::{FoldReport, Profile};
use alloc::vec::Vec;
use unisono_message::{Reader, Result, check_future, limits, missing, read_fields};

/// Erases: `{"state"?, "ts_ms", "now_ms"}` gives `{"state": bin, "warnings"}`. Everything at or before `ts_ms` goes: events, marks of
/// its day and before, traits, consents and links; and whatever of that time a later merge or event brings. A moment more
/// than ten minutes after `now_ms` is refused, because it would swallow what is yet to come. Never fails: errors are in the
/// answer.
pub fn erase(input: &[u8]) -> Vec<u8> {
    erase_bytes(input).unwrap_or_else(|error| failure(&error))
}

fn erase_bytes(input: &[u8]) -> Result<Vec<u8>> {
    let mut reader = Reader::new(input);
    let mut state = None;
    let mut times = [None; 2];
    read_fields(&mut reader, &["ts_ms", "now_ms", "state"], |r, field| match times.get_mut(field) {
        Some(time) => *time = Some(r.int_within(limits::TIME_MS_MIN, limits::TIME_MS_MAX)),
        None => state = Some(r.bin()),
    });
    for (name, time) in ["ts_ms", "now_ms"].iter().zip(times) {
        if time.is_none() {
            missing(&mut reader, name);
        }
    }
    reader.finish()?;
    let [ts_ms, now_ms] = times;
    check_future(ts_ms.unwrap_or_default(), now_ms.unwrap_or_default())?;
    let tombstone = Profile { erased_ms: ts_ms, ..Profile::default() };
    let (profile, _) = decode_state(state)?.merged(&tombstone);
    let warnings = FoldReport::default().warnings(reader.unknown_fields());
    Ok(state_and_warnings(&encode_within_bounds(&profile)?, &warnings))
}
