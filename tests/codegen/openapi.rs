//! The schemas and enums of `core/src/rest/openapi.json` that repeat core's records and codes. Only these blocks are
//! replaced; all other text of the document is written by hand.

use std::fs;
use std::path::Path;

use hellojohn::schema::{Field, Kind, PublicRecord, PublicValue, Record};
use hellojohn::{ConfigWarning, ErrorCode, EventType, KeyInfo, StatsPeriod};
use serde_json::{Value, json};

use super::{ANSWERS, flatten, one_line};

const PATH: &str = "core/src/rest/openapi.json";

pub(super) fn files(root: &Path) -> Vec<(String, String)> {
    let mut text = fs::read_to_string(root.join(PATH)).expect("the OpenAPI description");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    let listed = [&KeyInfo::RECORD, &StatsPeriod::RECORD];
    for record in ANSWERS.iter().map(|answer| &answer.record).chain(listed) {
        if !text.contains(&format!("\"#/components/schemas/{}\"", record.name)) {
            continue;
        }
        let mut schema = object(record);
        let kept = &document["components"]["schemas"][record.name];
        if !kept["examples"].is_null() {
            schema.push(("examples", kept["examples"].clone().into()));
        }
        let more = match record.name {
            "Session" => Some((
                "current",
                json!({"type": "boolean", "description": "Only for access tokens: whether this is the session that asks."}),
            )),
            "Stats" => Some((
                "series",
                json!({"type": "array", "items": {"$ref": "#/components/schemas/StatsPeriod"},
                    "description": "With the parameter of that name: the periods, oldest first."}),
            )),
            "Config" => Some((
                "warnings",
                json!({"type": "array", "items": {"enum": words(&ConfigWarning::KIND)},
                    "description": "What is allowed and probably not meant."}),
            )),
            _ => None,
        };
        if let Some(more) = more
            && let Some((_, Part::Object(properties))) =
                schema.iter_mut().find(|(name, _)| *name == "properties")
        {
            properties.push((more.0, more.1.into()));
        }
        replace(&mut text, &format!("      \"{}\": ", record.name), &Part::Object(schema).print(6));
    }
    codes(&mut text);
    replace_event_types(&mut text);
    vec![(PATH.to_owned(), text)]
}

fn words(kind: &Kind) -> Vec<&'static str> {
    match kind {
        Kind::Word(words) => words.words.iter().map(|(word, _)| *word).collect(),
        _ => unreachable!("an enum of words"),
    }
}

/// JSON whose objects keep their order.
enum Part {
    Object(Vec<(&'static str, Part)>),
    Value(Value),
}

impl From<Value> for Part {
    fn from(value: Value) -> Self {
        Part::Value(value)
    }
}

impl Part {
    fn print(&self, indent: usize) -> String {
        match self {
            Part::Value(value) => {
                let lines = serde_json::to_string_pretty(value).expect("JSON");
                lines.replace('\n', &format!("\n{:indent$}", ""))
            }
            Part::Object(members) => {
                let members: Vec<String> = members
                    .iter()
                    .map(|(name, part)| {
                        format!("{:1$}\"{name}\": {2}", "", indent + 2, part.print(indent + 2))
                    })
                    .collect();
                format!("{{\n{}\n{:indent$}}}", members.join(",\n"), "")
            }
        }
    }
}

fn object(record: &Record) -> Vec<(&'static str, Part)> {
    let fields = flatten(record, true);
    let required: Vec<&str> = fields.iter().map(|(_, field)| field.name).collect();
    vec![
        ("type", json!("object").into()),
        ("description", json!(one_line(record.doc)).into()),
        ("additionalProperties", json!(false).into()),
        ("required", json!(required).into()),
        ("properties", Part::Object(fields.iter().map(|(_, field)| (field.name, property(field))).collect())),
    ]
}

fn property(field: &Field) -> Part {
    let description = json!(one_line(field.doc));
    let typed = |name: &str| if field.is_optional { json!([name, "null"]) } else { json!(name) };
    let mut schema: Vec<(&'static str, Part)> = match field.kind {
        Kind::Record(record) => {
            let mut schema = object(record);
            if field.is_optional {
                schema[0].1 = json!(["object", "null"]).into();
            }
            return Part::Object(schema);
        }
        Kind::Word(words) => {
            let mut words: Vec<Value> = words.words.iter().map(|(word, _)| json!(word)).collect();
            words.extend(field.is_optional.then_some(Value::Null));
            vec![("enum", Value::Array(words).into())]
        }
        Kind::Text { pattern, example } => {
            let mut schema = vec![("type", typed("string").into())];
            schema.extend(pattern.map(|pattern| ("pattern", json!(pattern).into())));
            schema.extend(example.map(|example| ("examples", json!([example]).into())));
            schema
        }
        Kind::Time => vec![
            ("type", typed("string").into()),
            ("format", json!("date-time").into()),
            ("examples", json!(["2024-01-15T10:30:00Z"]).into()),
        ],
        Kind::Duration => vec![("type", typed("string").into())],
        Kind::Bool => vec![("type", typed("boolean").into())],
        Kind::Object => vec![("type", typed("object").into())],
        Kind::Names => vec![("type", json!("array").into()), ("items", json!({"type": "string"}).into())],
        Kind::List(record) => {
            vec![("type", json!("array").into()), ("items", Part::Object(object(record)))]
        }
        Kind::Count(range) => {
            let mut schema = vec![
                ("type", typed("integer").into()),
                ("minimum", json!(range.map_or(0, |range| range.0)).into()),
            ];
            schema.extend(range.map(|range| ("maximum", json!(range.1).into())));
            schema
        }
    };
    schema.push(("description", description.into()));
    Part::Object(schema)
}

/// Replaces the object that follows `start` in a document of two spaces a level.
fn replace(text: &mut String, start: &str, object: &str) {
    let first = text.find("    \"schemas\": {\n").expect("there are schemas") + "    \"schemas\": {\n".len();
    if !text[first..].contains(start) {
        text.insert_str(first, &format!("{start}{object},\n"));
        return;
    }
    let from = text.rfind(start).expect("the schema has its place") + start.len();
    let closing = format!("\n{:1$}}}", "", start.len() - start.trim_start().len());
    let to = from + text[from..].find(&closing).expect("it ends") + closing.len();
    text.replace_range(from..to, object);
}

/// Replaces the lists of error codes: of each response those of its status, of the schema `Error` all.
fn codes(text: &mut String) {
    let mut at = 0;
    while let Some(found) = text[at..].find("\"code\": {") {
        let start = at + found + "\"code\": {".len();
        let end = start + text[start..].find('}').expect("it ends");
        at = end;
        let after = text[end..].split('}').nth(1).unwrap_or_default();
        let status =
            after.split_once("\"const\": ").and_then(|(_, number)| number.trim().parse::<u16>().ok());
        // The reasons of a failed verification are a choice of their own: they have no status beside them.
        if status.is_none() && !after.contains("One line for a developer") {
            continue;
        }
        let indent = text[..start].rfind('\n').map_or(0, |line| start - line - 1 - "\"code\": {".len());
        let listed =
            ErrorCode::ALL.iter().filter(|code| status.is_none_or(|status| status == code.http_status()));
        let listed: Vec<&str> = listed.map(|code| code.as_str()).collect();
        let part = Part::Object(vec![("enum", json!(listed).into())]).print(indent);
        text.replace_range(start - 1..=end, &part);
        at = start + part.len() - 1;
    }
}

/// Replaces the pattern of the parameter `types`: names of events, between commas.
fn replace_event_types(text: &mut String) {
    let name = words(&EventType::KIND).join("|").replace('.', "\\.");
    let parameter = text.find("\"name\": \"types\"").expect("the parameter has its place");
    let start = "\"pattern\": ";
    let from = parameter + text[parameter..].find(start).expect("it has a pattern") + start.len();
    let to = from + text[from..].find('\n').expect("the line ends");
    text.replace_range(from..to, &json!(format!("^({name})(,({name}))*$")).to_string());
}
