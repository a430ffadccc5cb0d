//! Any bytes as states to merge: never a panic, always one MessagePack answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use unisono_core::profile_merge;
use unisono_message::Reader;

fuzz_target!(|bytes: &[u8]| {
    let answer = profile_merge(bytes);
    let mut reader = Reader::new(&answer);
    reader.skip();
    reader.finish().expect("an answer is one value, and nothing follows it");
});
