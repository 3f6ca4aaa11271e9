//! The options of a sign-in in C and how they are read.

use std::fmt::Write as _;

use hellojohn::CreateSession;
use hellojohn::schema::{Field, Kind, PublicRecord};

use super::c::types;
use super::{flatten, one_line, one_of, wrap};

/// `hj_create_options`, which only grows at its end: members that the kept file has stay where they are.
pub(super) fn create_options(kept: &str) -> String {
    let mut fields: Vec<_> = flatten(&CreateSession::RECORD, true)
        .into_iter()
        .filter(|(path, _)| path != "user_id" && path != "actor")
        .collect();
    let actor = |name, doc| Field {
        name,
        node_name: None,
        kind: Kind::Text { pattern: None, example: None },
        is_optional: true,
        is_flat: false,
        doc,
    };
    fields.push((String::new(), actor("actor_user_id", "Who acts for the user, if another person does, 1 to 255 bytes. Such a session lasts `max_actor_duration` at most, and no cap knows it.")));
    fields.push((
        String::new(),
        actor(
            "actor_reason",
            "Why that person acts for the user, 1 to 255 bytes; must be given with `actor_user_id`.",
        ),
    ));
    let member = |field: &Field| {
        format!("{}{}", field.name, if types(field.kind).2 == "_json" { "_json" } else { "" })
    };
    let expression = |field: &Field| match field.kind {
        Kind::Bool => format!("mfa::read(options.{0})?.unwrap_or_default()", field.name),
        Kind::Names => format!(
            "SignInFactors::new(options.{0}.parse(\"{0}\")?.unwrap_or_default())\n.mfa_decided(options.mfa_verified != HJ_MFA_UNSAID)",
            field.name
        ),
        Kind::Object => format!("options.{}.parse(\"{}\")?.unwrap_or_default()", member(field), field.name),
        _ => format!("options.{0}.parse(\"{0}\")?", field.name),
    };
    let mut values = String::new();
    for field in CreateSession::RECORD.fields {
        match field.kind {
            Kind::Record(_) if field.name == "actor" => {
                write!(values, "\n            .actor(read_actor(options)?)")
            }
            Kind::Record(inner) => {
                let setter =
                    |field: &Field| format!("\n                    .{}({})", field.name, expression(field));
                let setters: String = inner.fields.iter().map(setter).collect();
                let request = format!("{}::default(){setters}", inner.name);
                write!(values, "\n            .{}(\n                {request},\n            )", field.name)
            }
            _ if field.name == "user_id" => Ok(()), // what the request is made with
            _ => write!(values, "\n            .{}({})", field.name, expression(field)),
        }
        .expect("a string");
    }
    let place = |field: &Field| kept.find(&format!("    pub {}: ", member(field))).unwrap_or(usize::MAX);
    fields.sort_by_key(|(_, field)| place(field));
    let mut members = String::new();
    for (_, field) in &fields {
        let words = match field.kind {
            Kind::Word(words) => format!(" One of {}.", one_of(words.words)),
            _ => String::new(),
        };
        let form = if let Kind::Names = field.kind { " As text with commas: \"pwd,otp\"." } else { "" };
        members += &wrap("    /// ", &(one_line(field.doc).replace('`', "\"") + &words + form));
        let held = if matches!(field.kind, Kind::Bool) { "hj_mfa" } else { "hj_str" };
        writeln!(members, "    pub {}: {held},", member(field)).expect("a string");
    }
    format!(
        r#"use hellojohn_core::{{ClientHints, ClientInfo, CreateSession, Error, Identity, SessionActor, SignInFactors}};

use crate::abi::{{OptionStruct, hj_str}};
use crate::tenant::mfa::{{self, HJ_MFA_UNSAID, hj_mfa}};

/// What the host knows about a sign-in besides the user; everything is optional. See "Option structs".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_create_options {{
    /// sizeof(hj_create_options).
    pub struct_size: usize,
{members}}}

// SAFETY: repr(C), starts with its size; zero is "not given" and HJ_MFA_UNSAID.
unsafe impl OptionStruct for hj_create_options {{
    // The size up to the last member of the first release, with the padding at the end.
    const FIRST_SIZE: usize =
        (std::mem::offset_of!(Self, mfa_verified) + size_of::<hj_mfa>()).next_multiple_of(align_of::<Self>());
}}

/// The sign-in of this user with these options.
///
/// # Safety
/// Section "Strings" of the contract holds for all texts.
pub(crate) unsafe fn read_request(
    user_id: hj_str,
    options: hj_create_options,
) -> Result<CreateSession, Error> {{
    // SAFETY: the caller keeps "Strings".
    unsafe {{
        Ok(CreateSession::new(user_id.require("user_id")?){values})
    }}
}}

/// # Safety
/// Section "Strings" of the contract holds for all texts.
unsafe fn read_actor(options: hj_create_options) -> Result<Option<SessionActor>, Error> {{
    // SAFETY: the caller keeps "Strings".
    unsafe {{
        Ok(match (options.actor_user_id.parse("actor_user_id")?, options.actor_reason.parse("actor_reason")?) {{
            (None, None) => None,
            (Some(user_id), Some(reason)) => Some(SessionActor::new(user_id, reason)),
            (None, Some(_)) => return Err(Error::validation("actor_user_id", "is required with a reason")),
            (Some(_), None) => return Err(Error::validation("actor_reason", "is required with an actor")),
        }})
    }}
}}
"#
    )
}
