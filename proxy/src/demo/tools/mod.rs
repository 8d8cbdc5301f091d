//! The tool server of the demo: a made-up upstream for the gate to stand in front of.
//!
//! One axum application with
//! - `/mcp`: six tools over MCP Streamable HTTP, with sessions (2025-03-26 to 2025-11-25) and
//!   without (2026-07-28) on the one endpoint ([`errands`]);
//! - `/conformance`: what the official MCP conformance suite expects to find in a server
//!   ([`conformance`]);
//! - `/api/…` and `/healthz`: plain REST;
//! - `/_seen`: how often each tool was reached, so that a test can say "the upstream never saw the
//!   denied call".
//!
//! Invariant: everything it serves is made up. It reads no file, keeps nothing on disk, and calls
//! nobody.

pub mod conformance;
pub mod errands;
mod place;
mod rest;
mod seen;
#[cfg(test)]
mod tests;

pub use place::{Place, ServeError};
pub use seen::Seen;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, middleware, serve::ListenerExt};
use rmcp::transport::{
    StreamableHttpServerConfig, StreamableHttpService,
    streamable_http_server::session::local::LocalSessionManager,
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// How long a client should wait before it takes up a cut event stream again.
const RETRY: Duration = Duration::from_millis(500);

/// Serves the demo tools at `place` until `shutdown` is cancelled.
///
/// Gives the address that was bound (port 0 asks for any free one) and the task that serves.
pub async fn serve(
    place: impl Into<Place>,
    shutdown: CancellationToken,
) -> Result<(SocketAddr, JoinHandle<()>), ServeError> {
    let place = place.into();
    let seen = Arc::new(Seen::default());
    let stage = conformance::Stage::new(conformance::Fixtures::load()?, Arc::clone(&seen))?;
    let address = place.bind;
    let listener =
        TcpListener::bind(address).await.map_err(|source| ServeError::Bind { address, source })?;
    let bound = listener.local_addr().map_err(|source| ServeError::Bind { address, source })?;
    let app = router(&place, Arc::new(stage), seen, &shutdown);
    // Head and body of an answer are two writes; without this the second waits for the first to be
    // acknowledged, 40 ms on a kept connection.
    let listener = listener.tap_io(|io| {
        let _ = io.set_nodelay(true);
    });
    let task = tokio::spawn(async move {
        let served = axum::serve(listener, app).with_graceful_shutdown(shutdown.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(%error, "the demo tools stopped serving");
        }
    });
    Ok((bound, task))
}

/// Serves the demo tools in the foreground until the process is interrupted.
pub async fn run(place: impl Into<Place>) -> Result<(), ServeError> {
    let shutdown = CancellationToken::new();
    let (address, task) = serve(place, shutdown.clone()).await?;
    tracing::info!(%address, "demo tools listening");
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!(%error, "cannot wait for an interrupt, stopping");
    }
    shutdown.cancel();
    if let Err(error) = task.await {
        tracing::error!(%error, "the demo tools did not stop in order");
    }
    Ok(())
}

fn router(
    place: &Place,
    stage: Arc<conformance::Stage>,
    seen: Arc<Seen>,
    shutdown: &CancellationToken,
) -> Router {
    let config = transport(place, shutdown);
    let errands = {
        let seen = Arc::clone(&seen);
        StreamableHttpService::new(
            move || Ok(errands::Errands::new(Arc::clone(&seen))),
            Arc::new(LocalSessionManager::default()),
            config.clone(),
        )
    };
    let suite = StreamableHttpService::new(
        move || Ok(conformance::Conformance::new(Arc::clone(&stage))),
        Arc::new(LocalSessionManager::default()),
        config,
    );
    let suite = Router::new()
        .route_service("/conformance", suite)
        .layer(middleware::from_fn(conformance::hold_line));
    Router::new()
        .route_service("/mcp", errands)
        .merge(suite)
        .merge(rest::router(Arc::clone(&seen), shutdown.clone()))
        .layer(middleware::from_fn_with_state(Arc::clone(&seen), seen::count_request))
        .merge(seen::router(seen))
}

/// A page in a browser must not reach a server on the loopback by a rebound name, so `Host` and
/// `Origin` are both checked (MCP 2025-11-25, basic/transports, security warning).
fn transport(place: &Place, shutdown: &CancellationToken) -> StreamableHttpServerConfig {
    StreamableHttpServerConfig::default()
        .with_allowed_hosts(place.hosts())
        .with_allowed_origins(place.origins())
        .with_sse_retry(Some(RETRY))
        .with_cancellation_token(shutdown.child_token())
}
