//! Scores: which blend or figure speaks for a kind of placement, and what a score is made of.

use crate::blend::Blend;
use crate::candidates::Candidate;
use crate::features::{FEATURES, Feature, Group, absent, values};
use crate::forest::Forest;
use crate::order::sorted;
use crate::scene::Scene;
use crate::sources::content;
use alloc::vec;
use alloc::vec::Vec;
use unisono_message::limits::REASONS_MAX;
use unisono_message::list::{Listed, keep};
use unisono_message::{Explanation, Part, PlacementKind, Reason};

/// How a kind of placement scores.
#[derive(Clone, Copy, Debug)]
pub enum Scoring<'b> {
    /// By a learned blend: the whole score, or what chooses whom the forest ranks.
    Learned(&'b Blend),
    /// By trees.
    Forest(&'b Forest<'b>),
    /// By distinct profiles of the last 28 days: of the channel where the model lists it, else of all.
    Popularity(Feature),
    /// By category and brand, where no given item has neighbours.
    Likeness,
    /// By the time of the last look, newest first: minus its age in ms.
    Recency,
}

/// Whether a placement is ranked by the forest of discovery: it asks for what comes next, but not for what was bought. To
/// who never bought everything is new, and the forest of `next` ranks.
pub(crate) fn discovers(scene: &Scene<'_, '_>, kind: PlacementKind, new_only: bool) -> bool {
    let next = matches!(kind, PlacementKind::ForYou | PlacementKind::BuyAgain | PlacementKind::Rerank);
    new_only && next && scene.history.visits > 0 && !scene.model.discover_forest.is_empty()
}

/// Whether a placement scores by what ranks the next purchase, which looks at nothing but the customer.
pub(crate) fn is_shared(scene: &Scene<'_, '_>, kind: PlacementKind, new_only: bool) -> bool {
    let next = matches!(kind, PlacementKind::ForYou | PlacementKind::BuyAgain | PlacementKind::Rerank);
    next && !discovers(scene, kind, new_only)
}

/// The scoring of a kind in a scene, and the forest that ranks the best of it, if the model has one.
pub(crate) fn scoring_of<'b>(
    scene: &'b Scene<'_, '_>,
    kind: PlacementKind,
    new_only: bool,
) -> (Scoring<'b>, Option<Scoring<'b>>) {
    let model = scene.model;
    let channel_known = scene.in_channel.sums.entries().next().is_some();
    let learned = |blend, forest: &'b Forest<'b>| {
        let forest = (!forest.is_empty()).then_some(Scoring::Forest(forest));
        (Scoring::Learned(blend), forest)
    };
    match kind {
        _ if discovers(scene, kind, new_only) => learned(&model.next, &model.discover_forest),
        PlacementKind::ForYou | PlacementKind::BuyAgain | PlacementKind::Rerank | PlacementKind::Offers => {
            learned(&model.next, &model.next_forest)
        }
        // Nothing was ever bought with them: a blend would rank by popularity alone.
        PlacementKind::Similar if scene.from_seeds.best == 0 && !scene.seeds.is_empty() => (Scoring::Likeness, None),
        PlacementKind::Similar | PlacementKind::BoughtTogether => learned(&model.together, &model.together_forest),
        PlacementKind::Trending if channel_known => (Scoring::Popularity(Feature::PopularityChannel), None),
        PlacementKind::Trending => (Scoring::Popularity(Feature::PopularityRecent), None),
        PlacementKind::RecentlyViewed => (Scoring::Recency, None),
    }
}

/// The scores of candidates, in 2^-scale_bits.
pub(crate) fn scores(scoring: Scoring<'_>, scene: &Scene<'_, '_>, candidates: &[Candidate<'_>]) -> Vec<i64> {
    let values = || candidates.iter().map(|candidate| values(scene, candidate)).listed();
    match scoring {
        Scoring::Learned(blend) => blend.scores(&values()),
        Scoring::Forest(forest) => forest.scores(&values()),
        _ => candidates.iter().map(|one| figure_of(scoring, scene, one) << scene.model.scale_bits).listed(),
    }
}

/// What is no learned score, in units.
fn figure_of(scoring: Scoring<'_>, scene: &Scene<'_, '_>, candidate: &Candidate<'_>) -> i64 {
    match scoring {
        Scoring::Popularity(Feature::PopularityChannel) => scene.channel_count(candidate.item).into(),
        Scoring::Likeness => likeness_of(scene, candidate),
        Scoring::Recency => -age_ms(scene, candidate),
        _ => candidate.item.and_then(|item| scene.model.popularity.recent.get(item as usize)).unwrap_or(0).into(),
    }
}

fn likeness_of(scene: &Scene<'_, '_>, candidate: &Candidate<'_>) -> i64 {
    candidate.item.map_or(0, |item| content::likeness(scene.model, scene.seeds, item))
}

fn age_ms(scene: &Scene<'_, '_>, candidate: &Candidate<'_>) -> i64 {
    let own = candidate.own.and_then(|at| scene.history.items.get(at as usize));
    own.and_then(|own| own.viewed_ms).map_or(0, |ms| (scene.now_ms - ms).max(0))
}

/// The exact parts of a candidate's score.
pub(crate) fn explain(scoring: Scoring<'_>, scene: &Scene<'_, '_>, candidate: &Candidate<'_>) -> Explanation<'static> {
    let one = |feature: Feature, value| {
        let points = figure_of(scoring, scene, candidate) << scene.model.scale_bits;
        let parts = if points == 0 { Vec::new() } else { vec![Part { feature: feature.as_str(), value, points }] };
        Explanation { base: 0, parts }
    };
    match scoring {
        Scoring::Learned(blend) => blend.explain(&values(scene, candidate)),
        Scoring::Forest(forest) => forest.explain(&values(scene, candidate)),
        Scoring::Popularity(feature) => one(feature, feature.of(&values(scene, candidate))),
        Scoring::Likeness => one(Feature::ContentScore, likeness_of(scene, candidate)),
        Scoring::Recency => one(Feature::ViewedAge, age_ms(scene, candidate) / 3_600_000),
    }
}

/// Reasons for a recommendation, strongest first, at least one: the groups of features by what they add, of those that are
/// not what they would be for an item that nothing is known of.
pub(crate) fn reasons(
    scoring: Scoring<'_>,
    kind: PlacementKind,
    scene: &Scene<'_, '_>,
    candidate: &Candidate<'_>,
) -> Vec<Reason> {
    let own = candidate.own.and_then(|at| scene.history.items.get(at as usize));
    let of_own = if own.is_some_and(|own| own.days > 1) { Reason::BoughtOften } else { Reason::BoughtBefore };
    let mut found: Vec<(i64, Reason)> = Vec::new();
    match scoring {
        Scoring::Recency => return vec![Reason::ViewedBefore],
        Scoring::Popularity(_) => return vec![Reason::Popular],
        Scoring::Likeness if likeness_of(scene, candidate) > 0 => return vec![Reason::LikeGiven],
        Scoring::Likeness => return vec![Reason::Popular],
        Scoring::Learned(_) | Scoring::Forest(_) => {
            let present = values(scene, candidate);
            let nothing = absent(&present);
            // Walking the trees is what costs, so that it is done once for all groups.
            let moved = match scoring {
                Scoring::Forest(forest) => forest.paths(&present).1,
                _ => [0; FEATURES],
            };
            for (group, reason) in [
                (Group::Own, of_own),
                (Group::Cart, Reason::GoesWithCart),
                (Group::History, Reason::GoesWithHistory),
                (Group::Next, Reason::BoughtNext),
                (Group::Viewed, Reason::ViewedBefore),
                (Group::Content, Reason::LikeGiven),
                (Group::Popular, Reason::Popular),
            ] {
                let speaks =
                    |feature: Feature| feature.group() == group && feature.of(&present) != feature.of(&nothing);
                let gain = match scoring {
                    Scoring::Forest(forest) => forest.gain(&moved, speaks),
                    Scoring::Learned(blend) => blend.gain(&present, &nothing, speaks),
                    _ => 0,
                };
                found.push((gain, reason));
            }
        }
    }
    // What was never bought is never recommended for having been bought, whatever the figures of such items add.
    if own.is_none_or(|own| own.days == 0) {
        keep(&mut found, |(_, reason)| *reason != of_own);
    }
    // Stable: reasons of equal gain stay in the order above.
    let found = sorted(found, |a, b| b.0.cmp(&a.0));
    let mut out: Vec<Reason> =
        found.into_iter().filter(|entry| entry.0 > 0).map(|entry| entry.1).take(REASONS_MAX).listed();
    if out.is_empty() {
        out.push(match kind {
            PlacementKind::Rerank => Reason::Given,
            _ if own.is_some_and(|own| own.days > 0) => of_own,
            _ if own.is_some() => Reason::ViewedBefore,
            _ => Reason::Popular,
        });
    }
    out
}
