//! `Expect: 100-continue` (RFC 9110 section 10.1.1): asked for only when the body is wanted.
use std::time::Duration;

use tollgate_tests::{RawClient, Upstream, World};

fn head(path: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\nexpect: 100-continue\r\n\r\n"
    )
}

#[tokio::test]
async fn a_wanted_body_is_asked_for() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    let mut client = RawClient::connect(world.plain()).await;
    client.send(head("/up/ok", 5)).await;
    assert_eq!(client.answer().await.status, 100);
    assert!(upstream.seen().is_empty(), "nothing leaves before the body was inspected");
    let answer = client.call("hello").await;
    assert_eq!(answer.status, 200);
    let seen = upstream.seen();
    assert_eq!((seen.len(), seen[0].body.as_slice()), (1, b"hello".as_slice()));
    assert!(seen[0].header("expect").is_empty());
}

#[tokio::test]
async fn an_unwanted_body_is_not_asked_for() {
    let upstream = Upstream::start().await;
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/bounds/request_body_bytes", 1024)
        .start()
        .await;
    for (path, length, status, code) in
        [("/nowhere", 5, 403, "EGRESS_BLOCKED"), ("/up/ok", 2000, 413, "BODY_TOO_LARGE")]
    {
        let mut client = RawClient::connect(world.plain()).await;
        let answer = client.call(head(path, length)).await;
        // The very first answer is the final one: no 100 came before it.
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path}");
        // A client that was refused need not send the body, so the connection cannot go on.
        assert!(client.rest().await.0.is_empty());
    }
    assert_eq!(upstream.connections(), 0);
    let mut client = RawClient::connect(world.plain()).await;
    client.send(head("/up/ok", 5)).await;
    assert_eq!(client.answer().await.status, 100);
    assert!(client.is_silent_for(Duration::from_millis(100)).await);
}
