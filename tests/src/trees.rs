//! Trees as a person writes them, and the arrays that a model file holds.

use unisono_core::forest::{Bins, LEAF};
use unisono_core::model::ForestParts;

/// A tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// Points.
    Leaf(i32),
    /// A question.
    Node {
        /// Place of the feature among the forest's bins.
        feature: u8,
        /// Bins up to this one go left.
        at_most: u8,
        /// Mean of what lies below.
        value: i32,
        /// Where these go.
        left: Box<Tree>,
        /// Where the others go.
        right: Box<Tree>,
    },
}

/// The arrays of a forest.
pub fn forest(base: i64, bins: Vec<Bins>, trees: &[Tree]) -> ForestParts {
    let mut parts = ForestParts { base, bins, ..ForestParts::default() };
    for tree in trees {
        let root = add(&mut parts, tree);
        parts.roots.push(root);
    }
    parts
}

/// Adds a tree, its root first, and gives the link to it.
fn add(parts: &mut ForestParts, tree: &Tree) -> u16 {
    match tree {
        Tree::Leaf(points) => {
            parts.leaves.push(*points);
            LEAF | (parts.leaves.len() - 1) as u16
        }
        Tree::Node { feature, at_most, value, left, right } => {
            let at = parts.features.len();
            parts.features.push(*feature);
            parts.thresholds.push(*at_most);
            parts.values.push(*value);
            parts.left.push(0);
            parts.right.push(0);
            (parts.left[at], parts.right[at]) = (add(parts, left), add(parts, right));
            at as u16
        }
    }
}
