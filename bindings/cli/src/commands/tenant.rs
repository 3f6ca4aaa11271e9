//! `stats` and `jwks`.

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
