//! How a session crosses from the addon to the Node package: the array of its values, what writes it and what reads it.

use std::fmt::Write as _;

use hellojohn::schema::{Field, Kind, PublicRecord, Words};
use hellojohn::{Session, Status};

use super::node::{Side, decoded, member_name, node_name, type_of, typed};
use super::{Located, camel_case, flatten};

/// The value that a session began with, for one that it was last seen with.
fn first_of(fields: &[Located], field: &Field) -> Option<usize> {
    let first = field.name.strip_prefix("last_")?;
    fields.iter().position(|(_, field)| field.name == first)
}

/// Where the value of a session is in its array.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Among the numbers: every session has it.
    Number,
    /// Among the texts.
    Text,
    /// In the array of what few sessions have, or have as they began.
    Rare,
}

fn place_of(fields: &[Located], field: &Field) -> Place {
    let has_last_seen = fields.iter().any(|(_, other)| other.name.strip_prefix("last_") == Some(field.name));
    match field.kind {
        Kind::Object | Kind::List(_) => Place::Rare,
        _ if field.is_optional && !has_last_seen => Place::Rare,
        Kind::Word(_) | Kind::Bool | Kind::Time => Place::Number,
        _ => Place::Text,
    }
}

/// Whether nearly all sessions of a page have the same.
fn is_shared(field: &Field) -> bool {
    ["user_id", "tenant_id"].contains(&field.name)
}

/// How many elements the value takes.
fn width(field: &Field) -> usize {
    if matches!(field.kind, Kind::Time) { 2 } else { 1 }
}

/// The values of a session in the order of its array.
struct SessionValues {
    texts: Vec<Located>,
    rare: Vec<Located>,
    numbers: Vec<Located>,
}

impl SessionValues {
    fn new() -> Self {
        let fields = flatten(&Session::RECORD, true);
        let fields = &fields;
        let at = |place| fields.iter().filter(move |(_, field)| place_of(fields, field) == place).cloned();
        let mut rare: Vec<Located> = at(Place::Rare).collect();
        // Sessions that were refreshed from elsewhere have these; the array ends with the last value that it has.
        rare.sort_by_key(|(_, field)| first_of(fields, field).is_none());
        SessionValues { texts: at(Place::Text).collect(), rare, numbers: at(Place::Number).collect() }
    }

    /// The value that the addon sent, as the decoder names it.
    fn sent(&self, name: &str) -> String {
        let index_in = |values: &[Located]| {
            let index = values.iter().position(|(_, field)| field.name == name)?;
            Some(values[..index].iter().map(|(_, field)| width(field)).sum::<usize>())
        };
        let text = index_in(&self.texts).map(|index| format!("wire[{index}]"));
        let rare = || index_in(&self.rare).map(|index| format!("rare[{index}]"));
        let number =
            || index_in(&self.numbers).map(|index| format!("wire[{}]", self.texts.len() + 1 + index));
        text.or_else(rare).or_else(number).expect("a value of the session")
    }

    /// The element behind it.
    fn rest(sent: &str) -> String {
        let (array, index) = sent.trim_end_matches(']').split_once('[').expect("an element");
        format!("{array}[{}]", index.parse::<usize>().expect("a number") + 1)
    }

    fn count_numbers(&self) -> usize {
        self.numbers.iter().map(|(_, field)| width(field)).sum()
    }
}

/// The words of the kinds that cross as numbers: each by its place in the list.
fn word_list(words: &Words) -> String {
    let name = node_name(words);
    let list: Vec<String> = words.words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
    format!("const {}: readonly {name}[] = [{}];\n", word_list_name(words), list.join(", "))
}

fn word_list_name(words: &Words) -> String {
    let letters = words.name.char_indices();
    let name = letters.flat_map(|(at, letter)| {
        (at > 0 && letter.is_uppercase()).then_some('_').into_iter().chain(letter.to_uppercase())
    });
    format!("{}_WORDS", name.collect::<String>())
}

pub(super) fn decoder() -> String {
    let values = SessionValues::new();
    let fields = flatten(&Session::RECORD, true);
    let mut texts_apart = String::new();
    let (mut texts, mut rare, mut numbers, mut words) =
        (String::new(), String::new(), String::new(), String::new());
    for located in &values.texts {
        let (name, sent) = (camel_case(located.1.name), typed(located, Side::Wire));
        writeln!(texts, "  {name}: {sent},").expect("a string");
        let apart = if is_shared(&located.1) { " | 0" } else { "" };
        writeln!(texts_apart, "  {name}: {sent}{apart},").expect("a string");
    }
    for located in &values.rare {
        let field = located.1;
        let name = camel_case(field.name);
        let sent = type_of(field.kind, Side::Wire);
        let other = if first_of(&fields, &field).is_some() { " | false" } else { "" };
        writeln!(rare, "  {name}?: {sent}{other} | null,").expect("a string");
        if matches!(field.kind, Kind::Time) {
            writeln!(rare, "  {name}Rest?: number | null,").expect("a string");
        }
    }
    for (_, field) in &values.numbers {
        let name = camel_case(field.name);
        writeln!(numbers, "  {name}: number,").expect("a string");
        match field.kind {
            Kind::Time => writeln!(numbers, "  {name}Rest: number,").expect("a string"),
            Kind::Word(list) => words += &word_list(list),
            _ => {}
        }
    }
    let (mut parameters, mut fields_set) = (String::new(), String::new());
    let (mut decoder, mut identity) = (String::new(), String::new());
    let mut carried = Vec::new();
    for located in &fields {
        let field = located.1;
        let (name, sent) = (member_name(located), values.sent(field.name));
        let value = match (field.kind, first_of(&fields, &field)) {
            (_, Some(first)) => format!("lastSeen({sent}, {})", values.sent(fields[first].1.name)),
            (Kind::Time, _) if field.is_optional => {
                format!("joinOptionalTime({sent}, {})", SessionValues::rest(&sent))
            }
            (Kind::Time, _) => format!("joinTime({sent}, {})", SessionValues::rest(&sent)),
            (Kind::Bool, _) => format!("{sent} === 1"),
            (Kind::Word(words), _) if !field.is_optional => {
                format!("{}[{sent}] as {}", word_list_name(words), node_name(words))
            }
            (Kind::Object, _) => format!("{sent} ?? {{}}"),
            (Kind::List(record), _) => format!("{sent}?.map(to{}) ?? []", record.name),
            (Kind::Record(_), _) => {
                format!("{sent} ? {} : null", decoded(&sent, located).replace(&format!("{sent} && "), ""))
            }
            _ if sent.starts_with("rare") => format!("{sent} ?? null"),
            _ => sent,
        };
        if located.0.starts_with("identity.") || ["auth_time", "factors", "actor"].contains(&field.name) {
            writeln!(identity, "    {name}: {value},").expect("a string");
            carried.push(format!("\"{name}\""));
        }
        writeln!(decoder, "    {value},").expect("a string");
        writeln!(parameters, "  {name}: {},", typed(located, Side::Public)).expect("a string");
        writeln!(fields_set, "  this.{name} = {name};").expect("a string");
    }
    parameters += "  revoked: boolean,\n";
    fields_set += "  this.revoked = revoked;\n";
    let (status, claims) = (values.sent("status"), values.sent("claims"));
    let claims = claims.trim_matches(|c: char| !c.is_ascii_digit());
    let (rare_at, count) = (values.texts.len(), values.count_numbers());
    let revoked = Status::ALL.iter().position(|status| *status == Status::Revoked).expect("a word");
    let shared = |index: usize| values.texts.get(index).is_some_and(|(_, field)| is_shared(field));
    let elements = (0..=rare_at).map(|index| match shared(index) {
        true => format!("texts[{index}] || (before as WireSession)[{index}]"),
        false => format!("texts[{index}]"),
    });
    let joined = elements.chain((0..count).map(|index| match index {
        0 => "numbers[at] as number".to_owned(),
        _ => format!("numbers[at + {index}] as number"),
    }));
    let zeros = vec!["0"; count].join(", ");
    let joined: String = joined.map(|element| format!("    {element},\n")).collect();
    format!(
        r#"{words}
/** What few sessions have, up to the last value that this one has. A value last seen is absent where it is that of the sign-in. */
export type WireRareValues = [
{rare}];

/** The first part of a session, whose numbers cross apart from it; 0 for what is as in the session before it on the page. */
export type WireSessionTexts = [
{texts_apart}  rare: WireRareValues | 0,
];

/**
 * A session as the addon sends it: texts, what is rare or 0, numbers. A word is its place in its list. Of a time, the millions of
 * milliseconds and the rest, because numbers of more than nine digits take V8 ten times as long to read.
 */
export type WireSession = [
{texts}  rare: WireRareValues | 0,
{numbers}];

/** How many texts it begins with. */
export const SESSION_TEXTS = {rare_at};

/** How many numbers it ends with. */
export const SESSION_NUMBERS = {count};

/** Joins the parts of a session; `before` is the one before it on the page. */
export function joinSession(
  texts: WireSessionTexts,
  before: WireSession | null,
  numbers: Int32Array,
  at: number,
): WireSession {{
  return [
{joined}  ];
}}

const NOTHING_RARE: WireRareValues = [];

/** Whether it has claims. */
export function hasClaims(wire: WireSession): boolean {{
  const rare = wire[{rare_at}];
  return rare !== 0 && (rare[{claims}] ?? null) !== null;
}}

// A session is a plain object all the same. Literals of which the first lived long are made where V8 keeps what lives long, which
// takes much longer.
function PlainSession(
  this: Session,
{parameters}) {{
{fields_set}}}
PlainSession.prototype = Object.prototype;

const NewSession = PlainSession as unknown as new (...values: Parameters<typeof PlainSession>) => Session;

export function toSession(wire: WireSession): Session {{
  const rare = wire[{rare_at}] || NOTHING_RARE;
  return new NewSession(
{decoder}    {status} === {revoked},
  );
}}

// While no session is alive, V8 would forget how one is made.
Object.assign(PlainSession, {{
  example: toSession(["", "", "", null, null, 0, {zeros}]),
}});

/** What access tokens carry of a session: the user and how they authenticated. */
export function toIdentity(
  wire: WireSession,
): Pick<Session, {}> {{
  const rare = wire[{rare_at}] || NOTHING_RARE;
  return {{
{identity}  }};
}}
"#,
        carried.join(" | ")
    )
}

/// The addon's side of `WireSession`.
pub(super) fn encoder() -> (String, String) {
    let values = SessionValues::new();
    let fields = flatten(&Session::RECORD, true);
    let texts: String = values
        .texts
        .iter()
        .map(|(path, field)| match is_shared(field) {
            true => format!(
                "    write_shared(text, &session.{path}, before.map(|before| &before.{path}))?;\n    text.push(b',');\n"
            ),
            false => format!("    session.{path}.write(text)?;\n    text.push(b',');\n"),
        })
        .collect();
    let rare: String = values
        .rare
        .iter()
        .map(|(path, field)| match (first_of(&fields, field), field.kind) {
            (Some(first), _) => {
                format!("    rare.write_last(&session.{path}, &session.{})?;\n", fields[first].0)
            }
            (None, Kind::Time) => format!("    rare.write_time(session.{path})?;\n"),
            (None, _) => format!("    rare.write(&session.{path})?;\n"),
        })
        .collect();
    let numbers: String = values
        .numbers
        .iter()
        .map(|(path, field)| match field.kind {
            Kind::Time => format!("        millions(session.{path}),\n        rest(session.{path}),\n"),
            Kind::Bool => format!("        i32::from(session.{path}),\n"),
            _ => format!("        place(session.{path}, {}::ALL),\n", word_type(&field.kind)),
        })
        .collect();
    let mut types: Vec<&str> = values
        .numbers
        .iter()
        .filter(|(_, field)| matches!(field.kind, Kind::Word(_)))
        .map(|(_, field)| word_type(&field.kind))
        .chain(["Error", "Session"])
        .collect();
    types.sort_unstable();
    let text = format!(
        r#"//! Written by `make generate` from core's schema; do not edit.

use hellojohn::{{{}}};

use crate::json_text::{{JsonText, RareValues, millions, place, rest, write_shared}};

/// Writes the texts of a session and what is rare, in the order of `WireSession` in npm/node/src/generated/wire.ts; 0 for
/// what is as in the session before it.
pub(crate) fn write_texts(
    text: &mut Vec<u8>,
    session: &Session,
    before: Option<&Session>,
) -> Result<(), Error> {{
{texts}    let mut rare = RareValues::after(text);
{rare}    rare.finish();
    Ok(())
}}

/// The numbers behind them.
pub(crate) fn numbers_of(session: &Session) -> [i32; {}] {{
    [
{numbers}    ]
}}
"#,
        types.join(", "),
        values.count_numbers()
    );
    ("bindings/node/src/generated/session.rs".to_owned(), text)
}

fn word_type(kind: &Kind) -> &'static str {
    match kind {
        Kind::Word(words) => words.name,
        _ => unreachable!("a word"),
    }
}
