//! The customer's segment, naively.

use super::features::category;
use super::history::History;
use super::profile::Profile;
use unisono_core::model::ModelParts;
use unisono_message::EventType;
use unisono_message::limits::SPEND_MICRO_MAX;

/// The number of the nearest segment of a customer who has bought.
pub(super) fn segment(parts: &ModelParts, profile: &Profile, history: &History) -> Option<usize> {
    if history.visits.is_empty() || parts.segments.weights.is_empty() {
        return None;
    }
    let here = coordinates(parts, profile, history);
    let distance = |center: &Vec<u16>| -> i128 {
        let squared =
            |at: usize| i128::from(parts.segments.weights[at]) * i128::from(here[at] - i64::from(center[at])).pow(2);
        (0..here.len()).map(squared).sum()
    };
    let distances: Vec<i128> = parts.segments.centers.iter().map(distance).collect();
    let nearest = distances.iter().min()?;
    distances.iter().position(|distance| distance == nearest)
}

fn coordinates(parts: &ModelParts, profile: &Profile, history: &History) -> Vec<i64> {
    let bought = |of: &EventType| *of == EventType::Purchase;
    let own_currency = |currency: Option<&str>| currency.is_none() || currency == parts.currency.as_deref();
    let prices: Vec<i64> = profile
        .events
        .iter()
        .filter(|event| bought(&event.kind) && own_currency(event.text("currency")))
        .filter_map(|event| event.number("price"))
        .map(|price| price.min(SPEND_MICRO_MAX))
        .collect();
    let visits = history.visits.len() as i64;
    let item_days: i64 = history.items.values().map(|own| own.days.len() as i64).sum();
    let mean_price = if prices.is_empty() { 0 } else { prices.iter().sum::<i64>() / prices.len() as i64 };
    let mut out =
        vec![steps(history.visits[0]), steps(visits), steps(item_days * 16 / visits), steps(mean_price / 10_000)];
    let marks: Vec<&str> =
        profile.marks.iter().filter(|mark| bought(&mark.kind)).map(|mark| mark.channel.as_str()).collect();
    for channel in &parts.channels {
        let here = marks.iter().filter(|name| *name == channel).count() as i64;
        out.push(here * 1000 / marks.len() as i64);
    }
    for group in 0..parts.segments.weights.len() - out.len() {
        let within = |item: u32| {
            category(parts, item).is_some_and(|category| usize::from(parts.segments.groups[category as usize]) == group)
        };
        let days = history.items.values().filter(|own| own.item.is_some_and(within)).map(|own| own.days.len() as i64);
        out.push(days.sum::<i64>() * 1000 / item_days);
    }
    out
}

/// 64ths of log2(1 + x), straight between powers of two.
fn steps(x: i64) -> i64 {
    let above = 1 + x.clamp(0, 1 << 40) as u64;
    let whole = (0..63).rev().find(|power| above >> power > 0).unwrap_or(0);
    64 * whole + (((above - (1 << whole)) * 64) >> whole) as i64
}
