//! Growing one tree, leaf by leaf: the split that gains most comes first.

use super::forest::{Tree, on_grain};
use super::histogram::{Rules, Split, Sums, best_split, better, fill};
use super::objective::{Quantised, Steps};
use super::share::{Layout, in_threads, pieces};
use super::{Binned, BoostValidParams, choice};
use std::ops::Range;

/// Kinds of random choice.
const CASE: u64 = 1;
const COLUMN: u64 = 2;
/// Bins to look up for which a further thread is worth its start.
const THREAD_WORK_MIN: usize = 50_000;

/// What stays from tree to tree.
pub(crate) struct Grower<'d> {
    params: &'d BoostValidParams,
    records: &'d Binned,
    /// Columns that can split: those of more than one bin.
    usable: Vec<u16>,
    /// Rows of the tree, those of each leaf side by side and rising.
    rows: Vec<u32>,
    aside: Vec<u32>,
    /// Derivatives of the smaller child's rows, in their order.
    steps: Vec<Steps>,
    /// Histograms to be used again.
    spare: Vec<Vec<Sums>>,
}

/// A leaf that may yet be split.
struct Leaf {
    /// Its place in the grower's rows.
    rows: Range<usize>,
    sums: Sums,
    /// Empty where the leaf can't be split.
    histogram: Vec<Sums>,
    best: Option<Split>,
    /// The node above and whether the leaf hangs on its left; none for the root.
    above: Option<(usize, bool)>,
}

impl<'d> Grower<'d> {
    pub(crate) fn new(params: &'d BoostValidParams, records: &'d Binned) -> Self {
        let usable = (0..records.bins().len() as u16).filter(|at| records.bins()[usize::from(*at)] > 1).collect();
        let (rows, aside, steps, spare) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Grower { params, records, usable, rows, aside, steps, spare }
    }

    /// Grows tree `number` on the derivatives and adds it to the scores of all rows.
    pub(crate) fn tree(&mut self, number: usize, quantised: &Quantised, scores: &mut [f64]) -> Tree {
        let rules = Rules::new(self.params, quantised);
        let layout = self.layout(number);
        let in_bag = self.draw_rows(number);
        let sums = Sums::of(self.rows.iter().map(|row| quantised.rows[*row as usize]));
        let mut tree = Tree::default();
        let mut leaves = vec![Leaf { rows: 0..in_bag, sums, histogram: Vec::new(), best: None, above: None }];
        self.open_root(&mut leaves[0], quantised, &rules, &layout);
        while leaves.len() < self.params.leaves_max {
            // Of equal gains the leaf that was made first.
            let gain = |at: &usize| leaves[*at].best.map_or(0.0, |best| best.gain);
            let at = (0..leaves.len()).rev().max_by(|a, b| gain(a).total_cmp(&gain(b)));
            let Some((at, split)) = at.and_then(|at| leaves[at].best.map(|best| (at, best))) else { break };
            self.split(&mut tree, &mut leaves, at, split);
            if leaves.len() < self.params.leaves_max {
                let right = leaves.pop();
                if let Some(mut right) = right {
                    self.open_children(&mut leaves[at], &mut right, quantised, &rules, &layout);
                    leaves.push(right);
                }
            }
        }
        let value = |leaf: &Leaf| on_grain(self.params.learning_rate * rules.newton(leaf.sums));
        tree.leaves = leaves.iter().map(value).collect();
        tree.leaf_cover = leaves.iter().map(|leaf| leaf.sums.rows as u32).collect();
        tree.set_values();
        self.add(&tree, &leaves, scores);
        self.spare.extend(leaves.into_iter().map(|leaf| leaf.histogram).filter(|histogram| !histogram.is_empty()));
        tree
    }

    /// The columns of a tree: the share of the usable ones whose hashes are lowest, at least one.
    fn layout(&self, number: usize) -> Layout {
        let mut columns = self.usable.clone();
        let hash = |column: &u16| choice(self.params.seed, COLUMN, number, usize::from(*column));
        columns.sort_by_key(|column| (hash(column), *column));
        let count = (columns.len() as f64 * self.params.columns_share).ceil() as usize;
        columns.truncate(count.max(1));
        columns.sort_unstable();
        let mut starts = vec![0];
        for column in &columns {
            starts.push(starts[starts.len() - 1] + self.records.bins()[usize::from(*column)]);
        }
        Layout { columns, starts }
    }

    /// Sets the rows to those of the cases whose hash falls into the share; -> how many.
    fn draw_rows(&mut self, number: usize) -> usize {
        self.rows.clear();
        // 2^53 steps are exact in an f64.
        let below = self.params.cases_share * (1u64 << 53) as f64;
        for case in 0..self.records.cases() {
            if self.params.cases_share >= 1.0 || ((choice(self.params.seed, CASE, number, case) >> 11) as f64) < below {
                self.rows.extend(self.records.case(case).map(|row| row as u32));
            }
        }
        self.rows.len()
    }

    /// Parts a leaf's rows and hangs both leaves under a new node: the left one in its place, the right one at the end.
    fn split(&mut self, tree: &mut Tree, leaves: &mut Vec<Leaf>, at: usize, split: Split) {
        let (node, new) = (tree.feature.len(), leaves.len());
        let leaf = &mut leaves[at];
        match leaf.above {
            Some((above, true)) => tree.left[above] = node as i32,
            Some((above, false)) => tree.right[above] = node as i32,
            None => {}
        }
        tree.feature.push(split.column);
        tree.bin.push(split.bin);
        tree.left.push(!(at as i32));
        tree.right.push(!(new as i32));
        tree.cover.push(leaf.sums.rows as u32);
        let column = &self.records.columns()[usize::from(split.column)];
        let middle = leaf.rows.start + part(&mut self.rows[leaf.rows.clone()], &mut self.aside, column, split.bin);
        let right = Leaf {
            rows: middle..leaf.rows.end,
            sums: leaf.sums.minus(split.left),
            histogram: Vec::new(),
            best: None,
            above: Some((node, false)),
        };
        leaf.rows.end = middle;
        leaf.sums = split.left;
        leaf.best = None;
        leaf.above = Some((node, true));
        leaves.push(right);
    }

    fn open_root(&mut self, root: &mut Leaf, quantised: &Quantised, rules: &Rules, layout: &Layout) {
        if !rules.may_split(root.sums) {
            return;
        }
        let mut nothing = Leaf { rows: 0..0, sums: Sums::default(), histogram: Vec::new(), best: None, above: None };
        self.open(root, &mut nothing, quantised, rules, layout);
    }

    /// Finds the best splits of two new leaves; the left one still has the histogram of both.
    fn open_children(
        &mut self,
        left: &mut Leaf,
        right: &mut Leaf,
        quantised: &Quantised,
        rules: &Rules,
        layout: &Layout,
    ) {
        let (small, large) = if left.rows.len() <= right.rows.len() {
            right.histogram = std::mem::take(&mut left.histogram);
            (left, right)
        } else {
            (right, left)
        };
        if rules.may_split(large.sums) {
            self.open(small, large, quantised, rules, layout);
        } else {
            self.spare.push(std::mem::take(&mut large.histogram));
        }
    }

    /// Sums the small leaf's rows by bin, takes them off the large one's histogram, which was that of both, and finds the
    /// best split of each. Threads share the work by columns.
    fn open(&mut self, small: &mut Leaf, large: &mut Leaf, quantised: &Quantised, rules: &Rules, layout: &Layout) {
        let rows = &self.rows[small.rows.clone()];
        self.steps.clear();
        self.steps.extend(rows.iter().map(|row| quantised.rows[*row as usize]));
        let steps = &self.steps;
        small.histogram = self.spare.pop().unwrap_or_default();
        small.histogram.resize(layout.starts[layout.columns.len()], Sums::default());
        let work = rows.len() * layout.columns.len();
        let threads = self.params.threads.min(work / THREAD_WORK_MIN + 1).min(layout.columns.len()).max(1);
        let (records, sums) = (self.records, (small.sums, large.sums));
        let search = |columns: Range<usize>, own: &mut [Sums], others: &mut [Sums]| {
            let (mut best, mut best_other, start) = (None, None, layout.starts[columns.start]);
            for at in columns {
                let bins = layout.starts[at] - start..layout.starts[at + 1] - start;
                let column = layout.columns[at];
                let own = &mut own[bins.clone()];
                fill(&records.columns()[usize::from(column)], rows, steps, own);
                best = better(best, best_split(own, sums.0, column, rules));
                if let Some(others) = others.get_mut(bins) {
                    others.iter_mut().zip(&*own).for_each(|(other, own)| *other = other.minus(*own));
                    best_other = better(best_other, best_split(others, sums.1, column, rules));
                }
            }
            (best, best_other)
        };
        let pieces = pieces(layout, threads, &mut small.histogram, &mut large.histogram);
        (small.best, large.best) = in_threads(pieces, &search);
    }

    /// Adds the tree to the scores: by the leaves' own rows, or row by row where not all were in the bag.
    fn add(&self, tree: &Tree, leaves: &[Leaf], scores: &mut [f64]) {
        if self.rows.len() < scores.len() {
            let columns = self.records.columns();
            for (row, score) in scores.iter_mut().enumerate() {
                *score += tree.leaves[tree.leaf(|feature| columns[feature][row])];
            }
            return;
        }
        for (leaf, value) in leaves.iter().zip(&tree.leaves) {
            self.rows[leaf.rows.clone()].iter().for_each(|row| scores[*row as usize] += value);
        }
    }
}

/// Moves the rows whose bin is at most `bin` to the front, both parts in their order; -> how many there are.
fn part(rows: &mut [u32], aside: &mut Vec<u32>, column: &[u8], bin: u8) -> usize {
    aside.resize(aside.len().max(rows.len()), 0);
    let (mut left, mut right) = (0, 0);
    for at in 0..rows.len() {
        // Both are written and one is kept: there is no branch to guess.
        let row = rows[at];
        let goes_left = usize::from(column[row as usize] <= bin);
        rows[left] = row;
        aside[right] = row;
        left += goes_left;
        right += 1 - goes_left;
    }
    rows[left..].copy_from_slice(&aside[..right]);
    left
}
