//! Any bytes as a request to the golden model: always one MessagePack answer, and the same one again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use unisono_core::{Model, recommend, Policy};
use unisono_message::Reader;

const MODEL: &[u8] = include_bytes!("../../golden/v1/model.unisono");

fuzz_target!(|bytes: &[u8]| {
    let model = Model::load(MODEL).expect("the golden model loads");
    let answer = recommend(&model, &Policy::default(), bytes);
    let mut reader = Reader::new(&answer);
    reader.skip();
    reader.finish().expect("an answer is one value, and nothing follows it");
    assert!(recommend(&model, &Policy::default(), bytes) == answer, "the same request has another answer");
});
