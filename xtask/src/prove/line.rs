//! The first line: one module file, small, from any checkout; one model file, from any form of the same tables; tests
//! that notice when a law is broken.

use super::{Step, figures, identities};
use crate::{mutants, size};

/// In the order in which they run: the quick ones first.
pub(super) const STEPS: &[Step] = &[
    Step {
        name: "module",
        claim: "The module built twice, in two paths, from clean directories, is the same file",
        run: identities::module,
    },
    Step { name: "size", claim: "Module and package are within their budget", run: size::report },
    Step {
        name: "fit",
        claim: "Complete Journey fitted twice, and with 1 and 2 threads, gives the same file",
        run: identities::fit,
    },
    Step {
        name: "runtimes",
        claim: "20,000 generated cases and all case files have the same response bytes in native, wasmtime, Node and \
                Chromium",
        run: figures::runtimes,
    },
    Step { name: "speed", claim: "Native, wasmtime and Node side by side, in one run", run: figures::speed },
    Step { name: "instructions", claim: "The hot path is counted in instructions", run: figures::instructions },
    Step {
        name: "memory",
        claim: "Loading copies no array, and a million calls on one instance leave its memory and its answer as they were",
        run: figures::memory,
    },
    Step { name: "support", claim: "Size and accuracy under each support floor are known", run: figures::support },
    Step { name: "mutants", claim: "Each named mutant of the source is caught by the tests", run: mutants::report },
];
