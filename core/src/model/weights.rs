//! Weights of neighbours in one byte each: four bits of exponent, four of mantissa, so five significant bits.

/// The greatest weight, that of code 255.
pub const WEIGHT_MAX: u32 = 31 << 14;

/// The weight of a code: `m` for exponent 0, else `(16 + m) 2^(exponent - 1)`; codes rise as their weights do.
#[inline]
pub const fn weight(code: u8) -> u32 {
    let (exponent, mantissa) = (code >> 4, (code & 15) as u32);
    match exponent {
        0 => mantissa,
        _ => (16 + mantissa) << (exponent - 1),
    }
}

/// The code whose weight lies nearest to `share` times [`WEIGHT_MAX`], of two the lower; never 0, so that an entry that was
/// counted stays one.
pub fn weight_code(share: f64) -> u8 {
    let wanted = share * f64::from(WEIGHT_MAX);
    let mut best = 1u8;
    for code in 1..=u8::MAX {
        let distance = |code: u8| libm::fabs(f64::from(weight(code)) - wanted);
        if distance(code) < distance(best) {
            best = code;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_rise_to_the_greatest_and_every_code_is_its_own_nearest() {
        let weights: alloc::vec::Vec<u32> = (0..=u8::MAX).map(weight).collect();
        assert!(weights.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!((weights[0], weights[15], weights[16], weights[32], weights[255]), (0, 15, 16, 32, WEIGHT_MAX));
        for code in 1..=u8::MAX {
            assert_eq!(weight_code(f64::from(weight(code)) / f64::from(WEIGHT_MAX)), code);
        }
        assert_eq!((weight_code(0.0), weight_code(1e-9), weight_code(1.0)), (1, 1, 255));
    }

    #[test]
    fn a_share_moves_by_a_thirty_second_at_most() {
        for step in 32..10_000 {
            let share = f64::from(step) / 10_000.0;
            let read = f64::from(weight(weight_code(share))) / f64::from(WEIGHT_MAX);
            assert!((read / share - 1.0).abs() <= 1.0 / 32.0, "{share} is read as {read}");
        }
    }
}
