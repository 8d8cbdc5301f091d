//! What one key says about another. Works on the tree, so that a file with mistakes of form shows
//! its mistakes of meaning too; what is malformed was told by the walk and is passed over here.
mod audit;
mod credentials;
mod dlp;
mod forward;
mod listeners;
mod routes;
mod signers;
mod upstreams;

use std::collections::HashMap;

use crate::errata::Errata;
use crate::tree::{Kind, Node, Place};
use crate::words::shown;

/// Checks a whole file.
pub(crate) fn check(root: &Node, errata: &mut Errata) {
    listeners::check(root, errata);
    routes::check(root, errata);
    forward::check(root, errata);
    credentials::check(root, errata);
    audit::check(root, errata);
    dlp::check(root, errata);
    signers::check(root, errata);
    upstreams::check(root, errata);
    known(root, errata);
    bounds(root, errata);
    resolver(root, errata);
}

/// Checks a file of agents.
pub(crate) fn agents(root: &Node, errata: &mut Errata) {
    listeners::agents(root, errata);
}

/// Cleartext beside encryption would be what is asked when encryption is kept from working.
fn resolver(root: &Node, errata: &mut Errata) {
    let Some(resolver) = root.value("resolver") else { return };
    if !resolver.items("servers").is_empty() && !resolver.items("encrypted").is_empty() {
        errata
            .add(
                place(resolver, "servers"),
                "resolver.servers",
                "`resolver.encrypted` names servers, too",
            )
            .help("what is asked encrypted is not asked in cleartext: keep one of the two");
    }
    if resolver.value("ca").is_some() && resolver.items("encrypted").is_empty() {
        errata
            .add(place(resolver, "ca"), "resolver.ca", "nothing is asked encrypted")
            .help("it is for the servers of `resolver.encrypted`: name them, or take it away");
    }
}

/// Findings bear these names, so that each must say which it was.
fn known(root: &Node, errata: &mut Errata) {
    let Some(known) = root.value("dlp").and_then(|dlp| dlp.value("known")) else { return };
    for list in ["records", "documents", "canaries"] {
        unique_in(known, "dlp.known.", list, "name", errata);
    }
}

/// A single body must fit into what all bodies together may hold, or it waits for ever.
fn bounds(root: &Node, errata: &mut Errata) {
    let defaults = crate::settings::Bounds::default();
    let Some(bounds) = root.value("bounds") else { return };
    let number = |key: &str, default: i128| match bounds.value(key) {
        Some(Node { kind: Kind::Integer(number), place, .. }) => (*number, Some(place)),
        _ => (default, None),
    };
    let (total, place) = number("held_bytes_total", i128::from(defaults.held_bytes_total));
    for (key, default) in [
        ("request_body_bytes", defaults.request_body_bytes),
        ("answer_body_bytes", defaults.answer_body_bytes),
    ] {
        let (one, own_place) = number(key, i128::try_from(default).unwrap_or(i128::MAX));
        if one > total {
            let place = own_place.or(place).cloned().unwrap_or(Place::Whole);
            let message = format!(
                "`bounds.{key}`, `{one}`, is more than `bounds.held_bytes_total`, `{total}`"
            );
            errata
                .add(place, format!("bounds.{key}"), message)
                .help("one body must fit into what all bodies together may hold");
        }
    }
}

/// Tells every text under `key` that an earlier item of the list has too.
fn unique(root: &Node, list: &str, key: &str, errata: &mut Errata) {
    unique_in(root, "", list, key, errata);
}

/// The same below `base`, the path of `parent` with its dot.
fn unique_in(parent: &Node, base: &str, list: &str, key: &str, errata: &mut Errata) {
    let mut first: HashMap<&str, usize> = HashMap::new();
    for (nth, item) in parent.items(list).iter().enumerate() {
        let Some(text) = item.text(key) else { continue };
        if let Some(before) = first.get(text) {
            let message = format!("{} is also `{base}{list}[{before}].{key}`", shown(text));
            errata
                .add(place(item, key), format!("{base}{list}[{nth}].{key}"), message)
                .help("each has its own");
        } else {
            first.insert(text, nth);
        }
    }
}

/// The place of a key's value, or of what should have it.
fn place(node: &Node, key: &str) -> Place {
    node.value(key).unwrap_or(node).place.clone()
}
