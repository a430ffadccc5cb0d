//! One placement after the other: candidates, eligibility, scores, ranking.

use crate::candidates::{self, Candidate};
use crate::diversity;
use crate::eligibility::{Left, Rules, Shown};
use crate::model::Model;
use crate::order::IndexSet;
use crate::ranking::{self, Scored};
use crate::scene::{Background, Scene, known_items, seed_sums};
use crate::scores::{self, Scoring};
use alloc::vec::Vec;
use unisono_message::limits::STRANGER_RANKED_MAX;
use unisono_message::list::Listed;
use unisono_message::{
    EmptyReason, Exclusion, Placement, PlacementKind, PlacementResponse, Recommendation, Request, Warning, WarningCode,
};

/// Answers a placement of items, and notes on the page what it shows.
pub(crate) fn place<'a>(
    model: &Model<'a>,
    background: &Background<'a>,
    stranger: Option<&Background<'a>>,
    request: &Request<'a>,
    placement: &Placement<'a>,
    shown: &mut Shown<'a>,
    own: &mut OwnScores,
) -> PlacementResponse<'a> {
    let (seeds, unknown_seeds) = seeds_of(model, request, placement);
    let from_seeds = seed_sums(model, &seeds);
    // Alternatives to an item do not depend on who asks.
    let asks = stranger.filter(|_| placement.kind == PlacementKind::Similar).unwrap_or(background);
    let scene = asks.scene(model, &seeds, &from_seeds);
    // What was bought is still left out where asked, so the rules read the customer's own history.
    let rules = Rules::new(model, &background.history, request, placement);
    let mut left = Left::new(request);
    let mut kept = Vec::new();
    let collected = candidates::collect(&scene, placement.kind, placement.exclude_bought, &placement.candidates);
    for candidate in &collected {
        match rules.exclusion(candidate, shown) {
            Some(reason) => left.add(reason, || id_of(model, candidate)),
            None => kept.push(*candidate),
        }
    }
    if is_filled_up(placement.kind) {
        fill_up(&scene, &rules, shown, placement.k, &collected, &mut kept, &mut left);
    }
    let (scoring, scored) = score(&scene, placement.kind, placement.exclude_bought, &kept, placement.k, own);
    let (taken, variants) = match diversity::strength_of(model, placement) {
        0 => ranking::take_best(model, &scored, placement.k, shown),
        strength => diversity::take_diverse(model, &scored, placement.k, strength, shown),
    };
    for variant in &variants {
        left.add(Exclusion::AlreadyOnPage, || id_of(model, variant));
    }
    let recommendations: Vec<Recommendation<'a>> =
        taken.iter().map(|one| recommendation(scoring, &scene, request, placement, one)).listed();
    let category_unknown = placement.category.is_some_and(|category| !category_known(model, category));
    let empty_reason = recommendations.is_empty().then(|| empty_reason(model, placement, left.count));
    let warnings = Warning::counted(&[
        (WarningCode::SeedItemUnknown, unknown_seeds as usize),
        (WarningCode::CategoryUnknown, usize::from(category_unknown)),
        (WarningCode::FewerThanK, placement.k - recommendations.len()),
        (WarningCode::ExcludedNotListed, left.unlisted()),
    ]);
    PlacementResponse {
        id: placement.id,
        offers: false,
        recommendations,
        excluded: left.told(),
        empty_reason,
        warnings,
    }
}

/// What a placement starts from: its own items, or else the cart.
fn seeds_of(model: &Model<'_>, request: &Request<'_>, placement: &Placement<'_>) -> (Vec<u32>, u32) {
    match placement.kind {
        PlacementKind::Similar | PlacementKind::BoughtTogether if !placement.items.is_empty() => {
            known_items(model, &placement.items)
        }
        PlacementKind::Similar | PlacementKind::BoughtTogether => known_items(model, &request.context.cart),
        _ => (Vec::new(), 0),
    }
}

/// Kinds that show popular items when their own candidates are too few.
fn is_filled_up(kind: PlacementKind) -> bool {
    matches!(
        kind,
        PlacementKind::ForYou | PlacementKind::Similar | PlacementKind::BoughtTogether | PlacementKind::Trending
    )
}

/// Adds the most popular eligible items until there are k products, so that k are returned wherever k exist.
fn fill_up<'a>(
    scene: &Scene<'_, 'a>,
    rules: &Rules<'_, '_>,
    shown: &Shown<'a>,
    k: usize,
    collected: &[Candidate<'a>],
    kept: &mut Vec<Candidate<'a>>,
    left: &mut Left<'a>,
) {
    let model = scene.model;
    let mut groups = IndexSet::default();
    let mut is_new = |item: Option<u32>| {
        let group = item.and_then(|item| model.items.group_of(item));
        usize::from(group.is_none_or(|group| groups.insert(group)))
    };
    let mut products: usize = kept.iter().map(|one| is_new(one.item)).sum();
    if products >= k {
        return;
    }
    // Those that a rule left out are counted already.
    let known: Vec<u32> = collected.iter().filter_map(|one| one.item).listed();
    let candidates = IndexSet::of(&known);
    for item in model.popularity.every_item(model.items_len) {
        if products >= k {
            return;
        }
        if candidates.contains(item) {
            continue;
        }
        let candidate = Candidate::known(scene, item);
        if rules.exclusion(&candidate, shown).is_some() {
            // Counted, not listed: it was no candidate of any source.
            left.count += 1;
            continue;
        }
        products += is_new(Some(item));
        kept.push(candidate);
    }
}

/// Scores of the customer's own items by what ranks the next purchase, by position in the history. `for_you`, `buy_again`
/// and `rerank` look at nothing else than the customer, so that the placements of a page share them.
#[derive(Clone, Debug, Default)]
pub struct OwnScores {
    by_blend: Vec<Option<i64>>,
    by_forest: Vec<Option<i64>>,
}

/// Scores the candidates of a placement and says how: by the blend, or the blend's best by the forest. Where neither a
/// history nor what is given tells anything the forest ranks many more, in nearly every call all: a blend adds up what it
/// knows of customers with a history and would choose badly. `new_only`: the placement leaves out what was bought. `own` is
/// of the call, and its customer's. Each candidate stands once.
pub fn score<'b, 'a>(
    scene: &'b Scene<'_, 'a>,
    kind: PlacementKind,
    new_only: bool,
    candidates: &[Candidate<'a>],
    k: usize,
    own: &mut OwnScores,
) -> (Scoring<'b>, Vec<Scored<'a>>) {
    let model = scene.model;
    let (scoring, forest) = scores::scoring_of(scene, kind, new_only);
    let mut unshared = OwnScores::default();
    let own = if scores::is_shared(scene, kind, new_only) { own } else { &mut unshared };
    own.by_blend.resize(scene.history.items.len(), None);
    own.by_forest.resize(scene.history.items.len(), None);
    let by_blend = scored(scoring, scene, candidates, &mut own.by_blend);
    let Some(forest) = forest else { return (scoring, by_blend) };
    let ranked_max = match scene.history.items.is_empty() && scene.seeds.is_empty() {
        true => STRANGER_RANKED_MAX.max(model.ranked_max as usize),
        false => model.ranked_max as usize,
    };
    let best = ranking::best_products(model, &by_blend, k.max(ranked_max), k);
    let best: Vec<Candidate<'a>> = best.iter().map(|one| one.candidate).listed();
    (forest, scored(forest, scene, &best, &mut own.by_forest))
}

fn scored<'a>(
    scoring: Scoring<'_>,
    scene: &Scene<'_, 'a>,
    candidates: &[Candidate<'a>],
    own: &mut [Option<i64>],
) -> Vec<Scored<'a>> {
    let shared = |candidate: &Candidate<'a>| own.get(candidate.own? as usize).copied().flatten();
    let unscored: Vec<Candidate<'a>> = candidates.iter().filter(|one| shared(one).is_none()).copied().listed();
    let mut scores = scores::scores(scoring, scene, &unscored).into_iter();
    let one = |candidate: &Candidate<'a>| {
        let mut unshared = None;
        let score = candidate.own.and_then(|at| own.get_mut(at as usize)).unwrap_or(&mut unshared);
        Scored {
            score: *score.get_or_insert_with(|| scores.next().unwrap_or_default()),
            popularity: scene.model.popularity.of(candidate.item),
            candidate: *candidate,
        }
    };
    let scored = candidates.iter().map(one).listed();
    debug_assert!(scores.next().is_none(), "a candidate stands twice");
    scored
}

fn recommendation<'a>(
    scoring: Scoring<'_>,
    scene: &Scene<'_, 'a>,
    request: &Request<'_>,
    placement: &Placement<'_>,
    one: &Scored<'a>,
) -> Recommendation<'a> {
    let model = scene.model;
    let calibration = match scores::discovers(scene, placement.kind, placement.exclude_bought) {
        true => Some(&model.discover_calibration).filter(|map| !map.scores.is_empty()),
        false => model.calibrations.iter().find(|(kind, _)| *kind == placement.kind).map(|(_, map)| map),
    };
    Recommendation {
        id: id_of(scene.model, &one.candidate),
        score: one.score,
        probability: calibration
            .filter(|_| request.probability && !matches!(scoring, Scoring::Likeness))
            .map(|map| map.probability(one.score, scene.history.visits)),
        reasons: scores::reasons(scoring, placement.kind, scene, &one.candidate),
        explanation: request.explain.then(|| scores::explain(scoring, scene, &one.candidate)),
    }
}

fn id_of<'a>(model: &Model<'a>, candidate: &Candidate<'a>) -> &'a str {
    candidate.item.map_or(candidate.unknown_id, |item| model.items.ids.get(item))
}

fn category_known(model: &Model<'_>, category: &str) -> bool {
    (0..model.items.categories.len() as u32).any(|at| crate::model::is_below(model.items.categories.get(at), category))
}

fn empty_reason(model: &Model<'_>, placement: &Placement<'_>, left: usize) -> EmptyReason {
    match placement.kind {
        PlacementKind::Rerank if placement.candidates.is_empty() => EmptyReason::NothingGiven,
        PlacementKind::BuyAgain | PlacementKind::RecentlyViewed if left == 0 => EmptyReason::NoHistory,
        _ if model.items_len == 0 => EmptyReason::NoItems,
        _ => EmptyReason::AllExcluded,
    }
}
