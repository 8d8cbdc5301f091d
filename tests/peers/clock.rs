//! Clocks that are set while the gate runs and while it does not, with libfaketime before the C
//! library.
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use tollgate_tests::{
    Builder, Collector, RawClient, SigningProxy, Upstream, Witness, World, until,
};

use crate::disks::{busy, fresh_path};

/// A clock that is as far from ours as its file says.
struct Clock {
    dir: tempfile::TempDir,
}

impl Clock {
    fn right() -> Self {
        let clock = Self { dir: tempfile::tempdir().unwrap() };
        clock.set(SignedDuration::ZERO);
        clock
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("offset")
    }

    fn set(&self, off: SignedDuration) {
        let new = self.dir.path().join("new");
        std::fs::write(&new, format!("{:+}\n", off.as_secs())).unwrap();
        std::fs::rename(new, self.file()).unwrap();
    }

    /// Lets a gate go by it. What measures how long something takes goes on as ever.
    fn before(&self, builder: Builder) -> Builder {
        builder
            .variable("LD_PRELOAD", library().to_str().unwrap())
            .variable("FAKETIME_TIMESTAMP_FILE", self.file().to_str().unwrap())
            .variable("FAKETIME_NO_CACHE", "1")
            .variable("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .variable("DONT_FAKE_MONOTONIC", "1")
    }
}

/// `make peers` sees to it that it is there.
fn library() -> PathBuf {
    let dirs = std::fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let mut found = dirs.map(|dir| dir.join("faketime/libfaketimeMT.so.1"));
    found.find(|path| path.exists()).expect("libfaketime is installed: run `make peers`")
}

async fn code(world: &World) -> String {
    let request =
        format!("GET /up{} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", fresh_path());
    let answer = RawClient::connect(world.plain()).await.call(request).await;
    if answer.status == 200 { "passed".to_owned() } else { answer.code() }
}

fn last_ts(world: &World) -> Timestamp {
    world.events().last().unwrap()["ts"].as_str().unwrap().parse().unwrap()
}

const HOUR: SignedDuration = SignedDuration::from_hours(1);

#[tokio::test]
async fn times_increase_whatever_the_clock_does() {
    let (upstream, collector, clock) =
        (Upstream::start().await, Collector::start().await, Clock::right());
    let mut witness = Witness::default();
    let mut world = clock.before(busy(World::builder(), &upstream, &collector)).start().await;
    let steps = [-1, 2, -48, 24, -1000, 0, 87_600, 0, -24];
    let mut latest = last_ts(&world);
    for (round, hours) in steps.into_iter().enumerate() {
        let off = HOUR * hours;
        // While it runs, while it is stopped, and while it lies dead.
        match round % 3 {
            0 => clock.set(off),
            1 => {
                assert!(world.stop().await.success(), "{}", world.log());
                clock.set(off);
                world.restart().await.unwrap();
            }
            _ => {
                world.kill9().await;
                clock.set(off);
                world.restart().await.unwrap();
            }
        }
        for _ in 0..5 {
            assert_eq!(code(&world).await, "passed", "{hours} hours");
        }
        witness.look(&world, &upstream, &collector).await;
        let (last, there) = (last_ts(&world), Timestamp::now() + off);
        // It goes by the clock where it can, and by the last event where it cannot.
        let expected = latest.max(there);
        let apart = last.duration_since(expected).abs();
        assert!(apart < SignedDuration::from_mins(5), "{last} by a clock that says {there}");
        latest = last;
    }
    assert!(world.stop().await.success(), "{}", world.log());
    witness.close(&world, &upstream, &collector).await;
}

#[tokio::test]
async fn a_session_key_ends_by_the_clock_and_another_begins() {
    let (upstream, collector, clock) =
        (Upstream::start().await, Collector::start().await, Clock::right());
    let mut proxy = SigningProxy::start().await;
    let mut witness = Witness::default();
    let builder =
        busy(World::builder(), &upstream, &collector).set("/audit/signer/session_secs", 60);
    let mut world = proxy.sign_for(clock.before(builder), "session", "hash").start().await;
    assert_eq!(code(&world).await, "passed");
    let comes_back = async |world: &World| {
        until("the next session key", async || {
            (world.admin("/ready").await?.0 == 200).then_some(())
        })
        .await;
        until("a call", async || (code(world).await == "passed").then_some(())).await;
    };
    // Over its end, with the service at hand: perhaps one call is refused.
    clock.set(HOUR);
    let first = code(&world).await;
    assert!(["passed", "SIGNER_UNAVAILABLE"].contains(&first.as_str()), "{first}");
    comes_back(&world).await;
    witness.look(&world, &upstream, &collector).await;
    // And without it: no call leaves until there is another key.
    proxy.down().await;
    clock.set(HOUR * 2);
    let seen = upstream.seen().len();
    for _ in 0..5 {
        assert_eq!(code(&world).await, "SIGNER_UNAVAILABLE");
    }
    assert_eq!(upstream.seen().len(), seen);
    assert_eq!(world.admin("/ready").await.unwrap().0, 503);
    proxy.up().await;
    comes_back(&world).await;
    witness.look(&world, &upstream, &collector).await;
    // Back by more than a session: the record goes on from its last event, by the key that is good
    // then, and a start finds a key that is.
    clock.set(HOUR * -3);
    assert_eq!(code(&world).await, "passed");
    witness.look(&world, &upstream, &collector).await;
    world.kill9().await;
    world.restart().await.unwrap_or_else(|not| panic!("{}", not.stderr));
    assert_eq!(code(&world).await, "passed");
    // A step that came and went while nobody could sign leaves nothing behind.
    proxy.down().await;
    clock.set(HOUR * 9);
    assert_eq!(code(&world).await, "SIGNER_UNAVAILABLE");
    clock.set(HOUR * -3);
    comes_back(&world).await;
    proxy.up().await;
    assert!(world.stop().await.success(), "{}", world.log());
    witness.close(&world, &upstream, &collector).await;
}
