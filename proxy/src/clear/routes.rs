//! Which way out a call asks for.
use std::sync::Arc;

use ipnet::IpNet;
use tollgate_config::settings::{
    Elsewhere, ForwardProxy, Handshakes, Health, Route, RouteProtocol, Settings, SignedCards,
};
use tollgate_rules::{Code, Host, Scheme};

use crate::egress::{ClientTls, Destination, Parent};
use crate::listen::{Authority, TlsFault};

/// A route that cannot be built. The config crate reports these with their place; this is the
/// second lock on the same door.
#[derive(Debug, thiserror::Error)]
pub enum RouteFault {
    /// The upstream's URL or the matched host cannot be used.
    #[error("route `{route}`: {reason}")]
    Unusable {
        /// The route.
        route: String,
        /// Why.
        reason: String,
    },
    /// The parent proxy cannot be used.
    #[error("`parent_proxy`: {0}")]
    Parent(String),
    /// The TLS material cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsFault),
}

/// What a call's head asks for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The host the client addressed.
    pub host: &'a Host,
    /// The port it addressed, when it named one.
    pub port: Option<u16>,
    /// The canonical path.
    pub path: &'a str,
    /// The absolute form's scheme, or the one spoken in a tunnel; `None` when the target was in
    /// origin form and the connection is no tunnel.
    pub absolute: Option<Scheme>,
    /// Whether the connection is a tunnel whose TLS the gate has ended.
    pub tunnel: bool,
}

/// What is done with a tunnel.
#[derive(Clone, Debug)]
pub enum Through {
    /// It is looked into, with certificates of this authority.
    Intercepted(Arc<Authority>),
    /// It is passed on as it is.
    Passed(Arc<Destination>),
}

/// The way a call was let onto.
#[derive(Clone, Debug)]
pub struct Way {
    /// Where to.
    pub to: Arc<Destination>,
    /// The path that is forwarded.
    pub path: String,
    /// What a base-URL route says of links in answers; nothing on other ways.
    pub base: Option<Arc<Base>>,
}

impl Way {
    /// The same way for a WebSocket: only HTTP/1.1 can be upgraded (RFC 8441 is not spoken).
    pub fn of_socket(self) -> Self {
        let to = Destination { http2: false, ..Destination::clone(&self.to) };
        Self { to: Arc::new(to), ..self }
    }
}

/// How a base-URL route appears to its callers, and what is done with links in its answers.
#[derive(Debug)]
pub struct Base {
    /// The path below which it is found; empty when it takes all paths.
    pub prefix: String,
    /// What is done with redirects to elsewhere.
    pub redirects_elsewhere: Elsewhere,
    /// What is done with signed cards.
    pub signed_cards: SignedCards,
}

/// The table of ways out.
#[derive(Debug, Default)]
pub struct Routes {
    routes: Vec<Entry>,
    forward: Option<Forward>,
    parent: Option<Arc<Parent>>,
}

#[derive(Debug)]
struct Entry {
    prefix: Option<String>,
    host: Option<Host>,
    to: Arc<Destination>,
    base: Arc<Base>,
    health: Option<Health>,
}

#[derive(Debug)]
struct Forward {
    settings: ForwardProxy,
    hosts: HostList,
    tls: Arc<ClientTls>,
    /// Hosts and path prefixes of MCP.
    mcp: Vec<(Host, String)>,
    authority: Option<Arc<Authority>>,
    passed: HostList,
    parent: Option<Arc<Parent>>,
}

/// Hosts, and everything below some names.
#[derive(Debug, Default)]
pub struct HostList {
    exact: Vec<Host>,
    below: Vec<String>,
}

impl HostList {
    /// Reads the patterns.
    pub fn build(patterns: &[String]) -> Result<Self, RouteFault> {
        let mut list = Self::default();
        for pattern in patterns {
            match pattern.strip_prefix("*.") {
                Some(suffix) => list.below.push(format!(".{}", parse_host(suffix)?)),
                None => list.exact.push(parse_host(pattern)?),
            }
        }
        Ok(list)
    }

    fn holds(&self, host: &Host) -> bool {
        self.chosen(host).is_some()
    }

    /// What `*` stands for in a host of the list, at most; nothing for one that is written out.
    /// `None` for hosts that are not on it.
    pub fn chosen<'h>(&self, host: &'h Host) -> Option<&'h str> {
        if self.exact.contains(host) {
            return Some("");
        }
        let name = host.name()?;
        let rests = self.below.iter().filter_map(|suffix| name.strip_suffix(suffix.as_str()));
        rests.min_by_key(|rest| rest.len())
    }
}

fn parse_host(text: &str) -> Result<Host, RouteFault> {
    Host::parse(text).map_err(|_| RouteFault::Unusable {
        route: "forward_proxy".to_owned(),
        reason: format!("`{text}` is no host"),
    })
}

impl Routes {
    /// Builds the table and reads the TLS material it names.
    /// `before` lends the authority that was made.
    pub fn build(settings: &Settings, before: Option<&Self>) -> Result<Self, RouteFault> {
        let parent = settings.parent_proxy.as_ref().map(Parent::read).transpose()?.map(Arc::new);
        let routes = settings.routes.iter().map(|route| Entry::build(route, parent.as_ref()));
        let routes = routes.collect::<Result<_, _>>()?;
        let authority = before.and_then(Self::authority);
        let forward = settings.forward_proxy.as_ref();
        let forward = forward.map(|forward| Forward::build(forward, authority, parent.as_ref()));
        let forward = forward.transpose()?;
        Ok(Self { routes, forward, parent })
    }

    /// Finds the way for a call, or the reason why there is none.
    pub fn find(&self, asked: Asked<'_>) -> Result<Way, Code> {
        if let Some(scheme) = asked.absolute {
            return self.forward.as_ref().ok_or(Code::EgressBlocked)?.find(scheme, asked);
        }
        self.routes.iter().find_map(|entry| entry.find(asked)).ok_or(Code::EgressBlocked)
    }

    /// What is done with a tunnel to this place, or the reason why there is none.
    pub fn tunnel(&self, host: &Host, port: u16) -> Result<Through, Code> {
        let forward = self.forward.as_ref().ok_or(Code::EgressBlocked)?;
        let authority = forward.authority.as_ref().ok_or(Code::EgressBlocked)?;
        forward.reach(host, port)?;
        Ok(match forward.passed.holds(host) {
            true => Through::Passed(Arc::new(forward.destination(Scheme::Https, host, port, None))),
            false => Through::Intercepted(Arc::clone(authority)),
        })
    }

    /// The proxy that stands before everything outside.
    pub fn parent(&self) -> Option<&Arc<Parent>> {
        self.parent.as_ref()
    }

    /// The authority of interception.
    pub fn authority(&self) -> Option<&Arc<Authority>> {
        self.forward.as_ref()?.authority.as_ref()
    }

    /// Whether an operator named this very host.
    pub fn names(&self, host: &Host) -> bool {
        self.routes.iter().any(|entry| entry.to.host == *host)
            || self.forward.as_ref().is_some_and(|forward| forward.hosts.exact.contains(host))
    }

    /// Whether the forward proxy or a route leads to this host, and what the caller chose of its
    /// name: nothing, where it is written out.
    pub fn named(&self, host: &Host) -> Option<String> {
        let written = |entry: &Entry| entry.host.as_ref() == Some(host) || entry.to.host == *host;
        if self.routes.iter().any(written) {
            return Some(String::new());
        }
        Some(self.forward.as_ref()?.hosts.chosen(host)?.to_owned())
    }

    /// The ranges of addresses that are refused by default and wanted for this host.
    pub fn wanted(&self, host: &Host) -> Vec<IpNet> {
        let routes = self.routes.iter().filter(|entry| entry.to.host == *host);
        let forward = self.forward.as_ref().filter(|forward| forward.hosts.holds(host));
        let forward = forward.map(|forward| &forward.settings.allow_addresses);
        routes.map(|entry| &entry.to.allow_addresses).chain(forward).flatten().copied().collect()
    }

    /// The upstreams that are looked after between calls.
    pub fn looked_after(&self) -> impl Iterator<Item = (&Arc<Destination>, &Health)> {
        self.routes.iter().filter_map(|entry| Some((&entry.to, entry.health.as_ref()?)))
    }

    /// The hosts that routes are addressed by.
    pub fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.routes.iter().filter_map(|entry| entry.host.as_ref())
    }
}

impl Entry {
    fn build(route: &Route, parent: Option<&Arc<Parent>>) -> Result<Self, RouteFault> {
        let unusable = |reason: &str| RouteFault::Unusable {
            route: route.name.clone(),
            reason: reason.to_owned(),
        };
        let url = url::Url::parse(&route.upstream.url)
            .map_err(|_| unusable("`upstream.url` is no URL"))?;
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(unusable("`upstream.url` must begin with http:// or https://")),
        };
        let host = url
            .host_str()
            .and_then(|host| Host::parse(host).ok())
            .ok_or_else(|| unusable("`upstream.url` names no host"))?;
        let matched = match &route.matches.host {
            None => None,
            Some(host) => Some(Host::parse(host).map_err(|_| unusable("`match.host` is no host"))?),
        };
        if route.matches.prefix.is_none() && matched.is_none() {
            return Err(unusable("`match` needs a `prefix` or a `host`"));
        }
        let tls = match scheme {
            Scheme::Https => Some(Arc::new(ClientTls::read(&route.name, &route.upstream.tls)?)),
            Scheme::Http => None,
        };
        let prefix = route.matches.prefix.clone().filter(|prefix| prefix != "/");
        let base = Base {
            prefix: prefix.clone().unwrap_or_default(),
            redirects_elsewhere: route.redirects_elsewhere,
            signed_cards: route.signed_cards,
        };
        Ok(Self {
            prefix,
            base: Arc::new(base),
            health: route.upstream.health.clone(),
            host: matched,
            to: Arc::new(Destination {
                route: route.name.as_str().into(),
                protocol: route.protocol,
                scheme,
                host,
                port: url.port().unwrap_or(scheme.default_port()),
                base_path: url.path().trim_end_matches('/').to_owned(),
                allow_addresses: route.upstream.allow_addresses.clone(),
                tls,
                http2: route.upstream.http2,
                concurrency: route.upstream.concurrency,
                allow_unread_requests: route.allow_unread_requests,
                allow_cookies: route.allow_cookies,
                parent: parent.cloned(),
                allow_websocket: route.protocol == RouteProtocol::Http
                    && route.websocket == Handshakes::Allow,
            }),
        })
    }

    fn find(&self, asked: Asked<'_>) -> Option<Way> {
        if self.host.as_ref().is_some_and(|host| host != asked.host) {
            return None;
        }
        let rest = match &self.prefix {
            None => asked.path,
            Some(prefix) => {
                let rest = asked.path.strip_prefix(prefix.as_str())?;
                // Whole segments only: `/tools` does not catch `/toolshed`.
                if !rest.is_empty() && !rest.starts_with('/') {
                    return None;
                }
                rest
            }
        };
        // A bare base URL is the base path itself, without a slash that nobody wrote.
        let rest = if rest == "/" && !self.to.base_path.is_empty() { "" } else { rest };
        let path = format!("{}{rest}", self.to.base_path);
        let path = if path.is_empty() { "/".to_owned() } else { path };
        Some(Way { to: Arc::clone(&self.to), path, base: Some(Arc::clone(&self.base)) })
    }
}

impl Forward {
    fn build(
        settings: &ForwardProxy,
        before: Option<&Arc<Authority>>,
        parent: Option<&Arc<Parent>>,
    ) -> Result<Self, RouteFault> {
        let mcp = settings.mcp.iter().map(|place| {
            let (host, prefix) = place.split_once('/').unwrap_or((place, ""));
            let prefix = if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
            Ok((parse_host(host)?, prefix))
        });
        let intercept = settings.intercept.as_ref();
        let passed = intercept.map(|intercept| HostList::build(&intercept.pass_through));
        let authority = intercept.map(|intercept| Authority::build(intercept, before));
        Ok(Self {
            hosts: HostList::build(&settings.hosts)?,
            tls: Arc::new(ClientTls::read("forward_proxy", &settings.tls)?),
            mcp: mcp.collect::<Result<_, RouteFault>>()?,
            authority: authority.transpose()?,
            passed: passed.transpose()?.unwrap_or_default(),
            settings: settings.clone(),
            parent: parent.cloned(),
        })
    }

    /// Whether a place may be reached at all.
    fn reach(&self, host: &Host, port: u16) -> Result<(), Code> {
        if !self.hosts.holds(host) {
            return Err(Code::HostNotAllowed);
        }
        if !self.settings.ports.contains(&port) {
            return Err(Code::PortNotAllowed);
        }
        Ok(())
    }

    fn find(&self, scheme: Scheme, asked: Asked<'_>) -> Result<Way, Code> {
        let port = asked.port.unwrap_or(scheme.default_port());
        self.reach(asked.host, port)?;
        // TLS has its own way through a proxy (CONNECT); an `https` target in absolute form would
        // make the gate the only end that checks the certificate without the client knowing.
        if scheme == Scheme::Https && !asked.tunnel {
            return Err(Code::EgressBlocked);
        }
        let to = self.destination(scheme, asked.host, port, Some(asked.path));
        Ok(Way { to: Arc::new(to), path: asked.path.to_owned(), base: None })
    }

    fn destination(
        &self,
        scheme: Scheme,
        host: &Host,
        port: u16,
        path: Option<&str>,
    ) -> Destination {
        let below = |prefix: &str| {
            let rest = path.and_then(|path| path.strip_prefix(prefix));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let mcp = self.mcp.iter().any(|(known, prefix)| known == host && below(prefix));
        let tls = scheme == Scheme::Https;
        Destination {
            route: "forward".into(),
            protocol: if mcp { RouteProtocol::Mcp } else { RouteProtocol::Http },
            scheme,
            host: host.clone(),
            port,
            base_path: String::new(),
            allow_addresses: self.settings.allow_addresses.clone(),
            tls: tls.then(|| Arc::clone(&self.tls)),
            http2: tls && self.settings.http2,
            concurrency: None,
            allow_unread_requests: false,
            allow_cookies: self.settings.allow_cookies,
            parent: self.parent.clone(),
            allow_websocket: !mcp && self.settings.websocket == Handshakes::Allow,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_config::settings::{RouteMatch, Upstream};

    fn route(name: &str, prefix: Option<&str>, host: Option<&str>, url: &str) -> Entry {
        Entry::build(
            &Route {
                name: name.to_owned(),
                matches: RouteMatch {
                    prefix: prefix.map(str::to_owned),
                    host: host.map(str::to_owned),
                },
                protocol: RouteProtocol::Http,
                allow_unread_requests: false,
                allow_cookies: false,
                websocket: Default::default(),
                redirects_elsewhere: Default::default(),
                signed_cards: Default::default(),
                upstream: Upstream {
                    url: url.to_owned(),
                    allow_addresses: Vec::new(),
                    tls: Default::default(),
                    http2: false,
                    concurrency: None,
                    health: None,
                },
            },
            None,
        )
        .unwrap()
    }

    #[test]
    fn base_urls() {
        let routes = Routes {
            parent: None,
            routes: vec![
                route("tools", Some("/tools"), None, "http://tools.test:8080/mcp"),
                route("api", Some("/api"), Some("api.local"), "http://api.test"),
                route("whole", None, Some("whole.local"), "http://whole.test/base/"),
            ],
            forward: None,
        };
        for (host, path, expect) in [
            ("gate.local", "/tools", Ok(("tools", "/mcp"))),
            ("gate.local", "/tools/", Ok(("tools", "/mcp"))),
            ("gate.local", "/tools/x/y", Ok(("tools", "/mcp/x/y"))),
            ("gate.local", "/toolshed", Err(Code::EgressBlocked)),
            ("gate.local", "/api/v1", Err(Code::EgressBlocked)),
            ("api.local", "/api/v1", Ok(("api", "/v1"))),
            ("api.local", "/api", Ok(("api", "/"))),
            ("whole.local", "/z", Ok(("whole", "/base/z"))),
            ("whole.local", "/", Ok(("whole", "/base"))),
        ] {
            let host = Host::parse(host).unwrap();
            let found =
                routes.find(Asked { host: &host, port: None, path, absolute: None, tunnel: false });
            let found = found.as_ref().map(|way| (&*way.to.route, way.path.as_str()));
            assert_eq!(found.map_err(|code| *code), expect, "{host} {path}");
        }
    }

    #[test]
    fn forward_lists() {
        let forward = Forward::build(
            &ForwardProxy {
                hosts: vec!["api.test".to_owned(), "*.wild.test".to_owned()],
                ports: vec![80, 8080],
                allow_cookies: false,
                websocket: Default::default(),
                allow_addresses: Vec::new(),
                mcp: vec!["api.test/mcp".to_owned()],
                tls: Default::default(),
                http2: true,
                intercept: None,
            },
            None,
            None,
        )
        .unwrap();
        for (host, port, expect) in [
            ("api.test", None, Ok(80)),
            ("api.test", Some(8080), Ok(8080)),
            ("api.test", Some(22), Err(Code::PortNotAllowed)),
            ("a.wild.test", None, Ok(80)),
            ("wild.test", None, Err(Code::HostNotAllowed)),
            ("evilwild.test", None, Err(Code::HostNotAllowed)),
            ("api.test.evil.test", None, Err(Code::HostNotAllowed)),
            ("127.0.0.1", None, Err(Code::HostNotAllowed)),
        ] {
            let host = Host::parse(host).unwrap();
            let absolute = Some(Scheme::Http);
            let asked = Asked { host: &host, port, path: "/", absolute, tunnel: false };
            let found = forward.find(Scheme::Http, asked);
            assert_eq!(
                found.as_ref().map(|way| way.to.port).map_err(|code| *code),
                expect,
                "{host}"
            );
        }
    }
}
