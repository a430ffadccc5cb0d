//! What crosses the boundary of Unisono's core: requests, responses, events, error codes, limits, and the one
//! MessagePack codec that reads and writes them.
//!
//! ```
//! use unisono_message::{Reader, Writer};
//! let mut writer = Writer::new();
//! writer.map(1);
//! writer.str("k");
//! writer.int(20);
//! let bytes = writer.into_bytes();
//! let mut reader = Reader::new(&bytes);
//! assert_eq!(reader.map(), 1);
//! assert_eq!(reader.str(), "k");
//! assert_eq!(reader.int(), 20);
//! assert!(reader.finish().is_ok());
//! ```
//!
//! Decoding borrows: an [`Event`] or a [`Request`] points into the bytes it was read from.
//!
//! This crate never scores, ranks or merges anything, never allocates for an input before its limits are checked,
//! and knows no JSON: JSON is converted by the host, JavaScript objects by the npm package.

#![no_std]

extern crate alloc;

mod decimal;
mod error;
mod event;
mod fields;
pub mod limits;
pub mod list;
mod reader;
mod register;
mod request;
mod response;
mod text;
mod writer;

pub use decimal::{MICRO, MILLI, micro_from_f64, micro_to_f64, milli_from_f64, milli_to_f64};
pub use error::{Error, ErrorCode, Result};
pub use event::{Event, EventType, Field, check_owner};
pub use fields::{missing, position_of, read_fields};
pub use reader::{Kind, Reader};
pub use register::{Purpose, Register, RegisterKind, RegisterValue};
pub use request::{Context, Fault, Gate, LinkedInput, Placement, PlacementKind, ProfileInput, Request, check_future};
pub use response::{
    EmptyReason, Excluded, Exclusion, Explanation, Part, PlacementResponse, Reason, Recommendation, Response, Warning,
    WarningCode, error_response, hex, write_warnings,
};
pub use text::{Piece, fill};
pub use writer::Writer;

#[cfg(test)]
mod tests;
