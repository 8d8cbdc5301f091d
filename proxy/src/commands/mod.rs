//! What `tollgate <command>` does.
pub mod audit;
