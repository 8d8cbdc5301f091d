//! Who may do what.
//!
//! This crate owns the vocabulary of a call ([`Agent`], [`Call`], [`Target`], [`Code`]) and the
//! [`Rulebook`] that decides it. Every other room of the house speaks these words.
//!
//! Invariants, held by `clippy.toml` and by the tidy test:
//! - no socket, file, environment, clock, randomness, task or global: time is an argument;
//! - [`Rulebook::decide`] is total: it never fails and never panics, and what it cannot decide it
//!   denies with a code;
//! - it never sees the body's bytes or what was found in them: that is `tollgate-dlp`'s room.
mod agent;
mod call;
mod code;
mod host;
mod ruling;

pub use agent::{Agent, AgentId, Trust, TrustError};
pub use call::{Action, Call, Protocol, Scheme, Target};
pub use code::{Code, Group};
pub use host::{Host, HostError};
pub use ruling::{Duty, Effect, Outcome, Reason, RuleId, Ruling};
