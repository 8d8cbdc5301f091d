//! WebSocket: where it may pass, and within which bounds.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// See [`Route::websocket`](super::Route::websocket).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Handshakes {
    /// Its handshakes are refused.
    #[default]
    Refuse,
    /// They pass like every other call, and each message behind them is inspected.
    Allow,
}

/// Bounds of every WebSocket that passes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WebSocket {
    /// Bytes of one message, of all its frames together. A longer one ends the connection.
    #[schemars(range(min = 1024, max = 67_108_864))]
    pub message_bytes: usize,
    /// Frames of one message.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub message_frames: u32,
    /// Messages and pings a second, each way. Whoever sends more is read more slowly.
    #[schemars(range(min = 1, max = 100_000))]
    pub messages_per_second: u32,
    /// How long one connection may last; it is judged by the configuration that it began with.
    #[schemars(range(min = 1_000, max = 604_800_000))]
    pub duration_ms: u64,
}

impl Default for WebSocket {
    fn default() -> Self {
        Self {
            message_bytes: 1 << 20,
            // A mebibyte in frames of a kibibyte.
            message_frames: 1024,
            // Speech comes in fifty pieces a second.
            messages_per_second: 200,
            duration_ms: 3_600_000,
        }
    }
}
