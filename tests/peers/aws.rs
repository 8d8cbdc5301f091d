//! The archive in moto's S3, as boto3 sees it; and our key service, as boto3 sees that.
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Stdio;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::{JoinHandle, JoinSet};
use tollgate_tests::kms::{ACCESS_KEY_ID, KeyService, KeySpec, REGION, SECRET_ACCESS_KEY};
use tollgate_tests::{Builder, RawClient, Upstream, World, binary, until};

use crate::peer::{self, Ended};

const BUCKET: &str = "audit-archive";
const PREFIX: &str = "gates/";
const CREDENTIALS: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID), ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)];

/// The store: moto's server, behind a door that can be shut.
struct Store {
    address: SocketAddr,
    door: Option<JoinHandle<()>>,
    behind: SocketAddr,
    _moto: Child,
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Some(door) = &self.door {
            door.abort();
        }
    }
}

impl Store {
    async fn start() -> Self {
        let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let (behind, address) = (free(), free());
        let moto = Command::new(peer::python("aws"))
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &behind.port().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("moto starts");
        until("moto", async || peer::fetch(behind, "/moto-api/").await.ok()).await;
        let mut store = Self { address, door: None, behind, _moto: moto };
        store.open().await;
        store
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Refuses connections and drops those that there are.
    async fn shut(&mut self) {
        if let Some(door) = self.door.take() {
            door.abort();
            let _ = door.await;
        }
    }

    async fn open(&mut self) {
        let behind = self.behind;
        let socket = tokio::net::TcpListener::bind(self.address).await.unwrap();
        self.door = Some(tokio::spawn(async move {
            let mut through = JoinSet::new();
            while let Ok((mut here, _)) = socket.accept().await {
                through.spawn(async move {
                    let Ok(mut there) = TcpStream::connect(behind).await else { return };
                    let _ = copy_bidirectional(&mut here, &mut there).await;
                });
            }
        }));
    }

    async fn ask(&self, words: &[&str]) -> Value {
        boto3(&self.url(), words).await
    }

    fn sink(&self) -> Value {
        json!({
            "type": "s3", "name": "vault", "bucket": BUCKET, "prefix": PREFIX, "region": REGION,
            "endpoint": self.url(), "object_events": 5, "object_secs": 1, "gzip": false,
            "lock": { "mode": "compliance", "retention_days": 400 }, "legal_hold": true,
        })
    }

    async fn verify(&self) -> Ended {
        self.verify_with(&[]).await
    }

    async fn verify_with(&self, words: &[&str]) -> Ended {
        let mut command = Command::new(binary());
        command.args(["audit", "verify", "--from", "s3", "--region", REGION]).args(words);
        command.args(["--endpoint", &self.url(), &format!("s3://{BUCKET}/{PREFIX}")]);
        peer::run(command.env_clear().envs(CREDENTIALS), peer::DEADLINE).await
    }
}

async fn boto3(url: &str, words: &[&str]) -> Value {
    let mut command = Command::new(peer::python("aws"));
    command.arg(peer::root().join("tests/peers/aws.py")).arg(words[0]).arg(url).args(&words[1..]);
    command.env("AWS_DEFAULT_REGION", REGION).envs(CREDENTIALS);
    let ended = peer::run(&mut command, peer::DEADLINE).await;
    assert_eq!(ended.code, Some(0), "{words:?}: {}", ended.stderr);
    serde_json::from_str(ended.stdout.trim()).unwrap()
}

async fn world(upstream: &Upstream, store: &Store) -> World {
    builder(upstream).set("/audit/sinks", json!([store.sink()])).start().await
}

fn builder(upstream: &Upstream) -> Builder {
    let builder = World::builder().route("up", "/up", &upstream.url());
    CREDENTIALS.into_iter().fold(builder, |builder, (name, value)| builder.variable(name, value))
}

async fn call(world: &World, times: usize) {
    let mut client = RawClient::connect(world.plain()).await;
    for _ in 0..times {
        let answer = client.call("GET /up/ok HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        assert_eq!(answer.status, 200);
    }
}

/// The first and last numbers of the objects with events, in their order.
fn spans(objects: &Value) -> Vec<(u64, u64)> {
    let keys = objects.as_array().unwrap().iter().map(|object| object["key"].as_str().unwrap());
    let names = keys.filter_map(|key| key.rsplit('/').next()?.strip_prefix("events-"));
    let mut spans: Vec<(u64, u64)> = names
        .map(|name| {
            name.trim_end_matches(".gz").strip_suffix(".jsonl").unwrap().split_once('-').unwrap()
        })
        .map(|(first, last)| (first.parse().unwrap(), last.parse().unwrap()))
        .collect();
    spans.sort_unstable();
    spans
}

/// Every event once, none missing.
fn assert_whole(spans: &[(u64, u64)], events: usize) {
    let mut next = 0;
    for (first, last) in spans {
        assert_eq!(*first, next, "{spans:?}");
        next = last + 1;
    }
    assert_eq!(next, events as u64, "{spans:?}");
}

#[tokio::test]
async fn the_archive_is_locked_and_a_change_in_it_is_found() {
    let store = Store::start().await;
    store.ask(&["make", BUCKET]).await;
    let upstream = Upstream::start().await;
    let mut world = world(&upstream, &store).await;
    call(&world, 12).await;
    world.wait_outcomes(12).await;
    world.stop().await;
    let objects = store.ask(&["look", BUCKET]).await;
    assert_whole(&spans(&objects), world.events().len());
    for object in objects.as_array().unwrap() {
        assert_eq!(object["mode"], "COMPLIANCE", "{object}");
        assert!((399.0..401.0).contains(&object["days"].as_f64().unwrap()), "{object}");
        assert_eq!(object["hold"], "ON", "{object}");
        assert_eq!(object["delete"], "AccessDenied", "{object}");
    }
    let keys: Vec<&str> =
        objects.as_array().unwrap().iter().map(|object| object["key"].as_str().unwrap()).collect();
    for begin in ["signers-", "checkpoint-", "events-"] {
        assert!(keys.iter().any(|key| key.contains(&format!("/{begin}"))), "{keys:?}");
    }
    let sound = store.verify().await;
    assert_eq!(sound.code, Some(0), "{} {}", sound.stdout, sound.stderr);
    assert!(sound.stdout.contains("up to its end"), "{}", sound.stdout);
    let locked = store.verify_with(&["--retention"]).await;
    assert_eq!(locked.code, Some(0), "{} {}", locked.stdout, locked.stderr);

    let events: Vec<&str> = keys.iter().copied().filter(|key| key.contains("events-")).collect();
    let (middle, last) = (events[1], events[events.len() - 1]);
    store.ask(&["change", BUCKET, middle]).await;
    let broken = store.verify().await;
    assert_eq!(broken.code, Some(1), "{} {}", broken.stdout, broken.stderr);
    assert!(broken.stdout.contains(middle), "{}", broken.stdout);
    store.ask(&["restore", BUCKET, middle]).await;
    for gone in [events[0], middle, last] {
        store.ask(&["remove", BUCKET, gone]).await;
        let broken = store.verify().await;
        assert_eq!(broken.code, Some(1), "{gone}: {} {}", broken.stdout, broken.stderr);
        store.ask(&["restore", BUCKET, gone]).await;
    }
    assert_eq!(store.verify().await.code, Some(0));
}

#[tokio::test]
async fn objects_that_could_be_deleted_are_named() {
    let store = Store::start().await;
    store.ask(&["make", BUCKET]).await;
    let upstream = Upstream::start().await;
    let mut sink = store.sink();
    sink["legal_hold"] = json!(false);
    sink.as_object_mut().unwrap().remove("lock");
    let mut world = builder(&upstream).set("/audit/sinks", json!([sink])).start().await;
    call(&world, 3).await;
    world.wait_outcomes(3).await;
    world.stop().await;
    let sound = store.verify().await;
    assert_eq!(sound.code, Some(0), "{} {}", sound.stdout, sound.stderr);
    let open = store.verify_with(&["--retention"]).await;
    assert_eq!(open.code, Some(1), "{} {}", open.stdout, open.stderr);
    for begin in ["signers-", "checkpoint-", "events-"] {
        assert!(open.stdout.contains(&format!("/{begin}")), "{}", open.stdout);
    }
}

#[tokio::test]
async fn a_store_that_is_dead_for_a_while_loses_and_doubles_nothing() {
    let mut store = Store::start().await;
    store.ask(&["make", BUCKET]).await;
    let upstream = Upstream::start().await;
    let mut world = world(&upstream, &store).await;
    call(&world, 6).await;
    store.shut().await;
    call(&world, 12).await;
    until("a failure that is told", async || {
        world.log().contains("a delivery failed").then_some(())
    })
    .await;
    store.open().await;
    // A gate that dies does not know which of its objects the store has.
    world.kill9().await;
    std::fs::remove_file(world.spool().join("cursor-vault.json")).ok();
    world.restart().await.unwrap();
    call(&world, 3).await;
    world.wait_outcomes(3).await;
    until("all events in the store", async || {
        let objects = store.ask(&["look", BUCKET]).await;
        let last = spans(&objects).last()?.1;
        (last + 1 == world.events().len() as u64).then_some(())
    })
    .await;
    world.stop().await;
    let objects = store.ask(&["look", BUCKET]).await;
    assert_whole(&spans(&objects), world.events().len());
    let sound = store.verify().await;
    assert_eq!(sound.code, Some(0), "{} {}", sound.stdout, sound.stderr);
}

const TOKEN: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// Asks the operators' listener about holds.
async fn holds(world: &World, method: &str, path: &str, body: &Value) -> Value {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let (host, bytes) = (world.admin_address(), body.len());
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {TOKEN}\r\n\
         content-length: {bytes}\r\n\r\n{body}"
    );
    let answer = RawClient::connect(host).await.call(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn set_hold(world: &World, hold: &Value) {
    assert_eq!(holds(world, "POST", "/v1/holds", hold).await["changed"], true);
}

async fn clear_hold(world: &World, id: &str) {
    let path = format!("/v1/holds/{id}");
    assert_eq!(holds(world, "DELETE", &path, &Value::Null).await["changed"], true);
}

async fn wait_holds(world: &World) {
    until("the archive's holds", async || {
        let told = holds(world, "GET", "/v1/holds", &Value::Null).await;
        (told["archives"][0]["pending"] == false).then_some(())
    })
    .await;
}

/// The first event's number of each object of this sort that has a legal hold.
async fn held(store: &Store, sort: &str) -> Vec<u64> {
    let objects = store.ask(&["look", BUCKET]).await;
    let objects = objects.as_array().unwrap().iter();
    let held = objects.filter(|object| object["hold"] == "ON");
    let names = held.filter_map(|object| object["key"].as_str()?.rsplit('/').next());
    let numbers = names.filter_map(|name| name.strip_prefix(sort)?.split(['-', '.']).next());
    let mut numbers: Vec<u64> = numbers.map(|number| number.parse().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

/// The first event's number of the objects with an event of these.
async fn of_events(store: &Store, first: u64, last: u64) -> Vec<u64> {
    let spans = spans(&store.ask(&["look", BUCKET]).await).into_iter();
    spans.filter(|span| span.0 <= last && first <= span.1).map(|span| span.0).collect()
}

async fn wait_archived(world: &World, store: &Store) {
    until("all events in the store", async || {
        let last = spans(&store.ask(&["look", BUCKET]).await).last()?.1;
        (last + 1 == world.events().len() as u64).then_some(())
    })
    .await;
}

async fn holding_world(upstream: &Upstream, store: &Store, legal_hold: bool) -> World {
    let mut sink = store.sink();
    sink["legal_hold"] = json!(legal_hold);
    sink["gzip"] = json!(true);
    let builder = builder(upstream).set("/audit/sinks", json!([sink]));
    let token = json!({ "file": "token" });
    builder.file("token", format!("{TOKEN}\n")).set("/admin/token", token).start().await
}

#[tokio::test]
async fn legal_holds_reach_the_archive_and_leave_it_again() {
    let mut store = Store::start().await;
    store.ask(&["make", BUCKET]).await;
    let upstream = Upstream::start().await;
    let mut world = holding_world(&upstream, &store, false).await;
    call(&world, 10).await;
    world.wait_outcomes(10).await;
    wait_archived(&world, &store).await;
    wait_holds(&world).await;
    assert!(held(&store, "events-").await.is_empty());
    // Events by their numbers, and by their times.
    set_hold(&world, &json!({ "id": "a", "matter": "m", "from": 6, "until": 12 })).await;
    let time = |seq: usize| world.events()[seq]["ts"].clone();
    let (from, until_ts) = (time(11), time(16));
    set_hold(&world, &json!({ "id": "b", "matter": "m", "from": from, "until": until_ts })).await;
    wait_holds(&world).await;
    assert_eq!(held(&store, "events-").await, of_events(&store, 6, 16).await);
    assert!(!held(&store, "signers-").await.is_empty());
    // What somebody else holds stays held, and so does what another hold covers.
    let first = store.ask(&["look", BUCKET]).await;
    let first = first.as_array().unwrap().iter().filter_map(|object| object["key"].as_str());
    let first = first.filter(|key| key.contains("events-")).min().unwrap().to_owned();
    store.ask(&["hold", BUCKET, &first]).await;
    clear_hold(&world, "a").await;
    wait_holds(&world).await;
    let both: Vec<u64> = [0].into_iter().chain(of_events(&store, 11, 16).await).collect();
    assert_eq!(held(&store, "events-").await, both);
    // A hold while the store is dead, and a gate that dies before it can be set.
    store.shut().await;
    let from = world.events().len();
    set_hold(&world, &json!({ "id": "c", "matter": "m", "from": from })).await;
    clear_hold(&world, "b").await;
    until("a failure that is counted", async || {
        let name = "tollgate_archive_hold_failures_total{sink=\"vault\"}";
        (world.metric(name).await > 0.0).then_some(())
    })
    .await;
    world.kill9().await;
    store.open().await;
    world.restart().await.unwrap();
    // What comes later is held from the start.
    call(&world, 5).await;
    world.wait_outcomes(15).await;
    wait_archived(&world, &store).await;
    wait_holds(&world).await;
    let later = of_events(&store, from as u64, u64::MAX).await;
    let all: Vec<u64> = [0].into_iter().chain(later).collect();
    assert_eq!(held(&store, "events-").await, all);
    clear_hold(&world, "c").await;
    wait_holds(&world).await;
    wait_archived(&world, &store).await;
    assert_eq!(held(&store, "events-").await, [0]);
    assert!(held(&store, "signers-").await.is_empty());
    assert!(held(&store, "checkpoint-").await.is_empty());
    world.stop().await;
    let sound = store.verify().await;
    assert_eq!(sound.code, Some(0), "{} {}", sound.stdout, sound.stderr);
}

#[tokio::test]
async fn a_sink_that_holds_everything_does_so_after_a_hold_is_cleared() {
    let store = Store::start().await;
    store.ask(&["make", BUCKET]).await;
    let upstream = Upstream::start().await;
    let mut world = holding_world(&upstream, &store, true).await;
    call(&world, 6).await;
    world.wait_outcomes(6).await;
    set_hold(&world, &json!({ "id": "a", "matter": "m" })).await;
    wait_archived(&world, &store).await;
    wait_holds(&world).await;
    clear_hold(&world, "a").await;
    wait_holds(&world).await;
    world.stop().await;
    let objects = store.ask(&["look", BUCKET]).await;
    assert!(!spans(&objects).is_empty());
    for object in objects.as_array().unwrap() {
        assert_eq!(object["hold"], "ON", "{object}");
    }
}

#[tokio::test]
async fn a_key_in_motos_kms_vouches_for_the_record() {
    let store = Store::start().await;
    let upstream = Upstream::start().await;
    let arn = store.ask(&["key", "ECC_NIST_P256", "alias/audit"]).await;
    for (events, key) in [("session", "alias/audit"), ("service", arn.as_str().unwrap())] {
        let signer = json!({
            "kid": "moto-2026",
            "service": {
                "type": "aws_kms", "key_id": key, "region": REGION, "endpoint": store.url(),
            },
            "events": events,
        });
        let mut world = builder(&upstream).set("/audit/signer", signer).start().await;
        call(&world, 4).await;
        world.wait_outcomes(4).await;
        world.stop().await;
        let registry = std::fs::read_to_string(world.spool().join("signers.json")).unwrap();
        let pem = store.ask(&["public", key]).await;
        let registry: Value = serde_json::from_str(&registry).unwrap();
        let signers = registry["signers"].as_array().unwrap();
        assert!(signers.iter().any(|signer| signer["public_key_pem"] == pem), "{registry}");
        let mut command = Command::new(binary());
        command.args(["audit", "verify"]).arg(world.spool());
        let sound = peer::run(&mut command, peer::DEADLINE).await;
        assert_eq!(sound.code, Some(0), "{events}: {} {}", sound.stdout, sound.stderr);
        let written = String::from_utf8_lossy(&world.everything_written()).into_owned();
        assert!(!written.contains(SECRET_ACCESS_KEY), "{events}");
    }
}

#[tokio::test]
async fn our_key_service_is_as_boto3_knows_them() {
    let service = Arc::new(KeyService::start().await);
    let specs =
        [KeySpec::Ed25519, KeySpec::P256, KeySpec::P384, KeySpec::Rsa2048, KeySpec::Rsa3072];
    let arns: Vec<String> = specs.iter().map(|spec| service.create(*spec)).collect();
    let words: Vec<&str> = ["keys"].into_iter().chain(arns.iter().map(String::as_str)).collect();
    let seen = boto3(&service.url(), &words).await;
    for name in ["ECC_NIST_P256", "ECC_NIST_P384", "RSA_2048", "RSA_3072"] {
        let expect = json!({ "RAW": true, "DIGEST": true, "long": "ValidationException" });
        assert_eq!(seen[name], expect, "{name}: {seen}");
    }
    let edwards = json!({
        "RAW": true, "DIGEST": "ValidationException", "long": "ValidationException",
    });
    assert_eq!(seen["ECC_NIST_EDWARDS25519"], edwards, "{seen}");
    assert_eq!(seen["missing"], "NotFoundException");
    assert_eq!(seen["wrong secret"], "InvalidSignatureException");
    service.set_enabled(&arns[0], false);
    assert_eq!(boto3(&service.url(), &["disabled", &arns[0]]).await, "DisabledException");
}
