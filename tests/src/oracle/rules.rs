//! What must hold of every answer, whatever the scores: checked on the response's bytes, without the twin's ranking.

use super::eligible::{Shown, exclusion, offer_exclusion};
use super::features::Candidate;
use super::history::History;
use super::policy::Policy;
use super::request::{Placement, Request};
use crate::value::{Value, decode, field, int, list, text};
use anyhow::{Context, Result, ensure};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use unisono_core::model::ModelParts;
use unisono_message::PlacementKind;

/// Kinds that show popular items when their own candidates are too few.
pub(super) fn fills_up(kind: PlacementKind) -> bool {
    use PlacementKind::{BoughtTogether, ForYou, Similar, Trending};
    matches!(kind, ForYou | Similar | BoughtTogether | Trending)
}

/// How strongly a placement spreads its categories: what it asks for, or what the model says.
pub(super) fn strength(parts: &ModelParts, placement: &Placement) -> i64 {
    use PlacementKind::{Offers, RecentlyViewed, Trending};
    match placement.kind {
        Offers | RecentlyViewed | Trending => 0,
        _ => placement.diversity.unwrap_or(parts.diversity.into()),
    }
}

/// Distinct products: variants of one group count once.
pub(super) fn products<'c>(parts: &ModelParts, candidates: impl IntoIterator<Item = &'c Candidate>) -> usize {
    let key = |candidate: &Candidate| match candidate.group(parts) {
        Some(group) => (Some(group), String::new()),
        None => (None, candidate.id(parts).to_owned()),
    };
    candidates.into_iter().map(key).collect::<BTreeSet<_>>().len()
}

/// Everything that a placement could show at all, eligible or not.
fn universe(parts: &ModelParts, history: &History, placement: &Placement) -> BTreeSet<Candidate> {
    let own = history.items.iter();
    let bought = own.clone().filter(|(_, own)| !own.days.is_empty()).map(|(id, _)| Candidate::of(parts, id));
    let viewed = own.clone().filter(|(_, own)| !own.looks_ms.is_empty()).map(|(id, _)| Candidate::of(parts, id));
    let known = (0..parts.items.ids.len() as u32).map(Candidate::Known);
    match placement.kind {
        PlacementKind::ForYou | PlacementKind::BoughtTogether => {
            known.chain(own.map(|(id, _)| Candidate::of(parts, id))).collect()
        }
        PlacementKind::Similar | PlacementKind::Trending => known.collect(),
        PlacementKind::BuyAgain => bought.collect(),
        PlacementKind::RecentlyViewed => viewed.collect(),
        PlacementKind::Rerank => placement.candidates.iter().map(|id| Candidate::of(parts, id)).collect(),
        PlacementKind::Offers => BTreeSet::new(),
    }
}

/// How many different products a placement may show, given what the page shows already.
fn eligible_products(
    parts: &ModelParts,
    history: &History,
    request: &Request,
    placement: &Placement,
    shown: &Shown,
) -> usize {
    if placement.kind == PlacementKind::Offers {
        let asked = |id: &String| placement.candidates.is_empty() || placement.candidates.contains(id);
        let offers = parts.offers.iter().filter(|offer| asked(&offer.id));
        return offers.filter(|offer| offer_exclusion(parts, request, placement, shown, offer).is_none()).count();
    }
    let all = universe(parts, history, placement);
    products(parts, all.iter().filter(|one| exclusion(parts, history, request, placement, shown, one).is_none()))
}

/// Checks a response against the rules.
///
/// # Errors
/// A sentence that says which rule is broken.
pub fn check(parts: &ModelParts, policy: Option<&[u8]>, request: &[u8], response: &[u8]) -> Result<()> {
    let request = Request::read(&decode(request)?, &Policy::read(policy)?)?;
    let response = decode(response)?;
    let history = History::of(parts, &request);
    let answers = list(&response, "placements");
    ensure!(answers.len() == request.placements.len(), "an answer a placement");
    let mut shown = Shown::default();
    for (placement, answer) in request.placements.iter().zip(answers) {
        check_placement(parts, &history, &request, placement, answer, &mut shown)
            .with_context(|| format!("placement `{}` ({})", placement.id, placement.kind.as_str()))?;
    }
    Ok(())
}

fn check_placement(
    parts: &ModelParts,
    history: &History,
    request: &Request,
    placement: &Placement,
    answer: &Value,
    shown: &mut Shown,
) -> Result<()> {
    let recommendations = list(answer, "recommendations");
    let wanted = eligible_products(parts, history, request, placement, shown).min(placement.k);
    ensure!(text(answer, "id") == Some(&placement.id), "answers come in the order of the request");
    ensure!(recommendations.len() == wanted, "{} recommendations where {wanted} can be", recommendations.len());
    ensure!(text(answer, "empty_reason").is_some() == recommendations.is_empty(), "an empty answer says why");
    let short = list(answer, "warnings").iter().any(|one| text(one, "code") == Some("fewer_than_k"));
    ensure!(short == (recommendations.len() < placement.k), "fewer than k are warned of");
    let id_name = if placement.kind == PlacementKind::Offers { "offer_id" } else { "item_id" };
    let mut keys = Vec::new();
    for (at, one) in recommendations.iter().enumerate() {
        let id = text(one, id_name).context("a recommendation has an id")?;
        ensure!(field(one, "rank").and_then(int) == Some(at as i64 + 1), "ranks count from 1");
        ensure!(!list(one, "reasons").is_empty(), "`{id}` has no reason");
        exact(parts, one).with_context(|| format!("`{id}`"))?;
        let score = field(one, "score").and_then(Value::as_f64).context("a score is a float")?;
        if placement.kind == PlacementKind::Offers {
            let index = parts.offers.iter().position(|offer| offer.id == id).context("an offer of the model")?;
            let offer = &parts.offers[index];
            ensure!(offer_exclusion(parts, request, placement, shown, offer).is_none(), "`{id}` is not eligible");
            shown.offers.insert(id.to_owned());
            keys.push((Reverse(Ordered(score)), Reverse(i64::from(offer.popularity)), Candidate::Known(index as u32)));
        } else {
            let candidate = Candidate::of(parts, id);
            let reason = exclusion(parts, history, request, placement, shown, &candidate);
            ensure!(reason.is_none(), "`{id}` is not eligible: {reason:?}");
            shown.add(parts, &candidate);
            keys.push((Reverse(Ordered(score)), Reverse(candidate.figure(&parts.popularity.all)), candidate));
        }
    }
    ensure!(strength(parts, placement) > 0 || keys.is_sorted(), "the recommendations are not in the total order");
    check_excluded(answer, id_name, request.explain)
}

/// `score * 2^scale_bits` is the base and the parts, to the last bit.
fn exact(parts: &ModelParts, recommendation: &Value) -> Result<()> {
    let Some(explanation) = field(recommendation, "explanation") else { return Ok(()) };
    let points = list(explanation, "parts").iter().map(|part| field(part, "points").and_then(int).unwrap_or(0));
    let sum = field(explanation, "base").and_then(int).context("an explanation has a base")? + points.sum::<i64>();
    let bits = field(explanation, "scale_bits").and_then(int).context("an explanation has a scale")?;
    ensure!(bits == i64::from(parts.scale_bits), "the scale is the model's");
    let score = field(recommendation, "score").and_then(Value::as_f64).context("a score is a float")?;
    ensure!(score == sum as f64 / (1u64 << bits) as f64, "the score {score} is not the sum of its parts, {sum}");
    Ok(())
}

/// Listed where asked, and never something that is shown in the same place.
fn check_excluded(answer: &Value, id_name: &str, explain: bool) -> Result<()> {
    ensure!(field(answer, "excluded").is_some() == explain, "exclusions are listed where an explanation is asked for");
    let ids =
        |name: &str| -> BTreeSet<&str> { list(answer, name).iter().filter_map(|one| text(one, id_name)).collect() };
    let (left_out, shown) = (ids("excluded"), ids("recommendations"));
    ensure!(left_out.is_disjoint(&shown), "something is shown and left out");
    Ok(())
}

/// A score as a key; no answer holds NaN.
#[derive(Clone, Copy, PartialEq)]
struct Ordered(f64);

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // -0 and 0 are one score.
        (self.0 + 0.0).total_cmp(&(other.0 + 0.0))
    }
}
