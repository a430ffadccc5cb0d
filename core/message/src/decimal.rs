//! Decimals at the edges, integers inside: money in micro-units, quantities in milli-units, rounded half to even.

use crate::error::{Error, ErrorCode, Result};
use crate::limits::DECIMAL_ABS_MAX;

/// Micro-units in a unit of money.
pub const MICRO: i64 = 1_000_000;
/// Milli-units in a unit of quantity.
pub const MILLI: i64 = 1_000;

/// A decimal in micro-units, rounded half to even. Exact round trip with [`micro_to_f64`] for at most six decimals.
///
/// # Errors
/// `out_of_range` when the value is not finite or larger than 1,000,000,000 either way.
pub fn micro_from_f64(value: f64) -> Result<i64> {
    scaled(value, MICRO as f64)
}

/// A decimal in milli-units, rounded half to even.
///
/// # Errors
/// As [`micro_from_f64`].
pub fn milli_from_f64(value: f64) -> Result<i64> {
    scaled(value, MILLI as f64)
}

/// The decimal of micro-units.
pub fn micro_to_f64(micro: i64) -> f64 {
    micro as f64 / MICRO as f64
}

/// The decimal of milli-units.
pub fn milli_to_f64(milli: i64) -> f64 {
    milli as f64 / MILLI as f64
}

fn scaled(value: f64, scale: f64) -> Result<i64> {
    if value.is_nan() || libm::fabs(value) > DECIMAL_ABS_MAX {
        return Err(Error::new(ErrorCode::OutOfRange, "a number is finite and within 1,000,000,000 of zero"));
    }
    Ok(libm::rint(value * scale) as i64)
}
