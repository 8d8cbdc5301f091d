//! Common Event Format.
