//! Portable tokens, naively: what one must carry, and what comes of joining it. How it is packed is golden.

use super::policy::{Gates, Policy, allowed};
use super::profile::Profile;
use super::request::unknown_keys;
use crate::value::{Value, decode, encode, field, int, list, map, text};
use anyhow::{Context, Result, ensure};
use unisono_message::{Purpose, WarningCode};

/// What core reads from a payload, joined with nothing.
fn carried(payload: &[u8], now_ms: i64, shop: &str) -> Result<Profile> {
    let payload = crate::value::Value::Binary(payload.to_vec());
    let input = map(vec![("payload", payload), ("now_ms", now_ms.into()), ("shop", shop.into())]);
    let answer = decode(&unisono_core::token_apply(&unisono_core::Policy::default(), &encode(&input)))?;
    Profile::given(field(&answer, "state"))
}

/// The answer of `token_write`: the newest marks and events of what personalization may use across channels, no others.
///
/// # Errors
/// Where the answer carries another thing.
pub fn token_written(policy: Option<&[u8]>, input: &[u8], answer: &[u8]) -> Result<()> {
    let policy = Policy::read(policy)?;
    let (input, answer) = (decode(input)?, decode(answer)?);
    let now_ms = field(&input, "now_ms").and_then(int).context("the input has a moment")?;
    let payload = field(&answer, "payload").and_then(crate::value::Value::as_slice).context("a payload")?;
    let found = carried(payload, now_ms, text(&input, "shop").context("a shop")?)?;
    let state = Profile::given(field(&input, "state"))?;
    let consents = state.consents.clone();
    let gates = Gates { policy: &policy, consents: &consents, here: None, now_ms };
    let mut state = state.masked(&gates, &[Purpose::Personalization]);
    let crosses = |channel: &str| allowed(&policy, &consents, Purpose::CrossChannel, channel);
    state.events.retain(|event| crosses(&event.channel));
    state.marks.retain(|mark| crosses(&mark.channel));
    ensure!(found.marks.iter().all(|mark| state.marks.contains(mark)), "a mark that may not be carried");
    let is_known = |carried: &super::profile::Event| {
        let same = |own: &super::profile::Event| {
            (own.kind, &own.channel, own.ts_ms, own.text("item_id"))
                == (carried.kind, &carried.channel, carried.ts_ms, carried.text("item_id"))
        };
        carried.carried() && carried.number("price").is_none() && state.events.iter().any(same)
    };
    ensure!(found.events.iter().all(is_known), "an event that may not be carried");
    // Nothing newer is left out for something older; what lies ahead of the token's second is for the next one.
    let oldest = found.marks.iter().map(|mark| mark.newest_first.0).min();
    let newer = state.marks.iter().filter(|mark| oldest.is_some_and(|oldest| mark.newest_first.0 > oldest));
    let issued_day = (now_ms + 999).div_euclid(86_400_000);
    let missing = newer.filter(|mark| mark.newest_first.0 <= issued_day && !found.marks.contains(mark)).count();
    ensure!(missing == 0, "{missing} newer marks are left out for older ones");
    let left_out = state.marks.len() as i64 - found.marks.len() as i64;
    ensure!(warned(&answer, WarningCode::TokenMarksLeftOut) == left_out, "{left_out} marks are left out: {answer}");
    let known = ["now_ms", "shop", "state", "expires_ms", "key_id", "bytes_max", "payload"];
    ensure!(
        warned(&answer, WarningCode::UnknownField) == unknown_keys(&input, &known) as i64,
        "unknown fields: {answer}"
    );
    Ok(())
}

/// How often the answer warns of something.
fn warned(answer: &Value, code: WarningCode) -> i64 {
    let of_code = list(answer, "warnings").iter().find(|one| text(one, "code") == Some(code.as_str()));
    of_code.and_then(|one| field(one, "count").and_then(int)).unwrap_or(0)
}

/// The answer of `token_apply`: the join of the state with what is carried, as far as some purpose may use it.
///
/// # Errors
/// Where the answer differs.
pub fn token_applied(policy: Option<&[u8]>, input: &[u8], answer: &[u8]) -> Result<()> {
    let policy = Policy::read(policy)?;
    let (input, answer) = (decode(input)?, decode(answer)?);
    let now_ms = field(&input, "now_ms").and_then(int).context("the input has a moment")?;
    let payload = field(&input, "payload").and_then(crate::value::Value::as_slice).context("a payload")?;
    let mut found = carried(payload, now_ms, text(&input, "shop").context("a shop")?)?;
    let state = Profile::given(field(&input, "state"))?;
    let gates = Gates { policy: &policy, consents: &state.consents, here: None, now_ms };
    let events = found.events.iter().map(|event| (event.kind, event.channel.clone(), event.day()));
    let marks = found.marks.iter().map(|mark| (mark.kind, mark.channel.clone(), mark.newest_first.0));
    let all: Vec<_> = events.chain(marks).collect();
    let withheld = all.iter().filter(|(kind, channel, _)| !gates.keeps(*kind, channel)).count();
    let is_kept = |kind, channel: &str, day| gates.keeps(kind, channel) && policy.retains(kind, day, now_ms);
    let dropped = all.iter().filter(|(kind, channel, day)| !is_kept(*kind, channel, *day)).count();
    for (code, count) in
        [(WarningCode::EventsWithoutConsent, withheld), (WarningCode::EventsExpired, dropped - withheld)]
    {
        let told = warned(&answer, code);
        ensure!(told == count as i64, "{told} of {}, not {count}", code.as_str());
    }
    found.events.retain(|event| is_kept(event.kind, &event.channel, event.day()));
    found.marks.retain(|mark| is_kept(mark.kind, &mark.channel, mark.newest_first.0));
    let wanted = Profile::joined(vec![state.clone(), found], Vec::new());
    let state = field(&answer, "state").and_then(crate::value::Value::as_slice).context("the answer has a state")?;
    ensure!(state == wanted.encode(), "the state is not the join");
    Ok(())
}
