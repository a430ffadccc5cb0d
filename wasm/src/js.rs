//! The calls of the npm package's JavaScript class, through wasm-bindgen.
//!
//! Free functions over bytes, not classes, and errors in the bytes, not `JsError`: wasm-bindgen then needs no import,
//! and the file that a browser loads is the one that a host instantiates. The class (`wasm/js/index.js`) writes models
//! straight into a buffer of the plain export `alloc` and loads them with `load_model`, because a slice argument here
//! would be a second copy.

use alloc::vec::Vec;
use wasm_bindgen::prelude::wasm_bindgen;

/// Answers one request (MessagePack) with the model of `handle`; see [`crate::recommend`].
#[wasm_bindgen]
pub fn recommend_bytes(handle: u32, request: &[u8]) -> Vec<u8> {
    crate::recommend(handle, request)
}

/// Applies events to a profile state; see [`crate::profile_apply`].
#[wasm_bindgen]
pub fn profile_apply_bytes(input: &[u8]) -> Vec<u8> {
    crate::profile_apply(input)
}

/// Merges profile states; see [`crate::profile_merge`].
#[wasm_bindgen]
pub fn profile_merge_bytes(input: &[u8]) -> Vec<u8> {
    crate::profile_merge(input)
}
