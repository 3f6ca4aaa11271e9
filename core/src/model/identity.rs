//! What the host says about the user and the access tokens carry: organisation, role, step-up, e-mail, own claims.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::model::claims::Claims;
use crate::model::factor::{FactorMethod, Factors};
use crate::model::id::OrgId;
use crate::object_reader::ObjectReader;
use crate::schema::{request_record, request_struct};
use crate::text::host_text;

host_text! {
    /// The user's role, in the organisation when one is active: opaque, exact bytes, 1 to 255 of them.
    ///
    /// ```
    /// let value: hellojohn::Role = "admin".parse()?;
    /// assert_eq!(value.as_str(), "admin");
    /// assert!("".parse::<hellojohn::Role>().is_err());
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    Role, "role", 255
}
host_text! {
    /// The user's e-mail address as the host knows it: not checked, exact bytes, 1 to 320 of them.
    ///
    /// ```
    /// let value: hellojohn::Email = "ada@example.com".parse()?;
    /// assert_eq!(value.as_str(), "ada@example.com");
    /// assert!("".parse::<hellojohn::Email>().is_err());
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    Email, "email", 320
}

request_record! {
    /// Everything about the user that an access token carries besides ids.
    ///
    /// ```
    /// use hellojohn::{CreateSession, Identity};
    ///
    /// let identity = Identity::default().role(Some("admin".parse()?)).org_id(Some("org_1".parse()?));
    /// let request = CreateSession::new("usr_1".parse()?).identity(identity);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, Default, PartialEq, Serialize)]
    pub struct Identity {
        /// The organisation that is active in the session, at most 255 bytes.
        pub org_id: Option<OrgId>,
        /// The user's role, at most 255 bytes.
        pub role: Option<Role>,
        /// Whether a second factor was passed.
        pub mfa_verified: bool,
        /// The user's e-mail address, at most 320 bytes.
        pub email: Option<Email>,
        /// The host's own claims: a JSON object of at most 4096 bytes, put at the top level of every access token.
        pub claims: Claims,
    }
}

impl Identity {
    /// The names of the members that differ.
    pub(crate) fn changed_since(&self, old: &Identity) -> Vec<&'static str> {
        let Identity { org_id, role, mfa_verified, email, claims } = self;
        let members = [
            ("org_id", *org_id != old.org_id),
            ("role", *role != old.role),
            ("mfa_verified", *mfa_verified != old.mfa_verified),
            ("email", *email != old.email),
            ("claims", *claims != old.claims),
        ];
        members.into_iter().filter_map(|(name, is_changed)| is_changed.then_some(name)).collect()
    }
}

request_struct! {
    /// A change of the [`Identity`] of an active session: `None` leaves a field as it is.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// use hellojohn::IdentityPatch;
    ///
    /// let patch = IdentityPatch::default().role(Some(None)).mfa_verified(Some(true));
    /// let updated = tenant.update(grant.session.id, patch.clone())?;
    /// assert!(updated.session.identity.mfa_verified);
    ///
    /// let json = serde_json::json!({"role": null, "mfa_verified": true});
    /// assert_eq!(IdentityPatch::from_json(json.as_object().unwrap().clone())?, patch);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct IdentityPatch {
        /// Switches the organisation; `Some(None)` leaves it.
        pub org_id: Option<Option<OrgId>>,
        /// Changes the role; `Some(None)` clears it.
        pub role: Option<Option<Role>>,
        /// Records that a second factor was passed, or takes it back.
        pub mfa_verified: Option<bool>,
        /// Replaces the host's own claims as a whole.
        pub claims: Option<Claims>,
        /// A method that the user has just passed: moves `auth_time`. With another kind of factor before it, the session is
        /// `mfa_verified`, unless the same change says otherwise.
        pub factor: Option<FactorMethod>,
    }
}

impl IdentityPatch {
    /// Reads `org_id`, `role`, `claims` (null clears), `mfa_verified`, `factor`; absent means unchanged.
    ///
    /// # Errors
    /// `validation_error` naming the field.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        let mut members = ObjectReader::request(object);
        let patch = IdentityPatch {
            org_id: members.clearable("org_id")?,
            role: members.clearable("role")?,
            mfa_verified: members.changed("mfa_verified")?,
            claims: members.clearable("claims")?.map(Option::unwrap_or_default),
            factor: members.changed("factor")?,
        };
        members.finish()?;
        Ok(patch)
    }

    /// Replaces the host's own claims as a whole by this value of a type of the host's.
    ///
    /// ```
    /// let patch = hellojohn::IdentityPatch::default().own_claims(&serde_json::json!({"plan": "free"}))?;
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Claims::encode`].
    pub fn own_claims<T: Serialize + ?Sized>(self, claims: &T) -> Result<Self, Error> {
        Ok(self.claims(Some(Claims::encode(claims)?)))
    }

    /// Applies the change at this time.
    pub(crate) fn apply(self, identity: &mut Identity, factors: &mut Factors, now: Timestamp) {
        if let Some(org_id) = self.org_id {
            identity.org_id = org_id;
        }
        if let Some(role) = self.role {
            identity.role = role;
        }
        if let Some(method) = self.factor {
            factors.pass(method, now);
            identity.mfa_verified |= factors.are_of_two_kinds();
        }
        if let Some(mfa_verified) = self.mfa_verified {
            identity.mfa_verified = mfa_verified;
        }
        if let Some(claims) = self.claims {
            identity.claims = claims;
        }
    }
}
