//! Records before a row fills them: what the codec of every store begins with.

use serde_json::Map;

use super::records::{
    BulkEndRecord, IssuedAccessToken, KeyRecord, LastSeen, LeaseRecord, SealRecord, SessionRecord,
};
use crate::clock::Timestamp;
use crate::model::bulk_end::BulkEnd;
use crate::model::client::ClientInfo;
use crate::model::event::{Event, EventHash, EventType};
use crate::model::factor::Factors;
use crate::model::id::{EventId, KeyId};
use crate::model::identity::Identity;
use crate::model::session::{BulkNo, SessionLifetime};
use crate::rules::rotation::Rotation;
use crate::token::issuer::AccessTokenParams;
use crate::token::keyring::KeyState;
use crate::token::refresh_token::Nonce;

impl SessionRecord {
    pub(super) fn blank(lifetime: SessionLifetime) -> Self {
        let SessionLifetime { id, user_id, times, access_expires_at, is_acted: _ } = lifetime;
        let never = Timestamp::default();
        SessionRecord {
            id,
            user_id,
            times,
            rotation: Rotation { generation: 0, replays: 0 },
            nonce: Nonce::default(),
            access: IssuedAccessToken {
                params: AccessTokenParams { serial: 0, issued_at: never, expires_at: access_expires_at },
                key_no: 0,
            },
            client: ClientInfo::default(),
            last_seen: LastSeen::default(),
            identity: Identity::default(),
            identity_serial: 0,
            factors: Factors::default(),
            credential: None,
            external_id: None,
            actor: None,
        }
    }
}

impl KeyRecord {
    pub(super) fn blank(id: KeyId) -> Self {
        KeyRecord {
            no: 0,
            id,
            state: KeyState::Retired,
            created_at: Timestamp::default(),
            drained_at: None,
            wrapped_seed: None,
        }
    }
}

impl BulkEndRecord {
    pub(super) fn blank(no: BulkNo) -> Self {
        BulkEndRecord::new(BulkEnd::numbered(no))
    }
}

impl Event {
    pub(super) fn blank(id: EventId) -> Self {
        Event {
            seq: 0,
            id,
            r#type: EventType::SessionCreated,
            at: Timestamp::default(),
            session_id: None,
            user_id: None,
            actor: None,
            data: Map::new(),
            hash: None,
        }
    }
}

impl SealRecord {
    pub(super) fn blank() -> Self {
        SealRecord {
            seq: 0,
            hash: EventHash([0; 32]),
            sealed_at: Timestamp::default(),
            kid: KeyId::from_bytes([0; 16]),
            signature: [0; 64],
        }
    }
}

impl LeaseRecord {
    pub(super) fn blank() -> Self {
        LeaseRecord { name: String::new(), holder: [0; 16], until: Timestamp::default(), position: 0 }
    }
}
