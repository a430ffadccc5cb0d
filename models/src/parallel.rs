//! Work on several threads whose result never depends on their number: pieces are cut by size alone and put together
//! in order.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs `work(scratch, piece)` for every piece in `0..pieces`; -> the results in the order of the pieces.
///
/// Each thread makes its own scratch space once. `done` is called after each piece, from any thread.
pub(crate) fn in_order<S, T: Send>(
    threads: usize,
    pieces: usize,
    scratch: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) -> T + Sync,
    done: impl Fn() + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(pieces));
    let run = || {
        let mut space = scratch();
        loop {
            let piece = next.fetch_add(1, Ordering::Relaxed);
            if piece >= pieces {
                break;
            }
            let result = work(&mut space, piece);
            done();
            // A poisoned lock means that another thread panicked: the scope hands that panic on.
            results.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((piece, result));
        }
    };
    if threads <= 1 || pieces <= 1 {
        run();
    } else {
        std::thread::scope(|scope| {
            for _ in 0..threads.min(pieces) {
                scope.spawn(run);
            }
        });
    }
    let mut results = results.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    results.sort_unstable_by_key(|(piece, _)| *piece);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_keep_their_order_with_any_number_of_threads() {
        for threads in [1, 2, 7] {
            let squares = super::in_order(
                threads,
                100,
                || 0u64,
                |seen, piece| {
                    *seen += 1;
                    piece * piece
                },
                || (),
            );
            assert_eq!(squares, (0..100).map(|piece| piece * piece).collect::<Vec<_>>());
        }
    }
}
