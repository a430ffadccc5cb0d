//! Any bytes as a state: what decodes encodes to itself, and joined with itself is itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use unisono_core::profile::Profile;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(profile) = Profile::decode(bytes) {
        assert!(profile.encode() == bytes, "equal profiles, equal bytes");
        let (twice, _) = profile.clone().merged(&profile);
        assert!(twice.encode() == bytes, "a join with itself changes nothing");
    }
});
