//! Disks that fill and fail, as file systems of their own. Mounting needs root; without it these
//! fail, since a check that silently did not run would be taken for one that passed.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tollgate_tests::{
    Answer, Builder, Collector, RawClient, Step, Upstream, Witness, World, json_answer, until,
};

/// A mounted file system; unmounted when dropped.
struct Mount {
    point: PathBuf,
    _dir: tempfile::TempDir,
}

impl Mount {
    /// `source` of a type, or of a file in the directory that `prepare` makes.
    fn new(options: &[&str], prepare: impl FnOnce(&Path) -> String) -> Self {
        let dir = tempfile::Builder::new().prefix("tollgate-disk-").tempdir().unwrap();
        let point = dir.path().join("disk");
        fs::create_dir(&point).unwrap();
        let source = prepare(dir.path());
        run(Command::new("mount").args(options).arg(source).arg(&point));
        Self { point, _dir: dir }
    }

    fn tmpfs(options: &str) -> Self {
        Self::new(&["-t", "tmpfs", "-o", options], |_| "tmpfs".to_owned())
    }

    fn spool(&self) -> PathBuf {
        self.point.join("spool")
    }

    fn world(&self, upstream: &Upstream, collector: &Collector) -> Builder {
        busy(World::builder(), upstream, collector)
            .set("/audit/spool", self.spool().to_str().unwrap())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.point).status();
    }
}

fn run(command: &mut Command) {
    let ended = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.success(), "{command:?} (does this run as root?): {said}");
}

/// A gate with a tool server, a collector and many checkpoints.
pub(crate) fn busy(builder: Builder, upstream: &Upstream, collector: &Collector) -> Builder {
    let sink = json!([{ "type": "http", "name": "lake", "url": collector.url() }]);
    builder
        .route("up", "/up", &upstream.url())
        .set("/audit/sinks", sink)
        .set("/audit/checkpoints/every_events", 7)
}

/// A path that nobody called before, as a word that the record keeps as it is.
pub(crate) fn fresh_path() -> String {
    static NUMBERS: AtomicU32 = AtomicU32::new(0);
    let number = format!("{:06}", NUMBERS.fetch_add(1, Ordering::SeqCst));
    let word = number.bytes().map(|digit| char::from(digit - b'0' + b'a'));
    format!("/call-{}", word.collect::<String>())
}

async fn get(world: &World) -> Answer {
    let path = fresh_path();
    let request = format!("GET /up{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    RawClient::connect(world.plain()).await.call(request).await
}

fn verify(spool: &Path) {
    let mut command = Command::new(tollgate_tests::binary());
    run(command.args(["audit", "verify"]).arg(spool));
}

fn told(world: &World, reason: &str) -> Vec<Value> {
    let mut told = world.events_of("audit.reconciliation");
    told.retain(|event| event["payload"]["data"]["reason"] == reason);
    told
}

/// Takes all the room that is left.
fn fill(path: &Path) {
    use std::io::Write as _;
    let mut file = fs::File::create(path).unwrap();
    for piece in [vec![0; 4096], vec![0; 1]] {
        while file.write_all(&piece).is_ok() {}
    }
}

#[tokio::test]
async fn a_full_disk_refuses_keeps_what_it_must_and_comes_back() {
    let (upstream, collector) = (Upstream::start().await, Collector::start().await);
    let disk = Mount::tmpfs("size=6m,mode=700");
    let mut world = disk.world(&upstream, &collector).start().await;
    assert!(disk.spool().join("ballast").exists());
    assert_eq!(get(&world).await.status, 200);
    // A call is under way when the disk fills.
    let gate = Arc::new(Semaphore::new(0));
    let mut script = vec![Step::Gate(Arc::clone(&gate))];
    script.extend(json_answer("{}"));
    upstream.on("/slow", script);
    let mut slow = RawClient::connect(world.plain()).await;
    slow.send("GET /up/slow HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    upstream.wait_seen("/slow").await;
    let filler = disk.point.join("filler");
    fill(&filler);
    // What is left of a page is written to first.
    let refused =
        until("a refusal", async || Some(get(&world).await).filter(|answer| answer.status != 200))
            .await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "SPOOL_FULL"));
    let seen = upstream.seen().len();
    for _ in 0..10 {
        assert_eq!(get(&world).await.code(), "SPOOL_FULL");
    }
    assert_eq!(upstream.seen().len(), seen);
    assert_eq!(world.admin("/ready").await.unwrap().0, 503);
    // The ballast made room for the last words: the outcome, the fact, and a checkpoint.
    gate.add_permits(1);
    assert_eq!(slow.answer().await.status, 200);
    until("the outcomes", async || (world.events_of("call.outcome").len() == seen).then_some(()))
        .await;
    until("the fact", async || (told(&world, "spool_full").len() == 1).then_some(())).await;
    assert!(!disk.spool().join("ballast").exists());
    verify(&disk.spool());
    fs::remove_file(filler).unwrap();
    until("room", async || (get(&world).await.status == 200).then_some(())).await;
    assert!(disk.spool().join("ballast").exists());
    assert!(world.stop().await.success(), "{}", world.log());
    let mut witness = Witness::default();
    witness.close(&world, &upstream, &collector).await;
    assert_eq!(witness.seen(), world.events_of("call.intent").len());
    world.restart().await.unwrap();
    assert_eq!(get(&world).await.status, 200);
    witness.look(&world, &upstream, &collector).await;
}

#[tokio::test]
async fn a_read_only_spool_is_told_at_start() {
    let (upstream, collector) = (Upstream::start().await, Collector::start().await);
    let disk = Mount::tmpfs("size=6m,ro");
    let not = disk.world(&upstream, &collector).try_start().await.unwrap_err();
    assert!(not.stderr.contains("Read-only file system"), "{}", not.stderr);
    assert!(not.stderr.contains(disk.spool().to_str().unwrap()), "{}", not.stderr);
}

/// What a kernel does to a file system that it finds broken.
#[tokio::test]
async fn a_spool_that_becomes_read_only_lets_nothing_pass() {
    let (upstream, collector) = (Upstream::start().await, Collector::start().await);
    let disk = Mount::new(&["-o", "loop,errors=remount-ro"], |dir| {
        let image = dir.join("image");
        fs::File::create(&image).unwrap().set_len(32 << 20).unwrap();
        run(Command::new("mkfs.ext4").arg("-q").arg(&image));
        image.to_str().unwrap().to_owned()
    });
    let mut world =
        disk.world(&upstream, &collector).set("/audit/durability", "disk").start().await;
    assert_eq!(get(&world).await.status, 200);
    world.wait_outcomes(1).await;
    // The outcome is on the disk before that breaks.
    let written = world.events().len();
    let told = async || (collector.events().len() >= written).then_some(());
    until("the outcome at the collector", told).await;
    let found = Command::new("findmnt").args(["-no", "SOURCE"]).arg(&disk.point).output().unwrap();
    let device = String::from_utf8(found.stdout).unwrap();
    let device = device.trim().trim_start_matches("/dev/");
    fs::write(format!("/sys/fs/ext4/{device}/trigger_fs_error"), "1").unwrap();
    for _ in 0..3 {
        assert_eq!(get(&world).await.code(), "AUDIT_UNAVAILABLE");
    }
    assert_eq!(upstream.seen().len(), 1);
    assert_eq!(world.admin("/ready").await.unwrap().0, 503);
    // The collector has all of it, though no cursor can say so any more.
    Witness::default().look(&world, &upstream, &collector).await;
    world.kill9().await;
    let not = world.restart().await.unwrap_err();
    assert!(not.stderr.contains("Read-only file system"), "{}", not.stderr);
}
