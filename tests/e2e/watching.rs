//! The record on a terminal: followed, verified, and stopped.
use std::fs::{self, File};
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tokio::process::Command;
use tollgate_tests::{Upstream, World, binary, until, within};

use crate::kit::{ask, request};

/// A pseudo-terminal: the end that a program gets, and what appears on it.
fn terminal() -> (OwnedFd, Arc<Mutex<String>>) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let slave = File::options().read(true).write(true).open(name).unwrap();
    let seen = Arc::new(Mutex::new(String::new()));
    let (mut from, to) = (File::from(master), Arc::clone(&seen));
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        // An error is how a terminal ends when its last program has gone.
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            to.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    });
    (slave.into(), seen)
}

fn tollgate(words: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(words).stdin(Stdio::null()).env_clear().env("TERM", "xterm").kill_on_drop(true);
    command
}

#[tokio::test]
async fn a_record_is_followed_through_the_gates_death() {
    let upstream = Upstream::start().await;
    let mut world = World::to(&upstream.url()).await;
    let spool = world.spool();
    let (colour, seen) = terminal();
    let (plain, bare) = terminal();
    let words = ["audit", "tail", "-f", spool.to_str().unwrap()];
    let _followers = [
        tollgate(&words).stdout(colour).spawn().unwrap(),
        tollgate(&words).stdout(plain).env("NO_COLOR", "1").spawn().unwrap(),
    ];
    for path in ["/up/before", "/nowhere"] {
        ask(world.plain(), request("GET", path, &[], "")).await;
    }
    world.kill9().await;
    world.restart().await.unwrap();
    ask(world.plain(), request("GET", "/up/after", &[], "")).await;
    let shown = |seen: &Mutex<String>, words: &str| seen.lock().unwrap().contains(words);
    for seen in [&seen, &bare] {
        for words in ["path=/before", "! call.refused", "path=/after"] {
            until(words, async || shown(seen, words).then_some(())).await;
        }
    }
    // Each once, whatever happened in between.
    for seen in [&seen, &bare] {
        let seen = seen.lock().unwrap();
        assert_eq!(seen.matches("path=/before").count(), 1, "{seen}");
        assert!(!seen.contains("!! "), "{seen}");
    }
    assert!(shown(&seen, "\u{1b}[31m! call.refused"), "{}", seen.lock().unwrap());
    assert!(!shown(&bare, "\u{1b}"), "{}", bare.lock().unwrap());
}

#[tokio::test]
async fn a_terminal_sees_how_far_it_is_and_nobody_else() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    ask(world.plain(), request("GET", "/up/ok", &[], "")).await;
    let spool = world.spool();
    let words = ["audit", "verify", spool.to_str().unwrap()];
    let (screen, seen) = terminal();
    let status = tollgate(&words).stdout(Stdio::null()).stderr(screen).status().await.unwrap();
    assert!(status.success());
    until("the bar", async || seen.lock().unwrap().contains(" events").then_some(())).await;
    // JSON is for programs, even when a person looks on.
    let (screen, seen) = terminal();
    let mut command = tollgate(&[&words[..], &["--json"]].concat());
    assert!(command.stdout(Stdio::null()).stderr(screen).status().await.unwrap().success());
    assert_eq!(*seen.lock().unwrap(), "");
    let output = tollgate(&words).output().await.unwrap();
    assert_eq!(output.stderr, b"");
    assert!(output.stdout.starts_with(b"sound: "));
}

#[tokio::test]
async fn an_interrupt_ends_a_verification_that_waits() {
    let dir = tempfile::tempdir().unwrap();
    let signers = dir.path().join("signers.json");
    fs::write(&signers, r#"{"signers":[]}"#).unwrap();
    // Nobody ever writes into it.
    let fifo = dir.path().join("events");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, mode).unwrap();
    let mut command = tollgate(&["audit", "verify", "--signers"]);
    let mut child = command.arg(&signers).arg(&fifo).spawn().unwrap();
    let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    // It has begun when it waits for somebody who writes: then a writer can be opened.
    let flags = rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::NONBLOCK;
    let _writer =
        until("a reader", async || rustix::fs::open(&fifo, flags, rustix::fs::Mode::empty()).ok())
            .await;
    kill_process(pid, Signal::INT).unwrap();
    let status = within("its end", child.wait()).await.unwrap();
    assert_eq!(status.signal(), Some(Signal::INT.as_raw()));
}
