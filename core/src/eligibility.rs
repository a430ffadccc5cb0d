//! Eligibility: which candidates may appear at all, and why the others may not.

use crate::candidates::Candidate;
use crate::history::History;
use crate::model::{FLAG_RESTRICTED, FLAG_SENSITIVE, Model};
use crate::order::{IdSet, IndexSet};
use crate::scene::known_items;
use alloc::vec::Vec;
use unisono_message::limits::EXCLUDED_LISTED_MAX;
use unisono_message::list::search;
use unisono_message::{Excluded, Exclusion, Placement, PlacementKind, Request};

/// What the page shows already: placements choose in order, and none repeats another.
#[derive(Clone, Debug, Default)]
pub struct Shown<'a> {
    /// Items of the model.
    pub(crate) items: IndexSet,
    /// Their variant groups.
    pub(crate) groups: IndexSet,
    /// Items that the model does not know.
    pub(crate) unknown: IdSet<'a>,
    /// Offers.
    pub(crate) offers: IndexSet,
}

impl<'a> Shown<'a> {
    /// Whether the page shows the item, or a variant of it.
    pub fn holds(&self, model: &Model<'_>, candidate: &Candidate<'_>) -> bool {
        match candidate.item {
            Some(item) => {
                let group = model.items.group_of(item);
                self.items.contains(item) || group.is_some_and(|group| self.groups.contains(group))
            }
            None => self.unknown.contains(candidate.unknown_id),
        }
    }

    /// Notes that the page shows the item.
    pub fn add(&mut self, model: &Model<'_>, candidate: &Candidate<'a>) {
        match candidate.item {
            Some(item) => {
                self.items.insert(item);
                if let Some(group) = model.items.group_of(item) {
                    self.groups.insert(group);
                }
            }
            None => {
                self.unknown.insert(candidate.unknown_id);
            }
        }
    }
}

/// What a placement leaves out: counted, and listed where the request asks for it, as many as a response may hold.
pub(crate) struct Left<'a> {
    listed: Option<Vec<Excluded<'a>>>,
    pub(crate) count: usize,
}

impl<'a> Left<'a> {
    pub(crate) fn new(request: &Request<'_>) -> Self {
        Left { listed: request.explain.then(Vec::new), count: 0 }
    }

    pub(crate) fn add(&mut self, reason: Exclusion, id: impl FnOnce() -> &'a str) {
        self.count += 1;
        if let Some(listed) = self.listed.as_mut().filter(|listed| listed.len() < EXCLUDED_LISTED_MAX) {
            listed.push(Excluded { id: id(), reason });
        }
    }

    /// How many of them the list leaves out.
    pub(crate) fn unlisted(&self) -> usize {
        self.listed.as_ref().map_or(0, |listed| self.count - listed.len())
    }

    /// The list, where it was asked for.
    pub(crate) fn told(self) -> Option<Vec<Excluded<'a>>> {
        self.listed
    }
}

/// The rules of one placement.
pub(crate) struct Rules<'r, 'a> {
    model: &'r Model<'a>,
    history: &'r History<'a>,
    placement: &'r Placement<'a>,
    now_ms: i64,
    channel: Option<u32>,
    /// Ascending.
    excluded: Vec<u32>,
    excluded_ids: IdSet<'a>,
    /// Ascending; empty where the kind may show what is in the cart.
    in_cart: Vec<u32>,
    in_cart_ids: IdSet<'a>,
}

impl<'r, 'a> Rules<'r, 'a> {
    /// The rules of a placement of a request.
    pub(crate) fn new(
        model: &'r Model<'a>,
        history: &'r History<'a>,
        request: &'r Request<'a>,
        placement: &'r Placement<'a>,
    ) -> Self {
        let mut held: Vec<&'a str> = Vec::new();
        if !matches!(placement.kind, PlacementKind::Rerank | PlacementKind::RecentlyViewed) {
            held.extend(&placement.items);
            held.extend(&request.context.cart);
        }
        Rules {
            model,
            history,
            placement,
            now_ms: request.now_ms,
            channel: model.channel(request.context.channel),
            excluded: known_items(model, &placement.exclude).0,
            excluded_ids: IdSet::of(&placement.exclude),
            in_cart: known_items(model, &held).0,
            in_cart_ids: IdSet::of(&held),
        }
    }

    /// Why a candidate may not appear; none when it may. The first reason in the order of [`Exclusion`] is named.
    pub(crate) fn exclusion(&self, candidate: &Candidate<'_>, shown: &Shown<'_>) -> Option<Exclusion> {
        let bought = || {
            let own = match candidate.item {
                Some(item) => self.history.position_of(item),
                None => self.history.position_of_id(candidate.unknown_id),
            };
            own.and_then(|at| self.history.items.get(at as usize)).is_some_and(|own| own.days > 0)
        };
        match candidate.item {
            None if self.excluded_ids.contains(candidate.unknown_id) => Some(Exclusion::Excluded),
            None if shown.holds(self.model, candidate) => Some(Exclusion::AlreadyOnPage),
            None if self.in_cart_ids.contains(candidate.unknown_id) => Some(Exclusion::InCart),
            None if self.placement.exclude_bought && bought() => Some(Exclusion::Bought),
            // Nothing is known of it, hence no filter can be met.
            None if !self.model.keep_unknown_items || self.placement.category.is_some() => Some(Exclusion::UnknownItem),
            None => None,
            Some(item) if search(&self.excluded, |one| one.cmp(&item)).is_ok() => Some(Exclusion::Excluded),
            Some(_) if shown.holds(self.model, candidate) => Some(Exclusion::AlreadyOnPage),
            Some(item) if search(&self.in_cart, |one| one.cmp(&item)).is_ok() => Some(Exclusion::InCart),
            Some(_) if self.placement.exclude_bought && bought() => Some(Exclusion::Bought),
            Some(item) => self.catalog_exclusion(item),
        }
    }

    fn catalog_exclusion(&self, item: u32) -> Option<Exclusion> {
        let at = item as usize;
        let items = &self.model.items;
        if let Some(category) = self.placement.category
            && !items.category_of(item).is_some_and(|of_item| items.is_within(of_item, category))
        {
            return Some(Exclusion::OtherCategory);
        }
        if !sold_in(items.channels.get(at).unwrap_or(u32::MAX), self.channel) {
            return Some(Exclusion::NotInChannel);
        }
        if items.available_from_ms.get(at).is_some_and(|from| self.now_ms < from) {
            return Some(Exclusion::NotYetAvailable);
        }
        if items.unavailable_from_ms.get(at).is_some_and(|from| self.now_ms >= from) {
            return Some(Exclusion::NoLongerAvailable);
        }
        let flags = items.flags.get(at).copied().unwrap_or(0);
        if flags & FLAG_SENSITIVE != 0 && !self.placement.allow.sensitive {
            return Some(Exclusion::Sensitive);
        }
        if flags & FLAG_RESTRICTED != 0 && !self.placement.allow.restricted {
            return Some(Exclusion::Restricted);
        }
        None
    }
}

/// Whether a mask of channels holds a channel. A mask of all bits means every channel, also one that the model does not
/// know.
pub(crate) fn sold_in(mask: u32, channel: Option<u32>) -> bool {
    mask == u32::MAX || channel.is_some_and(|channel| mask & (1 << (channel & 31)) != 0)
}
