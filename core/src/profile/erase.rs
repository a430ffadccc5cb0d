//! Erasure: a tombstone that also wins over copies that come late.

use super::codec::{decode_state, encode_within_bounds, failure, state_and_warnings};
use super::{FoldReport, Profile};
use alloc::vec::Vec;
use unisono_message::{Reader, Result, check_future, limits, missing, read_fields};

/// Erases: `{"state"?, "ts_ms"?, "now_ms"}` gives `{"state": bin, "warnings"}`. Everything at or before `ts_ms` goes: events, marks of
/// its day and before, traits, consents and links; and whatever of that time a later merge or event brings. A moment more
/// than ten minutes after `now_ms` is refused, because it would swallow what is yet to come. Without `ts_ms` all goes that the
/// state holds, also what a clock that runs ahead has written. Never fails: errors are in the answer.
pub fn erase(input: &[u8]) -> Vec<u8> {
    erase_bytes(input).unwrap_or_else(|error| failure(&error))
}

impl Profile<'_> {
    /// The latest moment that the state names.
    fn newest_ms(&self) -> Option<i64> {
        let events = self.events.iter().map(|event| event.ts_ms);
        events.chain(self.registers.iter().map(|one| one.ts_ms)).max()
    }
}

fn erase_bytes(input: &[u8]) -> Result<Vec<u8>> {
    let mut reader = Reader::new(input);
    let mut state = None;
    let mut times = [None; 2];
    read_fields(&mut reader, &["ts_ms", "now_ms", "state"], |r, field| match times.get_mut(field) {
        Some(time) => *time = Some(r.int_within(limits::TIME_MS_MIN, limits::TIME_MS_MAX)),
        None => state = Some(r.bin()),
    });
    let [ts_ms, now_ms] = times;
    if now_ms.is_none() {
        missing(&mut reader, "now_ms");
    }
    reader.finish()?;
    check_future(ts_ms.unwrap_or_default(), now_ms.unwrap_or_default())?;
    let profile = decode_state(state)?;
    let erased_ms = ts_ms.or_else(|| now_ms.max(profile.newest_ms()));
    let (profile, _) = profile.merged(&Profile { erased_ms, ..Profile::default() });
    let warnings = FoldReport::default().warnings(reader.unknown_fields());
    Ok(state_and_warnings(&encode_within_bounds(&profile)?, &warnings))
}
