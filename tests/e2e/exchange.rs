//! Users' tokens are exchanged beside each other: no agent holds up another.
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tollgate_tests::{OTHER_AGENT, RawClient, Upstream, World, serve, until};

use crate::credentials::entry;
use crate::kit::request;

/// Answers bad tokens only when it may, and others at once.
async fn answer(
    request: Request<Incoming>,
    bad: Arc<AtomicUsize>,
    may: Arc<Semaphore>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let (status, text) = if body.contains("bad-") {
        bad.fetch_add(1, Ordering::SeqCst);
        let _ = may.acquire().await;
        (400, json!({ "error": "invalid_grant" }))
    } else {
        let token = "tok-Plumbago-Harbour.x9Q";
        (200, json!({ "access_token": token, "token_type": "Bearer", "expires_in": 300 }))
    };
    let answer = Response::builder().status(status).header("content-type", "application/json");
    Ok(answer.body(Full::from(text.to_string())).unwrap())
}

#[tokio::test]
async fn worthless_tokens_hold_up_nobody_else() {
    let upstream = Upstream::start().await;
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/token", socket.local_addr().unwrap());
    let (bad, may) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let mut tasks = JoinSet::new();
    let (counted, gated) = (Arc::clone(&bad), Arc::clone(&may));
    tasks.spawn(serve(socket, move |request| {
        answer(request, Arc::clone(&counted), Arc::clone(&gated))
    }));
    let give = json!({
        "type": "token_exchange",
        "server": {
            "url": url, "client_id": "gate", "client_secret": { "file": "client" },
            "allow_addresses": ["127.0.0.1"],
        },
    });
    let other =
        json!({ "type": "plain", "name": "other", "bind": "127.0.0.1:0", "agent": OTHER_AGENT });
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/listeners/1", other)
        .set("/credentials", json!([entry("idp", &upstream, json!({}), give)]))
        .file("client", "cl13nt/Secret+of:ours")
        .start()
        .await;
    let call = |listener, token: String| {
        let bearer = format!("Bearer {token}");
        let request = request("GET", "/up/ok", &[("authorization", &bearer)], "");
        async move { RawClient::connect(listener).await.call(request).await }
    };
    let mut flood = JoinSet::new();
    for nth in 0..12 {
        flood.spawn(call(world.plain(), format!("bad-{nth}-Token")));
    }
    let waiting = async || (world.events_of("call.intent").len() == 12).then_some(());
    until("the flood to be under way", waiting).await;
    until("two requests", async || (bad.load(Ordering::SeqCst) == 2).then_some(())).await;
    let amy = call(world.listener("other"), "amys-Token".to_owned()).await;
    assert_eq!(amy.status, 200, "{}", amy.text());
    assert_eq!(bad.load(Ordering::SeqCst), 2, "one agent's are two at once");
    may.add_permits(100);
    while let Some(answer) = flood.join_next().await {
        assert_eq!(answer.unwrap().code(), "CREDENTIAL_UNAVAILABLE");
    }
    assert_eq!(bad.load(Ordering::SeqCst), 12);
}
