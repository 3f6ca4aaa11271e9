//! Serves connections over HTTP/1.1, and none of them for longer than its client takes part.

use std::future::Future;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Extension;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;

use super::limited_listener::{CLIENT_TIMEOUT, LimitedListener, Peer};

/// Serves until `stop` is there, then until the requests under way are answered.
pub(crate) async fn serve(mut listener: LimitedListener, app: Router, stop: impl Future) {
    let connections = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(CLIENT_TIMEOUT);
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut stop => break,
        };
        let service = TowerToHyperService::new(app.clone().layer(Extension(Peer(peer))));
        let connection = connections.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            let _ = connection.await; // a client that went away, or was too slow, is no news
        });
    }
    drop(listener);
    connections.shutdown().await;
}

/// The body, of which no more than `max` + 1 bytes are read; nothing if the client is too slow.
pub(crate) async fn read_body(body: Body, max: usize) -> Option<Bytes> {
    let read = tokio::time::timeout(CLIENT_TIMEOUT, to_bytes(body, max)).await.ok()?;
    // A body over the limit is not read on.
    Some(read.unwrap_or_else(|_| Bytes::from(vec![0; max + 1])))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::StatusCode;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::oneshot;
    use tokio::time::Instant;

    use super::super::limited_listener::ConnectionTurns;
    use super::*;

    /// A server whose time goes on when it has nothing to do, and a connection to it.
    fn with_server<T>(app: Router, test: impl AsyncFnOnce(TcpStream, ConnectionTurns) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let turns = ConnectionTurns::new(2);
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (stop, stopping) = oneshot::channel::<()>();
            let server = tokio::spawn(serve(LimitedListener::new(listener, turns.clone()), app, stopping));
            let answer = test(TcpStream::connect(address).await.unwrap(), turns).await;
            drop(stop);
            server.await.unwrap();
            answer
        })
    }

    /// Waits while no time goes on: the runtime's does only while no thread of it is at work.
    async fn without_time<T>(wait: impl Future<Output = T>) -> T {
        let (release, held) = std::sync::mpsc::channel::<()>();
        let hold = tokio::task::spawn_blocking(move || held.recv());
        let outcome = wait.await;
        drop(release);
        assert!(hold.await.unwrap().is_err());
        outcome
    }

    fn app() -> Router {
        Router::new().fallback(async |body: Body| match read_body(body, 10).await {
            Some(body) => (StatusCode::OK, body.len().to_string()),
            None => (StatusCode::REQUEST_TIMEOUT, String::new()),
        })
    }

    #[test]
    fn a_client_that_does_not_end_its_head_is_closed() {
        with_server(app(), async |mut stream, _| {
            let start = Instant::now();
            stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            assert!(answer.is_empty() && start.elapsed() >= CLIENT_TIMEOUT);
        });
    }

    #[test]
    fn a_client_that_does_not_end_its_body_is_told_so() {
        with_server(app(), async |mut stream, _| {
            let start = Instant::now();
            stream.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc").await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 408 ") && start.elapsed() >= CLIENT_TIMEOUT, "{answer}");
        });
    }

    #[test]
    fn a_client_that_reads_nothing_is_closed() {
        let app = Router::new().fallback(async || vec![0_u8; 64 << 20]);
        with_server(app, async |mut stream, turns| {
            stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
            stream.read_exact(&mut [0]).await.unwrap();
            let start = Instant::now();
            assert_eq!(turns.taken(), 2); // this connection, and the next that is waited for
            while turns.taken() > 1 {
                assert!(start.elapsed() < 3 * CLIENT_TIMEOUT, "the connection is still there");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            assert!(start.elapsed() >= CLIENT_TIMEOUT);
        });
    }

    #[test]
    fn a_client_that_takes_part_is_served_on_one_connection() {
        with_server(app(), async |mut stream, _| {
            for length in [0, 5, 10] {
                tokio::time::sleep(CLIENT_TIMEOUT / 3).await;
                let request = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
                stream.write_all(request.as_bytes()).await.unwrap();
                tokio::time::sleep(CLIENT_TIMEOUT / 3).await;
                let mut answer = vec![0; 1_000];
                let read = without_time(async {
                    stream.write_all(&vec![b'a'; length]).await.unwrap();
                    stream.read(&mut answer).await.unwrap()
                });
                let read = read.await;
                let answer = String::from_utf8_lossy(&answer[..read]);
                assert!(
                    answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(&length.to_string()),
                    "{answer}"
                );
            }
        });
    }
}
