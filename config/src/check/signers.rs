//! Who signs the record, and what production does not bear.
use super::place;
use super::routes::{client_identity, is_cleartext};
use crate::errata::Errata;
use crate::formats::is_loopback_url;
use crate::tree::{Kind, Node, Place};

const AT: &str = "audit.signer";

pub(super) fn check(root: &Node, errata: &mut Errata) {
    let Some(audit) = root.value("audit") else { return };
    let nothing = Node { kind: Kind::Map(Vec::new()), place: audit.place.clone(), extent: 0..0 };
    let signer = audit.value("signer").unwrap_or(&nothing);
    if signer.text("kid").is_some_and(|kid| !is_kid(kid)) {
        add(signer, "kid", "it is no key id", errata)
            .help("write 1 to 128 of `A-Z a-z 0-9 . _ : / -`, or leave it out");
    }
    let service = signer.value("service");
    if let Some(service) = service {
        one_signer(signer, errata);
        key_service(service, errata);
    } else if signer.text("events") == Some("service") {
        add(signer, "events", "there is no `service` that could sign events", errata)
            .help("add `service`, or remove `events`");
    }
    if service.is_none() && signer.flag("require_service") {
        add(signer, "require_service", "a key service is required, and there is none", errata)
            .help("add `audit.signer.service`: `aws_kms`, `signing_proxy` or `pkcs11`");
    }
    if root.text("environment") == Some("production") && service.is_none() {
        local_in_production(root, signer, errata);
    }
}

/// As the registry of signers has them.
fn is_kid(word: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._:/-".contains(&b);
    (1..=128).contains(&word.len()) && word.bytes().all(plain)
}

fn one_signer(signer: &Node, errata: &mut Errata) {
    if signer.value("key").is_some() {
        add(signer, "key", "`service` signs already", errata)
            .help("remove `key`, or remove `service`");
    }
}

fn local_in_production(root: &Node, signer: &Node, errata: &mut Errata) {
    if !signer.flag("danger_local_in_production") {
        let message = "in production the record is not signed by a key in a local file";
        errata
            .add(place(root, "environment"), AT, message)
            .help("add `audit.signer.service`, or say `danger_local_in_production: true` there");
    } else if signer.value("key").is_none() {
        let message = "in production no key is made: `audit.signer.key` is missing";
        errata.add(signer.place.clone(), format!("{AT}.key"), message).help("name a key's file");
    }
}

fn key_service(service: &Node, errata: &mut Errata) {
    let at = format!("{AT}.service");
    client_identity(service, &at, errata);
    if is_cleartext_key(service, "url") || is_cleartext_key(service, "endpoint") {
        let key = if service.value("url").is_some() { "url" } else { "endpoint" };
        errata
            .add(
                place(service, key),
                format!("{at}.{key}"),
                "what signs would be asked in clear text",
            )
            .help("write `https://`; `http://` is for loopback");
    }
    if is_cleartext(service)
        && (service.value("ca").is_some() || service.value("client_key").is_some())
    {
        errata
            .add(place(service, "url"), format!("{at}.url"), "TLS is set up, but it is `http://`")
            .help("write `https://`");
    }
    let payload = service.text("form") == Some("payload");
    for key in ["hashes", "key_id"] {
        let says = service.flag(key) || service.text(key).is_some();
        if service.text("type") == Some("signing_proxy") && says && !payload {
            errata
                .add(place(service, key), format!("{at}.{key}"), "only the form `payload` has it")
                .help("write `form: payload`, or remove it");
        }
    }
}

/// Whether the URL under a key leaves this machine without TLS.
fn is_cleartext_key(service: &Node, key: &str) -> bool {
    service.text(key).is_some_and(|url| url.starts_with("http://") && !is_loopback_url(url))
}

fn add<'a>(
    signer: &Node,
    key: &str,
    message: &str,
    errata: &'a mut Errata,
) -> &'a mut crate::errata::Draft {
    let at: Place = place(signer, key);
    errata.add(at, format!("{AT}.{key}"), message)
}
