//! Joining: events into a state, and states into one.

use super::mark::Mark;
use super::{FoldReport, Profile};
use crate::order::{distinct, may_repeat, sorted};
use alloc::vec::Vec;
use core::cmp::Ordering;
use unisono_message::limits::{PROFILE_EVENTS_PER_CLASS, PROFILE_MARKS_PER_CLASS};
use unisono_message::list::{Listed, keep, once_each};
use unisono_message::{Event, Register};

/// How much of each class and channel a state keeps. Whatever decides keeps the default; others measure what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Newest full events.
    pub events: usize,
    /// Newest marks.
    pub marks: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { events: PROFILE_EVENTS_PER_CLASS, marks: PROFILE_MARKS_PER_CLASS }
    }
}

impl<'a> Profile<'a> {
    /// The state that a set of events would have under other bounds; only under the default ones can it be decoded again.
    pub fn of_events_within(bounds: Bounds, events: &[Event<'a>]) -> Self {
        Profile::join_within(bounds, events, &[]).0
    }

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

    /// Whether a join would leave the state as it is: what is in order is told by looking at it once, the rest by joining.
    pub(super) fn is_joined(&self) -> bool {
        self.is_in_order() || Profile::of_states(core::slice::from_ref(self)).0.encode() == self.encode()
    }

    /// Whether events and marks are in order, within their bounds and after the tombstone, no event may be a copy, and the
    /// registers are in order: then a join changes nothing.
    fn is_in_order(&self) -> bool {
        let bounds = Bounds::default();
        let events: Vec<Keyed<'_, 'a>> = self.events.iter().map(Keyed::new).listed();
        let mut of_class = 1usize;
        let in_order = events.iter().zip(events.iter().skip(1)).all(|(one, next)| {
            let by_class = one.by_class(next);
            of_class = if by_class.is_eq() { of_class + 1 } else { 1 };
            of_class <= bounds.events && by_class.then_with(|| next.event.total_cmp(one.event)).is_lt()
        });
        in_order
            && copies(&events).is_empty()
            && (self.marks.len() <= bounds.marks || self.marks_are_within(bounds.marks))
            && self.marks.iter().zip(self.marks.iter().skip(1)).all(|(one, next)| one.newest_first(next).is_lt())
            && self.registers.iter().zip(self.registers.iter().skip(1)).all(|(one, next)| one.by_key(next).is_lt())
            && self.outlives(self.erased_ms)
    }

    fn marks_are_within(&self, bound: usize) -> bool {
        newest_marks(self.marks.clone(), bound, &mut FoldReport::default()).len() == self.marks.len()
    }

    /// Whether all of it is after a tombstone.
    fn outlives(&self, erased_ms: Option<i64>) -> bool {
        erased_ms.is_none_or(|erased_ms| {
            self.events.iter().all(|event| event.ts_ms > erased_ms)
                && self.marks.iter().all(|mark| mark.day > day_of(erased_ms))
                && self.registers.iter().all(|one| one.ts_ms > erased_ms)
        })
    }

    pub(super) fn join(events: &[Event<'a>], states: &[Profile<'a>]) -> (Self, FoldReport) {
        Profile::join_within(Bounds::default(), events, states)
    }

    fn join_within(bounds: Bounds, events: &[Event<'a>], states: &[Profile<'a>]) -> (Self, FoldReport) {
        let mut report = FoldReport::default();
        let erased_ms = states.iter().filter_map(|state| state.erased_ms).max();
        // Senders list events oldest first: read backwards, they are nearly in order already.
        let mut all: Vec<Keyed<'_, 'a>> = events.iter().rev().map(Keyed::new).listed();
        let mut marks = Vec::new();
        for state in states {
            state.events.iter().map(Keyed::new).append_to(&mut all);
            marks.extend_from_slice(&state.marks);
        }
        events.iter().rev().filter(|event| !event.carried).filter_map(Mark::of).append_to(&mut marks);
        if let Some(erased_ms) = erased_ms {
            keep(&mut all, |keyed| keyed.event.ts_ms > erased_ms);
            keep(&mut marks, |mark| mark.day > day_of(erased_ms));
        }
        let joined = Profile {
            events: newest_events(all, bounds.events, &mut report),
            marks: newest_marks(marks, bounds.marks, &mut report),
            registers: winners(states.iter().flat_map(|state| &state.registers), erased_ms),
            erased_ms,
        };
        (joined, report)
    }
}

/// An event with what tells its class and its id quickly.
#[derive(Clone, Copy)]
pub(super) struct Keyed<'e, 'a> {
    event: &'e Event<'a>,
    /// Type and whether it was carried, then the first seven bytes of the channel, big-endian: nearly always decides the order
    /// of classes.
    class: u64,
    /// Of the event's id.
    hash: u64,
    /// Place among the newest.
    place: u32,
}

impl<'e, 'a> Keyed<'e, 'a> {
    fn new(event: &'e Event<'a>) -> Self {
        let byte = |at: usize| u64::from(event.channel.as_bytes().get(at).copied().unwrap_or(0));
        let class = event.kind as u64 | u64::from(event.carried) << 7;
        let class = (0..7).fold(class, |class, at| class << 8 | byte(at));
        Keyed { event, class, hash: hash(event.event_id), place: 0 }
    }

    pub(super) fn numbered(event: &'e Event<'a>, place: u32) -> Self {
        Keyed { place, ..Keyed::new(event) }
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
fn newest_events<'a>(all: Vec<Keyed<'_, 'a>>, bound: usize, report: &mut FoldReport) -> Vec<Event<'a>> {
    let mut newest = sorted(all, |a, b| a.by_class(b).then_with(|| b.event.total_cmp(a.event)));
    for (place, keyed) in newest.iter_mut().enumerate() {
        keyed.place = place as u32;
    }
    // The sort is stable, so that of equal identities the greatest copy comes first.
    for copy in copies(&newest) {
        if let Some(copy) = newest.get_mut(copy as usize) {
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
        if of_class <= bound {
            kept.push(*keyed.event);
        } else {
            report.events_beyond_bound += 1;
        }
    }
    kept
}

/// The places of the events whose identity an earlier one of the list has.
pub(super) fn copies(all: &[Keyed<'_, '_>]) -> Vec<u32> {
    let hashes: Vec<u64> = all.iter().map(|keyed| keyed.hash).listed();
    if !may_repeat(&hashes) {
        return Vec::new();
    }
    let all = sorted(all.to_vec(), Keyed::by_identity);
    let pairs = all.iter().zip(all.iter().skip(1)).filter(|(first, copy)| first.by_identity(copy).is_eq());
    pairs.map(|(_, copy)| copy.place).listed()
}

/// The place of an event that is a copy of another.
const COPY: u32 = u32::MAX;

fn newest_marks<'a>(marks: Vec<Mark<'a>>, bound: usize, report: &mut FoldReport) -> Vec<Mark<'a>> {
    let marks = distinct(marks, Mark::newest_first);
    if marks.len() <= bound {
        return marks;
    }
    let places: Vec<u32> = (0..marks.len() as u32).listed();
    let class = |place: &u32| marks.get(*place as usize).map(|mark| (mark.kind, mark.channel));
    // The sort is stable, so that marks of one class stay newest first.
    let by_class = sorted(places, |a, b| class(a).cmp(&class(b)));
    let (mut of_class, mut last) = (0usize, None);
    let within = by_class.iter().filter(|place| {
        let found = class(place);
        of_class = if last == Some(found) { of_class + 1 } else { 1 };
        last = Some(found);
        of_class <= bound
    });
    let within: Vec<u32> = within.copied().listed();
    report.marks_beyond_bound = (marks.len() - within.len()) as u32;
    let within = sorted(within, u32::cmp);
    within.iter().filter_map(|place| marks.get(*place as usize)).copied().listed()
}

/// The winner of each key among the registers that outlive the tombstone, by key.
pub(super) fn winners<'r, 'a: 'r>(
    all: impl Iterator<Item = &'r Register<'a>>,
    erased_ms: Option<i64>,
) -> Vec<Register<'a>> {
    let all: Vec<Register<'a>> = all.filter(|one| erased_ms.is_none_or(|erased| one.ts_ms > erased)).copied().listed();
    let mut all = sorted(all, |a, b| a.by_key(b).then_with(|| a.winner_first(b)));
    once_each(&mut all, |later, kept| later.by_key(kept).is_eq());
    all
}

/// The UTC day of a moment, since 1970.
pub(super) fn day_of(ts_ms: i64) -> i64 {
    ts_ms.div_euclid(86_400_000)
}
