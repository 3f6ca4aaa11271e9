//! What a call has done whose answer was lost: as for any call, but that its caller has no tokens.

use hellojohn::{EndReason, ErrorCode};

use super::look::Look;
use super::model::{Model, RefreshOutcome, SignIn};

impl Model {
    /// A sign-in, of which the store shows the id.
    pub(super) fn create_unanswered(&mut self, tenant_index: usize, sign_in: SignIn, look: &Look) -> bool {
        let mut ids = look.0[tenant_index].sessions.keys();
        let Some(id) = ids.find(|id| self.position_of(tenant_index, **id).is_none()) else { return false };
        self.evict(tenant_index, sign_in);
        self.add_session(tenant_index, sign_in, *id, String::new());
        true
    }

    pub(super) fn refresh_unanswered(
        &mut self,
        tenant_index: usize,
        session_index: usize,
        generation: usize,
        ip: Option<&str>,
    ) -> bool {
        match self.expected_refresh(tenant_index, session_index, generation) {
            RefreshOutcome::Rotates => self.rotate(tenant_index, session_index, ip, String::new()),
            RefreshOutcome::Replays => self.tenants[tenant_index].sessions[session_index].replays += 1,
            RefreshOutcome::Refuses(ErrorCode::RefreshTokenReused) => {
                let id = self.tenants[tenant_index].sessions[session_index].id;
                self.end_all(tenant_index, |known| known.id == id, EndReason::RefreshTokenReuse);
            }
            RefreshOutcome::Refuses(_) => return false,
        }
        true
    }

    pub(super) fn update_unanswered(
        &mut self,
        tenant_index: usize,
        session_index: usize,
        role: Option<String>,
        mfa: Option<bool>,
    ) -> bool {
        if !self.is_active(tenant_index, session_index) {
            return false;
        }
        let known = &mut self.tenants[tenant_index].sessions[session_index];
        known.role = role;
        known.mfa = mfa.unwrap_or(known.mfa);
        self.issue_update(tenant_index, session_index);
        true
    }
}
