//! A WebSocket server that says what it is told to say.
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::certificates::Identity;
use crate::wait::until;

#[derive(Default)]
struct Heard {
    /// The head of each handshake, as lines.
    handshakes: Vec<Vec<String>>,
    /// Messages and closes, in words.
    items: Vec<String>,
}

/// The server; ends when dropped. It answers a message with the same message, but:
///
/// - `say TEXT` with `TEXT`, and `bytes HEX` with those bytes;
/// - `close CODE REASON` with a close; `die` by going away; `ping` with a ping.
pub struct SocketUpstream {
    address: SocketAddr,
    heard: Arc<Mutex<Heard>>,
    serving: JoinHandle<()>,
}

impl Drop for SocketUpstream {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl SocketUpstream {
    /// Starts it on a port of its own, with TLS when it has a certificate.
    pub async fn start(identity: Option<&Identity>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::<Mutex<Heard>>::default();
        let acceptor = identity.map(|identity| {
            let (chain, key) = identity.to_rustls();
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let mut config = rustls::ServerConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(chain, key)
                .unwrap();
            // A client that took h2 could not be upgraded.
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            TlsAcceptor::from(Arc::new(config))
        });
        let serving = tokio::spawn({
            let heard = Arc::clone(&heard);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let (heard, acceptor) = (Arc::clone(&heard), acceptor.clone());
                    tokio::spawn(async move {
                        match acceptor {
                            None => serve(stream, heard).await,
                            Some(acceptor) => {
                                if let Ok(stream) = acceptor.accept(stream).await {
                                    serve(stream, heard).await;
                                }
                            }
                        }
                    });
                }
            }
        });
        Self { address, heard, serving }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, for a route.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The heads of all handshakes.
    pub fn handshakes(&self) -> Vec<Vec<String>> {
        self.heard.lock().unwrap().handshakes.clone()
    }

    /// What it heard: `text …`, `bytes …` in hexadecimal, `ping …`, `close CODE REASON`, `gone`.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().items.clone()
    }

    /// Waits until it heard so much.
    pub async fn wait_heard(&self, count: usize) -> Vec<String> {
        until("messages at the upstream", async || {
            let heard = self.heard();
            (heard.len() >= count).then_some(heard)
        })
        .await
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: S, heard: Arc<Mutex<Heard>>) {
    #[expect(clippy::result_large_err, reason = "the library says so")]
    let on_head = |request: &Request, mut response: Response| {
        let lines = request
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())));
        let target = format!("{} {}", request.method(), request.uri());
        let lines = std::iter::once(target).chain(lines).collect();
        heard.lock().unwrap().handshakes.push(lines);
        if let Some(protocol) = request.headers().get("sec-websocket-protocol") {
            let first = protocol.to_str().unwrap().split(',').next().unwrap().trim().to_owned();
            response.headers_mut().insert("sec-websocket-protocol", first.parse().unwrap());
        }
        response.headers_mut().insert("x-more", "of the upstream".parse().unwrap());
        Ok(response)
    };
    let Ok(mut socket) = tokio_tungstenite::accept_hdr_async(stream, on_head).await else { return };
    let note = |text: String| heard.lock().unwrap().items.push(text);
    loop {
        let answer = match socket.next().await {
            Some(Ok(Message::Text(text))) => {
                note(format!("text {text}"));
                match act(&mut socket, text.as_str()).await {
                    Some(answer) => answer,
                    None => return,
                }
            }
            Some(Ok(Message::Binary(bytes))) => {
                note(format!("bytes {}", hex::encode(&bytes)));
                Message::Binary(bytes)
            }
            Some(Ok(Message::Ping(carried))) => {
                note(format!("ping {}", hex::encode(&carried)));
                continue;
            }
            Some(Ok(Message::Close(said))) => {
                let said = said.map(|said| format!(" {} {}", u16::from(said.code), said.reason));
                note(format!("close{}", said.unwrap_or_default()));
                continue;
            }
            Some(Ok(_)) => continue,
            Some(Err(_)) | None => {
                note("gone".to_owned());
                return;
            }
        };
        if socket.send(answer).await.is_err() {
            return;
        }
    }
}

/// What a text asks for; nothing to go away.
async fn act<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    text: &str,
) -> Option<Message> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    Some(match word {
        "say" => Message::text(rest),
        "bytes" => Message::binary(hex::decode(rest).unwrap()),
        "ping" => Message::Ping("from upstream".into()),
        "die" => return None,
        "close" => {
            let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
            let code = code.parse::<u16>().unwrap().into();
            let _ = socket.close(Some(CloseFrame { code, reason: reason.into() })).await;
            Message::text("behind a close")
        }
        _ => Message::text(text),
    })
}
