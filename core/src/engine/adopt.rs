//! Adopting an imported session: the credential of the old system is exchanged for the first tokens (SPEC 15).

use subtle::ConstantTimeEq;

use super::answers::Grant;
use super::exchange::RefreshRequest;
use super::pending::Pending;
use super::refusals::{missing_credential, unknown_credential};
use super::tenant::Tenant;
use crate::error::Error;
use crate::model::event::EventType;
use crate::model::imported::{CredentialHash, ImportKey};
use crate::model::operation::Operation;

/// The generation of a session's first refresh token, for which the credential of an imported session stands.
const FIRST_GENERATION: u32 = 1;

impl Tenant {
    /// Exchanges the credential that an imported session had in its old system for the first tokens of the session. The
    /// credential is what the old system gave its client: the value of the cookie, after percent-decoding, or the refresh
    /// token.
    ///
    /// The credential stands for the session's first refresh token, and this is its refresh: it moves `last_active_at`, it
    /// answers with the same tokens again for `refresh_reuse_window`, and presenting the credential later ends the session.
    /// Sign-in time and end stay those of the import.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// use hellojohn::{ImportRequest, RefreshRequest};
    ///
    /// let rows = r#"{"user_id": "usr_1", "credential": "0d6f0c9a-5a1e-4d53-9d6c-3f0a5e3c9b11"}"#;
    /// tenant.import(rows.as_bytes(), &ImportRequest::default(), |_| {})?;
    ///
    /// let grant = tenant.adopt("0d6f0c9a-5a1e-4d53-9d6c-3f0a5e3c9b11", RefreshRequest::default())?;
    /// assert_eq!(grant.session.user_id.as_str(), "usr_1");
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `missing_token` for an empty credential, `refresh_token_invalid` for one that was not imported (no effect at all),
    /// `session_expired`, `session_revoked`, `refresh_token_reused` (it was adopted before; the session has been ended).
    pub fn adopt(&self, credential: &str, request: RefreshRequest) -> Result<Grant, Error> {
        self.begin_adopt(credential, request).wait()
    }

    /// Begins [`adopt`](Self::adopt) without waiting for it; see [`Pending`].
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// let rows = "{\"user_id\": \"usr_1\", \"credential\": \"x9tK2vLq8ZsW4yBn\"}\n";
    /// tenant.import(rows.as_bytes(), &Default::default(), |_| {})?;
    /// let grant = tenant.begin_adopt("x9tK2vLq8ZsW4yBn", Default::default()).wait()?;
    /// assert_eq!(grant.session.user_id.as_str(), "usr_1");
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn begin_adopt(&self, credential: &str, request: RefreshRequest) -> Pending<Grant> {
        self.observe_pending(Operation::Adopt, Grant::rows, || self.queue_adopt(credential, request))
    }

    fn queue_adopt(&self, credential: &str, request: RefreshRequest) -> Pending<Grant> {
        if credential.is_empty() {
            return Pending::ready(Err(missing_credential().into()));
        }
        let hashes = CredentialHash::of(credential).zip(CredentialHash::of_hashed(credential));
        let Some((plain, hashed)) = hashes else {
            return Pending::ready(Err(unknown_credential().into()));
        };
        let keys = [plain, hashed].map(|credential| ImportKey { credential, external_id: None });
        let adopted = self.begin_write(move |tenant, ctx| {
            let found = ctx.transaction.imported_sessions(ctx.tenant, &keys)?;
            let is_named =
                |kept: CredentialHash| keys.iter().any(|key| bool::from(key.credential.0.ct_eq(&kept.0)));
            let record = found.into_iter().find(|record| record.credential.is_some_and(is_named));
            let record = record.ok_or_else(unknown_credential)?;
            let exchanged = ctx.exchange(tenant, record, FIRST_GENERATION, &request)?;
            if exchanged.has_rotated {
                exchanged.tell(ctx, EventType::SessionAdopted, request.ip_address)?;
            }
            Ok(exchanged)
        });
        self.grant_of_exchange(adopted)
    }
}
