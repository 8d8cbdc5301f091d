//! A server that programs are sent to, and the relay that they are sent through.
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// Every program's head is shorter.
const HEAD_BYTES: usize = 16 * 1024;
const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";

/// An HTTPS server on loopback, of an authority that nobody but the gate trusts.
pub(super) struct Site {
    pub(super) name: String,
    pub(super) port: u16,
    /// Its authority's certificate.
    pub(super) authority: PathBuf,
    seen: Arc<Seen>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    arrived: AtomicUsize,
    paths: Mutex<BTreeSet<String>>,
}

impl Site {
    pub(super) async fn open(folder: &Path) -> std::io::Result<Self> {
        let (name, address) = name().await;
        let (config, authority) = identity(&name).map_err(std::io::Error::other)?;
        let place = folder.join("site-ca.pem");
        std::fs::write(&place, authority)?;
        let listener = TcpListener::bind((address, 0)).await?;
        let port = listener.local_addr()?.port();
        let seen = Arc::new(Seen::default());
        let serving = tokio::spawn(serve(listener, config.into(), Arc::clone(&seen)));
        Ok(Self { name, port, authority: place, seen, serving })
    }

    /// How many connections were made to it, whatever became of them.
    pub(super) fn arrived(&self) -> usize {
        self.seen.arrived.load(Ordering::SeqCst)
    }

    /// Whether it was asked for this path or something below it.
    pub(super) fn heard(&self, path: &str) -> bool {
        self.seen.paths.lock().iter().any(|heard| heard.starts_with(path))
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The machine's own name when that is on loopback, since many programs never use a proxy for
/// `localhost`.
async fn name() -> (String, IpAddr) {
    let own = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let own = own.trim().to_ascii_lowercase();
    if own != "localhost"
        && tollgate_rules::Host::parse(&own).is_ok_and(|host| host.address().is_none())
        && let Ok(found) = tokio::net::lookup_host((own.as_str(), 0)).await
    {
        let found = found.map(|address| address.ip()).collect::<Vec<_>>();
        if let Some(first) = found.first().filter(|_| found.iter().all(IpAddr::is_loopback)) {
            return (own.clone(), *first);
        }
    }
    ("localhost".to_owned(), Ipv4Addr::LOCALHOST.into())
}

type Fault = Box<dyn std::error::Error + Send + Sync>;

fn identity(name: &str) -> Result<(Arc<rustls::ServerConfig>, String), Fault> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    // A leaf of the same name would be taken for one that signed itself.
    params.distinguished_name.push(DnType::CommonName, "tollgate doctor's site");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let authority = params.self_signed(&key)?.pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate()?;
    let leaf = CertificateParams::new(vec![name.to_owned()])?.signed_by(&key, &issuer)?;
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![leaf.into()], key.into())?;
    Ok((Arc::new(config), authority))
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, seen: Arc<Seen>) {
    while let Ok((io, _)) = listener.accept().await {
        seen.arrived.fetch_add(1, Ordering::SeqCst);
        let (tls, seen) = (tls.clone(), Arc::clone(&seen));
        tokio::spawn(async move {
            // Whoever does not trust it leaves in the handshake, which is what is looked for.
            let Ok(mut io) = tls.accept(io).await else { return };
            let mut head = Vec::new();
            let mut part = [0; 1024];
            while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < HEAD_BYTES {
                match io.read(&mut part).await {
                    Ok(read) if read > 0 => head.extend(part.iter().take(read)),
                    _ => return,
                }
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            if let Some(path) = head.split(' ').nth(1) {
                seen.paths.lock().insert(path.to_owned());
            }
            let _ = io.write_all(ANSWER).await;
            let _ = io.shutdown().await;
        });
    }
}

/// Counts what comes to the gate, and passes it on.
pub(super) struct Front {
    pub(super) address: SocketAddr,
    came: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Front {
    pub(super) async fn open(gate: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let came = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&came);
        let serving = tokio::spawn(async move {
            while let Ok((mut io, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut on = TcpStream::connect(gate).await?;
                    tokio::io::copy_bidirectional(&mut io, &mut on).await
                });
            }
        });
        Ok(Self { address, came, serving })
    }

    /// How many connections were made to the gate.
    pub(super) fn came(&self) -> usize {
        self.came.load(Ordering::SeqCst)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
