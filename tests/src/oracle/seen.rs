//! What a decision may see of a customer, naively.

use super::links::component;
use super::policy::{Consents, Gates, Policy, SERVING, allowed, say};
use super::profile::{Event, Mark, Profile, acceptable, class_of, read_consent, unknown_fields};
use crate::value::{Value, field, list, text};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use unisono_message::Purpose;

/// The profile of a request as far as purposes allow.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// What any purpose of serving may see, and every consent.
    pub(super) whole: Profile,
    /// What personalization may see, settled.
    pub(super) personal: Profile,
    /// What offers may see, settled.
    pub(super) offers: Profile,
    /// Whether redemptions can be counted.
    pub(super) counts_offers: bool,
    /// Whether each purpose is allowed in the request's channel.
    pub allowed: [bool; 5],
    pub(super) beyond: usize,
    pub(super) not_given: usize,
    /// Of the events that are seen.
    pub(super) unknown_fields: usize,
}

impl Seen {
    /// Reads the profile of a valid request.
    pub(super) fn of(policy: &Policy, profile: &Value, here: &str, now_ms: i64) -> Result<Seen> {
        let owner = text(profile, "profile_id");
        let root = owner.unwrap_or_default().to_owned();
        let own = Profile::given(field(profile, "state"))?;
        let mut states: BTreeMap<String, Profile> = BTreeMap::from([(root.clone(), own)]);
        for one in list(profile, "linked") {
            let id = text(one, "profile_id").context("a linked profile has an id")?.to_owned();
            let state = Profile::given(field(one, "state"))?;
            let known = states.remove(&id);
            states.insert(id, Profile::joined(known.into_iter().chain([state]).collect(), Vec::new()));
        }
        let own_erased = states[&root].erased;
        let outlives = |ts_ms: i64| own_erased.is_none_or(|erased| ts_ms > erased);
        let found = component(&root, &states);
        let mut views: Vec<Profile> = Vec::new();
        let mut consents = Consents::new();
        for (_, state) in states.into_iter().filter(|(id, _)| found.ids.contains(id)) {
            for ((purpose, channel), word) in &state.consents {
                say(&mut consents, *purpose, channel, word.clone());
            }
            views.push(state.into_view());
        }
        for one in list(profile, "consents") {
            let (purpose, channel, word) = read_consent(one).context("a sound consent")?;
            if outlives(word.ts_ms) {
                say(&mut consents, purpose, &channel, word);
            }
        }
        let gates = Gates { policy, consents: &consents, here: Some(here), now_ms };
        let mut seen = Seen {
            allowed: Purpose::ALL.map(|purpose| gates.allows_here(purpose)),
            counts_offers: policy.lets_offers_count()
                && [Purpose::Offers, Purpose::CrossChannel].iter().all(|of| {
                    let said =
                        consents.keys().filter(|(purpose, _)| purpose == of).map(|(_, channel)| channel.as_str());
                    said.chain([""]).all(|channel| allowed(policy, &consents, *of, channel))
                }),
            beyond: found.beyond,
            not_given: found.needs.len(),
            ..Seen::default()
        };
        // Where nothing is withheld and no one has set rules, nothing is asked.
        let is_clear = policy.id.is_none() && consents.values().all(|word| word.granted);
        let mut events = Vec::new();
        for event in list(profile, "events") {
            let class = class_of(event);
            if !acceptable(event, owner, now_ms) {
                let is_covered =
                    |(kind, channel): &(_, String)| !SERVING.iter().any(|one| gates.opens(*one, *kind, channel));
                if class.as_ref().is_some_and(is_covered) {
                    continue;
                }
                bail!("the event `{event}` is wrong, and not covered");
            }
            let read = Event::named(event)?;
            let is_open = is_clear || gates.open(&SERVING, read.kind, &read.channel, read.day());
            if is_open && outlives(read.ts_ms) {
                seen.unknown_fields += unknown_fields(event);
                events.push(read);
            }
        }
        if !is_clear {
            views = views.into_iter().map(|view| view.masked(&gates, &SERVING)).collect();
        }
        views.push(Profile { consents: consents.clone(), ..Profile::default() });
        seen.whole = Profile::joined(views, events);
        let of = |purpose| match is_clear {
            true => seen.whole.settled(),
            false => seen.whole.clone().masked(&gates, &[purpose]).settled(),
        };
        (seen.personal, seen.offers) = (of(Purpose::Personalization), of(Purpose::Offers));
        Ok(seen)
    }
}

impl Profile {
    /// The state beside others of the customer: of its tombstone's day, only what is kept in full was after it.
    fn into_view(mut self) -> Profile {
        if let Some(erased) = self.erased {
            let of_day = self.events.iter().filter(|event| event.day() == erased.div_euclid(86_400_000));
            let marks: Vec<Mark> = of_day.filter(|event| !event.carried()).filter_map(Event::mark).collect();
            self.marks.extend(marks);
        }
        Profile { erased: None, links: BTreeMap::new(), ..self }
    }

    /// What some purposes may look at.
    pub(super) fn masked(mut self, gates: &Gates<'_>, purposes: &[Purpose]) -> Profile {
        self.events.retain(|event| gates.open(purposes, event.kind, &event.channel, event.day()));
        self.marks.retain(|mark| gates.open(purposes, mark.kind, &mark.channel, mark.newest_first.0));
        self.traits.retain(|_, one| purposes.contains(&one.purpose()) && gates.allows_here(one.purpose()));
        self
    }
}
