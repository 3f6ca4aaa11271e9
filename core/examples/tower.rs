//! The REST API and a guarded route in a server without a framework: hyper, and what tower makes of it.
//!
//! ```text
//! cargo run --package hellojohn --features tower --example tower -- sessions.db 127.0.0.1:8787
//! curl http://127.0.0.1:8787/v1/auth/sign-in -H "Content-Type: application/json" \
//!   -d '{"email": "ada@example.com", "password": "correct horse"}'
//! curl http://127.0.0.1:8787/account -H "Authorization: Bearer $ACCESS_TOKEN"
//! ```
#![allow(clippy::print_stdout)]

use std::convert::Infallible;
use std::env;
use std::net::SocketAddr;

use bytes::Bytes;
use hellojohn::rest::http::{Request, Response};
use hellojohn::rest::{AuthenticateError, AuthorizeOptions, Credentials, RestApi, RestOptions};
use hellojohn::tower::{AuthLayer, RestService, current_user};
use hellojohn::{CreateSession, Engine, Error};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tower::{Layer, Service, ServiceExt, service_fn};

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

/// A route of the application's own, behind the guard.
async fn account(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let text = match current_user(request.extensions()) {
        Ok(user) => format!("You are {}.\n", user.user_id),
        Err(error) => format!("{error}\n"),
    };
    Ok(Response::new(Full::new(Bytes::from(text))))
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
    let api = RestApi::new(tenant, RestOptions::default())?.authenticate_with(authenticate);
    // Behind a proxy of your own: the address that the proxy reports.
    let rest = RestService::new(api.clone())
        .client_address(|request| request.extensions.get::<SocketAddr>().map(SocketAddr::ip));
    let account = AuthLayer::new(api, AuthorizeOptions::default()).layer(service_fn(account));

    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        let (rest, account) = (rest.clone(), account.clone());
        let routes = service_fn(move |mut request: Request<Incoming>| {
            let (mut rest, account) = (rest.clone(), account.clone());
            async move {
                request.extensions_mut().insert(peer);
                if request.uri().path() == "/account" {
                    return account.oneshot(request).await;
                }
                let response = rest.call(request).await?;
                if let Some(error) = response.extensions().get::<Error>()
                    && response.status().is_server_error()
                {
                    println!("{:?} {error}", response.headers().get("x-request-id"));
                }
                Ok(response.map(Either::Right))
            }
        });
        tokio::spawn(async move {
            let served = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
            if let Err(error) = served.await {
                println!("{peer}: {error}");
            }
        });
    }
}
