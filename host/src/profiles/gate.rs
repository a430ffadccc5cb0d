//! How many calls of the module one host makes for profiles at once. Each request computes on its own thread, and batches on
//! others besides; without a bound they would fill the queue for instances, and decisions would be turned away.

use std::sync::{Condvar, Mutex, PoisonError};

pub(super) struct Gate {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A place among those who call; given back with the value.
pub(super) struct Pass<'a>(&'a Gate);

impl Gate {
    pub(super) fn new(places: usize) -> Self {
        Gate { free: Mutex::new(places.max(1)), freed: Condvar::new() }
    }

    /// Waits for a place.
    pub(super) fn enter(&self) -> Pass<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Pass(self)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}
