//! What a verifier found wrong, and where.
use std::fmt;

use jiff::Timestamp;

use crate::Digest;
use crate::registry::SignerRefusal;
use crate::stamp::write_stamp;
use crate::strict::ReadError;

/// The first place where a chain does not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Break {
    line: u64,
    event: Option<String>,
    flaw: Box<Flaw>,
}

impl Break {
    pub(super) fn new(line: u64, event: Option<String>, flaw: Flaw) -> Self {
        Self { line, event, flaw: Box::new(flaw) }
    }

    /// The line of the input, counted from 1; 0 when the break is in no line.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The id of the event, as far as it could be read.
    pub fn event(&self) -> Option<&str> {
        self.event.as_deref()
    }

    /// What is wrong.
    pub fn flaw(&self) -> &Flaw {
        &self.flaw
    }
}

impl std::error::Error for Break {}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, &self.event) {
            (0, _) => {}
            (line, Some(event)) => write!(f, "line {line}, event {event}: ")?,
            (line, None) => write!(f, "line {line}: ")?,
        }
        self.flaw.fmt(f)
    }
}

/// What is wrong with an event or with a chain.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Flaw {
    /// Not JSON that has one meaning.
    #[error("it is not JSON with one meaning: {0}")]
    Unreadable(ReadError),
    /// The same content, written differently.
    #[error("it is not in its canonical form, so it is not what was written")]
    NotCanonical,
    /// A column is missing, surplus or not in its one written form.
    #[error("`{column}` {problem}")]
    Column {
        /// Which.
        column: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A column says something else than the signed payload.
    #[error("`{0}` beside the payload is not what the signed payload says")]
    CopyDiffers(&'static str),
    /// Events between are not there.
    #[error("events {expected} to {} are missing before it", found - 1)]
    Missing {
        /// The number that should come.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// An event a second time, or out of order.
    #[error("event number {found} came where {expected} should: repeated or out of order")]
    Order {
        /// The number that should come.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// The first event names a predecessor.
    #[error("the chain's first event names a previous hash, so its head was cut off or replaced")]
    FirstHasPrevious,
    /// A later event names none.
    #[error("`prev_hash` is null, but it is not the first event")]
    PreviousMissing,
    /// The link does not hold.
    #[error(
        "`prev_hash` is {found}, but the event before has {expected}: an event was removed, inserted, swapped or replaced"
    )]
    PreviousDiffers {
        /// The hash of the event before.
        expected: Digest,
        /// What stands there.
        found: Digest,
    },
    /// The payload is not what was hashed.
    #[error("the payload was changed: its hash is {computed}, but `hash` says {stored}")]
    HashDiffers {
        /// What stands there.
        stored: Digest,
        /// What the payload gives.
        computed: Digest,
    },
    /// Time stands or runs back.
    #[error("`{column}` is not later than that of the event before ({})", write_stamp(*.before))]
    TimeNotLater {
        /// Which time.
        column: &'static str,
        /// The time before.
        before: Timestamp,
    },
    /// Not signed by one who may.
    #[error("{0}")]
    Signer(SignerRefusal),
    /// The record's algorithm is not the registry's.
    #[error("the record names another algorithm than the registry has for its signer")]
    Algorithm,
    /// A session key that nobody vouches for.
    #[error("it vouches for a session key, but: {0}")]
    Delegation(String),
    /// The beginning is not there and nothing signed says that it was released.
    #[error(
        "the first {0} events are not here, and no signed event says that the ledger released them"
    )]
    HeadCut(u64),
    /// The end is not there.
    #[error(
        "a signed checkpoint says that there were {size} events, but the chain ends after {events}: its end was cut off"
    )]
    TailCut {
        /// The checkpoint's size.
        size: u64,
        /// How many there are.
        events: u64,
    },
    /// The chain is another one than the checkpoint saw.
    #[error(
        "the signed checkpoint of size {0} saw another event there: the chain was rewritten or forked"
    )]
    Fork(u64),
    /// Two chains' checkpoints.
    #[error("the checkpoints are of different chains (`origin` differs)")]
    Origins,
    /// A checkpoint itself.
    #[error("{0}")]
    Checkpoint(String),
    /// A root over a part of a tree cannot be computed.
    #[error("a checkpoint with a Merkle root can only be compared with the whole chain")]
    RootOfPart,
}
