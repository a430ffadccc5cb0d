//! What a token carries, as rows of numbers that point into two tables of names. Everything ascends, so that differences
//! are small.

use super::coder::{Coder, Kind};
use crate::order::{distinct, sorted};
use crate::profile::Mark;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;
use unisono_message::limits::{PROFILE_CLASSES_MAX, TOKEN_EVENTS, TOKEN_MARKS};
use unisono_message::list::{Listed, once_each, search};
use unisono_message::{Event, EventType, text};

const DAY_MS: i64 = 86_400_000;

/// How long before the token (days of a mark, milliseconds of an event), the places of item and channel, the type's
/// number, and an event's quantity with its bits turned, so that of one content the largest comes first.
pub(super) type Row = [u64; 5];

/// Where items and channels stand in a row.
const ITEM: usize = 1;
const CHANNEL: usize = 2;

/// Rows newest first, each content once. The item of none has the empty name.
pub(super) struct Content<'a> {
    channels: Vec<&'a str>,
    items: Vec<&'a str>,
    pub(super) marks: Vec<Row>,
    pub(super) events: Vec<Row>,
}

impl<'a> Content<'a> {
    /// What lies at or before `issued_ms` of marks and events.
    pub(super) fn of(marks: &[Mark<'a>], events: &[Event<'a>], issued_ms: i64) -> Self {
        let (mut channels, mut items) = (Vec::new(), Vec::new());
        for mark in marks {
            channels.push(mark.channel);
            items.push(mark.item_id);
        }
        for event in events {
            channels.push(event.channel);
            items.push(event.item_id.unwrap_or_default());
        }
        let mut content = Content {
            channels: distinct_names(&channels),
            items: distinct_names(&items),
            marks: Vec::new(),
            events: Vec::new(),
        };
        for mark in marks {
            let row = content.row(issued_ms.div_euclid(DAY_MS) - mark.day, mark.item_id, mark.channel, mark.kind, 0);
            content.marks.extend(row);
        }
        for event in events {
            let ago = issued_ms - event.ts_ms;
            let row =
                content.row(ago, event.item_id.unwrap_or_default(), event.channel, event.kind, event.quantity_milli);
            content.events.extend(row);
        }
        content.marks = each_once(&content.marks);
        content.events = each_once(&content.events);
        content
    }

    fn row(&self, ago: i64, item: &str, channel: &str, kind: EventType, quantity_milli: i64) -> Option<Row> {
        let (item, channel) = (place(&self.items, item), place(&self.channels, channel));
        (ago >= 0).then_some([ago as u64, item, channel, kind as u64, !(quantity_milli as u64)])
    }

    /// Writes some of the rows, and of the names those that they point at.
    pub(super) fn write(&self, marks: &[Row], events: &[Row]) -> Vec<u8> {
        let mut rows = [marks, events].concat();
        let channels = used(&mut rows, CHANNEL, &self.channels);
        let items = used(&mut rows, ITEM, &self.items);
        let (marks, events) = rows.split_at(marks.len().min(rows.len()));
        let mut coder = Coder::writer();
        code(&mut coder, &channels, &items, marks, events);
        coder.into_bytes()
    }
}

/// What a body says, whether or not any writer would have said it so.
pub(super) struct Said {
    channels: Vec<String>,
    items: Vec<String>,
    marks: Vec<Row>,
    events: Vec<Row>,
}

impl Said {
    pub(super) fn read(body: &[u8]) -> Self {
        code(&mut Coder::reader(body), &[], &[], &[], &[])
    }

    /// The marks.
    pub(super) fn marks(&self, issued_ms: i64) -> Vec<Mark<'_>> {
        let midnight = issued_ms.div_euclid(DAY_MS) * DAY_MS;
        self.rows(&self.marks, midnight, DAY_MS).iter().filter_map(Mark::of).listed()
    }

    /// The events, without ids.
    pub(super) fn events(&self, issued_ms: i64) -> Vec<Event<'_>> {
        self.rows(&self.events, issued_ms, 1)
    }

    fn rows(&self, rows: &[Row], issued_ms: i64, unit_ms: i64) -> Vec<Event<'_>> {
        let mut events = Vec::new();
        for [ago, item, channel, kind, quantity] in rows {
            let (item, channel) = (self.items.get(*item as usize), self.channels.get(*channel as usize));
            let Some((channel, kind)) = channel.zip(EventType::from_number(*kind as i64)) else { continue };
            let ts_ms = issued_ms.wrapping_sub((*ago as i64).wrapping_mul(unit_ms));
            let mut event = Event::new("", ts_ms, kind, channel);
            event.item_id = item.map(String::as_str).filter(|item| !item.is_empty());
            event.quantity_milli = !*quantity as i64;
            event.carried = true;
            events.push(event);
        }
        events
    }
}

/// Writes tables and rows, or reads them where the coder reads: what is given counts for nothing then.
fn code(c: &mut Coder<'_>, channels: &[&str], items: &[&str], marks: &[Row], events: &[Row]) -> Said {
    Said {
        channels: code_names(c, channels, PROFILE_CLASSES_MAX),
        items: code_names(c, items, TOKEN_MARKS + TOKEN_EVENTS),
        marks: code_rows(c, Kind::MARKS, marks, TOKEN_MARKS),
        events: code_rows(c, Kind::EVENTS, events, TOKEN_EVENTS),
    }
}

#[inline(never)]
fn code_names(c: &mut Coder<'_>, given: &[&str], max: usize) -> Vec<String> {
    let (mut names, mut last_number, mut last) = (Vec::new(), 0u64, String::new());
    for at in 0..c.count(given.len(), max) {
        let name = given.get(at).copied().unwrap_or_default();
        let number = number_of(name);
        if c.number(Kind::IS_NUMBER, number.is_some().into()) == 1 {
            last_number = c.above(Kind::NAME_NUMBER, last_number, number.unwrap_or_default());
            last = text!("{}", last_number as i64);
        } else {
            // What is no UTF-8 becomes something else, which shows when it is written again.
            last = String::from_utf8(c.text(last.as_bytes(), name.as_bytes())).unwrap_or_default();
        }
        names.push(last.clone());
    }
    names
}

#[inline(never)]
fn code_rows(c: &mut Coder<'_>, kinds: Kind, given: &[Row], max: usize) -> Vec<Row> {
    let (mut rows, mut last) = (Vec::new(), Row::default());
    for at in 0..c.count(given.len(), max) {
        let [ago, item, channel, kind, quantity] = given.get(at).copied().unwrap_or_default();
        let ago = c.above(kinds, last[0], ago);
        // Of one day or moment items ascend.
        let (kind_of_item, from) = if ago == last[0] { (kinds.plus(1), last[ITEM]) } else { (kinds.plus(2), 0) };
        let item = c.above(kind_of_item, from, item);
        let channel = c.number(kinds.plus(3), channel);
        let kind = c.number(kinds.plus(4 + channel.min(3) as usize), kind);
        // Pieces are counted whole where they are whole.
        let quantity = match !quantity {
            whole if whole % 1000 == 0 => whole / 500,
            milli => milli.wrapping_mul(2) | 1,
        };
        let quantity = match c.number(kinds.plus(8), quantity) {
            whole if whole & 1 == 0 => whole.wrapping_mul(500),
            milli => milli / 2,
        };
        last = [ago, item, channel, kind, !quantity];
        rows.push(last);
    }
    rows
}

/// A whole number in its usual form, of at most 18 digits.
fn number_of(name: &str) -> Option<u64> {
    let mut number = 0u64;
    for letter in name.bytes() {
        number = number.wrapping_mul(10).wrapping_add(u64::from(letter.wrapping_sub(b'0')));
        if !letter.is_ascii_digit() {
            return None;
        }
    }
    let usual = (1..=18).contains(&name.len()) && (name == "0" || !name.starts_with('0'));
    usual.then_some(number)
}

/// Shorter names first, so that numbers lie in their order.
fn by_length(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

fn distinct_names<'a>(names: &[&'a str]) -> Vec<&'a str> {
    distinct(names.to_vec(), |a, b| by_length(a, b))
}

fn place(names: &[&str], name: &str) -> u64 {
    search(names, |other| by_length(other, name)).unwrap_or(0) as u64
}

/// The rows in order; of one content the first.
fn each_once(rows: &[Row]) -> Vec<Row> {
    let mut rows = sorted(rows.to_vec(), Row::cmp);
    once_each(&mut rows, |later, first| {
        (later[0], later[1], later[2], later[3]) == (first[0], first[1], first[2], first[3])
    });
    rows
}

/// The names that a field of the rows points at, to which it points from now on.
#[inline(never)]
fn used<'a>(rows: &mut [Row], field: usize, names: &[&'a str]) -> Vec<&'a str> {
    let mut is_used = alloc::vec![0u64; names.len()];
    for row in rows.iter() {
        if let Some(used) = row.get(field).and_then(|place| is_used.get_mut(*place as usize)) {
            *used = 1;
        }
    }
    let mut left = Vec::new();
    for (used, name) in is_used.iter_mut().zip(names) {
        if *used == 1 {
            *used = left.len() as u64;
            left.push(*name);
        }
    }
    for place in rows.iter_mut().filter_map(|row| row.get_mut(field)) {
        *place = is_used.get(*place as usize).copied().unwrap_or(0);
    }
    left
}
