//! Written by `make generate` from core's schema; do not edit.

use hellojohn::{Error, Session};

use crate::json_text::{JsonText, write_last, write_time};

/// Writes a session's values in the order of `WireSession` in npm/node/src/generated/wire.ts.
pub(crate) fn write_session(text: &mut Vec<u8>, session: &Session) -> Result<(), Error> {
    text.push(b'[');
    session.id.write(text)?;
    text.push(b',');
    session.user_id.write(text)?;
    text.push(b',');
    session.tenant_id.write(text)?;
    text.push(b',');
    session.status.write(text)?;
    text.push(b',');
    session.user_agent.write(text)?;
    text.push(b',');
    session.ip_address.write(text)?;
    text.push(b',');
    session.country.write(text)?;
    text.push(b',');
    session.device_type.write(text)?;
    text.push(b',');
    session.device_fingerprint.write(text)?;
    text.push(b',');
    write_time(text, Some(session.created_at))?;
    text.push(b',');
    write_time(text, Some(session.last_active_at))?;
    text.push(b',');
    write_time(text, Some(session.expires_at))?;
    text.push(b',');
    write_time(text, Some(session.access_expires_at))?;
    text.push(b',');
    write_time(text, session.revoked_at)?;
    text.push(b',');
    session.end_reason.write(text)?;
    text.push(b',');
    session.identity.org_id.write(text)?;
    text.push(b',');
    session.identity.role.write(text)?;
    text.push(b',');
    session.identity.mfa_verified.write(text)?;
    text.push(b',');
    session.identity.email.write(text)?;
    text.push(b',');
    session.identity.claims.write(text)?;
    text.push(b',');
    write_time(text, Some(session.auth_time))?;
    text.push(b',');
    session.factors.write(text)?;
    text.push(b',');
    session.actor.write(text)?;
    text.push(b',');
    write_last(text, &session.last_ip_address, &session.ip_address)?;
    text.push(b',');
    write_last(text, &session.last_user_agent, &session.user_agent)?;
    text.push(b']');
    Ok(())
}
