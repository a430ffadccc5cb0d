//! Which profiles are one customer, naively: a graph of links that hold, and distances in it.

use super::profile::Profile;
use std::collections::{BTreeMap, BTreeSet};
use unisono_message::limits::COMPONENT_PROFILES_MAX;

/// The component of a profile.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Component {
    /// The profiles that are read as one customer.
    pub(super) ids: BTreeSet<String>,
    /// States that are still to be given.
    pub(super) needs: BTreeSet<String>,
    /// Linked profiles that are one too many.
    pub(super) beyond: usize,
}

/// Whether two profiles are linked: both say so.
fn linked(states: &BTreeMap<String, Profile>, a: &str, b: &str) -> bool {
    let says =
        |of: &str, other: &str| states.get(of).and_then(|state| state.links.get(other)).is_some_and(|w| w.linked());
    says(a, b) && says(b, a)
}

/// The component of a profile as far as the states tell it.
pub(super) fn component(root: &str, states: &BTreeMap<String, Profile>) -> Component {
    // The ways from the root, by steps; of one length in order of the ids.
    let mut near: Vec<String> = vec![root.to_owned()];
    let mut at = 0;
    let mut ring_end = 1;
    while at < near.len() {
        let mut ring: BTreeSet<String> = BTreeSet::new();
        while at < ring_end {
            let others = states.keys().filter(|other| !near.contains(other) && linked(states, &near[at], other));
            ring.extend(others.cloned());
            at += 1;
        }
        near.extend(ring);
        ring_end = near.len();
    }
    near.truncate(COMPONENT_PROFILES_MAX);
    let ids: BTreeSet<String> = near.into_iter().collect();
    let is_beyond = |other: &&String| !ids.contains(*other) && ids.iter().any(|id| linked(states, id, other));
    let mut needs: BTreeSet<String> = BTreeSet::new();
    if ids.len() < COMPONENT_PROFILES_MAX {
        for id in &ids {
            match states.get(id) {
                None => drop(needs.insert(id.clone())),
                Some(state) => {
                    let linked = state.links.iter().filter(|(_, word)| word.linked()).map(|(other, _)| other);
                    needs.extend(linked.filter(|other| !states.contains_key(*other)).cloned());
                }
            }
        }
    }
    Component { beyond: states.keys().filter(is_beyond).count(), ids, needs }
}
