//! A server of HTTP/1.1 around a function.
use std::error::Error;
use std::future::Future;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Answers what comes on a socket, for as long as it is waited for; dropped, its connections go with
/// it.
pub async fn serve<A, F, B, E>(socket: TcpListener, answer: A)
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<B>, E>> + Send,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let mut connections = JoinSet::new();
    while let Ok((io, _)) = socket.accept().await {
        let _ = io.set_nodelay(true);
        // Those that have ended are let go.
        while connections.try_join_next().is_some() {}
        let answer = answer.clone();
        connections.spawn(async move {
            // A connection that breaks shows on the other side.
            let serving = hyper::server::conn::http1::Builder::new();
            let _ = serving.serve_connection(TokioIo::new(io), service_fn(answer)).await;
        });
    }
}
