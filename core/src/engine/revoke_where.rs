//! Ending the sessions that a filter admits, with a look at them before (SPEC 12).

use std::ops::ControlFlow;
use std::sync::Arc;

use super::answers::RevokePreview;
use super::bulk_write::EndedCount;
use super::refusals::require_planned;
use super::session_ends::Selection;
use super::tenant::Tenant;
use crate::error::{Error, OpError, Refusal};
use crate::model::id::SessionId;
use crate::model::operation::Operation;
use crate::model::revoke_plan::{PlannedRevoke, RevokePlan};
use crate::model::session::{EndReason, Session, StatusFilter};
use crate::model::session_filter::SessionFilter;
use crate::schema::request_struct;
use crate::store::{NeededSessions, SessionScope};
use crate::token::refresh_token::RefreshKey;

/// How many sessions a preview shows.
const SAMPLE_MAX: usize = 20;

request_struct! {
    /// Which sessions to end.
    ///
    /// ```
    /// use hellojohn::{RevokeWhere, SessionFilter};
    ///
    /// let filter = SessionFilter::default().ip_address(Some("203.0.113.0/24".parse()?));
    /// let request = RevokeWhere::new(filter);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct RevokeWhere {
        /// Active sessions that match it now. It needs a member besides `status`.
        pub filter: SessionFilter,
        /// The plan of a preview: only sessions that were there then end, and none does if they are more than the preview
        /// counted.
        pub plan: Option<RevokePlan>,
    }
}

impl RevokeWhere {
    /// Every active session that the filter admits.
    ///
    /// ```
    /// use hellojohn::{RevokeWhere, SessionFilter};
    ///
    /// let all_of_spain = RevokeWhere::new(SessionFilter::default().country(Some("ES".parse()?)));
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn new(filter: SessionFilter) -> Self {
        RevokeWhere { filter, plan: None }
    }
}

impl Tenant {
    /// Shows what [`revoke_where`](Self::revoke_where) would end with this filter: how many sessions, the newest 20 of
    /// them, and a plan to pass on. Looks at each session of the filter's user or of the tenant, as
    /// [`count`](Self::count) does. Changes nothing.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// let filter = hellojohn::SessionFilter::of_user("usr_1".parse()?);
    /// let preview = tenant.preview_revoke_where(&filter)?;
    /// assert_eq!(preview.count, 1);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `validation_error` as for [`revoke_where`](Self::revoke_where).
    pub fn preview_revoke_where(&self, filter: &SessionFilter) -> Result<RevokePreview, Error> {
        self.observe(
            Operation::PreviewRevokeWhere,
            |preview: &RevokePreview| preview.count,
            || self.read_preview(filter),
        )
    }

    fn read_preview(&self, filter: &SessionFilter) -> Result<RevokePreview, Error> {
        require_selective(filter)?;
        let text = filter.to_json();
        let mut sample: Vec<Session> = Vec::new();
        let mut planned: Option<PlannedRevoke> = None;
        let mut before = None;
        loop {
            let room = SAMPLE_MAX - sample.len();
            let (page, found, next, plan) = self.read_about(NeededSessions::Scanned, |ctx| {
                let (mut page, mut count) = (Vec::new(), 0);
                let scanned = ctx.scan(filter, before, &mut |found| {
                    count += 1;
                    if page.len() < room {
                        let end = found.end;
                        page.push(self.view(found.record()?, end));
                    }
                    Ok(ControlFlow::Continue(()))
                })?;
                let first = PlannedRevoke {
                    at: ctx.now,
                    epoch: ctx.mark.epoch,
                    newest: scanned.newest.unwrap_or_else(|| SessionId::from_bytes([0; 16])),
                    count: 0,
                };
                let begun = planned.unwrap_or(first);
                let found = PlannedRevoke { count: begun.count + count, ..begun };
                Ok((page, found, scanned.next, ctx.snapshot.refresh_key.mint_plan(&text, found)))
            })?;
            sample.extend(page);
            planned = Some(found);
            match next {
                Some(next) => before = Some(next),
                None => return Ok(RevokePreview { count: found.count, sample, plan }),
            }
        }
    }

    /// Ends every active session that the filter admits (reason `revoked`); how many. However many they are, one commit
    /// ends all of them, and other callers wait for it no longer than for any write.
    ///
    /// With the plan of a preview, sessions that signed in after the preview stay, and the call is refused if more
    /// sessions match now than the preview counted, as when a role was given to more users meanwhile.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// use hellojohn::{RevokeWhere, SessionFilter};
    ///
    /// let filter = SessionFilter::default().mfa_verified(Some(false));
    /// let preview = tenant.preview_revoke_where(&filter)?;
    /// println!("{} sessions, such as {:?}", preview.count, preview.sample.first());
    /// let ended = tenant.revoke_where(RevokeWhere::new(filter).plan(Some(preview.plan)))?;
    /// assert_eq!(ended, 1);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `validation_error` for a filter without a member besides `status` (ending the whole tenant is
    /// [`revoke_tenant`](Self::revoke_tenant)), for one that asks for ended sessions, for a plan of another filter, and for
    /// a plan that more sessions match now. No session ends then.
    pub fn revoke_where(&self, request: RevokeWhere) -> Result<u64, Error> {
        self.observe(Operation::RevokeWhere, u64::clone, || self.end_where(request))
    }

    fn end_where(&self, request: RevokeWhere) -> Result<u64, Error> {
        let RevokeWhere { filter, plan } = request;
        require_selective(&filter)?;
        if let Some(plan) = &plan {
            self.read(|ctx| require_plan(&ctx.snapshot.refresh_key, plan, &filter))?;
            // Meanwhile a session may have come to match, or have been imported. One that comes between this count and the commit ends
            // too: a session must not get away by a change in that moment.
            require_planned(plan.found.count, self.count_up_to(&filter, Some(plan.found.newest))?)?;
        }
        let filter = Arc::new(filter);
        let concerned = Arc::clone(&filter);
        let ended = self.bulk_write_alone(move |_, ctx| {
            if let Some(plan) = &plan {
                require_plan(&ctx.snapshot.refresh_key, plan, &concerned)?;
                if plan.found.epoch != ctx.epoch {
                    let problem = "is of before the clock mark was lowered: make a new one";
                    return Err(Refusal::because(Error::validation("plan", problem)).into());
                }
            }
            let scope = SessionScope::of(concerned.user_id.as_ref());
            ctx.end_many(&Selection {
                newest: plan.as_ref().map(|plan| plan.found.newest),
                filter: Some(&concerned),
                at_most: plan.as_ref().map(|plan| plan.found.count),
                ..Selection::all(scope, Some(EndReason::Revoked))
            })
        })?;
        let scope = SessionScope::of(filter.user_id.as_ref());
        if matches!(ended, EndedCount::By(_)) && self.latest_snapshot()?.config.revocation_list {
            // Verifiers cannot tell which sessions the filter has ended until their rows are stamped, and listed.
            self.blocking().settle(scope)?;
        }
        self.count_ended(ended, scope)
    }
}

/// Refuses a filter that says nothing, and one about sessions that cannot be ended any more.
fn require_selective(filter: &SessionFilter) -> Result<(), Error> {
    filter.require_possible()?;
    if filter.end_reason.is_some() {
        return Err(Error::validation(
            "end_reason",
            "is that of sessions that have ended: only active ones can be revoked",
        ));
    }
    if filter.status.is_some_and(|status| status != StatusFilter::Active) {
        return Err(Error::validation("status", "must be active: no other session can be revoked"));
    }
    if *filter == (SessionFilter { status: filter.status, ..SessionFilter::default() }) {
        return Err(Error::validation(
            "filter",
            "needs a member besides status: ending all sessions of the tenant is a call of its own",
        ));
    }
    Ok(())
}

fn require_plan(key: &RefreshKey, plan: &RevokePlan, filter: &SessionFilter) -> Result<(), OpError> {
    if key.verify_plan(plan, &filter.to_json()) {
        return Ok(());
    }
    Err(Refusal::because(RevokePlan::refused()).into())
}
