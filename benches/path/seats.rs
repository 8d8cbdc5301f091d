//! The proxies that take the same calls, each in a process of its own.
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::certificates::Certificates;
use crate::gate::Gate;
use crate::load::Call;
use crate::scene::Scene;
use crate::{itself, pin};

const AGENT: &str = "spiffe://bench.test/agents/reader";
/// How long another proxy may take to start.
const START: Duration = Duration::from_secs(10);

/// A proxy, and how it is called.
pub(crate) struct Seat {
    pub(crate) name: &'static str,
    pub(crate) call: Call,
    runs: Option<Runs>,
}

enum Runs {
    Gate(Gate),
    Other(Other),
}

/// Another proxy, killed when dropped.
struct Other {
    child: Child,
    _dir: TempDir,
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Seat {
    /// Its process, when it has one.
    pub(crate) fn pid(&self) -> Option<u32> {
        match self.runs.as_ref()? {
            Runs::Gate(gate) => Some(gate.child.id()),
            Runs::Other(other) => Some(other.child.id()),
        }
    }

    /// MiB that it holds in memory.
    pub(crate) fn resident(&self) -> Option<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().trim_end_matches(" kB").parse::<f64>().ok().map(|kib| kib / 1024.0)
    }
}

/// What is on in a gate.
struct Guards {
    name: &'static str,
    durability: &'static str,
    rules: usize,
    mtls: bool,
}

/// Rules, limits, inspection and the record cannot be turned off: the least is one rule, and a
/// record that is written when there is time.
const GATES: [Guards; 5] = [
    Guards { name: "gate_least", durability: "memory", rules: 1, mtls: false },
    Guards { name: "gate_rules", durability: "memory", rules: 1000, mtls: false },
    Guards { name: "gate_disk", durability: "disk", rules: 1, mtls: false },
    Guards { name: "gate_mtls", durability: "memory", rules: 1, mtls: true },
    Guards { name: "gate_all", durability: "disk", rules: 1000, mtls: true },
];

/// All of them; those that are not installed are left out, which is said.
pub(crate) fn all(scene: &Scene, upstream: SocketAddr, dir: &Path) -> Vec<Seat> {
    let call = |to: SocketAddr, path: &str| Call::post(to, path, scene.headers(), &scene.request());
    let mut seats = vec![Seat { name: "direct", call: call(upstream, "/up/orders"), runs: None }];
    for (name, start) in [
        ("bare", bare as fn(&Path, SocketAddr, u16) -> Option<Command>),
        ("nginx", nginx),
        ("haproxy", haproxy),
    ] {
        let home = tempfile::Builder::new().prefix("peer-").tempdir_in(dir).expect("a directory");
        let port = free_port();
        let Some(command) = start(home.path(), upstream, port) else {
            eprintln!("{name}: not here, left out");
            continue;
        };
        let mut command = pin::proxy(&command);
        let command = command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().expect("it starts");
        let to = SocketAddr::from(([127, 0, 0, 1], port));
        let other = Other { child, _dir: home };
        listens(to, name);
        seats.push(Seat { name, call: call(to, "/up/orders"), runs: Some(Runs::Other(other)) });
    }
    let certificates = Certificates::new(AGENT);
    for guards in GATES {
        let settings = settings(scene, upstream, &guards);
        let command = pin::proxy(&itself::tollgate());
        let gate = Gate::start(command, dir, (&settings, &rules(guards.rules)), |dir| {
            certificates.write(dir)
        });
        let mut call = call(gate.address, "/up/orders");
        call.tls = guards.mtls.then(|| certificates.client());
        seats.push(Seat { name: guards.name, call, runs: Some(Runs::Gate(gate)) });
    }
    seats
}

/// The bare pass-through, which `make bench` builds beside this.
fn bare(_: &Path, upstream: SocketAddr, port: u16) -> Option<Command> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let built = std::env::var_os("TOLLGATE_BENCH_BARE").map(PathBuf::from);
    let program = built.unwrap_or_else(|| here.join("bare/target/release/bare"));
    let mut command = Command::new(&program);
    command.arg(format!("127.0.0.1:{port}")).arg(upstream.to_string());
    program.is_file().then_some(command)
}

fn nginx(dir: &Path, upstream: SocketAddr, port: u16) -> Option<Command> {
    let program = installed("nginx")?;
    let place = dir.display();
    let text = format!(
        "daemon off; master_process off; worker_processes 1; pid {place}/pid;\n\
         error_log {place}/log crit;\n\
         events {{ worker_connections 2048; }}\n\
         http {{\n\
         access_log off; keepalive_requests 100000000; client_body_buffer_size 64k;\n\
         client_body_temp_path {place}/body; proxy_temp_path {place}/proxy;\n\
         fastcgi_temp_path {place}/f; uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;\n\
         upstream up {{ server {upstream}; keepalive 64; keepalive_requests 100000000; }}\n\
         server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://up;\n\
         proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_buffers 8 64k; }} }}\n\
         }}\n"
    );
    std::fs::write(dir.join("nginx.conf"), text).expect("it is written");
    let mut command = Command::new(program);
    command.arg("-p").arg(dir).arg("-c").arg(dir.join("nginx.conf"));
    Some(command)
}

fn haproxy(dir: &Path, upstream: SocketAddr, port: u16) -> Option<Command> {
    let program = installed("haproxy")?;
    let text = format!(
        "global\n  nbthread 1\n  maxconn 2048\n\
         defaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n\
         \x20 http-reuse always\n\
         frontend in\n  bind 127.0.0.1:{port}\n  default_backend up\n\
         backend up\n  server up {upstream}\n"
    );
    std::fs::write(dir.join("haproxy.cfg"), text).expect("it is written");
    let mut command = Command::new(program);
    command.arg("-db").arg("-f").arg(dir.join("haproxy.cfg"));
    Some(command)
}

fn settings(scene: &Scene, upstream: SocketAddr, guards: &Guards) -> Value {
    let listener = match guards.mtls {
        false => json!({ "type": "plain", "name": "in", "bind": "127.0.0.1:0", "agent": AGENT }),
        true => json!({
            "type": "tls", "name": "in", "bind": "127.0.0.1:0",
            "certificate": "gate.pem", "key": "gate.key", "client_ca": "ca.pem",
        }),
    };
    json!({
        "version": 1,
        "listeners": [listener],
        "agents": [{ "id": AGENT, "trust": "basic", "environment": "bench" }],
        "routes": [{
            "name": "up",
            "match": { "prefix": "/up" },
            "protocol": if scene.mcp { "mcp" } else { "http" },
            "upstream": { "url": format!("http://{upstream}"), "allow_addresses": ["127.0.0.1"] },
        }],
        "policy": { "bundle": "policy.yaml" },
        "audit": { "spool": "spool", "durability": guards.durability },
        "admin": { "bind": "127.0.0.1:0" },
        "limits": { "agent_per_minute": 1_000_000, "agent_tool_per_minute": 1_000_000 },
    })
}

/// A rulebook in which the last rule allows everything, and the others are about other tools.
fn rules(count: usize) -> String {
    let mut text = "version: bench\ngenerated_at: 2026-01-01T00:00:00Z\n\
        expires_at: 2126-01-01T00:00:00Z\ndefaults: { outcome: DENY }\nrules:\n"
        .to_owned();
    for nth in 1..count {
        text.push_str(&format!(
            "- {{ id: other-{nth}, match: {{ protocol: [mcp], tool_name: tool-{nth} }}, outcome: DENY }}\n"
        ));
    }
    text.push_str("- { id: everything, match: { protocol: [http, mcp] }, outcome: ALLOW }\n");
    text
}

fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = [PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")];
    let mut places = std::env::split_paths(&path).chain(more).map(|place| place.join(name));
    places.find(|place| place.is_file())
}

fn free_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("its address").port()
}

fn listens(to: SocketAddr, name: &str) {
    let began = Instant::now();
    while TcpStream::connect(to).is_err() {
        assert!(began.elapsed() < START, "{name} does not listen on {to}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
