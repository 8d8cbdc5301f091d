//! Reads a call out of its bytes, strictly and once.
//!
//! What cannot be read in exactly one way is [`Malformed`]. What was read is written again by the
//! same module, and only that is forwarded: whatever two parsers could understand differently never
//! reaches the second one.
pub mod head;
pub mod http;
pub mod json;
pub mod mcp;
pub mod media;
mod path;

use tollgate_rules::Code;

use self::json::JsonError;
use self::mcp::{Era, RpcId};

/// JSON-RPC 2.0 section 5.1: the text is no JSON.
pub const RPC_PARSE_ERROR: i64 = -32700;
/// JSON-RPC 2.0 section 5.1: the JSON is no request.
pub const RPC_INVALID_REQUEST: i64 = -32600;
/// JSON-RPC 2.0 section 5.1: the parameters are not what the method asks for.
pub const RPC_INVALID_PARAMS: i64 = -32602;
/// MCP 2026-07-28, Streamable HTTP: a header does not say what the body says.
pub const RPC_HEADER_MISMATCH: i64 = -32020;

/// A call that cannot be read in exactly one way. Holds nothing of what was sent but the id.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[error("{sentence}")]
pub struct Malformed {
    /// The leading code of the refusal.
    pub code: Code,
    /// One sentence: what is wrong and what would pass.
    pub sentence: String,
    /// The error code when the answer is JSON-RPC.
    pub rpc: i64,
    /// The request's id, when it could be read.
    pub id: Option<RpcId>,
    /// The generation of MCP, when it could be told.
    pub era: Option<Era>,
}

impl Malformed {
    /// Something is wrong with the call as a whole.
    pub fn new(code: Code, sentence: impl Into<String>) -> Self {
        Self { code, sentence: sentence.into(), rpc: RPC_INVALID_REQUEST, id: None, era: None }
    }

    /// The JSON-RPC error code to answer with.
    #[must_use]
    pub fn with_rpc(mut self, rpc: i64) -> Self {
        self.rpc = rpc;
        self
    }

    /// Whom to answer.
    #[must_use]
    pub fn with_caller(mut self, id: Option<RpcId>, era: Era) -> Self {
        self.id = id;
        self.era = Some(era);
        self
    }
}

impl From<JsonError> for Malformed {
    fn from(error: JsonError) -> Self {
        Self::new(error.code(), error.to_string()).with_rpc(RPC_PARSE_ERROR)
    }
}
