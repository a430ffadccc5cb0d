//! Tests of Unisono as a whole: what every runtime answers, byte for byte, and whether it is right.
//!
//! ```
//! use unisono_tests::{generator, oracle, runtime::{Native, Runtime}};
//!
//! // The same suite for ever from the same seed; every answer to a valid request is the naive twin's, to the byte.
//! let suite = generator::suite(1, 20);
//! let answers = Native.answer_all(&suite).unwrap();
//! for (case, answer) in suite.cases.iter().zip(&answers) {
//!     if case.call == unisono_tests::suite::Call::Recommend && case.expect == unisono_tests::suite::Expect::Answer {
//!         let parts = &suite.models[case.model as usize].parts;
//!         oracle::agrees(parts, suite.policy_of(case), &case.input, answer).unwrap();
//!     }
//! }
//! ```
//!
//! - [`case`]: conformance cases in `tests/cases`, for anyone who writes another runtime or client;
//! - [`generator`]: random models and requests, valid and wrong, and large models for benchmarks;
//! - [`oracle`]: the naive twin of every decision, and the rules that hold of any answer;
//! - [`coverage`]: what a suite met, so that it can't be green by meeting nothing;
//! - [`broken`] and [`plain_model`]: model files read without the core, and broken in each known way;
//! - [`runtime`]: native, wasmtime, Node and Chromium behind one trait; [`suite`]: the files between them.
//!
//! The tests themselves are `tests/it`, mutants of the core `tests/mutants.toml`, fuzz targets `tests/fuzz`.
//!
//! What this crate does not do: no product code lives here, and nothing of the product depends on it. It compares bytes,
//! never with a tolerance. It measures no time; that is what `benches` is for.
#![allow(clippy::must_use_candidate)]

pub mod broken;
pub mod case;
pub mod coverage;
pub mod generator;
pub mod oracle;
pub mod plain_model;
pub mod random;
pub mod runtime;
pub mod suite;
pub mod trees;
pub mod value;
