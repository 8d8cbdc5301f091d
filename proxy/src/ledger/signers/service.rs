//! A key that the gate never sees: what it is asked, how long that may take, and when it is left
//! alone for a while.
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tollgate_audit::{Checkpoint, Digest, Kid, PublicKey, Signature, ToSign};
use tollgate_config::settings::{self, KeyService};

use super::super::LedgerError;
use super::super::aws::{Kms, KmsError, KmsOptions, Place};
use super::pkcs11::Token;
use super::proxy::Proxy;
use crate::egress::Onward;

/// Signatures that are asked for at once.
const AT_ONCE: usize = 16;
/// How long a service that failed is left alone; each further failure doubles it.
const PAUSE_FIRST: Duration = Duration::from_millis(200);
/// No pause is longer.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Why there is no signature. It never holds what was signed, a token or an answer's text.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum ServiceError {
    #[error("the key service did not answer within {} ms", .0.as_millis())]
    Late(Duration),
    #[error("the key service cannot be reached: {0}")]
    Unreachable(String),
    #[error("the key service refused: {0}")]
    Refused(String),
    #[error("the key service answered what is no answer: {0}")]
    Answer(&'static str),
    #[error("the key service's signature is not by the key `{0}` over what was asked")]
    Wrong(Kid),
    #[error("the key service failed a moment ago and is left alone until it is tried again")]
    Resting,
}

/// Where the key is.
enum Root {
    Kms(Box<Kms>),
    Pkcs11(Token),
    Proxy(Box<Proxy>),
}

/// A key service with the public half of its key.
pub(in super::super) struct Service {
    root: Root,
    kid: Kid,
    public: PublicKey,
    deadline: Duration,
    runtime: Handle,
    rest: Mutex<Rest>,
}

/// Since when and for how long the service is left alone.
#[derive(Default)]
struct Rest {
    failures: u32,
    until: Option<Instant>,
}

/// A service whose public key is known and whose id in the registry is not yet.
pub(super) struct Unnamed {
    root: Root,
    public: PublicKey,
    deadline: Duration,
    runtime: Handle,
}

impl Unnamed {
    /// Asks the service for its key. From a thread that may block, of a running runtime.
    pub(super) fn open(
        setting: &KeyService,
        deadline: Duration,
        onward: &Onward,
    ) -> Result<Self, LedgerError> {
        let mistake = |reason: String| LedgerError::SignerSetting { reason };
        let runtime = Handle::try_current().map_err(|_| LedgerError::Thread)?;
        let (root, public) = match setting {
            KeyService::AwsKms(setting) => {
                let kms = Kms::new(&kms_options(setting, deadline, onward)).map_err(mistake)?;
                let key = runtime.block_on(kms.public_key()).map_err(ServiceError::from)?;
                let public = PublicKey::from_der(&key.spki_der);
                let public = public.map_err(|e| mistake(e.to_string()))?;
                (Root::Kms(Box::new(kms)), public)
            }
            KeyService::Pkcs11(setting) => {
                let (token, public) = Token::open(setting, deadline)?;
                (Root::Pkcs11(token), public)
            }
            KeyService::SigningProxy(setting) => {
                let (proxy, public) = Proxy::open(setting, onward).map_err(mistake)?;
                (Root::Proxy(Box::new(proxy)), public)
            }
        };
        Ok(Self { root, public, deadline, runtime })
    }

    pub(super) fn public(&self) -> &PublicKey {
        &self.public
    }

    pub(super) fn named(self, kid: Kid) -> Service {
        let Self { root, public, deadline, runtime } = self;
        Service { root, kid, public, deadline, runtime, rest: Mutex::default() }
    }
}

fn kms_options(setting: &settings::AwsKms, wait: Duration, onward: &Onward) -> KmsOptions {
    let place = Place {
        region: setting.region.clone(),
        endpoint: setting.endpoint.clone(),
        ca: setting.ca.clone(),
        onward: onward.clone(),
    };
    KmsOptions { key: setting.key_id.clone(), place, wait }
}

impl From<ServiceError> for LedgerError {
    fn from(error: ServiceError) -> Self {
        let reason = error.to_string();
        match error {
            ServiceError::Refused(_) | ServiceError::Wrong(_) => Self::SignerSetting { reason },
            _ => Self::Signer { reason },
        }
    }
}

impl From<KmsError> for ServiceError {
    fn from(error: KmsError) -> Self {
        match error {
            KmsError::Transient(_) | KmsError::Throttled | KmsError::Late => {
                Self::Unreachable(error.to_string())
            }
            error => Self::Refused(error.to_string()),
        }
    }
}

impl Service {
    pub(super) fn kid(&self) -> &Kid {
        &self.kid
    }

    pub(super) fn public(&self) -> &PublicKey {
        &self.public
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Asks for a signature that is of no use to anybody. Blocks.
    pub(super) fn try_out(&self) -> Result<(), ServiceError> {
        let (origin, head_hash) = (String::new(), Digest::of(&[]));
        let nothing = Checkpoint { origin, size: 0, head_hash, ts: Timestamp::UNIX_EPOCH };
        self.runtime.block_on(self.sign(&nothing.to_sign())).map(drop)
    }

    /// Signs all of them, in order, or none. Blocks; from a thread of its own.
    pub(super) fn sign_all(&self, all: Vec<ToSign>) -> Result<Vec<Signature>, ServiceError> {
        self.runtime.block_on(
            stream::iter(all)
                .map(|to_sign| async move { self.sign(&to_sign).await })
                .buffered(AT_ONCE)
                .try_collect(),
        )
    }

    /// One signature, checked against the key that the registry has.
    pub(super) async fn sign(&self, to_sign: &ToSign) -> Result<Signature, ServiceError> {
        if self.rest.lock().until.is_some_and(|until| Instant::now() < until) {
            return Err(ServiceError::Resting);
        }
        let asked = tokio::time::timeout(self.deadline, self.ask(to_sign)).await;
        let signed = asked.unwrap_or(Err(ServiceError::Late(self.deadline))).and_then(|bytes| {
            let checked = self.public.check(&self.kid, to_sign.hash(), &bytes);
            checked.map_err(|_| ServiceError::Wrong(self.kid.clone()))
        });
        self.note(signed.as_ref().err());
        signed
    }

    async fn ask(&self, to_sign: &ToSign) -> Result<Vec<u8>, ServiceError> {
        match &self.root {
            Root::Kms(kms) => Ok(kms.sign(to_sign.hash().as_bytes()).await?),
            Root::Pkcs11(token) => token.sign(to_sign).await,
            Root::Proxy(proxy) => proxy.sign(to_sign).await,
        }
    }

    fn note(&self, error: Option<&ServiceError>) {
        let mut rest = self.rest.lock();
        let Some(error) = error else {
            *rest = Rest::default();
            return;
        };
        let now = Instant::now();
        // Those that were asked together fail together: one failure.
        if rest.until.is_none_or(|until| until <= now) {
            let pause = PAUSE_FIRST.saturating_mul(1 << rest.failures.min(8)).min(PAUSE_MAX);
            rest.failures = rest.failures.saturating_add(1);
            rest.until = Some(now + pause);
            tracing::error!(kid = %self.kid, %error, "the record cannot be signed");
        }
    }
}
