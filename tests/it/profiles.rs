//! The algebra of profiles: whatever way events, consents, traits, links and erasures take over writers, copies and merges,
//! the state has the same bytes in the end, natively and in the module.
//!
//! `UNISONO_PROFILES` says how many sets (the proof takes 100,000). What `profile_apply` does not let in is no part of a
//! state, and which of two writers hears a withdrawal first is no matter of merging: no set withholds every purpose.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use std::cell::RefCell;
use std::sync::Arc;
use unisono_core::model::ModelParts;
use unisono_core::profile::Profile;
use unisono_core::{Model, Policy, profile_apply, profile_component, profile_erase, profile_merge, recommend};
use unisono_message::{Event, EventType};
use unisono_tests::generator;
use unisono_tests::random::Random;
use unisono_tests::runtime::available;
use unisono_tests::suite::{Call, Case, Expect, Suite, SuiteModel};
use unisono_tests::value::{Value, decode, encode, field, map, set, text};

const NOW_MS: i64 = 1_700_000_000_000;
const CHANNELS: [&str; 3] = ["store", "web", "my_shop_2"];
const KINDS: [&str; 6] = ["purchase", "view", "offer_redeemed", "return", "pickup", "search"];
const WRITERS: [&str; 3] = ["", "app", "host"];

/// One thing that is said of a profile.
#[derive(Clone, Debug)]
enum Word {
    /// Id, minutes ago, kind, channel, item, price.
    Event(u16, u32, u8, u8, u8, u8),
    /// Purpose, channel, granted, minutes ago, writer.
    Consent(u8, u8, bool, u8, u8),
    /// Name, value, purpose, minutes ago, writer.
    Trait(u8, u8, u8, u8, u8),
    /// Other profile, linked, minutes ago, writer.
    Link(u8, bool, u8, u8),
    /// Minutes ago.
    Erasure(u32),
}

fn word() -> impl Strategy<Value = Word> {
    prop_oneof![
        // Few ids and moments, so that copies and ties are common.
        14 => (0u16..900, 0u32..90_000, any::<u8>(), any::<u8>(), any::<u8>(), any::<u8>())
            .prop_map(|(a, b, c, d, e, f)| Word::Event(a, b, c, d, e, f)),
        2 => (0u8..4, 0u8..4, any::<bool>(), 0u8..4, 0u8..3).prop_map(|(a, b, c, d, e)| Word::Consent(a, b, c, d, e)),
        2 => (0u8..3, 0u8..6, 0u8..5, 0u8..4, 0u8..3).prop_map(|(a, b, c, d, e)| Word::Trait(a, b, c, d, e)),
        2 => (0u8..3, any::<bool>(), 0u8..4, 0u8..3).prop_map(|(a, b, c, d)| Word::Link(a, b, c, d)),
        1 => (0u32..200_000).prop_map(Word::Erasure),
    ]
}

/// Mostly few words; now and then as many events of one class as overflow it.
fn words() -> impl Strategy<Value = Vec<Word>> {
    let many = prop::collection::vec(
        (0u16..900, 0u32..90_000, 0u8..2, any::<u8>())
            .prop_map(|(id, ago, kind, item)| Word::Event(id, ago, kind, 0, item, 0)),
        150..500,
    );
    let few = || prop::collection::vec(word(), 0..60);
    prop_oneof![
        12 => few().boxed(),
        1 => (few(), many).prop_map(|(few, many)| [few, many].concat()).boxed(),
    ]
}

fn ago(minutes: u32) -> Value {
    (NOW_MS - i64::from(minutes) * 60_000).into()
}

/// The name of the list of `profile_apply` to which a word belongs, and the word; none for an erasure.
fn said(word: &Word) -> Option<(&'static str, Value)> {
    let purpose = |at: u8| Value::from(unisono_message::Purpose::NAMES[at as usize]);
    let stamped = |mut fields: Vec<(&'static str, Value)>, at: u8, writer: u8| {
        fields.extend([("ts_ms", ago(u32::from(at))), ("writer", WRITERS[writer as usize].into())]);
        map(fields)
    };
    Some(match *word {
        Word::Event(id, minutes, kind, channel, item, price) => {
            let mut fields = vec![
                ("event_id", Value::from(format!("e{id}"))),
                ("ts_ms", ago(minutes)),
                ("type", KINDS[kind as usize % KINDS.len()].into()),
                ("channel", CHANNELS[channel as usize % CHANNELS.len()].into()),
            ];
            if item > 3 {
                fields.push(("item_id", format!("item-{item}").into()));
            }
            if price % 2 == 1 {
                fields.push(("price", Value::from(f64::from(price) / 4.0)));
            }
            ("events", map(fields))
        }
        Word::Consent(of, channel, granted, at, writer) => {
            let mut fields = vec![("purpose", purpose(of)), ("granted", granted.into())];
            fields.extend(CHANNELS.get(channel as usize).map(|channel| ("channel", Value::from(*channel))));
            ("consents", stamped(fields, at, writer))
        }
        Word::Trait(name, value, of, at, writer) => {
            let value = match value {
                0 => Value::Nil,
                1 | 2 => (value == 1).into(),
                _ => format!("v{value}").into(),
            };
            let fields = vec![("name", format!("t{name}").into()), ("purpose", purpose(of)), ("value", value)];
            ("traits", stamped(fields, at, writer))
        }
        Word::Link(other, linked, at, writer) => {
            ("links", stamped(vec![("profile_id", format!("p{other}").into()), ("linked", linked.into())], at, writer))
        }
        Word::Erasure(_) => return None,
    })
}

fn state_in(answer: &[u8]) -> Vec<u8> {
    let answer = decode(answer).unwrap();
    field(&answer, "state").and_then(Value::as_slice).unwrap_or_else(|| panic!("no state in {answer}")).to_vec()
}

/// The state after a few words, in one call, and an erasure a call.
fn told(state: &[u8], words: &[Word]) -> Vec<u8> {
    let mut lists: [(&str, Vec<Value>); 4] = ["events", "consents", "traits", "links"].map(|name| (name, Vec::new()));
    for (name, value) in words.iter().filter_map(said) {
        lists.iter_mut().filter(|list| list.0 == name).for_each(|list| list.1.push(value.clone()));
    }
    let mut fields = vec![("now_ms", Value::from(NOW_MS)), ("state", Value::Binary(state.to_vec()))];
    fields.extend(lists.into_iter().map(|(name, list)| (name, Value::Array(list))));
    let mut state = state_in(&profile_apply(&Policy::default(), &encode(&map(fields))));
    for word in words {
        if let Word::Erasure(minutes) = word {
            let input = map(vec![("state", Value::Binary(state)), ("ts_ms", ago(*minutes)), ("now_ms", NOW_MS.into())]);
            state = state_in(&profile_erase(&encode(&input)));
        }
    }
    state
}

fn merge_input(states: &[Vec<u8>]) -> Vec<u8> {
    let states = states.iter().map(|state| Value::Binary(state.clone())).collect();
    encode(&map(vec![("states", Value::Array(states))]))
}

fn merged(states: &[Vec<u8>]) -> Vec<u8> {
    state_in(&profile_merge(&merge_input(states)))
}

/// The words over random writers, some over several, in any order and in small lots, with copies of states going from
/// writer to writer between; what the writers hold in the end.
fn scattered(random: &mut Random, words: &[Word]) -> Vec<Vec<u8>> {
    let count = 1 + random.below(5);
    let mut inboxes: Vec<Vec<Word>> = vec![Vec::new(); count];
    for word in words {
        for _ in 0..*random.pick(&[1, 1, 1, 2, 3]) {
            inboxes[random.below(count)].push(word.clone());
        }
    }
    inboxes.iter_mut().for_each(|inbox| random.shuffle(inbox));
    let mut states = vec![told(&[], &[]); count];
    while inboxes.iter().any(|inbox| !inbox.is_empty()) {
        let at = random.below(count);
        let lot = random.below(inboxes[at].len() + 1);
        let lot: Vec<Word> = inboxes[at].drain(..lot).collect();
        states[at] = told(&states[at], &lot);
        if random.chance(30) {
            let other = random.below(count);
            states[at] = merged(&[states[other].clone(), states[at].clone()]);
        }
    }
    states
}

/// One state of several, merged in any order and grouping, some of them twice.
fn gathered(random: &mut Random, mut states: Vec<Vec<u8>>) -> Vec<u8> {
    while states.len() > 1 {
        random.shuffle(&mut states);
        let lot = 2 + random.below(states.len() - 1);
        let mut group: Vec<Vec<u8>> = states.drain(..lot).collect();
        if random.chance(30) {
            group.push(group[0].clone());
        }
        states.push(merged(&group));
    }
    states.remove(0)
}

/// Every way gives the bytes of the direct one, and the operation is what a join has to be.
fn check(words: &[Word], seed: u64, merges: &RefCell<Vec<(Vec<u8>, Vec<u8>)>>) -> Result<(), TestCaseError> {
    let random = &mut Random::new(seed);
    let wanted = told(&[], words);
    let states = scattered(random, words);
    let mut shuffled = states.clone();
    random.shuffle(&mut shuffled);
    merges.borrow_mut().push((merge_input(&shuffled), wanted.clone()));
    prop_assert!(gathered(random, states.clone()) == wanted, "another way, another state");
    let of = |at: usize| states[at % states.len()].clone();
    let [a, b, c] = [of(0), of(1), told(&[], &words[..words.len() / 2])];
    let two = |a: &Vec<u8>, b: &Vec<u8>| merged(&[a.clone(), b.clone()]);
    prop_assert!(two(&a, &two(&b, &c)) == two(&two(&a, &b), &c), "not associative");
    prop_assert!(two(&a, &b) == two(&b, &a), "not commutative");
    prop_assert!(two(&a, &a) == a && two(&wanted, &a) == wanted, "not idempotent");
    Ok(())
}

const CHUNK: usize = 2_000;

#[test]
fn every_way_of_a_profile_ends_in_the_same_bytes_natively_and_in_the_module() {
    let sets = crate::wanted_profiles();
    let mut runtimes = available();
    let (mut differences, mut bytes) = (vec![0usize; runtimes.len()], 0);
    for (chunk, start) in (0..sets).step_by(CHUNK).enumerate() {
        let merges = RefCell::new(Vec::new());
        let count = CHUNK.min(sets - start);
        let config = Config { cases: count as u32, failure_persistence: None, ..Config::default() };
        // The same sets for ever.
        let mut seed = [7u8; 32];
        seed[..8].copy_from_slice(&(chunk as u64).to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let run = TestRunner::new_with_rng(config, rng)
            .run(&(words(), any::<u64>()), |(words, seed)| check(&words, seed, &merges));
        if let Err(TestError::Fail(why, (words, seed))) = &run {
            panic!("{why}: {words:?}, seed {seed}");
        }
        run.unwrap();
        let (inputs, wanted): (Vec<Vec<u8>>, Vec<Vec<u8>>) = merges.into_inner().into_iter().unzip();
        bytes += wanted.iter().map(Vec::len).sum::<usize>();
        let case = |input| Case { call: Call::ProfileMerge, model: 0, policy: 0, input, expect: Expect::Answer };
        let parts = Arc::new(ModelParts::default());
        let models = vec![SuiteModel { file: unisono_core::model::encode(&parts).unwrap(), parts }];
        let suite = Suite { models, cases: inputs.into_iter().map(case).collect(), ..Suite::default() };
        for (runtime, differences) in runtimes.iter_mut().zip(&mut differences) {
            let answers = runtime.answer_all(&suite).unwrap();
            *differences += answers.iter().zip(&wanted).filter(|(answer, wanted)| state_in(answer) != **wanted).count();
        }
    }
    for (runtime, differences) in runtimes.iter().zip(&differences) {
        eprintln!(
            "{:<10} {sets} sets, {differences} differences ({} bytes a state)",
            runtime.name(),
            bytes / sets.max(1)
        );
    }
    assert_eq!(differences.iter().sum::<usize>(), 0);
}

fn link(state: &[u8], other: &str, linked: bool, ts_ms: i64) -> Vec<u8> {
    let one = map(vec![("profile_id", other.into()), ("linked", linked.into()), ("ts_ms", ts_ms.into())]);
    let input = vec![
        ("now_ms", Value::from(NOW_MS)),
        ("state", Value::Binary(state.to_vec())),
        ("links", Value::Array(vec![one])),
    ];
    state_in(&profile_apply(&Policy::default(), &encode(&map(input))))
}

#[test]
fn what_is_linked_and_unlinked_leaves_no_trace() {
    let random = &mut Random::new(11);
    let models: Vec<_> = (0..12).map(|_| generator::model(random)).collect();
    let files: Vec<Vec<u8>> = models.iter().map(|parts| unisono_core::model::encode(parts).unwrap()).collect();
    let loaded: Vec<Model<'_>> = files.iter().map(|file| Model::load(file).unwrap()).collect();
    let habits = generator::Habits { ids: 60, one_channel: false, many_items: false };
    let (pairs, mut differ) = (crate::wanted_profiles(), 0);
    for _ in 0..pairs {
        let at = random.below(models.len());
        let mut state = |most: usize| {
            let events =
                (0..random.below(most)).map(|_| generator::event(random, &models[at], NOW_MS, habits)).collect();
            let input = map(vec![("now_ms", NOW_MS.into()), ("events", Value::Array(events))]);
            state_in(&profile_apply(&Policy::default(), &encode(&input)))
        };
        let (own, other) = (state(12), state(12));
        let page = generator::page(random, &models[at], NOW_MS, None);
        let asked = |own: &[u8], linked: Option<&[u8]>| {
            let mut profile = map(vec![("profile_id", "p1".into()), ("state", Value::Binary(own.to_vec()))]);
            if let Some(state) = linked {
                let one = map(vec![("profile_id", "p2".into()), ("state", Value::Binary(state.to_vec()))]);
                set(&mut profile, "linked", Value::Array(vec![one]));
            }
            let mut request = page.clone();
            set(&mut request, "profile", profile);
            recommend(&loaded[at], &Policy::default(), &encode(&request))
        };
        let before = asked(&own, None);
        let (own, other) = (link(&own, "p2", true, NOW_MS - 9), link(&other, "p1", true, NOW_MS - 9));
        assert_eq!(members(&own, &other), 2);
        differ += usize::from(asked(&own, Some(&other)) != before);
        // Either side, or both, at the very moment of the link or later.
        let moment = NOW_MS - *random.pick(&[9, 8]);
        let sides = random.below(3);
        let own = if sides == 0 { own } else { link(&own, "p2", false, moment) };
        let other = if sides == 1 { other } else { link(&other, "p1", false, moment) };
        assert!(asked(&own, Some(&other)) == before, "an unlinked profile answers as before");
        assert_eq!(members(&own, &other), 1);
        if sides == 2 {
            assert!(asked(&own, None) == before, "without the other's state too");
        }
    }
    eprintln!("{pairs} pairs linked and unlinked, 0 traces; linked, {differ} answer otherwise");
    assert!(differ * 10 >= pairs * 8, "{differ} of {pairs}");
}

fn members(own: &[u8], other: &[u8]) -> usize {
    let one = |id: &str, state: &[u8]| map(vec![("profile_id", id.into()), ("state", Value::Binary(state.to_vec()))]);
    let input =
        map(vec![("profile_id", "p1".into()), ("profiles", Value::Array(vec![one("p1", own), one("p2", other)]))]);
    let answer = decode(&profile_component(&encode(&input))).unwrap();
    unisono_tests::value::list(&answer, "profile_ids").len()
}

/// A state with a mark in each of many channels.
fn marked(channels: std::ops::Range<usize>) -> Vec<u8> {
    let mark = |at: usize| Value::Array(vec![1.into(), "i".into(), 1.into(), format!("c{at:06}").into()]);
    let fields = vec![
        ("version", Value::from(1)),
        ("events", Value::Array(vec![])),
        ("marks", Value::Array(channels.map(mark).collect())),
    ];
    encode(&map(fields))
}

/// However many they are: what is to be refused is not looked through for each of them.
#[test]
fn marks_of_too_many_classes_are_refused_at_once() {
    let code = |states: &[Vec<u8>]| {
        let answer = decode(&profile_merge(&merge_input(states))).unwrap();
        field(&answer, "error").and_then(|error| Some(text(error, "code")?.to_owned()))
    };
    assert_eq!(code(&[marked(0..256)]), None);
    assert_eq!(code(&[marked(0..257)]).as_deref(), Some("limit_exceeded"));
    assert_eq!(code(&[marked(0..200_000)]).as_deref(), Some("limit_exceeded"));
    let many: Vec<Vec<u8>> = (0..16).map(|at| marked(at * 256..(at + 1) * 256)).collect();
    assert_eq!(code(&many).as_deref(), Some("limit_exceeded"));
}

#[test]
fn a_pick_up_of_an_order_is_a_purchase_where_it_names_an_item() {
    let kinds = |item_id: Option<&str>| {
        let mut pickup = Event::new("p1", NOW_MS, EventType::Pickup, "store");
        (pickup.order_id, pickup.item_id, pickup.price_micro) = (Some("o1"), item_id, Some(2_500_000));
        let settled = Profile::from_events(&[pickup]).0.settled().unwrap();
        settled.events().iter().map(|event| event.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(Some("milk")), [EventType::Pickup, EventType::Purchase]);
    // It would count among what a customer pays for one item.
    assert_eq!(kinds(None), [EventType::Pickup]);
}
