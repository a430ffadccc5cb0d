//! Diversity: maximal marginal relevance over categories (Carbonell and Goldstein, "The use of MMR, diversity-based reranking",
//! 1998).

use crate::candidates::Candidate;
use crate::eligibility::Shown;
use crate::model::Model;
use crate::order::sorted;
use crate::ranking::{Scored, best_first, best_products};
use alloc::vec::Vec;
use unisono_message::limits::{DIVERSITY_MAX, DIVERSITY_POOL_MAX};
use unisono_message::list::Listed;
use unisono_message::{Placement, PlacementKind};

/// How strongly a placement avoids what is alike, 0 to 1,000: what it asks for, or else what the model says. Kinds that
/// show a figure or a time are never reordered.
pub(crate) fn strength_of(model: &Model<'_>, placement: &Placement<'_>) -> i64 {
    match placement.kind {
        PlacementKind::Trending | PlacementKind::RecentlyViewed | PlacementKind::Offers => 0,
        _ => placement.diversity.unwrap_or(model.diversity),
    }
}

/// A candidate that waits to be taken.
struct Waiting<'a> {
    one: Scored<'a>,
    /// Where its score lies between the worst and the best that are looked at, in 4,096ths.
    relevance: i64,
    /// Category levels in common with the likest that is taken, in 4,096ths.
    likeness: i64,
    is_taken: bool,
}

/// Takes k products from the best 3 k candidates: each time the one of the greatest
/// `(1 - strength) relevance - strength likeness`, the better ranked one where several are equal. Notes them on the page. The
/// second list holds the candidates that gave way to a variant of the same product.
pub(crate) fn take_diverse<'a>(
    model: &Model<'_>,
    scored: &[Scored<'a>],
    k: usize,
    strength: i64,
    shown: &mut Shown<'a>,
) -> (Vec<Scored<'a>>, Vec<Candidate<'a>>) {
    let best = sorted(best_products(model, scored, DIVERSITY_POOL_MAX * k, k), best_first);
    let score = |one: Option<&Scored<'_>>| one.map_or(0, |one| one.score);
    let worst = score(best.last());
    let span = (score(best.first()) - worst).max(1);
    let waits = |one: &Scored<'a>| Waiting {
        one: *one,
        relevance: (one.score - worst) * 4096 / span,
        likeness: 0,
        is_taken: false,
    };
    let mut waiting: Vec<Waiting<'a>> = best.iter().map(waits).listed();
    let (mut taken, mut variants) = (Vec::new(), Vec::new());
    while taken.len() < k {
        let mut greatest: Option<(i64, &mut Waiting<'a>)> = None;
        for one in waiting.iter_mut().filter(|one| !one.is_taken) {
            let value = (DIVERSITY_MAX - strength) * one.relevance - strength * one.likeness;
            if greatest.as_ref().is_none_or(|greatest| value > greatest.0) {
                greatest = Some((value, one));
            }
        }
        let Some((_, next)) = greatest else { break };
        next.is_taken = true;
        let next = next.one;
        if shown.holds(model, &next.candidate) {
            variants.push(next.candidate);
            continue;
        }
        shown.add(model, &next.candidate);
        taken.push(next);
        let category = |one: &Scored<'_>| one.candidate.item.and_then(|item| model.items.category_of(item));
        let Some(of_next) = category(&next) else { continue };
        for one in &mut waiting {
            let shared = category(&one.one).map_or(0, |own| model.by_category.shared(own, of_next));
            one.likeness = one.likeness.max(shared);
        }
    }
    (taken, variants)
}
