//! The canonical encoding of a profile: equal states, equal bytes.
//!
//! `{"version": 1, "events": [event, ...], "marks": [[day, item, type number, channel], ...]}` in the profile's own
//! order, then, where they are not empty, `traits`, `consents`, `links` and `erased`. A key that this version does not know
//! is an error, so that nothing of a profile is dropped in silence.

use super::Profile;
use super::mark::Mark;
use alloc::vec::Vec;
use unisono_message::limits::{self, PROFILE_BYTES_MAX, PROFILE_CLASSES_MAX, PROFILE_OTHER_BYTES_MAX};
use unisono_message::{
    Error, ErrorCode, Event, EventType, Reader, Register, RegisterKind, Result, Warning, Writer, missing, read_fields,
    text, write_warnings,
};

/// The version that this module writes and reads.
const VERSION: i64 = 1;
const KEYS: [&str; 7] = ["version", "events", "marks", "traits", "consents", "links", "erased"];

impl<'a> Profile<'a> {
    /// The state's one encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(64 + self.events.len() * 96 + self.marks.len() * 24);
        let lists = RegisterKind::ALL.iter().filter(|kind| self.registers_of(**kind).next().is_some()).count();
        w.map(3 + lists + usize::from(self.erased_ms.is_some()));
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
        self.write_registers(&mut w, false);
        self.write_erased(&mut w);
        w.into_bytes()
    }

    fn write_erased(&self, w: &mut Writer) {
        if let Some(erased_ms) = self.erased_ms {
            w.str("erased");
            w.int(erased_ms);
        }
    }

    /// Decodes a state.
    ///
    /// # Errors
    /// `profile_version_unsupported`, `profile_invalid` when the bytes are not canonical or break the bounds,
    /// `limit_exceeded`, and the decoding errors of events.
    pub fn decode(bytes: &'a [u8]) -> Result<Self> {
        check_size(bytes.len(), PROFILE_BYTES_MAX, "profile_bytes_max")?;
        let mut reader = Reader::new(bytes);
        let mut has_version = false;
        let mut profile = Profile::default();
        // How many fields were read, whether the first three are those that always stand there, and what follows them.
        let (mut fields, mut in_order, mut rest) = (0u8, true, bytes);
        read_fields(&mut reader, &KEYS, |r, field| {
            in_order &= field == usize::from(fields) || fields > 2;
            fields += 1;
            match field {
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
                2 => {
                    r.each(limits::PROFILE_MARKS_MAX, "profile_marks_max", |r| profile.marks.push(read_mark(r)));
                    rest = r.rest();
                }
                3..=5 => {
                    let kind = RegisterKind::ALL.get(field - 3).copied().unwrap_or(RegisterKind::Link);
                    let (max, limit) = kind.limit();
                    r.each(max + kind.uncounted_max(), limit, |r| {
                        profile.registers.push(Register::read_canonical(r, kind))
                    });
                }
                _ => profile.erased_ms = Some(r.int_within(limits::TIME_MS_MIN, limits::TIME_MS_MAX)),
            }
        });
        let is_shortest = reader.is_shortest();
        reader.finish()?;
        if !has_version || reader.unknown_fields() > 0 {
            return Err(other_version().in_field("version"));
        }
        profile.check_bounds()?;
        profile.check_bytes(bytes.len())?;
        // The registers are few: that they are written as they would be is seen by writing them.
        let mut others = Writer::new();
        profile.write_registers(&mut others, false);
        profile.write_erased(&mut others);
        // A key whose value is null was not read, but stands in the head of the map.
        let is_whole = bytes.first() == Some(&(0x80 | fields));
        if is_shortest && in_order && is_whole && others.as_bytes() == rest && profile.is_joined() {
            return Ok(profile);
        }
        Err(Error::new(ErrorCode::ProfileInvalid, "the state is not canonical, or breaks its bounds"))
    }
}

impl<'a> Profile<'a> {
    /// The registers of a kind, by key.
    pub(super) fn registers_of(&self, kind: RegisterKind) -> impl Iterator<Item = &Register<'a>> {
        self.registers.iter().filter(move |one| one.kind == kind)
    }

    /// How many of a kind count against its limit.
    pub(super) fn counted_of(&self, kind: RegisterKind) -> usize {
        self.registers_of(kind).filter(|one| one.is_counted()).count()
    }

    /// Writes the lists of registers: in the canonical form those that are not empty, named all of them.
    pub(super) fn write_registers(&self, w: &mut Writer, named: bool) {
        RegisterKind::ALL.iter().for_each(|kind| self.write_list(*kind, w, named));
    }

    fn write_list(&self, kind: RegisterKind, w: &mut Writer, named: bool) {
        let count = self.registers_of(kind).count();
        if count > 0 || named {
            w.str(kind.list());
            w.array(count);
            self.registers_of(kind).for_each(|one| one.write(w, named));
        }
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

/// A (type, carried, channel): what events are bounded by.
pub(super) type Class<'a> = (EventType, bool, &'a str);

#[cold]
pub(super) fn too_many(what: &str, count: usize, limit: &str, max: usize) -> Error {
    Error::new(ErrorCode::LimitExceeded, text!("`{}` {}; {} is {}", count, what, limit, max))
}

#[cold]
pub(super) fn too_many_classes(classes: usize) -> Error {
    too_many("pairs of class and channel", classes, "profile_classes_max", PROFILE_CLASSES_MAX)
}

impl<'a> Profile<'a> {
    /// The pairs of class and channel, each once; no more than tell that there are too many. The marks have their own where
    /// events went and marks stayed.
    pub(super) fn classes(&self) -> Vec<Class<'a>> {
        let mut classes = Vec::new();
        for event in &self.events {
            let class = (event.kind, event.carried, event.channel);
            if classes.last() != Some(&class) {
                classes.push(class);
            }
        }
        for mark in &self.marks {
            let class = (mark.kind, false, mark.channel);
            if classes.len() <= PROFILE_CLASSES_MAX && !classes.contains(&class) {
                classes.push(class);
            }
        }
        classes
    }

    /// Fails with `limit_exceeded` when there are more classes or registers than a profile may hold.
    pub(crate) fn check_bounds(&self) -> Result<()> {
        // So few events and marks can't have too many.
        if self.events.len() + self.marks.len() > PROFILE_CLASSES_MAX {
            let classes = self.classes().len();
            if classes > PROFILE_CLASSES_MAX {
                return Err(too_many_classes(classes));
            }
        }
        for kind in RegisterKind::ALL {
            let (max, limit) = kind.limit();
            let count = self.counted_of(kind);
            if count > max {
                return Err(too_many(kind.list(), count, limit, max).in_field(kind.list()));
            }
        }
        Ok(())
    }

    /// Fails with `limit_exceeded` when an encoding of so many bytes leaves no room for a tombstone and for all the consents
    /// that there may be: an erasure, or a withdrawal sent by itself, is heard however much is known.
    fn check_bytes(&self, bytes: usize) -> Result<()> {
        let mut always = Writer::new();
        self.write_list(RegisterKind::Consent, &mut always, false);
        self.write_erased(&mut always);
        let others = bytes.saturating_sub(always.into_bytes().len());
        check_size(others, PROFILE_OTHER_BYTES_MAX, "profile_other_bytes_max")
    }
}

/// The encoding of a state, if it is one that this module takes back.
pub(super) fn encode_within_bounds(profile: &Profile<'_>) -> Result<Vec<u8>> {
    let state = profile.encode();
    let within = profile.check_bounds().and_then(|()| profile.check_bytes(state.len()));
    within.map_err(|error| error.in_field("state"))?;
    Ok(state)
}

/// A state that may be absent, or no bytes: that of a profile of which nothing is known.
pub(super) fn decode_state(state: Option<&[u8]>) -> Result<Profile<'_>> {
    match state {
        None | Some([]) => Ok(Profile::default()),
        Some(bytes) => Profile::decode(bytes).map_err(|error| error.in_field("state")),
    }
}

/// Merges states: `{"states": [bin, ...]}` gives `{"state": bin, "warnings": [...]}`; no states give the empty one. Where
/// the join would be too large the call is refused whole, and the caller keeps its states. Never fails: errors are in the
/// answer.
pub fn merge(input: &[u8]) -> Vec<u8> {
    merge_bytes(input).unwrap_or_else(|error| failure(&error))
}

fn merge_bytes(input: &[u8]) -> Result<Vec<u8>> {
    check_size(input.len(), limits::MERGE_BYTES_MAX, "merge_bytes_max")?;
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
    Ok(state_and_warnings(&state, &report.warnings(reader.unknown_fields())))
}

/// `{"state", "warnings"}`.
pub(super) fn state_and_warnings(state: &[u8], warnings: &[Warning]) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(2);
    w.str("state");
    w.bin(state);
    w.str("warnings");
    write_warnings(&mut w, warnings);
    w.into_bytes()
}

pub(super) fn check_size(bytes: usize, max: usize, limit: &str) -> Result<()> {
    if bytes <= max {
        return Ok(());
    }
    let message = text!("`{}` bytes; {} is {}", bytes, limit, max);
    Err(Error::new(ErrorCode::LimitExceeded, message))
}

/// `{"error": {"code", "message", "field"}}`.
pub(super) fn failure(error: &Error) -> Vec<u8> {
    unisono_message::error_response(None, error)
}
