//! Messages from a template. The standard formatter would be a twentieth of the module for the sake of its errors.

use alloc::string::String;

/// What stands for a `{}` of a template.
#[derive(Clone, Copy, Debug)]
pub enum Piece<'a> {
    /// Text.
    Text(&'a str),
    /// A whole number.
    Number(i64),
}

impl<'a> From<&'a str> for Piece<'a> {
    fn from(text: &'a str) -> Self {
        Piece::Text(text)
    }
}

macro_rules! whole_numbers {
    ($($number:ty),+) => {
        $(impl From<$number> for Piece<'_> {
            fn from(number: $number) -> Self {
                // Every length and limit fits; what does not is shown as the largest number.
                Piece::Number(i64::try_from(number).unwrap_or(i64::MAX))
            }
        })+
    };
}

whole_numbers!(i64, i32, u32, usize);

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

/// Fills the `{}` of a template in order; see [`text!`](crate::text!).
#[cold]
#[inline(never)]
pub fn fill(template: &str, pieces: &[Piece<'_>]) -> String {
    let mut out = String::new();
    let mut pieces = pieces.iter();
    for letter in template.chars() {
        // `{}` is known by its first half; the second says nothing more.
        match letter {
            '{' => match pieces.next() {
                Some(Piece::Text(text)) => out.push_str(text),
                Some(Piece::Number(number)) => put_digits(*number, &mut out),
                None => {}
            },
            '}' => {}
            letter => out.push(letter),
        }
    }
    out
}

/// A message from a template with texts and whole numbers: ``text!("`{}` bytes", length)``.
#[macro_export]
macro_rules! text {
    ($template:literal $(, $piece:expr)+ $(,)?) => { $crate::fill($template, &[$($crate::Piece::from($piece)),+]) };
}
