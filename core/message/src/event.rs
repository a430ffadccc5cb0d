//! Events: what a profile did, or what was shown to it, at one moment in one channel.

use crate::decimal::{MILLI, micro_from_f64, micro_to_f64, milli_from_f64, milli_to_f64};
use crate::error::{Error, ErrorCode, Result};
use crate::fields::{missing, position_of, read_fields};
use crate::limits;
use crate::reader::{Kind, Reader};
use crate::text;
use crate::writer::Writer;
use core::cmp::Ordering;

macro_rules! event_types {
    ($($variant:ident $number:literal $name:literal),+ $(,)?) => {
        /// What happened. Numbers and names are stable; the type is also the event's class, by which profiles bound
        /// what they keep.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum EventType { $(#[doc = $name] $variant = $number),+ }

        impl EventType {
            /// Every type.
            pub const ALL: &'static [EventType] = &[$(EventType::$variant),+];

            /// Every name, in the same order.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// The published name.
            pub const fn as_str(self) -> &'static str {
                match self { $(EventType::$variant => $name),+ }
            }

            /// The type with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                position_of(Self::NAMES, name).and_then(|at| Self::ALL.get(at).copied())
            }

            /// The type with this number.
            pub const fn from_number(number: i64) -> Option<Self> {
                match number { $($number => Some(EventType::$variant),)+ _ => None }
            }
        }
    };
}

event_types! {
    View 0 "view", Search 1 "search", CartAdd 2 "cart_add", CartRemove 3 "cart_remove", WishlistAdd 4 "wishlist_add",
    Purchase 5 "purchase", Return 6 "return", Reservation 7 "reservation", Pickup 8 "pickup", Rating 9 "rating",
    Impression 10 "impression", Click 11 "click", OfferShown 12 "offer_shown", OfferClicked 13 "offer_clicked",
    OfferRedeemed 14 "offer_redeemed", MessageSent 15 "message_sent", MessageOpened 16 "message_opened",
    MessageClicked 17 "message_clicked", Contact 18 "contact",
}

/// One event, borrowed from the bytes that it was decoded from. Money is micro-units, quantity milli-units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Unique within the event's class and channel.
    pub event_id: &'a str,
    /// Unix milliseconds UTC.
    pub ts_ms: i64,
    /// What happened.
    pub kind: EventType,
    /// Where it happened: `web`, `store`, ... or a name of the shop's own.
    pub channel: &'a str,
    /// The product.
    pub item_id: Option<&'a str>,
    /// Milli-units, above 0; 1,000 when absent.
    pub quantity_milli: i64,
    /// Price of one unit in micro-units, 0 or more.
    pub price_micro: Option<i64>,
    /// ISO 4217; absent means the shop's.
    pub currency: Option<&'a str>,
    /// The order of a purchase.
    pub order_id: Option<&'a str>,
    /// The session.
    pub session_id: Option<&'a str>,
    /// The store.
    pub store_id: Option<&'a str>,
    /// The offer.
    pub offer_id: Option<&'a str>,
    /// The placement that an impression or click belongs to.
    pub placement: Option<&'a str>,
    /// Rank within the placement, from 1.
    pub rank: Option<i64>,
    /// The decision that showed it.
    pub decision_id: Option<&'a str>,
    /// Kind of device.
    pub device: Option<&'a str>,
    /// Where the visitor came from (utm, influencer, affiliate).
    pub source: Option<&'a str>,
    /// Search words.
    pub query: Option<&'a str>,
    /// A rating or satisfaction, in micro-units.
    pub value_micro: Option<i64>,
    /// Topic of a contact.
    pub topic: Option<&'a str>,
    /// Outcome of a contact.
    pub outcome: Option<&'a str>,
    /// -1,000,000 to 1,000,000, given by the shop's system.
    pub sentiment_micro: Option<i64>,
    /// Waiting time of a contact.
    pub wait_ms: Option<i64>,
    /// Local time minus UTC, in minutes.
    pub utc_offset_min: Option<i64>,
    /// A copy that came with a portable token: it stands back where the original is known. No sender sets it.
    pub carried: bool,
    canonical: Canonical<'a>,
}

/// The canonical bytes that an event was read from, to be written again as they are; none of an event that was made or
/// changed otherwise.
#[derive(Clone, Copy, Debug, Eq)]
struct Canonical<'a>(&'a [u8]);

/// They say nothing that the fields do not.
impl PartialEq for Canonical<'_> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// The required fields, then the optional ones in their canonical order, the common ones first.
const FIELDS: [&str; 25] = [
    "event_id",
    "ts_ms",
    "type",
    "channel",
    "item_id",
    "quantity",
    "price",
    "currency",
    "order_id",
    "session_id",
    "store_id",
    "offer_id",
    "placement",
    "rank",
    "decision_id",
    "device",
    "source",
    "query",
    "value",
    "topic",
    "outcome",
    "sentiment",
    "wait_ms",
    "utc_offset_min",
    "profile_id",
];

impl EventType {
    /// Reads a type's name; the reader fails with `unknown_event_type`.
    pub fn read_name(r: &mut Reader<'_>) -> Self {
        let name = r.text(limits::TEXT_BYTES_MAX);
        EventType::from_name(name).unwrap_or_else(|| {
            let message = text!("`{}` is no event type; `view` and `purchase` are", name);
            r.fail(Error::new(ErrorCode::UnknownEventType, message));
            EventType::View
        })
    }

    /// Reads a type's number; the reader fails with `unknown_event_type`.
    pub fn read_number(r: &mut Reader<'_>) -> Self {
        let number = r.int();
        EventType::from_number(number).unwrap_or_else(|| {
            let message = text!("no event type has the number `{}`", number);
            r.fail(Error::new(ErrorCode::UnknownEventType, message));
            EventType::View
        })
    }
}

impl<'a> Event<'a> {
    /// An event with nothing but the required fields.
    pub const fn new(event_id: &'a str, ts_ms: i64, kind: EventType, channel: &'a str) -> Self {
        Event {
            event_id,
            ts_ms,
            kind,
            channel,
            item_id: None,
            quantity_milli: MILLI,
            price_micro: None,
            currency: None,
            order_id: None,
            session_id: None,
            store_id: None,
            offer_id: None,
            placement: None,
            rank: None,
            decision_id: None,
            device: None,
            source: None,
            query: None,
            value_micro: None,
            topic: None,
            outcome: None,
            sentiment_micro: None,
            wait_ms: None,
            utc_offset_min: None,
            carried: false,
            canonical: Canonical(&[]),
        }
    }

    /// The UTC day, days since 1970-01-01.
    pub const fn day(&self) -> i64 {
        self.ts_ms.div_euclid(86_400_000)
    }

    /// Reads an event in its named form. Its `profile_id`, where it carries one, becomes `owner`: [`check_owner`] tells
    /// whether it is the right one, once that is known. The reader fails with a typed error that names the field; see
    /// [`ErrorCode`].
    pub fn read(reader: &mut Reader<'a>, owner: &mut Option<&'a str>) -> Self {
        let mut event = Event::unread();
        event.read_named(reader, owner);
        event
    }

    /// Forgets the canonical bytes that the event was read from. Whoever changes a field of it must, or [`Event::write`] writes
    /// it as it was.
    pub const fn forget_bytes(&mut self) {
        self.canonical = Canonical(&[]);
    }

    /// What [`Event::read_named`] reads into.
    pub const fn unread() -> Self {
        Event::new("", -1, EventType::View, "")
    }

    /// As [`Event::read`], in place: an event is too long to be handed from hand to hand.
    pub fn read_named(&mut self, reader: &mut Reader<'a>, owner: &mut Option<&'a str>) {
        let event = self;
        event.forget_bytes();
        let mut has_type = false;
        read_fields(reader, &FIELDS, |r, field| match field {
            0 => event.event_id = r.id(),
            1 => event.ts_ms = r.int_within(limits::TIME_MS_MIN, limits::TIME_MS_MAX),
            2 => {
                event.kind = EventType::read_name(r);
                has_type = true;
            }
            3 => event.channel = r.channel(),
            5 => event.quantity_milli = read_quantity(r),
            6 => event.price_micro = Some(read_price(r)),
            18 => event.value_micro = Some(read_micro(r)),
            21 => event.sentiment_micro = Some(read_sentiment(r)),
            24 => *owner = Some(r.id()),
            optional => event.read_tail(r, optional - 4),
        });
        match () {
            () if event.event_id.is_empty() => missing(reader, "event_id"),
            () if event.ts_ms < 0 => missing(reader, "ts_ms"),
            () if !has_type => missing(reader, "type"),
            () if event.channel.is_empty() => missing(reader, "channel"),
            () => {}
        }
    }

    /// The type and channel of an event in its named form, where both are sound, whatever else is wrong with it.
    pub fn class_of(bytes: &[u8]) -> Option<(EventType, &str)> {
        let mut reader = Reader::new(bytes);
        let (mut kind, mut channel) = (None, None);
        for _ in 0..reader.map_head_of_any() {
            // A key that is no text is no reason to look away.
            let key = if reader.kind() == Kind::Str { reader.str_bytes() } else { reader.leap() };
            match key {
                b"type" if kind.is_none() => kind = Some(EventType::read_name(&mut reader)),
                b"channel" if channel.is_none() => channel = Some(reader.channel()),
                // Not looked at, so that nothing in it hides the class: neither its depth nor a string that is no UTF-8.
                _ => drop(reader.leap()),
            }
        }
        reader.result().ok().and(kind.zip(channel))
    }

    /// Calls `each(name, field)` for every optional field that is present, in the canonical order, with its published name.
    pub fn each_field(&self, mut each: impl FnMut(&'static str, Field<'a>)) {
        for (field, name) in FIELDS.iter().skip(4).enumerate().take(TAIL_FIELDS - 1) {
            let value = match self.tail(field) {
                Tail::Text(value) => value.map(Field::Text),
                Tail::Int(value) => value.map(|value| match field {
                    1 => Field::Decimal(milli_to_f64(value)),
                    2 | 14 | 17 => Field::Decimal(micro_to_f64(value)),
                    _ => Field::Int(value),
                }),
            };
            if let Some(value) = value {
                each(name, value);
            }
        }
    }

    /// Writes the canonical form: an array in a fixed order, without the nulls at its end. Equal events, equal bytes.
    pub fn write(&self, w: &mut Writer) {
        match self.canonical {
            Canonical([]) => self.write_fields(w),
            Canonical(bytes) => {
                debug_assert!(self.is_written_as(bytes), "a field was changed after the event was read: {self:?}");
                w.raw(bytes);
            }
        }
    }

    fn is_written_as(&self, bytes: &[u8]) -> bool {
        let mut w = Writer::new();
        self.write_fields(&mut w);
        w.as_bytes() == bytes
    }

    fn write_fields(&self, w: &mut Writer) {
        let fields = self.written_fields();
        w.array(fields);
        w.str(self.event_id);
        w.int(self.ts_ms);
        w.int(self.kind as i64);
        w.str(self.channel);
        for field in 0..fields.saturating_sub(4) {
            self.tail(field).write(w);
        }
    }

    /// Reads the canonical form. The reader fails as in [`Event::read`], and with `profile_invalid` when there are more
    /// fields than this version knows. Whether the bytes are those that [`Event::write`] writes,
    /// [`Reader::is_shortest`] tells.
    pub fn read_canonical(r: &mut Reader<'a>) -> Self {
        let start = r.rest();
        let length = r.array();
        if !(4..=4 + TAIL_FIELDS).contains(&length) {
            r.fail(Error::new(ErrorCode::ProfileInvalid, text!("an event of `{}` fields", length)));
        }
        let event_id = r.id();
        let ts_ms = r.int_within(limits::TIME_MS_MIN, limits::TIME_MS_MAX);
        let kind = EventType::read_number(r);
        let mut event = Event::new(event_id, ts_ms, kind, r.channel());
        for field in 0..length.saturating_sub(4) {
            let is_given = !r.nil();
            if is_given {
                event.read_tail(r, field);
            }
            // What is not said has no place at the end, and a quantity of one is not said.
            let is_one = field == 1 && event.quantity_milli == MILLI;
            r.was_shortest(if is_given { !is_one } else { field + 5 < length });
        }
        if r.is_shortest() {
            event.canonical = Canonical(start.get(..start.len() - r.rest().len()).unwrap_or_default());
        }
        event
    }

    /// Up to the last field that is present, in the order of [`Event::tail`].
    fn written_fields(&self) -> usize {
        let is_present: [bool; TAIL_FIELDS] = [
            self.item_id.is_some(),
            self.quantity_milli != MILLI,
            self.price_micro.is_some(),
            self.currency.is_some(),
            self.order_id.is_some(),
            self.session_id.is_some(),
            self.store_id.is_some(),
            self.offer_id.is_some(),
            self.placement.is_some(),
            self.rank.is_some(),
            self.decision_id.is_some(),
            self.device.is_some(),
            self.source.is_some(),
            self.query.is_some(),
            self.value_micro.is_some(),
            self.topic.is_some(),
            self.outcome.is_some(),
            self.sentiment_micro.is_some(),
            self.wait_ms.is_some(),
            self.utc_offset_min.is_some(),
            self.carried,
        ];
        4 + is_present.iter().rposition(|present| *present).map_or(0, |last| last + 1)
    }

    /// The canonical order of the optional fields, the common ones first.
    #[inline(never)]
    fn tail(&self, field: usize) -> Tail<'a> {
        match field {
            0 => Tail::Text(self.item_id),
            1 => Tail::Int((self.quantity_milli != MILLI).then_some(self.quantity_milli)),
            2 => Tail::Int(self.price_micro),
            3 => Tail::Text(self.currency),
            4 => Tail::Text(self.order_id),
            5 => Tail::Text(self.session_id),
            6 => Tail::Text(self.store_id),
            7 => Tail::Text(self.offer_id),
            8 => Tail::Text(self.placement),
            9 => Tail::Int(self.rank),
            10 => Tail::Text(self.decision_id),
            11 => Tail::Text(self.device),
            12 => Tail::Text(self.source),
            13 => Tail::Text(self.query),
            14 => Tail::Int(self.value_micro),
            15 => Tail::Text(self.topic),
            16 => Tail::Text(self.outcome),
            17 => Tail::Int(self.sentiment_micro),
            18 => Tail::Int(self.wait_ms),
            19 => Tail::Int(self.utc_offset_min),
            _ => Tail::Int(self.carried.then_some(1)),
        }
    }

    fn read_tail(&mut self, r: &mut Reader<'a>, field: usize) {
        let micro = (limits::DECIMAL_ABS_MAX as i64) * crate::MICRO;
        match field {
            0 => self.item_id = Some(r.id()),
            1 => self.quantity_milli = r.int_within(1, micro / (crate::MICRO / MILLI)),
            2 => self.price_micro = Some(r.int_within(0, micro)),
            3 => self.currency = Some(read_currency(r)),
            4 => self.order_id = Some(r.id()),
            5 => self.session_id = Some(r.id()),
            6 => self.store_id = Some(r.id()),
            7 => self.offer_id = Some(r.id()),
            8 => self.placement = Some(r.id()),
            9 => self.rank = Some(r.int_within(1, limits::RANK_MAX)),
            10 => self.decision_id = Some(r.id()),
            11 => self.device = Some(r.text(limits::TEXT_BYTES_MAX)),
            12 => self.source = Some(r.text(limits::TEXT_BYTES_MAX)),
            13 => self.query = Some(r.text(limits::TEXT_BYTES_MAX)),
            14 => self.value_micro = Some(r.int_within(-micro, micro)),
            15 => self.topic = Some(r.text(limits::TEXT_BYTES_MAX)),
            16 => self.outcome = Some(r.text(limits::TEXT_BYTES_MAX)),
            17 => self.sentiment_micro = Some(r.int_within(-1_000_000, 1_000_000)),
            18 => self.wait_ms = Some(r.int_within(0, limits::TIME_MS_MAX)),
            19 => self.utc_offset_min = Some(read_utc_offset(r)),
            _ => self.carried = r.int_within(1, 1) == 1,
        }
    }

    /// The total order of events: time, then id, then canonical bytes.
    pub fn total_cmp(&self, other: &Self) -> Ordering {
        let by_time = self.ts_ms.cmp(&other.ts_ms).then_with(|| self.event_id.cmp(other.event_id));
        by_time.then_with(|| self.canonical_cmp(other))
    }

    /// The order of the canonical bytes of two events of one time and id. Encodings are no prefixes of each other, so that
    /// the first field that differs decides, and copies are told equal without being written.
    #[cold]
    #[inline(never)]
    fn canonical_cmp(&self, other: &Self) -> Ordering {
        let differs = (0..TAIL_FIELDS).find(|field| self.tail(*field) != other.tail(*field));
        if differs.is_none() && (self.kind, self.channel) == (other.kind, other.channel) {
            return Ordering::Equal;
        }
        let field = differs.unwrap_or(0);
        self.canonical_part(field).cmp(&other.canonical_part(field))
    }

    /// What decides between the canonical bytes of two events that are equal in all else.
    #[inline(never)]
    fn canonical_part(&self, field: usize) -> alloc::vec::Vec<u8> {
        let mut w = Writer::new();
        w.array(self.written_fields());
        w.int(self.kind as i64);
        w.str(self.channel);
        self.tail(field).write(&mut w);
        w.into_bytes()
    }
}

const TAIL_FIELDS: usize = 21;

/// An optional field's value as senders know it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Field<'a> {
    /// Text.
    Text(&'a str),
    /// A whole number.
    Int(i64),
    /// A decimal: an amount, a quantity, a rating.
    Decimal(f64),
}

#[derive(PartialEq)]
enum Tail<'a> {
    Text(Option<&'a str>),
    Int(Option<i64>),
}

impl Tail<'_> {
    fn write(&self, w: &mut Writer) {
        match self {
            Tail::Text(value) => w.opt_str(*value),
            Tail::Int(value) => w.opt_int(*value),
        }
    }
}

pub(crate) fn read_currency<'a>(r: &mut Reader<'a>) -> &'a str {
    let code = r.str();
    if code.len() != 3 || !code.bytes().all(|b| b.is_ascii_uppercase()) {
        r.fail_with(ErrorCode::InvalidCurrency, "a currency is three upper-case letters, as `EUR`");
    }
    code
}

pub(crate) fn read_utc_offset(r: &mut Reader<'_>) -> i64 {
    r.int_within(-limits::UTC_OFFSET_MIN_MAX, limits::UTC_OFFSET_MIN_MAX)
}

fn read_micro(r: &mut Reader<'_>) -> i64 {
    let value = r.f64();
    r.take(micro_from_f64(value))
}

fn read_quantity(r: &mut Reader<'_>) -> i64 {
    let value = r.f64();
    let milli = r.take(milli_from_f64(value));
    if milli <= 0 {
        let message = "a quantity is above 0 (at least 0.001); send a `return` event for what came back";
        r.fail_with(ErrorCode::OutOfRange, message);
    }
    milli
}

fn read_price(r: &mut Reader<'_>) -> i64 {
    let micro = read_micro(r);
    if micro < 0 {
        r.fail_with(ErrorCode::OutOfRange, "a price is 0 or more");
    }
    micro
}

fn read_sentiment(r: &mut Reader<'_>) -> i64 {
    let micro = read_micro(r);
    if !(-1_000_000..=1_000_000).contains(&micro) {
        r.fail_with(ErrorCode::OutOfRange, "a sentiment is within -1 to 1");
    }
    micro
}

/// Fails at `profile_id` when an event names another profile than the one that it was sent with, if both are named.
///
/// # Errors
/// `profile_mismatch`.
pub fn check_owner(named: Option<&str>, owner: Option<&str>) -> Result<()> {
    match (named, owner) {
        (Some(named), Some(owner)) if named != owner => {
            let message = text!("the event belongs to `{}`, not to `{}`", named, owner);
            Err(Error::new(ErrorCode::ProfileMismatch, message).in_field("profile_id"))
        }
        _ => Ok(()),
    }
}
