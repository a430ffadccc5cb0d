//! MessagePack values by another implementation than the one that is tested.

use crate::random::Random;
pub use rmpv::Value;

/// A map from pairs.
pub fn map(pairs: Vec<(&str, Value)>) -> Value {
    Value::Map(pairs.into_iter().map(|(key, value)| (Value::from(key), value)).collect())
}

/// An array of strings.
pub fn strings<S: AsRef<str>>(ids: &[S]) -> Value {
    Value::Array(ids.iter().map(|id| Value::from(id.as_ref())).collect())
}

/// A field of a map; null counts as absent.
pub fn field<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let pairs = value.as_map()?;
    pairs.iter().find(|pair| pair.0.as_str() == Some(name)).map(|pair| &pair.1).filter(|value| !value.is_nil())
}

/// A field that is text.
pub fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    field(value, name)?.as_str()
}

/// A field that is a list; empty when absent.
pub fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    field(value, name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A whole number, also one that is written as a float.
pub fn int(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_f64().map(|float| float as i64))
}

/// Sets a field of a map, or adds it.
pub fn set(value: &mut Value, name: &str, new: Value) {
    if let Value::Map(pairs) = value {
        match pairs.iter_mut().find(|pair| pair.0.as_str() == Some(name)) {
            Some(pair) => pair.1 = new,
            None => pairs.push((Value::from(name), new)),
        }
    }
}

/// The shortest encoding.
pub fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, value).expect("a vector takes every byte");
    bytes
}

/// Decodes exactly one value.
pub fn decode(bytes: &[u8]) -> anyhow::Result<Value> {
    let mut rest = bytes;
    let value = rmpv::decode::read_value(&mut rest)?;
    anyhow::ensure!(rest.is_empty(), "{} bytes follow the value", rest.len());
    Ok(value)
}

/// Another encoding of the same logical value: wider integers and heads than needed, floats for whole numbers and the
/// other way round, keys in another order, here and there a null for an absent key.
pub fn encode_loosely(value: &Value, random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_loosely(&mut bytes, value, random);
    bytes
}

fn write_loosely(out: &mut Vec<u8>, value: &Value, random: &mut Random) {
    match value {
        Value::Integer(_) => write_number(out, value, random),
        Value::F64(float) if float.fract() == 0.0 && float.abs() < 1e15 && random.chance(50) => {
            write_number(out, &Value::from(*float as i64), random);
        }
        Value::F64(float) if f64::from(*float as f32) == *float && random.chance(30) => {
            out.push(0xca);
            out.extend((*float as f32).to_be_bytes());
        }
        Value::String(text) => {
            let bytes = text.as_bytes();
            let heads = [(0xd9u8, 1usize), (0xda, 2), (0xdb, 4)];
            if bytes.len() < 256 && random.chance(10) {
                write_head(out, *random.pick(&heads), bytes.len());
                out.extend(bytes);
            } else {
                out.extend(encode(value));
            }
        }
        Value::Array(values) => {
            write_head(out, *random.pick(&[(0xdc, 2), (0xdd, 4)]), values.len());
            values.iter().for_each(|value| write_loosely(out, value, random));
        }
        Value::Map(pairs) => {
            let mut pairs: Vec<&(Value, Value)> = pairs.iter().collect();
            random.shuffle(&mut pairs);
            write_head(out, *random.pick(&[(0xde, 2), (0xdf, 4)]), pairs.len());
            for (key, value) in pairs {
                out.extend(encode(key));
                write_loosely(out, value, random);
            }
        }
        other => out.extend(encode(other)),
    }
}

fn write_head(out: &mut Vec<u8>, (tag, width): (u8, usize), length: usize) {
    out.push(tag);
    out.extend(&(length as u32).to_be_bytes()[4 - width..]);
}

fn write_number(out: &mut Vec<u8>, value: &Value, random: &mut Random) {
    let number = value.as_i64().unwrap_or(0);
    match random.below(4) {
        0 => {
            out.push(0xd3);
            out.extend(number.to_be_bytes());
        }
        1 if number >= 0 => {
            out.push(0xcf);
            out.extend((number as u64).to_be_bytes());
        }
        2 if number.unsigned_abs() < 1 << 53 => {
            out.push(0xcb);
            out.extend((number as f64).to_be_bytes());
        }
        _ => out.extend(encode(value)),
    }
}

/// Where two values differ first, for the message of a failed test; none when they are equal.
pub fn difference(wanted: &Value, found: &Value) -> Option<String> {
    if wanted == found {
        return None;
    }
    let differ = || Some(format!(": wanted `{}`, found `{}`", short(wanted), short(found)));
    match (wanted, found) {
        (Value::Array(a), Value::Array(b)) => {
            let inner = a.iter().zip(b).enumerate().find_map(|(at, (a, b))| Some((at, difference(a, b)?)));
            inner.map_or_else(differ, |(at, inner)| Some(format!("[{at}]{inner}")))
        }
        (Value::Map(a), Value::Map(b)) => {
            let inner = a
                .iter()
                .zip(b)
                .filter(|(a, b)| a.0 == b.0)
                .find_map(|(a, b)| Some((a.0.as_str().unwrap_or("?").to_owned(), difference(&a.1, &b.1)?)));
            inner.map_or_else(differ, |(key, inner)| Some(format!(".{key}{inner}")))
        }
        _ => differ(),
    }
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(600).collect()
}
