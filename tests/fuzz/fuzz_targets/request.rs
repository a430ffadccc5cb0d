//! Any bytes as a request to the golden model, under the default policy and under one that withholds everything: always one
//! MessagePack answer, and the same one again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use unisono_core::{Model, Policy, recommend};
use unisono_message::Reader;
use unisono_tests::generator;

const MODEL: &[u8] = include_bytes!("../../golden/v1/model.unisono");

static OPT_IN: LazyLock<Policy> =
    LazyLock::new(|| Policy::load(&generator::policies()[0]).expect("a sound policy"));

fuzz_target!(|bytes: &[u8]| {
    let model = Model::load(MODEL).expect("the golden model loads");
    for policy in [&Policy::default(), &*OPT_IN] {
        let answer = recommend(&model, policy, bytes);
        let mut reader = Reader::new(&answer);
        reader.skip();
        reader.finish().expect("an answer is one value, and nothing follows it");
        assert!(recommend(&model, policy, bytes) == answer, "the same request has another answer");
    }
});
