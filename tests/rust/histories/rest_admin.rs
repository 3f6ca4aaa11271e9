//! What the dashboard asks of settings, numbers, events and keys, as requests to the REST API.

use hellojohn::rest::http::Method;
use hellojohn::{Error, KeyId};
use serde_json::{Value, json};

use super::answers::{ListedKey, Numbers, Told};
use super::rest_calls::{number, parsed, plain};
use super::rest_client::{Ask, Client};

impl Client {
    pub(super) fn config(&self) -> Result<Value, Error> {
        plain(self.send(self.as_holder(Method::GET, "/v1/admin/config")))
    }

    pub(super) fn update_config(&self, patch: Value) -> Result<Value, Error> {
        plain(self.send(self.as_holder(Method::PATCH, "/v1/admin/config").json(patch)))
    }

    /// The numbers; with the periods, whose last one ends now, for the last day if it is asked for.
    pub(super) fn stats(&self, with_series: bool) -> Result<Numbers, Error> {
        let target = if with_series { "/v1/admin/stats?series=24h" } else { "/v1/admin/stats" };
        let body = plain(self.send(self.as_holder(Method::GET, target)))?;
        let active_now = with_series.then(|| {
            let last = body["series"].as_array().and_then(|periods| periods.last()).expect("a period");
            number(&last["active"])
        });
        Ok(Numbers { active_now, ..Numbers::of_json(&body) })
    }

    pub(super) fn events(&self, after: u64, limit: usize) -> Result<(Vec<Told>, bool), Error> {
        let target = format!("/v1/events?after={after}&limit={limit}");
        let body = plain(self.send(self.as_holder(Method::GET, target)))?;
        let events = body["data"].as_array().expect("a list").iter().map(Told::of_json).collect();
        Ok((events, body["pagination"]["has_more"] == true))
    }

    pub(super) fn keys(&self) -> Result<Vec<ListedKey>, Error> {
        let body = plain(self.send(self.as_holder(Method::GET, "/v1/admin/keys")))?;
        let keys = body["data"].as_array().expect("a list").iter();
        Ok(keys.map(|key| (parsed(&key["kid"]), parsed(&key["state"]))).collect())
    }

    pub(super) fn jwks(&self) -> Result<Value, Error> {
        plain(self.send(Ask::new(Method::GET, "/.well-known/jwks.json")))
    }

    pub(super) fn rotate_keys(&self) -> Result<KeyId, Error> {
        Ok(parsed(&plain(self.send(self.as_holder(Method::POST, "/v1/admin/keys/rotate")))?["kid"]))
    }

    pub(super) fn retire_key(&self, kid: KeyId) -> Result<(), Error> {
        let ask = self.as_holder(Method::POST, "/v1/admin/keys/retire");
        plain(self.send(ask.json(json!({"kid": kid.to_string()})))).map(drop)
    }
}
