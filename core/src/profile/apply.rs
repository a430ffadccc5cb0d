//! Applying events and merging states: one join serves both.

use super::mark::Mark;
use super::{FoldReport, Profile};
use crate::order::sorted;
use alloc::vec::Vec;
use core::cmp::Ordering;
use unisono_message::limits::{PROFILE_EVENTS_PER_CLASS, PROFILE_MARKS};
use unisono_message::{Error, Event, Result};

impl<'a> Profile<'a> {
    /// The join of this state with a set of events in any order.
    pub fn with_events(self, events: &[Event<'a>]) -> (Self, FoldReport) {
        Profile::join(events, &[self])
    }

    /// The join of two states: associative, commutative, idempotent.
    pub fn merged(self, other: &Profile<'a>) -> (Self, FoldReport) {
        Profile::of_states(&[self, other.clone()])
    }

    /// The join of any number of states. All at once, so that the report does not depend on their order either.
    pub fn of_states(states: &[Profile<'a>]) -> (Self, FoldReport) {
        Profile::join(&[], states)
    }

    fn join(events: &[Event<'a>], states: &[Profile<'a>]) -> (Self, FoldReport) {
        let mut report = FoldReport::default();
        // Senders list events oldest first: read backwards, they are nearly in order already.
        let mut all: Vec<Keyed<'_, 'a>> = events.iter().rev().map(Keyed::new).collect();
        let mut marks = Vec::new();
        for state in states {
            all.extend(state.events.iter().map(Keyed::new));
            marks.extend_from_slice(&state.marks);
        }
        marks.extend(events.iter().rev().filter_map(Mark::of));
        let joined = Profile { events: newest_events(&all, &mut report), marks: newest_marks(&marks, &mut report) };
        (joined, report)
    }
}

/// An event with what tells its class and its id quickly.
#[derive(Clone, Copy)]
struct Keyed<'e, 'a> {
    event: &'e Event<'a>,
    /// Type, then the first seven bytes of the channel, big-endian: nearly always decides the order of classes.
    class: u64,
    /// Of the event's id.
    hash: u64,
    /// Place among the newest.
    place: u32,
}

impl<'e, 'a> Keyed<'e, 'a> {
    fn new(event: &'e Event<'a>) -> Self {
        let byte = |at: usize| u64::from(event.channel.as_bytes().get(at).copied().unwrap_or(0));
        let class = (0..7).fold(event.kind as u64, |class, at| class << 8 | byte(at));
        Keyed { event, class, hash: hash(event.event_id), place: 0 }
    }

    fn by_class(&self, other: &Self) -> Ordering {
        // Channel names hold no zero byte, so that the padding cannot mislead.
        self.class.cmp(&other.class).then_with(|| self.event.channel.cmp(other.event.channel))
    }

    fn by_identity(&self, other: &Self) -> Ordering {
        let by_class = || self.by_class(other);
        self.hash.cmp(&other.hash).then_with(by_class).then_with(|| self.event.event_id.cmp(other.event.event_id))
    }
}

/// Spreads ids, so that sorting them compares numbers; equal hashes fall back to the ids.
fn hash(id: &str) -> u64 {
    let mix = |hash: u64, word: u64| (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let (words, rest) = id.as_bytes().as_chunks::<8>();
    let rest = rest.iter().fold(id.len() as u64, |word, byte| word << 8 | u64::from(*byte));
    mix(words.iter().fold(0, |hash, word| mix(hash, u64::from_le_bytes(*word))), rest)
}

/// One copy of each event, then the newest of each class and channel.
fn newest_events<'a>(all: &[Keyed<'_, 'a>], report: &mut FoldReport) -> Vec<Event<'a>> {
    let mut newest = sorted(all, |a, b| a.by_class(b).then_with(|| b.event.total_cmp(a.event)));
    for (place, keyed) in newest.iter_mut().enumerate() {
        keyed.place = place as u32;
    }
    // The sort is stable, so that of equal identities the greatest copy comes first.
    let by_id = sorted(&newest, Keyed::by_identity);
    for (first, copy) in by_id.iter().zip(by_id.iter().skip(1)) {
        if first.by_identity(copy).is_eq()
            && let Some(copy) = newest.get_mut(copy.place as usize)
        {
            copy.place = COPY;
            report.duplicate_events += 1;
        }
    }
    let mut kept: Vec<Event<'a>> = Vec::with_capacity(newest.len());
    let (mut of_class, mut last) = (0usize, None);
    for keyed in newest.iter().filter(|keyed| keyed.place != COPY) {
        let same = last.is_some_and(|last: &Keyed<'_, 'a>| last.by_class(keyed).is_eq());
        of_class = if same { of_class + 1 } else { 1 };
        last = Some(keyed);
        if of_class <= PROFILE_EVENTS_PER_CLASS {
            kept.push(*keyed.event);
        } else {
            report.events_beyond_bound += 1;
        }
    }
    kept
}

/// The place of an event that is a copy of another.
const COPY: u32 = u32::MAX;

fn newest_marks<'a>(marks: &[Mark<'a>], report: &mut FoldReport) -> Vec<Mark<'a>> {
    let mut marks = sorted(marks, Mark::newest_first);
    marks.dedup();
    report.marks_beyond_bound = marks.len().saturating_sub(PROFILE_MARKS) as u32;
    marks.truncate(PROFILE_MARKS);
    marks
}

/// Adds events to a state: `{"now_ms", "profile_id"?, "state"?, "events": [...]}` gives
/// `{"state": bin, "results": [{"status": "accepted" | "refused", "code"?, "message"?, "field"?}], "warnings": [...]}`, a
/// result an event. An event that is refused costs the others nothing, and its unknown fields are not counted. A call
/// whose state would be too large is refused whole. Never fails: errors are in the answer.
pub fn apply(input: &[u8]) -> Vec<u8> {
    super::codec::apply_bytes(input).unwrap_or_else(|error: Error| super::codec::failure(&error))
}

/// Merges states: `{"states": [bin, ...]}` gives `{"state": bin, "warnings": [...]}`; no states give the empty one. Where
/// the join would be too large the call is refused whole, and the caller keeps its states. Never fails: errors are in the
/// answer.
pub fn merge(input: &[u8]) -> Vec<u8> {
    let merged: Result<Vec<u8>> = super::codec::merge_bytes(input);
    merged.unwrap_or_else(|error| super::codec::failure(&error))
}
