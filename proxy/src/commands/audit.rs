//! `tollgate audit`: is the record what was written, and what does it say.
mod input;
mod proof;
#[cfg(test)]
mod proof_tests;
mod prove;
mod tail;
#[cfg(test)]
mod tests;
mod verify;

pub use prove::{ProveArgs, prove};
pub use tail::{TailArgs, tail};
pub use verify::{VerifyArgs, VerifyFormat, verify};

/// What `tollgate audit` does.
#[derive(clap::Subcommand, Debug)]
pub enum AuditCommand {
    /// Says whether a record is what was written, or names its first break.
    Verify(VerifyArgs),
    /// Writes a file that proves one event without the record.
    Prove(ProveArgs),
    /// Shows a record as lines for people.
    Tail(TailArgs),
}

impl AuditCommand {
    /// Runs it and returns the process's exit code.
    pub fn run(&self) -> u8 {
        let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
        match self {
            Self::Verify(args) => verify(args, &mut out, &mut err),
            Self::Prove(args) => prove(args, &mut out, &mut err),
            Self::Tail(args) => tail(args, &mut out, &mut err),
        }
    }
}

/// All is well.
pub const SOUND: u8 = 0;
/// The record is not what was written.
pub const BROKEN: u8 = 1;
/// The question could not be answered: a file is missing or is no record.
pub const UNUSABLE: u8 = 2;
