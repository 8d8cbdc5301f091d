//! The gate.

pub mod demo;
