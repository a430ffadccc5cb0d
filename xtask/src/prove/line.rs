//! The first line: one module file, small, from any checkout; one model file, from any form of the same tables; tests
//! that notice when a law is broken.

use super::Proof::Tree;
use super::{Step, accuracy, figures, fuzz, identities};
use crate::{mutants, size};

/// In the order in which they run: the quick ones first.
pub(super) const STEPS: &[Step] = &[
    Step {
        name: "module",
        claim: "The module built twice, in two paths, from clean directories, is the same file",
        run: Tree(identities::module),
    },
    Step { name: "size", claim: "Module and package are within their budget", run: Tree(size::report) },
    Step {
        name: "fit",
        claim: "Complete Journey fitted twice, with 1 and 2 threads, and from shuffled CSV, gives the same file",
        run: Tree(identities::fit),
    },
    Step { name: "model", claim: "Complete Journey's model has at most 6 MB", run: Tree(accuracy::model_size) },
    Step {
        name: "accuracy",
        claim: "Unisono's recall@20 on the next baskets of Complete Journey is at least that of `evaluate`'s personal baseline",
        run: Tree(accuracy::baskets),
    },
    Step {
        name: "runtimes",
        claim: "20,000 generated cases and all case files have the same response bytes in native, wasmtime, Node and \
                Chromium",
        run: Tree(figures::runtimes),
    },
    Step {
        name: "speed",
        claim: "The median household takes at most 2 ms in wasmtime; wasmtime at most 1.4 times native, Node at most 1.6 \
                times; a million items at most twice ten thousand",
        run: Tree(figures::speed),
    },
    Step { name: "instructions", claim: "The hot path is counted in instructions", run: Tree(figures::instructions) },
    Step {
        name: "memory",
        claim: "Loading copies no array, and a million calls on one instance leave its memory and its answer as they were",
        run: Tree(figures::memory),
    },
    Step {
        name: "support",
        claim: "Size and accuracy under each support floor are known",
        run: Tree(figures::support),
    },
    Step {
        name: "demo",
        claim: "From nothing to the page: all of Complete Journey is fitted, and every step of a customer's journey holds in \
                Chromium",
        run: Tree(figures::demo),
    },
    Step { name: "fuzz", claim: "A minute of each fuzz target finds nothing", run: Tree(fuzz::all_targets) },
    Step {
        name: "mutants",
        claim: "Each named mutant of the source is caught by the tests",
        run: Tree(mutants::report),
    },
];
