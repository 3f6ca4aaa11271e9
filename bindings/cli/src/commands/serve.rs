//! `serve`: the REST API over HTTP, for trying it and as a server beside an application.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Extension, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use clap::Args;
use hellojohn::rest::{BODY_MAX, ClientAddress, RestApi, RestOptions, Step};
use hellojohn::{EngineBuilder, Error, Tenant, VerifyMode};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use super::http_server::{self, read_body};
use super::limited_listener::{ConnectionTurns, LimitedListener, Peer};
use super::metrics::{self, Metrics};
use super::sign_in_program::SignInProgram;
use super::stop_signal::StopSignal;
use crate::answer::Answer;
use crate::context::Context;
use crate::failure::CommandFailure;

/// How long requests that are under way may take after the signal to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// How many lines may wait to be written; more are left out.
const LOG_LINES_MAX: usize = 1_000;

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// Where to listen. The server speaks plain HTTP: put a proxy with TLS in front of another address than a loopback one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8787")]
    listen: SocketAddr,
    /// Offer sign-in: a program that gets {"email", "password", …} on its standard input and prints the user as
    /// {"user_id", …}; exit code 1 says that the credentials are wrong
    #[arg(long, value_name = "PROGRAM")]
    sign_in_program: Option<PathBuf>,
    /// How many connections at once, 1 to 100000; others wait
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    connections: u32,
    /// Serve the dashboard under /dashboard/: pages for operators, who sign in there with the secret key
    #[arg(long)]
    dashboard: bool,
    /// Let every caller read /v1/revocations, without the secret key
    #[arg(long)]
    public_revocations: bool,
    /// Offer GET /metrics in Prometheus's text form. It needs no credential: have the proxy in front keep it to yourself
    #[arg(long)]
    metrics: bool,
    /// How verifications over PostgreSQL are answered: store, lease:250ms or stale:250ms (25 to 5000 ms). The URL may say it, too
    #[arg(long, value_name = "MODE")]
    verify: Option<VerifyMode>,
    /// Options of the API as JSON, such as {"cookie": true}
    #[arg(long, value_name = "JSON", default_value = "{}")]
    rest_options: String,
}

/// What answers requests.
struct Served {
    tenant: Tenant,
    api: RestApi,
    sign_in: Option<SignInProgram>,
    log: mpsc::Sender<String>,
    /// Absent unless the operator wants them.
    metrics: Option<Arc<Metrics>>,
    turns: ConnectionTurns,
}

impl ServeArguments {
    /// Serves until SIGINT or SIGTERM.
    pub fn run(&self, context: &mut Context<'_>) -> Result<Answer, CommandFailure> {
        let mut options: RestOptions = self.rest_options.parse()?;
        options.dashboard |= self.dashboard;
        options.public_revocations |= self.public_revocations;
        let has_dashboard = options.dashboard;
        let metrics = self.metrics.then(Arc::<Metrics>::default);
        let observe = |engine: EngineBuilder| {
            let engine = match self.verify {
                Some(mode) => engine.verify(mode),
                None => engine,
            };
            match &metrics {
                Some(metrics) => engine.observer(Arc::clone(metrics)),
                None => engine,
            }
        };
        let tenant = match context.database_file() {
            None if context.options.database == ":memory:" => {
                let (id, key) = (context.tenant_id()?, context.secret_key()?);
                observe(context.engine()).open(":memory:")?.tenant(&id, &key)?
            }
            _ => context.open_tenant_with(observe)?.with_actor(None), // sign-ins are their users' own
        };
        let api = RestApi::new(tenant.clone(), options)?;
        let (log, lines) = mpsc::channel(LOG_LINES_MAX);
        let turns = ConnectionTurns::new(self.connections);
        let sign_in = self.sign_in_program.clone().map(SignInProgram::new);
        let served = Served { tenant, api, sign_in, log, metrics, turns };
        let broken = |cause| CommandFailure::io("the server cannot run", &cause);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(broken)?;
        let outcome = runtime.block_on(self.serve(served, lines, has_dashboard, context));
        // What waits for a client or a program that does not answer is left behind.
        runtime.shutdown_timeout(Duration::ZERO);
        outcome
    }

    async fn serve(
        &self,
        served: Served,
        mut lines: mpsc::Receiver<String>,
        has_dashboard: bool,
        context: &mut Context<'_>,
    ) -> Result<Answer, CommandFailure> {
        let unheard =
            |cause| CommandFailure::io(format!("the server cannot listen on {}", self.listen), &cause);
        let listener = TcpListener::bind(self.listen).await.map_err(unheard)?;
        let address = listener.local_addr().map_err(unheard)?;
        let mut stopped =
            StopSignal::new().map_err(|cause| CommandFailure::io("signals cannot be heard", &cause))?;
        if !address.ip().is_loopback() {
            let warning =
                "warning: others than this machine reach this address, and what they send is not encrypted";
            let _ = writeln!(context.streams.errors, "{warning}");
        }
        let url = format!("http://{address}");
        let dashboard = has_dashboard.then(|| format!("{url}/dashboard/"));
        let started = match (context.options.json, &dashboard) {
            (true, None) => json!({ "listening": url }).to_string(),
            (true, Some(dashboard)) => json!({ "listening": url, "dashboard": dashboard }).to_string(),
            (false, None) => format!("listening on {url}"),
            (false, Some(dashboard)) => format!("listening on {url}\nthe dashboard is at {dashboard}"),
        };
        // In one piece, for a reader that reads one line and leaves. The server does not need the reader.
        let told = context.streams.output.write_all(format!("{started}\n").as_bytes());
        if told.and_then(|()| context.streams.output.flush()).is_err() {
            let _ = writeln!(context.streams.errors, "warning: the output is closed: listening on {url}");
        }

        let (stop, stopping) = oneshot::channel::<()>();
        let listener = LimitedListener::new(listener, served.turns.clone());
        let mut app =
            Router::new().route("/healthz", get(async || "ok")).route("/readyz", get(tell_readiness));
        if served.metrics.is_some() {
            app = app.route("/metrics", get(tell_metrics));
        }
        let app = app.fallback(handle_request).with_state(Arc::new(served));
        let mut server = tokio::spawn(http_server::serve(listener, app, stopping));
        let mut log = async |errors: &mut dyn Write| {
            while let Some(line) = lines.recv().await {
                let _ = writeln!(errors, "{line}");
            }
        };
        tokio::select! {
            () = stopped.wait() => {}
            () = log(&mut context.streams.errors) => {}
        }
        drop(stop);
        // Clients that neither end their request nor read their answer must not keep the server.
        let in_time = tokio::select! {
            ended = tokio::time::timeout(STOP_TIMEOUT, &mut server) => ended.is_ok(),
            () = log(&mut context.streams.errors) => true, // the server has ended, and with it what it logs
        };
        if !in_time {
            let _ = writeln!(context.streams.errors, "warning: requests that did not end were cut off");
        }
        Ok(Answer::new(json!({ "stopped": true }), "stopped"))
    }
}

/// Whether the database answers: a server that is not ready gets no requests from the proxy in front of it.
async fn tell_readiness(State(served): State<Arc<Served>>) -> (StatusCode, &'static str) {
    let tenant = served.tenant.clone();
    let unready = match tokio::task::spawn_blocking(move || tenant.config()).await {
        Ok(Ok(_)) => return (StatusCode::OK, "ready"),
        Ok(Err(error)) => {
            let _ = served.log.try_send(format!("not ready: {error}"));
            error.code().as_str()
        }
        Err(_) => "internal",
    };
    (StatusCode::SERVICE_UNAVAILABLE, unready)
}

async fn tell_metrics(State(served): State<Arc<Served>>) -> Response {
    let Some(metrics) = &served.metrics else { return StatusCode::NOT_FOUND.into_response() };
    let text = metrics.to_text(served.tenant.id().as_str(), &served.turns);
    ([(CONTENT_TYPE, metrics::TEXT_FORM)], text).into_response()
}

async fn handle_request(
    State(served): State<Arc<Served>>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
) -> Response {
    let response = answer_in_time(&served, peer, request).await;
    if let Some(metrics) = &served.metrics {
        metrics.count_response(response.status().as_u16());
    }
    response
}

async fn answer_in_time(served: &Served, peer: SocketAddr, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(body) = read_body(body, BODY_MAX).await else {
        // What is left of the body is not waited for.
        return (StatusCode::REQUEST_TIMEOUT, [(CONNECTION, "close")]).into_response();
    };
    let mut request = Request::from_parts(parts, body);
    request.extensions_mut().insert(ClientAddress(Some(peer.ip().into())));
    let response = match served.answer(request).await {
        Some(response) => response,
        None => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    if let Some(error) = response.extensions().get::<Error>().filter(|_| response.status().is_server_error())
    {
        let id = response.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or("-");
        let _ = served.log.try_send(format!("{id} {error}"));
    }
    response.map(Body::from)
}

impl Served {
    /// Answers on threads for calls that reach the disk; nothing where the engine panicked.
    async fn answer(&self, request: Request<Bytes>) -> Option<axum::http::Response<Vec<u8>>> {
        let api = self.api.clone();
        let step = tokio::task::spawn_blocking(move || api.begin(request)).await.ok()?;
        let pending = match (step, &self.sign_in) {
            (Step::Answer(response), _) => return Some(response),
            (Step::Authenticate(pending), None) => {
                return tokio::task::spawn_blocking(move || pending.not_offered()).await.ok();
            }
            (Step::Authenticate(pending), Some(program)) => {
                let outcome = program.check(pending.credentials()).await;
                if let Err(problem) = &outcome {
                    let _ = self.log.try_send(format!("the sign-in program: {problem}"));
                }
                (pending, outcome.map_err(|_| hellojohn::rest::AuthenticateError))
            }
            (_, _) => return None,
        };
        let (pending, outcome) = pending;
        tokio::task::spawn_blocking(move || pending.finish(outcome)).await.ok()
    }
}
