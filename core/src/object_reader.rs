//! The one reader of JSON objects, for requests and options: each member is taken by its name as a value of its type, and
//! a name that no reader took is refused. A wrong value is a `validation_error` that names the member.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::json;

/// A value that a member of a JSON object can hold.
pub(crate) trait FromMember: Sized {
    /// Reads the member `name`, which is not null.
    ///
    /// # Errors
    /// `validation_error` naming the field.
    fn from_member(name: &str, value: Value) -> Result<Self, Error>;
}

/// Values that are texts in JSON: read by their `FromStr`.
macro_rules! read_as_text {
    ($($type:ty),+ $(,)?) => {$(
        impl $crate::object_reader::FromMember for $type {
            fn from_member(name: &str, value: serde_json::Value) -> Result<Self, $crate::error::Error> {
                $crate::object_reader::text(name, &value)?.parse()
            }
        }
    )+};
}
pub(crate) use read_as_text;

/// The text of a member that must be one.
pub(crate) fn text<'a>(name: &str, value: &'a Value) -> Result<&'a str, Error> {
    value.as_str().ok_or_else(|| Error::validation(name, "must be a string"))
}

impl FromMember for String {
    fn from_member(name: &str, value: Value) -> Result<Self, Error> {
        match value {
            Value::String(text) => Ok(text),
            _ => Err(Error::validation(name, "must be a string")),
        }
    }
}

impl FromMember for bool {
    fn from_member(name: &str, value: Value) -> Result<Self, Error> {
        value.as_bool().ok_or_else(|| Error::validation(name, "must be true or false"))
    }
}

impl FromMember for u64 {
    fn from_member(name: &str, value: Value) -> Result<Self, Error> {
        json::whole_number(&value).ok_or_else(|| Error::validation(name, "must be a whole number"))
    }
}

impl FromMember for Map<String, Value> {
    fn from_member(name: &str, value: Value) -> Result<Self, Error> {
        match value {
            Value::Object(object) => Ok(object),
            _ => Err(Error::validation(name, "must be a JSON object")),
        }
    }
}

impl FromMember for Vec<String> {
    fn from_member(name: &str, value: Value) -> Result<Self, Error> {
        let problem = || Error::validation(name, "must be an array of strings");
        let Value::Array(items) = value else { return Err(problem()) };
        items.into_iter().map(|item| String::from_member(name, item).map_err(|_| problem())).collect()
    }
}

/// Takes the members of one JSON object. End with [`finish`](Self::finish).
pub(crate) struct ObjectReader {
    members: Map<String, Value>,
    /// What stands before the names in errors: `cookie.` inside of `cookie`.
    path: String,
    /// What a member is, in the error about an unknown one.
    noun: &'static str,
}

impl ObjectReader {
    /// A reader of a request.
    pub(crate) fn request(members: Map<String, Value>) -> Self {
        ObjectReader { members, path: String::new(), noun: "a field of this request" }
    }

    /// A reader of options of the host.
    pub(crate) fn options(members: Map<String, Value>) -> Self {
        ObjectReader { members, path: String::new(), noun: "an option" }
    }

    /// A reader of a tenant's settings.
    pub(crate) fn settings(members: Map<String, Value>) -> Self {
        ObjectReader { members, path: String::new(), noun: "a setting" }
    }

    /// A reader of an object that stands under this name in a request.
    pub(crate) fn within(path: &str, members: Map<String, Value>) -> Self {
        ObjectReader { members, path: format!("{path}."), noun: "a field of this request" }
    }

    /// A reader of an object inside of this one.
    pub(crate) fn nested(&self, name: &str, members: Map<String, Value>) -> Self {
        ObjectReader { members, path: format!("{}{name}.", self.path), noun: self.noun }
    }

    /// The name of a member as errors have it.
    pub(crate) fn path_of(&self, name: &str) -> String {
        format!("{}{name}", self.path)
    }

    /// [`path_of`](Self::path_of) without a copy where nothing stands before the name.
    fn path_to<'a>(&self, name: &'a str) -> Cow<'a, str> {
        if self.path.is_empty() { Cow::Borrowed(name) } else { Cow::Owned(self.path_of(name)) }
    }

    /// Whether the member is there; null counts as absent.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|value| !value.is_null())
    }

    /// The member as it stands, for one that can be of several types; null counts as absent.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name).filter(|value| !value.is_null())
    }

    /// A member that may be left out; null counts as absent.
    pub(crate) fn optional<T: FromMember>(&mut self, name: &str) -> Result<Option<T>, Error> {
        self.take(name).map(|value| T::from_member(&self.path_to(name), value)).transpose()
    }

    /// A member that must be there.
    pub(crate) fn required<T: FromMember>(&mut self, name: &str) -> Result<T, Error> {
        self.optional(name)?.ok_or_else(|| Error::validation(&self.path_of(name), "is required"))
    }

    /// A member of a change: absent leaves the value as it is, null is refused.
    pub(crate) fn changed<T: FromMember>(&mut self, name: &str) -> Result<Option<T>, Error> {
        self.members.remove(name).map(|value| T::from_member(&self.path_to(name), value)).transpose()
    }

    /// A member of a change: absent leaves the value as it is, null clears it.
    pub(crate) fn clearable<T: FromMember>(&mut self, name: &str) -> Result<Option<Option<T>>, Error> {
        match self.members.remove(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(value) => T::from_member(&self.path_of(name), value).map(|value| Some(Some(value))),
        }
    }

    /// An object that may be left out, to be read by a reader of its own.
    pub(crate) fn object(&mut self, name: &str) -> Result<Option<ObjectReader>, Error> {
        Ok(self.optional(name)?.map(|members| self.nested(name, members)))
    }

    /// Refuses a member that was not taken: a misspelt name must not pass for one that was left out.
    pub(crate) fn finish(self) -> Result<(), Error> {
        match self.members.keys().next() {
            None => Ok(()),
            Some(unknown) => {
                let problem = format_args!("is not {}", self.noun);
                Err(Error::validation(&self.path_of(&printable(unknown)), problem))
            }
        }
    }
}

/// A name from outside, short and without control characters, fit for one line of an error.
pub(crate) fn printable(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duration::Duration;

    fn reader(text: &str) -> ObjectReader {
        ObjectReader::request(json::parse_object(text.as_bytes()).expect("an object"))
    }

    #[test]
    fn members_have_types_and_null_counts_as_absent() {
        let mut members = reader(r#"{"a":"x","b":true,"c":3600.0,"d":null,"e":["y"],"f":{"g":"1h"}}"#);
        assert_eq!(members.required::<String>("a").unwrap(), "x");
        assert_eq!(members.optional::<bool>("b"), Ok(Some(true)));
        assert_eq!(members.optional::<u64>("c"), Ok(Some(3600)));
        assert_eq!(members.optional::<String>("d"), Ok(None));
        assert_eq!(members.optional::<Vec<String>>("e"), Ok(Some(vec!["y".to_owned()])));
        let mut nested = members.object("f").unwrap().unwrap();
        assert_eq!(nested.required::<Duration>("g").unwrap().as_secs(), 3600);
        assert_eq!((nested.finish(), members.finish()), (Ok(()), Ok(())));
    }

    #[test]
    fn null_clears_a_clearable_member_and_is_refused_for_a_changed_one() {
        let mut members = reader(r#"{"a":null,"b":null,"c":"x"}"#);
        assert_eq!(members.clearable::<String>("a"), Ok(Some(None)));
        assert_eq!(members.clearable::<String>("c"), Ok(Some(Some("x".to_owned()))));
        assert_eq!(members.clearable::<String>("none"), Ok(None));
        assert_eq!(members.changed::<bool>("none"), Ok(None));
        assert_eq!(members.changed::<bool>("b").unwrap_err().detail(), "b: must be true or false");
    }

    #[test]
    fn errors_name_the_member() {
        let detail = |outcome: Result<(), Error>| outcome.unwrap_err().detail().to_owned();
        assert_eq!(detail(reader("{}").required::<String>("a").map(drop)), "a: is required");
        assert_eq!(detail(reader(r#"{"a":1}"#).required::<String>("a").map(drop)), "a: must be a string");
        let mut members = reader(r#"{"cookie":{"name":1,"nam\u0007e":1}}"#);
        let mut cookie = members.object("cookie").unwrap().unwrap();
        assert_eq!(detail(cookie.optional::<String>("name").map(drop)), "cookie.name: must be a string");
        assert_eq!(detail(cookie.finish()), "cookie.name: is not a field of this request");
    }
}
