//! The record outlives the gate, and no call leaves without it.
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::Value;
use tollgate_tests::{RawClient, Upstream, World, until};

use crate::kit::{ask, request, verify};

const TASKS: usize = 8;

/// A path that is a plain word, so that the record keeps it as it is.
fn path(number: usize) -> String {
    let digits = format!("{number:06}");
    let word = digits.bytes().map(|digit| char::from(b'a' + (digit - b'0')));
    format!("/call-{}", word.collect::<String>())
}

/// Calls until the gate is gone, each time by another path.
async fn call_on(gate: SocketAddr, numbers: Arc<AtomicUsize>) {
    let Ok(mut client) = RawClient::try_connect(gate).await else { return };
    loop {
        let target = format!("/up{}", path(numbers.fetch_add(1, Ordering::SeqCst)));
        client.send(request("GET", &target, &[], "")).await;
        if client.try_answer().await.is_err() {
            return;
        }
    }
}

fn paths(events: &[Value]) -> BTreeSet<String> {
    let intents = events.iter().filter(|event| event["event_type"] == "call.intent");
    intents.map(|event| event["payload"]["data"]["path"].as_str().unwrap().to_owned()).collect()
}

fn last_segment(world: &World) -> PathBuf {
    let entries = std::fs::read_dir(world.spool()).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    entries
        .filter(|path| name(path).starts_with("events-") && name(path).ends_with(".jsonl"))
        .max()
        .unwrap()
}

#[tokio::test]
async fn killed_ten_times_and_nothing_left_unrecorded() {
    let upstream = Upstream::start().await;
    let mut world = World::to(&upstream.url()).await;
    let numbers = Arc::new(AtomicUsize::new(0));
    for round in 0..10 {
        let before = upstream.seen().len();
        let tasks = (0..TASKS).map(|_| tokio::spawn(call_on(world.plain(), Arc::clone(&numbers))));
        let tasks = tasks.collect::<Vec<_>>();
        until("some load", async || {
            (upstream.seen().len() >= before + 40 + 7 * round).then_some(())
        })
        .await;
        world.kill9().await;
        for task in tasks {
            task.await.unwrap();
        }
        verify_dead(&world).await;
        world.restart().await.unwrap_or_else(|not| panic!("round {round}: {}", not.stderr));
        verify(&world.spool()).await;
        let intents = paths(&world.events());
        for seen in upstream.seen() {
            let line = seen.line().strip_prefix("GET ").unwrap();
            assert!(intents.contains(line), "round {round}: `{line}` left without a record");
        }
    }
    let mut times = BTreeMap::new();
    for seen in upstream.seen() {
        *times.entry(seen.line().to_owned()).or_insert(0) += 1;
    }
    assert!(times.values().all(|times| *times == 1), "a call arrived twice");
    assert!(times.len() >= 400 && times.len() <= paths(&world.events()).len());
    assert!(world.stop().await.success());
    verify(&world.spool()).await;
}

/// What a dead gate left behind may end in half a line and in nothing else.
async fn verify_dead(world: &World) {
    let text = std::fs::read_to_string(last_segment(world)).unwrap();
    let (whole, _half) = text.rsplit_once('\n').unwrap_or_default();
    for line in whole.lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
    }
}

#[tokio::test]
async fn a_torn_tail_is_mended_and_told() {
    let upstream = Upstream::start().await;
    let mut world = World::to(&upstream.url()).await;
    let tails: [&[u8]; 4] = [b"{\"half\":", b"\0\0\0\0", b"{", b"\xff\xfe"];
    for (nth, tail) in tails.iter().enumerate() {
        ask(world.plain(), request("GET", "/up/ok", &[], "")).await;
        world.wait_event("the outcome", |event| event["event_type"] == "call.outcome").await;
        world.kill9().await;
        let segment = last_segment(&world);
        std::fs::OpenOptions::new().append(true).open(segment).unwrap().write_all(tail).unwrap();
        world.restart().await.unwrap();
        verify(&world.spool()).await;
        let mut told = world.events_of("audit.reconciliation");
        // The last call's outcome was perhaps not written before the kill; that is told, too.
        told.retain(|event| event["payload"]["data"]["reason"] == "torn_tail");
        assert_eq!(told.len(), nth + 1, "{told:?}");
        let data = &told[nth]["payload"]["data"];
        assert_eq!(data["cut_bytes"], tail.len(), "{data}");
    }
    // A line that was being written when the power went.
    world.kill9().await;
    let segment = last_segment(&world);
    let length = std::fs::metadata(&segment).unwrap().len();
    let file = std::fs::OpenOptions::new().write(true).open(&segment).unwrap();
    file.set_len(length - 10).unwrap();
    world.restart().await.unwrap();
    verify(&world.spool()).await;
    assert_eq!(ask(world.plain(), request("GET", "/up/ok", &[], "")).await.status, 200);
}

/// What is broken elsewhere was not torn but touched: the gate does not go on as if nothing were.
#[tokio::test]
async fn a_record_that_was_touched_is_not_continued() {
    let upstream = Upstream::start().await;
    let mut world = World::to(&upstream.url()).await;
    for _ in 0..5 {
        ask(world.plain(), request("GET", "/up/ok", &[], "")).await;
    }
    world.kill9().await;
    let segment = last_segment(&world);
    let good = std::fs::read(&segment).unwrap();
    let text = String::from_utf8(good.clone()).unwrap();
    let mut lines = text.lines().collect::<Vec<_>>();
    let third = lines.remove(2);
    let without = lines.join("\n") + "\n";
    let twice = text.replacen(third, &format!("{third}\n{third}"), 1);
    let changed = text.replacen("127.0.0.1", "127.0.0.2", 1);
    for (name, bytes) in
        [("a line removed", without), ("a line twice", twice), ("a word changed", changed)]
    {
        std::fs::write(&segment, bytes).unwrap();
        let not = world.restart().await.unwrap_err();
        assert!(not.stderr.contains("damaged"), "{name}: {}", not.stderr);
    }
    std::fs::write(&segment, good).unwrap();
    world.restart().await.unwrap();
}

#[tokio::test]
async fn a_spool_has_one_gate() {
    let upstream = Upstream::start().await;
    let mut world = World::to(&upstream.url()).await;
    let spool = world.spool();
    let second = || {
        World::builder()
            .route("up", "/up", &upstream.url())
            .set("/audit/spool", spool.to_str().unwrap())
            .try_start()
    };
    let not = second().await.unwrap_err();
    assert_eq!(not.status.code(), Some(1));
    assert!(not.stderr.contains("another gate uses the spool"), "{}", not.stderr);
    // The first goes on, and a dead one holds nothing.
    assert_eq!(ask(world.plain(), request("GET", "/up/ok", &[], "")).await.status, 200);
    world.kill9().await;
    let second = second().await.unwrap();
    assert_eq!(ask(second.plain(), request("GET", "/up/ok", &[], "")).await.status, 200);
    verify(&world.spool()).await;
}

#[tokio::test]
async fn a_full_spool_lets_nothing_pass() {
    let upstream = Upstream::start().await;
    let mut world = World::builder()
        .route("up", "/up", &upstream.url())
        .mcp("tools", "/mcp", &upstream.url())
        .set("/audit/spool_bytes_max", 65_536)
        .start()
        .await;
    let mut passed = 0;
    let refused = loop {
        let answer =
            ask(world.plain(), request("GET", &format!("/up{}", path(passed)), &[], "")).await;
        if answer.status != 200 {
            break answer;
        }
        passed += 1;
        assert!(passed < 1000, "the spool never fills");
    };
    assert_eq!((refused.status, refused.code().as_str()), (503, "SPOOL_FULL"));
    assert!(passed > 5, "{passed}");
    let call = crate::kit::tool_call(serde_json::json!(1), "echo", serde_json::json!({}));
    let answer = ask(world.plain(), crate::kit::post(&[], call.to_string())).await;
    assert_eq!(
        (answer.status, crate::kit::refusal_code(&answer.body).as_str()),
        (200, "SPOOL_FULL")
    );
    for _ in 0..20 {
        let answer = ask(world.plain(), request("GET", "/up/ok", &[], "")).await;
        assert_eq!(answer.code(), "SPOOL_FULL");
    }
    assert_eq!(upstream.seen().len(), passed);
    assert_eq!(world.admin("/ready").await.unwrap().0, 503);
    let spool = std::fs::read_dir(world.spool()).unwrap();
    let bytes = spool.map(|entry| entry.unwrap().metadata().unwrap().len()).sum::<u64>();
    assert!(bytes < 2 * 65_536, "{bytes}");
    verify(&world.spool()).await;
    // Every call that left has its outcome: there was room kept for it.
    until("all outcomes", async || (world.events_of("call.outcome").len() == passed).then_some(()))
        .await;
    assert!(world.stop().await.success(), "{}", world.log());
    world.set("/audit/spool_bytes_max", 1_000_000);
    world.restart().await.unwrap();
    assert_eq!(ask(world.plain(), request("GET", "/up/ok", &[], "")).await.status, 200);
    verify(&world.spool()).await;
}

/// A record that is written where nobody finds it is no record.
#[tokio::test]
async fn without_its_spool_the_gate_lets_nothing_pass() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    assert_eq!(ask(world.plain(), request("GET", "/up/ok", &[], "")).await.status, 200);
    world.wait_event("the outcome", |event| event["event_type"] == "call.outcome").await;
    std::fs::remove_dir_all(world.spool()).unwrap();
    for _ in 0..5 {
        let answer = ask(world.plain(), request("GET", "/up/ok", &[], "")).await;
        let code = answer.code();
        assert!(matches!(code.as_str(), "AUDIT_UNAVAILABLE" | "SPOOL_FULL"), "{code}");
    }
    assert_eq!(upstream.seen().len(), 1);
    assert_eq!(world.admin("/ready").await.unwrap().0, 503);
}

/// A file that may not grow is a full spool: calls are refused, and the gate lives on.
#[tokio::test]
async fn a_spool_that_cannot_grow_lets_nothing_pass() {
    let upstream = Upstream::start().await;
    let mut world = World::to(&upstream.url()).await;
    assert_eq!(ask(world.plain(), request("GET", "/up/ok", &[], "")).await.status, 200);
    world.wait_event("the outcome", |event| event["event_type"] == "call.outcome").await;
    let limit = |bytes: Option<u64>| {
        let pid = Pid::from_raw(i32::try_from(world.pid()).unwrap());
        let new = Rlimit { current: bytes, maximum: None };
        prlimit(pid, Resource::Fsize, new).unwrap();
    };
    limit(Some(std::fs::metadata(last_segment(&world)).unwrap().len() + 100));
    for _ in 0..5 {
        let answer = ask(world.plain(), request("GET", "/up/ok", &[], "")).await;
        let code = answer.code();
        assert!(matches!(code.as_str(), "AUDIT_UNAVAILABLE" | "SPOOL_FULL"), "{code}");
    }
    assert_eq!(upstream.seen().len(), 1);
    verify(&world.spool()).await;
    // With room, it goes on by itself.
    limit(None);
    until("room", async || {
        (ask(world.plain(), request("GET", "/up/ok", &[], "")).await.status == 200).then_some(())
    })
    .await;
    assert!(world.stop().await.success(), "{}", world.log());
    verify(&world.spool()).await;
}
