//! Changing what a live session's access tokens carry: organisation switch, role, step-up, own claims.

use std::sync::Arc;

use super::Tenant;
use super::create::expires_in;
use super::pending_write::Pending;
use super::refresh::ended;
use super::verify::unknown;
use crate::error::{Error, Failure};
use crate::model::id::SessionId;
use crate::model::identity::IdentityPatch;
use crate::model::session::Session;
use crate::rules::expiry;
use crate::secret::AccessToken;
use crate::store::IssuedAccessToken;
use crate::token::issuer::AccessTokenParams;

/// A changed session with an access token that says so at once.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct UpdatedSession {
    /// The session.
    pub session: Session,
    /// The access token. The refresh token stays as it is.
    pub access_token: AccessToken,
    /// SessionTimes of the access token in seconds.
    pub expires_in: u64,
}

impl Tenant {
    /// Changes the identity of a live session and issues an access token that carries it. Access tokens issued before
    /// stay good until their `exp`.
    ///
    /// # Errors
    /// `session_not_found`, `session_revoked`, `session_expired`; `validation_error` if the claims would make an access
    /// token of more than 8 KB: nothing is changed then.
    pub fn update(&self, id: SessionId, patch: IdentityPatch) -> Result<UpdatedSession, Error> {
        self.begin_update(id, patch).wait()
    }

    /// Asks for [`update`](Self::update).
    pub fn begin_update(&self, id: SessionId, patch: IdentityPatch) -> Pending<UpdatedSession> {
        let issued = self.begin(move |tenant, w| {
            let Some(mut row) = w.store.session(w.tenant, id)? else { return Ok(Err(unknown())) };
            if let Some(end) = w.stamp_due_end(id, &row.life)? {
                return Ok(Err(ended(end)));
            }
            let key = Arc::clone(w.current.ring.active());
            let serial = row.access.ticket.serial.checked_add(1);
            row.access = IssuedAccessToken {
                ticket: AccessTokenParams {
                    serial: serial
                        .ok_or_else(|| Failure::internal("the session has no access token left"))?,
                    issued_at: w.now,
                    expires_at: expiry::access_token_end(w.now, &w.current.config, row.life.expires_at),
                },
                key_no: key.no,
            };
            patch.clone().apply(&mut row.identity);
            let draft = match tenant.prepare_access_token(&row, row.access.ticket, &key) {
                Ok(draft) => draft,
                Err(refusal) => return Ok(Err(refusal)),
            };
            w.store.change_identity(w.tenant, &row)?;
            Ok(Ok((row, draft)))
        });
        let tenant = self.clone();
        issued.map(move |(row, draft)| UpdatedSession {
            expires_in: expires_in(row.access.ticket, row.access.ticket.issued_at),
            session: tenant.view(row, None),
            access_token: draft.sign(),
        })
    }
}
