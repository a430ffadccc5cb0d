//! Returns, pick-ups and carried copies, naively: one at a time, as a clerk would.

use super::profile::{Event, Mark, Profile};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use unisono_message::EventType;
use unisono_message::limits::PROFILE_EVENTS_PER_CLASS;

impl Profile {
    /// What remains once copies, returns and pick-ups are set off.
    pub(super) fn settled(&self) -> Profile {
        let events: Vec<Event> = self.events.iter().filter(|one| !self.stands_back(one)).cloned().collect();
        let mut marks: BTreeSet<Mark> = self.marks.iter().cloned().collect();
        let is = |kind: EventType| move |event: &&Event| event.kind == kind;
        let mut purchases: Vec<Event> = events.iter().filter(is(EventType::Purchase)).cloned().collect();
        let bought: BTreeSet<(String, String)> = purchases.iter().filter_map(line).collect();
        for pickup in events.iter().filter(is(EventType::Pickup)) {
            if line(pickup).is_some_and(|line| !bought.contains(&line)) {
                let purchase = Event { kind: EventType::Purchase, ..pickup.clone() };
                marks.extend(purchase.mark());
                purchases.push(purchase);
            }
        }
        purchases.sort_by_cached_key(|purchase| Reverse(purchase.order()));
        let mut returns: Vec<&Event> = events.iter().filter(is(EventType::Return)).collect();
        returns.sort_by_cached_key(|returned| returned.order());
        for returned in returns.into_iter().filter(|returned| returned.text("item_id").is_some()) {
            let mut back = returned.quantity();
            for purchase in &mut purchases {
                let same = |name: &str| purchase.text(name) == returned.text(name);
                let of_order = returned.text("order_id").is_some();
                let is_meant = if of_order { same("order_id") } else { purchase.ts_ms <= returned.ts_ms };
                if same("item_id") && is_meant {
                    let taken = back.min(purchase.quantity());
                    purchase.set_quantity(purchase.quantity() - taken);
                    back -= taken;
                }
            }
        }
        let (gone, left): (Vec<Event>, Vec<Event>) = purchases.into_iter().partition(|one| one.quantity() == 0);
        let left_marks: BTreeSet<Mark> = left.iter().filter_map(Event::mark).collect();
        for mark in gone.iter().filter_map(Event::mark).filter(|mark| !left_marks.contains(mark)) {
            marks.remove(&mark);
        }
        let others = events.into_iter().filter(|event| event.kind != EventType::Purchase);
        Profile { events: others.chain(left).collect(), marks: marks.into_iter().collect(), ..self.clone() }
    }

    /// Whether a carried event is known as it happened, or was known and had to go for newer ones.
    fn stands_back(&self, event: &Event) -> bool {
        let same_class = |other: &&Event| (other.kind, &other.channel) == (event.kind, &event.channel);
        let originals: Vec<&Event> = self.events.iter().filter(|other| !other.carried()).filter(same_class).collect();
        let is_it = |other: &&Event| other.ts_ms == event.ts_ms && other.text("item_id") == event.text("item_id");
        let is_full_of_newer =
            originals.len() >= PROFILE_EVENTS_PER_CLASS && originals.iter().all(|other| other.ts_ms >= event.ts_ms);
        event.carried() && (originals.iter().any(is_it) || is_full_of_newer)
    }
}

/// The line of an order.
fn line(event: &Event) -> Option<(String, String)> {
    Some((event.text("order_id")?.to_owned(), event.text("item_id")?.to_owned()))
}
