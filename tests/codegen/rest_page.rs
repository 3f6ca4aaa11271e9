//! `docs/reference/rest.md`, the OpenAPI description as a page for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hellojohn::ErrorCode;
use serde_json::{Map, Value};

const METHODS: &[&str] = &["get", "post", "patch", "delete"];

pub(super) fn files(openapi: &str) -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(openapi).expect("JSON");
    vec![("docs/reference/rest.md".to_owned(), Page { document: &document }.write())]
}

struct Page<'a> {
    document: &'a Value,
}

impl Page<'_> {
    fn write(&self) -> String {
        let info = &self.document["info"];
        let mut page = format!(
            "<!-- Written by `make generate` from core/src/rest/openapi.json; do not edit. -->\n\n# REST reference\n\n{}\n\n{}\n\n\
             The same as a machine reads it: `core/src/rest/openapi.json` (OpenAPI {}), in the Node package `@hellojohn/node/openapi.json`. \
             Where the routes are mounted is up to the host; paths below begin there. [Quick start](../start/rest.md), \
             [errors](errors.md), [the refresh cookie](../COOKIES.md).\n",
            text(&info["summary"]),
            text(&info["description"]),
            text(&self.document["openapi"]),
        );
        page += "\n## Credentials\n\n| Name | How it is sent | |\n|---|---|---|\n";
        for (name, scheme) in members(&self.document["components"]["securitySchemes"]) {
            let sent = match scheme["type"].as_str() {
                Some("http") => "`Authorization: Bearer …`".to_owned(),
                _ => format!("the cookie `{}`", text(&scheme["name"])),
            };
            row(&mut page, &[&credential(name), &sent, text(&scheme["description"])]);
        }
        page += "\n## Answers of every route\n\nBeside those that each route names:\n";
        self.answers(&mut page, self.common_answers());
        for tag in list(&self.document["tags"]) {
            write!(page, "\n## {}\n", text(&tag["name"])).expect("a string");
            for (path, operations) in members(&self.document["paths"]) {
                for method in METHODS {
                    let operation = &operations[*method];
                    if operation["tags"][0] == tag["name"] {
                        self.operation(&mut page, method, path, operation);
                    }
                }
            }
        }
        page += "\n## Objects\n";
        for (name, schema) in members(&self.document["components"]["schemas"]) {
            self.object(&mut page, name, schema);
        }
        page
    }

    fn operation(&self, page: &mut String, method: &str, path: &str, operation: &Value) {
        let method = method.to_uppercase();
        write!(page, "\n### {}\n\n```http\n{method} {path}\n```\n", text(&operation["summary"]))
            .expect("a string");
        if let Some(description) = operation["description"].as_str() {
            write!(page, "\n{description}\n").expect("a string");
        }
        write!(page, "\nCredential: {}.\n", credentials(&operation["security"])).expect("a string");
        let parameters: Vec<&Value> = list(&operation["parameters"]).map(|one| self.resolve(one)).collect();
        if !parameters.is_empty() {
            *page += "\n| Parameter | In | Type | |\n|---|---|---|---|\n";
            for one in parameters {
                let name = format!("`{}`", text(&one["name"]));
                row(page, &[&name, text(&one["in"]), &self.kind(&one["schema"]), text(&one["description"])]);
            }
        }
        let body = &operation["requestBody"];
        if !body.is_null() {
            let kind = self.kind(json_of(self.resolve(body)));
            let may = if body["required"] == true { "" } else { ", which may be left out" };
            write!(page, "\nBody: {kind}{may}.\n").expect("a string");
        }
        let common: Vec<&str> = self.common_answers().map(|(status, _)| status).collect();
        self.answers(page, members(&operation["responses"]).filter(|(status, _)| !common.contains(status)));
    }

    /// The refusals that every operation may answer with.
    fn common_answers(&self) -> impl Iterator<Item = (&str, &Value)> {
        let operations = || {
            let paths = members(&self.document["paths"]).map(|(_, operations)| operations);
            paths.flat_map(|operations| METHODS.iter().filter_map(|method| operations.get(*method)))
        };
        let first = operations().next().expect("an operation");
        members(&first["responses"]).filter(move |(status, response)| {
            operations().all(|operation| operation["responses"].get(*status) == Some(*response))
        })
    }

    fn answers<'a>(&self, page: &mut String, responses: impl Iterator<Item = (&'a str, &'a Value)>) {
        *page += "\n| Answer | Body |\n|---|---|\n";
        for (status, response) in responses {
            let response = self.resolve(response);
            if status.starts_with('2') {
                let schema = json_of(response);
                let body = if schema.is_null() { "none".to_owned() } else { self.kind(schema) };
                row(page, &[status, &body]);
            } else {
                let codes = error_codes(response).unwrap_or_else(|| of_status(status));
                let links: Vec<String> =
                    codes.iter().map(|code| format!("[`{code}`](errors.md#{code})")).collect();
                row(page, &[status, &links.join(", ")]);
            }
        }
    }

    fn object(&self, page: &mut String, name: &str, schema: &Value) {
        write!(page, "\n### {name}\n").expect("a string");
        if let Some(description) = schema["description"].as_str() {
            write!(page, "\n{description}\n").expect("a string");
        }
        let choices = list(&schema["oneOf"]).chain(list(&schema["anyOf"]));
        for (index, choice) in choices.enumerate() {
            write!(page, "\n{}\n", if index == 0 { "Either" } else { "or" }).expect("a string");
            if choice["properties"].is_null() {
                write!(page, "\n{}.\n", self.kind(choice)).expect("a string");
            } else {
                self.members_of(page, choice);
            }
        }
        self.members_of(page, schema);
        if let Some(example) = schema["examples"].get(0) {
            let lines = serde_json::to_string_pretty(example).expect("JSON");
            write!(page, "\n```json\n{lines}\n```\n").expect("a string");
        }
    }

    /// A table of an object's members, in the order in which it requires them; those of inner objects below their owner.
    fn members_of(&self, page: &mut String, schema: &Value) {
        if schema["properties"].is_null() {
            return;
        }
        *page += "\n| Member | Type | |\n|---|---|---|\n";
        self.rows(page, "", schema);
    }

    fn rows(&self, page: &mut String, prefix: &str, schema: &Value) {
        let required: Vec<&str> = list(&schema["required"]).filter_map(Value::as_str).collect();
        let mut properties: Vec<(&str, &Value)> = members(&schema["properties"]).collect();
        let place = |name: &str| required.iter().position(|one| *one == name).unwrap_or(usize::MAX);
        properties.sort_by_key(|(name, _)| place(name));
        for (name, property) in properties {
            let path = format!("{prefix}{name}");
            let may = if required.contains(&name) || required.is_empty() { "" } else { " (may be absent)" };
            row(page, &[&format!("`{path}`{may}"), &self.kind(property), text(&property["description"])]);
            if !property["properties"].is_null() {
                self.rows(page, &format!("{path}."), property);
            } else if !property["items"]["properties"].is_null() {
                self.rows(page, &format!("{path}[]."), &property["items"]);
            }
        }
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let Some(reference) = value["$ref"].as_str() else { return value };
        self.document.pointer(reference.trim_start_matches('#')).expect("a reference leads somewhere")
    }

    /// The type of a value in words.
    fn kind(&self, schema: &Value) -> String {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap_or(reference);
            return format!("[{name}](#{})", name.to_lowercase());
        }
        let choices: Vec<String> =
            list(&schema["oneOf"]).chain(list(&schema["anyOf"])).map(|choice| self.kind(choice)).collect();
        if !choices.is_empty() {
            return choices.join(" or ");
        }
        if let Some(words) = schema["enum"].as_array() {
            let quoted = words.iter().map(|word| format!("`{}`", word.as_str().unwrap_or("null")));
            return quoted.collect::<Vec<_>>().join(", ");
        }
        if !schema["const"].is_null() {
            return format!("`{}`", schema["const"]);
        }
        let types: Vec<String> = match &schema["type"] {
            Value::Array(types) => types.iter().map(|one| self.simple(text(one), schema)).collect(),
            one => vec![self.simple(text(one), schema)],
        };
        let range = match (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
            (Some(low), Some(high)) => format!(", {low} to {high}"),
            (Some(low), None) if low > 0 => format!(", at least {low}"),
            _ => String::new(),
        };
        let default = &schema["default"];
        let default = if default.is_null() { String::new() } else { format!(", default `{default}`") };
        types.join(" or ") + &range + &default
    }

    fn simple(&self, name: &str, schema: &Value) -> String {
        match name {
            "string" if schema["format"] == "date-time" => "time".to_owned(),
            "string" => "text".to_owned(),
            "array" => format!("list of {}", self.kind(&schema["items"])),
            "" => "any value".to_owned(),
            _ => name.to_owned(),
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter).map(|(name, value)| (name.as_str(), value))
}

fn row(page: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
    writeln!(page, "| {} |", cells.join(" | ")).expect("a string");
}

fn credential(name: &str) -> String {
    match name {
        "secretKey" => "secret key",
        "accessToken" => "access token",
        "refreshToken" => "refresh token",
        "refreshCookie" => "refresh cookie",
        other => other,
    }
    .to_owned()
}

fn credentials(security: &Value) -> String {
    let names: Vec<String> = list(security)
        .map(|one| members(one).next().map_or("none".to_owned(), |(name, _)| credential(name)))
        .collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", or ") }
}

fn json_of(response: &Value) -> &Value {
    &response["content"]["application/json"]["schema"]
}

/// The codes that a response names, wherever it does.
fn error_codes(response: &Value) -> Option<Vec<String>> {
    match response {
        Value::Object(object) => {
            let words = object.get("code").and_then(|code| code["enum"].as_array());
            words
                .map(|words| words.iter().map(|word| text(word).to_owned()).collect())
                .or_else(|| object.values().find_map(error_codes))
        }
        Value::Array(values) => values.iter().find_map(error_codes),
        _ => None,
    }
}

fn of_status(status: &str) -> Vec<String> {
    let by_status: BTreeMap<String, Vec<String>> =
        ErrorCode::ALL.iter().fold(BTreeMap::new(), |mut map, code| {
            map.entry(code.http_status().to_string()).or_insert_with(Vec::new).push(code.to_string());
            map
        });
    by_status.get(status).cloned().unwrap_or_default()
}
