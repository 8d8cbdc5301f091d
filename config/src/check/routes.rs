//! Routes and their upstreams.
use tollgate_rules::Host;

use super::{place, unique};
use crate::errata::Errata;
use crate::tree::{Kind, Node};

pub(super) fn check(root: &Node, errata: &mut Errata) {
    unique(root, "routes", "name", errata);
    conditions(root, errata);
    svids(root, errata);
    for (nth, route) in root.items("routes").iter().enumerate() {
        if let Some(upstream) = route.value("upstream") {
            tls(upstream, &format!("routes[{nth}].upstream"), errata);
        }
        if route.text("protocol") == Some("mcp") && route.text("websocket") == Some("allow") {
            errata
                .add(
                    place(route, "websocket"),
                    format!("routes[{nth}].websocket"),
                    "no MCP is spoken over WebSocket",
                )
                .help("remove it, or write `protocol: http`");
        }
    }
}

/// What a route takes.
struct Condition<'a> {
    host: Option<String>,
    prefix: Option<&'a str>,
}

impl Condition<'_> {
    /// Whether everything that `other` would take is taken already.
    fn covers(&self, other: &Condition<'_>) -> bool {
        let host = self.host.is_none() || self.host == other.host;
        let prefix = match (self.prefix, other.prefix) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(other)) => {
                other.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
        };
        host && prefix
    }
}

/// Every route has a condition, and no earlier route takes all that it would.
fn conditions(root: &Node, errata: &mut Errata) {
    let mut earlier: Vec<(usize, Condition<'_>)> = Vec::new();
    for (nth, route) in root.items("routes").iter().enumerate() {
        let path = format!("routes[{nth}].match");
        let Some(node) = route.value("match") else { continue };
        let Kind::Map(entries) = &node.kind else { continue };
        if entries.is_empty() {
            errata
                .add(node.place.clone(), path, "neither `prefix` nor `host` is given")
                .help("a route takes the calls of a path prefix, of a host, or of both together");
            continue;
        }
        let host = node.text("host").and_then(|host| Host::parse(host).ok());
        let malformed = node.value("host").is_some() && host.is_none();
        let condition =
            Condition { host: host.map(|host| host.to_string()), prefix: node.text("prefix") };
        if malformed || (condition.host.is_none() && condition.prefix.is_none()) {
            continue;
        }
        if let Some((first, _)) = earlier.iter().find(|(_, other)| other.covers(&condition)) {
            errata
                .add(
                    node.place.clone(),
                    path,
                    format!("no call comes here: `routes[{first}]` takes all of them"),
                )
                .help("the first route that matches takes the call: put the narrower one first");
        }
        earlier.push((nth, condition));
    }
}

/// A client certificate and its key come together, and TLS settings need TLS.
pub(super) fn tls(upstream: &Node, path: &str, errata: &mut Errata) {
    let Some(tls) = upstream.value("tls") else { return };
    let path = format!("{path}.tls");
    client_identity(tls, &path, errata);
    if is_cleartext(upstream) {
        for entry in tls.entries() {
            errata
                .add(
                    entry.place.clone(),
                    format!("{path}.{}", entry.key),
                    "the upstream is `http://`",
                )
                .help("write `https://`, or remove the TLS settings");
        }
    }
}

/// Where the gate's own SVID is shown nothing else is, and there is one.
fn svids(root: &Node, errata: &mut Errata) {
    let mut places = Vec::new();
    for (nth, route) in root.items("routes").iter().enumerate() {
        places.push((route.value("upstream"), format!("routes[{nth}].upstream.tls")));
    }
    places.push((root.value("forward_proxy"), "forward_proxy.tls".to_owned()));
    for (nth, credential) in root.items("credentials").iter().enumerate() {
        let server = credential.value("give").and_then(|give| give.value("server"));
        places.push((server, format!("credentials[{nth}].give.server.tls")));
    }
    for (holder, path) in places {
        let Some(tls) = holder.and_then(|holder| holder.value("tls")) else { continue };
        if !tls.flag("svid") {
            continue;
        }
        for key in ["client_certificate", "client_key"] {
            if tls.value(key).is_some() {
                errata
                    .add(place(tls, key), format!("{path}.{key}"), "`svid` is set, too")
                    .help("the gate shows one certificate: keep one of the two");
            }
        }
        if root.value("workload_api").is_none() {
            errata
                .add(place(tls, "svid"), format!("{path}.svid"), "there is no `workload_api`")
                .help("set `workload_api.socket`");
        }
    }
}

/// Both halves of what a client shows, or neither.
pub(super) fn client_identity(tls: &Node, path: &str, errata: &mut Errata) {
    for (have, need) in [("client_certificate", "client_key"), ("client_key", "client_certificate")]
    {
        if tls.value(have).is_some() && tls.value(need).is_none() {
            errata
                .add(place(tls, have), format!("{path}.{have}"), format!("it needs `{need}`"))
                .help("a certificate is shown with its key, or not at all");
        }
    }
}

/// Whether the URL of this node is `http://`.
pub(super) fn is_cleartext(node: &Node) -> bool {
    let scheme = node.text("url").and_then(|url| url.get(..7));
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"))
}
