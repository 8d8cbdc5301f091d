//! What `tollgate` carries along so that one command shows it at work: a tool server, the gate in
//! front of it and a scripted agent.
mod agent;
mod script;
mod stage;
mod table;
pub mod tools;

pub use script::show;
pub use stage::{DemoFault, Plan};
