//! What is written in another way than it is meant is decoded, and looked at as it is meant.
//!
//! Only stretches that look encoded are decoded, each with what stands beside it, so that a name
//! before an encoded value still tells what it is. A stretch becomes a [`View`]; what is found in
//! the view is traced back to the bytes that it was made from. Views are looked at in the same
//! way again, to a bound.
mod atoms;
mod base;
mod blocks;
pub(crate) mod escapes;
mod fold;
pub(crate) mod joints;
mod packed;
pub(crate) mod quotes;
pub(crate) mod runs;
mod spaces;
mod stream;
pub(crate) mod turned;
mod view;

use atoms::{Atom, Atoms};
use joints::{Bond, Parts};
use view::{View, on_char};

use crate::coding::{Coding, Codings};
use crate::engine::hit::Rank;
use crate::engine::literals::Role;
use crate::engine::survey::Surveyor;
use crate::engine::window::Heed;
use crate::engine::{Hit, Span, Window, words};
use crate::finding::Grade;

/// So many times something encoded may stand in something encoded.
const DEPTH: usize = 5;
/// Atoms nearer than this are looked at together.
const GAP_BYTES: usize = 96;
/// How much stands before the first atom of a view, so that a name can tell.
const LEAD_BYTES: usize = 160;
/// How much stands behind the last one, and then to the end of the word: a token is not cut, and
/// a tag is seen.
const TRAIL_BYTES: usize = 96;
const TRAIL_WORD_BYTES: usize = 512;
/// An escape so near before a find changed what it begins with, however deep it was escaped.
const BESIDE_BYTES: usize = 8;
/// Less than this behind a token that is whole is no part of it.
const REST_BYTES: usize = 8;
/// No longer word is held back with what follows it.
const WORD_BYTES: usize = 64;
/// So many bytes may be made of one text for each of its own, and so many more of a short one: what
/// is packed is short and says much.
const MORE_TIMES: usize = 8;
const MORE_BYTES: usize = 16 << 10;
/// The same for what neighbours make together.
const MORE_JOINED_BYTES: usize = 4 << 10;
/// How much of [`MORE_BYTES`] all texts of a document may take together.
pub(crate) const SPARE_BYTES: usize = 1 << 20;

/// How long a number is that is written in another way throughout, and how many digits it has.
const WHOLE_BYTES: std::ops::RangeInclusive<usize> = 8..=48;
const WHOLE_DIGITS: usize = 7;

/// The detector and class of what was not looked at because a bound was reached.
pub(crate) const UNREAD: (&str, &str) = ("unread", "content.unread");

/// The detector and class of text in the labels of a host name.
pub(crate) const HOST: (&str, &str) = ("encoded-host", "secret.encoded_host");
/// Shorter labels are names.
const HOST_BYTES: usize = 20;

/// What was found behind codings, and from where on it is undecided.
pub(crate) struct Unfolded {
    pub(crate) hits: Vec<Hit>,
    /// Something encoded goes on at the end of the text: where it begins, and whether it is long
    /// enough to be worth waiting for whatever the patience.
    pub(crate) open: Option<(usize, bool)>,
}

/// Looks through the codings in a window.
pub(crate) fn unfold(surveyor: &Surveyor, window: &Window<'_>, parts: &Parts<'_>) -> Unfolded {
    let own = window.len().saturating_mul(MORE_TIMES);
    let more = window.spare.map_or(MORE_BYTES, |spare| spare.get().min(MORE_BYTES));
    let mut work = Work { surveyor, budget: own.saturating_add(more), hits: Vec::new() };
    let open = work.level(window, parts, 0, false);
    if let Some(spare) = window.spare {
        let taken = more.saturating_sub(work.budget);
        spare.set(spare.get().saturating_sub(taken));
    }
    Unfolded { hits: work.hits, open }
}

/// What is found only where strings beside each other are put together; `named` when the literal of
/// a token stands in one of them.
pub(crate) fn joined(surveyor: &Surveyor, text: &[u8], named: bool) -> Vec<Hit> {
    let mut work = Work::of_joined(surveyor, text);
    let window = Window::whole(text);
    if named {
        let survey = surveyor.plain(&Window { heed: Heed::Pieces, ..window });
        work.joints(text, survey.pieces.iter().copied(), &survey.tokens, 0);
    } else {
        let pieces = words::words(text).filter(|word| joints::may_join(&window, *word));
        work.joints(text, pieces, &[], 0);
    }
    work.hits
}

/// What is found only where strings of several events are put together, or of several lines that are
/// JSON documents.
pub(crate) fn events(surveyor: &Surveyor, text: &[u8]) -> Vec<Hit> {
    let mut work = Work::of_joined(surveyor, text);
    work.events(text, 0);
    work.lines(text);
    work.hits
}

struct Work<'s> {
    surveyor: &'s Surveyor,
    budget: usize,
    hits: Vec<Hit>,
}

impl<'s> Work<'s> {
    /// For what neighbours make together.
    fn of_joined(surveyor: &'s Surveyor, text: &[u8]) -> Self {
        let budget = text.len().saturating_mul(MORE_TIMES).saturating_add(MORE_JOINED_BYTES);
        Self { surveyor, budget, hits: Vec::new() }
    }

    /// Looks at a text, which may be put together already; gives where something open begins.
    fn level(
        &mut self,
        window: &Window<'_>,
        parts: &Parts<'_>,
        depth: usize,
        joined: bool,
    ) -> Option<(usize, bool)> {
        let open = self.codings(window, depth);
        // What was put together is one text; putting its neighbours together again has no end.
        if window.streamed || joined {
            return open;
        }
        let text = window.text;
        self.joints(text, parts.pieces.iter().copied(), parts.tokens, depth);
        self.events(text, depth);
        open
    }

    /// Looks behind what is encoded in a text; gives where something open begins.
    fn codings(&mut self, window: &Window<'_>, depth: usize) -> Option<(usize, bool)> {
        let text = window.text;
        let whole = Atoms::of(text, window.ended, self.budget);
        if !whole.are_too_many {
            return self.regions(window, &whole, depth);
        }
        drop(whole);
        let mut open = None;
        for block in blocks::of(text) {
            let Span { start, end } = block.span;
            let ended = window.ended || end < text.len();
            let part = text.get(start..end).unwrap_or_default();
            let atoms = Atoms::of(part, ended, self.budget).behind(start);
            let outer = std::mem::take(&mut self.hits);
            open = self.regions(&Window { ended, ..*window }, &atoms, depth);
            let inner = std::mem::replace(&mut self.hits, outer);
            self.hits.extend(inner.into_iter().filter(|hit| block.tells(hit.secret)));
        }
        open
    }

    fn regions(
        &mut self,
        window: &Window<'_>,
        atoms: &Atoms,
        depth: usize,
    ) -> Option<(usize, bool)> {
        let Window { text, floor, ended, .. } = *window;
        let mut open =
            atoms.open.map(|from| (glued(window, from), text.len() - from >= runs::RUN_BYTES));
        if atoms.tail > 0 {
            let from = glued(window, text.len() - atoms.tail);
            open = Some(open.map_or((from, false), |(at, serious)| (at.min(from), serious)));
        }
        for span in &atoms.unread {
            self.unread(*span);
        }
        for region in regions(&atoms.list) {
            // What stands before the first atom that tells may be on its way already.
            let first = region.iter().find(|atom| atom.telling);
            let (Some(first), Some(last)) = (first, region.last()) else { continue };
            if last.span.end <= floor {
                continue;
            }
            if !ended && trail(text, last.span.end) >= text.len() {
                let from = glued(window, first.span.start);
                let serious = last.span.end - from >= runs::RUN_BYTES;
                open =
                    Some(open.map_or((from, serious), |(at, was)| (at.min(from), was || serious)));
                continue;
            }
            self.hosts(text, atoms, region, depth);
            self.wholes(text, atoms, region, depth);
            let (view, value) = decoded(window, atoms, region);
            let span = Span::new(glued(window, first.span.start), last.span.end);
            let cost = view.text.len();
            self.look(&view, (depth, value), (span, cost), None);
        }
        open
    }

    /// What stands in several events.
    fn events(&mut self, text: &[u8], depth: usize) {
        stream::find(text, |view, span| {
            self.look(view, (depth, None), (span, view.text.len()), None);
        });
    }

    /// What stands in several lines.
    fn lines(&mut self, text: &[u8]) {
        let literals = &self.surveyor.literals;
        let found = literals.find(text).filter(|(_, _, roles)| roles.iter().any(Role::is_token));
        let tokens: Vec<usize> = found.map(|(at, _, _)| at).collect();
        let part = |span: Span| text.get(span.start..span.end).unwrap_or_default();
        let begins = |one: Span, two: Span| {
            let last = tokens.partition_point(|at| *at < one.end).checked_sub(1);
            let token = last.and_then(|nth| tokens.get(nth)).filter(|at| **at >= one.start);
            let reaches = |at: &usize| !part(Span::new(*at, one.end)).contains(&b' ');
            token.is_some_and(reaches) || literals.may_sew(part(one), part(two))
        };
        stream::lines(text, begins, |view, span| {
            self.look(view, (0, None), (span, view.text.len()), Some(Bond::Weak));
        });
    }

    fn joints(
        &mut self,
        text: &[u8],
        pieces: impl Iterator<Item = Span>,
        tokens: &[usize],
        depth: usize,
    ) {
        let surveyor = self.surveyor;
        joints::find(
            text,
            pieces,
            tokens,
            (
                |joined: &[u8], seams: &[usize]| surveyor.sews_token(joined, seams),
                |joined: &[u8]| surveyor.tells(joined),
            ),
            |view, span, bond| self.look(view, (depth, None), (span, span.len()), Some(bond)),
        );
    }

    /// Text that travels as the labels of a host name: nobody has a name like that, but who
    /// carries something out through name servers. It is all that it says, whatever host follows.
    fn hosts(&mut self, text: &[u8], atoms: &Atoms, region: &[Atom], depth: usize) {
        let encoded =
            region.iter().filter(|atom| matches!(atom.coding, Coding::Hex | Coding::Base32));
        for atom in encoded.filter(|atom| is_host(text, atom)) {
            if atom.span.len() >= HOST_BYTES {
                let hit =
                    Hit::new(HOST, Grade::Likely, atom.span, ("[REDACTED]", Rank::Assignment));
                self.hits.push(Hit { via: Codings::default().then(atom.coding), ..hit });
            }
            let mut view = View::default();
            view.put(atoms.meaning(atom), atom.span, atom.coding);
            self.look(&view, (depth, None), (atom.span, view.text.len()), None);
        }
    }

    /// A number that is written in another way throughout, and nothing with it: nobody does that
    /// but who hides it, so that it is taken for all that a text says.
    fn wholes(&mut self, text: &[u8], atoms: &Atoms, region: &[Atom], depth: usize) {
        let glued = |one: &Atom, two: &Atom| one.span.end == two.span.start;
        for run in region.chunk_by(glued) {
            let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
            let length: usize = run.iter().map(|atom| atoms.meaning(atom).len()).sum();
            if !WHOLE_BYTES.contains(&length) || is_in_word(text, first.span.start, last.span.end) {
                continue;
            }
            let mut view = View::default();
            for atom in run {
                view.put(atoms.meaning(atom), atom.span, atom.coding);
            }
            let digits = view.text.iter().filter(|byte| byte.is_ascii_digit()).count();
            if digits >= WHOLE_DIGITS {
                let span = Span::new(first.span.start, last.span.end);
                self.look(&view, (depth, None), (span, length), Some(Bond::Whole));
            }
        }
    }

    /// Looks at a view of a stretch, and at what is encoded in it.
    fn look(
        &mut self,
        view: &View,
        (depth, value): (usize, Option<usize>),
        (source, cost): (Span, usize),
        bond: Option<Bond>,
    ) {
        let Some(budget) = self.budget.checked_sub(cost) else {
            self.unread(source);
            return;
        };
        self.budget = budget;
        let outer = std::mem::take(&mut self.hits);
        let joints = view.joints();
        let heed = if bond == Some(Bond::Weak) { Heed::Secrets } else { Heed::All };
        let window = Window { joints: &joints, value, heed, ..Window::whole(&view.text) };
        let mut survey = self.surveyor.plain(&window);
        self.hits = std::mem::take(&mut survey.hits);
        if depth < DEPTH {
            self.level(&window, &survey.parts(), depth + 1, bond.is_some());
        }
        let inner = std::mem::replace(&mut self.hits, outer);
        for hit in inner {
            let hit = match bond {
                Some(bond) if bond.accepts(&hit) && !is_of_more(bond, &hit, &window) => {
                    self.without_neighbours(bond, hit, &window)
                }
                Some(_) => None,
                None => Some(hit),
            };
            if let Some(hit) = hit {
                back(hit, view, source, &mut self.hits);
            }
        }
    }

    /// A find that reaches over joints, up to the one before which it was one already, when what
    /// stands behind that is another text: no more than a neighbour, or a word. `None` when it needs
    /// none of the joints.
    fn without_neighbours(&self, bond: Bond, hit: Hit, window: &Window<'_>) -> Option<Hit> {
        let inside = |at: &&usize| (hit.secret.start + 1..hit.secret.end).contains(*at);
        for (nth, joint) in window.joints.iter().filter(inside).enumerate() {
            let rest = window.part(*joint, hit.secret.end);
            let word = rest.len() < REST_BYTES || !rest.iter().any(u8::is_ascii_digit);
            // Two that are no more than neighbours seldom are one.
            let neighbours = bond == Bond::Weak && nth == 0;
            if !(neighbours || word && matches!(bond, Bond::Weak | Bond::Strong)) {
                continue;
            }
            let alone = Window::whole(window.part(hit.secret.start, *joint));
            let found = self.surveyor.plain(&alone).hits;
            let same = |found: &Hit| found.detector == hit.detector && found.secret.start == 0;
            if found.iter().any(|found| same(found) && (neighbours || found.grade >= hit.grade)) {
                let secret = Span::new(hit.secret.start, *joint);
                return (nth > 0).then_some(Hit { secret, ..hit });
            }
        }
        Some(hit)
    }

    fn unread(&mut self, span: Span) {
        self.hits.push(unread(span));
    }
}

/// What was not looked at because a bound was reached.
pub(crate) fn unread(span: Span) -> Hit {
    Hit::new(UNREAD, Grade::Likely, span, ("[REDACTED:UNREAD]", Rank::Shape))
}

/// Whether a number in joined strings is a part of a longer row of digits: a digit of one string and
/// some groups of the next make a number too easily.
fn is_of_more(bond: Bond, hit: &Hit, window: &Window<'_>) -> bool {
    let sign = |byte: u8| matches!(byte, b' ' | b'-' | b'.' | b'/');
    let digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_digit());
    let Span { start, end } = hit.secret;
    let before = window.before(start).is_some_and(sign)
        && digit(start.checked_sub(1).and_then(|at| window.before(at)));
    let after = window.byte(end).is_some_and(sign) && digit(window.byte(end + 1));
    bond == Bond::Strong && hit.rank != Rank::Token && (before || after)
}

/// Where the word begins that goes on at `at`: it is a part of what is written there.
fn glued(window: &Window<'_>, at: usize) -> usize {
    window.run_back(at, WORD_BYTES, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-')
    })
}

/// The hit where it stands in the source, if anything of it, or right beside it, was written in
/// another way.
///
/// What stands before `source` may be on its way already, so that it is no part of the find.
fn back(hit: Hit, view: &View, source: Span, hits: &mut Vec<Hit>) {
    let beside = Span::new(hit.secret.start.saturating_sub(BESIDE_BYTES), hit.secret.end + 1);
    let codings = view.trace(beside).codings;
    if codings.is_empty() {
        return;
    }
    let trace = view.trace(hit.secret);
    let via = hit.via.iter().fold(codings, Codings::then);
    for (at, secret) in trace.spans.into_iter().enumerate() {
        let echo = hit.echo || at > 0;
        let secret = Span::new(secret.start.max(source.start), secret.end);
        if secret.start >= secret.end {
            continue;
        }
        hits.push(Hit { secret, wide: None, via, echo, runs_on: false, ..hit.clone() });
    }
}

/// Whether a word goes on before or behind a stretch.
fn is_in_word(text: &[u8], start: usize, end: usize) -> bool {
    let letter = |at: usize| text.get(at).is_some_and(u8::is_ascii_alphanumeric);
    start.checked_sub(1).is_some_and(letter) || letter(end)
}

/// Whether an atom is the label of a host name, and not the last one.
fn is_host(text: &[u8], atom: &Atom) -> bool {
    let before = text.get(..atom.span.start).unwrap_or_default();
    let after = text.get(atom.span.end..).unwrap_or_default();
    let label = |byte: &u8| byte.is_ascii_alphanumeric();
    let begins = before.ends_with(b"//") || before.ends_with(b".");
    begins && after.starts_with(b".") && after.get(1).is_some_and(label)
}

/// Atoms that stand near to each other.
fn regions(list: &[Atom]) -> impl Iterator<Item = &[Atom]> {
    list.chunk_by(|one, two| two.span.start < one.span.end + GAP_BYTES)
}

/// The stretch around some atoms, as it is meant; and where the value of a member begins in it, if
/// the text is one and the stretch reaches to its end.
fn decoded(window: &Window<'_>, atoms: &Atoms, region: &[Atom]) -> (View, Option<usize>) {
    let text = window.text;
    let mut view = View::default();
    let start = region.first().map_or(0, |atom| atom.span.start);
    let mut at = on_char(text, start.saturating_sub(LEAD_BYTES));
    let mut value = None;
    if let Some(begins) = window.value.filter(|value| (at..=start).contains(value)) {
        escapes::copy(&mut view, text, Span::new(at, begins));
        value = Some(view.text.len());
        at = begins;
    }
    for atom in region {
        escapes::copy(&mut view, text, Span::new(at, atom.span.start));
        view.put(atoms.meaning(atom), atom.span, atom.coding);
        at = atom.span.end;
    }
    let end = trail(text, at);
    escapes::copy(&mut view, text, Span::new(at, end));
    (view, value.filter(|_| end == text.len()))
}

/// Where a view ends whose last atom ends at a place: a while behind it, between two words.
fn trail(text: &[u8], at: usize) -> usize {
    let from = text.len().min(at + TRAIL_BYTES);
    let rest = text.get(from..text.len().min(from + TRAIL_WORD_BYTES)).unwrap_or_default();
    let end = from + rest.iter().take_while(|byte| byte.is_ascii_graphic()).count();
    on_char(text, text.len().min(end + 1))
}
