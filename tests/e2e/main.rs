//! End to end: the real binary between real sockets.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop and say where"
)]
mod bodies;
mod codes;
mod codings;
mod deadlines;
mod edges;
mod expect;
mod limits;
mod mcp;
mod redaction;
mod smoke;
mod smuggling;
mod streams;
mod collectors;
mod crash;
mod differential;
mod framing;
mod identity;
mod kit;
mod mcp;
mod reading;
mod reload;
mod smoke;
mod sinks;
mod tls;
