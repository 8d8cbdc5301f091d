//! What the upstream saw: counts, and never content.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    extract::{Request, State},
    middleware::Next,
    response::Response,
    routing::get,
};
use parking_lot::Mutex;
use serde::Serialize;

/// The name under which calls of a tool that does not exist are counted, so that a caller cannot
/// grow the table.
pub(super) const UNKNOWN: &str = "(unknown)";

/// Counts of what reached the tool server since it started.
#[derive(Debug, Default)]
pub struct Seen {
    tally: Mutex<Tally>,
}

/// One reading of the counts, as `GET /_seen` gives it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Tally {
    /// HTTP requests of any kind, handshakes and listings included.
    pub requests: u64,
    /// All calls: those of tools and those of REST operations.
    pub total: u64,
    /// Calls by tool.
    pub tools: BTreeMap<String, u64>,
    /// Calls by REST operation, as `GET /api/orders/{id}`.
    pub rest: BTreeMap<String, u64>,
}

impl Seen {
    /// Counts one call of the tool `name`.
    pub fn tool(&self, name: &str) {
        let mut tally = self.tally.lock();
        tally.total += 1;
        *tally.tools.entry(name.to_owned()).or_default() += 1;
    }

    /// Counts one call of the REST operation `name`.
    pub fn rest(&self, name: &'static str) {
        let mut tally = self.tally.lock();
        tally.total += 1;
        *tally.rest.entry(name.to_owned()).or_default() += 1;
    }

    /// Counts one HTTP request.
    pub fn request(&self) {
        self.tally.lock().requests += 1;
    }

    /// The counts as they stand.
    pub fn tally(&self) -> Tally {
        self.tally.lock().clone()
    }
}

pub(super) fn router(seen: Arc<Seen>) -> Router {
    Router::new().route("/_seen", get(show)).with_state(seen)
}

async fn show(State(seen): State<Arc<Seen>>) -> Json<Tally> {
    Json(seen.tally())
}

pub(super) async fn count_request(
    State(seen): State<Arc<Seen>>,
    request: Request,
    next: Next,
) -> Response {
    seen.request();
    next.run(request).await
}
