//! Requests that are wrong in exactly one way, with the code and the field that the answer has to name.

use super::BASE_MS;
use crate::random::Random;
use crate::value::{Value, encode, map, strings};
use unisono_message::limits;
use unisono_message::{ErrorCode, Purpose};

/// Every code that a request can lead to under the default policy.
pub const INVALID_CODES: [ErrorCode; 20] = [
    ErrorCode::InvalidMsgpack,
    ErrorCode::TrailingBytes,
    ErrorCode::InvalidUtf8,
    ErrorCode::InvalidType,
    ErrorCode::MissingField,
    ErrorCode::DuplicateKey,
    ErrorCode::OutOfRange,
    ErrorCode::InvalidId,
    ErrorCode::InvalidChannel,
    ErrorCode::InvalidCurrency,
    ErrorCode::LimitExceeded,
    ErrorCode::UnknownEventType,
    ErrorCode::UnknownPurpose,
    ErrorCode::UnknownPlacement,
    ErrorCode::UnknownGate,
    ErrorCode::DuplicatePlacement,
    ErrorCode::EventFromFuture,
    ErrorCode::ProfileMismatch,
    ErrorCode::ProfileVersionUnsupported,
    ErrorCode::ProfileInvalid,
];

/// A wrong request: its bytes, and the field that the error names; none where it depends on where the bytes end.
#[derive(Clone, Debug, PartialEq)]
pub struct Invalid {
    /// The request.
    pub bytes: Vec<u8>,
    /// As `placements[0].kind`.
    pub field: Option<String>,
}

const BAD_UTF8: &str = "here-is-no-utf-8";

/// A request that must be refused with `code`.
pub fn invalid(random: &mut Random, code: ErrorCode) -> Invalid {
    let mut request = base(random);
    let event = format!("profile.events[{}]", random.below(3));
    let placement = format!("placements[{}]", random.below(2));
    let named = |request: &Value, field: &str| Invalid { bytes: encode(request), field: Some(field.to_owned()) };
    if let Some((path, value)) = wrong_value(random, code, &event, &placement) {
        put(&mut request, &path, value);
        // An error within a list names the place in the list.
        let field = if code == ErrorCode::UnknownGate { format!("{path}[0]") } else { path };
        return match code {
            ErrorCode::InvalidUtf8 => Invalid { bytes: spoil(encode(&request)), field: Some(field) },
            _ => named(&request, &field),
        };
    }
    match code {
        ErrorCode::InvalidMsgpack => {
            let mut bytes = encode(&request);
            bytes.truncate(random.below(bytes.len()));
            Invalid { bytes, field: None }
        }
        ErrorCode::TrailingBytes => {
            let mut bytes = encode(&request);
            bytes.extend(std::iter::repeat_n(0xc0, 1 + random.below(5)));
            Invalid { bytes, field: Some(String::new()) }
        }
        ErrorCode::MissingField => {
            let paths = [
                "now_ms",
                "placements",
                &format!("{placement}.id"),
                &format!("{placement}.kind"),
                &format!("{placement}.k"),
                "profile.consents[0].purpose",
                "profile.consents[0].granted",
                "profile.consents[0].ts_ms",
                "profile.linked[0].profile_id",
                "profile.linked[0].state",
                &format!("{event}.event_id"),
                &format!("{event}.ts_ms"),
                &format!("{event}.type"),
                &format!("{event}.channel"),
            ]
            .map(str::to_owned);
            let path = random.pick(&paths);
            if random.chance(50) {
                put(&mut request, path, Value::Nil)
            } else {
                remove(&mut request, path)
            }
            named(&request, path)
        }
        ErrorCode::DuplicateKey => {
            let paths = ["now_ms", "profile", "context.channel", &format!("{event}.price"), &format!("{placement}.k")]
                .map(str::to_owned);
            let path = random.pick(&paths);
            double(&mut request, path);
            named(&request, path)
        }
        ErrorCode::DuplicatePlacement => {
            put(&mut request, "placements[1].id", Value::from("slot-0"));
            named(&request, "placements[1].id")
        }
        other => unreachable!("{other} has a wrong value"),
    }
}

/// A small valid request of two placements and three events.
fn base(random: &mut Random) -> Value {
    let event = |at: i64| {
        map(vec![
            ("event_id", Value::from(format!("e{at}"))),
            ("ts_ms", Value::from(BASE_MS - at * 1_000)),
            ("type", Value::from("purchase")),
            ("channel", Value::from("web")),
            ("item_id", Value::from("1")),
            ("price", Value::from(2.5)),
        ])
    };
    let consent = map(vec![("purpose", "offers".into()), ("granted", true.into()), ("ts_ms", Value::from(BASE_MS))]);
    let linked = map(vec![("profile_id", "p2".into()), ("state", Value::Binary(Vec::new()))]);
    let placement = |at: usize, kind: &str| {
        map(vec![("id", Value::from(format!("slot-{at}"))), ("kind", Value::from(kind)), ("k", Value::from(3))])
    };
    let mut fields = vec![
        ("request_id", Value::from("r1")),
        ("now_ms", Value::from(BASE_MS)),
        ("context", map(vec![("channel", Value::from("web")), ("cart", strings(&["1"]))])),
        ("placements", Value::Array(vec![placement(0, "for_you"), placement(1, "trending")])),
        (
            "profile",
            map(vec![
                ("profile_id", Value::from("p1")),
                ("events", Value::Array((0..3).map(event).collect())),
                ("consents", Value::Array(vec![consent])),
                ("linked", Value::Array(vec![linked])),
            ]),
        ),
    ];
    random.shuffle(&mut fields);
    map(fields)
}

/// A path and a value there that is wrong in the way of the code; none for codes that are no matter of one value.
fn wrong_value(random: &mut Random, code: ErrorCode, event: &str, placement: &str) -> Option<(String, Value)> {
    let choices: Vec<(String, Value)> = match code {
        ErrorCode::InvalidUtf8 => [
            "request_id",
            "profile.profile_id",
            "context.store_id",
            &at(event, "item_id"),
            &at(event, "query"),
            &at(placement, "category"),
        ]
        .map(|path| (path.to_owned(), Value::from(BAD_UTF8)))
        .into(),
        ErrorCode::InvalidType => wrong_types(event, placement),
        ErrorCode::OutOfRange => out_of_range(event, placement),
        ErrorCode::InvalidId => [
            "request_id",
            "profile.profile_id",
            "context.cart[0]",
            &at(event, "event_id"),
            &at(event, "item_id"),
            &at(placement, "id"),
        ]
        .map(|path| (path.to_owned(), text(if random.chance(50) { 0 } else { 129 })))
        .into(),
        ErrorCode::InvalidChannel => ["context.channel", &at(event, "channel")]
            .map(|path| (path.to_owned(), Value::from(*random.pick(&["Web", "", "web site", "käse"]))))
            .into(),
        ErrorCode::InvalidCurrency => {
            vec![(at(event, "currency"), Value::from(*random.pick(&["EURO", "eur", "", "E1R"])))]
        }
        ErrorCode::LimitExceeded => over_limits(event, placement),
        ErrorCode::UnknownEventType => vec![(at(event, "type"), Value::from("bought"))],
        ErrorCode::UnknownPurpose => vec![("profile.consents[0].purpose".into(), Value::from("love"))],
        ErrorCode::UnknownPlacement => vec![(at(placement, "kind"), Value::from("for_me"))],
        ErrorCode::UnknownGate => vec![(at(placement, "allow"), strings(&["adult"]))],
        ErrorCode::EventFromFuture => vec![
            (at(event, "ts_ms"), Value::from(BASE_MS + limits::FUTURE_MS_MAX + 1)),
            (at(event, "ts_ms"), Value::from(limits::TIME_MS_MAX)),
        ],
        ErrorCode::ProfileMismatch => vec![(at(event, "profile_id"), Value::from("p2"))],
        ErrorCode::ProfileVersionUnsupported => {
            return Some(("profile.state.version".into(), state(2, vec![], vec![])));
        }
        ErrorCode::ProfileInvalid => {
            let mark = |day: i64| Value::Array(vec![Value::from(day), "a".into(), Value::from(5), "web".into()]);
            let rising = state(1, vec![], vec![mark(1), mark(2)]);
            let twice = state(1, vec![], vec![mark(1), mark(1)]);
            vec![("profile.state".into(), rising), ("profile.state".into(), twice)]
        }
        _ => return None,
    };
    Some(random.pick(&choices).clone())
}

/// Values of another type than their field's.
fn wrong_types(event: &str, placement: &str) -> Vec<(String, Value)> {
    vec![
        ("request_id".into(), Value::from(7)),
        ("now_ms".into(), Value::from(BASE_MS.to_string())),
        ("now_ms".into(), Value::from(0.5)),
        ("profile".into(), Value::Array(vec![])),
        ("profile.events".into(), map(vec![])),
        ("profile.state".into(), Value::from("text")),
        ("context.cart".into(), Value::from("1")),
        ("explain".into(), Value::from("true")),
        ("profile.consents".into(), map(vec![])),
        ("profile.consents[0].granted".into(), Value::from(1)),
        ("profile.linked[0].state".into(), Value::from("text")),
        (at(event, "price"), Value::from("2.5")),
        (at(event, "quantity"), Value::from("1")),
        (at(event, "type"), Value::from(5)),
        (at(placement, "k"), Value::from("3")),
        (at(placement, "k"), Value::from(2.5)),
        (at(placement, "exclude_bought"), Value::from(1)),
        (at(placement, "diversity"), Value::from("0.5")),
    ]
}

/// Numbers beyond their field's range.
fn out_of_range(event: &str, placement: &str) -> Vec<(String, Value)> {
    vec![
        ("now_ms".into(), Value::from(-1)),
        ("now_ms".into(), Value::from(limits::TIME_MS_MAX + 1)),
        ("now_ms".into(), Value::from(u64::MAX)),
        ("now_ms".into(), Value::from(f64::NAN)),
        ("now_ms".into(), Value::from(f64::NEG_INFINITY)),
        ("seed".into(), Value::from((1u64 << 60) as f64)),
        ("profile.consents[0].ts_ms".into(), Value::from(-1)),
        (at(placement, "k"), Value::from(1e300)),
        ("context.utc_offset_min".into(), Value::from(1_081)),
        (at(placement, "k"), Value::from(0)),
        (at(placement, "k"), Value::from(1_001)),
        (at(placement, "diversity"), Value::from(-0.01)),
        (at(placement, "diversity"), Value::from(1.001)),
        (at(event, "price"), Value::from(f64::NAN)),
        (at(event, "price"), Value::from(f64::INFINITY)),
        (at(event, "price"), Value::from(-0.01)),
        (at(event, "price"), Value::from(limits::DECIMAL_ABS_MAX + 0.5)),
        (at(event, "quantity"), Value::from(-1)),
        (at(event, "quantity"), Value::from(0.0005)),
        (at(event, "sentiment"), Value::from(1.5)),
        (at(event, "rank"), Value::from(0)),
        // The year 3000.
        (at(event, "ts_ms"), Value::from(32_503_680_000_000i64)),
    ]
}

/// Lists, texts and nesting beyond a named limit.
fn over_limits(event: &str, placement: &str) -> Vec<(String, Value)> {
    vec![
        ("placements".into(), nothing(limits::PLACEMENTS_MAX + 1)),
        ("profile.events".into(), nothing(limits::REQUEST_EVENTS_MAX + 1)),
        ("context.cart".into(), nothing(limits::SEEDS_MAX + 1)),
        ("profile.consents".into(), nothing(limits::PROFILE_CONSENTS_MAX + Purpose::ALL.len() + 1)),
        ("profile.linked".into(), nothing(limits::COMPONENT_STATES_MAX + 1)),
        ("profile.consents[0].writer".into(), text(limits::ID_BYTES_MAX + 1)),
        ("later".into(), nested(limits::DEPTH_MAX + 1)),
        ("profile".into(), wide(limits::MAP_KEYS_MAX + 1)),
        (at(placement, "items"), nothing(limits::SEEDS_MAX + 1)),
        (at(placement, "exclude"), nothing(limits::ID_LIST_MAX + 1)),
        (at(placement, "allow"), nothing(3)),
        (at(placement, "category"), text(limits::CATEGORY_BYTES_MAX + 1)),
        (at(event, "query"), text(limits::TEXT_BYTES_MAX + 1)),
    ]
}

fn at(place: &str, name: &str) -> String {
    format!("{place}.{name}")
}

fn text(length: usize) -> Value {
    Value::from("x".repeat(length))
}

fn nothing(length: usize) -> Value {
    Value::Array(vec![Value::Nil; length])
}

fn state(version: i64, events: Vec<Value>, marks: Vec<Value>) -> Value {
    let fields =
        vec![("version", Value::from(version)), ("events", Value::Array(events)), ("marks", Value::Array(marks))];
    Value::Binary(encode(&map(fields)))
}

/// Lists within lists.
pub(super) fn nested(depth: usize) -> Value {
    (0..depth).fold(Value::Nil, |inner, _| Value::Array(vec![inner]))
}

fn wide(keys: usize) -> Value {
    Value::Map((0..keys).map(|at| (Value::from(format!("k{at}")), Value::Nil)).collect())
}

/// Makes the marked text invalid.
fn spoil(mut bytes: Vec<u8>) -> Vec<u8> {
    let at = bytes.windows(BAD_UTF8.len()).position(|window| window == BAD_UTF8.as_bytes()).expect("it was put there");
    bytes[at + 4] = 0xff;
    bytes
}

/// An event that `profile_apply` refuses.
pub(super) fn invalid_event(random: &mut Random, now_ms: i64) -> Value {
    let event = |pairs: Vec<(&'static str, Value)>| {
        let mut fields = vec![
            ("event_id", Value::from("bad")),
            ("ts_ms", Value::from(now_ms)),
            ("type", Value::from("purchase")),
            ("channel", Value::from("web")),
        ];
        fields.retain(|field| pairs.iter().all(|pair| pair.0 != field.0));
        fields.extend(pairs);
        map(fields)
    };
    match random.below(8) {
        0 => event(vec![("type", Value::from("bought"))]),
        1 => event(vec![("price", Value::from(f64::NAN))]),
        2 => event(vec![("ts_ms", Value::from(now_ms + 600_001))]),
        3 => event(vec![("channel", Value::Nil)]),
        4 => event(vec![("quantity", Value::from("1"))]),
        5 => event(vec![("course", nested(limits::DEPTH_MAX + 1))]),
        6 => event(vec![("profile_id", Value::from("p2"))]),
        _ => Value::from(3),
    }
}

/// An event of a channel that is wrong in a way that leaves its type and channel to be read.
pub(super) fn covered_event(random: &mut Random, now_ms: i64, channel: &str) -> Value {
    let kind = random.pick(&["purchase", "view", "offer_redeemed", "impression"]);
    let mut event = map(vec![
        ("event_id", Value::from("covered")),
        ("ts_ms", Value::from(now_ms)),
        ("type", Value::from(*kind)),
        ("channel", Value::from(channel)),
        ("item_id", Value::from("1")),
    ]);
    let (name, value) = match random.below(8) {
        0 => ("price", Value::from(f64::NAN)),
        1 => ("ts_ms", Value::from(now_ms + 600_001)),
        2 => ("quantity", Value::from("1")),
        3 => ("course", nested(limits::DEPTH_MAX + 1)),
        4 => ("profile_id", Value::from("p2")),
        5 => ("event_id", Value::Nil),
        6 => ("item_id", text(limits::ID_BYTES_MAX + 1)),
        _ => ("currency", Value::from("euro")),
    };
    crate::value::set(&mut event, name, value);
    event
}

/// The steps of `a[1].b`.
fn steps(path: &str) -> impl Iterator<Item = &str> {
    path.split(['.', '[', ']']).filter(|step| !step.is_empty())
}

/// The value that holds the last step of a path, and that step.
fn parent<'v, 'p>(value: &'v mut Value, path: &'p str) -> (&'v mut Value, &'p str) {
    // The state is one value of binary data, whatever the field within it.
    let path = path.strip_suffix(".version").unwrap_or(path);
    let steps: Vec<&str> = steps(path).collect();
    let (last, before) = steps.split_last().expect("a path has a step");
    (before.iter().fold(value, |value, step| child(value, step)), last)
}

fn child<'v>(value: &'v mut Value, step: &str) -> &'v mut Value {
    match value {
        Value::Array(values) => &mut values[step.parse::<usize>().expect("a list has numbered places")],
        Value::Map(pairs) => {
            let at = pairs.iter().position(|pair| pair.0.as_str() == Some(step)).expect("the base has this field");
            &mut pairs[at].1
        }
        other => panic!("{other} holds nothing"),
    }
}

fn put(value: &mut Value, path: &str, new: Value) {
    match parent(value, path) {
        (Value::Array(values), step) => values[step.parse::<usize>().expect("a place in a list")] = new,
        (holder, step) => crate::value::set(holder, step, new),
    }
}

fn remove(value: &mut Value, path: &str) {
    if let (Value::Map(pairs), step) = parent(value, path) {
        pairs.retain(|pair| pair.0.as_str() != Some(step));
    }
}

fn double(value: &mut Value, path: &str) {
    if let (Value::Map(pairs), step) = parent(value, path) {
        let pair = pairs.iter().find(|pair| pair.0.as_str() == Some(step)).expect("the base has this field").clone();
        pairs.push(pair);
    }
}
