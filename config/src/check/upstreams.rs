//! How upstreams are treated.
use super::place;
use crate::errata::Errata;
use crate::settings::Breaker;
use crate::tree::{Kind, Node};

pub(super) fn check(root: &Node, errata: &mut Errata) {
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
