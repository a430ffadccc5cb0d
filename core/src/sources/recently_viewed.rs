//! Recently viewed: what the customer looked at.

use crate::history::History;

/// Positions in the history of the items that were looked at.
pub fn viewed<'h>(history: &'h History<'_>) -> impl Iterator<Item = u32> + 'h {
    (0u32..).zip(&history.items).filter(|(_, own)| own.viewed_ms.is_some()).map(|(at, _)| at)
}
