//! The REST API inside an axum application:
//!
//! ```text
//! cargo run --package hellojohn --example axum -- sessions.db 127.0.0.1:8787
//! curl http://127.0.0.1:8787/v1/auth/sign-in -H "Content-Type: application/json" \
//!   -d '{"email": "ada@example.com", "password": "correct horse"}'
//! curl http://127.0.0.1:8787/v1/sessions -H "Authorization: Bearer sk_live_Vq3nT8kLx0cJ5wRzE7uYbA"
//! ```
//!
//! The dashboard is at <http://127.0.0.1:8787/dashboard/>; it asks for that secret key.
#![allow(clippy::print_stdout)]

use std::env;
use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hellojohn::rest::{AuthenticateError, BODY_MAX, ClientAddress, Credentials, RestApi, RestOptions};
use hellojohn::{CreateSession, Engine, Error};

/// The application's own check of credentials; a real one asks its user table and a password hash.
fn authenticate(credentials: &Credentials) -> Result<Option<CreateSession>, AuthenticateError> {
    let known =
        [("ada@example.com", "correct horse", "usr_ada"), ("bob@example.com", "battery staple", "usr_bob")];
    let user = known
        .iter()
        .find(|(email, password, _)| credentials.email() == *email && credentials.password() == *password);
    Ok(match user {
        Some((_, _, id)) => Some(CreateSession::new(id.parse()?)),
        None => None,
    })
}

async fn handle_request(
    State(api): State<RestApi>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    // A body over the limit is not read on; the API then answers 413.
    let too_long = |_| Bytes::from(vec![0; BODY_MAX + 1]);
    let body = to_bytes(body, BODY_MAX).await.unwrap_or_else(too_long);
    let mut request = Request::from_parts(parts, body);
    // Behind a proxy of your own: the address that the proxy reports.
    request.extensions_mut().insert(ClientAddress(Some(peer.ip().into())));
    // The call reaches the disk.
    match tokio::task::spawn_blocking(move || api.handle(request)).await {
        Ok(response) => {
            if let Some(error) = response.extensions().get::<Error>()
                && response.status().is_server_error()
            {
                println!("{:?} {error}", response.headers().get("x-request-id"));
            }
            response.map(Body::from)
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let database = arguments.next().unwrap_or_else(|| ":memory:".into());
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8787".into());
    #[expect(clippy::disallowed_methods, reason = "a program, which has an environment of its own")]
    let setting = |name: &str, documented: &str| env::var(name).unwrap_or_else(|_| documented.into());
    let tenant_id = setting("HELLOJOHN_TENANT_ID", "tnt_01HABCDEF654321").parse()?;
    let secret_key = setting("HELLOJOHN_SECRET_KEY", "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA").parse()?;

    let tenant = Engine::open(database)?.tenant(&tenant_id, &secret_key)?;
    let api = RestApi::new(tenant, RestOptions::default().dashboard(true))?.authenticate_with(authenticate);

    let app = Router::new().fallback(handle_request).with_state(api);
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
