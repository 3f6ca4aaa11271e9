//! What HTTP clients send without being asked to: it means what it would without.

use hellojohn::CreateSession;
use serde_json::json;

use crate::host::{Host, user};

#[test]
fn what_http_clients_send_is_understood() {
    let host = Host::new();
    for owner in ["usr_1", "usr_1", "usr_2"] {
        host.create(owner);
    }
    host.clock.advance_millis(60_000);
    let before = host.dump();
    for query in ["?", "?&", "?user_id=usr_1&", "?&user_id=usr_1", "?user_id=usr_1&&limit=5"] {
        host.get(&format!("/v1/sessions{query}")).secret().send().is(200);
    }
    for (kind, body) in
        [("application/json", "{}"), ("application/json", " { }\n"), ("", "null"), ("text/plain", "")]
    {
        let call = host.get("/v1/sessions").secret().header("content-type", kind);
        call.bytes(body).send().is(200);
    }
    for kind in ["application/json; charset=utf8", "application/json;charset=\"UTF-8\"", "application/json;"]
    {
        let call = host.call("PATCH", "/v1/admin/config").secret().header("content-type", kind);
        call.bytes("\u{feff}{}").send().is(200);
    }
    assert_eq!(host.dump(), before);
    let id = host.tenant.create(CreateSession::new(user("usr_9"))).unwrap().session.id;
    host.delete(&format!("/v1/sessions/{id}")).secret().json(&json!({})).send().is(204);
    let call = host.delete("/v1/sessions?user_id=usr_1&").secret().json(&json!({}));
    assert_eq!(call.send().is(200).body["revoked"], 2);
    // For a user it means the own sessions, for the key's holder the whole tenant.
    let own = host.create("usr_8");
    let call = host.delete("/v1/sessions?").bearer(own.access_token.expose()).json(&json!({}));
    assert_eq!(call.send().is(200).body["revoked"], 1);
    let before = host.dump();
    for call in [host.delete("/v1/sessions?"), host.delete("/v1/sessions").json(&json!({}))] {
        call.secret().send().fails(422, "validation_error");
    }
    assert_eq!(host.dump(), before);
}
