//! What an agent's command must be given so that its calls come to the gate: the variables that
//! name the proxy, and the files that make it trust what the gate shows.
//!
//! The system's trust store is never touched. A variable that replaces a program's roots names a
//! bundle of the system's roots and the gate's authority; one that adds to them names the
//! authority alone.
mod shells;
mod trust;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use tollgate_config::settings::{Intercept, Listener, Settings};

pub use shells::Shell;
pub use trust::{TrustFault, TrustFiles, bundle};

/// Java wants a password for a store of certificates that everyone may read.
const STORE_PASSWORD: &str = "changeit";

/// A configuration that gives a client of proxy variables nothing to use. Each says what to write.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// No forward proxy at all.
    #[error(
        "the configuration has no `forward_proxy`, so what uses proxy variables would be refused; \
         add:\n\n  forward_proxy:\n    hosts: [api.example.org]\n    intercept:\n      \
         certificate: tls/intercept-ca.pem\n      key: tls/intercept-ca-key.pem\n"
    )]
    NoForwardProxy,
    /// No CONNECT.
    #[error(
        "`forward_proxy` has no `intercept`, so CONNECT is refused and https cannot pass; add \
         below `forward_proxy`:\n\n    intercept:\n      certificate: tls/intercept-ca.pem\n      \
         key: tls/intercept-ca-key.pem\n"
    )]
    NoIntercept,
    /// Variables cannot carry a client certificate.
    #[error(
        "no listener is plain, and proxy variables name no client certificate; add to \
         `listeners`:\n\n    - {{ type: plain, name: agent, bind: \"127.0.0.1:8080\", agent: AGENT }}\n"
    )]
    NoPlainListener,
    /// The port is only known when the gate runs.
    #[error(
        "listener `{0}` takes any free port, which changes at each start; give it one in `bind`, \
         or let `tollgate run -- COMMAND` hand it on"
    )]
    AnyPort(String),
}

/// The interception whose certificate clients are to trust.
pub fn interception(settings: &Settings) -> Result<&Intercept, Unfit> {
    let forward = settings.forward_proxy.as_ref().ok_or(Unfit::NoForwardProxy)?;
    forward.intercept.as_ref().ok_or(Unfit::NoIntercept)
}

/// The listener and interception that clients of proxy variables use.
pub fn ways_in(settings: &Settings) -> Result<(&str, SocketAddr, &Intercept), Unfit> {
    let intercept = interception(settings)?;
    let plain = settings.listeners.iter().find_map(|listener| match listener {
        Listener::Plain(plain) if plain.proxy_protocol.is_none() => {
            Some((plain.name.as_str(), plain.bind))
        }
        _ => None,
    });
    let (name, bind) = plain.ok_or(Unfit::NoPlainListener)?;
    Ok((name, bind, intercept))
}

/// An address that clients on this machine can use, where the listener takes all of them.
pub fn reachable(bind: SocketAddr) -> SocketAddr {
    let address = match bind.ip() {
        IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    SocketAddr::new(address, bind.port())
}

/// Everything that the variables say.
#[derive(Clone, Debug)]
pub struct Outfit {
    /// Where the gate listens; nowhere that a program is told of, when the kernel leads it there.
    pub gate: Option<SocketAddr>,
    /// What to trust.
    pub trust: TrustFiles,
    /// What `JAVA_TOOL_OPTIONS` says already.
    pub java_before: Option<String>,
}

impl Outfit {
    /// For a gate at `gate`, keeping what this process' environment says to Java.
    pub fn new(gate: Option<SocketAddr>, trust: TrustFiles) -> Self {
        let java_before = std::env::var("JAVA_TOOL_OPTIONS").ok();
        Self { gate, trust, java_before }
    }

    /// Names and values, in the order in which they are printed.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let bundle = self.trust.bundle.display().to_string();
        let authority = self.trust.authority.display().to_string();
        let mut variables = self.gate.map(proxied).unwrap_or_default();
        for name in ["NODE_EXTRA_CA_CERTS", "DENO_CERT"] {
            variables.push((name, authority.clone()));
        }
        for name in [
            "SSL_CERT_FILE",
            "REQUESTS_CA_BUNDLE",
            "CURL_CA_BUNDLE",
            "PIP_CERT",
            "GIT_SSL_CAINFO",
            "CARGO_HTTP_CAINFO",
            "AWS_CA_BUNDLE",
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
            "npm_config_cafile",
        ] {
            variables.push((name, bundle.clone()));
        }
        variables.push(("JAVA_TOOL_OPTIONS", self.java()));
        variables
    }

    fn java(&self) -> String {
        let store = self.trust.store.display().to_string();
        let mut words = Vec::new();
        // A second round must not make the variable longer.
        if let Some(before) = self.java_before.as_deref()
            && !before.contains("-Djavax.net.ssl.trustStore=")
            && !before.is_empty()
        {
            words.push(before.to_owned());
        }
        if let Some(gate) = self.gate {
            for scheme in ["http", "https"] {
                words.push(format!("-D{scheme}.proxyHost={}", gate.ip()));
                words.push(format!("-D{scheme}.proxyPort={}", gate.port()));
            }
            words.push("-Dhttp.nonProxyHosts=".to_owned());
        }
        words.push(match store.contains(char::is_whitespace) {
            true => format!("\"-Djavax.net.ssl.trustStore={store}\""),
            false => format!("-Djavax.net.ssl.trustStore={store}"),
        });
        words.push("-Djavax.net.ssl.trustStoreType=PKCS12".to_owned());
        words.push(format!("-Djavax.net.ssl.trustStorePassword={STORE_PASSWORD}"));
        words.join(" ")
    }
}

/// What leads programs to a proxy.
fn proxied(gate: SocketAddr) -> Vec<(&'static str, String)> {
    // curl reads `http_proxy` in lower case only, others prefer either.
    let names =
        ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
    let mut variables = names.map(|name| (name, format!("http://{gate}"))).to_vec();
    variables.push(("NO_PROXY", String::new()));
    variables.push(("no_proxy", String::new()));
    variables.push(("NODE_USE_ENV_PROXY", "1".to_owned()));
    variables
}

/// Where the files beside a certificate are.
fn beside(certificate: &std::path::Path) -> PathBuf {
    certificate.parent().map(std::path::Path::to_owned).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outfit(java_before: Option<&str>) -> Outfit {
        let trust = TrustFiles {
            authority: "/t/ca.pem".into(),
            bundle: "/t/bundle.pem".into(),
            store: "/t/a b.p12".into(),
        };
        let gate = SocketAddr::from(([127, 0, 0, 1], 8080));
        Outfit { gate: Some(gate), trust, java_before: java_before.map(str::to_owned) }
    }

    #[test]
    fn java_keeps_what_it_was_told_and_is_told_once() {
        let java = outfit(Some("-Xmx1g")).java();
        assert!(java.starts_with("-Xmx1g -Dhttp.proxyHost=127.0.0.1 "), "{java}");
        assert!(java.contains("\"-Djavax.net.ssl.trustStore=/t/a b.p12\""), "{java}");
        assert_eq!(outfit(Some(&outfit(None).java())).java(), outfit(None).java());
    }

    #[test]
    fn a_listener_on_every_address_is_reached_on_loopback() {
        for (bind, expect) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("127.0.0.2:80", "127.0.0.2:80"),
        ] {
            assert_eq!(reachable(bind.parse().unwrap()), expect.parse().unwrap());
        }
    }
}
