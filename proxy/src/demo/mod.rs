//! What `tollgate` carries along so that one command shows it at work.

pub mod tools;
