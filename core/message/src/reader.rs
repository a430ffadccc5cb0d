//! MessagePack in: borrows strings and binary data, checks every length against what is left, never recurses.
//!
//! The first error sticks: a reader that has failed has nothing left to read, gives empty values from then on, and hands
//! the error out at the end. One test per structure takes the place of one per value, which is a good part of the
//! module's size and of the time to decode.

use crate::error::{Error, ErrorCode, Result};
use crate::fields::Visit;
use crate::limits;
use crate::text;
use crate::writer::int_form;
use alloc::string::String;

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

/// Reads MessagePack values one after another from borrowed bytes; see the module for how it fails.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    unknown_fields: u32,
    error: Option<Error>,
    is_shortest: bool,
    /// Which key stood at each place of the last map. Senders keep an order, and maps of one kind follow each other.
    keys: [u8; GUESSES],
}

/// How many places of a map are guessed; the others by these.
const GUESSES: usize = 16;

impl<'a> Reader<'a> {
    /// A reader over `bytes`.
    #[inline(never)]
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes, unknown_fields: 0, error: None, is_shortest: true, keys: [0; GUESSES] }
    }

    /// What has not been read yet; nothing after an error.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Fields that were passed over because no one knows them.
    pub fn unknown_fields(&self) -> u32 {
        self.unknown_fields
    }

    /// Gives the unknown fields beyond `before` and forgets them.
    pub(crate) fn take_unknown_fields(&mut self, before: u32) -> u32 {
        let found = self.unknown_fields.saturating_sub(before);
        self.unknown_fields = before;
        found
    }

    /// Which of the known keys may stand at this place of a map.
    pub(crate) fn guess(&self, place: usize) -> usize {
        self.keys.get(place % GUESSES).copied().unwrap_or(0).into()
    }

    pub(crate) fn learn(&mut self, place: usize, key: usize) {
        if let Some(guess) = self.keys.get_mut(place % GUESSES) {
            *guess = key as u8;
        }
    }

    /// Whether every integer, string, array and map that was read, not passed over, stood in the shortest form that there is,
    /// which is the one that [`Writer`](crate::Writer) writes. Binary data is not looked at for that: no state holds any.
    pub fn is_shortest(&self) -> bool {
        self.is_shortest
    }

    /// Notes that what was read could have been said in fewer bytes, unless `shortest`.
    pub(crate) fn was_shortest(&mut self, shortest: bool) {
        self.is_shortest &= shortest;
    }

    pub(crate) fn count_unknown_fields(&mut self, count: u32) {
        self.unknown_fields = self.unknown_fields.saturating_add(count);
    }

    /// Whether something was wrong: what was read since is empty.
    #[inline]
    pub fn failed(&self) -> bool {
        self.error.is_some()
    }

    /// Ends the reading with an error, unless an earlier one has.
    #[cold]
    #[inline(never)]
    pub fn fail(&mut self, error: Error) {
        self.rest = &[];
        self.error.get_or_insert(error);
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn fail_with(&mut self, code: ErrorCode, message: impl Into<String>) {
        self.fail(Error::new(code, message));
    }

    /// The value of a step outside the reader; an error of it ends the reading.
    pub fn take<T: Default>(&mut self, step: Result<T>) -> T {
        step.unwrap_or_else(|error| {
            self.fail(error);
            T::default()
        })
    }

    /// Puts a field name before the path of the error, if there is one.
    #[inline]
    pub fn in_field(&mut self, name: &str) {
        if self.failed() {
            self.error = self.error.take().map(|error| error.in_field(name));
        }
    }

    /// Takes the error out, if there is one: to be asked once, at the end of the reading. Asked again, all is well, though
    /// what was read after the error is still empty.
    pub fn result(&mut self) -> Result<()> {
        self.error.take().map_or(Ok(()), Err)
    }

    /// As [`Reader::result`]; fails as well when bytes are left.
    pub fn finish(&mut self) -> Result<()> {
        if !self.rest.is_empty() {
            self.fail_with(ErrorCode::TrailingBytes, text!("`{}` bytes follow the value", self.rest.len()));
        }
        self.result()
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
    #[inline(never)]
    fn wrong(&mut self, expected: &str) {
        match self.kind() {
            Kind::Invalid => self.ended(),
            kind => self.fail_with(ErrorCode::InvalidType, text!("expected {}, found {}", expected, kind.name())),
        }
    }

    #[cold]
    #[inline(never)]
    fn ended(&mut self) {
        self.fail_with(ErrorCode::InvalidMsgpack, "the bytes end too early, or are no MessagePack");
    }

    #[inline]
    fn bytes(&mut self, length: usize) -> &'a [u8] {
        match self.rest.split_at_checked(length) {
            Some((head, rest)) => {
                self.rest = rest;
                head
            }
            None => {
                self.ended();
                &[]
            }
        }
    }

    #[inline]
    fn byte(&mut self) -> u8 {
        match self.rest.split_first() {
            Some((first, rest)) => {
                self.rest = rest;
                *first
            }
            None => {
                self.ended();
                0
            }
        }
    }

    /// Reads `width` bytes as one big-endian number. Every length and number goes through here, so that the module
    /// holds this code once.
    #[inline(never)]
    fn number(&mut self, width: usize) -> u64 {
        let bytes = self.bytes(width);
        match *bytes {
            [a] => a.into(),
            [a, b] => u16::from_be_bytes([a, b]).into(),
            [a, b, c, d] => u32::from_be_bytes([a, b, c, d]).into(),
            [a, b, c, d, e, f, g, h] => u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            _ => 0,
        }
    }

    /// Reads a length whose width the tag tells: `base` is the tag of the 8-bit form, or of the 16-bit form less one.
    /// Smaller tags hold the length themselves, in the bits of `mask`.
    #[inline]
    fn length(&mut self, base: u8, mask: u8) -> usize {
        let tag = self.byte();
        match tag.checked_sub(base) {
            Some(power @ 0..=2) => {
                let length = self.number(1 << power) as usize;
                // Arrays and maps have no 8-bit form.
                let shorter = match power {
                    // Those of binary data begin here.
                    0 if mask == 0 => return length,
                    0 => mask.into(),
                    1 if mask == 0x0f => 0x0f,
                    power => (1 << (4 << power)) - 1,
                };
                self.was_shortest(length > shorter);
                length
            }
            _ => (tag & mask) as usize,
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
    pub fn bool(&mut self) -> bool {
        if self.kind() != Kind::Bool {
            self.wrong("a boolean");
        }
        !self.failed() && self.byte() == 0xc3
    }

    /// Reads an integer. A float that is a whole number of at most `whole_float_abs_max` counts as one, so that `1.0` is `1`.
    #[inline(never)]
    pub fn int(&mut self) -> i64 {
        match self.kind() {
            Kind::Int => return self.any_int(),
            Kind::Float => {
                self.was_shortest(false);
                let value = self.any_float();
                // NaN is within nothing.
                let within = libm::fabs(value) <= limits::WHOLE_FLOAT_ABS_MAX;
                if within && libm::trunc(value) == value {
                    return value as i64;
                }
                let (code, message) = match within {
                    true => (ErrorCode::InvalidType, "expected an integer, found a float with a fraction"),
                    false => (ErrorCode::OutOfRange, "an integer as a float is finite and within 2^53 of 0"),
                };
                self.fail_with(code, message);
            }
            _ => self.wrong("an integer"),
        }
        0
    }

    /// Reads an integer within `min..=max`.
    #[inline(never)]
    pub fn int_within(&mut self, min: i64, max: i64) -> i64 {
        let value = self.int();
        if !(min..=max).contains(&value) {
            self.fail_with(ErrorCode::OutOfRange, text!("`{}` is not within {} to {}", value, min, max));
        }
        value
    }

    /// Reads a finite number, integer or float.
    pub fn f64(&mut self) -> f64 {
        let value = match self.kind() {
            Kind::Float => self.any_float(),
            Kind::Int => self.any_int() as f64,
            _ => {
                self.wrong("a number");
                0.0
            }
        };
        if value.is_finite() {
            return value;
        }
        self.fail_with(ErrorCode::OutOfRange, "the number is not finite");
        0.0
    }

    /// Reads a string.
    #[inline(never)]
    pub fn str(&mut self) -> &'a str {
        match core::str::from_utf8(self.str_bytes()) {
            Ok(text) => text,
            Err(error) => {
                let message = text!("not UTF-8 after {} bytes", error.valid_up_to());
                self.fail_with(ErrorCode::InvalidUtf8, message);
                ""
            }
        }
    }

    /// Reads a string's bytes without checking that they are UTF-8: for keys, which are compared with known ones.
    #[inline]
    pub(crate) fn str_bytes(&mut self) -> &'a [u8] {
        // Nearly every string is short: its tag holds the length.
        if let Some((tag @ 0xa0..=0xbf, rest)) = self.rest.split_first()
            && let Some((text, rest)) = rest.split_at_checked((tag & 0x1f).into())
        {
            self.rest = rest;
            return text;
        }
        self.long_str_bytes()
    }

    #[inline(never)]
    fn long_str_bytes(&mut self) -> &'a [u8] {
        if self.kind() != Kind::Str {
            self.wrong("a string");
            return &[];
        }
        let length = self.length(0xd9, 0x1f);
        self.bytes(length)
    }

    /// Reads an id: 1 to 128 bytes of UTF-8.
    #[inline(never)]
    pub fn id(&mut self) -> &'a str {
        let id = self.str();
        if id.is_empty() || id.len() > limits::ID_BYTES_MAX {
            self.fail_with(ErrorCode::InvalidId, text!("an id of {} bytes; ids have 1 to 128", id.len()));
        }
        id
    }

    /// Reads a channel name: 1 to 32 lower-case letters, digits and underscores.
    pub fn channel(&mut self) -> &'a str {
        let name = self.str();
        let sound = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !sound || name.is_empty() || name.len() > limits::CHANNEL_BYTES_MAX {
            let message = "channel names are 1 to 32 lower-case letters, digits and underscores";
            self.fail_with(ErrorCode::InvalidChannel, message);
        }
        name
    }

    /// Reads a text of at most `bytes_max` bytes.
    pub fn text(&mut self, bytes_max: usize) -> &'a str {
        let text = self.str();
        if text.len() > bytes_max {
            let message = text!("a text of {} bytes; at most {} are allowed", text.len(), bytes_max);
            self.fail_with(ErrorCode::LimitExceeded, message);
        }
        text
    }

    /// Reads binary data.
    pub fn bin(&mut self) -> &'a [u8] {
        if self.kind() != Kind::Bin {
            self.wrong("binary data");
            return &[];
        }
        let length = self.length(0xc4, 0);
        self.bytes(length)
    }

    /// Reads the head of an array and gives its length. Each value takes at least a byte, so that a length that the
    /// rest cannot hold is refused before anything is allocated for it.
    pub fn array(&mut self) -> usize {
        if self.kind() != Kind::Array {
            self.wrong("an array");
            return 0;
        }
        let length = self.length(0xdb, 0x0f);
        self.within_rest(length)
    }

    fn within_rest(&mut self, length: usize) -> usize {
        if length <= self.rest.len() {
            return length;
        }
        self.ended();
        0
    }

    /// Reads the head of an array of at most `max` values; `limit` is how the error names the bound.
    pub fn array_up_to(&mut self, max: usize, limit: &str) -> usize {
        let length = self.array();
        if length <= max {
            return length;
        }
        self.fail_with(ErrorCode::LimitExceeded, text!("`{}` values; {} is {}", length, limit, max));
        0
    }

    /// Reads an array of at most `max` values, each by `read`; errors name the position.
    #[inline]
    pub fn each(&mut self, max: usize, limit: &str, mut read: impl FnMut(&mut Self)) {
        self.visit_each(max, limit, &mut |reader: &mut Self, _| read(reader));
    }

    fn visit_each(&mut self, max: usize, limit: &str, read: &mut dyn Visit<'a>) {
        for index in 0..self.array_up_to(max, limit) {
            read.visit(self, index);
            if self.failed() {
                self.error = self.error.take().map(|error| error.at_index(index));
                return;
            }
        }
    }

    /// Reads the head of a map and gives the number of its pairs.
    pub fn map(&mut self) -> usize {
        if self.kind() != Kind::Map {
            self.wrong("a map");
            return 0;
        }
        let length = self.map_head();
        if length > limits::MAP_KEYS_MAX {
            let message = text!("a map of `{}` keys; map_keys_max is {}", length, limits::MAP_KEYS_MAX);
            self.fail_with(ErrorCode::LimitExceeded, message);
            return 0;
        }
        length
    }

    /// As [`Reader::map`], of however many pairs.
    pub(crate) fn map_head_of_any(&mut self) -> usize {
        if self.kind() == Kind::Map { self.map_head() } else { 0 }
    }

    fn map_head(&mut self) -> usize {
        let length = self.length(0xdd, 0x0f);
        self.within_rest(length)
    }

    /// Reads one value by itself, on a reader that has not failed: an error of it is given, and the reading goes on after
    /// the value, whatever it holds. Only where the bytes do not say where it ends does the reader fail.
    pub fn apart<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> Result<T> {
        let (start, unknown_fields) = (self.rest, self.unknown_fields);
        let value = read(self);
        let Err(error) = self.result() else { return Ok(value) };
        (self.rest, self.unknown_fields) = (start, unknown_fields);
        self.leap();
        Err(error)
    }

    /// Passes over a value that is or will be read from its bytes, and gives them. It is within no limit but the input's:
    /// a count of the values to come needs no stack, and strings are not looked at.
    pub fn leap(&mut self) -> &'a [u8] {
        let start = self.rest;
        let mut to_pass = 1u64;
        while to_pass > 0 && !self.failed() {
            to_pass = to_pass - 1 + self.pass_head(false) as u64;
        }
        start.get(..start.len() - self.rest.len()).unwrap_or_default()
    }

    /// Passes over one value of any kind, nested ones included, and gives its bytes.
    pub fn skip(&mut self) -> &'a [u8] {
        let start = self.rest;
        // Values still to pass on each open level; a fixed stack in place of recursion.
        let mut open = [0usize; limits::DEPTH_MAX];
        let mut depth = 0usize;
        for _ in 0..limits::SKIP_VALUES_MAX {
            let children = self.pass_head(true);
            if self.failed() {
                return &[];
            }
            if children > 0 {
                let Some(level) = open.get_mut(depth) else {
                    let message = text!("nested deeper than depth_max ({})", limits::DEPTH_MAX);
                    self.fail_with(ErrorCode::LimitExceeded, message);
                    return &[];
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
                    return start.get(..start.len() - self.rest.len()).unwrap_or_default();
                }
            }
        }
        let message = text!("more than skip_values_max ({}) values", limits::SKIP_VALUES_MAX);
        self.fail_with(ErrorCode::LimitExceeded, message);
        &[]
    }

    /// Passes over a value's head and payload; gives the number of values nested in it.
    fn pass_head(&mut self, checked: bool) -> usize {
        match self.kind() {
            Kind::Nil | Kind::Bool | Kind::Int | Kind::Float => {
                // Any number passes, also one that no field could hold.
                let width = match self.byte() {
                    tag @ 0xca..=0xcb => 4 << (tag - 0xca),
                    tag @ 0xcc..=0xd3 => 1 << (tag & 3),
                    _ => 0,
                };
                self.bytes(width);
            }
            Kind::Str if checked => {
                self.str();
            }
            Kind::Str => {
                self.str_bytes();
            }
            Kind::Map if !checked => return self.map_head() * 2,
            Kind::Bin => {
                self.bin();
            }
            Kind::Array => return self.array(),
            Kind::Map => return self.map() * 2,
            Kind::Ext => {
                let length = match self.rest.first() {
                    Some(tag @ 0xd4..=0xd8) => {
                        self.byte();
                        1 << (tag - 0xd4)
                    }
                    _ => self.length(0xc7, 0),
                };
                self.byte();
                self.bytes(length);
            }
            Kind::Invalid => self.ended(),
        }
        0
    }

    fn any_int(&mut self) -> i64 {
        let tag = self.byte();
        let value = match tag {
            0xcc..=0xcf => {
                let value = self.number(1 << (tag - 0xcc));
                i64::try_from(value).unwrap_or_else(|_| {
                    self.fail_with(ErrorCode::OutOfRange, "the number does not fit 63 bits");
                    0
                })
            }
            0xd0..=0xd3 => {
                let width = 1u32 << (tag - 0xd0);
                // Moved to the top and back, the sign bit fills what the width leaves.
                let unused = 64 - 8 * width;
                (self.number(width as usize) << unused) as i64 >> unused
            }
            tag => (tag as i8).into(),
        };
        self.was_shortest(int_form(value).0 == tag);
        value
    }

    fn any_float(&mut self) -> f64 {
        match self.byte() {
            0xca => f32::from_bits(self.number(4) as u32).into(),
            _ => f64::from_bits(self.number(8)),
        }
    }
}
