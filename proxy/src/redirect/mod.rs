//! The kernel's part of the transparent way in: rules that lead an agent's connections to the gate
//! and let nothing else of it out.
mod inner;
mod load;
pub mod prove;
mod rules;

pub use inner::Inner;
pub use load::load;
pub use rules::{Who, Wish, undo};
