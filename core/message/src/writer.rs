//! MessagePack out: the smallest encoding of each value, so that equal values have equal bytes.

use alloc::vec::Vec;

/// Writes MessagePack values one after another. Integers and lengths take their shortest form; f64 is always nine bytes.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

/// The tag of an integer's shortest form, and how many bytes of it follow.
pub(crate) const fn int_form(value: i64) -> (u8, usize) {
    match value {
        -32..=0x7f => (value as u8, 0),
        0x80..=0xff => (0xcc, 1),
        0x100..=0xffff => (0xcd, 2),
        0x1_0000..=0xffff_ffff => (0xce, 4),
        0x1_0000_0000.. => (0xcf, 8),
        -0x80..=-33 => (0xd0, 1),
        -0x8000..=-0x81 => (0xd1, 2),
        -0x8000_0000..=-0x8001 => (0xd2, 4),
        _ => (0xd3, 8),
    }
}

impl Writer {
    /// An empty writer.
    pub fn new() -> Self {
        Writer { bytes: Vec::new() }
    }

    /// An empty writer with room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Self {
        Writer { bytes: Vec::with_capacity(capacity) }
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// What was written so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Writes `null`.
    pub fn nil(&mut self) {
        self.bytes.push(0xc0);
    }

    /// Writes a boolean.
    pub fn bool(&mut self, value: bool) {
        self.bytes.push(if value { 0xc3 } else { 0xc2 });
    }

    /// Writes an integer in its shortest form.
    #[inline(never)]
    pub fn int(&mut self, value: i64) {
        match int_form(value) {
            (tag, 0) => self.bytes.push(tag),
            (tag, width) => self.tagged(tag, width, value as u64),
        }
    }

    /// Writes a 64-bit float. NaN never reaches an output: it is written as null.
    pub fn f64(&mut self, value: f64) {
        if value.is_nan() {
            self.nil();
        } else {
            self.tagged(0xcb, 8, value.to_bits());
        }
    }

    /// Writes a string.
    #[inline(never)]
    pub fn str(&mut self, value: &str) {
        match value.len() {
            length @ 0..=31 => self.bytes.push(0xa0 | length as u8),
            length => self.length(0xd9, length),
        }
        self.raw(value.as_bytes());
    }

    /// Writes a string, or null.
    pub fn opt_str(&mut self, value: Option<&str>) {
        match value {
            Some(value) => self.str(value),
            None => self.nil(),
        }
    }

    /// Writes an integer, or null.
    pub fn opt_int(&mut self, value: Option<i64>) {
        match value {
            Some(value) => self.int(value),
            None => self.nil(),
        }
    }

    /// Writes binary data.
    pub fn bin(&mut self, value: &[u8]) {
        self.length(0xc4, value.len());
        self.raw(value);
    }

    /// Begins an array of `length` values, which follow.
    pub fn array(&mut self, length: usize) {
        self.collection(0x90, 0xdc, length);
    }

    /// Begins a map of `length` pairs, which follow as key, value, key, value.
    pub fn map(&mut self, length: usize) {
        self.collection(0x80, 0xde, length);
    }

    #[inline(never)]
    fn collection(&mut self, short: u8, long: u8, length: usize) {
        match length {
            0..=15 => self.bytes.push(short | length as u8),
            16..=0xffff => self.tagged(long, 2, length as u64),
            _ => self.tagged(long + 1, 4, length as u64),
        }
    }

    /// A length behind the tag of its 8-bit form, or one of the two after it.
    fn length(&mut self, tag: u8, length: usize) {
        match length {
            0..=0xff => self.tagged(tag, 1, length as u64),
            0x100..=0xffff => self.tagged(tag + 1, 2, length as u64),
            _ => self.tagged(tag + 2, 4, length as u64),
        }
    }

    /// Appends values that are encoded already.
    #[inline(never)]
    pub fn raw(&mut self, encoded: &[u8]) {
        // A copy of eight bytes is one store, one of unknown length a call out of the module. Most strings are short: their
        // first and last eight bytes, which may overlap, are all of them.
        match (encoded.len(), encoded.first_chunk::<8>(), encoded.last_chunk::<8>()) {
            (length @ ..=16, Some(first), Some(last)) => {
                let mut both = [0u8; 16];
                both.first_chunk_mut().into_iter().for_each(|start| *start = *first);
                let end = both.get_mut(length - 8..length).and_then(<[u8]>::first_chunk_mut);
                end.into_iter().for_each(|end| *end = *last);
                self.bytes.extend_from_slice(&both);
                self.bytes.truncate(self.bytes.len() + length - 16);
            }
            _ => self.bytes.extend_from_slice(encoded),
        }
    }

    /// A tag and the lowest `width` bytes of a number, big-endian.
    #[inline(never)]
    fn tagged(&mut self, tag: u8, width: usize, number: u64) {
        self.bytes.push(tag);
        self.raw(number.to_be_bytes().get(8 - width..).unwrap_or_default());
    }
}
