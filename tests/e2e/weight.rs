//! Many large bodies at once: they take their turn, and small ones do not wait for it.
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinSet;
use tollgate_tests::{Answer, RawClient, Step, Upstream, World, json_answer};

use super::kit::memory;

const MIB: usize = 1 << 20;

/// A document that is written as it is read, of about so many bytes; each is another one.
fn document(number: usize, bytes: usize) -> String {
    let mut text = format!("{{\"number\":{number},\"lines\":[");
    for line in 0_u32.. {
        if text.len() + 3 > bytes {
            break;
        }
        let comma = if line == 0 { "" } else { "," };
        text.push_str(&format!("{comma}{{\"at\":{line},\"says\":\"line {line} of {number}\"}}"));
    }
    text.push_str("]}");
    text
}

fn post(path: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

async fn call(world: &World, request: Vec<u8>) -> Answer {
    RawClient::connect(world.plain()).await.call(request).await
}

#[tokio::test]
async fn many_large_bodies_at_once_are_all_answered() {
    const CALLS: usize = 60;
    let upstream = Upstream::start().await;
    let answer = document(CALLS, MIB);
    upstream.on("/large", json_answer(&answer));
    let world = World::builder().route("up", "/up", &upstream.url()).start().await;
    let mut calls = JoinSet::new();
    for number in 0..CALLS {
        let (plain, body) = (world.plain(), document(number, MIB));
        calls.spawn(async move {
            let mut client = RawClient::connect(plain).await;
            let first = client.call(post("/up/large", &body)).await;
            // The connection, its share and its desk are in order for the next.
            (first, client.call(post("/up/ok", &body)).await)
        });
    }
    for (first, second) in calls.join_all().await {
        assert_eq!((first.status, second.status), (200, 200), "{:?}", (first.body, second.body));
        assert!(first.body == answer.as_bytes(), "the answer came as it was written");
    }
    for path in ["/large", "/ok"] {
        let seen = upstream.seen().into_iter().filter(|seen| seen.line().contains(path));
        let seen = seen.map(|seen| seen.body).collect::<BTreeSet<_>>();
        let sent = (0..CALLS).map(|number| document(number, MIB).into_bytes());
        assert!(seen == sent.collect::<BTreeSet<_>>(), "each came once, and as it was sent");
    }
    assert!(world.events_of("call.refused").is_empty());
    assert_eq!(world.metric("tollgate_large_bodies_waiting").await, 0.0);
}

#[tokio::test]
async fn small_calls_do_not_wait_behind_large_ones() {
    const CALLS: usize = 24;
    let upstream = Upstream::start().await;
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        // One at a time, wherever this runs.
        .set("/bounds/inspected_bytes_total", MIB)
        .start()
        .await;
    let ended = Arc::new(AtomicUsize::new(0));
    let mut calls = JoinSet::new();
    for number in 0..CALLS {
        let (plain, ended) = (world.plain(), Arc::clone(&ended));
        calls.spawn(async move {
            let body = document(number, 4 * MIB);
            let answer = RawClient::connect(plain).await.call(post("/up/ok", &body)).await;
            ended.fetch_add(1, Ordering::Relaxed);
            answer.status
        });
    }
    tollgate_tests::until("many that wait", async || {
        (world.metric("tollgate_large_bodies_waiting").await > 8.0).then_some(())
    })
    .await;
    for _ in 0..3 {
        assert_eq!(call(&world, post("/up/ok", &document(0, 1000))).await.status, 200);
    }
    let ended = ended.load(Ordering::Relaxed);
    assert!(ended < CALLS - 2, "small ones were answered after {ended} of {CALLS} large ones");
    assert_eq!(calls.join_all().await, vec![200; CALLS]);
}

#[tokio::test]
async fn a_body_that_waits_too_long_is_refused() {
    const CALLS: usize = 24;
    let upstream = Upstream::start().await;
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/bounds/inspected_bytes_total", MIB)
        .set("/deadlines/body_ms", 400)
        .start()
        .await;
    // How many can be looked at in that time is the machine's; some round has one too many.
    for _ in 0..20 {
        let mut calls = JoinSet::new();
        for number in 0..CALLS {
            let plain = world.plain();
            calls.spawn(async move {
                let body = document(number, 4 * MIB);
                RawClient::connect(plain).await.call(post("/up/ok", &body)).await
            });
        }
        let answers = calls.join_all().await;
        let busy = answers.iter().find(|answer| answer.status == 503);
        let Some(busy) = busy else { continue };
        assert_eq!(busy.code(), "GATE_BUSY");
        let refused = |event: &serde_json::Value| event.to_string().contains("GATE_BUSY");
        world.wait_event("the refusal", refused).await;
        // Nobody is left at a desk, and nothing is held.
        assert_eq!(call(&world, post("/up/ok", &document(0, MIB))).await.status, 200);
        assert_eq!(world.metric("tollgate_large_bodies_waiting").await, 0.0);
        return;
    }
    panic!("no large body had to wait too long");
}

/// A page is looked at piece by piece, and a piece of coded text may become large.
#[tokio::test]
async fn large_pieces_of_text_take_their_turn() {
    use std::io::Write as _;
    let upstream = Upstream::start().await;
    let page = (0..100_000).map(|line| format!("line {line} of a page\n")).collect::<String>();
    let mut coded = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    coded.write_all(page.as_bytes()).unwrap();
    let coded = coded.finish().unwrap();
    let length = coded.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-encoding: gzip\r\n\
         content-length: {length}\r\n\r\n"
    );
    upstream.on("/page", vec![Step::Send([head.as_bytes(), &coded].concat())]);
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        // One at a time, wherever this runs.
        .set("/bounds/inspected_bytes_total", MIB)
        .start()
        .await;
    let mut calls = JoinSet::new();
    for _ in 0..24 {
        let plain = world.plain();
        calls.spawn(async move {
            let get = "GET /up/page HTTP/1.1\r\nhost: localhost\r\n\r\n";
            RawClient::connect(plain).await.call(get).await
        });
    }
    tollgate_tests::until("some that wait", async || {
        (world.metric("tollgate_large_bodies_waiting").await > 1.0).then_some(())
    })
    .await;
    for answer in calls.join_all().await {
        assert!(answer.status == 200 && answer.body == page.as_bytes(), "{}", answer.status);
    }
    assert_eq!(world.metric("tollgate_large_bodies_waiting").await, 0.0);
}

/// What is kept of each escape while its text is looked at is many times as long as the escape.
#[tokio::test]
async fn a_body_of_nothing_but_escapes_takes_as_much_memory_as_another() {
    let upstream = Upstream::start().await;
    for escape in [r"\\u0001", "%41", "\u{ff41}", "\u{200b}", "a\u{301}"] {
        let world = World::builder().route("up", "/up", &upstream.url()).start().await;
        let before = memory(&world).0;
        let body = format!("{{\"a\":\"{}\"}}", escape.repeat(15 * MIB / escape.len()));
        assert_eq!(call(&world, post("/up/ok", &body)).await.status, 200);
        let times = (memory(&world).1 - before) / body.len();
        assert!(times < 14, "{escape:?} took {times} times its size");
    }
}
