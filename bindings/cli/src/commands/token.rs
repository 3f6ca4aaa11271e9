//! `token`: read and verify tokens.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::{Args, Subcommand};
use hellojohn::session_of_refresh_token;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::answer::{Answer, details, text};
use crate::context::Context;
use crate::exit_code::REFUSED;
use crate::failure::CommandFailure;
use crate::streams::Streams;

/// Longer than every token of the engine.
const TOKEN_MAX: u64 = 64 * 1024;

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Show what an access or refresh token says, genuine or not. Needs no key and no database
    Inspect(TokenArguments),
    /// Ask the engine whether an access token is good now
    Verify(TokenArguments),
}

#[derive(Debug, Args)]
pub(crate) struct TokenArguments {
    /// The token; `-`, or nothing, for the one on the standard input
    #[arg(default_value = "-", hide_default_value = true)]
    token: String,
}

impl TokenCommand {
    pub fn run(&self, context: &mut Context<'_>) -> Result<Answer, CommandFailure> {
        match self {
            TokenCommand::Inspect(arguments) => inspect(&arguments.read(context.streams)?),
            TokenCommand::Verify(arguments) => {
                let token = arguments.read(context.streams)?;
                verify(context, &token)
            }
        }
    }
}

impl TokenArguments {
    fn read(&self, streams: &mut Streams) -> Result<Zeroizing<String>, CommandFailure> {
        let mut token = Zeroizing::new(String::new());
        if self.token == "-" {
            let unread =
                |cause| CommandFailure::io("the token cannot be read from the standard input", &cause);
            (&mut streams.input).take(TOKEN_MAX).read_to_string(&mut token).map_err(unread)?;
        } else {
            token.push_str(&self.token);
        }
        let token = Zeroizing::new(token.trim().to_owned());
        if token.is_empty() {
            return Err(CommandFailure::usage(
                "there is no token",
                "give it as an argument, or pipe it in: pbpaste | hellojohn token inspect",
            ));
        }
        Ok(token)
    }
}

fn inspect(token: &str) -> Result<Answer, CommandFailure> {
    const UNPROVEN: &str = "Nothing of this is proven";
    if let Some(session_id) = session_of_refresh_token(token) {
        let answer = json!({ "kind": "refresh_token", "session_id": session_id });
        let people = format!(
            "A refresh token of the session {session_id}. {UNPROVEN}. To look at the session: hellojohn sessions explain {session_id}"
        );
        return Ok(Answer::new(answer, people));
    }
    let parts: Vec<&str> = token.split('.').collect();
    let read = |part: &str| -> Option<Value> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok().filter(Value::is_object)
    };
    let (Some(header), Some(payload)) = (
        parts.first().and_then(|part| read(part)),
        parts.get(1).filter(|_| parts.len() == 3).and_then(|part| read(part)),
    ) else {
        return Err(CommandFailure::usage(
            "this is neither an access token nor a refresh token",
            "an access token has three parts between dots, a refresh token begins with rt_; was it cut short?",
        ));
    };
    let answer = json!({ "kind": "access_token", "header": header, "payload": payload });
    let people = format!(
        "An access token. {UNPROVEN}: `hellojohn token verify` asks the engine.\n\n{}",
        details(&answer)
    );
    Ok(Answer::new(answer, people))
}

fn verify(context: &mut Context<'_>, token: &str) -> Result<Answer, CommandFailure> {
    let answer = context.api()?.post("/v1/sessions/verify", &json!({ "token": token }))?;
    if answer["valid"] == true {
        let people = format!("The token is good.\n\n{}", details(&answer));
        return Ok(Answer::new(answer, people));
    }
    let (code, message) = (text(&answer["error"]["code"]), text(&answer["error"]["message"]));
    let people = format!("The token is not good: {message} ({code}).");
    Ok(Answer { exit_code: REFUSED, ..Answer::new(answer, people) })
}
