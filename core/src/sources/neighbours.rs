//! Item-item neighbours: what others bought with, or after, the items of the history, the cart or the request.

use super::sums::{ListSums, Sums};
use crate::history::{History, OwnItem};
use crate::model::{Model, Neighbours};
use alloc::vec::Vec;
use unisono_message::list::Listed;

/// Sums the rows of weighted items: `sum[b] = sum over a of weight(a) * list[a][b]`. An item of weight 0 is not read.
pub fn sum(list: &Neighbours<'_>, items: &[(u32, i64)]) -> ListSums {
    let neighbours: usize = items.iter().map(|(item, _)| list.rows.range(*item)).map(|(start, end)| end - start).sum();
    let mut out = ListSums { sums: Sums::with_capacity(neighbours.min(2048)), best: 0 };
    for (item, weight) in items.iter().filter(|(_, weight)| *weight > 0) {
        for (neighbour, strength) in list.of(*item) {
            out.sums.add(neighbour, weight * i64::from(strength));
        }
    }
    out.best = out.sums.entries().map(|entry| entry.1).max().unwrap_or(0);
    out
}

/// Undirected neighbours of the history's newest items, each weighted by exp(-days/60) over its purchase days, and by
/// 0.7^(other items looked at since) for a look.
pub fn bought_with_history(model: &Model<'_>, history: &History<'_>, newest: &[u32]) -> ListSums {
    sum(&model.bought, &weighted(history, newest, |own| own.decay_60))
}

/// Directed neighbours of the history's newest items, each weighted by 0.7^visits over its purchase days, and as above for
/// a look.
pub fn bought_after_history(model: &Model<'_>, history: &History<'_>, newest: &[u32]) -> ListSums {
    sum(&model.next_items, &weighted(history, newest, |own| own.decay_visits))
}

/// Neighbours of the newest item alone.
pub fn after_last(list: &Neighbours<'_>, history: &History<'_>, newest: &[u32]) -> ListSums {
    let weighted: Vec<(u32, i64)> = history.item_at(newest.first()).into_iter().map(|item| (item, 1)).listed();
    sum(list, &weighted)
}

/// Undirected neighbours of given items, each of weight 1.
pub fn bought_with(model: &Model<'_>, items: &[u32]) -> ListSums {
    let weighted: Vec<(u32, i64)> = items.iter().map(|item| (*item, 1)).listed();
    sum(&model.bought, &weighted)
}

fn weighted(history: &History<'_>, newest: &[u32], weight: fn(&OwnItem<'_>) -> i64) -> Vec<(u32, i64)> {
    // Twelve bits after the point are enough, and keep every sum far from overflow. The last look counts as an eighth of a
    // day.
    let weight = |own: &OwnItem<'_>| (weight(own) >> 4) + (own.look_decay() >> 7);
    let own = newest.iter().filter_map(|at| history.items.get(*at as usize));
    own.filter_map(|own| Some((own.item?, weight(own)))).listed()
}
