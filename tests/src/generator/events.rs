//! Random events: every type, every optional field, ids that repeat, items that no one knows.

use super::invalid::nested;
use super::models::{age_ms, currency};
use crate::random::Random;
use crate::value::{Value, map};
use unisono_core::model::ModelParts;
use unisono_message::{EventType, limits};

// The last two tell themselves apart only after their seventh letter.
pub(super) const CHANNELS: [&str; 6] = ["web", "store", "app", "email", "my_shop_2", "my_shop_10"];
/// Moments that a weight, a quantity or an amount is rounded at: halves of a thousandth and of a millionth.
const QUANTITIES: [f64; 6] = [1.0, 2.0, 0.5, 0.0015, 0.0025, 12.345];
const PRICES: [f64; 7] = [0.0, 1.0, 2.5, 0.000_000_5, 0.000_016_5, 19.99, 1_000_000.25];

/// How a profile's events are spread.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// Distinct event ids; fewer than events make duplicates.
    pub ids: usize,
    /// Whether all happens in one channel, so that the bound of a class is met.
    pub one_channel: bool,
    /// Whether items are drawn from many unknown ones too, so that the bound of the marks is met.
    pub many_items: bool,
}

/// A valid event of a profile, at or before `now_ms` (up to ten minutes after it).
pub fn event(random: &mut Random, parts: &ModelParts, now_ms: i64, habits: Habits) -> Value {
    let kind = kind(random);
    let ahead = if random.chance(3) { random.within(0, 600_000) } else { 0 };
    let age = age_ms(random);
    let channel = if habits.one_channel { "store" } else { *random.pick(&CHANNELS) };
    let mut fields = vec![
        ("event_id", Value::from(format!("e{}", random.below(habits.ids)))),
        ("ts_ms", Value::from(if ahead > 0 { now_ms + ahead } else { now_ms - age })),
        ("type", Value::from(kind.as_str())),
        ("channel", Value::from(channel)),
    ];
    if random.chance(92) {
        fields.push(("item_id", Value::from(item_id(random, parts, habits))));
    }
    if matches!(kind, EventType::Purchase | EventType::Return | EventType::Pickup) {
        add_amounts(random, parts, &mut fields);
    }
    if matches!(kind, EventType::OfferRedeemed | EventType::OfferShown | EventType::OfferClicked) {
        let known = parts.offers.get(random.below(parts.offers.len().max(1))).map(|offer| offer.id.clone());
        let id = known.filter(|_| random.chance(85)).unwrap_or_else(|| "offer-unknown".to_owned());
        fields.push(("offer_id", Value::from(id)));
    }
    let in_store = kind == EventType::Purchase && random.chance(40);
    if in_store {
        fields.push(("store_id", Value::from(*random.pick(&["store-7", "store-77"]))));
    }
    if random.chance(12) {
        add_rare(random, in_store, &mut fields);
    }
    map(fields)
}

/// An item's id: mostly one that the model knows.
pub(super) fn item_id(random: &mut Random, parts: &ModelParts, habits: Habits) -> String {
    let ids = &parts.items.ids;
    if habits.many_items && random.chance(50) {
        return format!("unknown-{:04}", random.below(3_000));
    }
    if ids.is_empty() || random.chance(10) {
        return format!("unknown-{}", random.below(4));
    }
    // A few favourites, bought again and again.
    if random.chance(60) { ids[random.below(ids.len().min(8))].clone() } else { random.pick(ids).clone() }
}

fn kind(random: &mut Random) -> EventType {
    match random.below(100) {
        0..50 => EventType::Purchase,
        50..68 => EventType::View,
        68..74 => EventType::Click,
        74..82 => EventType::OfferRedeemed,
        82..86 => EventType::Return,
        86..89 => EventType::Pickup,
        _ => *random.pick(EventType::ALL),
    }
}

fn add_amounts(random: &mut Random, parts: &ModelParts, fields: &mut Vec<(&str, Value)>) {
    if random.chance(40) {
        fields.push(("quantity", Value::from(*random.pick(&QUANTITIES))));
    }
    if random.chance(75) {
        fields.push(("price", Value::from(*random.pick(&PRICES))));
    }
    if let Some(code) = currency(random, parts).filter(|_| random.chance(60)) {
        fields.push(("currency", Value::from(code)));
    }
    if random.chance(50) {
        fields.push(("order_id", Value::from(format!("o{}", random.below(50)))));
    }
}

fn add_rare(random: &mut Random, has_store: bool, fields: &mut Vec<(&str, Value)>) {
    let rare = [
        ("session_id", Value::from("s1")),
        ("store_id", Value::from("store-7")),
        ("placement", Value::from("main")),
        ("rank", Value::from(1 + random.below(100) as i64)),
        ("decision_id", Value::from("d".repeat(64))),
        ("device", Value::from("phone")),
        ("source", Value::from("utm:spring")),
        ("query", Value::from("grüner tee")),
        ("value", Value::from(4.5)),
        ("topic", Value::from("delivery")),
        ("outcome", Value::from("solved")),
        ("sentiment", Value::from(-0.25)),
        ("wait_ms", Value::from(90_000)),
        ("utc_offset_min", Value::from(-180)),
        ("profile_id", Value::from("p1")),
        // Fields of a later version, of a number that no field of this one could hold and as deep as may be.
        ("mood", Value::Array(vec![Value::from(u64::MAX), Value::Nil])),
        ("course", nested(limits::DEPTH_MAX)),
    ];
    for (name, value) in rare {
        if random.chance(30) && !(has_store && name == "store_id") {
            fields.push((name, value));
        }
    }
}
