//! Messages from pieces. The standard formatter would be a twentieth of the module for the sake of its errors.

use alloc::string::String;

/// A piece of a message: text, or a whole number.
pub trait Piece {
    /// Appends the piece.
    fn put(&self, out: &mut String);
}

impl Piece for &str {
    fn put(&self, out: &mut String) {
        out.push_str(self);
    }
}

macro_rules! whole_numbers {
    ($($number:ty),+) => {
        $(impl Piece for $number {
            fn put(&self, out: &mut String) {
                // Every length and limit fits; what does not is shown as the largest number.
                put_digits(i64::try_from(*self).unwrap_or(i64::MAX), out);
            }
        })+
    };
}

whole_numbers!(i64, i32, u32, usize);

#[inline(never)]
fn put_digits(number: i64, out: &mut String) {
    if number < 0 {
        out.push('-');
    }
    let mut digits = [0u8; 20];
    let mut rest = number.unsigned_abs();
    let mut used = 0usize;
    for digit in &mut digits {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    for digit in digits.iter().take(used).rev() {
        out.push(char::from(*digit));
    }
}

/// Joins pieces; see [`text!`](crate::text!).
#[cold]
#[inline(never)]
pub fn join(pieces: &[&dyn Piece]) -> String {
    let mut out = String::new();
    for piece in pieces {
        piece.put(&mut out);
    }
    out
}

/// A message from texts and whole numbers, in order: ``text!("`", length, "` bytes")``.
#[macro_export]
macro_rules! text {
    ($($piece:expr),+ $(,)?) => { $crate::join(&[$(&$piece as &dyn $crate::Piece),+]) };
}
