//! Answers that come bit by bit, clients that go away, and a gate that is asked to stop.
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use rustix::process::Signal;
use tokio::sync::Semaphore;
use tollgate_tests::{HttpClient, RawClient, Step, Upstream, World, chunked, full, until, within};

const GET: &str = "GET /up/events HTTP/1.1\r\nhost: localhost\r\n\r\n";

fn head() -> Step {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    Step::Send(head.as_bytes().to_vec())
}

fn event(number: usize) -> String {
    format!("id: {number}\ndata: {{\"number\":{number}}}\n\n")
}

/// Three events, each behind the gate that the test opens.
fn gated() -> (Arc<Semaphore>, Vec<Step>) {
    let gate = Arc::new(Semaphore::new(0));
    let mut script = vec![head()];
    for number in 1..=3 {
        script.extend([Step::Gate(Arc::clone(&gate)), chunked(event(number))]);
    }
    script.extend([Step::Gate(Arc::clone(&gate)), chunked("")]);
    (gate, script)
}

#[tokio::test]
async fn events_come_one_by_one() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    for (round, h2) in [false, true].into_iter().enumerate() {
        let (gate, script) = gated();
        upstream.on("/events", script);
        let mut client = HttpClient::plain(world.plain(), h2).await;
        let request = client.request("GET", "/up/events").body(full("")).unwrap();
        // The head is here before there is any event.
        let mut answer = client.begin(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        for number in 1..=3 {
            gate.add_permits(1);
            let mut come = Vec::new();
            // The next event is not sent before this one has come.
            while come.len() < event(number).len() {
                let frame = within("an event", answer.frame()).await.unwrap().unwrap();
                come.extend(frame.into_data().unwrap());
            }
            let come = String::from_utf8(come).unwrap();
            assert!(come.contains(&format!("data: {{\"number\":{number}}}")), "h2 {h2}: {come}");
        }
        gate.add_permits(1);
        let rest = within("the end", answer.into_body().collect()).await.unwrap().to_bytes();
        assert!(rest.is_empty(), "h2 {h2}: {rest:?}");
        world.wait_outcomes(round + 1).await;
    }
}

#[tokio::test]
async fn events_that_might_go_on_are_not_held_for_ever() {
    const EVENTS: usize = 60;
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    let gate = Arc::new(Semaphore::new(0));
    let mut script = vec![head()];
    for number in 0..EVENTS {
        // Put together, `10%11%` looks like what URLs are written with.
        let event = format!("data: {{\"share\":\"{}%\"}}\n\n", 10 + number);
        script.extend([Step::Gate(Arc::clone(&gate)), chunked(event)]);
    }
    upstream.on("/events", script);
    let mut client = HttpClient::plain(world.plain(), false).await;
    let request = client.request("GET", "/up/events").body(full("")).unwrap();
    let mut answer = client.begin(request).await.unwrap();
    // Never so long apart that nothing comes for a moment.
    let feed = async {
        for _ in 0..EVENTS {
            gate.add_permits(1);
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    };
    tokio::select! {
        frame = answer.frame() => {
            let come = frame.unwrap().unwrap().into_data().unwrap();
            assert!(come.starts_with(b"data: {\"share\":\"10%\"}\n\n"), "{come:?}");
        }
        () = feed => panic!("nothing came while events did"),
    }
}

#[tokio::test]
async fn a_client_that_goes_takes_its_call_along() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    upstream.on("/silent", vec![Step::Stall]);
    upstream.on("/text", {
        let head =
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 100\r\n\r\nbegin";
        vec![Step::Send(head.as_bytes().to_vec()), Step::Stall]
    });
    upstream.on("/json", {
        let head =
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
        vec![Step::Send(head.as_bytes().to_vec()), Step::Stall]
    });
    let mut closed = 0;
    for h2 in [false, true] {
        for path in ["/silent", "/text", "/json", "/events"] {
            upstream.on("/events", vec![head(), chunked(event(1)), Step::Stall]);
            upstream.take_seen();
            let mut client = HttpClient::plain(world.plain(), h2).await;
            let request = client.request("POST", &format!("/up{path}"));
            let request = request.header("content-type", "text/plain").body(full("x")).unwrap();
            let calling = tokio::spawn(async move {
                let answer = client.begin(request).await;
                // Held until the task is ended.
                let _held = (client, answer);
                std::future::pending::<()>().await;
            });
            upstream.wait_seen(path).await;
            calling.abort();
            closed += 1;
            upstream.wait_closed(closed).await;
            until("the outcome", async || {
                let outcomes = world.events_of("call.outcome");
                let last = outcomes.get(closed - 1)?;
                assert_eq!(last["payload"]["data"]["outcome"], "abandoned", "{path} h2 {h2}");
                Some(())
            })
            .await;
        }
    }
    assert_eq!(world.metric("tollgate_calls_in_flight").await, 0.0);
    assert_eq!(world.metric("tollgate_held_bytes").await, 0.0);
}

#[tokio::test]
async fn one_stream_of_h2_is_cancelled_and_the_rest_goes_on() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    upstream.on("/events", vec![head(), chunked(event(1)), Step::Stall]);
    let mut client = HttpClient::plain(world.plain(), true).await;
    let request = client.request("GET", "/up/events").body(full("")).unwrap();
    let mut answer = client.begin(request).await.unwrap();
    assert!(within("an event", answer.frame()).await.unwrap().is_ok());
    drop(answer);
    upstream.wait_closed(1).await;
    assert_eq!(client.get("/up/ok").await.status, 200);
}

async fn wait_refusing(world: &World) {
    until("the gate to stop listening", async || {
        RawClient::try_connect(world.plain()).await.is_err().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_stop_lets_calls_end() {
    let upstream = Upstream::start().await;
    let mut world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/deadlines/drain_ms", 120_000)
        .start()
        .await;
    let (gate, script) = gated();
    upstream.on("/events", script);
    let mut h1 = RawClient::connect(world.plain()).await;
    h1.send(GET).await;
    let (status, ..) = h1.read_head().await.unwrap();
    assert_eq!(status, 200);
    let mut h2 = HttpClient::plain(world.plain(), true).await;
    let request = h2.request("GET", "/up/events").body(full("")).unwrap();
    let h2_answer = h2.begin(request).await.unwrap();
    // Two connections without a call, one of which has only begun to say something.
    let mut idle = RawClient::connect(world.plain()).await;
    assert_eq!(idle.call("GET /up/ok HTTP/1.1\r\nhost: localhost\r\n\r\n").await.status, 200);
    let mut begun = RawClient::connect(world.plain()).await;
    assert_eq!(begun.call("GET /up/ok HTTP/1.1\r\nhost: localhost\r\n\r\n").await.status, 200);
    begun.send("GET /up/late HTTP/1.1\r\n").await;
    let begun_seen = world.wait_event("both calls", |event| event["event_type"] == "call.outcome");
    begun_seen.await;

    world.signal(Signal::TERM);
    wait_refusing(&world).await;
    // The idle one is closed at once; the other is told.
    assert_eq!(idle.rest().await, (Vec::new(), true));
    let answer = begun.call("host: localhost\r\n\r\n").await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "GATE_DRAINING"));
    assert!(begun.rest().await.0.is_empty());

    gate.add_permits(8);
    let mut events = String::new();
    loop {
        let chunk = h1.read_chunk().await.unwrap();
        if chunk.is_empty() {
            break;
        }
        events.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert_eq!(events.matches("data:").count(), 3, "{events}");
    let body = within("the rest", h2_answer.into_body().collect()).await.unwrap().to_bytes();
    assert_eq!(String::from_utf8_lossy(&body).matches("data:").count(), 3);

    // Idle clients do not hold up the end: the drain's own deadline is longer than this waits.
    assert!(world.ended().await.success(), "{}", world.log());
    closed_in_order(&world);
    assert!(
        world
            .events_of("call.outcome")
            .iter()
            .all(|e| e["payload"]["data"]["outcome"] == "answered")
    );
    assert!(upstream.seen().iter().all(|seen| !seen.line().contains("late")));
}

/// Every intent has its outcome, and the record ends with the stop under a signed checkpoint.
fn closed_in_order(world: &World) {
    let events = world.events();
    let payload = |event: &serde_json::Value, key: &str| event["payload"]["data"][key].clone();
    for intent in events.iter().filter(|event| event["event_type"] == "call.intent") {
        let told = events.iter().filter(|event| payload(event, "intent") == intent["id"]);
        assert_eq!(told.count(), 1, "one outcome for {intent}");
    }
    let stop = events.iter().rposition(|event| event["event_type"] == "gate.stop").expect("a stop");
    assert!(stop + 2 >= events.len(), "nothing but a checkpoint follows the stop: {events:?}");
    let checkpoints = std::fs::read_to_string(world.spool().join("checkpoints.jsonl")).unwrap();
    let last = checkpoints.lines().last().expect("a checkpoint");
    let covered = stop + 1;
    let all = events.len();
    assert!(
        (covered..=all).any(|size| last.contains(&size.to_string())),
        "the checkpoint covers the stop ({covered} of {all} events): {last}"
    );
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let upstream = Upstream::start().await;
    let mut world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/deadlines/drain_ms", 300)
        .start()
        .await;
    upstream.on("/events", vec![head(), chunked(event(1)), Step::Stall]);
    let mut h1 = RawClient::connect(world.plain()).await;
    h1.send(GET).await;
    assert_eq!(h1.read_head().await.unwrap().0, 200);
    let mut h2 = HttpClient::plain(world.plain(), true).await;
    let request = h2.request("GET", "/up/events").body(full("")).unwrap();
    let answer = h2.begin(request).await.unwrap();
    let began = Instant::now();
    assert!(world.stop().await.success(), "{}", world.log());
    // The default would be 20 s.
    assert!(began.elapsed() < Duration::from_secs(15));
    // Neither client takes what it has for the whole.
    assert!(within("the end", answer.into_body().collect()).await.is_err());
    let (rest, _) = h1.rest().await;
    assert!(!String::from_utf8_lossy(&rest).ends_with("0\r\n\r\n"));
    closed_in_order(&world);
    let outcomes = world.events_of("call.outcome");
    assert_eq!(outcomes.len(), 2);
    upstream.wait_closed(2).await;
}
