//! From the JSON of a case file to MessagePack and back.
//!
//! JSON stands for the MessagePack that has the same look: a number with a point is a 64-bit float, one without is an
//! integer in its shortest form. What JSON can't say is said by a map with one key that begins with `$`:
//!
//! | construct | MessagePack |
//! |---|---|
//! | `{"$f64": "0x3fe0000000000000", "is": "0.5"}` | the float of these bits; `is` is for people |
//! | `{"$f32": "0x3f000000"}` | the same in 32 bits |
//! | `{"$bin": "c0ffee"}` | binary data |
//! | `{"$msgpack": value}` | binary data that holds the MessagePack of the value |
//! | `{"$raw": "c1"}` | these bytes as they are |
//! | `{"$map": [["k", 1], ["k", 2]]}` | a map whose keys repeat |
//! | `{"$text": {"of": "x", "times": 129}}` | a string, repeated |
//! | `{"$repeat": {"value": v, "times": 501}}` within a list | the value so many times; `{n}` in its strings counts from 0 |
//! | `{"$concat": [a, b]}` | the values one after another |
//! | `{"$truncate": {"value": v, "bytes": 20}}` | the first bytes of the value |

use super::json::Json;
use crate::value::Value;
use anyhow::{Context, Result, bail, ensure};

/// MessagePack of a case file's value.
///
/// # Errors
/// Where a construct is not one of the above.
pub fn to_msgpack(json: &Json) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    write(json, &mut out)?;
    Ok(out)
}

fn write(json: &Json, out: &mut Vec<u8>) -> Result<()> {
    match json {
        Json::Null => out.push(0xc0),
        Json::Bool(value) => out.push(if *value { 0xc3 } else { 0xc2 }),
        Json::Int(value) => match (i64::try_from(*value), u64::try_from(*value)) {
            (Ok(value), _) => drop(rmp::encode::write_sint(out, value)?),
            (_, Ok(value)) => drop(rmp::encode::write_uint(out, value)?),
            _ => bail!("`{value}` fits no 64 bits"),
        },
        Json::Float(value) => rmp::encode::write_f64(out, *value)?,
        Json::Text(text) => rmp::encode::write_str(out, text)?,
        Json::List(values) => {
            let values = repeated(values)?;
            rmp::encode::write_array_len(out, values.len() as u32)?;
            values.iter().try_for_each(|value| write(value, out))?;
        }
        Json::Map(pairs) => match pairs.first() {
            Some((key, value)) if key.starts_with('$') => construct(key, value, out)?,
            _ => write_map(pairs.iter().map(|pair| (pair.0.as_str(), &pair.1)), out)?,
        },
    }
    Ok(())
}

fn write_map<'j>(pairs: impl ExactSizeIterator<Item = (&'j str, &'j Json)>, out: &mut Vec<u8>) -> Result<()> {
    rmp::encode::write_map_len(out, pairs.len() as u32)?;
    for (key, value) in pairs {
        rmp::encode::write_str(out, key)?;
        write(value, out)?;
    }
    Ok(())
}

fn construct(name: &str, value: &Json, out: &mut Vec<u8>) -> Result<()> {
    match name {
        "$f64" => {
            out.push(0xcb);
            out.extend(bits(value, 8)?);
        }
        "$f32" => {
            out.push(0xca);
            out.extend(bits(value, 4)?);
        }
        "$bin" => rmp::encode::write_bin(out, &unhex(value.text().context("`$bin` takes digits")?)?)?,
        "$msgpack" => rmp::encode::write_bin(out, &to_msgpack(value)?)?,
        "$raw" => out.extend(unhex(value.text().context("`$raw` takes digits")?)?),
        "$map" => {
            let pair = |pair: &'_ Json| match pair.list() {
                [Json::Text(key), value] => Ok((key.clone(), value.clone())),
                _ => bail!("`$map` takes pairs"),
            };
            let pairs: Vec<(String, Json)> = value.list().iter().map(pair).collect::<Result<_>>()?;
            write_map(pairs.iter().map(|pair| (pair.0.as_str(), &pair.1)), out)?;
        }
        "$text" => {
            let of = value.get("of").and_then(Json::text).context("`$text` repeats `of`")?;
            rmp::encode::write_str(out, &of.repeat(times(value)?))?;
        }
        "$concat" => value.list().iter().try_for_each(|value| write(value, out))?,
        "$truncate" => {
            let whole = to_msgpack(value.get("value").context("`$truncate` takes a `value`")?)?;
            let bytes = value.get("bytes").and_then(Json::int).context("`$truncate` takes `bytes`")? as usize;
            out.extend(whole.get(..bytes).context("`$truncate` leaves less than there is")?);
        }
        other => bail!("`{other}` is no construct of case files"),
    }
    Ok(())
}

fn times(value: &Json) -> Result<usize> {
    Ok(value.get("times").and_then(Json::int).context("it takes `times`")? as usize)
}

/// A list with its repetitions written out.
fn repeated(values: &[Json]) -> Result<Vec<Json>> {
    let mut out = Vec::new();
    for value in values {
        match value.get("$repeat") {
            None => out.push(value.clone()),
            Some(repeat) => {
                let one = repeat.get("value").context("`$repeat` takes a `value`")?;
                out.extend((0..times(repeat)?).map(|n| numbered(one, n)));
            }
        }
    }
    Ok(out)
}

fn numbered(json: &Json, n: usize) -> Json {
    match json {
        Json::Text(text) => Json::Text(text.replace("{n}", &n.to_string())),
        Json::List(values) => Json::List(values.iter().map(|value| numbered(value, n)).collect()),
        Json::Map(pairs) => Json::Map(pairs.iter().map(|(key, value)| (key.clone(), numbered(value, n))).collect()),
        other => other.clone(),
    }
}

fn bits(value: &Json, width: usize) -> Result<Vec<u8>> {
    let digits = value.text().and_then(|text| text.strip_prefix("0x")).context("bits are written as `0x3fe0..`")?;
    let bytes = unhex(digits)?;
    ensure!(bytes.len() == width, "`{digits}` has not {width} bytes");
    Ok(bytes)
}

/// Bytes of hexadecimal digits; spaces are for people.
fn unhex(digits: &str) -> Result<Vec<u8>> {
    let digits: String = digits.chars().filter(|digit| !digit.is_whitespace()).collect();
    ensure!(digits.len().is_multiple_of(2) && digits.is_ascii(), "`{digits}` is no whole number of bytes");
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).context("hexadecimal digits");
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// The JSON of an answer, for people; [`to_msgpack`] makes the same bytes of it.
///
/// # Errors
/// Where the answer holds what no answer holds.
pub fn to_json(value: &Value) -> Result<Json> {
    Ok(match value {
        Value::Nil => Json::Null,
        Value::Boolean(value) => Json::Bool(*value),
        Value::Integer(value) => {
            Json::Int(value.as_i64().map(i128::from).or(value.as_u64().map(i128::from)).context("64 bits")?)
        }
        Value::F64(value) => Json::Map(vec![
            ("$f64".into(), Json::Text(format!("{:#018x}", value.to_bits()))),
            ("is".into(), Json::Text(value.to_string())),
        ]),
        Value::String(text) => Json::Text(text.as_str().context("UTF-8")?.to_owned()),
        Value::Binary(bytes) => match crate::value::decode(bytes) {
            Ok(inner @ Value::Map(_)) => Json::Map(vec![("$msgpack".into(), to_json(&inner)?)]),
            _ => Json::Map(vec![("$bin".into(), Json::Text(crate::oracle::hex(bytes)))]),
        },
        Value::Array(values) => Json::List(values.iter().map(to_json).collect::<Result<_>>()?),
        Value::Map(pairs) => Json::Map(
            pairs
                .iter()
                .map(|(key, value)| Ok((key.as_str().context("keys are text")?.to_owned(), to_json(value)?)))
                .collect::<Result<_>>()?,
        ),
        other => bail!("no answer holds `{other}`"),
    })
}
