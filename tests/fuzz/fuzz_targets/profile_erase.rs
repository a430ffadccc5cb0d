//! Any bytes as an erasure: what comes out is an error or a state that goes in again, and erasing it again changes nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use unisono_core::profile::Profile;
use unisono_core::profile_erase;
use unisono_message::{Reader, read_fields};

fuzz_target!(|bytes: &[u8]| {
    let answer = profile_erase(bytes);
    let mut reader = Reader::new(&answer);
    let mut state = None;
    read_fields(&mut reader, &["state"], |reader, _| state = Some(reader.bin()));
    reader.finish().expect("an answer is a map, and nothing follows it");
    if let Some(state) = state {
        let profile = Profile::decode(state).expect("a state that was given is taken");
        assert!(profile.encode() == state);
        assert!(profile.clone().merged(&profile).0.encode() == state, "a join with itself changes nothing");
    }
});
