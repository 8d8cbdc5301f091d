//! curl at the TLS listener: who gets in, and who does not get past the handshake.
use std::path::Path;

use tokio::process::Command;

use crate::authority::{Authority, Identity};
use crate::gate::{AGENT, Gate, Tools};
use crate::peer::{self, Ended};

/// A call of the stateless generation, so that one request is a whole conversation.
const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"curl","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}"#;

/// The TLS handshake failed, or the connection died of an alert while reading: a TLS 1.3 client may
/// send its request in the flight that holds its certificate (RFC 8446, figure 1), so that curl
/// learns of the refusal only when it waits for the answer (56), or still sends (55). Newer curls
/// have a code of their own for a certificate that was asked for and not given (98).
const HANDSHAKE: [i32; 4] = [35, 55, 56, 98];
/// The server's certificate is signed by nobody we trust.
const UNTRUSTED: [i32; 1] = [60];

/// One POST of `LIST`; the status is the last line of the output.
async fn post(gate: &Gate, authority: &Path, client: Option<&Identity>, words: &[&str]) -> Ended {
    let mut curl = Command::new("curl");
    // `--disable` comes first: no settings of the person who runs this.
    curl.args(["--disable", "--silent", "--show-error", "--noproxy", "*", "--max-time", "30"]);
    curl.args(["--write-out", "\n%{http_code} %{http_version}", "--data-binary", LIST]);
    for header in [
        "Content-Type: application/json",
        "Accept: application/json, text/event-stream",
        "MCP-Protocol-Version: 2026-07-28",
        "Mcp-Method: tools/list",
    ] {
        curl.args(["--header", header]);
    }
    curl.arg("--cacert").arg(authority);
    if let Some(client) = client {
        curl.arg("--cert").arg(&client.certificate).arg("--key").arg(&client.key);
    }
    peer::run(curl.args(words).arg(gate.tls_url()), peer::DEADLINE).await
}

async fn gate() -> (Tools, Gate) {
    let tools = Tools::demo().await;
    let gate = Gate::strict(&tools).await;
    (tools, gate)
}

/// The words that choose a version of TLS and HTTP, and the HTTP version that must come out.
const VERSIONS: [(&[&str], &str); 4] = [
    (&["--tlsv1.3", "--http1.1"], "1.1"),
    (&["--tls-max", "1.2", "--http1.1"], "1.1"),
    (&["--tlsv1.3", "--http2"], "2"),
    (&["--tls-max", "1.2", "--http2"], "2"),
];

#[tokio::test]
async fn a_registered_certificate_gets_in() {
    let (_tools, gate) = gate().await;
    let client = gate.authority.client("walker", AGENT);
    for (words, version) in VERSIONS {
        let ended = post(&gate, &gate.authority.certificate, Some(&client), words).await;
        assert_eq!(ended.code, Some(0), "{words:?}: {}", ended.stderr);
        let (body, status) = ended.stdout.rsplit_once('\n').unwrap();
        assert_eq!(status, format!("200 {version}"), "{words:?}: {body}");
        assert!(body.contains("get_weather"), "{words:?}: {body}");
        assert!(!body.contains("delete_branch"), "{words:?}: {body}");
    }
}

#[tokio::test]
async fn no_certificate_ends_at_the_handshake() {
    let (_tools, gate) = gate().await;
    for (words, _) in VERSIONS {
        let ended = post(&gate, &gate.authority.certificate, None, words).await;
        refused(&ended, &HANDSHAKE, words);
    }
}

#[tokio::test]
async fn another_authoritys_certificate_ends_at_the_handshake() {
    let (_tools, gate) = gate().await;
    let stranger = Authority::new(gate.dir(), "stranger").client("walker", AGENT);
    for (words, _) in VERSIONS {
        let ended = post(&gate, &gate.authority.certificate, Some(&stranger), words).await;
        refused(&ended, &HANDSHAKE, words);
    }
}

/// The certificate is good, but its name is in no registry.
#[tokio::test]
async fn an_unknown_name_is_answered_nothing_of_use() {
    let (_tools, gate) = gate().await;
    let nobody = gate.authority.client("nobody", "spiffe://peers.test/agents/nobody");
    let ended = post(&gate, &gate.authority.certificate, Some(&nobody), &["--http1.1"]).await;
    if ended.code == Some(0) {
        let (body, status) = ended.stdout.rsplit_once('\n').unwrap();
        assert!(["401 1.1", "403 1.1"].contains(&status), "{status}: {body}");
        assert!(!body.contains("get_weather"), "{body}");
    } else {
        refused(&ended, &HANDSHAKE, &["--http1.1"]);
    }
}

#[tokio::test]
async fn a_client_that_does_not_know_the_gates_authority_leaves() {
    let (_tools, gate) = gate().await;
    let client = gate.authority.client("walker", AGENT);
    let stranger = Authority::new(gate.dir(), "stranger");
    for (words, _) in VERSIONS {
        let ended = post(&gate, &stranger.certificate, Some(&client), words).await;
        refused(&ended, &UNTRUSTED, words);
    }
}

fn refused(ended: &Ended, codes: &[i32], words: &[&str]) {
    let code = ended.code.expect("curl ends by itself");
    assert!(codes.contains(&code), "{words:?}: exit {code}: {}", ended.stderr);
    // No answer at all: `000` is curl's word for no status.
    assert!(ended.stdout.trim_start().starts_with("000"), "{words:?}: {}", ended.stdout);
}

/// curl over a unix socket: it is known by its user.
#[tokio::test]
async fn a_user_on_a_unix_socket_gets_in() {
    let upstream = tollgate_tests::Upstream::start().await;
    let uid = rustix::process::geteuid().as_raw();
    let mut world = tollgate_tests::World::builder()
        .route("up", "/up", &upstream.url())
        .set("/listeners/0", serde_json::json!({ "type": "unix", "name": "u", "path": "u.sock" }))
        .set("/agents/0/uids", serde_json::json!([uid]))
        .start()
        .await;
    let ask = async |world: &tollgate_tests::World, version: &str| {
        let mut curl = Command::new("curl");
        curl.args(["--disable", "--silent", "--show-error", "--max-time", "30", version]);
        curl.args(["--write-out", "\n%{http_code}", "--unix-socket"]).arg(world.path("u.sock"));
        peer::run(curl.arg("http://localhost/up/ok"), peer::DEADLINE).await
    };
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let ended = ask(&world, version).await;
        assert!(ended.stdout.ends_with("\n200"), "{version}: {} {}", ended.stdout, ended.stderr);
    }
    world.set("/agents/0/uids", serde_json::json!([uid + 1]));
    assert!(world.reload().await);
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let ended = ask(&world, version).await;
        assert!(
            ended.stdout.contains("IDENTITY_UNKNOWN"),
            "{version}: {} {}",
            ended.stdout,
            ended.stderr
        );
        assert!(ended.stdout.ends_with("\n403"), "{version}: {} {}", ended.stdout, ended.stderr);
    }
}
