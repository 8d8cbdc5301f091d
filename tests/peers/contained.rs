//! `run --contain`: a hostile script tries every way past the gate, and nothing arrives.
use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use crate::gate::{Tools, binary};
use crate::peer::{self, DEADLINE, Ended};

/// What is there to be reached, and how often it was.
struct Outside {
    told: serde_json::Value,
    reached: Arc<[AtomicUsize; 5]>,
}

const WAYS: [&str; 5] = ["tcp", "tcp6", "udp", "udp6", "abstract"];

fn serve(
    counts: &Arc<[AtomicUsize; 5]>,
    at: usize,
    mut next: impl FnMut() -> bool + Send + 'static,
) {
    let counts = Arc::clone(counts);
    std::thread::spawn(move || {
        while next() {
            counts[at].fetch_add(1, Ordering::SeqCst);
        }
    });
}

impl Outside {
    fn open(admin: u16, url: &str) -> Self {
        let reached: Arc<[AtomicUsize; 5]> = Arc::default();
        let tcp = TcpListener::bind("0.0.0.0:0").unwrap();
        let tcp6 = TcpListener::bind("[::1]:0").unwrap();
        let udp = UdpSocket::bind("0.0.0.0:0").unwrap();
        let udp6 = UdpSocket::bind("[::1]:0").unwrap();
        let name = format!("tollgate-contained-{}", tcp.local_addr().unwrap().port());
        let place = SocketAddr::from_abstract_name(&name).unwrap();
        let unix = UnixListener::bind_addr(&place).unwrap();
        // The address that this machine would leave by; no packet is sent for that.
        let way = UdpSocket::bind("0.0.0.0:0").unwrap();
        let address = match way.connect("192.0.2.1:9") {
            Ok(()) => way.local_addr().unwrap().ip().to_string(),
            Err(_) => "127.0.0.1".to_owned(),
        };
        let told = json!({
            "tcp": tcp.local_addr().unwrap().port(),
            "tcp6": tcp6.local_addr().unwrap().port(),
            "udp": udp.local_addr().unwrap().port(),
            "udp6": udp6.local_addr().unwrap().port(),
            "abstract": name,
            "admin": admin,
            "address": address,
            "device": "lo",
            "url": url,
        });
        serve(&reached, 0, move || tcp.accept().is_ok());
        serve(&reached, 1, move || tcp6.accept().is_ok());
        serve(&reached, 2, move || udp.recv(&mut [0; 64]).is_ok());
        serve(&reached, 3, move || udp6.recv(&mut [0; 64]).is_ok());
        serve(&reached, 4, move || unix.accept().is_ok());
        Self { told, reached }
    }

    fn counts(&self) -> Vec<(&'static str, usize)> {
        WAYS.into_iter()
            .zip(self.reached.iter().map(|count| count.load(Ordering::SeqCst)))
            .collect()
    }
}

/// A gate's configuration whose admin port is known to the script.
fn configure(folder: &Path, tools: u16) -> u16 {
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let admin = free();
    let config = json!({
        "version": 1,
        "listeners": [{ "type": "plain", "name": "agent", "bind": "127.0.0.1:0", "agent": "a" }],
        "agents": [{ "id": "a" }],
        "forward_proxy": {
            "hosts": ["127.0.0.1"], "ports": [tools], "allow_addresses": ["127.0.0.0/8"],
            "intercept": { "certificate": "ca/gate.pem" },
        },
        "policy": { "bundle": "policy.yaml" },
        "audit": { "spool": "spool" },
        "admin": { "bind": format!("127.0.0.1:{admin}") },
    });
    let policy = json!({
        "version": "1", "generated_at": "2026-01-01T00:00:00Z", "expires_at": "2099-01-01T00:00:00Z",
        "rules": [], "defaults": { "outcome": "ALLOW" },
    });
    fs::write(folder.join("tollgate.yaml"), config.to_string()).unwrap();
    fs::write(folder.join("policy.yaml"), policy.to_string()).unwrap();
    admin
}

async fn hostile(folder: &Path, outside: &Outside, contain: bool) -> Ended {
    let script = peer::root().join("tests/peers/contained.py");
    let mut command = Command::new(binary());
    command.args(["run", "--config", "tollgate.yaml"]).args(contain.then_some("--contain"));
    command.args(["--", "python3"]).arg(script).arg(outside.told.to_string());
    command.env("SSH_AUTH_SOCK", "/no/agent").env("DOCKER_HOST", "unix:///no/engine");
    peer::run(command.current_dir(folder), DEADLINE).await
}

#[tokio::test]
async fn nothing_gets_past_the_gate() {
    let tools = Tools::demo().await;
    let url = tools.url("_seen");
    let port = url.split(':').nth(2).unwrap().split('/').next().unwrap().parse().unwrap();
    let folder = TempDir::new().unwrap();
    let admin = configure(folder.path(), port);

    // Without containment the script gets everywhere: it is no strawman.
    let outside = Outside::open(admin, &url);
    let ended = hostile(folder.path(), &outside, false).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(outside.counts().iter().all(|(_, count)| *count > 0), "{:?}", outside.counts());
    assert!(ended.stdout.contains("admin sent"), "{}", ended.stdout);
    assert!(ended.stdout.contains("SSH_AUTH_SOCK /no/agent"), "{}", ended.stdout);

    let outside = Outside::open(admin, &url);
    let ended = hostile(folder.path(), &outside, true).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(outside.counts().iter().all(|(_, count)| *count == 0), "{:?}", outside.counts());
    for way in [
        "tcp",
        "tcp address",
        "tcp6",
        "admin",
        "packet",
        "abstract",
        "enter parent",
        "inherited",
        "vsock",
        "uring",
    ] {
        assert!(ended.stdout.contains(&format!("{way} stopped")), "{way}: {}", ended.stdout);
    }
    for door in ["SSH_AUTH_SOCK", "DOCKER_HOST"] {
        assert!(ended.stdout.contains(&format!("{door} not handed on")), "{}", ended.stdout);
    }
    // The way that is meant works.
    assert!(ended.stdout.contains("gate 200"), "{}{}", ended.stdout, ended.stderr);
}

/// Where no namespace can be made, the command does not run at all.
#[tokio::test]
async fn what_cannot_be_contained_is_not_started() {
    let folder = TempDir::new().unwrap();
    // A namespace in which no further one may be made.
    let script = format!(
        "echo 0 > /proc/sys/user/max_user_namespaces && exec {} run --allow a.test --record kept \
         --contain -- touch {}",
        binary().display(),
        folder.path().join("ran").display(),
    );
    let mut command = Command::new("unshare");
    command.args(["-r", "sh", "-c", &script]).current_dir(folder.path());
    let ended = peer::run(&mut command, DEADLINE).await;
    assert_eq!(ended.code, Some(125), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("The command was not started"), "{}", ended.stderr);
    assert!(!folder.path().join("ran").exists());
}
