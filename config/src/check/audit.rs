//! Sinks of the record.
use super::routes::is_cleartext;
use super::{place, unique_in};
use crate::errata::Errata;
use crate::formats::http_url;
use crate::tree::Node;

pub(super) fn check(root: &Node, errata: &mut Errata) {
    let Some(audit) = root.value("audit") else { return };
    unique_in(audit, "audit.", "sinks", "name", errata);
    for (nth, sink) in audit.items("sinks").iter().enumerate() {
        if !is_cleartext(sink) {
            continue;
        }
        let path = format!("audit.sinks[{nth}]");
        if sink.value("ca").is_some() {
            errata
                .add(place(sink, "ca"), format!("{path}.ca"), "the collector is `http://`")
                .help("write `https://`, or remove `ca`");
        }
        if sink.value("token").is_some() && !is_local(sink) {
            errata
                .add(
                    place(sink, "url"),
                    format!("{path}.url"),
                    "the token would travel in clear text",
                )
                .help("write `https://`, or remove `token`");
        }
    }
}

/// Whether what is sent stays on this machine.
fn is_local(sink: &Node) -> bool {
    let Some(Ok(url)) = sink.text("url").map(http_url) else { return true };
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.to_canonical().is_loopback(),
        None => true,
    }
}
