//! Typed views over raw little-endian bytes. Reading in place needs no alignment and copies nothing.

use crate::order::IdKey;

macro_rules! view {
    ($name:ident, $number:ty, $width:literal, $text:literal) => {
        #[doc = $text]
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $name<'a>(&'a [[u8; $width]]);

        impl<'a> $name<'a> {
            /// A view of `bytes`; none when they are no whole number of elements.
            pub fn new(bytes: &'a [u8]) -> Option<Self> {
                let (elements, rest) = bytes.as_chunks::<$width>();
                rest.is_empty().then_some(Self(elements))
            }

            /// Number of elements.
            #[inline]
            pub fn len(&self) -> usize {
                self.0.len()
            }

            /// Whether there is none.
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }

            /// The element at `index`, none beyond the end.
            #[inline]
            pub fn get(&self, index: usize) -> Option<$number> {
                self.0.get(index).map(|bytes| <$number>::from_le_bytes(*bytes))
            }

            /// The elements from `start` to before `end`; empty where these lie outside.
            #[inline]
            pub fn slice(&self, start: usize, end: usize) -> Self {
                Self(self.0.get(start..end).unwrap_or_default())
            }

            /// Every element in order.
            #[inline]
            pub fn iter(&self) -> impl ExactSizeIterator<Item = $number> + DoubleEndedIterator + use<'a> {
                self.0.iter().map(|bytes| <$number>::from_le_bytes(*bytes))
            }
        }
    };
}

view!(U16s, u16, 2, "A `u16` array, little-endian.");
view!(U32s, u32, 4, "A `u32` array, little-endian.");
view!(I32s, i32, 4, "An `i32` array, little-endian.");
view!(I64s, i64, 8, "An `i64` array, little-endian.");

impl U32s<'_> {
    /// Whether a rising array holds a value.
    pub fn holds_sorted(&self, value: u32) -> bool {
        self.0.binary_search_by(|bytes| u32::from_le_bytes(*bytes).cmp(&value)).is_ok()
    }
}

/// Nodes of trees: three `u16` each, read together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nodes<'a>(&'a [[u8; 6]]);

/// One node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Place of its feature among the forest's bins.
    pub feature: u8,
    /// A candidate goes left when its bin is at most this.
    pub threshold: u8,
    /// Link on the left.
    pub left: u16,
    /// Link on the right.
    pub right: u16,
}

impl<'a> Nodes<'a> {
    /// A view of `bytes`; none when they are no whole number of nodes.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let (nodes, rest) = bytes.as_chunks::<6>();
        rest.is_empty().then_some(Self(nodes))
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The node at `index`, none beyond the end.
    #[inline]
    pub fn get(&self, index: usize) -> Option<Node> {
        self.0.get(index).map(Node::read)
    }

    /// The nodes from `start` to before `end`; empty where these lie outside.
    pub fn slice(&self, start: usize, end: usize) -> Self {
        Self(self.0.get(start..end).unwrap_or_default())
    }

    /// Every node in order.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Node> + use<'a> {
        self.0.iter().map(Node::read)
    }
}

impl Node {
    #[inline]
    fn read([feature, threshold, l0, l1, r0, r1]: &[u8; 6]) -> Self {
        Node {
            feature: *feature,
            threshold: *threshold,
            left: u16::from_le_bytes([*l0, *l1]),
            right: u16::from_le_bytes([*r0, *r1]),
        }
    }
}

/// Of how many strings one has its start in the file.
pub(super) const STRINGS_PER_START: usize = 16;

/// Strings in ascending order of their bytes, one after another; an index is a rank. Lengths and every sixteenth start
/// stand in for all starts, which compress badly: a tenth of a model with many items.
#[derive(Clone, Copy, Debug, Default)]
pub struct SortedStrings<'a> {
    lengths: U16s<'a>,
    starts: U32s<'a>,
    bytes: &'a [u8],
}

impl<'a> SortedStrings<'a> {
    /// A view; none unless lengths and starts agree and cover `bytes`, and the strings are UTF-8, strictly ascending.
    pub fn new(lengths: U16s<'a>, starts: U32s<'a>, bytes: &'a [u8]) -> Option<Self> {
        let mut before: Option<&[u8]> = None;
        let mut end = 0usize;
        for (index, length) in lengths.iter().enumerate() {
            if index % STRINGS_PER_START == 0 && starts.get(index / STRINGS_PER_START) != u32::try_from(end).ok() {
                return None;
            }
            let string = bytes.get(end..end + usize::from(length))?;
            if before.is_some_and(|before| before >= string) || core::str::from_utf8(string).is_err() {
                return None;
            }
            before = Some(string);
            end += usize::from(length);
        }
        let covered = end == bytes.len() && starts.len() == lengths.len().div_ceil(STRINGS_PER_START);
        covered.then_some(SortedStrings { lengths, starts, bytes })
    }

    /// Number of strings.
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// The string with this rank; empty when there is none.
    pub fn get(&self, index: u32) -> &'a str {
        self.bytes_at(index as usize).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// The rank of a string, by binary search in place among the strings that have a start, then one after the other.
    #[inline(never)]
    pub fn find(&self, string: &str) -> Option<u32> {
        let wanted = string.as_bytes();
        let wanted_first = IdKey::first_of(wanted);
        let (mut low, mut high) = (0usize, self.starts.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let start = self.starts.get(middle)? as usize;
            let length = self.lengths.get(middle * STRINGS_PER_START)?.into();
            let first = self.first_eight(start, length);
            // Where the first bytes are equal, or the file ends here, whole strings are compared.
            let is_after = match first.filter(|first| *first != wanted_first) {
                Some(first) => first > wanted_first,
                None => self.bytes.get(start..start + length)? > wanted,
            };
            if is_after { high = middle } else { low = middle + 1 }
        }
        let first = low.checked_sub(1)? * STRINGS_PER_START;
        let mut start = self.starts.get(low - 1)? as usize;
        for (index, length) in
            (first..).zip(self.lengths.slice(first, self.len().min(first + STRINGS_PER_START)).iter())
        {
            let end = start + usize::from(length);
            // Neighbours in the order differ in their ends, if not in their lengths: both are cheaper to compare than all.
            let string = self.bytes.get(start..end)?;
            if string.len() == wanted.len() && string.last() == wanted.last() && string == wanted {
                return u32::try_from(index).ok();
            }
            start = end;
        }
        None
    }

    /// The first bytes of a string as [`IdKey`] orders them; none too near the end of the file to be read at once.
    #[inline]
    fn first_eight(&self, start: usize, length: usize) -> Option<u64> {
        let eight = u64::from_be_bytes(*self.bytes.get(start..)?.first_chunk()?);
        // Of a shorter string, what follows is another's.
        Some(eight & !u64::MAX.checked_shr(8 * length as u32).unwrap_or(0))
    }

    fn bytes_at(&self, index: usize) -> Option<&'a [u8]> {
        let first = index - index % STRINGS_PER_START;
        let before: usize = self.lengths.slice(first, index).iter().map(usize::from).sum();
        let start = self.starts.get(index / STRINGS_PER_START)? as usize + before;
        self.bytes.get(start..start + usize::from(self.lengths.get(index)?))
    }
}

/// Rows of different lengths: row `i` is `offsets[i]..offsets[i + 1]` of the arrays beside it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rows<'a> {
    offsets: U32s<'a>,
}

impl<'a> Rows<'a> {
    /// A view; none unless the offsets rise from 0 to `entries`.
    pub fn new(offsets: U32s<'a>, entries: usize) -> Option<Self> {
        let mut before = 0u32;
        for (index, offset) in offsets.iter().enumerate() {
            if offset < before || (index == 0 && offset != 0) {
                return None;
            }
            before = offset;
        }
        (!offsets.is_empty() && before as usize == entries).then_some(Rows { offsets })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Start and end of a row; an empty range when there is no such row.
    #[inline]
    pub fn range(&self, row: u32) -> (usize, usize) {
        let row = row as usize;
        match (self.offsets.get(row), self.offsets.get(row + 1)) {
            (Some(start), Some(end)) => (start as usize, end as usize),
            _ => (0, 0),
        }
    }
}
