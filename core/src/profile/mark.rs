//! Day marks: what remains of an event when only its day matters.

use core::cmp::Ordering;
use unisono_message::{Event, EventType};

/// One mark: on this UTC day, this happened to this item in this channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark<'a> {
    /// Days since 1970-01-01, UTC.
    pub day: i64,
    /// The item.
    pub item_id: &'a str,
    /// What happened.
    pub kind: EventType,
    /// Where.
    pub channel: &'a str,
}

impl<'a> Mark<'a> {
    /// The mark that an event leaves; none when it names no item.
    pub fn of(event: &Event<'a>) -> Option<Self> {
        let item_id = event.item_id?;
        Some(Mark { day: event.day(), item_id, kind: event.kind, channel: event.channel })
    }

    /// Newest first; on one day by item, type and channel. The order in which profiles keep and encode marks.
    pub fn newest_first(&self, other: &Self) -> Ordering {
        other
            .day
            .cmp(&self.day)
            .then_with(|| self.item_id.cmp(other.item_id))
            .then_with(|| self.kind.cmp(&other.kind))
            .then_with(|| self.channel.cmp(other.channel))
    }
}
