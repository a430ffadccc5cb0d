//! What the oracle says, and how it is written.

use crate::value::{Value, map};
use unisono_message::limits::EXCLUDED_LISTED_MAX;
use unisono_message::{EmptyReason, Exclusion, Reason, WarningCode};

/// The parts of a score.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Explained {
    /// The base.
    pub(super) base: i64,
    /// (feature, value, points), none of 0 points.
    pub(super) parts: Vec<(String, i64, i64)>,
}

/// A recommendation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// The id.
    pub(super) id: String,
    /// In 2^-scale_bits.
    pub(super) score: i64,
    /// In 2^-30.
    pub(super) probability: Option<i64>,
    /// Why.
    pub(super) reasons: Vec<Reason>,
    /// Of what.
    pub(super) explanation: Explained,
}

/// A placement's answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PlacementAnswer {
    /// The placement's id.
    pub(super) id: String,
    /// Whether ids are those of offers.
    pub(super) offers: bool,
    /// Best first.
    pub(super) entries: Vec<Entry>,
    /// What was left out and is listed.
    pub(super) excluded: Vec<(String, Exclusion)>,
    /// How much was left out.
    pub(super) left_out: usize,
    /// Why it is empty.
    pub(super) empty_reason: Option<EmptyReason>,
    /// Warnings with their counts, those of 0 included.
    pub(super) warnings: Vec<(WarningCode, usize)>,
}

/// An integer in 2^-bits.
fn scaled(value: i64, bits: u32) -> Value {
    Value::F64(value as f64 / 2f64.powi(bits as i32))
}

impl PlacementAnswer {
    /// As a response holds it.
    pub(super) fn to_value(&self, scale_bits: u32, explain: bool) -> Value {
        let id_name = if self.offers { "offer_id" } else { "item_id" };
        let entry = |(at, entry): (usize, &Entry)| {
            let mut fields = vec![
                (id_name, Value::from(entry.id.as_str())),
                ("rank", (at + 1).into()),
                ("score", scaled(entry.score, scale_bits)),
            ];
            fields.extend(entry.probability.map(|probability| ("probability", scaled(probability, 30))));
            fields.push((
                "reasons",
                crate::value::strings(&entry.reasons.iter().map(|r| r.as_str()).collect::<Vec<_>>()),
            ));
            if explain {
                fields.push(("explanation", explanation(&entry.explanation, scale_bits)));
            }
            map(fields)
        };
        let mut fields = vec![
            ("id", Value::from(self.id.as_str())),
            ("recommendations", Value::Array(self.entries.iter().enumerate().map(entry).collect())),
        ];
        let mut all_warnings = self.warnings.clone();
        if explain {
            let listed = self.excluded.iter().take(EXCLUDED_LISTED_MAX);
            let one = |(id, reason): &(String, Exclusion)| {
                map(vec![(id_name, id.as_str().into()), ("reason", reason.as_str().into())])
            };
            fields.push(("excluded", Value::Array(listed.map(one).collect())));
            let unlisted = self.left_out - self.excluded.len().min(EXCLUDED_LISTED_MAX);
            all_warnings.push((WarningCode::ExcludedNotListed, unlisted));
        }
        fields.extend(self.empty_reason.map(|reason| ("empty_reason", reason.as_str().into())));
        fields.push(("warnings", warnings(&all_warnings)));
        map(fields)
    }
}

fn explanation(explained: &Explained, scale_bits: u32) -> Value {
    let part = |(feature, value, points): &(String, i64, i64)| {
        map(vec![("feature", feature.as_str().into()), ("value", (*value).into()), ("points", (*points).into())])
    };
    map(vec![
        ("base", explained.base.into()),
        ("scale_bits", scale_bits.into()),
        ("parts", Value::Array(explained.parts.iter().map(part).collect())),
    ])
}

/// Warnings that count something.
pub(super) fn warnings(all: &[(WarningCode, usize)]) -> Value {
    let counted = all.iter().filter(|(_, count)| *count > 0);
    let one =
        |(code, count): &(WarningCode, usize)| map(vec![("code", code.as_str().into()), ("count", (*count).into())]);
    Value::Array(counted.map(one).collect())
}
