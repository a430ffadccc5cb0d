//! Threads that share the work of one update of many profiles.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::limits::UPDATE_SHARED_MIN;

/// As many threads as there are instances of the module, the caller's among them. They wait between two updates: a thread
/// that is made for one often runs only when the one that made it has done all the work.
#[derive(Debug)]
pub struct Workers {
    /// None where the caller's thread is enough, or no other can be had.
    others: Option<ThreadPool>,
}

impl Workers {
    /// So many threads.
    pub fn new(count: usize) -> Self {
        let others = count.saturating_sub(1);
        let name = |at| format!("unisono-apply-{at}");
        let build = || ThreadPoolBuilder::new().num_threads(others).thread_name(name).build();
        let warn = |e: &rayon::ThreadPoolBuildError| tracing::warn!(error = %e, "updates compute on one thread");
        Workers { others: if others > 0 { build().inspect_err(warn).ok() } else { None } }
    }

    /// Computes 0 to `count` - 1; the results lie in order.
    pub(super) fn each<T: Send>(&self, count: usize, compute: impl Fn(usize) -> T + Sync) -> Vec<T> {
        let shared = Shared::new(count, &compute);
        match &self.others {
            // A few are done before another thread would begin, which may have someone else's to do first.
            Some(others) if count >= UPDATE_SHARED_MIN => others.in_place_scope(|scope| {
                for _ in 0..others.current_num_threads() {
                    scope.spawn(|_| shared.work());
                }
                shared.work();
            }),
            _ => shared.work(),
        }
        shared.results()
    }
}

/// Does 0 to `count` - 1 on up to so many threads that come and go, the caller's among them; the results lie in order. For
/// what waits for the disk rather than computes.
pub(super) fn on_lanes<T: Send>(lanes: usize, count: usize, run: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let shared = Shared::new(count, &run);
    thread::scope(|scope| {
        for _ in 1..lanes.min(count) {
            scope.spawn(|| shared.work());
        }
        shared.work();
    });
    shared.results()
}

/// Pieces of work that threads take one after another, and what came of them.
struct Shared<'r, T, F> {
    run: &'r F,
    count: usize,
    next: AtomicUsize,
    done: Mutex<Vec<(usize, T)>>,
}

impl<'r, T, F: Fn(usize) -> T> Shared<'r, T, F> {
    fn new(count: usize, run: &'r F) -> Self {
        Shared { run, count, next: AtomicUsize::new(0), done: Mutex::new(Vec::with_capacity(count)) }
    }

    /// Takes pieces until none is left.
    fn work(&self) {
        loop {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            if at >= self.count {
                return;
            }
            let result = (self.run)(at);
            self.done.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
        }
    }

    fn results(self) -> Vec<T> {
        let mut done = self.done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_by_key(|(at, _)| *at);
        done.into_iter().map(|(_, result)| result).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::sync::Barrier;

    #[test]
    fn results_lie_in_order_however_many_threads_there_are() {
        let squares = |count: usize| (0..count).map(|at| at * at).collect::<Vec<_>>();
        for count in [0, 1, 2, 300] {
            for threads in [0, 1, 2, 5] {
                assert_eq!(Workers::new(threads).each(count, |at| at * at), squares(count));
                assert_eq!(on_lanes(threads, count, |at| at * at), squares(count));
            }
        }
    }

    #[test]
    fn workers_work_side_by_side() {
        // Each waits until the other has come: on one thread this would never end.
        let both = Barrier::new(2);
        let name = |at| {
            if at < 2 {
                both.wait();
            }
            thread::current().id()
        };
        assert_eq!(
            Workers::new(2)
                .each(UPDATE_SHARED_MIN, name)
                .into_iter()
                .map(|id| format!("{id:?}"))
                .collect::<BTreeSet<_>>()
                .len(),
            2
        );
    }
}
