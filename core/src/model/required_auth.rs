//! How recently, and with which factors, a user must have authenticated for what a route does (SPEC 21).

use serde_json::{Map, Value};

use crate::duration::Duration;
use crate::error::{Error, Reauthentication};
use crate::model::factor_methods::FactorMethods;
use crate::model::identity::Role;
use crate::schema::{self, request_record};

request_record! {
    /// How a user must have authenticated for what a route does.
    ///
    /// ```
    /// use hellojohn::RequiredAuth;
    ///
    /// // A one-time code, not longer than five minutes ago.
    /// let required = RequiredAuth::default().max_age(Some("5m".parse()?)).factors("otp".parse()?);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct RequiredAuth {
        /// For how long a factor counts after it was passed; without `factors`, any of them.
        pub max_age: Option<Duration>,
        /// The methods that must have been passed, all of them.
        pub factors: FactorMethods,
        /// Whether a session in which another person acts for the user is refused; false by default.
        pub refuse_actor: bool,
        /// The role that the user must have, by its exact bytes; by default any role, or none, will do.
        pub role: Option<Role>,
        /// Whether a second factor must have been passed (`mfa_verified`); false by default.
        pub mfa: bool,
    }
}

impl RequiredAuth {
    /// Whether it asks for nothing.
    pub fn is_nothing(&self) -> bool {
        self.max_age.is_none() && self.factors.as_slice().is_empty() && !self.asks_who() && !self.mfa
    }

    fn asks_who(&self) -> bool {
        self.refuse_actor || self.role.is_some()
    }

    /// Reads the optional `max_age` (a duration), `factors` (an array of names), `refuse_actor` (true or false), `role` (a text)
    /// and `mfa` (true or false).
    ///
    /// ```
    /// let json = serde_json::json!({"max_age": "5m", "factors": ["otp"]});
    /// let required = hellojohn::RequiredAuth::from_json(json.as_object().unwrap().clone())?;
    /// assert_eq!(required.max_age, Some("5m".parse()?));
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `validation_error` naming the field.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        schema::read_request(object)
    }

    /// The refusal of a user who has to authenticate again. A second factor is asked for by the name `mfa` (RFC 8176).
    pub(crate) fn refusal(&self) -> Error {
        let mut factors: Vec<String> = self.factors.as_slice().iter().map(ToString::to_string).collect();
        if self.mfa && !factors.iter().any(|factor| factor == "mfa") {
            factors.push("mfa".to_owned());
        }
        Reauthentication::new(self.max_age.map(Duration::as_secs), factors).into()
    }
}
