//! Who signs the record.
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SecretRef, formats};

/// Who signs the record: a key in a file, or a key service.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Signer {
    /// The Ed25519 key's file (PKCS#8 PEM, mode 0600). Made at first start when missing and this
    /// setting and `service` are absent: `<spool>/signing-key.pem`, a development key.
    #[schemars(with = "Option<formats::FilePath>", extend("examples" = ["/etc/tollgate/signing-key.pem"]))]
    pub key: Option<PathBuf>,
    /// The key's id in the signer registry; made from the public key when absent.
    #[schemars(with = "Option<formats::Word>", length(min = 1, max = 128), extend("examples" = ["gate-2026"]))]
    pub kid: Option<String>,
    /// A key that never leaves its service or its hardware, instead of a file.
    pub service: Option<KeyService>,
    /// What the key service signs.
    pub events: EventSigner,
    /// How long a session key signs; its successor is asked for at half of it, and when none came
    /// until its end, calls are refused.
    #[schemars(range(min = 60, max = 604_800))]
    pub session_secs: u64,
    /// How long a signature of the key service may take before calls are refused.
    #[schemars(range(min = 50, max = 60_000))]
    pub deadline_ms: u64,
    /// Do not start without `service`.
    pub require_service: bool,
    /// Let `key` sign in production. Whoever reads that file can write another record.
    pub danger_local_in_production: bool,
}

impl Default for Signer {
    fn default() -> Self {
        Self {
            key: None,
            kid: None,
            service: None,
            events: EventSigner::default(),
            session_secs: 3_600,
            deadline_ms: 2_000,
            require_service: false,
            danger_local_in_production: false,
        }
    }
}

/// See [`Signer::events`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventSigner {
    /// A short-lived key in the gate's memory signs each event, and the service signs that it may:
    /// a signature costs microseconds, and an outage of the service is borne for half a session.
    #[default]
    Session,
    /// The service signs each event itself: one request an event, and no call without the service.
    Service,
}

/// Where a key is that the gate never sees.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum KeyService {
    /// The key management service of AWS.
    AwsKms(AwsKms),
    /// A signing proxy: an HTTP service with one of two small forms.
    SigningProxy(SigningProxy),
    /// A hardware module or token with a PKCS#11 library.
    Pkcs11(Pkcs11),
}

/// The key management service of AWS. Credentials are found as every AWS client finds them:
/// environment, profile, web identity, container, instance.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwsKms {
    /// Id, alias or ARN of a key for signing: Ed25519, ECDSA P-256 or P-384, or RSA.
    #[schemars(with = "formats::Word", length(min = 1, max = 2048), extend("examples" = ["alias/tollgate-audit"]))]
    pub key_id: String,
    /// The region; from the environment when absent.
    #[serde(default)]
    #[schemars(with = "Option<formats::Word>", length(min = 1, max = 64), extend("examples" = ["eu-central-1"]))]
    pub region: Option<String>,
    /// `https://` URL instead of the region's own, such as a VPC endpoint's.
    #[serde(default)]
    #[schemars(with = "Option<formats::Url>", length(min = 1, max = 2048))]
    pub endpoint: Option<String>,
    /// Authorities to trust instead of the system's, PEM.
    #[serde(default)]
    #[schemars(with = "Option<formats::FilePath>")]
    pub ca: Option<PathBuf>,
}

/// A signing proxy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SigningProxy {
    /// `https://` URL that the form's path is put behind; `http://` to loopback only.
    #[schemars(with = "formats::Url", length(min = 1, max = 2048))]
    pub url: String,
    /// What it is sent.
    #[serde(default)]
    pub form: ProxyForm,
    /// The key's public half (SubjectPublicKeyInfo, PEM). Every signature is checked with it.
    #[schemars(with = "formats::FilePath", extend("examples" = ["/etc/tollgate/signing-proxy.pem"]))]
    pub public_key: PathBuf,
    /// Where the bearer token is.
    #[serde(default)]
    pub api_key: Option<SecretRef>,
    /// Which of its keys, in the form `payload`.
    #[serde(default)]
    #[schemars(with = "Option<formats::Word>", length(min = 1, max = 255))]
    pub key_id: Option<String>,
    /// The proxy hashes what it is sent: it is given the bytes under the hash and not the hash, in
    /// the form `payload`. For RSA keys.
    #[serde(default)]
    pub hashes: bool,
    /// Authorities to trust instead of the system's, PEM.
    #[serde(default)]
    #[schemars(with = "Option<formats::FilePath>")]
    pub ca: Option<PathBuf>,
    /// The gate's client certificate chain, PEM. Needs `client_key`.
    #[serde(default)]
    #[schemars(with = "Option<formats::FilePath>")]
    pub client_certificate: Option<PathBuf>,
    /// The gate's client key, PEM. Needs `client_certificate`.
    #[serde(default)]
    #[schemars(with = "Option<formats::FilePath>")]
    pub client_key: Option<PathBuf>,
}

/// See [`SigningProxy::form`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProxyForm {
    /// `POST /sign/hash` with `digest_hex`; answers `signature`.
    #[default]
    Hash,
    /// `POST /sign` with `payload_b64`; answers `signature_b64`.
    Payload,
}

/// A key in a PKCS#11 token.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pkcs11 {
    /// The token's library.
    #[schemars(with = "formats::FilePath", extend("examples" = ["/usr/lib/softhsm/libsofthsm2.so"]))]
    pub module: PathBuf,
    /// The token's label.
    #[schemars(with = "formats::Word", length(min = 1, max = 32), extend("examples" = ["audit"]))]
    pub token: String,
    /// The label of the key pair: Ed25519, ECDSA P-256 or P-384, or RSA.
    #[schemars(with = "formats::Word", length(min = 1, max = 255), extend("examples" = ["audit-2026"]))]
    pub key: String,
    /// Where the user's PIN is.
    pub pin: SecretRef,
}
