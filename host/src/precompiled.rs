//! The one place where machine code from a file is trusted.
#![allow(unsafe_code)]

use wasmtime::{Engine, Module};

use crate::cache::Trusted;

/// Turns cached machine code into a module; `None` when wasmtime finds that it was made by another version or for another
/// processor.
pub(crate) fn deserialize(engine: &Engine, code: &Trusted) -> Option<Module> {
    // SAFETY: `Module::deserialize` asks for bytes that `Module::serialize` made, unchanged; it runs them as machine code.
    // A `Trusted` can only be made by `cache.rs`, which reads the file once into memory, from a folder and a file that
    // belong to this user and that nobody else may write, and compares the SHA-256 of what it read with the one that this
    // host wrote beside it. The file's name carries the module's SHA-256 and wasmtime's own compatibility hash (version,
    // settings, processor), and wasmtime checks those again in the file's header. Who can forge all of that already runs
    // as this user.
    unsafe { Module::deserialize(engine, code.bytes()) }.ok()
}
