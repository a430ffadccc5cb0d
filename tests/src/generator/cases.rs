//! Suites of generated cases.

use super::{
    INVALID_CODES, apply_input, component_input, erase_input, export_input, invalid, merge_input, model, policies,
    request, token_apply_input, token_write_input,
};
use crate::random::Random;
use crate::suite::{Call, Case, Expect, Suite, SuiteModel};
use crate::value::{encode, encode_loosely};
use std::sync::Arc;

const MODELS: usize = 24;

/// A suite of `cases` cases on two dozen small models. Of a hundred cases 70 are valid requests, twelve are wrong in each known
/// way in turn, five apply, two each merge, erase and look for a component, one exports, three write a token and three take one.
/// One in three is under a policy of the suite's, of what applies three in four.
pub fn suite(seed: u64, cases: usize) -> Suite {
    let random = &mut Random::new(seed);
    let models: Vec<SuiteModel> = (0..MODELS).map(|_| small_model(random)).collect();
    let policies = policies();
    // Mostly a policy, so that something is withheld or too old.
    let strict = |random: &mut Random| if random.chance(25) { 0 } else { 1 + random.below(policies.len()) as u32 };
    let mut wrong = seed as usize;
    let cases = (0..cases)
        .map(|_| {
            let at = random.below(MODELS);
            let parts = &models[at].parts;
            let policy = if random.chance(66) { 0 } else { 1 + random.below(policies.len()) as u32 };
            let case = |call, input, expect| Case { call, model: at as u32, policy, input, expect };
            let answered = |call, input| case(call, input, Expect::Answer);
            match random.below(100) {
                0..70 => answered(Call::Recommend, written(random, |random| request(random, parts))),
                70..82 => {
                    wrong += 1;
                    let code = INVALID_CODES[wrong % INVALID_CODES.len()];
                    let wrong = invalid(random, code);
                    // Under another policy what is wrong may be no one's to see.
                    Case { policy: 0, ..case(Call::Recommend, wrong.bytes, Expect::Error(code, wrong.field)) }
                }
                82..87 => {
                    let policy = strict(random);
                    let input = written(random, |random| apply_input(random, parts));
                    Case { policy, ..answered(Call::ProfileApply, input) }
                }
                87..89 => answered(Call::ProfileMerge, written(random, |random| merge_input(random, parts))),
                89..91 => answered(Call::ProfileErase, written(random, |random| erase_input(random, parts))),
                91..92 => answered(Call::ProfileExport, written(random, |random| export_input(random, parts))),
                92..94 => answered(Call::ProfileComponent, written(random, |random| component_input(random, parts))),
                94..97 => answered(Call::TokenWrite, written(random, |random| token_write_input(random, parts))),
                _ => {
                    // The last two know how long events are kept: a token may come later.
                    let last = policies.len() as u32;
                    let policy = match strict(random) {
                        0 => 0,
                        other => last - other % 2,
                    };
                    let input = written(random, |random| token_apply_input(random, parts));
                    Case { policy, ..answered(Call::TokenApply, input) }
                }
            }
        })
        .collect();
    Suite { models, policies, cases }
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
