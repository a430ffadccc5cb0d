//! The one Wasm module of Unisono: core's calls as exports over bytes, for browsers and for hosts alike.
//!
//! Every call takes MessagePack and gives MessagePack, and every failure is a map with the key `error`
//! (`code`, `message`, `field`), so that no runtime needs a second way to hear of one. Natively:
//!
//! ```
//! use unisono_wasm::{Buffer, load};
//! let file = Buffer::copy_of(b"no model").expect("eight bytes");
//! let answer = load(file);
//! assert!(answer.windows(5).any(|window| window == b"error"));
//! ```
//!
//! # The exports, ABI version 2
//!
//! | export | what it does |
//! |---|---|
//! | `abi_version() -> u32` | 2 |
//! | `alloc(len: u32) -> u32` | pointer to `len` bytes, aligned to 16; 0 when refused |
//! | `free(ptr: u32, len: u32)` | gives back a buffer of `alloc`, or a result |
//! | `load_model(ptr, len) -> u64` | takes the buffer for good, also when it fails; `{"handle", "model_id"}` |
//! | `load_policy(ptr, len) -> u64` | the input stays the caller's; `{"handle", "policy_id"}` |
//! | `recommend(model, policy, ptr, len) -> u64` | one request, one response; policy 0 is the default one |
//! | `profile_apply(policy, ptr, len) -> u64` | events, consents, traits and links into a state |
//! | `profile_merge(ptr, len) -> u64` | profile states into one; `{"state", "warnings"}` |
//! | `profile_erase(ptr, len) -> u64` | a tombstone into a state; `{"state", "warnings"}` |
//! | `profile_export(policy, ptr, len) -> u64` | a state as people read it, or what one purpose may use of it |
//! | `profile_component(ptr, len) -> u64` | which profiles are of one customer; `{"profile_ids", "needs", ..}` |
//! | `token_write(policy, ptr, len) -> u64` | what a portable token is to carry; `{"payload", "warnings"}` |
//! | `token_apply(policy, ptr, len) -> u64` | what a token carries into a state; `{"state", "warnings"}` |
//! | `drop_handle(handle: u32) -> u32` | drops a model or a policy: 1 dropped, 0 unknown |
//!
//! A `u64` is a result buffer, `(ptr << 32) | len`, which the caller gives back with `free`; 0 stands for an answer that
//! the instance had no memory for. The class of the npm package calls the same exports (`wasm/js/abi.js`) as every host.
//!
//! # What this crate does not do
//!
//! It decides nothing: core does. It imports nothing: no clock, no randomness, no console, no JavaScript value. It does
//! not copy a model: a model is read where the caller wrote it, in a buffer of `alloc`. It is not meant for several
//! threads: an instance serves one call at a time. And it does not survive a trap: whoever calls throws the instance
//! away then.

#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod abi;
mod calls;
mod handles;
// Its tests run natively, under a name that nothing else has.
#[cfg(any(target_arch = "wasm32", test))]
mod memory;

pub use abi::Buffer;
pub use calls::{
    drop_handle, load, load_policy, profile_apply, profile_component, profile_erase, profile_export, profile_merge,
    recommend, token_apply, token_write,
};

/// The version of the exports; a host refuses a module of another version.
pub const ABI_VERSION: u32 = 2;

/// Without std the module holds no message and no source path for a panic: it traps, and the instance is thrown away.
#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn trap(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// Grows the instance's memory as needed; made for one thread, as this target is.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
