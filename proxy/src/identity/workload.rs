//! The gate's own identity: its SVID and the bundles of trust domains, from the SPIFFE Workload API.
//!
//! What came last is kept while the API is away, until it expires. When the API says that the gate
//! has no identity, it is believed at once.
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use spiffe::transport::Endpoint;
use spiffe::{WorkloadApiClient, WorkloadApiError, X509Context};
use tokio::sync::watch;
use tokio::time::Instant;
use tollgate_config::settings::WorkloadApi;

use crate::egress::ClientIdentity;
use crate::gate::Gate;

/// Between two attempts at the start.
const START_PAUSE: Duration = Duration::from_millis(250);
/// Between two attempts later: the first, and the longest.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// How long a connection and the first word on it may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the Workload API gave, checked and ready.
#[derive(Debug)]
pub struct Material {
    id: String,
    certified: Arc<CertifiedKey>,
    client: Arc<ClientIdentity>,
    bundles: HashMap<String, Vec<CertificateDer<'static>>>,
    expires: i64,
}

/// The API gave nothing in time.
#[derive(Debug, thiserror::Error)]
#[error(
    "the SPIFFE Workload API at `{socket}` gave no SVID within {ms} ms (`workload_api.start_ms`): \
     {reason}",
    socket = socket.display()
)]
pub struct WorkloadFault {
    socket: PathBuf,
    ms: u64,
    reason: String,
}

impl Material {
    /// Takes what the API gave, or says what is wrong with it; never the key.
    fn read(context: &X509Context, wanted: Option<&str>) -> Result<Self, String> {
        let svid = match wanted {
            None => context.default_svid(),
            Some(id) => context.svids().iter().find(|svid| svid.spiffe_id().to_string() == id),
        };
        let svid = svid.ok_or_else(|| match wanted {
            Some(id) => format!("it gives no SVID `{id}` (`workload_api.id`)"),
            None => "it gives no SVID".to_owned(),
        })?;
        let chain = certificates(svid.cert_chain().iter().map(|one| one.as_bytes()))?;
        let expires = chain.first().and_then(not_after).ok_or("the SVID cannot be parsed")?;
        if expires <= crate::clock::timestamp().as_second() {
            return Err("the SVID has expired".to_owned());
        }
        let unusable = |error: &dyn std::fmt::Display| format!("the SVID cannot be used: {error}");
        let key = PrivatePkcs8KeyDer::from(svid.private_key().as_bytes().to_vec());
        let key = PrivateKeyDer::Pkcs8(key);
        let client = ClientIdentity::new(&chain, &key, expires).map_err(|e| unusable(&e))?;
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let certified =
            CertifiedKey::from_der(chain, key, &provider).map_err(|error| unusable(&error))?;
        let mut bundles = HashMap::new();
        for (domain, bundle) in context.bundle_set().iter() {
            let authorities = bundle.authorities().iter().map(|one| one.as_bytes());
            bundles.insert(domain.as_str().to_owned(), certificates(authorities)?);
        }
        let id = svid.spiffe_id().to_string();
        let (certified, client) = (Arc::new(certified), Arc::new(client));
        Ok(Self { id, certified, client, bundles, expires })
    }

    /// The gate's own certificate and key.
    pub fn certified(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }

    /// The same for upstreams.
    pub fn client(&self) -> &Arc<ClientIdentity> {
        &self.client
    }

    /// The authorities of a trust domain; none when it has no bundle.
    pub fn bundle(&self, domain: &str) -> &[CertificateDer<'static>] {
        self.bundles.get(domain).map_or(&[], Vec::as_slice)
    }

    /// When the SVID expires, in seconds since 1970.
    pub fn expires(&self) -> i64 {
        self.expires
    }

    /// The gate's own SPIFFE ID.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether it is the same as before: an API says again what it said, when it is asked anew.
    pub fn is(&self, other: &Self) -> bool {
        self.certified.cert == other.certified.cert && self.bundles == other.bundles
    }
}

fn certificates<'a>(
    ders: impl Iterator<Item = &'a [u8]>,
) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = |der: &[u8]| match x509_parser::parse_x509_certificate(der) {
        Ok(_) => Ok(CertificateDer::from(der.to_vec())),
        Err(error) => Err(format!("a certificate cannot be parsed ({error})")),
    };
    ders.map(read).collect()
}

fn not_after(certificate: &CertificateDer<'_>) -> Option<i64> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(parsed.validity().not_after.timestamp())
}

/// Waits for the first SVID, as long as a start may.
pub async fn first(settings: &WorkloadApi) -> Result<Arc<Material>, WorkloadFault> {
    let deadline = Instant::now() + Duration::from_millis(settings.start_ms);
    let mut reason = "it did not answer".to_owned();
    loop {
        let asked = async {
            let client = connect(settings).await?;
            client.fetch_x509_context().await
        };
        match tokio::time::timeout_at(deadline, asked).await {
            Ok(Ok(context)) => match Material::read(&context, settings.id.as_deref()) {
                Ok(material) => return Ok(Arc::new(material)),
                Err(why) => reason = why,
            },
            Ok(Err(error)) => reason = told(&error),
            Err(_) => break,
        }
        if Instant::now() + START_PAUSE >= deadline {
            break;
        }
        tracing::debug!(reason, "the Workload API gives nothing yet");
        tokio::time::sleep(START_PAUSE).await;
    }
    Err(WorkloadFault { socket: settings.socket.clone(), ms: settings.start_ms, reason })
}

async fn connect(settings: &WorkloadApi) -> Result<WorkloadApiClient, WorkloadApiError> {
    WorkloadApiClient::connect(Endpoint::Unix(settings.socket.clone())).await
}

/// An error with its causes, which a transport hides.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

/// Why the API is no longer listened to.
enum Lost {
    /// It says that the gate has no identity.
    Denied(String),
    /// It is away, or cannot be understood.
    Away(String),
}

impl From<WorkloadApiError> for Lost {
    fn from(error: WorkloadApiError) -> Self {
        match &error {
            WorkloadApiError::NoIdentityIssued | WorkloadApiError::PermissionDenied(_) => {
                Self::Denied(told(&error))
            }
            _ => Self::Away(told(&error)),
        }
    }
}

/// Takes what the API gives until `stop` turns true.
pub async fn run(gate: Arc<Gate>, settings: WorkloadApi, mut stop: watch::Receiver<bool>) {
    let mut pause = PAUSE;
    loop {
        let lost = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            lost = follow(&gate, &settings, &mut pause) => lost,
        };
        gate.metrics.workload_api_up.set(0);
        gate.metrics.workload_api_failures.inc();
        match lost {
            Lost::Denied(reason) => {
                tracing::error!(reason, "the Workload API says that the gate has no identity");
                gate.adopt(None).await;
            }
            Lost::Away(reason) => tracing::warn!(
                reason,
                "the Workload API is away; what it gave last is kept until it expires"
            ),
        }
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Listens on one connection, until it is lost.
async fn follow(gate: &Gate, settings: &WorkloadApi, pause: &mut Duration) -> Lost {
    let asked = async {
        let client = connect(settings).await?;
        client.stream_x509_contexts().await
    };
    let mut contexts = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(contexts)) => contexts,
        Ok(Err(error)) => return error.into(),
        Err(_) => return Lost::Away("it did not answer".to_owned()),
    };
    loop {
        let context = match contexts.next().await {
            Some(Ok(context)) => context,
            Some(Err(error)) => return error.into(),
            None => return Lost::Away("it closed the connection".to_owned()),
        };
        match Material::read(&context, settings.id.as_deref()) {
            Ok(material) => {
                *pause = PAUSE;
                gate.metrics.workload_api_up.set(1);
                gate.adopt(Some(Arc::new(material))).await;
            }
            Err(reason) => {
                gate.metrics.workload_api_failures.inc();
                tracing::warn!(
                    reason,
                    "what the Workload API gives cannot be used; the last stays"
                );
            }
        }
    }
}
