//! The objects of the C binding that answer with core's values, their getters, the statuses.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use hellojohn::schema::{Field, Kind, PublicRecord, Record};
use hellojohn::{ErrorCode, KeyInfo, StatsPeriod};

use super::c_options::create_options;
use super::{ANSWERS, Answer, Located, flatten, identifier, one_line, one_of, wrap};

const FOLDER: &str = "bindings/c/src/generated";

/// Getters of more than a field, by object: name, the C type, how it is read, doc.
const MORE: &[(&str, &str, &str, &str, &str)] = &[
    (
        "session",
        "is_active",
        "bool",
        "session.status == hellojohn_core::Status::Active",
        "Whether its status is \"active\".",
    ),
    (
        "session",
        "actor_user_id",
        "TextOffset",
        "texts.add_optional(session.actor.as_ref().map(|actor| &actor.user_id))",
        "Who acts for the user in this session. NULL if no other person does.",
    ),
    (
        "session",
        "actor_reason",
        "TextOffset",
        "texts.add_optional(session.actor.as_ref().map(|actor| &actor.reason))",
        "Why that person acts for the user. NULL if none does.",
    ),
    (
        "explanation",
        "actor_user_id",
        "TextOffset",
        "texts.add_optional(explanation.actor.as_ref().map(|actor| &actor.user_id))",
        "Who acts for the user in the session. NULL if no other person does.",
    ),
    (
        "explanation",
        "actor_reason",
        "TextOffset",
        "texts.add_optional(explanation.actor.as_ref().map(|actor| &actor.reason))",
        "Why that person acts for the user. NULL if none does.",
    ),
    (
        "claims",
        "outdated",
        "bool",
        "false", // set where the store was asked
        "Whether the token was issued before the last update of its session: the client should refresh, and the session says \
         what holds now. Always false after hj_tenant_verify_locally.",
    ),
    (
        "config",
        "json",
        "TextOffset",
        "texts.add_json(config)",
        "The settings as a JSON object, durations as they were given: {\"session_duration\":\"30d\", …}.",
    ),
    (
        "config",
        "warnings_json",
        "TextOffset",
        "texts.add_json(&config.warnings().iter().map(|warning| warning.as_str()).collect::<Vec<_>>())",
        "What is allowed and probably not meant, as a JSON array of words; \"[]\" if there is nothing. \
         \"idle_timeout_below_two_access_tokens\": a user who is at work may be signed out, because only a refresh counts as use.",
    ),
];

pub(super) fn files(root: &Path) -> Vec<(String, String)> {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let mut files: Vec<_> = ANSWERS.iter().map(|answer| file(answer.name, &source(answer))).collect();
    for list in LISTS {
        files.push(file(list.object, &list_source(list)));
    }
    files.push(file("status", &statuses()));
    let kept = read(&format!("{FOLDER}/create_options.rs"));
    files.push(file("create_options", &create_options(&kept)));
    let (modules, owners) = ("bindings/c/src/lib.rs", "include/hellojohn_objects.hpp");
    let module = |name: &str| format!("#[path = \"generated/{name}.rs\"]\npub mod {name};\n\n");
    files.push((modules.to_owned(), with_each(&read(modules), "pub mod text;\n", module)));
    let owner = |name: &str| format!("using {name} = detail::owner<hj_{name}, hj_{name}_free>;\n");
    files.push((owners.to_owned(), with_each(&read(owners), "using text = ", owner)));
    files
}

/// A file that is written by hand but for one line for each object; a line that it lacks goes before `place`.
fn with_each(text: &str, place: &str, line: impl Fn(&str) -> String) -> String {
    let lines = ANSWERS.iter().map(|answer| line(answer.name)).filter(|line| !text.contains(line.as_str()));
    text.replacen(place, &(lines.collect::<String>() + place), 1)
}

fn file(name: &str, source: &str) -> (String, String) {
    (
        format!("{FOLDER}/{name}.rs"),
        format!("//! Written by `make generate` from core's schema; do not edit.\n\n{source}"),
    )
}

/// The type that holds a value, the C type that its getter answers with, and what the getter's name ends with.
pub(super) fn types(kind: Kind) -> (&'static str, &'static str, &'static str) {
    match kind {
        Kind::Text { .. } | Kind::Word(_) => ("TextOffset", "*const c_char", ""),
        Kind::Object => ("TextOffset", "*const c_char", "_json"),
        Kind::Time => ("i64", "i64", "_at_ms"),
        Kind::Bool => ("bool", "bool", ""),
        Kind::Count(_) => ("u64", "u64", ""),
        Kind::Duration => ("u64", "u64", "_s"),
        Kind::List(_) => ("FactorList", "usize", ""),
        Kind::Names => ("TextOffset", "*const c_char", ""),
        Kind::Record(_) => unreachable!("flattened"),
    }
}

/// The expression that takes a value out of the record `from`.
fn value(from: &str, (path, field): &Located) -> String {
    let path = format!("{from}.{path}");
    match (field.kind, field.is_optional) {
        (Kind::Text { .. } | Kind::Word(_), true) => format!("texts.add_optional({path}.as_ref())"),
        (Kind::Text { .. } | Kind::Word(_), false) => format!("texts.add(&{path})"),
        (Kind::Object, _) => format!("texts.add_json(&{path})"),
        (Kind::Names, _) => format!("texts.add(&{path})"),
        (Kind::List(_), _) => format!("FactorList::new(&{path})"),
        (Kind::Time, true) => format!("{path}.map_or(0, Timestamp::as_millis)"),
        (Kind::Time, false) => format!("{path}.as_millis()"),
        (Kind::Duration, true) => format!("{path}.map_or(0, Duration::as_secs)"),
        (Kind::Duration, false) => format!("{path}.as_secs()"),
        (Kind::Count(_), true) => format!("{path}.unwrap_or(0)"),
        _ => path,
    }
}

/// What a field says, in C's words.
fn doc(field: &Field) -> String {
    let mut doc = one_line(field.doc).replace('`', "\"");
    if let Kind::Word(words) = field.kind {
        write!(doc, " One of {}.", one_of(words.words)).expect("a string");
    }
    match (field.is_optional, types(field.kind).1) {
        (false, _) => {}
        (true, "*const c_char") => doc.push_str(" NULL if there is none."),
        (true, _) => doc.push_str(" 0 if there is none."),
    }
    wrap("/// ", &doc)
}

fn getter(object: &str, name: &str, parameter: &str, result: &str, doc: &str, read: &str) -> String {
    format!(
        r#"{doc}#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_{object}_{name}({object}: *const hj_{object}{parameter}) -> {result} {{
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe {{ get({object}, |{object}| {read}) }}
}}

"#
    )
}

/// The getters of a field that is a list of factors.
fn list_getters(object: &str, field: &Field) -> String {
    let of = |name: &str| format!("factor_{name}");
    let list = format!("{object}.{}", field.name);
    let index = ", index: usize";
    [
        getter(
            object,
            &of("count"),
            "",
            "usize",
            &wrap("/// ", "How many methods the user has passed, at most 8."),
            &format!("{list}.len()"),
        ),
        getter(
            object,
            &of("method"),
            index,
            "*const c_char",
            &wrap(
                "/// ",
                "A method that the user has passed, such as \"otp\", the newest last; NULL past the end.",
            ),
            &format!("{list}.method(index)"),
        ),
        getter(
            object,
            &of("at_ms"),
            index,
            "i64",
            &wrap("/// ", "When the user has passed that method last; 0 past the end."),
            &format!("{list}.at_ms(index)"),
        ),
    ]
    .concat()
}

fn free(object: &str) -> String {
    format!(
        r#"/// Frees the object; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_{object}_free({object}: *mut hj_{object}) {{
    // SAFETY: the caller promises NULL or an object that no thread uses any more ("Objects").
    unsafe {{ unwind::free({object}) }}
}}
"#
    )
}

/// The imports that the code below them needs.
fn imports(record: &str, body: &str) -> String {
    let mut core = vec![record];
    core.extend(["Duration", "Timestamp"].iter().filter(|name| body.contains(&format!("{name}::"))));
    core.sort_unstable();
    let core = if core.len() == 1 { record.to_owned() } else { format!("{{{}}}", core.join(", ")) };
    let texts = body.contains("TextOffset");
    format!(
        "{}use hellojohn_core::{core};\n\nuse crate::abi::get;\n{}{}use crate::unwind;\n\n{body}",
        if texts { "use std::ffi::c_char;\n\n" } else { "" },
        if body.contains("FactorList") { "use crate::factor_list::FactorList;\n" } else { "" },
        if texts { "use crate::texts::{TextOffset, Texts};\n" } else { "" },
    )
}

fn source(answer: &Answer) -> String {
    let Answer { name, record, doc: text } = answer;
    let more = || MORE.iter().filter(|(object, ..)| object == name);
    let mut fields = flatten(record, false);
    // The actor has getters of its own.
    fields.retain(|(_, field)| !matches!(field.kind, Kind::Record(_)));
    let has_texts =
        fields.iter().any(|(_, field)| types(field.kind).0 == "TextOffset") || more().next().is_some();
    let twice = |name: &str| fields.iter().any(|(_, field)| field.name == format!("last_{name}"));
    let (mut members, mut before, mut values, mut getters) =
        (String::new(), String::new(), String::new(), String::new());
    for located in &fields {
        let (path, field) = located;
        let (held, result, suffix) = types(field.kind);
        let held_as = identifier(field.name);
        writeln!(members, "    {held_as}: {held},").expect("a string");
        let value = value(name, located);
        match field
            .name
            .strip_prefix("last_")
            .filter(|first| fields.iter().any(|(_, field)| field.name == *first))
        {
            // Mostly the same as at sign-in.
            Some(first) => writeln!(
                values,
                "            {}: if {name}.{path} == {name}.{first} {{\n                {first}\n            }} else \
                 {{\n                {value}\n            }},",
                field.name
            ),
            None if twice(field.name) => {
                writeln!(before, "        let {} = {value};", field.name).expect("a string");
                writeln!(values, "            {},", field.name)
            }
            None if value == field.name => writeln!(values, "            {value},"),
            None => writeln!(values, "            {held_as}: {value},"),
        }
        .expect("a string");
        if let Kind::List(_) = field.kind {
            getters += &list_getters(name, field);
            continue;
        }
        let read = match held {
            "TextOffset" => format!("{name}.texts.c_str({name}.{held_as})"),
            _ => format!("{name}.{held_as}"),
        };
        getters += &getter(name, &member_name(field, suffix), "", result, &doc(field), &read);
    }
    for (_, more, held, value, doc) in more() {
        writeln!(members, "    pub(crate) {more}: {held},").expect("a string");
        writeln!(values, "            {more}: {value},").expect("a string");
        let (result, read) = match *held {
            "TextOffset" => ("*const c_char", format!("{name}.texts.c_str({name}.{more})")),
            held => (held, format!("{name}.{more}")),
        };
        getters += &getter(name, more, "", result, &wrap("/// ", doc), &read);
    }
    if has_texts {
        members = format!("    texts: Texts,\n{members}");
        before = format!("        let mut texts = Texts::with_capacity(512);\n{before}");
        values += "            texts,\n";
    }
    let record_name = record.name;
    let body = format!(
        "{}pub struct hj_{name} {{\n{members}}}\n\nimpl hj_{name} {{\n    pub(crate) fn new({name}: &{record_name}) -> Self {{\n\
         {before}        hj_{name} {{\n{values}        }}\n    }}\n}}\n\n{getters}{}",
        wrap("/// ", text),
        free(name)
    );
    imports(record_name, &body)
}

/// An object that holds several records.
struct List {
    object: &'static str,
    record: Record,
    /// One of them, in C's words and in Rust's.
    item: &'static str,
    doc: &'static str,
}

const LISTS: &[List] = &[
    List {
        object: "keys",
        record: KeyInfo::RECORD,
        item: "key",
        doc: "The signing keys of a tenant, oldest first, retired ones included. The getters answer NULL or 0 for NULL keys and \
              past the end.",
    },
    List {
        object: "stats_periods",
        record: StatsPeriod::RECORD,
        item: "period",
        doc: "What happened in each hour of a day or each day of a month, oldest first. The getters answer 0 for NULL periods and \
              past the end.",
    },
];

fn list_source(List { object, record, item, doc: text }: &List) -> String {
    let fields = flatten(record, false);
    let has_texts = fields.iter().any(|(_, field)| types(field.kind).0 == "TextOffset");
    let (mut members, mut values, mut getters) = (String::new(), String::new(), String::new());
    for located in &fields {
        let field = located.1;
        let (held, result, suffix) = types(field.kind);
        writeln!(members, "    {}: {held},", field.name).expect("a string");
        writeln!(values, "                {}: {},", field.name, value(item, located)).expect("a string");
        let read = match held {
            "TextOffset" => format!("{object}.text(index, |{item}| {item}.{})", field.name),
            _ => format!("{object}.items.get(index).map_or(0, |{item}| {item}.{})", field.name),
        };
        let name = member_name(&field, suffix);
        getters += &getter(object, &name, ", index: usize", result, &doc(&field), &read);
    }
    let name = record.name;
    let (texts, begun, given, read) = if has_texts {
        (
            "    texts: Texts,\n",
            "        let mut texts = Texts::default();\n",
            "texts, items",
            "\n    fn text(&self, index: usize, read: impl FnOnce(&Item) -> TextOffset) -> *const c_char {\n        \
             self.texts.c_str(self.items.get(index).map_or(TextOffset::ABSENT, read))\n    }\n",
        )
    } else {
        ("", "", "items", "")
    };
    let body = format!(
        "{}pub struct hj_{object} {{\n{texts}    items: Vec<Item>,\n}}\n\nstruct Item {{\n{members}}}\n\n\
         impl hj_{object} {{\n    pub(crate) fn new({object}: &[{name}]) -> Self {{\n{begun}        \
         let items = {object}\n            .iter()\n            .map(|{item}| Item {{\n{values}            }})\n            \
         .collect();\n        hj_{object} {{ {given} }}\n    }}\n{read}}}\n\n{}{getters}{}",
        wrap("/// ", text),
        getter(
            object,
            "count",
            "",
            "usize",
            &format!("/// How many {item}s there are.\n"),
            &format!("{object}.items.len()")
        ),
        free(object)
    );
    imports(name, &body)
}

fn statuses() -> String {
    let (mut constants, mut names) = (String::new(), String::new());
    for code in ErrorCode::ALL {
        let name = code.as_str();
        constants += &wrap("/// ", &one_line(code.doc()));
        writeln!(constants, "pub const HJ_ERR_{}: hj_status = {};", name.to_uppercase(), code.number())
            .expect("a string");
        writeln!(names, "    c\"{name}\",").expect("a string");
    }
    format!(
        "use std::ffi::CStr;\n\n/// How a call ended: HJ_OK, or one of HJ_ERR_…. A later release may add numbers; none is ever reused.\n\
         pub type hj_status = i32;\n\n/// The call did what it says.\npub const HJ_OK: hj_status = 0;\n{constants}\n\
         /// The names, by number.\npub(super) const NAMES: [&CStr; {}] = [\n    c\"ok\",\n{names}];\n",
        ErrorCode::ALL.len() + 1
    )
}

/// The name of a field with what C says of its unit. A time says `_at_ms` once.
fn member_name(field: &Field, suffix: &str) -> String {
    if field.name == "at" {
        "at_ms".to_owned()
    } else if field.name.ends_with("_time") {
        format!("{}_ms", field.name)
    } else {
        format!("{}{suffix}", field.name).replace("_at_at_ms", "_at_ms")
    }
}
