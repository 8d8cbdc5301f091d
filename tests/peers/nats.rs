//! The record in a JetStream stream of a real nats-server, seen by the official Python client.
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tollgate_tests::{Certificates, Upstream, World};

use crate::record::{builder, call, is_the_record, lag, logged, no_lag};
use crate::servers::{Server, free_port, script};

const STREAM: &str = "AUDIT-GATE-1";
const SUBJECT: &str = "audit.gate-1";
const TOKEN: &str = "token-for-the-broker-77aa";

/// nats-server with TLS, client certificates and a token.
struct Broker {
    dir: TempDir,
    server: Server,
    /// Whom the official client says to be, where that is asked.
    user: &'static str,
}

impl Broker {
    async fn start() -> Self {
        Self::with(&format!("token: \"{TOKEN}\""), "").await
    }

    async fn with(authorization: &str, user: &'static str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let certificates = Certificates::shared();
        let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        certificates.server.write(dir.path(), "server");
        let client = certificates.authority.client(&["spiffe://acme/gate"], None);
        client.write(dir.path(), "client");
        std::fs::write(path("ca.pem"), &certificates.authority.certificate).unwrap();
        let port = free_port();
        let text = format!(
            "listen: \"127.0.0.1:{port}\"\n\
             jetstream {{ store_dir: \"{}\", max_mem: 16M, max_file: 256M }}\n\
             authorization {{ {authorization} }}\n\
             tls {{ cert_file: \"{}\", key_file: \"{}\", ca_file: \"{}\", verify: true }}\n",
            path("store"),
            path("server.pem"),
            path("server.key"),
            path("ca.pem"),
        );
        std::fs::write(path("nats.conf"), text).unwrap();
        let command = ["/usr/sbin/nats-server", "-c", &path("nats.conf")];
        let server = Server::start(&command, port, &dir.path().join("nats.log")).await;
        Self { dir, server, user }
    }

    /// What the official client says and hears.
    async fn asked(&self, arguments: &[&str]) -> Value {
        let path = |name: &str| self.dir.path().join(name).to_str().unwrap().to_owned();
        let environment = [
            ("NATS_URL", format!("tls://localhost:{}", self.server.port)),
            ("NATS_STREAM", STREAM.to_owned()),
            ("NATS_SUBJECT", SUBJECT.to_owned()),
            ("NATS_USER", self.user.to_owned()),
            ("NATS_SECRET", TOKEN.to_owned()),
            ("NATS_CA", path("ca.pem")),
            ("NATS_CERTIFICATE", path("client.pem")),
            ("NATS_KEY", path("client.key")),
        ];
        let said = script("nats_stream.py", arguments, &environment).await.unwrap();
        serde_json::from_str(&said).unwrap()
    }

    /// The stream's messages, as the lines that they are.
    async fn lines(&self) -> Vec<String> {
        let messages = self.asked(&["read"]).await;
        let messages = messages.as_array().unwrap();
        messages.iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
    }

    async fn gate(&self, upstream: &Upstream) -> World {
        self.gate_with(upstream, json!({ "token": { "env": "BROKER" } }), TOKEN).await
    }

    async fn gate_with(&self, upstream: &Upstream, auth: Value, secret: &str) -> World {
        let client = Certificates::shared().authority.client(&["spiffe://acme/gate"], None);
        let sink = json!({
            "type": "nats", "name": "broker", "host": "localhost", "port": self.server.port,
            "stream": STREAM, "subject": SUBJECT, "auth": auth,
            "tls": { "ca": "ca.pem", "client_certificate": "nats.pem", "client_key": "nats.key" },
            "batch_events": 16,
        });
        builder(upstream, sink)
            .variable("BROKER", secret)
            .file("nats.pem", client.certificate)
            .file("nats.key", client.key)
            .start()
            .await
    }
}

#[tokio::test]
async fn each_event_once_and_in_order_whoever_is_killed() {
    let (upstream, mut broker) = (Upstream::start().await, Broker::start().await);
    broker.asked(&["make", "120"]).await;
    let mut world = broker.gate(&upstream).await;
    for _ in 0..3 {
        call(&world, 20).await;
        broker.server.kill9().await;
        call(&world, 20).await;
        broker.server.up().await;
        call(&world, 20).await;
        world.kill9().await;
        world.restart().await.unwrap();
    }
    no_lag(&world, "broker").await;
    assert!(!String::from_utf8_lossy(&world.everything_written()).contains(TOKEN));
    assert!(world.stop().await.success());
    is_the_record(&world, &broker.lines().await, "stream.jsonl").await;
    for message in broker.asked(&["read"]).await.as_array().unwrap() {
        let event: Value = serde_json::from_str(message["text"].as_str().unwrap()).unwrap();
        assert_eq!(message["id"], event["hash"]);
    }
    // A cursor that is lost sends everything again, and nothing is there twice.
    std::fs::remove_file(world.spool().join("cursor-broker.json")).unwrap();
    world.restart().await.unwrap();
    call(&world, 5).await;
    no_lag(&world, "broker").await;
    assert!(world.stop().await.success());
    is_the_record(&world, &broker.lines().await, "stream.jsonl").await;
}

#[tokio::test]
async fn the_broker_refuses_gaps_and_forks_and_drops_what_comes_twice() {
    let (upstream, broker) = (Upstream::start().await, Broker::start().await);
    broker.asked(&["make", "120"]).await;
    let world = broker.gate(&upstream).await;
    call(&world, 10).await;
    no_lag(&world, "broker").await;
    let lines = broker.lines().await;
    let event = |line: &String| serde_json::from_str::<Value>(line).unwrap();
    let (last, before) = (event(&lines[lines.len() - 1]), event(&lines[lines.len() - 2]));
    let twice = format!("Nats-Msg-Id={}", last["hash"].as_str().unwrap());
    let taken = broker.asked(&["offer", &lines[lines.len() - 1], &twice]).await;
    assert_eq!(taken["duplicate"], true, "{taken}");
    let fork = format!("Nats-Expected-Last-Msg-Id={}", before["hash"].as_str().unwrap());
    let refused = broker.asked(&["offer", "{}", "Nats-Msg-Id=x", &fork]).await;
    assert_eq!(refused["refused"], 10070, "{refused}");
    assert_eq!(broker.lines().await, lines);
    // Somebody writes there who does not ask for that: the gate does not go on behind it.
    let foreign = broker.asked(&["offer", "{}"]).await["number"].to_string();
    call(&world, 5).await;
    logged(&world, "wrong last sequence").await;
    logged(&world, "no event of a gate").await;
    assert!(lag(&world, "broker").await >= 10.0);
    call(&world, 5).await;
    broker.asked(&["delete", &foreign]).await;
    no_lag(&world, "broker").await;
    // The stop's own events make no difference here: what came is the beginning of the record.
    let (came, kept) = (broker.lines().await, world.events());
    let came: Vec<Value> = came.iter().map(event).collect();
    assert!(came.len() >= lines.len() + 20);
    assert_eq!(came, kept[..came.len()]);
}

#[tokio::test]
async fn another_chain_is_not_mixed_in() {
    let (upstream, broker) = (Upstream::start().await, Broker::start().await);
    broker.asked(&["make", "120"]).await;
    let mut first = broker.gate(&upstream).await;
    call(&first, 10).await;
    assert!(first.stop().await.success());
    let lines = broker.lines().await;
    assert_eq!(lines.len(), first.events().len());
    let second = broker.gate(&upstream).await;
    call(&second, 20).await;
    logged(&second, "another event").await;
    assert_eq!(broker.lines().await, lines);
}

#[tokio::test]
async fn a_window_that_is_over_and_a_stream_that_was_purged() {
    let (upstream, mut broker) = (Upstream::start().await, Broker::start().await);
    // Shorter than anything takes here, so nothing is known to have come twice, and a broker that
    // starts again knows no last id.
    broker.asked(&["make", "0.1"]).await;
    let mut world = broker.gate(&upstream).await;
    call(&world, 10).await;
    no_lag(&world, "broker").await;
    broker.server.kill9().await;
    broker.server.up().await;
    call(&world, 10).await;
    no_lag(&world, "broker").await;
    std::fs::remove_file(world.spool().join("cursor-broker.json")).unwrap();
    world.kill9().await;
    world.restart().await.unwrap();
    call(&world, 10).await;
    no_lag(&world, "broker").await;
    let (came, kept) = (broker.lines().await, world.events());
    let came: Vec<Value> = came.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(came.len() >= 60);
    assert_eq!(came, kept[..came.len()]);
    // An empty stream goes on with the next event, and the gate says so.
    broker.asked(&["purge"]).await;
    broker.server.kill9().await;
    broker.server.up().await;
    call(&world, 10).await;
    no_lag(&world, "broker").await;
    logged(&world, "the stream holds no event").await;
    assert!(world.stop().await.success());
    let (came, kept) = (broker.lines().await, world.events());
    let first: Value = serde_json::from_str(&came[0]).unwrap();
    let first = usize::try_from(first["seq"].as_u64().unwrap()).unwrap();
    assert!(first > 0);
    assert_eq!(came.len(), kept.len() - first);
}

#[tokio::test]
async fn a_broker_that_hangs_has_nothing_twice() {
    let (upstream, broker) = (Upstream::start().await, Broker::start().await);
    broker.asked(&["make", "120"]).await;
    let mut world = broker.gate(&upstream).await;
    call(&world, 10).await;
    no_lag(&world, "broker").await;
    broker.server.signal(Signal::STOP);
    call(&world, 20).await;
    // What was sent lies in the socket, and is read when it goes on: before it is sent again.
    logged(&world, "did not answer in time").await;
    broker.server.signal(Signal::CONT);
    call(&world, 10).await;
    no_lag(&world, "broker").await;
    assert!(world.stop().await.success());
    is_the_record(&world, &broker.lines().await, "stream.jsonl").await;
}

#[tokio::test]
async fn what_the_stream_lost_is_sent_again() {
    let (upstream, broker) = (Upstream::start().await, Broker::start().await);
    broker.asked(&["make", "0.1"]).await;
    let mut world = broker.gate(&upstream).await;
    call(&world, 30).await;
    no_lag(&world, "broker").await;
    let messages = broker.asked(&["read"]).await;
    for message in messages.as_array().unwrap().iter().rev().take(20) {
        broker.asked(&["delete", &message["number"].to_string()]).await;
    }
    // A connection that stands knows the end; the next one asks.
    world.kill9().await;
    world.restart().await.unwrap();
    call(&world, 5).await;
    logged(&world, "lacks those up to").await;
    no_lag(&world, "broker").await;
    assert!(world.stop().await.success());
    is_the_record(&world, &broker.lines().await, "stream.jsonl").await;
}

/// The pair that the documentation of NATS shows.
const NKEY: &str = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";
const SEED: &str = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";

#[tokio::test]
async fn the_gate_proves_itself_with_a_key() {
    let users =
        format!("users: [ {{ nkey: {NKEY} }}, {{ user: auditor, password: \"{TOKEN}\" }} ]");
    let (upstream, broker) = (Upstream::start().await, Broker::with(&users, "auditor").await);
    broker.asked(&["make", "120"]).await;
    let auth = json!({ "nkey": { "env": "BROKER" } });
    let mut world = broker.gate_with(&upstream, auth.clone(), SEED).await;
    call(&world, 10).await;
    no_lag(&world, "broker").await;
    assert!(world.stop().await.success());
    is_the_record(&world, &broker.lines().await, "stream.jsonl").await;
    assert!(!String::from_utf8_lossy(&world.everything_written()).contains(SEED));
    let stranger = "SUAIBDPBAUTWCWBKIO6XHQNINK5FWJW4OHLXC3HQ2KFE4PEJUA44CNHTC4";
    let world = broker.gate_with(&upstream, auth, stranger).await;
    call(&world, 2).await;
    logged(&world, "a delivery failed").await;
    assert!(!String::from_utf8_lossy(&world.everything_written()).contains(stranger));
}
