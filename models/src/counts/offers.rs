//! The offers section: what the table says of each, and how many distinct profiles redeemed it.

use super::items::{ItemIndex, channel_mask};
use crate::error::{Error, Result};
use crate::tables::{EventLog, NONE, Offers};
use unisono_core::model::{ItemParts, NO_CATEGORY, OfferPart};
use unisono_message::{EventType, limits};

/// The offers by id, private columns left out. Items that the model does not know are covered for no one.
pub(crate) fn offer_parts(
    log: &EventLog,
    offers: &Offers,
    index: &ItemIndex,
    items: &ItemParts,
    channels: &[String],
    min_support: u32,
    until_ms: i64,
) -> Result<Vec<OfferPart>> {
    if offers.offers.len() > limits::MODEL_OFFERS_MAX {
        let (found, max) = (offers.offers.len(), limits::MODEL_OFFERS_MAX);
        return Err(Error::config("offers", format!("are {found}; a model holds {max}")));
    }
    let redeemed = redemptions(log, until_ms);
    let mut parts = Vec::with_capacity(offers.offers.len());
    for (id, (offer, covered)) in &offers.offers {
        let count = log.offers.find(id).map_or(0, |at| redeemed[at as usize]);
        let category = offer.category.as_ref().and_then(|path| items.categories.binary_search(path).ok());
        parts.push(OfferPart {
            id: id.clone(),
            starts_ms: offer.starts_ms,
            ends_ms: offer.ends_ms,
            channels: channel_mask(&offer.channels, channels),
            cap: offer.cap.unwrap_or(0) as u32,
            cap_days: offer.cap_days.unwrap_or(36_500) as u32,
            category: category.map_or(NO_CATEGORY, |at| at as u16),
            popularity: if count >= min_support { count } else { 0 },
            items: covered.iter().filter_map(|id| index.ids.find(id)).collect(),
        });
    }
    Ok(parts)
}

/// Distinct profiles that redeemed each offer of the log.
fn redemptions(log: &EventLog, until_ms: i64) -> Vec<u32> {
    let mut count = vec![0u32; log.offers.len()];
    let mut last = vec![NONE; log.offers.len()];
    for profile in 0..log.profiles.len() as u32 {
        for row in log.rows_of(profile).take_while(|row| log.columns.ts_ms[*row] < until_ms) {
            let offer = log.columns.offer.get(row, NONE) as usize;
            if log.kind(row) == EventType::OfferRedeemed && offer != NONE as usize && last[offer] != profile {
                last[offer] = profile;
                count[offer] += 1;
            }
        }
    }
    count
}
