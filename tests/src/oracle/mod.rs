//! The oracle: a naive twin of every decision, from the request's bytes to the response's.
//!
//! It shares words and limits with the core, and no step: it reads with another MessagePack implementation, keeps
//! everything in ordered maps, takes `exp` from std, sorts where the core selects, and writes each rule as its
//! documentation says it. It is slow and easy to check by eye; that is its whole purpose.

mod answer;
mod calls;
mod eligible;
mod features;
mod history;
mod links;
mod offers;
pub mod policy;
pub mod profile;
mod request;
mod rules;
mod score;
mod seen;
mod segments;
mod sessions;
mod settle;
mod tokens;

pub use calls::{applied, component, erased, exported, merged};
pub use policy::Policy;
pub use request::{Placement, Request};
pub use rules::check;
pub use tokens::{token_applied, token_written};

use crate::value::{Value, decode, encode, map};
use answer::{PlacementAnswer, warnings};
use anyhow::{Context, Result, bail, ensure};
use eligible::{Shown, exclusion};
use features::{Candidate, Scene, Sums, sums};
use history::{History, Own};
use score::{Scoring, entry, forest, score, scoring};
use sha2::{Digest, Sha256};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use unisono_core::model::ModelParts;
use unisono_message::{EmptyReason, Exclusion, PlacementKind, WarningCode, limits};

/// The response to a valid request, to the byte. `model_id` is that of the model's file.
///
/// # Errors
/// When the request can't be read; the oracle knows valid requests only.
pub fn response(parts: &ModelParts, model_id: &[u8; 32], policy: Option<&[u8]>, request: &[u8]) -> Result<Vec<u8>> {
    let policy = Policy::read(policy)?;
    let request = Request::read(&decode(request)?, &policy)?;
    let history = History::of(parts, &request);
    let mut shown = Shown::default();
    let placements = request.placements.iter().map(|placement| {
        let answer = match placement.kind {
            PlacementKind::Offers => offers::place(parts, &request, placement, &mut shown),
            _ => place(parts, &history, &request, placement, &mut shown),
        };
        answer.to_value(parts.scale_bits, request.explain)
    });
    let placements = Value::Array(placements.collect());
    let unknown_items = history.items.values().filter(|own| own.item.is_none()).count();
    let [duplicates, events, marks] = request.seen.whole.left_out;
    Ok(encode(&map(vec![
        ("request_id", request.request_id.as_deref().map_or(Value::Nil, Value::from)),
        ("model_id", hex(model_id).into()),
        ("decision_id", hex(&decision_id(model_id, &policy, &request)).into()),
        ("overlay_version", Value::Nil),
        ("placements", placements),
        (
            "warnings",
            warnings(&[
                (WarningCode::UnknownField, request.unknown_fields),
                (WarningCode::DuplicateEvent, duplicates),
                (WarningCode::EventsBeyondBound, events),
                (WarningCode::MarksBeyondBound, marks),
                (WarningCode::ConsentWithheld, request.seen.allowed.iter().filter(|allowed| !**allowed).count()),
                (WarningCode::LinksBeyondBound, request.seen.beyond),
                (WarningCode::LinksNotGiven, request.seen.not_given),
                (WarningCode::HistoryItemUnknown, unknown_items),
            ]),
        ),
    ])))
}

/// Checks an answer to a valid request: its bytes are the twin's, and the rules hold.
///
/// # Errors
/// Where it first differs, or which rule is broken.
pub fn agrees(parts: &ModelParts, policy: Option<&[u8]>, request: &[u8], answer: &[u8]) -> Result<()> {
    let found = decode(answer)?;
    let model_id = crate::value::text(&found, "model_id").context("an answer names the model")?;
    let wanted = response(parts, &unhex32(model_id)?, policy, request)?;
    if wanted != answer {
        let difference = crate::value::difference(&decode(&wanted)?, &found);
        bail!("{}", difference.unwrap_or_else(|| "the encodings differ".into()));
    }
    check(parts, policy, request, answer)
}

fn unhex32(digits: &str) -> Result<[u8; 32]> {
    ensure!(digits.len() == 64 && digits.is_ascii(), "an id of 64 digits");
    let mut out = [0; 32];
    for (at, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16)?;
    }
    Ok(out)
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn decision_id(model_id: &[u8; 32], policy: &Policy, request: &Request) -> [u8; 32] {
    let (profile, decoded) = (request.seen.whole.encode(), encode(&request.canonical()));
    let head = encode(&Value::Array(vec![
        unisono_core::CORE_VERSION.into(),
        Value::Binary(model_id.to_vec()),
        policy.id.map_or(Value::Nil, |id| Value::Binary(id.to_vec())),
        Value::Nil,
        profile.len().into(),
        decoded.len().into(),
    ]));
    sha256(&[head, profile, decoded].concat())
}

fn scene<'s>(parts: &'s ModelParts, history: &'s History, request: &Request, placement: &Placement) -> Scene<'s> {
    let newest = history.newest(parts.history_items as usize, request.now_ms);
    // The last look counts as an eighth of a day, those before it less.
    let look = |own: &Own| {
        let since = history.looks_since(own).map(|since| (-(since as f64) / 2.8037).exp());
        since.map_or(0, |decay| (65_536.0 * decay).round_ties_even() as i64 / 128)
    };
    let weigh = |weight: &dyn Fn(&Own) -> i64| -> Vec<(u32, i64)> {
        newest.iter().filter_map(|own| Some((own.item?, (weight(own) / 16) + look(own)))).collect()
    };
    let last = || newest.first().and_then(|own| own.item).into_iter().map(|item| (item, 1));
    let list = |row: &Vec<(u32, u32)>| -> Sums { row.iter().map(|(item, count)| (*item, i64::from(*count))).collect() };
    let number = parts.channels.iter().position(|channel| *channel == request.channel);
    let channel: Sums = number.and_then(|number| parts.popularity.channels.get(number)).map(list).unwrap_or_default();
    let seeds: BTreeSet<u32> = seed_ids(request, placement)
        .iter()
        .filter_map(|id| match Candidate::of(parts, id) {
            Candidate::Known(item) => Some(item),
            Candidate::Unknown(_) => None,
        })
        .collect();
    let looked = newest.iter().filter(|own| !own.looks_ms.is_empty()).take(20);
    let looked: Vec<(u32, i64)> =
        looked.filter_map(|own| Some((own.item?, sessions::fade(history.looks_since(own)?)))).collect();
    let full = |items: Vec<u32>| -> Vec<(u32, i64)> { items.into_iter().map(|item| (item, 65_536)).collect() };
    let from_history = sessions::votes(parts, &looked);
    let places = top(parts, &from_history, parts.candidates_per_source as usize);
    Scene {
        parts,
        history,
        sessions_last: sessions::votes(parts, &full(last().map(|pair| pair.0).collect())),
        sessions: from_history,
        session_places: places,
        bought: sums(&parts.bought, weigh(&|own: &Own| own.decay(60.0)).into_iter()),
        next: sums(&parts.next_items, weigh(&|own: &Own| own.sum(|_, visits| (-visits / 2.8037).exp())).into_iter()),
        bought_last: sums(&parts.bought, last()),
        next_last: sums(&parts.next_items, last()),
        given: seeds.iter().take(16).copied().collect(),
        seeds: match parts.bought.items.is_empty() {
            true => sessions::votes(parts, &full(seeds.into_iter().collect())),
            false => sums(&parts.bought, seeds.into_iter().map(|item| (item, 1))),
        },
        channel,
        segment: history.segment.map(|at| list(&parts.segments.popular[at])).unwrap_or_default(),
        now_ms: request.now_ms,
    }
}

/// What a placement starts from.
fn seed_ids<'r>(request: &'r Request, placement: &'r Placement) -> &'r [String] {
    match placement.kind {
        PlacementKind::Similar | PlacementKind::BoughtTogether if placement.items.is_empty() => &request.cart,
        PlacementKind::Similar | PlacementKind::BoughtTogether => &placement.items,
        _ => &[],
    }
}

/// The items of the greatest sums.
fn top(parts: &ModelParts, sums: &Sums, count: usize) -> Vec<Candidate> {
    let mut all: Vec<(&u32, &i64)> = sums.iter().filter(|(_, sum)| **sum > 0).collect();
    all.sort_by_key(|(item, sum)| (Reverse(**sum), Reverse(parts.popularity.all[**item as usize])));
    all.into_iter().take(count).map(|(item, _)| Candidate::Known(*item)).collect()
}

/// Items of some categories, as many of each, `most` at most: three in four by popularity from the top, the others from the end.
fn of_categories(parts: &ModelParts, categories: &[u16], most: usize) -> Vec<Candidate> {
    let each = most / categories.len().max(1);
    let of = |wanted: &u16| {
        let all = by_popularity(parts).into_iter().filter(|item| features::category(parts, *item) == Some(*wanted));
        let row: Vec<Candidate> = all.map(Candidate::Known).collect();
        match row.len() > each {
            true => [&row[..each - each / 4], &row[row.len() - each / 4..]].concat(),
            false => row,
        }
    };
    categories.iter().flat_map(of).collect()
}

/// The items of the given items' categories that are most alike.
fn alike(scene: &Scene<'_>, count: usize) -> Vec<Candidate> {
    let categories: BTreeSet<u16> =
        scene.given.iter().filter_map(|item| features::category(scene.parts, *item)).collect();
    let categories: Vec<u16> = categories.into_iter().collect();
    let mut found = of_categories(scene.parts, &categories, 1024);
    found.retain(|one| !scene.given.iter().any(|given| *one == Candidate::Known(*given)));
    found.sort_by_key(|one| {
        (Reverse(scene.likeness(one)), Reverse(one.figure(&scene.parts.popularity.all)), one.clone())
    });
    found.truncate(count);
    found
}

/// Items of the ten categories in which a customer buys most.
fn of_strongest(scene: &Scene<'_>, count: usize) -> Vec<Candidate> {
    let mut strongest: Vec<u16> = (0..scene.parts.items.categories.len() as u16).collect();
    strongest.retain(|category| scene.strength_of(*category) > 0);
    strongest.sort_by_key(|category| Reverse(scene.strength_of(*category)));
    strongest.truncate(10);
    of_categories(scene.parts, &strongest, count)
}

/// Items by recent popularity, then popularity over all days, then index; those without any last.
fn by_popularity(parts: &ModelParts) -> Vec<u32> {
    let mut order: Vec<u32> = (0..parts.items.ids.len() as u32).collect();
    let (recent, all) = (&parts.popularity.recent, &parts.popularity.all);
    order.sort_by_key(|item| {
        let at = *item as usize;
        (all[at] == 0, Reverse(recent[at]), Reverse(all[at]))
    });
    order
}

fn candidates(scene: &Scene<'_>, history: &History, placement: &Placement) -> BTreeSet<Candidate> {
    let parts = scene.parts;
    let count = parts.candidates_per_source as usize;
    let own = |keep: &dyn Fn(&Own) -> bool| -> Vec<Candidate> {
        history.items.iter().filter(|(_, own)| keep(own)).map(|(id, _)| Candidate::of(parts, id)).collect()
    };
    let bought = || own(&|own| !own.days.is_empty());
    let viewed = || own(&|own| !own.looks_ms.is_empty());
    let popular = || -> Vec<Candidate> {
        let order = by_popularity(parts).into_iter().filter(|item| parts.popularity.all[*item as usize] > 0);
        order.take(count).map(Candidate::Known).collect()
    };
    let of_kind = match placement.kind {
        PlacementKind::ForYou | PlacementKind::BoughtTogether => vec![
            bought(),
            viewed(),
            top(parts, &scene.bought, count),
            top(parts, &scene.next, count),
            scene.session_places.clone(),
            top(parts, &scene.seeds, count),
            top(parts, &scene.segment, count),
            alike(scene, count),
            match placement.exclude_bought && placement.kind == PlacementKind::ForYou {
                true => of_strongest(scene, count),
                false => Vec::new(),
            },
            popular(),
        ],
        PlacementKind::Similar => vec![top(parts, &scene.seeds, count), alike(scene, count), popular()],
        PlacementKind::Trending => vec![scene.channel.keys().map(|item| Candidate::Known(*item)).collect(), popular()],
        PlacementKind::BuyAgain => vec![bought()],
        PlacementKind::RecentlyViewed => vec![viewed()],
        PlacementKind::Rerank => vec![placement.candidates.iter().map(|id| Candidate::of(parts, id)).collect()],
        PlacementKind::Offers => vec![],
    };
    of_kind.into_iter().flatten().collect()
}

fn place(
    parts: &ModelParts,
    history: &History,
    request: &Request,
    placement: &Placement,
    shown: &mut Shown,
) -> PlacementAnswer {
    let nobody = History::default();
    // Alternatives to an item do not depend on who asks, but what was bought is still left out where asked.
    let asks = if placement.kind == PlacementKind::Similar { &nobody } else { history };
    let scene = scene(parts, asks, request, placement);
    let why = |candidate: &Candidate, shown: &Shown| exclusion(parts, history, request, placement, shown, candidate);
    let (mut kept, mut excluded, mut left_out) = (Vec::new(), Vec::new(), 0);
    let all = candidates(&scene, history, placement);
    for candidate in &all {
        match why(candidate, shown) {
            Some(reason) => excluded.push((candidate.id(parts).to_owned(), reason)),
            None => kept.push(candidate.clone()),
        }
    }
    if rules::fills_up(placement.kind) {
        for item in by_popularity(parts) {
            let candidate = Candidate::Known(item);
            if rules::products(parts, &kept) >= placement.k {
                break;
            }
            match why(&candidate, shown) {
                _ if all.contains(&candidate) => {}
                Some(_) => left_out += 1,
                None => kept.push(candidate),
            }
        }
    }
    let (mut scoring, forest) = (scoring(&scene, placement.kind), forest(&scene, placement));
    // Known items come before unknown ones, by index and by id.
    let ranked = |scoring: Scoring<'_>, all: Vec<Candidate>| -> Vec<(i64, Candidate)> {
        let mut scored: Vec<(i64, Candidate)> =
            all.into_iter().map(|one| (score(&scene, scoring, &one), one)).collect();
        scored.sort_by_key(|(score, one)| (Reverse(*score), Reverse(one.figure(&parts.popularity.all)), one.clone()));
        scored
    };
    let mut scored = ranked(scoring, kept);
    if let Some(forest) = forest {
        // Trees rank the best of the blend; twice as many where these are variants of too few products, and so on.
        let mut best: Vec<Candidate> = scored.into_iter().map(|one| one.1).collect();
        let mut count = match scene.history.items.is_empty() && scene.given.is_empty() {
            // Of someone of whom nothing is known the blend hardly chooses.
            true => placement.k.max(parts.ranked_max as usize).max(limits::STRANGER_RANKED_MAX),
            false => placement.k.max(parts.ranked_max as usize),
        };
        while count < best.len() && rules::products(parts, &best[..count]) < placement.k {
            count *= 2;
        }
        best.truncate(count);
        (scoring, scored) = (forest, ranked(forest, best));
    }
    if rules::strength(parts, placement) > 0 {
        scored = spread(parts, placement, shown, scored);
    }
    let mut entries = Vec::new();
    for (score, candidate) in scored {
        if entries.len() == placement.k {
            break;
        }
        if shown.holds(parts, &candidate) {
            excluded.push((candidate.id(parts).to_owned(), Exclusion::AlreadyOnPage));
            continue;
        }
        shown.add(parts, &candidate);
        entries.push(entry(&scene, scoring, request, placement, score, &candidate));
    }
    left_out += excluded.len();
    let unknown_seeds =
        seed_ids(request, placement).iter().filter(|id| matches!(Candidate::of(parts, id), Candidate::Unknown(_)));
    let category_unknown = placement
        .category
        .as_ref()
        .is_some_and(|wanted| !parts.items.categories.iter().any(|path| eligible::is_below(path, wanted)));
    PlacementAnswer {
        id: placement.id.clone(),
        offers: false,
        empty_reason: entries.is_empty().then(|| empty_reason(parts, placement, left_out)),
        warnings: vec![
            (WarningCode::SeedItemUnknown, unknown_seeds.count()),
            (WarningCode::CategoryUnknown, usize::from(category_unknown)),
            (WarningCode::FewerThanK, placement.k - entries.len()),
        ],
        entries,
        excluded,
        left_out,
    }
}

/// Maximal marginal relevance: always the one of the greatest relevance minus likeness to what was taken. Variants of what
/// is shown are passed over, but stay in the order.
fn spread(
    parts: &ModelParts,
    placement: &Placement,
    shown: &Shown,
    mut best: Vec<(i64, Candidate)>,
) -> Vec<(i64, Candidate)> {
    let strength = rules::strength(parts, placement);
    let mut count = 3 * placement.k;
    while count < best.len() && rules::products(parts, best[..count].iter().map(|one| &one.1)) < placement.k {
        count *= 2;
    }
    best.truncate(count);
    let path = |candidate: &Candidate| -> Vec<&str> {
        let Candidate::Known(item) = candidate else { return Vec::new() };
        let category = features::category(parts, *item).map(|at| parts.items.categories[usize::from(at)].as_str());
        category.map_or(Vec::new(), |path| path.split('/').take(4).collect())
    };
    let alike = |a: &Candidate, b: &Candidate| {
        let (a, b) = (path(a), path(b));
        let common = a.iter().zip(&b).take_while(|pair| pair.0 == pair.1).count();
        (common * 4096).checked_div(a.len().max(b.len())).unwrap_or(0) as i64
    };
    let (greatest, least) = (best.first().map_or(0, |one| one.0), best.last().map_or(0, |one| one.0));
    let relevance = |score: i64| (score - least) * 4096 / (greatest - least).max(1);
    let (mut out, mut taken, mut page): (Vec<(i64, Candidate)>, Vec<Candidate>, Shown) =
        (vec![], vec![], shown.clone());
    while !best.is_empty() {
        let value = |one: &(i64, Candidate)| {
            let likeness = taken.iter().map(|other| alike(other, &one.1)).max().unwrap_or(0);
            (1_000 - strength) * relevance(one.0) - strength * likeness
        };
        let greatest = best.iter().map(value).max().unwrap_or(0);
        let at = best.iter().position(|one| value(one) == greatest).unwrap_or(0);
        let next = best.remove(at);
        if !page.holds(parts, &next.1) {
            page.add(parts, &next.1);
            taken.push(next.1.clone());
        }
        out.push(next);
    }
    out
}

fn empty_reason(parts: &ModelParts, placement: &Placement, left_out: usize) -> EmptyReason {
    match placement.kind {
        PlacementKind::Rerank if placement.candidates.is_empty() => EmptyReason::NothingGiven,
        PlacementKind::BuyAgain | PlacementKind::RecentlyViewed if left_out == 0 => EmptyReason::NoHistory,
        _ if parts.items.ids.is_empty() => EmptyReason::NoItems,
        _ => EmptyReason::AllExcluded,
    }
}
