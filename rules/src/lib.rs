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
//!
//! ```
//! use std::sync::Arc;
//! use tollgate_rules::*;
//!
//! let bundle = "
//! version: '1'
//! generated_at: 2026-01-01T00:00:00Z
//! expires_at: 2027-01-01T00:00:00Z
//! defaults: { outcome: DENY }
//! rules:
//!   - id: large-payments-need-approval
//!     description: Payments above 1000 wait for finance
//!     match: { tool_name: pay, environment: prod }
//!     when: { tool_args_match: { amount: { gt: 1000 } } }
//!     outcome: REQUIRE_APPROVAL
//!   - id: small-payments
//!     match: { tool_name: pay, environment: prod }
//!     outcome: ALLOW
//! ";
//! let now = "2026-06-01T00:00:00Z".parse::<jiff::Timestamp>()?;
//! let book = Rulebook::load(bundle, &LoadOptions::default(), now)?;
//!
//! let call = Call {
//!     agent: Arc::new(Agent {
//!         id: AgentId::new("spiffe://acme/agents/clerk"),
//!         agent_type: None,
//!         environment: "prod".into(),
//!         trust: Trust::Basic,
//!         roles: vec![],
//!         owner: None,
//!         tools: vec![],
//!         delegation_depth: 0,
//!     }),
//!     target: Target {
//!         scheme: Scheme::Https,
//!         host: Host::parse("pay.example.com")?,
//!         port: 443,
//!         method: "POST".into(),
//!         path: "/mcp".into(),
//!         route: "pay".into(),
//!     },
//!     protocol: Protocol::Mcp,
//!     action: Action { method: "tools/call".into(), tool: Some("pay".into()), ..Action::default() },
//!     arguments: serde_json::json!({ "amount": 5000 }).into(),
//!     body_bytes: 120,
//! };
//! let ruling = book.decide(&call, now);
//! assert_eq!(ruling.effect, Effect::Hold);
//! assert_eq!(ruling.code, Some(Code::ApprovalRequired));
//! assert_eq!(ruling.reasons[0].message, "Payments above 1000 wait for finance");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
mod agent;
mod arguments;
mod call;
mod code;
mod eval;
mod facts;
mod host;
mod index;
mod json;
mod load;
mod number;
mod pattern;
mod readings;
mod rule;
mod rulebook;
mod ruling;
mod uri;
mod values;

pub use agent::{Agent, AgentId, Trust, TrustError};
pub use arguments::Arguments;
pub use call::{Action, Call, Protocol, Scheme, Target};
pub use code::{Code, Group};
pub use eval::evaluate_line;
pub use host::{Host, HostError};
pub use json::Json;
pub use load::mistake::{LoadError, Mistake, Place};
pub use load::{BUNDLE_BYTES_MAX, BUNDLE_DEPTH_MAX, LoadOptions, RULES_MAX};
pub use readings::{folded, is_one_name};
pub use rulebook::Rulebook;
pub use ruling::{Duty, Effect, Outcome, Reason, RuleId, Ruling};
