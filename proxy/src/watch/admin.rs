//! The operators' listener: `/live`, `/ready`, `/metrics`, `/version`, `/v1/holds`.
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;

use crate::gate::Gate;

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
            .with_state(gate);
        if let Err(error) = axum::serve(self.0, app).with_graceful_shutdown(stop).await {
            tracing::error!(%error, "the admin listener ended");
        }
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

async fn version() -> impl IntoResponse {
    let body = json!({ "name": "tollgate", "version": env!("CARGO_PKG_VERSION") });
    ([(header::CONTENT_TYPE, "application/json")], format!("{body}\n"))
}
