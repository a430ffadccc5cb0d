//! The instances that are ready, and who waits for them: first come, first served, with a bound on the wait and on the
//! number of those who wait.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{HostError, HostErrorCode};
use crate::instance::Instance;

/// How long, and with how many others, a caller waits for an instance.
#[derive(Clone, Copy)]
pub(crate) struct WaitLimits {
    pub(crate) wait_ms: u64,
    pub(crate) waiters: usize,
}

/// How many instances are doing what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) idle: usize,
    pub(crate) busy: usize,
    pub(crate) waiting: usize,
    pub(crate) memory_bytes_idle: usize,
}

/// An instance, and the generation of the model in it.
pub(crate) struct Lease {
    pub(crate) instance: Instance,
    pub(crate) generation: u64,
}

pub(crate) struct Pool {
    state: Mutex<State>,
    freed: Condvar,
    limits: WaitLimits,
}

#[derive(Default)]
struct State {
    generation: u64,
    idle: Vec<Instance>,
    // Instances of the current generation that serve a call; those of older ones finish uncounted.
    busy: usize,
    queue: VecDeque<u64>,
    next_ticket: u64,
}

impl Pool {
    pub(crate) fn new(instances: Vec<Instance>, limits: WaitLimits) -> Self {
        let state = State { idle: instances, ..State::default() };
        Pool { state: Mutex::new(state), freed: Condvar::new(), limits }
    }

    /// Takes an instance, waiting for one if need be.
    pub(crate) fn take(&self) -> Result<Lease, HostError> {
        let mut state = self.lock();
        if state.queue.is_empty()
            && let Some(lease) = state.take()
        {
            return Ok(lease);
        }
        if state.queue.len() >= self.limits.waiters {
            let text = format!("{} callers wait for an instance already", state.queue.len());
            return Err(HostError::new(HostErrorCode::HostOverloaded, text));
        }
        let ticket = state.next_ticket;
        state.next_ticket = state.next_ticket.wrapping_add(1);
        state.queue.push_back(ticket);
        self.wait(state, ticket)
    }

    fn wait(&self, mut state: MutexGuard<'_, State>, ticket: u64) -> Result<Lease, HostError> {
        let started = Instant::now();
        let patience = Duration::from_millis(self.limits.wait_ms);
        loop {
            if state.queue.front() == Some(&ticket)
                && let Some(lease) = state.take()
            {
                state.queue.pop_front();
                // The next in the queue may find an instance too: one notice can stand for several.
                self.tell(state);
                return Ok(lease);
            }
            let left = patience.saturating_sub(started.elapsed());
            if left.is_zero() {
                state.queue.retain(|other| *other != ticket);
                self.tell(state);
                let text = format!("no instance became free within {} ms", self.limits.wait_ms);
                return Err(HostError::new(HostErrorCode::HostOverloaded, text));
            }
            state = self.freed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Gives an instance back; one that holds an older model is dropped.
    pub(crate) fn give_back(&self, lease: Lease) {
        let mut state = self.lock();
        if lease.generation == state.generation {
            state.busy = state.busy.saturating_sub(1);
            state.idle.push(lease.instance);
            self.tell(state);
        } else {
            drop(state);
            drop(lease);
        }
    }

    /// Notes that an instance is lost; whether one must be built in its place.
    pub(crate) fn lost(&self, generation: u64) -> bool {
        let mut state = self.lock();
        let current = generation == state.generation;
        if current {
            state.busy = state.busy.saturating_sub(1);
        }
        current
    }

    /// Adds an instance that was built for a generation; one that comes too late is dropped. `note` is called under
    /// the lock, so that nobody sees the instance without its note.
    pub(crate) fn add(&self, instance: Instance, generation: u64, note: impl FnOnce()) {
        let mut state = self.lock();
        if generation == state.generation {
            note();
            state.idle.push(instance);
            self.tell(state);
        }
    }

    /// Puts a whole new set in the place of all the others. Calls under way finish on what they have.
    pub(crate) fn switch(&self, instances: Vec<Instance>, note: impl FnOnce(u64)) {
        let mut state = self.lock();
        state.generation = state.generation.wrapping_add(1);
        state.busy = 0;
        let old = std::mem::replace(&mut state.idle, instances);
        note(state.generation);
        self.tell(state);
        drop(old);
    }

    pub(crate) fn counts(&self) -> Counts {
        let state = self.lock();
        let memory_bytes_idle = state.idle.iter().map(Instance::memory_bytes).sum();
        Counts { idle: state.idle.len(), busy: state.busy, waiting: state.queue.len(), memory_bytes_idle }
    }

    /// Wakes those who wait, if any: a notice that nobody waits for would still cost a system call.
    fn tell(&self, state: MutexGuard<'_, State>) {
        let somebody = !state.queue.is_empty();
        drop(state);
        if somebody {
            self.freed.notify_all();
        }
    }

    /// Nothing under the lock can leave the state half changed, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The one used last comes first: its memory is warm.
    fn take(&mut self) -> Option<Lease> {
        let instance = self.idle.pop()?;
        self.busy += 1;
        Some(Lease { instance, generation: self.generation })
    }
}
