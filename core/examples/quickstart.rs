//! Sign in, verify, refresh, list, revoke: `cargo run --example quickstart`.
#![allow(clippy::print_stdout)]

use hellojohn::{ClientInfo, CreateSession, Engine, ErrorCode, ListQuery, RefreshRequest, SessionFilter};

fn main() -> Result<(), hellojohn::Error> {
    // An application opens a file: Engine::open("sessions.db").
    let engine = Engine::open(":memory:")?;
    let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;

    // The host has checked the password; the engine signs the device in.
    let agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/17.5 Mobile/15E148 Safari/604.1";
    let grant = tenant.create(CreateSession::new("usr_1001".parse()?).client(
        ClientInfo::default().user_agent(Some(agent.parse()?)).ip_address(Some("203.0.113.42".parse()?)),
    ))?;
    println!("signed in: {} on a {}", grant.session.id, grant.session.device_type.as_str());

    // Every request: signature, claims, and whether the session still lives.
    let verified = tenant.verify_access_token(grant.access_token.expose())?;
    println!("verified:  {}, token good until {}", verified.claims.user_id, verified.claims.expires_at);

    // Before the access token expires.
    let grant = tenant.refresh(grant.refresh_token.expose(), RefreshRequest::default())?;
    println!("refreshed: a new access token for {} s", grant.expires_in);

    // "Manage my devices".
    let of_user = SessionFilter::of_user("usr_1001".parse()?);
    for session in tenant.list(&ListQuery::default().filter(of_user))?.data {
        println!("listed:    {} {} {}", session.id, session.device_type.as_str(), session.status);
    }

    // "Sign out this device" is seen by the very next call.
    tenant.revoke(grant.session.id)?;
    let refused = tenant.verify_access_token(grant.access_token.expose());
    assert!(refused.is_err_and(|refused| refused.error.code() == ErrorCode::SessionRevoked));
    println!("revoked:   the next call answers session_revoked");
    Ok(())
}
