//! Steady load while everything changes that may change under a running gate: rules, settings, the
//! key of the record, the gate's certificate, a collector that goes away and comes back, clients
//! that leave in the middle. Nothing of it may cost a call, an event or memory.
//!
//! `make soak` runs it for half an hour, `TOLLGATE_SOAK_SECONDS` says how long otherwise; as one of
//! the tests it is short, so that it stays true.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop and say where"
)]
mod agents;
mod changes;
mod record;
mod sink;
mod tools;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tollgate_tests::{Certificates, OTHER_AGENT, POLICY_NO_DELETE, World, until};

use crate::agents::Made;
use crate::sink::Sink;

/// How long it takes as one of the tests.
const SECONDS: u64 = 20;
const AGENTS: usize = 8;
/// Looks at memory, over the whole time.
const LOOKS: u32 = 60;
/// What the last third may hold beyond the second one: a share of it, and what a small process
/// moves by in any case.
const MORE_PERCENT: u64 = 10;
const MORE_KIB: u64 = 16 << 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_grows() {
    let seconds = std::env::var("TOLLGATE_SOAK_SECONDS").ok();
    let seconds = seconds.map_or(SECONDS, |seconds| seconds.parse().unwrap());
    let whole = Duration::from_secs(seconds);
    let tools = tools::start().await;
    let mut sink = Sink::start().await;
    let lake = json!({ "type": "http", "name": "lake", "url": sink.url(), "batch_events": 128 });
    let mut world = World::builder()
        .route("up", "/up", &format!("http://{tools}"))
        .mcp("tools", "/mcp", &format!("http://{tools}/mcp"))
        .set("/audit/sinks", json!([lake]))
        .policy(POLICY_NO_DELETE)
        .start()
        .await;

    let done = Arc::new(AtomicBool::new(false));
    let mut agents = JoinSet::new();
    let identity = Arc::new(Certificates::shared().authority.client(&[OTHER_AGENT], None));
    for nth in 0..AGENTS {
        // Every other one comes with a certificate.
        let identity = (nth % 2 == 1).then(|| Arc::clone(&identity));
        let gate = if identity.is_some() { world.tls() } else { world.plain() };
        agents.spawn(agents::work(gate, identity, nth, Arc::clone(&done)));
    }
    let leaving = tokio::spawn(agents::leave(world.plain(), Arc::clone(&done)));

    let looking = tokio::spawn(memory(world.pid(), whole / LOOKS));
    let made_changes = changes::make(&mut world, &mut sink, whole).await;
    done.store(true, Ordering::SeqCst);
    let looks = looking.await.unwrap();
    let mut made = Made::default();
    for one in agents.join_all().await {
        made.add(one);
    }
    let left = leaving.await.unwrap();

    until("the calls' ends", async || {
        (world.metric("tollgate_calls_in_flight").await == 0.0).then_some(())
    })
    .await;
    let stands = record::last(&world.spool());
    sink.has_all(stands).await;
    assert!(world.stop().await.success());
    let record = record::read(&world.spool());
    println!(
        "{seconds} s: {} calls answered, {left} left, {} events, {made_changes}; KiB held: {looks:?}",
        made.answered(),
        record.events,
    );
    made.assert_right();
    record.assert_whole(&made, left);
    record::verify(&world.spool()).await;
    assert_flat(&looks);
}

/// What a process holds, in KiB, again and again.
async fn memory(pid: u32, every: Duration) -> Vec<u64> {
    let mut looks = Vec::new();
    for _ in 0..LOOKS {
        tokio::time::sleep(every).await;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        looks.push(line.trim().trim_end_matches(" kB").parse().unwrap());
    }
    looks
}

fn assert_flat(looks: &[u64]) {
    let third = looks.len() / 3;
    let middle = |looks: &[u64]| {
        let mut looks = looks.to_vec();
        looks.sort_unstable();
        looks[looks.len() / 2]
    };
    let (second, last) = (middle(&looks[third..2 * third]), middle(&looks[2 * third..]));
    let most = second + second * MORE_PERCENT / 100 + MORE_KIB;
    assert!(last <= most, "{last} KiB in the last third, {second} in the second: {looks:?}");
}
