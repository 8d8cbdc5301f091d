//! The record signed by keys in a token: SoftHSM2 as the hardware, OpenSC's pkcs11-tool to make the
//! keys and read them out, OpenSSL to judge the signatures.
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use tollgate_tests::{Builder, NotStarted, Upstream, World, until};

use crate::peer;
use crate::record::{call, verify};

/// Where Debian puts it.
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const PIN: &str = "pin-that-no-log-may-show";
const TOKEN: &str = "audit";

/// What stands before a P-384 key's point in a SubjectPublicKeyInfo (RFC 5480), in hex: OpenSC 0.23
/// cannot write such a key.
const P384_HEAD: &str = "3076301006072a8648ce3d020106052b81040022036200";

/// A kind of key: its label, what pkcs11-tool calls it, the registry's word, OpenSSL's arguments.
struct Kind {
    label: &'static str,
    key_type: &'static str,
    algorithm: &'static str,
    judge: &'static [&'static str],
}

const KINDS: [Kind; 4] = [
    Kind {
        label: "ed",
        key_type: "EC:edwards25519",
        algorithm: "ed25519",
        judge: &[
            "pkeyutl",
            "-verify",
            "-pubin",
            "-rawin",
            "-inkey",
            "key",
            "-sigfile",
            "signature",
        ],
    },
    Kind {
        label: "p256",
        key_type: "EC:prime256v1",
        algorithm: "ecdsa-p256-sha256",
        judge: &["dgst", "-sha256", "-verify", "key", "-signature", "signature"],
    },
    Kind {
        label: "p384",
        key_type: "EC:secp384r1",
        algorithm: "ecdsa-p384-sha384",
        judge: &["dgst", "-sha384", "-verify", "key", "-signature", "signature"],
    },
    // The event's hash is the digest that RSA signs.
    Kind {
        label: "rsa",
        key_type: "rsa:2048",
        algorithm: "rsa-sha256",
        judge: &[
            "pkeyutl",
            "-verify",
            "-pubin",
            "-pkeyopt",
            "digest:sha256",
            "-inkey",
            "key",
            "-sigfile",
            "signature",
        ],
    },
];

/// A token of its own, with its PIN in a file.
struct Hsm {
    dir: TempDir,
}

impl Hsm {
    async fn new() -> Self {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("tokens")).unwrap();
        fs::write(dir.path().join("pin"), format!("{PIN}\n")).unwrap();
        let tokens = dir.path().join("tokens");
        let conf = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            tokens.display()
        );
        fs::write(dir.path().join("softhsm2.conf"), conf).unwrap();
        let hsm = Self { dir };
        hsm.run(
            "softhsm2-util",
            &["--init-token", "--free", "--label", TOKEN, "--pin", PIN, "--so-pin", "5678"],
        )
        .await;
        hsm
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    async fn run(&self, program: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(program);
        command.args(arguments).env("SOFTHSM2_CONF", self.path("softhsm2.conf"));
        let ended = peer::run(command.current_dir(self.dir.path()), peer::DEADLINE).await;
        assert_eq!(
            ended.code,
            Some(0),
            "{program} {arguments:?}: {}{}",
            ended.stdout,
            ended.stderr
        );
        ended.stdout
    }

    async fn tool(&self, arguments: &[&str]) -> String {
        let login = ["--module", MODULE, "--token-label", TOKEN, "--login", "--pin", PIN];
        self.run("pkcs11-tool", &[&login, arguments].concat()).await
    }

    async fn make(&self, kind: &Kind, id: usize) {
        let id = format!("{id:02}");
        let make = ["--keypairgen", "--key-type", kind.key_type, "--usage-sign", "--id", &id];
        self.tool(&[&make[..], &["--label", kind.label]].concat()).await;
    }

    /// The key's public half as the token has it, in PEM.
    async fn export(&self, kind: &Kind) -> PathBuf {
        let (raw, pem) = (self.text("raw"), self.path(&format!("{}.pem", kind.label)));
        if kind.label == "p384" {
            let listed = self.tool(&["--list-objects", "--type", "pubkey"]).await;
            let points = listed.lines().filter_map(|line| line.trim().strip_prefix("EC_POINT:"));
            // An octet string of 97 bytes: the one key of this curve.
            let point = points.map(str::trim).find_map(|point| point.strip_prefix("0461"));
            let point = point.unwrap();
            fs::write(&raw, bytes(&format!("{P384_HEAD}{point}"))).unwrap();
        } else {
            self.tool(&["--read-object", "--type", "pubkey", "--label", kind.label, "-o", &raw])
                .await;
        }
        if fs::read(&raw).unwrap().starts_with(b"-----BEGIN") {
            fs::copy(&raw, &pem).unwrap();
        } else {
            let out = pem.to_str().unwrap();
            let read = ["pkey", "-pubin", "-inform", "DER", "-in", &raw, "-out", out];
            self.run("openssl", &read).await;
        }
        pem
    }

    /// Whether OpenSSL accepts an event's signature.
    async fn judge(&self, kind: &Kind, key: &Path, event: &Value, hash: &str) -> bool {
        let signature = event["signature"].as_str().unwrap();
        fs::write(self.path("signature"), STANDARD.decode(signature).unwrap()).unwrap();
        fs::write(self.path("hash"), bytes(hash)).unwrap();
        let arguments = kind.judge.iter().map(|word| match *word {
            "key" => key.to_str().unwrap(),
            word => word,
        });
        let mut command = Command::new("openssl");
        command.args(arguments).current_dir(self.dir.path());
        match kind.judge[0] {
            "dgst" => command.arg("hash"),
            _ => command.args(["-in", "hash"]),
        };
        peer::run(&mut command, peer::DEADLINE).await.code == Some(0)
    }

    fn signer(&self, key: &str, events: &str) -> Value {
        json!({
            "service": {
                "type": "pkcs11", "module": MODULE, "token": TOKEN, "key": key,
                "pin": { "file": self.text("pin") },
            },
            "events": events,
            // A token in software, and RSA, on a machine that is busy.
            "deadline_ms": 10_000,
        })
    }

    fn gate(&self, upstream: &Upstream, signer: Value) -> Builder {
        World::builder()
            .route("up", "/up", &upstream.url())
            .set("/audit/signer", signer)
            .variable("SOFTHSM2_CONF", &self.text("softhsm2.conf"))
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn without_pin(world: &World) {
    let written = String::from_utf8_lossy(&world.everything_written()).into_owned();
    assert!(!written.contains(PIN));
}

#[tokio::test]
async fn keys_of_every_kind_in_a_token_sign_the_record() {
    let (hsm, upstream) = (Hsm::new().await, Upstream::start().await);
    for (nth, kind) in KINDS.iter().enumerate() {
        hsm.make(kind, nth + 1).await;
        let key = hsm.export(kind).await;
        for events in ["service", "session"] {
            let mut world = hsm.gate(&upstream, hsm.signer(kind.label, events)).start().await;
            call(&world, 4).await;
            world.wait_outcomes(4).await;
            let ended = world.stop().await;
            assert!(ended.success(), "{ended:?}: {}", world.log());
            let (code, said) = verify(&[world.spool().to_str().unwrap()], &[]).await;
            assert_eq!(code, Some(0), "{} {events}: {said}", kind.label);
            let registry = fs::read(world.spool().join("signers.json")).unwrap();
            let registry: Value = serde_json::from_slice(&registry).unwrap();
            let signers = registry["signers"].as_array().unwrap();
            let root = signers.iter().find(|one| one.get("delegated_by").is_none()).unwrap();
            assert_eq!(root["algorithm"], kind.algorithm);
            without_pin(&world);
            if events == "session" {
                assert_eq!(world.events_of("signer.delegated").len(), 1);
                continue;
            }
            let all = world.events();
            let (event, other) = (all.last().unwrap(), &all[0]);
            let hash = event["hash"].as_str().unwrap();
            assert!(hsm.judge(kind, &key, event, hash).await, "{}", kind.label);
            let other = other["hash"].as_str().unwrap();
            assert!(!hsm.judge(kind, &key, event, other).await, "{}", kind.label);
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_token_is_said_at_the_start() {
    let (hsm, upstream) = (Hsm::new().await, Upstream::start().await);
    hsm.make(&KINDS[1], 1).await;
    fs::write(hsm.path("wrong"), "another-pin-that-no-log-may-show").unwrap();
    let with = |key: &str, value: Value| {
        let mut signer = hsm.signer("p256", "service");
        signer["service"][key] = value;
        signer
    };
    for (signer, words) in [
        (with("pin", json!({ "file": hsm.text("wrong") })), "`pin`: the token refuses it"),
        (with("pin", json!({ "file": hsm.text("none") })), "`pin` cannot be read from its file"),
        (with("pin", json!({ "env": "NO_SUCH_PIN" })), "`pin` is not in the variable"),
        (with("key", json!("nobody")), "has no private key with the label `nobody`"),
        (with("token", json!("other")), "`token`: there is no token `other`"),
        (with("module", json!("/nowhere/lib.so")), "`module`: `/nowhere/lib.so` cannot be loaded"),
        (with("module", json!(hsm.text("pin"))), "cannot be loaded"),
    ] {
        let NotStarted { status, stderr } =
            hsm.gate(&upstream, signer).try_start().await.expect_err("no start");
        assert_eq!(status.code(), Some(78), "{stderr}");
        assert!(stderr.contains(words), "`{words}` is not in: {stderr}");
        assert!(stderr.contains("audit.signer.service"), "{stderr}");
        assert!(!stderr.contains("pin-that-no-log-may-show"), "{stderr}");
    }
    // Two keys of one label: nobody could say which signs.
    hsm.make(&KINDS[1], 2).await;
    let two = hsm.gate(&upstream, hsm.signer("p256", "service")).try_start().await;
    let said = two.expect_err("no start").stderr;
    assert!(said.contains("several private keys with the label `p256`"), "{said}");
}

#[tokio::test]
async fn another_key_of_the_same_token_takes_over() {
    let (hsm, upstream) = (Hsm::new().await, Upstream::start().await);
    hsm.make(&KINDS[0], 1).await;
    hsm.make(&KINDS[1], 2).await;
    let mut world = hsm.gate(&upstream, hsm.signer("ed", "service")).start().await;
    call(&world, 1).await;
    world.set("/audit/signer/service/key", "p256");
    assert!(world.reload().await);
    assert_eq!(world.metric("tollgate_signer_change_failure_total").await, 0.0);
    let [applied] = &world.events_of("signer.rotation.applied")[..] else { panic!() };
    assert!(applied["signer_kid"].as_str().unwrap().starts_with("ecdsa-p256-sha256-"));
    call(&world, 2).await;
    // A PIN that is wrong from here on is tried once, however often a signature is wanted.
    fs::write(hsm.path("pin"), "another-pin-that-no-log-may-show").unwrap();
    fs::rename(hsm.path("tokens"), hsm.path("away")).unwrap();
    until("the gate not to be ready", async || {
        let mut client = tollgate_tests::RawClient::connect(world.plain()).await;
        client.call("GET /up/x HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        (world.admin("/ready").await?.0 == 503).then_some(())
    })
    .await;
    fs::rename(hsm.path("away"), hsm.path("tokens")).unwrap();
    let log = async |words: &str| {
        until(words, async || world.log().contains(words).then_some(())).await;
    };
    log("`pin`: the token refuses it").await;
    log("`pin`: the token refused it and it is the same still").await;
    assert_eq!(world.log().matches("`pin`: the token refuses it").count(), 1);
    fs::write(hsm.path("pin"), PIN).unwrap();
    until("the gate to be ready", async || (world.admin("/ready").await?.0 == 200).then_some(()))
        .await;
    call(&world, 1).await;
    assert!(world.stop().await.success());
    let (code, said) = verify(&[world.spool().to_str().unwrap()], &[]).await;
    assert_eq!(code, Some(0), "{said}");
    without_pin(&world);
    assert!(!String::from_utf8_lossy(&world.everything_written()).contains("another-pin"));
}

#[tokio::test]
async fn a_token_that_goes_away_stops_calls_until_it_is_back() {
    let (hsm, upstream) = (Hsm::new().await, Upstream::start().await);
    hsm.make(&KINDS[1], 1).await;
    let mut world = hsm.gate(&upstream, hsm.signer("p256", "service")).start().await;
    call(&world, 1).await;
    fs::rename(hsm.path("tokens"), hsm.path("away")).unwrap();
    let one = "GET /up/x HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let refused = async || {
        let mut client = tollgate_tests::RawClient::connect(world.plain()).await;
        client.call(one).await
    };
    until("a refusal", async || (refused().await.code() == "SIGNER_UNAVAILABLE").then_some(()))
        .await;
    assert_eq!(world.admin("/ready").await.unwrap().0, 503);
    fs::rename(hsm.path("away"), hsm.path("tokens")).unwrap();
    until("the gate to be ready", async || (world.admin("/ready").await?.0 == 200).then_some(()))
        .await;
    call(&world, 1).await;
    assert!(world.stop().await.success());
    let (code, said) = verify(&[world.spool().to_str().unwrap()], &[]).await;
    assert_eq!(code, Some(0), "{said}");
    without_pin(&world);
}
