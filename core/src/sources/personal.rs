//! Personal frequency and recency: what the customer bought before, over all channels.

use crate::history::OwnItem;

/// Whether the customer bought the item.
pub fn is_bought(own: &OwnItem<'_>) -> bool {
    own.days > 0
}
