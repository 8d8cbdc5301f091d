//! A key in AWS KMS: its public half, and signatures made by it.
//!
//! What comes back is decoded and not believed: whoever asked verifies it with the public key that
//! it trusts.
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_TYPE, HeaderName};
use hyper::Request;
use hyper::body::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::super::peer::Answer;
use super::super::sinks::jittered;
use super::credentials::Source;
use super::error::is_throttling;
use super::{AwsError, Place, Service};

/// The longest answer is a public key of some hundred bytes, in base64.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// The pause after the first failure; each further one is twice as long.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
/// No pause is longer.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// One try has half of what is left, so that a connection that hangs leaves time for another, but
/// not less than this: a signature comes in some milliseconds, and a TLS handshake before it.
const TRY_MIN: Duration = Duration::from_secs(1);

/// Which key, and how long to wait for it.
#[derive(Clone, Debug)]
pub(in crate::ledger) struct KmsOptions {
    /// Id, ARN or alias.
    pub(in crate::ledger) key: String,
    /// Where KMS is.
    pub(in crate::ledger) place: Place,
    /// How long one question may take, with all its tries.
    pub(in crate::ledger) wait: Duration,
}

/// What KMS signs with a key. Its name there, for events' 32 bytes of hash:
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::ledger) enum KmsScheme {
    /// `ED25519_SHA_512`: pure Ed25519 over the bytes.
    Ed25519,
    /// `ECDSA_SHA_256` over the bytes, on P-256.
    EcdsaP256Sha256,
    /// `ECDSA_SHA_384` over the bytes, on P-384.
    EcdsaP384Sha384,
    /// `RSASSA_PKCS1_V1_5_SHA_256` where the bytes are the digest; they are not hashed again.
    RsaPkcs1Sha256,
}

impl KmsScheme {
    fn of(key_spec: &str) -> Option<Self> {
        Some(match key_spec {
            "ECC_NIST_EDWARDS25519" => Self::Ed25519,
            "ECC_NIST_P256" => Self::EcdsaP256Sha256,
            "ECC_NIST_P384" => Self::EcdsaP384Sha384,
            "RSA_2048" | "RSA_3072" | "RSA_4096" => Self::RsaPkcs1Sha256,
            _ => return None,
        })
    }

    fn algorithm(self) -> &'static str {
        match self {
            Self::Ed25519 => "ED25519_SHA_512",
            Self::EcdsaP256Sha256 => "ECDSA_SHA_256",
            Self::EcdsaP384Sha384 => "ECDSA_SHA_384",
            Self::RsaPkcs1Sha256 => "RSASSA_PKCS1_V1_5_SHA_256",
        }
    }
}

/// The public half of a key, as KMS tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::ledger) struct KmsKey {
    /// Its ARN; an alias may name another key tomorrow.
    pub(in crate::ledger) arn: String,
    /// SubjectPublicKeyInfo, DER.
    pub(in crate::ledger) spki_der: Vec<u8>,
    /// What it signs with.
    pub(in crate::ledger) scheme: KmsScheme,
}

/// Why KMS gave no key or no signature.
#[derive(Debug, thiserror::Error)]
pub(in crate::ledger) enum KmsError {
    /// It may work in a moment, and was tried until the time was over.
    #[error("KMS: {0}")]
    Transient(AwsError),
    /// Too many requests, until the time was over.
    #[error("KMS: too many requests for this account and region")]
    Throttled,
    /// Somebody disabled it.
    #[error("KMS: the key is disabled")]
    KeyDisabled,
    /// It waits for its deletion, its import, or its key store.
    #[error("KMS: the key cannot be used now (`{0}`)")]
    KeyUnavailable(String),
    /// No credentials, or they may not.
    #[error("KMS: {0}; the credentials need `kms:GetPublicKey` and `kms:Sign` on the key")]
    Denied(AwsError),
    /// No such key in this region and account.
    #[error("KMS: there is no such key in this region and account")]
    NotFound,
    /// The clock, the request or the endpoint is wrong; another try ends the same.
    #[error("KMS: {0}")]
    Refused(AwsError),
    /// It answered, and what it says is no answer.
    #[error("KMS: {0}")]
    BadAnswer(&'static str),
    /// It is for something else than signatures, or of a kind that no verifier here reads.
    #[error(
        "KMS: the key is `{usage}`, `{spec}`; use `SIGN_VERIFY` with `ECC_NIST_EDWARDS25519`, `ECC_NIST_P256`, `ECC_NIST_P384` or `RSA_2048` and larger"
    )]
    Unfit {
        /// KeyUsage.
        usage: String,
        /// KeySpec.
        spec: String,
    },
    /// Nothing was heard until the time was over.
    #[error("KMS: it did not answer in time")]
    Late,
    /// The question could not be put together.
    #[error("KMS: the request could not be made")]
    Message,
}

/// A key in KMS.
pub(in crate::ledger) struct Kms {
    service: Service,
    key: String,
    wait: Duration,
    /// A key's public half and kind never change.
    known: OnceCell<KmsKey>,
}

impl Kms {
    /// Asks nobody yet. The reason of a refusal names the setting that it is about.
    pub(in crate::ledger) fn new(options: &KmsOptions) -> Result<Self, String> {
        Self::with(options, Source::default())
    }

    pub(super) fn with(options: &KmsOptions, credentials: Source) -> Result<Self, String> {
        let visible = |b: u8| b.is_ascii_graphic();
        if options.key.is_empty() || options.key.len() > 2048 || !options.key.bytes().all(visible) {
            return Err("the KMS key is no id, ARN or alias".to_owned());
        }
        let public = |region: &str| format!("kms.{region}");
        let service = Service::new("kms", &options.place, public, credentials)?;
        Ok(Self { service, key: options.key.clone(), wait: options.wait, known: OnceCell::new() })
    }

    /// Asks for the public half.
    pub(in crate::ledger) async fn public_key(&self) -> Result<KmsKey, KmsError> {
        let question = Question { key_id: &self.key };
        let told: PublicKey = self.ask("GetPublicKey", &question).await?;
        let key = told.key()?;
        // The first one stays: what is signed later must fit what the caller then registered.
        let _ = self.known.set(key.clone());
        Ok(key)
    }

    /// A signature of an event's hash; see [`KmsScheme`].
    pub(in crate::ledger) async fn sign(&self, hash: &[u8; 32]) -> Result<Vec<u8>, KmsError> {
        let key = self.known().await?;
        let message_type = match key.scheme {
            // RAW would hash the hash once more.
            KmsScheme::RsaPkcs1Sha256 => "DIGEST",
            _ => "RAW",
        };
        self.signed(key, hash, message_type).await
    }

    async fn known(&self) -> Result<&KmsKey, KmsError> {
        match self.known.get() {
            Some(key) => Ok(key),
            None => {
                self.public_key().await?;
                self.known.get().ok_or(KmsError::BadAnswer("its key is not known"))
            }
        }
    }

    async fn signed(
        &self,
        key: &KmsKey,
        message: &[u8],
        message_type: &str,
    ) -> Result<Vec<u8>, KmsError> {
        let algorithm = key.scheme.algorithm();
        let message = STANDARD.encode(message);
        let (key_id, signing_algorithm) = (key.arn.as_str(), algorithm);
        let order = Order { key_id, message: &message, message_type, signing_algorithm };
        let signed: Signed = self.ask("Sign", &order).await?;
        // AWS tells ARNs; others tell an id in one answer and its ARN in the next.
        let id = |named: &str| named.rsplit('/').next().map(str::to_owned);
        if id(&signed.key_id) != id(&key.arn) || signed.signing_algorithm != algorithm {
            return Err(KmsError::BadAnswer("it signed with another key or algorithm"));
        }
        STANDARD
            .decode(signed.signature)
            .map_err(|_| KmsError::BadAnswer("its signature is no base64"))
    }

    /// Tries until there is an answer, a refusal that stays, or no time.
    async fn ask<T: DeserializeOwned>(
        &self,
        action: &str,
        question: &impl Serialize,
    ) -> Result<T, KmsError> {
        let body = serde_json::to_vec(question).map_err(|_| KmsError::Message)?;
        let body = Bytes::from(body);
        let end = Instant::now() + self.wait;
        let (mut pause, mut heard) = (PAUSE_FIRST, None);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let wait = (left / 2).max(TRY_MIN).min(left);
            let tried = tokio::time::timeout(wait, self.try_once(action, body.clone())).await;
            match tried {
                Ok(Ok(answer)) => {
                    return serde_json::from_slice(&answer.body)
                        .map_err(|_| KmsError::BadAnswer("its answer is not what was asked for"));
                }
                Ok(Err(error)) if !error.is_passing() => return Err(error),
                Ok(Err(error)) => heard = Some(error),
                Err(_) => {}
            }
            let pausing = jittered(pause);
            if Instant::now() + pausing >= end {
                return Err(heard.unwrap_or(KmsError::Late));
            }
            tokio::time::sleep(pausing).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn try_once(&self, action: &str, body: Bytes) -> Result<Answer, KmsError> {
        let request = Request::post("/")
            .header(CONTENT_TYPE, "application/x-amz-json-1.1")
            .header(HeaderName::from_static("x-amz-target"), format!("TrentService.{action}"))
            .body(body)
            .map_err(|_| KmsError::Message)?;
        let answer = self.service.send(request, ANSWER_BYTES_MAX).await?;
        match answer.head.status.as_u16() {
            200 => Ok(answer),
            _ => Err(self.service.refusal(&answer, &code(&answer)).into()),
        }
    }
}

impl KmsError {
    /// Whether the same question may be answered in a moment.
    fn is_passing(&self) -> bool {
        matches!(self, Self::Transient(_) | Self::Throttled)
    }
}

impl From<AwsError> for KmsError {
    fn from(error: AwsError) -> Self {
        match &error {
            AwsError::Refused { status, code } => match code.as_str() {
                "DisabledException" => Self::KeyDisabled,
                "NotFoundException" => Self::NotFound,
                "KMSInvalidStateException" | "KeyUnavailableException" => {
                    Self::KeyUnavailable(code.clone())
                }
                "AccessDeniedException"
                | "UnrecognizedClientException"
                | "InvalidClientTokenId"
                | "IncompleteSignature"
                | "InvalidSignatureException"
                | "MissingAuthenticationTokenException"
                | "OptInRequired" => Self::Denied(error),
                _ if is_throttling(*status, code) => Self::Throttled,
                _ if error.is_passing() => Self::Transient(error),
                _ => Self::Refused(error),
            },
            AwsError::NoCredentials(_) => Self::Denied(error),
            _ if error.is_passing() => Self::Transient(error),
            _ => Self::Refused(error),
        }
    }
}

/// The error's code, which stands behind a `#` when its namespace is told.
fn code(answer: &Answer) -> String {
    #[derive(Deserialize)]
    struct Told {
        #[serde(rename = "__type")]
        kind: String,
    }
    let told = serde_json::from_slice::<Told>(&answer.body);
    let kind = told.map(|told| told.kind).unwrap_or_default();
    kind.rsplit('#').next().unwrap_or_default().to_owned()
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Question<'a> {
    key_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Order<'a> {
    key_id: &'a str,
    message: &'a str,
    message_type: &'a str,
    signing_algorithm: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PublicKey {
    key_id: String,
    #[serde(default)]
    key_spec: String,
    /// What `KeySpec` was called before; AWS tells both, others only this.
    #[serde(default)]
    customer_master_key_spec: String,
    key_usage: String,
    public_key: String,
    #[serde(default)]
    signing_algorithms: Vec<String>,
}

impl PublicKey {
    fn key(self) -> Result<KmsKey, KmsError> {
        let spec = match self.key_spec.is_empty() {
            true => &self.customer_master_key_spec,
            false => &self.key_spec,
        };
        let scheme = KmsScheme::of(spec).filter(|_| self.key_usage == "SIGN_VERIFY");
        let able =
            |scheme: &KmsScheme| self.signing_algorithms.iter().any(|a| a == scheme.algorithm());
        let Some(scheme) = scheme.filter(able) else {
            return Err(KmsError::Unfit { usage: word(&self.key_usage), spec: word(spec) });
        };
        let spki_der = STANDARD.decode(self.public_key);
        let spki_der = spki_der.map_err(|_| KmsError::BadAnswer("its key is no base64"))?;
        Ok(KmsKey { arn: self.key_id, spki_der, scheme })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Signed {
    key_id: String,
    signature: String,
    signing_algorithm: String,
}

/// What a server said, fit for a line.
fn word(said: &str) -> String {
    said.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect()
}
