//! Offers, naively.

use super::answer::{Entry, Explained, PlacementAnswer};
use super::eligible::{Shown, is_below, offer_exclusion};
use super::features::category;
use super::request::{Placement, Request};
use crate::generator::DAY_MS;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use unisono_core::model::{ModelParts, NO_CATEGORY, OfferPart};
use unisono_message::limits::SPEND_MICRO_MAX;
use unisono_message::{EmptyReason, EventType, Exclusion, Reason, WarningCode};

/// Decayed spend per item in micro-units, and the number of amounts of another currency.
fn spend(parts: &ModelParts, request: &Request) -> (BTreeMap<u32, i64>, usize) {
    let (mut by_item, mut other) = (BTreeMap::new(), 0);
    for event in request.seen.offers.events.iter().filter(|event| event.kind == EventType::Purchase) {
        let (Some(price), Some(id)) = (event.number("price"), event.text("item_id")) else { continue };
        if event.text("currency").is_some_and(|currency| parts.currency.as_deref() != Some(currency)) {
            other += 1;
            continue;
        }
        let Ok(item) = parts.items.ids.binary_search_by(|own| own.as_str().cmp(id)) else { continue };
        let days = ((request.now_ms - event.ts_ms) / DAY_MS).max(0) as f64;
        let weight = (65_536.0 * (-days / 90.0).exp()).round_ties_even() as i64;
        let paid = i128::from(price) * i128::from(event.number("quantity").unwrap_or(1_000)) / 1_000;
        let paid = paid.min(i128::from(SPEND_MICRO_MAX)) as i64;
        *by_item.entry(item as u32).or_default() += paid * weight / 65_536;
    }
    (by_item, other)
}

fn covers(parts: &ModelParts, offer: &OfferPart, item: u32) -> bool {
    if offer.category == NO_CATEGORY {
        return offer.items.contains(&item);
    }
    let path = |category: u16| parts.items.categories[category as usize].as_str();
    category(parts, item).is_some_and(|own| is_below(path(own), path(offer.category)))
}

/// The answer of an `offers` placement.
pub(super) fn place(
    parts: &ModelParts,
    request: &Request,
    placement: &Placement,
    shown: &mut Shown,
) -> PlacementAnswer {
    let (by_item, other_currency) = spend(parts, request);
    let given = &placement.candidates;
    let unknown = given.iter().filter(|id| parts.offers.iter().all(|offer| offer.id != **id));
    let mut excluded: Vec<(String, Exclusion)> = unknown.map(|id| (id.clone(), Exclusion::UnknownOffer)).collect();
    let mut ranked: Vec<(i64, &OfferPart)> = Vec::new();
    for offer in parts.offers.iter().filter(|offer| given.is_empty() || given.contains(&offer.id)) {
        match offer_exclusion(parts, request, placement, shown, offer) {
            Some(reason) => excluded.push((offer.id.clone(), reason)),
            None => {
                let covered = by_item.iter().filter(|(item, _)| covers(parts, offer, **item));
                ranked.push((covered.map(|(_, micro)| micro).sum(), offer));
            }
        }
    }
    // Offers lie in order of their ids, and the sort is stable.
    ranked.sort_by_key(|(micro, offer)| (Reverse(score(parts, *micro)), Reverse(offer.popularity)));
    ranked.truncate(placement.k);
    shown.offers.extend(ranked.iter().map(|(_, offer)| offer.id.clone()));
    let entries: Vec<Entry> = ranked.iter().map(|(micro, offer)| entry(parts, *micro, offer)).collect();
    let empty = if parts.offers.is_empty() { EmptyReason::NoOffers } else { EmptyReason::AllExcluded };
    let missing = placement.k - entries.len();
    PlacementAnswer {
        id: placement.id.clone(),
        offers: true,
        warnings: vec![(WarningCode::OtherCurrency, other_currency), (WarningCode::FewerThanK, missing)],
        empty_reason: entries.is_empty().then_some(empty),
        left_out: excluded.len(),
        excluded,
        entries,
    }
}

fn score(parts: &ModelParts, micro: i64) -> i64 {
    let bits = parts.scale_bits;
    (i128::from(micro.min(SPEND_MICRO_MAX)) * (1i128 << bits) / 1_000_000) as i64
}

fn entry(parts: &ModelParts, micro: i64, offer: &OfferPart) -> Entry {
    let score = score(parts, micro);
    let part = ("spend_on_covered".to_owned(), micro, score);
    Entry {
        id: offer.id.clone(),
        score,
        probability: None,
        reasons: vec![if micro > 0 { Reason::SpendOnCovered } else { Reason::Popular }],
        explanation: Explained { base: 0, parts: if score == 0 { vec![] } else { vec![part] } },
    }
}
