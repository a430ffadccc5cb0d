//! The ticker behind the deadlines: wasmtime interrupts a guest when the engine's epoch passes the store's deadline, and
//! this thread moves the epoch on.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use wasmtime::Engine;

use crate::error::{HostError, HostErrorCode};
use crate::limits;

/// Ticks until it is dropped.
pub(crate) struct Ticker {
    tick_ms: u64,
    // Dropping the sender ends the thread at once; nothing is ever sent.
    _stop: Sender<()>,
}

impl Ticker {
    pub(crate) fn start(engine: &Engine, deadline_ms: u64) -> Result<Self, HostError> {
        let tick_ms = (deadline_ms / limits::TICKS_PER_DEADLINE).clamp(1, limits::TICK_MS_MAX);
        let (stop, stopped) = mpsc::channel::<()>();
        let engine = engine.clone();
        let tick = Duration::from_millis(tick_ms);
        let ticking = move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(tick) {
                engine.increment_epoch();
            }
        };
        thread::Builder::new().name("unisono-ticker".into()).spawn(ticking).map_err(|e| {
            HostError::new(HostErrorCode::Internal, format!("the ticker thread does not start: {e}")).with_source(e)
        })?;
        Ok(Ticker { tick_ms, _stop: stop })
    }

    /// Ticks that make up a deadline. The current tick may be about to end, so one more: a call gets its whole deadline.
    pub(crate) fn ticks(&self, deadline_ms: u64) -> u64 {
        deadline_ms.div_ceil(self.tick_ms).saturating_add(1)
    }
}
