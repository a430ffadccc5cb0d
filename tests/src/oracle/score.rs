//! Scores, their parts, probabilities and reasons, naively.

use super::answer::{Entry, Explained};
use super::features::{Candidate, Scene};
use super::history::Own;
use super::request::{Placement, Request};
use std::cmp::Reverse;
use unisono_core::blend::{Blend, Calibration, Table};
use unisono_core::features::{Feature, Group};
use unisono_core::model::ForestParts;
use unisono_message::{PlacementKind, Reason};

/// How a kind of placement scores.
#[derive(Clone, Copy)]
pub(super) enum Scoring<'s> {
    /// By a learned blend.
    Blend(&'s Blend),
    /// By trees.
    Forest(&'s ForestParts),
    /// By a figure of the model.
    Popularity(Feature),
    /// By category and brand.
    Likeness,
    /// By the last look.
    Recency,
}

/// The scoring of a kind in a scene.
pub(super) fn scoring<'s>(scene: &Scene<'s>, kind: PlacementKind) -> Scoring<'s> {
    match kind {
        PlacementKind::Similar if alone(scene) => Scoring::Likeness,
        PlacementKind::Similar | PlacementKind::BoughtTogether => Scoring::Blend(&scene.parts.together),
        PlacementKind::Trending if scene.channel.is_empty() => Scoring::Popularity(Feature::PopularityRecent),
        PlacementKind::Trending => Scoring::Popularity(Feature::PopularityChannel),
        PlacementKind::RecentlyViewed => Scoring::Recency,
        _ => Scoring::Blend(&scene.parts.next),
    }
}

/// Nothing was ever bought with what is given.
fn alone(scene: &Scene<'_>) -> bool {
    !scene.given.is_empty() && scene.seeds.values().all(|sum| *sum == 0)
}

/// What comes next, without what was bought, has a forest of its own, for who has bought.
fn discovers(scene: &Scene<'_>, placement: &Placement) -> bool {
    let kinds = [PlacementKind::ForYou, PlacementKind::BuyAgain, PlacementKind::Rerank];
    let meant = placement.exclude_bought && kinds.contains(&placement.kind);
    meant && !scene.history.visits.is_empty() && !scene.parts.discover_forest.roots.is_empty()
}

/// The forest that ranks the best of a learned blend.
pub(super) fn forest<'s>(scene: &Scene<'s>, placement: &Placement) -> Option<Scoring<'s>> {
    let forest = match placement.kind {
        PlacementKind::Similar if alone(scene) => return None,
        _ if discovers(scene, placement) => &scene.parts.discover_forest,
        PlacementKind::Similar | PlacementKind::BoughtTogether => &scene.parts.together_forest,
        PlacementKind::Trending | PlacementKind::RecentlyViewed => return None,
        _ => &scene.parts.next_forest,
    };
    (!forest.roots.is_empty()).then_some(Scoring::Forest(forest))
}

/// The values along the path of a tree, from its root to a leaf, each with the feature that was asked before it.
fn path(scene: &Scene<'_>, forest: &ForestParts, candidate: &Candidate, root: u16) -> Vec<(Option<Feature>, i64)> {
    let (mut link, mut asked, mut out) = (root, None, Vec::new());
    loop {
        let at = usize::from(link & 0x7fff);
        if link >= 0x8000 {
            out.push((asked, forest.leaves[at].into()));
            return out;
        }
        out.push((asked, forest.values[at].into()));
        let bins = &forest.bins[usize::from(forest.features[at])];
        let value = scene.value(bins.feature, candidate);
        let bin = bins.edges.iter().filter(|edge| **edge <= value).count();
        link = if bin <= usize::from(forest.thresholds[at]) { forest.left[at] } else { forest.right[at] };
        asked = Some(bins.feature);
    }
}

/// What each of a forest's features moved, and the base.
fn moved(scene: &Scene<'_>, forest: &ForestParts, candidate: &Candidate) -> (i64, Vec<(Feature, i64)>) {
    let mut base = forest.base;
    let mut parts: Vec<(Feature, i64)> = forest.bins.iter().map(|bins| (bins.feature, 0)).collect();
    for root in &forest.roots {
        let path = path(scene, forest, candidate, *root);
        base += path[0].1;
        for step in path.windows(2) {
            let part = parts.iter_mut().find(|part| Some(part.0) == step[1].0).expect("a feature of the forest");
            part.1 += step[1].1 - step[0].1;
        }
    }
    (base, parts)
}

/// Minus the milliseconds since the last look.
fn recency(scene: &Scene<'_>, candidate: &Candidate) -> i64 {
    let viewed_ms = scene.history.own(candidate.id(scene.parts)).and_then(Own::viewed_ms);
    -viewed_ms.map_or(0, |ms| (scene.now_ms - ms).max(0))
}

fn points(table: &Table, value: i64) -> i64 {
    table.points[table.edges.iter().filter(|edge| **edge <= value).count()]
}

/// The score of a candidate in 2^-scale_bits.
pub(super) fn score(scene: &Scene<'_>, scoring: Scoring<'_>, candidate: &Candidate) -> i64 {
    let one = 1i64 << scene.parts.scale_bits;
    match scoring {
        Scoring::Blend(blend) => {
            let table = |table| points(table, scene.value(table.feature, candidate));
            blend.base + blend.tables.iter().map(table).sum::<i64>()
        }
        Scoring::Forest(forest) => {
            let leaf = |root: &u16| path(scene, forest, candidate, *root).last().map_or(0, |leaf| leaf.1);
            forest.base + forest.roots.iter().map(leaf).sum::<i64>()
        }
        Scoring::Popularity(feature) => scene.value(feature, candidate) * one,
        Scoring::Likeness => scene.likeness(candidate) * one,
        Scoring::Recency => recency(scene, candidate) * one,
    }
}

/// What the answer says of a candidate.
pub(super) fn entry(
    scene: &Scene<'_>,
    scoring: Scoring<'_>,
    request: &Request,
    placement: &Placement,
    score: i64,
    candidate: &Candidate,
) -> Entry {
    let of_kind = || scene.parts.calibrations.iter().find(|(kind, _)| *kind == placement.kind).map(|pair| &pair.1);
    let of_discovery = Some(&scene.parts.discover_calibration).filter(|map| !map.scores.is_empty());
    let calibration = if discovers(scene, placement) { of_discovery } else { of_kind() };
    let (base, mut parts): (i64, Vec<(&str, i64, i64)>) = match scoring {
        Scoring::Blend(blend) => {
            let part = |table: &Table| {
                let value = scene.value(table.feature, candidate);
                (table.feature.as_str(), value, points(table, value))
            };
            (blend.base, blend.tables.iter().map(part).collect())
        }
        Scoring::Forest(forest) => {
            let (base, parts) = moved(scene, forest, candidate);
            let part = |(feature, points): (Feature, i64)| (feature.as_str(), scene.value(feature, candidate), points);
            (base, parts.into_iter().map(part).collect())
        }
        Scoring::Popularity(feature) => (0, vec![(feature.as_str(), scene.value(feature, candidate), score)]),
        Scoring::Likeness => (0, vec![("content_score", scene.likeness(candidate), score)]),
        Scoring::Recency => (0, vec![("viewed_age", -recency(scene, candidate) / 3_600_000, score)]),
    };
    parts.retain(|part| part.2 != 0);
    Entry {
        id: candidate.id(scene.parts).to_owned(),
        score,
        probability: calibration
            .filter(|_| request.probability && !matches!(scoring, Scoring::Likeness))
            .map(|map| probability(map, score, scene.history.visits.len())),
        reasons: reasons(scene, scoring, placement.kind, candidate),
        explanation: Explained {
            base,
            parts: parts.into_iter().map(|(name, value, points)| (name.to_owned(), value, points)).collect(),
        },
    }
}

/// Linear between the knots around a score, constant beyond the first and the last; of the map that asks for most purchase days
/// and no more than there are.
fn probability(first: &Calibration, score: i64, visits: usize) -> i64 {
    let reached = first.longer.iter().filter(|map| map.visits_min as usize <= visits);
    let map = reached.max_by_key(|map| map.visits_min).unwrap_or(first);
    let knots: Vec<(i64, i64)> = map.scores.iter().copied().zip(map.probabilities.iter().copied()).collect();
    match (knots.iter().rfind(|knot| knot.0 <= score), knots.iter().find(|knot| knot.0 > score)) {
        (Some((s0, p0)), Some((s1, p1))) => {
            p0 + ((p1 - p0) as f64 * ((score - s0) as f64 / (s1 - s0) as f64)).round_ties_even() as i64
        }
        (Some((_, only)), None) | (None, Some((_, only))) => *only,
        (None, None) => 0,
    }
}

fn reasons(scene: &Scene<'_>, scoring: Scoring<'_>, kind: PlacementKind, candidate: &Candidate) -> Vec<Reason> {
    let gains_of: Vec<(Feature, i64)> = match scoring {
        Scoring::Recency => return vec![Reason::ViewedBefore],
        Scoring::Likeness if scene.likeness(candidate) > 0 => return vec![Reason::LikeGiven],
        Scoring::Popularity(_) | Scoring::Likeness => return vec![Reason::Popular],
        Scoring::Forest(forest) => moved(scene, forest, candidate).1,
        Scoring::Blend(blend) => {
            let gain = |table: &Table| {
                let value = scene.value(table.feature, candidate);
                (table.feature, points(table, value) - points(table, nothing_known(table.feature)))
            };
            blend.tables.iter().map(gain).collect()
        }
    };
    let own = scene.history.own(candidate.id(scene.parts));
    let days = own.map_or(0, |own| own.days.len());
    let of_own = if days > 1 { Reason::BoughtOften } else { Reason::BoughtBefore };
    let of_group = |group: Group| match group {
        Group::Own => Some(of_own),
        Group::Cart => Some(Reason::GoesWithCart),
        Group::History => Some(Reason::GoesWithHistory),
        Group::Next => Some(Reason::BoughtNext),
        Group::Viewed => Some(Reason::ViewedBefore),
        Group::Content => Some(Reason::LikeGiven),
        Group::Popular => Some(Reason::Popular),
        Group::Background => None,
    };
    let order = [Group::Own, Group::Cart, Group::History, Group::Next, Group::Viewed, Group::Content, Group::Popular];
    let mut gains: Vec<(i64, Reason)> = Vec::new();
    for group in order {
        if group == Group::Own && days == 0 {
            continue;
        }
        let speaks = |(feature, _): &&(Feature, i64)| {
            feature.group() == group && scene.value(*feature, candidate) != nothing_known(*feature)
        };
        let gain: i64 = gains_of.iter().filter(speaks).map(|(_, gain)| gain).sum();
        gains.extend(of_group(group).map(|reason| (gain, reason)));
    }
    gains.sort_by_key(|gain| Reverse(gain.0));
    let mut out: Vec<Reason> = gains.iter().filter(|gain| gain.0 > 0).take(3).map(|gain| gain.1).collect();
    if out.is_empty() {
        out.push(match kind {
            PlacementKind::Rerank => Reason::Given,
            _ if days > 0 => of_own,
            _ if own.is_some() => Reason::ViewedBefore,
            _ => Reason::Popular,
        });
    }
    out
}

/// The value of a feature for an item that nothing is known of.
fn nothing_known(feature: Feature) -> i64 {
    match feature {
        Feature::OwnAge | Feature::OwnVisitsSince | Feature::OwnGap | Feature::OwnDue | Feature::OwnCategoryShare => -1,
        Feature::ViewedAge | Feature::LooksSince | Feature::SessionRank => -1,
        Feature::OwnChannelShare | Feature::OwnStoreShare => -1,
        Feature::PopularityTrend => 256,
        _ => 0,
    }
}
