//! A server for the official MCP conformance suite (`@modelcontextprotocol/conformance`) to call,
//! directly and through the gate: what passes here directly must pass through the gate, line for
//! line.
//!
//! What it offers is data (`fixtures/*.json`); code is only what data cannot say. It keeps to the
//! names and the wording that the suite asks for.

#[expect(
    deprecated,
    reason = "2026-07-28 gives up logging and sampling, and the generations before it keep them"
)]
mod calls;
mod fill;
mod fixtures;
mod line;
mod rounds;
#[expect(
    deprecated,
    reason = "2026-07-28 gives up logging and sampling, and the generations before it keep them"
)]
mod server;
mod stage;
mod tasks;

pub use fixtures::Fixtures;
pub(super) use line::hold_line;
pub use server::Conformance;
pub use stage::Stage;
