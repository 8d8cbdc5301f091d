//! What goes wrong with the record, and what a call is told of it.
use std::io;
use std::path::{Path, PathBuf};

use tollgate_rules::Code;

/// Why an event was not recorded. The call must not leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LedgerRefusal {
    /// The spool cannot be written, or the ledger is stopping.
    #[error("the record cannot be written")]
    Unavailable,
    /// The event could not be signed.
    #[error("the record cannot be signed")]
    Signer,
    /// The spool is at its cap, or the disk is full.
    #[error("the record's spool is full")]
    Full,
}

impl LedgerRefusal {
    /// The stable word for it.
    pub fn code(self) -> Code {
        match self {
            Self::Unavailable => Code::AuditUnavailable,
            Self::Signer => Code::SignerUnavailable,
            Self::Full => Code::SpoolFull,
        }
    }
}

/// Why the ledger cannot be opened or was not closed well.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another gate has the directory.
    #[error("another gate uses the spool `{}`; each needs its own `audit.spool`", .0.display())]
    Locked(PathBuf),
    /// A file could not be used.
    #[error("cannot {doing} `{}`: {source}", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What came of it.
        source: io::Error,
    },
    /// Others can read the private key.
    #[error("the signing key `{0}` can be read by others (mode {mode:04o}); run: chmod 600 {0}", path.display())]
    KeyMode {
        /// The key's file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The key or the registry is of no use.
    #[error("`{}`: {reason}", path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The key service cannot be used.
    #[error("`audit.signer.service`: {reason}")]
    Signer {
        /// Why.
        reason: String,
    },
    /// The key service is there, and somebody has to mend how it is set up.
    #[error("`audit.signer.service`: {reason}")]
    SignerSetting {
        /// What is wrong.
        reason: String,
    },
    /// A part of the record is damaged, and not just its torn end.
    #[error("the record is damaged at `{}` line {line}: {reason}; the ledger does not start on it: keep the directory for examination and configure a fresh `audit.spool`", path.display())]
    Damaged {
        /// Which segment.
        path: PathBuf,
        /// Which line.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// A sink's settings are of no use.
    #[error("sink `{name}`: {reason}")]
    Sink {
        /// Which.
        name: String,
        /// Why.
        reason: String,
    },
    /// The disk failed while the gate ran.
    #[error("the record could not be written to its end; {lost} events are lost")]
    Unwritten {
        /// How many.
        lost: u64,
    },
    /// The owner's thread could not be started or ended early.
    #[error("the ledger's thread did not run to its end")]
    Thread,
}

impl LedgerError {
    /// Whether it is a mistake in what the configuration names, so that another try ends the same,
    /// or worse: a token locks itself after a few wrong PINs.
    pub fn is_mistake(&self) -> bool {
        matches!(self, Self::Key { .. } | Self::KeyMode { .. } | Self::SignerSetting { .. })
    }

    pub(super) fn file(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File { doing, path: path.to_owned(), source }
    }

    pub(super) fn damaged(path: &Path, line: u64, reason: &str) -> Self {
        Self::Damaged { path: path.to_owned(), line, reason: reason.to_owned() }
    }
}
