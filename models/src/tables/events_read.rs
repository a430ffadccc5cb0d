//! Reading the events table: rows in, a canonical log and an account out.

use super::cells::Row;
use super::consents::TrainingConsents;
use super::events::{Columns, EventLog, NO_INT, event_id};
use super::ids::{Interner, NONE};
use super::renames::ReadRules;
use super::report::{Bad, TableReport};
use super::source::{Kind, Seen, Spec, may, missing, need, read_table};
use crate::error::{Error, Result};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::path::Path;
use unisono_message::{EventType, MILLI, limits};

const SPECS: &[Spec] = &[
    need("event_id", Kind::Text),
    need("profile_id", Kind::Text),
    need("ts_ms", Kind::Time),
    need("type", Kind::Text),
    need("channel", Kind::Text),
    may("item_id", Kind::Text),
    may("session_id", Kind::Text),
    may("order_id", Kind::Text),
    may("store_id", Kind::Text),
    may("offer_id", Kind::Text),
    may("quantity", Kind::Number),
    may("price", Kind::Number),
    may("currency", Kind::Text),
    may("placement", Kind::Text),
    may("decision_id", Kind::Text),
    may("device", Kind::Text),
    may("source", Kind::Text),
    may("query", Kind::Text),
    may("topic", Kind::Text),
    may("outcome", Kind::Text),
    may("rank", Kind::Integer),
    may("value", Kind::Number),
    may("sentiment", Kind::Number),
    may("wait_ms", Kind::Integer),
    may("utc_offset_min", Kind::Integer),
];
// Places in the list above.
const EVENT_ID: usize = 0;
const PROFILE: usize = 1;
const TS: usize = 2;
const TYPE: usize = 3;
const CHANNEL: usize = 4;
const ITEM: usize = 5;
const SESSION: usize = 6;
const ORDER: usize = 7;
const STORE: usize = 8;
const OFFER: usize = 9;
const QUANTITY: usize = 10;
const PRICE: usize = 11;
const CURRENCY: usize = 12;
/// placement and decision_id are ids, the five after them free texts.
const TEXTS: [usize; 7] = [13, 14, 15, 16, 17, 18, 19];
const RANK: usize = 20;
const VALUE: usize = 21;
const SENTIMENT: usize = 22;
const WAIT: usize = 23;
const OFFSET: usize = 24;

/// Why a row without an item can't be used.
const NO_ITEM: &str = "is missing, and the row's type needs it";
/// Nobody has events of before; times in seconds, read as milliseconds, lie in January 1970.
const YEAR_1980_MS: i64 = 315_532_800_000;

/// Types that mean nothing without a product.
const NEEDS_ITEM: &[EventType] = &[
    EventType::Purchase,
    EventType::Return,
    EventType::CartAdd,
    EventType::CartRemove,
    EventType::WishlistAdd,
    EventType::Rating,
];

/// Reads the events table at `path`; events later than `latest_ms` plus ten minutes are refused as from the future.
///
/// # Errors
/// A file that can't be read, a bad schema, or more bad rows than the rules allow.
pub fn read_events<'r>(
    path: &Path,
    latest_ms: i64,
    rules: impl Into<ReadRules<'r>>,
) -> Result<(EventLog, TableReport)> {
    let ReadRules { limits, renames, until_ms, consents } = rules.into();
    let mut report = TableReport::new("events", path);
    let mut builder = Builder { until_ms, consents, ..Builder::new(latest_ms) };
    let seen = read_table("events", path, SPECS, renames, &mut |first, batch| {
        for row in 0..batch.rows() {
            report.rows += 1;
            let number = first + row as u64;
            let read = match batch.broken(row) {
                Some(broken) => Err(Bad::row(broken)),
                None => builder.push(&Row { batch, row, specs: SPECS }),
            };
            if let Err(bad) = read {
                report.add_bad(number, bad, limits);
            }
        }
        builder.check_size(path)
    })?;
    (report.withheld, report.withheld_profiles) = (builder.withheld, builder.withheld_profiles.len() as u64);
    let log = builder.finish(&mut report.duplicates);
    need_item_column(&seen, &report)?;
    if log.last_ms().is_some_and(|last_ms| last_ms < YEAR_1980_MS) {
        report.warnings.push("every event is of before 1980: is `ts_ms` in seconds? It is read as milliseconds".into());
    }
    report.close("events", seen, limits)?;
    Ok((log, report))
}

/// A log of searches and contacts does without `item_id`; one with rows that need it lacks the column, not their values.
fn need_item_column(seen: &Seen, report: &TableReport) -> Result<()> {
    let item = &SPECS[ITEM];
    match seen.absent.contains(item.name) && report.bad.contains_key(NO_ITEM) {
        true => Err(missing("events", item, &seen.names)),
        false => Ok(()),
    }
}

#[derive(Default)]
struct Builder<'r> {
    latest_ms: i64,
    /// Rows at or after it are passed over.
    until_ms: i64,
    /// Rows that these withhold are counted and passed over, whatever else they hold.
    consents: Option<&'r TrainingConsents>,
    withheld: u64,
    withheld_profiles: BTreeSet<String>,
    columns: Columns,
    event_ids: Vec<u8>,
    profiles: Interner,
    items: Interner,
    offers: Interner,
    channels: Interner,
    orders: Interner,
    sessions: Interner,
    stores: Interner,
    currencies: Interner,
    texts: Interner,
    buffer: String,
}

impl Builder<'_> {
    fn new(latest_ms: i64) -> Self {
        Builder { latest_ms: latest_ms.saturating_add(limits::FUTURE_MS_MAX), until_ms: i64::MAX, ..Default::default() }
    }

    fn check_size(&self, path: &Path) -> Result<()> {
        // Rows and bytes of ids are counted in 32 bits, and channels in 16.
        let full = self.columns.ts_ms.len() >= u32::MAX as usize - 1 || self.event_ids.len() >= u32::MAX as usize - 256;
        match full {
            true => Err(Error::BadTable {
                table: "events",
                path: path.into(),
                reason: "more than 4 GiB of event ids".into(),
            }),
            false => Ok(()),
        }
    }

    /// Reads everything of a row before anything is kept of it.
    fn push(&mut self, row: &Row<'_>) -> std::result::Result<(), Bad> {
        let buffer = &mut self.buffer;
        if let Some(consents) = self.consents {
            let (profile_id, channel) = (row.need_id(PROFILE, buffer)?, row.channel(CHANNEL)?);
            if !consents.allow(profile_id, channel) {
                self.withheld += 1;
                if !self.withheld_profiles.contains(profile_id) {
                    self.withheld_profiles.insert(profile_id.to_owned());
                }
                return Ok(());
            }
        }
        let ts_ms = row.time(TS)?.ok_or_else(|| row.bad(TS, "is missing"))?;
        if ts_ms > self.latest_ms {
            return Err(row.bad(TS, "is from the future"));
        }
        if ts_ms >= self.until_ms {
            return Ok(());
        }
        let kind = EventType::from_name(row.need_id(TYPE, buffer)?).ok_or_else(|| row.bad(TYPE, "is no event type"))?;
        let channel = row.channel(CHANNEL)?;
        let quantity = row.quantity(QUANTITY)?.unwrap_or(MILLI);
        let price = row.money(PRICE)?.unwrap_or(NO_INT);
        let currency = row.currency(CURRENCY)?;
        let numbers = read_numbers(row)?;
        // Ids share one buffer for their digits, so each is checked before the first is interned.
        for at in [PROFILE, EVENT_ID] {
            row.need_id(at, buffer)?;
        }
        for at in [ITEM, SESSION, ORDER, STORE, OFFER, TEXTS[0], TEXTS[1]] {
            row.id(at, buffer)?;
        }
        if NEEDS_ITEM.contains(&kind) {
            row.id(ITEM, buffer)?.ok_or_else(|| row.bad(ITEM, NO_ITEM))?;
        }
        let mut texts = [const { None }; 7];
        for (slot, at) in texts.iter_mut().zip(TEXTS) {
            *slot = row.free_text(at, if at < TEXTS[2] { limits::ID_BYTES_MAX } else { limits::TEXT_BYTES_MAX })?;
        }

        let at = self.columns.ts_ms.len();
        let c = &mut self.columns;
        c.profile.push(self.profiles.intern(row.need_id(PROFILE, buffer)?));
        c.event_id.push(self.event_ids.len() as u32);
        let event_id = row.need_id(EVENT_ID, buffer)?;
        self.event_ids.push(event_id.len() as u8);
        self.event_ids.extend_from_slice(event_id.as_bytes());
        c.ts_ms.push(ts_ms);
        c.kind.push(kind as u8);
        c.channel.push(self.channels.intern(channel) as u16);
        c.quantity_milli.push(quantity);
        c.price_micro.push(price);
        c.currency.push(currency.map_or(u16::MAX, |code| self.currencies.intern(code) as u16));
        let mut optional = |ids: &mut Interner, column: usize| -> std::result::Result<u32, Bad> {
            Ok(row.id(column, buffer)?.map_or(NONE, |id| ids.intern(id)))
        };
        c.item.push(optional(&mut self.items, ITEM)?);
        c.session.push(optional(&mut self.sessions, SESSION)?);
        c.order.push(optional(&mut self.orders, ORDER)?);
        c.store.push(optional(&mut self.stores, STORE)?);
        let offer = optional(&mut self.offers, OFFER)?;
        if offer != NONE {
            c.offer.set(at, offer, NONE);
        }
        for (column, text) in c.texts.iter_mut().zip(texts) {
            if let Some(text) = text {
                column.set(at, self.texts.intern(&text), NONE);
            }
        }
        for (column, number) in c.numbers.iter_mut().zip(numbers) {
            if let Some(number) = number {
                column.set(at, number, NO_INT);
            }
        }
        Ok(())
    }

    fn finish(self, duplicates: &mut u64) -> EventLog {
        let mut c = self.columns;
        let ranked = |ids: Interner, column: &mut [u32]| {
            let (ids, rank) = ids.finish();
            column.iter_mut().filter(|index| **index != NONE).for_each(|index| *index = rank[*index as usize]);
            ids
        };
        let profiles = ranked(self.profiles, &mut c.profile);
        let items = ranked(self.items, &mut c.item);
        let orders = ranked(self.orders, &mut c.order);
        let sessions = ranked(self.sessions, &mut c.session);
        let stores = ranked(self.stores, &mut c.store);
        let offers = ranked(self.offers, c.offer.values_mut());
        let (texts, rank) = self.texts.finish();
        for column in &mut c.texts {
            column
                .values_mut()
                .iter_mut()
                .filter(|index| **index != NONE)
                .for_each(|index| *index = rank[*index as usize]);
        }
        let (channels, rank) = self.channels.finish();
        c.channel.iter_mut().for_each(|index| *index = rank[usize::from(*index)] as u16);
        let (currencies, rank) = self.currencies.finish();
        c.currency.iter_mut().filter(|i| **i != u16::MAX).for_each(|i| *i = rank[usize::from(*i)] as u16);
        let event_ids = self.event_ids;
        let mut log = EventLog {
            columns: c,
            event_ids,
            profiles,
            items,
            offers,
            channels,
            orders,
            sessions,
            stores,
            currencies,
            texts,
            profile_rows: Vec::new(),
        };
        let order = canonical_order(&log);
        *duplicates = (log.len() - order.len()) as u64;
        log.columns.permute(&order);
        log.profile_rows = profile_rows(&log.columns.profile, log.profiles.len());
        log
    }
}

fn read_numbers(row: &Row<'_>) -> std::result::Result<[Option<i64>; 5], Bad> {
    let sentiment = row.micro(SENTIMENT)?;
    if sentiment.is_some_and(|value| value.abs() > unisono_message::MICRO) {
        return Err(row.bad(SENTIMENT, "is outside -1 to 1"));
    }
    Ok([
        row.integer_within(RANK, 1, limits::RANK_MAX)?,
        row.micro(VALUE)?,
        sentiment,
        row.integer_within(WAIT, 0, limits::TIME_MS_MAX)?,
        row.integer_within(OFFSET, -limits::UTC_OFFSET_MIN_MAX, limits::UTC_OFFSET_MIN_MAX)?,
    ])
}

/// The rows in canonical order, of rows with one identity (type, channel, event id) only the greatest.
fn canonical_order(log: &EventLog) -> Vec<u32> {
    let c = &log.columns;
    let full = |a: u32, b: u32| -> Ordering {
        let (x, y) = (a as usize, b as usize);
        let head = (c.profile[x], c.ts_ms[x]).cmp(&(c.profile[y], c.ts_ms[y]));
        let ids = || event_id(&log.event_ids, c.event_id[x]).cmp(event_id(&log.event_ids, c.event_id[y]));
        // Canonical bytes are written only where everything before them ties.
        head.then_with(ids).then_with(|| log.event(x).total_cmp(&log.event(y)))
    };
    let identity = |row: u32| {
        let at = row as usize;
        (c.kind[at], c.channel[at], event_id(&log.event_ids, c.event_id[at]))
    };
    let mut order: Vec<u32> = (0..log.len() as u32).collect();
    order.sort_unstable_by(|a, b| identity(*a).cmp(&identity(*b)));
    let mut kept = Vec::with_capacity(order.len());
    for same in order.chunk_by(|a, b| identity(*a) == identity(*b)) {
        kept.extend(same.iter().copied().max_by(|a, b| greater(log, *a, *b)));
    }
    kept.sort_unstable_by(|a, b| full(*a, *b));
    kept
}

/// Which of two copies of an event is the greater: by the order of events, then by the profile.
fn greater(log: &EventLog, a: u32, b: u32) -> Ordering {
    let (x, y) = (a as usize, b as usize);
    let profile = log.columns.profile[x].cmp(&log.columns.profile[y]);
    log.event(x).total_cmp(&log.event(y)).then(profile)
}

fn profile_rows(profile: &[u32], profiles: usize) -> Vec<u32> {
    (0..=profiles as u32).map(|p| profile.partition_point(|x| *x < p) as u32).collect()
}
