//! Refresh: one atomic step with six outcomes (SPEC 3).

use std::sync::Arc;

use super::Tenant;
use super::create::{Grant, expires_in};
use super::pending_write::Pending;
use super::tenant::Verdict;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Failure, Refusal};
use crate::model::client::{IpAddress, UserAgent};
use crate::model::config::Config;
use crate::model::session::{End, EndReason};
use crate::rules::expiry;
use crate::rules::rotation::{Decision, Rotation, decide};
use crate::store::{IssuedAccessToken, LastSeen, ReadTransaction, SessionRecord};
use crate::token::issuer::AccessTokenParams;
use crate::token::keyring::KeyNo;
use crate::token::refresh_token::{PresentedToken, RefreshKey};

/// Where a refresh comes from, as far as the host knows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RefreshRequest {
    /// The address that it came from, recorded as last seen.
    pub ip_address: Option<IpAddress>,
    /// The user agent that it came from, recorded as last seen.
    pub user_agent: Option<UserAgent>,
}

/// The error that an ended session answers with (SPEC 9: idle ends are `revoked`, yet a refresh says `session_expired`).
pub(super) fn ended(end: End) -> Refusal {
    match end.reason {
        EndReason::Expired => Refusal::new(ErrorCode::SessionExpired, "the session has expired"),
        EndReason::IdleTimeout => {
            Refusal::new(ErrorCode::SessionExpired, "the session was idle for too long")
        }
        _ => Refusal::new(ErrorCode::SessionRevoked, "the session was revoked"),
    }
}

pub(super) fn not_ours() -> Refusal {
    Refusal::new(ErrorCode::RefreshTokenInvalid, "not a refresh token of this tenant")
}

pub(super) fn ahead() -> Refusal {
    Refusal::new(
        ErrorCode::RefreshTokenAhead,
        "the refresh token is newer than the database, which was restored from a backup",
    )
}

pub(super) fn reused() -> Refusal {
    Refusal::new(
        ErrorCode::RefreshTokenReused,
        "the refresh token was used before; its session has been ended",
    )
}

impl Tenant {
    /// Exchanges the session's live refresh token for its successor and a fresh access token, and moves
    /// `last_active_at`. The former token answers with the same successor for `refresh_reuse_window` (at most 100 times),
    /// so that parallel tabs and lost answers converge; later it ends the session.
    ///
    /// # Errors
    /// `missing_token`, `refresh_token_invalid` (no effect whatever), `session_expired`, `session_revoked`,
    /// `refresh_token_reused` (the session has been ended), `refresh_token_ahead`.
    pub fn refresh(&self, refresh_token: &str, request: RefreshRequest) -> Result<Grant, Error> {
        self.begin_refresh(refresh_token, request).wait()
    }

    /// Asks for [`refresh`](Self::refresh).
    pub fn begin_refresh(&self, refresh_token: &str, request: RefreshRequest) -> Pending<Grant> {
        if refresh_token.is_empty() {
            let missing = Error::new(ErrorCode::MissingToken, "no refresh token was given");
            return Pending::answered(Err(missing));
        }
        let Some(presented) = PresentedToken::parse(refresh_token) else {
            return Pending::answered(Err(not_ours().into()));
        };
        let issued = self.begin(move |tenant, w| {
            let row = match tenant.genuine_row(w.store, &w.current.refresh_key, &presented)? {
                Ok(row) => row,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let decision = decide(&row.life, row.rotation, presented.generation, w.now, &w.current.config);
            let (row, key) = match decision {
                Decision::Ended(end) => {
                    w.stamp_due_end(row.id, &row.life)?;
                    return Ok(Err(ended(end)));
                }
                Decision::Ahead => return Ok(Err(ahead())),
                Decision::Reused(end) => {
                    w.store.end_session(w.tenant, row.id, end)?;
                    return Ok(Err(reused()));
                }
                Decision::Replay => {
                    let signed_by = w.current.ring.by_no(row.access.key_no);
                    let key = signed_by.unwrap_or_else(|| w.current.ring.active());
                    (row, Arc::clone(key))
                }
                Decision::Rotate => {
                    let key = Arc::clone(w.current.ring.active());
                    (rotated(row, w.now, &w.current.config, key.no, &request)?, key)
                }
            };
            let draft = match tenant.prepare_access_token(&row, row.access.ticket, &key) {
                Ok(draft) => draft,
                Err(refusal) => return Ok(Err(refusal)),
            };
            if decision == Decision::Replay {
                w.store.count_replay(w.tenant, row.id)?;
            } else {
                w.store.rotate_session(w.tenant, &row)?;
            }
            let refresh_token = w.current.refresh_key.mint(row.id, row.rotation.generation, &row.nonce);
            Ok(Ok((row, draft, refresh_token, w.now)))
        });
        let tenant = self.clone();
        issued.map(move |(row, draft, refresh_token, now)| Grant {
            expires_in: expires_in(row.access.ticket, now),
            session: tenant.view(row, None),
            access_token: draft.sign(),
            refresh_token,
            evicted: Vec::new(),
        })
    }

    /// The session of a token that this tenant's key made.
    pub(super) fn genuine_row(
        &self,
        store: &dyn ReadTransaction,
        key: &RefreshKey,
        presented: &PresentedToken,
    ) -> Result<Verdict<SessionRecord>, Failure> {
        let row = store.session(self.state.no, presented.session)?;
        Ok(row.filter(|row| key.verify(presented, &row.nonce)).ok_or_else(not_ours))
    }
}

/// The row after a rotation.
fn rotated(
    mut row: SessionRecord,
    now: Timestamp,
    config: &Config,
    key_no: KeyNo,
    request: &RefreshRequest,
) -> Result<SessionRecord, Failure> {
    let exhausted = || Failure::internal("the session has no generation left");
    row.rotation =
        Rotation { generation: row.rotation.generation.checked_add(1).ok_or_else(exhausted)?, replays: 0 };
    row.life.last_active_at = now;
    row.access = IssuedAccessToken {
        ticket: AccessTokenParams {
            serial: row.access.ticket.serial.checked_add(1).ok_or_else(exhausted)?,
            issued_at: now,
            expires_at: expiry::access_token_end(now, config, row.life.expires_at),
        },
        key_no,
    };
    row.last_seen = LastSeen {
        ip_address: seen(request.ip_address, row.last_seen.ip_address, row.client.ip_address),
        user_agent: seen(request.user_agent.clone(), row.last_seen.user_agent, row.client.user_agent.clone()),
    };
    Ok(row)
}

/// What to keep as last seen: nothing while it is the sign-in's.
fn seen<T: PartialEq>(now: Option<T>, before: Option<T>, at_sign_in: Option<T>) -> Option<T> {
    match now {
        None => before,
        now if now == at_sign_in => None,
        now => now,
    }
}
