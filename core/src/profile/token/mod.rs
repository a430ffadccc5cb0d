//! The portable token: what one channel hands to another where no store is shared, independent of any model.
//!
//! Its payload is the MessagePack array `[1, key_id, shop, issued_s, expires_s, body]`, seconds since 1970. The body is the
//! newest day marks and the newest events, without prices and ids, through an arithmetic coder: a mark of a grocer's
//! customer costs two bytes.  Signing the payload is the caller's part.
//!
//! A payload is read by reading what it might say, writing that again, and comparing: there is one encoding of each content.

mod body;
mod coder;

use super::Profile;
use super::codec::{check_size, decode_state, encode_within_bounds, failure};
use crate::consent::Consents;
use crate::digest::sha256;
use crate::policy::Policy;
use alloc::string::String;
use alloc::vec::Vec;
use body::{Content, Row, Said};
use unisono_message::limits::{self, TOKEN_EVENTS, TOKEN_EVENTS_FIRST, TOKEN_MARKS};
use unisono_message::list::Listed;
use unisono_message::{
    Error, ErrorCode, Event, Reader, Result, Warning, WarningCode, Writer, hex, missing, read_fields, text,
    write_warnings,
};

/// The version that this module writes and reads.
const VERSION: i64 = 1;

/// Whom a token is for, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head<'a> {
    pub(crate) shop: &'a str,
    /// Which key signs it.
    pub(crate) key_id: &'a str,
    /// A whole second: nothing in the token is later.
    pub(crate) issued_ms: i64,
    /// A whole second.
    pub(crate) expires_ms: i64,
}

/// What found no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TokenReport {
    pub(crate) marks_left_out: usize,
    pub(crate) events_left_out: usize,
}

/// The payload of at most `bytes_max` bytes that carries the most of a profile: its 16 newest events, then up to 512 marks,
/// then up to 200 events. Where even the head is too long, the payload is longer.
pub(crate) fn write_payload(profile: &Profile<'_>, head: &Head<'_>, bytes_max: usize) -> (Vec<u8>, TokenReport) {
    let content = Content::of(profile.marks(), profile.events(), head.issued_ms);
    let (marks, events) = (up_to(&content.marks, TOKEN_MARKS), up_to(&content.events, TOKEN_EVENTS));
    let counts = |count: usize| {
        let marks = count.saturating_sub(TOKEN_EVENTS_FIRST.min(events.len())).min(marks.len());
        (marks, count - marks)
    };
    let payload = |count: usize| {
        let counts = counts(count);
        head.write(&content.write(up_to(marks, counts.0), up_to(events, counts.1)))
    };
    // How long it gets is known by writing it. Most tokens hold all that there is.
    let (mut fitting, mut most) = (0, marks.len() + events.len());
    let mut tried = most;
    while fitting < most {
        match payload(tried).len() <= bytes_max {
            true => fitting = tried,
            false => most = tried - 1,
        }
        tried = (fitting + most).div_ceil(2);
    }
    let written = counts(fitting);
    let report = TokenReport {
        marks_left_out: profile.marks().len() - written.0,
        events_left_out: profile.events().len() - written.1,
    };
    (payload(fitting), report)
}

fn up_to(rows: &[Row], count: usize) -> &[Row] {
    rows.get(..count).unwrap_or(rows)
}

/// The head and the state of a payload.
///
/// # Errors
/// `token_version_unsupported`, `token_invalid`, `token_foreign`, `token_expired`.
pub(crate) fn read_payload<'a>(payload: &'a [u8], now_ms: i64, shop: &str) -> Result<(Head<'a>, Vec<u8>)> {
    let (head, body) = read_head(payload)?;
    if head.shop != shop {
        return Err(Error::new(ErrorCode::TokenForeign, text!("the token is one of `{}`", head.shop)));
    }
    if head.expires_ms <= now_ms {
        return Err(Error::new(ErrorCode::TokenExpired, text!("the token expired at `{}`", head.expires_ms)));
    }
    if head.issued_ms > now_ms.saturating_add(limits::FUTURE_MS_MAX) {
        return Err(invalid("the token was issued more than ten minutes after `now_ms`"));
    }
    let said = Said::read(body);
    let (marks, mut events) = (said.marks(head.issued_ms), said.events(head.issued_ms));
    let ids: Vec<String> = events.iter().map(carried_id).listed();
    for (event, id) in events.iter_mut().zip(&ids) {
        event.event_id = id;
    }
    let state = Profile { marks: marks.clone(), ..Profile::default() }.with_events(&events).0.encode();
    // Ids, channels, times and bounds are checked where states are read.
    let carried = Profile::decode(&state).map_err(|error| invalid(error.message()))?;
    let content = Content::of(&marks, carried.events(), head.issued_ms);
    if head.write(&content.write(&content.marks, &content.events)) != payload {
        return Err(invalid("the payload is not the one encoding of what it says"));
    }
    Ok((head, state))
}

#[cold]
fn invalid(message: &str) -> Error {
    Error::new(ErrorCode::TokenInvalid, message)
}

impl Head<'_> {
    fn write(&self, body: &[u8]) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(6);
        w.int(VERSION);
        w.str(self.key_id);
        w.str(self.shop);
        w.int(self.issued_ms / 1000);
        w.int(self.expires_ms / 1000);
        w.bin(body);
        w.into_bytes()
    }
}

fn read_head(payload: &[u8]) -> Result<(Head<'_>, &[u8])> {
    check_size(payload.len(), limits::TOKEN_BYTES_MAX, "token_bytes_max")?;
    let mut r = Reader::new(payload);
    let fields = r.array();
    if r.int() != VERSION && !r.failed() {
        let message = "the token was written by another version of the module";
        return Err(Error::new(ErrorCode::TokenVersionUnsupported, message));
    }
    let (key_id, shop) = (r.id(), r.id());
    let mut time = || r.int_within(limits::TIME_MS_MIN, limits::TIME_MS_MAX / 1000).saturating_mul(1000);
    let head = Head { key_id, shop, issued_ms: time(), expires_ms: time() };
    let body = r.bin();
    match r.finish() {
        Ok(()) if fields == 6 => Ok((head, body)),
        Ok(()) => Err(invalid("a payload has six values")),
        Err(error) => Err(invalid(error.message())),
    }
}

/// Of SHA-256 over `[ts_ms, type number, channel, item_id]`, the first sixteen hexadecimal digits: copies of one event that
/// travelled on different ways are one.
fn carried_id(event: &Event<'_>) -> String {
    let mut w = Writer::new();
    w.array(4);
    w.int(event.ts_ms);
    w.int(event.kind as i64);
    w.str(event.channel);
    w.opt_str(event.item_id);
    hex(sha256(&[w.as_bytes()]).first_chunk::<8>().unwrap_or(&[0; 8]))
}

/// What a token is to carry of what personalization may use across channels: `{"state", "now_ms", "expires_ms", "shop", "key_id", "bytes_max"?}` gives
/// `{"payload": bin, "warnings"}`. Never fails: errors are in the answer.
pub fn token_write(policy: &Policy, input: &[u8]) -> Vec<u8> {
    write_call(policy, input).unwrap_or_else(|error| failure(&error))
}

/// Joins what a token carries: `{"state"?, "payload", "now_ms", "shop"}` gives `{"state", "warnings"}`. Whoever calls has
/// checked the signature. What no purpose may use by the state's consents is not stored. Never fails: errors are in the answer.
pub fn token_apply(policy: &Policy, input: &[u8]) -> Vec<u8> {
    apply_call(policy, input).unwrap_or_else(|error| failure(&error))
}

/// What either call is given.
#[derive(Default)]
struct Call<'a> {
    state: Option<&'a [u8]>,
    payload: Option<&'a [u8]>,
    now_ms: i64,
    expires_ms: i64,
    shop: &'a str,
    key_id: &'a str,
    bytes_max: i64,
    unknown_fields: u32,
}

/// The fields that a token is written from; then that of reading one.
const FIELDS: [&str; 7] = ["now_ms", "shop", "state", "expires_ms", "key_id", "bytes_max", "payload"];

fn read_call<'a>(input: &'a [u8], required: &[&str]) -> Result<Call<'a>> {
    check_size(input.len(), limits::APPLY_BYTES_MAX, "apply_bytes_max")?;
    let mut reader = Reader::new(input);
    let mut call = Call { bytes_max: limits::TOKEN_BYTES, ..Call::default() };
    let mut found = 0u32;
    read_fields(&mut reader, &FIELDS, |r, field| {
        found |= 1 << field;
        match field {
            0 => call.now_ms = r.int_within(limits::TIME_MS_MIN, limits::TIME_MS_MAX),
            1 => call.shop = r.id(),
            2 => call.state = Some(r.bin()),
            3 => call.expires_ms = r.int_within(limits::TIME_MS_MIN, limits::TIME_MS_MAX),
            4 => call.key_id = r.id(),
            5 => call.bytes_max = r.int_within(1, limits::TOKEN_BYTES_MAX as i64),
            _ => call.payload = Some(r.bin()),
        }
    });
    for (field, name) in FIELDS.iter().enumerate() {
        if found >> field & 1 == 0 && required.contains(name) {
            missing(&mut reader, name);
        }
    }
    reader.finish()?;
    call.unknown_fields = reader.unknown_fields();
    Ok(call)
}

impl<'a> Call<'a> {
    fn profile(&self) -> Result<Profile<'a>> {
        decode_state(self.state)
    }
}

fn write_call(policy: &Policy, input: &[u8]) -> Result<Vec<u8>> {
    let call = read_call(input, &["now_ms", "shop", "state", "expires_ms", "key_id"])?;
    // The second that now lies in still belongs to the token.
    let (issued_ms, expires_ms) = ((call.now_ms + 999) / 1000 * 1000, call.expires_ms / 1000 * 1000);
    if expires_ms < issued_ms {
        return Err(Error::new(ErrorCode::OutOfRange, "a token expires after it is written").in_field("expires_ms"));
    }
    let mut consented = call.profile()?;
    consented.mask_for_carrying(policy, call.now_ms);
    let head = Head { shop: call.shop, key_id: call.key_id, issued_ms, expires_ms };
    let (payload, report) = write_payload(&consented, &head, call.bytes_max as usize);
    check_size(payload.len(), call.bytes_max as usize, "bytes_max").map_err(|error| error.in_field("bytes_max"))?;
    let warnings = Warning::counted(&[
        (WarningCode::UnknownField, call.unknown_fields as usize),
        (WarningCode::TokenMarksLeftOut, report.marks_left_out),
        (WarningCode::TokenEventsLeftOut, report.events_left_out),
    ]);
    Ok(answer("payload", &payload, &warnings))
}

fn apply_call(policy: &Policy, input: &[u8]) -> Result<Vec<u8>> {
    let call = read_call(input, &["now_ms", "shop", "payload"])?;
    let read = read_payload(call.payload.unwrap_or_default(), call.now_ms, call.shop);
    let (_, carried) = read.map_err(|error| error.in_field("payload"))?;
    let (profile, mut carried) = (call.profile()?, Profile::decode(&carried)?);
    let (withheld, expired) = carried.drop_unstorable(&Consents { policy, registers: &profile.registers }, call.now_ms);
    let (profile, report) = profile.merged(&carried);
    let state = encode_within_bounds(&profile)?;
    let mut warnings = report.warnings(call.unknown_fields);
    warnings.extend(Warning::counted(&[
        (WarningCode::EventsWithoutConsent, withheld),
        (WarningCode::EventsExpired, expired),
    ]));
    Ok(answer("state", &state, &warnings))
}

fn answer(name: &str, bytes: &[u8], warnings: &[Warning]) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(2);
    w.str(name);
    w.bin(bytes);
    w.str("warnings");
    write_warnings(&mut w, warnings);
    w.into_bytes()
}

#[cfg(test)]
mod tests;
