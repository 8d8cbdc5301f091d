//! The gate.
pub mod coding;
pub mod decode;
pub mod refuse;
pub mod sse;
