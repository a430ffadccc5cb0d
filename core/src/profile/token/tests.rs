//! Round trips, bounds and refusals of the payload.

use super::*;
use crate::profile::Mark;
use alloc::format;
use alloc::vec;
use proptest::prelude::*;
use unisono_message::EventType;

const NOW: i64 = 1_700_000_000_000;
const HEAD: Head<'static> = Head { shop: "shop-1", key_id: "k1", issued_ms: NOW, expires_ms: NOW + 600_000 };
const CHANNELS: [&str; 4] = ["store", "web", "app", "call_center"];

/// Seconds ago, type, channel, item, quantity in milli-units.
type Raw = (u32, u8, u8, u16, u16);

fn raws(max: usize) -> impl Strategy<Value = Vec<Raw>> {
    prop::collection::vec((0u32..5_000_000, 0u8..19, 0u8..4, 0u16..400, prop_oneof![Just(1000u16), 1u16..4000]), 0..max)
}

/// Items of every shape of id: none, numbers, numbers that are none, words, beyond ASCII.
fn names() -> Vec<String> {
    let name = |n: u64| match n % 5 {
        0 => format!("{}", n * n * 7919),
        1 => format!("00{n}"),
        2 => format!("SKU-{:06}-{}", n * 31, ["RED", "BLÅ"][n as usize / 5 % 2]),
        3 => format!("{}", u64::MAX / 2 - 2 + n / 100),
        _ => format!("{:032x}", u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)),
    };
    (0..400).map(name).collect()
}

fn profile<'a>(names: &'a [String], ids: &'a [String], raws: &[Raw]) -> Profile<'a> {
    let event = |(at, raw): (usize, &Raw)| {
        let (ago, kind, channel, item, quantity) = *raw;
        let kind = EventType::from_number(kind.into()).unwrap();
        let mut event = Event::new(&ids[at], NOW - i64::from(ago) * 1000, kind, CHANNELS[channel as usize]);
        event.item_id = (item % 7 > 0).then(|| names[item as usize].as_str());
        event.quantity_milli = quantity.into();
        event.price_micro = Some(1);
        event
    };
    Profile::from_events(&raws.iter().enumerate().map(event).collect::<Vec<_>>()).0
}

fn same_content(a: &Event<'_>, b: &Event<'_>) -> bool {
    (a.ts_ms, a.kind, a.channel, a.item_id) == (b.ts_ms, b.kind, b.channel, b.item_id)
}

/// Newest first, of one content the largest quantity.
fn naive<'a>(events: &[Event<'a>]) -> Vec<Event<'a>> {
    let mut events = events.to_vec();
    events.sort_by_key(|event| {
        let item = event.item_id.unwrap_or_default();
        let names = (item.len(), item, event.channel.len(), event.channel);
        (-event.ts_ms, names, event.kind, -event.quantity_milli)
    });
    events.dedup_by(|later, kept| same_content(later, kept));
    events
}

fn ids() -> Vec<String> {
    (0..2000).map(|n| format!("e{n}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn what_is_read_is_what_was_written_and_is_written_the_same_again(raws in raws(600), bytes_max in 100usize..4000) {
        let (names, ids) = (names(), ids());
        let profile = profile(&names, &ids, &raws);
        let (payload, report) = write_payload(&profile, &HEAD, bytes_max);
        prop_assert!(payload.len() <= bytes_max, "{} bytes", payload.len());
        let (head, state) = read_payload(&payload, NOW, "shop-1").unwrap();
        prop_assert_eq!(head, HEAD);
        let carried = Profile::decode(&state).unwrap();
        let events = naive(profile.events());
        let (events, later) = events.split_at(profile.events().len() - report.events_left_out);
        prop_assert_eq!(carried.events().len(), events.len());
        prop_assert!(later.is_empty() || payload.len() + 40 > bytes_max || events.len() == TOKEN_EVENTS);
        for event in events {
            let copy = carried.events().iter().find(|copy| same_content(event, copy)).unwrap();
            prop_assert!(copy.carried && copy.price_micro.is_none() && copy.event_id.len() == 16);
            prop_assert_eq!(copy.quantity_milli, event.quantity_milli);
        }
        let mut marks = profile.marks().to_vec();
        marks.sort_by_key(|mark| (-mark.day, mark.item_id.len(), mark.item_id, mark.channel.len(), mark.channel, mark.kind));
        let newest = &marks[..marks.len() - report.marks_left_out];
        prop_assert!(newest.iter().all(|mark| carried.marks().contains(mark)));
        let implied = |mark: &Mark<'_>| events.iter().any(|event| Mark::of(event) == Some(*mark));
        prop_assert!(carried.marks().iter().all(|mark| newest.contains(mark) || implied(mark)));
        // A token of what came by a token says the same.
        let whole = write_payload(&carried, &HEAD, 16_000).0;
        prop_assert_eq!(&read_payload(&whole, NOW, "shop-1").unwrap().1, &state);
    }

    #[test]
    fn other_bytes_are_refused_or_say_something_else(raws in raws(60), flip in any::<(usize, u8)>(), cut in any::<usize>()) {
        let (names, ids) = (names(), ids());
        let payload = write_payload(&profile(&names, &ids, &raws), &HEAD, 1472).0;
        let (_, state) = read_payload(&payload, NOW, "shop-1").unwrap();
        let mut other = payload.clone();
        let at = flip.0 % other.len();
        other[at] ^= flip.1 | 1;
        if let Ok((head, other_state)) = read_payload(&other, NOW, "shop-1") {
            prop_assert!(head != HEAD || other_state != state);
        }
        let cut = read_payload(&payload[..cut % payload.len()], NOW, "shop-1").unwrap_err();
        prop_assert_eq!(cut.code(), ErrorCode::TokenInvalid);
        let longer = [&payload[..], &[0]].concat();
        prop_assert_eq!(read_payload(&longer, NOW, "shop-1").unwrap_err().code(), ErrorCode::TokenInvalid);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut w = Writer::new();
        w.array(6);
        w.int(1);
        w.str("k");
        w.str("s");
        w.int(NOW / 1000);
        w.int(NOW / 1000 + 1);
        w.bin(&body);
        if let Err(error) = read_payload(w.as_bytes(), NOW, "s") {
            prop_assert_eq!(error.code(), ErrorCode::TokenInvalid);
        }
    }
}

#[test]
fn a_token_of_another_shop_time_or_version_is_named() {
    let payload = write_payload(&Profile::default(), &HEAD, 1472).0;
    let code = |payload: &[u8], now_ms, shop| read_payload(payload, now_ms, shop).unwrap_err().code();
    assert!(read_payload(&payload, HEAD.expires_ms - 1, "shop-1").is_ok());
    assert_eq!(code(&payload, HEAD.expires_ms, "shop-1"), ErrorCode::TokenExpired);
    assert_eq!(code(&payload, NOW, "shop-2"), ErrorCode::TokenForeign);
    assert_eq!(code(&payload, NOW - 600_001, "shop-1"), ErrorCode::TokenInvalid);
    let mut later = payload;
    later[1] = 2;
    assert_eq!(code(&later, NOW, "shop-1"), ErrorCode::TokenVersionUnsupported);
}

#[test]
fn the_same_content_under_two_ids_is_carried_once() {
    let event = |id, quantity| {
        let mut event = Event::new(id, NOW, EventType::Purchase, "store");
        event.item_id = Some("7");
        event.quantity_milli = quantity;
        event
    };
    let profile = Profile::from_events(&[event("a", 2000), event("b", 3000), event("c", 1000)]).0;
    let (payload, _) = write_payload(&profile, &HEAD, 1472);
    let state = read_payload(&payload, NOW, "shop-1").unwrap().1;
    let carried = Profile::decode(&state).unwrap();
    let quantities: Vec<i64> = carried.events().iter().map(|event| event.quantity_milli).collect();
    assert_eq!((quantities, carried.marks().len()), (vec![3000], 1));
    // The id is that of its definition: [1700000000000, 5, "store", "7"] as MessagePack.
    let bytes = [&[0x94, 0xcf, 0, 0, 1, 0x8b, 0xcf, 0xe5, 0x68, 0, 5, 0xa5][..], b"store", &[0xa1], b"7"].concat();
    assert_eq!(carried.events()[0].event_id, hex(&sha256(&[&bytes])[..8]));
}
