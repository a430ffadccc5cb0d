//! Settling: what remains of a profile's events once copies, returns and pick-ups are set off against each other. Only what
//! is kept in full can be: the purchases of evicted events stay as their marks say.

use super::Profile;
use super::join::day_of;
use super::mark::Mark;
use crate::order::sorted;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::Range;
use unisono_message::limits::PROFILE_EVENTS_PER_CLASS;
use unisono_message::{Event, EventType};

impl<'a> Profile<'a> {
    /// The marks of the kept events of the day of the erasure: the tombstone took those of the whole day.
    pub(super) fn add_day_of_erasure(&mut self) {
        let Some(day) = self.erased_ms.map(day_of) else { return };
        let marks: Vec<Mark<'a>> =
            self.events.iter().filter(|event| event.day() == day && !event.carried).filter_map(Mark::of).collect();
        self.add_marks(&marks);
    }

    fn add_marks(&mut self, marks: &[Mark<'a>]) {
        self.marks.extend_from_slice(marks);
        self.marks = sorted(&self.marks, Mark::newest_first);
        self.marks.dedup();
    }

    /// The profile as features see it; none where nothing is to be set off.
    ///
    /// A carried event stands back where its original is known, or may have been: where its class is full of newer ones. A
    /// pick-up is a purchase if its order has no purchase of the item. A return takes its quantity from the item's purchases of
    /// its order, and where it names none from those before it, newest first; what is returned whole is no purchase.
    pub fn settled(&self) -> Option<Profile<'a>> {
        let concerns = |event: &Event<'_>| event.carried || matches!(event.kind, EventType::Return | EventType::Pickup);
        if !self.events.iter().any(concerns) {
            return None;
        }
        let mut settled = self.clone();
        settled.drop_carried_copies();
        settled.count_pickups();
        settled.take_returns();
        Some(settled)
    }

    fn drop_carried_copies(&mut self) {
        let class = |event: &Event<'a>| (event.kind, event.carried, event.channel);
        let classes: Vec<&[Event<'a>]> = self.events.chunk_by(|a, b| class(a) == class(b)).collect();
        self.events = self.kept_events(|event| {
            let original = (event.kind, false, event.channel);
            let is_of = |chunk: &&&[Event<'a>]| chunk.first().is_some_and(|first| class(first) == original);
            let originals = classes.iter().find(is_of).copied().unwrap_or_default();
            let newer = originals.iter().filter(|other| other.ts_ms >= event.ts_ms).count();
            let same = |other: &Event<'_>| (other.ts_ms, other.item_id) == (event.ts_ms, event.item_id);
            !event.carried || (newer < PROFILE_EVENTS_PER_CLASS && !originals.iter().any(same))
        });
    }

    fn kept_events(&self, keep: impl Fn(&Event<'a>) -> bool) -> Vec<Event<'a>> {
        self.events.iter().filter(|event| keep(event)).copied().collect()
    }

    fn count_pickups(&mut self) {
        let bought = self.lines(EventType::Purchase);
        let mut purchases = self.kept_events(|event| {
            let lines = bought.get(of_item(&bought, event.item_id)).unwrap_or_default();
            let is_bought = || lines.iter().any(|line| line.order_id == event.order_id);
            event.kind == EventType::Pickup && event.order_id.is_some() && !is_bought()
        });
        purchases.iter_mut().for_each(|event| event.kind = EventType::Purchase);
        self.add_marks(&purchases.iter().filter_map(Mark::of).collect::<Vec<_>>());
        self.events.extend(purchases);
    }

    fn take_returns(&mut self) {
        let mut bought = self.lines(EventType::Purchase);
        // Lines lie newest first: the oldest return takes first, and from the newest purchase.
        for returned in self.lines(EventType::Return).iter().rev().filter(|line| line.item_id.is_some()) {
            let mut to_take = returned.left_milli;
            for at in of_item(&bought, returned.item_id) {
                let Some(line) = bought.get_mut(at) else { break };
                let is_meant = match returned.order_id {
                    Some(_) => line.order_id == returned.order_id,
                    None => line.ts_ms <= returned.ts_ms,
                };
                let taken = if is_meant { line.left_milli.min(to_take) } else { 0 };
                line.left_milli -= taken;
                to_take -= taken;
            }
        }
        let (mut gone, mut left) = (Vec::new(), Vec::new());
        for line in &bought {
            if let Some(event) = self.events.get_mut(line.at) {
                event.quantity_milli = line.left_milli;
                if line.left_milli > 0 { &mut left } else { &mut gone }.extend(Mark::of(event));
            }
        }
        let holds = |marks: &[Mark<'a>], mark: &Mark<'a>| marks.binary_search_by(|one| one.newest_first(mark)).is_ok();
        let (gone, left) = (sorted(&gone, Mark::newest_first), sorted(&left, Mark::newest_first));
        self.marks.retain(|mark| !holds(&gone, mark) || holds(&left, mark));
        self.events.retain(|event| event.quantity_milli > 0);
    }

    /// The lines of a type, by item, newest first within under the total order.
    fn lines(&self, kind: EventType) -> Vec<Line<'a>> {
        let of_kind = self.events.iter().enumerate().filter(|(_, event)| event.kind == kind);
        let lines: Vec<Line<'a>> = of_kind.map(|(at, event)| Line::of(at, event)).collect();
        let newest_first = |a: &Line<'_>, b: &Line<'_>| match (self.events.get(a.at), self.events.get(b.at)) {
            (Some(a), Some(b)) => b.total_cmp(a),
            _ => Ordering::Equal,
        };
        sorted(&lines, |a, b| a.item_id.cmp(&b.item_id).then_with(|| newest_first(a, b)))
    }
}

/// The places of an item's lines.
fn of_item(lines: &[Line<'_>], item_id: Option<&str>) -> Range<usize> {
    lines.partition_point(|line| line.item_id < item_id)..lines.partition_point(|line| line.item_id <= item_id)
}

/// What settling needs of an event.
#[derive(Clone, Copy)]
struct Line<'a> {
    /// Its place among the events.
    at: usize,
    item_id: Option<&'a str>,
    order_id: Option<&'a str>,
    ts_ms: i64,
    left_milli: i64,
}

impl<'a> Line<'a> {
    fn of(at: usize, event: &Event<'a>) -> Self {
        let Event { item_id, order_id, ts_ms, quantity_milli: left_milli, .. } = *event;
        Line { at, item_id, order_id, ts_ms, left_milli }
    }
}
