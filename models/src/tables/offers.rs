//! The offers table: one row an offer with a list of items, or one row per offer and item.

use super::cells::Row;
use super::renames::ReadRules;
use super::report::{Bad, TableReport};
use super::source::{Kind, Spec, may, need, read_table};
use crate::error::Result;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use unisono_message::{Writer, limits};

const SPECS: &[Spec] = &[
    need("offer_id", Kind::Text),
    need("kind", Kind::Text),
    need("starts_ms", Kind::Time),
    need("ends_ms", Kind::Time),
    may("title", Kind::Text),
    may("items", Kind::List),
    may("item_id", Kind::Text),
    may("category", Kind::Text),
    may("value", Kind::Number),
    may("cost", Kind::Number),
    may("budget", Kind::Number),
    may("channels", Kind::List),
    may("priority", Kind::Integer),
    may("cap", Kind::Integer),
    may("cap_days", Kind::Integer),
    may("eligibility", Kind::Text),
];

const KINDS: &[&str] = &["coupon", "discount", "bundle", "shipping", "upgrade", "message"];
const TITLE_BYTES_MAX: usize = 4_096;

/// What an offer says besides its items. The cost is private and never written anywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offer {
    /// coupon, discount, bundle, shipping, upgrade or message.
    pub kind: String,
    /// Unix milliseconds from which it holds.
    pub starts_ms: i64,
    /// Unix milliseconds from which it no longer holds.
    pub ends_ms: i64,
    /// Its title, empty when the table has none.
    pub title: String,
    /// Category path that it covers.
    pub category: Option<String>,
    /// What it is worth to the customer, in micro-units.
    pub value_micro: Option<i64>,
    /// What it costs the shop, in micro-units: private.
    pub cost_micro: Option<i64>,
    /// How much may be spent on it, in micro-units.
    pub budget_micro: Option<i64>,
    /// Channels in which it holds, sorted; empty means all.
    pub channels: Vec<String>,
    /// Higher goes first where the shop says so.
    pub priority: Option<i64>,
    /// How often a profile may redeem it.
    pub cap: Option<i64>,
    /// Days over which the cap counts; absent means ever.
    pub cap_days: Option<i64>,
    /// A rule, kept as it is.
    pub eligibility: Option<String>,
}

/// All offers by id, ascending, each with the items that it covers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Offers {
    /// Offers by id, with their items.
    pub offers: BTreeMap<String, (Offer, BTreeSet<String>)>,
}

impl Offers {
    /// SHA-256 over every offer in the order of ids, private columns left out.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for (id, (offer, items)) in &self.offers {
            let mut w = Writer::new();
            w.str(id);
            w.str(&offer.kind);
            w.int(offer.starts_ms);
            w.int(offer.ends_ms);
            w.str(&offer.title);
            w.opt_str(offer.category.as_deref());
            for number in [offer.value_micro, offer.budget_micro, offer.priority, offer.cap, offer.cap_days] {
                w.opt_int(number);
            }
            w.array(offer.channels.len());
            offer.channels.iter().for_each(|text| w.str(text));
            w.opt_str(offer.eligibility.as_deref());
            w.array(items.len());
            items.iter().for_each(|text| w.str(text));
            digest.update(w.into_bytes());
        }
        digest.finalize().into()
    }
}

/// Reads the offers table at `path`. Rows of one offer add their items; where they differ otherwise the greatest wins.
///
/// # Errors
/// A file that can't be read, a bad schema, or more bad rows than the rules allow.
pub fn read_offers<'r>(path: &Path, rules: impl Into<ReadRules<'r>>) -> Result<(Offers, TableReport)> {
    let ReadRules { limits, renames, .. } = rules.into();
    let mut report = TableReport::new("offers", path);
    let mut offers = Offers::default();
    let seen = read_table("offers", path, SPECS, renames, &mut |first, batch| {
        for row in 0..batch.rows() {
            report.rows += 1;
            let read = match batch.broken(row) {
                Some(broken) => Err(Bad::row(broken)),
                None => read_offer(&Row { batch, row, specs: SPECS }),
            };
            match read {
                Ok((id, offer, items)) => report.duplicates += u64::from(add(&mut offers, id, offer, items)),
                Err(bad) => report.add_bad(first + row as u64, bad, limits),
            }
        }
        Ok(())
    })?;
    report.close("offers", seen, limits)?;
    Ok((offers, report))
}

/// Whether the row said nothing new.
fn add(offers: &mut Offers, id: String, offer: Offer, items: Vec<String>) -> bool {
    let Some((known, covered)) = offers.offers.get_mut(&id) else {
        offers.offers.insert(id, (offer, items.into_iter().collect()));
        return false;
    };
    let before = covered.len();
    covered.extend(items);
    let news = covered.len() > before || *known != offer;
    if *known < offer {
        *known = offer;
    }
    !news
}

fn read_offer(row: &Row<'_>) -> std::result::Result<(String, Offer, Vec<String>), Bad> {
    let mut buffer = String::new();
    let id = row.need_id(0, &mut buffer)?.to_owned();
    let kind = row.need_id(1, &mut buffer)?.to_owned();
    if !KINDS.contains(&kind.as_str()) {
        return Err(row.bad(1, "is none of coupon, discount, bundle, shipping, upgrade, message"));
    }
    let starts_ms = row.time(2)?.ok_or_else(|| row.bad(2, "is missing"))?;
    let ends_ms = row.time(3)?.ok_or_else(|| row.bad(3, "is missing"))?;
    if starts_ms >= ends_ms {
        return Err(row.bad(3, "is not after `starts_ms`"));
    }
    let mut items = row.list(5)?;
    items.extend(row.id(6, &mut buffer)?.map(str::to_owned));
    let offer = Offer {
        kind,
        starts_ms,
        ends_ms,
        title: row.free_text(4, TITLE_BYTES_MAX)?.unwrap_or_default(),
        category: row.free_text(7, limits::CATEGORY_BYTES_MAX)?,
        value_micro: row.money(8)?,
        cost_micro: row.micro(9)?,
        budget_micro: row.money(10)?,
        channels: row.channels(11)?,
        priority: row.integer(12)?,
        cap: row.integer_within(13, 0, i64::from(u32::MAX))?,
        cap_days: row.integer_within(14, 1, 36_500)?,
        eligibility: row.free_text(15, TITLE_BYTES_MAX)?,
    };
    Ok((id, offer, items))
}
