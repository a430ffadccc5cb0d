//! Every named limit, at it and over it: what is just within is taken, what is just beyond has its code and field.

mod profiles;

use crate::golden::golden;
use std::collections::BTreeSet;
use std::fs;
use unisono_core::blend::{Blend, Calibration, Table};
use unisono_core::features::Feature;
use unisono_core::forest::Bins;
use unisono_core::model::{
    ItemParts, ModelParts, NO_CATEGORY, NeighbourParts, OfferPart, PopularityParts, SegmentParts, encode,
};
use unisono_core::segments::MEASURES;
use unisono_core::{Model, Policy, recommend};
use unisono_message::{PlacementKind, limits};
use unisono_tests::plain_model::PlainModel;
use unisono_tests::runtime::path;
use unisono_tests::trees::{self, Tree};
use unisono_tests::value::{self, Value, decode, field, list, map, set, strings, text};

const NOW_MS: i64 = 1_700_000_000_000;

/// Limits that are met elsewhere, and where.
const ELSEWHERE: [(&str, &str); 15] = [
    ("token_bytes", "token.rs: what a token may have where nobody says how much"),
    ("token_events_first", "token.rs: which events go before marks"),
    ("alloc_bytes_max", "abi.rs, through the module"),
    ("handles_max", "abi.rs, through the module"),
    ("echo_bytes_max", "bounds an error; a case file, and a test of the crate"),
    ("spend_micro_max", "bounds a sum; the oracle has it too"),
    ("reasons_max", "bounds a list of six; the oracle has it too"),
    ("content_seeds_max", "bounds work; the oracle has it too"),
    ("content_items_max", "bounds work; the oracle has it too"),
    ("content_categories_max", "bounds work; the oracle has it too"),
    ("vote_items_max", "bounds work; the oracle has it too"),
    ("vote_sessions_read_max", "bounds work; a mutant, and the oracle"),
    ("vote_sessions_max", "bounds work; a mutant, and the oracle"),
    ("stranger_ranked_max", "bounds work; a mutant, and the oracle has it too"),
    ("diversity_pool_max", "bounds a pool; the oracle has it too"),
];

#[test]
fn every_limit_has_a_pair_of_inputs_at_it_and_over_it() {
    let pairs = Pairs::all();
    let tested: BTreeSet<&str> = pairs.iter().map(|pair| pair.limit).chain(ELSEWHERE.map(|pair| pair.0)).collect();
    let source = fs::read_to_string(path("core/message/src/limits.rs")).unwrap();
    let names =
        source.lines().filter_map(|line| Some(line.strip_prefix("pub const ")?.split_once(':')?.0.to_lowercase()));
    let untested: Vec<String> = names.filter(|name| !tested.contains(name.as_str())).collect();
    assert!(untested.is_empty(), "limits without a test: {untested:?}");
}

#[test]
fn what_is_at_a_limit_is_taken_and_what_is_over_it_is_not() {
    let mut failed = 0;
    for pair in Pairs::all() {
        for (place, found, wanted) in [("at", &pair.at, pair.wanted_at), ("over", &pair.over, pair.wanted_over)] {
            if found != wanted {
                eprintln!("{place} {}: wanted `{wanted}`, found `{found}`", pair.limit);
                failed += 1;
            }
        }
    }
    assert_eq!(failed, 0);
}

/// What an input at a limit and one over it come to: nothing, or a code and a field, or a warning.
struct Pair {
    limit: &'static str,
    at: String,
    over: String,
    wanted_at: &'static str,
    wanted_over: &'static str,
}

struct Pairs {
    all: Vec<Pair>,
    model: Vec<u8>,
}

impl Pairs {
    fn all() -> Vec<Pair> {
        let mut pairs = Pairs { all: Vec::new(), model: golden("model.unisono") };
        pairs.requests();
        pairs.placements();
        pairs.numbers();
        pairs.profiles();
        pairs.registers();
        pairs.policies();
        pairs.inputs();
        pairs.models();
        pairs.parts();
        pairs.all
    }

    fn add<T>(
        &mut self,
        limit: &'static str,
        at: T,
        over: T,
        wanted: [&'static str; 2],
        outcome: impl Fn(&Self, T) -> String,
    ) {
        let [wanted_at, wanted_over] = wanted;
        let (at, over) = (outcome(self, at), outcome(self, over));
        self.all.push(Pair { limit, at, over, wanted_at, wanted_over });
    }

    fn asked(&self, request: &Value) -> String {
        said(&recommend(&Model::load(&self.model).unwrap(), &Policy::default(), &value::encode(request)))
    }

    /// A request with a field at a path, as `profile.events[0].rank`.
    fn request(&mut self, limit: &'static str, place: &'static str, at: Value, over: Value, wanted: &'static str) {
        self.add(limit, at, over, ["", wanted], |pairs, value| {
            let mut request = request();
            put(&mut request, place, value);
            pairs.asked(&request)
        });
    }

    fn requests(&mut self) {
        let sized = |bytes: usize| {
            let mut request = request();
            let room = bytes - value::encode(&request).len() - "later".len() - 6;
            set(&mut request, "later", Value::Binary(vec![0; room]));
            assert_eq!(value::encode(&request).len(), bytes);
            request
        };
        let max = limits::REQUEST_BYTES_MAX;
        self.request("request_bytes_max", "", sized(max), sized(max + 1), "limit_exceeded at ");
        let events = |count: usize| Value::Array((0..count).map(|at| event(&format!("e{at}"), vec![])).collect());
        let max = limits::REQUEST_EVENTS_MAX;
        let place = "profile.events";
        self.add(
            "request_events_max",
            events(max),
            events(max + 1),
            ["warned events_beyond_bound", "limit_exceeded at profile.events"],
            |pairs, value| {
                let mut request = request();
                put(&mut request, place, value);
                pairs.asked(&request)
            },
        );
        let wide = |keys: usize| {
            let mut request = request();
            let Value::Map(pairs) = &mut request else { unreachable!("a request is a map") };
            pairs.extend((pairs.len()..keys).map(|at| (Value::from(format!("k{at}")), Value::Nil)));
            request
        };
        self.request(
            "map_keys_max",
            "",
            wide(limits::MAP_KEYS_MAX),
            wide(limits::MAP_KEYS_MAX + 1),
            "limit_exceeded at ",
        );
        let nested = |depth: usize| (0..depth).fold(Value::Nil, |inner, _| Value::Array(vec![inner]));
        self.request(
            "depth_max",
            "later",
            nested(limits::DEPTH_MAX),
            nested(limits::DEPTH_MAX + 1),
            "limit_exceeded at later",
        );
        // The list itself is one of the values.
        let nothing = |values: usize| Value::Array(vec![Value::Nil; values - 1]);
        let max = limits::SKIP_VALUES_MAX;
        self.request("skip_values_max", "later", nothing(max), nothing(max + 1), "limit_exceeded at later");
        let id = |bytes: usize| Value::from("x".repeat(bytes));
        self.request(
            "id_bytes_max",
            "request_id",
            id(limits::ID_BYTES_MAX),
            id(limits::ID_BYTES_MAX + 1),
            "invalid_id at request_id",
        );
        let max = limits::CHANNEL_BYTES_MAX;
        self.request(
            "channel_bytes_max",
            "context.channel",
            id(max),
            id(max + 1),
            "invalid_channel at context.channel",
        );
        let (max, place) = (limits::TEXT_BYTES_MAX, "profile.events[0].query");
        self.request("text_bytes_max", place, id(max), id(max + 1), "limit_exceeded at profile.events[0].query");
    }

    fn placements(&mut self) {
        let placements = |count: usize| {
            let one = |at: usize| {
                map(vec![("id", format!("p{at}").into()), ("kind", "recently_viewed".into()), ("k", 1.into())])
            };
            Value::Array((0..count).map(one).collect())
        };
        let max = limits::PLACEMENTS_MAX;
        let wanted = ["warned fewer_than_k", "limit_exceeded at placements"];
        self.add("placements_max", placements(max), placements(max + 1), wanted, |pairs, value| {
            let mut request = request();
            put(&mut request, "placements", value);
            pairs.asked(&request)
        });
        let placed = |name: &'static str, value: Value| {
            let mut request = request();
            put(&mut request, &format!("placements[0].{name}"), value);
            request
        };
        let gates = |count: usize| placed("allow", strings(&vec!["sensitive"; count]));
        self.request(
            "gates_max",
            "",
            gates(limits::GATES_MAX),
            gates(limits::GATES_MAX + 1),
            "limit_exceeded at placements[0].allow",
        );
        let ids = |name: &'static str, count: usize| placed(name, strings(&vec!["milk"; count]));
        let (at, over) = (ids("exclude", limits::ID_LIST_MAX), ids("exclude", limits::ID_LIST_MAX + 1));
        self.request("id_list_max", "", at, over, "limit_exceeded at placements[0].exclude");
        let (at, over) = (ids("items", limits::SEEDS_MAX), ids("items", limits::SEEDS_MAX + 1));
        self.request("seeds_max", "", at, over, "limit_exceeded at placements[0].items");
        let wanted = ["warned fewer_than_k", "out_of_range at placements[0].k"];
        let k = |k: i64| placed("k", k.into());
        self.add("k_max", k(limits::K_MAX), k(limits::K_MAX + 1), wanted, |pairs, request| pairs.asked(&request));
        let diversity = |milli: i64| placed("diversity", (milli as f64 / 1_000.0).into());
        let (at, over) = (diversity(limits::DIVERSITY_MAX), diversity(limits::DIVERSITY_MAX + 1));
        self.request("diversity_max", "", at, over, "out_of_range at placements[0].diversity");
        let category = |bytes: usize| placed("category", "x".repeat(bytes).into());
        let (at, over) = (category(limits::CATEGORY_BYTES_MAX), category(limits::CATEGORY_BYTES_MAX + 1));
        let wanted = ["warned category_unknown fewer_than_k", "limit_exceeded at placements[0].category"];
        self.add("category_bytes_max", at, over, wanted, |pairs, request| pairs.asked(&request));
        let rerank = |count: usize| {
            let ids: Vec<String> = (0..count).map(|at| format!("u{at}")).collect();
            let mut request = placed("candidates", strings(&ids));
            put(&mut request, "placements[0].kind", "rerank".into());
            put(&mut request, "placements[0].exclude", strings(&ids));
            put(&mut request, "explain", true.into());
            request
        };
        let wanted = ["warned fewer_than_k", "warned fewer_than_k excluded_not_listed"];
        let max = limits::EXCLUDED_LISTED_MAX;
        self.add("excluded_listed_max", rerank(max), rerank(max + 1), wanted, |pairs, request| pairs.asked(&request));
    }

    fn numbers(&mut self) {
        let int = |value: i64| Value::from(value);
        self.request("time_ms_min", "now_ms", int(NOW_MS), int(limits::TIME_MS_MIN - 1), "out_of_range at now_ms");
        self.request(
            "time_ms_max",
            "now_ms",
            int(limits::TIME_MS_MAX),
            int(limits::TIME_MS_MAX + 1),
            "out_of_range at now_ms",
        );
        let ahead = |ms: i64| Value::from(NOW_MS + limits::FUTURE_MS_MAX + ms);
        let place = "profile.events[0].ts_ms";
        self.request("future_ms_max", place, ahead(0), ahead(1), "event_from_future at profile.events[0].ts_ms");
        let (max, place) = (limits::UTC_OFFSET_MIN_MAX, "context.utc_offset_min");
        self.request("utc_offset_min_max", place, int(-max), int(-max - 1), "out_of_range at context.utc_offset_min");
        let (max, place) = (limits::DECIMAL_ABS_MAX, "profile.events[0].value");
        self.request(
            "decimal_abs_max",
            place,
            (-max).into(),
            (-max - 0.5).into(),
            "out_of_range at profile.events[0].value",
        );
        let max = limits::WHOLE_FLOAT_ABS_MAX;
        self.request("whole_float_abs_max", "seed", max.into(), (max + 2.0).into(), "out_of_range at seed");
        let (max, place) = (limits::RANK_MAX, "profile.events[0].rank");
        self.request("rank_max", place, int(max), int(max + 1), "out_of_range at profile.events[0].rank");
    }

    /// The golden model with another field of its root.
    fn root(&mut self, limit: &'static str, name: &'static str, values: [Value; 2], wanted: [&'static str; 2]) {
        let [at, over] = values;
        self.add(limit, at, over, wanted, |pairs, value| {
            let mut plain = PlainModel::read(&pairs.model).unwrap();
            set(&mut plain.root, name, value);
            loaded(&plain.write())
        });
    }

    fn models(&mut self) {
        let ints = |values: [i64; 2]| values.map(Value::from);
        let max = limits::MODEL_ITEMS_MAX as i64;
        let wanted = ["model_ranges_unsupported at items.available_from_ms", "model_root_invalid at items"];
        self.root("model_items_max", "items", ints([max, max + 1]), wanted);
        let max = i64::from(limits::MODEL_SCALE_BITS_MAX);
        self.root("model_scale_bits_max", "scale_bits", ints([max, max + 1]), ["", "model_root_invalid at scale_bits"]);
        let max = limits::MODEL_HORIZON_DAYS_MAX;
        self.root(
            "model_horizon_days_max",
            "horizon_days",
            ints([max, max + 1]),
            ["", "model_root_invalid at horizon_days"],
        );
        let max = i64::from(limits::HISTORY_ITEMS_FOR_NEIGHBOURS_MAX);
        let wanted = ["", "model_root_invalid at history_items"];
        self.root("history_items_for_neighbours_max", "history_items", ints([max, max + 1]), wanted);
        let channels = |count: usize| strings(&(0..count).map(|at| format!("c{at:02}")).collect::<Vec<_>>());
        let max = limits::MODEL_CHANNELS_MAX;
        let wanted = ["model_section_invalid at popularity.channel_offsets", "model_root_invalid at channels"];
        self.root("model_channels_max", "channels", [channels(max), channels(max + 1)], wanted);
        let sections = |count: usize| Value::Array(vec![map(vec![]); count]);
        let max = limits::MODEL_SECTIONS_MAX;
        let wanted = ["model_section_invalid at ", "model_root_invalid at sections"];
        self.root("model_sections_max", "sections", [sections(max), sections(max + 1)], wanted);
        let features =
            |count: usize| map(vec![("base", 0.into()), ("features", Value::Array(vec![Value::Nil; count]))]);
        let max = limits::MODEL_FEATURES_MAX;
        let wanted = ["model_root_invalid at next.features[0]", "model_root_invalid at next.features"];
        self.root("model_features_max", "next", [features(max), features(max + 1)], wanted);
        let rooted = |bytes: usize| {
            let mut plain = PlainModel::read(&golden("model.unisono")).unwrap();
            set(&mut plain.root, "later", Value::Nil);
            let room = bytes - value::encode(&plain.root).len() - 4;
            set(&mut plain.root, "later", Value::Binary(vec![0; room]));
            assert_eq!(value::encode(&plain.root).len(), bytes);
            plain.write()
        };
        let max = limits::MODEL_ROOT_BYTES_MAX;
        self.add("model_root_bytes_max", rooted(max), rooted(max + 1), ["", "model_root_invalid at "], |_, file| {
            loaded(&file)
        });
    }

    fn made(&mut self, limit: &'static str, at: ModelParts, over: ModelParts, wanted: &'static str) {
        self.add(limit, at, over, ["", wanted], |_, parts| match encode(&parts) {
            Ok(file) => loaded(&file),
            Err(error) => format!("{} at {}", error.code(), error.field()),
        });
    }

    fn parts(&mut self) {
        let table = |bins: usize| {
            let edges: Vec<i64> = (1..bins as i64).collect();
            Table { feature: Feature::OwnDays, edges, points: vec![0; bins] }
        };
        let blend = |table: Table| ModelParts { next: Blend { base: 0, tables: vec![table] }, ..ModelParts::default() };
        let max = limits::MODEL_BINS_MAX;
        self.made(
            "model_bins_max",
            blend(table(max)),
            blend(table(max + 1)),
            "model_root_invalid at next.features[0].points",
        );
        let forest = |bins: Vec<Bins>, trees: usize| {
            let next_forest = trees::forest(0, bins, &vec![Tree::Leaf(1); trees]);
            ModelParts { next_forest, ..ModelParts::default() }
        };
        let max = limits::MODEL_TREES_MAX;
        let trees = |count: usize| forest(Vec::new(), count);
        // As many leaves as trees fit; what is over is over both.
        self.made("model_trees_max", trees(max), trees(max + 1), "model_section_invalid at trees.next_roots");
        let bins = |edges: usize| vec![Bins { feature: Feature::OwnDays, edges: (0..edges as i64).collect() }];
        let max = limits::MODEL_TREE_EDGES_MAX;
        self.made(
            "model_tree_edges_max",
            forest(bins(max), 1),
            forest(bins(max + 1), 1),
            "model_root_invalid at next_forest.bins[0].edges",
        );
        let points = |points: i64| blend(Table { points: vec![points], ..table(1) });
        let max = limits::MODEL_POINTS_MAX;
        self.made(
            "model_points_max",
            points(-max),
            points(-max - 1),
            "model_root_invalid at next.features[0].points[0]",
        );
        let calibrated = |scores: Vec<i64>, probability: i64| {
            let probabilities = vec![probability; scores.len()];
            let calibrations =
                vec![(PlacementKind::ForYou, Calibration { scores, probabilities, ..Calibration::default() })];
            ModelParts { calibrations, ..ModelParts::default() }
        };
        let knots = |count: usize| calibrated((0..count as i64).collect(), 0);
        let max = limits::MODEL_KNOTS_MAX;
        self.made("model_knots_max", knots(max), knots(max + 1), "model_root_invalid at calibrations.for_you.scores");
        let bands = |count: u32| {
            let band = |visits_min: u32| Calibration { visits_min, ..calibrated(vec![0], 0).calibrations[0].1.clone() };
            let mut parts = calibrated(vec![0], 0);
            parts.calibrations[0].1.longer = (1..=count).map(band).collect();
            parts
        };
        let max = limits::MODEL_BANDS_MAX as u32;
        self.made("model_bands_max", bands(max), bands(max + 1), "model_root_invalid at calibrations.for_you.longer");
        let score = |score: i64| calibrated(vec![score], 0);
        let max = limits::MODEL_SCORE_ABS_MAX;
        self.made(
            "model_score_abs_max",
            score(-max),
            score(-max - 1),
            "model_root_invalid at calibrations.for_you.scores[0]",
        );
        let probability = |probability: i64| calibrated(vec![0], probability);
        let max = limits::MODEL_PROBABILITY_MAX;
        self.made(
            "model_probability_max",
            probability(max),
            probability(max + 1),
            "model_root_invalid at calibrations.for_you",
        );
        let categories = |count: usize| {
            let categories = (0..count).map(|at| format!("c{at:05}")).collect();
            ModelParts { items: ItemParts { categories, ..ItemParts::default() }, ..ModelParts::default() }
        };
        let max = limits::MODEL_CATEGORIES_MAX;
        self.made(
            "model_categories_max",
            categories(max),
            categories(max + 1),
            "model_section_invalid at categories.lengths",
        );
        let offers = |count: usize| {
            let offer = |at: usize| OfferPart {
                id: format!("o{at:06}"),
                starts_ms: 0,
                ends_ms: 1,
                channels: u32::MAX,
                cap: 0,
                cap_days: 0,
                category: NO_CATEGORY,
                popularity: 0,
                items: Vec::new(),
            };
            ModelParts { offers: (0..count).map(offer).collect(), ..ModelParts::default() }
        };
        let max = limits::MODEL_OFFERS_MAX;
        self.made("model_offers_max", offers(max), offers(max + 1), "model_section_invalid at offers.id_lengths");
        let segments = |count: usize| {
            let segments = SegmentParts {
                weights: vec![1; MEASURES],
                centers: vec![vec![0; MEASURES]; count],
                groups: Vec::new(),
                popular: vec![Vec::new(); count],
            };
            ModelParts { segments, ..ModelParts::default() }
        };
        let max = limits::MODEL_SEGMENTS_MAX;
        let wanted = "model_section_invalid at segments.centers";
        self.made("model_segments_max", segments(max), segments(max + 1), wanted);
        let max = limits::MODEL_NEIGHBOURS_MAX;
        let wanted = "model_section_invalid at neighbours.bought_offsets";
        self.made("model_neighbours_max", neighbours(max), neighbours(max + 1), wanted);
        let session = |count: usize| ModelParts { sessions: vec![(0..count as u32).collect()], ..neighbours(0) };
        let max = limits::MODEL_SESSION_ITEMS_MAX;
        let wanted = "model_section_invalid at sessions.offsets";
        self.made("model_session_items_max", session(max), session(max + 1), wanted);
    }
}

/// A model whose first item has so many neighbours.
fn neighbours(count: usize) -> ModelParts {
    let items = 1_100;
    let figures = || vec![0; items];
    let mut offsets = vec![count as u32; items + 1];
    offsets[0] = 0;
    ModelParts {
        items: ItemParts {
            ids: (0..items).map(|at| format!("i{at:04}")).collect(),
            category: vec![NO_CATEGORY; items],
            flags: vec![0; items],
            ..ItemParts::default()
        },
        popularity: PopularityParts {
            all: figures(),
            recent: figures(),
            week: figures(),
            repeat: vec![0; items],
            channels: Vec::new(),
        },
        bought: NeighbourParts { offsets, items: (0..count as u32).collect(), weights: vec![1; count] },
        ..ModelParts::default()
    }
}

/// A request that is answered without a warning.
fn request() -> Value {
    map(vec![
        ("now_ms", NOW_MS.into()),
        ("profile", map(vec![("events", Value::Array(vec![event("e", vec![])]))])),
        ("context", map(vec![])),
        (
            "placements",
            Value::Array(vec![map(vec![("id", "main".into()), ("kind", "trending".into()), ("k", 1.into())])]),
        ),
    ])
}

fn event(id: &str, other: Vec<(&'static str, Value)>) -> Value {
    let mut event = map(vec![
        ("event_id", id.into()),
        ("ts_ms", NOW_MS.into()),
        ("type", "search".into()),
        ("channel", "web".into()),
    ]);
    for (name, value) in other {
        set(&mut event, name, value);
    }
    event
}

/// Puts a value at a path; at the empty one it takes the whole's place.
fn put(whole: &mut Value, place: &str, value: Value) {
    let steps: Vec<&str> = place.split(['.', '[', ']']).filter(|step| !step.is_empty()).collect();
    let Some((last, before)) = steps.split_last() else {
        *whole = value;
        return;
    };
    let mut holder = whole;
    for step in before {
        holder = match holder {
            Value::Array(values) => &mut values[step.parse::<usize>().unwrap()],
            Value::Map(pairs) => &mut pairs.iter_mut().find(|pair| pair.0.as_str() == Some(step)).unwrap().1,
            other => panic!("{other} holds nothing"),
        };
    }
    set(holder, last, value);
}

fn loaded(file: &[u8]) -> String {
    Model::load(file).map_or_else(|error| format!("{} at {}", error.code(), error.field()), |_| String::new())
}

/// The error of an answer, or the first refusal, or the warnings but for that of unknown fields that a request is padded
/// with.
fn said(answer: &[u8]) -> String {
    let answer = decode(answer).unwrap();
    let about = |error: &Value| format!("{} at {}", text(error, "code").unwrap(), text(error, "field").unwrap());
    if let Some(error) = field(&answer, "error") {
        return about(error);
    }
    if let Some(refused) = list(&answer, "results").iter().find(|result| text(result, "status") == Some("refused")) {
        return format!("refused {}", about(refused));
    }
    if let Some(refused) = list(&answer, "refused").first() {
        return format!("refused {}", about(refused));
    }
    let placements = list(&answer, "placements");
    let of_placement = placements.first().map_or(&[][..], |placement| list(placement, "warnings"));
    let all = list(&answer, "warnings").iter().chain(of_placement).filter_map(|warning| text(warning, "code"));
    let codes: Vec<&str> = all.filter(|code| *code != "unknown_field" || placements.is_empty()).collect();
    if codes.is_empty() { String::new() } else { format!("warned {}", codes.join(" ")) }
}
