//! Writes what the bindings, TypeScript and the OpenAPI description repeat of core: the fields of its public values, their
//! words, the codes of errors; and the references in `docs/reference`. The source is `hellojohn::schema`. `make generate` runs
//! this with HJ_UPDATE_GENERATED set; without it the test below fails for a file that is stale.

mod c;
mod c_options;
mod client;
mod error_page;
mod node;
mod node_session;
mod openapi;
mod rest_page;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use hellojohn::schema::{Field, Kind, PublicRecord, Record};
use hellojohn::{
    AccessClaims, Config, CopyReport, Event, EventLogReport, MaintenanceReport, ReplayReport, RevocationList,
    Session, SessionExplanation, Stats,
};

/// A record that answers consist of: the name of its C object, and what that is.
struct Answer {
    name: &'static str,
    record: Record,
    doc: &'static str,
}

/// Each has a C object and its owner in C++, an interface in TypeScript with what the addon sends for it, and a schema of
/// REST where the description refers to it.
const ANSWERS: &[Answer] = &[
    Answer {
        name: "session",
        record: Session::RECORD,
        doc: "One authenticated period of one user on one device, as it was when the call answered. A page or a grant frees \
              the sessions inside of it. The getters answer NULL, 0 or false for a NULL session.",
    },
    Answer {
        name: "claims",
        record: AccessClaims::RECORD,
        doc: "The claims of an access token that was verified. The getters answer NULL, 0 or false for NULL claims.",
    },
    Answer {
        name: "config",
        record: Config::RECORD,
        doc: "The settings of a tenant that were in force when the call answered. The getters answer NULL or 0 for a NULL \
              config.",
    },
    Answer {
        name: "explanation",
        record: SessionExplanation::RECORD,
        doc: "Why a session is over, or what will end it, as it was when the call answered. The getters answer NULL or 0 for a \
              NULL explanation.",
    },
    Answer {
        name: "revocation_list",
        record: RevocationList::RECORD,
        doc: "A page of the revocation list of a tenant. The getters answer NULL, 0 or false for a NULL list.",
    },
    Answer {
        name: "stats",
        record: Stats::RECORD,
        doc: "Counts over a tenant, as they were when the call answered. The getters answer 0 for NULL stats.",
    },
    Answer {
        name: "copy_report",
        record: CopyReport::RECORD,
        doc: "What a copy of a database into another one has come to. The getters answer NULL or 0 for a NULL report.",
    },
    Answer {
        name: "replay_report",
        record: ReplayReport::RECORD,
        doc: "What a restore has made of an exported log of events, and what to do again by hand. The getters answer 0 or false for \
              a NULL report.",
    },
    Answer {
        name: "event",
        record: Event::RECORD,
        doc: "Something that happened to a session, the settings or the keys of a tenant. A page frees the events inside of it. \
              The getters answer NULL or 0 for a NULL event.",
    },
    Answer {
        name: "event_log_report",
        record: EventLogReport::RECORD,
        doc: "What a check of an exported log of events has found. The getters answer NULL, 0 or false for a NULL report.",
    },
    Answer {
        name: "maintenance_report",
        record: MaintenanceReport::RECORD,
        doc: "What one round of maintenance has done. The getters answer 0 or false for a NULL report.",
    },
];

#[test]
fn generated_files_are_current() {
    let root = root();
    let openapi = openapi::files(root);
    let pages = rest_page::files(&openapi[0].1).into_iter().chain(error_page::files(root));
    let node = node::files(node_session::decoder()).into_iter().chain([node_session::encoder()]);
    let files = c::files(root).into_iter().chain(node).chain(client::files()).chain(openapi).chain(pages);
    let mut stale = Vec::new();
    for (path, text) in files {
        let text = if path.ends_with(".rs") { format_rust(root, &text) } else { text };
        if fs::read_to_string(root.join(&path)).is_ok_and(|kept| kept == text) {
            continue;
        }
        if std::env::var_os("HJ_UPDATE_GENERATED").is_some() {
            fs::create_dir_all(root.join(&path).parent().expect("a folder")).expect("folders can be made");
            fs::write(root.join(&path), text).expect("generated files can be written");
        } else {
            stale.push(path);
        }
    }
    assert!(stale.is_empty(), "stale: run `make generate` for {}", stale.join(", "));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository")
}

/// The text as `cargo fmt` leaves it.
fn format_rust(root: &Path, text: &str) -> String {
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("rustfmt is a part of the toolchain");
    rustfmt.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("rustfmt reads it");
    let formatted = rustfmt.wait_with_output().expect("rustfmt ends");
    assert!(formatted.status.success(), "rustfmt refuses what was written");
    String::from_utf8(formatted.stdout).expect("text")
}

/// A field with the path that leads to it from its record: `identity.org_id`.
type Located = (String, Field);

/// The fields of a record, with those of inner records in their place: all of them, or only the flat ones.
fn flatten(record: &Record, flat_only: bool) -> Vec<Located> {
    let mut fields = Vec::new();
    for field in record.fields {
        match field.kind {
            Kind::Record(inner) if field.is_flat || !(flat_only || field.is_optional) => fields.extend(
                flatten(inner, flat_only)
                    .into_iter()
                    .map(|(path, inner)| (format!("{}.{path}", field.name), inner)),
            ),
            _ => fields.push((identifier(field.name).to_owned(), *field)),
        }
    }
    fields
}

/// The name of a field in Rust.
fn identifier(name: &'static str) -> &'static str {
    if name == "type" { "r#type" } else { name }
}

/// The first paragraph of a doc comment in one line, without what it says of Rust's JSON.
fn one_line(doc: &str) -> String {
    let first = doc.split("\n\n").next().unwrap_or_default();
    let line = first.split_whitespace().collect::<Vec<_>>().join(" ");
    line.split_once(" As JSON:").map_or(line.clone(), |(first, _)| first.to_owned())
}

/// Lines of at most 110 columns, each after `prefix`.
fn wrap(prefix: &str, text: &str) -> String {
    let mut lines = vec![prefix.to_owned()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("a line");
        if line.chars().count() + word.chars().count() > 110 && line != prefix {
            lines.push(format!("{}{word} ", prefix.replace('-', " ")));
        } else {
            line.push_str(word);
            line.push(' ');
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
}

/// `"a", "b" or "c"`.
fn one_of(words: &[(&str, &str)]) -> String {
    let quoted: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
    let (last, others) = quoted.split_last().expect("words");
    format!("{} or {last}", others.join(", "))
}
