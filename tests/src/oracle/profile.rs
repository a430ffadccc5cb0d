//! Profiles, naively: maps and sets instead of merged vectors, and an encoding by another MessagePack implementation.

use super::policy::{Consent, Consents, purpose, say};
use crate::value::{Value, decode, encode, field, int, list, map, text};
use anyhow::{Context, Result, ensure};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use unisono_message::limits::{DEPTH_MAX, PROFILE_EVENTS_PER_CLASS, PROFILE_MARKS_PER_CLASS};
use unisono_message::{EventType, Purpose};

/// The optional fields in the order of the canonical encoding; each is text or a whole number.
const TAIL: [&str; 21] = [
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
    "carried",
];
const REQUIRED: [&str; 5] = ["event_id", "ts_ms", "type", "channel", "profile_id"];

/// An event in canonical terms: money in millionths, quantities in thousandths.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its id.
    pub id: String,
    /// Unix ms.
    pub ts_ms: i64,
    /// What happened.
    pub kind: EventType,
    /// Where.
    pub channel: String,
    /// The optional fields in canonical order; nil for none.
    pub(super) tail: Vec<Value>,
}

impl Event {
    /// Reads the named form.
    pub fn named(value: &Value) -> Result<Event> {
        // No sender says that an event was carried: a token does.
        let given = |name: &str| field(value, name).filter(|_| name != "carried");
        let tail = TAIL.iter().map(|name| canonical(name, given(name))).collect();
        Ok(Event {
            id: text(value, "event_id").context("an event has an id")?.to_owned(),
            ts_ms: field(value, "ts_ms").and_then(int).context("an event has a time")?,
            kind: text(value, "type").and_then(EventType::from_name).context("an event has a type")?,
            channel: text(value, "channel").context("an event has a channel")?.to_owned(),
            tail,
        })
    }

    /// Reads the canonical form.
    fn array(value: &Value) -> Result<Event> {
        let fields = value.as_array().context("an event of a state is an array")?;
        ensure!((4..=25).contains(&fields.len()), "an event has 4 to 25 fields");
        let mut tail = fields[4..].to_vec();
        tail.resize(TAIL.len(), Value::Nil);
        Ok(Event {
            id: fields[0].as_str().context("an id")?.to_owned(),
            ts_ms: int(&fields[1]).context("a time")?,
            kind: int(&fields[2]).and_then(EventType::from_number).context("a type")?,
            channel: fields[3].as_str().context("a channel")?.to_owned(),
            tail,
        })
    }

    fn to_value(&self) -> Value {
        let mut fields = vec![
            Value::from(self.id.as_str()),
            self.ts_ms.into(),
            (self.kind as i64).into(),
            self.channel.as_str().into(),
        ];
        fields.extend(self.tail.iter().cloned());
        while fields.len() > 4 && fields.last().is_some_and(Value::is_nil) {
            fields.pop();
        }
        Value::Array(fields)
    }

    /// An optional text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.tail[tail_position(name)].as_str()
    }

    /// An optional number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.tail[tail_position(name)].as_i64()
    }

    /// Whether a token brought it.
    pub(super) fn carried(&self) -> bool {
        self.number("carried").is_some()
    }

    /// In thousandths.
    pub(super) fn quantity(&self) -> i64 {
        self.number("quantity").unwrap_or(1_000)
    }

    pub(super) fn set_quantity(&mut self, milli: i64) {
        self.tail[tail_position("quantity")] = if milli == 1_000 { Value::Nil } else { milli.into() };
    }

    /// The UTC day.
    pub(super) fn day(&self) -> i64 {
        self.ts_ms.div_euclid(86_400_000)
    }

    pub(super) fn class(&self) -> Class {
        (self.carried(), self.kind, self.channel.clone())
    }

    /// As senders name it.
    fn readable(&self, owner: Option<&str>) -> Value {
        let mut fields = vec![
            ("event_id", Value::from(self.id.as_str())),
            ("ts_ms", self.ts_ms.into()),
            ("type", self.kind.as_str().into()),
            ("channel", self.channel.as_str().into()),
        ];
        for (name, value) in TAIL.iter().zip(&self.tail).filter(|(name, value)| **name != "carried" && !value.is_nil())
        {
            let decimal = |scale: f64| Value::from(value.as_i64().unwrap_or(0) as f64 / scale);
            fields.push((
                name,
                match *name {
                    "quantity" => decimal(1e3),
                    "price" | "value" | "sentiment" => decimal(1e6),
                    _ => value.clone(),
                },
            ));
        }
        fields.extend(owner.map(|owner| ("profile_id", owner.into())));
        fields.extend(self.carried().then_some(("carried", true.into())));
        map(fields)
    }

    /// The total order.
    pub(super) fn order(&self) -> (i64, String, Vec<u8>) {
        (self.ts_ms, self.id.clone(), encode(&self.to_value()))
    }

    /// The day mark that it leaves.
    pub(super) fn mark(&self) -> Option<Mark> {
        let item_id = self.text("item_id")?.to_owned();
        let day = self.ts_ms.div_euclid(86_400_000);
        Some(Mark { newest_first: Reverse(day), item_id, kind: self.kind, channel: self.channel.clone() })
    }
}

fn tail_position(name: &str) -> usize {
    TAIL.iter().position(|known| *known == name).expect("a published field")
}

/// A field's canonical value; absent when it says what its absence says.
fn canonical(name: &str, value: Option<&Value>) -> Value {
    let scaled = |value: &Value, scale: f64| (value.as_f64().unwrap_or(0.0) * scale).round_ties_even() as i64;
    match (name, value) {
        (_, None) => Value::Nil,
        ("quantity", Some(value)) => match scaled(value, 1e3) {
            1_000 => Value::Nil,
            milli => milli.into(),
        },
        ("price" | "value" | "sentiment", Some(value)) => scaled(value, 1e6).into(),
        (_, Some(value)) => int(value).map_or_else(|| value.clone(), Value::from),
    }
}

/// A day mark; the order of the fields is the order of marks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// Days since 1970.
    pub newest_first: Reverse<i64>,
    /// The item.
    pub item_id: String,
    /// What happened.
    pub kind: EventType,
    /// Where.
    pub channel: String,
}

/// What a trait says, in the order in which the lesser of two at one time wins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Said {
    None,
    Bool(bool),
    Int(i64),
    Text(String),
}

/// A trait: time, writer, value, purpose; the greatest wins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trait(i64, String, Reverse<(Said, Purpose)>);

impl Trait {
    pub(super) fn purpose(&self) -> Purpose {
        self.2.0.1
    }

    pub(super) fn ts_ms(&self) -> i64 {
        self.0
    }
}

/// A word on a link: time, writer, dissolved; the greatest wins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link(i64, String, bool);

impl Link {
    pub(super) fn linked(&self) -> bool {
        !self.2
    }

    pub(super) fn ts_ms(&self) -> i64 {
        self.0
    }
}

/// A profile's state, and what its making left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// By class and channel, newest first.
    pub events: Vec<Event>,
    /// Newest first.
    pub marks: Vec<Mark>,
    /// By name.
    pub(super) traits: BTreeMap<String, Trait>,
    /// By purpose and channel.
    pub(super) consents: Consents,
    /// By the other profile.
    pub(super) links: BTreeMap<String, Link>,
    /// The tombstone.
    pub(super) erased: Option<i64>,
    /// Copies, events and marks that were left out.
    pub left_out: [usize; 3],
}

/// What events are bounded by; carried ones come after all others.
pub(super) type Class = (bool, EventType, String);

impl Profile {
    /// The state of all these states and events: the greatest copy of each, within the bounds, after the last tombstone.
    pub(super) fn joined(states: Vec<Profile>, events: Vec<Event>) -> Profile {
        let erased = states.iter().filter_map(|state| state.erased).max();
        let lives = |ts_ms: i64| erased.is_none_or(|erased| ts_ms > erased);
        let day_lives = |day: i64| erased.is_none_or(|erased| day > erased.div_euclid(86_400_000));
        let mut marks: BTreeSet<Mark> = events.iter().filter(|one| !one.carried()).filter_map(Event::mark).collect();
        let mut all = events;
        let (mut traits, mut consents, mut links) = (BTreeMap::new(), Consents::new(), BTreeMap::new());
        for state in states {
            all.extend(state.events);
            marks.extend(state.marks);
            for (name, one) in state.traits.into_iter().filter(|one| lives(one.1.ts_ms())) {
                keep_greater(&mut traits, name, one);
            }
            for ((purpose, channel), word) in state.consents.into_iter().filter(|one| lives(one.1.ts_ms)) {
                say(&mut consents, purpose, &channel, word);
            }
            for (other, one) in state.links.into_iter().filter(|one| lives(one.1.ts_ms())) {
                keep_greater(&mut links, other, one);
            }
        }
        all.retain(|event| lives(event.ts_ms));
        marks.retain(|mark| day_lives(mark.newest_first.0));
        Profile { traits, consents, links, erased, ..Profile::bounded(all, marks) }
    }

    fn bounded(events: Vec<Event>, marks: BTreeSet<Mark>) -> Profile {
        let count = events.len();
        let mut greatest: BTreeMap<(Class, String), Event> = BTreeMap::new();
        for event in events {
            let key = (event.class(), event.id.clone());
            match greatest.get(&key) {
                Some(other) if other.order() >= event.order() => {}
                _ => drop(greatest.insert(key, event)),
            }
        }
        let duplicates = count - greatest.len();
        let distinct = greatest.len();
        let mut classes: BTreeMap<Class, Vec<Event>> = BTreeMap::new();
        for ((class, _), event) in greatest {
            classes.entry(class).or_default().push(event);
        }
        let mut kept = Vec::new();
        for mut class in classes.into_values() {
            class.sort_by_cached_key(|event| Reverse(event.order()));
            class.truncate(PROFILE_EVENTS_PER_CLASS);
            kept.extend(class);
        }
        let distinct_marks = marks.len();
        let mut of_class: BTreeMap<(EventType, String), usize> = BTreeMap::new();
        let mut kept_marks: Vec<Mark> = Vec::new();
        for mark in marks {
            let count = of_class.entry((mark.kind, mark.channel.clone())).or_default();
            *count += 1;
            if *count <= PROFILE_MARKS_PER_CLASS {
                kept_marks.push(mark);
            }
        }
        let left_out = [duplicates, distinct - kept.len(), distinct_marks - kept_marks.len()];
        Profile { events: kept, marks: kept_marks, left_out, ..Profile::default() }
    }

    /// A state of an input; absent or of no bytes it is that of nobody.
    pub(super) fn given(state: Option<&Value>) -> Result<Profile> {
        match state.and_then(Value::as_slice) {
            None | Some([]) => Ok(Profile::default()),
            Some(bytes) => Profile::decode(bytes),
        }
    }

    /// Reads a state.
    pub fn decode(bytes: &[u8]) -> Result<Profile> {
        let root = decode(bytes)?;
        let events: Result<Vec<Event>> = list(&root, "events").iter().map(Event::array).collect();
        let marks: Option<Vec<Mark>> = list(&root, "marks").iter().map(read_mark).collect();
        let mut profile =
            Profile { events: events?, marks: marks.context("a mark has four fields")?, ..Profile::default() };
        for one in list(&root, "traits") {
            let (name, one) = trait_of_state(one).context("a trait has five fields")?;
            profile.traits.insert(name, one);
        }
        for one in list(&root, "consents") {
            let ((purpose, channel), word) = consent_of_state(one).context("a consent has five fields")?;
            profile.consents.insert((purpose, channel), word);
        }
        for one in list(&root, "links") {
            let fields = one.as_array().filter(|fields| fields.len() == 4).context("a link has four fields")?;
            let (ts_ms, writer) = stamp(&fields[2..]).context("a stamp")?;
            let dissolved = fields[1] == Value::from(false);
            profile.links.insert(fields[0].as_str().context("an id")?.to_owned(), Link(ts_ms, writer, dissolved));
        }
        profile.erased = field(&root, "erased").and_then(int);
        Ok(profile)
    }

    /// The pairs of class and channel.
    pub(super) fn classes(&self) -> BTreeSet<Class> {
        let of_marks = self.marks.iter().map(|mark| (false, mark.kind, mark.channel.clone()));
        self.events.iter().map(Event::class).chain(of_marks).collect()
    }

    /// The canonical encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mark = |mark: &Mark| {
            Value::Array(vec![
                mark.newest_first.0.into(),
                mark.item_id.as_str().into(),
                (mark.kind as i64).into(),
                mark.channel.as_str().into(),
            ])
        };
        let purpose = |purpose: Purpose| Value::from(purpose as i64);
        let mut fields = vec![
            ("version", 1.into()),
            ("events", Value::Array(self.events.iter().map(Event::to_value).collect())),
            ("marks", Value::Array(self.marks.iter().map(mark).collect())),
        ];
        let one = |(name, Trait(ts_ms, writer, said)): (&String, &Trait)| {
            let (value, of) = &said.0;
            let name = name.as_str().into();
            Value::Array(vec![name, value.to_value(), (*ts_ms).into(), writer.as_str().into(), purpose(*of)])
        };
        let word = |((of, channel), word): (&(Purpose, String), &Consent)| {
            let channel = if channel.is_empty() { Value::Nil } else { channel.as_str().into() };
            let stamp = [word.ts_ms.into(), word.writer.as_str().into()];
            Value::Array([&[channel, word.granted.into()], &stamp[..], &[purpose(*of)]].concat())
        };
        let link = |(other, link): (&String, &Link)| {
            Value::Array(vec![other.as_str().into(), link.linked().into(), link.0.into(), link.1.as_str().into()])
        };
        let registers: [(&str, Vec<Value>); 3] = [
            ("traits", self.traits.iter().map(one).collect()),
            ("consents", self.consents.iter().map(word).collect()),
            ("links", self.links.iter().map(link).collect()),
        ];
        fields
            .extend(registers.into_iter().filter(|all| !all.1.is_empty()).map(|(name, all)| (name, Value::Array(all))));
        fields.extend(self.erased.map(|erased| ("erased", erased.into())));
        encode(&crate::value::map(fields))
    }

    /// The state as people read it.
    pub(super) fn readable(&self, owner: Option<&str>) -> Value {
        let text = |text: &str| Value::from(text);
        let mark = |mark: &Mark| {
            map(vec![
                ("day_ms", (mark.newest_first.0 * 86_400_000).into()),
                ("item_id", text(&mark.item_id)),
                ("type", text(mark.kind.as_str())),
                ("channel", text(&mark.channel)),
            ])
        };
        let one = |(name, Trait(ts_ms, writer, said)): (&String, &Trait)| {
            map(vec![
                ("name", text(name)),
                ("value", said.0.0.to_value()),
                ("ts_ms", (*ts_ms).into()),
                ("writer", text(writer)),
                ("purpose", text(said.0.1.as_str())),
            ])
        };
        let word = |((purpose, channel), word): (&(Purpose, String), &Consent)| {
            map(vec![
                ("channel", if channel.is_empty() { Value::Nil } else { text(channel) }),
                ("granted", word.granted.into()),
                ("ts_ms", word.ts_ms.into()),
                ("writer", text(&word.writer)),
                ("purpose", text(purpose.as_str())),
            ])
        };
        let link = |(other, link): (&String, &Link)| {
            map(vec![
                ("profile_id", text(other)),
                ("linked", link.linked().into()),
                ("ts_ms", link.0.into()),
                ("writer", text(&link.1)),
            ])
        };
        map(vec![
            ("profile_id", owner.map_or(Value::Nil, Value::from)),
            ("events", Value::Array(self.events.iter().map(|event| event.readable(owner)).collect())),
            ("marks", Value::Array(self.marks.iter().map(mark).collect())),
            ("traits", Value::Array(self.traits.iter().map(one).collect())),
            ("consents", Value::Array(self.consents.iter().map(word).collect())),
            ("links", Value::Array(self.links.iter().map(link).collect())),
            ("erased_ms", self.erased.map_or(Value::Nil, Value::from)),
        ])
    }
}

fn keep_greater<T: Ord>(all: &mut BTreeMap<String, T>, key: String, one: T) {
    if all.get(&key).is_none_or(|known| *known < one) {
        all.insert(key, one);
    }
}

impl Said {
    fn of(value: Option<&Value>) -> Option<Said> {
        Some(match value {
            None => Said::None,
            Some(Value::Boolean(value)) => Said::Bool(*value),
            Some(Value::String(text)) => Said::Text(text.as_str()?.to_owned()),
            Some(number) => Said::Int(int(number)?),
        })
    }

    fn to_value(&self) -> Value {
        match self {
            Said::None => Value::Nil,
            Said::Bool(value) => (*value).into(),
            Said::Int(value) => (*value).into(),
            Said::Text(value) => value.as_str().into(),
        }
    }
}

/// (time, writer) in the middle of a register of a state.
fn stamp(fields: &[Value]) -> Option<(i64, String)> {
    Some((int(&fields[0])?, fields[1].as_str()?.to_owned()))
}

fn trait_of_state(value: &Value) -> Option<(String, Trait)> {
    let fields = value.as_array().filter(|fields| fields.len() == 5)?;
    let said = Said::of(Some(&fields[1]).filter(|value| !value.is_nil()))?;
    let (ts_ms, writer) = stamp(&fields[2..])?;
    let purpose = *Purpose::ALL.get(int(&fields[4])? as usize)?;
    Some((fields[0].as_str()?.to_owned(), Trait(ts_ms, writer, Reverse((said, purpose)))))
}

fn consent_of_state(value: &Value) -> Option<((Purpose, String), Consent)> {
    let fields = value.as_array().filter(|fields| fields.len() == 5)?;
    let (ts_ms, writer) = stamp(&fields[2..])?;
    let purpose = *Purpose::ALL.get(int(&fields[4])? as usize)?;
    let channel = fields[0].as_str().unwrap_or_default().to_owned();
    Some(((purpose, channel), Consent { granted: fields[1].as_bool()?, ts_ms, writer }))
}

/// When and by whom a named register was written.
fn named_stamp(value: &Value) -> Option<(i64, String)> {
    Some((field(value, "ts_ms").and_then(int)?, text(value, "writer").unwrap_or_default().to_owned()))
}

/// Reads a named consent; none where it is wrong in a way in which generated ones are.
pub(super) fn read_consent(value: &Value) -> Option<(Purpose, String, Consent)> {
    let (ts_ms, writer) = named_stamp(value)?;
    let granted = field(value, "granted")?.as_bool()?;
    let channel = text(value, "channel").unwrap_or_default();
    Some((purpose(text(value, "purpose")?)?, channel.to_owned(), Consent { granted, ts_ms, writer }))
}

/// Reads a named trait.
pub(super) fn read_trait(value: &Value) -> Option<(String, Trait)> {
    let (ts_ms, writer) = named_stamp(value)?;
    let said = Said::of(field(value, "value"))?;
    Some((text(value, "name")?.to_owned(), Trait(ts_ms, writer, Reverse((said, purpose(text(value, "purpose")?)?)))))
}

/// Reads a named link.
pub(super) fn read_link(value: &Value) -> Option<(String, Link)> {
    let (ts_ms, writer) = named_stamp(value)?;
    Some((text(value, "profile_id")?.to_owned(), Link(ts_ms, writer, !field(value, "linked")?.as_bool()?)))
}

fn read_mark(value: &Value) -> Option<Mark> {
    let fields = value.as_array().filter(|fields| fields.len() == 4)?;
    Some(Mark {
        newest_first: Reverse(int(&fields[0])?),
        item_id: fields[1].as_str()?.to_owned(),
        kind: EventType::from_number(int(&fields[2])?)?,
        channel: fields[3].as_str()?.to_owned(),
    })
}

/// How many fields of a named event no version knows.
pub fn unknown_fields(value: &Value) -> usize {
    value.as_map().map_or(0, |pairs| pairs.iter().filter(|pair| !pair.0.as_str().is_some_and(is_known)).count())
}

fn is_known(key: &str) -> bool {
    (TAIL.contains(&key) && key != "carried") || REQUIRED.contains(&key)
}

/// Levels of lists and maps that hold something.
fn depth(value: &Value) -> usize {
    let below = |values: &mut dyn Iterator<Item = &Value>| values.map(|inner| depth(inner) + 1).max().unwrap_or(0);
    match value {
        Value::Array(values) => below(&mut values.iter()),
        Value::Map(pairs) => below(&mut pairs.iter().flat_map(|pair| [&pair.0, &pair.1])),
        _ => 0,
    }
}

/// Whether an event may enter, as far as generated events and those of case files go wrong.
pub(super) fn acceptable(event: &Value, owner: Option<&str>, now_ms: i64) -> bool {
    let pairs = event.as_map().map_or(&[][..], Vec::as_slice);
    let too_deep = |(key, value): &(Value, Value)| !key.as_str().is_some_and(is_known) && depth(value) > DEPTH_MAX;
    let of_another = text(event, "profile_id").zip(owner).is_some_and(|(named, owner)| named != owner);
    if pairs.iter().any(too_deep) || of_another {
        return false;
    }
    let number = |name: &str, least: f64| {
        let sound = |value: &Value| value.as_f64().is_some_and(|number| number.is_finite() && number >= least);
        field(event, name).is_none_or(sound)
    };
    text(event, "event_id").is_some()
        && class_of(event).is_some()
        && field(event, "ts_ms").and_then(int).is_some_and(|ts_ms| ts_ms <= now_ms + 600_000)
        && number("price", 0.0)
        && number("quantity", 0.000_51)
}

/// The type and channel of a named event, where both are sound.
pub(super) fn class_of(event: &Value) -> Option<(EventType, String)> {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let channel = text(event, "channel").filter(|channel| !channel.is_empty() && channel.bytes().all(letter))?;
    Some((EventType::from_name(text(event, "type")?)?, channel.to_owned()))
}
