//! Settling: what remains of a profile's events once copies, returns and pick-ups are set off against each other. Only what
//! is kept in full can be: the purchases of evicted events stay as their marks say.

use super::Profile;
use super::join::day_of;
use super::mark::Mark;
use crate::order::{distinct, sorted};
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::Range;
use unisono_message::limits::PROFILE_EVENTS_PER_CLASS;
use unisono_message::list::{Listed, count_before, keep, search};
use unisono_message::{Event, EventType};

impl<'a> Profile<'a> {
    /// The marks of the kept events of the day of the erasure: the tombstone took those of the whole day.
    pub(super) fn add_day_of_erasure(&mut self) {
        let Some(day) = self.erased_ms.map(day_of) else { return };
        let marks: Vec<Mark<'a>> =
            self.events.iter().filter(|event| event.day() == day && !event.carried).filter_map(Mark::of).listed();
        self.add_marks(&marks);
    }

    fn add_marks(&mut self, marks: &[Mark<'a>]) {
        self.marks.extend_from_slice(marks);
        self.marks = distinct(core::mem::take(&mut self.marks), Mark::newest_first);
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
        let classes: Vec<&[Event<'a>]> = self.events.chunk_by(|a, b| class(a) == class(b)).listed();
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
        self.events.iter().filter(|event| keep(event)).copied().listed()
    }

    fn count_pickups(&mut self) {
        let bought = self.lines(EventType::Purchase);
        let by_order = by_order(&bought);
        let mut purchases = self.kept_events(|event| {
            let is_bought = || !of_order(&bought, &by_order, event.item_id, event.order_id).is_empty();
            let names_a_line = event.order_id.is_some() && event.item_id.is_some();
            event.kind == EventType::Pickup && names_a_line && !is_bought()
        });
        for event in &mut purchases {
            event.forget_bytes();
            event.kind = EventType::Purchase;
        }
        self.add_marks(&purchases.iter().filter_map(Mark::of).listed());
        self.events.extend(purchases);
    }

    fn take_returns(&mut self) {
        let mut bought = self.lines(EventType::Purchase);
        let by_order = by_order(&bought);
        // Which lines have something left, in the order of the lines and in that of the orders: spent ones are leapt over,
        // so that the work does not grow with the product of purchases and returns.
        let (mut with_left, mut with_left_by_order) = (Skips::new(bought.len()), Skips::new(bought.len()));
        let mut place_in_order = alloc::vec![0; bought.len()];
        for (place, at) in by_order.iter().enumerate() {
            if let Some(of_line) = place_in_order.get_mut(*at) {
                *of_line = place;
            }
        }
        // Lines lie newest first: the oldest return takes first, and from the newest purchase.
        for returned in self.lines(EventType::Return).iter().rev().filter(|line| line.item_id.is_some()) {
            let (skips, places) = match returned.order_id {
                Some(_) => (&mut with_left_by_order, of_order(&bought, &by_order, returned.item_id, returned.order_id)),
                None => {
                    let of_item = of_item(&bought, returned.item_id);
                    let lines = bought.get(of_item.clone()).unwrap_or_default();
                    let later = count_before(lines, |line| line.ts_ms > returned.ts_ms);
                    (&mut with_left, of_item.start + later..of_item.end)
                }
            };
            let mut spent = Vec::new();
            let mut to_take = returned.left_milli;
            let mut place = skips.next(places.start);
            while place < places.end && to_take > 0 {
                let at =
                    if returned.order_id.is_some() { by_order.get(place).copied().unwrap_or(place) } else { place };
                let Some(line) = bought.get_mut(at) else { break };
                let taken = line.left_milli.min(to_take);
                line.left_milli -= taken;
                to_take -= taken;
                if line.left_milli == 0 {
                    spent.push(at);
                }
                place = skips.next(place + 1);
            }
            for at in spent {
                with_left.skip(at);
                with_left_by_order.skip(place_in_order.get(at).copied().unwrap_or(at));
            }
        }
        let (mut gone, mut left) = (Vec::new(), Vec::new());
        for line in &bought {
            if let Some(event) = self.events.get_mut(line.at) {
                event.forget_bytes();
                event.quantity_milli = line.left_milli;
                if line.left_milli > 0 { &mut left } else { &mut gone }.extend(Mark::of(event));
            }
        }
        let holds = |marks: &[Mark<'a>], mark: &Mark<'a>| search(marks, |one| one.newest_first(mark)).is_ok();
        let (gone, left) = (sorted(gone, Mark::newest_first), sorted(left, Mark::newest_first));
        keep(&mut self.marks, |mark| !holds(&gone, mark) || holds(&left, mark));
        keep(&mut self.events, |event| event.quantity_milli > 0);
    }

    /// The lines of a type, by item, newest first within under the total order.
    fn lines(&self, kind: EventType) -> Vec<Line<'a>> {
        let of_kind = self.events.iter().enumerate().filter(|(_, event)| event.kind == kind);
        let lines: Vec<Line<'a>> = of_kind.map(|(at, event)| Line::of(at, event)).listed();
        let newest_first = |a: &Line<'_>, b: &Line<'_>| match (self.events.get(a.at), self.events.get(b.at)) {
            (Some(a), Some(b)) => b.total_cmp(a),
            _ => Ordering::Equal,
        };
        sorted(lines, |a, b| a.item_id.cmp(&b.item_id).then_with(|| newest_first(a, b)))
    }
}

/// The places of an item's lines.
fn of_item(lines: &[Line<'_>], item_id: Option<&str>) -> Range<usize> {
    count_before(lines, |line| line.item_id < item_id)..count_before(lines, |line| line.item_id <= item_id)
}

/// The places of lines by item and order, newest first within.
fn by_order(lines: &[Line<'_>]) -> Vec<usize> {
    let places: Vec<usize> = (0..lines.len()).listed();
    let key = |at: &usize| lines.get(*at).map(|line| (line.item_id, line.order_id));
    sorted(places, |a, b| key(a).cmp(&key(b)))
}

/// The places within `by_order` of an item's lines of an order.
fn of_order(lines: &[Line<'_>], by_order: &[usize], item_id: Option<&str>, order_id: Option<&str>) -> Range<usize> {
    let key = |at: &usize| lines.get(*at).map(|line| (line.item_id, line.order_id));
    let wanted = Some((item_id, order_id));
    count_before(by_order, |at| key(at) < wanted)..count_before(by_order, |at| key(at) <= wanted)
}

/// Places of which some are to be leapt over, each with the next one that may not be (union-find, paths halved).
struct Skips(Vec<usize>);

impl Skips {
    fn new(places: usize) -> Self {
        Skips((0..=places).listed())
    }

    /// The first place from this one on that is not leapt over; the number of places when there is none.
    fn next(&mut self, mut place: usize) -> usize {
        loop {
            let Some(next) = self.0.get(place).copied() else { return self.0.len() };
            if next == place {
                return place;
            }
            let after = self.0.get(next).copied().unwrap_or(next);
            if let Some(own) = self.0.get_mut(place) {
                *own = after;
            }
            place = after;
        }
    }

    fn skip(&mut self, place: usize) {
        if let Some(own) = self.0.get_mut(place) {
            *own = place + 1;
        }
    }
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
