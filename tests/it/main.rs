//! The integration tests, one binary.
//!
//! | variable | what it does |
//! |---|---|
//! | `UNISONO_CASES` | generated cases; 2,000 where it is absent |
//! | `UNISONO_PROFILES` | random profiles and pairs of requests for each law of profiles; 1,000 where it is absent |
//! | `UNISONO_STEADY_CALLS` | calls on one instance; 20,000 where it is absent |
//! | `UNISONO_REQUIRE_RUNTIMES` | runtimes whose absence is a failure: `native,wasmtime,node,chromium` |
//! | `UNISONO_CHROMIUM` | the browser, where it is not on the search path |
//! | `UNISONO_BLESS=1` | writes expected answers, golden files and tables; to be run with `--test-threads 1` |

#[cfg(feature = "runtimes")]
mod abi;
#[cfg(feature = "runtimes")]
mod batch;
mod canonical;
mod codes;
mod conformance;
mod consent;
mod generated;
mod golden;
mod limits;
mod models;
mod profiles;
mod properties;
mod sessions;
#[cfg(feature = "runtimes")]
mod steady;
mod token;

/// Random profiles, or pairs of requests, for each law of profiles.
fn wanted_profiles() -> usize {
    std::env::var("UNISONO_PROFILES").map_or(1_000, |text| text.parse().expect("UNISONO_PROFILES is a number"))
}

/// Whether files of expected answers are to be rewritten.
fn blessing() -> bool {
    std::env::var_os("UNISONO_BLESS").is_some_and(|value| value == "1")
}
