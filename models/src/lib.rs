//! Offline training for Unisono: tables in, an evaluated model file out.
//!
//! ```no_run
//! use unisono_models::config::FitParams;
//! use unisono_models::counts::Tables;
//! use unisono_models::fit::FitOptions;
//! use unisono_models::progress::Progress;
//! use unisono_models::tables::{BadRowLimits, Offers, read_catalog, read_events};
//!
//! # fn main() -> unisono_models::Result<()> {
//! let limits = BadRowLimits::default();
//! let (log, _) = read_events("events.parquet".as_ref(), 1_514_764_800_000, limits)?;
//! let (catalog, _) = read_catalog("catalog.csv".as_ref(), limits)?;
//! let tables = Tables { log, catalog, offers: Offers::default() };
//! let options = FitOptions { threads: 2, as_of_ms: None, progress: &Progress::hidden() };
//! let fitted = FitParams::new().min_support(5).check()?.fit(&tables, &options)?;
//! std::fs::write("shop.unisono", &fitted.file).unwrap();
//! # Ok(())
//! # }
//! ```
//!
//! Features, candidates and the profile's fold are core's own functions, so training and serving cannot drift apart. The
//! same rows in any order, from Parquet, CSV or JSON lines, with the same settings and seed give the same file, byte for
//! byte, with any number of threads.
//!
//! This crate never serves a request over a network, never reads the host, keeps no state between runs, writes no time
//! stamp into a model, and puts nothing into it that is private (margin, cost) or rests on fewer distinct profiles than
//! the floor.

pub mod ablation;
pub mod blend;
pub mod boost;
pub mod commands;
pub mod config;
pub mod counts;
pub mod datasets;
mod error;
pub mod eval;
pub mod fit;
mod opened;
mod output;
mod parallel;
pub mod progress;
pub mod survey;
pub mod tables;
pub mod update;

pub use error::{Error, Result};
