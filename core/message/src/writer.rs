//! MessagePack out: the smallest encoding of each value, so that equal values have equal bytes.

use alloc::vec::Vec;

/// Writes MessagePack values one after another. Integers and lengths take their shortest form; f64 is always nine bytes.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
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
        match value {
            0..=0x7f => self.bytes.push(value as u8),
            -32..=-1 => self.bytes.push(value as i8 as u8),
            0x80..=0xff => self.tagged(0xcc, &[value as u8]),
            0x100..=0xffff => self.tagged(0xcd, &(value as u16).to_be_bytes()),
            0x1_0000..=0xffff_ffff => self.tagged(0xce, &(value as u32).to_be_bytes()),
            0x1_0000_0000.. => self.tagged(0xcf, &(value as u64).to_be_bytes()),
            -0x80..=-33 => self.tagged(0xd0, &(value as i8).to_be_bytes()),
            -0x8000..=-0x81 => self.tagged(0xd1, &(value as i16).to_be_bytes()),
            -0x8000_0000..=-0x8001 => self.tagged(0xd2, &(value as i32).to_be_bytes()),
            _ => self.tagged(0xd3, &value.to_be_bytes()),
        }
    }

    /// Writes a 64-bit float. NaN never reaches an output: it is written as null.
    pub fn f64(&mut self, value: f64) {
        if value.is_nan() {
            self.nil();
        } else {
            self.tagged(0xcb, &value.to_be_bytes());
        }
    }

    /// Writes a string.
    #[inline(never)]
    pub fn str(&mut self, value: &str) {
        let length = value.len();
        match length {
            0..=31 => self.bytes.push(0xa0 | length as u8),
            32..=0xff => self.tagged(0xd9, &[length as u8]),
            0x100..=0xffff => self.tagged(0xda, &(length as u16).to_be_bytes()),
            _ => self.tagged(0xdb, &(length as u32).to_be_bytes()),
        }
        self.bytes.extend_from_slice(value.as_bytes());
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
        let length = value.len();
        match length {
            0..=0xff => self.tagged(0xc4, &[length as u8]),
            0x100..=0xffff => self.tagged(0xc5, &(length as u16).to_be_bytes()),
            _ => self.tagged(0xc6, &(length as u32).to_be_bytes()),
        }
        self.bytes.extend_from_slice(value);
    }

    /// Begins an array of `length` values, which follow.
    #[inline(never)]
    pub fn array(&mut self, length: usize) {
        match length {
            0..=15 => self.bytes.push(0x90 | length as u8),
            16..=0xffff => self.tagged(0xdc, &(length as u16).to_be_bytes()),
            _ => self.tagged(0xdd, &(length as u32).to_be_bytes()),
        }
    }

    /// Begins a map of `length` pairs, which follow as key, value, key, value.
    #[inline(never)]
    pub fn map(&mut self, length: usize) {
        match length {
            0..=15 => self.bytes.push(0x80 | length as u8),
            16..=0xffff => self.tagged(0xde, &(length as u16).to_be_bytes()),
            _ => self.tagged(0xdf, &(length as u32).to_be_bytes()),
        }
    }

    /// Appends values that are encoded already.
    pub fn raw(&mut self, encoded: &[u8]) {
        self.bytes.extend_from_slice(encoded);
    }

    fn tagged(&mut self, tag: u8, payload: &[u8]) {
        self.bytes.push(tag);
        self.bytes.extend_from_slice(payload);
    }
}
