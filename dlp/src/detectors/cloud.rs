//! Tokens of clouds and of what watches over them.
use super::{BETTERLEAKS, Detector, Edge, KINGFISHER, lively, token};
use crate::finding::Grade;

pub(crate) const TOKENS: &[Detector] = &[
    Detector {
        source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html",
        after: Edge::Alphanumeric,
        yields: true,
        counter_examples: &[
            "akiaiosfodnn7example",
            "AKIAIOSFODNN7EXAMPLE1",
            "XAKIAIOSFODNN7EXAMPLE",
        ],
        ..token(
            "aws-access-key",
            "secret.aws_access_key",
            "[REDACTED-AWS-ACCESS-KEY]",
            &["akia", "asia", "abia", "acca", "a3t"],
            r"(?:A(?:KI|SI|BI|CC)A|A3T[A-Z0-9])[A-Z0-9]{16}",
            "AWS access key ids",
            &["AKIAIOSFODNN7EXAMPLE", "key ASIA<16A> used"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        longest: 2048,
        ..token(
            "aws-bedrock-key",
            "secret.aws_bedrock_key",
            "[REDACTED-AWS-BEDROCK-KEY]",
            &["absk"],
            "ABSK[A-Za-z0-9+/]{100,}={0,2}",
            "Amazon Bedrock API keys",
            &["ABSK<120>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        check: unpublished,
        ..token(
            "google-api-key",
            "secret.google",
            "[REDACTED-GOOGLE-API-KEY]",
            &["aiza"],
            "AIza[A-Za-z0-9_-]{35}",
            "Google API keys",
            &["AIza<35>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        longest: 2048,
        ..token(
            "google-oauth-token",
            "secret.google",
            "[REDACTED-GOOGLE-TOKEN]",
            &["ya29."],
            r"ya29\.[A-Za-z0-9_-]{20,}",
            "Google OAuth access tokens",
            &["ya29.<60>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "google-oauth-secret",
            "secret.google",
            "[REDACTED-GOOGLE-SECRET]",
            &["gocspx-"],
            "GOCSPX-[A-Za-z0-9_-]{20,}",
            "Google OAuth client secrets",
            &["GOCSPX-<28>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        lead: r#"private_key_id\\{0,4}["']\\{0,4}[ \t]{0,4}:[ \t]{0,4}\\{0,4}["']"#,
        before: Edge::Any,
        ..token(
            "gcp-key-id",
            "secret.google",
            "[REDACTED-GCP-CREDENTIALS]",
            &["private_key_id"],
            r"[A-Za-z0-9]{20,64}",
            "the key id in a Google service account file",
            &["{\"private_key_id\": \"<40x>\"}"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        lead: r#"client_email\\{0,4}["']\\{0,4}[ \t]{0,4}:[ \t]{0,4}\\{0,4}["']"#,
        before: Edge::Any,
        ..token(
            "gcp-service-account",
            "secret.google",
            "[REDACTED-GCP-CREDENTIALS]",
            &["client_email"],
            r"[A-Za-z0-9._-]{1,64}@[a-z0-9.-]{1,64}\.gserviceaccount\.com",
            "the account in a Google service account file",
            &["{\"client_email\": \"test@project.iam.gserviceaccount.com\"}"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        before: Edge::Any,
        ..token(
            "azure-client-secret",
            "secret.azure",
            "[REDACTED-AZURE-SECRET]",
            &["8q~", "7q~", "9q~", "6q~", "5q~"],
            "[5-9]Q~[A-Za-z0-9_.~-]{31,34}",
            "Microsoft Entra client secrets, from their generation mark on",
            &["abc8Q~<34>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "digitalocean-token",
            "secret.digitalocean",
            "[REDACTED-DIGITALOCEAN-TOKEN]",
            &["dop_v1_", "doo_v1_", "dor_v1_"],
            "do[opr]_v1_[a-f0-9]{64}",
            "DigitalOcean tokens",
            &["dop_v1_<64x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "alibaba-access-key",
            "secret.alibaba",
            "[REDACTED-ALIBABA-ACCESS-KEY]",
            &["ltai"],
            "LTAI[A-Za-z0-9]{12,24}",
            "Alibaba Cloud access key ids",
            &["LTAI<20>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "tencent-secret-id",
            "secret.tencent",
            "[REDACTED-TENCENT-SECRET-ID]",
            &["akid"],
            "AKID[A-Za-z0-9]{32}",
            "Tencent Cloud secret ids",
            &["AKID<32>"],
        )
    },
    Detector {
        source: "https://yandex.cloud/en/docs/iam/concepts/authorization/iam-token",
        ..token(
            "yandex-key",
            "secret.yandex",
            "[REDACTED-YANDEX-KEY]",
            &["aqvn"],
            "AQVN[A-Za-z0-9_-]{35,38}",
            "Yandex Cloud API keys",
            &["AQVN<36>"],
        )
    },
    Detector {
        source: "https://yandex.cloud/en/docs/iam/concepts/authorization/iam-token",
        ..token(
            "yandex-iam-token",
            "secret.yandex",
            "[REDACTED-YANDEX-TOKEN]",
            &["t1."],
            r"t1\.[A-Z0-9a-z_-]+=*\.[A-Z0-9a-z_-]{86}=*",
            "Yandex Cloud IAM tokens",
            &["t1.<60>.<86>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "databricks-token",
            "secret.databricks",
            "[REDACTED-DATABRICKS-TOKEN]",
            &["dapi"],
            "dapi[a-f0-9]{32}(?:-[0-9])?",
            "Databricks personal tokens",
            &["dapi<32x>"],
        )
    },
    Detector {
        source: "https://developer.hashicorp.com/vault/docs/concepts/tokens",
        ..token(
            "vault-token",
            "secret.hashicorp",
            "[REDACTED-VAULT-TOKEN]",
            &["hvs.", "hvb."],
            r"hv[sb]\.(?:[A-Za-z0-9_-]{24}|[A-Za-z0-9_-]{80,})",
            "HashiCorp Vault service and batch tokens",
            &["hvs.<90>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        before: Edge::Any,
        ..token(
            "terraform-token",
            "secret.hashicorp",
            "[REDACTED-TERRAFORM-TOKEN]",
            &[".atlasv1."],
            r"\.atlasv1\.[A-Za-z0-9_=-]{60,70}",
            "HCP Terraform tokens, from their mark on",
            &["<14>.atlasv1.<67>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        longest: 2048,
        ..token(
            "flyio-token",
            "secret.flyio",
            "[REDACTED-FLYIO-TOKEN]",
            &["fo1_", "flyv1", "fm1a_", "fm1r_", "fm2_"],
            "(?:fo1_[A-Za-z0-9_-]{43}|(?:FlyV1 )?fm(?:1[ar]|2)_[A-Za-z0-9+/]{100,}={0,3}|FlyV1 [A-Za-z0-9+/=_,-]{100,})",
            "Fly.io access tokens",
            &["fo1_<43>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "heroku-key",
            "secret.heroku",
            "[REDACTED-HEROKU-KEY]",
            &["hrku-"],
            "HRKU-[A-Za-z0-9_-]{36,}",
            "Heroku API keys",
            &["HRKU-<60>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "netlify-token",
            "secret.netlify",
            "[REDACTED-NETLIFY-TOKEN]",
            &["nfp_"],
            "nfp_[A-Za-z0-9_]{36,}",
            "Netlify personal tokens",
            &["nfp_<36>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "vercel-token",
            "secret.vercel",
            "[REDACTED-VERCEL-TOKEN]",
            &["vcp_", "vca_", "vci_", "vcr_", "vck_"],
            "vc[pairk]_[A-Za-z0-9_-]{56}",
            "Vercel tokens",
            &["vcp_<56>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "supabase-token",
            "secret.supabase",
            "[REDACTED-SUPABASE-TOKEN]",
            &["sbp_", "sb_secret_"],
            "(?:sbp_[a-f0-9]{40}|sb_secret_[A-Za-z0-9_-]{20,})",
            "Supabase tokens",
            &["sbp_<40x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "planetscale-token",
            "secret.planetscale",
            "[REDACTED-PLANETSCALE-TOKEN]",
            &["pscale_tkn_", "pscale_pw_", "pscale_oauth_"],
            "pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32,}",
            "PlanetScale tokens and passwords",
            &["pscale_tkn_<43>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "scalingo-token",
            "secret.scalingo",
            "[REDACTED-SCALINGO-TOKEN]",
            &["tk-us-"],
            "tk-us-[A-Za-z0-9_-]{48}",
            "Scalingo API tokens",
            &["tk-us-<48>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        shared: true,
        ..token(
            "cloudflare-origin-key",
            "secret.cloudflare",
            "[REDACTED-CLOUDFLARE-KEY]",
            &["v1.0-"],
            r"v1\.0-[a-f0-9]{24}-[a-f0-9]{146}",
            "Cloudflare origin CA keys",
            &["v1.0-<24x>-<146x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "openshift-token",
            "secret.openshift",
            "[REDACTED-OPENSHIFT-TOKEN]",
            &["sha256~"],
            "sha256~[A-Za-z0-9_-]{43}",
            "OpenShift user tokens",
            &["sha256~<43>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "dynatrace-token",
            "secret.dynatrace",
            "[REDACTED-DYNATRACE-TOKEN]",
            &["dt0c01."],
            r"dt0c01\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{64}",
            "Dynatrace API tokens",
            &["dt0c01.<24A>.<64A>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "grafana-service-token",
            "secret.grafana",
            "[REDACTED-GRAFANA-TOKEN]",
            &["glsa_"],
            "glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}",
            "Grafana service account tokens",
            &["glsa_<32>_<8x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        check: lively,
        longest: 2048,
        ..token(
            "grafana-cloud-token",
            "secret.grafana",
            "[REDACTED-GRAFANA-TOKEN]",
            &["glc_"],
            "glc_[A-Za-z0-9+/]{32,400}={0,3}",
            "Grafana Cloud tokens",
            &["glc_<60>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "newrelic-key",
            "secret.newrelic",
            "[REDACTED-NEWRELIC-KEY]",
            &["nrak-", "nrii-", "nrjs-", "nraa-", "nriq-", "nrsp-", "nrra-"],
            "NR(?:A[AK]-[A-Za-z0-9]{27}|IQ-[A-Za-z0-9_-]{32}|SP-[A-Za-z0-9]{31}|RA-[a-f0-9]{42}|II-[A-Za-z0-9_-]{32}|JS-[a-f0-9]{19})",
            "New Relic keys: user, ingest, browser",
            &["NRAK-<27A>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "sentry-token",
            "secret.sentry",
            "[REDACTED-SENTRY-TOKEN]",
            &["sntrys_eyj", "sntryu_"],
            "(?:sntrys_eyJ[A-Za-z0-9+/=_-]{40,}|sntryu_[a-f0-9]{64})",
            "Sentry tokens: organisation and user",
            &["sntryu_<64x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Name,
        ..token(
            "posthog-key",
            "secret.posthog",
            "[REDACTED-POSTHOG-KEY]",
            &["phx_"],
            "phx_[A-Za-z0-9_-]{41,49}",
            "PostHog personal keys",
            &["phx_<43>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "tailscale-key",
            "secret.tailscale",
            "[REDACTED-TAILSCALE-KEY]",
            &["tskey-"],
            "tskey-[a-z]{2,12}-(?:[A-Za-z0-9]{6,20}-[A-Za-z0-9]{9,40}|[A-Za-z0-9]{20,36})",
            "Tailscale keys",
            &["tskey-api-<12>-<24>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        check: grafana,
        ..token(
            "grafana-api-key",
            "secret.grafana",
            "[REDACTED-GRAFANA-KEY]",
            &["eyjrijoi"],
            "(?i:eyJrIjoi)[A-Za-z0-9+/]{50,}={0,2}",
            "Grafana API keys",
            &["eyJrIjoi<72>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "cockroach-key",
            "secret.cockroachlabs",
            "[REDACTED-COCKROACH-KEY]",
            &["ccdb1_"],
            "CCDB1_[A-Za-z0-9]{22}_[A-Za-z0-9]{40}",
            "CockroachDB Cloud keys",
            &["CCDB1_<22>_<40>"],
        )
    },
    Detector {
        source: "https://hashcat.net/wiki/doku.php?id=example_hashes",
        ..token(
            "oracle-kerberos-hash",
            "secret.krb5",
            "[REDACTED-KERBEROS-HASH]",
            &["$krb5asrep$", "$krb5tgs$"],
            "[$]krb5(?:asrep|tgs)[$][0-9]{2}[$][^ ]{40,}",
            "Kerberos hashes that can be tried offline",
            &["$krb5asrep$23$<32x>$<80x>"],
        )
    },
];

/// The key of Grafana names its organisation; a Power BI address begins the same.
fn grafana(token: &[u8], grade: Grade) -> Option<Grade> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    let whole = token.len() / 4 * 4;
    let plain = STANDARD_NO_PAD.decode(token.get(..whole)?.trim_ascii_end()).ok();
    let other = plain.is_some_and(|plain| memchr::memmem::find(&plain, b"\",\"t\":\"").is_some());
    (!other).then_some(grade)
}

/// Keys that Google publishes for all to see are no secrets of anybody.
fn unpublished(key: &[u8], grade: Grade) -> Option<Grade> {
    let public = PUBLISHED.iter().any(|end| key.ends_with(end.as_bytes()));
    Some(if public { Grade::Possible } else { grade })
}

/// The last letters of the API keys in the sources of the Firebase SDK for Android.
const PUBLISHED: [&str; 16] = [
    "-oo6YyIs", "Eke8agEM", "FnzAvvuU", "HIAODrlU", "KctWmLd4", "R_znhrh0", "VL_n0nvY", "_UUPwX7c",
    "_a_p4wtM", "aOi4FmqE", "fhixbX4A", "jaXeDQgY", "jmdnP5sQ", "JmprNXsw", "rOq1cS7g", "z1234567",
];
