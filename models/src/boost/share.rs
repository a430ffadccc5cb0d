//! Sharing the search among threads: each takes a run of columns, with its part of the histograms.

use super::histogram::{Split, Sums, better};
use std::ops::Range;

/// The columns of a tree and where each one's bins lie in a histogram: column `i` from `starts[i]` to `starts[i + 1]`.
pub(crate) struct Layout {
    pub(crate) columns: Vec<u16>,
    pub(crate) starts: Vec<usize>,
}

/// A run of columns with its part of two histograms.
pub(crate) type Piece<'h> = (Range<usize>, &'h mut [Sums], &'h mut [Sums]);
/// The best splits of two leaves.
pub(crate) type Best = (Option<Split>, Option<Split>);

/// Cuts two histograms, of which the second may be empty, into runs of columns.
pub(crate) fn pieces<'h>(layout: &Layout, count: usize, own: &'h mut [Sums], others: &'h mut [Sums]) -> Vec<Piece<'h>> {
    let (mut own, mut others) = (own, others);
    let mut pieces = Vec::with_capacity(count);
    for piece in 0..count {
        let columns = layout.columns.len() * piece / count..layout.columns.len() * (piece + 1) / count;
        let bins = layout.starts[columns.end] - layout.starts[columns.start];
        let (own_part, own_rest) = own.split_at_mut(bins);
        let (others_part, others_rest) = others.split_at_mut(bins.min(others.len()));
        pieces.push((columns, own_part, others_part));
        (own, others) = (own_rest, others_rest);
    }
    pieces
}

/// Searches every piece, all but the last on threads of their own; -> the best of all.
pub(crate) fn in_threads<'h>(
    mut pieces: Vec<Piece<'h>>,
    search: &(impl Fn(Range<usize>, &mut [Sums], &mut [Sums]) -> Best + Sync),
) -> Best {
    let last = pieces.pop();
    std::thread::scope(|scope| {
        let spawn = |(columns, own, others): Piece<'h>| scope.spawn(move || search(columns, own, others));
        let beside: Vec<_> = pieces.into_iter().map(spawn).collect();
        let mut best = last.map_or((None, None), |(columns, own, others)| search(columns, own, others));
        for thread in beside {
            let found = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            best = (better(best.0, found.0), better(best.1, found.1));
        }
        best
    })
}
