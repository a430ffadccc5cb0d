//! The scoring core of Unisono: from a model, a profile and a request to a response, the same bytes everywhere.
//!
//! ```
//! use unisono_core::model::{ItemParts, ModelParts, PopularityParts, encode};
//! use unisono_core::{Model, Policy, recommend};
//! use unisono_message::Writer;
//!
//! let items = ItemParts { ids: vec!["tea".into()], category: vec![65_535], flags: vec![0], ..Default::default() };
//! let popularity =
//!     PopularityParts { all: vec![9], recent: vec![5], week: vec![1], repeat: vec![0], channels: vec![] };
//! let file = encode(&ModelParts { items, popularity, ..Default::default() }).unwrap();
//! let model = Model::load(&file).unwrap();
//!
//! let mut w = Writer::new();
//! w.map(2);
//! w.str("now_ms");
//! w.int(1_509_494_400_000);
//! w.str("placements");
//! w.array(1);
//! w.map(3);
//! for (key, value) in [("id", "main"), ("kind", "trending")] {
//!     w.str(key);
//!     w.str(value);
//! }
//! w.str("k");
//! w.int(1);
//! let response = recommend(&model, &Policy::default(), w.as_bytes());
//! assert!(response.windows(3).any(|bytes| bytes == b"tea"));
//! ```
//!
//! The answer depends on the bytes of model and request alone. This crate never sees a file, a socket, a clock, an
//! environment variable, a thread, a random source, the order of a hash map, a float function of std, linfa or
//! wasm-bindgen. It is `no_std`, so that the compiler keeps most of that promise.

#![no_std]

extern crate alloc;

mod bins;
pub mod blend;
pub mod candidates;
mod consent;
mod digest;
mod diversity;
mod eligibility;
pub mod features;
pub mod forest;
pub mod history;
pub mod model;
mod offers;
mod order;
pub mod page;
pub mod policy;
pub mod profile;
pub mod ranking;
pub mod scene;
pub mod scores;
pub mod segments;
pub mod sources;

pub use consent::Consents;
pub use model::Model;
pub use policy::Policy;
pub use profile::{
    apply as profile_apply, component_of as profile_component, erase as profile_erase, export as profile_export,
    merge as profile_merge, token_apply, token_write,
};

use alloc::vec::Vec;
use eligibility::Shown;
use history::History;
use page::OwnScores;
use profile::Seen;
use scene::Background;
use unisono_message::list::Listed;
use unisono_message::{
    Placement, PlacementKind, Request, Response, Result, Warning, WarningCode, Writer, error_response,
};

/// The version that goes into every decision id.
pub const CORE_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Decides: a MessagePack request in, a MessagePack response out. Never fails: an error is a response with `error`.
pub fn recommend(model: &Model<'_>, policy: &Policy, request: &[u8]) -> Vec<u8> {
    match Request::decode(request).and_then(|decoded| decide(model, policy, &decoded)) {
        Ok(response) => response,
        Err(error) => error_response(Request::id_of(request), &error),
    }
}

/// The six steps, from events to the response.
fn decide<'a>(model: &Model<'a>, policy: &Policy, request: &Request<'a>) -> Result<Vec<u8>> {
    let seen = Seen::of(policy, &request.profile, request.context.channel, request.now_ms)?;
    let history = History::fold(model, seen.personal(), request.now_ms, &request.context);
    let unknown_items = history.unknown_items;
    let background = Background::new(model, history, request.context.channel, request.now_ms);
    let asks_for_similar = request.placements.iter().any(|placement| placement.kind == PlacementKind::Similar);
    let stranger =
        asks_for_similar.then(|| Background::new(model, History::empty(), request.context.channel, request.now_ms));
    // Offers look at what is settled once for all their placements.
    let asks_for_offers = request.placements.iter().any(|placement| placement.kind == PlacementKind::Offers);
    let settled = asks_for_offers.then(|| seen.offers().settled()).flatten();
    let for_offers = settled.as_ref().unwrap_or(seen.offers());
    let counts = seen.counts_offers;
    let (mut shown, mut own) = (Shown::default(), OwnScores::default());
    let place = |placement: &Placement<'a>| match placement.kind {
        PlacementKind::Offers => {
            offers::place(model, &background.history, for_offers, counts, request, placement, &mut shown)
        }
        _ => page::place(model, &background, stranger.as_ref(), request, placement, &mut shown, &mut own),
    };
    let placements = request.placements.iter().map(place).listed();
    let response = Response {
        request_id: request.request_id,
        model_id: model.model_id,
        decision_id: decision_id(model, policy, &seen, request),
        scale_bits: model.scale_bits,
        placements,
        warnings: warnings(request, &seen, unknown_items),
    };
    Ok(response.encode())
}

/// SHA-256 over core version, model, policy and overlay (none yet), the canonical bytes of what may be seen of the profile,
/// and the request's.
fn decision_id(model: &Model<'_>, policy: &Policy, seen: &Seen<'_>, request: &Request<'_>) -> [u8; 32] {
    let profile = seen.whole.encode();
    let mut decoded = Writer::with_capacity(512);
    request.write_canonical(&mut decoded);
    let mut head = Writer::new();
    head.array(6);
    head.str(CORE_VERSION);
    head.bin(&model.model_id);
    match &policy.id {
        Some(id) => head.bin(id),
        None => head.nil(),
    }
    head.nil();
    head.int(profile.len() as i64);
    head.int(decoded.as_bytes().len() as i64);
    digest::sha256(&[head.as_bytes(), &profile, decoded.as_bytes()])
}

fn warnings(request: &Request<'_>, seen: &Seen<'_>, unknown_items: u32) -> Vec<Warning> {
    let mut warnings = seen.report.warnings(request.unknown_fields + seen.unknown_fields);
    warnings.extend(Warning::counted(&[
        (WarningCode::ConsentWithheld, seen.withheld as usize),
        (WarningCode::LinksBeyondBound, seen.links_beyond as usize),
        (WarningCode::LinksNotGiven, seen.links_not_given as usize),
        (WarningCode::HistoryItemUnknown, unknown_items as usize),
    ]));
    warnings
}
