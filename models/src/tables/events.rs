//! The event log in memory: columns of indices and integers in canonical order, whatever order the rows came in.

use super::ids::{Ids, NONE};
use sha2::{Digest, Sha256};
use unisono_message::{Event, EventType, Writer};

/// Stands for "no number" in a column of integers.
pub(crate) const NO_INT: i64 = i64::MIN;

/// A column that takes no memory while no row has a value.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sparse<T> {
    values: Vec<T>,
}

impl<T: Copy> Sparse<T> {
    pub(crate) fn set(&mut self, row: usize, value: T, absent: T) {
        if self.values.len() <= row {
            self.values.resize(row + 1, absent);
        }
        self.values[row] = value;
    }

    pub(crate) fn get(&self, row: usize, absent: T) -> T {
        self.values.get(row).copied().unwrap_or(absent)
    }

    pub(crate) fn values_mut(&mut self) -> &mut [T] {
        &mut self.values
    }

    fn permute(&mut self, order: &[u32], absent: T) {
        if !self.values.is_empty() {
            self.values = order.iter().map(|row| self.get(*row as usize, absent)).collect();
        }
    }
}

/// Rows of events, one column a field. Money is micro-units, quantity milli-units, time Unix milliseconds UTC.
#[derive(Debug, Clone, Default)]
pub(crate) struct Columns {
    pub(crate) profile: Vec<u32>,
    pub(crate) ts_ms: Vec<i64>,
    pub(crate) kind: Vec<u8>,
    pub(crate) channel: Vec<u16>,
    pub(crate) item: Vec<u32>,
    pub(crate) quantity_milli: Vec<i64>,
    pub(crate) price_micro: Vec<i64>,
    pub(crate) order: Vec<u32>,
    pub(crate) session: Vec<u32>,
    pub(crate) store: Vec<u32>,
    pub(crate) currency: Vec<u16>,
    /// Where the event's id starts in `event_ids`; its first byte is its length.
    pub(crate) event_id: Vec<u32>,
    pub(crate) offer: Sparse<u32>,
    /// placement, decision_id, device, source, query, topic, outcome: in `EventLog::texts`.
    pub(crate) texts: [Sparse<u32>; 7],
    /// rank, value (micro), sentiment (micro), wait_ms, utc_offset_min.
    pub(crate) numbers: [Sparse<i64>; 5],
}

impl Columns {
    pub(crate) fn permute(&mut self, order: &[u32]) {
        fn gather<T: Copy>(column: &mut Vec<T>, order: &[u32]) {
            *column = order.iter().map(|row| column[*row as usize]).collect();
        }
        gather(&mut self.profile, order);
        gather(&mut self.ts_ms, order);
        gather(&mut self.kind, order);
        gather(&mut self.channel, order);
        gather(&mut self.item, order);
        gather(&mut self.quantity_milli, order);
        gather(&mut self.price_micro, order);
        gather(&mut self.order, order);
        gather(&mut self.session, order);
        gather(&mut self.store, order);
        gather(&mut self.currency, order);
        gather(&mut self.event_id, order);
        self.offer.permute(order, NONE);
        self.texts.iter_mut().for_each(|column| column.permute(order, NONE));
        self.numbers.iter_mut().for_each(|column| column.permute(order, NO_INT));
    }
}

/// All events of a log in canonical order: profile, time, event id, canonical bytes.
#[derive(Debug, Clone, Default)]
pub struct EventLog {
    pub(crate) columns: Columns,
    pub(crate) event_ids: Vec<u8>,
    /// Profile ids.
    pub profiles: Ids,
    /// Item ids that occur in events.
    pub items: Ids,
    /// Offer ids that occur in events.
    pub offers: Ids,
    /// Channel names.
    pub channels: Ids,
    /// Order ids.
    pub orders: Ids,
    /// Session ids.
    pub sessions: Ids,
    /// Store ids.
    pub stores: Ids,
    pub(crate) currencies: Ids,
    pub(crate) texts: Ids,
    /// First row of each profile, and the number of rows at the end.
    pub(crate) profile_rows: Vec<u32>,
}

impl EventLog {
    /// Rows.
    pub fn len(&self) -> usize {
        self.columns.ts_ms.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.columns.ts_ms.is_empty()
    }

    /// The rows of the profile with index `profile`.
    pub fn rows_of(&self, profile: u32) -> std::ops::Range<usize> {
        self.profile_rows[profile as usize] as usize..self.profile_rows[profile as usize + 1] as usize
    }

    /// Time of the newest event, in Unix milliseconds.
    pub fn last_ms(&self) -> Option<i64> {
        self.columns.ts_ms.iter().copied().max()
    }

    /// Type of the event in `row`.
    pub fn kind(&self, row: usize) -> EventType {
        EventType::from_number(i64::from(self.columns.kind[row])).unwrap_or(EventType::View)
    }

    pub(crate) fn event_id(&self, row: usize) -> &str {
        event_id(&self.event_ids, self.columns.event_id[row])
    }

    /// The event in `row`, as core reads it.
    pub fn event(&self, row: usize) -> Event<'_> {
        let c = &self.columns;
        let mut event =
            Event::new(self.event_id(row), c.ts_ms[row], self.kind(row), self.channels.get(c.channel[row].into()));
        event.item_id = text(&self.items, c.item[row]);
        event.quantity_milli = c.quantity_milli[row];
        event.price_micro = number(c.price_micro[row]);
        event.currency = (c.currency[row] != u16::MAX).then(|| self.currencies.get(c.currency[row].into()));
        event.order_id = text(&self.orders, c.order[row]);
        event.session_id = text(&self.sessions, c.session[row]);
        event.store_id = text(&self.stores, c.store[row]);
        event.offer_id = text(&self.offers, c.offer.get(row, NONE));
        let texts = c.texts.each_ref().map(|column| text(&self.texts, column.get(row, NONE)));
        [event.placement, event.decision_id, event.device, event.source, event.query, event.topic, event.outcome] =
            texts;
        let numbers = c.numbers.each_ref().map(|column| number(column.get(row, NO_INT)));
        [event.rank, event.value_micro, event.sentiment_micro, event.wait_ms, event.utc_offset_min] = numbers;
        event
    }

    /// The rows that `keep` takes, in the same order; ids and their numbers stay.
    pub(crate) fn only(&self, keep: impl Fn(usize) -> bool) -> EventLog {
        let mut log = self.clone();
        let order: Vec<u32> = (0..self.len()).filter(|row| keep(*row)).map(|row| row as u32).collect();
        log.columns.permute(&order);
        let first = |profile: u32| log.columns.profile.partition_point(|other| *other < profile) as u32;
        log.profile_rows = (0..=self.profiles.len() as u32).map(first).collect();
        log
    }

    /// SHA-256 over every row in canonical order: the same for the same events, whatever the format or order.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        let mut writer = Writer::new();
        for row in 0..self.len() {
            writer.str(self.profiles.get(self.columns.profile[row]));
            self.event(row).write(&mut writer);
            if writer.as_bytes().len() > 1 << 16 {
                digest.update(std::mem::take(&mut writer).into_bytes());
            }
        }
        digest.update(writer.as_bytes());
        digest.finalize().into()
    }
}

pub(crate) fn event_id(ids: &[u8], start: u32) -> &str {
    let start = start as usize;
    let length = usize::from(ids[start]);
    // Only whole ids are put in, so this never falls back.
    std::str::from_utf8(&ids[start + 1..start + 1 + length]).unwrap_or_default()
}

fn text(ids: &Ids, index: u32) -> Option<&str> {
    (index != NONE).then(|| ids.get(index))
}

fn number(value: i64) -> Option<i64> {
    (value != NO_INT).then_some(value)
}
