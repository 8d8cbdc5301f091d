//! A made-up REST service: orders, and a stream of events.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
    routing::get,
};
use futures::{Stream, StreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::Seen;

/// The longest stream served, so that no request keeps a connection for ever.
const MAX_EVENTS: u64 = 1_000;
/// The longest pause between two events.
const MAX_GAP_MILLIS: u64 = 1_000;

pub(super) fn router(seen: Arc<Seen>, shutdown: CancellationToken) -> Router {
    let shop = Shop { seen, shutdown };
    Router::new()
        .route("/api/orders", axum::routing::post(place_order))
        .route("/api/orders/{id}", get(order))
        .route("/api/stream", get(events))
        .route("/healthz", get(|| async { "ok\n" }))
        .with_state(shop)
}

#[derive(Clone)]
struct Shop {
    seen: Arc<Seen>,
    shutdown: CancellationToken,
}

async fn order(State(shop): State<Shop>, Path(id): Path<String>) -> Json<Value> {
    shop.seen.rest("GET /api/orders/{id}");
    Json(json!({ "id": id, "status": "packed", "lines": [{ "sku": "kettle-1", "count": 2 }] }))
}

async fn place_order(
    State(shop): State<Shop>,
    Json(order): Json<Value>,
) -> (StatusCode, Json<Value>) {
    shop.seen.rest("POST /api/orders");
    (StatusCode::CREATED, Json(json!({ "accepted": true, "order": order })))
}

#[derive(Deserialize)]
#[serde(default)]
struct Stretch {
    events: u64,
    gap_ms: u64,
}

impl Default for Stretch {
    fn default() -> Self {
        Self { events: 5, gap_ms: 20 }
    }
}

async fn events(State(shop): State<Shop>, Query(stretch): Query<Stretch>) -> Response {
    shop.seen.rest("GET /api/stream");
    if stretch.events > MAX_EVENTS || stretch.gap_ms > MAX_GAP_MILLIS {
        let limits = format!("at most {MAX_EVENTS} events, {MAX_GAP_MILLIS} ms apart\n");
        return (StatusCode::BAD_REQUEST, limits).into_response();
    }
    // A stream must not keep a server that was told to stop.
    Sse::new(ticks(stretch).take_until(shop.shutdown.cancelled_owned())).into_response()
}

fn ticks(stretch: Stretch) -> impl Stream<Item = Result<Event, Infallible>> {
    let gap = Duration::from_millis(stretch.gap_ms);
    let Stretch { events, .. } = stretch;
    stream::iter(1..=events).then(move |number| async move {
        tokio::time::sleep(gap).await;
        let data = json!({ "event": number, "of": events }).to_string();
        Ok(Event::default().event("tick").id(number.to_string()).data(data))
    })
}
