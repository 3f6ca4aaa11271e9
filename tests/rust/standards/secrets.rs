//! Secrets stay where they belong: a scan of everything that the engine writes and prints for everything that is secret.

use std::error::Error as _;
use std::fmt::{Debug, Write as _};
use std::fs;

use hellojohn::{
    ConfigPatch, CreateSession, Engine, Error, IdentityPatch, ImportRequest, LocalVerification, OsRandom,
    SecretKey, SessionFilter, SignOutScope, backup_database,
};
use hellojohn_tests::fixture::{SECRET, user};
use serde_json::json;

use crate::forge::{Forge, TENANT, decode, encode, part};

const NEW_SECRET: &str = "sk_test_changed_4b8e1d6f0a2c9573";
const CREDENTIAL: &str = "old-session-credential-5f1c";

/// What must not be found, each in the forms in which it could leak.
#[derive(Default)]
struct Canaries(Vec<(String, Vec<u8>)>);

impl Canaries {
    fn text(&mut self, what: &str, text: &str) {
        self.0.push((format!("{what} as text"), text.as_bytes().to_vec()));
        self.0.push((format!("{what} in base64url"), encode(text).into_bytes()));
    }

    fn bytes(&mut self, what: &str, bytes: &[u8]) {
        let hex = bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a text takes everything");
            text
        });
        self.0.push((format!("{what} as bytes"), bytes.to_vec()));
        self.0.push((format!("{what} in base64url"), encode(bytes).into_bytes()));
        self.0.push((format!("{what} in capital hex"), hex.to_uppercase().into_bytes()));
        self.0.push((format!("{what} in hex"), hex.into_bytes()));
        // As a list of numbers, which is how Rust prints bytes.
        self.0.push((format!("{what} as numbers"), format!("{bytes:?}").into_bytes()));
    }

    fn access_token(&mut self, token: &str) {
        self.text("an access token", token);
        self.text("the signature of an access token", part(token, 2));
        self.bytes("the signature of an access token", &decode(part(token, 2)));
    }

    fn refresh_token(&mut self, token: &str) {
        self.text("a refresh token", token);
        self.bytes("the tag of a refresh token", &decode(token.strip_prefix("rt_").expect("a prefix"))[21..]);
    }

    /// The canaries that are in these bytes.
    fn found_in(&self, place: &str, bytes: &[u8]) -> Vec<String> {
        let is_in = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        let found = self.0.iter().filter(|(_, needle)| is_in(needle));
        found.map(|(what, _)| format!("{place}: {what}")).collect()
    }
}

/// Everything that was printed.
#[derive(Default)]
struct Printed(String);

impl Printed {
    fn debug(&mut self, value: &impl Debug) {
        write!(self.0, "{value:?}\n{value:#?}\n").expect("a text takes everything");
    }

    fn error(&mut self, error: &Error) {
        self.debug(error);
        writeln!(self.0, "{error} {} {:?}", error.detail(), error.source()).expect("a text takes everything");
    }
}

#[test]
fn secrets_are_in_no_file_error_or_debug_output() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("sessions.db");
    let forge = Forge::with(Engine::builder(), OsRandom, &database);
    let tenant = &forge.tenant;
    let (mut canaries, mut printed) = (Canaries::default(), Printed::default());
    let on = json!({"event_retention": "30d", "revocation_list": true, "max_sessions_per_user": 50});
    tenant.update_config(&ConfigPatch::from_json(on.as_object().unwrap()).unwrap()).unwrap();
    canaries.text("the secret key", SECRET);
    canaries.text("the new secret key", NEW_SECRET);
    canaries.text("an imported credential", CREDENTIAL);

    // What succeeds.
    printed.debug(&forge.engine);
    printed.debug(tenant);
    printed.debug(&SECRET.parse::<SecretKey>().unwrap());
    let mut grants = vec![forge.grant.clone()];
    for at in 0..5 {
        let request = CreateSession::new(user(&format!("usr_{at}")));
        printed.debug(&request);
        let attempt = tenant.begin_sign_in(&format!("{at}@example.com"), None).unwrap();
        printed.debug(&attempt);
        grants.push(attempt.succeed(request).unwrap());
        let grant = tenant.refresh(grants[at].refresh_token.expose(), Default::default()).unwrap();
        grants.push(grant);
    }
    let row = format!(r#"{{"user_id":"usr_old","credential":"{CREDENTIAL}"}}"#);
    printed.debug(&tenant.import(row.as_bytes(), &ImportRequest::default(), |_| {}).unwrap());
    let adopted = tenant.adopt(CREDENTIAL, Default::default()).unwrap();
    let updated = tenant.update(adopted.session.id, IdentityPatch::default()).unwrap();
    grants.push(adopted);
    for grant in &grants {
        canaries.access_token(grant.access_token.expose());
        canaries.refresh_token(grant.refresh_token.expose());
        printed.debug(grant);
        if let Ok(verified) = tenant.verify_access_token(grant.access_token.expose()) {
            printed.debug(&verified);
        }
    }
    canaries.access_token(updated.access_token.expose());
    printed.debug(&updated);
    printed.debug(&tenant.jwks().unwrap());
    printed.debug(&tenant.keys().unwrap());
    printed.debug(&tenant.list(&Default::default()).unwrap());
    printed.debug(&tenant.explain(forge.grant.session.id).unwrap());
    printed.debug(&tenant.events(&Default::default()).unwrap());

    // What is refused.
    let (token, refresh) = (forge.token(), forge.grant.refresh_token.expose());
    let mut refusals: Vec<Error> = vec![
        tenant.refresh(&format!("{refresh}x"), Default::default()).unwrap_err(),
        tenant.refresh(token, Default::default()).unwrap_err(),
        tenant.adopt(&format!("{CREDENTIAL}x"), Default::default()).unwrap_err(),
        tenant.sign_out(&format!("{token}x"), SignOutScope::Local).unwrap_err(),
        tenant.verify_locally(&format!("{token}x"), &LocalVerification::default()).unwrap_err(),
        tenant.verify_access_token(&format!("{token}x")).unwrap_err().error,
        tenant.verify_access_token(refresh).unwrap_err().error,
        tenant.change_secret_key(&"sk_short".parse().unwrap()).unwrap_err(),
        tenant.begin_sign_in("ada@example.com", None).unwrap().fail(),
    ];
    for presented in [NEW_SECRET, &token[..200], refresh] {
        let other = forge.engine.tenant(&TENANT.parse().unwrap(), &presented.parse().unwrap());
        refusals.push(other.unwrap_err());
    }
    for text in [token, refresh, SECRET] {
        // Texts in the places of others.
        refusals.extend(text.parse::<hellojohn::SessionId>().err());
        refusals.extend(text.parse::<hellojohn::KeyId>().err());
        refusals.extend(text.parse::<hellojohn::Cursor>().err());
        refusals.extend(text.parse::<hellojohn::Duration>().err());
        refusals.extend(text.parse::<hellojohn::Jwks>().err());
        refusals.extend(text.parse::<SessionFilter>().err());
        refusals.extend(text.parse::<hellojohn::DeviceType>().err());
        refusals.extend(text.parse::<hellojohn::Country>().err());
        refusals.extend(text.parse::<hellojohn::IpAddress>().err());
        let bad = json!({ text: 1, "session_duration": text });
        refusals.extend(ConfigPatch::from_json(bad.as_object().unwrap()).err());
        refusals.extend(CreateSession::from_json(bad.as_object().unwrap().clone()).err());
    }
    assert!(refusals.len() > 30);
    refusals.iter().for_each(|error| printed.error(error));

    // What ends and leaves, and what is written beside the database.
    tenant.rotate_keys().unwrap();
    tenant.rotate_refresh_key().unwrap();
    tenant.change_secret_key(&NEW_SECRET.parse().unwrap()).unwrap();
    tenant.revoke_tenant().unwrap();
    tenant.seal_events().unwrap();
    tenant.export_events_to(0, folder.path().join("events.log")).unwrap();
    printed.debug(&tenant.revocations(0).unwrap());
    backup_database(&database, folder.path().join("backup.db"), |_| {}).unwrap();
    let keys = forge.random().keys();
    assert!(keys.len() >= 5, "two refresh keys, three signing keys: {}", keys.len());
    keys.iter().for_each(|key| canaries.bytes("a key", key));

    let mut found = canaries.found_in("printed", printed.0.as_bytes());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        found.extend(canaries.found_in(&name, &fs::read(&path).unwrap()));
        files.push(name);
    }
    assert!(
        ["sessions.db", "sessions.db-wal", "backup.db", "events.log"]
            .iter()
            .all(|name| files.contains(&(*name).to_owned())),
        "{files:?}"
    );
    found.dedup();
    assert!(found.is_empty(), "{}", found.join("\n"));
    // The scan finds what is there.
    assert!(!canaries.found_in("", format!("x{refresh}y").as_bytes()).is_empty());
    assert!(!canaries.found_in("", &[b"x", &keys[0][..], b"y"].concat()).is_empty());
}
