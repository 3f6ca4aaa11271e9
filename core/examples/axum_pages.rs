//! Pages that an axum server renders for signed-in users, by cookies alone:
//!
//! ```text
//! cargo run --package hellojohn --features axum --example axum_pages -- sessions.db 127.0.0.1:8787
//! ```
#![allow(clippy::print_stdout)]

use std::env;
use std::net::SocketAddr;

use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use axum::{Router, middleware};
use hellojohn::axum::{AuthGuard, CurrentUser, MaybeUser, require_auth, router};
use hellojohn::rest::{
    AccessCookieOptions, AuthenticateError, AuthorizeOptions, CookieOptions, Credentials, MissingToken,
    RestApi, RestOptions,
};
use hellojohn::{CreateSession, Engine, RequiredAuth};

/// The application's own check of credentials; a real one asks its user table and a password hash.
fn authenticate(credentials: &Credentials) -> Result<Option<CreateSession>, AuthenticateError> {
    let is_good = credentials.email() == "ada@example.com" && credentials.password() == "correct horse";
    Ok(if is_good { Some(CreateSession::new("usr_ada".parse()?)) } else { None })
}

async fn home(MaybeUser(user): MaybeUser) -> Html<String> {
    Html(match user {
        Some(user) => format!("<p>Signed in as {}. <a href=\"/account\">Your account</a></p>", user.user_id),
        None => "<p>You are not signed in.</p>".to_owned(),
    })
}

async fn account(CurrentUser(user): CurrentUser) -> Html<String> {
    Html(format!("<h1>{}</h1>", user.user_id))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let database = arguments.next().unwrap_or_else(|| ":memory:".into());
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8787".into());
    let secret_key = "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?;
    let tenant = Engine::open(database)?.tenant(&"tnt_01HABCDEF654321".parse()?, &secret_key)?;
    // With HTTPS leave `secure` as it is.
    let cookie = CookieOptions::default().secure(false).access(Some(AccessCookieOptions::default()));
    let options = RestOptions::default().cookie(Some(cookie));
    let api = RestApi::new(tenant.clone(), options)?.authenticate_with(authenticate);

    let guard = |options| middleware::from_fn_with_state(AuthGuard::new(api.clone(), options), require_auth);
    let revoke_others = async move |CurrentUser(user): CurrentUser| {
        let revoked =
            tokio::task::spawn_blocking(move || tenant.revoke_user(&user.user_id, Some(user.session_id)));
        let is_done = revoked.await.is_ok_and(|revoked| revoked.is_ok());
        if is_done { Ok(Redirect::to("/account")) } else { Err("the sessions could not be ended") }
    };
    let users = Router::new()
        .route("/account", get(account))
        // A plain form may send this: the guard lets it pass from pages of this host only.
        .route("/account/revoke-others", post(revoke_others))
        .route_layer(guard(AuthorizeOptions::default().required(RequiredAuth::default().refuse_actor(true))));
    let visitors = Router::new()
        .route("/", get(home))
        .route_layer(guard(AuthorizeOptions::default().missing_token(MissingToken::Allow)));
    let app = users.merge(visitors).merge(router(api.clone()));
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
