//! The gate beside an AI agent.
//!
//! This crate is the shell of the house: every socket, file, clock, key and task is here. The
//! rooms that think (`tollgate-rules`, `tollgate-dlp`, `tollgate-audit`, `tollgate-config`) are
//! crates of their own and touch nothing. [`gate`] holds the walk of a call from top to bottom;
//! the other modules are its steps, named as in ARCHITECTURE.md.
//!
//! ```no_run
//! # async fn show() -> Result<(), Box<dyn std::error::Error>> {
//! let source = tollgate::Source::new("config/example.yaml".as_ref());
//! let running = tollgate::start(source).await?;
//! running.stop().await?;
//! # Ok(()) }
//! ```
#![warn(clippy::print_stdout, clippy::print_stderr)]
mod alongside;
mod answer;
mod at_start;
mod body;
mod checks;
mod clear;
mod clock;
mod coding;
pub mod commands;
mod credentials;
mod decode;
pub mod demo;
mod desks;
mod doctor;
mod egress;
mod file;
mod flight;
mod gate;
mod handles;
mod head;
mod heard;
mod identity;
mod inspect;
mod known;
pub mod ledger;
mod limits;
mod lines;
mod listen;
pub mod names;
mod outcome;
mod outfit;
mod recall;
mod record;
mod redirect;
mod refuse;
mod reload;
mod run;
mod say;
mod scene;
mod snapshot;
mod socket;
mod spoken;
mod sse;
mod stop;
mod strangers;
mod tunnel;
mod upkeep;
mod watch;
mod words;

pub use run::{Running, StartFault, start};
pub use snapshot::Source;
