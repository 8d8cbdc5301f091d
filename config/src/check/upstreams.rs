//! How upstreams are treated.
use super::place;
use crate::errata::Errata;
use crate::settings::Breaker;
use crate::tree::{Kind, Node};

pub(super) fn check(root: &Node, errata: &mut Errata) {
    parent(root, errata);
    breaker(root, errata);
}

/// A proxy has no path, and authorities vouch for it in TLS only.
fn parent(root: &Node, errata: &mut Errata) {
    let Some(parent) = root.value("parent_proxy") else { return };
    let url = parent.text("url").unwrap_or_default().to_ascii_lowercase();
    if let Some((scheme, rest)) = url.split_once("://") {
        let mut wrong = |message: &str| {
            errata.add(place(parent, "url"), "parent_proxy.url", message).help(
                "write `http://` or `https://`, host and port of the proxy, and nothing more",
            );
        };
        if rest.trim_end_matches('/').contains('/') {
            wrong("a proxy has no path");
        }
        if scheme != "https" && parent.value("ca").is_some() {
            errata
                .add(place(parent, "ca"), "parent_proxy.ca", "nobody is asked for a certificate")
                .help("it is for a `url` with `https://`: write that, or take it away");
        }
    }
    let user = parent.value("credentials").and_then(|credentials| credentials.text("user"));
    if user.is_some_and(|user| user.contains(':')) {
        errata
            .add(place(parent, "credentials"), "parent_proxy.credentials.user", "it has a colon")
            .help("a colon ends the user (RFC 7617 section 2)");
    }
}

fn breaker(root: &Node, errata: &mut Errata) {
    let Some(breaker) = root.value("upstreams").and_then(|node| node.value("breaker")) else {
        return;
    };
    let defaults = Breaker::default();
    let number = |key: &str, default: u64| match breaker.value(key).map(|node| &node.kind) {
        Some(Kind::Integer(number)) => *number,
        _ => i128::from(default),
    };
    let (first, most) =
        (number("open_ms", defaults.open_ms), number("open_max_ms", defaults.open_max_ms));
    if first > most {
        let key = if breaker.value("open_max_ms").is_some() { "open_max_ms" } else { "open_ms" };
        let message = format!("`open_ms`, `{first}`, is more than `open_max_ms`, `{most}`");
        errata
            .add(place(breaker, key), format!("upstreams.breaker.{key}"), message)
            .help("the circuit is open for `open_ms` first, and for `open_max_ms` at most");
    }
}
