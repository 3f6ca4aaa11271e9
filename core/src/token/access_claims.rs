//! The claims of an access token, written and read.

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::json;
use crate::model::claims::{Claims, RESERVED_CLAIMS};
use crate::model::factor::{Factor, Factors};
use crate::model::id::{OrgId, SessionId, TenantId, UserId};
use crate::model::identity::{Email, Role};
use crate::schema::public_record;

/// The longest access token, in bytes: 8 KB.
pub(crate) const ACCESS_TOKEN_MAX: usize = 8_192;

/// The claims that the engine sets, in the order in which they are written (SPEC 3). Their names are reserved: hosts may
/// not use them (`RESERVED_CLAIMS`).
#[derive(Serialize)]
pub(super) struct WrittenClaims<'a> {
    pub iss: &'a str,
    pub aud: &'a str,
    pub sub: &'a str,
    pub session_id: &'a str,
    pub sid: &'a str,
    pub tenant_id: &'a str,
    pub role: Option<&'a str>,
    pub mfa_verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<&'a str>,
    pub iat: i64,
    pub exp: i64,
    pub auth_time: i64,
    #[serde(skip_serializing_if = "Methods::is_empty")]
    pub amr: Methods<'a>,
    #[serde(skip_serializing_if = "Times::is_same")]
    pub amr_times: Times<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<Act<'a>>,
    pub jti: &'a str,
    #[serde(flatten)]
    pub own: &'a Map<String, Value>,
}

/// `act` (RFC 8693): who acts for the user.
#[derive(Serialize)]
pub(super) struct Act<'a> {
    pub sub: &'a str,
}

/// `amr` (RFC 8176): the names of the factors, the newest last.
pub(super) struct Methods<'a>(pub &'a Factors);

impl Methods<'_> {
    fn is_empty(&self) -> bool {
        self.0.as_slice().is_empty()
    }
}

impl Serialize for Methods<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.as_slice().iter().map(|factor| &factor.method))
    }
}

/// The times of `amr`, where one of them is not `auth_time`: else an old factor would count as a new one.
pub(super) struct Times<'a>(pub &'a Factors);

impl Times<'_> {
    fn is_same(&self) -> bool {
        let mut times = self.0.as_slice().iter().map(|factor| factor.at.as_secs());
        let first = times.next();
        times.all(|time| Some(time) == first)
    }
}

impl Serialize for Times<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.as_slice().iter().map(|factor| factor.at.as_secs()))
    }
}

public_record! {
    /// The claims of a verified access token.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// let claims = tenant.verify_locally(grant.access_token.expose(), &Default::default())?;
    /// assert_eq!(claims.user_id.as_str(), "usr_1");
    /// assert_eq!(claims.payload["sub"], "usr_1");
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, PartialEq)]
    pub struct AccessClaims {
        /// `sub`: the user.
        pub user_id: UserId,
        /// `session_id`: the session.
        pub session_id: SessionId,
        /// `tenant_id`: the tenant.
        pub tenant_id: TenantId,
        /// `org_id`: the organisation that was active.
        pub org_id: Option<OrgId>,
        /// `role`: the user's role.
        pub role: Option<Role>,
        /// `mfa_verified`: whether a second factor was passed.
        pub mfa_verified: bool,
        /// `auth_time`: when the user authenticated, a whole second. Tokens of earlier releases do not say it.
        pub auth_time: Option<Timestamp>,
        /// `amr` and `amr_times`: the methods that the user had passed, each with its last time, a whole second.
        pub factors: Factors,
        /// `act.sub`: who acts for the user, if another person does.
        pub actor_user_id: Option<UserId>,
        /// `email`: the user's e-mail address.
        pub email: Option<Email>,
        /// `iat`: when the token was issued, a whole second.
        pub issued_at: Timestamp,
        /// `exp`: from when it is no longer good, a whole second.
        pub expires_at: Timestamp,
        /// `jti`: the id of the token.
        pub token_id: Box<str>,
        /// The whole payload, the host's own claims included.
        pub payload: Map<String, Value>,
    }
}

impl AccessClaims {
    /// Reads a payload; `None` unless every required claim has its type and claims that are written twice agree.
    pub(super) fn parse(bytes: &[u8], issuer: &str, audience: &str) -> Option<Self> {
        let payload = json::parse_object(bytes)?;
        let text = |name: &str| payload.get(name).and_then(Value::as_str);
        let seconds = |name: &str| payload.get(name).and_then(Value::as_i64).map(Timestamp::from_secs);
        if text("iss")? != issuer || text("aud")? != audience || text("sid")? != text("session_id")? {
            return None;
        }
        let role = parse_optional::<Role>(&payload, "role")?;
        let org_id = parse_optional::<OrgId>(&payload, "org_id")?;
        let org_role = parse_optional::<Role>(&payload, "org_role")?;
        if org_role != role && org_id.is_some() || org_role.is_some() && org_id.is_none() {
            return None;
        }
        // Earlier releases let hosts use these names: a claim of another type is theirs, and says nothing.
        let auth_time = seconds("auth_time");
        let factors = auth_time.and_then(|auth_time| parse_factors(&payload, auth_time)).unwrap_or_default();
        Some(AccessClaims {
            user_id: text("sub")?.parse().ok()?,
            session_id: text("session_id")?.parse().ok()?,
            tenant_id: text("tenant_id")?.parse().ok()?,
            org_id,
            role,
            mfa_verified: payload.get("mfa_verified")?.as_bool()?,
            auth_time,
            factors,
            actor_user_id: auth_time.and_then(|_| payload.get("act")?.get("sub")?.as_str()?.parse().ok()),
            email: parse_optional(&payload, "email")?,
            issued_at: seconds("iat")?,
            expires_at: seconds("exp")?,
            token_id: text("jti")?.into(),
            payload,
        })
    }

    /// The host's own claims, without those that the engine sets, as a type of the host's.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Subscription {
    ///     plan: String,
    /// }
    ///
    /// let request = hellojohn::CreateSession::new("usr_1".parse()?).own_claims(&Subscription { plan: "pro".into() })?;
    /// let grant = tenant.create(request)?;
    /// let claims = tenant.verify_locally(grant.access_token.expose(), &Default::default())?;
    /// assert_eq!(claims.own_claims::<Subscription>()?.plan, "pro");
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Claims::decode`].
    pub fn own_claims<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.to_claims().decode()
    }

    /// The host's own claims, without those that the engine sets.
    pub(crate) fn to_claims(&self) -> Claims {
        let own = self.payload.iter().filter(|(name, _)| !RESERVED_CLAIMS.contains(&name.as_str()));
        let own = own.map(|(name, value)| (name.clone(), value.clone())).collect();
        Claims::kept(own).unwrap_or_default() // those of a genuine token were claims before
    }

    /// The number of the token in its session: the second half of its id, as the issuer writes it.
    pub(crate) fn serial(&self) -> Option<u32> {
        let (_, serial) = self.token_id.rsplit_once('.')?;
        u32::from_str_radix(serial, 16).ok()
    }
}

/// `Some(None)` for an absent or null claim, `None` for one of the wrong type.
fn parse_optional<T: std::str::FromStr>(payload: &Map<String, Value>, name: &str) -> Option<Option<T>> {
    match payload.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(value) => value.as_str()?.parse().ok().map(Some),
    }
}

/// The factors that a token names; all of them of `auth_time` where it tells no times.
fn parse_factors(payload: &Map<String, Value>, auth_time: Timestamp) -> Option<Factors> {
    let methods = payload.get("amr")?.as_array()?;
    let times = match payload.get("amr_times") {
        None => None,
        Some(times) => Some(times.as_array().filter(|times| times.len() == methods.len())?),
    };
    Factors::read(methods.iter().enumerate().map(|(index, method)| {
        let at = match times {
            None => auth_time,
            Some(times) => Timestamp::from_secs(times[index].as_i64()?),
        };
        Some(Factor { method: method.as_str()?.parse().ok()?, at })
    }))
}

#[cfg(test)]
mod tests;
