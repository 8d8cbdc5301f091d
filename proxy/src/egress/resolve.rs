//! Names to addresses, resolved by the gate itself and never a second time.
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use tollgate_config::settings;
use tollgate_rules::Code;

use super::{Destination, ranges};

/// How many addresses of one name are looked at; a longer answer is no honest one.
const ADDRESSES_MAX: usize = 64;

/// A resolver that cannot be built.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up name resolution: {0}; name DNS servers under `resolver.servers`")]
pub struct ResolverFault(String);

/// A destination that may not or cannot be connected to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unreachable {
    /// The refusal's code.
    pub code: Code,
    /// The forbidden range's name, when that is why.
    pub range: Option<&'static str>,
}

/// The gate's resolver.
#[derive(Debug)]
pub struct Resolver {
    inner: TokioResolver,
    timeout: Duration,
}

impl Resolver {
    /// Builds the resolver; the system's configuration is read when no servers are named.
    pub fn new(settings: &settings::Resolver) -> Result<Self, ResolverFault> {
        let fault = |error: hickory_resolver::net::NetError| ResolverFault(error.to_string());
        let mut builder = if settings.servers.is_empty() {
            TokioResolver::builder_tokio().map_err(fault)?
        } else {
            let servers = settings.servers.iter().map(|ip| NameServerConfig::udp_and_tcp(*ip));
            let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        let options = builder.options_mut();
        options.timeout = Duration::from_millis(settings.timeout_ms);
        options.attempts = 1;
        options.cache_size = settings.cache_entries;
        // An answer is believed for five minutes at most, whatever its TTL says.
        options.positive_max_ttl = Some(Duration::from_secs(300));
        let timeout = Duration::from_millis(settings.timeout_ms.saturating_mul(2));
        Ok(Self { inner: builder.build().map_err(fault)?, timeout })
    }

    /// Finds the addresses of a destination, every one of them checked. One forbidden address
    /// refuses the whole answer: a name that mixes public and private addresses is either broken
    /// or an attack.
    pub async fn resolve(
        &self,
        to: &Destination,
        own: &[SocketAddr],
    ) -> Result<Vec<SocketAddr>, Unreachable> {
        let addresses = match to.host.address() {
            Some(address) => vec![address],
            None => self.look_up(to).await?,
        };
        let mut checked = Vec::with_capacity(addresses.len());
        for address in addresses {
            if let Err(forbidden) = ranges::check(address, &to.allow_addresses) {
                let range = Some(forbidden.range());
                return Err(Unreachable { code: Code::AddressForbidden, range });
            }
            let socket = SocketAddr::new(address, to.port);
            if own.iter().any(|bound| is_own(*bound, socket)) {
                return Err(Unreachable {
                    code: Code::AddressForbidden,
                    range: Some("the gate itself"),
                });
            }
            checked.push(socket);
        }
        Ok(checked)
    }

    async fn look_up(&self, to: &Destination) -> Result<Vec<IpAddr>, Unreachable> {
        let failed = Unreachable { code: Code::DnsFailed, range: None };
        let name = to.host.name().ok_or_else(|| failed.clone())?;
        let answer = tokio::time::timeout(self.timeout, self.inner.lookup_ip(name)).await;
        let Ok(Ok(answer)) = answer else { return Err(failed) };
        let addresses = answer.iter().take(ADDRESSES_MAX + 1).collect::<Vec<_>>();
        match addresses.len() {
            0 => Err(failed),
            1..=ADDRESSES_MAX => Ok(addresses),
            _ => Err(failed),
        }
    }
}

/// Whether connecting there would come back to one of the gate's own listeners.
fn is_own(bound: SocketAddr, to: SocketAddr) -> bool {
    let local = |ip: IpAddr| ip.is_loopback() || ip.is_unspecified();
    bound.port() == to.port() && (bound.ip() == to.ip() || local(to.ip()) && local(bound.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_listeners_are_recognised() {
        let own = |bound: &str, to: &str| is_own(bound.parse().unwrap(), to.parse().unwrap());
        assert!(own("127.0.0.1:7000", "127.0.0.1:7000"));
        assert!(own("0.0.0.0:7000", "127.0.0.1:7000"));
        assert!(own("127.0.0.1:7000", "127.0.0.2:7000"));
        assert!(own("[::]:7000", "[::1]:7000"));
        assert!(!own("127.0.0.1:7000", "127.0.0.1:7001"));
        assert!(!own("127.0.0.1:7000", "10.0.0.1:7000"));
    }
}
