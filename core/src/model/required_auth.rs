//! How recently, and with which factors, a user must have authenticated for what a route does (SPEC 21).

use serde_json::{Map, Value};

use crate::duration::Duration;
use crate::error::{Error, Reauthentication};
use crate::model::factor_methods::FactorMethods;
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
    }
}

impl RequiredAuth {
    /// Whether it asks for nothing.
    pub fn is_nothing(&self) -> bool {
        self.max_age.is_none() && self.factors.as_slice().is_empty() && !self.refuse_actor
    }

    /// Reads the optional `max_age` (a duration), `factors` (an array of names) and `refuse_actor` (true or false).
    ///
    /// # Errors
    /// `validation_error` naming the field.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        schema::read_request(object)
    }

    /// The refusal of a user who may not pass.
    pub(crate) fn refusal(&self) -> Error {
        let factors = self.factors.as_slice().iter().map(ToString::to_string).collect();
        Reauthentication::new(self.max_age.map(Duration::as_secs), factors).into()
    }
}
