//! MessagePack in: borrows strings and binary data, checks every length against what is left, never recurses.

use crate::error::{Error, ErrorCode, Result};
use crate::limits;
use alloc::format;

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
        Err(Error::new(ErrorCode::TrailingBytes, format!("`{}` bytes follow the value", self.rest.len())))
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
            kind => Error::new(ErrorCode::InvalidType, format!("expected {expected}, found {}", kind.name())),
        }
    }

    #[inline]
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

    #[inline]
    fn be<const N: usize>(&mut self) -> Result<[u8; N]> {
        match self.rest.split_first_chunk::<N>() {
            Some((head, rest)) => {
                self.rest = rest;
                Ok(*head)
            }
            None => Err(ended()),
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
        Err(Error::new(ErrorCode::OutOfRange, format!("`{value}` is not within {min} to {max}")))
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
        if self.kind() != Kind::Str {
            return Err(self.wrong("a string"));
        }
        let length = match self.byte()? {
            0xd9 => u8::from_be_bytes(self.be()?) as usize,
            0xda => u16::from_be_bytes(self.be()?) as usize,
            0xdb => u32::from_be_bytes(self.be()?) as usize,
            tag => (tag & 0x1f) as usize,
        };
        let bytes = self.take(length)?;
        core::str::from_utf8(bytes).map_err(|error| {
            Error::new(ErrorCode::InvalidUtf8, format!("not UTF-8 after {} bytes", error.valid_up_to()))
        })
    }

    /// Reads an id: 1 to 128 bytes of UTF-8.
    #[inline(never)]
    pub fn id(&mut self) -> Result<&'a str> {
        let id = self.str()?;
        if id.is_empty() || id.len() > limits::ID_BYTES_MAX {
            return Err(Error::new(ErrorCode::InvalidId, format!("an id of {} bytes; ids have 1 to 128", id.len())));
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
            let message = format!("a text of {} bytes; at most {bytes_max} are allowed", text.len());
            return Err(Error::new(ErrorCode::LimitExceeded, message));
        }
        Ok(text)
    }

    /// Reads binary data.
    pub fn bin(&mut self) -> Result<&'a [u8]> {
        if self.kind() != Kind::Bin {
            return Err(self.wrong("binary data"));
        }
        let length = match self.byte()? {
            0xc4 => u8::from_be_bytes(self.be()?) as usize,
            0xc5 => u16::from_be_bytes(self.be()?) as usize,
            _ => u32::from_be_bytes(self.be()?) as usize,
        };
        self.take(length)
    }

    /// Reads the head of an array and gives its length. Each value takes at least a byte, so that a length that the
    /// rest cannot hold is refused before anything is allocated for it.
    pub fn array(&mut self) -> Result<usize> {
        if self.kind() != Kind::Array {
            return Err(self.wrong("an array"));
        }
        let length = match self.byte()? {
            0xdc => u16::from_be_bytes(self.be()?) as usize,
            0xdd => u32::from_be_bytes(self.be()?) as usize,
            tag => (tag & 0x0f) as usize,
        };
        if length > self.rest.len() { Err(ended()) } else { Ok(length) }
    }

    /// Reads the head of an array of at most `max` values; `limit` is how the error names the bound.
    pub fn array_up_to(&mut self, max: usize, limit: &str) -> Result<usize> {
        let length = self.array()?;
        if length <= max {
            return Ok(length);
        }
        Err(Error::new(ErrorCode::LimitExceeded, format!("`{length}` values; {limit} is {max}")))
    }

    /// Reads the head of a map and gives the number of its pairs.
    pub fn map(&mut self) -> Result<usize> {
        if self.kind() != Kind::Map {
            return Err(self.wrong("a map"));
        }
        let length = match self.byte()? {
            0xde => u16::from_be_bytes(self.be()?) as usize,
            0xdf => u32::from_be_bytes(self.be()?) as usize,
            tag => (tag & 0x0f) as usize,
        };
        if length > limits::MAP_KEYS_MAX {
            let message = format!("a map of `{length}` keys; map_keys_max is {}", limits::MAP_KEYS_MAX);
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
                    let message = format!("nested deeper than depth_max ({})", limits::DEPTH_MAX);
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
            format!("more than skip_values_max ({}) values", limits::SKIP_VALUES_MAX),
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
                let length = match self.byte()? {
                    0xc7 => u8::from_be_bytes(self.be()?) as usize,
                    0xc8 => u16::from_be_bytes(self.be()?) as usize,
                    0xc9 => u32::from_be_bytes(self.be()?) as usize,
                    0xd4 => 1,
                    0xd5 => 2,
                    0xd6 => 4,
                    0xd7 => 8,
                    _ => 16,
                };
                self.byte()?;
                self.take(length).map(|_| 0)
            }
            Kind::Invalid => Err(ended()),
        }
    }

    #[inline]
    fn any_int(&mut self) -> Result<i64> {
        Ok(match self.byte()? {
            0xcc => u8::from_be_bytes(self.be()?).into(),
            0xcd => u16::from_be_bytes(self.be()?).into(),
            0xce => u32::from_be_bytes(self.be()?).into(),
            0xcf => {
                let value = u64::from_be_bytes(self.be()?);
                i64::try_from(value)
                    .map_err(|_| Error::new(ErrorCode::OutOfRange, format!("`{value}` does not fit 63 bits")))?
            }
            0xd0 => i8::from_be_bytes(self.be()?).into(),
            0xd1 => i16::from_be_bytes(self.be()?).into(),
            0xd2 => i32::from_be_bytes(self.be()?).into(),
            0xd3 => i64::from_be_bytes(self.be()?),
            tag => (tag as i8).into(),
        })
    }

    fn any_float(&mut self) -> Result<f64> {
        Ok(match self.byte()? {
            0xca => f32::from_be_bytes(self.be()?).into(),
            _ => f64::from_be_bytes(self.be()?),
        })
    }
}

#[cold]
fn ended() -> Error {
    Error::new(ErrorCode::InvalidMsgpack, "the bytes end too early, or are no MessagePack")
}
