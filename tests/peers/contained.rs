//! `run --contain`: a hostile script tries every way past the gate, and nothing arrives.
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;
use tollgate_tests::Certificates;

use crate::clients::POLICY;
use crate::gate::{Tools, binary};
use crate::island::{self, Island};
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

/// Tells whoever came that they are outside.
fn answers(listener: &TcpListener) -> bool {
    listener.accept().is_ok_and(|(mut stream, _)| {
        let _ = stream.write_all(b"outside").and_then(|()| stream.read(&mut [0; 64]));
        true
    })
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
        serve(&reached, 0, move || answers(&tcp));
        serve(&reached, 1, move || answers(&tcp6));
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
        "tcp device",
        "tcp6",
        "admin",
        "admin address",
        "udp address",
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

/// A gate's configuration and an upstream's certificate; `home` is where the agent's user may write.
async fn prepared(home: &str) -> (Island, tokio::process::Child) {
    let island = Island::make(&[], "").await;
    for name in ["tools.test", "pinned.test"] {
        island.dns.say(name, &["127.0.0.2"]);
    }
    let authority = &Certificates::shared().authority;
    let server = authority.server(&["tools.test", "pinned.test"]);
    let listener =
        json!({ "type": "plain", "name": "in", "bind": "127.0.0.1:0", "agent": "coder" });
    let mut settings = island::settings(&json!([listener]));
    settings["forward_proxy"]["hosts"] = json!(["tools.test", "pinned.test"]);
    settings["forward_proxy"]["intercept"]["pass_through"] = json!(["pinned.test"]);
    fs::create_dir_all(island.path(&format!("{home}pub"))).unwrap();
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(island.path(&format!("{home}pub")), everybody).unwrap();
    for (name, text) in [
        ("gate.yaml", settings.to_string().as_str()),
        ("policy.yaml", POLICY),
        ("up-ca.pem", &authority.certificate),
    ] {
        island.write(&format!("{home}{name}"), text);
    }
    island.write("up-ca.pem", &authority.certificate);
    island.write("up.pem", &server.certificate);
    island.write("up.key", &server.key);
    let mut upstream = island.command("python3");
    upstream.arg(peer::root().join("tests/peers/roads/server.py"));
    upstream.args(["up.pem", "up.key", "seen.txt", "127.0.0.2:443"]);
    let upstream = island.start(&mut upstream).await;
    (island, upstream)
}

async fn ask_everything(
    island: &Island,
    command: &mut Command,
    config: &str,
) -> BTreeMap<String, String> {
    let script = peer::root().join("tests/peers/obeys_nothing.sh");
    command.args(["run", "--config", config, "--contain", "--", "bash"]).arg(script);
    let ended = island.end(command.arg("/usr/bin/python3").arg(peer::node())).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(!ended.stderr.contains("--contain"), "{}", ended.stderr);
    let lines = ended.stdout.lines().filter_map(|line| line.split_once(": "));
    lines.map(|(name, said)| (name.to_owned(), said.trim().to_owned())).collect()
}

/// Whatever a program does to reach the network, its connections come to the gate.
#[tokio::test]
async fn who_obeys_nothing_is_served() {
    let (island, _upstream) = prepared("").await;
    let said = ask_everything(&island, &mut island.command(binary()), "gate.yaml").await;
    let seen = island.read("seen.txt");
    for name in ["curl", "http2", "python", "node", "v4", "v6", "pinned"] {
        assert!(said[name].contains("made"), "{name}: {said:#?}");
        assert!(seen.contains(&format!("/allowed/{name}\n")), "{name}: {seen}");
    }
    assert!(said["http2"].ends_with("over 2"), "{said:#?}");
    assert_eq!(seen.lines().count(), 7, "{seen}");
    // A port without TLS is one that the upstream does not have: the name counts, and no address.
    assert!(said["metadata"].contains("UPSTREAM_CONNECT"), "{said:#?}");
    assert!(said["unlisted"].contains("HOST_NOT_ALLOWED"), "{said:#?}");
    assert!(said["refused"].contains("POLICY_DENIED"), "{said:#?}");
    for name in ["unlisted-tls", "untrusting"] {
        assert!(said[name].starts_with("curl: (") && !said[name].contains("made"), "{said:#?}");
    }
    assert!(!said["ssh"].contains("SSH-2.0-Open") && !said["ssh"].contains("made"), "{said:#?}");
    for name in ["dns-udp", "dns-tcp", "dns-v6"] {
        assert_eq!(said[name], "code 0 answers 1", "{name}: {said:#?}");
    }
    assert_eq!(said["dns-unlisted"], "code 5 answers 0");
    for name in ["quic", "udp6", "icmp"] {
        assert!(said[name].contains("PermissionError"), "{name}: {said:#?}");
    }
    assert_eq!(said["own"], "200", "{said:#?}");
    assert_eq!(
        island.dns.asked().iter().filter(|name| name.contains("of-mine")).count(),
        0,
        "the name left"
    );

    let recorded = |record: &str, parts: &[&str]| {
        record.lines().filter(|line| parts.iter().all(|part| line.contains(part))).count()
    };
    let others: [(&[&str], &str); 6] = [
        (&["\"call.outcome\"", "\"unread\"", "pinned.test"], "what was not read"),
        (&["HOST_NOT_ALLOWED", "other.test"], "a host of no list"),
        (&["UNREAD_REFUSED", "\"coder\""], "SSH"),
        (&["UNREAD_REFUSED", "\"coder\"", "tools.test"], "a client that trusts somebody else"),
        (&["DNS_REFUSED", "\"coder\""], "a name of no list"),
        (&["\"protocol\":\"dns\"", "\"call.intent\"", "tools.test"], "a name"),
    ];
    let settled = |record: &str| others.iter().all(|(parts, _)| recorded(record, parts) > 0);
    let record = island.record(settled).await;
    for name in ["curl", "http2", "python", "node", "v4", "v6"] {
        let path = format!("\"path\":\"/allowed/{name}\"");
        assert_eq!(recorded(&record, &["\"call.intent\"", "\"coder\"", &path]), 1, "{name}");
    }
    for (parts, what) in others {
        assert!(recorded(&record, parts) > 0, "{what}:\n{record}");
    }
}

/// No root is needed for any of it.
#[tokio::test]
async fn nobodys_programs_are_served_too() {
    let (island, _upstream) = prepared("home/").await;
    let mut command = island.by_mere_agent(binary());
    let said = ask_everything(&island, &mut command, "home/gate.yaml").await;
    // Node.js may lie where this user cannot look.
    for name in ["curl", "python", "v4", "v6"] {
        assert!(said[name].contains("made"), "{name}: {said:#?}");
    }
    assert_eq!(said["dns-udp"], "code 0 answers 1", "{said:#?}");
    // These need no right of root's, and there is none.
    assert!(said["quic"].contains("PermissionError"), "{said:#?}");
    assert!(said["icmp"].contains("PermissionError"), "{said:#?}");
}

/// Without `nft` nobody is led; the command runs, is held, and that is told.
#[tokio::test]
async fn who_cannot_be_led_is_held() {
    let (island, _upstream) = prepared("").await;
    let mut command = island.command("unshare");
    // Every place where it could be is empty.
    let script = format!(
        "for d in /usr/sbin /sbin; do mount -t tmpfs none $(readlink -f $d); done; exec {} run \
         --config gate.yaml --contain -- sh -c 'curl -sS https://tools.test/allowed/obeys; \
         env -i /usr/bin/curl -sS --max-time 5 --cacert $SSL_CERT_FILE https://tools.test/allowed/not'",
        binary().display()
    );
    let ended = island.end(command.args(["--mount", "sh", "-c", &script])).await;
    assert!(
        ended.stderr.contains("programs that obey no variable reach nothing"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("install nftables"), "{}", ended.stderr);
    assert!(
        ended.stdout.contains("made") && ended.code == Some(6),
        "{} {}",
        ended.stdout,
        ended.stderr
    );
    assert_eq!(island.read("seen.txt"), "/allowed/obeys\n");
}
