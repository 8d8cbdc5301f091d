//! The variables that other signers of one platform obey, honoured beside the file: which key
//! signs, and what a start must refuse.
//!
//! A variable never makes a start laxer than the file: where the two differ, that is a mistake.
use crate::errata::Errata;
use crate::overrides::put;
use crate::tree::{Kind, Node, Place};

/// Every name, and what it means.
pub(crate) const VARIABLES: [(&str, &str); 9] = [
    (
        "AUDIT_SIGNING_KEY_SOURCE",
        "`local`, `kms`, `signing-proxy` or `pkcs11`; must agree with the file",
    ),
    ("AUDIT_SIGNING_KMS_KEY_ID", "`audit.signer.service.key_id`, of type `aws_kms`"),
    ("AUDIT_SIGNER_KID", "`audit.signer.kid`"),
    ("SIGNING_PROXY_URL", "`audit.signer.service.url`, of type `signing_proxy`"),
    ("SIGNING_PROXY_API_KEY", "the bearer token for it; read when it is used"),
    ("REQUIRE_KMS", "`true` is `audit.signer.require_service`"),
    (
        "REQUIRE_MTLS",
        "`true` refuses plain listeners, and a signing proxy without a client certificate",
    ),
    ("DEV_SKIP_MTLS", "`true` is refused in production and with `REQUIRE_MTLS`"),
    ("DEV_ALLOW_EPHEMERAL", "`false` refuses to make a key at first start"),
];

/// Where the signer's settings are.
const SIGNER: [&str; 2] = ["audit", "signer"];

/// Puts what the variables say into the tree, and says what they forbid.
pub(crate) fn apply(root: &mut Node, environment: &[(String, String)], errata: &mut Errata) {
    let said = Said { environment };
    if let Some(kid) = said.text("AUDIT_SIGNER_KID") {
        put(root, &steps(&["kid"]), text("AUDIT_SIGNER_KID", kid));
    }
    source(root, &said, errata);
    if said.flag("REQUIRE_KMS", errata) == Some(true) {
        let flag = Node::from_variable("REQUIRE_KMS", Kind::Flag(true));
        put(root, &steps(&["require_service"]), flag);
    }
    mtls(root, &said, errata);
    if said.flag("DEV_ALLOW_EPHEMERAL", errata) == Some(false) && is_ephemeral(root) {
        let place = Place::Variable("DEV_ALLOW_EPHEMERAL".to_owned());
        errata
            .add(place, "audit.signer.key", "no key may be made at start, and none is named")
            .help("name `audit.signer.key` or `audit.signer.service`");
    }
}

/// The variables that are set to something.
struct Said<'a> {
    environment: &'a [(String, String)],
}

impl Said<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.environment.iter().find(|(known, _)| known == name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    fn flag(&self, name: &str, errata: &mut Errata) -> Option<bool> {
        match self.text(name)?.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" => Some(true),
            "0" | "false" | "no" => Some(false),
            _ => {
                errata
                    .add(Place::Variable(name.to_owned()), "", "it is neither `true` nor `false`")
                    .help("write `true` or `false`");
                None
            }
        }
    }
}

/// Which key signs: the file's service, or one that the variables alone name.
fn source(root: &mut Node, said: &Said<'_>, errata: &mut Errata) {
    let named = said.text("AUDIT_SIGNING_KEY_SOURCE").map(str::to_ascii_lowercase);
    let named = named.as_deref().map(|word| match word {
        "local" | "file" => Ok("local"),
        "kms" | "aws-kms" | "aws_kms" => Ok("aws_kms"),
        "proxy" | "signing-proxy" | "signing_proxy" => Ok("signing_proxy"),
        "pkcs11" | "hsm" => Ok("pkcs11"),
        _ => Err(()),
    });
    let place = |name: &str| Place::Variable(name.to_owned());
    // The variable that says so, for whoever has to mend it.
    let (by, source) = match named {
        Some(Err(())) => {
            errata
                .add(place("AUDIT_SIGNING_KEY_SOURCE"), "audit.signer", "it is no source of keys")
                .help("write `local`, `kms`, `signing-proxy` or `pkcs11`");
            return;
        }
        Some(Ok(source)) => ("AUDIT_SIGNING_KEY_SOURCE", source),
        None if said.text("AUDIT_SIGNING_KMS_KEY_ID").is_some() => {
            ("AUDIT_SIGNING_KMS_KEY_ID", "aws_kms")
        }
        None if said.text("SIGNING_PROXY_URL").is_some() => ("SIGNING_PROXY_URL", "signing_proxy"),
        None => return,
    };
    let variables: &[(&str, &str)] = match source {
        "aws_kms" => &[("AUDIT_SIGNING_KMS_KEY_ID", "key_id")],
        "signing_proxy" => &[("SIGNING_PROXY_URL", "url")],
        _ => &[],
    };
    let in_file = signer(root).and_then(|signer| signer.value("service"));
    let in_file = in_file.map(|service| service.text("type").unwrap_or_default().to_owned());
    if in_file.is_none() && !variables.iter().any(|(name, _)| said.text(name).is_some()) {
        if source != "local" {
            let message = format!("it says `{source}`, but no such service is set up");
            errata
                .add(place(by), "audit.signer.service", message)
                .help("add `audit.signer.service`");
        }
        return;
    }
    if in_file.as_deref().is_some_and(|kind| kind != source) {
        errata
            .add(
                place(by),
                "audit.signer.service",
                format!(
                    "it means `{source}`, and `audit.signer.service` in the file is `{}`",
                    in_file.as_deref().unwrap_or_default()
                ),
            )
            .help("let both name the same signer");
        return;
    }
    for (name, key) in variables {
        let Some(value) = said.text(name) else { continue };
        put(root, &steps(&["service", "type"]), text(name, source));
        put(root, &steps(&["service", key]), text(name, value));
    }
    if source == "signing_proxy" && said.text("SIGNING_PROXY_API_KEY").is_some() {
        let name = "SIGNING_PROXY_API_KEY";
        put(root, &steps(&["service", "api_key", "env"]), text(name, name));
    }
}

fn mtls(root: &Node, said: &Said<'_>, errata: &mut Errata) {
    let required = said.flag("REQUIRE_MTLS", errata) == Some(true);
    let place = |name: &str| Place::Variable(name.to_owned());
    if said.flag("DEV_SKIP_MTLS", errata) == Some(true) {
        let production = root.text("environment") == Some("production");
        if production || required {
            let why = if production { "in production" } else { "with `REQUIRE_MTLS`" };
            errata
                .add(place("DEV_SKIP_MTLS"), "", format!("mTLS is not skipped {why}"))
                .help("unset it");
        }
    }
    if !required {
        return;
    }
    for (nth, listener) in root.items("listeners").iter().enumerate() {
        if listener.text("type") == Some("plain") {
            errata
                .add(place("REQUIRE_MTLS"), "listeners", format!("`listeners[{nth}]` has no mTLS"))
                .help("make it a `tls` listener");
        }
    }
    let service = signer(root).and_then(|signer| signer.value("service"));
    if let Some(service) = service
        && service.text("type") == Some("signing_proxy")
        && service.text("client_certificate").is_none()
    {
        errata
            .add(
                place("REQUIRE_MTLS"),
                "audit.signer.service",
                "`audit.signer.service` shows the signing proxy no certificate",
            )
            .help("add `client_certificate` and `client_key`");
    }
}

fn signer(root: &Node) -> Option<&Node> {
    root.value("audit")?.value("signer")
}

/// Whether the key would be made at first start.
fn is_ephemeral(root: &Node) -> bool {
    signer(root)
        .is_none_or(|signer| signer.value("key").is_none() && signer.value("service").is_none())
}

fn steps(rest: &[&str]) -> Vec<String> {
    SIGNER.iter().chain(rest).map(|step| (*step).to_owned()).collect()
}

fn text(name: &str, value: &str) -> Node {
    Node::from_variable(name, Kind::Text(value.to_owned()))
}
