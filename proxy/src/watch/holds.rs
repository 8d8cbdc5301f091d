//! `/v1/holds` on the operators' listener: legal holds.
//!
//! The listener is on loopback, and more than operators can reach that. So every request here
//! proves that it knows `admin.token`, and one that a browser would send for a foreign page is
//! refused before that is even asked.
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use serde_json::{Value, json};
use tollgate_config::settings::SecretRef;
use tollgate_rules::Host;

use crate::gate::Gate;
use crate::ledger::{Hold, HoldChange, HoldFault};
use crate::snapshot::read_secret;

/// A hold is a few short words.
const BODY_BYTES_MAX: usize = 16 << 10;

/// The routes, behind the token; what is no route of these is not.
pub(super) fn routes(gate: &Arc<Gate>) -> Router<Arc<Gate>> {
    Router::new()
        .route("/v1/holds", get(list).post(set))
        .route("/v1/holds/{id}", delete(clear))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .route_layer(middleware::from_fn_with_state(Arc::clone(gate), permitted))
}

async fn permitted(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if headers.contains_key(header::ORIGIN) || !is_local(headers) {
        return refuse(StatusCode::FORBIDDEN, "browsers and foreign host names are refused here");
    }
    let Some(token) = gate.snapshot().settings.admin.token.clone() else {
        return refuse(StatusCode::FORBIDDEN, "`admin.token` is not set, so nobody may do this");
    };
    let shown = headers.get(header::AUTHORIZATION).and_then(bearer).map(<[u8]>::to_vec);
    let known =
        tokio::task::spawn_blocking(move || shown.is_some_and(|shown| knows(&shown, &token)));
    if !known.await.unwrap_or(false) {
        return refuse(StatusCode::UNAUTHORIZED, "the bearer token is missing or wrong");
    }
    next.run(request).await
}

/// A name that leads here from a page elsewhere (DNS rebinding) is none of ours.
fn is_local(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let Ok(host) = Host::parse(name) else { return false };
    host.name() == Some("localhost") || host.address().is_some_and(|ip| ip.is_loopback())
}

fn bearer(value: &axum::http::HeaderValue) -> Option<&[u8]> {
    let (scheme, token) = value.as_bytes().split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

/// Digests are compared, so that neither length nor content can be timed.
fn knows(shown: &[u8], token: &SecretRef) -> bool {
    use aws_lc_rs::{constant_time, digest};
    let secret = match read_secret(token) {
        Ok(secret) => secret,
        Err(error) => {
            tracing::error!(%error, "the admin token cannot be read");
            return false;
        }
    };
    let print = |bytes: &[u8]| digest::digest(&digest::SHA256, bytes);
    let (shown, secret) = (print(shown), print(&secret));
    constant_time::verify_slices_are_equal(shown.as_ref(), secret.as_ref()).is_ok()
}

async fn list(State(gate): State<Arc<Gate>>) -> Response {
    let sinks = gate.ledger.health().sinks;
    let archives = sinks.iter().filter_map(|sink| {
        let holds = sink.holds?;
        Some(json!({ "sink": sink.name, "pending": holds.pending, "failures": holds.failures }))
    });
    let archives: Vec<Value> = archives.collect();
    answer(StatusCode::OK, &json!({ "holds": &*gate.ledger.holds(), "archives": archives }))
}

async fn set(State(gate): State<Arc<Gate>>, body: Bytes) -> Response {
    let hold: Hold = match serde_json::from_slice(&body) {
        Ok(hold) => hold,
        Err(_) => {
            let form = "send {\"id\", \"matter\", \"from\"?, \"until\"?}; the last two are an \
                        event's number or a time";
            return refuse(StatusCode::BAD_REQUEST, form);
        }
    };
    change(&gate, HoldChange::Set(hold)).await
}

async fn clear(State(gate): State<Arc<Gate>>, Path(id): Path<String>) -> Response {
    change(&gate, HoldChange::Clear(id)).await
}

async fn change(gate: &Gate, change: HoldChange) -> Response {
    match gate.ledger.change_hold(change).await {
        Ok(changed) => answer(StatusCode::OK, &json!({ "changed": changed })),
        Err(fault) => {
            let status = match fault {
                HoldFault::Form(_) => StatusCode::BAD_REQUEST,
                HoldFault::Other(_) | HoldFault::TooMany => StatusCode::CONFLICT,
                HoldFault::Unrecorded => StatusCode::SERVICE_UNAVAILABLE,
            };
            refuse(status, &fault.to_string())
        }
    }
}

fn refuse(status: StatusCode, why: &str) -> Response {
    answer(status, &json!({ "error": why }))
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], format!("{body}\n")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_ours() {
        for (host, ours) in [
            ("localhost", true),
            ("LOCALHOST.:9901", true),
            ("127.0.0.1:9901", true),
            ("127.8.8.8", true),
            ("[::1]:9901", true),
            ("[::1]", true),
            ("localhost.evil.test", false),
            ("127.0.0.1.evil.test:9901", false),
            ("192.0.2.1", false),
            ("[2001:db8::1]:9901", false),
            ("[::1", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
            assert_eq!(is_local(&headers), ours, "{host}");
        }
        assert!(!is_local(&HeaderMap::new()));
    }
}
