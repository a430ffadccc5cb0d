//! What a profile says of its items, naively.

use super::request::Request;
use super::segments::segment;
use crate::generator::DAY_MS;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use unisono_core::model::ModelParts;
use unisono_message::EventType;

/// One of the profile's own items.
#[derive(Clone, Debug, Default)]
pub(super) struct Own {
    /// Its index in the model.
    pub(super) item: Option<u32>,
    /// For each purchase day: (days ago, purchase days of the profile since).
    pub(super) days: Vec<(i64, i64)>,
    /// Days on which it was bought in the request's channel.
    pub(super) days_here: BTreeSet<i64>,
    /// For each day of a purchase that is kept in full: whether it was bought in the request's store.
    pub(super) in_full: BTreeMap<i64, bool>,
    /// Times of looks.
    pub(super) looks_ms: Vec<i64>,
}

impl Own {
    /// The sum of a weight over the purchase days, each rounded to 65,536ths.
    pub(super) fn sum(&self, weight: impl Fn(f64, f64) -> f64) -> i64 {
        let rounded = |day: &(i64, i64)| (65_536.0 * weight(day.0 as f64, day.1 as f64)).round_ties_even() as i64;
        self.days.iter().map(rounded).sum()
    }

    /// exp(-days/tau) over the purchase days.
    pub(super) fn decay(&self, tau: f64) -> i64 {
        self.sum(|days, _| (-days / tau).exp())
    }

    /// exp(-days/30) + 2 exp(-visits/50) over the purchase days.
    pub(super) fn strength(&self) -> i64 {
        self.decay(30.0) + 2 * self.sum(|_, visits| (-visits / 50.0).exp())
    }

    /// Days since the last purchase.
    pub(super) fn age(&self) -> Option<i64> {
        self.days.iter().map(|day| day.0).min()
    }

    /// Mean days between purchases.
    pub(super) fn gap(&self) -> Option<i64> {
        let oldest = self.days.iter().map(|day| day.0).max()?;
        (self.days.len() > 1).then(|| (oldest - self.age().unwrap_or(0)) / (self.days.len() as i64 - 1))
    }

    /// Purchase days in the channel, in 1,000ths.
    pub(super) fn channel_share(&self) -> i64 {
        self.days_here.len() as i64 * 1000 / self.days.len() as i64
    }

    /// Purchase days in the store, in 1,000ths of those that are kept in full.
    pub(super) fn store_share(&self) -> Option<i64> {
        let in_store = self.in_full.values().filter(|in_store| **in_store).count() as i64;
        (in_store * 1000).checked_div(self.in_full.len() as i64)
    }

    /// The last look.
    pub(super) fn viewed_ms(&self) -> Option<i64> {
        self.looks_ms.iter().max().copied()
    }
}

/// The profile at a moment: its items by id.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// By id.
    pub(super) items: BTreeMap<String, Own>,
    /// Days ago of each purchase day, newest first.
    pub(super) visits: Vec<i64>,
    /// The number of the segment of a customer who has bought.
    pub(super) segment: Option<usize>,
    /// Whether something was bought in the request's channel on the last of them.
    pub(super) last_visit_here: Option<bool>,
}

impl History {
    /// Folds the profile of a request.
    pub(super) fn of(parts: &ModelParts, request: &Request) -> History {
        let profile = &request.seen.personal;
        let today = request.now_ms.div_euclid(DAY_MS);
        let purchases: Vec<(i64, &str)> = profile
            .marks
            .iter()
            .filter(|mark| mark.kind == EventType::Purchase)
            .map(|mark| (mark.newest_first.0, mark.item_id.as_str()))
            .collect();
        let days: BTreeSet<Reverse<i64>> = purchases.iter().map(|purchase| Reverse(purchase.0)).collect();
        let days: Vec<i64> = days.into_iter().map(|day| day.0).collect();
        let mut history =
            History { visits: days.iter().map(|day| (today - day).max(0)).collect(), ..History::default() };
        let distinct: BTreeSet<(i64, &str)> = purchases.into_iter().collect();
        for (day, id) in distinct {
            let visit = days.iter().position(|other| *other == day).unwrap_or(0);
            let own = history.items.entry(id.to_owned()).or_default();
            own.days.push((history.visits[visit], visit as i64));
        }
        for event in &profile.events {
            if let (EventType::View | EventType::Click, Some(id)) = (event.kind, event.text("item_id")) {
                history.items.entry(id.to_owned()).or_default().looks_ms.push(event.ts_ms);
            }
        }
        let here =
            profile.marks.iter().filter(|mark| mark.kind == EventType::Purchase && mark.channel == request.channel);
        let here: BTreeSet<(i64, &str)> = here.map(|mark| (mark.newest_first.0, mark.item_id.as_str())).collect();
        history.last_visit_here = days.first().map(|last| here.iter().any(|(day, _)| day == last));
        for (day, id) in here {
            history.items.entry(id.to_owned()).or_default().days_here.insert(day);
        }
        for event in profile.events.iter().filter(|event| event.kind == EventType::Purchase) {
            let own = event.text("item_id").and_then(|id| history.items.get_mut(id));
            if let (Some(own), Some(store)) = (own, &request.store_id) {
                let in_store = own.in_full.entry(event.ts_ms.div_euclid(DAY_MS)).or_default();
                *in_store |= event.text("store_id") == Some(store);
            }
        }
        for (id, own) in &mut history.items {
            own.item = parts.items.ids.binary_search(id).ok().map(|at| at as u32);
        }
        history.segment = segment(parts, profile, &history);
        history
    }

    /// The newest items, by the last day of a purchase or look, then the last look, then strength, then id.
    pub(super) fn newest(&self, count: usize, now_ms: i64) -> Vec<&Own> {
        let today = now_ms.div_euclid(DAY_MS);
        let last_day = |own: &Own| {
            let bought = own.age().map_or(i64::MIN, |age| today - age);
            own.viewed_ms().map_or(bought, |ms| bought.max(ms.div_euclid(DAY_MS)))
        };
        let mut all: Vec<&Own> = self.items.values().collect();
        all.sort_by_cached_key(|own| (Reverse(last_day(own)), Reverse(own.viewed_ms()), Reverse(own.strength())));
        all.truncate(count);
        all
    }

    /// Other items that were looked at after the last look at this one.
    pub(super) fn looks_since(&self, own: &Own) -> Option<i64> {
        let last = own.viewed_ms()?;
        Some(self.items.values().filter(|other| other.viewed_ms().is_some_and(|ms| ms > last)).count() as i64)
    }

    /// What an item's history is.
    pub(super) fn own(&self, id: &str) -> Option<&Own> {
        self.items.get(id)
    }
}
