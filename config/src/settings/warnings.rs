//! What is allowed and still deserves a word at start.
use ipnet::IpNet;
use tollgate_rules::Host;
use url::Url;

use super::{
    AgentEntry, AtCap, Credential, Direction, DlpAction, Durability, Environment, Listener, Mode,
    NatsSink, PostgresSink, Route, Settings, Sink, TlsListener,
};

impl Settings {
    /// Dangerous or futile things that are legal, as sentences for the log and for `/ready`.
    /// None of them holds a secret.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.mode == Mode::Observe {
            warnings.push(
                "`mode` is `observe`: what rules and inspection refuse passes all the same"
                    .to_owned(),
            );
        }
        self.listeners(&mut warnings);
        self.agents.iter().for_each(|agent| self.unreachable(agent, &mut warnings));
        self.routes.iter().for_each(|route| upstream(route, &mut warnings));
        self.reach(&mut warnings);
        self.credentials.iter().for_each(|one| self.credential(one, &mut warnings));
        self.inspection(&mut warnings);
        self.record(&mut warnings);
        if self.policy.secret.is_none() {
            warnings.push(
                "`policy.secret` is not set: whoever can write the bundle's file makes the rules"
                    .to_owned(),
            );
        }
        warnings
    }

    fn listeners(&self, warnings: &mut Vec<String>) {
        for listener in &self.listeners {
            if let Listener::Plain(plain) = listener
                && plain.danger_allow_remote
            {
                warnings.push(format!(
                    "listener `{}` has `danger_allow_remote`: whoever reaches {} is agent `{}`",
                    plain.name, plain.bind, plain.agent
                ));
            }
            if let Listener::Tls(tls) = listener {
                revocations(tls, warnings);
            }
            let from = listener.proxy_protocol().map(|proxied| proxied.from.as_slice());
            if from.unwrap_or_default().iter().any(|range| range.prefix_len() == 0) {
                warnings.push(format!(
                    "listener `{}` believes everybody (`proxy_protocol.from`): the addresses in the record are what callers say",
                    listener.name()
                ));
            }
        }
    }

    /// An agent that nobody can be.
    fn unreachable(&self, agent: &AgentEntry, warnings: &mut Vec<String>) {
        let spiffe = agent.id.strip_prefix("spiffe://");
        let domain = spiffe.and_then(|id| id.split('/').next());
        let named = agent.certificate.common_name.is_some() || agent.certificate.dns_name.is_some();
        let known = |listener: &Listener| match listener {
            Listener::Tls(tls) => {
                let listed = tls.trust_domains.iter().any(|known| Some(&*known.name) == domain);
                listed || tls.client_ca.is_some() && (named || domain.is_some())
            }
            Listener::Unix(_) if !agent.uids.is_empty() => true,
            bound => bound.agent() == Some(&agent.id),
        };
        if !self.listeners.iter().any(known) {
            warnings.push(format!("no listener can tell that a caller is agent `{}`", agent.id));
        }
    }

    fn reach(&self, warnings: &mut Vec<String>) {
        let Some(proxy) = &self.forward_proxy else { return };
        for host in &proxy.hosts {
            if host.strip_prefix("*.").is_some_and(|suffix| !suffix.contains('.')) {
                warnings.push(format!("`forward_proxy.hosts` opens a whole top level: `{host}`"));
            }
        }
        wide(&proxy.allow_addresses, "`forward_proxy`", warnings);
    }

    fn inspection(&self, warnings: &mut Vec<String>) {
        for (nth, rule) in self.dlp.rules.iter().enumerate() {
            let idle = matches!(rule.action, DlpAction::Allow | DlpAction::Alert)
                // One that asks where the call goes or who calls was written with care.
                && rule.destinations.is_empty()
                && rule.agents.is_empty()
                && rule.roles.is_empty();
            let broad =
                rule.classes.iter().any(|class| class == "*" || class.starts_with("secret."));
            if idle && broad {
                let way = match rule.direction {
                    Some(Direction::Request) => "to upstreams",
                    Some(Direction::Answer) => "to agents",
                    None => "both ways",
                };
                warnings
                    .push(format!("`dlp.rules[{nth}]` lets secrets that were found pass {way}"));
            }
        }
    }

    /// A credential that nobody can get, or that others can read.
    fn credential(&self, credential: &Credential, warnings: &mut Vec<String>) {
        let (id, place) = (&credential.id, &credential.place);
        if place.danger_cleartext {
            warnings.push(format!("credential `{id}` may leave in clear text"));
        }
        let fits = |host: &str| match place.host.strip_prefix('*') {
            Some(suffix) => host.ends_with(suffix),
            None => Host::parse(&place.host).is_ok_and(|own| own.to_string() == host),
        };
        let reached = self.routes.iter().filter_map(|route| host(&route.upstream.url));
        let proxied = self.forward_proxy.iter().flat_map(|proxy| &proxy.hosts);
        if !reached.map(|host| host.to_string()).any(|host| fits(&host))
            && !proxied.into_iter().any(|host| host.starts_with('*') || fits(host))
        {
            warnings.push(format!("no route leads to the host of credential `{id}`"));
        }
    }

    fn signing(&self, warnings: &mut Vec<String>) {
        let signer = &self.audit.signer;
        if signer.key.is_none() && signer.service.is_none() {
            warnings.push(
                "`audit.signer.key` is not set: the record is signed with a development key beside it"
                    .to_owned(),
            );
        }
        if self.environment == Environment::Production && signer.service.is_none() {
            warnings.push(
                "`danger_local_in_production`: whoever reads `audit.signer.key` can write another record"
                    .to_owned(),
            );
        }
    }

    fn record(&self, warnings: &mut Vec<String>) {
        if self.audit.durability == Durability::Process {
            warnings.push(
                "`audit.durability` is `process`: a power cut may lose the last records".to_owned(),
            );
        }
        if self.audit.durability == Durability::Memory {
            warnings.push(
                "`audit.durability` is `memory`: a crash loses the last records, and calls have left without one"
                    .to_owned(),
            );
        }
        if self.audit.at_cap == AtCap::DangerReleaseUndelivered {
            warnings.push(
                "`audit.at_cap` is `danger_release_undelivered`: at the cap events are deleted that sinks lack"
                    .to_owned(),
            );
        }
        self.signing(warnings);
        for sink in &self.audit.sinks {
            match sink {
                Sink::Http(http) if cleartext(&http.url) => warnings.push(format!(
                    "sink `{}` sends the record in clear text over `http://`",
                    http.name
                )),
                Sink::Syslog(syslog)
                    if syslog.tls.is_none() && !syslog.address.ip().is_loopback() =>
                {
                    warnings.push(format!("sink `{}` sends the record in clear text", syslog.name));
                }
                Sink::S3(s3) if s3.endpoint.as_deref().is_some_and(cleartext) => warnings.push(
                    format!("sink `{}` sends the record in clear text over `http://`", s3.name),
                ),
                Sink::Otlp(otlp) if cleartext(&otlp.url) => warnings.push(format!(
                    "sink `{}` sends the record in clear text over `http://`",
                    otlp.name
                )),
                Sink::Nats(NatsSink { name, host, tls: None, .. })
                | Sink::Postgres(PostgresSink { name, host, tls: None, .. })
                    if !is_local(host) =>
                {
                    warnings.push(format!("sink `{name}` sends the record in clear text"));
                }
                Sink::Http(_)
                | Sink::Syslog(_)
                | Sink::Folder(_)
                | Sink::S3(_)
                | Sink::Stdout(_)
                | Sink::Nats(_)
                | Sink::Otlp(_)
                | Sink::Postgres(_) => {}
            }
        }
    }
}

fn revocations(tls: &TlsListener, warnings: &mut Vec<String>) {
    let domains = tls.trust_domains.iter().filter_map(|domain| domain.revocation.as_ref());
    for revocation in domains.chain(&tls.revocation) {
        let mut warn = |key, what| {
            warnings.push(format!("listener `{}` has `revocation.{key}`: {what}", tls.name));
        };
        if revocation.danger_allow_expired {
            warn("danger_allow_expired", "a certificate that was revoked lately may be accepted");
        }
        if revocation.danger_allow_unknown {
            warn("danger_allow_unknown", "an issuer without a list is believed");
        }
    }
}

fn upstream(route: &Route, warnings: &mut Vec<String>) {
    let upstream = &route.upstream;
    if cleartext(&upstream.url) {
        warnings.push(format!("route `{}` speaks clear text to its upstream", route.name));
    }
    wide(&upstream.allow_addresses, &format!("route `{}`", route.name), warnings);
    let Some(address) = host(&upstream.url).and_then(|host| host.address()) else { return };
    let open = |range: &IpNet| range.contains(&address);
    if is_inner(address) && !upstream.allow_addresses.iter().any(open) {
        warnings.push(format!(
            "route `{}`: {address} is refused by default and not in `allow_addresses`, so its calls will be refused",
            route.name
        ));
    }
}

/// Ranges so wide that they switch the check of addresses off.
fn wide(ranges: &[IpNet], who: &str, warnings: &mut Vec<String>) {
    for range in ranges {
        let least = if range.addr().is_ipv4() { 8 } else { 16 };
        if range.prefix_len() < least {
            warnings.push(format!("{who} allows the very wide range {range}"));
        }
    }
}

fn host(url: &str) -> Option<Host> {
    Host::parse(Url::parse(url).ok()?.host_str()?).ok()
}

/// Whether what is sent to this host stays on this machine.
pub(crate) fn is_local(host: &str) -> bool {
    Host::parse(host).is_ok_and(|host| {
        host.name() == Some("localhost") || host.address().is_some_and(|ip| ip.is_loopback())
    })
}

/// Whether a URL leaves this machine without TLS.
fn cleartext(url: &str) -> bool {
    let local = host(url).is_some_and(|host| is_local(&host.to_string()));
    url.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://")) && !local
}

/// The plainest of the addresses that egress refuses by default.
fn is_inner(address: std::net::IpAddr) -> bool {
    match address {
        std::net::IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        std::net::IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
    }
}
