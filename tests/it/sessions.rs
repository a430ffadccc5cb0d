//! The bounds of the session vote, in models larger than generated ones.

use unisono_core::Model;
use unisono_core::model::{ItemParts, ModelParts, NO_CATEGORY, PopularityParts, encode};
use unisono_core::sources::session_vote::of_items;

/// A model of `n` items and these sessions.
fn file(n: usize, sessions: Vec<Vec<u32>>) -> Vec<u8> {
    let figures = || vec![0; n];
    let ids = (0..n).map(|at| format!("i{at:04}")).collect();
    let items = ItemParts { ids, category: vec![NO_CATEGORY; n], flags: vec![0; n], ..ItemParts::default() };
    let popularity = PopularityParts {
        all: figures(),
        recent: figures(),
        week: figures(),
        repeat: vec![0; n],
        channels: Vec::new(),
    };
    encode(&ModelParts { items, popularity, sessions, ..ModelParts::default() }).unwrap()
}

#[test]
fn the_newest_five_hundred_sessions_of_an_item_are_read() {
    // Item 0 has six hundred sessions, the oldest of which are the shorter and so the more similar ones.
    let file =
        file(603, (0..600).map(|at| if at < 500 { vec![0, 1 + at, 601, 602] } else { vec![0, 1 + at] }).collect());
    let votes = of_items(&Model::load(&file).unwrap(), [0].into_iter());
    assert_eq!((votes.sums.get(1) > 0, votes.sums.get(500) > 0, votes.sums.get(501)), (true, true, 0));
}

#[test]
fn of_many_similar_sessions_the_five_hundred_most_similar_and_then_the_newest_vote() {
    // Items 0 and 1 have four hundred sessions each, those of item 1 are shorter.
    let of_0 = (0..400u32).map(|at| vec![0, 2, 3 + at]);
    let of_1 = (0..400u32).map(|at| vec![1, 403 + at]);
    let file = file(803, of_0.chain(of_1).collect());
    let votes = of_items(&Model::load(&file).unwrap(), [0, 1].into_iter());
    assert_eq!((votes.sums.get(802) > 0, votes.sums.get(102) > 0, votes.sums.get(103)), (true, true, 0));
}
