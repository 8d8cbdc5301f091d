//! Hanging up on a caller in the middle of an answer, so that it must call back
//! (MCP 2025-11-25, basic/transports, "sending messages": a server may close the connection
//! before the answer, and the client polls by reconnecting with `Last-Event-ID`).

use std::sync::Arc;

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, header},
    middleware::Next,
    response::Response,
};
use futures::StreamExt;
use rmcp::{RoleServer, service::RequestContext};
use tokio::sync::Notify;

/// The line to the caller of one HTTP request.
#[derive(Clone, Default)]
pub(super) struct Line {
    hung_up: Arc<Notify>,
    spoken: Arc<Notify>,
}

impl Line {
    /// The line of the request that `context` answers.
    pub(super) fn of(context: &RequestContext<RoleServer>) -> Option<&Self> {
        context.extensions.get::<axum::http::request::Parts>()?.extensions.get()
    }

    /// Ends the event stream, but not before its first event, which says where to take it up.
    pub(super) fn hang_up(&self) {
        self.hung_up.notify_one();
    }

    async fn dead(self) {
        self.hung_up.notified().await;
        self.spoken.notified().await;
    }
}

/// Gives each request its [`Line`], and ends the answer when the line is hung up.
pub(in crate::demo::tools) async fn hold_line(mut request: Request, next: Next) -> Response {
    let line = Line::default();
    request.extensions_mut().insert(line.clone());
    let response = next.run(request).await;
    if !is_event_stream(response.headers()) {
        return response;
    }
    response.map(|body| {
        let spoken = Arc::clone(&line.spoken);
        let events = body.into_data_stream().inspect(move |_| spoken.notify_one());
        Body::from_stream(events.take_until(line.dead()))
    })
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("text/event-stream"))
}
