//! Export: a state as people and other programs read it.

use super::Profile;
use super::codec::{decode_state, failure};
use crate::policy::Policy;
use alloc::vec::Vec;
use unisono_message::{Event, Field, Purpose, Reader, Result, Writer, limits, missing, read_fields};

/// Exports: `{"profile_id"?, "state", "now_ms", "purpose"?}` gives `{"profile_id", "events", "marks", "traits", "consents",
/// "links", "erased_ms"}`: all that is stored, named as senders name it, marks with the moment at which their UTC day begins, registers with their time and
/// writer. With a purpose, what that purpose may use, in whatever channel it happened: `training` gives the events to fit a
/// model on. Never fails: errors are in the answer.
pub fn export(policy: &Policy, input: &[u8]) -> Vec<u8> {
    export_bytes(policy, input).unwrap_or_else(|error| failure(&error))
}

fn export_bytes(policy: &Policy, input: &[u8]) -> Result<Vec<u8>> {
    let mut reader = Reader::new(input);
    let (mut owner, mut state, mut now_ms, mut purpose) = (None, None, None, None);
    read_fields(&mut reader, &["profile_id", "state", "now_ms", "purpose"], |r, field| match field {
        0 => owner = Some(r.id()),
        1 => state = Some(r.bin()),
        2 => now_ms = Some(r.int_within(limits::TIME_MS_MIN, limits::TIME_MS_MAX)),
        _ => purpose = Some(Purpose::read(r)),
    });
    for (name, is_missing) in [("state", state.is_none()), ("now_ms", now_ms.is_none())] {
        if is_missing {
            missing(&mut reader, name);
        }
    }
    reader.finish()?;
    let mut profile = decode_state(state)?;
    if let Some(purpose) = purpose {
        profile.seen_by(policy, purpose, now_ms.unwrap_or_default());
    }
    Ok(profile.readable(owner))
}

impl Profile<'_> {
    fn readable(&self, owner: Option<&str>) -> Vec<u8> {
        let mut w = Writer::new();
        w.map(7);
        w.str("profile_id");
        w.opt_str(owner);
        w.str("events");
        w.array(self.events.len());
        self.events.iter().for_each(|event| write_event(&mut w, event, owner));
        w.str("marks");
        w.array(self.marks.len());
        for mark in &self.marks {
            w.map(4);
            let words = [("item_id", mark.item_id), ("type", mark.kind.as_str()), ("channel", mark.channel)];
            w.str("day_ms");
            w.int(mark.day * 86_400_000);
            words.iter().for_each(|(name, value)| put(&mut w, name, value));
        }
        self.write_registers(&mut w, true);
        w.str("erased_ms");
        w.opt_int(self.erased_ms);
        w.into_bytes()
    }
}

fn write_event(w: &mut Writer, event: &Event<'_>, owner: Option<&str>) {
    let mut optional = 0usize;
    event.each_field(|_, _| optional += 1);
    w.map(4 + optional + usize::from(owner.is_some()) + usize::from(event.carried));
    put(w, "event_id", event.event_id);
    w.str("ts_ms");
    w.int(event.ts_ms);
    put(w, "type", event.kind.as_str());
    put(w, "channel", event.channel);
    event.each_field(|name, value| {
        w.str(name);
        match value {
            Field::Text(text) => w.str(text),
            Field::Int(number) => w.int(number),
            Field::Decimal(number) => w.f64(number),
        }
    });
    owner.into_iter().for_each(|owner| put(w, "profile_id", owner));
    if event.carried {
        w.str("carried");
        w.bool(true);
    }
}

fn put(w: &mut Writer, name: &str, value: &str) {
    w.str(name);
    w.str(value);
}
