//! Values, settings, filters and options in their texts.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use hellojohn::{
    Claims, ClientHint, ConfigPatch, Countries, Country, CreateSession, DeviceFingerprint, Duration, Email,
    EngineOptions, ErrorCode, FactorMethod, FactorMethods, IpAddress, IpNetwork, KeyId, ListQuery, OrgId,
    Role, SecretKey, SessionFilter, SessionId, StatusFilter, TenantId, UserAgent, UserAgentPart, UserId,
    VerifyMode,
};
use serde_json::{Map, Value};

use super::world::World;
use crate::fixture::{code, user};

/// The longest duration: 100 years.
const LONGEST_SECS: u64 = 100 * 365 * 24 * 3_600;

/// What is accepted lies in its range and is written as a text that is read as the same.
pub(super) fn duration(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(duration) = text.parse::<Duration>() {
        assert!((1..=LONGEST_SECS).contains(&duration.as_secs()), "{text}");
        assert_eq!(duration.to_string().parse(), Ok(duration), "{text}");
    }
}

fn read_again<T: FromStr<Err: Debug> + Display + PartialEq + Debug>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string().parse::<T>().expect("its own text"), value, "{text}");
    }
}

/// Every value that is a text: what is accepted is written as a text that is read as the same value.
pub(super) fn values(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    read_again::<Claims>(&text);
    read_again::<Country>(&text);
    read_again::<DeviceFingerprint>(&text);
    read_again::<Email>(&text);
    read_again::<IpAddress>(&text);
    read_again::<IpNetwork>(&text);
    read_again::<KeyId>(&text);
    read_again::<OrgId>(&text);
    read_again::<Role>(&text);
    read_again::<SessionId>(&text);
    read_again::<TenantId>(&text);
    read_again::<UserAgent>(&text);
    read_again::<UserId>(&text);
    drop(text.parse::<ClientHint>());
    drop(text.parse::<Countries>());
    drop(text.parse::<FactorMethod>());
    drop(text.parse::<FactorMethods>());
    drop(text.parse::<UserAgentPart>());
    drop(text.parse::<VerifyMode>());
    if let Ok(key) = text.parse::<SecretKey>() {
        // A short one may stand in any text.
        let is_printed = key.expose().len() > 16 && format!("{key:?}").contains(key.expose());
        assert!(!is_printed, "a secret key is printed");
    }
}

/// Settings that were accepted are the same after they were read back and given again.
pub(super) fn config_patch(data: &[u8]) {
    thread_local! {
        static WORLD: World = World::new();
    }
    let text = String::from_utf8_lossy(data);
    let Ok(patch) = text.parse::<ConfigPatch>() else { return };
    WORLD.with(|world| match world.tenant.update_config(&patch) {
        Ok(config) => {
            let again: ConfigPatch =
                config.to_json().to_string().parse().expect("settings as they are read back");
            assert_eq!(world.tenant.update_config(&again), Ok(config), "{text}");
        }
        Err(error) => assert_eq!(error.code(), ErrorCode::ValidationError, "{text}"),
    });
}

/// A filter counts what it lists, and never more than there is; an empty one ends nothing.
pub(super) fn filter(data: &[u8]) {
    thread_local! {
        static WORLD: World = World::new();
    }
    let text = String::from_utf8_lossy(data);
    let Ok(filter) = text.parse::<SessionFilter>() else { return };
    WORLD.with(|world| {
        let count = world.tenant.count(&filter).expect("a number");
        let listed = world.tenant.list(&ListQuery::default().filter(filter.clone())).expect("a page");
        assert!(count >= listed.data.len() as u64 || filter.status.is_none(), "{text}");
        assert!(count <= world.records(), "{text}");
        match world.tenant.preview_revoke_where(&filter) {
            Ok(preview) => assert!(preview.count <= 1, "{text}"),
            Err(error) => assert_eq!(error.code(), ErrorCode::ValidationError, "{text}"),
        }
        if filter == SessionFilter::default() {
            assert_eq!(code(world.tenant.preview_revoke_where(&filter)), Some(ErrorCode::ValidationError));
        }
        assert!(world.is_whole());
    });
}

/// A sign-in in its JSON form: what is accepted can be created, listed and ended.
pub(super) fn sign_in(data: &[u8]) {
    thread_local! {
        static WORLD: World = World::new();
    }
    let text = String::from_utf8_lossy(data);
    let Ok(object) = serde_json::from_str::<Map<String, Value>>(&text) else { return };
    let Ok(request) = CreateSession::from_json(object) else { return };
    WORLD.with(|world| match world.tenant.create(request) {
        Ok(grant) => {
            let verified =
                world.tenant.verify_access_token(grant.access_token.expose()).expect("a new session");
            assert_eq!(verified.session, grant.session, "{text}");
            assert_eq!(world.tenant.get(grant.session.id), Ok(grant.session.clone()), "{text}");
            world.tenant.revoke(grant.session.id).expect("an end");
            assert!(world.tenant.verify_access_token(grant.access_token.expose()).is_err(), "{text}");
            world.tenant.revoke_user(&user("usr_2"), None).expect("an end");
            if world.records() > 500 {
                let before = hellojohn::PurgeBefore::Time(hellojohn::Timestamp::from_millis(i64::MAX));
                world.tenant.purge(before).expect("a purge");
            }
            assert!(world.tenant.count(&of_status(StatusFilter::Active)).expect("a number") >= 1);
        }
        Err(error) => assert_eq!(error.code(), ErrorCode::ValidationError, "{text}"),
    });
}

fn of_status(status: StatusFilter) -> SessionFilter {
    SessionFilter::default().status(Some(status))
}

/// What stands for the password in the kept inputs.
const PASSWORD: &str = "hunter2-hunter2";

/// The URL of a server: no refusal and no print of what was read names the password.
pub(super) fn postgres_url(data: &[u8]) {
    let text = String::from_utf8_lossy(data).replace("PASSWORD", PASSWORD);
    let mut object = Map::new();
    object.insert("tenant_id".into(), "tnt_fuzz".into());
    object.insert("database".into(), format!("postgres://{text}").into());
    let said = match EngineOptions::from_json(object) {
        Ok(options) => {
            assert!(!options.is_in_memory() && options.file().is_none(), "{text}");
            format!("{options:?}")
        }
        Err(error) => {
            assert_eq!(error.code(), ErrorCode::ValidationError, "{text}");
            format!("{error} {error:?}")
        }
    };
    assert!(!said.contains(PASSWORD), "{said}");
}
