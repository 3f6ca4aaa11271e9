//! Names of methods as hosts give them: those that a sign-in has passed, or that a route asks for (SPEC 21).

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;

use super::factor::{FACTORS_MAX, FactorMethod, METHOD_MAX};
use crate::error::Error;
use crate::object_reader::{FromMember, ObjectReader};
use crate::schema::{Kind, PublicValue, RequestField};

/// Names of methods, at most 8, each once. As text: `pwd,otp`.
///
/// ```
/// use hellojohn::FactorMethods;
///
/// let methods: FactorMethods = "pwd,otp".parse()?;
/// assert_eq!(methods, FactorMethods::new(vec!["pwd".parse()?, "otp".parse()?])?);
/// assert_eq!(methods.as_slice().len(), 2);
/// assert!(FactorMethods::NONE.as_slice().is_empty());
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct FactorMethods(Vec<FactorMethod>);

impl FactorMethods {
    /// No methods.
    pub const NONE: FactorMethods = FactorMethods(Vec::new());

    /// Takes the methods.
    ///
    /// # Errors
    /// `validation_error` for more than 8, and for one that is there twice.
    pub fn new(methods: Vec<FactorMethod>) -> Result<Self, Error> {
        if methods.len() > FACTORS_MAX {
            return Err(Error::validation("factors", format_args!("must be at most {FACTORS_MAX}")));
        }
        if (1..methods.len()).any(|index| methods[..index].contains(&methods[index])) {
            return Err(Error::validation("factors", "must not name a method twice"));
        }
        Ok(FactorMethods(methods))
    }

    /// The methods, in the order in which they were given.
    pub fn as_slice(&self) -> &[FactorMethod] {
        &self.0
    }

    fn parse_all<'a>(names: impl Iterator<Item = &'a str>) -> Result<Self, Error> {
        let renamed = |_| {
            let problem = format_args!("must be names of 1 to {METHOD_MAX} letters, digits and _.:/-");
            Error::validation("factors", problem)
        };
        // One more than there may be is enough to refuse the others.
        let methods = names.take(FACTORS_MAX + 1).map(|name| name.parse().map_err(renamed));
        FactorMethods::new(methods.collect::<Result<_, _>>()?)
    }
}

impl FromStr for FactorMethods {
    type Err = Error;

    /// Reads `pwd,otp`.
    ///
    /// # Errors
    /// `validation_error` for an empty text, for a bad name, and as [`FactorMethods::new`].
    fn from_str(text: &str) -> Result<Self, Error> {
        FactorMethods::parse_all(text.split(','))
    }
}

impl fmt::Display for FactorMethods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, method) in self.0.iter().enumerate() {
            write!(f, "{}{method}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl FromMember for FactorMethods {
    fn from_member(name: &str, value: Value) -> Result<Self, Error> {
        let problem = || Error::validation(name, "must be an array of strings");
        let Value::Array(items) = value else { return Err(problem()) };
        let names: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
        FactorMethods::parse_all(names.ok_or_else(problem)?.into_iter())
    }
}

impl PublicValue for FactorMethods {
    const KIND: Kind = Kind::Names;
}

impl RequestField for FactorMethods {
    fn read(members: &mut ObjectReader, name: &str) -> Result<Self, Error> {
        Ok(members.optional(name)?.unwrap_or_default())
    }
}

/// The methods that were passed at a sign-in. Where they are of two kinds (something that the user knows, has, is; a method of the
/// host's own is a kind of its own), the session is `mfa_verified`, unless the host decides that.
///
/// ```
/// use hellojohn::SignInFactors;
///
/// let factors = SignInFactors::new("pwd,otp".parse()?);
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignInFactors {
    methods: FactorMethods,
    is_mfa_decided: bool,
}

impl SignInFactors {
    /// The sign-in has passed these methods.
    pub fn new(methods: FactorMethods) -> Self {
        SignInFactors { methods, is_mfa_decided: false }
    }

    /// Whether [`Identity::mfa_verified`](crate::Identity) decides, whatever the methods are.
    ///
    /// ```
    /// use hellojohn::SignInFactors;
    ///
    /// // Two factors, and yet the host says that they are no second factor.
    /// let factors = SignInFactors::new("pwd,otp".parse()?).mfa_decided(true);
    /// assert_eq!(factors.methods().as_slice().len(), 2);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[must_use]
    pub fn mfa_decided(self, is_mfa_decided: bool) -> Self {
        SignInFactors { is_mfa_decided, ..self }
    }

    /// The methods.
    pub fn methods(&self) -> &FactorMethods {
        &self.methods
    }

    pub(crate) fn is_mfa_decided(&self) -> bool {
        self.is_mfa_decided
    }
}

impl PublicValue for SignInFactors {
    const KIND: Kind = Kind::Names;
}

impl RequestField for SignInFactors {
    /// Read before `mfa_verified` is taken: the host decides where it says so.
    fn read(members: &mut ObjectReader, name: &str) -> Result<Self, Error> {
        let is_mfa_decided = members.has("mfa_verified");
        Ok(SignInFactors::new(FactorMethods::read(members, name)?).mfa_decided(is_mfa_decided))
    }
}
