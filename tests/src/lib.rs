//! World: everything around a gate, so that tests can watch it from outside.
//!
//! A [`World`] is the real binary with its own directory, configuration, rulebook, certificates
//! and ports. An [`Upstream`] is a tool server that keeps the exact bytes it was sent and answers
//! by script; an [`HttpUpstream`] speaks HTTP/1.1 and HTTP/2 properly. A [`RawClient`] says
//! anything at all, an [`HttpClient`] what a good client says. Every wait has an end.
//!
//! ```no_run
//! # async fn doc() {
//! use tollgate_tests::{RawClient, Upstream, World};
//!
//! let upstream = Upstream::start().await;
//! let world = World::builder().route("tools", "/tools", &upstream.url()).start().await;
//! let mut client = RawClient::connect(world.plain()).await;
//! let answer = client.call("GET /tools/ok HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
//! assert_eq!(answer.status, 200);
//! assert_eq!(upstream.seen().len(), 1);
//! # }
//! ```
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop and say where"
)]
mod alone;
mod answer;
mod binary;
mod calls;
mod certificates;
mod client;
mod collector;
mod dice;
mod dns_server;
mod http_client;
mod http_upstream;
pub mod kms;
mod nobody;
mod parent_proxy;
mod rulebook;
mod script;
mod serve;
mod settings;
mod signing_proxy;
mod socket_upstream;
mod upstream;
mod wait;
mod witness;
mod workload_api;
mod world;

pub use alone::listen_alone;
pub use answer::Answer;
pub use binary::binary;
pub use calls::Calls;
pub use certificates::{Authority, Certificates, Identity};
pub use client::RawClient;
pub use collector::{Collector, Posted};
pub use dice::Dice;
pub use dns_server::DnsServer;
pub use http_client::{Body, BodySender, HttpClient, Reply, full, streamed, tls, tls_over};
pub use http_upstream::{Heard, HttpUpstream};
pub use nobody::Nobody;
pub use parent_proxy::{Leads, ParentProxy, Tunnelled};
pub use rulebook::{POLICY_ALLOW, POLICY_NO_DELETE};
pub use script::{Script, Step, chunked, fixed, json_answer};
pub use serve::serve;
pub use settings::{AGENT, OTHER_AGENT, base_settings, http_route, mcp_route};
pub use signing_proxy::{Manner, SigningProxy};
pub use socket_upstream::SocketUpstream;
pub use upstream::{Seen, Upstream};
pub use wait::{PATIENCE, until, within};
pub use witness::Witness;
pub use workload_api::{Given, WorkloadApi};
pub use world::{Builder, NotStarted, World};
