//! An adaptive binary arithmetic coder that goes both ways: the same calls write values and read them, so that writer and
//! reader can't differ. Carry-less, 32 bits, after Mahoney's lpaq; each bit's chance is counted from the bits before it.
//!
//! A reader never fails and never runs out: beyond its bytes there are zeros. Whoever reads writes what was read again and
//! compares, which tells every damaged input from a sound one.

use alloc::vec;
use alloc::vec::Vec;
use unisono_message::limits::ID_BYTES_MAX;

/// What a number or a letter stands for: each kind learns its own chances.
#[derive(Clone, Copy)]
pub(super) struct Kind(usize);

impl Kind {
    const COUNT: Kind = Kind(0);
    const LENGTH: Kind = Kind(1);
    const SAME: Kind = Kind(2);
    const LETTER: Kind = Kind(3);
    pub(super) const IS_NUMBER: Kind = Kind(4);
    pub(super) const NAME_NUMBER: Kind = Kind(5);
    /// The first of nine for the rows of marks.
    pub(super) const MARKS: Kind = Kind(6);
    /// The first of nine for the rows of events.
    pub(super) const EVENTS: Kind = Kind(15);

    pub(super) fn plus(self, kinds: usize) -> Self {
        Kind(self.0 + kinds)
    }
}

const KINDS: usize = 24;
/// Chances of one kind.
const SLOTS: usize = 64 + 64 * 4;
/// A chance follows its bits as their mean does up to here, and more slowly changing ones after.
const SEEN_MAX: u16 = 60;

/// How often a bit was one, in 2^-16, and how many bits that rests on.
#[derive(Clone, Copy)]
struct Chance {
    of_one: u16,
    seen: u16,
}

const EVEN: Chance = Chance { of_one: 1 << 15, seen: 0 };

pub(super) struct Coder<'b> {
    chances: Vec<Chance>,
    low: u32,
    high: u32,
    /// The next 32 bits of what is read, and what follows them; none when writing.
    window: u32,
    read: Option<&'b [u8]>,
    written: Vec<u8>,
}

impl<'b> Coder<'b> {
    #[inline(never)]
    pub(super) fn writer() -> Self {
        Coder { chances: vec![EVEN; SLOTS * KINDS], low: 0, high: u32::MAX, window: 0, read: None, written: Vec::new() }
    }

    pub(super) fn reader(bytes: &'b [u8]) -> Self {
        let mut coder = Coder { read: Some(bytes), ..Coder::writer() };
        for _ in 0..4 {
            coder.next_byte();
        }
        coder
    }

    /// What was written: as few bytes as tell the last interval from all others.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        let mut mask = 0u32;
        while self.high & mask < self.low {
            mask = mask >> 8 | 0xff00_0000;
        }
        let bytes = (self.high & mask).to_be_bytes();
        self.written.extend(bytes.iter().take(mask.count_ones() as usize / 8));
        self.written
    }

    /// A number below 2^63: its length in bits, then the bits below the first. The length and the upper two of these have
    /// chances.
    #[inline(never)]
    pub(super) fn number(&mut self, kind: Kind, number: u64) -> u64 {
        let value = number.wrapping_add(1);
        let bits = value.checked_ilog2().unwrap_or(0) as usize;
        let mut length = 0usize;
        while length < 63 && self.bit(kind, length, length < bits) {
            length += 1;
        }
        let mut read = 1u64;
        for at in (0..length).rev() {
            let slot = if read < 4 { 64 + length * 4 + read as usize } else { usize::MAX };
            read = read << 1 | u64::from(self.bit(kind, slot, value >> at & 1 == 1));
        }
        read - 1
    }

    /// A number that is no smaller than the last.
    pub(super) fn above(&mut self, kind: Kind, last: u64, number: u64) -> u64 {
        last.wrapping_add(self.number(kind, number.wrapping_sub(last)))
    }

    /// How many of something there are, at most `max`.
    pub(super) fn count(&mut self, count: usize, max: usize) -> usize {
        self.number(Kind::COUNT, count as u64).min(max as u64) as usize
    }

    /// A text after one that it may resemble.
    pub(super) fn text(&mut self, before: &[u8], text: &[u8]) -> Vec<u8> {
        let length = self.number(Kind::LENGTH, text.len() as u64) as usize;
        let mut read = Vec::new();
        // What begins alike goes on alike, and separators stand where they stood.
        let mut alike = true;
        for at in 0..length.min(ID_BYTES_MAX) {
            let (letter, other) = (text.get(at).copied().unwrap_or(0), before.get(at).copied().unwrap_or(0));
            let slot = at.min(127) * 2 + usize::from(alike);
            if self.bit(Kind::SAME, slot, letter == other) {
                read.push(other);
                continue;
            }
            alike = false;
            let mut node = 1usize;
            for shift in (0..8).rev() {
                node = node << 1 | usize::from(self.bit(Kind::LETTER, node, letter >> shift & 1 == 1));
            }
            read.push(node as u8);
        }
        read
    }

    /// A bit: given when writing, known when reading. Slots that no kind has are even chances that learn nothing.
    #[inline(never)]
    fn bit(&mut self, kind: Kind, slot: usize, bit: bool) -> bool {
        let at = if slot < SLOTS { kind.0 * SLOTS + slot } else { usize::MAX };
        let chance = self.chances.get(at).copied().unwrap_or(EVEN);
        let part = (u64::from(self.high - self.low) * u64::from(chance.of_one)) >> 16;
        let middle = self.low + part as u32;
        let bit = if self.read.is_some() { self.window <= middle } else { bit };
        if bit {
            self.high = middle;
        } else {
            self.low = middle + 1;
        }
        if let Some(chance) = self.chances.get_mut(at) {
            let towards = if bit { 0xffff } else { 0 };
            let step = (towards - i32::from(chance.of_one)) / (i32::from(chance.seen) + 2);
            chance.of_one = (i32::from(chance.of_one) + step) as u16;
            chance.seen = SEEN_MAX.min(chance.seen + 1);
        }
        while (self.low ^ self.high) >> 24 == 0 {
            self.next_byte();
        }
        bit
    }

    /// Moves the interval on by a byte on which its ends agree.
    fn next_byte(&mut self) {
        match &mut self.read {
            Some(rest) => {
                let first = rest.split_off_first().copied().unwrap_or(0);
                self.window = self.window << 8 | u32::from(first);
            }
            None => self.written.push((self.high >> 24) as u8),
        }
        self.low <<= 8;
        self.high = self.high << 8 | 0xff;
    }
}
