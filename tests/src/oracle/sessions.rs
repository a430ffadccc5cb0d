//! The votes of sessions, naively: every session is looked through.

use super::features::Sums;
use std::cmp::Reverse;
use unisono_core::model::ModelParts;

const ONE: f64 = 65_536.0;

/// exp(-steps/4) in 65,536ths.
pub(super) fn fade(steps: i64) -> i64 {
    (ONE * (-(steps as f64) / 4.0).exp()).round_ties_even() as i64
}

/// What the 500 most similar sessions say of their items. `weighted`: at most 20 items, of each of which the newest 500
/// sessions are read.
pub(super) fn votes(parts: &ModelParts, weighted: &[(u32, i64)]) -> Sums {
    let weighted = &weighted[..weighted.len().min(20)];
    let mut similar: Vec<(i64, usize)> = Vec::new();
    for (number, session) in parts.sessions.iter().enumerate() {
        let is_read = |item: u32| {
            let newer = parts.sessions[..number].iter().filter(|other| other.contains(&item)).count();
            session.contains(&item) && newer < 500
        };
        let shared: Vec<i64> = weighted.iter().filter(|(item, _)| is_read(*item)).map(|pair| pair.1).collect();
        if !shared.is_empty() {
            let root = (ONE / (session.len() as f64).sqrt()).round_ties_even() as i64;
            similar.push((shared.iter().sum::<i64>() * root / 65_536, number));
        }
    }
    similar.sort_by_key(|(similarity, number)| (Reverse(*similarity), *number));
    let mut out = Sums::new();
    for (similarity, number) in similar.into_iter().take(500) {
        let session = &parts.sessions[number];
        let weight = |item: &u32| weighted.iter().filter(|pair| pair.0 == *item).map(|pair| pair.1).sum::<i64>();
        let nearest = (0..session.len()).min_by_key(|place| (Reverse(weight(&session[*place])), *place)).unwrap_or(0);
        for (place, item) in session.iter().enumerate() {
            *out.entry(*item).or_default() += similarity * fade(place.abs_diff(nearest) as i64) / 65_536;
        }
    }
    out
}
