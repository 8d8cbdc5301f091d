//! The gate.
pub mod commands;
pub mod ledger;
