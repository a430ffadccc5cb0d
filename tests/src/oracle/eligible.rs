//! Eligibility, naively: the first rule that an item breaks, in the published order.

use super::features::{Candidate, category};
use super::history::History;
use super::request::{Placement, Request};
use std::collections::BTreeSet;
use unisono_core::model::{FLAG_RESTRICTED, FLAG_SENSITIVE, ModelParts, NO_CATEGORY, OfferPart};
use unisono_message::{Exclusion, PlacementKind};

/// What the page shows already.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    /// Ids of items.
    pub(super) items: BTreeSet<String>,
    /// Their groups.
    pub(super) groups: BTreeSet<u32>,
    /// Ids of offers.
    pub(super) offers: BTreeSet<String>,
}

impl Shown {
    /// Whether the page shows it or a variant.
    pub(super) fn holds(&self, parts: &ModelParts, candidate: &Candidate) -> bool {
        self.items.contains(candidate.id(parts))
            || candidate.group(parts).is_some_and(|group| self.groups.contains(&group))
    }

    /// Notes an item.
    pub(super) fn add(&mut self, parts: &ModelParts, candidate: &Candidate) {
        self.items.insert(candidate.id(parts).to_owned());
        self.groups.extend(candidate.group(parts));
    }
}

/// Whether a category path is another one or lies below it.
pub(super) fn is_below(path: &str, outer: &str) -> bool {
    path == outer || path.starts_with(&format!("{outer}/"))
}

/// Why a candidate may not appear.
pub(super) fn exclusion(
    parts: &ModelParts,
    history: &History,
    request: &Request,
    placement: &Placement,
    shown: &Shown,
    candidate: &Candidate,
) -> Option<Exclusion> {
    let id = candidate.id(parts);
    let among = |ids: &[String]| ids.iter().any(|other| other == id);
    let shows_cart = matches!(placement.kind, PlacementKind::Rerank | PlacementKind::RecentlyViewed);
    if among(&placement.exclude) {
        return Some(Exclusion::Excluded);
    }
    if shown.holds(parts, candidate) {
        return Some(Exclusion::AlreadyOnPage);
    }
    if !shows_cart && (among(&placement.items) || among(&request.cart)) {
        return Some(Exclusion::InCart);
    }
    if placement.exclude_bought && history.own(id).is_some_and(|own| !own.days.is_empty()) {
        return Some(Exclusion::Bought);
    }
    match candidate {
        Candidate::Unknown(_) => {
            (!parts.keep_unknown_items || placement.category.is_some()).then_some(Exclusion::UnknownItem)
        }
        Candidate::Known(item) => of_catalog(parts, request, placement, *item),
    }
}

fn of_catalog(parts: &ModelParts, request: &Request, placement: &Placement, item: u32) -> Option<Exclusion> {
    let items = &parts.items;
    let at = item as usize;
    let path = category(parts, item).map(|category| items.categories[category as usize].as_str());
    if let Some(wanted) = &placement.category
        && !path.is_some_and(|path| is_below(path, wanted))
    {
        return Some(Exclusion::OtherCategory);
    }
    if !in_channel(parts, request, items.channels.get(at).copied().unwrap_or(u32::MAX)) {
        return Some(Exclusion::NotInChannel);
    }
    if items.available_from_ms.get(at).is_some_and(|from| *from > request.now_ms) {
        return Some(Exclusion::NotYetAvailable);
    }
    if items.unavailable_from_ms.get(at).is_some_and(|from| *from <= request.now_ms) {
        return Some(Exclusion::NoLongerAvailable);
    }
    let allows = |gate: &str| placement.allow.iter().any(|allowed| allowed == gate);
    if items.flags[at] & FLAG_SENSITIVE != 0 && !allows("sensitive") {
        return Some(Exclusion::Sensitive);
    }
    (items.flags[at] & FLAG_RESTRICTED != 0 && !allows("restricted")).then_some(Exclusion::Restricted)
}

fn in_channel(parts: &ModelParts, request: &Request, mask: u32) -> bool {
    let number = parts.channels.iter().position(|channel| *channel == request.channel);
    mask == u32::MAX || number.is_some_and(|number| mask >> number & 1 == 1)
}

/// Why an offer may not appear.
pub(super) fn offer_exclusion(
    parts: &ModelParts,
    request: &Request,
    placement: &Placement,
    shown: &Shown,
    offer: &OfferPart,
) -> Option<Exclusion> {
    if placement.exclude.contains(&offer.id) {
        return Some(Exclusion::Excluded);
    }
    if shown.offers.contains(&offer.id) {
        return Some(Exclusion::AlreadyOnPage);
    }
    let path = (offer.category != NO_CATEGORY).then(|| parts.items.categories[offer.category as usize].as_str());
    if placement.category.as_ref().is_some_and(|wanted| !path.is_some_and(|path| is_below(path, wanted))) {
        return Some(Exclusion::OtherCategory);
    }
    if !in_channel(parts, request, offer.channels) {
        return Some(Exclusion::NotInChannel);
    }
    if request.now_ms < offer.starts_ms {
        return Some(Exclusion::NotYetAvailable);
    }
    if request.now_ms >= offer.ends_ms {
        return Some(Exclusion::NoLongerAvailable);
    }
    if offer.cap > 0 && !request.seen.counts_offers {
        return Some(Exclusion::ConsentWithheld);
    }
    let since = request.now_ms - i64::from(offer.cap_days) * crate::generator::DAY_MS;
    let redeemed = request.seen.offers.events.iter().filter(|event| {
        event.kind == unisono_message::EventType::OfferRedeemed
            && event.text("offer_id") == Some(&offer.id)
            && event.ts_ms > since
    });
    (offer.cap > 0 && redeemed.count() >= offer.cap as usize).then_some(Exclusion::CapReached)
}
