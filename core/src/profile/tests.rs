//! The algebra of profiles: any order, any grouping, any duplication gives the same bytes.

use super::{Mark, Profile};
use crate::policy::Policy;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use proptest::prelude::*;
use unisono_message::limits::{PROFILE_CLASSES_MAX, PROFILE_EVENTS_PER_CLASS, PROFILE_MARKS_PER_CLASS};
use unisono_message::{Event, EventType, Writer};

/// An event as numbers, so that it can own nothing: id, day, kind, channel, item, copy.
type Raw = (u16, u16, u8, u8, u8, u8);

struct Names {
    ids: Vec<String>,
    items: Vec<String>,
}

fn names() -> Names {
    Names { ids: (0..2_000).map(|n| format!("e{n}")).collect(), items: (0..256).map(|n| format!("item-{n}")).collect() }
}

const CHANNELS: [&str; 3] = ["store", "web", "kiosk"];
const KINDS: [EventType; 3] = [EventType::Purchase, EventType::View, EventType::OfferRedeemed];

fn event<'a>(names: &'a Names, raw: &Raw) -> Event<'a> {
    let (id, day, kind, channel, item, copy) = *raw;
    let kind = KINDS[kind as usize % KINDS.len()];
    let ts_ms = i64::from(day) * 86_400_000 + i64::from(copy % 3) * 1000;
    let mut event = Event::new(&names.ids[id as usize % 2_000], ts_ms, kind, CHANNELS[channel as usize % 3]);
    event.item_id = (item > 3).then(|| names.items[item as usize].as_str());
    event.price_micro = (copy % 2 == 0).then_some(i64::from(copy) * 10_000);
    event
}

fn raws(max: usize) -> impl Strategy<Value = Vec<Raw>> {
    // A few days and ids, so that duplicates, late copies and full bounds are common.
    prop::collection::vec((0u16..900, 0u16..60, any::<u8>(), any::<u8>(), any::<u8>(), any::<u8>()), 0..max)
}

fn state(events: &[Event<'_>]) -> Vec<u8> {
    Profile::from_events(events).0.encode()
}

/// The definition of the state, written down as directly as possible.
fn naive<'a>(events: &[Event<'a>]) -> (Vec<Event<'a>>, Vec<Mark<'a>>) {
    let mut copies: BTreeMap<(EventType, &str, &str), Event<'a>> = BTreeMap::new();
    for event in events {
        let key = (event.kind, event.channel, event.event_id);
        let greatest = copies.get(&key).is_none_or(|known| known.total_cmp(event).is_lt());
        if greatest {
            copies.insert(key, *event);
        }
    }
    let mut classes: BTreeMap<(EventType, &str), Vec<Event<'a>>> = BTreeMap::new();
    for event in copies.into_values() {
        classes.entry((event.kind, event.channel)).or_default().push(event);
    }
    let mut kept = Vec::new();
    for class in classes.values_mut() {
        class.sort_by(|a, b| b.total_cmp(a));
        kept.extend(class.iter().take(PROFILE_EVENTS_PER_CLASS));
    }
    let marks: BTreeSet<(i64, &str, EventType, &str)> =
        events.iter().filter_map(Mark::of).map(|mark| (-mark.day, mark.item_id, mark.kind, mark.channel)).collect();
    let mut counts: BTreeMap<(EventType, &str), usize> = BTreeMap::new();
    let newest = marks.into_iter().filter(|mark| {
        let count = counts.entry((mark.2, mark.3)).or_default();
        *count += 1;
        *count <= PROFILE_MARKS_PER_CLASS
    });
    (kept, newest.map(|(day, item_id, kind, channel)| Mark { day: -day, item_id, kind, channel }).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_state_is_what_its_definition_says(raws in raws(1500)) {
        let names = names();
        let events: Vec<Event<'_>> = raws.iter().map(|raw| event(&names, raw)).collect();
        let (profile, report) = Profile::from_events(&events);
        let (kept, marks) = naive(&events);
        prop_assert_eq!(profile.events(), &kept[..]);
        prop_assert_eq!(profile.marks(), &marks[..]);
        prop_assert_eq!(report.duplicate_events as usize + report.events_beyond_bound as usize + kept.len(), events.len());
    }

    #[test]
    fn merging_is_associative_commutative_and_idempotent(a in raws(700), b in raws(700), c in raws(700)) {
        let names = names();
        let of = |raws: &[Raw]| -> Vec<Event<'_>> { raws.iter().map(|raw| event(&names, raw)).collect() };
        let (ea, eb, ec) = (of(&a), of(&b), of(&c));
        let profile = |events: &[Event<'_>]| state(events);
        let (pa, pb, pc) = (profile(&ea), profile(&eb), profile(&ec));
        let (pa, pb, pc) = (Profile::decode(&pa).unwrap(), Profile::decode(&pb).unwrap(), Profile::decode(&pc).unwrap());
        let merged = |a: &Profile<'_>, b: &Profile<'_>| a.clone().merged(b).0.encode();
        let (ab, bc) = (merged(&pa, &pb), merged(&pb, &pc));
        let left = merged(&Profile::decode(&ab).unwrap(), &pc);
        let right = merged(&pa, &Profile::decode(&bc).unwrap());
        prop_assert_eq!(&left, &right);
        prop_assert_eq!(&ab, &merged(&pb, &pa));
        prop_assert_eq!(merged(&pa, &pa), pa.encode());
        let (one, two) = (Profile::of_states(&[pa.clone(), pb.clone(), pc.clone()]), Profile::of_states(&[pc, pa, pb]));
        prop_assert_eq!(&one, &two);
        prop_assert_eq!(one.0.encode(), &left[..]);
        let all: Vec<Event<'_>> = ea.iter().chain(&eb).chain(&ec).copied().collect();
        prop_assert_eq!(left, state(&all));
    }

    #[test]
    fn a_state_round_trips_and_nothing_else_decodes_to_it(raws in raws(400), flip in any::<(usize, u8)>()) {
        let names = names();
        let events: Vec<Event<'_>> = raws.iter().map(|raw| event(&names, raw)).collect();
        let bytes = state(&events);
        prop_assert_eq!(Profile::decode(&bytes).unwrap().encode(), bytes.clone());
        let mut other = bytes.clone();
        let at = flip.0 % other.len();
        other[at] ^= flip.1 | 1;
        if let Ok(profile) = Profile::decode(&other) {
            prop_assert_eq!(profile.encode(), other);
        }
    }
}

#[test]
fn apply_keeps_the_good_events_and_names_what_is_wrong_with_the_others() {
    let mut w = Writer::new();
    w.map(2);
    w.str("now_ms");
    w.int(1_000_000_000);
    w.str("events");
    w.array(3);
    for (id, ts_ms, kind) in [("a", 5, "view"), ("b", 1_000_600_001, "view"), ("c", 7, "gift")] {
        w.map(5);
        for (key, value) in [("event_id", id), ("type", kind), ("channel", "web"), ("item_id", "x")] {
            w.str(key);
            w.str(value);
        }
        w.str("ts_ms");
        w.int(ts_ms);
    }
    let answer = super::apply(&Policy::default(), w.as_bytes());
    let text = String::from_utf8_lossy(&answer);
    assert!(text.contains("event_from_future") && text.contains("unknown_event_type"), "{text}");
    assert_eq!(text.matches("accepted").count(), 1);
    assert_eq!(text.matches("refused").count(), 3, "two results, and the key of the registers");
}

#[test]
fn a_state_of_a_later_version_is_refused_whole() {
    let mut w = Writer::new();
    w.map(4);
    w.str("version");
    w.int(1);
    w.str("events");
    w.array(0);
    w.str("marks");
    w.array(0);
    w.str("moods");
    w.array(0);
    let error = Profile::decode(w.as_bytes()).unwrap_err();
    assert_eq!(error.code().as_str(), "profile_version_unsupported");
    let merged = super::merge(&{
        let mut m = Writer::new();
        m.map(1);
        m.str("states");
        m.array(1);
        m.bin(w.as_bytes());
        m.into_bytes()
    });
    assert!(String::from_utf8_lossy(&merged).contains("states[0].version"), "{merged:?}");
}

/// Two ids that the hash by which events are sorted can't tell apart.
const ONE_HASH: [&str; 2] = ["n6fils6t@!!!!!!", "d3e0t819rb'c:^A"];

#[test]
fn two_ids_of_one_hash_are_two_events() {
    let [a, b] = ONE_HASH.map(|id| Event::new(id, 1, EventType::View, "web"));
    let mut later = a;
    later.ts_ms = 2;
    let (profile, report) = Profile::from_events(&[a, b, later, b, a]);
    assert_eq!(profile.events(), &[later, b]);
    assert_eq!(report.duplicate_events, 3);
}

#[test]
fn a_state_of_too_many_classes_is_refused_and_so_is_a_join() {
    let channels: Vec<String> = (0..=PROFILE_CLASSES_MAX).map(|at| format!("c{at}")).collect();
    let events: Vec<Event<'_>> = channels.iter().map(|channel| Event::new("e", 1, EventType::View, channel)).collect();
    let (most, rest) = events.split_at(PROFILE_CLASSES_MAX);
    let (full, one) = (state(most), state(rest));
    assert!(Profile::decode(&full).is_ok());
    let error = Profile::decode(&state(&events)).unwrap_err();
    assert_eq!(error.code().as_str(), "limit_exceeded");
    assert!(error.message().contains("profile_classes_max is 256"), "{error}");
    for states in [[&full, &one], [&one, &full]] {
        let mut w = Writer::new();
        w.map(1);
        w.str("states");
        w.array(2);
        states.into_iter().for_each(|state| w.bin(state));
        let answer = super::merge(w.as_bytes());
        let text = String::from_utf8_lossy(&answer);
        assert!(text.contains("limit_exceeded") && text.contains("profile_classes_max"), "{text}");
    }
}

#[test]
fn a_pick_up_that_names_no_item_or_no_order_is_no_purchase() {
    for (item_id, order_id, is_purchase) in
        [(Some("milk"), Some("o1"), true), (None, Some("o1"), false), (Some("milk"), None, false)]
    {
        let mut pickup = Event::new("e1", 1_700_000_000_000, EventType::Pickup, "store");
        (pickup.item_id, pickup.order_id, pickup.price_micro) = (item_id, order_id, Some(1_000_000));
        let settled = Profile::from_events(&[pickup]).0.settled().unwrap();
        let bought = settled.events().iter().filter(|event| event.kind == EventType::Purchase).count();
        assert_eq!(
            (bought, settled.marks().iter().filter(|mark| mark.kind == EventType::Purchase).count()),
            match is_purchase {
                true => (1, 1),
                false => (0, 0),
            }
        );
    }
}
