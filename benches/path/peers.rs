//! Proxies of others, and the bare pass-through, each in a process of its own.
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::certificates::Certificates;
use crate::pin;

/// How long one may take to start.
const START: Duration = Duration::from_secs(10);

/// A running one, killed when dropped.
pub(crate) struct Other {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    _dir: TempDir,
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What it shall do.
pub(crate) struct Wish<'a> {
    pub(crate) upstream: SocketAddr,
    /// Mutual TLS towards agents.
    pub(crate) tls: Option<&'a Certificates>,
    /// Events are passed on one by one.
    pub(crate) streams: bool,
}

/// How one is started on a port with what it needs in a directory; nothing when it is not installed.
pub(crate) type Start = fn(&Path, u16, &Wish<'_>) -> Option<Command>;

impl Other {
    /// Starts one; `None`, which is said, when it is not installed.
    pub(crate) fn start(name: &str, start: Start, dir: &Path, wish: &Wish<'_>) -> Option<Self> {
        let home = tempfile::Builder::new().prefix("peer-").tempdir_in(dir).expect("a directory");
        if let Some(certificates) = wish.tls {
            certificates.write(home.path());
        }
        let port = free_port();
        let Some(command) = start(home.path(), port, wish) else {
            eprintln!("{name}: not here, left out");
            return None;
        };
        let mut command = pin::proxy(&command);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("it starts");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let other = Self { child, address, _dir: home };
        listens(address, name);
        Some(other)
    }
}

/// The bare pass-through, which `make bench` builds beside this.
pub(crate) fn bare(_: &Path, port: u16, wish: &Wish<'_>) -> Option<Command> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let built = std::env::var_os("TOLLGATE_BENCH_BARE").map(PathBuf::from);
    let program = built.unwrap_or_else(|| here.join("bare/target/release/bare"));
    let mut command = Command::new(&program);
    command.arg(format!("127.0.0.1:{port}")).arg(wish.upstream.to_string());
    program.is_file().then_some(command)
}

pub(crate) fn nginx(dir: &Path, port: u16, wish: &Wish<'_>) -> Option<Command> {
    let program = installed("nginx")?;
    let (place, upstream) = (dir.display(), wish.upstream);
    let (ssl, tls) = match wish.tls {
        None => ("", String::new()),
        Some(_) => (
            " ssl",
            format!(
                "ssl_certificate {place}/gate.pem; ssl_certificate_key {place}/gate.key;\n\
                 ssl_client_certificate {place}/ca.pem; ssl_verify_client on; ssl_protocols TLSv1.3;\n"
            ),
        ),
    };
    let buffering = if wish.streams { "off" } else { "on" };
    let text = format!(
        "daemon off; master_process off; worker_processes 1; pid {place}/pid;\n\
         error_log {place}/log crit;\n\
         events {{ worker_connections 2048; }}\n\
         http {{\n\
         access_log off; keepalive_requests 100000000; client_body_buffer_size 64k;\n\
         client_body_temp_path {place}/body; proxy_temp_path {place}/proxy;\n\
         fastcgi_temp_path {place}/f; uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;\n\
         upstream up {{ server {upstream}; keepalive 64; keepalive_requests 100000000; }}\n\
         server {{ listen 127.0.0.1:{port}{ssl};\n{tls} proxy_buffering {buffering}; location / {{ proxy_pass http://up;\n\
         proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_buffers 8 64k; }} }}\n\
         }}\n"
    );
    std::fs::write(dir.join("nginx.conf"), text).expect("it is written");
    let mut command = Command::new(program);
    command.arg("-p").arg(dir).arg("-c").arg(dir.join("nginx.conf"));
    Some(command)
}

pub(crate) fn haproxy(dir: &Path, port: u16, wish: &Wish<'_>) -> Option<Command> {
    let upstream = wish.upstream;
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

fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = [PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")];
    let mut places = std::env::split_paths(&path).chain(more).map(|place| place.join(name));
    places.find(|place| place.is_file())
}

pub(crate) fn free_port() -> u16 {
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
