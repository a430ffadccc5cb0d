//! The catalog table: what is sold, with what a decision may need to know of it.

use super::cells::Row;
use super::renames::ReadRules;
use super::report::{Bad, TableReport};
use super::source::{Kind, Spec, may, need, read_table};
use crate::error::Result;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use unisono_message::{Writer, limits};

const SPECS: &[Spec] = &[
    need("item_id", Kind::Text),
    may("title", Kind::Text),
    may("category", Kind::Text),
    may("brand", Kind::Text),
    may("price", Kind::Number),
    may("currency", Kind::Text),
    may("image_url", Kind::Text),
    may("tags", Kind::List),
    may("channels", Kind::List),
    may("group_id", Kind::Text),
    may("margin", Kind::Number),
    may("available_from_ms", Kind::Time),
    may("unavailable_from_ms", Kind::Time),
    may("restricted", Kind::Flag),
    may("sensitive", Kind::Flag),
];

/// Bytes of a title, an image address and the like, which stay with the site.
const FREE_BYTES_MAX: usize = 4_096;

/// One product. The margin is read so that a bad one is reported; it is private and never written anywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// Its title, empty when the table has none.
    pub title: String,
    /// Category path with `/` between its levels, empty when it has none.
    pub category: String,
    /// The brand.
    pub brand: Option<String>,
    /// Price in micro-units.
    pub price_micro: Option<i64>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// Address of its picture.
    pub image_url: Option<String>,
    /// Tags, sorted.
    pub tags: Vec<String>,
    /// Channels in which it is sold, sorted; empty means all.
    pub channels: Vec<String>,
    /// The product that it is a variant of.
    pub group_id: Option<String>,
    /// Margin in micro-units: private.
    pub margin_micro: Option<i64>,
    /// Unix milliseconds from which it is sold.
    pub available_from_ms: Option<i64>,
    /// Unix milliseconds from which it is no longer sold.
    pub unavailable_from_ms: Option<i64>,
    /// Behind an age or prescription gate.
    pub restricted: bool,
    /// Not to be shown without being asked for.
    pub sensitive: bool,
}

/// All products by id, ascending.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalog {
    /// Products by id.
    pub items: BTreeMap<String, Item>,
}

impl Catalog {
    /// SHA-256 over every product in the order of ids, private columns left out.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for (id, item) in &self.items {
            let mut w = Writer::new();
            w.str(id);
            w.str(&item.title);
            w.str(&item.category);
            w.opt_str(item.brand.as_deref());
            w.opt_int(item.price_micro);
            w.opt_str(item.currency.as_deref());
            w.opt_str(item.image_url.as_deref());
            for list in [&item.tags, &item.channels] {
                w.array(list.len());
                list.iter().for_each(|text| w.str(text));
            }
            w.opt_str(item.group_id.as_deref());
            w.opt_int(item.available_from_ms);
            w.opt_int(item.unavailable_from_ms);
            w.bool(item.restricted);
            w.bool(item.sensitive);
            digest.update(w.into_bytes());
        }
        digest.finalize().into()
    }
}

/// Reads the catalog table at `path`. Of rows with the same id the greatest is used, the others count as duplicates.
///
/// # Errors
/// A file that can't be read, a bad schema, or more bad rows than the rules allow.
pub fn read_catalog<'r>(path: &Path, rules: impl Into<ReadRules<'r>>) -> Result<(Catalog, TableReport)> {
    let ReadRules { limits, renames, .. } = rules.into();
    let mut report = TableReport::new("catalog", path);
    let mut catalog = Catalog::default();
    let seen = read_table("catalog", path, SPECS, renames, &mut |first, batch| {
        for row in 0..batch.rows() {
            report.rows += 1;
            let read = match batch.broken(row) {
                Some(reason) => Err(Bad { column: "", value: reason.to_owned(), reason: "the row can't be read" }),
                None => read_item(&Row { batch, row, specs: SPECS }),
            };
            match read {
                Ok((id, item)) => report.duplicates += u64::from(keep_greatest(&mut catalog, id, item)),
                Err(bad) => report.add_bad(first + row as u64, bad, limits),
            }
        }
        Ok(())
    })?;
    report.close("catalog", seen, limits)?;
    Ok((catalog, report))
}

/// Whether the id was there before.
fn keep_greatest(catalog: &mut Catalog, id: String, item: Item) -> bool {
    match catalog.items.get_mut(&id) {
        Some(known) => {
            if *known < item {
                *known = item;
            }
            true
        }
        None => catalog.items.insert(id, item).is_some(),
    }
}

fn read_item(row: &Row<'_>) -> std::result::Result<(String, Item), Bad> {
    let mut buffer = String::new();
    let id = row.need_id(0, &mut buffer)?.to_owned();
    let item = Item {
        title: row.free_text(1, FREE_BYTES_MAX)?.unwrap_or_default(),
        category: row.free_text(2, limits::CATEGORY_BYTES_MAX)?.unwrap_or_default(),
        brand: row.free_text(3, limits::TEXT_BYTES_MAX)?,
        price_micro: row.money(4)?,
        currency: row.currency(5)?.map(str::to_owned),
        image_url: row.free_text(6, FREE_BYTES_MAX)?,
        tags: row.list(7)?,
        channels: row.channels(8)?,
        group_id: row.id(9, &mut buffer)?.map(str::to_owned),
        margin_micro: row.micro(10)?,
        available_from_ms: row.time(11)?,
        unavailable_from_ms: row.time(12)?,
        restricted: row.flag(13)?,
        sensitive: row.flag(14)?,
    };
    match (item.available_from_ms, item.unavailable_from_ms) {
        (Some(from), Some(until)) if from >= until => Err(row.bad(12, "is not after `available_from_ms`")),
        _ => Ok((id, item)),
    }
}
