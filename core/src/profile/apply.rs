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
        let mut all = self.events;
        let mut marks = self.marks;
        all.extend_from_slice(events);
        marks.extend(events.iter().filter_map(Mark::of));
        let mut report = FoldReport::default();
        let joined = Profile { events: newest_events(all, &mut report), marks: newest_marks(marks, &mut report) };
        (joined, report)
    }

    /// The join of two states: associative, commutative, idempotent.
    pub fn merged(self, other: &Profile<'a>) -> (Self, FoldReport) {
        let mut report = FoldReport::default();
        let mut events = self.events;
        let mut marks = self.marks;
        events.extend_from_slice(&other.events);
        marks.extend_from_slice(&other.marks);
        let joined = Profile { events: newest_events(events, &mut report), marks: newest_marks(marks, &mut report) };
        (joined, report)
    }
}

fn by_class(a: &Event<'_>, b: &Event<'_>) -> Ordering {
    a.kind.cmp(&b.kind).then_with(|| a.channel.cmp(b.channel))
}

/// One copy of each event, then the newest of each class and channel.
fn newest_events<'a>(mut events: Vec<Event<'a>>, report: &mut FoldReport) -> Vec<Event<'a>> {
    events =
        sorted(&events, |a, b| by_class(a, b).then_with(|| a.event_id.cmp(b.event_id)).then_with(|| b.total_cmp(a)));
    let before = events.len();
    events.dedup_by(|later, kept| by_class(later, kept).is_eq() && later.event_id == kept.event_id);
    report.duplicate_events = (before - events.len()) as u32;
    events = sorted(&events, |a, b| by_class(a, b).then_with(|| b.total_cmp(a)));
    let distinct = events.len();
    let mut kept: Vec<Event<'a>> = Vec::with_capacity(distinct);
    let mut of_class = 0usize;
    for event in events {
        let same = kept.last().is_some_and(|last| by_class(last, &event).is_eq());
        of_class = if same { of_class + 1 } else { 1 };
        if of_class <= PROFILE_EVENTS_PER_CLASS {
            kept.push(event);
        }
    }
    report.events_beyond_bound = (distinct - kept.len()) as u32;
    kept
}

fn newest_marks<'a>(mut marks: Vec<Mark<'a>>, report: &mut FoldReport) -> Vec<Mark<'a>> {
    marks = sorted(&marks, Mark::newest_first);
    marks.dedup();
    report.marks_beyond_bound = marks.len().saturating_sub(PROFILE_MARKS) as u32;
    marks.truncate(PROFILE_MARKS);
    marks
}

/// Adds events to a state: `{"now_ms", "profile_id"?, "state"?, "events": [...]}` gives
/// `{"state": bin, "results": [{"status": "accepted" | "refused", "code"?, "message"?, "field"?}]}`, a result an event.
/// An event that is refused costs the others nothing. Never fails: errors are in the answer.
pub fn apply(input: &[u8]) -> Vec<u8> {
    super::codec::apply_bytes(input).unwrap_or_else(|error: Error| super::codec::failure(&error))
}

/// Merges states: `{"states": [bin, ...]}` gives `{"state": bin}`. Never fails: errors are in the answer.
pub fn merge(input: &[u8]) -> Vec<u8> {
    let merged: Result<Vec<u8>> = super::codec::merge_bytes(input);
    merged.unwrap_or_else(|error| super::codec::failure(&error))
}
