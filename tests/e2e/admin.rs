//! The operators' listener, which whoever is on this machine reaches: it has bounds of its own.
use std::time::{Duration, Instant};

use serde_json::json;
use tollgate_tests::{RawClient, World, within};

const HALF: &str = "GET /live HTTP/1.1\r\nhost: x";

#[tokio::test]
async fn half_a_head_keeps_no_gate_from_stopping() {
    let mut world = World::builder().start().await;
    let mut half = RawClient::connect(world.admin_address()).await;
    half.send(HALF).await;
    // The gate has taken the connection when it has answered the next one.
    assert_eq!(world.admin("/live").await.unwrap().0, 200);
    assert!(world.stop().await.success());
}

#[tokio::test]
async fn heads_that_do_not_end_are_cut_and_make_room() {
    let world = World::builder().start().await;
    let mut halves = Vec::new();
    for _ in 0..100 {
        let mut half = RawClient::connect(world.admin_address()).await;
        half.send(HALF).await;
        halves.push(half);
    }
    assert_eq!(world.admin("/live").await.unwrap().0, 200);
    let open = std::fs::read_dir(format!("/proc/{}/fd", world.pid())).unwrap().count();
    assert!(open < 100, "{open} files are open");
    for mut half in halves {
        within("the end of half a head", half.rest()).await;
    }
}

#[tokio::test]
async fn halves_of_bodies_make_room() {
    let world = World::builder()
        .file("token", "operators-Token-7730\n")
        .set("/admin/token", json!({ "file": "token" }))
        .start()
        .await;
    let half = "POST /v1/holds HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer \
                operators-Token-7730\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
    let mut halves = Vec::new();
    for _ in 0..100 {
        let mut client = RawClient::connect(world.admin_address()).await;
        client.send(half).await;
        halves.push(client);
    }
    let began = Instant::now();
    assert_eq!(world.admin("/live").await.unwrap().0, 200);
    // They would have 30 s.
    assert!(began.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
async fn heads_are_short() {
    let world = World::builder().start().await;
    let mut long = RawClient::connect(world.admin_address()).await;
    // The answer may overtake what is still being sent.
    let _ = long.try_send(format!("GET /live HTTP/1.1\r\nx: {}", "a".repeat(64 << 10))).await;
    let answer = within("the end of a long head", long.rest()).await;
    assert!(!String::from_utf8_lossy(&answer.0).contains("live\n"));
    // One request each: what follows it is not read.
    let mut two = RawClient::connect(world.admin_address()).await;
    two.send(format!("{HALF}\r\n\r\n{HALF}\r\n\r\n")).await;
    let (answers, _) = two.rest().await;
    assert_eq!(String::from_utf8_lossy(&answers).matches("HTTP/1.1 200").count(), 1);
}

#[tokio::test]
async fn a_path_that_leads_nowhere_says_where_something_is() {
    let world = World::builder().start().await;
    for path in ["/", "/healthz", "/live/", "/v1/holds/a/b"] {
        let (status, said) = world.admin(path).await.unwrap();
        assert_eq!(status, 404, "{path}: {said}");
        assert!(said.contains("/ready"), "{path}: {said}");
    }
    // What needs a token is not told so.
    assert_eq!(world.admin("/v1/holds").await.unwrap().0, 403);
}

#[tokio::test]
async fn holds_are_set_where_the_listener_is_on_the_other_loopback() {
    let world = World::builder()
        .file("token", "operators-Token-7730\n")
        .set("/admin", json!({ "bind": "[::1]:0", "token": { "file": "token" } }))
        .start()
        .await;
    let admin = world.admin_address().to_string();
    let set = ["hold", "set", "case-7", "--matter", "7 O 12/26", "--admin", &admin];
    let output = tokio::process::Command::new(tollgate_tests::binary())
        .args(set)
        .arg("--token")
        .arg(world.path("token"))
        .output();
    let output = within("the hold", output).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
