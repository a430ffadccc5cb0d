//! Applying: events, consents, traits and links into a state.

use super::codec::{Class, check_size, decode_state, encode_within_bounds, failure, too_many, too_many_classes};
use super::join::{Keyed, copies, winners};
use super::{FoldReport, Profile};
use crate::consent::{Consents, KEEPING, Sight};
use crate::policy::Policy;
use alloc::vec::Vec;
use unisono_message::limits::{self, PROFILE_CLASSES_MAX};
use unisono_message::list::{Listed, keep};
use unisono_message::{
    Error, ErrorCode, Event, EventType, Reader, Register, RegisterKind, Result, Warning, WarningCode, Writer,
    check_future, check_owner, missing, read_fields, write_warnings,
};

const KEYS: [&str; 7] = ["now_ms", "profile_id", "state", "events", "traits", "consents", "links"];

/// Adds to a state: `{"now_ms", "profile_id"?, "state"?, "events"?, "consents"?, "traits"?, "links"?}` gives
/// `{"state": bin, "results": [{"status", "code"?, "message"?, "field"?}], "refused":
/// [{"code", "message", "field"}], "warnings": [...]}`: a result an event, and in `refused` the registers that were not taken.
///
/// A status is `accepted`, `duplicate` (its class holds the id already), `withheld` (no purpose may use it: it is not stored),
/// `erased` (of the time of an erasure or before), `expired` (older than the policy keeps it) or `refused` with a code. What
/// is refused costs the others nothing, and its unknown fields are not counted. Events beyond the policy's retention are
/// dropped from the state, and so are those that no purpose may use any more, where the policy says that withdrawal erases.
/// A call whose state would be too large is refused whole. Never fails: errors are in the answer.
pub fn apply(policy: &Policy, input: &[u8]) -> Vec<u8> {
    apply_bytes(policy, input).unwrap_or_else(|error: Error| failure(&error))
}

fn apply_bytes(policy: &Policy, input: &[u8]) -> Result<Vec<u8>> {
    check_size(input.len(), limits::APPLY_BYTES_MAX, "apply_bytes_max")?;
    let mut reader = Reader::new(input);
    let (mut now_ms, mut owner, mut state, mut events) = (None, None, None, None);
    let mut registers = [None; RegisterKind::ALL.len()];
    read_fields(&mut reader, &KEYS, |r, field| match field {
        0 => now_ms = Some(r.int_within(limits::TIME_MS_MIN, limits::TIME_MS_MAX)),
        1 => owner = Some(r.id()),
        2 => state = Some(r.bin()),
        3 => events = Some(r.leap()),
        _ => registers.get_mut(field - 4).into_iter().for_each(|list| *list = Some(r.leap())),
    });
    if now_ms.is_none() {
        missing(&mut reader, "now_ms");
    }
    reader.finish()?;
    let now_ms = now_ms.unwrap_or_default();
    let mut base = decode_state(state)?;
    let mut sifted = Sifted { classes: base.classes(), unknown_fields: reader.unknown_fields(), ..Sifted::default() };
    // Consents first: whether an event may be stored is as they stand after this call.
    for (kind, list) in RegisterKind::ALL.into_iter().zip(registers) {
        sifted.read_registers(kind, list, &mut base, now_ms)?;
    }
    let registers = base.registers.clone();
    let consents = Consents { policy, registers: &registers };
    if let Some(bytes) = events {
        sifted.read_events(bytes, owner, now_ms, &consents).map_err(|error| error.in_field("events"))?;
    }
    sifted.tell_others(&base, policy, now_ms);
    base.drop_unwanted(&consents, now_ms);
    let (mut profile, report) = base.with_events(&sifted.accepted);
    profile.drop_unwanted(&consents, now_ms);
    let state = encode_within_bounds(&profile)?;
    Ok(answer(&state, &sifted, report))
}

impl<'a> Profile<'a> {
    /// Drops what the policy keeps no longer: what is older than its retention, and what no purpose may use any more where
    /// withdrawal erases.
    fn drop_unwanted(&mut self, consents: &Consents<'_, 'a>, now_ms: i64) {
        let policy = consents.policy;
        if policy.keeps_all() && !policy.erase_on_withdrawal {
            return;
        }
        let mut sight = Sight::new(*consents, None, now_ms);
        let mut is_kept = |kind: EventType, channel: &'a str, day: i64| match policy.erase_on_withdrawal {
            true => sight.purposes(kind, channel, day) & KEEPING != 0,
            false => day >= policy.first_day(kind, now_ms),
        };
        keep(&mut self.events, |event| is_kept(event.kind, event.channel, event.day()));
        keep(&mut self.marks, |mark| is_kept(mark.kind, mark.channel, mark.day));
        keep(&mut self.registers, |one| {
            one.kind != RegisterKind::Trait || !policy.erase_on_withdrawal || consents.allow(one.purpose, "")
        });
    }
}

#[derive(Default)]
struct Sifted<'a> {
    accepted: Vec<Event<'a>>,
    /// Of the results of those.
    places: Vec<u32>,
    results: Vec<Outcome>,
    /// Registers that were not taken.
    refused: Vec<Error>,
    /// Of what was taken, and of the input itself.
    unknown_fields: u32,
    /// Those of the state and of the accepted events.
    classes: Vec<Class<'a>>,
    withheld: u32,
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Accepted,
    Duplicate,
    /// No purpose may use it.
    Withheld,
    /// It is of the time of an erasure or before.
    Erased,
    /// It is older than the policy keeps such events.
    Expired,
    Refused(Error),
}

impl<'a> Sifted<'a> {
    /// Reads each register by itself, and joins it with the others.
    fn read_registers(
        &mut self,
        kind: RegisterKind,
        list: Option<&'a [u8]>,
        base: &mut Profile<'a>,
        now_ms: i64,
    ) -> Result<()> {
        let Some(bytes) = list else { return Ok(()) };
        let mut reader = Reader::new(bytes);
        let mut index = 0usize;
        let (max, limit) = kind.limit();
        reader.each(limits::REQUEST_EVENTS_MAX, "request_events_max", |r| {
            let read = r.apart(|r| {
                let one = Register::read(r, kind);
                r.take(check_future(one.ts_ms, now_ms));
                if base.erased_ms.is_some_and(|erased_ms| one.ts_ms <= erased_ms) {
                    let message = "it was said at or before the moment of an erasure";
                    r.fail(Error::new(ErrorCode::RegisterErased, message).in_field("ts_ms"));
                }
                one
            });
            let is_known = |one: &Register<'_>| base.registers.iter().any(|other| other.by_key(one).is_eq());
            let taken = match read {
                Ok(one) if one.is_counted() && base.counted_of(kind) == max && !is_known(&one) => {
                    Err(too_many(kind.list(), max + 1, limit, max))
                }
                read => read,
            };
            match taken {
                Ok(one) => base.registers = winners(base.registers.iter().chain([&one]), base.erased_ms),
                Err(error) => self.refused.push(error.at_index(index).in_field(kind.list())),
            }
            index += 1;
        });
        self.unknown_fields += reader.unknown_fields();
        reader.finish().map_err(|error| error.in_field(kind.list()))
    }

    /// Reads each event by itself, so that one that is refused costs the others nothing.
    fn read_events(
        &mut self,
        events: &'a [u8],
        owner: Option<&str>,
        now_ms: i64,
        consents: &Consents<'_, '_>,
    ) -> Result<()> {
        let mut reader = Reader::new(events);
        // Of withheld events: not even their unknown fields are told.
        let mut untold = 0;
        reader.each(limits::REQUEST_EVENTS_MAX, "request_events_max", |r| {
            let (start, unknown_fields) = (r.rest(), r.unknown_fields());
            let mut event = Event::unread();
            let read = r.apart(|r| {
                let mut named = None;
                event.read_named(r, &mut named);
                r.take(check_owner(named, owner));
                r.take(check_future(event.ts_ms, now_ms));
                if !r.failed() && consents.keep(event.kind, event.channel) {
                    r.take(self.enter_class((event.kind, false, event.channel)));
                }
            });
            let place = self.results.len() as u32;
            // What no purpose may use is not looked at any closer, sound or not.
            let class = match &read {
                Ok(()) => Some((event.kind, event.channel)),
                Err(_) => Event::class_of(start),
            };
            let outcome = match read {
                _ if class.is_some_and(|(kind, channel)| !consents.keep(kind, channel)) => {
                    self.withheld += 1;
                    untold += r.unknown_fields() - unknown_fields;
                    Outcome::Withheld
                }
                Ok(()) => {
                    self.accepted.push(event);
                    self.places.push(place);
                    Outcome::Accepted
                }
                Err(error) => Outcome::Refused(error),
            };
            self.results.push(outcome);
        });
        self.unknown_fields += reader.unknown_fields() - untold;
        reader.finish()
    }

    fn enter_class(&mut self, class: Class<'a>) -> Result<()> {
        if self.classes.contains(&class) {
            return Ok(());
        }
        if self.classes.len() == PROFILE_CLASSES_MAX {
            return Err(too_many_classes(PROFILE_CLASSES_MAX + 1).in_field("channel"));
        }
        self.classes.push(class);
        Ok(())
    }

    /// Tells what else became of accepted events: that their class held their id already or they came twice, or that they
    /// are too old for the state.
    fn tell_others(&mut self, base: &Profile<'a>, policy: &Policy, now_ms: i64) {
        let known = base.events.iter().map(|event| (u32::MAX, event));
        let given = self.places.iter().copied().zip(&self.accepted);
        let all: Vec<Keyed<'_, 'a>> = known.chain(given).map(|(place, event)| Keyed::numbered(event, place)).listed();
        // Known ones come first, then the others as they were given.
        let told = copies(&all).into_iter().map(|place| (place, Outcome::Duplicate));
        let old = self.places.iter().zip(&self.accepted).filter_map(|(place, event)| match () {
            () if base.erased_ms.is_some_and(|erased_ms| event.ts_ms <= erased_ms) => Some((*place, Outcome::Erased)),
            () if event.day() < policy.first_day(event.kind, now_ms) => Some((*place, Outcome::Expired)),
            () => None,
        });
        for (place, told) in told.chain(old) {
            if let Some(outcome) = self.results.get_mut(place as usize) {
                *outcome = told;
            }
        }
    }
}

fn answer(state: &[u8], sifted: &Sifted<'_>, report: FoldReport) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(4);
    w.str("state");
    w.bin(state);
    w.str("results");
    w.array(sifted.results.len());
    for outcome in &sifted.results {
        let (status, error) = match outcome {
            Outcome::Accepted => ("accepted", None),
            Outcome::Duplicate => ("duplicate", None),
            Outcome::Withheld => ("withheld", None),
            Outcome::Erased => ("erased", None),
            Outcome::Expired => ("expired", None),
            Outcome::Refused(error) => ("refused", Some(error)),
        };
        w.map(if error.is_some() { 4 } else { 1 });
        w.str("status");
        w.str(status);
        error.into_iter().for_each(|error| write_error(&mut w, error));
    }
    w.str("refused");
    w.array(sifted.refused.len());
    for error in &sifted.refused {
        w.map(3);
        write_error(&mut w, error);
    }
    w.str("warnings");
    let mut warnings = report.warnings(sifted.unknown_fields);
    warnings.extend(Warning::counted(&[(WarningCode::EventsWithoutConsent, sifted.withheld as usize)]));
    write_warnings(&mut w, &warnings);
    w.into_bytes()
}

fn write_error(w: &mut Writer, error: &Error) {
    for (name, value) in [("code", error.code().as_str()), ("message", error.message()), ("field", error.field())] {
        w.str(name);
        w.str(value);
    }
}
