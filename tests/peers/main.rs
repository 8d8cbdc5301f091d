//! Programs made by others around the real gate: before it the official MCP SDKs, fastmcp, curl and
//! the official conformance suite; behind it the servers that its record is sent to.
//!
//! `make peers` installs them and `make test-peers` runs this. A client that is missing fails its
//! test, since a check that silently did not run would be taken for one that passed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this crate is tests alone, and its shared steps are tests too"
)]

mod authority;
mod aws;
mod clients;
mod clock;
mod collectors;
mod contained;
mod curl;
mod disks;
mod doctor;
mod formats;
mod gate;
mod hostile;
mod island;
mod judges;
mod led;
// Events of any kind, as the audit crate's own tests make them.
#[path = "../../proxy/audit/tests/made/mod.rs"]
mod made;
mod nats;
mod peer;
mod postgres;
mod rebinding;
mod record;
mod redirect;
mod rsyslog;
mod sarif;
mod servers;
mod softhsm;
mod suite;
mod syscalls;
mod walk;
mod websocket;
