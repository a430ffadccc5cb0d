//! Recently viewed: what the customer looked at.

use crate::history::OwnItem;

/// Whether the customer looked at the item.
pub fn is_viewed(own: &OwnItem<'_>) -> bool {
    own.viewed_ms.is_some()
}
