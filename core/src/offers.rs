//! Offers: those that hold now and here, by the customer's own decayed spend on what they cover.

use crate::eligibility::{Left, Shown, sold_in};
use crate::history::History;
use crate::model::{Model, NO_CATEGORY, is_below};
use crate::order::{IndexSet, distinct, sorted};
use crate::profile::Profile;
use alloc::vec;
use alloc::vec::Vec;
use unisono_message::limits::SPEND_MICRO_MAX;
use unisono_message::list::{Listed, once_each};
use unisono_message::{
    EmptyReason, EventType, Exclusion, Explanation, MICRO, MILLI, Part, Placement, PlacementResponse, Reason,
    Recommendation, Request, Warning, WarningCode,
};

const DAY_MS: i64 = 86_400_000;
/// The name under which an explanation shows the spend.
const SPEND: &str = "spend_on_covered";

/// The customer's decayed spend per item, and what was left out of it.
struct Spend {
    /// (item, micro-units), ascending by item.
    by_item: Vec<(u32, i64)>,
    other_currency: u32,
}

/// Answers an `offers` placement: eligible offers by spend on what they cover, exp(-days/90) over the purchases that are
/// kept in full (`profile` is what offers may see, settled; `counts`: whether redemptions can be counted); ties by distinct redeeming profiles, then index. Without consent to offers the customer is a stranger, and
/// an offer with a cap is left out, because what was redeemed can't be counted.
pub(crate) fn place<'a>(
    model: &Model<'a>,
    history: &History<'_>,
    profile: &Profile<'_>,
    counts: bool,
    request: &Request<'_>,
    placement: &Placement<'a>,
    shown: &mut Shown<'_>,
) -> PlacementResponse<'a> {
    let spend = spend_of(model, history, profile, request.now_ms);
    let (asked, unknown) = asked_offers(model, placement);
    let mut left = Left::new(request);
    unknown.into_iter().for_each(|id| left.add(Exclusion::UnknownOffer, || id));
    let channel = model.channel(request.context.channel);
    let redeemed = counts.then(|| redemptions(model, profile));
    let barred: Vec<u32> = placement.exclude.iter().filter_map(|id| model.offers.ids.find(id)).listed();
    let barred = IndexSet::of(&barred);
    let mut scored: Vec<(i64, u32, u32, i64)> = Vec::new();
    for offer in asked {
        let reason = if barred.contains(offer) {
            Some(Exclusion::Excluded)
        } else if shown.offers.contains(offer) {
            Some(Exclusion::AlreadyOnPage)
        } else {
            exclusion(model, channel, request.now_ms, placement, offer, redeemed.as_deref())
        };
        match reason {
            Some(reason) => left.add(reason, || model.offers.ids.get(offer)),
            None => {
                let popularity = model.offers.popularity.get(offer as usize).unwrap_or(0);
                let micro = spend_on(model, &spend, offer);
                scored.push((score_of(model, micro), popularity, offer, micro));
            }
        }
    }
    let mut scored = sorted(scored, |a, b| (b.0, b.1, a.2).cmp(&(a.0, a.1, b.2)));
    scored.truncate(placement.k);
    for (_, _, offer, _) in &scored {
        shown.offers.insert(*offer);
    }
    let recommendations: Vec<Recommendation<'a>> =
        scored.iter().map(|(_, _, offer, micro)| recommendation(model, request, *micro, *offer)).listed();
    let empty_reason = recommendations.is_empty().then_some(match model.offers.ids.is_empty() {
        true => EmptyReason::NoOffers,
        false => EmptyReason::AllExcluded,
    });
    let warnings = Warning::counted(&[
        (WarningCode::OtherCurrency, spend.other_currency as usize),
        (WarningCode::FewerThanK, placement.k - recommendations.len()),
        (WarningCode::ExcludedNotListed, left.unlisted()),
    ]);
    PlacementResponse { id: placement.id, offers: true, recommendations, excluded: left.told(), empty_reason, warnings }
}

/// The offers to choose among, ascending, and the given ones that the model does not know.
fn asked_offers<'a>(model: &Model<'a>, placement: &Placement<'a>) -> (Vec<u32>, Vec<&'a str>) {
    if placement.candidates.is_empty() {
        return ((0..model.offers.ids.len() as u32).listed(), Vec::new());
    }
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for id in &placement.candidates {
        match model.offers.ids.find(id) {
            Some(offer) => known.push(offer),
            None => unknown.push(*id),
        }
    }
    (distinct(known, u32::cmp), unknown)
}

fn exclusion(
    model: &Model<'_>,
    channel: Option<u32>,
    now_ms: i64,
    placement: &Placement<'_>,
    offer: u32,
    redeemed: Option<&[(u32, i64)]>,
) -> Option<Exclusion> {
    let at = offer as usize;
    let offers = &model.offers;
    if let Some(category) = placement.category
        && !offers
            .category
            .get(at)
            .is_some_and(|covered| covered != NO_CATEGORY && model.items.is_within(covered, category))
    {
        return Some(Exclusion::OtherCategory);
    }
    if !sold_in(offers.channels.get(at).unwrap_or(0), channel) {
        return Some(Exclusion::NotInChannel);
    }
    if offers.starts_ms.get(at).is_some_and(|starts| now_ms < starts) {
        return Some(Exclusion::NotYetAvailable);
    }
    if offers.ends_ms.get(at).is_some_and(|ends| now_ms >= ends) {
        return Some(Exclusion::NoLongerAvailable);
    }
    let cap = offers.caps.get(at).unwrap_or(0);
    let Some(redeemed) = redeemed else {
        return (cap > 0).then_some(Exclusion::ConsentWithheld);
    };
    let since = now_ms - i64::from(offers.cap_days.get(at).unwrap_or(0)) * DAY_MS;
    let within = redeemed.iter().filter(|(of, ts_ms)| *of == offer && *ts_ms > since).count();
    (cap > 0 && within >= cap as usize).then_some(Exclusion::CapReached)
}

/// (offer, Unix ms) of every redemption that is kept.
fn redemptions(model: &Model<'_>, profile: &Profile<'_>) -> Vec<(u32, i64)> {
    let redeemed = profile.events().iter().filter(|event| event.kind == EventType::OfferRedeemed);
    redeemed.filter_map(|event| Some((model.offers.ids.find(event.offer_id?)?, event.ts_ms))).listed()
}

/// `history` spares look-ups of the items that it holds.
fn spend_of(model: &Model<'_>, history: &History<'_>, profile: &Profile<'_>, now_ms: i64) -> Spend {
    let mut spend = Spend { by_item: Vec::new(), other_currency: 0 };
    for event in profile.events().iter().filter(|event| event.kind == EventType::Purchase) {
        let (Some(price), Some(id)) = (event.price_micro, event.item_id) else { continue };
        if event.currency.is_some() && event.currency != model.currency {
            spend.other_currency += 1;
            continue;
        }
        let known = history.position_of_id(id).map(|at| history.item_at(Some(&at)));
        let Some(item) = known.unwrap_or_else(|| model.items.ids.find(id)) else { continue };
        let age_days = ((now_ms - event.ts_ms) / DAY_MS).max(0);
        let weight = libm::rint(65_536.0 * libm::exp(-(age_days as f64) / 90.0)) as i64;
        let paid = (price.saturating_mul(event.quantity_milli) / MILLI).min(SPEND_MICRO_MAX);
        spend.by_item.push((item, (paid * weight) >> 16));
    }
    spend.by_item = sorted(spend.by_item, |a, b| a.0.cmp(&b.0));
    once_each(&mut spend.by_item, |later, kept| {
        let same = later.0 == kept.0;
        if same {
            kept.1 += later.1;
        }
        same
    });
    spend
}

/// Spend on what an offer covers, in micro-units.
fn spend_on(model: &Model<'_>, spend: &Spend, offer: u32) -> i64 {
    let at = offer as usize;
    let (start, end) = model.offers.rows.range(offer);
    let items = model.offers.items.slice(start, end);
    let category = model.offers.category.get(at).filter(|category| *category != NO_CATEGORY);
    let path = category.map(|category| model.items.categories.get(u32::from(category)));
    let covers = |item: u32| match path {
        Some(path) => {
            model.items.category_of(item).is_some_and(|own| is_below(model.items.categories.get(u32::from(own)), path))
        }
        None => items.holds_sorted(item),
    };
    // Both lists rise: of short ones the spend is looked up, of long ones the items are.
    if path.is_none() && items.len() < spend.by_item.len() {
        let spent = |item: u32| Some(spend.by_item.get(spend.by_item.binary_search_by_key(&item, |of| of.0).ok()?)?.1);
        return items.iter().filter_map(spent).sum();
    }
    spend.by_item.iter().filter(|(item, _)| covers(*item)).map(|(_, micro)| micro).sum()
}

/// Units of the shop's currency, in 2^-scale_bits. Offers are ranked by this, so that what decides is what is shown.
fn score_of(model: &Model<'_>, micro: i64) -> i64 {
    (micro.min(SPEND_MICRO_MAX) << model.scale_bits) / MICRO
}

fn recommendation<'a>(model: &Model<'a>, request: &Request<'_>, micro: i64, offer: u32) -> Recommendation<'a> {
    let score = score_of(model, micro);
    let parts = if score == 0 { Vec::new() } else { vec![Part { feature: SPEND, value: micro, points: score }] };
    Recommendation {
        id: model.offers.ids.get(offer),
        score,
        probability: None,
        reasons: vec![if micro > 0 { Reason::SpendOnCovered } else { Reason::Popular }],
        explanation: request.explain.then_some(Explanation { base: 0, parts }),
    }
}
