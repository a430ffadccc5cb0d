//! Events in: grouped by profile, one update each, one result an event in the order in which they came.

use std::collections::BTreeMap;

use unisono_message::ErrorCode;

use super::apply::{Applied, Input};
use super::{Profiles, bad_answer, check_id, invalid, only_known, refused, refused_by};
use crate::error::HostError;
use crate::limits::EVENTS_MAX;
use crate::pack::{self, Packer};
use crate::transcode;

/// Of how many events it is counted what became of them.
const COUNTERS: [(&str, &str); 6] = [
    ("accepted", "events_accepted"),
    ("duplicate", "events_duplicate"),
    ("withheld", "events_withheld"),
    ("erased", "events_erased"),
    ("expired", "events_expired"),
    ("refused", "events_refused"),
];

impl Profiles {
    /// Stores events: one event, or `{"events": [...]}`, each with its `profile_id`. Answers `{"results": [{"status":
    /// "accepted" | "duplicate" | "withheld" | "erased" | "expired" | "refused", "code"?, "message"?, "field"?}], "warnings": [...]}`, a result an
    /// event. To send events again does no harm.
    ///
    /// # Errors
    /// `invalid_request`, `limit_exceeded`, those of the store, and those of the module that pass by themselves. Some events
    /// may have been stored nevertheless: send all of them again.
    pub fn add_events(&self, now_ms: i64, input: &[u8]) -> Result<Vec<u8>, HostError> {
        let entries = pack::entries(input)
            .map_err(|_| invalid("a request is an event, or a map with `events`, a list of events", ""))?;
        let events = match pack::find(&entries, "events") {
            Some(events) => {
                only_known(&entries, &["events"])?;
                check_count(pack::array_len(events).unwrap_or(0))?;
                pack::items(events).map_err(|_| invalid("`events` is no list", "events"))?
            }
            None => vec![input],
        };
        self.add_each(now_ms, events.into_iter().map(|event| Ok(event.to_vec())).collect())
    }

    /// As [`Profiles::add_events`], of events in JSON, one a line; empty lines are none.
    ///
    /// # Errors
    /// Those of [`Profiles::add_events`].
    pub fn add_lines(&self, now_ms: i64, lines: &[u8]) -> Result<Vec<u8>, HostError> {
        let lines = || lines.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        check_count(lines().count())?;
        self.add_each(now_ms, lines().map(transcode::json_to_msgpack).collect())
    }

    /// As [`Profiles::add_events`], of events that stand one by one; one that could not even be read brings its error.
    ///
    /// # Errors
    /// Those of [`Profiles::add_events`].
    pub fn add_each(&self, now_ms: i64, events: Vec<Result<Vec<u8>, HostError>>) -> Result<Vec<u8>, HostError> {
        check_count(events.len())?;
        let events: Vec<Result<Vec<u8>, HostError>> =
            events.into_iter().map(|event| Ok(self.named(&event?)?.into_owned())).collect();
        let mut results: Vec<Vec<u8>> = events.iter().map(|_| Vec::new()).collect();
        // By id, so that the order of writing does not depend on chance.
        let mut groups: BTreeMap<&str, Vec<(usize, &[u8])>> = BTreeMap::new();
        for ((place, event), result) in events.iter().enumerate().zip(&mut results) {
            match event.as_ref().map_err(|e| refused(e.code(), &e.message(), e.field())).and_then(|e| owner(e)) {
                Ok(profile_id) => groups.entry(profile_id).or_default().push((place, event.as_deref().unwrap_or(&[]))),
                Err(refusal) => *result = refusal,
            }
        }
        let inputs: Vec<Input<'_>> = groups.iter().map(|(profile_id, events)| input_of(profile_id, events)).collect();
        let mut warnings = Vec::new();
        for (applied, places) in self.apply(now_ms, &inputs)?.into_iter().zip(groups.values()) {
            for (result, (place, _)) in outcome(applied, places.len(), &mut warnings)?.into_iter().zip(places) {
                if let Some(slot) = results.get_mut(*place) {
                    *slot = result;
                }
            }
        }
        self.count_events(&results);
        let mut answer = Packer::map(2);
        answer.text("results");
        answer.raws(&results);
        answer.text("warnings");
        answer.raws(&warnings);
        Ok(answer.done())
    }

    fn count_events(&self, results: &[Vec<u8>]) {
        let mut sums = COUNTERS.map(|(_, name)| (name, 0u64));
        for result in results {
            let entries = pack::entries(result).unwrap_or_default();
            let status = pack::find(&entries, "status").and_then(pack::text).unwrap_or_default();
            for ((known, _), (_, sum)) in COUNTERS.iter().zip(&mut sums) {
                *sum += u64::from(*known == status);
            }
        }
        let sums: Vec<_> = sums.into_iter().filter(|(_, sum)| *sum > 0).collect();
        if !sums.is_empty() {
            self.store.count(&sums);
        }
    }
}

/// Before any of them is looked at: they may be millions.
fn check_count(events: usize) -> Result<(), HostError> {
    if events <= EVENTS_MAX {
        return Ok(());
    }
    let text = format!("{events} events; events_max is {EVENTS_MAX}");
    Err(HostError::new(crate::HostErrorCode::LimitExceeded, text).in_field("events"))
}

fn input_of<'a>(profile_id: &'a str, events: &[(usize, &[u8])]) -> Input<'a> {
    let mut list = Packer::array(events.len());
    for (_, event) in events {
        list.raw(event);
    }
    Input { profile_id, values: vec![("events", list.done())] }
}

/// Whose event it is, or the result that says why nobody's.
fn owner(event: &[u8]) -> Result<&str, Vec<u8>> {
    let entries = pack::entries(event).map_err(|_| refused_by(ErrorCode::InvalidType, "an event is a map", ""))?;
    let Some(profile_id) = pack::find(&entries, "profile_id") else {
        return Err(refused_by(ErrorCode::MissingField, "`profile_id` is required", "profile_id"));
    };
    let profile_id = pack::text(profile_id)
        .ok_or_else(|| refused_by(ErrorCode::InvalidType, "`profile_id` is no text", "profile_id"))?;
    check_id(profile_id).map_err(|_| {
        let text = format!("an id of {} bytes; ids have 1 to 128", profile_id.len());
        refused_by(ErrorCode::InvalidId, &text, "profile_id")
    })
}

/// The results of one profile's events. What the module refuses whole is refused for each.
fn outcome(
    applied: Result<Applied, HostError>,
    events: usize,
    warnings: &mut Vec<Vec<u8>>,
) -> Result<Vec<Vec<u8>>, HostError> {
    match applied {
        Ok(Applied::Done { results, warnings: new, .. }) if results.len() == events => {
            for warning in new {
                if !warnings.contains(&warning) {
                    warnings.push(warning);
                }
            }
            Ok(results)
        }
        Ok(Applied::Done { .. }) => Err(bad_answer("profile_apply")),
        Ok(Applied::Refused(error)) => {
            let error = pack::entries(&error).map_err(|_| bad_answer("profile_apply"))?;
            let word = |key: &str| pack::find(&error, key).and_then(pack::text).unwrap_or_default();
            Ok(vec![refused(word("code"), word("message"), word("field")); events])
        }
        // To send everything again helps.
        Err(e) if e.is_retryable() => Err(e),
        // Here it would not: one profile must not hold up the others for ever.
        Err(e) => Ok(vec![refused(e.code(), &e.message(), e.field()); events]),
    }
}
