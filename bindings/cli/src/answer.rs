//! What a command answers with, for people and for programs.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

use crate::exit_code::DONE;

/// The answer of a command.
#[derive(Debug)]
pub(crate) struct Answer {
    /// For programs (`--json`), under REST's names.
    pub json: Value,
    /// For people.
    pub text: String,
    pub exit_code: u8,
}

impl Answer {
    pub fn new(json: Value, text: impl Into<String>) -> Self {
        Answer { json, text: text.into(), exit_code: DONE }
    }

    /// Nothing: what there was to say has been said.
    pub fn nothing() -> Self {
        Answer::new(Value::Null, "")
    }

    /// An object, to people as a line for each member that has a value.
    pub fn details(json: Value) -> Self {
        let text = details(&json);
        Answer::new(json, text)
    }
}

/// Columns under their names, as wide as their texts.
pub(crate) fn table(names: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if !names.is_empty() {
        table.set_header(names.iter().copied());
    }
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

/// A line for each member of an object that has a value; members of objects inside of it are named by their path.
pub(crate) fn details(object: &Value) -> String {
    let mut rows = Vec::new();
    collect_details("", object, &mut rows);
    table(&[], rows)
}

fn collect_details(prefix: &str, object: &Value, rows: &mut Vec<Vec<String>>) {
    for (name, value) in object.as_object().into_iter().flatten() {
        match value {
            Value::Null => {}
            Value::Object(members) if members.is_empty() => {}
            Value::Array(items) if items.is_empty() => {}
            Value::Array(items) if items.iter().all(Value::is_object) => {
                for (index, item) in items.iter().enumerate() {
                    collect_details(&format!("{prefix}{name}.{index}."), item, rows);
                }
            }
            Value::Object(_) => collect_details(&format!("{prefix}{name}."), value, rows),
            value => rows.push(vec![format!("{prefix}{name}"), text(value)]),
        }
    }
}

/// A value for people: a text without its quotes, a lost value as `-`.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => printable(text),
        other => printable(&other.to_string()),
    }
}

/// The text without what would steer a terminal: users choose the names of their devices.
fn printable(text: &str) -> String {
    let steers = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if steers(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// `1 session`, `2 sessions`.
pub(crate) fn count(number: u64, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_cannot_steer_the_terminal() {
        assert_eq!(text(&json!("a\u{1b}[2Jb\r\u{202e}\u{9b}")), "a\u{fffd}[2Jb\u{fffd}\u{fffd}\u{fffd}");
    }

    #[test]
    fn a_table_has_columns_as_wide_as_their_texts() {
        let rows = [vec!["1".to_owned(), "x".to_owned()], vec!["1000".to_owned(), String::new()]];
        assert_eq!(table(&["NUMBER", "B"], rows), "NUMBER  B\n1       x\n1000");
    }

    #[test]
    fn details_leave_out_what_has_no_value() {
        let object = json!({"a": 1, "b": null, "c": {"d": "e", "f": {}}, "g": [], "h": [{"i": 2}]});
        assert_eq!(details(&object), "a      1\nc.d    e\nh.0.i  2");
    }
}
