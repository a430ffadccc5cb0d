//! Policies and consents, naively: sets of purposes, and one question at a time.

use super::sha256;
use crate::value::{Value, decode, encode, field, int, list, text};
use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use unisono_message::{EventType, Purpose};

/// What an answer may rest on.
pub(super) const SERVING: [Purpose; 3] = [Purpose::Personalization, Purpose::Offers, Purpose::Measurement];
/// What an event may be kept for.
const KEEPING: [Purpose; 4] = [Purpose::Personalization, Purpose::Offers, Purpose::Measurement, Purpose::Training];

/// A shop's policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// None for the default policy.
    pub(super) id: Option<[u8; 32]>,
    granted: BTreeSet<Purpose>,
    event_purposes: BTreeMap<EventType, BTreeSet<Purpose>>,
    pub(super) erases: bool,
    retention_days: BTreeMap<EventType, i64>,
}

impl Default for Policy {
    fn default() -> Self {
        let of = |kind: &EventType| {
            let own: &[Purpose] = match kind.as_str() {
                "impression" | "message_sent" | "message_opened" => &[],
                "offer_shown" | "offer_clicked" | "offer_redeemed" => &[Purpose::Offers],
                "contact" | "message_clicked" => &[Purpose::Personalization],
                _ => &[Purpose::Personalization, Purpose::Offers],
            };
            (*kind, own.iter().copied().chain([Purpose::Measurement, Purpose::Training]).collect())
        };
        Policy {
            id: None,
            granted: Purpose::ALL.into(),
            event_purposes: EventType::ALL.iter().map(of).collect(),
            erases: false,
            retention_days: BTreeMap::new(),
        }
    }
}

/// The purpose of this name.
pub(super) fn purpose(name: &str) -> Option<Purpose> {
    Purpose::ALL.into_iter().find(|purpose| purpose.as_str() == name)
}

fn number(set: &BTreeSet<Purpose>) -> Value {
    set.iter().map(|purpose| 1i64 << *purpose as i64).sum::<i64>().into()
}

impl Policy {
    /// Reads a valid policy; nothing stands for the default one.
    ///
    /// # Errors
    /// When it is not valid.
    pub fn read(bytes: Option<&[u8]>) -> Result<Policy> {
        let mut policy = Policy::default();
        let Some(bytes) = bytes else { return Ok(policy) };
        let root = decode(bytes)?;
        let nothing = Value::Map(Vec::new());
        let consent = field(&root, "consent").unwrap_or(&nothing);
        let pairs = |of: &Value, name: &str| field(of, name).and_then(Value::as_map).cloned().unwrap_or_default();
        for (name, granted) in pairs(consent, "defaults") {
            let purpose = name.as_str().and_then(purpose).context("a purpose")?;
            policy.granted.retain(|one| *one != purpose);
            if granted == Value::from(true) {
                policy.granted.insert(purpose);
            }
        }
        for (name, _) in pairs(consent, "event_purposes") {
            let name = name.as_str().context("a type")?;
            let purposes = field(consent, "event_purposes").map_or(&[][..], |all| list(all, name)).iter();
            let set = purposes.filter_map(|one| one.as_str().and_then(purpose)).collect();
            policy.event_purposes.insert(EventType::from_name(name).context("a type")?, set);
        }
        policy.erases = text(consent, "on_withdrawal") == Some("erase");
        for (name, days) in pairs(&root, "retention_days") {
            let kind = name.as_str().and_then(EventType::from_name).context("a type")?;
            policy.retention_days.insert(kind, int(&days).context("days")?);
        }
        policy.id = Some(sha256(&encode(&policy.canonical())));
        Ok(policy)
    }

    /// SHA-256 of every rule; none for the default policy.
    pub fn id(&self) -> Option<[u8; 32]> {
        self.id
    }

    fn canonical(&self) -> Value {
        let mut rules = vec![Value::from(1), number(&self.granted), self.erases.into()];
        rules.extend(EventType::ALL.iter().map(|kind| number(&self.event_purposes[kind])));
        rules.extend(
            EventType::ALL.iter().map(|kind| self.retention_days.get(kind).map_or(Value::Nil, |d| (*d).into())),
        );
        Value::Array(rules)
    }

    /// Whether offers may count redemptions, as far as the policy goes.
    pub(super) fn lets_offers_count(&self) -> bool {
        self.event_purposes[&EventType::OfferRedeemed].contains(&Purpose::Offers)
    }

    /// Whether what happened on a UTC day is still used and kept.
    pub(super) fn retains(&self, kind: EventType, day: i64, now_ms: i64) -> bool {
        let age_days = now_ms.div_euclid(86_400_000) - day;
        self.retention_days.get(&kind).is_none_or(|days| age_days <= *days)
    }
}

/// One word on a purpose in a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    pub(super) granted: bool,
    pub(super) ts_ms: i64,
    pub(super) writer: String,
}

/// The newest word of each purpose and channel; the empty channel stands for all.
pub(super) type Consents = BTreeMap<(Purpose, String), Consent>;

impl Consent {
    /// The later word, of one time that of the greater writer, of one writer the withholding one.
    pub(super) fn rank(&self) -> (i64, &str, bool) {
        (self.ts_ms, &self.writer, !self.granted)
    }
}

/// Adds a word, unless a greater one stands.
pub(super) fn say(consents: &mut Consents, purpose: Purpose, channel: &str, word: Consent) {
    let key = (purpose, channel.to_owned());
    if consents.get(&key).is_none_or(|known| known.rank() < word.rank()) {
        consents.insert(key, word);
    }
}

/// Whether a purpose is allowed in a channel.
pub(super) fn allowed(policy: &Policy, consents: &Consents, purpose: Purpose, channel: &str) -> bool {
    let of = |channel: &str| consents.get(&(purpose, channel.to_owned()));
    let words = [of(""), of(channel)].into_iter().flatten();
    words.max_by(|a, b| a.rank().cmp(&b.rank())).map_or(policy.granted.contains(&purpose), |word| word.granted)
}

/// Who may look at what from one channel at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gates<'g> {
    pub(super) policy: &'g Policy,
    pub(super) consents: &'g Consents,
    /// None for what does not depend on the channel.
    pub(super) here: Option<&'g str>,
    pub(super) now_ms: i64,
}

impl Gates<'_> {
    /// Whether a purpose is allowed here.
    pub(super) fn allows_here(&self, purpose: Purpose) -> bool {
        self.here.is_none_or(|here| allowed(self.policy, self.consents, purpose, here))
    }

    /// Whether a purpose may look at events of a type that happened in a channel, however old.
    pub(super) fn opens(&self, purpose: Purpose, kind: EventType, channel: &str) -> bool {
        let both = |purpose| allowed(self.policy, self.consents, purpose, channel) && self.allows_here(purpose);
        let is_near = self.here.is_none_or(|here| here == channel);
        self.policy.event_purposes[&kind].contains(&purpose)
            && both(purpose)
            && (is_near || both(Purpose::CrossChannel))
    }

    /// Whether one of some purposes may look at what happened in a channel on a day.
    pub(super) fn open(&self, purposes: &[Purpose], kind: EventType, channel: &str, day: i64) -> bool {
        self.policy.retains(kind, day, self.now_ms) && purposes.iter().any(|one| self.opens(*one, kind, channel))
    }

    /// Whether events of this type and channel may be kept at all.
    pub(super) fn keeps(&self, kind: EventType, channel: &str) -> bool {
        let keeps = |purpose: &Purpose| {
            self.policy.event_purposes[&kind].contains(purpose)
                && allowed(self.policy, self.consents, *purpose, channel)
        };
        KEEPING.iter().any(keeps)
    }
}
