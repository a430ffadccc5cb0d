//! The forest: boosted trees over binned features. A score is the base plus one leaf of each tree, summed in integers.

use crate::bins::{Cut, LastBins};
use crate::features::{FEATURES, Feature};
use crate::model::{I32s, Nodes, U16s};
use alloc::vec::Vec;
use unisono_message::{Explanation, Part};

/// A link with this bit points at a leaf, else at a node.
pub const LEAF: u16 = 1 << 15;

/// Walks at a time.
const TOGETHER: usize = 4;

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

impl Forest<'_> {
    /// Whether there is no tree.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// The scores of candidates' features, in 2^-scale_bits.
    pub(crate) fn scores(&self, mut all: impl Iterator<Item = [i64; FEATURES]>) -> Vec<i64> {
        let mut last = LastBins::new();
        let (mut scores, mut cuts) = (Vec::new(), [[0; 256]; TOGETHER]);
        loop {
            let mut filled = 0usize;
            for (cut, values) in cuts.iter_mut().zip(&mut all) {
                *cut = *self.cut(&values, &mut last);
                filled += 1;
            }
            if filled == 0 {
                return scores;
            }
            scores.extend(self.walks(&cuts).iter().take(filled));
        }
    }

    /// Four walks through each tree at a time: a step waits for the one before it, those of other walks need not. A walk that
    /// has come to its leaf stays there.
    fn walks(&self, cuts: &[Cut; TOGETHER]) -> [i64; TOGETHER] {
        let mut sums = [self.base; TOGETHER];
        for root in self.roots.iter() {
            let [mut a, mut b, mut c, mut d] = [root; TOGETHER];
            while a & b & c & d & LEAF == 0 {
                a = self.step(&cuts[0], a).1;
                b = self.step(&cuts[1], b).1;
                c = self.step(&cuts[2], c).1;
                d = self.step(&cuts[3], d).1;
            }
            for (sum, link) in sums.iter_mut().zip([a, b, c, d]) {
                *sum += i64::from(self.leaves.get((link & !LEAF) as usize).unwrap_or(0));
            }
        }
        sums
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
        let mut last = LastBins::new();
        let cut = self.cut(values, &mut last);
        let mut base = self.base;
        let mut points = [0i64; FEATURES];
        for mut link in self.roots.iter() {
            let mut value = self.value(link);
            base += value;
            while link & LEAF == 0 {
                let (feature, next) = self.step(cut, link);
                let after = self.value(next);
                if let Some(points) = points.get_mut(usize::from(feature)) {
                    *points += after - value;
                }
                (link, value) = (next, after);
            }
        }
        (base, points)
    }

    fn cut<'l>(&self, values: &[i64; FEATURES], last: &'l mut LastBins) -> &'l Cut {
        last.of(self.bins.iter().map(|bins| (bins.feature, &bins.edges[..])), values)
    }

    /// The feature that a node asks for, and the link that the answer leads to. From a leaf it leads nowhere else.
    #[inline]
    fn step(&self, cut: &Cut, link: u16) -> (u8, u16) {
        // Read in any case and then chosen from, because no one can guess where a walk ends.
        let Some(node) = self.nodes.get((link & !LEAF).into()) else { return (0, link | LEAF) };
        let bin = cut.get(usize::from(node.feature)).copied().unwrap_or(0);
        let next = if bin <= node.threshold { node.left } else { node.right };
        (node.feature, if link & LEAF == 0 { next } else { link })
    }

    #[inline]
    fn value(&self, link: u16) -> i64 {
        let of = if link & LEAF == 0 { &self.values } else { &self.leaves };
        of.get((link & !LEAF) as usize).unwrap_or(0).into()
    }
}
