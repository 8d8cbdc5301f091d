//! Names to addresses, resolved by the gate itself and never a second time.
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_proto::rr::{RData, Record};
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use ipnet::IpNet;
use tollgate_config::settings::{self, DnsServer, Encryption};
use tollgate_rules::{Code, Host};

use super::onward::{Onward, ToServers};
use super::{Destination, ranges};

/// How many addresses of one name are looked at; a longer answer is no honest one.
const ADDRESSES_MAX: usize = 64;
/// How many names of a chain are told.
const CHAIN_MAX: usize = 16;
/// How long it is believed at most that there is no such name.
const NOTHING_LASTS: Duration = Duration::from_secs(30);

/// A resolver that cannot be built.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up name resolution: {0}; name DNS servers under `resolver.servers`")]
pub struct ResolverFault(String);

/// Why a destination may not or cannot be connected to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unreachable {
    /// An address of it is in a range that is refused, which is named.
    Forbidden(&'static str),
    /// There is no such name.
    NoName,
    /// The name has no address.
    NoAddress,
    /// More addresses than an honest answer has.
    TooMany,
    /// No server answered in time, or well.
    Unanswered,
}

impl Unreachable {
    /// The refusal's code.
    pub fn code(self) -> Code {
        match self {
            Self::Forbidden(_) => Code::AddressForbidden,
            _ => Code::DnsFailed,
        }
    }

    /// What the operator may know. Never content.
    pub fn detail(self) -> &'static str {
        match self {
            Self::Forbidden(range) => range,
            Self::NoName => "there is no such name",
            Self::NoAddress => "the name has no address",
            Self::TooMany => "more addresses than are looked at",
            Self::Unanswered => "no answer from the DNS servers",
        }
    }
}

/// What a name was resolved to, every address checked.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Resolved {
    /// The addresses.
    pub addresses: Vec<IpAddr>,
    /// The names that the first one stands for (CNAME), in order.
    pub chain: Vec<String>,
    /// For how long it may be believed.
    pub lasts: Duration,
}

/// The servers that the settings name.
fn name_servers(settings: &settings::Resolver) -> Vec<NameServerConfig> {
    let at = |server: &DnsServer, connections: Vec<ConnectionConfig>| {
        let with_port = |mut connection: ConnectionConfig| {
            connection.port = server.port.unwrap_or(connection.port);
            connection
        };
        let connections = connections.into_iter().map(with_port).collect();
        NameServerConfig::new(server.ip, true, connections)
    };
    let plain = settings
        .servers
        .iter()
        .map(|server| at(server, vec![ConnectionConfig::udp(), ConnectionConfig::tcp()]));
    let encrypted = settings.encrypted.iter().map(|server| {
        let name = Arc::from(server.name.as_str());
        let connection = match server.over {
            Encryption::Tls => ConnectionConfig::tls(name),
            Encryption::Https => {
                ConnectionConfig::https(name, Some(Arc::from(server.path.as_str())))
            }
        };
        at(&server.address, vec![connection])
    });
    plain.chain(encrypted).collect()
}

/// The gate's resolver.
#[derive(Debug)]
pub struct Resolver {
    inner: hickory_resolver::Resolver<ToServers>,
    timeout: Duration,
}

impl Resolver {
    /// Builds the resolver; the system's configuration is read when no servers are named.
    /// Servers that are asked over TLS or HTTPS are reached as `onward` says.
    pub fn new(settings: &settings::Resolver, onward: Onward) -> Result<Self, ResolverFault> {
        let fault = |error: hickory_resolver::net::NetError| ResolverFault(error.to_string());
        let servers = name_servers(settings);
        // No proxy leads to a server that is asked in clear text: most answers come by UDP.
        let onward = if settings.encrypted.is_empty() { Onward::default() } else { onward };
        let way = ToServers::new(onward);
        let mut builder = if servers.is_empty() {
            hickory_resolver::Resolver::builder(way).map_err(fault)?
        } else {
            let config = ResolverConfig::from_parts(None, Vec::new(), servers);
            hickory_resolver::Resolver::builder_with_config(config, way)
        };
        if !settings.encrypted.is_empty() {
            let tls = crate::ledger::tls::connector(settings.ca.as_deref(), None);
            let tls = tls.map_err(|reason| ResolverFault(format!("`resolver.ca`: {reason}")))?;
            builder = builder.with_tls_config(tls.config().as_ref().clone());
        }
        let options = builder.options_mut();
        options.timeout = Duration::from_millis(settings.timeout_ms);
        options.attempts = 1;
        options.cache_size = settings.cache_entries;
        // An answer is believed for a while at most, whatever its TTL says.
        let longest = Duration::from_secs(settings.cache_seconds);
        options.positive_max_ttl = Some(longest);
        options.negative_max_ttl = Some(longest.min(NOTHING_LASTS));
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
    ) -> Result<(Vec<SocketAddr>, Resolved), Unreachable> {
        self.sockets((&to.host, to.port), &to.allow_addresses, own).await
    }

    /// The same for a host and port.
    pub(super) async fn sockets(
        &self,
        (host, port): (&Host, u16),
        wanted: &[IpNet],
        own: &[SocketAddr],
    ) -> Result<(Vec<SocketAddr>, Resolved), Unreachable> {
        let resolved = self.ask(host, wanted).await?;
        let ordered = taking_turns(&resolved.addresses);
        let sockets = ordered.map(|address| SocketAddr::new(address, port)).collect::<Vec<_>>();
        if sockets.iter().any(|socket| own.iter().any(|bound| is_own(*bound, *socket))) {
            return Err(Unreachable::Forbidden("the gate itself"));
        }
        Ok((sockets, resolved))
    }

    /// Finds the addresses of a host and checks every one of them.
    pub async fn ask(&self, host: &Host, wanted: &[IpNet]) -> Result<Resolved, Unreachable> {
        let resolved = match host.address() {
            Some(address) => Resolved { addresses: vec![address], ..Resolved::default() },
            None => self.look_up(host).await?,
        };
        for address in &resolved.addresses {
            ranges::check(*address, wanted)
                .map_err(|forbidden| Unreachable::Forbidden(forbidden.range()))?;
        }
        Ok(resolved)
    }

    async fn look_up(&self, host: &Host) -> Result<Resolved, Unreachable> {
        let name = host.name().ok_or(Unreachable::NoName)?;
        let answer = tokio::time::timeout(self.timeout, self.inner.lookup_ip(name)).await;
        let answer = answer.map_err(|_| Unreachable::Unanswered)?.map_err(|error| {
            match (error.is_nx_domain(), error.is_no_records_found()) {
                (true, _) => Unreachable::NoName,
                (_, true) => Unreachable::NoAddress,
                _ => Unreachable::Unanswered,
            }
        })?;
        let addresses = answer.iter().take(ADDRESSES_MAX + 1).collect::<Vec<_>>();
        let lasts = answer.valid_until().saturating_duration_since(Instant::now());
        match addresses.len() {
            0 => Err(Unreachable::NoAddress),
            1..=ADDRESSES_MAX => {
                Ok(Resolved { addresses, chain: chain(answer.as_lookup().answers()), lasts })
            }
            _ => Err(Unreachable::TooMany),
        }
    }
}

/// The families in turn, the first one's first (RFC 8305 section 4), so that a family that leads
/// nowhere does not use up all attempts.
fn taking_turns(addresses: &[IpAddr]) -> impl Iterator<Item = IpAddr> {
    let first = addresses.first().is_some_and(IpAddr::is_ipv4);
    let (ours, others) =
        addresses.iter().copied().partition::<Vec<_>, _>(|address| address.is_ipv4() == first);
    let mut turns = Vec::with_capacity(addresses.len());
    let (mut ours, mut others) = (ours.into_iter(), others.into_iter());
    loop {
        match (ours.next(), others.next()) {
            (None, None) => return turns.into_iter(),
            (one, other) => turns.extend(one.into_iter().chain(other)),
        }
    }
}

/// The names that an answer leads through, in its order, which servers make that of the chain.
fn chain(answers: &[Record]) -> Vec<String> {
    let names = answers.iter().filter_map(|record| match &record.data {
        RData::CNAME(name) => Some(name.to_ascii().trim_end_matches('.').to_ascii_lowercase()),
        _ => None,
    });
    let mut chain = Vec::new();
    for name in names {
        // The answers about both families tell the same.
        if !chain.contains(&name) && chain.len() < CHAIN_MAX {
            chain.push(name);
        }
    }
    chain
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
    fn families_take_turns() {
        let turns = |list: &[&str]| {
            let list = list.iter().map(|ip| ip.parse().unwrap()).collect::<Vec<IpAddr>>();
            taking_turns(&list).map(|ip| ip.to_string()).collect::<Vec<_>>()
        };
        let six = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1", "192.0.2.2"];
        let expect = ["2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2", "2001:db8::3"];
        assert_eq!(turns(&six), expect);
        assert_eq!(turns(&["192.0.2.1", "192.0.2.2"]), ["192.0.2.1", "192.0.2.2"]);
        assert_eq!(turns(&["192.0.2.1", "2001:db8::1"]), ["192.0.2.1", "2001:db8::1"]);
        assert!(turns(&[]).is_empty());
    }

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
