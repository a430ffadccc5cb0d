//! The calls of the npm package's JavaScript class, through wasm-bindgen.
//!
//! Free functions over bytes, not classes, and errors in the bytes, not `JsError`: wasm-bindgen then needs no import,
//! and the file that a browser loads is the one that a host instantiates. The class (`wasm/js/index.js`) writes models
//! straight into a buffer of the plain export `alloc` and loads them with `load_model`, because a slice argument here
//! would be a second copy.

use alloc::vec::Vec;
use wasm_bindgen::prelude::wasm_bindgen;

/// Loads a policy (MessagePack); see [`crate::load_policy`].
#[wasm_bindgen]
pub fn load_policy_bytes(policy: &[u8]) -> Vec<u8> {
    crate::load_policy(policy)
}

/// Answers one request (MessagePack) with the model and policy of these handles; see [`crate::recommend`].
#[wasm_bindgen]
pub fn recommend_bytes(model: u32, policy: u32, request: &[u8]) -> Vec<u8> {
    crate::recommend(model, policy, request)
}

/// Applies events, consents, traits and links to a profile state; see [`crate::profile_apply`].
#[wasm_bindgen]
pub fn profile_apply_bytes(policy: u32, input: &[u8]) -> Vec<u8> {
    crate::profile_apply(policy, input)
}

/// Merges profile states; see [`crate::profile_merge`].
#[wasm_bindgen]
pub fn profile_merge_bytes(input: &[u8]) -> Vec<u8> {
    crate::profile_merge(input)
}

/// Erases what a state holds up to a moment; see [`crate::profile_erase`].
#[wasm_bindgen]
pub fn profile_erase_bytes(input: &[u8]) -> Vec<u8> {
    crate::profile_erase(input)
}

/// Writes a state as people read it; see [`crate::profile_export`].
#[wasm_bindgen]
pub fn profile_export_bytes(policy: u32, input: &[u8]) -> Vec<u8> {
    crate::profile_export(policy, input)
}

/// Finds the profiles of one customer; see [`crate::profile_component`].
#[wasm_bindgen]
pub fn profile_component_bytes(input: &[u8]) -> Vec<u8> {
    crate::profile_component(input)
}

/// Writes what a portable token is to carry; see [`crate::token_write`].
#[wasm_bindgen]
pub fn token_write_bytes(policy: u32, input: &[u8]) -> Vec<u8> {
    crate::token_write(policy, input)
}

/// Joins what a portable token carries; see [`crate::token_apply`].
#[wasm_bindgen]
pub fn token_apply_bytes(policy: u32, input: &[u8]) -> Vec<u8> {
    crate::token_apply(policy, input)
}
