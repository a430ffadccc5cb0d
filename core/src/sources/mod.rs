//! Candidate sources, a file each: what they read, and how strongly it speaks for an item.

pub mod content;
pub mod neighbours;
pub mod personal;
pub mod popularity;
pub mod recently_viewed;
pub mod session_vote;
mod sums;

pub use sums::{ListSums, Sums};
