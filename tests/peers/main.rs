//! Clients made by others, before the real gate: the official MCP SDKs, fastmcp, curl, and the
//! official conformance suite.
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
mod curl;
mod gate;
mod peer;
mod suite;
mod walk;
