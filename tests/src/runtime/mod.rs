//! Runtimes: the same suite through native code, wasmtime, Node and Chromium, by one trait.

#[cfg(feature = "runtimes")]
mod edge;
mod native;
#[cfg(feature = "runtimes")]
mod script;

pub use native::Native;
#[cfg(feature = "runtimes")]
pub use {
    edge::Edge,
    script::{Script, repeat_in_node},
};

use crate::suite::Suite;
use anyhow::Result;
use std::path::PathBuf;

/// Something that answers the calls of a suite.
pub trait Runtime {
    /// Its name: `native`, `wasmtime`, `node`, `chromium`.
    fn name(&self) -> &'static str;

    /// Answers every case, in order.
    ///
    /// # Errors
    /// When the runtime itself fails; what is wrong with a case is in its answer.
    fn answer_all(&mut self, suite: &Suite) -> Result<Vec<Vec<u8>>>;

    /// SHA-256 of the module's bytes as this runtime took it; none where it runs no module, or before its first suite.
    fn module_id(&self) -> Option<String>;
}

/// The names of all runtimes.
pub const NAMES: [&str; 4] = ["native", "wasmtime", "node", "chromium"];

/// Every runtime that this machine has, native first.
///
/// A runtime that can't be had is left out with a loud word on stderr; where `UNISONO_REQUIRE_RUNTIMES` (names with commas
/// between) has its name, that is a failure.
///
/// # Panics
/// When a required runtime can't be had.
pub fn available() -> Vec<Box<dyn Runtime>> {
    let required = std::env::var("UNISONO_REQUIRE_RUNTIMES").unwrap_or_default();
    let required: Vec<&str> = required.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    for name in &required {
        assert!(NAMES.contains(name), "UNISONO_REQUIRE_RUNTIMES: `{name}` is none of {NAMES:?}");
    }
    let mut out: Vec<Box<dyn Runtime>> = Vec::new();
    for name in NAMES {
        match start(name) {
            Ok(runtime) => out.push(runtime),
            Err(why) if required.contains(&name) => panic!("the runtime `{name}` is required: {why:#}"),
            Err(why) => eprintln!("\n*** SKIPPED RUNTIME {name}: {why:#} ***\n"),
        }
    }
    out
}

#[cfg(not(feature = "runtimes"))]
fn start(name: &str) -> Result<Box<dyn Runtime>> {
    anyhow::ensure!(name == "native", "these tests were built without the feature `runtimes`");
    Ok(Box::new(Native))
}

#[cfg(feature = "runtimes")]
fn start(name: &str) -> Result<Box<dyn Runtime>> {
    Ok(match name {
        "native" => Box::new(Native),
        "wasmtime" => Box::new(Edge::start(&module()?)?),
        "node" => Box::new(Script::node()?),
        _ => Box::new(Script::chromium()?),
    })
}

/// A path of this repository.
pub fn path(relative: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(relative)
}

/// The bytes of the module of the npm package.
///
/// # Errors
/// When it has not been built.
pub fn module() -> Result<Vec<u8>> {
    use anyhow::Context;
    std::fs::read(path("wasm/pkg/unisono.wasm")).context("there is no module; run `cargo xtask wasm`")
}
