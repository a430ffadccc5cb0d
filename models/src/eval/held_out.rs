//! The held-out future of a log: the cases that `fit` would take there, as requests, and what happened then.

use crate::blend::{Aim, Case, cases};
use crate::error::{Error, Result};
use crate::tables::{EventLog, event_json};
use serde_json::json;
use std::collections::BTreeSet;
use std::ops::Range;
use unisono_message::limits::{REQUEST_EVENTS_MAX, TIME_MS_MAX, TIME_MS_MIN};

const DAY_MS: i64 = 86_400_000;

/// Where the held-out window lies and what makes a case in it.
#[derive(Debug, Clone, Copy)]
pub struct HeldOutRules {
    /// Unix milliseconds: cases from here on; histories are whatever lies before each case.
    pub as_of_ms: i64,
    /// Days of the window.
    pub window_days: u32,
    /// What makes a case.
    pub aim: Aim,
    /// Seed of what is picked among too many views.
    pub seed: u64,
}

impl HeldOutRules {
    /// The window in Unix milliseconds.
    ///
    /// # Errors
    /// `bad_config` where it begins at no time that an event can have.
    pub fn window(&self) -> Result<Range<i64>> {
        let as_of_ms = self.as_of_ms;
        match (TIME_MS_MIN..=TIME_MS_MAX).contains(&as_of_ms) {
            true => Ok(as_of_ms..as_of_ms + i64::from(self.window_days) * DAY_MS),
            false => {
                let years = "the years 1970 to 2300 in milliseconds";
                let reason = format!("is {as_of_ms}; it must lie within {TIME_MS_MIN} to {TIME_MS_MAX}, {years}");
                Err(Error::config("as_of", reason))
            }
        }
    }
}

/// The cases of a window.
#[derive(Debug)]
pub struct HeldOut<'l> {
    pub(crate) log: &'l EventLog,
    pub(crate) cases: Vec<Case>,
    pub(crate) aim: Aim,
}

impl<'l> HeldOut<'l> {
    /// The cases of `log` within the window.
    ///
    /// # Errors
    /// `bad_config` where the window begins at no time that an event can have, `not_enough_data` where it holds no case.
    pub fn of(log: &'l EventLog, rules: HeldOutRules) -> Result<Self> {
        let cases = cases(log, rules.aim, rules.window()?, rules.seed);
        match cases.is_empty() {
            true => Err(Error::NotEnoughData {
                reason: format!(
                    "no case within {} days from {}: give a log that goes on after the model's last event",
                    rules.window_days, rules.as_of_ms
                ),
            }),
            false => Ok(HeldOut { log, cases, aim: rules.aim }),
        }
    }

    /// Number of cases.
    pub fn len(&self) -> usize {
        self.cases.len()
    }

    /// Whether there is none; never, by construction.
    pub fn is_empty(&self) -> bool {
        self.cases.is_empty()
    }

    /// A case as a `for_you` request in MessagePack that asks for probabilities, and the ids that were taken.
    ///
    /// # Errors
    /// `bad_config` where the request can't be written.
    pub fn request(&self, number: usize) -> Result<(Vec<u8>, BTreeSet<String>)> {
        let (log, case) = (self.log, &self.cases[number]);
        let profile = log.profiles.get(case.profile);
        let newest = case.history.end - case.history.len().min(REQUEST_EVENTS_MAX)..case.history.end;
        let events: Vec<_> = newest.map(|row| event_json(&log.event(row))).collect();
        // The first row of what was taken follows the history.
        let now = log.event(case.history.end);
        let request = json!({
            "request_id": format!("{profile}:{number}"),
            "now_ms": case.now_ms,
            "profile": {"profile_id": profile, "events": events},
            "context": {"channel": log.channels.get(case.channel.into()), "store_id": now.store_id},
            "placements": [{"id": "main", "kind": "for_you", "k": super::K}],
            "probability": true,
        });
        let bytes = rmp_serde::to_vec_named(&request).map_err(|error| Error::config("request", error.to_string()))?;
        Ok((bytes, case.truth.iter().map(|item| log.items.get(*item).to_owned()).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blend::Takes;
    use crate::counts::Target;

    #[test]
    fn a_window_begins_at_a_time_that_an_event_can_have() {
        let aim = Aim { target: Target::Purchase, takes: Takes::Order, items_min: 2 };
        let code = |as_of_ms: i64| {
            let rules = HeldOutRules { as_of_ms, window_days: u32::MAX, aim, seed: 7 };
            HeldOut::of(&EventLog::default(), rules).unwrap_err().code().to_owned()
        };
        for no_time in [i64::MIN, TIME_MS_MIN - 1, TIME_MS_MAX + 1, i64::MAX] {
            assert_eq!(code(no_time), "bad_config", "{no_time}");
        }
        assert_eq!([TIME_MS_MIN, TIME_MS_MAX].map(code), ["not_enough_data"; 2]);
    }
}
