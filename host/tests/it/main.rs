//! The host against guests in WebAssembly text: well-behaved ones, and every kind of hostile one.

// Tests may panic; clippy's own exception covers test functions, not what they share.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod batch;
mod cache;
mod cli;
mod codes;
mod concurrency;
mod consents;
mod durability;
mod faults;
mod guests;
mod http;
mod http_files;
mod identities;
mod keys;
mod module_fitness;
mod plain_module;
mod profiles;
mod redis_server;
mod store;
mod store_embedded;
mod store_redis;
mod swap;
mod transcode;
