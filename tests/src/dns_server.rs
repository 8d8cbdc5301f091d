//! A DNS server that says what it is told to, and keeps what it was asked.
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::certificates::{Identity, provider};

#[derive(Default)]
struct Zone {
    /// What is said of each name, one after the other; the last for ever.
    answers: HashMap<String, Vec<Vec<String>>>,
    asked: Vec<String>,
}

/// The server; ends when dropped.
pub struct DnsServer {
    address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
    serving: JoinHandle<()>,
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl DnsServer {
    /// In cleartext over UDP.
    pub async fn udp() -> Self {
        Self::on(UdpSocket::bind("127.0.0.1:0").await.unwrap())
    }

    /// The same on a socket that is there.
    pub fn on(socket: UdpSocket) -> Self {
        let address = socket.local_addr().unwrap();
        let zone = Arc::<Mutex<Zone>>::default();
        let said = Arc::clone(&zone);
        let serving = tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
                let answer = answer(&said, &buffer[..length]);
                let _ = socket.send_to(&answer, peer).await;
            }
        });
        Self { address, zone, serving }
    }

    /// Over TLS.
    pub async fn tls(identity: &Identity) -> Self {
        Self::encrypted(identity, &[]).await
    }

    /// Over HTTPS, at `/dns-query`.
    pub async fn https(identity: &Identity) -> Self {
        Self::encrypted(identity, &[b"h2"]).await
    }

    async fn encrypted(identity: &Identity, alpn: &[&[u8]]) -> Self {
        let (chain, key) = identity.to_rustls();
        let mut config = rustls::ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|word| word.to_vec()).collect();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let zone = Arc::<Mutex<Zone>>::default();
        let said = Arc::clone(&zone);
        let https = !alpn.is_empty();
        let serving = tokio::spawn(async move {
            while let Ok((io, _)) = listener.accept().await {
                let (acceptor, said) = (acceptor.clone(), Arc::clone(&said));
                tokio::spawn(async move {
                    let Ok(mut io) = acceptor.accept(io).await else { return };
                    if https {
                        let service = service_fn(move |request| post(Arc::clone(&said), request));
                        let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                            .serve_connection(TokioIo::new(io), service)
                            .await;
                        return;
                    }
                    while let Ok(length) = io.read_u16().await {
                        let mut query = vec![0; usize::from(length)];
                        if io.read_exact(&mut query).await.is_err() {
                            return;
                        }
                        let answer = answer(&said, &query);
                        let length = u16::try_from(answer.len()).unwrap().to_be_bytes();
                        let _ = io.write_all(&[&length, answer.as_slice()].concat()).await;
                    }
                });
            }
        });
        Self { address, zone, serving }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What is said of a name: addresses, and names that it stands for, in order. Said again, it is
    /// the answer to the next query of the same type.
    pub fn say(&self, name: &str, answer: &[&str]) -> &Self {
        let answer = answer.iter().map(|word| (*word).to_owned()).collect();
        self.zone.lock().unwrap().answers.entry(name.to_owned()).or_default().push(answer);
        self
    }

    /// What was asked, as `TYPE name`.
    pub fn asked(&self) -> Vec<String> {
        self.zone.lock().unwrap().asked.clone()
    }
}

async fn post(
    zone: Arc<Mutex<Zone>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    assert_eq!(request.uri().path(), "/dns-query");
    let query = request.into_body().collect().await.unwrap().to_bytes();
    let response = Response::builder().header("content-type", "application/dns-message");
    Ok(response.body(Full::from(answer(&zone, &query))).unwrap())
}

fn answer(zone: &Mutex<Zone>, query: &[u8]) -> Vec<u8> {
    let query = Message::from_vec(query).unwrap();
    let question = query.queries[0].clone();
    let (name, kind) = (question.name().clone(), question.query_type());
    let text = name.to_ascii().trim_end_matches('.').to_ascii_lowercase();
    let asked = format!("{kind} {text}");
    let mut zone = zone.lock().unwrap();
    let before = zone.asked.iter().filter(|known| **known == asked).count();
    zone.asked.push(asked);
    let mut message = Message::new(query.metadata.id, MessageType::Response, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.metadata.recursion_available = true;
    message.add_query(question);
    let Some(answers) = zone.answers.get(&text) else {
        message.metadata.response_code = ResponseCode::NXDomain;
        return message.to_vec().unwrap();
    };
    let mut owner = name;
    for word in &answers[before.min(answers.len() - 1)] {
        let data = match word.parse() {
            Ok(IpAddr::V4(four)) if kind == RecordType::A => RData::A(A(four)),
            Ok(IpAddr::V6(six)) if kind == RecordType::AAAA => RData::AAAA(AAAA(six)),
            Ok(_) => continue,
            Err(_) => {
                let target = Name::from_str(&format!("{word}.")).unwrap();
                let data = RData::CNAME(CNAME(target.clone()));
                message.add_answer(Record::from_rdata(owner, 60, data));
                owner = target;
                continue;
            }
        };
        message.add_answer(Record::from_rdata(owner.clone(), 60, data));
    }
    message.to_vec().unwrap()
}
