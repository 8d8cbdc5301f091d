//! A tool server that says what it was told, whole or as a stream.
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tollgate_tests::serve;

/// Events of a stream.
pub(crate) const EVENTS: usize = 20;
/// Of one that nobody waits for.
const SLOW_EVENTS: usize = 200;

type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

pub(crate) async fn start() -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(serve(socket, say));
    address
}

async fn say(request: Request<Incoming>) -> Result<Answer, Infallible> {
    let target = request.uri().clone();
    let number = target.query().unwrap_or_default().to_owned();
    match target.path() {
        "/stream" => return Ok(events(number, EVENTS, Duration::ZERO)),
        "/slow" => return Ok(events(number, SLOW_EVENTS, Duration::from_millis(20))),
        _ => {}
    }
    let Ok(body) = request.into_body().collect().await else { return Ok(Answer::default()) };
    let told: Value = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
    let answer = match told.get("method") {
        None => json!({ "heard": told }),
        Some(_) => json!({ "jsonrpc": "2.0", "id": told["id"], "result": {
            "content": [{ "type": "text", "text": told["params"]["arguments"]["text"] }],
        } }),
    };
    let body = Full::from(answer.to_string()).boxed_unsync();
    Ok(Response::builder().header("content-type", "application/json").body(body).unwrap())
}

/// One event of a stream.
pub(crate) fn event(number: &str, nth: usize) -> Value {
    json!({ "said": format!("an event of call {number}"), "nth": nth })
}

fn events(number: String, count: usize, apart: Duration) -> Answer {
    let events = stream::unfold(0, move |nth| {
        let number = number.clone();
        async move {
            if nth == count {
                return None;
            }
            tokio::time::sleep(apart).await;
            let event = format!("data: {}\n\n", event(&number, nth));
            Some((Ok(Frame::data(Bytes::from(event))), nth + 1))
        }
    });
    let body = StreamBody::new(events).boxed_unsync();
    Response::builder().header("content-type", "text/event-stream").body(body).unwrap()
}
