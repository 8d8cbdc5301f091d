//! How upstreams are treated: how many calls at once, and when one is left alone.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::formats;

/// How upstreams are treated, each for itself. An upstream is a host and port behind a route.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Upstreams {
    /// Calls in flight to one upstream at once, of all agents together; streams and tunnels count
    /// until they end. A route may say another number.
    #[schemars(range(min = 1, max = 100_000))]
    pub concurrency: u32,
    /// How long a call waits for another to end when there are as many; 0 refuses it at once.
    #[schemars(range(min = 0, max = 60_000))]
    pub wait_ms: u64,
    /// How many calls may wait so at one upstream.
    #[schemars(range(min = 0, max = 100_000))]
    pub waiting: u32,
    /// How long an address of a name may take to be connected to before the next one is tried
    /// beside it (RFC 8305).
    #[schemars(range(min = 10, max = 2_000))]
    pub stagger_ms: u64,
    /// Calls at once on one HTTP/2 connection to an upstream; more open another one. An upstream may
    /// allow fewer.
    #[schemars(range(min = 1, max = 1_000))]
    pub h2_streams: usize,
    /// When an upstream that fails is left alone.
    pub breaker: Breaker,
    /// When a call is sent again.
    pub retry: Retry,
}

impl Default for Upstreams {
    fn default() -> Self {
        Self {
            // Twice what one agent may have in flight.
            concurrency: 256,
            wait_ms: 1_000,
            waiting: 128,
            // RFC 8305 section 5.
            stagger_ms: 250,
            h2_streams: 64,
            breaker: Breaker::default(),
            retry: Retry::default(),
        }
    }
}

/// When an upstream that fails is left alone. It fails when it cannot be connected to or verified,
/// does not answer in time, breaks off, cannot be understood, or answers 502, 503 or 504.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Breaker {
    /// Failures in a row that open the circuit; 0 counts none.
    #[schemars(range(min = 0, max = 10_000))]
    pub failures: u32,
    /// Failures of a hundred calls within `window_ms` that open it; 0 counts none.
    #[schemars(range(min = 0, max = 100))]
    pub share_percent: u32,
    /// How many calls there must be within `window_ms` before their share says anything.
    #[schemars(range(min = 1, max = 100_000))]
    pub share_calls: u32,
    /// The time within which calls are counted for `share_percent`.
    #[schemars(range(min = 1_000, max = 3_600_000))]
    pub window_ms: u64,
    /// How long nothing is sent once it is open; twice as long each time that trial calls fail.
    #[schemars(range(min = 100, max = 3_600_000))]
    pub open_ms: u64,
    /// How long that may become.
    #[schemars(range(min = 100, max = 3_600_000))]
    pub open_max_ms: u64,
    /// How many trial calls there are then at once, and must go well before it closes.
    #[schemars(range(min = 1, max = 100))]
    pub trials: u32,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            failures: 10,
            share_percent: 50,
            share_calls: 20,
            window_ms: 30_000,
            open_ms: 5_000,
            open_max_ms: 60_000,
            trials: 2,
        }
    }
}

/// When a call is sent again: always when no connection was made, so that nothing was sent; GET,
/// HEAD, OPTIONS, PUT and DELETE also when a kept connection was closed before an answer began;
/// never once a byte of an answer was passed on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// How often one call is sent again at most; 0 never.
    #[schemars(range(min = 0, max = 10))]
    pub times: u32,
    /// Retries to one upstream for each hundred calls to it; 10 more when it was quiet.
    #[schemars(range(min = 0, max = 100))]
    pub share_percent: u32,
    /// The pause before the first; each is twice as long as the one before, less chance.
    #[schemars(range(min = 0, max = 60_000))]
    pub wait_ms: u64,
    /// How long a pause is at most. A `Retry-After` that asks for more is not waited for.
    #[schemars(range(min = 0, max = 60_000))]
    pub wait_max_ms: u64,
    /// Send GET and HEAD again when the answer is 502, 503 or 504 and says `Retry-After` in seconds.
    pub statuses: bool,
    /// Treat calls of plain HTTP that carry an `Idempotency-Key` as GET. Only for upstreams that
    /// know it.
    pub idempotency_key: bool,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            times: 2,
            share_percent: 20,
            wait_ms: 100,
            wait_max_ms: 2_000,
            statuses: false,
            idempotency_key: false,
        }
    }
}

/// How the gate looks after an upstream by itself. While it does not pass, its calls are refused.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Health {
    /// A path below `url` that is asked for with GET and answers 200 to 399; without it a connection
    /// is enough.
    #[schemars(with = "Option<formats::Prefix>", length(min = 2, max = 255), extend("examples" = ["/healthz"]))]
    pub path: Option<String>,
    /// From the end of a check to the next.
    #[schemars(range(min = 100, max = 3_600_000))]
    pub interval_ms: u64,
    /// How long a check may take.
    #[schemars(range(min = 50, max = 60_000))]
    pub timeout_ms: u64,
    /// After how many checks in a row that failed it is left alone.
    #[schemars(range(min = 1, max = 100))]
    pub failures: u32,
    /// After how many in a row that went well calls are sent again.
    #[schemars(range(min = 1, max = 100))]
    pub passes: u32,
}

impl Default for Health {
    fn default() -> Self {
        Self { path: None, interval_ms: 10_000, timeout_ms: 2_000, failures: 3, passes: 2 }
    }
}
