//! Where the tool server listens, and under which names it may be called.

use std::net::SocketAddr;

/// The names by which a machine calls itself.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// An address to bind and the host names that requests may carry.
#[derive(Clone, Debug)]
pub struct Place {
    /// The address to listen at; port 0 takes any free port.
    pub bind: SocketAddr,
    names: Vec<String>,
}

impl Place {
    /// Also answers requests whose `Host` is `name`, as a container's service name is.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    pub(super) fn hosts(&self) -> impl Iterator<Item = String> + '_ {
        let own = self.bind.ip();
        let own = (!own.is_unspecified()).then(|| own.to_string());
        LOOPBACK.into_iter().map(String::from).chain(own).chain(self.names.iter().cloned())
    }

    pub(super) fn origins(&self) -> impl Iterator<Item = String> + '_ {
        self.hosts().map(|host| match host.contains(':') {
            true => format!("http://[{host}]:*"),
            false => format!("http://{host}:*"),
        })
    }
}

impl From<SocketAddr> for Place {
    fn from(bind: SocketAddr) -> Self {
        Self { bind, names: Vec::new() }
    }
}

/// Why the tool server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address could not be had.
    #[error("cannot listen at `{address}`")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// A table of made-up answers, compiled in, is not well formed.
    #[error("the table `{table}` of made-up answers is not well formed")]
    Fixture {
        /// The file's name.
        table: &'static str,
        /// Where and what.
        source: serde_json::Error,
    },
    /// The state between two rounds of questions could not be given a seal.
    #[error("cannot seal the state between two rounds of questions")]
    Seal(#[source] rmcp::model::RequestStateError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_origins_follow_the_address_and_the_names() {
        let cases = [
            ("127.0.0.1:0", None, "tools", false),
            ("0.0.0.0:0", Some("tools"), "tools", true),
            ("10.1.2.3:80", None, "10.1.2.3", true),
            ("0.0.0.0:0", None, "0.0.0.0", false),
        ];
        for (bind, name, host, answered) in cases {
            let place = Place::from(bind.parse::<SocketAddr>().unwrap());
            let place = name.map_or(place.clone(), |name| place.named(name));
            assert_eq!(place.hosts().any(|each| each == host), answered, "{bind} {host}");
            assert!(place.origins().any(|each| each == "http://[::1]:*"), "{bind}");
        }
    }
}
