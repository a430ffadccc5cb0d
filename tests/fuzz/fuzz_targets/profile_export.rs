//! Any bytes as an export, under the default policy and under one with rules of its own: always one MessagePack answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use unisono_core::{Policy, profile_export};
use unisono_message::Reader;
use unisono_tests::generator;

static POLICIES: LazyLock<Vec<Policy>> = LazyLock::new(|| {
    let given = generator::policies().into_iter().map(|policy| Policy::load(&policy).expect("a sound policy"));
    std::iter::once(Policy::default()).chain(given).collect()
});

fuzz_target!(|bytes: &[u8]| {
    for policy in POLICIES.iter() {
        let answer = profile_export(policy, bytes);
        let mut reader = Reader::new(&answer);
        reader.skip();
        reader.finish().expect("an answer is one value, and nothing follows it");
    }
});
