//! Text to settings, or every mistake with its place.
//!
//! Invariants: this crate reads no file, environment or clock; paths and names of environment
//! variables in [`Settings`] are only names here, and the shell opens them. No secret value is
//! ever part of [`Settings`], and none that was written into the file by mistake is ever part of
//! [`Mistakes`].
//!
//! ```
//! let file = "
//! version: 1
//! listeners:
//!   - { type: plain, name: local, bind: '127.0.0.1:8080', agent: coder }
//! agents:
//!   - { id: codr }
//! policy: { bundle: policy.yaml }
//! audit: { spool: spool }
//! ";
//! let mistakes = tollgate_config::read(file, "tollgate.yaml", &[]).unwrap_err();
//! let mistake = mistakes.iter().next().unwrap();
//! assert_eq!((mistake.line(), mistake.path()), (Some(4), "listeners[0].agent"));
//! assert_eq!(mistake.help(), Some("did you mean `codr`?"));
//! ```
mod check;
mod errata;
mod formats;
mod mistakes;
mod overrides;
mod page;
mod parse;
mod read;
mod reference;
mod schema;
pub mod settings;
mod shape;
mod signing_variables;
mod tree;
mod walk;
mod words;

pub use mistakes::{Mistake, Mistakes};
pub use overrides::is_read;
pub use read::{read, read_agents};
pub use reference::reference;
pub use schema::schema;
pub use settings::Settings;
