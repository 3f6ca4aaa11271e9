//! `stats`, `jwks` and `revocations`.

use clap::Args;

use crate::answer::Answer;
use crate::context::Context;
use crate::failure::CommandFailure;

/// Shows counts over the tenant.
pub(crate) fn show_stats(context: &mut Context<'_>) -> Result<Answer, CommandFailure> {
    Ok(Answer::details(context.api()?.get("/v1/admin/stats", &[])?))
}

/// Shows the public keys, which are JSON for people, too.
pub(crate) fn show_jwks(context: &mut Context<'_>) -> Result<Answer, CommandFailure> {
    let keys = context.api()?.get("/.well-known/jwks.json", &[])?;
    let people = format!("{keys:#}");
    Ok(Answer::new(keys, people))
}

#[derive(Debug, Args)]
pub(crate) struct RevocationsArguments {
    /// Only what was added after this number: seq of an answer before
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    since: u64,
}

impl RevocationsArguments {
    /// Shows a page of the revocation list: for people the signed list alone.
    pub fn run(&self, context: &mut Context<'_>) -> Result<Answer, CommandFailure> {
        let page = context.api()?.get("/v1/revocations", &[("since", &self.since.to_string())])?;
        let list = page.get("list").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        Ok(Answer::new(page, list))
    }
}
