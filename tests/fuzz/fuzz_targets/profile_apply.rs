//! Any bytes as events to apply: what comes out is an error or a state that goes in again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use unisono_core::profile::Profile;
use unisono_core::{Policy, profile_apply};
use unisono_message::{Reader, read_fields};

fuzz_target!(|bytes: &[u8]| {
    let answer = profile_apply(&Policy::default(), bytes);
    let mut reader = Reader::new(&answer);
    let mut state = None;
    read_fields(&mut reader, &["state"], |reader, _| state = Some(reader.bin()));
    reader.finish().expect("an answer is a map, and nothing follows it");
    if let Some(state) = state {
        assert!(Profile::decode(state).expect("a state that was given is taken").encode() == state);
    }
});
