//! The operators' listener: `/live`, `/ready`, `/metrics`, `/version`, `/v1/holds`.
//!
//! Whoever reaches the loopback of this machine reaches it, the agent perhaps, so it has bounds of its
//! own: few connections at once, of one short request each, and an end for all of them.
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::Seldom;
use crate::gate::Gate;
use crate::listen::Room;

/// Probes, a collector of metrics and a few operators; each of them asks once and leaves. Of more the
/// oldest makes room.
const CONNECTIONS_MAX: usize = 32;
/// For a request's whole head. Who asks here is on the same machine.
const HEAD: Duration = Duration::from_secs(5);
/// A request is a short head and a token.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// For a request and its answer, a hold that waits for the record's disk among them.
const WHOLE: Duration = Duration::from_secs(30);
/// What is being answered when the gate stops gets so long; nothing else waits for it.
const FAREWELL: Duration = Duration::from_secs(1);

/// The admin listener, bound but not yet answering.
#[derive(Debug)]
pub struct Admin(TcpListener);

impl Admin {
    /// Binds the listener.
    pub async fn bind(address: SocketAddr) -> std::io::Result<Self> {
        Ok(Self(TcpListener::bind(address).await?))
    }

    /// The address as bound.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Answers until `stop` resolves.
    pub async fn serve(self, gate: Arc<Gate>, stop: impl Future<Output = ()> + Send + 'static) {
        let app = Router::new()
            .route("/live", get(|| async { "live\n" }))
            .route("/ready", get(ready))
            .route("/metrics", get(metrics))
            .route("/version", get(version))
            .merge(super::holds::routes(&gate))
            .fallback(nothing)
            .with_state(gate);
        self.accept(&TowerToHyperService::new(app), stop).await;
    }

    async fn accept(self, app: &TowerToHyperService<Router>, stop: impl Future<Output = ()>) {
        let room = Room::of(CONNECTIONS_MAX);
        let mut connections = JoinSet::new();
        let mut failing = Seldom::default();
        let mut stop = pin!(stop);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stop => break,
                accepted = self.0.accept() => accepted,
            };
            match accepted {
                Ok((io, _)) => {
                    // Whoever says nothing, sends half of a body or takes no answer must not keep the
                    // next one waiting, a probe perhaps on which the gate's life hangs.
                    let place = tokio::select! {
                        biased;
                        () = &mut stop => break,
                        place = room.enter() => place,
                    };
                    let Ok(place) = place else { break };
                    let (age, ends) = room.begin(WHOLE);
                    let app = app.clone();
                    connections.spawn(async move {
                        tokio::select! {
                            () = ends.cancelled() => {}
                            _ = tokio::time::timeout(WHOLE, answer(io, app)) => {}
                        }
                        drop((age, place));
                    });
                }
                Err(error) => {
                    if let Some(unsaid) = failing.due() {
                        tracing::warn!(%error, unsaid, "accept failed for the admin listener");
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            while connections.try_join_next().is_some() {}
        }
        drop(self.0);
        let done = async { while connections.join_next().await.is_some() {} };
        // What is left then is cut with the set.
        let _ = tokio::time::timeout(FAREWELL, done).await;
    }
}

/// One request of one connection.
async fn answer(io: TcpStream, app: TowerToHyperService<Router>) {
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(io), app)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the admin listener ended early");
    }
}

async fn ready(State(gate): State<Arc<Gate>>) -> impl IntoResponse {
    let health = gate.health();
    let status =
        if health.reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "ready": health.reasons.is_empty(),
        "reasons": health.reasons,
        "warnings": health.warnings,
        "revision": health.revision,
        "rules": health.rules,
        "agents": health.agents,
        "ledger_events": health.ledger_size,
    });
    (status, [(header::CONTENT_TYPE, "application/json")], format!("{body}\n"))
}

async fn metrics(State(gate): State<Arc<Gate>>) -> ([(HeaderName, &'static str); 1], String) {
    gate.refresh_gauges();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], gate.metrics.render())
}

async fn nothing() -> impl IntoResponse {
    let why = "nothing is here; there are /live, /ready, /metrics, /version and /v1/holds";
    let body = json!({ "error": why });
    (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "application/json")], format!("{body}\n"))
}

async fn version() -> impl IntoResponse {
    let body = json!({ "name": "tollgate", "version": env!("CARGO_PKG_VERSION") });
    ([(header::CONTENT_TYPE, "application/json")], format!("{body}\n"))
}
