//! MessagePack taken apart and put together at its seams: which value ends where, and nothing about what it says. So an
//! event goes from a batch to the module as the very bytes that its sender wrote.

use rmp::Marker;
use rmp::encode;
use unisono_message::Reader;

/// Where bytes are no MessagePack, or not what was looked for.
#[derive(Debug)]
pub(crate) struct Unpackable;

type Unpacked<T> = Result<T, Unpackable>;

/// The next whole value.
fn leap<'a>(reader: &mut Reader<'a>) -> Unpacked<&'a [u8]> {
    let value = reader.leap();
    if reader.failed() { Err(Unpackable) } else { Ok(value) }
}

/// The values of an array, each as its bytes.
pub(crate) fn items(value: &[u8]) -> Unpacked<Vec<&[u8]>> {
    let mut rest = value;
    let count = rmp::decode::read_array_len(&mut rest).map_err(|_| Unpackable)?;
    let mut reader = Reader::new(rest);
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(leap(&mut reader)?);
    }
    if reader.rest().is_empty() { Ok(items) } else { Err(Unpackable) }
}

/// How many values an array says it has.
pub(crate) fn array_len(value: &[u8]) -> Option<usize> {
    rmp::decode::read_array_len(&mut { value }).ok().and_then(|count| usize::try_from(count).ok())
}

/// The first value under each of these keys that is not nil, found in one pass over a map.
pub(crate) fn lookup<'a, const N: usize>(map: &'a [u8], keys: [&str; N]) -> Unpacked<[Option<&'a [u8]>; N]> {
    let mut found = [None; N];
    each_pair(map, |key, value| {
        let key = text(key);
        let is_sought = |(name, found): &(&str, &mut Option<&[u8]>)| found.is_none() && key == Some(*name);
        if let Some((_, found)) = keys.into_iter().zip(&mut found).find(is_sought).filter(|_| !is_nil(value)) {
            *found = Some(value);
        }
    })?;
    Ok(found)
}

/// The entries of a map in their order: key, and value as its bytes. Keys that are no text are passed over; a key that
/// stands twice is listed twice.
pub(crate) fn entries(value: &[u8]) -> Unpacked<Vec<(&str, &[u8])>> {
    let mut entries = Vec::new();
    each_pair(value, |key, value| entries.extend(text(key).map(|key| (key, value))))?;
    Ok(entries)
}

/// Calls `each` with the key and the value of every pair of a map, whole and alone.
fn each_pair<'a>(map: &'a [u8], mut each: impl FnMut(&'a [u8], &'a [u8])) -> Unpacked<()> {
    let mut rest = map;
    let count = rmp::decode::read_map_len(&mut rest).map_err(|_| Unpackable)?;
    let mut reader = Reader::new(rest);
    for _ in 0..count {
        let key = leap(&mut reader)?;
        each(key, leap(&mut reader)?);
    }
    if reader.rest().is_empty() { Ok(()) } else { Err(Unpackable) }
}

/// The first value under this key that is not nil.
pub(crate) fn find<'a>(entries: &[(&str, &'a [u8])], key: &str) -> Option<&'a [u8]> {
    entries.iter().find(|(name, value)| *name == key && !is_nil(value)).map(|(_, value)| *value)
}

pub(crate) fn is_nil(value: &[u8]) -> bool {
    value == [Marker::Null.to_u8()]
}

pub(crate) fn is_map(value: &[u8]) -> bool {
    map_len(value).is_some()
}

/// How many entries a map has, those included whose keys are no text.
pub(crate) fn map_len(value: &[u8]) -> Option<usize> {
    rmp::decode::read_map_len(&mut { value }).ok().and_then(|count| usize::try_from(count).ok())
}

/// The text that a value is.
pub(crate) fn text(value: &[u8]) -> Option<&str> {
    rmp::decode::read_str_from_slice(value).ok().filter(|(_, rest)| rest.is_empty()).map(|(text, _)| text)
}

/// The whole number that a value is.
pub(crate) fn int(value: &[u8]) -> Option<i64> {
    let mut rest = value;
    rmp::decode::read_int(&mut rest).ok().filter(|_| rest.is_empty())
}

/// The yes or no that a value is.
pub(crate) fn bool(value: &[u8]) -> Option<bool> {
    let mut rest = value;
    rmp::decode::read_bool(&mut rest).ok().filter(|_| rest.is_empty())
}

/// The bytes that a value holds.
pub(crate) fn bin(value: &[u8]) -> Option<&[u8]> {
    let mut rest = value;
    let length = usize::try_from(rmp::decode::read_bin_len(&mut rest).ok()?).ok()?;
    (rest.len() == length).then_some(rest)
}

/// A map under way; its length is known beforehand.
pub(crate) struct Packer(Vec<u8>);

// Writing to a vector never fails, so the results say nothing.
impl Packer {
    pub(crate) fn map(entries: usize) -> Self {
        let mut packer = Packer(Vec::new());
        packer.begin_map(entries);
        packer
    }

    pub(crate) fn array(items: usize) -> Self {
        let mut packer = Packer(Vec::new());
        packer.begin_array(items);
        packer
    }

    pub(crate) fn begin_map(&mut self, entries: usize) {
        let _ = encode::write_map_len(&mut self.0, u32::try_from(entries).unwrap_or(u32::MAX));
    }

    pub(crate) fn begin_array(&mut self, items: usize) {
        let _ = encode::write_array_len(&mut self.0, u32::try_from(items).unwrap_or(u32::MAX));
    }

    pub(crate) fn text(&mut self, text: &str) {
        let _ = encode::write_str(&mut self.0, text);
    }

    pub(crate) fn int(&mut self, number: i64) {
        let _ = encode::write_sint(&mut self.0, number);
    }

    pub(crate) fn bool(&mut self, yes: bool) {
        let _ = encode::write_bool(&mut self.0, yes);
    }

    pub(crate) fn bin(&mut self, bytes: &[u8]) {
        let _ = encode::write_bin(&mut self.0, bytes);
    }

    /// A value that is packed already.
    pub(crate) fn raw(&mut self, value: &[u8]) {
        self.0.extend_from_slice(value);
    }

    /// An array of values that are packed already.
    pub(crate) fn raws(&mut self, values: &[impl AsRef<[u8]>]) {
        self.begin_array(values.len());
        for value in values {
            self.raw(value.as_ref());
        }
    }

    pub(crate) fn done(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_within_a_value_hides_neither_its_end_nor_other_keys() {
        let mut deep = vec![0x91; 10_000];
        deep.push(0xc0);
        let no_utf8 = [0xa2, 0xff, 0xfe];
        let mut map = Packer::map(4);
        for (key, value) in [("a", deep.as_slice()), ("b", &no_utf8), ("owner", &[0xc0])] {
            map.text(key);
            map.raw(value);
        }
        map.text("owner");
        map.int(7);
        let map = map.done();
        let found = lookup(&map, ["owner", "a", "none"]).unwrap();
        assert_eq!(found, [Some(&[7u8][..]), Some(deep.as_slice()), None], "the first value that is not nil");
        assert_eq!(entries(&map).unwrap().len(), 4);
        assert!(lookup(&map[..map.len() - 1], ["owner"]).is_err() && lookup(&[0x07], ["owner"]).is_err());
        let with_more = [map.as_slice(), &[0xc0]].concat();
        assert!(lookup(&with_more, ["owner"]).is_err() && entries(&with_more).is_err());
    }
}
