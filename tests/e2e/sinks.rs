//! Events reach collectors at least once and in order, whatever happens on the way.
use serde_json::{Value, json};
use tollgate_tests::{Builder, Certificates, HttpUpstream, Upstream, World, until};

use crate::collectors::{Collector, Syslog};
use crate::kit::{ask, request, verify};

async fn world(upstream: &Upstream, sinks: Value) -> World {
    builder(upstream, sinks).start().await
}

fn builder(upstream: &Upstream, sinks: Value) -> Builder {
    World::builder().route("up", "/up", &upstream.url()).set("/audit/sinks", sinks)
}

fn lake(collector: &Collector) -> Value {
    json!({ "type": "http", "name": "lake", "url": collector.url(), "batch_events": 8 })
}

fn siem(syslog: &Syslog) -> Value {
    json!({ "type": "syslog", "name": "siem", "address": syslog.address.to_string() })
}

/// Makes calls; none of them may be refused because of a collector.
async fn call(world: &World, times: usize) {
    let mut client = tollgate_tests::RawClient::connect(world.plain()).await;
    for _ in 0..times {
        assert_eq!(client.call(request("GET", "/up/ok", &[], "")).await.status, 200);
    }
}

fn seqs(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["seq"].as_u64().unwrap()).collect()
}

/// At least once, in order: what is new always follows what was there.
fn assert_in_order(events: &[Value]) {
    let mut next = 0;
    for seq in seqs(events) {
        assert!(seq <= next, "event {seq} came before event {next}");
        next = next.max(seq + 1);
    }
}

/// Waits until all that is in the spool has come, the same bytes for bytes.
async fn all_arrived(world: &World, collector: &Collector) {
    // An outcome may be written a moment after its call was answered.
    let (kept, came) = until("all events at the collector", async || {
        let (kept, came) = (world.events(), collector.events());
        let last = came.last()?["seq"].as_u64()?;
        (last == kept.last()?["seq"].as_u64()?).then_some((kept, came))
    })
    .await;
    assert_in_order(&came);
    for event in &came {
        assert_eq!(*event, kept[usize::try_from(event["seq"].as_u64().unwrap()).unwrap()]);
    }
    let mut seqs = seqs(&came);
    seqs.sort_unstable();
    seqs.dedup();
    assert_eq!(seqs.len(), kept.len());
}

async fn all_told(world: &World, syslog: &Syslog) {
    until("all events at the syslog collector", async || {
        let told = syslog.frames();
        world.events().iter().all(|event| tells(&told, event)).then_some(())
    })
    .await;
}

fn tells(frames: &[String], event: &Value) -> bool {
    let id = event["id"].as_str().unwrap();
    frames.iter().any(|frame| frame.contains(id))
}

#[tokio::test]
async fn everything_arrives_in_order() {
    let (upstream, collector, syslog) =
        (Upstream::start().await, Collector::start().await, Syslog::start().await);
    let world = world(&upstream, json!([lake(&collector), siem(&syslog)])).await;
    call(&world, 40).await;
    ask(world.plain(), request("GET", "/none", &[], "")).await;
    all_arrived(&world, &collector).await;
    all_told(&world, &syslog).await;
    for posted in collector.posted() {
        let events = posted.events();
        assert!((1..=8).contains(&events.len()));
        let header = |name: &str| posted.headers[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), "application/x-ndjson");
        assert_eq!(header("tollgate-first-seq"), events[0]["seq"].to_string());
        assert_eq!(header("tollgate-last-seq"), events[events.len() - 1]["seq"].to_string());
        assert_eq!(header("tollgate-last-hash"), events[events.len() - 1]["hash"]);
    }
    for frame in syslog.frames() {
        assert!(frame.starts_with('<') && frame.contains(" CEF:0|"), "{frame}");
        assert!(!frame.contains('\n'), "{frame}");
    }
    until("no lag", async || {
        let lake = world.metric("tollgate_sink_lag_events{sink=\"lake\"}").await;
        let siem = world.metric("tollgate_sink_lag_events{sink=\"siem\"}").await;
        (lake == 0.0 && siem == 0.0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn collectors_that_go_down_get_it_later() {
    let (upstream, mut collector, mut syslog) =
        (Upstream::start().await, Collector::start().await, Syslog::start().await);
    let world = world(&upstream, json!([lake(&collector), siem(&syslog)])).await;
    call(&world, 10).await;
    all_arrived(&world, &collector).await;
    for _ in 0..2 {
        collector.down().await;
        syslog.down().await;
        call(&world, 20).await;
        until("the lag", async || {
            let lag = world.metric("tollgate_sink_lag_events{sink=\"lake\"}").await;
            (lag >= 20.0).then_some(())
        })
        .await;
        collector.up().await;
        syslog.up().await;
        all_arrived(&world, &collector).await;
        all_told(&world, &syslog).await;
    }
}

#[tokio::test]
async fn what_is_not_taken_is_offered_again() {
    let (upstream, collector) = (Upstream::start().await, Collector::start().await);
    collector.answer(500);
    let world = world(&upstream, json!([lake(&collector)])).await;
    call(&world, 5).await;
    until("an offer that is not taken", async || (collector.posted().len() >= 2).then_some(()))
        .await;
    assert!(collector.events().is_empty());
    // Nor is a redirect an acknowledgement.
    collector.answer(307);
    let offered = collector.posted().len();
    until("another offer", async || (collector.posted().len() > offered).then_some(())).await;
    collector.answer(200);
    all_arrived(&world, &collector).await;
    collector.take_at_most(1);
    call(&world, 5).await;
    all_arrived(&world, &collector).await;
}

#[tokio::test]
async fn a_cursor_outlives_the_gate() {
    let (upstream, mut collector) = (Upstream::start().await, Collector::start().await);
    let mut world = world(&upstream, json!([lake(&collector)])).await;
    call(&world, 10).await;
    all_arrived(&world, &collector).await;
    collector.down().await;
    call(&world, 10).await;
    world.kill9().await;
    let before = collector.posted().len();
    collector.up().await;
    world.restart().await.unwrap();
    call(&world, 10).await;
    all_arrived(&world, &collector).await;
    let posted = collector.posted();
    let first = posted[before].events()[0]["seq"].as_u64().unwrap();
    assert!(first > 0, "it started over");
    assert!(first >= seqs(&posted[before - 1].events())[0], "it went back too far");
    // At an orderly stop nothing is left behind.
    assert!(world.stop().await.success());
    let (kept, came) = (world.events(), collector.events());
    assert_eq!(came.last().unwrap()["hash"], kept.last().unwrap()["hash"]);
    verify(&world.spool()).await;
    // A cursor that does not fit starts over: events twice are better than events never.
    std::fs::write(world.spool().join("cursor-lake.json"), "{").unwrap();
    let before = collector.posted().len();
    world.restart().await.unwrap();
    all_arrived(&world, &collector).await;
    assert_eq!(collector.posted()[before].events()[0]["seq"], 0);
}

#[tokio::test]
async fn over_tls_with_a_token() {
    let upstream = Upstream::start().await;
    let collector = HttpUpstream::tls(&Certificates::shared().server, false, None).await;
    let token = "token-for-the-lake-8c1f";
    let sink = |ca: &str| {
        let url = format!("https://localhost:{}/events", collector.address().port());
        json!([{ "type": "http", "name": "lake", "url": url, "ca": ca, "token": { "env": "LAKE" } }])
    };
    let mut world = builder(&upstream, sink("ca.pem")).variable("LAKE", token).start().await;
    call(&world, 3).await;
    let heard = collector.wait_heard(1).await.remove(0);
    assert_eq!(heard.headers["authorization"], format!("Bearer {token}"));
    assert!(!String::from_utf8_lossy(&world.everything_written()).contains(token));
    // Whoever cannot prove to be the collector gets nothing.
    let stranger = tollgate_tests::Authority::new("stranger");
    std::fs::write(world.path("stranger.pem"), &stranger.certificate).unwrap();
    assert!(world.stop().await.success());
    world.set("/audit/sinks", sink("stranger.pem"));
    let before = collector.heard().len();
    world.restart().await.unwrap();
    call(&world, 3).await;
    until("a delivery that failed", async || {
        world.log().contains("a delivery failed").then_some(())
    })
    .await;
    assert_eq!(collector.heard().len(), before);
}
