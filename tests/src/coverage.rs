//! What a suite met, counted over its answers: a suite that never meets a rule proves nothing of it.

use crate::oracle::{Policy, Request};
use crate::suite::{Call, Case, Suite};
use crate::value::{Value, decode, field, int, list, text};
use std::collections::BTreeMap;
use std::fmt;
use unisono_core::features::Feature;
use unisono_core::model::ModelParts;
use unisono_message::{EmptyReason, ErrorCode, Exclusion, PlacementKind, Purpose, Reason, WarningCode};

/// Counts by group and word.
#[derive(Clone, Debug)]
pub struct Coverage {
    counts: BTreeMap<(&'static str, String), usize>,
    /// Placements that recommend something, and all of them.
    filled: (usize, usize),
}

const VOTES: [Feature; 4] =
    [Feature::SessionScore, Feature::SessionScoreRaw, Feature::SessionRank, Feature::SessionLast];
const TIES: [&str; 4] = ["by popularity", "by index", "known before unknown", "unknown by id"];
const PROFILES: [&str; 5] = ["0 events", "1 to 9", "10 to 99", "100 to 999", "1,000 to 4,000"];
const CALLS: [&str; 8] = [
    "recommend",
    "profile_apply",
    "profile_merge",
    "profile_erase",
    "profile_export",
    "profile_component",
    "token_write",
    "token_apply",
];
const STATUSES: [&str; 6] = ["accepted", "duplicate", "withheld", "erased", "expired", "refused"];

/// Codes that no request leads to: they are met by tests of model files, of policies, of tokens and of the module's exports.
pub fn is_met_elsewhere(code: ErrorCode) -> bool {
    use ErrorCode::{AllocationRefused, HandlesExhausted, PolicyInvalid, RegisterErased, UnknownHandle};
    let elsewhere = [UnknownHandle, HandlesExhausted, AllocationRefused, PolicyInvalid, RegisterErased];
    ["model_", "token_"].iter().any(|of| code.as_str().starts_with(of)) || elsewhere.contains(&code)
}

impl Default for Coverage {
    fn default() -> Self {
        let mut counts = BTreeMap::new();
        let mut expect = |group: &'static str, words: &mut dyn Iterator<Item = &str>| {
            counts.extend(words.map(|word| ((group, word.to_owned()), 0)));
        };
        expect("reason", &mut Reason::ALL.iter().map(|word| word.as_str()));
        expect("placement kind", &mut PlacementKind::ALL.iter().map(|word| word.as_str()));
        expect("exclusion", &mut Exclusion::ALL.iter().map(|word| word.as_str()));
        expect("empty reason", &mut EmptyReason::ALL.iter().map(|word| word.as_str()));
        // Those of tokens are met by the tests of tokens.
        let warnings = WarningCode::ALL.iter().map(|word| word.as_str());
        expect("warning", &mut warnings.filter(|word| !word.starts_with("token_")));
        let of_requests = ErrorCode::ALL.iter().filter(|code| !is_met_elsewhere(**code));
        expect("error", &mut of_requests.map(|word| word.as_str()));
        expect("vote", &mut VOTES.iter().map(|feature| feature.as_str()));
        expect("feature that adds", &mut Feature::ALL.iter().map(|word| word.as_str()));
        expect("diversity", &mut ["moves an item"].into_iter());
        expect("probability", &mut ["of a longer history"].into_iter());
        expect("tie", &mut TIES.into_iter());
        expect("profile", &mut PROFILES.into_iter());
        expect("call", &mut CALLS.into_iter());
        expect("status", &mut STATUSES.into_iter());
        for purpose in Purpose::NAMES {
            expect(
                "purpose",
                &mut [format!("{purpose} granted"), format!("{purpose} withheld")].iter().map(String::as_str),
            );
        }
        Coverage { counts, filled: (0, 0) }
    }
}

impl Coverage {
    /// Counts the answers of a suite.
    pub fn add(&mut self, suite: &Suite, answers: &[Vec<u8>]) {
        for (case, answer) in suite.cases.iter().zip(answers) {
            let answer = decode(answer).expect("answers are MessagePack");
            let name = match case.call {
                Call::Recommend => {
                    self.add_response(suite, case, &answer);
                    continue;
                }
                Call::ProfileApply => "profile_apply",
                Call::ProfileMerge => "profile_merge",
                Call::ProfileErase => "profile_erase",
                Call::ProfileExport => "profile_export",
                Call::ProfileComponent => "profile_component",
                Call::TokenWrite => "token_write",
                Call::TokenApply => "token_apply",
                Call::Load => continue,
            };
            self.count("call", name);
            self.add_words("warning", &answer, "warnings", "code");
            self.add_words("status", &answer, "results", "status");
        }
    }

    fn count(&mut self, group: &'static str, word: &str) {
        *self.counts.entry((group, word.to_owned())).or_default() += 1;
    }

    fn add_response(&mut self, suite: &Suite, case: &Case, answer: &Value) {
        let parts: &ModelParts = &suite.models[case.model as usize].parts;
        self.count("call", "recommend");
        if let Some(error) = field(answer, "error") {
            return self.count("error", text(error, "code").unwrap_or_default());
        }
        let request = decode(&case.input).expect("a request that was answered is MessagePack");
        self.add_profile(&request);
        self.add_purposes(suite.policy_of(case), &request);
        self.add_words("warning", answer, "warnings", "code");
        for (asked, placement) in list(&request, "placements").iter().zip(list(answer, "placements")) {
            self.count("placement kind", text(asked, "kind").unwrap_or_default());
            self.add_words("warning", placement, "warnings", "code");
            self.add_words("exclusion", placement, "excluded", "reason");
            let recommendations = list(placement, "recommendations");
            self.filled.0 += usize::from(!recommendations.is_empty());
            self.filled.1 += 1;
            if let Some(reason) = text(placement, "empty_reason") {
                self.count("empty reason", reason);
            }
            for reason in recommendations.iter().flat_map(|one| list(one, "reasons")) {
                self.count("reason", reason.as_str().unwrap_or_default());
            }
            let parts_of = |one| field(one, "explanation").map_or(&[][..], |explanation| list(explanation, "parts"));
            for part in recommendations.iter().flat_map(parts_of) {
                let (name, value) = (text(part, "feature").unwrap_or_default(), field(part, "value").and_then(int));
                if name.starts_with("session_") && value > Some(0) {
                    self.count("vote", name);
                }
            }
            for part in recommendations.iter().filter_map(|one| field(one, "explanation")) {
                self.add_words("feature that adds", part, "parts", "feature");
            }
            let score = |one: &Value| field(one, "score").and_then(Value::as_f64);
            if recommendations.windows(2).any(|pair| score(&pair[0]) < score(&pair[1])) {
                self.count("diversity", "moves an item");
            }
            for one in recommendations.iter().filter(|_| field(asked, "exclude_bought").is_none()) {
                self.add_probability(parts, text(asked, "kind").unwrap_or_default(), one);
            }
            for pair in recommendations.windows(2) {
                self.add_tie(parts, &pair[0], &pair[1]);
            }
        }
    }

    fn add_words(&mut self, group: &'static str, holder: &Value, name: &str, key: &str) {
        for word in list(holder, name).iter().filter_map(|one| text(one, key)) {
            self.count(group, word);
        }
    }

    /// A chance that is not the one of a history without purchases.
    fn add_probability(&mut self, parts: &ModelParts, kind: &str, one: &Value) {
        let number = |name: &str| field(one, name).and_then(Value::as_f64);
        let map = parts.calibrations.iter().find(|(of, _)| of.as_str() == kind).map(|(_, map)| map);
        if let (Some(map), Some(score), Some(chance)) = (map, number("score"), number("probability")) {
            let score = (score * f64::from(1u32 << parts.scale_bits)) as i64;
            if (chance * f64::from(1u32 << 30)) as i64 != map.probability(score, 0) {
                self.count("probability", "of a longer history");
            }
        }
    }

    fn add_profile(&mut self, request: &Value) {
        let profile = field(request, "profile");
        let beside = profile.map_or(0, |profile| list(profile, "events").len());
        let state = profile.and_then(|profile| field(profile, "state")).and_then(Value::as_slice);
        let within = state.and_then(|bytes| decode(bytes).ok()).map_or(0, |state| list(&state, "events").len());
        let class = match beside + within {
            0 => 0,
            1..10 => 1,
            10..100 => 2,
            100..1_000 => 3,
            _ => 4,
        };
        self.count("profile", PROFILES[class]);
    }

    fn add_purposes(&mut self, policy: Option<&[u8]>, request: &Value) {
        let policy = Policy::read(policy).expect("a policy of a suite is sound");
        // An arbitrary request that was answered may be beyond the twin; it counts nothing here.
        let Ok(request) = Request::read(request, &policy) else { return };
        for (purpose, allowed) in Purpose::NAMES.iter().zip(request.seen.allowed) {
            self.count("purpose", &format!("{purpose} {}", if allowed { "granted" } else { "withheld" }));
        }
    }

    /// Two neighbours of equal score: which rule decided between them.
    fn add_tie(&mut self, parts: &ModelParts, first: &Value, second: &Value) {
        let score = |one: &Value| field(one, "score").and_then(Value::as_f64).unwrap_or(0.0);
        if score(first) != score(second) || text(first, "item_id").is_none() {
            return;
        }
        let index = |one: &Value| {
            let id = text(one, "item_id").unwrap_or_default();
            parts.items.ids.binary_search_by(|own| own.as_str().cmp(id)).ok()
        };
        let popularity = |at: Option<usize>| at.map_or(0, |at| parts.popularity.all[at]);
        let (a, b) = (index(first), index(second));
        self.count(
            "tie",
            match (a, b) {
                _ if popularity(a) != popularity(b) => TIES[0],
                (Some(_), Some(_)) => TIES[1],
                (Some(_), None) => TIES[2],
                _ => TIES[3],
            },
        );
    }

    /// What was met less than `least` times.
    pub fn below(&self, least: usize) -> Vec<String> {
        let few = self.counts.iter().filter(|(_, count)| **count < least);
        few.map(|((group, word), count)| format!("{group} {word}: {count}")).collect()
    }

    /// Whether most placements recommend something.
    pub fn is_mostly_filled(&self) -> bool {
        self.filled.0 * 2 > self.filled.1
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<16} {:<28} {:>8}", "group", "word", "times")?;
        for ((group, word), count) in &self.counts {
            writeln!(f, "{group:<16} {word:<28} {count:>8}")?;
        }
        writeln!(f, "placements that recommend something: {} of {}", self.filled.0, self.filled.1)
    }
}
