//! The living generations of the Model Context Protocol.
use std::fmt;

use tollgate_dlp::Node;

/// The member of `params._meta` that names the protocol version of a stateless request.
pub(super) const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";

/// A generation of MCP, as far as it changes how a call is read and answered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Era {
    /// 2026-07-28 and later: each request stands alone and says its version in `_meta`.
    Stateless,
    /// 2025-11-25, and any other version that is not known to have batches.
    Session2025_11_25,
    /// 2025-06-18: batches are gone, the version header is required.
    Session2025_06_18,
    /// 2025-03-26, and whoever names no version: batches are legal.
    Session2025_03_26,
}

impl Era {
    /// The version that first spoke so.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stateless => "2026-07-28",
            Self::Session2025_11_25 => "2025-11-25",
            Self::Session2025_06_18 => "2025-06-18",
            Self::Session2025_03_26 => "2025-03-26",
        }
    }

    /// The generation of a version; an unknown one counts as the generation whose date it follows.
    pub(super) fn of_version(version: &str) -> Self {
        match version {
            "2025-03-26" => Self::Session2025_03_26,
            "2025-06-18" => Self::Session2025_06_18,
            later if later >= Self::Stateless.as_str() && later.starts_with("20") => {
                Self::Stateless
            }
            _ => Self::Session2025_11_25,
        }
    }

    /// The generation of one message. A version in `_meta` makes it stateless whatever the header
    /// says; `initialize` never is; no word at all means 2025-03-26 (MCP 2025-06-18, transports).
    pub(super) fn of_message(document: Node<'_>, header: Option<&str>) -> Self {
        if meta_version(document).is_some() {
            return Self::Stateless;
        }
        if document.get("method").and_then(Node::as_str) == Some("initialize") {
            let params = document.get("params");
            let asked = params.and_then(|params| params.get("protocolVersion")?.as_str());
            return match asked.or(header).map(Self::of_version) {
                Some(Self::Stateless) => Self::Session2025_11_25,
                Some(session) => session,
                None => Self::Session2025_03_26,
            };
        }
        header.map_or(Self::Session2025_03_26, Self::of_version)
    }
}

impl fmt::Display for Era {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The version that a message's `_meta` names.
pub(super) fn meta_version(document: Node<'_>) -> Option<&str> {
    document.get("params")?.get("_meta")?.get(META_VERSION)?.as_str()
}
