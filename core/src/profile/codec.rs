//! The canonical encoding of a profile: equal states, equal bytes.
//!
//! `{"version": 1, "events": [event, ...], "marks": [[day, item, type number, channel], ...]}` in the profile's own
//! order. Later versions add keys (traits, consents, erasure); a key that this version does not know is an error, so
//! that nothing of a profile is dropped in silence.

use super::Profile;
use super::mark::Mark;
use alloc::vec::Vec;
use unisono_message::limits::{self, PROFILE_BYTES_MAX, PROFILE_CLASSES_MAX, PROFILE_EVENTS_PER_CLASS, PROFILE_MARKS};
use unisono_message::text;
use unisono_message::{Error, ErrorCode, Event, EventType, Reader, Result, Writer, read_fields};

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
        if bytes.len() > PROFILE_BYTES_MAX {
            let message = text!("a state of `{}` bytes; profile_bytes_max is {}", bytes.len(), PROFILE_BYTES_MAX);
            return Err(Error::new(ErrorCode::LimitExceeded, message));
        }
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
            1 => r.each(PROFILE_CLASSES_MAX * PROFILE_EVENTS_PER_CLASS, "profile_classes_max", |r| {
                profile.events.push(Event::read_canonical(r));
            }),
            _ => r.each(PROFILE_MARKS, "profile_marks", |r| profile.marks.push(read_mark(r))),
        });
        reader.finish()?;
        if !has_version || reader.unknown_fields() > 0 {
            return Err(other_version().in_field("version"));
        }
        // One comparison checks order, bounds, duplicates and number widths alike.
        let (joined, _) = profile.clone().merged(&Profile::default());
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
    check_size(input)?;
    let mut reader = Reader::new(input);
    let (mut now_ms, mut owner, mut state, mut events) = (None, None, None, None);
    read_fields(&mut reader, &["now_ms", "profile_id", "state", "events"], |r, field| match field {
        0 => now_ms = Some(r.int_within(limits::TIME_MS_MIN, limits::TIME_MS_MAX)),
        1 => owner = Some(r.id()),
        2 => state = Some(r.bin()),
        _ => events = Some(r.postpone()),
    });
    reader.finish()?;
    let Some(now_ms) = now_ms else {
        return Err(Error::new(ErrorCode::MissingField, "`now_ms` is required").in_field("now_ms"));
    };
    let base = match state {
        Some(bytes) => Profile::decode(bytes).map_err(|error| error.in_field("state"))?,
        None => Profile::default(),
    };
    let (accepted, results) = match events {
        Some(bytes) => sift(bytes, owner, now_ms).map_err(|error| error.in_field("events"))?,
        None => (Vec::new(), Vec::new()),
    };
    let (profile, _) = base.with_events(&accepted);
    let state = encode_within_bounds(&profile)?;
    let mut w = Writer::new();
    w.map(2);
    w.str("state");
    w.bin(&state);
    w.str("results");
    w.array(results.len());
    for result in &results {
        write_result(&mut w, result.as_ref());
    }
    Ok(w.into_bytes())
}

type Sifted<'a> = (Vec<Event<'a>>, Vec<Option<Error>>);

/// Reads each event by itself, so that one that is malformed costs the others nothing.
fn sift<'a>(events: &'a [u8], owner: Option<&str>, now_ms: i64) -> Result<Sifted<'a>> {
    let (mut accepted, mut results) = (Vec::new(), Vec::new());
    let mut reader = Reader::new(events);
    reader.each(limits::REQUEST_EVENTS_MAX, "request_events_max", |r| {
        let mut one = Reader::new(r.postpone());
        let event = Event::read(&mut one, owner);
        match one.result().and_then(|()| not_from_future(event, now_ms)) {
            Ok(event) => {
                accepted.push(event);
                results.push(None);
            }
            Err(error) => results.push(Some(error)),
        }
    });
    reader.finish()?;
    Ok((accepted, results))
}

fn not_from_future(event: Event<'_>, now_ms: i64) -> Result<Event<'_>> {
    if event.ts_ms <= now_ms.saturating_add(limits::FUTURE_MS_MAX) {
        return Ok(event);
    }
    Err(Error::new(ErrorCode::EventFromFuture, "the event lies more than ten minutes after `now_ms`").in_field("ts_ms"))
}

/// The encoding of a state, if it is one that this module takes back.
fn encode_within_bounds(profile: &Profile<'_>) -> Result<Vec<u8>> {
    check_classes(profile)?;
    let state = profile.encode();
    if state.len() <= PROFILE_BYTES_MAX {
        return Ok(state);
    }
    let message = text!("a state of `{}` bytes; profile_bytes_max is {}", state.len(), PROFILE_BYTES_MAX);
    Err(Error::new(ErrorCode::LimitExceeded, message).in_field("state"))
}

fn check_classes(profile: &Profile<'_>) -> Result<()> {
    let changes = profile.events.iter().zip(profile.events.iter().skip(1));
    let classes = 1 + changes.filter(|(a, b)| (a.kind, a.channel) != (b.kind, b.channel)).count();
    if classes <= PROFILE_CLASSES_MAX {
        return Ok(());
    }
    let message = text!("`{}` pairs of class and channel; profile_classes_max is {}", classes, PROFILE_CLASSES_MAX);
    Err(Error::new(ErrorCode::LimitExceeded, message).in_field("state"))
}

/// See [`super::merge`].
pub(super) fn merge_bytes(input: &[u8]) -> Result<Vec<u8>> {
    check_size(input)?;
    let mut reader = Reader::new(input);
    let mut profile = Profile::default();
    read_fields(&mut reader, &["states"], |r, _| {
        r.each(limits::MERGE_STATES_MAX, "merge_states_max", |r| {
            let bytes = r.bin();
            if !r.failed() {
                let state = r.take(Profile::decode(bytes));
                profile = core::mem::take(&mut profile).merged(&state).0;
            }
        });
    });
    reader.finish()?;
    let state = encode_within_bounds(&profile)?;
    let mut w = Writer::new();
    w.map(1);
    w.str("state");
    w.bin(&state);
    Ok(w.into_bytes())
}

fn check_size(input: &[u8]) -> Result<()> {
    if input.len() <= limits::REQUEST_BYTES_MAX {
        return Ok(());
    }
    let message = text!("`{}` bytes; request_bytes_max is {}", input.len(), limits::REQUEST_BYTES_MAX);
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
