//! What operators see: metrics, health, the log.
pub mod admin;
mod holds;
pub mod log;
mod metrics;

pub use metrics::Metrics;
