//! Records for the suite.

use crate::clock::Timestamp;
use crate::error::Failure;
use crate::model::bulk_end::BulkEnd;
use crate::model::client::ClientInfo;
use crate::model::config::{self, Config};
use crate::model::device_type::DeviceType;
use crate::model::event::{Event, EventType};
use crate::model::factor::Factors;
use crate::model::id::{EventId, KeyId, SessionId, UserId};
use crate::model::identity::Identity;
use crate::model::imported::CredentialHash;
use crate::model::session::{BulkNo, End, EndReason, SessionTimes};
use crate::model::session_actor::SessionActor;
use crate::model::session_filter::SessionFilter;
use crate::model::sign_in_limit::FailedSignIn;
use crate::rules::rotation::Rotation;
use crate::store::{
    IssuedAccessToken, KeyRecord, LastSeen, SessionRecord, SignInFailures, TenantNo, TenantRecord,
    WriteTransaction,
};
use crate::token::issuer::AccessTokenParams;
use crate::token::keyring::KeyState;

pub(in crate::store) const fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// The id of a session of one millisecond; greater numbers make greater ids.
pub(in crate::store) fn session_id(number: u16) -> SessionId {
    let mut bytes = [0x11; 16];
    bytes[14..].copy_from_slice(&number.to_be_bytes());
    SessionId::from_bytes(bytes)
}

pub(in crate::store) fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

/// A session with every optional field absent.
pub(in crate::store) fn plain_session(id: SessionId, user_id: &UserId) -> SessionRecord {
    SessionRecord {
        id,
        user_id: user_id.clone(),
        times: SessionTimes {
            created_at: at(5),
            last_active_at: at(6),
            expires_at: at(7_000_000_000_000),
            end: None,
            judged_by: 0,
        },
        rotation: Rotation { generation: 1, replays: 0 },
        nonce: [2; 16],
        access: IssuedAccessToken {
            params: AccessTokenParams { serial: 1, issued_at: at(5), expires_at: at(8) },
            key_no: 1,
        },
        client: ClientInfo { device_type: Some(DeviceType::Unknown), ..ClientInfo::default() },
        last_seen: LastSeen::default(),
        identity: Identity::default(),
        identity_serial: 0,
        factors: Factors::default(),
        credential: None,
        external_id: None,
        actor: None,
    }
}

/// A session with every field set, each to a value of its own, numbers at their limits. Differs in every field but the
/// ids from one of another seed.
pub(in crate::store) fn full_session(id: SessionId, user_id: &UserId, seed: u8) -> SessionRecord {
    let time = |offset: i64| at(1_700_000_000_000 + 1_000 * i64::from(seed) + offset);
    let text = |name: &str| format!("{name} {seed} 'ü🦀");
    SessionRecord {
        id,
        user_id: user_id.clone(),
        times: SessionTimes {
            created_at: time(1),
            last_active_at: time(2),
            expires_at: time(3),
            end: Some(End { at: time(4), reason: EndReason::ALL[usize::from(seed) % EndReason::ALL.len()] }),
            judged_by: 30 + i64::from(seed),
        },
        rotation: Rotation { generation: u32::MAX - u32::from(seed), replays: 90 + u32::from(seed) },
        nonce: [seed; 16],
        access: IssuedAccessToken {
            params: AccessTokenParams {
                serial: u32::MAX - 100 - u32::from(seed),
                issued_at: time(5),
                expires_at: time(6),
            },
            key_no: 40 + i64::from(seed),
        },
        client: ClientInfo {
            user_agent: Some(text("agent").parse().unwrap()),
            ip_address: Some(format!("2001:db8::{seed:x}").parse().unwrap()),
            country: Some(format!("X{}", char::from(b'A' + seed)).parse().unwrap()),
            device_type: Some(DeviceType::ALL[usize::from(seed) % DeviceType::ALL.len()]),
            device_fingerprint: Some(text("print").parse().unwrap()),
        },
        last_seen: LastSeen {
            ip_address: Some(format!("192.0.2.{seed}").parse().unwrap()),
            user_agent: Some(text("last agent").parse().unwrap()),
        },
        identity: Identity {
            org_id: Some(text("org").parse().unwrap()),
            role: Some(text("role").parse().unwrap()),
            mfa_verified: seed % 2 == 1,
            email: Some(text("email").parse().unwrap()),
            claims: format!(r#"{{"z":{seed},"a":{{"b":[1,null,"ü"]}}}}"#).parse().unwrap(),
        },
        identity_serial: u32::MAX - 200 - u32::from(seed),
        factors: Factors::passed(&["pwd".parse().unwrap(), format!("own:{seed}").parse().unwrap()], time(7)),
        credential: Some(CredentialHash([id.to_bytes(), [seed; 16]].concat().try_into().unwrap())),
        external_id: Some(text(&id.to_string()).parse().unwrap()),
        actor: Some(SessionActor::new(user("op 'ü"), text("reason").parse().unwrap())),
    }
}

/// A bulk end with every optional field absent.
pub(in crate::store) fn plain_bulk_end(no: BulkNo) -> BulkEnd {
    BulkEnd {
        no,
        user_id: None,
        at: at(3),
        idle_timeout: None,
        reason: None,
        spared: None,
        newest: None,
        actor: None,
        replaced_by: None,
        filter: None,
        epoch: 1,
    }
}

/// A bulk end with every field set.
pub(in crate::store) fn full_bulk_end(no: BulkNo) -> BulkEnd {
    BulkEnd {
        no,
        user_id: Some(user("usr 'ü")),
        at: at(1_700_000_000_000 + no),
        idle_timeout: Some("90m".parse().unwrap()),
        reason: Some(EndReason::ALL[no as usize % EndReason::ALL.len()]),
        spared: Some(session_id(7)),
        newest: Some(session_id(8)),
        actor: Some("admin:ada 'ü".parse().unwrap()),
        replaced_by: Some(session_id(9)),
        filter: Some(full_filter()),
        epoch: 50 + no,
    }
}

/// An event with every field set that is told.
pub(in crate::store) fn event(event_type: EventType) -> Event {
    Event {
        seq: 0,
        id: EventId::from_bytes([6; 16]),
        r#type: event_type,
        at: at(1_700_000_000_123),
        session_id: Some(session_id(4)),
        user_id: Some(user("usr 'ü")),
        actor: Some("admin:ada 'ü".parse().unwrap()),
        data: crate::json::parse_object(br#"{"z":[1,null,"\u0001 \u00fc"],"a":{"b":true}}"#).unwrap(),
        hash: None,
    }
}

/// A filter with every member set.
fn full_filter() -> SessionFilter {
    let members = r#"{"user_id":"usr 'ü","status":"all","country":["ES","PT"],"not_country":"FR","ip_address":"2001:db8::/32",
        "not_ip_address":"192.0.2.0/24","device_type":"mobile","user_agent":"Ünï \"quoted\"","org_id":"org","role":"rôle",
        "created_after":1,"created_before":3,"last_active_after":2,"last_active_before":1700000000000,
        "mfa_verified":false,"end_reason":"expired"}"#;
    members.parse().unwrap()
}

/// A tenant with every optional setting absent.
pub(in crate::store) fn plain_tenant() -> TenantRecord {
    TenantRecord {
        config: Config::default(),
        salt: [0; 16],
        wrapped_refresh_key: vec![1],
        token_horizon: Timestamp::default(),
    }
}

/// A tenant with every setting, none of them at its default.
pub(in crate::store) fn full_tenant() -> TenantRecord {
    TenantRecord {
        config: full_config(),
        salt: [9; 16],
        wrapped_refresh_key: vec![8; 60],
        token_horizon: at(77),
    }
}

pub(in crate::store) fn full_config() -> Config {
    Config {
        session_duration: "90m".parse().unwrap(),
        access_token_ttl: "7m".parse().unwrap(),
        idle_timeout: Some("2w".parse().unwrap()),
        max_sessions_per_user: Some(3),
        refresh_reuse_window: config::parse_window("0s").unwrap(),
        event_retention: Some("400d".parse().unwrap()),
        record_retention: Some("1y".parse().unwrap()),
        revocation_list: true,
        max_actor_duration: "2h".parse().unwrap(),
    }
}

pub(in crate::store) fn key(no: i64, state: KeyState) -> KeyRecord {
    KeyRecord {
        no,
        id: KeyId::from_bytes([no as u8; 16]),
        state,
        created_at: at(100 + no),
        drained_at: (state == KeyState::Retiring).then(|| at(900 + no)),
        wrapped_seed: (state != KeyState::Retired).then(|| vec![no as u8; 48]),
    }
}

/// Adds a tenant.
pub(in crate::store) fn add_tenant(tx: &dyn WriteTransaction, id: &str) -> Result<TenantNo, Failure> {
    tx.add_tenant(&id.parse().unwrap(), &plain_tenant(), at(1))
}

/// Failed sign-ins at these times, under a key that begins with these bytes.
pub(in crate::store) fn failures(first: u8, second: u8, times: &[i64]) -> SignInFailures {
    let mut key = [0; 16];
    key[..2].copy_from_slice(&[first, second]);
    let tags = (0..=u16::MAX).rev();
    let failures = times.iter().zip(tags).map(|(time, tag)| FailedSignIn { at: at(*time), tag }).collect();
    SignInFailures { key, failures }
}
