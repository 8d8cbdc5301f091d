//! CEF over TLS with client certificates to a real rsyslog; its file verifies.
use std::collections::HashSet;
use std::path::PathBuf;

use serde_json::json;
use tempfile::TempDir;
use tollgate_tests::{Authority, Certificates, RawClient, Upstream, World, until};

use crate::record::{builder, call, logged, sound};
use crate::servers::{Server, free_port};

/// rsyslog that takes whoever shows a certificate for `gate.test`.
struct Rsyslog {
    dir: TempDir,
    server: Server,
}

impl Rsyslog {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let certificates = Certificates::shared();
        certificates.server.write(dir.path(), "server");
        std::fs::write(dir.path().join("ca.pem"), &certificates.authority.certificate).unwrap();
        let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let port = free_port();
        // Bytes as they came: without this, what is no ASCII would be written as octal.
        let text = format!(
            r#"global(workDirectory="{dir}" maxMessageSize="128k"
  parser.escapeControlCharactersOnReceive="on" parser.escape8BitCharactersOnReceive="off"
  defaultNetstreamDriver="ossl" defaultNetstreamDriverCAFile="{ca}"
  defaultNetstreamDriverCertFile="{certificate}" defaultNetstreamDriverKeyFile="{key}")
module(load="imtcp" StreamDriver.Name="ossl" StreamDriver.Mode="1"
  StreamDriver.AuthMode="x509/name" PermittedPeer=["gate.test"])
template(name="message" type="string" string="%msg%\n")
ruleset(name="siem") {{ action(type="omfile" file="{out}" template="message" asyncWriting="off") }}
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="siem" SupportOctetCountedFraming="on")
"#,
            dir = dir.path().display(),
            ca = path("ca.pem"),
            certificate = path("server.pem"),
            key = path("server.key"),
            out = path("siem.log"),
        );
        std::fs::write(path("rsyslog.conf"), text).unwrap();
        let command =
            ["/usr/sbin/rsyslogd", "-n", "-f", &path("rsyslog.conf"), "-i", &path("rsyslog.pid")];
        let server = Server::start(&command, port, &dir.path().join("rsyslog.log")).await;
        Self { dir, server }
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("siem.log")
    }

    /// The messages that came, each once: delivery is at least once.
    fn messages(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.file()).unwrap_or_default();
        let mut seen = HashSet::new();
        text.lines().filter(|line| seen.insert((*line).to_owned())).map(str::to_owned).collect()
    }

    async fn has_all(&self, world: &World) {
        until("all events at rsyslog", async || {
            let text = self.messages().join("\n");
            let events = world.events();
            events.iter().all(|event| text.contains(event["id"].as_str().unwrap())).then_some(())
        })
        .await;
    }

    /// A gate that shows a certificate which this authority issued, or none.
    async fn gate(&self, upstream: &Upstream, issuer: Option<&Authority>) -> World {
        let mut tls = json!({ "server_name": "localhost", "ca": "ca.pem" });
        if issuer.is_some() {
            tls["client_certificate"] = "siem.pem".into();
            tls["client_key"] = "siem.key".into();
        }
        let issuer = issuer.unwrap_or(&Certificates::shared().authority);
        let client = issuer.client(&[], Some("gate.test"));
        let address = format!("127.0.0.1:{}", self.server.port);
        let sink = json!({ "type": "syslog", "name": "siem", "address": address, "tls": tls });
        builder(upstream, sink)
            // Findings are only told, so that a call can have very many.
            .set("/dlp", json!({ "rules": [{ "classes": ["*"], "action": "alert" }] }))
            .file("siem.pem", client.certificate)
            .file("siem.key", client.key)
            .start()
            .await
    }
}

/// A call whose event is as long as an event becomes: findings at many long places.
async fn long_call(world: &World) {
    // Places are kept as far as they are plain words.
    let word = "placeinsideofplaces".repeat(2);
    let leaves = (0..64u8).map(|nth| {
        let name: String =
            [nth / 16, nth % 16].map(|half| char::from(b'a' + half)).iter().collect();
        format!("\"{name}\": \"someone{nth}@example.org\"")
    });
    let leaves = leaves.collect::<Vec<_>>().join(",");
    let (open, close) = (format!("{{\"{word}\": ").repeat(11), "}".repeat(11));
    let body = format!("{open}{{{leaves}}}{close}");
    let request = format!(
        "POST /up/ok HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut client = RawClient::connect(world.plain()).await;
    assert_eq!(client.call(request).await.status, 200);
}

#[tokio::test]
async fn what_rsyslog_wrote_verifies() {
    let (upstream, mut rsyslog) = (Upstream::start().await, Rsyslog::start().await);
    let mut world = rsyslog.gate(&upstream, Some(&Certificates::shared().authority)).await;
    call(&world, 40).await;
    long_call(&world).await;
    rsyslog.has_all(&world).await;
    let longest = rsyslog.messages().iter().map(String::len).max().unwrap();
    assert!(longest > 20_000, "the longest message has {longest} bytes");
    // Started again in the middle: what it did not take comes again.
    rsyslog.server.kill9().await;
    call(&world, 10).await;
    rsyslog.server.up().await;
    call(&world, 10).await;
    assert!(world.stop().await.success());
    rsyslog.has_all(&world).await;
    let once = rsyslog.dir.path().join("once.log");
    std::fs::write(&once, rsyslog.messages().join("\n") + "\n").unwrap();
    sound(&once, &world, &["--from", "cef"]).await;
    // A character that somebody changed there is found.
    let text = std::fs::read_to_string(&once).unwrap();
    let changed = text.replacen("act=allow", "act=deny", 1);
    assert_ne!(changed, text);
    std::fs::write(&once, changed).unwrap();
    let signers = world.spool().join("signers.json");
    let arguments =
        ["--from", "cef", once.to_str().unwrap(), "--signers", signers.to_str().unwrap()];
    assert_eq!(crate::record::verify(&arguments, &[]).await.0, Some(1));
}

#[tokio::test]
async fn a_client_that_it_refuses_counts_nothing_as_taken() {
    let (upstream, rsyslog) = (Upstream::start().await, Rsyslog::start().await);
    let stranger = Authority::new("stranger");
    // Not one with another name: this rsyslog lets that pass when the handshake takes it two looks.
    for issuer in [None, Some(&stranger)] {
        let world = rsyslog.gate(&upstream, issuer).await;
        call(&world, 5).await;
        // With TLS 1.3 the handshake succeeds and so does the sending: only the end tells.
        logged(&world, "a delivery failed").await;
        assert!(crate::record::lag(&world, "siem").await >= 10.0);
        assert!(rsyslog.messages().is_empty());
    }
}
