//! What goes wrong around a gate under load, and what holds after it: see [`Witness`].
use std::time::Duration;

use serde_json::json;
use tollgate_tests::{
    Builder, Calls, Collector, Dice, Manner, RawClient, SigningProxy, Upstream, Witness, World,
    until,
};

/// How often the gate is killed.
const KILLS: u64 = 50;

/// A gate that small segments, checkpoints and a collector keep busy.
pub(crate) fn builder(upstream: &Upstream, collector: &Collector) -> Builder {
    let sink =
        json!([{ "type": "http", "name": "lake", "url": collector.url(), "batch_events": 64 }]);
    World::builder()
        .route("up", "/up", &upstream.url())
        .set("/audit/sinks", sink)
        .set("/audit/delivery_secs", 2)
        .set("/audit/checkpoints/every_events", 7)
}

/// Sizes of the spool: a segment is an eighth of it, so that segments end every few calls and go
/// when the collector has them.
const SPOOLS: [u64; 4] = [96 << 10, 192 << 10, 512 << 10, 4 << 20];

#[tokio::test]
async fn killed_at_any_moment_fifty_times() {
    let mut dice = Dice::thrown();
    let (upstream, collector) = (Upstream::start().await, Collector::start().await);
    let mut witness = Witness::default();
    let calls = Calls::start(8);
    let mut world = builder(&upstream, &collector).start().await;
    for round in 0..KILLS {
        calls.aim(Some(world.plain()));
        let passed = calls.passed_count();
        until("a call", async || (calls.passed_count() > passed).then_some(())).await;
        tokio::time::sleep(Duration::from_micros(dice.below(150_000))).await;
        world.kill9().await;
        calls.aim(None);
        if dice.below(3) == 0 {
            world.kill9_while_starting(Duration::from_micros(dice.below(200_000))).await;
        }
        world.set("/audit/spool_bytes_max", dice.pick(&SPOOLS));
        world.set("/audit/checkpoints/every_events", dice.pick(&[1, 2, 7, 50]));
        world.set("/audit/durability", dice.pick(&["disk", "process"]));
        world.restart().await.unwrap_or_else(|not| panic!("round {round}: {}", not.stderr));
        witness.look(&world, &upstream, &collector).await;
    }
    assert!(world.stop().await.success(), "{}", world.log());
    witness.close(&world, &upstream, &collector).await;
    agree(&calls, &witness);
    assert!(witness.checkpoints > 50, "{}", witness.checkpoints);
    assert!(!world.spool().join("events-000000000001.jsonl").exists(), "no segment was released");
}

/// What a gate in use may meet within a few seconds, all of it at once.
#[tokio::test]
async fn everything_fails_in_turn_while_calls_go_on() {
    for events in ["session", "service"] {
        chaos(events).await;
    }
}

async fn chaos(events: &str) {
    let mut dice = Dice::thrown();
    let (upstream, mut collector) = (Upstream::start().await, Collector::start().await);
    let mut proxy = SigningProxy::start().await;
    let mut witness = Witness::default();
    let calls = Calls::start(4);
    let builder = builder(&upstream, &collector).set("/audit/spool_bytes_max", 1 << 20);
    let mut world = proxy.sign_for(builder, events, "hash").start().await;
    for _ in 0..6 {
        calls.aim(Some(world.plain()));
        match dice.below(3) {
            0 => collector.down().await,
            1 => collector.answer(503),
            _ => {}
        }
        pass(&calls, dice.below(40)).await;
        match dice.below(3) {
            0 => proxy.down().await,
            1 => proxy.set(dice.pick(&[Manner::Hang, Manner::WrongSignature, Manner::Garbage])),
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(dice.below(300))).await;
        if dice.below(2) == 0 {
            world.kill9().await;
        }
        proxy.down().await;
        proxy.set(Manner::Sign);
        proxy.up().await;
        collector.answer(200);
        collector.down().await;
        collector.up().await;
        if !world.is_running() {
            world.restart().await.unwrap_or_else(|not| panic!("{}", not.stderr));
            calls.aim(Some(world.plain()));
        }
        pass(&calls, 10).await;
        calls.aim(None);
        witness.look(&world, &upstream, &collector).await;
    }
    assert!(world.stop().await.success(), "{}", world.log());
    witness.close(&world, &upstream, &collector).await;
    agree(&calls, &witness);
}

/// Whoever was told that a call passed or was refused was told the truth.
fn agree(calls: &Calls, witness: &Witness) {
    let allowed = ["SIGNER_UNAVAILABLE", "SPOOL_FULL"];
    for (path, code) in calls.refused() {
        assert!(allowed.contains(&code.as_str()), "`{path}` was refused with `{code}`");
        assert_eq!(witness.times_seen(&path), 0, "`{path}` was refused and left");
    }
    for path in calls.passed() {
        assert_eq!(witness.times_seen(&path), 1, "`{path}` passed");
    }
}

/// Waits until so many more calls were let through.
async fn pass(calls: &Calls, more: u64) {
    let before = calls.passed_count();
    let more = usize::try_from(more).unwrap();
    until("calls", async || (calls.passed_count() >= before + more).then_some(())).await;
}

/// A gate that is started again with a full spool starts, and is of use when its collector is.
#[tokio::test]
async fn a_full_spool_outlives_a_restart() {
    let (upstream, mut collector) = (Upstream::start().await, Collector::start().await);
    let mut witness = Witness::default();
    let builder = builder(&upstream, &collector).set("/audit/spool_bytes_max", 96 << 10);
    let mut world = builder.start().await;
    collector.down().await;
    let calls = Calls::start(2);
    calls.aim(Some(world.plain()));
    until("a refusal", async || (!calls.refused().is_empty()).then_some(())).await;
    assert!(calls.refused().values().all(|code| code == "SPOOL_FULL"));
    world.kill9().await;
    calls.aim(None);
    // Whoever asks while it starts is refused; here nobody does, and it becomes ready by itself.
    collector.up().await;
    world.restart().await.unwrap_or_else(|not| panic!("{}", not.stderr));
    let request = "GET /up/again HTTP/1.1\r\nhost: localhost\r\n\r\n";
    assert_eq!(RawClient::connect(world.plain()).await.call(request).await.status, 200);
    assert!(world.stop().await.success(), "{}", world.log());
    witness.close(&world, &upstream, &collector).await;
}

/// Whenever a gate dies that starts for the first time, the next one starts.
#[tokio::test]
async fn killed_at_any_moment_of_its_first_start() {
    let mut dice = Dice::thrown();
    let upstream = Upstream::start().await;
    let mut world = World::to(&upstream.url()).await;
    for _ in 0..20 {
        world.kill9().await;
        std::fs::remove_dir_all(world.spool()).unwrap();
        world.kill9_while_starting(Duration::from_micros(dice.below(120_000))).await;
        world.restart().await.unwrap_or_else(|not| panic!("{}", not.stderr));
    }
    // What a death in the middle of making a key leaves behind.
    for name in ["print.key", "signing-key.pem"] {
        world.kill9().await;
        std::fs::remove_dir_all(world.spool()).unwrap();
        std::fs::create_dir(world.spool()).unwrap();
        std::fs::write(world.spool().join(format!("{name}.tmp")), "half").unwrap();
        world.restart().await.unwrap_or_else(|not| panic!("{}", not.stderr));
    }
}
