//! The session-neighbour vote: what anonymous visitors looked at whose sessions share items with this one. Similar sessions
//! are found as VMIS-kNN does (Kersbergen et al., "Serenade", 2022); weights by place are those of STAN (Garg et al., 2019).

use super::sums::{ListSums, Sums};
use crate::history::{History, decay};
use crate::model::Model;
use crate::order::first_of;
use alloc::vec::Vec;
use unisono_message::limits::{MODEL_SESSION_ITEMS_MAX, VOTE_ITEMS_MAX, VOTE_SESSIONS_MAX, VOTE_SESSIONS_READ_MAX};
use unisono_message::list::Listed;

/// 1.0 in the fixed point of weights, similarities and votes.
const ONE: i64 = 65_536;
/// A weight falls to 1/e within this many items.
const FADE: f64 = 4.0;

/// The vote for the newest items that were looked at, each weighted by exp(-(other items looked at since)/4).
pub fn of_history(model: &Model<'_>, history: &History<'_>, newest: &[u32]) -> ListSums {
    let own = newest.iter().filter_map(|at| history.items.get(*at as usize));
    let looked = own.filter(|own| own.viewed_ms.is_some()).take(VOTE_ITEMS_MAX);
    vote(model, looked.filter_map(|own| Some((own.item?, decay(f64::from(own.looks_since), FADE)))))
}

/// The vote for given items, each of weight 1.
pub fn of_items(model: &Model<'_>, items: impl Iterator<Item = u32>) -> ListSums {
    vote(model, items.take(VOTE_ITEMS_MAX).map(|item| (item, ONE)))
}

/// Sums of votes in 65,536ths. A session's similarity is the weight of the items that it shares over the root of its length;
/// it votes for each of its items with exp(-(places apart)/4) of that, counted from the weightiest item that it shares.
fn vote(model: &Model<'_>, weighted: impl Iterator<Item = (u32, i64)>) -> ListSums {
    let sessions = &model.sessions;
    let (mut weights, mut shared, mut out) = (Sums::default(), Sums::default(), ListSums::default());
    if sessions.rows.is_empty() {
        return out;
    }
    for (item, weight) in weighted {
        weights.add(item, weight);
        for session in sessions.with(item).iter().take(VOTE_SESSIONS_READ_MAX) {
            shared.add(*session, weight);
        }
    }
    let fades: [i64; MODEL_SESSION_ITEMS_MAX] = core::array::from_fn(|apart| decay(apart as f64, FADE));
    let similar = |(session, weight): (u32, i64)| {
        let root = libm::sqrt(sessions.of(session).len().max(1) as f64);
        (weight * (libm::rint(ONE as f64 / root) as i64) / ONE, session)
    };
    // Of equally similar sessions the newest come first.
    let voters = first_of(shared.entries().map(similar), VOTE_SESSIONS_MAX, |a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    for (similarity, session) in voters {
        let items: Vec<u32> = sessions.of(session).iter().listed();
        let mut nearest = (0usize, 0i64);
        for (place, item) in items.iter().enumerate() {
            let weight = weights.get(*item);
            if weight > nearest.1 {
                nearest = (place, weight);
            }
        }
        for (place, item) in items.iter().enumerate() {
            let fade = fades.get(place.abs_diff(nearest.0)).copied().unwrap_or(0);
            out.sums.add(*item, similarity * fade / ONE);
        }
    }
    out.best = out.sums.entries().map(|entry| entry.1).max().unwrap_or(0);
    out
}
