//! `sessions`: list, get, explain, count, revoke, revoke-where.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::filter::FilterArguments;
use crate::answer::{Answer, count, details, table, text};
use crate::api::{Api, session_path};
use crate::context::Context;
use crate::failure::CommandFailure;

/// The longest page that REST has.
pub(crate) const PAGE_MAX: usize = 100;

#[derive(Debug, Subcommand)]
pub(crate) enum SessionsCommand {
    /// List sessions, newest first
    List(ListArguments),
    /// Show one session
    Get(SessionArguments),
    /// Tell why a session is over, or what will end it
    Explain(SessionArguments),
    /// Count sessions
    Count(FilterArguments),
    /// End one session
    Revoke(SessionArguments),
    /// End the sessions for which every given option holds; without --yes show which would end
    RevokeWhere(RevokeWhereArguments),
    /// End every session of the tenant; without --yes tell how many would end
    RevokeAll {
        /// End them
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    #[command(flatten)]
    filter: FilterArguments,
    /// How many at most, 1 to 10000
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
    /// Go on after an earlier list, which has shown this cursor
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SessionArguments {
    /// The id of the session, ses_…
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    session_id: String,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeWhereArguments {
    #[command(flatten)]
    filter: FilterArguments,
    /// End them, instead of showing which would end
    #[arg(long)]
    yes: bool,
    /// End only the sessions that a look without --yes has found, which has shown this plan
    #[arg(long, requires = "yes", value_name = "PLAN")]
    plan: Option<String>,
}

impl SessionsCommand {
    pub fn run(&self, context: &mut Context<'_>) -> Result<Answer, CommandFailure> {
        match self {
            SessionsCommand::List(arguments) => arguments.list(&context.api()?),
            SessionsCommand::Get(arguments) => {
                Ok(Answer::details(context.api()?.get(&session_path(&arguments.session_id, ""), &[])?))
            }
            SessionsCommand::Explain(arguments) => {
                let explanation =
                    context.api()?.get(&session_path(&arguments.session_id, "/explain"), &[])?;
                let people = format!("{}\n\n{}", summarize(&explanation), details(&explanation));
                Ok(Answer::new(explanation, people))
            }
            SessionsCommand::Count(filter) => {
                let answer = context.api()?.get("/v1/sessions/count", &filter.members())?;
                let number = text(&answer["count"]);
                Ok(Answer::new(answer, number))
            }
            SessionsCommand::Revoke(arguments) => revoke(&context.api()?, &arguments.session_id),
            SessionsCommand::RevokeWhere(arguments) => arguments.run(context),
            SessionsCommand::RevokeAll { yes: true } => Ok(ended(context.api()?.delete("/v1/sessions")?)),
            SessionsCommand::RevokeAll { yes: false } => {
                let answer = context.api()?.get("/v1/sessions/count", &[])?;
                let would_end = count(answer["count"].as_u64().unwrap_or_default(), "session");
                let people = format!("{would_end} would end. Nothing was changed. To end them, add --yes");
                Ok(Answer::new(answer, people))
            }
        }
    }
}

impl ListArguments {
    /// Asks for pages until there are enough sessions: a page may be short, or even empty, before the last.
    fn list(&self, api: &Api) -> Result<Answer, CommandFailure> {
        let mut data = Vec::new();
        let mut cursor = self.cursor.clone();
        let limit = usize::from(self.limit);
        loop {
            let page_limit = (limit - data.len()).min(PAGE_MAX).to_string();
            let mut query = self.filter.members();
            query.push(("limit", &page_limit));
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let mut page = api.get("/v1/sessions", &query)?;
            data.extend(page["data"].as_array_mut().map(std::mem::take).unwrap_or_default());
            cursor = page["pagination"]["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() || data.len() >= limit {
                break;
            }
        }
        let mut people = match data.is_empty() {
            true => "No sessions.".to_owned(),
            false => session_table(&data),
        };
        if let Some(cursor) = &cursor {
            people.push_str(&format!("\n\nThere are more: add --cursor {cursor}"));
        }
        let pagination = json!({ "limit": limit, "has_more": cursor.is_some(), "next_cursor": cursor });
        Ok(Answer::new(json!({ "data": data, "pagination": pagination }), people))
    }
}

/// A line for each session.
fn session_table(sessions: &[Value]) -> String {
    let rows = sessions.iter().map(|session| {
        let status = status_text(session);
        let fields = ["created_at", "last_active_at", "device_type", "ip_address", "country"];
        let identity = [text(&session["id"]), user_text(session), status];
        identity.into_iter().chain(fields.map(|field| text(&session[field]))).collect()
    });
    table(&["SESSION", "USER", "STATUS", "SIGNED IN", "LAST ACTIVE", "DEVICE", "ADDRESS", "COUNTRY"], rows)
}

fn revoke(api: &Api, id: &str) -> Result<Answer, CommandFailure> {
    api.delete(&session_path(id, ""))?;
    // A session that had ended before stays as it was: tell how it ended.
    let session = api.get(&session_path(id, ""), &[])?;
    let people = format!(
        "The session {} of {} is over: {}.",
        text(&session["id"]),
        user_text(&session),
        status_text(&session),
    );
    Ok(Answer::new(session, people))
}

impl RevokeWhereArguments {
    fn run(&self, context: &mut Context<'_>) -> Result<Answer, CommandFailure> {
        let filter = self.filter.to_json();
        let api = context.api()?;
        if !self.yes {
            let preview = api.post("/v1/sessions/revoke", &json!({ "filter": filter, "dry_run": true }))?;
            let people = describe_preview(&preview);
            return Ok(Answer::new(preview, people));
        }
        let mut body = json!({ "filter": filter });
        if let Some(plan) = &self.plan {
            body["plan"] = plan.as_str().into();
        }
        Ok(ended(api.post("/v1/sessions/revoke", &body)?))
    }
}

/// `{"revoked": n}` in words.
pub(crate) fn ended(answer: Value) -> Answer {
    let people = format!("Ended {}.", count(answer["revoked"].as_u64().unwrap_or_default(), "session"));
    Answer::new(answer, people)
}

fn describe_preview(preview: &Value) -> String {
    let number = preview["count"].as_u64().unwrap_or_default();
    let sample = preview["sample"].as_array().map(Vec::as_slice).unwrap_or_default();
    if number == 0 {
        return "No session matches. Nothing was changed.".to_owned();
    }
    let which = if sample.len() as u64 == number { "It is" } else { "The newest of them are" };
    let which = if number > 1 && sample.len() as u64 == number { "They are" } else { which };
    format!(
        "{} would end. {which}:\n\n{}\n\nNothing was changed. To end exactly what was found, repeat the command with\n  \
         --yes --plan {}",
        count(number, "session"),
        session_table(sample),
        text(&preview["plan"]),
    )
}

/// The main sentence of an explanation.
fn summarize(explanation: &Value) -> String {
    let member = |name: &str| text(&explanation[name]);
    let subject = format!("The session {} of {}", member("session_id"), user_text(explanation));
    match &explanation["end_reason"] {
        Value::Null => format!("{subject} is active until {} ({}).", member("ends_at"), member("ends_by")),
        _ => format!("{subject} is over since {}: {}.", member("ended_at"), status_text(explanation)),
    }
}

/// The user, and the person who acts in the session.
fn user_text(session: &Value) -> String {
    match &session["actor"] {
        Value::Null => text(&session["user_id"]),
        actor => format!("{} (by {})", text(&session["user_id"]), text(&actor["user_id"])),
    }
}

/// The status, and the reason where it says more.
fn status_text(session: &Value) -> String {
    let (status, reason) = (&session["status"], &session["end_reason"]);
    match reason.is_null() || reason == status {
        true => text(status),
        false => format!("{} ({})", text(status), text(reason)),
    }
}
