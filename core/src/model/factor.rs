//! How a user has proven who they are (SPEC 21): the methods that were passed, and when.

use std::str::FromStr;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::in_millis::{InMillis, SerializeInMillis};
use crate::schema::{Kind, PublicRecord, PublicValue, public_record};
use crate::text::{print_as_str, text_value};

/// The longest name of a method, in bytes.
pub(super) const METHOD_MAX: usize = 64;

/// How many factors a session keeps.
pub(super) const FACTORS_MAX: usize = 8;

/// A way to prove who one is: a name of RFC 8176 (`pwd`, `otp`, `hwk`, …) or one of the host's own. 1 to 64 letters, digits and
/// `_.:/-`, exactly as they are.
///
/// ```
/// let method: hellojohn::FactorMethod = "otp".parse()?;
/// assert_eq!(method.as_str(), "otp");
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FactorMethod(Box<str>);

impl FactorMethod {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the method proves; nothing for a name of RFC 8176 that tells of the circumstances only.
    fn kind(&self) -> Option<FactorKind<'_>> {
        Some(match self.as_str() {
            "pwd" | "pin" | "kba" => FactorKind::Knowledge,
            "otp" | "hwk" | "swk" | "sc" | "sms" | "tel" | "webauthn" => FactorKind::Possession,
            "face" | "fpt" | "iris" | "retina" | "vbm" => FactorKind::Inherence,
            "geo" | "rba" | "user" => return None,
            own => FactorKind::Own(own),
        })
    }
}

/// What a factor proves. Two methods of one kind are no second factor.
#[derive(PartialEq)]
enum FactorKind<'a> {
    /// Something that the user knows.
    Knowledge,
    /// Something that the user has.
    Possession,
    /// Something that the user is.
    Inherence,
    /// The engine does not know the method: each is a kind of its own.
    Own(&'a str),
}

impl FromStr for FactorMethod {
    type Err = Error;

    /// # Errors
    /// `validation_error` for any other text than 1 to 64 letters, digits and `_.:/-`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:/-".contains(&byte);
        if text.is_empty() || text.len() > METHOD_MAX || !text.bytes().all(is_allowed) {
            let problem = format_args!("must be 1 to {METHOD_MAX} letters, digits and _.:/-");
            return Err(Error::validation("factor", problem));
        }
        Ok(FactorMethod(text.into()))
    }
}

print_as_str!(FactorMethod);
text_value!(FactorMethod, pattern "^[A-Za-z0-9_.:/-]{1,64}$", example "otp");

public_record! {
    /// A method that a user has passed.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// use hellojohn::{CreateSession, SignInFactors};
    ///
    /// let request = CreateSession::new("usr_1".parse()?).factors(SignInFactors::new("pwd,otp".parse()?));
    /// let session = tenant.create(request)?.session;
    /// let newest = session.factors.as_slice().last().expect("two factors");
    /// assert_eq!((newest.method.as_str(), newest.at), ("otp", session.auth_time));
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Factor {
        /// The method: a name of RFC 8176 or the host's own.
        pub method: FactorMethod,
        /// When it was passed last.
        pub at: Timestamp,
    }
}

/// The methods that a user has passed in a session, each once with its last time, the one that was passed last at the end; at most 8.
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// use hellojohn::{CreateSession, SignInFactors};
///
/// let request = CreateSession::new("usr_1".parse()?).factors(SignInFactors::new("pwd,otp".parse()?));
/// let session = tenant.create(request)?.session;
/// assert_eq!(session.factors.as_slice().len(), 2);
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Factors(Vec<Factor>);

impl Factors {
    /// The factors, the newest last.
    pub fn as_slice(&self) -> &[Factor] {
        &self.0
    }

    /// Those of a sign-in at this time.
    pub(crate) fn passed(methods: &[FactorMethod], at: Timestamp) -> Self {
        Factors(methods.iter().map(|method| Factor { method: method.clone(), at }).collect())
    }

    /// As a token or a row tells them; `None` unless there are 1 to 8, each once.
    pub(crate) fn read(factors: impl ExactSizeIterator<Item = Option<Factor>>) -> Option<Self> {
        if !(1..=FACTORS_MAX).contains(&factors.len()) {
            return None;
        }
        let factors: Vec<Factor> = factors.collect::<Option<_>>()?;
        let is_repeated =
            |index: usize| factors[..index].iter().any(|factor| factor.method == factors[index].method);
        (!(1..factors.len()).any(is_repeated)).then_some(Factors(factors))
    }

    /// Adds a method that was passed now. The oldest of more than 8 is dropped.
    pub(crate) fn pass(&mut self, method: FactorMethod, at: Timestamp) {
        self.0.retain(|factor| factor.method != method);
        if self.0.len() == FACTORS_MAX {
            self.0.remove(0);
        }
        self.0.push(Factor { method, at });
    }

    /// When a factor was passed last.
    pub(crate) fn newest_at(&self) -> Option<Timestamp> {
        self.0.last().map(|factor| factor.at)
    }

    /// Whether the factors prove two of what the user knows, has and is. `mfa` says so itself.
    pub(crate) fn are_of_two_kinds(&self) -> bool {
        let mut kinds = self.0.iter().filter_map(|factor| factor.method.kind());
        let Some(first) = kinds.next() else { return false };
        first == FactorKind::Own("mfa") || kinds.any(|kind| kind != first)
    }

    /// As a store keeps them; nothing for none.
    pub(crate) fn to_stored(&self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        serde_json::to_string(&InMillis(self)).ok() // names and numbers are always JSON
    }

    /// Reads what a store has kept.
    pub(crate) fn from_stored(text: &str) -> Option<Self> {
        let items: Vec<Value> = serde_json::from_str(text).ok()?;
        Factors::read(items.iter().map(|item| {
            let (method, at) = (item.get("method")?.as_str()?, item.get("at")?.as_i64()?);
            Some(Factor { method: method.parse().ok()?, at: Timestamp::from_millis(at) })
        }))
    }
}

impl SerializeInMillis for Factors {
    fn serialize_in_millis<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize_in_millis(serializer)
    }
}

impl PublicValue for Factors {
    const KIND: Kind = Kind::List(&Factor::RECORD);
}

#[cfg(test)]
mod tests;
