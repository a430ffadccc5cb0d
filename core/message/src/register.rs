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
        position_of(&Self::NAMES, name).and_then(|at| Self::ALL.get(at).copied()).unwrap_or_else(|| {
            let message = text!("`{}` is no purpose; `personalization` is one", name);
            r.fail(Error::new(ErrorCode::UnknownPurpose, message));
            Purpose::Personalization
        })
    }
}

/// What a register says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum RegisterKind {
    /// Something that is known of the customer, under one purpose.
    Trait = 0,
    /// That a purpose is granted or withheld, in one channel or in all.
    Consent = 1,
    /// That another profile is of the same customer, or no longer. It counts while both sides say so.
    Link = 2,
}

impl RegisterKind {
    /// Every kind.
    pub const ALL: [RegisterKind; 3] = [RegisterKind::Trait, RegisterKind::Consent, RegisterKind::Link];

    /// The key under which states, inputs and exports list registers of this kind.
    pub const fn list(self) -> &'static str {
        match self {
            RegisterKind::Trait => "traits",
            RegisterKind::Consent => "consents",
            RegisterKind::Link => "links",
        }
    }

    /// How many registers of this kind a profile may hold, and the limit's name. What [`Register::is_counted`] says no of is
    /// not among them.
    pub const fn limit(self) -> (usize, &'static str) {
        match self {
            RegisterKind::Trait => (limits::PROFILE_TRAITS_MAX, "profile_traits_max"),
            RegisterKind::Consent => (limits::PROFILE_CONSENTS_MAX, "profile_consents_max"),
            RegisterKind::Link => (limits::PROFILE_LINKS_MAX, "profile_links_max"),
        }
    }

    /// How many more there may be that do not count against the limit.
    pub const fn uncounted_max(self) -> usize {
        if matches!(self, RegisterKind::Consent) { Purpose::ALL.len() } else { 0 }
    }

    /// The names of the fields, in the order of the canonical form.
    pub const fn fields(self) -> &'static [&'static str] {
        match self {
            RegisterKind::Trait => &["name", "value", "ts_ms", "writer", "purpose"],
            RegisterKind::Consent => &["channel", "granted", "ts_ms", "writer", "purpose"],
            RegisterKind::Link => &["profile_id", "linked", "ts_ms", "writer"],
        }
    }
}

/// What a trait says, or whether a consent is granted or a link holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum RegisterValue<'a> {
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

impl<'a> RegisterValue<'a> {
    fn read(r: &mut Reader<'a>, kind: RegisterKind) -> Self {
        match r.kind() {
            Kind::Nil if kind == RegisterKind::Trait => {
                r.nil();
                RegisterValue::None
            }
            Kind::Str if kind == RegisterKind::Trait => RegisterValue::Text(r.text(limits::TEXT_BYTES_MAX)),
            Kind::Int | Kind::Float if kind == RegisterKind::Trait => RegisterValue::Int(r.int()),
            _ => RegisterValue::Bool(r.bool()),
        }
    }

    /// Writes it as what it is; null when it was taken back.
    pub fn write(&self, w: &mut Writer) {
        match self {
            RegisterValue::None => w.nil(),
            RegisterValue::Bool(value) => w.bool(*value),
            RegisterValue::Int(value) => w.int(*value),
            RegisterValue::Text(value) => w.str(value),
        }
    }
}

/// A register of a profile: a trait, a consent or a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register<'a> {
    /// What it is.
    pub kind: RegisterKind,
    /// The trait's name, the consent's channel (empty for all of them), or the other profile's id.
    pub name: &'a str,
    /// What the trait says; whether the consent is granted, or the link holds.
    pub value: RegisterValue<'a>,
    /// When it was written, Unix milliseconds UTC.
    pub ts_ms: i64,
    /// Who wrote it: a host, a device; empty when not told.
    pub writer: &'a str,
    /// What the trait may be used for, or what the consent is about.
    pub purpose: Purpose,
}

impl<'a> Register<'a> {
    /// Whether it counts against the limit of its kind. A consent for all channels does not: there is one a purpose at most,
    /// and who withdraws it must be heard, however many others there are.
    pub const fn is_counted(&self) -> bool {
        !matches!(self.kind, RegisterKind::Consent) || !self.name.is_empty()
    }

    /// Reads the named form: `{name, value?, ts_ms, writer?, purpose}`, `{channel?, granted, ts_ms, writer?, purpose}` or
    /// `{profile_id, linked, ts_ms, writer?}`. A trait without a value is taken back.
    pub fn read(r: &mut Reader<'a>, kind: RegisterKind) -> Self {
        let mut one = Register::of(kind);
        let (mut has_value, mut has_purpose) = (kind == RegisterKind::Trait, kind == RegisterKind::Link);
        read_fields(r, kind.fields(), |r, field| {
            one.read_field(r, field);
            has_value |= field == 1;
            if field == 4 {
                one.purpose = Purpose::read(r);
                has_purpose = true;
            }
        });
        let is_missing =
            [one.name.is_empty() && kind != RegisterKind::Consent, !has_value, one.ts_ms < 0, false, !has_purpose];
        if let Some(at) = is_missing.iter().position(|missing| *missing) {
            missing(r, kind.fields().get(at).copied().unwrap_or_default());
        }
        one
    }

    /// Reads the canonical form: an array of the fields in their order, a purpose as its number.
    pub fn read_canonical(r: &mut Reader<'a>, kind: RegisterKind) -> Self {
        let mut one = Register::of(kind);
        if r.array() != kind.fields().len() {
            let message = text!("an entry of `{}` has {} fields", kind.list(), kind.fields().len());
            r.fail(Error::new(ErrorCode::ProfileInvalid, message));
        }
        for field in 0..kind.fields().len() {
            match field {
                0 if kind == RegisterKind::Consent && r.nil() => {}
                4 => {
                    let number = r.int_within(0, Purpose::ALL.len() as i64 - 1);
                    one.purpose = Purpose::ALL.get(number as usize).copied().unwrap_or_default();
                }
                _ => one.read_field(r, field),
            }
        }
        one
    }

    const fn of(kind: RegisterKind) -> Self {
        let value = RegisterValue::None;
        Register { kind, name: "", value, ts_ms: -1, writer: "", purpose: Purpose::Personalization }
    }

    fn read_field(&mut self, r: &mut Reader<'a>, field: usize) {
        match field {
            0 if self.kind == RegisterKind::Consent => self.name = r.channel(),
            0 => self.name = r.id(),
            1 => self.value = RegisterValue::read(r, self.kind),
            2 => self.ts_ms = r.int_within(limits::TIME_MS_MIN, limits::TIME_MS_MAX),
            3 => self.writer = r.text(limits::ID_BYTES_MAX),
            _ => {}
        }
    }

    /// Writes the named form or the canonical one.
    #[inline(never)]
    pub fn write(&self, w: &mut Writer, named: bool) {
        let fields = self.kind.fields();
        if named {
            w.map(fields.len())
        } else {
            w.array(fields.len())
        }
        for (field, name) in fields.iter().enumerate() {
            if named {
                w.str(name);
            }
            match field {
                0 => w.opt_str((!self.name.is_empty()).then_some(self.name)),
                1 => self.value.write(w),
                2 => w.int(self.ts_ms),
                3 => w.str(self.writer),
                _ if named => w.str(self.purpose.as_str()),
                _ => w.int(self.purpose as i64),
            }
        }
    }

    /// Whether the consent is granted, or the link holds.
    pub fn is_on(&self) -> bool {
        self.value == RegisterValue::Bool(true)
    }

    /// The order of the keys: kind, purpose (of consents alone: a trait has one), name.
    pub fn by_key(&self, other: &Self) -> Ordering {
        let purpose = |one: &Self| if one.kind == RegisterKind::Consent { one.purpose as u8 } else { 0 };
        let by_purpose = || purpose(self).cmp(&purpose(other));
        self.kind.cmp(&other.kind).then_with(by_purpose).then_with(|| self.name.cmp(other.name))
    }

    /// Less when this value of a key wins over the other: the later one, then that of the greater writer, then the lesser
    /// value, so that withheld wins over granted and unlinked over linked.
    pub fn winner_first(&self, other: &Self) -> Ordering {
        let by_writer = || other.writer.cmp(self.writer);
        let by_value = || (self.value, self.purpose).cmp(&(other.value, other.purpose));
        other.ts_ms.cmp(&self.ts_ms).then_with(by_writer).then_with(by_value)
    }
}
