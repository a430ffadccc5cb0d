//! The profile: bounded, mergeable, canonical. Its state is a join of sets, so that copies merge to the same bytes in
//! any order.
//!
//! - `events`: per class (event type, and whether a token carried it) and channel, the newest 200 under the total order of
//!   events. An event's identity is (class, channel, event id), and the greatest copy wins.
//! - `marks`: per type and channel, the newest 1,024 of the set of (UTC day, item, type, channel) of every event ever applied.
//! - `traits`, `consents`, `links`: registers; the last writer wins by (time, writer).
//! - `erased`: the greatest tombstone. Whatever is of its moment or before goes, and marks of its day too.
//!
//! Both bounds are "newest n of a union", hence exact under merge, and a tombstone takes the oldest away, which commutes with
//! them. The bounds of classes, registers and bytes are errors instead: no choice of what to leave out would be the same in
//! every order of merging.

mod apply;
mod codec;
mod erase;
mod export;
mod join;
mod links;
mod mark;
mod settle;
mod sight;
mod token;

pub use apply::apply;
pub use codec::merge;
pub use erase::erase;
pub use export::export;
pub use join::Bounds;
pub use links::{Component, component, component_of};
pub use mark::Mark;
pub(crate) use sight::Seen;
pub use token::{token_apply, token_write};

use alloc::vec::Vec;
use unisono_message::{Event, Register, Warning, WarningCode};

/// A profile's state, borrowed from the bytes that it was decoded from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile<'a> {
    /// By (class, channel), newest first within.
    events: Vec<Event<'a>>,
    /// Newest first.
    marks: Vec<Mark<'a>>,
    /// Traits, consents and links, each key once, by key.
    registers: Vec<Register<'a>>,
    /// The tombstone, Unix ms.
    erased_ms: Option<i64>,
}

/// What a fold left out or joined, for the warnings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FoldReport {
    /// Copies of an event that is known already.
    pub duplicate_events: u32,
    /// Events beyond the newest 200 of their class and channel; their marks stay.
    pub events_beyond_bound: u32,
    /// Marks beyond the newest 1,024 of their type and channel.
    pub marks_beyond_bound: u32,
}

impl FoldReport {
    /// As warnings, beside the fields that were passed over.
    pub fn warnings(&self, unknown_fields: u32) -> Vec<Warning> {
        Warning::counted(&[
            (WarningCode::UnknownField, unknown_fields as usize),
            (WarningCode::DuplicateEvent, self.duplicate_events as usize),
            (WarningCode::EventsBeyondBound, self.events_beyond_bound as usize),
            (WarningCode::MarksBeyondBound, self.marks_beyond_bound as usize),
        ])
    }
}

impl<'a> Profile<'a> {
    /// The full events that are kept, by (class, channel), newest first within.
    pub fn events(&self) -> &[Event<'a>] {
        &self.events
    }

    /// The day marks that are kept, newest first.
    pub fn marks(&self) -> &[Mark<'a>] {
        &self.marks
    }

    /// The state of a set of events in any order.
    pub fn from_events(events: &[Event<'a>]) -> (Self, FoldReport) {
        Profile::default().with_events(events)
    }
}

#[cfg(test)]
mod tests;
