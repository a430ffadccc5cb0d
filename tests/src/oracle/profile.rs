//! Profiles, naively: maps and sets instead of merged vectors, and an encoding by another MessagePack implementation.

use super::answer::warnings;
use super::request::unknown_keys;
use crate::value::{Value, decode, encode, field, int, list, text};
use anyhow::{Context, Result, ensure};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use unisono_message::limits::{DEPTH_MAX, PROFILE_CLASSES_MAX, PROFILE_EVENTS_PER_CLASS, PROFILE_MARKS_PER_CLASS};
use unisono_message::{EventType, WarningCode};

/// The optional fields in the order of the canonical encoding; each is text or a whole number.
const TAIL: [&str; 20] = [
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
    tail: Vec<Value>,
}

impl Event {
    /// Reads the named form.
    pub fn named(value: &Value) -> Result<Event> {
        let tail = TAIL.iter().map(|name| canonical(name, field(value, name))).collect();
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
        ensure!((4..=24).contains(&fields.len()), "an event has 4 to 24 fields");
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

    /// The total order.
    fn order(&self) -> (i64, String, Vec<u8>) {
        (self.ts_ms, self.id.clone(), encode(&self.to_value()))
    }

    fn mark(&self) -> Option<Mark> {
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

/// A profile's state, and what its making left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// By class and channel, newest first.
    pub events: Vec<Event>,
    /// Newest first.
    pub marks: Vec<Mark>,
    /// Copies, events and marks that were left out.
    pub left_out: [usize; 3],
}

impl Profile {
    /// The state of all these events and marks, each once and within its bound.
    pub fn of(events: Vec<Event>, marks: Vec<Mark>) -> Profile {
        let count = events.len();
        let marks: BTreeSet<Mark> = marks.into_iter().collect();
        let mut greatest: BTreeMap<(EventType, String, String), Event> = BTreeMap::new();
        for event in events {
            let key = (event.kind, event.channel.clone(), event.id.clone());
            match greatest.get(&key) {
                Some(other) if other.order() >= event.order() => {}
                _ => drop(greatest.insert(key, event)),
            }
        }
        let duplicates = count - greatest.len();
        let distinct = greatest.len();
        let mut classes: BTreeMap<(EventType, String), Vec<Event>> = BTreeMap::new();
        for ((kind, channel, _), event) in greatest {
            classes.entry((kind, channel)).or_default().push(event);
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
        Profile { events: kept, marks: kept_marks, left_out }
    }

    /// Reads a state.
    pub fn decode(bytes: &[u8]) -> Result<Profile> {
        let root = decode(bytes)?;
        let events: Result<Vec<Event>> = list(&root, "events").iter().map(Event::array).collect();
        let marks: Option<Vec<Mark>> = list(&root, "marks").iter().map(read_mark).collect();
        Ok(Profile { events: events?, marks: marks.context("a mark has four fields")?, left_out: [0; 3] })
    }

    /// The state with more events. A mark is derived when its event is applied, and never again.
    pub fn with(self, events: Vec<Event>) -> Profile {
        let marks = events.iter().filter_map(Event::mark).chain(self.marks).collect();
        Profile::of([self.events, events].concat(), marks)
    }

    /// The pairs of class and channel.
    fn classes(&self) -> BTreeSet<(EventType, String)> {
        self.events.iter().map(|event| (event.kind, event.channel.clone())).collect()
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
        encode(&crate::value::map(vec![
            ("version", 1.into()),
            ("events", Value::Array(self.events.iter().map(Event::to_value).collect())),
            ("marks", Value::Array(self.marks.iter().map(mark).collect())),
        ]))
    }
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
    TAIL.contains(&key) || REQUIRED.contains(&key)
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
fn acceptable(event: &Value, owner: Option<&str>, now_ms: i64) -> bool {
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
        && text(event, "channel").is_some()
        && text(event, "type").is_some_and(|name| EventType::from_name(name).is_some())
        && field(event, "ts_ms").and_then(int).is_some_and(|ts_ms| ts_ms <= now_ms + 600_000)
        && number("price", 0.0)
        && number("quantity", 0.000_51)
}

/// The answer of `profile_apply`.
pub fn applied(input: &[u8], answer: &[u8]) -> Result<()> {
    let (input, answer) = (decode(input)?, decode(answer)?);
    let events = list(&input, "events");
    let results = list(&answer, "results");
    ensure!(events.len() == results.len(), "a result an event");
    let now_ms = field(&input, "now_ms").and_then(int).context("the input has a moment")?;
    let state = field(&input, "state").and_then(Value::as_slice);
    let before = state.map_or_else(|| Ok(Profile::default()), Profile::decode)?;
    let mut classes = before.classes();
    let mut unknown = unknown_keys(&input, &["now_ms", "profile_id", "state", "events"]);
    let mut accepted = Vec::new();
    for (event, result) in events.iter().zip(results) {
        let class = || Event::named(event).map(|event| (event.kind, event.channel));
        let finds_room = |class: &(EventType, String)| classes.len() < PROFILE_CLASSES_MAX || classes.contains(class);
        let enters = acceptable(event, text(&input, "profile_id"), now_ms) && finds_room(&class()?);
        let identity = |event: &Event| (event.kind, event.channel.clone(), event.id.clone());
        let is_known = enters && {
            let event = identity(&Event::named(event)?);
            before.events.iter().chain(&accepted).any(|known| identity(known) == event)
        };
        let wanted = match (enters, is_known) {
            (false, _) => "refused",
            (true, true) => "duplicate",
            (true, false) => "accepted",
        };
        let status = text(result, "status");
        ensure!(status == Some(wanted), "`{event}` must be {wanted}, and is {status:?}");
        ensure!(text(result, "code").is_some() == (wanted == "refused"), "a refusal has a code: `{result}`");
        if enters {
            classes.insert(class()?);
            unknown += unknown_fields(event);
            accepted.push(Event::named(event)?);
        }
    }
    same_state(&answer, &before.with(accepted), unknown)
}

/// The answer of `profile_merge`.
pub fn merged(input: &[u8], answer: &[u8]) -> Result<()> {
    let (mut events, mut marks) = (Vec::new(), Vec::new());
    let input = decode(input)?;
    for state in list(&input, "states") {
        let profile = Profile::decode(state.as_slice().context("a state is binary")?)?;
        events.extend(profile.events);
        marks.extend(profile.marks);
    }
    same_state(&decode(answer)?, &Profile::of(events, marks), unknown_keys(&input, &["states"]))
}

/// The state, and what its making left out or passed over.
fn same_state(answer: &Value, wanted: &Profile, unknown: usize) -> Result<()> {
    let state = field(answer, "state").and_then(Value::as_slice).context("the answer has a state")?;
    ensure!(state == wanted.encode(), "the state differs from the twin's: {}", decode(state)?);
    let [duplicates, events, marks] = wanted.left_out;
    let wanted = warnings(&[
        (WarningCode::UnknownField, unknown),
        (WarningCode::DuplicateEvent, duplicates),
        (WarningCode::EventsBeyondBound, events),
        (WarningCode::MarksBeyondBound, marks),
    ]);
    let found = field(answer, "warnings");
    ensure!(found == Some(&wanted), "the warnings are {found:?}, and must be {wanted}");
    Ok(())
}
