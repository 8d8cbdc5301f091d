//! Who calls.
//!
//! Identity comes from the connection alone: the client certificate of a TLS listener, the user whose
//! process is at the other end of a unix socket, or the agent a plain listener is bound to. What the
//! caller says about itself is not looked at.
mod certificate;
pub mod folder;
mod registry;
pub mod workload;

pub use certificate::PeerNames;
pub use registry::{Registry, RegistryFault};

use std::sync::Arc;

use tollgate_rules::{Agent, Code};

use crate::listen::{Conn, Peer, Withdrawn};
use crate::snapshot::Snapshot;

/// Finds the agent behind a connection, in the registry that is in force now, and asks those who
/// vouch now whether they still do.
pub fn identify(snapshot: &Snapshot, conn: &Conn) -> Result<Arc<Agent>, Unidentified> {
    let registry = &snapshot.registry;
    if let Some(shown) = &conn.shown {
        let tls = snapshot.server_tls(&conn.listener).ok_or(Unidentified::Withdrawn)?;
        shown.stands(tls.trust()).map_err(|withdrawn| match withdrawn {
            Withdrawn::Revoked => Unidentified::Revoked,
            Withdrawn::Unknown => Unidentified::Withdrawn,
        })?;
    }
    match (&conn.names, conn.peer) {
        (Some(names), _) => registry.named(names),
        (None, Peer::Process(process)) => {
            registry.local(&conn.listener, process).ok_or(Unidentified::Stranger)
        }
        (None, Peer::Address(_)) => registry.bound_to(&conn.listener).ok_or(Unidentified::Unknown),
    }
}

/// Why nobody was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unidentified {
    /// No certificate, or one without any name.
    Missing,
    /// Names that mean no agent.
    Unknown,
    /// A user that is on no list of a unix socket.
    Stranger,
    /// Nobody vouches any more for the certificate of a connection.
    Withdrawn,
    /// The certificate of a connection has been revoked since.
    Revoked,
    /// Two URI names, or names that mean two agents.
    Ambiguous,
}

impl Unidentified {
    /// The refusal's code.
    pub fn code(self) -> Code {
        match self {
            Self::Missing => Code::IdentityMissing,
            Self::Unknown | Self::Stranger | Self::Withdrawn => Code::IdentityUnknown,
            Self::Revoked => Code::AgentRevoked,
            Self::Ambiguous => Code::IdentityAmbiguous,
        }
    }

    /// One sentence that says what would pass.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Missing => {
                "No identity was presented. Connect with a client certificate that names one agent."
            }
            Self::Unknown => {
                "The identity presented belongs to no registered agent. Ask the operator to register it."
            }
            Self::Stranger => {
                "Processes of this user may not use this socket. Ask the operator to register the user."
            }
            Self::Withdrawn => {
                "Nobody vouches for the certificate of this connection any more. Connect again with a new one."
            }
            Self::Revoked => {
                "The certificate of this connection has been revoked. Ask the operator for another one."
            }
            Self::Ambiguous => {
                "The certificate names more than one identity. Use one with exactly one SPIFFE URI."
            }
        }
    }
}
