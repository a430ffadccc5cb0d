//! What a decision may see of a customer: the states of one component, joined, and masked by consent.

use super::codec::decode_state;
use super::join::winners;
use super::links::{component, give};
use super::{FoldReport, Profile};
use crate::consent::{Consents, SERVING, Sight};
use crate::policy::Policy;
use alloc::vec::Vec;
use unisono_message::list::{Listed, keep};
use unisono_message::{Event, EventType, ProfileInput, Purpose, RegisterKind, Result, check_future, check_owner};

/// The profile of a request as far as purposes allow.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen<'a> {
    /// What any purpose of serving may see, with every consent: what the decision's id is taken of.
    pub(crate) whole: Profile<'a>,
    /// What personalization may see, where that is less.
    personal: Option<Profile<'a>>,
    /// What offers may see, where that is less.
    offers: Option<Profile<'a>>,
    /// Whether offers may look at the customer at all: without, nothing can be counted.
    pub(crate) counts_offers: bool,
    /// Purposes that are withheld in the channel of the request.
    pub(crate) withheld: u32,
    pub(crate) report: FoldReport,
    /// Linked profiles beyond those that are read, and those whose states were not given.
    pub(crate) links_beyond: u32,
    pub(crate) links_not_given: u32,
    /// Fields of visible events that no one knows.
    pub(crate) unknown_fields: u32,
}

impl<'a> Seen<'a> {
    /// Reads a request's profile from a channel at a moment.
    ///
    /// # Errors
    /// Those of states, and the first fault of an event that some purpose may look at.
    pub(crate) fn of(policy: &Policy, input: &ProfileInput<'a>, channel: &str, now_ms: i64) -> Result<Self> {
        let mut seen = Seen::default();
        let (mut states, erased_ms) = seen.joined_states(input)?;
        for (index, consent) in input.consents.iter().enumerate() {
            check_future(consent.ts_ms, now_ms)
                .map_err(|error| error.at_index(index).in_field("consents").in_field("profile"))?;
        }
        // What stands beside the state is of the same profile: its tombstone wins over late copies here too.
        let outlives = |ts_ms: i64| erased_ms.is_none_or(|erased| ts_ms > erased);
        states.push(Profile { registers: winners(input.consents.iter(), erased_ms), ..Profile::default() });
        let registers = winners(states.iter().flat_map(|state| &state.registers), None);
        let mut sight = Sight::new(Consents { policy, registers: &registers }, Some(channel), now_ms);
        seen.withheld = sight.withheld();
        let may_count = policy.purposes(EventType::OfferRedeemed) & Purpose::Offers.bit() != 0;
        let everywhere = Consents { policy, registers: &registers };
        seen.counts_offers = may_count
            && everywhere.allow_everywhere(Purpose::Offers)
            && everywhere.allow_everywhere(Purpose::CrossChannel);
        let is_taken = |sight: &mut Sight<'_, 'a>, event: &Event<'a>| outlives(event.ts_ms) && is_seen(sight, event);
        check_events(input, &mut sight, now_ms).map_err(|error| error.in_field("events").in_field("profile"))?;
        let clear = sight.is_clear();
        if clear && erased_ms.is_none() {
            seen.unknown_fields = input.unknown_fields.iter().map(|(_, count)| *count).sum();
            (seen.whole, seen.report) = Profile::join(&input.events, &states);
        } else {
            if !clear {
                states.iter_mut().for_each(|state| state.mask(&mut sight, SERVING));
            }
            let unknown = input
                .unknown_fields
                .iter()
                .filter(|(at, _)| input.events.get(*at as usize).is_some_and(|event| is_taken(&mut sight, event)));
            seen.unknown_fields = unknown.map(|(_, count)| *count).sum();
            let events: Vec<Event<'a>> =
                input.events.iter().filter(|event| is_taken(&mut sight, event)).copied().listed();
            (seen.whole, seen.report) = Profile::join(&events, &states);
        }
        // Of linked profiles more may come together than one may hold: what is only read is not refused for it.
        if input.linked.is_empty() {
            seen.whole.check_bounds().map_err(|error| error.in_field("profile"))?;
        }
        if !clear {
            seen.personal = Some(seen.whole.masked(&mut sight, Purpose::Personalization.bit()));
            seen.offers = Some(seen.whole.masked(&mut sight, Purpose::Offers.bit()));
        }
        Ok(seen)
    }

    /// The states of the component, each by itself ready to be joined, and the tombstone of the profile itself.
    fn joined_states(&mut self, input: &ProfileInput<'a>) -> Result<(Vec<Profile<'a>>, Option<i64>)> {
        let in_profile = |error: unisono_message::Error| error.in_field("profile");
        let own = decode_state(input.state).map_err(in_profile)?;
        let mut states: Vec<(&'a str, Profile<'a>)> = alloc::vec![(input.profile_id.unwrap_or_default(), own)];
        for (index, other) in input.linked.iter().enumerate() {
            let state = decode_state(Some(other.state));
            let in_linked = |error: unisono_message::Error| error.at_index(index).in_field("linked");
            give(&mut states, other.profile_id, state.map_err(in_linked).map_err(in_profile)?);
        }
        let erased_ms = states.first().and_then(|(_, own)| own.erased_ms);
        let found = component(input.profile_id.unwrap_or_default(), &states);
        self.links_beyond = found.beyond;
        self.links_not_given = found.needs.len() as u32;
        let is_of_it = |id: &str| input.linked.is_empty() || found.profile_ids.contains(&id);
        let of_it = states.into_iter().filter(|(id, _)| is_of_it(id)).map(|(_, state)| state.into_view());
        Ok((of_it.listed(), erased_ms))
    }

    /// What personalization may see.
    pub(crate) fn personal(&self) -> &Profile<'a> {
        self.personal.as_ref().unwrap_or(&self.whole)
    }

    /// What offers may see.
    pub(crate) fn offers(&self) -> &Profile<'a> {
        self.offers.as_ref().unwrap_or(&self.whole)
    }
}

fn is_seen<'a>(sight: &mut Sight<'_, 'a>, event: &Event<'a>) -> bool {
    sight.purposes(event.kind, event.channel, event.day()) & SERVING != 0
}

/// Fails at the first event that is unsound, of another profile, or of the future. One that no purpose may look at is not
/// looked at, sound or not.
fn check_events<'a>(input: &ProfileInput<'a>, sight: &mut Sight<'_, 'a>, now_ms: i64) -> Result<()> {
    for fault in &input.faults {
        let purposes = match fault.class {
            Some((kind, channel)) => sight.purposes(kind, channel, i64::MAX),
            None => sight.here(),
        };
        if purposes & SERVING != 0 {
            return Err(fault.error.clone().at_index(fault.index));
        }
    }
    let mut owners = input.owners.iter().peekable();
    for (at, event) in input.events.iter().enumerate() {
        let named = owners.next_if(|(of, _)| *of as usize == at).map(|(_, owner)| *owner);
        let sound = check_owner(named, input.profile_id).and_then(|()| check_future(event.ts_ms, now_ms));
        if let Err(error) = sound
            && is_seen(sight, event)
        {
            return Err(error.at_index(input.place_of(at)));
        }
    }
    Ok(())
}

impl<'a> Profile<'a> {
    /// The state to be joined with others of the customer: its own tombstone and links say nothing of them.
    fn into_view(mut self) -> Self {
        self.add_day_of_erasure();
        self.erased_ms = None;
        keep(&mut self.registers, |one| one.kind != RegisterKind::Link);
        self
    }

    /// Leaves what one of the purposes may look at.
    fn mask(&mut self, sight: &mut Sight<'_, 'a>, purposes: u8) {
        keep(&mut self.events, |event| sight.purposes(event.kind, event.channel, event.day()) & purposes != 0);
        keep(&mut self.marks, |mark| sight.purposes(mark.kind, mark.channel, mark.day) & purposes != 0);
        keep(&mut self.registers, |one| {
            one.kind != RegisterKind::Trait || (one.purpose.bit() & purposes != 0 && sight.allows(one.purpose))
        });
    }

    fn masked(&self, sight: &mut Sight<'_, 'a>, purposes: u8) -> Self {
        let mut masked = self.clone();
        masked.mask(sight, purposes);
        masked
    }

    /// Leaves what personalization may use, of channels that let others use it too.
    pub(super) fn mask_for_carrying(&mut self, policy: &Policy, now_ms: i64) {
        let registers = self.registers.clone();
        let consents = Consents { policy, registers: &registers };
        self.mask(&mut Sight::new(consents, None, now_ms), Purpose::Personalization.bit());
        keep(&mut self.events, |event| consents.allow(Purpose::CrossChannel, event.channel));
        keep(&mut self.marks, |mark| consents.allow(Purpose::CrossChannel, mark.channel));
    }

    /// Drops what is not to be stored. Gives how many events and marks no purpose may use, and how many others are older than
    /// the policy keeps them.
    pub(super) fn drop_unstorable(&mut self, consents: &Consents<'_, 'a>, now_ms: i64) -> (usize, usize) {
        let (mut withheld, mut expired) = (0, 0);
        let mut is_kept = |kind: EventType, channel: &str, day: i64| {
            let (may_stay, is_recent) = (consents.keep(kind, channel), day >= consents.policy.first_day(kind, now_ms));
            withheld += usize::from(!may_stay);
            expired += usize::from(may_stay && !is_recent);
            may_stay && is_recent
        };
        keep(&mut self.events, |event| is_kept(event.kind, event.channel, event.day()));
        keep(&mut self.marks, |mark| is_kept(mark.kind, mark.channel, mark.day));
        (withheld, expired)
    }

    /// What one purpose may look at, from no channel in particular.
    pub(super) fn seen_by(&mut self, policy: &Policy, purpose: Purpose, now_ms: i64) {
        let registers = self.registers.clone();
        self.mask(&mut Sight::new(Consents { policy, registers: &registers }, None, now_ms), purpose.bit());
    }
}
