//! The gate as the agent's DNS server: which names it may ask for, and what it is told.
//!
//! A name is a way out, since whoever runs its servers sees it. So a query walks as a call does:
//! it is counted, read in one way only, looked up in the lists, measured, recorded, and only then
//! asked for, by the gate's own resolver. What comes back is checked as everything is that may be
//! connected to, and what is answered is remembered, so that a connection to an address can be
//! named by what its agent asked for.
mod answer;
mod binding;
mod given;
mod hiding;
mod message;
mod record;
mod rules;
mod serve;

pub use given::Given;
pub use rules::NameRules;
pub use serve::{NameServer, NamesFault, Pair};
