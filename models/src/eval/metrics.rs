//! Metrics of ranked lists, each with its formula.

use serde::Serialize;
use std::collections::BTreeSet;

/// One case's metrics. `k` is the number of places that count.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RankMetrics {
    /// |first k recommended, that are true| / |true|. The divisor is not cut to k.
    pub recall: f64,
    /// DCG / IDCG with binary gains: DCG = sum over hit ranks r of 1 / log2(r + 1); IDCG = the same for min(k, |true|) hits
    /// at the first ranks (Järvelin and Kekäläinen, 2002).
    pub ndcg: f64,
    /// 1 when at least one of the k is true.
    pub hit: f64,
    /// 1 / rank of the first true one, 0 without any (Voorhees, 1999).
    pub mrr: f64,
    /// Average precision: sum over hit ranks r of |true among the first r| / r, divided by min(k, |true|) (Manning, Raghavan
    /// and Schütze, 2008, 8.4, cut at k).
    pub map: f64,
}

/// The metrics of one list; repeats are passed over and take no place.
pub fn rank_metrics<'a>(items: impl IntoIterator<Item = &'a str>, truth: &BTreeSet<&str>, k: usize) -> RankMetrics {
    let mut seen = BTreeSet::new();
    let ranked = items.into_iter().filter(|item| seen.insert(*item)).take(k);
    let gain = |rank: usize| 1.0 / (rank as f64 + 1.0).log2();
    let (mut hits, mut dcg, mut precisions, mut first) = (0usize, 0.0, 0.0, None);
    for (rank, item) in (1..).zip(ranked) {
        if truth.contains(item) {
            hits += 1;
            dcg += gain(rank);
            precisions += hits as f64 / rank as f64;
            first = first.or(Some(rank));
        }
    }
    let Some(first) = first else { return RankMetrics::default() };
    let reachable = k.min(truth.len());
    let ideal: f64 = (1..=reachable).map(gain).sum();
    RankMetrics {
        recall: hits as f64 / truth.len() as f64,
        ndcg: dcg / ideal,
        hit: 1.0,
        mrr: 1.0 / first as f64,
        map: precisions / reachable as f64,
    }
}

/// Means over cases, every case counting once; a case without an answer counts as zero.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Means {
    /// Number of cases.
    pub cases: usize,
    /// Mean recall@20.
    pub recall_20: f64,
    /// Mean ndcg@20.
    pub ndcg_20: f64,
    /// Mean hit@20.
    pub hit_20: f64,
    /// Mean mrr@20.
    pub mrr_20: f64,
    /// Mean average precision at 20.
    pub map_20: f64,
}

impl Means {
    /// The means of `cases`, summed in their order.
    pub fn of(cases: &[RankMetrics]) -> Self {
        let count = cases.len().max(1) as f64;
        let mean = |f: fn(&RankMetrics) -> f64| cases.iter().map(f).sum::<f64>() / count;
        Means {
            cases: cases.len(),
            recall_20: mean(|m| m.recall),
            ndcg_20: mean(|m| m.ndcg),
            hit_20: mean(|m| m.hit),
            mrr_20: mean(|m| m.mrr),
            map_20: mean(|m| m.map),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn metrics_equal_the_values_worked_out_by_hand() {
        // Recommended A B C, true B and D: one of two found, at rank 2.
        let w = 1.0 / 3f64.log2();
        let m = rank_metrics(["A", "B", "C"], &BTreeSet::from(["B", "D"]), 20);
        assert!(near(m.recall, 0.5) && near(m.ndcg, w / (1.0 + w)) && m.hit == 1.0 && near(m.mrr, 0.5), "{m:?}");
        // The hit at rank 2 has precision 1/2; two could have been found.
        assert!(near(m.map, 0.25), "{m:?}");
        // Hits at ranks 1 and 3 of two true: (1/1 + 2/3) / 2.
        assert!(near(rank_metrics(["B", "A", "D"], &BTreeSet::from(["B", "D"]), 20).map, 5.0 / 6.0));
        // A repeat takes no place.
        assert_eq!(rank_metrics(["A", "A", "B"], &BTreeSet::from(["B"]), 2).recall, 1.0);
        assert_eq!(rank_metrics([], &BTreeSet::from(["B"]), 20), RankMetrics::default());
        // 25 true, all 20 recommended are true: recall 0.8, ndcg 1.
        let ids: Vec<String> = (0..25).map(|i| i.to_string()).collect();
        let m = rank_metrics(ids[..20].iter().map(String::as_str), &ids.iter().map(String::as_str).collect(), 20);
        assert!(near(m.recall, 0.8) && near(m.ndcg, 1.0) && near(m.map, 1.0));
    }
}
