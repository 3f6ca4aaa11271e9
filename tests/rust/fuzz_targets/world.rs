//! What the targets ask: an engine in memory whose clock stands still, two tenants, and a session in each.

use hellojohn::rest::{RestApi, RestOptions};
use hellojohn::{CreateSession, Grant, SessionFilter, StatusFilter, Tenant};

use crate::fixture::{Process, START, user};

/// Kept between the inputs of one thread.
pub(super) struct World {
    pub tenant: Tenant,
    pub other: Tenant,
    /// A session of each tenant that nothing may end.
    pub grant: Grant,
    pub foreign: Grant,
}

impl World {
    pub fn new() -> Self {
        let process = Process::in_memory(START);
        let [tenant, other] = ["tnt_fuzz", "tnt_other"].map(|id| process.tenant(id));
        let [grant, foreign] = [&tenant, &other].map(sign_in);
        World { tenant, other, grant, foreign }
    }

    /// Whether both sessions are still there, as they must be after everything that was refused.
    pub fn is_whole(&self) -> bool {
        [(&self.tenant, &self.grant), (&self.other, &self.foreign)]
            .iter()
            .all(|(tenant, grant)| tenant.verify_session(grant.session.id).is_ok())
    }

    /// How many records of sessions the tenant has.
    pub fn records(&self) -> u64 {
        self.tenant.count(&SessionFilter::default().status(Some(StatusFilter::All))).expect("a number")
    }
}

/// One more session.
pub(super) fn sign_in(tenant: &Tenant) -> Grant {
    tenant.create(CreateSession::new(user("usr_1"))).expect("a session")
}

/// The REST API of a tenant, with the options in their JSON form.
pub(super) fn api(tenant: &Tenant, options: &str) -> RestApi {
    let options: RestOptions = options.parse().expect("options");
    RestApi::new(tenant.clone(), options).expect("an API").authenticate_with(|credentials| {
        Ok((credentials.password() == "correct").then(|| CreateSession::new(user("usr_1"))))
    })
}
