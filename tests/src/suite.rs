//! A suite: models, and calls with their inputs; the file in which it travels to other runtimes, and the file of answers.
//!
//! Both files are little-endian and hold nothing but lengths and bytes:
//!
//! ```text
//! suite   = "UNISUITE" u32 2, u32 models, (u32 length, bytes)*, u32 policies, (u32 length, bytes)*,
//!           u32 cases, (u8 call, u32 model, u32 policy, u32 length, bytes)*
//! answers = "UNIANSWR" u32 1, u32 answers, (u32 length, bytes)*
//! ```
//! `call` is 0 `recommend`, 1 `profile_apply`, 2 `profile_merge`, 3 load: the case's own bytes as a model, answered by the
//! model's id or the error's code and field, with a space between, in UTF-8; 4 `profile_erase`, 5 `profile_export`, 6
//! `profile_component`, 7 `token_write`, 8 `token_apply`. `policy` counts from 1; 0 is the default policy.

use anyhow::{Context, Result, ensure};
use std::sync::Arc;
use unisono_core::model::ModelParts;

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Call {
    /// A request to the case's model.
    Recommend = 0,
    /// Events into a state.
    ProfileApply = 1,
    /// States into one.
    ProfileMerge = 2,
    /// The input as a model file.
    Load = 3,
    /// A tombstone into a state.
    ProfileErase = 4,
    /// A state as people read it.
    ProfileExport = 5,
    /// The profiles of one customer.
    ProfileComponent = 6,
    /// What a token is to carry.
    TokenWrite = 7,
    /// What a token carries into a state.
    TokenApply = 8,
}

/// What is known of the answer before it is there.
#[derive(Clone, Debug, PartialEq)]
pub enum Expect {
    /// No error; the oracle says what.
    Answer,
    /// An error of this code, and of this field where one is named.
    Error(unisono_message::ErrorCode, Option<String>),
    /// Nothing: the input is arbitrary.
    Anything,
}

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What is called.
    pub call: Call,
    /// Which of the suite's models.
    pub model: u32,
    /// Which of the suite's policies, from 1; 0 for the default policy.
    pub policy: u32,
    /// The input.
    pub input: Vec<u8>,
    /// What is known of the answer.
    pub expect: Expect,
}

/// A model as a file and, where known, as the parts that it was made of.
#[derive(Clone, Debug)]
pub struct SuiteModel {
    /// The file.
    pub file: Vec<u8>,
    /// What the oracle reads.
    pub parts: Arc<ModelParts>,
}

/// Models and calls.
#[derive(Clone, Debug, Default)]
pub struct Suite {
    /// The models.
    pub models: Vec<SuiteModel>,
    /// Policies, MessagePack.
    pub policies: Vec<Vec<u8>>,
    /// The calls, in order.
    pub cases: Vec<Case>,
}

const SUITE: &[u8; 8] = b"UNISUITE";
const ANSWERS: &[u8; 8] = b"UNIANSWR";
const VERSION: u32 = 2;

impl Suite {
    /// The bytes of a case's policy; none for the default one.
    pub fn policy_of(&self, case: &Case) -> Option<&[u8]> {
        let at = (case.policy as usize).checked_sub(1)?;
        self.policies.get(at).map(Vec::as_slice)
    }

    /// The suite as a file; what is expected stays here.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = SUITE.to_vec();
        number(&mut out, VERSION);
        number(&mut out, self.models.len() as u32);
        for model in &self.models {
            bytes(&mut out, &model.file);
        }
        number(&mut out, self.policies.len() as u32);
        for policy in &self.policies {
            bytes(&mut out, policy);
        }
        number(&mut out, self.cases.len() as u32);
        for case in &self.cases {
            out.push(case.call as u8);
            number(&mut out, case.model);
            number(&mut out, case.policy);
            bytes(&mut out, &case.input);
        }
        out
    }
}

/// Reads a file of answers.
///
/// # Errors
/// When it is not of the form above.
pub fn read_answers(file: &[u8]) -> Result<Vec<Vec<u8>>> {
    let mut rest = file.strip_prefix(ANSWERS).context("no file of answers")?;
    ensure!(take_number(&mut rest)? == VERSION, "another version of the file of answers");
    let mut answers = Vec::new();
    for _ in 0..take_number(&mut rest)? {
        let length = take_number(&mut rest)? as usize;
        ensure!(length <= rest.len(), "the file of answers ends too early");
        let (answer, after) = rest.split_at(length);
        answers.push(answer.to_vec());
        rest = after;
    }
    ensure!(rest.is_empty(), "bytes follow the answers");
    Ok(answers)
}

fn number(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_le_bytes());
}

fn bytes(out: &mut Vec<u8>, value: &[u8]) {
    number(out, value.len() as u32);
    out.extend(value);
}

fn take_number(rest: &mut &[u8]) -> Result<u32> {
    let (head, after) = rest.split_first_chunk::<4>().context("the file of answers ends too early")?;
    *rest = after;
    Ok(u32::from_le_bytes(*head))
}
