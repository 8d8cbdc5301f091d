//! The proof that a call went the whole way.
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use tollgate_rules::AgentId;

use crate::credentials::Granted;
use crate::egress::Destination;
use crate::ledger::Receipt;

/// A call that was ruled, limited, inspected and recorded. [`forward`] takes nothing else, and
/// nothing but [`Permit::issue`] makes one, which in turn asks for the receipt that only the
/// ledger can give.
///
/// [`forward`]: crate::egress::Egress::forward
#[derive(Debug)]
pub struct Permit {
    request: Outgoing,
    receipt: Receipt,
}

/// What will travel, after inspection.
#[derive(Debug)]
pub struct Outgoing {
    /// Whose call it is.
    pub agent: AgentId,
    /// Where to.
    pub to: Arc<Destination>,
    /// The method.
    pub method: Method,
    /// The path and query as forwarded.
    pub path_and_query: String,
    /// The headers, cleaned and rebuilt.
    pub headers: HeaderMap,
    /// The body, re-serialised from what was parsed.
    pub body: Bytes,
    /// The credential that it gets at the door.
    pub granted: Option<Granted>,
    /// The key of its WebSocket handshake, when it is one.
    pub socket: Option<String>,
}

impl Permit {
    /// Turns a recorded intent into a permit. The receipt is taken, so that one intent opens the
    /// door once.
    pub(super) fn issue(request: Outgoing, receipt: Receipt) -> Self {
        Self { request, receipt }
    }

    /// The recorded intent's receipt.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// Whose call it is.
    pub fn agent(&self) -> &AgentId {
        &self.request.agent
    }

    /// Where it goes.
    pub fn destination(&self) -> &Arc<Destination> {
        &self.request.to
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.request.method
    }

    /// The path and query.
    pub fn path_and_query(&self) -> &str {
        &self.request.path_and_query
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.request.headers
    }

    /// The credential that it gets at the door.
    pub fn granted(&self) -> Option<&Granted> {
        self.request.granted.as_ref()
    }

    /// The key of its WebSocket handshake.
    pub fn socket(&self) -> Option<&str> {
        self.request.socket.as_deref()
    }

    /// The body.
    pub fn body(&self) -> &Bytes {
        &self.request.body
    }
}
