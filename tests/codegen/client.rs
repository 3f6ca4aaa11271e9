//! What the package for browsers repeats: words, codes, and a session in the names and types of REST.

use std::fmt::Write as _;

use hellojohn::schema::{Kind, PublicRecord, PublicValue};
use hellojohn::{DeviceType, EndReason, Session, Status};

use super::flatten;
use super::node::{Side, doc, error_codes, type_of, unions};

pub(super) fn files() -> Vec<(String, String)> {
    let words = unions(&[Status::KIND, EndReason::KIND, DeviceType::KIND]);
    let text = [words, error_codes(), session()].join("\n");
    let written = "// Written by `make generate` from core's schema; do not edit.\n";
    vec![("npm/client/src/generated/types.ts".to_owned(), format!("{written}\n{text}"))]
}

fn session() -> String {
    let mut text = doc("", Session::RECORD.doc) + "export interface Session {\n";
    for (_, field) in &flatten(&Session::RECORD, true) {
        let typed = match field.kind {
            Kind::Time => "string".to_owned(),
            Kind::Record(_) => "{ user_id: string; reason: string }".to_owned(),
            Kind::List(_) => "{ method: string; at: string }[]".to_owned(),
            Kind::Object => "Record<string, unknown>".to_owned(),
            kind => type_of(kind, Side::Public),
        };
        let absent = if field.is_optional { " | null" } else { "" };
        let format = if matches!(field.kind, Kind::Time) { " RFC 3339, in UTC." } else { "" };
        text += &doc("  ", &(field.doc.to_owned() + format));
        writeln!(text, "  {}: {typed}{absent};", field.name).expect("a string");
    }
    let current = "Whether this is the session that asks: the device in the user's hand.";
    text + &doc("  ", current) + "  current: boolean;\n}\n"
}
