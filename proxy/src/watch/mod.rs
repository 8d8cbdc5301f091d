//! What operators see: metrics, health, the log.
pub mod admin;
mod holds;
pub mod log;
mod metrics;
mod seldom;

pub use metrics::Metrics;
pub(crate) use seldom::Seldom;
