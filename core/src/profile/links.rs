//! Links: which profiles are of one customer. Profiles are never merged for it: their states are joined where they are
//! read, so that a link can be dissolved without a trace, and links in a circle do no harm.

use super::Profile;
use super::codec::{decode_state, failure};
use crate::order::distinct;
use alloc::vec::Vec;
use unisono_message::limits::{COMPONENT_PROFILES_MAX, COMPONENT_STATES_MAX};
use unisono_message::list::keep;
use unisono_message::{
    LinkedInput, Reader, RegisterKind, Result, Warning, WarningCode, Writer, missing, read_fields, write_warnings,
};

/// The profiles that are linked with one, directly or through others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Component<'a> {
    /// Ascending, the one asked for among them.
    pub profile_ids: Vec<&'a str>,
    /// Profiles that may belong, whose states were not given; ascending.
    pub needs: Vec<&'a str>,
    /// Profiles beyond the sixteen that are read as one customer.
    pub beyond: u32,
}

/// Finds the component of a profile as far as the given states tell it. A link counts while both sides say so, so
/// that half of one, whichever half, counts from neither end. Nearer profiles come first, and of equally near ones the lesser id: a seventeenth stays out.
pub fn component<'a>(profile_id: &'a str, states: &[(&'a str, Profile<'a>)]) -> Component<'a> {
    let state_of = |id: &str| states.iter().find(|(other, _)| *other == id).map(|(_, state)| state);
    let mut reached: Vec<&'a str> = alloc::vec![profile_id];
    let (mut needs, mut beyond): (Vec<&'a str>, Vec<&'a str>) = (Vec::new(), Vec::new());
    let mut ring = reached.clone();
    while !ring.is_empty() {
        let mut next: Vec<&'a str> = Vec::new();
        for id in ring {
            let Some(state) = state_of(id) else {
                needs.push(id);
                continue;
            };
            for linked in linked_with(state).filter(|linked| !reached.contains(linked)) {
                match state_of(linked) {
                    None => needs.push(linked),
                    Some(other) if linked_with(other).any(|back| back == id) => next.push(linked),
                    Some(_) => {}
                }
            }
        }
        next = ascending(&next);
        let room = COMPONENT_PROFILES_MAX - reached.len();
        beyond.extend(next.iter().skip(room));
        next.truncate(room);
        reached.extend(&next);
        ring = next;
    }
    // One that was too far on one way may have been near on another.
    keep(&mut beyond, |id| !reached.contains(id));
    // Nothing more is needed where there is no room.
    keep(&mut needs, |_| reached.len() < COMPONENT_PROFILES_MAX);
    Component { profile_ids: ascending(&reached), needs: ascending(&needs), beyond: ascending(&beyond).len() as u32 }
}

/// Adds a profile's state; states of one profile are one, in whatever order they come.
pub(super) fn give<'a>(states: &mut Vec<(&'a str, Profile<'a>)>, id: &'a str, state: Profile<'a>) {
    match states.iter_mut().find(|(other, _)| *other == id) {
        Some((_, known)) => *known = Profile::of_states(&[known.clone(), state]).0,
        None => states.push((id, state)),
    }
}

/// The profiles with which a state says it is linked.
fn linked_with<'s, 'a>(state: &'s Profile<'a>) -> impl Iterator<Item = &'a str> + use<'s, 'a> {
    state.registers_of(RegisterKind::Link).filter(|link| link.is_on()).map(|link| link.name)
}

fn ascending<'a>(ids: &[&'a str]) -> Vec<&'a str> {
    distinct(ids.to_vec(), |a, b| a.cmp(b))
}

/// Finds a component: `{"profile_id", "profiles": [{"profile_id", "state"}]}` gives `{"profile_ids", "needs", "unit_id",
/// "warnings"}`. As long as `needs` is not empty the caller adds the states of these profiles (no bytes for one that it does
/// not know) and asks again. `unit_id` is what experiments assign: the same for all of them. Never fails: errors
/// are in the answer.
pub fn component_of(input: &[u8]) -> Vec<u8> {
    component_bytes(input).unwrap_or_else(|error| failure(&error))
}

fn component_bytes(input: &[u8]) -> Result<Vec<u8>> {
    let mut reader = Reader::new(input);
    let mut profile_id = None;
    let mut given: Vec<LinkedInput<'_>> = Vec::new();
    read_fields(&mut reader, &["profile_id", "profiles"], |r, field| match field {
        0 => profile_id = Some(r.id()),
        _ => r.each(COMPONENT_STATES_MAX, "component_states_max", |r| given.push(LinkedInput::read(r))),
    });
    if profile_id.is_none() {
        missing(&mut reader, "profile_id");
    }
    reader.finish()?;
    let mut states = Vec::with_capacity(given.len());
    for (index, one) in given.iter().enumerate() {
        let state = decode_state(Some(one.state)).map_err(|error| error.at_index(index).in_field("profiles"))?;
        give(&mut states, one.profile_id, state);
    }
    let found = component(profile_id.unwrap_or_default(), &states);
    let mut w = Writer::new();
    w.map(4);
    for (name, ids) in [("profile_ids", &found.profile_ids), ("needs", &found.needs)] {
        w.str(name);
        w.array(ids.len());
        ids.iter().for_each(|id| w.str(id));
    }
    w.str("unit_id");
    w.opt_str(found.profile_ids.first().copied());
    w.str("warnings");
    let warnings = Warning::counted(&[
        (WarningCode::UnknownField, reader.unknown_fields() as usize),
        (WarningCode::LinksBeyondBound, found.beyond as usize),
    ]);
    write_warnings(&mut w, &warnings);
    Ok(w.into_bytes())
}
