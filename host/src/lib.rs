//! The edge host: runs Unisono's one WebAssembly module, the very file that a browser loads, in wasmtime.
//!
//! ```no_run
//! use unisono_host::HostBuilder;
//!
//! let host = HostBuilder::new().model_path("shop.unisono").build()?;
//! # let request: Vec<u8> = Vec::new();
//! // MessagePack in, MessagePack out: the same bytes as in every other runtime.
//! let response = host.decide(&request)?;
//! println!("module {}, model {}, {} bytes", host.module_id(), host.model_id(), response.len());
//! # Ok::<(), unisono_host::HostError>(())
//! ```
//!
//! The host keeps one long-lived instance of the module for each core, each with the model in it, and each serving one
//! call at a time. A call has a deadline and a memory limit. After a fault its instance is thrown away and another is
//! built off the path of requests, while the others serve on. A model is swapped without a pause.
//!
//! With the feature `http` there is the axum router of the service (`unisono_host::http`); with `cli`, the default, also the
//! binary `unisono-host`. An embedder that needs neither turns the default features off.
//!
//! # What this crate does not do
//!
//! It never interprets a profile, a model or a score: it moves bytes to and from the module, so there can be no second
//! implementation of any decision, and it never depends on `unisono-core`. It never changes a response: JSON is made from
//! the module's bytes, value by value. It reads no environment variable, opens no file but those it is given, and stores
//! nothing but, if asked, profiles ([`store`], [`profiles`]) and the module's machine code. Its logs hold no profile's id
//! and nothing of what was sent. Without keys its server listens on loopback only.

pub mod batch;
mod builder;
mod cache;
pub mod consent;
mod engine;
mod epoch;
mod error;
mod hex;
mod host;
pub mod identity;
mod instance;
pub mod limits;
mod loading;
mod module_check;
mod pack;
pub mod pairing;
mod policy;
mod pool;
mod precompiled;
pub mod profiles;
pub mod store;
pub mod token;
pub mod transcode;

#[cfg(feature = "http")]
pub mod http;

pub use builder::HostBuilder;
pub use cache::CodeOrigin;
pub use error::{HostError, HostErrorCode};
pub use hex::sha256_hex;
pub use host::{Decision, Health, Host};
pub use policy::PolicyFile;

/// The module that was built into this host, if `cargo xtask wasm` had made one by then.
pub fn embedded_module() -> Option<&'static [u8]> {
    #[cfg(embedded_module)]
    return Some(include_bytes!(concat!(env!("OUT_DIR"), "/unisono.wasm")));
    #[cfg(not(embedded_module))]
    return None;
}
