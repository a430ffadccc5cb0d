//! Comparison of bytes, eight at a time.
#![allow(unsafe_code)]

use core::cmp::Ordering;

/// As in C: negative, zero or positive as the `n` bytes from `a` are less than, equal to or greater than those from `b`.
///
/// The one that this target links by default goes byte by byte, and a tenth of a call's time was spent in it: ids are
/// compared wherever something is sorted or looked up. The compiler calls it by this name, so that no code has to know;
/// natively, where only tests call it, the name stays the crate's own.
///
/// # Safety
/// `a` and `b` must be readable for `n` bytes.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    // SAFETY: every caller below keeps `at + 8 <= n`, or `at + 4 <= n`, or `at < n`.
    let eight = |p: *const u8, at: usize| u64::from_be(unsafe { p.add(at).cast::<u64>().read_unaligned() });
    let four = |p: *const u8, at: usize| u32::from_be(unsafe { p.add(at).cast::<u32>().read_unaligned() });
    let one = |p: *const u8, at: usize| unsafe { *p.add(at) };
    let order = if n >= 8 {
        let mut at = 0;
        while at + 8 < n && eight(a, at) == eight(b, at) {
            at += 8;
        }
        // The last step may read bytes that were compared already: those are equal.
        let at = at.min(n - 8);
        eight(a, at).cmp(&eight(b, at))
    } else if n >= 4 {
        four(a, 0).cmp(&four(b, 0)).then(four(a, n - 4).cmp(&four(b, n - 4)))
    } else {
        let mut at = 0;
        while at + 1 < n && one(a, at) == one(b, at) {
            at += 1;
        }
        if n == 0 { Ordering::Equal } else { one(a, at).cmp(&one(b, at)) }
    };
    order as i32
}

#[cfg(test)]
mod tests {
    use super::memcmp;

    fn compared(a: &[u8], b: &[u8]) -> i32 {
        assert_eq!(a.len(), b.len());
        // SAFETY: both are readable for the length that they share.
        unsafe { memcmp(a.as_ptr(), b.as_ptr(), a.len()) }
    }

    #[test]
    fn bytes_compare_as_slices_do_at_every_length_place_and_alignment() {
        for length in 0..40usize {
            for (left, right) in (0..9).flat_map(|left| (0..9).map(move |right| (left, right))) {
                let mut a = vec![7u8; left + length];
                let mut b = vec![7u8; right + length];
                assert_eq!(compared(&a[left..], &b[right..]), 0);
                for at in 0..length {
                    for (one, other) in [(0, 255), (127, 128), (6, 7)] {
                        (a[left + at], b[right + at]) = (one, other);
                        // A later difference the other way round must not matter.
                        let last = length - 1;
                        if at < last {
                            (a[left + last], b[right + last]) = (9, 8);
                        }
                        assert_eq!(compared(&a[left..], &b[right..]), -1, "{length} {left} {right} {at}");
                        assert_eq!(compared(&b[right..], &a[left..]), 1, "{length} {left} {right} {at}");
                        (a[left + last], b[right + last]) = (7, 7);
                    }
                    (a[left + at], b[right + at]) = (7, 7);
                }
            }
        }
    }
}
