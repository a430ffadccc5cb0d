//! The catalog table: what is sold, with what a decision may need to know of it.

use super::cells::Row;
use super::events::EventLog;
use super::renames::ReadRules;
use super::report::{Bad, TableReport};
use super::source::{Batch, Broken, Kind, Spec, may, need, read_table};
use crate::error::Result;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
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
    /// Products by id. Of those in `left_out` nothing is kept but that they are never shown.
    pub items: BTreeMap<String, Item>,
    /// Products with a row that can't be used, or with rows that leave no channel or no time in which all would sell it.
    pub left_out: BTreeSet<String>,
    /// Texts of rows that can't be read at all: a product of the log that has no row of its own and is named here is one of
    /// those rows.
    pub suspects: BTreeSet<String>,
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

    /// Distinct brands.
    pub fn brands(&self) -> usize {
        self.items.values().filter_map(|item| item.brand.as_deref()).collect::<BTreeSet<_>>().len()
    }

    /// Every product that is never shown, because a row of the table that may restrict it can't be used.
    pub fn never_shown(&self, log: &EventLog) -> BTreeSet<String> {
        self.never_shown_of(log.items.iter())
    }

    /// The same, where these ids are known from elsewhere.
    fn never_shown_of<'i>(&self, known: impl Iterator<Item = &'i str>) -> BTreeSet<String> {
        let lost = known.filter(|id| self.suspects.contains(*id) && !self.items.contains_key(*id));
        self.left_out.iter().cloned().chain(lost.map(str::to_owned)).collect()
    }

    /// The catalog with the products that it lost and the log knows, closed.
    pub(crate) fn closed(&self, log: &EventLog) -> Cow<'_, Catalog> {
        if self.suspects.is_empty() { Cow::Borrowed(self) } else { Cow::Owned(self.closed_among(log.items.iter())) }
    }

    /// The same for ids that are known from elsewhere.
    pub(crate) fn closed_among<'i>(&self, known: impl Iterator<Item = &'i str>) -> Catalog {
        let mut catalog = self.clone();
        catalog.items.extend(self.never_shown_of(known).into_iter().map(|id| (id, closed_item())));
        catalog
    }
}

/// A product that no placement shows. It stays in the model because one that the model does not know may be shown from a
/// profile's own events.
fn closed_item() -> Item {
    Item { unavailable_from_ms: Some(limits::TIME_MS_MIN), restricted: true, sensitive: true, ..Item::default() }
}

/// Reads the catalog table at `path`. Of rows with the same id the greatest is used, the others count as duplicates; what
/// any of them forbids is forbidden.
///
/// # Errors
/// A file that can't be read, a bad schema, or more bad rows than the rules allow.
pub fn read_catalog<'r>(path: &Path, rules: impl Into<ReadRules<'r>>) -> Result<(Catalog, TableReport)> {
    let ReadRules { limits, renames, .. } = rules.into();
    let mut report = TableReport::new("catalog", path);
    let mut reading = Reading::default();
    let seen = read_table("catalog", path, SPECS, renames, &mut |first, batch| {
        for row in 0..batch.rows() {
            report.rows += 1;
            let read = match batch.broken(row) {
                Some(broken) => Err(reading.broken(batch, broken)),
                None => reading.row(&Row { batch, row, specs: SPECS }),
            };
            match read {
                Ok(known) => report.duplicates += u64::from(known),
                Err(bad) => report.add_bad(first + row as u64, bad, limits),
            }
        }
        Ok(())
    })?;
    report.close("catalog", seen, limits)?;
    Ok((reading.finish(), report))
}

#[derive(Default)]
struct Reading {
    catalog: Catalog,
    /// What the rows of a product that has several allow together.
    gates: BTreeMap<String, Gates>,
}

impl Reading {
    /// Whether the product had a row before.
    fn row(&mut self, row: &Row<'_>) -> std::result::Result<bool, Bad> {
        let mut buffer = String::new();
        let id = row.need_id(0, &mut buffer)?.to_owned();
        match read_item(row) {
            Ok(item) => Ok(self.keep_greatest(id, item)),
            Err(bad) => {
                // What the row would have forbidden is not known.
                self.catalog.left_out.insert(id);
                Err(bad)
            }
        }
    }

    fn broken(&mut self, batch: &Batch, broken: &Broken) -> Bad {
        let sound = |text: &&String| !text.is_empty() && text.len() <= limits::ID_BYTES_MAX;
        if let Some(id) = broken.texts.first().filter(|_| batch.is_first(0)).filter(sound) {
            self.catalog.left_out.insert(id.clone());
        }
        self.catalog.suspects.extend(broken.texts.iter().filter(sound).cloned());
        Bad::row(broken)
    }

    fn keep_greatest(&mut self, id: String, item: Item) -> bool {
        let Some(known) = self.catalog.items.get_mut(&id) else {
            return self.catalog.items.insert(id, item).is_some();
        };
        // The gates are kept apart, so that which row is the greatest does not depend on the order of rows.
        let both = self.gates.remove(&id).unwrap_or_else(|| Gates::of(known)).and(Gates::of(&item));
        self.gates.insert(id, both);
        if *known < item {
            *known = item;
        }
        true
    }

    fn finish(self) -> Catalog {
        let mut catalog = self.catalog;
        for (id, gates) in self.gates {
            if gates.allow_nothing() {
                catalog.left_out.insert(id);
            } else if let Some(item) = catalog.items.get_mut(&id) {
                gates.put_into(item);
            }
        }
        catalog.items.extend(catalog.left_out.iter().map(|id| (id.clone(), closed_item())));
        catalog
    }
}

/// Where, when and to whom a product may be shown.
struct Gates {
    /// None is everywhere, an empty list nowhere.
    channels: Option<Vec<String>>,
    from_ms: Option<i64>,
    until_ms: Option<i64>,
    restricted: bool,
    sensitive: bool,
}

impl Gates {
    fn of(item: &Item) -> Self {
        Gates {
            channels: (!item.channels.is_empty()).then(|| item.channels.clone()),
            from_ms: item.available_from_ms,
            until_ms: item.unavailable_from_ms,
            restricted: item.restricted,
            sensitive: item.sensitive,
        }
    }

    /// What both allow.
    fn and(self, other: Gates) -> Self {
        let channels = match (self.channels, other.channels) {
            (Some(a), Some(b)) => Some(a.into_iter().filter(|name| b.contains(name)).collect()),
            (a, b) => a.or(b),
        };
        Gates {
            channels,
            from_ms: self.from_ms.max(other.from_ms),
            until_ms: [self.until_ms, other.until_ms].into_iter().flatten().min(),
            restricted: self.restricted || other.restricted,
            sensitive: self.sensitive || other.sensitive,
        }
    }

    fn allow_nothing(&self) -> bool {
        let never = matches!((self.from_ms, self.until_ms), (Some(from), Some(until)) if from >= until);
        never || self.channels.as_ref().is_some_and(Vec::is_empty)
    }

    fn put_into(self, item: &mut Item) {
        item.channels = self.channels.unwrap_or_default();
        item.available_from_ms = self.from_ms;
        item.unavailable_from_ms = self.until_ms;
        item.restricted = self.restricted;
        item.sensitive = self.sensitive;
    }
}

/// Everything of a row but its id.
fn read_item(row: &Row<'_>) -> std::result::Result<Item, Bad> {
    let mut buffer = String::new();
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
        _ => Ok(item),
    }
}
