//! Any bytes as a policy: refused, or one under which the golden request and the golden state have an answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use unisono_core::{Model, Policy, recommend};
use unisono_message::Reader;

const MODEL: &[u8] = include_bytes!("../../golden/v1/model.unisono");
const REQUEST: &[u8] = include_bytes!("../../golden/v1/request.msgpack");

fuzz_target!(|bytes: &[u8]| {
    let Ok(policy) = Policy::load(bytes) else { return };
    assert!(policy.id.is_some() && Policy::load(bytes).is_ok_and(|again| again == policy));
    let model = Model::load(MODEL).expect("the golden model loads");
    let answer = recommend(&model, &policy, REQUEST);
    let mut reader = Reader::new(&answer);
    reader.skip();
    reader.finish().expect("an answer is one value, and nothing follows it");
});
