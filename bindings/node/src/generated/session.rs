//! Written by `make generate` from core's schema; do not edit.

use hellojohn::{Error, Session};

use crate::json_text::{JsonText, RareValues, write_last, write_time};

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
    session.device_type.write(text)?;
    text.push(b',');
    write_time(text, session.created_at)?;
    text.push(b',');
    write_time(text, session.last_active_at)?;
    text.push(b',');
    write_time(text, session.expires_at)?;
    text.push(b',');
    write_time(text, session.access_expires_at)?;
    text.push(b',');
    session.identity.mfa_verified.write(text)?;
    text.push(b',');
    write_time(text, session.auth_time)?;
    text.push(b',');
    write_last(text, &session.last_ip_address, &session.ip_address)?;
    text.push(b',');
    write_last(text, &session.last_user_agent, &session.user_agent)?;
    let mut rare = RareValues::after(text);
    rare.write(&session.country)?;
    rare.write(&session.device_fingerprint)?;
    rare.write_time(session.revoked_at)?;
    rare.write(&session.end_reason)?;
    rare.write(&session.identity.org_id)?;
    rare.write(&session.identity.role)?;
    rare.write(&session.identity.email)?;
    rare.write(&session.identity.claims)?;
    rare.write(&session.factors)?;
    rare.write(&session.actor)?;
    rare.finish();
    text.push(b']');
    Ok(())
}
