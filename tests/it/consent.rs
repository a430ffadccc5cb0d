//! Consent is part of the maths: two customers who differ only in what a withheld purpose covers get the same bytes, and
//! where it is granted nearly all of them get others. The same for what was erased.
//!
//! `UNISONO_PROFILES` says how many pairs for each purpose (the proof takes 100,000).

use unisono_core::model::ModelParts;
use unisono_core::{Model, Policy, profile_apply, profile_erase, profile_export, recommend};
use unisono_message::{EventType, Purpose};
use unisono_tests::generator::{self, Habits};
use unisono_tests::random::Random;
use unisono_tests::value::{Value, decode, encode, field, map, set, strings, text};

const NOW_MS: i64 = generator::BASE_MS;
const CHANNELS: [&str; 4] = ["web", "store", "app", "email"];
/// What the purpose in question covers alone, where it is not about channels.
const COVERED: [EventType; 7] = [
    EventType::Purchase,
    EventType::View,
    EventType::Click,
    EventType::Return,
    EventType::Pickup,
    EventType::OfferRedeemed,
    EventType::Impression,
];
const OPEN: [EventType; 3] = [EventType::CartAdd, EventType::Rating, EventType::WishlistAdd];

/// The models of all pairs.
struct Shops {
    parts: Vec<ModelParts>,
    files: Vec<Vec<u8>>,
}

impl Shops {
    fn new() -> Shops {
        let random = &mut Random::new(21);
        let parts: Vec<ModelParts> = (0..12).map(|_| generator::model(random)).collect();
        let files = parts.iter().map(|parts| unisono_core::model::encode(parts).unwrap()).collect();
        Shops { parts, files }
    }

    fn loaded(&self) -> Vec<Model<'_>> {
        self.files.iter().map(|file| Model::load(file).unwrap()).collect()
    }
}

/// Where things lie that a purpose covers: beside the state, in it, and in that of a linked profile.
#[derive(Clone, Default)]
struct Holders {
    beside: Vec<Value>,
    own: Vec<Value>,
    linked: Vec<Value>,
    /// The value of a trait under the purpose.
    size: Option<&'static str>,
}

/// One pair's setting.
struct Setting<'s> {
    parts: &'s ModelParts,
    purpose: Purpose,
    here: &'static str,
    /// The channel on which the purpose is withheld; none for all.
    channel: Option<&'static str>,
    is_linked: bool,
}

impl Setting<'_> {
    /// An event; a covered one is seen by the purpose alone.
    fn event(&self, random: &mut Random, id: usize, covered: bool) -> Value {
        let habits = Habits { ids: 1_000_000, one_channel: false, many_items: false };
        let mut event = generator::event(random, self.parts, NOW_MS, habits);
        let (kind, channel) = match self.purpose {
            Purpose::CrossChannel => {
                let among = if random.chance(80) { &COVERED[..] } else { &OPEN[..] };
                let kind = *random.pick(among);
                let others: Vec<&str> = CHANNELS.into_iter().filter(|channel| *channel != self.here).collect();
                let other = *random.pick(&others);
                (kind, if covered { self.there().unwrap_or(other) } else { self.here })
            }
            _ => {
                let kind = *random.pick(if covered { &COVERED[..] } else { &OPEN[..] });
                let anywhere = *random.pick(&CHANNELS);
                (kind, if covered { self.there().unwrap_or(anywhere) } else { anywhere })
            }
        };
        set(&mut event, "event_id", format!("e{id}").into());
        set(&mut event, "type", kind.as_str().into());
        set(&mut event, "channel", channel.into());
        if let Some(offer) = self.parts.offers.first().filter(|_| kind == EventType::OfferRedeemed) {
            set(&mut event, "offer_id", offer.id.as_str().into());
        }
        event
    }

    /// The one channel whose events are covered. Where the purpose is withheld in the channel that asks, those of every
    /// channel are; an export asks from none.
    fn there(&self) -> Option<&'static str> {
        self.channel.filter(|channel| *channel != self.here || self.purpose == Purpose::Training)
    }

    /// Changes one covered thing, at least.
    fn change(&self, random: &mut Random, holders: &mut Holders) {
        let faulty_allowed = self.purpose != Purpose::Training;
        for at in 0..1 + random.below(3) {
            let holder = match random.below(3) {
                0 if faulty_allowed => &mut holders.beside,
                1 if self.is_linked => &mut holders.linked,
                _ => &mut holders.own,
            };
            if !holder.is_empty() && random.chance(30) {
                holder.remove(random.below(holder.len()));
            } else {
                holder.push(self.event(random, 900 + at, true));
            }
        }
        if faulty_allowed && random.chance(15) {
            let mut wrong = self.event(random, 950, true);
            match random.below(4) {
                0 => set(&mut wrong, "price", Value::from(-1)),
                1 => set(&mut wrong, "event_id", Value::from(7)),
                2 => set(&mut wrong, "mood", (0..40).fold(Value::Nil, |inner, _| Value::Array(vec![inner]))),
                _ => set(&mut wrong, "ts_ms", Value::from(NOW_MS + 600_001)),
            }
            let at = random.below(holders.beside.len() + 1);
            holders.beside.insert(at, wrong);
        }
        if random.chance(20) {
            holders.size = if holders.size.is_some() { None } else { Some("L") };
        }
    }

    /// The word on the purpose that outweighs every other.
    fn word(&self, granted: bool) -> Value {
        let mut word = vec![
            ("purpose", Value::from(self.purpose.as_str())),
            ("granted", granted.into()),
            ("ts_ms", (NOW_MS + 600_000).into()),
            ("writer", "~".into()),
        ];
        word.extend(self.channel.map(|channel| ("channel", channel.into())));
        map(word)
    }

    /// The policy under which the purpose alone covers what it covers.
    fn policy(purpose: Purpose) -> Policy {
        if purpose == Purpose::CrossChannel {
            return Policy::default();
        }
        let alone = |kind: &EventType| (kind.as_str(), strings(&[purpose.as_str()]));
        let consent = map(vec![("event_purposes", map(COVERED.iter().map(alone).collect()))]);
        Policy::load(&encode(&map(vec![("version", 1.into()), ("consent", consent)]))).unwrap()
    }

    fn state(&self, events: &[Value], size: Option<&str>, more: Vec<(&str, Value)>) -> Value {
        let mut input = vec![("now_ms", Value::from(NOW_MS)), ("events", Value::Array(events.to_vec()))];
        // A trait is known under one purpose wherever it was said.
        if let Some(size) = size.filter(|_| self.purpose != Purpose::CrossChannel && self.channel.is_none()) {
            let one = [("name", "size".into()), ("value", size.into()), ("purpose", self.purpose.as_str().into())];
            input.push(("traits", Value::Array(vec![map([&one[..], &[("ts_ms", NOW_MS.into())]].concat())])));
        }
        input.extend(more);
        applied(&map(input))
    }

    /// The profile of a request.
    fn profile(&self, open: &Holders, covered: &Holders, granted: bool) -> Value {
        let all = |a: &[Value], b: &[Value]| [a, b].concat();
        let link = |other: &str| {
            let one = map(vec![("profile_id", other.into()), ("linked", true.into()), ("ts_ms", NOW_MS.into())]);
            if self.is_linked { vec![("links", Value::Array(vec![one]))] } else { Vec::new() }
        };
        let mut profile = vec![
            ("profile_id", Value::from("p1")),
            ("state", self.state(&all(&open.own, &covered.own), covered.size, link("p2"))),
            ("events", Value::Array(all(&open.beside, &covered.beside))),
            ("consents", Value::Array(vec![self.word(granted)])),
        ];
        if self.is_linked {
            let state = self.state(&all(&open.linked, &covered.linked), None, link("p1"));
            profile.push(("linked", Value::Array(vec![map(vec![("profile_id", "p2".into()), ("state", state)])])));
        }
        map(profile)
    }
}

fn applied(input: &Value) -> Value {
    let answer = decode(&profile_apply(&Policy::default(), &encode(input))).unwrap();
    field(&answer, "state").cloned().unwrap_or_else(|| panic!("no state in {answer}"))
}

fn open_holders(setting: &Setting<'_>, random: &mut Random, covered: bool, first: usize) -> Holders {
    let mut some = |from: usize| -> Vec<Value> {
        (0..random.below(4)).map(|at| setting.event(random, first + from + at, covered)).collect()
    };
    Holders { beside: some(0), own: some(10), linked: some(20), size: None }
}

/// How many of the pairs get the same bytes, with the purpose withheld and with it granted.
fn pairs(purpose: Purpose, wanted: usize) -> (usize, usize) {
    let shops = Shops::new();
    let models = shops.loaded();
    let policy = Setting::policy(purpose);
    let random = &mut Random::new(31 + purpose as u64);
    let (mut same_withheld, mut same_granted) = (0, 0);
    for pair in 0..wanted {
        let at = random.below(models.len());
        let here = *random.pick(&CHANNELS);
        let channel = random.chance(40).then(|| *random.pick(&CHANNELS));
        let is_linked = random.chance(50);
        let setting = Setting { parts: &shops.parts[at], purpose, here, channel, is_linked };
        let open = open_holders(&setting, random, false, 0);
        let mut one = open_holders(&setting, random, true, 100);
        if purpose == Purpose::Training {
            one.beside.clear();
        }
        one.size = random.chance(50).then_some("M");
        let mut other = one.clone();
        setting.change(random, &mut other);
        if encode(&Value::Array(one.own.clone())) == encode(&Value::Array(other.own.clone()))
            && encode(&Value::Array(one.beside.clone())) == encode(&Value::Array(other.beside.clone()))
            && (!is_linked || one.linked == other.linked)
            && one.size == other.size
        {
            // An event that was put in and taken out again.
            other.own.push(setting.event(random, 990, true));
        }
        let mut page = generator::page(random, setting.parts, NOW_MS, None);
        let mut context = field(&page, "context").cloned().unwrap_or(Value::Map(Vec::new()));
        set(&mut context, "channel", here.into());
        set(&mut page, "context", context);
        let asked = |covered: &Holders, granted: bool| {
            if purpose == Purpose::Training {
                let word = vec![("consents", Value::Array(vec![setting.word(granted)]))];
                let events = [&open.own[..], &covered.own[..]].concat();
                let state = setting.state(&events, covered.size, word);
                let input = map(vec![("state", state), ("now_ms", NOW_MS.into()), ("purpose", "training".into())]);
                return profile_export(&policy, &encode(&input));
            }
            let mut request = page.clone();
            set(&mut request, "profile", setting.profile(&open, covered, granted));
            recommend(&models[at], &policy, &encode(&request))
        };
        let (a, b) = (asked(&one, false), asked(&other, false));
        if a != b {
            let (a, b) = (decode(&a).unwrap(), decode(&b).unwrap());
            let difference = unisono_tests::value::difference(&a, &b);
            panic!("pair {pair}: what {} covers shows: {}", purpose.as_str(), difference.unwrap_or_default());
        }
        assert!(field(&decode(&a).unwrap(), "error").is_none(), "pair {pair}: {}", decode(&a).unwrap());
        same_withheld += 1;
        same_granted += usize::from(asked(&one, true) == asked(&other, true));
    }
    (same_withheld, same_granted)
}

fn check(purpose: Purpose) {
    let wanted = crate::wanted_profiles();
    let (same_withheld, same_granted) = pairs(purpose, wanted);
    let differ = wanted - same_granted;
    eprintln!("{:<16} {wanted} pairs: withheld, {same_withheld} the same; granted, {differ} differ", purpose.as_str());
    assert_eq!(same_withheld, wanted);
    assert!(differ * 10 >= wanted * 8, "{differ} of {wanted} differ where {} is granted", purpose.as_str());
}

#[test]
fn nothing_that_personalization_covers_shows_without_it() {
    check(Purpose::Personalization);
}

#[test]
fn nothing_that_offers_cover_shows_without_them() {
    check(Purpose::Offers);
}

#[test]
fn nothing_of_other_channels_shows_without_crossing_them() {
    check(Purpose::CrossChannel);
}

#[test]
fn nothing_that_measurement_covers_shows_without_it() {
    check(Purpose::Measurement);
}

/// Nothing in an answer rests on training: what may be trained on is what an export for it holds.
#[test]
fn nothing_that_training_covers_is_exported_for_it_without_it() {
    check(Purpose::Training);
}

#[test]
fn an_erased_customer_is_one_never_seen() {
    let shops = Shops::new();
    let models = shops.loaded();
    let random = &mut Random::new(77);
    let (wanted, mut differ) = (crate::wanted_profiles(), 0);
    for pair in 0..wanted {
        let at = random.below(models.len());
        let habits = Habits { ids: 60, one_channel: false, many_items: false };
        let erased_ms = NOW_MS - random.within(0, 40) * 43_200_000;
        let before: Vec<Value> = (0..1 + random.below(20))
            .map(|_| {
                let mut event = generator::event(random, &shops.parts[at], NOW_MS, habits);
                let ts_ms = field(&event, "ts_ms").and_then(Value::as_i64).unwrap();
                set(&mut event, "ts_ms", ts_ms.min(erased_ms).into());
                event
            })
            .collect();
        let mut after: Vec<Value> = Vec::new();
        for id in 0..random.below(4) {
            let mut event = generator::event(random, &shops.parts[at], NOW_MS, habits);
            // A state does not say again what was passed over when it was made.
            if let Value::Map(pairs) = &mut event {
                pairs.retain(|pair| !["mood", "course"].contains(&pair.0.as_str().unwrap_or_default()));
            }
            // On the tombstone's day too.
            set(&mut event, "ts_ms", (erased_ms + 1 + random.within(0, 40_000_000)).min(NOW_MS + 600_000).into());
            set(&mut event, "event_id", format!("after-{id}").into());
            after.push(event);
        }
        let stamp = || ("ts_ms", Value::from(erased_ms));
        let history = map(vec![
            ("now_ms", NOW_MS.into()),
            ("events", Value::Array(before.clone())),
            (
                "traits",
                Value::Array(vec![map(vec![
                    ("name", "size".into()),
                    ("value", "M".into()),
                    ("purpose", "personalization".into()),
                    stamp(),
                ])]),
            ),
            (
                "consents",
                Value::Array(vec![map(vec![("purpose", "offers".into()), ("granted", false.into()), stamp()])]),
            ),
            ("links", Value::Array(vec![map(vec![("profile_id", "p2".into()), ("linked", true.into()), stamp()])])),
        ]);
        let full = applied(&history);
        let input = map(vec![("state", full.clone()), ("ts_ms", erased_ms.into()), ("now_ms", NOW_MS.into())]);
        let answer = decode(&profile_erase(&encode(&input))).unwrap();
        let mut erased = field(&answer, "state").cloned().expect("a tombstone");
        if random.chance(50) {
            // Late copies of everything, once more.
            let mut late = history.clone();
            set(&mut late, "state", erased);
            erased = applied(&late);
        }
        let is_told = random.chance(50);
        if is_told {
            erased = applied(&map(vec![
                ("now_ms", NOW_MS.into()),
                ("state", erased),
                ("events", Value::Array(after.clone())),
            ]));
        }
        let page = generator::page(random, &shops.parts[at], NOW_MS, None);
        let asked = |state: Option<&Value>, events: Vec<Value>| {
            let mut profile = vec![("profile_id", Value::from("p1")), ("events", Value::Array(events))];
            profile.extend(state.map(|state| ("state", state.clone())));
            let mut request = page.clone();
            set(&mut request, "profile", map(profile));
            recommend(&models[at], &Policy::default(), &encode(&request))
        };
        let never_seen = asked(None, after.clone());
        let late = if random.chance(50) { before.clone() } else { Vec::new() };
        let beside = if is_told { late } else { [late, after.clone()].concat() };
        let answer = asked(Some(&erased), beside);
        if answer != never_seen {
            let difference = unisono_tests::value::difference(&decode(&never_seen).unwrap(), &decode(&answer).unwrap());
            panic!("pair {pair}: what was erased shows: {}", difference.unwrap_or_default());
        }
        assert!(text(&decode(&answer).unwrap(), "decision_id").is_some());
        differ += usize::from(asked(Some(&full), after) != never_seen);
    }
    eprintln!("{:<16} {wanted} pairs: erased, {wanted} the same as never seen; not erased, {differ} differ", "erasure");
    assert!(differ * 10 >= wanted * 8, "{differ} of {wanted} differ where nothing was erased");
}
