//! The evaluation kit's figures on the same answers: its `metrics.py` was run once on these lists, rounded to 12 places.

use std::collections::BTreeSet;
use unisono_models::eval::{Draws, Prediction, curve, ece, in_order, rank_metrics};

fn near(found: f64, wanted: f64, what: &str) {
    assert!((found - wanted).abs() < 1e-11, "{what}: {found} is not {wanted}");
}

#[test]
fn ranked_lists_have_the_kits_recall_ndcg_hit_and_mrr() {
    // (answer, truth, [recall@20, ndcg@20, hit@20, mrr@20] by `rank_metrics`)
    let table: [(&str, &str, [f64; 4]); 7] = [
        ("a b c d e", "b e x", [0.666666666667, 0.477623703503, 1.0, 0.5]),
        ("a a b c", "c", [1.0, 0.5, 1.0, 0.333333333333]),
        ("x y z", "q", [0.0; 4]),
        // `u` stands at place 21 and counts no more.
        ("a b c d e f g h i j k l m n o p q r s t u v", "u a t", [0.666666666667, 0.576119530285, 1.0, 1.0]),
        ("c b a", "a b c", [1.0; 4]),
        ("p q r s t u v w", "w p", [1.0, 0.806573596383, 1.0, 1.0]),
        ("", "a", [0.0; 4]),
    ];
    for (answer, truth, [recall, ndcg, hit, mrr]) in table {
        let truth: BTreeSet<&str> = truth.split_whitespace().collect();
        let found = rank_metrics(answer.split_whitespace(), &truth, 20);
        near(found.recall, recall, answer);
        near(found.ndcg, ndcg, answer);
        near(found.hit, hit, answer);
        near(found.mrr, mrr, answer);
    }
}

#[test]
fn map_is_the_kits_average_precision_where_the_whole_truth_was_answered() {
    // By `average_precision` with the negative rank as score. The kit has no map@20: its average precision knows every true item's place,
    // so the two are the same where all of them are among the first twenty.
    let table = [
        ("c b a", "a b c", 1.0),
        ("p q r s t u v w", "w p", 0.625),
        ("a b c d e f g h i j", "j b e", 0.4),
        ("a b", "a", 1.0),
    ];
    for (answer, truth, wanted) in table {
        let truth: BTreeSet<&str> = truth.split_whitespace().collect();
        near(rank_metrics(answer.split_whitespace(), &truth, 20).map, wanted, answer);
    }
}

#[test]
fn the_calibration_error_is_the_kits() {
    // 97 predictions by Knuth's linear congruential generator, so that they lie in the table of no one.
    let mut state = 7u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % 1_000
    };
    let predictions = (0..97).map(|_| {
        let (chance, other) = (next(), next());
        Prediction { chance: chance as f64 / 1_000.0, happened: other < chance, profile: 0 }
    });
    let ordered = in_order(predictions.collect());
    for (bins, wanted) in [(1, 0.016773195876), (3, 0.046420770202), (10, 0.072775555556)] {
        near(ece(&curve(&ordered, bins, |_| 1)).unwrap(), wanted, "ece");
    }
}

#[test]
fn a_paired_difference_has_the_kits_mean_and_interval() {
    // By `paired`: the ends are draws of one profile alone, so that no generator of random numbers matters.
    let figure = Draws::new(&["a", "a", "b", "c", "c"], 2_000, 7).figure(&[0.25, -0.5, 1.0, 0.0, 0.125]).unwrap();
    near(figure.value, 0.175, "mean");
    near(figure.low, -0.125, "low");
    near(figure.high, 1.0, "high");
}
