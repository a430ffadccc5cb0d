//! MessagePack in: borrows strings and binary data, checks every length against what is left, never recurses.

use crate::error::{Error, ErrorCode, Result};
use crate::limits;
use crate::text;

/// The kind of the next value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// null
    Nil,
    /// true or false
    Bool,
    /// an integer of any width
    Int,
    /// a 32- or 64-bit float
    Float,
    /// UTF-8 text
    Str,
    /// binary data
    Bin,
    /// an array
    Array,
    /// a map
    Map,
    /// an extension type
    Ext,
    /// a byte that begins no value, or the end of the input
    Invalid,
}

impl Kind {
    /// How an error names the kind.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Nil => "null",
            Kind::Bool => "a boolean",
            Kind::Int => "an integer",
            Kind::Float => "a float",
            Kind::Str => "a string",
            Kind::Bin => "binary data",
            Kind::Array => "an array",
            Kind::Map => "a map",
            Kind::Ext => "an extension",
            Kind::Invalid => "nothing",
        }
    }
}

/// Reads MessagePack values one after another from borrowed bytes.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    unknown_fields: u32,
}

impl<'a> Reader<'a> {
    /// A reader over `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes, unknown_fields: 0 }
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Fields that were passed over because no one knows them.
    pub fn unknown_fields(&self) -> u32 {
        self.unknown_fields
    }

    pub(crate) fn count_unknown_fields(&mut self, count: u32) {
        self.unknown_fields = self.unknown_fields.saturating_add(count);
    }

    /// Fails when bytes are left.
    pub fn finish(&self) -> Result<()> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(Error::new(ErrorCode::TrailingBytes, text!("`", self.rest.len(), "` bytes follow the value")))
    }

    /// The kind of the next value, without reading it.
    pub fn kind(&self) -> Kind {
        match self.rest.first() {
            None | Some(0xc1) => Kind::Invalid,
            Some(0xc0) => Kind::Nil,
            Some(0xc2 | 0xc3) => Kind::Bool,
            Some(0x00..=0x7f | 0xe0..=0xff | 0xcc..=0xd3) => Kind::Int,
            Some(0xca | 0xcb) => Kind::Float,
            Some(0xa0..=0xbf | 0xd9..=0xdb) => Kind::Str,
            Some(0xc4..=0xc6) => Kind::Bin,
            Some(0x90..=0x9f | 0xdc | 0xdd) => Kind::Array,
            Some(0x80..=0x8f | 0xde | 0xdf) => Kind::Map,
            Some(_) => Kind::Ext,
        }
    }

    #[cold]
    fn wrong(&self, expected: &str) -> Error {
        match self.kind() {
            Kind::Invalid => ended(),
            kind => Error::new(ErrorCode::InvalidType, text!("expected ", expected, ", found ", kind.name())),
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        match self.rest.split_at_checked(length) {
            Some((head, rest)) => {
                self.rest = rest;
                Ok(head)
            }
            None => Err(ended()),
        }
    }

    #[inline]
    fn byte(&mut self) -> Result<u8> {
        match self.rest.split_first() {
            Some((first, rest)) => {
                self.rest = rest;
                Ok(*first)
            }
            None => Err(ended()),
        }
    }

    /// Reads `width` bytes as one big-endian number. Every length and number goes through here, so that the module
    /// holds this code once.
    #[inline(never)]
    fn number(&mut self, width: usize) -> Result<u64> {
        let bytes = self.take(width)?;
        Ok(bytes.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Reads a length whose width the tag tells: `base` is the tag of the 8-bit form, or of the 16-bit form less one.
    /// Smaller tags hold the length themselves, in the bits of `mask`.
    fn length(&mut self, base: u8, mask: u8) -> Result<usize> {
        let tag = self.byte()?;
        match tag.checked_sub(base) {
            Some(power @ 0..=2) => self.number(1 << power).map(|length| length as usize),
            _ => Ok((tag & mask) as usize),
        }
    }

    /// Reads null when it is next, and says whether it was.
    #[inline]
    pub fn nil(&mut self) -> bool {
        match self.rest.split_first() {
            Some((0xc0, rest)) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Reads a boolean.
    pub fn bool(&mut self) -> Result<bool> {
        if self.kind() != Kind::Bool {
            return Err(self.wrong("a boolean"));
        }
        Ok(self.byte()? == 0xc3)
    }

    /// Reads an integer. A float that is a whole number of at most 2^53 counts as one, so that `1.0` is `1`.
    #[inline(never)]
    pub fn int(&mut self) -> Result<i64> {
        match self.kind() {
            Kind::Int => self.any_int(),
            Kind::Float => {
                let value = self.any_float()?;
                if libm::trunc(value) == value && libm::fabs(value) <= 9_007_199_254_740_992.0 {
                    return Ok(value as i64);
                }
                Err(Error::new(ErrorCode::InvalidType, "expected an integer, found a float with a fraction"))
            }
            _ => Err(self.wrong("an integer")),
        }
    }

    /// Reads an integer within `min..=max`.
    #[inline(never)]
    pub fn int_within(&mut self, min: i64, max: i64) -> Result<i64> {
        let value = self.int()?;
        if (min..=max).contains(&value) {
            return Ok(value);
        }
        Err(Error::new(ErrorCode::OutOfRange, text!("`", value, "` is not within ", min, " to ", max)))
    }

    /// Reads a finite number, integer or float.
    pub fn f64(&mut self) -> Result<f64> {
        let value = match self.kind() {
            Kind::Float => self.any_float()?,
            Kind::Int => self.any_int()? as f64,
            _ => return Err(self.wrong("a number")),
        };
        if value.is_finite() {
            return Ok(value);
        }
        Err(Error::new(ErrorCode::OutOfRange, "the number is not finite"))
    }

    /// Reads a string.
    #[inline(never)]
    pub fn str(&mut self) -> Result<&'a str> {
        let bytes = self.str_bytes()?;
        core::str::from_utf8(bytes).map_err(|error| {
            Error::new(ErrorCode::InvalidUtf8, text!("not UTF-8 after ", error.valid_up_to(), " bytes"))
        })
    }

    /// Reads a string's bytes without checking that they are UTF-8: for keys, which are compared with known ones.
    pub(crate) fn str_bytes(&mut self) -> Result<&'a [u8]> {
        if self.kind() != Kind::Str {
            return Err(self.wrong("a string"));
        }
        let length = self.length(0xd9, 0x1f)?;
        self.take(length)
    }

    /// Reads an id: 1 to 128 bytes of UTF-8.
    #[inline(never)]
    pub fn id(&mut self) -> Result<&'a str> {
        let id = self.str()?;
        if id.is_empty() || id.len() > limits::ID_BYTES_MAX {
            return Err(Error::new(ErrorCode::InvalidId, text!("an id of ", id.len(), " bytes; ids have 1 to 128")));
        }
        Ok(id)
    }

    /// Reads a channel name: 1 to 32 lower-case letters, digits and underscores.
    pub fn channel(&mut self) -> Result<&'a str> {
        let name = self.str()?;
        let sound = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if sound && !name.is_empty() && name.len() <= limits::CHANNEL_BYTES_MAX {
            return Ok(name);
        }
        let message = "channel names are 1 to 32 lower-case letters, digits and underscores";
        Err(Error::new(ErrorCode::InvalidChannel, message))
    }

    /// Reads a text of at most `bytes_max` bytes.
    pub fn text(&mut self, bytes_max: usize) -> Result<&'a str> {
        let text = self.str()?;
        if text.len() > bytes_max {
            let message = text!("a text of ", text.len(), " bytes; at most ", bytes_max, " are allowed");
            return Err(Error::new(ErrorCode::LimitExceeded, message));
        }
        Ok(text)
    }

    /// Reads binary data.
    pub fn bin(&mut self) -> Result<&'a [u8]> {
        if self.kind() != Kind::Bin {
            return Err(self.wrong("binary data"));
        }
        let length = self.length(0xc4, 0)?;
        self.take(length)
    }

    /// Reads the head of an array and gives its length. Each value takes at least a byte, so that a length that the
    /// rest cannot hold is refused before anything is allocated for it.
    pub fn array(&mut self) -> Result<usize> {
        if self.kind() != Kind::Array {
            return Err(self.wrong("an array"));
        }
        let length = self.length(0xdb, 0x0f)?;
        if length > self.rest.len() { Err(ended()) } else { Ok(length) }
    }

    /// Reads the head of an array of at most `max` values; `limit` is how the error names the bound.
    pub fn array_up_to(&mut self, max: usize, limit: &str) -> Result<usize> {
        let length = self.array()?;
        if length <= max {
            return Ok(length);
        }
        Err(Error::new(ErrorCode::LimitExceeded, text!("`", length, "` values; ", limit, " is ", max)))
    }

    /// Reads the head of a map and gives the number of its pairs.
    pub fn map(&mut self) -> Result<usize> {
        if self.kind() != Kind::Map {
            return Err(self.wrong("a map"));
        }
        let length = self.length(0xdd, 0x0f)?;
        if length > limits::MAP_KEYS_MAX {
            let message = text!("a map of `", length, "` keys; map_keys_max is ", limits::MAP_KEYS_MAX);
            return Err(Error::new(ErrorCode::LimitExceeded, message));
        }
        if length > self.rest.len() { Err(ended()) } else { Ok(length) }
    }

    /// Passes over one value of any kind, nested ones included, and gives its bytes.
    pub fn skip(&mut self) -> Result<&'a [u8]> {
        let start = self.rest;
        // Values still to pass on each open level; a fixed stack in place of recursion.
        let mut open = [0usize; limits::DEPTH_MAX];
        let mut depth = 0usize;
        for _ in 0..limits::SKIP_VALUES_MAX {
            let children = self.skip_head()?;
            if children > 0 {
                let Some(level) = open.get_mut(depth) else {
                    let message = text!("nested deeper than depth_max (", limits::DEPTH_MAX, ")");
                    return Err(Error::new(ErrorCode::LimitExceeded, message));
                };
                *level = children;
                depth += 1;
            } else {
                while let Some(level) = depth.checked_sub(1).and_then(|top| open.get_mut(top)) {
                    *level -= 1;
                    if *level > 0 {
                        break;
                    }
                    depth -= 1;
                }
                if depth == 0 {
                    return start.get(..start.len() - self.rest.len()).ok_or_else(ended);
                }
            }
        }
        Err(Error::new(
            ErrorCode::LimitExceeded,
            text!("more than skip_values_max (", limits::SKIP_VALUES_MAX, ") values"),
        ))
    }

    /// Passes over a value's head and payload; gives the number of values nested in it.
    fn skip_head(&mut self) -> Result<usize> {
        match self.kind() {
            Kind::Nil | Kind::Bool => self.byte().map(|_| 0),
            Kind::Int => self.any_int().map(|_| 0),
            Kind::Float => self.any_float().map(|_| 0),
            Kind::Str => self.str().map(|_| 0),
            Kind::Bin => self.bin().map(|_| 0),
            Kind::Array => self.array(),
            Kind::Map => self.map().map(|pairs| pairs * 2),
            Kind::Ext => {
                let length = match self.rest.first() {
                    Some(tag @ 0xd4..=0xd8) => {
                        self.byte()?;
                        1 << (tag - 0xd4)
                    }
                    _ => self.length(0xc7, 0)?,
                };
                self.byte()?;
                self.take(length).map(|_| 0)
            }
            Kind::Invalid => Err(ended()),
        }
    }

    fn any_int(&mut self) -> Result<i64> {
        let tag = self.byte()?;
        match tag {
            0xcc..=0xcf => {
                let value = self.number(1 << (tag - 0xcc))?;
                i64::try_from(value).map_err(|_| Error::new(ErrorCode::OutOfRange, "the number does not fit 63 bits"))
            }
            0xd0..=0xd3 => {
                let width = 1u32 << (tag - 0xd0);
                // Moved to the top and back, the sign bit fills what the width leaves.
                let unused = 64 - 8 * width;
                Ok((self.number(width as usize)? << unused) as i64 >> unused)
            }
            tag => Ok((tag as i8).into()),
        }
    }

    fn any_float(&mut self) -> Result<f64> {
        Ok(match self.byte()? {
            0xca => f32::from_bits(self.number(4)? as u32).into(),
            _ => f64::from_bits(self.number(8)?),
        })
    }
}

#[cold]
fn ended() -> Error {
    Error::new(ErrorCode::InvalidMsgpack, "the bytes end too early, or are no MessagePack")
}
