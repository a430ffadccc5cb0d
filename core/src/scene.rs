//! The scene of one placement: all that a candidate's features are read from.

use crate::history::History;
use crate::model::Model;
use crate::order::distinct;
use crate::sources::{ListSums, Sums, neighbours, popularity, session_vote};
use alloc::vec::Vec;
use unisono_message::list::Listed;

/// What the history says of other items, once per call.
#[derive(Clone, Debug, Default)]
pub struct FromHistory {
    /// Undirected neighbours.
    pub bought: ListSums,
    /// Directed neighbours.
    pub next: ListSums,
    /// Undirected neighbours of the newest item alone.
    pub bought_last: ListSums,
    /// Directed neighbours of the newest item alone.
    pub next_last: ListSums,
    /// Votes of sessions that share items with the history.
    pub sessions: ListSums,
    /// Votes of sessions that hold the newest item.
    pub sessions_last: ListSums,
    /// The items of the most votes, 1 for the first, as many as each source gives.
    pub session_ranks: Sums,
    /// exp(-days/90) over purchase days per category, in 65,536ths.
    pub categories: Sums,
    /// The same with exp(-days/14).
    pub categories_14: Sums,
    /// exp(-days/90) over purchase days per brand.
    pub brands: Sums,
}

impl FromHistory {
    /// Gathers from the newest items of the history, as many as the model says.
    pub fn gather(model: &Model<'_>, history: &History<'_>, now_ms: i64) -> Self {
        let newest = history.newest(model.history_items as usize, now_ms);
        let (mut categories, mut categories_14) = (Sums::default(), Sums::default());
        let mut brands = Sums::default();
        for own in history.items.iter().filter(|own| own.decay_90 > 0) {
            let Some(item) = own.item else { continue };
            if let Some(category) = model.items.category_of(item) {
                categories.add(u32::from(category), own.decay_90);
                categories_14.add(u32::from(category), own.decay_14);
            }
            if let Some(brand) = model.items.brand_of(item) {
                brands.add(brand, own.decay_90);
            }
        }
        let sessions = session_vote::of_history(model, history, &newest);
        let mut session_ranks = Sums::default();
        let ranked = sessions.ranked(model.candidates_per_source as usize, |item| model.popularity.of(Some(item)));
        (1i64..).zip(ranked).for_each(|(rank, item)| session_ranks.add(item, rank));
        FromHistory {
            bought: neighbours::bought_with_history(model, history, &newest),
            next: neighbours::bought_after_history(model, history, &newest),
            bought_last: neighbours::after_last(&model.bought, history, &newest),
            next_last: neighbours::after_last(&model.next_items, history, &newest),
            sessions,
            sessions_last: session_vote::of_items(model, history.item_at(newest.first()).into_iter()),
            session_ranks,
            categories,
            categories_14,
            brands,
        }
    }
}

/// All that a candidate's features are read from.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'s, 'a> {
    /// The model.
    pub model: &'s Model<'a>,
    /// The moment.
    pub now_ms: i64,
    /// The history.
    pub history: &'s History<'a>,
    /// What the history says of other items.
    pub from_history: &'s FromHistory,
    /// What the given items or the cart say of other items.
    pub from_seeds: &'s ListSums,
    /// The given items or the cart, ascending.
    pub seeds: &'s [u32],
    /// Distinct profiles per item of this channel's list.
    pub in_channel: &'s ListSums,
    /// Distinct profiles per item of the list of the customer's segment.
    pub in_segment: &'s ListSums,
}

impl Scene<'_, '_> {
    /// Distinct profiles of an item in this channel; 0 beyond the channel's list.
    #[inline]
    pub fn channel_count(&self, item: Option<u32>) -> u32 {
        item.map_or(0, |item| self.in_channel.sums.get(item) as u32)
    }
}

/// The owned half of a scene, built once per call.
#[derive(Clone, Debug)]
pub struct Background<'a> {
    /// The history.
    pub history: History<'a>,
    /// What it says of other items.
    pub from_history: FromHistory,
    /// Distinct profiles per item of this channel's list.
    pub in_channel: ListSums,
    /// Distinct profiles per item of the list of the customer's segment.
    pub in_segment: ListSums,
    /// The moment.
    pub now_ms: i64,
}

impl<'a> Background<'a> {
    /// Gathers what every placement of a call shares.
    pub fn new(model: &Model<'_>, history: History<'a>, channel: &str, now_ms: i64) -> Self {
        let from_history = FromHistory::gather(model, &history, now_ms);
        let in_channel = popularity::of_row(&model.popularity.channels, model.channel(channel));
        let in_segment = popularity::of_row(&model.segments.popular, history.segment);
        Background { history, from_history, in_channel, in_segment, now_ms }
    }

    /// The scene of a placement with these seeds.
    pub fn scene<'s>(&'s self, model: &'s Model<'a>, seeds: &'s [u32], from_seeds: &'s ListSums) -> Scene<'s, 'a> {
        Scene {
            model,
            now_ms: self.now_ms,
            history: &self.history,
            from_history: &self.from_history,
            from_seeds,
            seeds,
            in_channel: &self.in_channel,
            in_segment: &self.in_segment,
        }
    }
}

/// What given items say of others: the sums of their undirected rows, or the votes of sessions where the model has no such rows.
pub fn seed_sums(model: &Model<'_>, seeds: &[u32]) -> ListSums {
    match model.bought.items.is_empty() {
        true => session_vote::of_items(model, seeds.iter().copied()),
        false => neighbours::bought_with(model, seeds),
    }
}

/// Items of a list of ids: those that the model knows, ascending and once each, and how many it does not know.
pub fn known_items(model: &Model<'_>, ids: &[&str]) -> (Vec<u32>, u32) {
    let items: Vec<u32> = ids.iter().filter_map(|id| model.items.ids.find(id)).listed();
    let unknown = (ids.len() - items.len()) as u32;
    (distinct(items, u32::cmp), unknown)
}
