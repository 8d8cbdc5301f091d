//! Which texts of a document hold nothing, told for all of them at once.
//!
//! Most values are short and say nothing. Looking at each by itself costs more than its bytes do:
//! here all are written one behind the other, and one pass for literals and one for words tell
//! which need no look. What is told to be quiet would give no finding of any grade; what is not, is
//! looked at in full.
mod beside;
mod coded;
mod seen;

use std::cell::Cell;
use std::fmt;

use crate::engine::begins;
use crate::engine::everyday::{self, Everyday};
use crate::engine::literals::{BETWEEN, Role};
use crate::engine::survey::Surveyor;
use crate::engine::{Outcome, Span, Window, words};
use crate::json;
use crate::pointer::{cut, escaped};
use crate::tape::{DocumentPart, Entry, Kind, Tape};
use crate::unfold::escapes;
use crate::unfold::runs::{RUN_BYTES, in_run};

use seen::Recalled;
pub(crate) use seen::Seen;

/// A longer name says too much to be passed by.
const NAME_BYTES: usize = 64;
/// What is looked at once more before what is decided, as the beginning of what comes behind.
const AROUND_BYTES: usize = 64;

/// Whether a text that stands alone holds nothing: a full look would give no finding of any grade.
/// Says no of what it cannot tell.
pub(crate) fn is_quiet(surveyor: &Surveyor, text: &[u8]) -> bool {
    let window = Window::whole(text);
    coded::places(text).next().is_none()
        && escapes::left_out(text, true).next().is_none()
        && surveyor.events.find(text).is_none()
        && !surveyor.is_known(&window)
        && are_quiet(surveyor, &window)
}

/// Whether a text that goes on may go as it is: nothing new is found in it, and it does not end in
/// what hides something once more has come. A look before this one left nothing open that begins
/// before `decided`; only words without digits tell that nothing does behind it.
pub(crate) fn may_go(surveyor: &Surveyor, window: &Window<'_>, decided: usize) -> bool {
    let text = window.text;
    // A run may go on behind its padding, and in the next line.
    let end =
        window.run_back(window.len(), RUN_BYTES, |byte| byte == b'=' || byte.is_ascii_whitespace());
    let run = window.run_back(end, RUN_BYTES, in_run);
    // A run is looked at as a whole.
    let from = decided.saturating_sub(AROUND_BYTES);
    let from = window.run_back(from, AROUND_BYTES, in_run);
    let rest = text.get(from..).unwrap_or_default();
    let mut literals = surveyor.literals.find(text);
    window.len() - run < RUN_BYTES
        && (from == 0 || !window.before(from).is_some_and(in_run))
        && words::words(rest).all(|word| from + word.end <= decided)
        && coded::places(rest).next().is_none()
        && escapes::left_out(rest, false).next().is_none()
        && surveyor.literal_tail(window).is_none_or(|open| !open.serious)
        && literals.all(|(at, length, roles)| {
            // What names a number says so of those before it, too.
            let names = decided > 0 && roles.iter().any(Role::says_of_digits);
            !names && surveyor.is_quiet_at(window, (at, length), roles)
        })
        && !surveyor.is_known(window)
}

fn are_quiet(surveyor: &Surveyor, window: &Window<'_>) -> bool {
    let mut named = false;
    let mut literals = surveyor.literals.find(window.text);
    let quiet = literals.all(|(at, length, roles)| {
        named |= roles.iter().any(Role::says_of_digits);
        surveyor.is_quiet_at(window, (at, length), roles)
    });
    let few = surveyor.few();
    let mut passed = 0;
    let mut words = words::words(window.text);
    quiet
        && words.all(|word| {
            if named {
                return false;
            }
            if word.start < passed {
                return true;
            }
            if let Everyday::Row(end) = everyday::look(window, word, few) {
                passed = end;
                return true;
            }
            surveyor.is_quiet_word(window, word)
        })
}

/// What a first pass over a document told ([`crate::Scanner::glance`]).
pub struct Quiet<'t> {
    tape: &'t Tape,
    /// The members and items of the document, in its order.
    texts: Vec<Text>,
    next: Cell<usize>,
    /// What is told of the document itself.
    whole: Told,
    recalled: Recalled,
}

/// How much was looked at, and nothing of it.
impl fmt::Debug for Quiet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quiet").field("texts", &self.texts.len()).finish_non_exhaustive()
    }
}

/// What is told of a member or an item.
#[derive(Clone, Copy)]
pub(crate) struct Told {
    /// It holds nothing, and its name neither.
    pub(crate) quiet: bool,
    /// Its name holds nothing.
    pub(crate) name: bool,
    /// Its value holds the literal of a token.
    pub(crate) token: bool,
    /// Its value holds a digit.
    pub(crate) digit: bool,
    /// Something may be found in it, or in what it has.
    pub(crate) loud: bool,
    /// Its members or items may make something together.
    pub(crate) joins: bool,
    /// Where its value is written.
    value: Span,
    /// How many members and items it has, and they have.
    inside: usize,
}

impl Told {
    const UNKNOWN: Self = Self {
        quiet: false,
        name: false,
        token: false,
        digit: false,
        loud: true,
        joins: true,
        value: Span { start: 0, end: 0 },
        inside: 0,
    };

    /// Of a text that stands alone.
    pub(crate) fn of(digit: bool, token: bool) -> Self {
        Self { digit, token, ..Self::UNKNOWN }
    }
}

impl<'t> Quiet<'t> {
    pub(crate) fn of(surveyor: &Surveyor, seen: &Seen, tape: &'t Tape) -> Self {
        let texts = tape.entries.iter().map(Text::new).collect();
        let mut sheet = Sheet { bytes: tape.written.as_bytes(), texts };
        // Records and documents may be anything.
        let known = surveyor.known.as_ref();
        let anything = known.is_some_and(|known| !known.is_of_values());
        let recalled = match anything {
            true => Recalled::nothing(&sheet),
            false => sheet.recall(seen, known.map_or(0, |known| known.version())),
        };
        for part in &recalled.parts {
            sheet.look(surveyor, *part);
        }
        sheet.tell();
        sheet.keep(seen, &recalled);
        let whole = sheet.whole(surveyor, tape.root.kind);
        let quiet = Self { tape, texts: sheet.texts, next: Cell::new(0), whole, recalled };
        if anything { quiet.nothing() } else { quiet }
    }

    /// Remembers the string that was told of last: a full look at it found nothing.
    pub(crate) fn keep_last(&self, seen: &Seen) {
        let last = self.next.get().checked_sub(1);
        let text = last.and_then(|last| Some((self.recalled.mark(last)?, self.texts.get(last)?)));
        if let Some((mark, text)) = text {
            seen.keep(mark, text);
        }
    }

    /// The same with a look at everything.
    pub(crate) fn nothing(mut self) -> Self {
        let all = self.texts.iter_mut().map(|text| &mut text.told).chain([&mut self.whole]);
        for told in all {
            (told.quiet, told.name) = (false, false);
            (told.loud, told.joins) = (true, true);
        }
        self
    }

    /// Whether a full look at the document would find nothing of any grade.
    pub fn is_quiet(&self) -> bool {
        !self.whole.loud
    }

    /// The strings in a part of the document that say something, in order, each with whether a
    /// literal in it may begin a secret that more text would go on with. Nothing is told of a string
    /// that is all of the document.
    pub(crate) fn strings(
        &self,
        part: &DocumentPart,
    ) -> impl Iterator<Item = (&[u8], Option<bool>)> {
        let root = &self.tape.root;
        let alone = root.kind == Kind::Text && part.0.is_none();
        let alone = alone.then_some((root.value, None));
        let texts = self.texts_of(part).iter().filter(|text| text.kind == Kind::Text);
        alone
            .into_iter()
            .chain(texts.map(|text| (text.told.value, Some(text.begins))))
            .filter(|(value, _)| !value.is_empty())
            .map(|(value, begins)| (self.tape.part(value).as_bytes(), begins))
    }

    fn texts_of(&self, DocumentPart(part): &DocumentPart) -> &[Text] {
        part.clone().map_or(self.texts.as_slice(), |part| self.texts.get(part).unwrap_or_default())
    }

    /// The JSON pointer (RFC 6901), within the part, to the string with this number.
    pub(crate) fn pointer(&self, part: &DocumentPart, nth: usize) -> String {
        let is_string = |text: &&Text| text.kind == Kind::Text && !text.told.value.is_empty();
        let texts = self.texts_of(part);
        let found = texts.iter().enumerate().filter(|(_, text)| is_string(text)).nth(nth);
        let Some((target, _)) = found else { return String::new() };
        let mut pointer = String::new();
        // A part of it begins with itself, which has no name within.
        let (mut at, mut list) = match part.0 {
            None => (0, self.tape.root.kind == Kind::List),
            Some(_) => (1, texts.first().is_some_and(|text| text.kind == Kind::List)),
        };
        let mut nth = 0;
        while let Some(text) = texts.get(at).filter(|_| at <= target) {
            let end = at + 1 + text.told.inside;
            if target >= end {
                (at, nth) = (end, nth + 1);
                continue;
            }
            let name = self.tape.part(text.name);
            pointer.push('/');
            match list {
                true => pointer.push_str(&nth.to_string()),
                false => pointer.push_str(&escaped(cut(name))),
            }
            (at, nth, list) = (at + 1, 0, text.kind == Kind::List);
        }
        pointer
    }

    /// The document.
    pub(crate) fn tape(&self) -> &'t Tape {
        self.tape
    }

    /// What is told of the document itself.
    pub(crate) fn whole(&self) -> Told {
        self.whole
    }

    /// Passes by what the last one has.
    pub(crate) fn pass(&self, last: Told) {
        self.next.set(self.next.get() + last.inside);
    }

    /// What is told of the next member or item.
    pub(crate) fn next(&self) -> Told {
        let at = self.next.replace(self.next.get() + 1);
        self.texts.get(at).map_or(Told::UNKNOWN, |text| text.told)
    }

    /// The members or items that come next and stand beside each other, with what is told of each
    /// and its value as it is written.
    pub(crate) fn beside(&self) -> impl Iterator<Item = (Told, &[u8])> + Clone {
        let mut at = self.next.get();
        std::iter::from_fn(move || {
            let told = self.texts.get(at)?.told;
            at += 1 + told.inside;
            Some((told, self.tape.part(told.value).as_bytes()))
        })
    }
}

/// All members and items, one behind the other.
struct Sheet<'t> {
    bytes: &'t [u8],
    texts: Vec<Text>,
}

struct Text {
    /// Where it begins; it ends with its value.
    start: usize,
    kind: Kind,
    /// Its name, without the signs around it; empty when it has none.
    name: Span,
    /// A date, a time or a UUID stands in it.
    row: bool,
    /// Its value is one, and nothing else.
    dated: bool,
    /// Its name has the name of a provider in it.
    provider: bool,
    /// An identifier is named in it, which says what words with digits are.
    ident: bool,
    /// A literal stands in its value that a secret may begin with, and nothing ends it.
    begins: bool,
    /// It came before and needs no look.
    seen: bool,
    /// A full look found nothing in it, but words in it may be pieces of something.
    pieces: bool,
    /// Whether its name tells of any value, once it was asked.
    tells: Option<bool>,
    told: Told,
}

impl Text {
    fn new(entry: &Entry) -> Self {
        let Entry { start, kind, name, value, inside } = *entry;
        let short = name.len() <= NAME_BYTES;
        Self {
            start,
            kind,
            name,
            row: false,
            dated: false,
            provider: false,
            ident: false,
            begins: false,
            seen: false,
            pieces: false,
            tells: None,
            told: Told { quiet: short, name: short, value, inside, ..Told::UNKNOWN },
        }
    }

    /// The text as it is looked at by itself, and where that begins; `None` when it is not written
    /// down like that.
    fn window<'t>(&mut self, bytes: &'t [u8]) -> Option<(Window<'t>, usize)> {
        let value = self.told.value;
        let named = self.start < value.start;
        let part = |start: usize| bytes.get(start..value.end).unwrap_or_default();
        let name = bytes.get(self.name.start..self.name.end).unwrap_or_default();
        let tells = *self.tells.get_or_insert_with(|| json::tells_of_any(name));
        let tells = tells || self.provider || json::tells_of(name, part(value.start));
        if !named || !tells {
            return Some((Window::whole(part(value.start)), value.start));
        }
        let window =
            Window { value: Some(value.start - self.start), ..Window::whole(part(self.start)) };
        json::is_plain(name).then_some((window, self.start))
    }
}

impl Sheet<'_> {
    /// Looks at the texts in a part of the sheet.
    fn look(&mut self, surveyor: &Surveyor, part: Span) {
        let first = self.texts.partition_point(|text| text.told.value.end < part.start);
        let texts = self.texts.get_mut(first..).unwrap_or_default();
        let mut texts = Texts { bytes: self.bytes, texts, at: 0 };
        let bytes = self.bytes.get(part.start..part.end).unwrap_or_default();
        for (at, length, roles) in surveyor.literals.find(bytes) {
            texts.literal(surveyor, (part.start + at, length), roles);
        }
        let words = words::words(bytes);
        texts.words(
            surveyor,
            words.map(|Span { start, end }| Span::new(part.start + start, part.start + end)),
        );
        let mut known = Vec::new();
        if let Some(values) = &surveyor.known {
            values.look(&Window::whole(bytes), &[], &[], &mut |outcome| {
                if let Outcome::Hit(hit) = outcome {
                    known.extend([hit.secret.start, hit.secret.end]);
                }
            });
        }
        known.sort_unstable();
        let mut left_out: Vec<usize> = escapes::left_out(bytes, true).collect();
        left_out.sort_unstable();
        let mut speak = |places: &mut dyn Iterator<Item = usize>| {
            texts.at = 0;
            places.for_each(|at| texts.speaks(part.start + at));
        };
        speak(&mut known.into_iter());
        speak(&mut surveyor.events.find_iter(bytes));
        speak(&mut coded::places(bytes));
        speak(&mut left_out.into_iter());
    }

    /// Draws what follows from what was seen in each.
    fn tell(&mut self) {
        for text in self.texts.iter_mut().filter(|text| !text.seen) {
            text.told.quiet &= text.told.name && !(text.ident && text.told.digit);
            // A date is no piece of anything, and `ac4` in a UUID begins nothing that goes on behind it.
            text.told.digit &= !text.dated;
            text.told.token &= !text.dated;
        }
    }
}

/// Texts, found by a place in them; places come in order.
struct Texts<'t> {
    bytes: &'t [u8],
    texts: &'t mut [Text],
    at: usize,
}

impl Texts<'_> {
    fn holding(&mut self, place: usize) -> Option<&mut Text> {
        while self.texts.get(self.at).is_some_and(|text| text.told.value.end < place) {
            self.at += 1;
        }
        self.texts.get_mut(self.at)
    }

    /// Something stands at a place.
    fn speaks(&mut self, place: usize) {
        let Some(text) = self.holding(place) else { return };
        text.told.quiet = false;
        text.told.name &= place >= text.told.value.start;
    }

    /// A literal stands at a place: it is looked at as when each text is looked at by itself.
    fn literal(&mut self, surveyor: &Surveyor, (at, length): (usize, usize), roles: &[Role]) {
        let bytes = self.bytes;
        let Some(text) = self.holding(at) else { return };
        let value = text.told.value;
        let in_name = at < value.start;
        text.ident |= roles.iter().any(Role::says_of_digits);
        if !in_name && !text.told.token {
            let begins = bytes.get(value.start..).unwrap_or_default();
            text.told.token = surveyor.may_begin_token(begins, at - value.start, roles);
        }
        text.begins |= !in_name && begins::at_literal(bytes, value, at + length, roles);
        if in_name {
            text.provider |= roles.iter().any(|role| matches!(role, Role::Provider(_)));
            let name = text.name;
            let window = Window::whole(bytes.get(name.start..name.end).unwrap_or_default());
            let quiet = at >= name.start
                && at + length <= name.end
                && surveyor.is_quiet_at(&window, (at - name.start, length), roles);
            text.told.name &= quiet;
            text.told.quiet &= quiet;
        }
        text.told.quiet = text.told.quiet
            && text.window(bytes).is_some_and(|(window, start)| {
                // A name that says nothing of the value is not before it.
                at < start || surveyor.is_quiet_at(&window, (at - start, length), roles)
            });
    }

    /// Words with digits stand there, in order.
    fn words(&mut self, surveyor: &Surveyor, words: impl Iterator<Item = Span>) {
        let window = Window::whole(self.bytes);
        let few = surveyor.few();
        let mut passed = 0;
        self.at = 0;
        for word in words {
            if word.start < passed {
                continue;
            }
            let Some(text) = self.holding(word.start) else { break };
            let name = word.start < text.told.value.start;
            text.told.name &= !name;
            text.told.digit |= !name;
            match everyday::look(&window, word, few) {
                Everyday::Row(end) => {
                    text.row = true;
                    text.dated = text.told.value == Span::new(word.start, end);
                    passed = end;
                }
                // With a number that stands alone its text ends.
                Everyday::Number(last) if window.byte(last.end) == Some(BETWEEN) => {
                    passed = last.end;
                }
                _ => self.word(surveyor, word),
            }
        }
    }

    /// A word stands at a place that is not of every day.
    fn word(&mut self, surveyor: &Surveyor, word: Span) {
        let bytes = self.bytes;
        let Some(text) = self.holding(word.start) else { return };
        text.told.quiet = text.told.quiet
            && text.window(bytes).is_some_and(|(window, start)| {
                let word =
                    (word.start.checked_sub(start)).map(|at| Span::new(at, word.end - start));
                word.is_none_or(|word| surveyor.is_quiet_word(&window, word))
            });
    }
}

#[cfg(test)]
pub(crate) mod tests;
