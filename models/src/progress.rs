//! Progress on long work: bars on a terminal, nothing elsewhere, and how long each stage took.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Where progress is shown, and the stages that are over.
#[derive(Debug)]
pub struct Progress {
    visible: bool,
    stages: Mutex<Vec<(String, Duration)>>,
}

impl Progress {
    /// Bars on standard error where that is a terminal.
    pub fn on_terminal() -> Self {
        Progress { visible: true, stages: Mutex::default() }
    }

    /// No bars.
    pub fn hidden() -> Self {
        Progress { visible: false, stages: Mutex::default() }
    }

    /// A bar of `length` steps.
    pub fn bar(&self, what: &'static str, length: u64) -> Bar {
        // indicatif draws nothing by itself when standard error is no terminal.
        let target = if self.visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(length), target);
        if let Ok(style) = ProgressStyle::with_template("{msg:>24} [{bar:32}] {percent:>3} % {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(what);
        Bar(bar)
    }

    /// Runs a stage and notes how long it took.
    pub fn stage<T>(&self, name: impl Into<String>, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let name = name.into();
        let result = work();
        self.stages.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((name, start.elapsed()));
        result
    }

    /// The stages that are over, in order.
    pub fn stages(&self) -> Vec<(String, Duration)> {
        self.stages.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }
}

/// One bar; any thread may move it.
#[derive(Debug)]
pub struct Bar(ProgressBar);

impl Bar {
    /// Moves on by `steps`.
    pub fn inc(&self, steps: u64) {
        self.0.inc(steps);
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}
