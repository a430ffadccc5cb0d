//! Any bytes as events, consents, traits and links to apply, under the default policy and under others: what comes out is an
//! error or a state that goes in again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use unisono_core::profile::Profile;
use unisono_core::{Policy, profile_apply};
use unisono_message::{Reader, read_fields};
use unisono_tests::generator;

static POLICIES: LazyLock<Vec<Policy>> = LazyLock::new(|| {
    let given = generator::policies().into_iter().map(|policy| Policy::load(&policy).expect("a sound policy"));
    std::iter::once(Policy::default()).chain(given).collect()
});

fuzz_target!(|bytes: &[u8]| POLICIES.iter().for_each(|policy| try_input(policy, bytes)));

fn try_input(policy: &Policy, bytes: &[u8]) {
    let answer = profile_apply(policy, bytes);
    let mut reader = Reader::new(&answer);
    let mut state = None;
    read_fields(&mut reader, &["state"], |reader, _| state = Some(reader.bin()));
    reader.finish().expect("an answer is a map, and nothing follows it");
    if let Some(state) = state {
        assert!(Profile::decode(state).expect("a state that was given is taken").encode() == state);
    }
}
