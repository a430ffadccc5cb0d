//! The forest: boosted trees over binned features. A score is the base plus one leaf of each tree, summed in integers.

use crate::bins::{bin_of, of_each};
use crate::features::{FEATURES, Feature};
use crate::model::{I32s, Node, Nodes, U16s};
use alloc::vec::Vec;
use unisono_message::list::Listed;
use unisono_message::{Explanation, Part};

/// A link with this bit points at a leaf, else at a node.
pub const LEAF: u16 = 1 << 15;

/// Candidates of one vector register.
const LANES: usize = 8;
/// Such vectors at a time: with four, the 60 candidates that a model ranks take two turns.
const VECTORS: usize = 4;

/// A number of each of eight candidates.
type Lanes = [u16; LANES];

/// How one feature is cut into bins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bins {
    /// The feature.
    pub feature: Feature,
    /// Rising, at most 254; bin `b` holds the values from `edges[b - 1]` to below `edges[b]`.
    pub edges: Vec<i64>,
}

/// Trees, read in place: arrays over all nodes. The nodes of a tree stand together, its root first, and lead to later ones of
/// the same tree or to leaves; trees stand in the order of their roots.
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
    pub(crate) fn scores(&self, all: &[[i64; FEATURES]]) -> Vec<i64> {
        let mut scores = Vec::with_capacity(all.len());
        for some in all.chunks(LANES * VECTORS) {
            let mut found = [[[0; LANES]; VECTORS]; FEATURES];
            for (found, bins) in found.iter_mut().zip(&self.bins) {
                let values = some.iter().map(|values| bins.feature.of(values));
                let of_each = of_each(&bins.edges, values, u16::from);
                found.as_flattened_mut().iter_mut().zip(of_each).for_each(|(to, bin)| *to = bin);
            }
            scores.extend(self.leaves_of(&found).as_flattened().iter().take(some.len()));
        }
        scores
    }

    /// The sums of the leaves that candidates come to. Every node is asked once for all of them: who stands at it goes on, who
    /// stands elsewhere stays. So nothing waits for where a candidate stands, as a walk from node to node does.
    fn leaves_of(&self, bins: &[[Lanes; VECTORS]; FEATURES]) -> [[i64; LANES]; VECTORS] {
        let mut sums = [[self.base; LANES]; VECTORS];
        self.each_tree(|root, nodes| {
            let [mut a, mut b, mut c, mut d] = [[root; LANES]; VECTORS];
            for (node, number) in nodes.iter().zip(root..) {
                let Some([of_a, of_b, of_c, of_d]) = bins.get(usize::from(node.feature)) else { continue };
                go_on(&mut a, number, &node, of_a);
                go_on(&mut b, number, &node, of_b);
                go_on(&mut c, number, &node, of_c);
                go_on(&mut d, number, &node, of_d);
            }
            for (sum, link) in sums.as_flattened_mut().iter_mut().zip([a, b, c, d].as_flattened()) {
                *sum += i64::from(self.leaves.get((link & !LEAF) as usize).unwrap_or(0));
            }
        });
        sums
    }

    /// Calls `visit` with the root and the nodes of every tree, from the last to the first: a tree's nodes end where those of
    /// the next begin.
    fn each_tree(&self, mut visit: impl FnMut(u16, Nodes<'_>)) {
        let mut end = self.nodes.len();
        for root in self.roots.iter().rev() {
            let start = if root & LEAF == 0 { root.into() } else { end };
            visit(root, self.nodes.slice(start, end));
            end = start;
        }
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
        Explanation { base, parts: self.bins.iter().zip(&points).filter(|(_, p)| **p != 0).map(part).listed() }
    }

    /// What some features add along the paths, of the points that [`Forest::paths`] gives.
    pub(crate) fn gain(&self, points: &[i64; FEATURES], counts: impl Fn(Feature) -> bool) -> i64 {
        self.bins.iter().zip(points).filter(|(bins, _)| counts(bins.feature)).map(|(_, points)| points).sum()
    }

    /// The base and the points of each of `bins`.
    pub(crate) fn paths(&self, values: &[i64; FEATURES]) -> (i64, [i64; FEATURES]) {
        let mut cut = [0; 256];
        for (bin, bins) in cut.iter_mut().zip(&self.bins) {
            *bin = bin_of(&bins.edges, bins.feature.of(values));
        }
        let mut base = self.base;
        let mut points = [0i64; FEATURES];
        for mut link in self.roots.iter() {
            let mut value = self.value(link);
            base += value;
            while link & LEAF == 0 {
                let (feature, next) = self.step(&cut, link);
                let after = self.value(next);
                if let Some(points) = points.get_mut(usize::from(feature)) {
                    *points += after - value;
                }
                (link, value) = (next, after);
            }
        }
        (base, points)
    }

    /// The feature that a node asks for, and the link that the answer leads to.
    #[inline]
    fn step(&self, cut: &[u8; 256], link: u16) -> (u8, u16) {
        let Some(node) = self.nodes.get(link.into()) else { return (0, link | LEAF) };
        let bin = cut.get(usize::from(node.feature)).copied().unwrap_or(0);
        (node.feature, if bin <= node.threshold { node.left } else { node.right })
    }

    #[inline]
    fn value(&self, link: u16) -> i64 {
        let of = if link & LEAF == 0 { &self.values } else { &self.leaves };
        of.get((link & !LEAF) as usize).unwrap_or(0).into()
    }
}

/// Sends those who stand at a node where the answer leads.
#[inline]
fn go_on(at: &mut Lanes, number: u16, node: &Node, bins: &Lanes) {
    for (at, bin) in at.iter_mut().zip(bins) {
        let next = if *bin <= u16::from(node.threshold) { node.left } else { node.right };
        *at = if *at == number { next } else { *at };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    /// The arrays of a forest, as a file holds them.
    #[derive(Clone, Debug, Default)]
    struct Arrays {
        roots: Vec<u16>,
        nodes: Vec<[u8; 6]>,
        leaves: Vec<i32>,
    }

    impl Arrays {
        /// A tree after those that are there: at each of its places a question, or a leaf where there is none.
        fn add(&mut self, questions: &[Option<(u8, u8)>], place: usize) -> u16 {
            let Some((feature, threshold)) = questions.get(place).copied().flatten() else {
                self.leaves.push(1 << (self.leaves.len() % 31));
                return LEAF | (self.leaves.len() - 1) as u16;
            };
            let at = self.nodes.len();
            self.nodes.push([0; 6]);
            let [left, right] = [1, 2].map(|side| self.add(questions, 2 * place + side).to_le_bytes());
            self.nodes[at] = [feature, threshold, left[0], left[1], right[0], right[1]];
            at as u16
        }
    }

    fn bytes<const N: usize>(numbers: impl Iterator<Item = [u8; N]>) -> Vec<u8> {
        numbers.flatten().collect()
    }

    #[test]
    fn the_last_link_that_there_can_be_leads_to_its_leaf() {
        let roots = bytes([u16::MAX, LEAF].iter().map(|root| root.to_le_bytes()));
        let leaves = bytes((0..1i32 << 15).map(|leaf| (leaf + 1).to_le_bytes()));
        let (roots, leaves) = (U16s::new(&roots).unwrap(), I32s::new(&leaves).unwrap());
        let forest = Forest { roots, leaves, ..Forest::default() };
        assert_eq!(forest.scores(&[[0; FEATURES]; 33]), [(1 << 15) + 1; 33]);
    }

    proptest! {
        #[test]
        fn a_score_is_the_sum_of_its_parts_whatever_else_is_scored(
            trees in prop::collection::vec(prop::collection::vec(prop::option::weighted(0.8, (0u8..3, 0u8..4)), 31), 0..6),
            rows in prop::collection::vec([-1i64..5, -1i64..5, -1i64..5], 0..80),
        ) {
            let mut arrays = Arrays::default();
            for questions in &trees {
                let root = arrays.add(questions, 0);
                arrays.roots.push(root);
            }
            let roots = bytes(arrays.roots.iter().map(|root| root.to_le_bytes()));
            let nodes = bytes(arrays.nodes.iter().copied());
            let values = bytes((0..arrays.nodes.len()).map(|at| (at as i32 * 77).to_le_bytes()));
            let leaves = bytes(arrays.leaves.iter().map(|leaf| leaf.to_le_bytes()));
            let forest = Forest {
                base: -5,
                bins: [3, 0, 20].map(|at| Bins { feature: Feature::ALL[at], edges: vec![0, 1, 3] }).to_vec(),
                roots: U16s::new(&roots).unwrap(),
                nodes: Nodes::new(&nodes).unwrap(),
                values: I32s::new(&values).unwrap(),
                leaves: I32s::new(&leaves).unwrap(),
            };
            let rows: Vec<[i64; FEATURES]> = rows.iter().map(|[a, b, c]| {
                let mut row = [0; FEATURES];
                (row[3], row[0], row[20]) = (*a, *b, *c);
                row
            }).collect();
            let by_parts: Vec<i64> = rows.iter().map(|row| {
                let (base, points) = forest.paths(row);
                base + points.iter().sum::<i64>()
            }).collect();
            prop_assert_eq!(forest.scores(&rows), by_parts);
        }
    }
}
