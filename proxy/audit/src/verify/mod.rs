//! Whether a chain is what was written: nothing changed, missing, added, swapped or repeated.
//!
//! Each line goes through two hands. An [`Examiner`] looks at it alone, which is most of the work
//! and can be done anywhere; the [`Verifier`] admits what was examined, in the chain's order. The
//! answer is the same however the work was spread: [`Verifier::push`] is nothing but the two.
mod examine;
mod flaw;
mod row;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

pub use examine::{Examined, Examiner};
use examine::{Seen, Signed, check_signer};
pub use flaw::{Break, Flaw};
pub(crate) use row::COPIES;

use crate::checkpoint::SignedCheckpoint;
use crate::merkle::Frontier;
use crate::{Digest, Note, Registry};

/// Whose chain it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Profile {
    /// Another system's rows under the same rules of hash and signature. Columns are compared with
    /// the payload where both have them; numbers and times are checked where they stand.
    Foreign,
    /// Ours: every column, every copy, the line's very bytes.
    Tollgate,
}

/// What a sound chain is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Summary {
    /// How many events were read.
    pub events: u64,
    /// The number of the first.
    pub first_seq: u64,
    /// The hash of the last.
    pub head_hash: Option<Digest>,
    /// When the first was written.
    #[serde(serialize_with = "stamp")]
    pub first_ts: Option<Timestamp>,
    /// When the last was written.
    #[serde(serialize_with = "stamp")]
    pub last_ts: Option<Timestamp>,
    /// Who signed.
    pub signers: BTreeSet<String>,
    /// How many checkpoints were compared with it.
    pub checkpoints: u64,
    /// How many events the largest of these checkpoints covers; the end behind it could be cut
    /// without anybody seeing it.
    pub anchored: u64,
    /// Whether only a part was asked for, so that nothing is said of the events before it.
    pub part: bool,
}

fn stamp<S: serde::Serializer>(time: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => to.serialize_str(&crate::stamp::write_stamp(*time)),
        None => to.serialize_none(),
    }
}

/// Reads a chain line by line and stops at its first break.
pub struct Verifier<'a> {
    profile: Profile,
    registry: &'a Registry,
    part: bool,
    anchors: Vec<Anchor>,
    compared: u64,
    anchored: u64,
    tree: Option<Frontier>,
    origin: Option<String>,
    lines: u64,
    start: Option<Start>,
    next_seq: u64,
    head: Option<Digest>,
    last: Times,
    first_ts: Option<Timestamp>,
    events: u64,
    signers: BTreeSet<String>,
}

struct Anchor {
    size: u64,
    end: End,
}

enum End {
    Head(Digest),
    Root(Digest),
}

/// Where the chain begins, when not at its beginning.
struct Start {
    seq: u64,
    prev_hash: Digest,
    released: bool,
}

#[derive(Default)]
struct Times {
    ts: Option<Timestamp>,
    created_at: Option<Timestamp>,
}

impl<'a> Verifier<'a> {
    /// A verifier that believes these signers.
    pub fn new(profile: Profile, registry: &'a Registry) -> Self {
        Self {
            profile,
            registry,
            part: false,
            anchors: Vec::new(),
            compared: 0,
            anchored: 0,
            tree: None,
            origin: None,
            lines: 0,
            start: None,
            next_seq: 0,
            head: None,
            last: Times::default(),
            first_ts: None,
            events: 0,
            signers: BTreeSet::new(),
        }
    }

    /// The input is a part of a chain: it may begin anywhere, and the summary says so.
    pub fn part(mut self) -> Self {
        self.part = true;
        self
    }

    /// Compares the chain with a checkpoint, too. Before the first line.
    pub fn checkpoint(&mut self, signed: &SignedCheckpoint) -> Result<(), Break> {
        let checkpoint = signed
            .check(self.registry)
            .map_err(|e| Break::new(0, None, Flaw::Checkpoint(e.to_string())))?;
        self.same_origin(&checkpoint.origin)?;
        self.anchor(checkpoint.size, End::Head(checkpoint.head_hash));
        Ok(())
    }

    /// Compares the chain with another log's checkpoint, too. Before the first line.
    pub fn note(&mut self, note: &Note) -> Result<(), Break> {
        self.same_origin(&note.origin)?;
        self.tree.get_or_insert_default();
        self.anchor(note.size, End::Root(note.root));
        Ok(())
    }

    fn same_origin(&mut self, origin: &str) -> Result<(), Break> {
        match &self.origin {
            Some(known) if known != origin => Err(Break::new(0, None, Flaw::Origins)),
            _ => {
                self.origin = Some(origin.to_owned());
                Ok(())
            }
        }
    }

    fn anchor(&mut self, size: u64, end: End) {
        // Largest first, so that the next one to meet is at the end.
        let place = self.anchors.partition_point(|anchor| anchor.size > size);
        self.anchors.insert(place, Anchor { size, end });
    }

    /// Looks at single lines for this chain, on any thread.
    pub fn examiner(&self) -> Examiner<'a> {
        Examiner::new(self.profile, self.registry)
    }

    /// The next line, without its newline: examined and admitted.
    pub fn push(&mut self, line: &[u8]) -> Result<(), Break> {
        self.admit(self.examiner().examine(line))
    }

    /// The next line, examined before. In the order of the chain: of all that is wrong, what is
    /// told is the first.
    pub fn admit(&mut self, examined: Examined) -> Result<(), Break> {
        self.lines += 1;
        let Examined { event, seen } = examined;
        seen.and_then(|seen| self.take(seen)).map_err(|flaw| Break::new(self.lines, event, flaw))
    }

    fn take(&mut self, seen: Seen) -> Result<(), Flaw> {
        if let Some(tree) = &mut self.tree {
            tree.push_hash(seen.leaf);
        }
        self.check_place(&seen)?;
        if seen.computed != seen.hash {
            return Err(Flaw::HashDiffers { stored: seen.hash, computed: seen.computed });
        }
        later("ts", &mut self.last.ts, seen.ts)?;
        later("created_at", &mut self.last.created_at, seen.created_at)?;
        self.settle(seen.signer)?;
        if let (Some(start), Some(released)) = (&mut self.start, seen.released) {
            // A gate that may delete what every sink has says so in the chain before it does.
            // Without that event a missing beginning is a cut one.
            start.released |= released.size == start.seq && released.head_hash == start.prev_hash;
        }
        self.next_seq += 1;
        self.events += 1;
        self.head = Some(seen.hash);
        self.meet_anchors()
    }

    fn check_place(&mut self, seen: &Seen) -> Result<(), Flaw> {
        if self.events == 0 {
            return self.check_first(seen);
        }
        if let Some(found) = seen.seq {
            let expected = self.next_seq;
            if found > expected {
                return Err(Flaw::Missing { expected, found });
            }
            if found < expected {
                return Err(Flaw::Order { expected, found });
            }
        }
        match (self.head, seen.prev_hash) {
            (Some(expected), Some(found)) if expected == found => Ok(()),
            (Some(expected), Some(found)) => Err(Flaw::PreviousDiffers { expected, found }),
            _ => Err(Flaw::PreviousMissing),
        }
    }

    fn check_first(&mut self, seen: &Seen) -> Result<(), Flaw> {
        let seq = seen.seq.unwrap_or(0);
        self.next_seq = seq;
        self.first_ts = seen.ts;
        match (seq, seen.prev_hash) {
            (0, None) => Ok(()),
            (0, Some(_)) if !self.part || seen.seq.is_some() => Err(Flaw::FirstHasPrevious),
            (_, None) => Err(Flaw::PreviousMissing),
            (_, Some(_)) if self.profile == Profile::Foreign && !self.part => {
                Err(Flaw::HeadCut(seq))
            }
            (_, Some(prev_hash)) => {
                if self.tree.is_some() {
                    return Err(Flaw::RootOfPart);
                }
                self.start = Some(Start { seq, prev_hash, released: self.part });
                self.head = Some(prev_hash);
                while self.anchors.last().is_some_and(|anchor| anchor.size < seq) {
                    self.anchors.pop();
                }
                self.meet_anchors()
            }
        }
    }

    /// Whether the signer may sign here. Only the chain can say so of one that is not registered,
    /// and today no event makes a key a signer, so the registry's word is the last.
    fn settle(&mut self, signer: Signed) -> Result<(), Flaw> {
        let kid = match signer {
            Signed::Registered(kid) => kid,
            Signed::Stranger(by) => {
                check_signer(self.registry, &by)?;
                by.kid
            }
            Signed::Refused(flaw) => return Err(flaw),
        };
        if !self.signers.contains(&kid) {
            self.signers.insert(kid);
        }
        Ok(())
    }

    /// Compares with every checkpoint of the size that the chain has now.
    fn meet_anchors(&mut self) -> Result<(), Flaw> {
        while let Some(anchor) = self.anchors.pop_if(|anchor| anchor.size == self.next_seq) {
            let same = match anchor.end {
                End::Head(head) => self.head == Some(head),
                End::Root(root) => self.tree.as_ref().map(Frontier::root) == Some(root),
            };
            if !same {
                return Err(Flaw::Fork(anchor.size));
            }
            self.compared += 1;
            self.anchored = anchor.size;
        }
        Ok(())
    }

    /// The end of the input.
    pub fn finish(mut self) -> Result<Summary, Break> {
        let fail = |flaw| Err(Break::new(0, None, flaw));
        if self.events == 0
            && let Err(flaw) = self.meet_anchors()
        {
            return fail(flaw);
        }
        if let Some(anchor) = self.anchors.first() {
            return fail(Flaw::TailCut { size: anchor.size, events: self.next_seq });
        }
        if let Some(start) = &self.start
            && !start.released
        {
            return fail(Flaw::HeadCut(start.seq));
        }
        Ok(Summary {
            events: self.events,
            first_seq: self.next_seq - self.events,
            head_hash: self.head,
            first_ts: self.first_ts,
            last_ts: self.last.ts,
            signers: self.signers,
            checkpoints: self.compared,
            anchored: self.anchored,
            part: self.part,
        })
    }
}

fn later(
    column: &'static str,
    last: &mut Option<Timestamp>,
    now: Option<Timestamp>,
) -> Result<(), Flaw> {
    match (*last, now) {
        (Some(before), Some(now)) if now <= before => Err(Flaw::TimeNotLater { column, before }),
        // A column that was there and is there no longer was removed.
        (Some(_), None) => Err(Flaw::Column { column: column.to_owned(), problem: "is missing" }),
        (_, Some(now)) => {
            *last = Some(now);
            Ok(())
        }
        (None, None) => Ok(()),
    }
}
