//! Who acts for a user in a session (SPEC 21).

use serde_json::{Map, Value};

use crate::error::Error;
use crate::model::id::{Actor, UserId};
use crate::object_reader::{FromMember, ObjectReader};
use crate::schema::public_record;
use crate::text::host_text;

host_text! {
    /// Why a person acts for a user, such as the number of a ticket: exact bytes, 1 to 255 of them.
    ///
    /// ```
    /// let value: hellojohn::ActorReason = "ticket 4711".parse()?;
    /// assert_eq!(value.as_str(), "ticket 4711");
    /// assert!("".parse::<hellojohn::ActorReason>().is_err());
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ActorReason, "reason", 255, example "ticket 4711"
}

public_record! {
    /// Who acts for the user of a session, and why.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// use hellojohn::{CreateSession, SessionActor};
    ///
    /// let support = SessionActor::new("op_ada".parse()?, "ticket 4711".parse()?);
    /// let session = tenant.create(CreateSession::new("usr_1".parse()?).actor(Some(support)))?.session;
    /// assert_eq!(session.actor.expect("support acts").reason.as_str(), "ticket 4711");
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct SessionActor {
        /// The person who acts: as `user_id`, 1 to 255 bytes, and another than the user.
        pub user_id: UserId,
        /// Why, for those who look at the session later: 1 to 255 bytes.
        pub reason: ActorReason,
    }
}

impl SessionActor {
    /// This person, for this reason.
    pub fn new(user_id: UserId, reason: ActorReason) -> Self {
        SessionActor { user_id, reason }
    }

    /// Who makes the changes of such a session, as events tell it.
    pub(crate) fn to_event_actor(&self) -> Option<Actor> {
        self.user_id.as_str().parse().ok() // as long as any user's id may be
    }

    /// As a store keeps it.
    pub(crate) fn to_stored(&self) -> Option<String> {
        serde_json::to_string(self).ok() // two texts are always JSON
    }

    /// Reads what a store has kept.
    pub(crate) fn from_stored(text: &str) -> Option<Self> {
        let kept: Value = serde_json::from_str(text).ok()?;
        let text = |name: &str| kept.get(name).and_then(Value::as_str);
        Some(SessionActor::new(text("user_id")?.parse().ok()?, text("reason")?.parse().ok()?))
    }
}

impl FromMember for SessionActor {
    /// An actor inside of an actor is refused like any other member that there is not.
    fn from_member(name: &str, value: Value) -> Result<Self, Error> {
        let mut members = ObjectReader::within(name, Map::from_member(name, value)?);
        let (user_id, reason) =
            (members.required::<String>("user_id")?, members.required::<String>("reason")?);
        members.finish()?;
        let within = |error: Error| Error::new(error.code(), format!("{name}.{}", error.detail()));
        Ok(SessionActor::new(user_id.parse().map_err(within)?, reason.parse().map_err(within)?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::error::ErrorCode;

    fn read(value: Value) -> Result<SessionActor, Error> {
        SessionActor::from_member("actor", value)
    }

    #[test]
    fn an_actor_has_a_name_and_a_reason_and_nothing_else() {
        assert!(read(json!({"user_id": "op_1", "reason": "ticket 4711"})).is_ok());
        for (bad, detail) in [
            (json!("op_1"), "actor: must be a JSON object"),
            (json!({"reason": "x"}), "actor.user_id: is required"),
            (json!({"user_id": "op_1"}), "actor.reason: is required"),
            (json!({"user_id": "", "reason": "x"}), "actor.user_id: must not be empty"),
            (json!({"user_id": "op_1", "reason": ""}), "actor.reason: must not be empty"),
            (json!({"user_id": "op_1", "reason": 1}), "actor.reason: must be a string"),
            (
                json!({"user_id": "op_1", "reason": "x", "actor": {"user_id": "op_2", "reason": "y"}}),
                "actor.actor: is not a field of this request",
            ),
        ] {
            assert_eq!(read(bad).unwrap_err().detail(), detail);
        }
    }

    proptest! {
        #[test]
        fn any_texts_are_kept_as_they_are_or_refused(user in "\\PC{0,300}", reason in "(?s).{0,300}", junk in "\\PC{0,80}") {
            match read(json!({"user_id": user, "reason": reason})) {
                Ok(actor) => {
                    prop_assert_eq!(actor.to_event_actor().unwrap().to_string(), actor.user_id.to_string());
                    prop_assert_eq!(SessionActor::from_stored(&actor.to_stored().unwrap()), Some(actor));
                }
                Err(error) => prop_assert_eq!(error.code(), ErrorCode::ValidationError),
            }
            let _ = SessionActor::from_stored(&junk);
        }
    }
}
