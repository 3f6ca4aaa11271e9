//! Values by path, variables, and whether an answer is as expected.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// Values that steps saved by name.
#[derive(Default)]
pub struct Variables(BTreeMap<String, Value>);

impl Variables {
    /// Keeps a value.
    pub fn save(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    fn get(&self, name: &str) -> Result<&Value, String> {
        self.0.get(name).ok_or_else(|| format!("${name} was not saved"))
    }

    /// The value with `"$name"` replaced by what was saved, and `${name}` inside longer texts.
    pub fn resolve(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => match text.strip_prefix('$') {
                Some(name) if !name.starts_with('{') => self.get(name)?.clone(),
                _ => Value::String(self.interpolate(text)?),
            },
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.resolve(item)).collect::<Result<_, _>>()?)
            }
            Value::Object(object) => Value::Object(
                object
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), self.resolve(value)?)))
                    .collect::<Result<_, String>>()?,
            ),
            plain => plain.clone(),
        })
    }

    fn interpolate(&self, text: &str) -> Result<String, String> {
        let mut result = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').ok_or("an open ${")?;
            result += before;
            result += self.get(name)?.as_str().ok_or_else(|| format!("${name} is not a text"))?;
            rest = after;
        }
        Ok(result + rest)
    }
}

/// The value at a dotted path; `$jwt` and `$jwt_header` stand for the decoded parts of the answer's access
/// token, `$list` and `$list_header` for those of its revocation list.
pub fn at(answer: &Value, path: &str) -> Result<Option<Value>, String> {
    if path.is_empty() {
        return Ok(Some(answer.clone()));
    }
    let mut names = path.split('.');
    let first = names.next().unwrap_or_default();
    let mut value = match first {
        "$jwt" => Some(token_part(&answer["access_token"], 1)?),
        "$jwt_header" => Some(token_part(&answer["access_token"], 0)?),
        "$list" => Some(token_part(&answer["list"], 1)?),
        "$list_header" => Some(token_part(&answer["list"], 0)?),
        name => step(answer, name).cloned(),
    };
    for name in names {
        value = value.as_ref().and_then(|value| step(value, name)).cloned();
    }
    Ok(value)
}

fn step<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        Value::Object(object) => object.get(name),
        _ => None,
    }
}

fn token_part(token: &Value, part: usize) -> Result<Value, String> {
    let token = token.as_str().ok_or("the answer has no signed text")?;
    let text = token.split('.').nth(part).ok_or("the signed text has too few parts")?;
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|error| error.to_string())?;
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}

/// Whether the value at the path is as expected; the error says what it is instead.
pub fn check(answer: &Value, path: &str, expected: &Value) -> Result<(), String> {
    let found = at(answer, path)?;
    if let Some((test, wanted)) = single_test(expected) {
        let passed = match (test, &found) {
            ("$exists", found) => wanted.as_bool() == Some(found.is_some()),
            ("$ne", Some(found)) => found != wanted,
            ("$len", Some(Value::Array(items))) => wanted.as_u64() == Some(items.len() as u64),
            ("$len", Some(Value::String(text))) => wanted.as_u64() == Some(text.len() as u64),
            ("$prefix", Some(Value::String(text))) => {
                wanted.as_str().is_some_and(|prefix| text.starts_with(prefix))
            }
            ("$type", Some(found)) => wanted.as_str() == Some(type_of(found)),
            _ => false,
        };
        return if passed { Ok(()) } else { Err(format!("{path}: expected {expected}, found {found:?}")) };
    }
    match found {
        Some(found) if same(&found, expected) => Ok(()),
        Some(found) => Err(format!("{path}: expected {expected}, found {found}")),
        None => Err(format!("{path}: expected {expected}, found nothing")),
    }
}

/// Equal as JSON values: `2` and `2.0` are the same number, as JavaScript has it.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

/// Rounds every time in milliseconds down to a whole second, as REST writes it: a number whose name is `at` or ends in `_at`.
pub fn round_times_down(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(round_times_down),
        Value::Object(object) => {
            object.iter_mut().for_each(|(name, value)| round_times_down_at(name, value));
        }
        _ => {}
    }
}

/// Does so for the value that stands at a path.
pub fn round_times_down_at(path: &str, value: &mut Value) {
    match value.as_i64() {
        Some(millis)
            if path.ends_with("_at") || path == "at" || path.ends_with(".at") || is_auth_time(path) =>
        {
            *value = Value::from(millis.div_euclid(1000) * 1000)
        }
        _ => round_times_down(value),
    }
}

/// The session's; the claim of that name has seconds.
fn is_auth_time(path: &str) -> bool {
    matches!(path, "auth_time" | "session.auth_time")
}

fn single_test(expected: &Value) -> Option<(&str, &Value)> {
    let object = expected.as_object().filter(|object| object.len() == 1)?;
    let (name, value) = object.iter().next()?;
    name.starts_with('$').then_some((name, value))
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
