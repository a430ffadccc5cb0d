//! Settling: what remains of a profile's events once copies, returns and pick-ups are set off against each other. Only what
//! is kept in full can be: the purchases of evicted events stay as their marks say.

use super::Profile;
use super::join::day_of;
use super::mark::Mark;
use crate::order::sorted;
use alloc::vec::Vec;
use unisono_message::limits::PROFILE_EVENTS_PER_CLASS;
use unisono_message::{Event, EventType};

impl<'a> Profile<'a> {
    /// The marks of the kept events of the day of the erasure: the tombstone took those of the whole day.
    pub(super) fn add_day_of_erasure(&mut self) {
        let Some(day) = self.erased_ms.map(day_of) else { return };
        self.marks.extend(self.events.iter().filter(|event| event.day() == day && !event.carried).filter_map(Mark::of));
        self.marks = sorted(&self.marks, Mark::newest_first);
        self.marks.dedup();
    }

    /// The profile as features see it; none where nothing is to be set off.
    ///
    /// A carried event stands back where its original is known, or may have been: where its class is full of newer ones. A
    /// pick-up is a purchase if its order has no purchase of the item. A return takes its quantity from the purchase of its
    /// order, or else from the newest purchase of the item before it; what is returned whole is no purchase.
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
        let originals: Vec<Event<'a>> = self.events.iter().filter(|event| !event.carried).copied().collect();
        self.events.retain(|event| {
            if !event.carried {
                return true;
            }
            let class = originals.iter().filter(|other| (other.kind, other.channel) == (event.kind, event.channel));
            let (mut count, mut newer, mut known) = (0usize, 0usize, false);
            for other in class {
                count += 1;
                newer += usize::from(other.ts_ms >= event.ts_ms);
                known |= (other.ts_ms, other.item_id) == (event.ts_ms, event.item_id);
            }
            !known && (count < PROFILE_EVENTS_PER_CLASS || newer < count)
        });
    }

    fn count_pickups(&mut self) {
        let bought: Vec<(&str, &str)> = self.of_kind(EventType::Purchase).filter_map(order_line).collect();
        let bought = sorted(&bought, |a, b| a.cmp(b));
        let picked_up = self
            .of_kind(EventType::Pickup)
            .filter(|event| order_line(event).is_some_and(|line| bought.binary_search(&line).is_err()));
        let purchases: Vec<Event<'a>> = picked_up.map(|event| Event { kind: EventType::Purchase, ..*event }).collect();
        self.marks.extend(purchases.iter().filter_map(Mark::of));
        self.marks = sorted(&self.marks, Mark::newest_first);
        self.marks.dedup();
        self.events.extend(purchases);
    }

    fn take_returns(&mut self) {
        let returns: Vec<Event<'a>> = self.of_kind(EventType::Return).copied().collect();
        if returns.is_empty() {
            return;
        }
        // By item, newest first; a purchase has a quantity left until it is returned.
        let purchases: Vec<Event<'a>> = self.of_kind(EventType::Purchase).copied().collect();
        let mut purchases = sorted(&purchases, |a, b| a.item_id.cmp(&b.item_id).then_with(|| b.total_cmp(a)));
        for returned in sorted(&returns, Event::total_cmp) {
            let mut to_take = returned.quantity_milli;
            let start = purchases.partition_point(|one| one.item_id < returned.item_id);
            let of_item = purchases.iter_mut().skip(start).take_while(|one| one.item_id == returned.item_id);
            for purchase in of_item {
                let is_meant = match returned.order_id {
                    Some(_) => purchase.order_id == returned.order_id,
                    None => purchase.ts_ms <= returned.ts_ms,
                };
                if is_meant && returned.item_id.is_some() {
                    let taken = purchase.quantity_milli.min(to_take);
                    purchase.quantity_milli -= taken;
                    to_take -= taken;
                }
            }
        }
        let gone: Vec<Mark<'a>> = purchases.iter().filter(|one| one.quantity_milli == 0).filter_map(Mark::of).collect();
        purchases.retain(|one| one.quantity_milli > 0);
        let left: Vec<Mark<'a>> = purchases.iter().filter_map(Mark::of).collect();
        let (gone, left) = (sorted(&gone, Mark::newest_first), sorted(&left, Mark::newest_first));
        let holds = |marks: &[Mark<'a>], mark: &Mark<'a>| marks.binary_search_by(|one| one.newest_first(mark)).is_ok();
        self.marks.retain(|mark| !holds(&gone, mark) || holds(&left, mark));
        self.events.retain(|event| event.kind != EventType::Purchase);
        self.events.extend(purchases);
    }

    fn of_kind(&self, kind: EventType) -> impl Iterator<Item = &Event<'a>> {
        self.events.iter().filter(move |event| event.kind == kind)
    }
}

/// (order, item) of an event that names both.
fn order_line<'a>(event: &Event<'a>) -> Option<(&'a str, &'a str)> {
    Some((event.order_id?, event.item_id?))
}
