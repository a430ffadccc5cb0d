//! Generated cases: random models and requests, the same for ever from the same seed.
//!
//! What is generated is meant to be nasty: equal scores, moments that lie on the edge of a window, ids that no one knows,
//! several placements that want the same items, profiles of nothing and of four thousand events, and one request in nine
//! that is wrong in a known way.

mod cases;
mod events;
mod invalid;
mod large;
mod models;
mod policies;
mod profiles;
mod registers;
mod requests;

pub use cases::suite;
pub use events::{Habits, event};
pub use invalid::{INVALID_CODES, invalid};
pub use large::synthetic;
pub use models::model;
pub use policies::policies;
pub use profiles::{
    apply_input, component_input, erase_input, export_input, merge_input, token_apply_input, token_write_input,
};
pub use requests::{page, request};

use crate::random::Random;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;
/// The moment around which everything happens: 2023-11-14T22:13:20Z.
pub const BASE_MS: i64 = 1_700_000_000_000;
const CURRENCIES: [&str; 3] = ["EUR", "USD", "CHF"];

/// One of the few moments at which requests are made and at which windows open and close.
fn moment(random: &mut Random) -> i64 {
    *random.pick(&[BASE_MS, BASE_MS + DAY_MS, BASE_MS / DAY_MS * DAY_MS, BASE_MS + 90 * DAY_MS])
}
