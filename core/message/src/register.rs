//! Registers: what is said of a profile rather than what it did. The last writer wins, by (`ts_ms`, `writer`).

use crate::error::{Error, ErrorCode};
use crate::fields::{missing, position_of, read_fields};
use crate::limits;
use crate::reader::{Kind, Reader};
use crate::text;
use crate::writer::Writer;
use core::cmp::Ordering;

/// What data may be used for. Numbers and names are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
#[repr(u8)]
pub enum Purpose {
    /// To choose products for the customer.
    #[default]
    Personalization = 0,
    /// To choose offers for the customer, and to count how often one was used.
    Offers = 1,
    /// To use in one channel what happened in another.
    CrossChannel = 2,
    /// To measure what was shown and what came of it.
    Measurement = 3,
    /// To fit models.
    Training = 4,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Purpose; 5] =
        [Purpose::Personalization, Purpose::Offers, Purpose::CrossChannel, Purpose::Measurement, Purpose::Training];
    /// Every name, in the same order.
    pub const NAMES: [&'static str; 5] = ["personalization", "offers", "cross_channel", "measurement", "training"];

    /// The published name.
    pub fn as_str(self) -> &'static str {
        Self::NAMES.get(self as usize).copied().unwrap_or_default()
    }

    /// The purpose's bit in a set of purposes.
    pub const fn bit(self) -> u8 {
        1 << self as u8
    }

    /// Reads a purpose's name; the reader fails with `unknown_purpose`.
    pub fn read(r: &mut Reader<'_>) -> Self {
        let name = r.text(limits::TEXT_BYTES_MAX);
        let found = position_of(&Self::NAMES, name);
        found.and_then(|at| Self::ALL.get(at).copied()).unwrap_or_else(|| unknown(r, name))
    }

    /// Reads a purpose's number; the reader fails with `unknown_purpose`.
    fn read_number(r: &mut Reader<'_>) -> Self {
        let number = r.int_within(0, Self::ALL.len() as i64 - 1);
        Self::ALL.get(number as usize).copied().unwrap_or_default()
    }
}

#[cold]
fn unknown(r: &mut Reader<'_>, name: &str) -> Purpose {
    let message = text!("`{}` is no purpose; `personalization` is one", name);
    r.fail(Error::new(ErrorCode::UnknownPurpose, message));
    Purpose::Personalization
}

/// A register of a map: its key, and which of two values of one key wins.
pub trait Register: Copy {
    /// The order of the keys.
    fn by_key(&self, other: &Self) -> Ordering;
    /// Less when this value wins over the other.
    fn winner_first(&self, other: &Self) -> Ordering;
    /// When it was written, Unix ms.
    fn ts_ms(&self) -> i64;
    /// Writes the canonical form.
    fn write(&self, w: &mut Writer);
}

/// When and by whom a register was written: the greater wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp<'a> {
    /// Unix milliseconds UTC.
    pub ts_ms: i64,
    /// Who wrote it: a host, a device; empty when not told.
    pub writer: &'a str,
}

impl<'a> Stamp<'a> {
    fn read_canonical(r: &mut Reader<'a>) -> Self {
        Stamp { ts_ms: read_time(r), writer: r.text(limits::ID_BYTES_MAX) }
    }

    fn write(&self, w: &mut Writer) {
        w.int(self.ts_ms);
        w.str(self.writer);
    }
}

fn read_time(r: &mut Reader<'_>) -> i64 {
    r.int_within(limits::TIME_MS_MIN, limits::TIME_MS_MAX)
}

/// A consent, given or withheld, for a purpose in one channel or in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consent<'a> {
    /// What it is about.
    pub purpose: Purpose,
    /// The channel; empty for all of them.
    pub channel: &'a str,
    /// Whether it is given.
    pub granted: bool,
    /// When and by whom.
    pub stamp: Stamp<'a>,
}

impl<'a> Consent<'a> {
    /// Reads the named form: `{purpose, channel?, granted, ts_ms, writer?}`.
    pub fn read(r: &mut Reader<'a>) -> Self {
        let mut consent = Consent { stamp: Stamp { ts_ms: -1, writer: "" }, ..Consent::default() };
        let (mut has_purpose, mut granted) = (false, None);
        read_fields(r, &["purpose", "channel", "granted", "ts_ms", "writer"], |r, field| match field {
            0 => {
                consent.purpose = Purpose::read(r);
                has_purpose = true;
            }
            1 => consent.channel = r.channel(),
            2 => granted = Some(r.bool()),
            3 => consent.stamp.ts_ms = read_time(r),
            _ => consent.stamp.writer = r.text(limits::ID_BYTES_MAX),
        });
        consent.granted = granted.unwrap_or_default();
        match () {
            () if !has_purpose => missing(r, "purpose"),
            () if granted.is_none() => missing(r, "granted"),
            () if consent.stamp.ts_ms < 0 => missing(r, "ts_ms"),
            () => {}
        }
        consent
    }

    /// Reads the canonical form.
    pub fn read_canonical(r: &mut Reader<'a>) -> Self {
        expect_fields(r, 5);
        let purpose = Purpose::read_number(r);
        let channel = if r.kind() == Kind::Nil { "" } else { r.channel() };
        r.nil();
        Consent { purpose, channel, granted: r.bool(), stamp: Stamp::read_canonical(r) }
    }
}

impl Register for Consent<'_> {
    fn by_key(&self, other: &Self) -> Ordering {
        self.purpose.cmp(&other.purpose).then_with(|| self.channel.cmp(other.channel))
    }

    fn winner_first(&self, other: &Self) -> Ordering {
        // Of one time and writer, withheld wins.
        other.stamp.cmp(&self.stamp).then_with(|| self.granted.cmp(&other.granted))
    }

    fn ts_ms(&self) -> i64 {
        self.stamp.ts_ms
    }

    fn write(&self, w: &mut Writer) {
        w.array(5);
        w.int(self.purpose as i64);
        w.opt_str((!self.channel.is_empty()).then_some(self.channel));
        w.bool(self.granted);
        self.stamp.write(w);
    }
}

/// What a trait says; nothing when it was taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TraitValue<'a> {
    /// Taken back.
    #[default]
    None,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text.
    Text(&'a str),
}

impl<'a> TraitValue<'a> {
    fn read(r: &mut Reader<'a>) -> Self {
        match r.kind() {
            Kind::Nil => {
                r.nil();
                TraitValue::None
            }
            Kind::Bool => TraitValue::Bool(r.bool()),
            Kind::Str => TraitValue::Text(r.text(limits::TEXT_BYTES_MAX)),
            _ => TraitValue::Int(r.int()),
        }
    }

    /// Writes it as what it is; null when it was taken back.
    pub fn write(&self, w: &mut Writer) {
        match self {
            TraitValue::None => w.nil(),
            TraitValue::Bool(value) => w.bool(*value),
            TraitValue::Int(value) => w.int(*value),
            TraitValue::Text(value) => w.str(value),
        }
    }
}

/// Something that is known of a customer, under one purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trait<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it says.
    pub value: TraitValue<'a>,
    /// What it may be used for.
    pub purpose: Purpose,
    /// When and by whom.
    pub stamp: Stamp<'a>,
}

impl<'a> Trait<'a> {
    /// Reads the named form: `{name, value?, purpose, ts_ms, writer?}`; without a value the trait is taken back.
    pub fn read(r: &mut Reader<'a>) -> Self {
        let mut one = Trait { stamp: Stamp { ts_ms: -1, writer: "" }, ..Trait::default() };
        let mut has_purpose = false;
        read_fields(r, &["name", "value", "purpose", "ts_ms", "writer"], |r, field| match field {
            0 => one.name = r.id(),
            1 => one.value = TraitValue::read(r),
            2 => {
                one.purpose = Purpose::read(r);
                has_purpose = true;
            }
            3 => one.stamp.ts_ms = read_time(r),
            _ => one.stamp.writer = r.text(limits::ID_BYTES_MAX),
        });
        match () {
            () if one.name.is_empty() => missing(r, "name"),
            () if !has_purpose => missing(r, "purpose"),
            () if one.stamp.ts_ms < 0 => missing(r, "ts_ms"),
            () => {}
        }
        one
    }

    /// Reads the canonical form.
    pub fn read_canonical(r: &mut Reader<'a>) -> Self {
        expect_fields(r, 5);
        let name = r.id();
        let value = TraitValue::read(r);
        Trait { name, value, purpose: Purpose::read_number(r), stamp: Stamp::read_canonical(r) }
    }
}

impl Register for Trait<'_> {
    fn by_key(&self, other: &Self) -> Ordering {
        self.name.cmp(other.name)
    }

    fn winner_first(&self, other: &Self) -> Ordering {
        let by_value = || (self.value, self.purpose).cmp(&(other.value, other.purpose));
        other.stamp.cmp(&self.stamp).then_with(by_value)
    }

    fn ts_ms(&self) -> i64 {
        self.stamp.ts_ms
    }

    fn write(&self, w: &mut Writer) {
        w.array(5);
        w.str(self.name);
        self.value.write(w);
        w.int(self.purpose as i64);
        self.stamp.write(w);
    }
}

/// That this profile and another are of one customer, or no longer. It counts while both sides hold it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link<'a> {
    /// The other profile.
    pub profile_id: &'a str,
    /// Whether they are linked.
    pub linked: bool,
    /// When and by whom.
    pub stamp: Stamp<'a>,
}

impl<'a> Link<'a> {
    /// Reads the named form: `{profile_id, linked, ts_ms, writer?}`.
    pub fn read(r: &mut Reader<'a>) -> Self {
        let mut link = Link { stamp: Stamp { ts_ms: -1, writer: "" }, ..Link::default() };
        let mut linked = None;
        read_fields(r, &["profile_id", "linked", "ts_ms", "writer"], |r, field| match field {
            0 => link.profile_id = r.id(),
            1 => linked = Some(r.bool()),
            2 => link.stamp.ts_ms = read_time(r),
            _ => link.stamp.writer = r.text(limits::ID_BYTES_MAX),
        });
        link.linked = linked.unwrap_or_default();
        match () {
            () if link.profile_id.is_empty() => missing(r, "profile_id"),
            () if linked.is_none() => missing(r, "linked"),
            () if link.stamp.ts_ms < 0 => missing(r, "ts_ms"),
            () => {}
        }
        link
    }

    /// Reads the canonical form.
    pub fn read_canonical(r: &mut Reader<'a>) -> Self {
        expect_fields(r, 4);
        Link { profile_id: r.id(), linked: r.bool(), stamp: Stamp::read_canonical(r) }
    }
}

impl Register for Link<'_> {
    fn by_key(&self, other: &Self) -> Ordering {
        self.profile_id.cmp(other.profile_id)
    }

    fn winner_first(&self, other: &Self) -> Ordering {
        // Of one time and writer, unlinked wins.
        other.stamp.cmp(&self.stamp).then_with(|| self.linked.cmp(&other.linked))
    }

    fn ts_ms(&self) -> i64 {
        self.stamp.ts_ms
    }

    fn write(&self, w: &mut Writer) {
        w.array(4);
        w.str(self.profile_id);
        w.bool(self.linked);
        self.stamp.write(w);
    }
}

fn expect_fields(r: &mut Reader<'_>, count: usize) {
    if r.array() != count {
        r.fail(Error::new(ErrorCode::ProfileInvalid, text!("a register of this kind has {} fields", count)));
    }
}
