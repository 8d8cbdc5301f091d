//! `tollgate keys`: rotation, revocation and the registry, beside a gate that runs and one that
//! does not; and what a thief can do with a key that was taken back.
use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use jiff::Timestamp;
use serde_json::{Value, json};
use tollgate_audit::{
    Chain, Delegation, Entry, EventType, Facts, LocalKey, Registry, SignedDelegation,
};
use tollgate_tests::kms::{
    ACCESS_KEY_ID, KeyService, KeySpec, REGION, SECRET_ACCESS_KEY, SESSION_TOKEN,
};
use tollgate_tests::{RawClient, Upstream, World, until};
use uuid::Builder;

use crate::kit::{ask, tollgate, verify};

const CALL: &str = "GET /up/x HTTP/1.1\r\nhost: localhost\r\n\r\n";

async fn keys(world: &World, arguments: &[&str]) -> (Option<i32>, String, String) {
    let config = world.config_path();
    let all = [&["keys"], arguments, &["-c", config.to_str().unwrap()]].concat();
    tollgate(&all, &[]).await
}

async fn keys_ok(world: &World, arguments: &[&str]) -> String {
    let (code, out, err) = keys(world, arguments).await;
    assert_eq!(code, Some(0), "{arguments:?}: {out}{err}");
    out
}

/// Each key of the record and how it stands.
async fn states(world: &World) -> Vec<(String, String)> {
    let out = keys_ok(world, &["registry", "--json"]).await;
    let lines = out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let word = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
    lines.map(|one| (word(&one, "signer_kid"), word(&one, "state"))).collect()
}

async fn in_state(world: &World, state: &str) -> Vec<String> {
    let all = states(world).await.into_iter();
    all.filter(|(_, known)| known == state).map(|(kid, _)| kid).collect()
}

async fn audit(arguments: &[&str], spool: &Path) -> (Option<i32>, String) {
    let all = [&["audit", "verify"], arguments, &[spool.to_str().unwrap()]].concat();
    let (code, out, err) = tollgate(&all, &[]).await;
    (code, out + &err)
}

fn key_file(world: &World) -> PathBuf {
    world.spool().join("signing-key.pem")
}

async fn gate(upstream: &Upstream) -> World {
    World::to(&upstream.url()).await
}

#[tokio::test]
async fn a_key_is_rotated_under_load_and_at_the_next_start() {
    let upstream = Upstream::start().await;
    let mut world = gate(&upstream).await;
    let first = fs::read_to_string(key_file(&world)).unwrap();
    let (done, made) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let calls = tokio::spawn({
        let (done, made, plain) = (Arc::clone(&done), Arc::clone(&made), world.plain());
        async move {
            let mut client = RawClient::connect(plain).await;
            while !done.load(Relaxed) {
                assert_eq!(client.call(CALL).await.status, 200);
                made.fetch_add(1, Relaxed);
            }
        }
    });
    until("a call", async || (made.load(Relaxed) > 0).then_some(())).await;
    let out = keys_ok(&world, &["rotate"]).await;
    world.wait_event("the new key's word", |e| e["event_type"] == "signer.rotation.applied").await;
    let after = made.load(Relaxed);
    until("a call after it", async || (made.load(Relaxed) > after).then_some(())).await;
    done.store(true, Relaxed);
    calls.await.unwrap();
    let [requested] = &world.events_of("signer.rotation.requested")[..] else { panic!() };
    let [applied] = &world.events_of("signer.rotation.applied")[..] else { panic!() };
    let (old, new) = (&requested["signer_kid"], &applied["signer_kid"]);
    assert_ne!(old, new);
    assert_eq!(out, format!("rotated: `{}` signs now\n", new.as_str().unwrap()));
    for event in [requested, applied] {
        let data = &event["payload"]["data"];
        assert_eq!((&data["old_signer_kid"], &data["new_signer_kid"]), (old, new));
    }
    let secret = first.lines().nth(1).unwrap();
    assert!(!String::from_utf8_lossy(&world.everything_written()).contains(secret));
    assert_eq!(in_state(&world, "retired").await, [old.as_str().unwrap()]);
    assert_eq!(in_state(&world, "believed").await, [new.as_str().unwrap()]);

    assert!(world.stop().await.success());
    let out = keys_ok(&world, &["rotate"]).await;
    assert!(out.contains("no gate runs, the next start takes it up"), "{out}");
    // Asked twice, it is one rotation.
    keys_ok(&world, &["rotate"]).await;
    world.restart().await.unwrap();
    assert_eq!(world.events_of("signer.rotation.applied").len(), 2);
    assert_eq!(in_state(&world, "retired").await.len(), 2);
    assert_eq!(ask(world.plain(), CALL).await.status, 200);
    assert!(world.stop().await.success());
    verify(&world.spool()).await;
}

#[tokio::test]
async fn a_key_is_revoked_only_when_another_signs() {
    let upstream = Upstream::start().await;
    let mut world = gate(&upstream).await;
    assert_eq!(ask(world.plain(), CALL).await.status, 200);
    let [first] = &in_state(&world, "believed").await[..] else { panic!() };
    let revoke = ["revoke", first.as_str(), "--reason", "drill"];
    let (code, _, err) = keys(&world, &revoke).await;
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("run `tollgate keys rotate` first"), "{err}");
    let (code, _, err) = keys(&world, &["revoke", "nobody", "--reason", "drill"]).await;
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("see `tollgate keys registry`"), "{err}");
    let (code, _, err) = keys(&world, &["revoke", first, "--reason", " "]).await;
    assert_eq!(code, Some(1), "{err}");
    let (code, ..) = keys(&world, &["revoke", first]).await;
    assert_eq!(code, Some(2), "a reason is needed");

    keys_ok(&world, &["rotate"]).await;
    let out = keys_ok(&world, &revoke).await;
    assert!(out.starts_with("revoked: "), "{out}");
    assert_eq!(in_state(&world, "revoked").await, [first.as_str()]);
    let [told] = &world.events_of("signer.compromise")[..] else { panic!() };
    assert_eq!(told["payload"]["data"]["said"], "drill");
    let out = keys_ok(&world, &revoke).await;
    assert!(out.contains("revoked already"), "{out}");
    assert_eq!(ask(world.plain(), CALL).await.status, 200);
    // Even a gate that dies at once starts again: its last checkpoint is by the new key.
    world.kill9().await;
    world.restart().await.unwrap();
    verify(&world.spool()).await;

    // Without a gate, the next start does it.
    keys_ok(&world, &["rotate"]).await;
    let [second] = &in_state(&world, "retired").await[..] else { panic!() };
    assert!(world.stop().await.success());
    let out = keys_ok(&world, &["revoke", second, "--reason", "drill"]).await;
    assert!(out.contains("the next start does it"), "{out}");
    world.restart().await.unwrap();
    assert_eq!(in_state(&world, "revoked").await.len(), 2);
    assert!(world.stop().await.success());
    verify(&world.spool()).await;
}

#[tokio::test]
async fn a_key_that_was_known_to_others_for_a_while_does_not_stop_the_gate() {
    let upstream = Upstream::start().await;
    let mut world = gate(&upstream).await;
    let [first] = &in_state(&world, "believed").await[..] else { panic!() };
    let since = Timestamp::now().to_string();
    assert_eq!(ask(world.plain(), CALL).await.status, 200);
    world.wait_outcomes(1).await;
    keys_ok(&world, &["rotate"]).await;
    keys_ok(&world, &["revoke", first, "--at", &since, "--reason", "a lost laptop"]).await;
    world.kill9().await;
    world.restart().await.unwrap();
    assert_eq!(ask(world.plain(), CALL).await.status, 200);
    // What it signed in that while is told apart: nobody knows who wrote it.
    let (code, said) = audit(&[], &world.spool()).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("was revoked before that time"), "{said}");
    let events = world.events();
    let by_first = events.iter().find(|event| event["ts"].as_str().unwrap() > since.as_str());
    assert!(said.contains(by_first.unwrap()["id"].as_str().unwrap()), "{said}");
}

/// What a thief has: the old key, and write access to a copy of the spool.
struct Thief {
    dir: tempfile::TempDir,
    key: LocalKey,
}

impl Thief {
    fn take(world: &World, pem: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for file in fs::read_dir(world.spool()).unwrap() {
            let path = file.unwrap().path();
            fs::copy(&path, dir.path().join(path.file_name().unwrap())).unwrap();
        }
        Self { dir, key: LocalKey::from_pem(pem.as_bytes(), None).unwrap() }
    }

    fn events(&self) -> PathBuf {
        self.dir.path().join("events-000000000001.jsonl")
    }

    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.events()).unwrap();
        text.lines().map(|line| format!("{line}\n")).collect()
    }

    /// An event behind these lines, signed with the stolen key.
    fn append(&self, lines: &mut Vec<String>, at: Timestamp) {
        let last = Entry::parse(lines.last().unwrap().trim_end().as_bytes()).unwrap();
        let facts = Facts::new(EventType::GateReady, "gate");
        let mut chain = Chain::after(&last);
        let id = Builder::from_unix_timestamp_millis(0, &[7; 10]).into_uuid();
        let draft = chain.draft(facts, id, at, self.key.kid()).unwrap();
        let signature = self.key.sign(draft.hash()).unwrap();
        lines.push(draft.close(signature).unwrap().to_line());
    }

    async fn verify(&self, lines: &[String]) -> (Option<i32>, String) {
        fs::write(self.events(), lines.concat()).unwrap();
        audit(&[], self.dir.path()).await
    }
}

#[tokio::test]
async fn a_thief_with_an_old_key_is_seen() {
    let upstream = Upstream::start().await;
    let mut world = gate(&upstream).await;
    let pem = fs::read_to_string(key_file(&world)).unwrap();
    let [first] = &in_state(&world, "believed").await[..] else { panic!() };
    assert_eq!(ask(world.plain(), CALL).await.status, 200);
    world.wait_outcomes(1).await;
    keys_ok(&world, &["rotate"]).await;
    keys_ok(&world, &["revoke", first, "--reason", "drill"]).await;
    assert!(world.stop().await.success());
    let thief = Thief::take(&world, &pem);
    let record = thief.lines();
    let (code, said) = thief.verify(&record).await;
    assert_eq!(code, Some(0), "{said}");
    // Behind the end, now or with a time from before.
    for at in [Timestamp::now(), Timestamp::UNIX_EPOCH] {
        let mut longer = record.clone();
        thief.append(&mut longer, at);
        let (code, said) = thief.verify(&longer).await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("revoked"), "{said}");
    }
    // From before the rotation on, when the key was believed: the newer checkpoints see it.
    let rotated = record.iter().position(|line| line.contains("signer.rotation.requested"));
    let mut forked = record[..rotated.unwrap()].to_vec();
    while forked.len() < record.len() {
        let last = Entry::parse(forked.last().unwrap().trim_end().as_bytes()).unwrap();
        thief.append(&mut forked, last.ts());
    }
    let (code, said) = thief.verify(&forked).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("rewritten or forked") || said.contains("signed by"), "{said}");
    // Without the spool's own checkpoints, one that is kept elsewhere sees it.
    let kept = world.spool().join("checkpoints.jsonl");
    fs::remove_file(thief.dir.path().join("checkpoints.jsonl")).unwrap();
    let arguments = ["--checkpoints", kept.to_str().unwrap()];
    let (code, said) = audit(&arguments, thief.dir.path()).await;
    assert_eq!(code, Some(1), "{said}");
}

#[tokio::test]
async fn a_key_service_is_rotated_there_and_its_sessions_can_be_taken_back() {
    let upstream = Upstream::start().await;
    let service = KeyService::start().await;
    let key = service.create(KeySpec::Ed25519);
    let mut world = World::builder()
        .route("up", "/up", &upstream.url())
        .set(
            "/audit/signer",
            json!({ "service": {
                "type": "aws_kms", "key_id": key, "region": REGION, "endpoint": service.url(),
            } }),
        )
        .variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .variable("AWS_SESSION_TOKEN", SESSION_TOKEN)
        .start()
        .await;
    let (code, _, err) = keys(&world, &["rotate"]).await;
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("make the new key there") && err.contains("SIGHUP"), "{err}");
    let root = world.events_of("signer.delegated")[0]["payload"]["data"]["delegated_by"].clone();
    let (code, _, err) = keys(&world, &["revoke", root.as_str().unwrap(), "--reason", "x"]).await;
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("`audit.signer.service`"), "what to do with a key service: {err}");

    // The session key that signs now: another takes over first, and the record stays sound.
    let session = world.events()[0]["signer_kid"].as_str().unwrap().to_owned();
    keys_ok(&world, &["revoke", &session, "--reason", "a core dump"]).await;
    assert_eq!(ask(world.plain(), CALL).await.status, 200);
    assert_eq!(world.events_of("signer.delegated").len(), 2);
    let [told] = &world.events_of("signer.compromise")[..] else { panic!() };
    assert_ne!(told["signer_kid"], session.as_str());
    world.kill9().await;
    world.restart().await.unwrap();
    assert!(world.stop().await.success());
    verify(&world.spool()).await;

    let roots = world.path("roots.json");
    fs::write(&roots, keys_ok(&world, &["registry", "--roots"]).await).unwrap();
    let by_roots = ["--signers", roots.to_str().unwrap()];
    let (code, said) = audit(&by_roots, &world.spool()).await;
    assert_eq!(code, Some(0), "{said}");
    forged_sessions(&world, &by_roots).await;
}

fn seeded(seed: u8) -> LocalKey {
    LocalKey::from_pem(LocalKey::pem_from_seed(&[seed; 32]).as_bytes(), None).unwrap()
}

fn word(root: &LocalKey, session: &LocalKey) -> SignedDelegation {
    let (not_before, not_after) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
    let (kid, key) = (session.kid().clone(), session.public().clone());
    let by = root.kid().clone();
    let delegation = Delegation { kid, key, by, not_before, not_after };
    let signature = root.sign(delegation.to_sign().hash()).unwrap();
    delegation.close(&signature).unwrap()
}

/// Session keys that no root of the auditor vouches for.
async fn forged_sessions(world: &World, by_roots: &[&str]) {
    let (root, session) = (seeded(1), seeded(2));
    let path = world.spool().join("signers.json");
    let own = fs::read_to_string(&path).unwrap();
    // By a root of the forger's own, in the registry beside the record.
    let mut registry = Registry::parse(own.as_bytes()).unwrap();
    registry.add(root.kid().clone(), root.public().clone(), None, "").unwrap();
    registry.add_delegated(&word(&root, &session), "").unwrap();
    fs::write(&path, registry.to_json()).unwrap();
    let thief = Thief::take(world, &LocalKey::pem_from_seed(&[2; 32]));
    let mut longer = thief.lines();
    thief.append(&mut longer, Timestamp::now());
    fs::write(thief.events(), longer.concat()).unwrap();
    let (code, said) = audit(&[], thief.dir.path()).await;
    assert_eq!(code, Some(0), "whoever believes the directory believes anything: {said}");
    let (code, said) = audit(by_roots, thief.dir.path()).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("is not in the registry"), "{said}");
    // In the true root's name, without its signature.
    let text = registry.to_json();
    let kid = root.kid().as_str();
    let mut value: Value = serde_json::from_str(&text).unwrap();
    let signers = value["signers"].as_array_mut().unwrap();
    let true_root = signers
        .iter()
        .find(|one| one.get("delegated_by").is_none() && one["signer_kid"].as_str() != Some(kid));
    let true_root = true_root.unwrap()["signer_kid"].clone();
    for one in signers.iter_mut().filter(|one| one["delegated_by"].as_str() == Some(kid)) {
        one["delegated_by"] = true_root.clone();
    }
    fs::write(thief.dir.path().join("signers.json"), value.to_string()).unwrap();
    for arguments in [&[] as &[&str], by_roots] {
        let (code, said) = audit(arguments, thief.dir.path()).await;
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("no root vouches for it"), "{said}");
    }
    fs::write(&path, own).unwrap();
}

#[tokio::test]
async fn what_root_makes_belongs_to_the_gates_user() {
    let upstream = Upstream::start().await;
    let mut world = gate(&upstream).await;
    let [first] = &in_state(&world, "believed").await[..] else { panic!() };
    keys_ok(&world, &["rotate"]).await;
    assert!(world.stop().await.success());
    // Only root can give files away; anybody else is the gate's user already.
    if rustix::process::geteuid().is_root() {
        for path in [world.spool(), key_file(&world)] {
            chown(path, Some(4242), Some(4343)).unwrap();
        }
    }
    keys_ok(&world, &["rotate"]).await;
    keys_ok(&world, &["revoke", first, "--reason", "drill"]).await;
    let owner = fs::metadata(key_file(&world)).unwrap();
    for name in ["signing-key.pem.next", "revocations.jsonl"] {
        let made = fs::metadata(world.spool().join(name)).unwrap();
        assert_eq!((made.uid(), made.gid()), (owner.uid(), owner.gid()), "{name}");
        assert_eq!(made.mode() & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn commands_say_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("none.yaml");
    for arguments in [&["rotate"] as &[&str], &["registry"], &["revoke", "k", "--reason", "x"]] {
        let all = [&["keys"], arguments, &["-c", config.to_str().unwrap()]].concat();
        let (code, _, err) = tollgate(&all, &[]).await;
        assert_eq!(code, Some(78), "{arguments:?}: {err}");
        assert!(err.contains("none.yaml"), "{err}");
    }
}
