//! The names of facts. The CEF writer and people's runbooks look for these words, so whoever
//! records a call uses them and no others for the same thing.

/// What the gate did: `allow`, `deny` or `hold`.
pub const EFFECT: &str = "effect";
/// The leading code of a refusal.
pub const CODE: &str = "code";
/// Further codes.
pub const CODES: &str = "codes";
/// The rule that decided.
pub const RULE: &str = "rule";
/// The protocol: `mcp`, `http` …
pub const PROTOCOL: &str = "protocol";
/// The tool, where the protocol has tools.
pub const TOOL: &str = "tool";
/// What the call does, in the rulebook's words.
pub const ACTION: &str = "action";
/// The HTTP or JSON-RPC method.
pub const METHOD: &str = "method";
/// The path without its query, or the redacted URL.
pub const PATH: &str = "path";
/// The destination's name.
pub const HOST: &str = "host";
/// The destination's port.
pub const PORT: &str = "port";
/// The address that the connection came from.
pub const SOURCE: &str = "source";
/// The address that the connection went to.
pub const DESTINATION: &str = "destination";
/// The receipt (event id) of the intent that an outcome belongs to.
pub const INTENT: &str = "intent";
/// The session or connection.
pub const SESSION: &str = "session";
/// The route's name.
pub const ROUTE: &str = "route";
/// The credential that the call gets, by its id.
pub const CREDENTIAL: &str = "credential";
/// The upstream's status.
pub const STATUS: &str = "status";
/// Body bytes sent on.
pub const BYTES_OUT: &str = "bytes_out";
/// Body bytes that came back.
pub const BYTES_IN: &str = "bytes_in";
/// How long the call took.
pub const DURATION_MS: &str = "duration_ms";
/// Classes of what inspection found, each once.
pub const CLASSES: &str = "classes";
/// What inspection found: class, place, keyed print; never the text.
pub const FINDINGS: &str = "findings";
/// Whether the gate only watches: what is said here was not enforced.
pub const OBSERVED: &str = "observed";
/// In `audit.checkpoint` and `audit.reconciliation`: how many events there were.
pub const SIZE: &str = "size";
/// In `audit.checkpoint` and `audit.reconciliation`: the hash of the last of them.
pub const HEAD_HASH: &str = "head_hash";
/// In `audit.checkpoint`: which chain.
pub const ORIGIN: &str = "origin";
/// In `audit.reconciliation`: why. Elsewhere: a sentence for people.
pub const REASON: &str = "reason";
/// A value of `reason`: the first events were deleted, since every sink has them.
pub const RELEASED: &str = "released";
/// A value of `reason`: an unfinished last write was cut off at start.
pub const TORN_TAIL: &str = "torn_tail";
/// A value of `reason`: calls were found at start whose intent has no outcome.
pub const OUTCOME_UNKNOWN: &str = "outcome_unknown";
/// A value of `reason`: the disk was found full, and intents are refused until it has room.
pub const SPOOL_FULL: &str = "spool_full";
/// In `audit.reconciliation`: the receipts of the intents that it is about.
pub const INTENTS: &str = "intents";
/// In `audit.checkpoint`: the Merkle root of the `size` events before it, in hexadecimal.
pub const ROOT: &str = "root";
/// The key that signed before.
pub const OLD_SIGNER_KID: &str = "old_signer_kid";
/// The key that signs from here.
pub const NEW_SIGNER_KID: &str = "new_signer_kid";
/// The key that is not believed any more.
pub const REVOKED_SIGNER_KID: &str = "revoked_signer_kid";
/// In `legal_hold.set` and `legal_hold.cleared`: which hold.
pub const HOLD: &str = "hold";
