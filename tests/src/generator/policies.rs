//! The policies of a suite: one of each kind that a shop would write.

use crate::value::{Value, encode, map, strings};

/// Opt-in; a purpose of its own for some types and no channel knows the other; erasing on withdrawal; retention; all at once.
pub fn policies() -> Vec<Vec<u8>> {
    let defaults = |granted: &[(&'static str, bool)]| {
        ("defaults", map(granted.iter().map(|(name, granted)| (*name, Value::from(*granted))).collect()))
    };
    let purposes = |all: &[(&'static str, &[&str])]| {
        ("event_purposes", map(all.iter().map(|(kind, purposes)| (*kind, strings(purposes))).collect()))
    };
    let days = |all: &[(&'static str, i64)]| {
        ("retention_days", map(all.iter().map(|(kind, days)| (*kind, Value::from(*days))).collect()))
    };
    let erase = || ("on_withdrawal", Value::from("erase"));
    let consent = |rules: Vec<(&'static str, Value)>| ("consent", map(rules));
    let own = || {
        purposes(&[
            ("purchase", &["personalization"]),
            ("return", &["personalization"]),
            ("view", &["personalization", "training"]),
            ("click", &["measurement"]),
            ("offer_redeemed", &["offers"]),
            ("impression", &[]),
            ("search", &["training"]),
            ("contact", &["cross_channel"]),
        ])
    };
    let opt_in = ["personalization", "offers", "cross_channel", "measurement", "training"].map(|name| (name, false));
    let all: [Vec<(&str, Value)>; 5] = [
        vec![consent(vec![defaults(&opt_in)])],
        vec![consent(vec![defaults(&[("cross_channel", false)]), own()])],
        vec![consent(vec![erase()])],
        vec![days(&[("view", 30), ("purchase", 365), ("offer_redeemed", 7), ("click", 1)])],
        vec![
            days(&[("view", 60), ("impression", 7)]),
            consent(vec![erase(), defaults(&[("training", false), ("offers", false)]), own()]),
        ],
    ];
    let written = |rules: Vec<(&str, Value)>| encode(&map([vec![("version", 1.into())], rules].concat()));
    all.map(written).into()
}
