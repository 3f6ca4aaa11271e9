//! Where each system keeps its sessions.

use clap::ValueEnum;
use hellojohn::ForeignDatabase;
use serde_json::{Map, Value};

use super::row::{CookieSecret, Found, Reader};
use crate::failure::CommandFailure;

/// What the source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// JSON Lines, as docs/IMPORT.md has them
    Jsonl,
    /// The table `session` of better-auth
    BetterAuth,
    /// The table `session` of Lucia 3
    Lucia,
    /// The table of a store of express-session: connect-sqlite3, better-sqlite3-session-store, connect-pg-simple
    ExpressSession,
    /// The table `Session` of Auth.js (NextAuth) with database sessions
    #[value(name = "authjs")]
    AuthJs,
    /// The tables `auth.sessions` and `auth.refresh_tokens` of GoTrue (Supabase Auth)
    Gotrue,
    /// The table `session_info` of SuperTokens
    #[value(name = "supertokens")]
    SuperTokens,
}

/// What is told of a source beside its format.
#[derive(Debug, Default)]
pub(crate) struct Details {
    /// The table of the sessions, where it has another name.
    pub table: Option<String>,
    /// Where in a session of express-session the user's id stands.
    pub user_at: Option<String>,
    pub cookie_secret: Option<CookieSecret>,
}

/// Where the user's id stands in sessions of express-session, if nothing else is told: Passport's place first.
const USER_PLACES: [&str; 5] = ["passport.user", "userId", "user_id", "user.id", "uid"];

impl Format {
    /// The names that the table has in the releases and adapters of the system.
    fn tables(self) -> &'static [&'static str] {
        match self {
            Format::Jsonl => &[],
            Format::BetterAuth | Format::Lucia => &["session", "sessions", "user_session"],
            Format::ExpressSession => &["sessions", "session"],
            Format::AuthJs => &["Session", "sessions", "session"],
            Format::Gotrue => &["auth.sessions", "sessions"],
            Format::SuperTokens => &["session_info"],
        }
    }

    /// Whether the client holds a cookie that the system has signed.
    fn signs_cookies(self) -> bool {
        matches!(self, Format::BetterAuth | Format::ExpressSession)
    }

    /// Refuses what this format has no use for: a misplaced option must not pass for one that was obeyed.
    pub fn require_fitting(self, details: &Details) -> Result<(), CommandFailure> {
        let unfit = |option: &str| {
            let name = self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
            CommandFailure::usage(
                format!("{option} says nothing about a source of {name}"),
                "`hellojohn help import` lists the options",
            )
        };
        if details.cookie_secret.is_some() && !self.signs_cookies() {
            return Err(unfit("--cookie-secret-file"));
        }
        if details.user_at.is_some() && self != Format::ExpressSession {
            return Err(unfit("--user-at"));
        }
        if details.table.is_some() && matches!(self, Format::Jsonl | Format::Gotrue) {
            return Err(unfit("--table"));
        }
        Ok(())
    }

    /// The query that reads the sessions, after a look for the table.
    pub fn query(self, source: &ForeignDatabase, details: &Details) -> Result<String, CommandFailure> {
        let given = details.table.as_deref();
        let names = given.as_ref().map_or(self.tables(), std::slice::from_ref);
        let table = source.find_table(names).map_err(|error| {
            let failure = CommandFailure::from(error);
            match given {
                Some(_) => failure.with_hint("check --source, --from and --table"),
                None => failure.with_hint("check --source and --from; --table names another table"),
            }
        })?;
        Ok(match self {
            // The last refresh token that is not revoked is the one that is good.
            Format::Gotrue => {
                let tokens = table.replace("sessions", "refresh_tokens");
                format!(
                    "SELECT s.*, t.token AS refresh_token FROM {sessions} s \
                     JOIN {tokens} t ON t.session_id = s.id \
                     WHERE t.revoked IS NOT TRUE AND t.id = (SELECT max(u.id) FROM {tokens} u \
                     WHERE u.session_id = s.id AND u.revoked IS NOT TRUE)",
                    sessions = quote(table),
                    tokens = quote(&tokens),
                )
            }
            _ => format!("SELECT * FROM {}", quote(table)),
        })
    }

    /// The row of an import that a row of the table makes; nothing for one without a user.
    pub fn read(self, row: &Map<String, Value>, details: &Details) -> Found {
        let mut reader = Reader::new(row);
        match self {
            Format::Jsonl => {}
            Format::BetterAuth => {
                reader.signed("token", details.cookie_secret.as_ref(), CookieSecret::sign_better_auth);
                reader
                    .text("user_id", &["userId"])
                    .text("external_id", &["id"])
                    .text("ip_address", &["ipAddress"])
                    .text("user_agent", &["userAgent"])
                    .text("org_id", &["activeOrganizationId"])
                    .time("created_at", &["createdAt"])
                    .time("last_active_at", &["updatedAt"])
                    .time("expires_at", &["expiresAt"]);
            }
            Format::Lucia => {
                reader
                    .text("credential", &["id"])
                    .text("user_id", &["userId"])
                    .text("ip_address", &["ipAddress", "ip"])
                    .text("user_agent", &["userAgent"])
                    .time("created_at", &["createdAt"])
                    .time("expires_at", &["expiresAt"]);
            }
            Format::ExpressSession => {
                let places = match &details.user_at {
                    Some(place) => vec![place.as_str()],
                    None => USER_PLACES.to_vec(),
                };
                reader.signed("sid", details.cookie_secret.as_ref(), CookieSecret::sign_express);
                reader.user_in("sess", &places).time("expires_at", &["expired", "expire", "expires"]);
            }
            Format::AuthJs => {
                reader
                    .text("credential", &["sessionToken"])
                    .text("user_id", &["userId"])
                    .text("external_id", &["id"])
                    .time("created_at", &["createdAt"])
                    .time("expires_at", &["expires"]);
            }
            Format::Gotrue => {
                reader
                    .text("credential", &["refreshToken"])
                    .text("user_id", &["userId"])
                    .text("external_id", &["id"])
                    .text("ip_address", &["ip"])
                    .text("user_agent", &["userAgent"])
                    .second_factor("aal", "aal2")
                    .time("created_at", &["createdAt"])
                    .time("last_active_at", &["refreshedAt", "updatedAt"])
                    .time("expires_at", &["notAfter"]);
            }
            Format::SuperTokens => {
                reader
                    .text("credential_sha256", &["refreshTokenHash2"])
                    .text("user_id", &["userId"])
                    .text("external_id", &["sessionHandle"])
                    .time("created_at", &["createdAtTime"])
                    .time("expires_at", &["expiresAt"]);
            }
        }
        reader.finish()
    }
}

/// A name as SQL takes it, each of its parts in quotes.
fn quote(name: &str) -> String {
    let parts = name.split('.').map(|part| format!("\"{}\"", part.replace('"', "\"\"")));
    parts.collect::<Vec<_>>().join(".")
}
