//! Ranking: one total order, variants of a product once, the best k.

use crate::candidates::Candidate;
use crate::eligibility::Shown;
use crate::model::Model;
use crate::order::{IndexSet, first_of, set_of_first};
use alloc::vec::Vec;
use core::cmp::Ordering;

/// A candidate with its score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scored<'a> {
    /// In 2^-scale_bits.
    pub score: i64,
    /// Distinct profiles over all days, 0 for an unknown item.
    pub popularity: u32,
    /// Who it is.
    pub candidate: Candidate<'a>,
}

/// The total order, best first: score descending, popularity descending, item index ascending, unknown items last by the
/// bytes of their ids.
pub fn best_first(a: &Scored<'_>, b: &Scored<'_>) -> Ordering {
    let index = |scored: &Scored<'_>| scored.candidate.item.unwrap_or(u32::MAX);
    b.score
        .cmp(&a.score)
        .then_with(|| b.popularity.cmp(&a.popularity))
        .then_with(|| index(a).cmp(&index(b)))
        .then_with(|| a.candidate.unknown_id.cmp(b.candidate.unknown_id))
}

/// The best `count` in the total order, or more where these are variants of fewer than `products` products; themselves in
/// no order that an answer may depend on.
pub fn best_products<'a>(model: &Model<'_>, scored: &[Scored<'a>], count: usize, products: usize) -> Vec<Scored<'a>> {
    let mut count = count.max(1);
    let range = scored.iter().fold((i64::MAX, i64::MIN), |range, one| (range.0.min(one.score), range.1.max(one.score)));
    let above = |score: i64| score.abs_diff(range.0);
    loop {
        let best = set_of_first(scored.iter().copied(), count, above(range.1), |one| above(one.score), best_first);
        let mut groups = IndexSet::default();
        let is_new = |one: &&Scored<'a>| {
            one.candidate.item.and_then(|item| model.items.group_of(item)).is_none_or(|group| groups.insert(group))
        };
        if count >= scored.len() || best.iter().filter(is_new).count() >= products {
            return best;
        }
        count = count.saturating_mul(2);
    }
}

/// The best k in the total order, each product once; notes them on the page. The second list holds the candidates that
/// gave way to a better variant of the same product.
pub fn take_best<'a>(
    model: &Model<'_>,
    scored: &[Scored<'a>],
    k: usize,
    shown: &mut Shown<'a>,
) -> (Vec<Scored<'a>>, Vec<Candidate<'a>>) {
    let (mut taken, mut variants) = (Vec::with_capacity(k.min(scored.len())), Vec::new());
    let mut ordered = 0usize;
    // The best k are enough unless variants of one product are among them; then twice as many are looked at, and so on.
    for count in core::iter::successors(Some(k.max(1)), |count| count.checked_mul(2)) {
        for one in first_of(scored.iter().copied(), count, best_first).into_iter().skip(ordered) {
            if taken.len() == k {
                return (taken, variants);
            }
            ordered += 1;
            if shown.holds(model, &one.candidate) {
                variants.push(one.candidate);
            } else {
                shown.add(model, &one.candidate);
                taken.push(one);
            }
        }
        if count >= scored.len() || taken.len() == k {
            break;
        }
    }
    (taken, variants)
}
