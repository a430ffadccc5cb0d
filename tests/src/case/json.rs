//! JSON as case files hold it: keys in the order of the file, numbers as they were written, and a printer for people.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// null
    Null,
    /// true or false
    Bool(bool),
    /// a number without a point
    Int(i128),
    /// a number with a point or an exponent
    Float(f64),
    /// text
    Text(String),
    /// a list
    List(Vec<Json>),
    /// pairs, in the order of the file
    Map(Vec<(String, Json)>),
}

impl Json {
    /// Parses a file.
    ///
    /// # Errors
    /// Where it is no JSON.
    pub fn parse(text: &str) -> Result<Json, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// A field of a map.
    pub fn get(&self, name: &str) -> Option<&Json> {
        let Json::Map(pairs) = self else { return None };
        pairs.iter().find(|pair| pair.0 == name).map(|pair| &pair.1)
    }

    /// Text.
    pub fn text(&self) -> Option<&str> {
        if let Json::Text(text) = self { Some(text) } else { None }
    }

    /// A whole number.
    pub fn int(&self) -> Option<i64> {
        if let Json::Int(value) = self { i64::try_from(*value).ok() } else { None }
    }

    /// A list; empty for everything else.
    pub fn list(&self) -> &[Json] {
        if let Json::List(values) = self { values } else { &[] }
    }

    /// Pairs; empty for everything else.
    pub fn pairs(&self) -> &[(String, Json)] {
        if let Json::Map(pairs) = self { pairs } else { &[] }
    }

    /// The value for people: what fits into 120 columns on one line, everything else broken.
    pub fn pretty(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, 0, 0);
        out.push('\n');
        out
    }

    fn write(&self, out: &mut String, indent: usize, used: usize) {
        let flat = self.flat();
        let top = indent == 0 && matches!(self, Json::Map(_));
        if !top && indent * 2 + used + flat.chars().count() < 118 {
            return out.push_str(&flat);
        }
        let line = |out: &mut String, indent: usize| out.push_str(&format!("\n{}", "  ".repeat(indent)));
        match self {
            Json::List(values) if !values.is_empty() => {
                out.push('[');
                for (at, value) in values.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    line(out, indent + 1);
                    value.write(out, indent + 1, 0);
                }
                line(out, indent);
                out.push(']');
            }
            Json::Map(pairs) if !pairs.is_empty() => {
                out.push('{');
                for (at, (key, value)) in pairs.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    line(out, indent + 1);
                    let key = format!("{}: ", quoted(key));
                    out.push_str(&key);
                    value.write(out, indent + 1, key.chars().count());
                }
                line(out, indent);
                out.push('}');
            }
            _ => out.push_str(&flat),
        }
    }

    fn flat(&self) -> String {
        match self {
            Json::Null => "null".into(),
            Json::Bool(value) => value.to_string(),
            Json::Int(value) => value.to_string(),
            Json::Float(value) => format!("{value:?}"),
            Json::Text(text) => quoted(text),
            Json::List(values) => format!("[{}]", values.iter().map(Json::flat).collect::<Vec<_>>().join(", ")),
            Json::Map(pairs) => {
                let pair = |(key, value): &(String, Json)| format!("{}: {}", quoted(key), value.flat());
                format!("{{{}}}", pairs.iter().map(pair).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Int(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Int(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Json, A::Error> {
        let mut out = Vec::new();
        while let Some(value) = values.next_element()? {
            out.push(value);
        }
        Ok(Json::List(out))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Json, A::Error> {
        let mut out = Vec::new();
        while let Some(pair) = pairs.next_entry()? {
            out.push(pair);
        }
        Ok(Json::Map(out))
    }
}
