//! `tollgate audit`: is the record what was written, and what does it say.
mod answer;
mod consistency;
mod export;
mod files;
mod grep;
mod input;
mod lines;
mod postgres;
mod progress;
mod proof;
#[cfg(test)]
mod proof_tests;
mod prove;
mod registry;
mod s3;
mod show;
mod source;
mod spread;
mod stats;
mod tail;
#[cfg(test)]
mod tests;
mod verify;
mod words;

pub use consistency::{ConsistencyArgs, consistency};
pub use export::{ExportArgs, ExportTo, export};
pub use grep::{GrepArgs, grep};
pub(super) use input::read_time;
pub use postgres::PostgresArgs;
pub use prove::{ProveArgs, prove};
pub use s3::StoreArgs;
pub use show::{ShowArgs, show};
pub use stats::{StatsArgs, stats};
pub use tail::{TailArgs, tail};
pub use verify::{VerifyArgs, VerifyFormat, VerifyFrom, verify};
pub(super) use words::tame;

/// What `tollgate audit` does.
#[derive(clap::Subcommand, Debug)]
pub enum AuditCommand {
    /// Says whether a record is what was written, or names its first break.
    Verify(VerifyArgs),
    /// Writes a file that proves one event without the record.
    Prove(ProveArgs),
    /// Writes a file that proves that the record only grew since an older signed note.
    Consistency(ConsistencyArgs),
    /// Shows a record as lines for people.
    Tail(TailArgs),
    /// Tells one call's story: its intent, its outcome, or its refusal.
    Show(ShowArgs),
    /// Shows the events that have all of what is asked for.
    Grep(GrepArgs),
    /// Writes events in a format that others read.
    Export(ExportArgs),
    /// Counts events by type, code, rule, actor and class.
    Stats(StatsArgs),
}

impl AuditCommand {
    /// Runs it and returns the process's exit code.
    pub fn run(&self) -> u8 {
        // Colours stay on a terminal, unless `NO_COLOR` says otherwise.
        let mut out = anstream::AutoStream::auto(std::io::stdout().lock());
        let mut err = std::io::stderr().lock();
        match self {
            Self::Verify(args) => verify(args, &mut out, &mut err),
            Self::Prove(args) => prove(args, &mut out, &mut err),
            Self::Consistency(args) => consistency(args, &mut out, &mut err),
            Self::Tail(args) => tail(args, &mut out, &mut err),
            Self::Show(args) => show(args, &mut out, &mut err),
            Self::Grep(args) => grep(args, &mut out, &mut err),
            Self::Export(args) => export(args, &mut out, &mut err),
            Self::Stats(args) => stats(args, &mut out, &mut err),
        }
    }
}

/// All is well.
pub const SOUND: u8 = 0;
/// The record is not what was written.
pub const BROKEN: u8 = 1;
/// What was asked for is there.
pub const FOUND: u8 = SOUND;
/// What was asked for is not there.
pub const NOT_FOUND: u8 = BROKEN;
/// The question could not be answered: a file is missing or is no record.
pub const UNUSABLE: u8 = 2;
