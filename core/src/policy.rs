//! The policy: what the shop decides rather than learns. A section of its own, swapped without a model.
//!
//! `{"version": 1, "consent": {"defaults": {purpose: bool}, "event_purposes": {type: [purpose]}, "on_withdrawal":
//! "mask" | "erase"}, "retention_days": {type: days}}`; what is absent is as in [`Policy::default`].

use crate::digest;
use alloc::vec::Vec;
use unisono_message::limits;
use unisono_message::{
    Error, ErrorCode, EventType, Purpose, Reader, Result, Writer, missing, position_of, read_fields, text,
};

/// The version that this module reads.
const VERSION: i64 = 1;
/// As many as there are types of events.
const TYPES: usize = EventType::ALL.len();

/// What the shop decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// SHA-256 of the canonical encoding; none for the default policy, which no one wrote.
    pub id: Option<[u8; 32]>,
    /// Set of the purposes that hold where a customer has said nothing.
    pub granted: u8,
    /// By event type: set of the purposes that may look at such events.
    event_purposes: [u8; TYPES],
    /// Whether what no purpose may use any more is erased, not only masked.
    pub erase_on_withdrawal: bool,
    /// By event type: days that such events and their marks are used and kept.
    retention_days: [Option<u32>; TYPES],
}

impl Default for Policy {
    /// Everything is allowed until the customer says otherwise, nothing is erased but on demand. What was shown and what
    /// was sent serves measurement and training; offers that were shown or used serve offers too.
    fn default() -> Self {
        let [personal, offers, _, measurement, training] = Purpose::ALL.map(Purpose::bit);
        let purposes = |kind: &EventType| {
            measurement
                | training
                | match kind {
                    EventType::Impression | EventType::MessageSent | EventType::MessageOpened => 0,
                    EventType::OfferShown | EventType::OfferClicked | EventType::OfferRedeemed => offers,
                    EventType::Contact | EventType::MessageClicked => personal,
                    _ => personal | offers,
                }
        };
        let mut event_purposes = [0; TYPES];
        event_purposes.iter_mut().zip(EventType::ALL).for_each(|(set, kind)| *set = purposes(kind));
        Policy { id: None, granted: u8::MAX, event_purposes, erase_on_withdrawal: false, retention_days: [None; TYPES] }
    }
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// `policy_invalid` for another version and for keys and words that no one knows: a rule must not be passed over;
    /// `limit_exceeded`, and the decoding errors.
    pub fn load(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > limits::POLICY_BYTES_MAX {
            let message = text!("`{}` bytes; policy_bytes_max is {}", bytes.len(), limits::POLICY_BYTES_MAX);
            return Err(Error::new(ErrorCode::LimitExceeded, message));
        }
        let mut reader = Reader::new(bytes);
        let mut policy = Policy::default();
        let mut version = None;
        read_fields(&mut reader, &["version", "consent", "retention_days"], |r, field| match field {
            0 => version = Some(r.int()),
            1 => policy.read_consent(r),
            _ => each_type(r, |r, at| {
                let days = r.int_within(1, limits::RETENTION_DAYS_MAX);
                if let Some(of_type) = policy.retention_days.get_mut(at) {
                    *of_type = Some(days as u32);
                }
            }),
        });
        if version.is_none() {
            missing(&mut reader, "version");
        }
        reader.finish()?;
        if version != Some(VERSION) {
            return Err(invalid("the policy has another version than 1").in_field("version"));
        }
        if reader.unknown_fields() > 0 {
            return Err(invalid("the policy has keys that this module does not know"));
        }
        policy.id = Some(digest::sha256(&[&policy.encode()]));
        Ok(policy)
    }

    fn read_consent(&mut self, r: &mut Reader<'_>) {
        read_fields(r, &["defaults", "event_purposes", "on_withdrawal"], |r, field| match field {
            0 => read_fields(r, &Purpose::NAMES, |r, purpose| {
                let bit = 1 << (purpose & 7);
                self.granted = if r.bool() { self.granted | bit } else { self.granted & !bit };
            }),
            1 => each_type(r, |r, at| {
                let mut set = 0;
                r.each(Purpose::ALL.len(), "purposes", |r| set |= Purpose::read(r).bit());
                if let Some(of_type) = self.event_purposes.get_mut(at) {
                    *of_type = set;
                }
            }),
            _ => match position_of(&["mask", "erase"], r.text(limits::TEXT_BYTES_MAX)) {
                Some(at) => self.erase_on_withdrawal = at == 1,
                None => r.fail(invalid("`on_withdrawal` is `mask` or `erase`")),
            },
        });
    }

    /// What the policy's id is taken of: every rule, defaults written out.
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(3 + 2 * TYPES);
        w.int(VERSION);
        w.int((self.granted & 31).into());
        w.bool(self.erase_on_withdrawal);
        self.event_purposes.iter().for_each(|set| w.int((*set).into()));
        self.retention_days.iter().for_each(|days| w.opt_int(days.map(i64::from)));
        w.into_bytes()
    }

    /// Set of the purposes that may look at events of a type.
    pub fn purposes(&self, kind: EventType) -> u8 {
        self.event_purposes.get(kind as usize).copied().unwrap_or_default()
    }

    /// The first UTC day, since 1970, of which events of a type are used at `now_ms`.
    pub fn first_day(&self, kind: EventType, now_ms: i64) -> i64 {
        let days = self.retention_days.get(kind as usize).copied().flatten();
        days.map_or(i64::MIN, |days| now_ms.div_euclid(86_400_000) - i64::from(days))
    }

    /// Whether it keeps everything however old.
    pub fn keeps_all(&self) -> bool {
        self.retention_days.iter().all(Option::is_none)
    }
}

/// Reads a map by event types.
fn each_type<'a>(r: &mut Reader<'a>, read: impl FnMut(&mut Reader<'a>, usize)) {
    read_fields(r, EventType::NAMES, read);
}

#[cold]
fn invalid(message: &str) -> Error {
    Error::new(ErrorCode::PolicyInvalid, message)
}
