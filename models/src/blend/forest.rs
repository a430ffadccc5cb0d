//! The forest: boosted trees over the bins of each feature, fitted to the order within each case, as core reads them.

use super::aim::CASES_MIN;
use super::bins::{Bins, choose};
use super::rows::Rows;
use crate::boost::{Binned, BoostError, Booster, Forest};
use crate::config::LearnParams;
use crate::error::{Error, Result};
use linfa::DatasetBase;
use linfa::traits::Fit;
use ndarray::Array1;
use unisono_core::forest::LEAF;
use unisono_core::model::ForestParts;

/// Fits a forest on `rows`, the short ones of which count half; empty where the settings or the number of whole cases do not
/// allow one.
///
/// # Errors
/// `fit_failed` when the booster fails, or when the trees are more than a model file holds.
pub(crate) fn fit(rows: &Rows, cases: usize, params: &LearnParams, threads: usize) -> Result<ForestParts> {
    if params.trees == 0 || cases < CASES_MIN {
        return Ok(ForestParts::default());
    }
    let boundaries = boundaries(rows);
    let failed = |error: BoostError| Error::FitFailed { step: "forest", reason: error.to_string() };
    let bins = choose(rows, params.tree_bins);
    let column = |bins: &Bins| -> Vec<u8> {
        rows.values.iter().map(|values| bins.of(values[bins.feature as usize].into()) as u8).collect()
    };
    let records = Binned::new(bins.iter().map(column).collect(), boundaries).map_err(failed)?;
    let dataset =
        DatasetBase::new(records, Array1::from(rows.taken.clone())).with_weights(Array1::from(rows.weight.clone()));
    let forest = Booster::params()
        .trees(params.trees)
        .leaves_max(params.tree_leaves)
        .learning_rate(params.tree_rate)
        .seed(params.seed)
        .threads(threads)
        .fit(&dataset)
        .map_err(failed)?;
    parts(&forest, &bins, params.scale_bits)
}

/// The forest of the first `trees` trees, which is the one that a fit of so many gives.
pub(crate) fn truncated(forest: &ForestParts, trees: usize) -> ForestParts {
    let Some(link) = forest.roots.get(trees) else { return forest.clone() };
    // A tree has one leaf more than nodes, and its root is its first node or its only leaf.
    let (nodes, leaves) = match link & LEAF {
        0 => (usize::from(*link), usize::from(*link) + trees),
        _ => (usize::from(link & !LEAF) - trees, usize::from(link & !LEAF)),
    };
    let mut less = forest.clone();
    less.roots.truncate(trees);
    less.features.truncate(nodes);
    less.thresholds.truncate(nodes);
    less.left.truncate(nodes);
    less.right.truncate(nodes);
    less.values.truncate(nodes);
    less.leaves.truncate(leaves);
    less
}

/// The first row of every case, then the number of rows.
fn boundaries(rows: &Rows) -> Vec<usize> {
    let mut boundaries: Vec<usize> =
        (0..rows.len()).filter(|row| *row == 0 || rows.case[*row] != rows.case[row - 1]).collect();
    boundaries.push(rows.len());
    boundaries
}

/// The forest in the fixed point and the links of the model file.
fn parts(forest: &Forest, bins: &[Bins], scale_bits: u32) -> Result<ForestParts> {
    let scale = f64::from(1u32 << scale_bits);
    let fixed = |value: &f64| (value * scale).round() as i32;
    let mut parts = ForestParts { base: (forest.base * scale).round() as i64, ..ForestParts::default() };
    parts.bins = bins
        .iter()
        .map(|bins| unisono_core::forest::Bins { feature: bins.feature, edges: bins.edges.clone() })
        .collect();
    for tree in &forest.trees {
        let (nodes, leaves) = (parts.features.len(), parts.leaves.len());
        if nodes + tree.feature.len() > usize::from(LEAF) || leaves + tree.leaves.len() > usize::from(LEAF) {
            let reason = "more than 32,768 nodes; lower `learn.trees` or `learn.tree_leaves`".into();
            return Err(Error::FitFailed { step: "forest", reason });
        }
        let link =
            |link: &i32| if *link < 0 { LEAF | (leaves + !*link as usize) as u16 } else { nodes as u16 + *link as u16 };
        parts.roots.push(link(if tree.feature.is_empty() { &-1 } else { &0 }));
        parts.features.extend(tree.feature.iter().map(|feature| *feature as u8));
        parts.thresholds.extend(&tree.bin);
        parts.left.extend(tree.left.iter().map(link));
        parts.right.extend(tree.right.iter().map(link));
        parts.values.extend(tree.value.iter().map(fixed));
        parts.leaves.extend(tree.leaves.iter().map(fixed));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boost::Tree;

    #[test]
    fn a_truncated_forest_is_the_one_of_fewer_trees() {
        let leaf = |value: f64| Tree { leaves: vec![value], leaf_cover: vec![1], ..Tree::default() };
        let tree = |value: f64| Tree {
            feature: vec![0, 0],
            bin: vec![1, 2],
            left: vec![!0, !1],
            right: vec![1, !2],
            value: vec![value; 2],
            cover: vec![3, 2],
            leaves: vec![value, 2.0 * value, 3.0 * value],
            leaf_cover: vec![1; 3],
        };
        let all = Forest { base: 0.5, trees: vec![tree(1.0), leaf(2.0), tree(3.0), tree(4.0), leaf(5.0)] };
        let whole = parts(&all, &[], 8).unwrap();
        for count in 0..=6 {
            assert_eq!(truncated(&whole, count), parts(&all.truncated(count), &[], 8).unwrap(), "{count}");
        }
    }
}
