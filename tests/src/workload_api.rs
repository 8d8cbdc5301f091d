//! A server of the SPIFFE Workload API over a unix socket: tonic, and the messages of the official
//! `workload.proto`. Its one call is `FetchX509SVID`, a stream that goes on.
use std::collections::HashMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::stream::{self, Stream};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, ServerStreamingService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use crate::certificates::Identity;

#[derive(Clone, PartialEq, prost::Message)]
struct SvidRequest {}

#[derive(Clone, PartialEq, prost::Message)]
struct SvidResponse {
    #[prost(message, repeated, tag = "1")]
    svids: Vec<SvidMessage>,
    #[prost(bytes = "vec", repeated, tag = "2")]
    crl: Vec<Vec<u8>>,
    #[prost(map = "string, bytes", tag = "3")]
    federated_bundles: HashMap<String, Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct SvidMessage {
    #[prost(string, tag = "1")]
    spiffe_id: String,
    #[prost(bytes = "vec", tag = "2")]
    x509_svid: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    x509_svid_key: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    bundle: Vec<u8>,
    #[prost(string, tag = "5")]
    hint: String,
}

/// What is answered.
#[derive(Clone, Debug, Default)]
pub enum Given {
    /// Nothing, for as long as it lasts.
    #[default]
    Nothing,
    /// That the caller has no identity.
    Denied,
    /// SVIDs, with the bundle of their trust domain, and those of others.
    Svids {
        /// Each with its ID.
        svids: Vec<(String, Identity)>,
        /// Authorities in PEM.
        bundle: String,
        /// Trust domains with their authorities in PEM.
        federated: Vec<(String, String)>,
    },
}

impl Given {
    /// One SVID.
    pub fn svid(id: &str, identity: &Identity, bundle: &str) -> Self {
        Self::Svids {
            svids: vec![(id.to_owned(), identity.clone())],
            bundle: bundle.to_owned(),
            federated: Vec::new(),
        }
    }

    /// The same with another trust domain's bundle.
    #[must_use]
    pub fn federated(mut self, domain: &str, pem: &str) -> Self {
        if let Self::Svids { federated, .. } = &mut self {
            federated.push((format!("spiffe://{domain}"), pem.to_owned()));
        }
        self
    }

    fn message(&self) -> Option<Result<SvidResponse, Status>> {
        match self {
            Self::Nothing => None,
            Self::Denied => Some(Err(Status::permission_denied("no identity issued"))),
            Self::Svids { svids, bundle, federated } => {
                let svid = |(id, identity): &(String, Identity)| SvidMessage {
                    spiffe_id: id.clone(),
                    x509_svid: ders(&identity.certificate),
                    x509_svid_key: identity.to_rustls().1.secret_der().to_vec(),
                    bundle: ders(bundle),
                    hint: String::new(),
                };
                let other = |(domain, pem): &(String, String)| (domain.clone(), ders(pem));
                Some(Ok(SvidResponse {
                    svids: svids.iter().map(svid).collect(),
                    crl: Vec::new(),
                    federated_bundles: federated.iter().map(other).collect(),
                }))
            }
        }
    }
}

/// The certificates of a PEM text, one behind the other.
fn ders(pem: &str) -> Vec<u8> {
    let all =
        CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>().unwrap();
    all.iter().flat_map(|one| one.to_vec()).collect()
}

/// A running server. It and its connections end when this is dropped.
#[derive(Debug)]
pub struct WorkloadApi {
    path: PathBuf,
    given: watch::Sender<Given>,
    serving: JoinHandle<()>,
}

impl Drop for WorkloadApi {
    fn drop(&mut self) {
        self.serving.abort();
        let _ = std::fs::remove_file(&self.path);
    }
}

impl WorkloadApi {
    /// Serves at this path.
    pub fn start(path: &Path, given: Given) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let (given, told) = watch::channel(given);
        let incoming = stream::unfold(listener, |listener| async {
            let accepted = listener.accept().await.map(|(io, _)| io);
            Some((accepted, listener))
        });
        let router = tonic::transport::Server::builder().add_service(Service(told));
        let serving = tokio::spawn(async move {
            drop(router.serve_with_incoming(Box::pin(incoming)).await);
        });
        Self { path: path.to_owned(), given, serving }
    }

    /// Gives something else from now on, to those who listen already, too.
    pub fn give(&self, given: Given) {
        self.given.send_replace(given);
    }
}

#[derive(Clone)]
struct Service(watch::Receiver<Given>);

impl NamedService for Service {
    const NAME: &'static str = "SpiffeWorkloadAPI";
}

impl tonic::codegen::Service<http::Request<Body>> for Service {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let fetch = Fetch(self.0.clone());
        Box::pin(async move {
            if request.uri().path() != "/SpiffeWorkloadAPI/FetchX509SVID" {
                return Ok(Status::unimplemented("not here").into_http());
            }
            Ok(Grpc::new(ProstCodec::default()).server_streaming(fetch, request).await)
        })
    }
}

struct Fetch(watch::Receiver<Given>);

type Answers = Pin<Box<dyn Stream<Item = Result<SvidResponse, Status>> + Send>>;

impl ServerStreamingService<SvidRequest> for Fetch {
    type Response = SvidResponse;
    type ResponseStream = Answers;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Answers>, Status>> + Send>>;

    fn call(&mut self, request: Request<SvidRequest>) -> Self::Future {
        // SPIFFE Workload Endpoint, section 3: who does not send this did not mean to ask.
        let meant = request.metadata().get("workload.spiffe.io").is_some_and(|it| it == "true");
        let mut told = self.0.clone();
        Box::pin(async move {
            if !meant {
                return Err(Status::invalid_argument("security header missing from request"));
            }
            told.mark_changed();
            let answers = stream::unfold(Some(told), |told| async {
                let mut told = told?;
                loop {
                    told.changed().await.ok()?;
                    let message = told.borrow_and_update().message();
                    match message {
                        None => {}
                        // An error ends a stream.
                        Some(Err(status)) => return Some((Err(status), None)),
                        Some(Ok(message)) => return Some((Ok(message), Some(told))),
                    }
                }
            });
            Ok(Response::new(Box::pin(answers) as Answers))
        })
    }
}
