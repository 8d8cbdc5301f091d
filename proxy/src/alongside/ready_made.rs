//! The configuration of a developer who gave none.
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde_json::json;
use tempfile::TempDir;
use tollgate_rules::Host;

use crate::outfit::{TrustFault, bundle};

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Hosts that may be reached: `HOST`, `*.HOST`, either with `:PORT`.
    pub hosts: Vec<String>,
    /// Addresses that are refused by default and may be reached.
    pub addresses: Vec<IpNet>,
    /// Whether what rules and inspection find is only told.
    pub observe: bool,
    /// Where the record goes.
    pub record: Option<PathBuf>,
    /// Whom these hosts' certificates may be from.
    pub authorities: Authorities,
}

/// Whose word is taken for an upstream's name.
#[derive(Clone, Debug, Default)]
pub enum Authorities {
    /// The system's.
    #[default]
    System,
    /// Those in these files beside the system's.
    Beside(Vec<PathBuf>),
    /// Those in this file alone.
    Only(PathBuf),
}

/// A configuration in a folder of its own, which goes with this value; the record stays.
#[derive(Debug)]
pub struct ReadyMade {
    folder: TempDir,
    record: PathBuf,
}

impl ReadyMade {
    /// Writes it.
    pub fn write(wish: &Wish) -> std::io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("tollgate-run-").tempdir()?;
        let record = match &wish.record {
            Some(record) => std::path::absolute(record)?,
            None => home().join(uuid::Uuid::new_v4().to_string()),
        };
        // The folder itself is the gate's to make, closed to others.
        if let Some(parent) = record.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let authorities = match &wish.authorities {
            Authorities::System => None,
            Authorities::Only(file) => Some(file.clone()),
            Authorities::Beside(files) => {
                let place = folder.path().join("upstream-ca.pem");
                std::fs::write(&place, beside_the_systems(files)?)?;
                Some(place)
            }
        };
        let settings = settings(wish, authorities.as_deref(), &record)?;
        // JSON is YAML, too.
        std::fs::write(folder.path().join("tollgate.yaml"), format!("{settings:#}\n"))?;
        std::fs::write(folder.path().join("policy.yaml"), POLICY)?;
        Ok(Self { folder, record })
    }

    /// The configuration file.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("tollgate.yaml")
    }

    /// Where files may be put that go with it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the record is.
    pub fn record(&self) -> &Path {
        &self.record
    }
}

/// The XDG base directories say that what a program did goes below the state's.
fn home() -> PathBuf {
    let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")));
    state.unwrap_or_else(std::env::temp_dir).join("tollgate").join("runs")
}

/// The certificates in these files, and the system's.
fn beside_the_systems(files: &[PathBuf]) -> std::io::Result<String> {
    bundle(files).map_err(|fault| {
        let what = match fault {
            TrustFault::NotThere(path) => format!("there is no file `{}`", path.display()),
            fault => fault.to_string(),
        };
        std::io::Error::new(std::io::ErrorKind::InvalidInput, format!("--upstream-ca: {what}"))
    })
}

fn settings(
    wish: &Wish,
    authorities: Option<&Path>,
    record: &Path,
) -> std::io::Result<serde_json::Value> {
    let mut hosts = Vec::new();
    let mut ports = vec![80_u16, 443];
    for entry in &wish.hosts {
        let (host, port) = split(entry)?;
        if !hosts.contains(&host) {
            hosts.push(host);
        }
        if let Some(port) = port.filter(|port| !ports.contains(port)) {
            ports.push(port);
        }
    }
    let addresses = wish.addresses.iter().collect::<std::collections::BTreeSet<_>>();
    let mut forward = json!({
        "hosts": hosts,
        "ports": ports,
        "allow_addresses": addresses,
        "intercept": { "certificate": "intercept-ca.pem" },
    });
    if let (Some(authorities), Some(forward)) = (authorities, forward.as_object_mut()) {
        forward.insert("tls".to_owned(), json!({ "ca": authorities }));
    }
    Ok(json!({
        "version": 1,
        "mode": if wish.observe { "observe" } else { "enforce" },
        "listeners": [
            { "type": "plain", "name": "agent", "bind": "127.0.0.1:0", "agent": "developer" },
        ],
        "agents": [{ "id": "developer", "trust": "basic", "environment": "dev" }],
        "forward_proxy": forward,
        "policy": { "bundle": "policy.yaml" },
        "audit": { "spool": record, "durability": "process" },
        "deadlines": { "drain_ms": 2_000 },
        "admin": { "bind": "127.0.0.1:0" },
        "log": { "level": "error", "format": "text" },
    }))
}

/// `HOST`, `*.HOST`, `HOST:PORT`, `[ADDRESS]:PORT`.
fn split(entry: &str) -> std::io::Result<(String, Option<u16>)> {
    let wrong = || {
        let what = format!("`{entry}` is no host: write HOST, *.HOST or HOST:PORT");
        std::io::Error::new(std::io::ErrorKind::InvalidInput, what)
    };
    let bare = entry.parse::<IpAddr>().is_ok();
    let (host, port) = match entry.rsplit_once(':').filter(|_| !bare && !entry.ends_with(']')) {
        Some((host, port)) => (host, Some(port.parse::<u16>().map_err(|_| wrong())?)),
        None => (entry, None),
    };
    let name = host.strip_prefix("*.").unwrap_or(host);
    if port == Some(0) || name.contains('*') || Host::parse(name).is_err() {
        return Err(wrong());
    }
    Ok((host.to_owned(), port))
}

/// The hosts are the list; what may be said to them is for inspection.
const POLICY: &str = r#"version: "run"
generated_at: "2026-01-01T00:00:00Z"
expires_at: "2099-01-01T00:00:00Z"
rules:
  - id: allowed-hosts
    description: Hosts that the command line allowed
    match: { protocol: [http, mcp] }
    outcome: ALLOW
defaults: { outcome: DENY }
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_as_they_are_written() {
        for (entry, host, port) in [
            ("api.example.org", "api.example.org", None),
            ("*.example.org:8443", "*.example.org", Some(8443)),
            ("[::1]:8443", "[::1]", Some(8443)),
            ("127.0.0.1:1", "127.0.0.1", Some(1)),
        ] {
            assert_eq!(split(entry).unwrap(), (host.to_owned(), port));
        }
        for entry in ["", "*", "a b", "host:", "host:0", "host:70000", "https://host"] {
            assert!(split(entry).is_err(), "{entry}");
        }
    }
}
