//! The calls on profiles, naively: what each must answer.

use super::answer::warnings;
use super::links::component as find_component;
use super::policy::{Gates, Policy, purpose, say};
use super::profile::{Event, Profile, acceptable, class_of, read_consent, read_link, read_trait, unknown_fields};
use super::request::unknown_keys;
use crate::value::{Value, decode, difference, encode, field, int, list, map, strings, text};
use anyhow::{Context, Result, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};
use unisono_message::limits::{
    FUTURE_MS_MAX, ID_BYTES_MAX, PROFILE_CLASSES_MAX, PROFILE_CONSENTS_MAX, PROFILE_LINKS_MAX, PROFILE_TRAITS_MAX,
};
use unisono_message::{Purpose, WarningCode};

const INPUT: [&str; 7] = ["now_ms", "profile_id", "state", "events", "consents", "traits", "links"];

/// The answer of `profile_apply`.
///
/// # Errors
/// Where the answer differs from the twin's.
pub fn applied(policy: Option<&[u8]>, input: &[u8], answer: &[u8]) -> Result<()> {
    let policy = Policy::read(policy)?;
    let (input, answer) = (decode(input)?, decode(answer)?);
    let now_ms = field(&input, "now_ms").and_then(int).context("the input has a moment")?;
    let mut state = Profile::given(field(&input, "state"))?;
    let classes = state.classes();
    let mut unknown = unknown_keys(&input, &INPUT) + take_registers(&mut state, &input, &answer, now_ms)?;
    // What is said of before the erasure is not said.
    let mut base = Profile::joined(vec![state], Vec::new());
    let consents = base.consents.clone();
    let gates = Gates { policy: &policy, consents: &consents, here: None, now_ms };
    let statuses = statuses(&input, &base, classes, &gates)?;
    let results = list(&answer, "results");
    let events = list(&input, "events");
    ensure!(events.len() == results.len() && events.len() == statuses.len(), "a result an event");
    let mut accepted = Vec::new();
    for ((event, wanted), result) in events.iter().zip(&statuses).zip(results) {
        let status = text(result, "status");
        ensure!(status == Some(wanted), "`{event}` must be {wanted}, and is {status:?}");
        ensure!(text(result, "code").is_some() == (*wanted == "refused"), "a refusal has a code: `{result}`");
        if !["refused", "withheld"].contains(wanted) {
            unknown += unknown_fields(event);
            accepted.push(Event::named(event)?);
        }
    }
    let withheld = statuses.iter().filter(|status| **status == "withheld").count();
    base.drop_unwanted(&gates);
    let mut wanted = Profile::joined(vec![base], accepted);
    wanted.drop_unwanted(&gates);
    same_state(&answer, &wanted, &[(WarningCode::EventsWithoutConsent, withheld)], unknown)
}

/// What becomes of each event.
fn statuses(
    input: &Value,
    base: &Profile,
    mut classes: BTreeSet<super::profile::Class>,
    gates: &Gates<'_>,
) -> Result<Vec<&'static str>> {
    let mut known: BTreeSet<_> = base.events.iter().map(|event| (event.class(), event.id.clone())).collect();
    let mut statuses = Vec::new();
    for event in list(input, "events") {
        let class = class_of(event);
        if class.as_ref().is_some_and(|(kind, channel)| !gates.keeps(*kind, channel)) {
            statuses.push("withheld");
            continue;
        }
        if !acceptable(event, text(input, "profile_id"), gates.now_ms) {
            statuses.push("refused");
            continue;
        }
        let read = Event::named(event)?;
        if classes.len() == PROFILE_CLASSES_MAX && !classes.contains(&read.class()) {
            statuses.push("refused");
            continue;
        }
        classes.insert(read.class());
        let is_new = known.insert((read.class(), read.id.clone()));
        statuses.push(match () {
            () if base.erased.is_some_and(|erased| read.ts_ms <= erased) => "erased",
            () if !gates.policy.retains(read.kind, read.day(), gates.now_ms) => "expired",
            () if is_new => "accepted",
            () => "duplicate",
        });
    }
    Ok(statuses)
}

/// Takes the sound registers, and compares which others were refused. Gives their unknown fields.
fn take_registers(state: &mut Profile, input: &Value, answer: &Value, now_ms: i64) -> Result<usize> {
    let mut refused: Vec<String> = Vec::new();
    let mut unknown = 0;
    let is_timely = |one: &Value| {
        let writer = field(one, "writer").is_none_or(|writer| writer.as_str().is_some_and(|w| w.len() <= ID_BYTES_MAX));
        writer && field(one, "ts_ms").and_then(int).is_some_and(|ts| (0..=now_ms + FUTURE_MS_MAX).contains(&ts))
    };
    let erased = state.erased;
    let outlives =
        |one: &Value| erased.is_none_or(|erased| field(one, "ts_ms").and_then(int).is_none_or(|ts_ms| ts_ms > erased));
    let is_timely = |one: &Value| is_timely(one) && outlives(one);
    let is_id = |one: &Value, name: &str| text(one, name).is_some_and(|id| (1..=ID_BYTES_MAX).contains(&id.len()));
    let channel = |one: &Value| {
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        field(one, "channel").is_none_or(|value| value.as_str().is_some_and(|c| !c.is_empty() && c.bytes().all(letter)))
    };
    for (at, one) in list(input, "traits").iter().enumerate() {
        match read_trait(one).filter(|_| is_timely(one) && is_id(one, "name")) {
            Some((name, read)) if state.traits.contains_key(&name) || state.traits.len() < PROFILE_TRAITS_MAX => {
                if state.traits.get(&name).is_none_or(|known| *known < read) {
                    state.traits.insert(name, read);
                }
                unknown += unknown_keys(one, &["name", "value", "purpose", "ts_ms", "writer"]);
            }
            _ => refused.push(format!("traits[{at}]")),
        }
    }
    for (at, one) in list(input, "consents").iter().enumerate() {
        let room = |key: &(Purpose, String), state: &Profile| {
            let counted = state.consents.keys().filter(|(_, channel)| !channel.is_empty()).count();
            key.1.is_empty() || state.consents.contains_key(key) || counted < PROFILE_CONSENTS_MAX
        };
        match read_consent(one).filter(|_| is_timely(one) && channel(one)) {
            Some((purpose, channel, word)) if room(&(purpose, channel.clone()), state) => {
                say(&mut state.consents, purpose, &channel, word);
                unknown += unknown_keys(one, &["purpose", "channel", "granted", "ts_ms", "writer"]);
            }
            _ => refused.push(format!("consents[{at}]")),
        }
    }
    for (at, one) in list(input, "links").iter().enumerate() {
        match read_link(one).filter(|_| is_timely(one) && is_id(one, "profile_id")) {
            Some((id, read)) if state.links.contains_key(&id) || state.links.len() < PROFILE_LINKS_MAX => {
                if state.links.get(&id).is_none_or(|known| *known < read) {
                    state.links.insert(id, read);
                }
                unknown += unknown_keys(one, &["profile_id", "linked", "ts_ms", "writer"]);
            }
            _ => refused.push(format!("links[{at}]")),
        }
    }
    let found = list(answer, "refused");
    ensure!(found.len() == refused.len(), "refused are {found:?}, and must be {refused:?}");
    for (found, wanted) in found.iter().zip(&refused) {
        let place = text(found, "field").unwrap_or_default();
        ensure!(place.starts_with(wanted.as_str()) && text(found, "code").is_some(), "{wanted} is refused: {found}");
    }
    Ok(unknown)
}

impl Profile {
    /// The latest moment of anything in it.
    fn newest_ms(&self) -> Option<i64> {
        let events = self.events.iter().map(|event| event.ts_ms);
        let consents = self.consents.values().map(|word| word.ts_ms);
        let traits = self.traits.values().map(|one| one.ts_ms());
        events.chain(consents).chain(traits).chain(self.links.values().map(|one| one.ts_ms())).max()
    }

    /// What the policy keeps no longer goes.
    fn drop_unwanted(&mut self, gates: &Gates<'_>) {
        let policy = gates.policy;
        let is_kept = |kind, channel: &str, day| {
            policy.retains(kind, day, gates.now_ms) && (!policy.erases || gates.keeps(kind, channel))
        };
        self.events.retain(|event| is_kept(event.kind, &event.channel, event.day()));
        self.marks.retain(|mark| is_kept(mark.kind, &mark.channel, mark.newest_first.0));
        if policy.erases {
            self.traits.retain(|_, one| super::policy::allowed(policy, gates.consents, one.purpose(), ""));
        }
    }
}

/// The answer of `profile_merge`.
///
/// # Errors
/// Where the answer differs from the twin's.
pub fn merged(input: &[u8], answer: &[u8]) -> Result<()> {
    let input = decode(input)?;
    let states: Result<Vec<Profile>> = list(&input, "states")
        .iter()
        .map(|state| Profile::decode(state.as_slice().context("a state is binary")?))
        .collect();
    let wanted = Profile::joined(states?, Vec::new());
    same_state(&decode(answer)?, &wanted, &[], unknown_keys(&input, &["states"]))
}

/// The answer of `profile_erase`.
///
/// # Errors
/// Where the answer differs from the twin's.
pub fn erased(input: &[u8], answer: &[u8]) -> Result<()> {
    let input = decode(input)?;
    let state = Profile::given(field(&input, "state"))?;
    let moment = |name: &str| field(&input, name).and_then(int);
    let erased = moment("ts_ms").or_else(|| state.newest_ms().into_iter().chain(moment("now_ms")).max());
    let tombstone = Profile { erased, ..Profile::default() };
    let wanted = Profile { left_out: [0; 3], ..Profile::joined(vec![state, tombstone], Vec::new()) };
    same_state(&decode(answer)?, &wanted, &[], unknown_keys(&input, &["state", "ts_ms", "now_ms"]))
}

/// The answer of `profile_export`.
///
/// # Errors
/// Where the answer differs from the twin's.
pub fn exported(policy: Option<&[u8]>, input: &[u8], answer: &[u8]) -> Result<()> {
    let policy = Policy::read(policy)?;
    let input = decode(input)?;
    let mut state = Profile::given(field(&input, "state"))?;
    let now_ms = field(&input, "now_ms").and_then(int).context("the input has a moment")?;
    if let Some(of) = text(&input, "purpose").and_then(purpose) {
        let consents = state.consents.clone();
        // From no channel in particular; what is said on all channels decides of traits.
        let gates = Gates { policy: &policy, consents: &consents, here: None, now_ms };
        state = state.masked(&gates, &[of]);
        state.traits.retain(|_, one| super::policy::allowed(&policy, &consents, one.purpose(), ""));
    }
    same(&state.readable(text(&input, "profile_id")), answer)
}

/// The answer of `profile_component`.
///
/// # Errors
/// Where the answer differs from the twin's.
pub fn component(input: &[u8], answer: &[u8]) -> Result<()> {
    let input = decode(input)?;
    let mut states: BTreeMap<String, Profile> = BTreeMap::new();
    for one in list(&input, "profiles") {
        let id = text(one, "profile_id").context("a profile has an id")?.to_owned();
        let known = states.remove(&id).into_iter();
        let all = known.chain([Profile::given(field(one, "state"))?]).collect();
        states.insert(id, Profile::joined(all, Vec::new()));
    }
    let found = find_component(text(&input, "profile_id").context("whose component")?, &states);
    let ids = |ids: &BTreeSet<String>| strings(&ids.iter().collect::<Vec<_>>());
    let inner = list(&input, "profiles").iter().map(|one| unknown_keys(one, &["profile_id", "state"])).sum::<usize>();
    let unknown = inner + unknown_keys(&input, &["profile_id", "profiles"]);
    let wanted = map(vec![
        ("profile_ids", ids(&found.ids)),
        ("needs", ids(&found.needs)),
        ("unit_id", found.ids.first().map_or(Value::Nil, |id| id.as_str().into())),
        ("warnings", warnings(&[(WarningCode::UnknownField, unknown), (WarningCode::LinksBeyondBound, found.beyond)])),
    ]);
    same(&wanted, answer)
}

fn same(wanted: &Value, answer: &[u8]) -> Result<()> {
    if encode(wanted) != answer {
        bail!("{}", difference(wanted, &decode(answer)?).unwrap_or_else(|| "the encodings differ".into()));
    }
    Ok(())
}

/// The state, and what its making left out or passed over.
fn same_state(answer: &Value, wanted: &Profile, more: &[(WarningCode, usize)], unknown: usize) -> Result<()> {
    let state = field(answer, "state").and_then(Value::as_slice).context("the answer has a state")?;
    if state != wanted.encode() {
        let difference = difference(&decode(&wanted.encode())?, &decode(state)?);
        bail!("the state differs from the twin's: {}", difference.unwrap_or_else(|| "the encodings differ".into()));
    }
    let [duplicates, events, marks] = wanted.left_out;
    let mut all = vec![
        (WarningCode::UnknownField, unknown),
        (WarningCode::DuplicateEvent, duplicates),
        (WarningCode::EventsBeyondBound, events),
        (WarningCode::MarksBeyondBound, marks),
    ];
    all.extend(more);
    let wanted = warnings(&all);
    let found = field(answer, "warnings");
    ensure!(found == Some(&wanted), "the warnings are {found:?}, and must be {wanted}");
    Ok(())
}
