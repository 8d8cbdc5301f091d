//! The proxy for clients that use proxy variables.
use tollgate_rules::Host;

use super::routes::client_identity;
use crate::errata::Errata;
use crate::tree::{Kind, Node};
use crate::words::shown;

pub(super) fn check(root: &Node, errata: &mut Errata) {
    let Some(proxy) = root.value("forward_proxy") else { return };
    if let Some(tls) = proxy.value("tls") {
        client_identity(tls, "forward_proxy.tls", errata);
    }
    let hosts = texts(proxy, "hosts");
    let reached = |host: &str| hosts.iter().any(|(pattern, _)| covers(pattern, host));
    let mut unlisted = |path: String, named: &str, node: &Node, help: &str| {
        errata
            .add(node.place.clone(), path, format!("{} is on no list of hosts", shown(named)))
            .help(help);
    };
    for (nth, (place, node)) in texts(proxy, "mcp").into_iter().enumerate() {
        let host = place.split('/').next().unwrap_or_default();
        if Host::parse(host).is_ok() && !reached(host) {
            let path = format!("forward_proxy.mcp[{nth}]");
            unlisted(path, host, node, "name the host under `forward_proxy.hosts` too");
        }
    }
    let Some(intercept) = proxy.value("intercept") else { return };
    for (nth, (pattern, node)) in texts(intercept, "pass_through").into_iter().enumerate() {
        if !reached(pattern) {
            let path = format!("forward_proxy.intercept.pass_through[{nth}]");
            let help =
                "what is passed through must be reachable: name it under `forward_proxy.hosts` too";
            unlisted(path, pattern, node, help);
        }
    }
}

fn texts<'n>(node: &'n Node, list: &str) -> Vec<(&'n str, &'n Node)> {
    let text = |item: &'n Node| match &item.kind {
        Kind::Text(text) => Some((text.as_str(), item)),
        _ => None,
    };
    node.items(list).iter().filter_map(text).collect()
}

/// Whether everything that `other` means is meant by the pattern.
fn covers(pattern: &str, other: &str) -> bool {
    let lower = |text: &str| text.trim_end_matches('.').to_ascii_lowercase();
    let (pattern, other) = (lower(pattern), lower(other));
    match pattern.strip_prefix('*') {
        Some(suffix) => other.trim_start_matches('*').ends_with(suffix),
        None => pattern == other,
    }
}
