//! Changing what an active session's access tokens carry: organisation switch, role, step-up, the host's own claims.

use std::sync::Arc;

use super::answers::UpdatedSession;
use super::event_log::EventData;
use super::pending::Pending;
use super::refusals::{ended_session, unknown_session};
use super::session_view::expires_in;
use super::tenant::Tenant;
use crate::error::{Error, Failure};
use crate::model::event::EventType;
use crate::model::id::SessionId;
use crate::model::identity::{Identity, IdentityPatch};
use crate::model::operation::Operation;
use crate::rules::expiry;
use crate::store::{IssuedAccessToken, NeededSessions};
use crate::token::issuer::AccessTokenParams;

impl Tenant {
    /// Changes the identity of an active session and issues an access token that carries it. Access tokens issued before
    /// stay good until their `exp`; verification against the store answers with the changed identity for them, too, and
    /// says that they are outdated.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// use hellojohn::IdentityPatch;
    ///
    /// let patch = IdentityPatch::default().mfa_verified(Some(true));
    /// let updated = tenant.update(grant.session.id, patch)?;
    /// assert!(updated.session.identity.mfa_verified);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `session_not_found`, `session_revoked`, `session_expired`; `validation_error` if the claims would make an access
    /// token of more than 8 KB: nothing is changed then.
    pub fn update(&self, id: SessionId, patch: IdentityPatch) -> Result<UpdatedSession, Error> {
        self.begin_update(id, patch).wait()
    }

    /// Begins [`update`](Self::update) without waiting for it; see [`Pending`].
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// let patch = hellojohn::IdentityPatch::default().mfa_verified(Some(true));
    /// let updated = tenant.begin_update(grant.session.id, patch).wait()?;
    /// assert!(updated.session.identity.mfa_verified);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn begin_update(&self, id: SessionId, patch: IdentityPatch) -> Pending<UpdatedSession> {
        self.observe_pending(Operation::Update, |_| 1, || self.queue_update(id, patch))
    }

    fn queue_update(&self, id: SessionId, patch: IdentityPatch) -> Pending<UpdatedSession> {
        let issued = self.begin_write_about(NeededSessions::One(id), move |tenant, ctx| {
            let mut record = ctx.transaction.session(ctx.tenant, id)?.ok_or_else(unknown_session)?;
            if let Some(found) = ctx.ends().stamp(&record.lifetime())? {
                return Err(ended_session(found.end).into());
            }
            let key = Arc::clone(ctx.snapshot.ring.active());
            let exhausted = || Failure::internal("the session has no access token left");
            record.access = IssuedAccessToken {
                params: AccessTokenParams {
                    serial: record.access.params.serial.checked_add(1).ok_or_else(exhausted)?,
                    issued_at: ctx.now,
                    expires_at: expiry::access_token_end(
                        ctx.now,
                        &ctx.snapshot.config,
                        record.times.expires_at,
                    ),
                },
                key_no: key.no,
            };
            // A decision about sessions as they were does not follow this one to what it is now.
            record.times.judged_by = ctx.snapshot.bulk_ends.newest;
            record.identity_serial = record.access.params.serial;
            let events = ctx.events();
            let before = if events.is_on { record.identity.clone() } else { Identity::default() };
            patch.clone().apply(&mut record.identity, &mut record.factors, ctx.now);
            let unsigned = tenant.prepare_access_token(&record, &key)?;
            ctx.transaction.change_identity(ctx.tenant, &record)?;
            events.tell(EventType::SessionUpdated, Some((record.id, &record.user_id)), || {
                let mut changed = record.identity.changed_since(&before);
                changed.extend(patch.factor.as_ref().map(|_| "factors"));
                EventData::default().with("changed", changed)
            })?;
            Ok((record, unsigned))
        });
        let tenant = self.clone();
        issued.map(move |(record, unsigned)| UpdatedSession {
            expires_in: expires_in(record.access.params, record.access.params.issued_at),
            session: tenant.view(record, None),
            access_token: unsigned.sign(),
        })
    }
}
