//! Written by `make generate` from core's schema; do not edit.

use hellojohn::{DeviceType, Error, Session, Status};

use crate::json_text::{JsonText, RareValues, millions, place, rest, write_shared};

/// Writes the texts of a session and what is rare, in the order of `WireSession` in npm/node/src/generated/wire.ts; 0 for
/// what is as in the session before it.
pub(crate) fn write_texts(
    text: &mut Vec<u8>,
    session: &Session,
    before: Option<&Session>,
) -> Result<(), Error> {
    session.id.write(text)?;
    text.push(b',');
    write_shared(text, &session.user_id, before.map(|before| &before.user_id))?;
    text.push(b',');
    write_shared(text, &session.tenant_id, before.map(|before| &before.tenant_id))?;
    text.push(b',');
    session.user_agent.write(text)?;
    text.push(b',');
    session.ip_address.write(text)?;
    text.push(b',');
    let mut rare = RareValues::after(text);
    rare.write_last(&session.last_ip_address, &session.ip_address)?;
    rare.write_last(&session.last_user_agent, &session.user_agent)?;
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
    Ok(())
}

/// The numbers behind them.
pub(crate) fn numbers_of(session: &Session) -> [i32; 13] {
    [
        place(session.status, Status::ALL),
        place(session.device_type, DeviceType::ALL),
        millions(session.created_at),
        rest(session.created_at),
        millions(session.last_active_at),
        rest(session.last_active_at),
        millions(session.expires_at),
        rest(session.expires_at),
        millions(session.access_expires_at),
        rest(session.access_expires_at),
        i32::from(session.identity.mfa_verified),
        millions(session.auth_time),
        rest(session.auth_time),
    ]
}
