//! Tests of Unisono as a whole: generated cases, an oracle, runtimes, and case files.
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
pub mod value;
