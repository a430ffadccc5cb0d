//! Forests: trees in flat vectors, their scores, and which feature moved a score how far.

use super::Binned;
use linfa::traits::{Predict, PredictInplace};
use ndarray::Array1;

/// Scores of leaves and nodes are multiples of 2^-32 within ±256, so that the sum over up to 4,096 trees, in any order,
/// is exact in an f64 (2^20 in steps of 2^-32 are 52 bits).
const GRAIN: f64 = (1u64 << 32) as f64;
const LEAF_MAX: f64 = 256.0;
/// Rows that go through all trees together, few enough for their bins to stay in the cache.
const BLOCK: usize = 1_024;

/// The nearest multiple of 2^-32 within ±256.
pub(crate) fn on_grain(value: f64) -> f64 {
    (value.clamp(-LEAF_MAX, LEAF_MAX) * GRAIN).round() / GRAIN
}

/// One tree. Inner nodes are numbered from 0, the root; a tree without nodes is its only leaf.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tree {
    /// (nodes) The column that a node looks at.
    pub feature: Vec<u16>,
    /// (nodes) A row goes left when its bin is at most this.
    pub bin: Vec<u8>,
    /// (nodes) The node on the left, or the leaf `n` as `!n`, which is negative.
    pub left: Vec<i32>,
    /// (nodes) The same on the right.
    pub right: Vec<i32>,
    /// (nodes) The mean score of the leaves below, weighed by their cover; a multiple of 2^-32.
    pub value: Vec<f64>,
    /// (nodes) Rows of the fit that came by.
    pub cover: Vec<u32>,
    /// (leaves) The score, a multiple of 2^-32.
    pub leaves: Vec<f64>,
    /// (leaves) Rows of the fit that ended there.
    pub leaf_cover: Vec<u32>,
}

impl Tree {
    /// The leaf in which a row ends; `bin_of(feature)` is the row's bin.
    pub fn leaf(&self, bin_of: impl Fn(usize) -> u8) -> usize {
        let mut at = if self.feature.is_empty() { !0 } else { 0 };
        while at >= 0 {
            at = self.next(at as usize, &bin_of);
        }
        !at as usize
    }

    fn next(&self, node: usize, bin_of: impl Fn(usize) -> u8) -> i32 {
        let goes_left = bin_of(usize::from(self.feature[node])) <= self.bin[node];
        if goes_left { self.left[node] } else { self.right[node] }
    }

    /// The score at the end of a link: of the node, or of the leaf.
    pub fn value_at(&self, link: i32) -> f64 {
        if link < 0 { self.leaves[!link as usize] } else { self.value[link as usize] }
    }

    fn cover_at(&self, link: i32) -> f64 {
        f64::from(if link < 0 { self.leaf_cover[!link as usize] } else { self.cover[link as usize] })
    }

    /// Sets the nodes' values from the leaves; a node's children come after it.
    pub(crate) fn set_values(&mut self) {
        self.value = vec![0.0; self.feature.len()];
        for node in (0..self.feature.len()).rev() {
            let weighed = |link: i32| self.value_at(link) * self.cover_at(link);
            let sum = weighed(self.left[node]) + weighed(self.right[node]);
            self.value[node] = on_grain(sum / f64::from(self.cover[node]).max(1.0));
        }
    }
}

/// A fitted forest: a row's score is `base` plus the score of the leaf in which it ends in every tree.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Forest {
    /// The score before the first tree.
    pub base: f64,
    /// In the order in which they were fitted.
    pub trees: Vec<Tree>,
}

/// A score taken apart: `base` plus all `parts` is the score, to the bit.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribution {
    /// The mean score: the forest's base plus the value of every root.
    pub base: f64,
    /// (features) How far the nodes that looked at a feature moved the score.
    pub parts: Vec<f64>,
}

impl Forest {
    /// The forest of the first `trees` trees: the same that a fit of so many gives.
    pub fn truncated(&self, trees: usize) -> Forest {
        Forest { base: self.base, trees: self.trees.iter().take(trees).cloned().collect() }
    }

    /// The score of a row; `bin_of(feature)` is its bin.
    pub fn score(&self, bin_of: impl Fn(usize) -> u8) -> f64 {
        self.trees.iter().fold(self.base, |sum, tree| sum + tree.leaves[tree.leaf(&bin_of)])
    }

    /// Which of `features` features moved a row's score how far: the sum, over the path in each tree, of the change in the
    /// node's value (Saabas, "Interpreting random forests", 2014).
    pub fn explain(&self, features: usize, bin_of: impl Fn(usize) -> u8) -> Attribution {
        let mut told = Attribution { base: self.base, parts: vec![0.0; features] };
        for tree in &self.trees {
            let mut at = if tree.feature.is_empty() { !0 } else { 0 };
            told.base += tree.value_at(at);
            while at >= 0 {
                let next = tree.next(at as usize, &bin_of);
                told.parts[usize::from(tree.feature[at as usize])] += tree.value_at(next) - tree.value_at(at);
                at = next;
            }
        }
        told
    }
}

impl PredictInplace<Binned, Array1<f64>> for Forest {
    /// Writes the (rows) scores; rows beyond the end of `y` are left out.
    fn predict_inplace<'a>(&'a self, x: &'a Binned, y: &mut Array1<f64>) {
        y.fill(self.base);
        let rows = x.rows().min(y.len());
        for first in (0..rows).step_by(BLOCK) {
            for tree in &self.trees {
                for row in first..(first + BLOCK).min(rows) {
                    y[row] += tree.leaves[tree.leaf(|feature| x.columns()[feature][row])];
                }
            }
        }
    }

    fn default_target(&self, x: &Binned) -> Array1<f64> {
        Array1::zeros(x.rows())
    }
}

impl Predict<&Binned, Array1<f64>> for Forest {
    fn predict(&self, x: &Binned) -> Array1<f64> {
        let mut scores = self.default_target(x);
        self.predict_inplace(x, &mut scores);
        scores
    }
}
