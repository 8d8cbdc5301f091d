//! Sinks beside the plain collectors: syslog over TLS, an archive in a folder, standard output,
//! and what a collector refuses for good.
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tollgate_tests::{Authority, Certificates, Identity, RawClient, Upstream, World, until};

use crate::collectors::{Collector, frames};
use crate::kit::{request, tollgate, verify};

async fn world(upstream: &Upstream, sinks: Value) -> World {
    World::builder().route("up", "/up", &upstream.url()).set("/audit/sinks", sinks).start().await
}

/// Makes calls; none of them may be refused because of a sink.
async fn call(world: &World, times: usize) {
    let mut client = RawClient::connect(world.plain()).await;
    for _ in 0..times {
        assert_eq!(client.call(request("GET", "/up/ok", &[], "")).await.status, 200);
    }
}

#[derive(Default)]
struct Heard {
    bytes: Mutex<Vec<u8>>,
    /// How each connection ended: whether with `close_notify`.
    ends: Mutex<Vec<bool>>,
}

/// A collector that syslog is sent to over TLS (RFC 5425).
struct TlsSyslog {
    address: SocketAddr,
    heard: Arc<Heard>,
    serving: JoinHandle<()>,
}

impl TlsSyslog {
    /// With an authority for clients, one without certificate is refused.
    async fn start(identity: &Identity, clients: Option<&Authority>) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let roots = Arc::new(clients.roots());
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let (chain, key) = identity.to_rustls();
        let config = builder.with_single_cert(chain, key).unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let heard = Arc::new(Heard::default());
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let serving = tokio::spawn(listen(socket, acceptor, Arc::clone(&heard)));
        Self { address, heard, serving }
    }

    fn frames(&self) -> Vec<String> {
        frames(&self.heard.bytes.lock().unwrap())
    }

    async fn has_all(&self, world: &World) {
        until("all events at the syslog collector", async || {
            let told = self.frames().join("\n");
            let events = world.events();
            events.iter().all(|event| told.contains(event["id"].as_str().unwrap())).then_some(())
        })
        .await;
    }
}

impl Drop for TlsSyslog {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn listen(socket: TcpListener, acceptor: TlsAcceptor, heard: Arc<Heard>) {
    let mut tasks = JoinSet::new();
    while let Ok((io, _)) = socket.accept().await {
        let (acceptor, heard) = (acceptor.clone(), Arc::clone(&heard));
        tasks.spawn(async move {
            let Ok(mut io) = acceptor.accept(io).await else { return };
            let mut buffer = vec![0; 65_536];
            let clean = loop {
                match io.read(&mut buffer).await {
                    Ok(0) => break true,
                    Ok(read) => heard.bytes.lock().unwrap().extend(&buffer[..read]),
                    // An end without `close_notify` is an error.
                    Err(_) => break false,
                }
            };
            heard.ends.lock().unwrap().push(clean);
        });
    }
}

fn siem(syslog: &TlsSyslog, format: &str, tls: Value) -> Value {
    json!([{
        "type": "syslog", "name": "siem", "address": syslog.address.to_string(),
        "format": format, "tls": tls,
    }])
}

#[tokio::test]
async fn syslog_over_tls_with_a_client_certificate() {
    let certificates = Certificates::shared();
    for format in ["cef", "json"] {
        let upstream = Upstream::start().await;
        let syslog = TlsSyslog::start(&certificates.server, Some(&certificates.authority)).await;
        let client = certificates.authority.client(&["spiffe://acme/gate"], None);
        let tls = json!({
            "server_name": "localhost", "ca": "ca.pem",
            "client_certificate": "siem-client.pem", "client_key": "siem-client.key",
        });
        let mut world = World::builder()
            .route("up", "/up", &upstream.url())
            .set("/audit/sinks", siem(&syslog, format, tls))
            .file("siem-client.pem", client.certificate.clone())
            .file("siem-client.key", client.key.clone())
            .start()
            .await;
        call(&world, 20).await;
        syslog.has_all(&world).await;
        assert!(world.stop().await.success());
        syslog.has_all(&world).await;
        until("the end", async || (!syslog.heard.ends.lock().unwrap().is_empty()).then_some(()))
            .await;
        assert_eq!(*syslog.heard.ends.lock().unwrap(), [true], "`close_notify` is missing");
        let frames = syslog.frames();
        assert_eq!(frames.len(), world.events().len());
        for (frame, event) in frames.iter().zip(world.events()) {
            assert!(frame.starts_with('<') && !frame.contains('\n'), "{frame}");
            match format {
                "cef" => assert!(frame.contains(" - CEF:0|Tollgate|"), "{frame}"),
                _ => {
                    let (_, told) = frame.split_once(" - {").unwrap();
                    let told: Value = serde_json::from_str(&format!("{{{told}")).unwrap();
                    assert_eq!(told, event);
                }
            }
        }
    }
}

#[tokio::test]
async fn who_is_not_the_collector_gets_nothing_and_nothing_is_lost() {
    let (upstream, certificates) = (Upstream::start().await, Certificates::shared());
    let syslog = TlsSyslog::start(&certificates.server, Some(&certificates.authority)).await;
    let client = certificates.authority.client(&["spiffe://acme/gate"], None);
    let tls = |name: &str, ca: &str, identity: bool| {
        let mut tls = json!({ "server_name": name, "ca": ca });
        if identity {
            tls["client_certificate"] = "siem-client.pem".into();
            tls["client_key"] = "siem-client.key".into();
        }
        siem(&syslog, "cef", tls)
    };
    let mut world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/audit/sinks", tls("localhost", "stranger.pem", true))
        .file("stranger.pem", Authority::new("stranger").certificate)
        .file("siem-client.pem", client.certificate)
        .file("siem-client.key", client.key)
        .start()
        .await;
    // An authority that did not issue its certificate, a name that it is not for, and a collector
    // that wants to know who calls.
    for next in [
        Some(tls("siem.example.org", "ca.pem", true)),
        Some(tls("localhost", "ca.pem", false)),
        None,
    ] {
        call(&world, 3).await;
        until("deliveries that failed", async || {
            (world.log().matches("a delivery failed").count() >= 3).then_some(())
        })
        .await;
        assert!(syslog.frames().is_empty());
        assert!(world.metric("tollgate_sink_lag_events{sink=\"siem\"}").await >= 3.0);
        assert!(world.stop().await.success());
        world.set("/audit/sinks", next.unwrap_or_else(|| tls("localhost", "ca.pem", true)));
        world.restart().await.unwrap();
    }
    call(&world, 3).await;
    syslog.has_all(&world).await;
}

/// The archive's files in order, as one text.
fn archived(directory: &Path) -> String {
    events_files(directory).iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

fn events_files(directory: &Path) -> Vec<std::path::PathBuf> {
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    let is_events = |path: &std::path::PathBuf| {
        path.file_name().unwrap().to_str().unwrap().starts_with("events-")
    };
    let mut files: Vec<_> = files.filter(is_events).collect();
    files.sort();
    files
}

fn spooled(world: &World) -> String {
    std::fs::read_to_string(world.spool().join("events-000000000001.jsonl")).unwrap()
}

#[tokio::test]
async fn an_archive_verifies_like_the_record() {
    let upstream = Upstream::start().await;
    let sink = json!([{ "type": "folder", "name": "box", "directory": "box", "file_events": 20 }]);
    let mut world = world(&upstream, sink).await;
    call(&world, 30).await;
    world.kill9().await;
    world.restart().await.unwrap();
    call(&world, 10).await;
    assert!(world.stop().await.success());
    verify(&world.spool()).await;
    let directory = world.path("box");
    assert_eq!(archived(&directory), spooled(&world));
    assert!(!directory.join("filling.part").exists());
    // A cursor that is lost writes nothing twice.
    std::fs::remove_file(world.spool().join("cursor-box.json")).unwrap();
    world.restart().await.unwrap();
    call(&world, 5).await;
    assert!(world.stop().await.success());
    assert_eq!(archived(&directory), spooled(&world));
    // With nothing but what is in its directory.
    let args = ["audit", "verify", "--from", "folder", directory.to_str().unwrap()];
    let (code, out, err) = tollgate(&args, &[]).await;
    assert_eq!(code, Some(0), "the archive does not verify: {out}{err}");
    let events = world.events().len();
    assert!(out.contains(&format!("{events} events")), "{out}");
    // One file less is found out, at its end, too.
    let files = events_files(&directory);
    for gone in [&files[1], &files[files.len() - 1]] {
        let content = std::fs::read(gone).unwrap();
        std::fs::remove_file(gone).unwrap();
        assert_eq!(tollgate(&args, &[]).await.0, Some(1), "{}", gone.display());
        std::fs::write(gone, content).unwrap();
    }
    assert_eq!(tollgate(&args, &[]).await.0, Some(0));
}

#[tokio::test]
async fn standard_output_has_every_event_in_order() {
    let upstream = Upstream::start().await;
    let mut world = world(&upstream, json!([{ "type": "stdout", "name": "console" }])).await;
    call(&world, 25).await;
    until("no lag", async || {
        let lag = world.metric("tollgate_sink_lag_events{sink=\"console\"}").await;
        (lag == 0.0).then_some(())
    })
    .await;
    assert!(world.stop().await.success());
    let printed = std::fs::read_to_string(world.path("stdout-1.log")).unwrap();
    let (printed_lines, kept) = (printed.lines().count(), world.events().len());
    assert_eq!(printed_lines, kept);
    assert!(printed == spooled(&world), "the lines are not those of the record");
    assert!(printed.lines().count() >= 50);
}

#[tokio::test]
async fn what_a_collector_refuses_for_good_is_put_aside() {
    let (upstream, collector) = (Upstream::start().await, Collector::start().await);
    collector.answer(422);
    let sink =
        json!([{ "type": "http", "name": "lake", "url": collector.url(), "batch_events": 8 }]);
    let world = world(&upstream, sink).await;
    call(&world, 5).await;
    until("an event that is put aside", async || {
        let dead = world.metric("tollgate_sink_dead_events{sink=\"lake\"}").await;
        (dead >= 1.0).then_some(())
    })
    .await;
    collector.answer(200);
    until("no lag", async || {
        let lag = world.metric("tollgate_sink_lag_events{sink=\"lake\"}").await;
        (lag == 0.0).then_some(())
    })
    .await;
    world.says("refuses an event for good").await;
    let aside = std::fs::read_to_string(world.spool().join("dead-lake.jsonl")).unwrap();
    let aside: Vec<Value> = aside.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(aside[0]["seq"], 0);
    // Each is here or there, and the record has them all.
    let (came, kept) = (collector.events(), world.events());
    for event in &kept {
        assert!(came.contains(event) || aside.contains(event), "{event} is nowhere");
    }
    verify(&world.spool()).await;
}

#[tokio::test]
async fn a_collector_that_takes_a_batch_and_says_much_has_it() {
    let (upstream, collector) = (Upstream::start().await, Collector::start().await);
    collector.say("{\"taken\":true}\n".repeat(10_000));
    let sinks = json!([{ "type": "http", "name": "lake", "url": collector.url() }]);
    let mut world = world(&upstream, sinks).await;
    call(&world, 3).await;
    until("all events to be taken", async || {
        let lag = world.metric("tollgate_sink_lag_events{sink=\"lake\"}").await;
        (lag == 0.0 && collector.events().len() >= world.events().len()).then_some(())
    })
    .await;
    assert!(world.stop().await.success(), "{}", world.log());
    assert_eq!(collector.events(), world.events(), "each once, in order");
}
