//! JSON as the engine reads it: strictly, without duplicate names.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// One JSON value and nothing after it, or nothing. Duplicate names are refused at every depth: two readers of one text
/// could otherwise see two different values. So is nesting of more than 128 levels.
pub(crate) fn parse(bytes: &[u8]) -> Option<Value> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict.deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    Some(value)
}

/// Like [`parse`], for one JSON object.
pub(crate) fn parse_object(bytes: &[u8]) -> Option<Map<String, Value>> {
    match parse(bytes)? {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// The object in the one form of RFC 8785 (JSON Canonicalization Scheme), for objects whose numbers are whole and within
/// 2^53, as the engine makes them. Names are sorted whatever order the map keeps.
pub(crate) fn to_canonical(object: &Map<String, Value>) -> String {
    let mut text = String::with_capacity(64 * object.len() + 2);
    write_canonical_object(object, &mut text);
    text
}

fn write_canonical_object(object: &Map<String, Value>, text: &mut String) {
    text.push('{');
    if object.keys().all(|name| name.is_ascii()) {
        write_canonical_members(object.iter(), text); // a map keeps the order of bytes, which is that of UTF-16 here
    } else {
        let mut members: Vec<(&String, &Value)> = object.iter().collect();
        members.sort_unstable_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
        write_canonical_members(members.into_iter(), text);
    }
    text.push('}');
}

fn write_canonical_members<'a>(members: impl Iterator<Item = (&'a String, &'a Value)>, text: &mut String) {
    for (at, (name, value)) in members.enumerate() {
        if at > 0 {
            text.push(',');
        }
        write_canonical_text(name, text);
        text.push(':');
        write_canonical(value, text);
    }
}

fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(object) => write_canonical_object(object, text),
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write_canonical(item, text);
            }
            text.push(']');
        }
        Value::String(string) => write_canonical_text(string, text),
        Value::Null => text.push_str("null"),
        plain => text.push_str(&plain.to_string()),
    }
}

/// Escapes what must be escaped and nothing else, as serde_json and RFC 8785 both do.
fn write_canonical_text(string: &str, text: &mut String) {
    if string.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        text.push_str(&Value::from(string).to_string());
        return;
    }
    text.push('"');
    text.push_str(string);
    text.push('"');
}

/// A number that is a whole count, also when it was written as `3600.0` or `1e3`.
pub(crate) fn whole_number(value: &Value) -> Option<u64> {
    const EXACT: f64 = (1u64 << 53) as f64;
    match value {
        Value::Number(number) => number.as_u64().or_else(|| {
            number.as_f64().filter(|n| n.fract() == 0.0 && (0.0..EXACT).contains(n)).map(|n| n as u64)
        }),
        _ => None,
    }
}

/// What an allocation needs besides its own bytes, at most: the allocator's bookkeeping and rounding.
pub(crate) const ALLOCATION_BYTES: usize = 24;

/// The bytes on the heap of an object's members, never fewer than there are.
pub(crate) fn heap_bytes(object: &Map<String, Value>) -> usize {
    // Members stand in nodes of eleven, of which a node beside others holds at least five; a fifth of the nodes are inner
    // ones, with twelve pointers.
    const NODE: usize =
        11 * (size_of::<String>() + size_of::<Value>()) + 12 * size_of::<usize>() + ALLOCATION_BYTES;
    let nodes = match object.len() {
        0 => 0,
        len => 1 + (len / 5) * 6 / 5,
    };
    let members =
        object.iter().map(|(name, value)| name.capacity() + ALLOCATION_BYTES + value_heap_bytes(value));
    nodes * NODE + members.sum::<usize>()
}

fn value_heap_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.capacity() + ALLOCATION_BYTES,
        Value::Array(items) => {
            let inner: usize = items.iter().map(value_heap_bytes).sum();
            items.capacity() * size_of::<Value>() + ALLOCATION_BYTES + inner
        }
        Value::Object(object) => heap_bytes(object),
    }
}

struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate names")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(Strict)? {
            array.push(item);
        }
        array.shrink_to_fit(); // caches keep claims
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(Strict)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("duplicate name"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_object_without_duplicate_names() {
        assert!(parse_object(br#" {"a":[1,{"b":null}],"c":-1.5e3} "#).is_some());
        for bad in [
            "",
            "[]",
            "1",
            "{",
            "{}{}",
            "{} x",
            r#"{"a":1,"a":2}"#,
            r#"{"a":{"b":1,"b":1}}"#,
            r#"{"a":[{"b":1,"b":1}]}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":1e999}"#,
            "{'a':1}",
            "\u{feff}{}",
        ] {
            assert!(parse_object(bad.as_bytes()).is_none(), "{bad}");
        }
        assert!(parse_object(b"{\"a\":\"\xff\"}").is_none());
        assert!(
            parse_object(format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000)).as_bytes()).is_none()
        );
    }

    #[test]
    fn canonical_objects_are_those_of_rfc_8785() {
        // Its example of the order of names, section 3.2.3.
        let names = ["\r", "1", "\u{80}", "\u{f6}", "\u{20ac}", "\u{1f600}", "\u{fb33}"];
        let object: Map<String, Value> = names.iter().map(|&name| (name.to_owned(), Value::Null)).collect();
        let expected = "{\"\\r\":null,\"1\":null,\"\u{80}\":null,\"\u{f6}\":null,\"\u{20ac}\":null,\"\u{1f600}\":null,\"\u{fb33}\":null}";
        assert_eq!(to_canonical(&object), expected);

        // Objects without a name outside of ASCII, and texts with each of its characters.
        let mut object = Map::new();
        for character in (0..=0x7f).map(char::from) {
            object.insert(format!("a{character}b"), Value::from(format!("{character}")));
        }
        object.insert("nested".to_owned(), serde_json::json!({"b": [true, 1, null], "a": {}}));
        assert_eq!(to_canonical(&object), serde_json::to_string(&object).unwrap());
    }

    #[test]
    fn whole_numbers() {
        let read = |text: &str| whole_number(&serde_json::from_str(text).unwrap());
        assert_eq!((read("0"), read("3600.0"), read("1e3")), (Some(0), Some(3600), Some(1000)));
        for bad in ["-1", "1.5", "-0.5", "1e300", "\"1\"", "null", "true", "[1]"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
