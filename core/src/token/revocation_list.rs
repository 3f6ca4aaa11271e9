//! Writing and signing revocation lists (SPEC 22).

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::base64url;
use super::keyring::RingKey;
use crate::clock::Timestamp;
use crate::model::bulk_end::BulkEnd;
use crate::model::id::{SessionId, TenantId, UserId};
use crate::model::revocation::{Revocation, RevocationSeq};

/// What a list says beside its entries.
pub(crate) struct ListHead<'a> {
    pub issuer: &'a str,
    pub tenant_id: &'a TenantId,
    pub now: Timestamp,
    /// The list tells what was added after this number.
    pub since: RevocationSeq,
    /// The last number that it tells of.
    pub seq: RevocationSeq,
    pub has_more: bool,
}

/// The payload, in the order in which it is written.
#[derive(Serialize)]
struct WrittenList<'a> {
    iss: &'a str,
    aud: &'a str,
    /// Whole seconds, as in every JWT, and the same in milliseconds.
    iat: i64,
    at: i64,
    since: RevocationSeq,
    seq: RevocationSeq,
    has_more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<WrittenStart>,
    sessions: Vec<WrittenSession>,
    many: Vec<WrittenMany>,
    pending: Vec<WrittenMany>,
}

/// The list begins here.
#[derive(Serialize)]
struct WrittenStart {
    at: i64,
    exp: i64,
}

#[derive(Serialize)]
struct WrittenSession {
    sid: SessionId,
    exp: i64,
}

/// Sessions that had signed in by a time.
#[derive(Serialize)]
struct WrittenMany {
    at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spared: Option<SessionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    newest: Option<SessionId>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    spares_actors: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
}

/// A list may be public: it names no user.
fn hash_user(user: &UserId) -> String {
    base64url::encode(Sha256::digest(user.as_str().as_bytes()))
}

/// The first whole second that is not before this time.
fn second_after(time: Timestamp) -> i64 {
    Timestamp::from_millis(time.as_millis() + 999).as_secs()
}

/// The list as a signed text: a JWS in its compact form. `pending` are the bulk ends with a filter whose sessions are not all
/// listed yet.
pub(crate) fn sign<'a>(
    head: &ListHead<'_>,
    entries: &[Revocation],
    pending: impl Iterator<Item = &'a BulkEnd>,
    key: &RingKey,
) -> Box<str> {
    let begins = entries.iter().rposition(|entry| entry.is_start);
    let start = begins.and_then(|position| entries.get(position)).map(|entry| WrittenStart {
        at: entry.at.unwrap_or_default().as_millis(),
        exp: second_after(entry.until),
    });
    // What was listed before the start does not count.
    let counted = entries.get(begins.map_or(0, |position| position + 1)..).unwrap_or_default();
    let sessions = counted
        .iter()
        .filter_map(|entry| entry.session.map(|sid| WrittenSession { sid, exp: second_after(entry.until) }));
    let many = counted.iter().filter_map(|entry| {
        entry.at.map(|at| WrittenMany {
            at: at.as_millis(),
            sub_sha256: entry.user_id.as_ref().map(hash_user),
            spared: entry.spared,
            newest: entry.newest,
            spares_actors: entry.spares_actors,
            exp: Some(second_after(entry.until)),
        })
    });
    let pending = pending.map(|bulk_end| WrittenMany {
        at: bulk_end.at.as_millis(),
        sub_sha256: bulk_end.user_id.as_ref().map(hash_user),
        spared: bulk_end.spared,
        newest: bulk_end.newest,
        spares_actors: bulk_end.spares_actors(),
        exp: None,
    });
    let list = WrittenList {
        iss: head.issuer,
        aud: head.tenant_id.as_str(),
        iat: head.now.as_secs(),
        at: head.now.as_millis(),
        since: head.since,
        seq: head.seq,
        has_more: head.has_more,
        start,
        sessions: sessions.collect(),
        many: many.collect(),
        pending: pending.collect(),
    };
    // Names, numbers and texts always become JSON.
    let payload = serde_json::to_vec(&list).unwrap_or_default();
    let signed = format!("{}.{}", key.list_header, base64url::encode(payload));
    let signature = base64url::encode(key.sign(signed.as_bytes()));
    format!("{signed}.{signature}").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::KeyId;
    use crate::token::keyring::KeyState;
    use serde_json::json;
    use zeroize::Zeroizing;

    #[test]
    fn a_list_tells_what_came_after_its_start_in_seconds_rounded_up_and_names_no_user() {
        let at = Timestamp::from_millis;
        let id = |byte| SessionId::from_bytes([byte; 16]);
        let ended =
            |seq, until| Revocation { session: Some(id(seq as u8)), ..Revocation::numbered(seq, at(until)) };
        let user: UserId = "u".parse().unwrap();
        let many = Revocation {
            at: Some(at(8_001)),
            user_id: Some(user.clone()),
            spared: Some(id(9)),
            ..Revocation::numbered(5, at(20_999))
        };
        let start = Revocation { at: Some(at(7_500)), is_start: true, ..Revocation::numbered(2, at(30_001)) };
        let entries = [ended(1, 9_000), start, ended(3, 10_000), ended(4, 10_001), many];
        let pending =
            BulkEnd { user_id: Some(user), at: at(9_001), newest: Some(id(8)), ..BulkEnd::numbered(1) };
        let key = RingKey::new(
            1,
            KeyId::from_bytes([1; 16]),
            KeyState::Active,
            Timestamp::default(),
            &Zeroizing::new([1; 32]),
        );
        let (tenant_id, now) = ("t".parse().unwrap(), at(9_500));
        let head = ListHead { issuer: "i", tenant_id: &tenant_id, now, since: 0, seq: 5, has_more: false };
        let list = sign(&head, &entries, [pending].iter(), &key);
        let (signed, signature) = list.rsplit_once('.').unwrap();
        let signature = base64url::decode(signature).unwrap().try_into().unwrap();
        assert!(key.keys.verify(signed.as_bytes(), &signature));
        let (header, payload) = signed.split_once('.').unwrap();
        assert_eq!(header, key.list_header);
        let payload: serde_json::Value =
            serde_json::from_slice(&base64url::decode(payload).unwrap()).unwrap();
        let user = "C_6TXnDDIcfKOvx1zg0MovmLVCLgCLsxwAxtfx8cCtY"; // SHA-256 of "u"
        assert_eq!(
            payload,
            json!({
                "iss": "i", "aud": "t", "iat": 9, "at": 9_500, "since": 0, "seq": 5, "has_more": false,
                "start": {"at": 7_500, "exp": 31},
                "sessions": [{"sid": id(3), "exp": 10}, {"sid": id(4), "exp": 11}],
                "many": [{"at": 8_001, "sub_sha256": user, "spared": id(9), "exp": 21}],
                "pending": [{"at": 9_001, "sub_sha256": user, "newest": id(8)}],
            })
        );
        let list = sign(&head, &entries[2..4], [].iter(), &key);
        let payload = base64url::decode(list.split('.').nth(1).unwrap()).unwrap();
        let payload: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!((payload.get("start"), payload["sessions"].as_array().map(Vec::len)), (None, Some(2)));
    }
}
