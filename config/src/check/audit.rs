//! Sinks of the record.
use super::routes::{client_identity, is_cleartext};
use super::{place, unique_in};
use crate::errata::Errata;
use crate::formats::is_loopback_url;
use crate::tree::Node;

pub(super) fn check(root: &Node, errata: &mut Errata) {
    let Some(audit) = root.value("audit") else { return };
    unique_in(audit, "audit.", "sinks", "name", errata);
    unique_in(audit, "audit.", "sinks", "directory", errata);
    one_stdout(audit, errata);
    for (nth, sink) in audit.items("sinks").iter().enumerate() {
        let path = format!("audit.sinks[{nth}]");
        if let Some(tls) = sink.value("tls") {
            client_identity(tls, &format!("{path}.tls"), errata);
        }
        let directory = sink.text("directory");
        if directory.is_some() && directory == audit.text("spool") {
            errata
                .add(
                    place(sink, "directory"),
                    format!("{path}.directory"),
                    "it is `audit.spool` itself",
                )
                .help("an archive has a directory of its own");
        }
        if !is_cleartext(sink) {
            continue;
        }
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

/// Two writers would mix their lines.
fn one_stdout(audit: &Node, errata: &mut Errata) {
    let sinks = audit.items("sinks").iter().enumerate();
    let mut written = sinks.filter(|(_, sink)| sink.text("type") == Some("stdout"));
    let Some((first, _)) = written.next() else { return };
    for (nth, sink) in written {
        errata
            .add(
                place(sink, "type"),
                format!("audit.sinks[{nth}].type"),
                format!("`audit.sinks[{first}]` has the standard output already"),
            )
            .help("there is one standard output");
    }
}

/// Whether what is sent stays on this machine.
fn is_local(sink: &Node) -> bool {
    sink.text("url").is_none_or(is_loopback_url)
}
