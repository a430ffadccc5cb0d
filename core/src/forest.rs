//! The forest: boosted trees over binned features. A score is the base plus one leaf of each tree, summed in integers.

use crate::features::{FEATURES, Feature};
use crate::model::{I32s, Nodes, U16s};
use alloc::vec::Vec;
use unisono_message::{Explanation, Part};

/// A link with this bit points at a leaf, else at a node.
pub const LEAF: u16 = 1 << 15;

/// How one feature is cut into bins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bins {
    /// The feature.
    pub feature: Feature,
    /// Rising, at most 254; bin `b` holds the values from `edges[b - 1]` to below `edges[b]`.
    pub edges: Vec<i64>,
}

/// Trees, read in place: arrays over all nodes, in which the nodes of a tree follow its root.
#[derive(Clone, Debug, Default)]
pub struct Forest<'a> {
    /// What every score starts from, in 2^-scale_bits.
    pub base: i64,
    /// The features that nodes look at.
    pub bins: Vec<Bins>,
    /// Link to the root of each tree.
    pub roots: U16s<'a>,
    /// (nodes) What is asked, and where the answers lead: beyond the node itself, so that every walk ends.
    pub nodes: Nodes<'a>,
    /// (nodes) Mean of the leaves below, in 2^-scale_bits.
    pub values: I32s<'a>,
    /// (leaves) In 2^-scale_bits.
    pub leaves: I32s<'a>,
}

/// The bins of a candidate, by the place of the feature; as long as places can be, so that none lies outside.
type Cut = [u8; 256];

impl Forest<'_> {
    /// Whether there is no tree.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// The score of a candidate's features, in 2^-scale_bits.
    pub fn score(&self, values: &[i64; FEATURES]) -> i64 {
        let cut = self.cut(values);
        self.roots.iter().fold(self.base, |sum, mut link| {
            while link & LEAF == 0 {
                link = self.step(&cut, link).1;
            }
            sum + self.value(link)
        })
    }

    /// The same sum, part by part: over the path in each tree, what each node's feature moved (Saabas, "Interpreting random
    /// forests", 2014); the base holds the mean of every tree. Parts of 0 are left out.
    pub fn explain(&self, values: &[i64; FEATURES]) -> Explanation<'static> {
        let (base, points) = self.paths(values);
        let part = |(bins, points): (&Bins, &i64)| Part {
            feature: bins.feature.as_str(),
            value: bins.feature.of(values),
            points: *points,
        };
        Explanation { base, parts: self.bins.iter().zip(&points).filter(|(_, p)| **p != 0).map(part).collect() }
    }

    /// What some features add along the paths, of the points that [`Forest::paths`] gives.
    pub(crate) fn gain(&self, points: &[i64; FEATURES], counts: impl Fn(Feature) -> bool) -> i64 {
        self.bins.iter().zip(points).filter(|(bins, _)| counts(bins.feature)).map(|(_, points)| points).sum()
    }

    /// The base and the points of each of `bins`.
    pub(crate) fn paths(&self, values: &[i64; FEATURES]) -> (i64, [i64; FEATURES]) {
        let cut = self.cut(values);
        let mut base = self.base;
        let mut points = [0i64; FEATURES];
        for root in self.roots.iter() {
            base += self.value(root);
            let mut link = root;
            while link & LEAF == 0 {
                let (feature, next) = self.step(&cut, link);
                if let Some(points) = points.get_mut(usize::from(feature)) {
                    *points += self.value(next) - self.value(link);
                }
                link = next;
            }
        }
        (base, points)
    }

    fn cut(&self, values: &[i64; FEATURES]) -> Cut {
        let mut cut = [0u8; 256];
        for (bin, bins) in cut.iter_mut().zip(&self.bins) {
            let value = bins.feature.of(values);
            *bin = bins.edges.partition_point(|edge| *edge <= value) as u8;
        }
        cut
    }

    /// The feature that a node asks for, and the link that the answer leads to.
    #[inline]
    fn step(&self, cut: &Cut, link: u16) -> (u8, u16) {
        // Links were checked when the file was loaded; one that is not there ends the walk.
        let Some(node) = self.nodes.get(link.into()) else { return (0, LEAF) };
        let bin = cut.get(usize::from(node.feature)).copied().unwrap_or(0);
        (node.feature, if bin <= node.threshold { node.left } else { node.right })
    }

    #[inline]
    fn value(&self, link: u16) -> i64 {
        let of = if link & LEAF == 0 { &self.values } else { &self.leaves };
        of.get((link & !LEAF) as usize).unwrap_or(0).into()
    }
}
