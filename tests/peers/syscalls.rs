//! System calls that fail, lie, or are the last, with strace's hand in them.
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tollgate_tests::{
    Answer, Builder, Calls, Collector, RawClient, Upstream, Witness, World, until, within,
};

use crate::disks::{busy, fresh_path};

/// strace on a gate's threads.
struct Strace {
    child: Child,
}

impl Strace {
    /// Lets system calls go wrong, as `inject` says, those that have to do with `path` if there is
    /// one.
    async fn on(world: &World, inject: &str, path: Option<&Path>) -> Self {
        let mut command = Command::new("strace");
        command.args(["-f", "-o", "/dev/null", "-p", &world.pid().to_string()]);
        let calls = inject.split(':').next().unwrap();
        command.args(["-e", &format!("trace={calls}"), "-e", &format!("inject={inject}")]);
        if let Some(path) = path {
            command.arg("-P").arg(path);
        }
        let command = command.stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("strace is installed: run `make peers`");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        loop {
            let line = within("strace", lines.next_line()).await.unwrap();
            let line = line.expect("strace may look at processes of this user");
            if line.contains("attached") {
                break;
            }
        }
        // Whatever it says later must not fill the pipe and stop it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { child }
    }

    /// Takes the hand away.
    async fn off(mut self) {
        if let Some(pid) = self.child.id() {
            let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
            kill_process(pid, Signal::INT).unwrap();
        }
        within("strace's end", self.child.wait()).await.unwrap();
    }
}

struct Scene {
    upstream: Upstream,
    collector: Collector,
    witness: Witness,
    world: World,
}

impl Scene {
    async fn start(more: impl FnOnce(Builder) -> Builder) -> Self {
        let (upstream, collector) = (Upstream::start().await, Collector::start().await);
        let builder = busy(World::builder(), &upstream, &collector);
        let world = more(builder.set("/audit/durability", "disk")).start().await;
        let mut scene = Self { upstream, collector, witness: Witness::default(), world };
        assert_eq!(scene.call().await.status, 200);
        scene.world.wait_outcomes(1).await;
        scene.look().await;
        scene
    }

    async fn call(&self) -> Answer {
        let path = fresh_path();
        let request =
            format!("GET /up{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        RawClient::connect(self.world.plain()).await.call(request).await
    }

    async fn look(&mut self) {
        self.witness.look(&self.world, &self.upstream, &self.collector).await;
    }

    /// Stops the gate well and looks at all of it.
    async fn close(mut self) {
        assert!(self.world.stop().await.success(), "{}", self.world.log());
        self.witness.close(&self.world, &self.upstream, &self.collector).await;
    }

    fn segment(&self) -> std::path::PathBuf {
        self.world.spool().join("events-000000000001.jsonl")
    }

    /// The record is not written to any more, and no call leaves, until a start has looked at what
    /// the disk has.
    async fn is_poisoned(&mut self) {
        let seen = self.witness.seen();
        for _ in 0..5 {
            let answer = self.call().await;
            assert_eq!((answer.status, answer.code().as_str()), (503, "AUDIT_UNAVAILABLE"));
        }
        assert_eq!(self.world.admin("/ready").await.unwrap().0, 503);
        assert!(self.upstream.seen().is_empty(), "a call left");
        self.world.kill9().await;
        self.world.restart().await.unwrap_or_else(|not| panic!("{}", not.stderr));
        self.look().await;
        assert_eq!(self.witness.seen(), seen);
        assert_eq!(self.call().await.status, 200);
        self.look().await;
    }
}

#[tokio::test]
async fn a_sync_that_fails_once_is_not_tried_again() {
    let mut scene = Scene::start(|builder| builder).await;
    let strace =
        Strace::on(&scene.world, "fdatasync:error=EIO:when=1", Some(&scene.segment())).await;
    scene.is_poisoned().await;
    strace.off().await;
    scene.close().await;
}

#[tokio::test]
async fn a_write_that_fails_stops_the_record() {
    let mut scene = Scene::start(|builder| builder).await;
    let strace = Strace::on(&scene.world, "write:error=EIO:when=1", Some(&scene.segment())).await;
    scene.is_poisoned().await;
    strace.off().await;
    scene.close().await;
}

/// A disk that says that it took a part and took nothing: the rest of the line follows a hole that
/// is no hole.
#[tokio::test]
async fn a_write_that_lies_is_found_out_before_the_call_leaves() {
    let mut scene = Scene::start(|builder| builder).await;
    let strace = Strace::on(&scene.world, "write:retval=3:when=1", Some(&scene.segment())).await;
    scene.is_poisoned().await;
    strace.off().await;
    let told = scene.world.events_of("audit.reconciliation");
    let reasons: Vec<_> = told.iter().map(|event| &event["payload"]["data"]["reason"]).collect();
    assert_eq!(reasons, ["torn_tail"]);
    scene.close().await;
}

#[tokio::test]
async fn a_disk_that_is_full_once_refuses_once() {
    let scene = Scene::start(|builder| builder).await;
    let strace =
        Strace::on(&scene.world, "write:error=ENOSPC:when=1", Some(&scene.segment())).await;
    let answer = scene.call().await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "SPOOL_FULL"));
    until("room", async || (scene.call().await.status == 200).then_some(())).await;
    strace.off().await;
    scene.close().await;
}

/// What stands beside the segments is written again or made anew; no call waits for it.
#[tokio::test]
async fn what_stands_beside_the_segments_may_fail() {
    for name in ["checkpoints.jsonl", "notes.txt", "cursor-lake.json.tmp", "checkpoint.tmp"] {
        let mut scene =
            Scene::start(|builder| builder.set("/audit/checkpoints/every_events", 2)).await;
        let path = scene.world.spool().join(name);
        let strace = Strace::on(&scene.world, "write:error=ENOSPC:when=1+2", Some(&path)).await;
        for _ in 0..10 {
            assert_eq!(scene.call().await.status, 200, "{name}");
        }
        let failed = ["a checkpoint could not be written", "cursor cannot be written", "note"];
        until(name, async || {
            let log = scene.world.log();
            failed.iter().any(|said| log.contains(said)).then_some(())
        })
        .await;
        strace.off().await;
        assert_eq!(scene.call().await.status, 200, "{name}");
        scene.look().await;
        scene.close().await;
    }
}

/// Killed on the doorstep of each system call that a segment's end is made of.
#[tokio::test]
async fn killed_at_each_step_of_a_rotation() {
    let mut scene = Scene::start(|builder| builder.set("/audit/spool_bytes_max", 128 << 10)).await;
    let calls = Calls::start(4);
    for call in ["write", "fdatasync", "fsync", "openat", "rename", "unlink"] {
        for nth in 1..=4 {
            let inject = format!("{call}:signal=KILL:when={nth}");
            let strace = Strace::on(&scene.world, &inject, None).await;
            calls.aim(Some(scene.world.plain()));
            scene.world.ended().await;
            calls.aim(None);
            strace.off().await;
            let started = scene.world.restart().await;
            started.unwrap_or_else(|not| panic!("{inject}: {}", not.stderr));
            scene.look().await;
        }
    }
    assert!(!scene.segment().exists(), "no segment was released");
    scene.close().await;
}
