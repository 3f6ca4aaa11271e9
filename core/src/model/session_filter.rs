//! Which sessions a call is about (SPEC 12).

use std::str::FromStr;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::in_millis::SerializeInMillis;
use crate::json;
use crate::model::client::ClientInfo;
use crate::model::device_type::DeviceType;
use crate::model::filter_values::{Countries, UserAgentPart};
use crate::model::id::{OrgId, SessionId, UserId};
use crate::model::identity::{Identity, Role};
use crate::model::ip_network::IpNetwork;
use crate::model::session::{End, EndReason, SessionLifetime, Status, StatusFilter};
use crate::object_reader::ObjectReader;
use crate::schema::request_struct;

/// Declares the filter, how each member is read, and its JSON.
macro_rules! session_filter {
    ($($(#[doc = $doc:literal])+ $(#[serde($with:ident = $path:literal)])? $field:ident: $type:ty,)+) => {
        request_struct! {
            /// Which sessions a call is about: those for which every given member holds. A filter without members means all
            /// sessions of the default status.
            ///
            /// ```
            /// use hellojohn::SessionFilter;
            ///
            /// let filter = SessionFilter::default()
            ///     .not_country(Some("ES,PT".parse()?))
            ///     .ip_address(Some("203.0.113.0/24".parse()?));
            /// # Ok::<(), hellojohn::Error>(())
            /// ```
            #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
            pub struct SessionFilter {$(
                $(#[doc = $doc])+
                #[serde(skip_serializing_if = "Option::is_none" $(, $with = $path)?)]
                pub $field: Option<$type>,
            )+}
        }

        impl SessionFilter {
            /// The names of its members, on every API surface.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($field)),+];

            /// Takes the members of the filter. A member that is null is refused, because a value that was lost must not
            /// make "all" of a filter.
            pub(crate) fn take(members: &mut ObjectReader) -> Result<Self, Error> {
                let filter = SessionFilter {$(
                    $field: {
                        let name = stringify!($field);
                        members.changed(name).map_err(|error| named(&members.path_of(name), &error))?
                    },
                )+};
                filter.require_possible()?;
                Ok(filter)
            }
        }
    };
}

session_filter! {
    /// Sessions of this user.
    user_id: UserId,
    /// Sessions of this status; by default active ones, or of every status if `end_reason` is given.
    status: StatusFilter,
    /// Sessions that signed in from one of these countries.
    country: Countries,
    /// All but those; also sessions whose country is not known.
    not_country: Countries,
    /// Sessions that signed in from this address or network.
    ip_address: IpNetwork,
    /// All but those; also sessions whose address is not known.
    not_ip_address: IpNetwork,
    /// Sessions on devices of this type.
    device_type: DeviceType,
    /// Sessions whose user agent at sign-in contains this text, whatever the case of its letters.
    user_agent: UserAgentPart,
    /// Sessions in this organisation.
    org_id: OrgId,
    /// Sessions with this role.
    role: Role,
    /// Sessions that signed in after this time, not at it.
    #[serde(serialize_with = "SerializeInMillis::serialize_in_millis")]
    created_after: Timestamp,
    /// Sessions that signed in before this time, not at it.
    #[serde(serialize_with = "SerializeInMillis::serialize_in_millis")]
    created_before: Timestamp,
    /// Sessions that were last active after this time, not at it.
    #[serde(serialize_with = "SerializeInMillis::serialize_in_millis")]
    last_active_after: Timestamp,
    /// Sessions that were last active before this time, not at it.
    #[serde(serialize_with = "SerializeInMillis::serialize_in_millis")]
    last_active_before: Timestamp,
    /// Sessions with a second factor, or without one.
    mfa_verified: bool,
    /// Sessions that ended for this reason.
    end_reason: EndReason,
}

impl SessionFilter {
    /// All active sessions of one user.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// let filter = hellojohn::SessionFilter::of_user("usr_1".parse()?);
    /// assert_eq!(tenant.count(&filter)?, 1);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn of_user(user_id: UserId) -> Self {
        SessionFilter { user_id: Some(user_id), ..SessionFilter::default() }
    }

    /// The user, if the filter asks for nothing else, or for a status besides.
    pub(crate) fn user_alone(&self) -> Option<&UserId> {
        match self {
            SessionFilter {
                user_id: Some(user_id),
                status: _,
                country: None,
                not_country: None,
                ip_address: None,
                not_ip_address: None,
                device_type: None,
                user_agent: None,
                org_id: None,
                role: None,
                created_after: None,
                created_before: None,
                last_active_after: None,
                last_active_before: None,
                mfa_verified: None,
                end_reason: None,
            } => Some(user_id),
            _ => None,
        }
    }

    /// Reads a filter in its JSON form: the members by their names, times in milliseconds since the epoch, countries as a
    /// text or an array of texts.
    ///
    /// ```
    /// use hellojohn::SessionFilter;
    ///
    /// let json = serde_json::json!({"country": ["ES", "PT"], "created_before": 1_705_314_600_000_u64});
    /// let filter = SessionFilter::from_json(json.as_object().unwrap().clone())?;
    /// assert!(filter.country.is_some() && filter.status.is_none());
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `validation_error` naming the member: also for an unknown name, for null, and for members that no session can
    /// satisfy together.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        let mut members = ObjectReader::request(object);
        let filter = SessionFilter::take(&mut members)?;
        members.finish()?;
        Ok(filter)
    }

    /// The JSON form; equal filters have equal texts.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Refuses what no session can satisfy: it is a slip, and an answer of "none" would hide it.
    pub(crate) fn require_possible(&self) -> Result<(), Error> {
        let times = [
            ("created_after", self.created_after, "created_before", self.created_before),
            ("last_active_after", self.last_active_after, "last_active_before", self.last_active_before),
        ];
        for (after_name, after, before_name, before) in times {
            for (name, time) in [(after_name, after), (before_name, before)] {
                // What a time comes to that was lost on the way.
                if time.is_some_and(|time| time <= Timestamp::default()) {
                    return Err(Error::validation(name, "must be after 1970-01-01T00:00:00Z"));
                }
            }
            if let (Some(after), Some(before)) = (after, before)
                && after.as_millis().saturating_add(1) >= before.as_millis()
            {
                return Err(Error::validation(
                    after_name,
                    format_args!("leaves no time before {before_name}"),
                ));
            }
        }
        if let (Some(status), Some(reason)) = (self.status, self.end_reason) {
            let end = End { at: Timestamp::default(), reason };
            if !status.admits(end.status()) {
                return Err(Error::validation(
                    "end_reason",
                    format_args!("is never that of a session of the status {status}"),
                ));
            }
        }
        Ok(())
    }

    /// Which statuses it lets through.
    pub(crate) fn effective_status(&self) -> StatusFilter {
        match (self.status, self.end_reason) {
            (Some(status), _) => status,
            (None, Some(_)) => StatusFilter::All,
            (None, None) => StatusFilter::Active,
        }
    }

    /// Whether a session with this end, or none, passes.
    pub(crate) fn admits_end(&self, end: Option<End>) -> bool {
        self.effective_status().admits(end.map_or(Status::Active, End::status))
            && self.end_reason.is_none_or(|reason| end.is_some_and(|end| end.reason == reason))
    }

    /// Whether user and times of the session pass.
    pub(crate) fn admits_lifetime(&self, session: &SessionLifetime) -> bool {
        let (created, active) = (session.times.created_at, session.times.last_active_at);
        self.user_id.as_ref().is_none_or(|user| *user == session.user_id)
            && self.created_after.is_none_or(|time| created > time)
            && self.created_before.is_none_or(|time| created < time)
            && self.last_active_after.is_none_or(|time| active > time)
            && self.last_active_before.is_none_or(|time| active < time)
    }

    /// Whether it asks for more than user, times and end.
    pub(crate) fn needs_details(&self) -> bool {
        self.country.is_some()
            || self.not_country.is_some()
            || self.ip_address.is_some()
            || self.not_ip_address.is_some()
            || self.device_type.is_some()
            || self.user_agent.is_some()
            || self.org_id.is_some()
            || self.role.is_some()
            || self.mfa_verified.is_some()
    }

    /// Whether device and identity of the session pass.
    pub(crate) fn admits_details(&self, client: &ClientInfo, identity: &Identity) -> bool {
        let is_from =
            |countries: &Countries| client.country.is_some_and(|country| countries.contains(country));
        let is_in = |network: &IpNetwork| client.ip_address.is_some_and(|address| network.contains(address));
        let says = |part: &UserAgentPart| {
            let agent = client.user_agent.as_ref();
            agent.is_some_and(|agent| agent.as_str().to_lowercase().contains(part.as_str()))
        };
        self.country.as_ref().is_none_or(is_from)
            && self.not_country.as_ref().is_none_or(|countries| !is_from(countries))
            && self.ip_address.as_ref().is_none_or(is_in)
            && self.not_ip_address.as_ref().is_none_or(|network| !is_in(network))
            && self.device_type.is_none_or(|device_type| device_type == client.effective_device_type())
            && self.org_id.as_ref().is_none_or(|org_id| identity.org_id.as_ref() == Some(org_id))
            && self.role.as_ref().is_none_or(|role| identity.role.as_ref() == Some(role))
            && self.mfa_verified.is_none_or(|verified| verified == identity.mfa_verified)
            && self.user_agent.as_ref().is_none_or(says)
    }

    /// The id that is above those of all sessions that it admits, if there is one.
    pub(crate) fn above(&self) -> Option<SessionId> {
        self.created_before.map(SessionId::first_at)
    }

    /// The id below which it admits no session, if there is one.
    pub(crate) fn below(&self) -> Option<SessionId> {
        let after = self.created_after?.as_millis().saturating_add(1);
        Some(SessionId::first_at(Timestamp::from_millis(after)))
    }
}

impl FromStr for SessionFilter {
    type Err = Error;

    /// Reads the text of a JSON object as [`from_json`](SessionFilter::from_json) does.
    fn from_str(text: &str) -> Result<Self, Error> {
        let object = json::parse_object(text.as_bytes());
        SessionFilter::from_json(object.ok_or_else(|| Error::validation("filter", "must be a JSON object"))?)
    }
}

/// The error of a value under the name of the member that holds it.
fn named(path: &str, error: &Error) -> Error {
    let detail = error.detail();
    Error::validation(path, detail.split_once(": ").map_or(detail, |(_, problem)| problem))
}

#[cfg(test)]
mod tests;
