//! End to end: the real binary between real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::type_complexity,
    reason = "a test that cannot go on must stop and say where"
)]
mod actions;
mod addresses;
mod admin;
mod agents;
mod alongside;
mod bodies;
mod canary;
mod codes;
mod codings;
mod collectors;
mod crash;
mod credentials;
mod deadlines;
mod differential;
mod dlp;
mod documents;
mod early;
mod edges;
mod exchange;
mod expect;
mod faults;
mod faults_signer;
mod framing;
mod health;
mod hidden;
mod identity;
mod inside;
mod keeping;
mod keys;
mod kit;
mod kms;
mod known;
mod liars;
mod limits;
mod links;
mod load;
mod mcp;
mod names;
mod numbers;
mod onward;
mod parents;
mod proxied;
mod reading;
mod redaction;
mod reload;
mod retries;
mod scan;
mod secrets;
mod signing;
mod sinks;
mod sinks_faults;
mod sinks_more;
mod slow;
mod smoke;
mod smuggling;
mod streams;
mod tls;
mod tokens;
mod told;
mod trust;
mod tunnels;
mod unix;
mod upstreams;
mod watching;
mod websockets;
mod weight;
mod workload;
