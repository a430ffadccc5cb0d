//! Events in: grouped by profile, one update each, one result an event in the order in which they came.

use std::borrow::Cow;
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

/// An event with the place of its result.
type Placed<'e> = (usize, Cow<'e, [u8]>);

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
        self.add_each(now_ms, events.into_iter().map(|event| Ok(event.into())).collect())
    }

    /// As [`Profiles::add_events`], of events in JSON, one a line; empty lines are none.
    ///
    /// # Errors
    /// Those of [`Profiles::add_events`].
    pub fn add_lines(&self, now_ms: i64, lines: &[u8]) -> Result<Vec<u8>, HostError> {
        let lines = || lines.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        check_count(lines().count())?;
        self.add_each(now_ms, lines().map(|line| transcode::json_to_msgpack(line).map(Cow::Owned)).collect())
    }

    /// As [`Profiles::add_events`], of events that stand one by one; one that could not even be read brings its error.
    ///
    /// # Errors
    /// Those of [`Profiles::add_events`].
    pub fn add_each(&self, now_ms: i64, events: Vec<Result<Cow<'_, [u8]>, HostError>>) -> Result<Vec<u8>, HostError> {
        check_count(events.len())?;
        let mut results: Vec<Vec<u8>> = events.iter().map(|_| Vec::new()).collect();
        // By id, so that the order of writing does not depend on chance.
        let mut groups: BTreeMap<String, Vec<Placed<'_>>> = BTreeMap::new();
        for ((place, event), result) in events.into_iter().enumerate().zip(&mut results) {
            let owned = event.map_err(|e| refused(e.code(), &e.message(), e.field())).and_then(|e| self.with_owner(e));
            match owned {
                Ok((profile_id, event)) => groups.entry(profile_id).or_default().push((place, event)),
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

    /// Whose event it is, and the event, which names that profile; or the result that says why it is nobody's.
    fn with_owner<'e>(&self, event: Cow<'e, [u8]>) -> Result<(String, Cow<'e, [u8]>), Vec<u8>> {
        let found = pack::lookup(&event, ["identity", "profile_id"]);
        let [identity, profile_id] = found.map_err(|_| refused_by(ErrorCode::InvalidType, "an event is a map", ""))?;
        if let Some(identity) = identity {
            let renamed = self.renamed(&event, identity).map_err(|e| refused(e.code(), &e.message(), e.field()))?;
            let [profile_id] = pack::lookup(&renamed, ["profile_id"]).unwrap_or_default();
            return Ok((owner(profile_id)?, renamed.into()));
        }
        Ok((owner(profile_id)?, event))
    }

    fn count_events(&self, results: &[Vec<u8>]) {
        let mut sums = COUNTERS.map(|(_, name)| (name, 0u64));
        for result in results {
            let [status] = pack::lookup(result, ["status"]).unwrap_or_default();
            let status = status.and_then(pack::text).unwrap_or_default();
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

fn input_of<'a>(profile_id: &'a str, events: &[Placed<'_>]) -> Input<'a> {
    let mut list = Packer::array(events.len());
    for (_, event) in events {
        list.raw(event);
    }
    Input { profile_id, values: vec![("events", list.done())] }
}

/// The profile id that an event names, or the result that says why it is none.
fn owner(profile_id: Option<&[u8]>) -> Result<String, Vec<u8>> {
    let missing = || refused_by(ErrorCode::MissingField, "`profile_id` is required", "profile_id");
    let profile_id = pack::text(profile_id.ok_or_else(missing)?)
        .ok_or_else(|| refused_by(ErrorCode::InvalidType, "`profile_id` is no text", "profile_id"))?;
    check_id(profile_id).map(str::to_owned).map_err(|_| {
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
