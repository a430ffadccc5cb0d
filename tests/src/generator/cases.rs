//! Suites of generated cases.

use super::{INVALID_CODES, apply_input, invalid, merge_input, model, request};
use crate::random::Random;
use crate::suite::{Call, Case, Expect, Suite, SuiteModel};
use crate::value::{encode, encode_loosely};
use std::sync::Arc;

const MODELS: usize = 24;

/// A suite of `cases` cases on two dozen small models. Of a hundred cases about eighty are valid requests, twelve are
/// wrong in each known way in turn, five apply events and three merge states.
pub fn suite(seed: u64, cases: usize) -> Suite {
    let random = &mut Random::new(seed);
    let models: Vec<SuiteModel> = (0..MODELS).map(|_| small_model(random)).collect();
    let mut wrong = seed as usize;
    let cases = (0..cases)
        .map(|_| {
            let at = random.below(MODELS);
            let parts = &models[at].parts;
            let case = |call, input, expect| Case { call, model: at as u32, policy: 0, input, expect };
            match random.below(100) {
                0..80 => case(Call::Recommend, written(random, |random| request(random, parts)), Expect::Answer),
                80..92 => {
                    wrong += 1;
                    let code = INVALID_CODES[wrong % INVALID_CODES.len()];
                    let wrong = invalid(random, code);
                    case(Call::Recommend, wrong.bytes, Expect::Error(code, wrong.field))
                }
                92..97 => {
                    case(Call::ProfileApply, written(random, |random| apply_input(random, parts)), Expect::Answer)
                }
                _ => case(Call::ProfileMerge, written(random, |random| merge_input(random, parts)), Expect::Answer),
            }
        })
        .collect();
    Suite { models, policies: Vec::new(), cases }
}

/// A model with its file.
fn small_model(random: &mut Random) -> SuiteModel {
    let parts = model(random);
    let file = unisono_core::model::encode(&parts).expect("a generated model loads");
    SuiteModel { file, parts: Arc::new(parts) }
}

/// Half of the inputs in the shortest encoding, half in any other one.
fn written(random: &mut Random, value: impl FnOnce(&mut Random) -> crate::value::Value) -> Vec<u8> {
    let value = value(random);
    if random.chance(50) { encode(&value) } else { encode_loosely(&value, random) }
}
