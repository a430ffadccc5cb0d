//! Random valid requests: every placement kind, several a page, every list and every switch.

use super::events::{Habits, item_id};
use super::{moment, profiles};
use crate::random::Random;
use crate::value::{Value, map, strings};
use unisono_core::model::ModelParts;
use unisono_message::PlacementKind;

const HABITS: Habits = Habits { ids: 1_000_000, one_channel: false, many_items: false };

/// A valid request for a model.
pub fn request(random: &mut Random, parts: &ModelParts) -> Value {
    let now_ms = moment(random);
    let profile = random.chance(92).then(|| profiles::profile(random, parts, now_ms));
    page(random, parts, now_ms, profile)
}

/// A valid request at a moment, with a profile or without one.
pub fn page(random: &mut Random, parts: &ModelParts, now_ms: i64, profile: Option<Value>) -> Value {
    let mut fields = vec![("now_ms", Value::from(now_ms))];
    fields.extend(profile.map(|profile| ("profile", profile)));
    if random.chance(80) {
        fields.push(("request_id", Value::from(format!("r{}", random.below(1_000)))));
    }
    if random.chance(85) {
        fields.push(("context", context(random, parts)));
    }
    let count = *random.pick(&[1, 1, 2, 3, 5]);
    fields.push(("placements", Value::Array((0..count).map(|at| placement(random, parts, at)).collect())));
    if random.chance(20) {
        fields.push(("seed", Value::from(random.within(0, 9))));
    }
    if random.chance(55) {
        fields.push(("explain", Value::from(random.chance(90))));
    }
    if random.chance(45) {
        fields.push(("probability", Value::from(true)));
    }
    if random.chance(6) {
        fields.push(("campaign", map(vec![("deep", Value::Array(vec![Value::from("x"); 3]))])));
    }
    random.shuffle(&mut fields);
    map(fields)
}

fn context(random: &mut Random, parts: &ModelParts) -> Value {
    let mut fields = Vec::new();
    let channel = parts.channels.get(random.below(parts.channels.len().max(1))).map(String::as_str);
    if let Some(channel) = channel.filter(|_| random.chance(75)) {
        fields.push(("channel", Value::from(channel)));
    } else if random.chance(60) {
        fields.push(("channel", Value::from("fax")));
    }
    if random.chance(50) {
        fields.push(("store_id", Value::from("store-7")));
    }
    if random.chance(30) {
        fields.push(("utc_offset_min", Value::from(random.within(-1_080, 1_080))));
    }
    if random.chance(45) {
        fields.push(("cart", items(random, parts, 4)));
    }
    map(fields)
}

fn items(random: &mut Random, parts: &ModelParts, most: usize) -> Value {
    let ids: Vec<String> = (0..random.below(most + 1)).map(|_| item_id(random, parts, HABITS)).collect();
    strings(&ids)
}

fn placement(random: &mut Random, parts: &ModelParts, at: usize) -> Value {
    let kind = *random.pick(PlacementKind::ALL);
    let k = *random.pick(&[1i64, 2, 3, 5, 10, 40, 1_000]);
    let mut fields =
        vec![("id", Value::from(format!("slot-{at}"))), ("kind", Value::from(kind.as_str())), ("k", Value::from(k))];
    if random.chance(35) || (random.chance(60) && kind == PlacementKind::Similar) {
        fields.push(("items", items(random, parts, 4)));
    }
    let wants_candidates = if kind == PlacementKind::Rerank { 88 } else { 25 };
    if random.chance(wants_candidates) {
        fields.push(("candidates", candidates(random, parts, kind)));
    }
    if random.chance(35) {
        fields.push(("exclude", excluded(random, parts, kind)));
    }
    if random.chance(35) {
        fields.push(("exclude_bought", Value::from(random.chance(85))));
    }
    if random.chance(22) {
        let known = parts.items.categories.get(random.below(parts.items.categories.len().max(1)));
        let category = known.filter(|_| random.chance(80)).map_or("no/such/place", String::as_str);
        fields.push(("category", Value::from(category)));
    }
    if random.chance(30) {
        let gates: Vec<&str> = ["sensitive", "restricted"].into_iter().filter(|_| random.chance(60)).collect();
        fields.push(("allow", strings(&gates)));
    }
    if random.chance(25) {
        fields.push(("diversity", Value::from(*random.pick(&[0.0, 0.0005, 0.0015, 0.25, 0.5, 1.0]))));
    }
    random.shuffle(&mut fields);
    map(fields)
}

fn candidates(random: &mut Random, parts: &ModelParts, kind: PlacementKind) -> Value {
    if kind == PlacementKind::Offers {
        return strings(&offers(random, parts));
    }
    let most = *random.pick(&[3, 12, 60]);
    items(random, parts, most)
}

fn excluded(random: &mut Random, parts: &ModelParts, kind: PlacementKind) -> Value {
    if kind == PlacementKind::Offers {
        return strings(&offers(random, parts));
    }
    if random.chance(8) {
        // Everything: the placement has to say that nothing is left.
        return strings(&parts.items.ids);
    }
    items(random, parts, 6)
}

fn offers(random: &mut Random, parts: &ModelParts) -> Vec<String> {
    (0..random.below(6))
        .map(|_| match parts.offers.get(random.below(parts.offers.len().max(1))) {
            Some(offer) if random.chance(80) => offer.id.clone(),
            _ => format!("offer-none-{}", random.below(2)),
        })
        .collect()
}
