//! Text to settings, or every mistake with its place.
//!
//! Invariants: this crate reads no file, environment or clock; paths and names of environment
//! variables in [`Settings`] are only names here, and the shell opens them. No secret value is
//! ever part of [`Settings`].
pub mod settings;

pub use settings::Settings;
