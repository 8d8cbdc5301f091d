//! One look of one call at what was kept.
use std::collections::VecDeque;

use zeroize::Zeroizing;

use super::{Memory, chance};
use crate::actions::mark;
use crate::engine::begins::Begins;
use crate::engine::hit::{self, Rank};
use crate::engine::literals::Bytes;
use crate::engine::survey::{Patience, is_between};
use crate::engine::window::Heed;
use crate::engine::{Hit, Window};
use crate::finding::{Acted, Action, Direction, Grade, Place};
use crate::judge::Judge;
use crate::scanner::Scanner;

/// How much of a text may go on from a beginning, and how long a beginning may be.
const PART_BYTES: usize = 512;
/// Fewer bytes of a known value are chance.
const KNOWN_BYTES: usize = 4;

/// The end of a text, or of several one after the other, that may be the beginning of a secret.
pub(super) struct Beginning {
    pub(super) text: Zeroizing<Vec<u8>>,
    of: Of,
    /// Those of the least worth go first when there are too many.
    pub(super) worth: Worth,
    /// What that may go on with, told once it is kept.
    next: Option<Bytes>,
    pieces: usize,
    /// How many bytes of the pieces look like a secret's.
    secret: usize,
    /// The call that its first piece came in.
    call: u64,
    /// The call that its last piece came in, and the number of that text in it.
    last: (u64, usize),
    pub(super) until: u64,
}

/// What a beginning is the beginning of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// It is no more than some bytes of a literal.
    Literal,
    /// What only a look can tell.
    Shape,
    /// A value that is known letter for letter: what goes on from it may be anything.
    Known,
}

/// How likely it is that a secret is sent like that. Any word may go on from the beginning of a token,
/// and many words stand beside each piece.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Worth {
    /// It is none by itself, only with more before it, as the number of a bot.
    Weak,
    /// Several pieces came in one call: most of them would have been found together there.
    Together,
    /// The pieces stood in different places of several calls.
    Apart,
    /// They stood in one place of several calls, or it is the first.
    Most,
}

/// One look of one call.
pub(super) struct Look<'a> {
    pub(super) scanner: &'a Scanner,
    pub(super) judge: &'a Judge,
    pub(super) call: u64,
    pub(super) now: u64,
    pub(super) until: u64,
}

impl Look<'_> {
    /// What the text with this number completes, and what it makes longer. `beside` says whether
    /// another text of the same call, by its number, stands beside it.
    pub(super) fn text(
        &self,
        nth: usize,
        text: &[u8],
        known: &VecDeque<Beginning>,
        beside: &dyn Fn(usize) -> bool,
    ) -> (Option<Acted>, Vec<Beginning>) {
        let mut acted = None;
        let mut longer = Vec::new();
        let Some(first) = text.first().copied() else { return (acted, longer) };
        for beginning in known {
            let next = beginning.next.is_none_or(|bytes| bytes.has(first));
            if !next || !(goes_on(first) || beginning.of == Of::Known) {
                continue;
            }
            let joined = beginning.with(text);
            if !self.may_go_on(beginning, &joined.text) {
                continue;
            }
            if acted.is_none() {
                let (call, last) = beginning.last;
                // What stands beside each other in one call is found there, and can be redacted there;
                // but values that are known are not put together there.
                let found = || call == self.call && beginning.of != Of::Known && beside(last);
                acted = self.complete(beginning, &joined).filter(|_| !found());
            }
            longer.extend(self.lengthen(beginning, &joined, nth));
        }
        (acted, longer)
    }

    /// The secret that a text completes.
    fn complete(&self, beginning: &Beginning, joined: &Joined) -> Option<Acted> {
        let seam = beginning.text.len();
        let mut hits = self.hits(beginning, &joined.text, joined.ended);
        hits.retain(|hit| beginning.of == Of::Known || self.is_told(beginning, joined, hit));
        let clusters =
            hit::clusters(hits, Some((self.judge, Direction::Request)), joined.text.len());
        let found = clusters.iter().find(|cluster| cluster.action > Action::Allow)?;
        let mut acted = found.acted(Place::Text, 0);
        if acted.action.edits() {
            acted.action = Action::Block;
        }
        acted.finding.start = 0;
        acted.finding.end = acted.finding.end.saturating_sub(seam);
        Some(acted)
    }

    /// Whether what a text adds to a find is a piece of a secret: nothing else would make a find of it,
    /// or it looks like one.
    fn is_told(&self, beginning: &Beginning, joined: &Joined, hit: &Hit) -> bool {
        let (begun, rest) = joined.text.split_at_checked(beginning.text.len()).unwrap_or_default();
        let length = hit.secret.end.saturating_sub(begun.len()).min(rest.len());
        // A find may end within a word, which is all of what it is.
        let more = rest.iter().skip(length).take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let piece = rest.get(..length + more).unwrap_or_default();
        if chance::is_uuid(beginning.secret, rest) {
            return false;
        }
        if chance::is_piece(beginning.secret, piece) {
            return true;
        }
        let mut other = Zeroizing::new(begun.to_vec());
        other.extend(chance::neutral(piece));
        other.extend_from_slice(rest.get(piece.len()..).unwrap_or_default());
        !self.hits(beginning, &other, joined.ended).iter().any(|one| one.detector == hit.detector)
    }

    /// The finds over the end of a beginning.
    fn hits(&self, beginning: &Beginning, joined: &[u8], ended: bool) -> Vec<Hit> {
        let window = Window { ended, ..Window::whole(joined) };
        let hits = self.scanner.surveyor.plain(&window).hits.into_iter();
        let seam = beginning.text.len();
        let is_secret = |hit: &Hit| match beginning.of {
            Of::Known => hit.class.family() == "known",
            // A name in one call says nothing of a value in another.
            Of::Literal | Of::Shape => {
                hit.class.family() == "secret" && hit.rank != Rank::Assignment
            }
        };
        let hits = hits.filter(|hit| {
            !mark::is_mark(hit)
                && hit.grade >= Grade::Likely
                && is_secret(hit)
                && hit.secret.start < seam
                && hit.secret.end > seam
        });
        hits.collect()
    }

    /// The beginning with a text that does not complete it yet.
    fn lengthen(&self, beginning: &Beginning, joined: &Joined, nth: usize) -> Option<Beginning> {
        if beginning.pieces >= Memory::PIECES || !joined.whole {
            return None;
        }
        let joined = joined.text.as_slice();
        if joined.len() > PART_BYTES {
            return None;
        }
        let seam = beginning.text.len();
        let secret = beginning.of == Of::Known || self.open(joined, Heed::Secrets) < seam;
        // Any word and any date goes on from another, as the name before an `@` does. What is no secret yet
        // and may become one is a number.
        if !secret && !joined.iter().skip(seam).all(u8::is_ascii_digit) {
            return None;
        }
        let (from, of) = match beginning.of {
            Of::Known => (joined.len() - self.known(joined), Of::Known),
            Of::Literal | Of::Shape => (self.open(joined, Heed::All), Of::Shape),
        };
        let worth = match beginning.last {
            _ if !secret => Worth::Weak,
            (call, _) if call == self.call => Worth::Together,
            (_, before) if before != nth => Worth::Apart,
            _ => Worth::Most,
        };
        (from < seam).then(|| Beginning {
            pieces: beginning.pieces + 1,
            secret: beginning.secret
                + chance::looks_secret(joined.get(seam..).unwrap_or_default(), beginning.secret),
            call: beginning.call,
            worth: worth.min(beginning.worth),
            ..self.beginning(nth, joined.get(from..).unwrap_or_default(), of)
        })
    }

    /// From where on a text is undecided.
    fn open(&self, text: &[u8], heed: Heed) -> usize {
        let window = Window { ended: false, heed, ..Window::whole(text) };
        self.scanner.surveyor.plain(&window).open(Patience::Eager)
    }

    /// What the ends of texts may be the beginnings of, each with the number of its text.
    pub(super) fn begun<'t>(
        &self,
        tails: impl Iterator<Item = (Begins, &'t [u8])>,
    ) -> Vec<(usize, Beginning)> {
        let begun = tails.enumerate().flat_map(|(nth, (begins, tail))| {
            let both = [self.begin_known(nth, tail), self.begin(nth, begins, tail)];
            both.into_iter().flatten().map(move |beginning| (nth, beginning))
        });
        begun.collect()
    }

    /// What the end of a text is the beginning of, among what is known.
    fn begin_known(&self, nth: usize, tail: &[u8]) -> Option<Beginning> {
        let length = self.known(tail);
        let part = tail.get(tail.len() - length..)?;
        (length >= KNOWN_BYTES).then(|| self.beginning(nth, part, Of::Known))
    }

    /// How many of a text's last bytes may be the beginning of a known value.
    fn known(&self, text: &[u8]) -> usize {
        self.scanner.surveyor.known.as_ref().map_or(0, |known| known.ends_in(text))
    }

    /// What the end of a text may be the beginning of.
    fn begin(&self, nth: usize, begins: Begins, tail: &[u8]) -> Option<Beginning> {
        match begins {
            Begins::No => return None,
            Begins::Literal(known) => {
                let part = tail.get(tail.len() - known..).unwrap_or_default();
                let letters = part.iter().any(u8::is_ascii_alphabetic);
                return letters.then(|| self.beginning(nth, part, Of::Literal));
            }
            Begins::Perhaps => {}
        }
        let from = self.open(tail, Heed::All);
        let part = tail.get(from..).unwrap_or_default();
        if !part.iter().any(u8::is_ascii_alphabetic) {
            return None;
        }
        // A whole secret is found where it stands, and is nothing to remember.
        let hits = self.scanner.surveyor.survey(&Window::whole(tail)).hits;
        let whole = hits.iter().any(|hit| {
            hit.claim().end > from && hit.grade >= Grade::Likely && hit.class.family() == "secret"
        });
        (!whole).then(|| self.beginning(nth, part, Of::Shape))
    }

    /// The same, to be compared with many texts.
    pub(super) fn kept(&self, mut beginning: Beginning) -> Beginning {
        let literals = &self.scanner.surveyor.literals;
        let literal = beginning.of == Of::Literal;
        beginning.next = literal.then(|| literals.goes_on_with(&beginning.text));
        beginning
    }

    fn beginning(&self, nth: usize, part: &[u8], of: Of) -> Beginning {
        // What everybody knows of a token looks like nothing.
        let leading = self.scanner.surveyor.literals.leading(part);
        let literal = leading.map(|(length, _)| length).max().unwrap_or(0);
        let body = part.get(literal..).unwrap_or_default();
        Beginning {
            text: Zeroizing::new(part.to_vec()),
            of,
            worth: Worth::Most,
            next: None,
            pieces: 1,
            secret: chance::looks_secret(body, 0),
            call: self.call,
            last: (self.call, nth),
            until: self.until,
        }
    }

    /// A glance whether a text goes on with a beginning.
    fn may_go_on(&self, beginning: &Beginning, joined: &[u8]) -> bool {
        let seam = beginning.text.len();
        let around = joined.get(..joined.len().min(seam + LITERAL_BYTES)).unwrap_or_default();
        beginning.of != Of::Literal || self.scanner.surveyor.sews_secret(around, seam)
    }
}

impl Beginning {
    /// Itself and what a text begins with. What has no blank in it does not go on over one.
    fn with(&self, text: &[u8]) -> Joined {
        let part = text.get(..PART_BYTES).unwrap_or(text);
        let any = self.of == Of::Known || self.text.iter().any(|byte| is_between(*byte));
        let blank = match any {
            true => None,
            false => part.iter().position(|byte| is_between(*byte)),
        };
        let part = blank.and_then(|at| part.get(..=at)).unwrap_or(part);
        let whole = part.len() == text.len();
        let mut joined = Zeroizing::new(Vec::with_capacity(self.text.len() + part.len()));
        joined.extend_from_slice(&self.text);
        joined.extend_from_slice(part);
        Joined { text: joined, whole, ended: whole || blank.is_some() }
    }

    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.text == other.text && self.pieces == other.pieces && self.of == other.of
    }
}

/// A beginning and what a text begins with.
struct Joined {
    text: Zeroizing<Vec<u8>>,
    /// That is the whole text.
    whole: bool,
    /// Nothing behind it has a say.
    ended: bool,
}

/// No literal is longer.
const LITERAL_BYTES: usize = 64;

/// Whether a text that begins so may go on from another.
fn goes_on(first: u8) -> bool {
    first.is_ascii_alphanumeric() || b"_-+/=.~".contains(&first)
}
