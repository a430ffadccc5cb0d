//! The fold: what a profile says about each of its items at one moment.

use crate::model::Model;
use crate::order::{IdKey, first_of, sorted};
use crate::profile::Profile;
use crate::segments;
use alloc::vec::Vec;
use unisono_message::list::{Listed, count_before, once_each, search};
use unisono_message::{Context, Event, EventType};

/// Fixed point of the decays: 1.0 is 65,536.
const ONE: f64 = 65_536.0;
const DAY_MS: i64 = 86_400_000;

/// One of the profile's own items. Decays are in 65,536ths, times in days before `now_ms`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnItem<'a> {
    /// The item's id.
    pub id: &'a str,
    /// Its index in the model, if the model knows it.
    pub item: Option<u32>,
    /// Distinct days on which it was bought.
    pub days: u32,
    /// Of these, how many saw it bought in the context's channel.
    pub days_here: u32,
    /// Distinct days of its purchases that are kept in full; 0 where the context names no store.
    pub days_in_full: u32,
    /// Of these, how many saw it bought in the context's store.
    pub days_in_store: u32,
    /// Days since the last purchase.
    pub age_days: i64,
    /// Days since the first purchase that is kept.
    pub first_days: i64,
    /// Purchase days of the profile after the last purchase of the item.
    pub visits_since: u32,
    /// Sum over purchase days of exp(-days/30) + 2 exp(-visits/50).
    pub strength: i64,
    /// Sum over purchase days of exp(-days/7).
    pub decay_7: i64,
    /// Sum over purchase days of exp(-days/14).
    pub decay_14: i64,
    /// Sum over purchase days of exp(-days/60).
    pub decay_60: i64,
    /// Sum over purchase days of exp(-days/90).
    pub decay_90: i64,
    /// Sum over purchase days of exp(-days/365).
    pub decay_365: i64,
    /// Sum over purchase days of 0.7^visits.
    pub decay_visits: i64,
    /// Sum over purchase days of 0.9^visits.
    pub decay_visits_9: i64,
    /// Sum over purchase days of 0.97^visits.
    pub decay_visits_97: i64,
    /// When it was last looked at, Unix ms.
    pub viewed_ms: Option<i64>,
    /// Views among the events that are kept.
    pub views: u32,
    /// Other items that were looked at after the last look at this one.
    pub looks_since: u32,
}

impl OwnItem<'_> {
    /// Share of its purchase days in the context's channel, in 1,000ths.
    pub fn channel_share(&self) -> i64 {
        i64::from(self.days_here) * 1000 / i64::from(self.days.max(1))
    }

    /// Share of its purchase days in the context's store, in 1,000ths, of those that are kept in full; -1 without any.
    pub fn store_share(&self) -> i64 {
        if self.days_in_full == 0 { -1 } else { i64::from(self.days_in_store) * 1000 / i64::from(self.days_in_full) }
    }

    /// Mean days between purchases; -1 below two.
    pub fn gap_days(&self) -> i64 {
        if self.days < 2 { -1 } else { (self.first_days - self.age_days) / i64::from(self.days - 1) }
    }

    /// 0.7^(other items looked at since) in 65,536ths; 0 when never looked at.
    pub fn look_decay(&self) -> i64 {
        if self.viewed_ms.is_some() { decay(f64::from(self.looks_since), VISITS_70) } else { 0 }
    }

    /// (days since + 1) / (gap + 1) in 256ths; -1 below two purchases.
    pub fn due(&self) -> i64 {
        if self.days < 2 { -1 } else { (self.age_days + 1) * 256 / (self.gap_days() + 1) }
    }
}

/// What the profile says at `now_ms`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History<'a> {
    /// Every item that was bought or looked at, ascending by id.
    pub items: Vec<OwnItem<'a>>,
    /// Distinct purchase days.
    pub visits: u32,
    /// Days since the last of them; -1 when there is none.
    pub days_since_visit: i64,
    /// Whether the last of them saw a purchase in the context's channel, 1 or 0; -1 when there is none.
    pub last_visit_here: i64,
    /// The greatest strength of an item.
    pub strongest: i64,
    /// Purchase days of all items together.
    pub item_days: u32,
    /// Looks among the events that are kept.
    pub looks: u32,
    /// Items that the model does not know.
    pub unknown_items: u32,
    /// The segment of a customer who has bought, where the model has segments.
    pub segment: Option<u32>,
    /// (index in the model, position in `items`), ascending.
    known: Vec<(u32, u32)>,
}

/// The weights of one purchase day.
struct DayWeights {
    age: i64,
    visit: u32,
    strength: i64,
    decays: [i64; 8],
}

/// 0.7 = exp(-1 / 2.8037), and so on: decays by visits are exponentials too.
const VISITS_70: f64 = 2.8037;
const VISITS_90: f64 = 9.4912;
const VISITS_97: f64 = 32.8308;

/// exp(-x/tau) in 65,536ths.
pub(crate) fn decay(x: f64, tau: f64) -> i64 {
    libm::rint(ONE * libm::exp(-x / tau)) as i64
}

impl DayWeights {
    fn new(age: i64, visit: u32) -> Self {
        let (days, back) = (age as f64, f64::from(visit));
        let strength = decay(days, 30.0) + 2 * decay(back, 50.0);
        let by_days = [7.0, 14.0, 60.0, 90.0, 365.0].map(|tau| decay(days, tau));
        let by_visits = [VISITS_70, VISITS_90, VISITS_97].map(|tau| decay(back, tau));
        let [d7, d14, d60, d90, d365] = by_days;
        let [v70, v90, v97] = by_visits;
        let decays = [d7, d14, d60, d90, d365, v70, v90, v97];
        DayWeights { age, visit, strength, decays }
    }
}

impl<'a> History<'a> {
    /// A history of nothing.
    pub fn empty() -> Self {
        History {
            items: Vec::new(),
            visits: 0,
            days_since_visit: -1,
            last_visit_here: -1,
            strongest: 0,
            item_days: 0,
            looks: 0,
            unknown_items: 0,
            segment: None,
            known: Vec::new(),
        }
    }

    /// Folds a profile at a moment, for a channel and a store.
    pub fn fold(model: &Model<'_>, profile: &Profile<'a>, now_ms: i64, context: &Context<'_>) -> Self {
        let settled = profile.settled();
        let profile = settled.as_ref().unwrap_or(profile);
        let today = now_ms.div_euclid(DAY_MS);
        let mut days: Vec<DayWeights> = Vec::new();
        let mut bought: Vec<(IdKey<'a>, u32, bool)> = Vec::new();
        let mut last_day = i64::MIN;
        for mark in profile.marks().iter().filter(|mark| mark.kind == EventType::Purchase) {
            if mark.day != last_day {
                last_day = mark.day;
                days.push(DayWeights::new((today - mark.day).max(0), days.len() as u32));
            }
            let visit = days.len() as u32 - 1;
            // The same item in two channels on one day is one purchase day; marks of a day lie in order of the item.
            let here = mark.channel == context.channel;
            match bought.last_mut() {
                Some(last) if last.0.id == mark.item_id && last.1 == visit => last.2 |= here,
                _ => bought.push((IdKey::new(mark.item_id), visit, here)),
            }
        }
        let bought = sorted(bought, |a, b| a.cmp(b));
        let mut history = History::empty();
        history.visits = days.len() as u32;
        history.days_since_visit = days.first().map_or(-1, |day| day.age);
        for (IdKey { id, .. }, visit, here) in bought {
            if visit == 0 {
                history.last_visit_here = history.last_visit_here.max(i64::from(here));
            }
            if history.items.last().is_none_or(|own| own.id != id) {
                history.items.push(OwnItem { id, ..OwnItem::default() });
            }
            if let (Some(own), Some(day)) = (history.items.last_mut(), days.get(visit as usize)) {
                add_day(own, day);
                own.days_here += u32::from(here);
            }
        }
        if let Some(store_id) = context.store_id {
            add_stores(&mut history.items, profile, store_id);
        }
        add_views(&mut history.items, profile);
        history.resolve(model);
        if history.visits > 0 && !model.segments.weights.is_empty() {
            history.segment = model.segments.nearest(&segments::coordinates(model, profile, &history));
        }
        history
    }

    fn resolve(&mut self, model: &Model<'_>) {
        for (position, own) in self.items.iter_mut().enumerate() {
            own.item = model.items.ids.find(own.id);
            self.strongest = self.strongest.max(own.strength);
            self.item_days += own.days;
            self.looks += own.views;
            match own.item {
                // Items lie in order of their ids, and so do the model's.
                Some(item) => self.known.push((item, position as u32)),
                None => self.unknown_items += 1,
            }
        }
    }

    /// The position of the item with this index.
    #[inline]
    pub fn position_of(&self, item: u32) -> Option<u32> {
        let at = self.known.binary_search_by_key(&item, |known| known.0).ok()?;
        self.known.get(at).map(|known| known.1)
    }

    /// The position of the item with this id.
    pub fn position_of_id(&self, id: &str) -> Option<u32> {
        self.items.binary_search_by(|own| own.id.cmp(id)).ok().map(|at| at as u32)
    }

    /// The index in the model of the item at a position.
    pub(crate) fn item_at(&self, position: Option<&u32>) -> Option<u32> {
        self.items.get(*position? as usize)?.item
    }

    /// Positions of the newest `count` items: by the day of the last purchase or look, then by the last look, then by
    /// strength, then by id.
    pub fn newest(&self, count: usize, now_ms: i64) -> Vec<u32> {
        let today = now_ms.div_euclid(DAY_MS);
        let key = |at: &u32| self.items.get(*at as usize).map(|own| (own.last_day(today), own.viewed_ms, own.strength));
        first_of(0..self.items.len() as u32, count, |a, b| key(b).cmp(&key(a)))
    }
}

impl OwnItem<'_> {
    /// The day of the last purchase or look.
    fn last_day(&self, today: i64) -> i64 {
        let bought = if self.days > 0 { today - self.age_days } else { i64::MIN };
        self.viewed_ms.map_or(bought, |ms| bought.max(ms.div_euclid(DAY_MS)))
    }
}

fn add_day(own: &mut OwnItem<'_>, day: &DayWeights) {
    // Visits come newest first.
    if own.days == 0 {
        own.age_days = day.age;
        own.visits_since = day.visit;
    }
    own.first_days = day.age;
    own.days += 1;
    own.strength += day.strength;
    let [decay_7, decay_14, decay_60, decay_90, decay_365, decay_visits, decay_visits_9, decay_visits_97] = day.decays;
    own.decay_7 += decay_7;
    own.decay_14 += decay_14;
    own.decay_visits_9 += decay_visits_9;
    own.decay_visits_97 += decay_visits_97;
    own.decay_60 += decay_60;
    own.decay_90 += decay_90;
    own.decay_365 += decay_365;
    own.decay_visits += decay_visits;
}

/// Purchase days among the full events: marks hold no stores.
fn add_stores(items: &mut [OwnItem<'_>], profile: &Profile<'_>, store_id: &str) {
    let purchases = profile.events().iter().filter(|event| event.kind == EventType::Purchase);
    // In the store first, so that a day on which the item was bought elsewhere too counts as one here.
    let elsewhere = |event: &Event<'_>| event.store_id != Some(store_id);
    let rows: Vec<(&str, i64, bool)> =
        purchases.filter_map(|event| Some((event.item_id?, event.day(), elsewhere(event)))).listed();
    let mut days = sorted(rows, |a, b| a.cmp(b));
    once_each(&mut days, |later, kept| (later.0, later.1) == (kept.0, kept.1));
    for (id, _, elsewhere) in days {
        let found = search(items, |own| own.id.cmp(id)).ok();
        if let Some(own) = found.and_then(|at| items.get_mut(at)) {
            own.days_in_full += 1;
            own.days_in_store += u32::from(!elsewhere);
        }
    }
}

/// Views and clicks among the full events; items that were only looked at join the list.
fn add_views<'a>(items: &mut Vec<OwnItem<'a>>, profile: &Profile<'a>) {
    let looks = profile.events().iter().filter(|event| matches!(event.kind, EventType::View | EventType::Click));
    let mut views: Vec<(&'a str, i64)> = looks.filter_map(|event| Some((event.item_id?, event.ts_ms))).listed();
    if views.is_empty() {
        return;
    }
    views = sorted(views, |a, b| a.cmp(b));
    let bought = items.len();
    let mut at = 0usize;
    while let Some((id, _)) = views.get(at) {
        let same = views.iter().skip(at).take_while(|view| view.0 == *id);
        let (count, last_ms) = same.fold((0u32, 0i64), |(count, _), view| (count + 1, view.1));
        at += count as usize;
        let found = search(items.get(..bought).unwrap_or_default(), |own| own.id.cmp(id));
        match found.ok().and_then(|position| items.get_mut(position)) {
            Some(own) => (own.viewed_ms, own.views) = (Some(last_ms), count),
            None => items.push(OwnItem { id, viewed_ms: Some(last_ms), views: count, ..OwnItem::default() }),
        }
    }
    *items = sorted(core::mem::take(items), |a, b| a.id.cmp(b.id));
    let mut times: Vec<i64> = items.iter().filter_map(|own| own.viewed_ms).listed();
    times = sorted(times, i64::cmp);
    for own in items.iter_mut() {
        let looked_by = |ms: i64| count_before(&times, |time| *time <= ms);
        own.looks_since = own.viewed_ms.map_or(0, |ms| (times.len() - looked_by(ms)) as u32);
    }
}
