//! What the Node package and its addon repeat: interfaces, words, codes, the names of requests.

use std::fmt::Write as _;

use hellojohn::schema::{Kind, PublicRecord, PublicValue, Record, Words};
use hellojohn::{
    Config, ConfigWarning, CreateSession, DeviceType, Durability, EndReason, ErrorCode, EventDetail,
    EventLogProblem, EventType, Factor, FileAccess, KeyInfo, KeyState, Operation, ProblemKind, RefreshAnswer,
    RefreshRequest, SeriesSpan, Session, SessionLimit, SignOutScope, StatsPeriod, Status, StatusFilter,
};

use super::{ANSWERS, Located, camel_case, flatten, one_line, wrap};

/// The files, of which one has this code that decodes a session.
pub(super) fn files(session: String) -> Vec<(String, String)> {
    let (mut types, mut wire) = (vec![public_words(), error_codes()], vec![internal_words(), session]);
    types.push(interface(&Session::RECORD));
    // Tokens have their claims as they are in JSON.
    let objects = ANSWERS
        .iter()
        .map(|answer| &answer.record)
        .filter(|record| !["Session", "AccessClaims"].contains(&record.name));
    for record in objects.chain([&KeyInfo::RECORD, &StatsPeriod::RECORD, &Factor::RECORD]) {
        types.push(interface(record));
        wire.push(decoder(record));
    }
    types.push(config_patch());
    for (record, name, text) in [
        (
            CreateSession::RECORD,
            "CreateSessionOptions",
            "A sign-in. `undefined` and `null` mean \"not given\".",
        ),
        (RefreshRequest::RECORD, "RefreshOptions", RefreshRequest::RECORD.doc),
    ] {
        types.push(options(&record, name, text));
    }
    wire.push(names("CREATE_NAMES", &CreateSession::RECORD));
    wire.push(names("REFRESH_NAMES", &RefreshRequest::RECORD));
    wire.push(names("CONFIG_NAMES", &Config::RECORD));
    let wire = wire.join("\n");
    let used =
        |name: &&str| [": ", "readonly "].iter().any(|before| wire.contains(&format!("{before}{name}")));
    let names = [
        "DeviceType",
        "EndReason",
        "EventLogProblem",
        "EventType",
        "KeyState",
        "RefreshAnswer",
        "SessionLimit",
        "SessionStatus",
    ]
    .into_iter()
    .filter(used);
    let names = names.chain(
        ANSWERS
            .iter()
            .map(|answer| answer.record.name)
            .chain(["KeyInfo", "StatsPeriod", "Factor"])
            .filter(used),
    );
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    let line = format!("import type {{ {} }} from \"./types\";\n", names.join(", "));
    let lines = format!("import type {{\n  {},\n}} from \"./types\";\n", names.join(",\n  "));
    let names = if line.len() <= 111 { line } else { lines };
    let imports = "import type { Duration, Json } from \"../values\";\n";
    let written = "// Written by `make generate` from core's schema; do not edit.\n";
    vec![
        ("npm/node/src/generated/types.ts".to_owned(), format!("{written}{imports}\n{}", types.join("\n"))),
        (
            "npm/node/src/generated/wire.ts".to_owned(),
            format!(
                "{written}import {{ type Json, joinOptionalTime, joinTime, lastSeen, toDate }} from \"../values\";\n{names}\n{wire}"
            ),
        ),
        // Apart, because they are many.
        (
            "npm/node/src/generated/operation.ts".to_owned(),
            format!("{written}{}", unions(&[Operation::KIND])),
        ),
    ]
}

pub(super) fn error_codes() -> String {
    let text = "Every code that a `HelloJohnError` can have; the same table holds in C, Rust and REST.";
    let codes = ErrorCode::ALL.iter();
    let list = codes.clone().map(|code| wrap(" * - ", &format!("`{code}`: {}", one_line(code.doc()))));
    let doc = format!("/**\n * {text}\n *\n{} */\n", list.collect::<String>());
    union("ErrorCode", &doc, codes.map(|code| code.as_str()))
}

pub(super) fn doc(indent: &str, doc: &str) -> String {
    let line = format!("{indent}/** {} */\n", one_line(doc));
    if line.chars().count() <= 111 {
        return line;
    }
    format!("{indent}/**\n{}{indent} */\n", wrap(&format!("{indent} * "), &one_line(doc)))
}

fn union(name: &str, text: &str, words: impl Iterator<Item = &'static str>) -> String {
    let words: Vec<String> = words.map(|word| format!("\"{word}\"")).collect();
    let line = format!("export type {name} = {};\n", words.join(" | "));
    let lines = format!("export type {name} =\n  | {};\n", words.join("\n  | "));
    text.to_owned() + if line.len() <= 111 { &line } else { &lines }
}

pub(super) fn node_name(words: &Words) -> &'static str {
    if words.name == "Status" { "SessionStatus" } else { words.name }
}

pub(super) fn unions(kinds: &[Kind]) -> String {
    let unions = kinds.iter().map(|kind| match kind {
        Kind::Word(words) => {
            let says = words.words.iter();
            let says = says.map(|(word, doc)| wrap(" * - ", &format!("`{word}`: {}", one_line(doc))));
            let text = format!("/**\n * {}\n *\n{} */\n", one_line(words.doc), says.collect::<String>());
            union(node_name(words), &text, words.words.iter().map(|(word, _)| *word))
        }
        _ => unreachable!("enums of words"),
    });
    unions.collect::<Vec<_>>().join("\n")
}

fn public_words() -> String {
    unions(&[
        Status::KIND,
        EndReason::KIND,
        DeviceType::KIND,
        KeyState::KIND,
        EventType::KIND,
        EventLogProblem::KIND,
        ProblemKind::KIND,
        SessionLimit::KIND,
        RefreshAnswer::KIND,
        ConfigWarning::KIND,
        SeriesSpan::KIND,
    ])
}

fn internal_words() -> String {
    unions(&[StatusFilter::KIND, SignOutScope::KIND, Durability::KIND, FileAccess::KIND, EventDetail::KIND])
}

/// The TypeScript type of a value: as callers see it, as the addon sends it, or as a request has it.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Side {
    Public,
    Wire,
    Request,
}

pub(super) fn type_of(kind: Kind, side: Side) -> String {
    match kind {
        Kind::Text { .. } => "string".to_owned(),
        Kind::Word(words) => node_name(words).to_owned(),
        Kind::Time => if side == Side::Wire { "number" } else { "Date" }.to_owned(),
        Kind::Bool => "boolean".to_owned(),
        Kind::Count(_) => "number".to_owned(),
        Kind::Duration => if side == Side::Request { "Duration" } else { "string" }.to_owned(),
        Kind::Object if side == Side::Request => "object".to_owned(),
        Kind::Object => "Record<string, Json>".to_owned(),
        Kind::Names => if side == Side::Request { "readonly string[]" } else { "string[]" }.to_owned(),
        Kind::List(record) if side == Side::Wire => format!("Wire{}[]", record.name),
        Kind::List(record) => format!("{}[]", record.name),
        Kind::Record(record) => {
            let members = flatten(record, true);
            let members: Vec<String> = members
                .iter()
                .map(|(_, field)| {
                    let name =
                        if side == Side::Wire { field.name.to_owned() } else { camel_case(field.name) };
                    format!("{name}: {}", type_of(field.kind, side))
                })
                .collect();
            format!("{{ {} }}", members.join("; "))
        }
    }
}

pub(super) fn member_name((_, field): &Located) -> String {
    field.node_name.map_or_else(|| camel_case(field.name), str::to_owned)
}

pub(super) fn typed(located: &Located, side: Side) -> String {
    let field = located.1;
    type_of(field.kind, side) + if field.is_optional { " | null" } else { "" }
}

/// The interface that callers see.
fn interface(record: &Record) -> String {
    let mut text = doc("", record.doc) + &format!("export interface {} {{\n", record.name);
    for located in &flatten(record, true) {
        let field = located.1;
        let renamed =
            field.node_name.map_or_else(String::new, |_| format!(" REST calls this `{}`.", field.name));
        if record.name == "Session" && field.name == "revoked_at" {
            text += "  /** Whether `status` is `revoked`. */\n  revoked: boolean;\n";
        }
        text += &doc("  ", &(field.doc.to_owned() + &renamed));
        writeln!(text, "  {}: {};", member_name(located), typed(located, Side::Public)).expect("a string");
    }
    text + "}\n"
}

/// The expression that makes the public value of a value that the addon sent.
pub(super) fn decoded(wire: &str, located: &Located) -> String {
    match (located.1.kind, located.1.is_optional) {
        (Kind::Record(record), true) => {
            let members = flatten(record, true);
            let members: Vec<String> = members
                .iter()
                .map(|(_, field)| format!("{}: {wire}.{}", camel_case(field.name), field.name))
                .collect();
            format!("{wire} && {{ {} }}", members.join(", "))
        }
        (Kind::List(record), _) => format!("{wire}.map(to{})", record.name),
        (Kind::Time, true) => format!("toDate({wire})"),
        (Kind::Time, false) => format!("new Date({wire})"),
        _ => wire.to_owned(),
    }
}

/// What the addon sends for an interface, and the function between them.
fn decoder(record: &Record) -> String {
    let name = record.name;
    let (mut wire, mut decoder) = (String::new(), String::new());
    for located in &flatten(record, true) {
        let field = located.1.name;
        writeln!(wire, "  {field}: {};", typed(located, Side::Wire)).expect("a string");
        writeln!(decoder, "    {}: {},", member_name(located), decoded(&format!("wire.{field}"), located))
            .expect("a string");
    }
    format!(
        "export interface Wire{name} {{\n{wire}}}\n\nexport function to{name}(wire: Wire{name}): {name} {{\n  return {{\n{decoder}  }};\n}}\n"
    )
}

/// The options of a request.
fn options(record: &Record, interface: &str, text: &str) -> String {
    let mut members = String::new();
    for located in &flatten(record, true) {
        let field = located.1;
        members += &doc("  ", field.doc);
        let (mark, absent) = if field.name == "user_id" { ("", "") } else { ("?", " | null | undefined") };
        writeln!(
            members,
            "  {}{mark}: {}{absent};",
            member_name(located),
            type_of(field.kind, Side::Request)
        )
        .expect("a string");
    }
    format!("{}export interface {interface} {{\n{members}}}\n", doc("", text))
}

/// What the engine calls the options of a request.
fn names(constant: &str, record: &Record) -> String {
    let pairs = flatten(record, true)
        .iter()
        .map(|located| format!("{}: \"{}\"", member_name(located), located.1.name))
        .collect::<Vec<_>>();
    let line = format!("export const {constant} = {{ {} }} as const;\n", pairs.join(", "));
    let lines = format!("export const {constant} = {{\n  {},\n}} as const;\n", pairs.join(",\n  "));
    if line.len() <= 111 { line } else { lines }
}

/// A change of settings, in either spelling.
fn config_patch() -> String {
    let (mut camel, mut snake) = (String::new(), String::new());
    for located in &flatten(&Config::RECORD, true) {
        let field = located.1;
        let value = type_of(field.kind, Side::Request)
            + if field.is_optional { " | null | undefined" } else { " | undefined" };
        let name = member_name(located);
        let twin = if name == field.name { name.clone() } else { format!("The same as `{name}`.") };
        writeln!(camel, "{}  {name}?: {value};", doc("  ", field.doc)).expect("a string");
        writeln!(snake, "{}  {}?: {value};", doc("  ", &twin), field.name).expect("a string");
    }
    format!(
        "/** A change of settings: absent or `undefined` leaves a setting, null turns it off. */\nexport interface ConfigPatch {{\n{camel}{snake}}}\n"
    )
}
