//! A seeded hash over ids: what is sampled never depends on the order of rows or on the number of threads.

/// 64 bits of `parts` under `seed`: FNV-1a with a separator, then the finaliser of splitmix64.
pub(crate) fn hash(seed: u64, parts: &[&str]) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325 ^ mix(seed);
    for part in parts {
        for byte in part.bytes().chain([0xff]) {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    mix(state)
}

fn mix(value: u64) -> u64 {
    let mut x = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Whether a hash falls into the first `share` (0 to 1) of its range.
pub(crate) fn falls_into(hash: u64, share: f64) -> bool {
    // 2^53 steps are exact in an f64.
    ((hash >> 11) as f64) < share * (1u64 << 53) as f64
}
