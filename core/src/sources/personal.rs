//! Personal frequency and recency: what the customer bought before, over all channels.

use crate::history::History;

/// Positions in the history of the items that were bought.
pub fn bought<'h>(history: &'h History<'_>) -> impl Iterator<Item = u32> + 'h {
    (0u32..).zip(&history.items).filter(|(_, own)| own.days > 0).map(|(at, _)| at)
}
