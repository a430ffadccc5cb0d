//! The canonical encoding of a profile: equal states, equal bytes.
//!
//! `{"version": 1, "events": [event, ...], "marks": [[day, item, type number, channel], ...]}` in the profile's own
//! order. Later versions add keys (traits, consents, erasure); a key that this version does not know is an error, so
//! that nothing of a profile is dropped in silence.

use super::Profile;
use super::mark::Mark;
use alloc::vec::Vec;
use unisono_message::limits::{self, PROFILE_BYTES_MAX, PROFILE_CLASSES_MAX, PROFILE_MARKS};
use unisono_message::text;
use unisono_message::{
    Error, ErrorCode, Event, EventType, Reader, Result, Writer, check_owner, missing, read_fields, write_warnings,
};

/// The version that this module writes and reads.
const VERSION: i64 = 1;

impl<'a> Profile<'a> {
    /// The state's one encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(64 + self.events.len() * 96 + self.marks.len() * 24);
        w.map(3);
        w.str("version");
        w.int(VERSION);
        w.str("events");
        w.array(self.events.len());
        for event in &self.events {
            event.write(&mut w);
        }
        w.str("marks");
        w.array(self.marks.len());
        for mark in &self.marks {
            w.array(4);
            w.int(mark.day);
            w.str(mark.item_id);
            w.int(mark.kind as i64);
            w.str(mark.channel);
        }
        w.into_bytes()
    }

    /// Decodes a state.
    ///
    /// # Errors
    /// `profile_version_unsupported`, `profile_invalid` when the bytes are not canonical or break the bounds,
    /// `limit_exceeded`, and the decoding errors of events.
    pub fn decode(bytes: &'a [u8]) -> Result<Self> {
        check_size(bytes, PROFILE_BYTES_MAX, "profile_bytes_max")?;
        let mut reader = Reader::new(bytes);
        let mut has_version = false;
        let mut profile = Profile::default();
        read_fields(&mut reader, &["version", "events", "marks"], |r, field| match field {
            // The version stands first, so that a newer state is recognised whatever else it holds.
            0 => {
                has_version = true;
                if r.int() != VERSION {
                    r.fail(other_version());
                }
            }
            1 => r.each(limits::PROFILE_EVENTS_MAX, "profile_events_max", |r| {
                profile.events.push(Event::read_canonical(r));
            }),
            _ => r.each(PROFILE_MARKS, "profile_marks", |r| profile.marks.push(read_mark(r))),
        });
        reader.finish()?;
        if !has_version || reader.unknown_fields() > 0 {
            return Err(other_version().in_field("version"));
        }
        profile.check_classes()?;
        // One comparison checks order, the other bounds, duplicates and number widths alike.
        let (joined, _) = Profile::of_states(core::slice::from_ref(&profile));
        if joined.encode() != bytes {
            return Err(Error::new(ErrorCode::ProfileInvalid, "the state is not canonical, or breaks its bounds"));
        }
        Ok(profile)
    }
}

#[cold]
fn other_version() -> Error {
    Error::new(ErrorCode::ProfileVersionUnsupported, "the state was written by another version of the module")
}

fn read_mark<'a>(r: &mut Reader<'a>) -> Mark<'a> {
    if r.array() != 4 {
        r.fail(Error::new(ErrorCode::ProfileInvalid, "a mark is [day, item, type, channel]"));
    }
    let day = r.int_within(0, limits::TIME_MS_MAX / 86_400_000);
    let item_id = r.id();
    let kind = EventType::read_number(r);
    Mark { day, item_id, kind, channel: r.channel() }
}

/// See [`super::apply`].
pub(super) fn apply_bytes(input: &[u8]) -> Result<Vec<u8>> {
    check_size(input, limits::APPLY_BYTES_MAX, "apply_bytes_max")?;
    let mut reader = Reader::new(input);
    let (mut now_ms, mut owner, mut state, mut events) = (None, None, None, None);
    read_fields(&mut reader, &["now_ms", "profile_id", "state", "events"], |r, field| match field {
        0 => now_ms = Some(r.int_within(limits::TIME_MS_MIN, limits::TIME_MS_MAX)),
        1 => owner = Some(r.id()),
        2 => state = Some(r.bin()),
        _ => events = Some(r.leap()),
    });
    if now_ms.is_none() {
        missing(&mut reader, "now_ms");
    }
    reader.finish()?;
    let now_ms = now_ms.unwrap_or_default();
    let base = match state {
        Some(bytes) => Profile::decode(bytes).map_err(|error| error.in_field("state"))?,
        None => Profile::default(),
    };
    let mut sifted = Sifted { classes: base.classes(), ..Sifted::default() };
    if let Some(bytes) = events {
        sifted.read(bytes, owner, now_ms).map_err(|error| error.in_field("events"))?;
    }
    let (profile, report) = base.with_events(&sifted.accepted);
    let state = encode_within_bounds(&profile)?;
    let mut w = Writer::new();
    w.map(3);
    w.str("state");
    w.bin(&state);
    w.str("results");
    w.array(sifted.results.len());
    for result in &sifted.results {
        write_result(&mut w, result.as_ref());
    }
    w.str("warnings");
    write_warnings(&mut w, &report.warnings(reader.unknown_fields() + sifted.unknown_fields));
    Ok(w.into_bytes())
}

/// A (class, channel) pair.
type Class<'a> = (EventType, &'a str);

#[derive(Default)]
struct Sifted<'a> {
    accepted: Vec<Event<'a>>,
    /// Why each event is refused, or nothing.
    results: Vec<Option<Error>>,
    /// Of the accepted events.
    unknown_fields: u32,
    /// Those of the state and of the accepted events.
    classes: Vec<Class<'a>>,
}

impl<'a> Sifted<'a> {
    /// Reads each event by itself, so that one that is refused costs the others nothing.
    fn read(&mut self, events: &'a [u8], owner: Option<&str>, now_ms: i64) -> Result<()> {
        let mut reader = Reader::new(events);
        reader.each(limits::REQUEST_EVENTS_MAX, "request_events_max", |r| {
            let read = r.apart(|r| {
                let mut named = None;
                let event = Event::read(r, &mut named);
                r.take(check_owner(named, owner));
                r.take(not_from_future(&event, now_ms));
                if !r.failed() {
                    r.take(self.enter_class((event.kind, event.channel)));
                }
                event
            });
            self.accepted.extend(read.as_ref().ok());
            self.results.push(read.err());
        });
        self.unknown_fields = reader.unknown_fields();
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
}

fn not_from_future(event: &Event<'_>, now_ms: i64) -> Result<()> {
    if event.ts_ms <= now_ms.saturating_add(limits::FUTURE_MS_MAX) {
        return Ok(());
    }
    Err(Error::new(ErrorCode::EventFromFuture, "the event lies more than ten minutes after `now_ms`").in_field("ts_ms"))
}

#[cold]
fn too_many_classes(classes: usize) -> Error {
    let message = text!("`{}` pairs of class and channel; profile_classes_max is {}", classes, PROFILE_CLASSES_MAX);
    Error::new(ErrorCode::LimitExceeded, message)
}

impl<'a> Profile<'a> {
    /// The pairs of class and channel, each once, as the events lie in their order.
    fn classes(&self) -> Vec<Class<'a>> {
        let mut classes = Vec::new();
        for event in &self.events {
            let class = (event.kind, event.channel);
            if classes.last() != Some(&class) {
                classes.push(class);
            }
        }
        classes
    }

    /// Fails with `limit_exceeded` when there are more pairs of class and channel than a profile may hold.
    pub(crate) fn check_classes(&self) -> Result<()> {
        match self.classes().len() {
            0..=PROFILE_CLASSES_MAX => Ok(()),
            classes => Err(too_many_classes(classes)),
        }
    }
}

/// The encoding of a state, if it is one that this module takes back.
fn encode_within_bounds(profile: &Profile<'_>) -> Result<Vec<u8>> {
    let state = profile.encode();
    let within = profile.check_classes().and_then(|()| check_size(&state, PROFILE_BYTES_MAX, "profile_bytes_max"));
    within.map_err(|error| error.in_field("state"))?;
    Ok(state)
}

/// See [`super::merge`].
pub(super) fn merge_bytes(input: &[u8]) -> Result<Vec<u8>> {
    check_size(input, limits::MERGE_BYTES_MAX, "merge_bytes_max")?;
    let mut reader = Reader::new(input);
    let mut states = None;
    read_fields(&mut reader, &["states"], |r, _| {
        let mut read = Vec::new();
        r.each(limits::MERGE_STATES_MAX, "merge_states_max", |r| {
            let bytes = r.bin();
            if !r.failed() {
                read.push(r.take(Profile::decode(bytes)));
            }
        });
        states = Some(read);
    });
    if states.is_none() {
        missing(&mut reader, "states");
    }
    reader.finish()?;
    let states = states.unwrap_or_default();
    let (profile, report) = Profile::of_states(&states);
    let state = encode_within_bounds(&profile)?;
    let mut w = Writer::new();
    w.map(2);
    w.str("state");
    w.bin(&state);
    w.str("warnings");
    write_warnings(&mut w, &report.warnings(reader.unknown_fields()));
    Ok(w.into_bytes())
}

fn check_size(bytes: &[u8], max: usize, limit: &str) -> Result<()> {
    if bytes.len() <= max {
        return Ok(());
    }
    let message = text!("`{}` bytes; {} is {}", bytes.len(), limit, max);
    Err(Error::new(ErrorCode::LimitExceeded, message))
}

fn write_result(w: &mut Writer, refused: Option<&Error>) {
    match refused {
        None => {
            w.map(1);
            w.str("status");
            w.str("accepted");
        }
        Some(error) => {
            w.map(4);
            w.str("status");
            w.str("refused");
            w.str("code");
            w.str(error.code().as_str());
            w.str("message");
            w.str(error.message());
            w.str("field");
            w.str(error.field());
        }
    }
}

/// `{"error": {"code", "message", "field"}}`.
pub(super) fn failure(error: &Error) -> Vec<u8> {
    unisono_message::error_response(None, error)
}
