//! Who signs the record, by the file and by the variables that other signers obey.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read and, when asked, write files"
)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]
mod common;

use common::minimal_with;
use tollgate_config::settings::{KeyService, SecretRef};
use tollgate_config::{Settings, read};

const LOCAL: &str = "audit: { spool: spool }";
const KMS: &str = "audit: { spool: spool, signer: { service: { type: aws_kms, key_id: k1 } } }";

/// Reads the smallest file with this record and these variables; the mistakes as one text.
fn with(audit: &str, variables: &[(&str, &str)]) -> Result<Settings, String> {
    let variables: Vec<_> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let text = minimal_with(
        "audit:\n  spool: /var/lib/tollgate/spool",
        audit.strip_prefix("production ").unwrap_or(audit),
    );
    let text = match audit.starts_with("production ") {
        true => format!("{text}\nenvironment: production\n"),
        false => text,
    };
    read(&text, "t.yaml", &variables).map_err(|mistakes| mistakes.render(false))
}

#[test]
fn what_a_start_refuses() {
    let key = "audit: { spool: spool, signer: { key: k.pem } }";
    let danger =
        "audit: { spool: spool, signer: { key: k.pem, danger_local_in_production: true } }";
    let made = "audit: { spool: spool, signer: { danger_local_in_production: true } }";
    let required = "audit: { spool: spool, signer: { require_service: true } }";
    for (audit, variables, expect) in [
        (LOCAL, &[] as &[(&str, &str)], ""),
        (key, &[], ""),
        (&format!("production {LOCAL}"), &[], "not signed by a key in a local file"),
        (&format!("production {key}"), &[], "not signed by a key in a local file"),
        (&format!("production {made}"), &[], "no key is made"),
        (&format!("production {danger}"), &[], ""),
        (&format!("production {KMS}"), &[], ""),
        (required, &[], "a key service is required"),
        (LOCAL, &[("REQUIRE_KMS", "true")], "a key service is required"),
        (LOCAL, &[("REQUIRE_KMS", "false")], ""),
        (LOCAL, &[("REQUIRE_KMS", "on")], "neither `true` nor `false`"),
        (KMS, &[("REQUIRE_KMS", "1")], ""),
        (LOCAL, &[("REQUIRE_KMS", "true"), ("AUDIT_SIGNING_KMS_KEY_ID", "k")], ""),
        (LOCAL, &[("AUDIT_SIGNING_KEY_SOURCE", "kms")], "no such service is set up"),
        (LOCAL, &[("AUDIT_SIGNING_KEY_SOURCE", "paper")], "no source of keys"),
        (LOCAL, &[("AUDIT_SIGNING_KEY_SOURCE", "local")], ""),
        (
            KMS,
            &[("AUDIT_SIGNING_KEY_SOURCE", "local")],
            "it means `local`, and `audit.signer.service`",
        ),
        (KMS, &[("AUDIT_SIGNING_KEY_SOURCE", "KMS")], ""),
        (LOCAL, &[("REQUIRE_MTLS", "true")], "`listeners[0]` has no mTLS"),
        (LOCAL, &[("DEV_SKIP_MTLS", "true")], ""),
        (&format!("production {KMS}"), &[("DEV_SKIP_MTLS", "true")], "not skipped in production"),
        (LOCAL, &[("DEV_SKIP_MTLS", "1"), ("REQUIRE_MTLS", "1")], "with `REQUIRE_MTLS`"),
        (LOCAL, &[("DEV_ALLOW_EPHEMERAL", "false")], "no key may be made"),
        (LOCAL, &[("DEV_ALLOW_EPHEMERAL", "true")], ""),
        (key, &[("DEV_ALLOW_EPHEMERAL", "false")], ""),
        (LOCAL, &[("SIGNING_PROXY_URL", "https://p.example")], "public_key"),
        (
            "audit: { spool: s, signer: { service: { type: aws_kms, key_id: k }, key: k.pem } }",
            &[],
            "`service` signs already",
        ),
        ("audit: { spool: s, signer: { events: service } }", &[], "no `service`"),
        (
            "audit: { spool: s, signer: { service: { type: signing_proxy, public_key: p.pem, url: 'http://p.example' } } }",
            &[],
            "in clear text",
        ),
        (
            "audit: { spool: s, signer: { service: { type: signing_proxy, public_key: p.pem, url: 'https://p.example', hashes: true } } }",
            &[],
            "only the form `payload`",
        ),
        (
            "audit: { spool: s, signer: { service: { type: signing_proxy, public_key: p.pem, url: 'https://p.example' } } }",
            &[("REQUIRE_MTLS", "true")],
            "shows the signing proxy no",
        ),
    ] {
        match (with(audit, variables), expect) {
            (Ok(_), "") => {}
            (Ok(_), _) => panic!("{audit} {variables:?} is accepted"),
            (Err(mistakes), "") => panic!("{audit} {variables:?}: {mistakes}"),
            (Err(mistakes), _) => {
                assert!(mistakes.contains(expect), "{audit} {variables:?}: {mistakes}");
            }
        }
    }
}

#[test]
fn variables_alone_can_name_the_signer() {
    let variables = [("AUDIT_SIGNING_KMS_KEY_ID", "alias/a"), ("AUDIT_SIGNER_KID", "gate-7")];
    let signer = with(LOCAL, &variables).unwrap().audit.signer;
    assert_eq!(signer.kid.as_deref(), Some("gate-7"));
    assert!(matches!(signer.service, Some(KeyService::AwsKms(kms)) if kms.key_id == "alias/a"));
    let proxy = "audit: { spool: s, signer: { service: { type: signing_proxy, public_key: p.pem, url: 'https://a.example' } } }";
    let variables = [("SIGNING_PROXY_URL", "https://b.example"), ("SIGNING_PROXY_API_KEY", "set")];
    let Some(KeyService::SigningProxy(proxy)) =
        with(proxy, &variables).unwrap().audit.signer.service
    else {
        panic!()
    };
    assert_eq!(proxy.url, "https://b.example");
    assert_eq!(proxy.api_key, Some(SecretRef::Env("SIGNING_PROXY_API_KEY".to_owned())));
}
