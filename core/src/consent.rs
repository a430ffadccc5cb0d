//! Consent: which purposes may look at which events in a decision. Nothing that comes out of a call depends on what no
//! purpose may look at.

use crate::policy::Policy;
use alloc::vec::Vec;
use unisono_message::list::search;
use unisono_message::{EventType, Purpose, Register, RegisterKind};

/// The purposes that an answer may rest on.
pub(crate) const SERVING: u8 = Purpose::Personalization.bit() | Purpose::Offers.bit() | Purpose::Measurement.bit();
/// The purposes that an event may be kept for.
pub(crate) const KEEPING: u8 = SERVING | Purpose::Training.bit();

/// What the customer has said and the shop presumes.
#[derive(Clone, Copy, Debug)]
pub struct Consents<'c, 'a> {
    /// What holds where the customer has said nothing.
    pub policy: &'c Policy,
    /// What was said, older copies of a key too; other registers than consents may be among them.
    pub registers: &'c [Register<'a>],
}

impl Consents<'_, '_> {
    /// Whether a purpose is allowed in a channel: the newer of the word on this channel and of that on all channels
    /// counts, of one time that of the greater writer, and withheld where both are of one time and writer; without either,
    /// what the policy presumes.
    pub fn allow(&self, purpose: Purpose, channel: &str) -> bool {
        let said = self.said().filter(|one| one.purpose == purpose && (one.name.is_empty() || one.name == channel));
        let newest = said.reduce(|a, b| if b.winner_first(a).is_lt() { b } else { a });
        newest.map_or(self.policy.granted & purpose.bit() != 0, |one| one.is_on())
    }

    /// Whether a purpose is allowed in every channel: in those of which something was said, and in all others.
    pub(crate) fn allow_everywhere(&self, purpose: Purpose) -> bool {
        let of_purpose = self.said().filter(|one| one.purpose == purpose);
        self.allow(purpose, "") && of_purpose.into_iter().all(|one| self.allow(purpose, one.name))
    }

    fn said(&self) -> impl Iterator<Item = &Register<'_>> {
        self.registers.iter().filter(|one| one.kind == RegisterKind::Consent)
    }

    /// Set of the purposes that are allowed in a channel.
    fn allowed(&self, channel: &str) -> u8 {
        Purpose::ALL.iter().filter(|one| self.allow(**one, channel)).fold(0, |set, one| set | one.bit())
    }

    /// Whether events of this type and channel may be kept at all.
    pub(crate) fn keep(&self, kind: EventType, channel: &str) -> bool {
        self.allowed(channel) & self.policy.purposes(kind) & KEEPING != 0
    }

    /// Whether everything is allowed everywhere, so that there is nothing to ask.
    fn are_all_given(&self) -> bool {
        self.policy.id.is_none() && self.said().all(Register::is_on)
    }
}

/// What may be looked at from one channel.
pub(crate) struct Sight<'c, 'a> {
    consents: Consents<'c, 'a>,
    /// The channel that looks; none for what does not depend on it.
    here: Option<&'c str>,
    now_ms: i64,
    /// Set of the purposes allowed here.
    allowed_here: u8,
    is_clear: bool,
    /// Channels asked for already, ascending, with their sets.
    asked: Vec<(&'a str, u8)>,
}

impl<'c, 'a> Sight<'c, 'a> {
    pub(crate) fn new(consents: Consents<'c, 'a>, here: Option<&'c str>, now_ms: i64) -> Self {
        let allowed_here = consents.allowed(here.unwrap_or_default());
        Sight { consents, here, now_ms, allowed_here, is_clear: consents.are_all_given(), asked: Vec::new() }
    }

    /// Whether every purpose may look at everything.
    pub(crate) fn is_clear(&self) -> bool {
        self.is_clear
    }

    /// Purposes that are withheld here.
    pub(crate) fn withheld(&self) -> u32 {
        Purpose::ALL.len() as u32 - (self.allowed_here & 31).count_ones()
    }

    /// Set of the purposes that are allowed here.
    pub(crate) fn here(&self) -> u8 {
        self.allowed_here
    }

    /// Whether a purpose is allowed here.
    pub(crate) fn allows(&self, purpose: Purpose) -> bool {
        self.allowed_here & purpose.bit() != 0
    }

    /// Set of the purposes that may look at what happened on a UTC day in a channel.
    pub(crate) fn purposes(&mut self, kind: EventType, channel: &'a str, day: i64) -> u8 {
        let policy = self.consents.policy;
        match day >= policy.first_day(kind, self.now_ms) {
            true => policy.purposes(kind) & self.of_channel(channel),
            false => 0,
        }
    }

    /// Set of the purposes that are allowed in a channel and from here.
    fn of_channel(&mut self, channel: &'a str) -> u8 {
        let at = match search(&self.asked, |(asked, _)| (*asked).cmp(channel)) {
            Ok(at) => return self.asked.get(at).map_or(0, |(_, set)| *set),
            Err(at) => at,
        };
        let there = self.consents.allowed(channel);
        let joined = there & self.allowed_here;
        let set = match self.here {
            None => there,
            Some(here) if here == channel || joined & Purpose::CrossChannel.bit() != 0 => joined,
            Some(_) => 0,
        };
        self.asked.insert(at, (channel, set));
        set
    }
}
