//! A key service with AWS KMS's API, where moto's differs from it: real Ed25519, a `DIGEST` that is
//! not hashed again, keys that can be disabled, the limit of 4096 bytes, and signatures of requests
//! that are checked; and faults to order.
mod answer;
mod keys;
mod sigv4;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, DATE};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use answer::{Refused, answer};
pub use keys::KeySpec;
use keys::StoredKey;

/// The access key id that the service knows.
pub const ACCESS_KEY_ID: &str = "AKIDTOLLGATETESTS";
/// Its secret.
pub const SECRET_ACCESS_KEY: &str = "a-secret-that-no-log-may-show/1";
/// The only session token that is taken, where one is shown at all.
pub const SESSION_TOKEN: &str = "a-session-token-that-no-log-may-show/2";
/// The region that it is in.
pub const REGION: &str = "eu-central-1";

/// What goes wrong instead of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// `ThrottlingException`.
    Throttle,
    /// `KMSInternalException`, status 500.
    Broken,
    /// `AccessDeniedException`.
    Denied,
    /// Nothing, with the connection open.
    Hang,
    /// The right answer, after so long.
    Slow(Duration),
    /// The right form, and a signature that holds for nothing.
    WrongSignature,
    /// A signature by another key of the same kind.
    WrongKey,
    /// An answer that is no JSON.
    Garbage,
}

/// The service on loopback; ends when dropped.
pub struct KeyService {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    serving: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    keys: BTreeMap<String, StoredKey>,
    aliases: BTreeMap<String, String>,
    /// What goes wrong next, and how often.
    fault: Option<(Fault, usize)>,
    /// How far its clock is from ours.
    skew: SignedDuration,
    calls: Vec<String>,
}

impl State {
    fn take_fault(&mut self) -> Option<Fault> {
        let (fault, times) = self.fault?;
        self.fault = (times > 1).then(|| (fault, times - 1));
        Some(fault)
    }

    fn now(&self) -> Timestamp {
        Timestamp::now() + self.skew
    }

    fn arn(&self, id: &str) -> Option<String> {
        let id = self.aliases.get(id).map_or(id, String::as_str);
        let named = |arn: &&String| *arn == id || arn.rsplit('/').next() == Some(id);
        self.keys.keys().find(named).cloned()
    }
}

impl Drop for KeyService {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

impl KeyService {
    /// Starts it without a key.
    pub async fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let serving = Some(tokio::spawn(accept(socket, Arc::clone(&state))));
        Self { address, state, serving }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes a key and gives its ARN.
    pub fn create(&self, spec: KeySpec) -> String {
        let mut state = self.state.lock().unwrap();
        let number = state.keys.len();
        let arn = format!("arn:aws:kms:{REGION}:000000000000:key/{number:08}-0000-4000-8000-0000");
        state.keys.insert(arn.clone(), StoredKey::make(spec));
        arn
    }

    /// Lets an alias, such as `alias/audit`, name a key.
    pub fn name(&self, alias: &str, arn: &str) {
        self.state.lock().unwrap().aliases.insert(alias.to_owned(), arn.to_owned());
    }

    /// A key's public half: SubjectPublicKeyInfo, DER.
    pub fn spki_der(&self, arn: &str) -> Vec<u8> {
        self.state.lock().unwrap().keys[arn].spki_der()
    }

    /// Disables a key or enables it again.
    pub fn set_enabled(&self, arn: &str, enabled: bool) {
        self.state.lock().unwrap().keys.get_mut(arn).unwrap().enabled = enabled;
    }

    /// The next so many requests go wrong.
    pub fn fail(&self, fault: Fault, times: usize) {
        self.state.lock().unwrap().fault = (times > 0).then_some((fault, times));
    }

    /// Nothing goes wrong any more.
    pub fn heal(&self) {
        self.fail(Fault::Broken, 0);
    }

    /// Sets its clock so far before ours.
    pub fn set_skew(&self, skew: SignedDuration) {
        self.state.lock().unwrap().skew = skew;
    }

    /// Every action that was asked for so far, failed ones, too.
    pub fn calls(&self) -> Vec<String> {
        self.state.lock().unwrap().calls.clone()
    }

    /// Refuses connections from now on and drops those that there are.
    pub async fn refuse(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            // The socket goes with its task.
            let _ = serving.await;
        }
    }

    /// Takes connections again, at the same address.
    pub async fn resume(&mut self) {
        self.refuse().await;
        let socket = TcpListener::bind(self.address).await.unwrap();
        self.serving = Some(tokio::spawn(accept(socket, Arc::clone(&self.state))));
    }
}

async fn accept(socket: TcpListener, state: Arc<Mutex<State>>) {
    // Dropped with this task, and the connections with it.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = socket.accept().await {
        let state = Arc::clone(&state);
        let service = service_fn(move |request| serve(request, Arc::clone(&state)));
        connections.spawn(async move {
            let http = hyper::server::conn::http1::Builder::new();
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn serve(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let fault = {
        let mut state = state.lock().unwrap();
        let target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
        state.calls.push(target.unwrap_or("?").rsplit('.').next().unwrap_or_default().to_owned());
        state.take_fault()
    };
    match fault {
        Some(Fault::Hang) => std::future::pending::<()>().await,
        Some(Fault::Slow(wait)) => tokio::time::sleep(wait).await,
        _ => {}
    }
    let state = state.lock().unwrap();
    let answered =
        sigv4::check(&head, &body, state.now()).and_then(|()| answer(&head, &body, &state, fault));
    let (status, text) = match (fault, answered) {
        (Some(Fault::Garbage), _) => (200, "<html>not from here</html>".to_owned()),
        (_, Ok(answer)) => (200, answer.to_string()),
        (_, Err(Refused { status, code, message })) => {
            let told = serde_json::json!({ "__type": code, "message": message });
            (status, told.to_string())
        }
    };
    let date = state.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    Ok(Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "application/x-amz-json-1.1")
        .header(DATE, date)
        .body(Full::new(Bytes::from(text)))
        .unwrap())
}
