//! Identifiers without a literal of their own: numbers that states, tax offices, insurers, banks
//! and makers give out.
//!
//! All shapes are one automaton that is walked from where a word with a digit begins, or from the
//! letters before it (`DE 136 695 976`). Only a detector whose shape fits is asked for its check
//! digits, and only when those are right the words around are read.
mod notation;
mod said;

use super::boundary::{Side, after, free_before, is_word, tag_before};
use super::check_digits::is_filler;
use super::context::alone;
use super::hit::Rank;
use super::window::ends_escape;
use super::{Hit, Open, Outcome, Span, Window};
use crate::detectors::Ident;
use crate::finding::Grade;
use notation::{Fit, LONGEST, Shapes};
use said::{Said, Words};

/// Groups of letters before the first digits: `KA EF 12H`.
const GROUPS: usize = 2;
/// The longest of these: `CHE-116.281.710` has three, some have four.
const GROUP_LETTERS: usize = 4;
/// The longest run of letters that a word with digits begins with: an Italian tax code.
const WORD_LETTERS: usize = 6;

/// Digits alone, fewer than these, may as well be a count or a time: milliseconds have thirteen.
const COUNT_DIGITS: usize = 15;

/// Every detector of identifiers, built once.
pub(crate) struct Idents {
    shapes: Shapes,
    words: Words,
    idents: Vec<&'static Ident>,
    quiet: Vec<usize>,
    digits: usize,
}

/// Words that stand anywhere in a text.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Spoken {
    /// Which of the quiet identifiers have one of theirs, a bit each.
    idents: u64,
    /// One that tells of a postcode.
    pub(crate) postcode: bool,
}

impl Spoken {
    fn is_empty(self) -> bool {
        self.idents == 0
    }

    pub(crate) fn add(&mut self, nth: usize) {
        self.idents |= 1 << (nth % 64);
    }

    fn holds(self, nth: usize) -> bool {
        self.idents & (1 << (nth % 64)) != 0
    }
}

/// A fit whose check digits are right.
#[derive(Clone, Copy)]
struct Candidate {
    ident: &'static Ident,
    number: usize,
    span: Span,
    /// Written in groups.
    grouped: bool,
    /// Digits in a row, or one over and over: only its own word makes it a number.
    filler: bool,
    /// Digits and nothing else, and not so many that they are no count or time.
    plain: bool,
}

/// What is written where shapes fit, without its signs and in upper case.
struct Written {
    span: Span,
    compact: [u8; LONGEST],
    count: usize,
}

impl Written {
    fn new(window: &Window<'_>, span: Span) -> Self {
        let mut written = Self { span, compact: [0; LONGEST], count: 0 };
        let bytes = window.part(span.start, span.end).iter().filter(|b| b.is_ascii_alphanumeric());
        for byte in bytes {
            if let Some(slot) = written.compact.get_mut(written.count) {
                *slot = byte.to_ascii_uppercase();
            }
            written.count += 1;
        }
        written
    }

    /// `None` when it is longer than any identifier.
    fn compact(&self) -> Option<&[u8]> {
        self.compact.get(..self.count)
    }
}

/// What stands before a candidate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Free,
    /// Something that makes it a part of an address or a formula: only a word can tell.
    Weak,
    /// Digits and a blank: what is written in groups may have begun there.
    Digits,
    Taken,
}

impl Idents {
    /// `None` when a shape is not in the notation.
    pub(crate) fn new(
        idents: Vec<&'static Ident>,
    ) -> Option<Result<Self, aho_corasick::BuildError>> {
        let shapes = Shapes::new(idents.iter().map(|ident| ident.shapes))?;
        let words = Words::new(idents.iter().copied());
        let quiet = (0..idents.len()).filter(|at| idents.get(*at).is_some_and(|i| is_quiet(i)));
        let quiet: Vec<usize> = quiet.collect();
        let loud = idents.iter().enumerate().filter(|(at, _)| !quiet.contains(at));
        let shapes_of = loud.flat_map(|(_, ident)| ident.shapes.iter().copied());
        let digits = shapes_of.filter_map(notation::digits).min().unwrap_or(LONGEST);
        Some(words.map(|words| Self { shapes, words, idents, quiet, digits }))
    }

    /// How many digits the shortest has that is nothing but digits and signs, quiet ones aside.
    pub(crate) fn digits(&self) -> usize {
        self.digits
    }

    /// A word that must stand in a text before a quiet identifier is looked for in it, and which.
    pub(crate) fn literals(&self) -> impl Iterator<Item = (&'static str, usize)> + '_ {
        let idents = self.quiet.iter().filter_map(|number| self.idents.get(*number));
        idents.enumerate().flat_map(|(nth, ident)| {
            // A phrase may be written with other signs between its words.
            let longest = |text: &'static str| text.split(' ').max_by_key(|word| word.len());
            ident.words.iter().filter_map(move |text| Some((longest(text)?, nth)))
        })
    }

    /// Looks at the identifier that begins at this word, or in the letters before it.
    /// `digits` is how many digits stand there, if the word is nothing else and no sign goes on
    /// behind it.
    pub(crate) fn check(
        &self,
        window: &Window<'_>,
        word: Span,
        spoken: Spoken,
        digits: Option<usize>,
    ) -> Outcome {
        let mut best: Option<Graded> = None;
        let mut held: Option<Open> = None;
        let mut start = word.start;
        // Too few, and none that a word asks for.
        let few = spoken.is_empty() && digits.is_some_and(|digits| digits < self.digits);
        if few {
            match group_before(window, start) {
                Some(group) => start = group,
                None => return Outcome::Nothing,
            }
        }
        for _ in usize::from(few)..=GROUPS {
            match self.at(window, start, spoken) {
                // Each further one begins before it.
                Err(open) => held = Some(open),
                Ok(Some(found)) if found.is_better(best.as_ref()) => best = Some(found),
                Ok(_) => {}
            }
            let Some(group) = group_before(window, start) else { break };
            start = group;
        }
        match (held, best) {
            (Some(open), _) => Outcome::Open(open),
            (None, Some(best)) => Outcome::Hit(best.hit),
            (None, None) => Outcome::Nothing,
        }
    }

    /// The best identifier that begins at `start`.
    fn at(
        &self,
        window: &Window<'_>,
        start: usize,
        spoken: Spoken,
    ) -> Result<Option<Graded>, Open> {
        if start < window.floor || !self.shapes.may_fit(window, start) {
            return Ok(None);
        }
        let before = before(window, start);
        if before == Before::Taken {
            return Ok(None);
        }
        let fits = self.shapes.walk(window, start);
        let open = Open { from: start, serious: true };
        if fits.open {
            return Err(open);
        }
        let fits = fits.iter().filter(|fit| self.is_spoken(fit.ident, spoken));
        // Most of them end at the same place.
        let mut last: Option<Written> = None;
        let mut candidates = fits.filter_map(|fit| {
            last.take_if(|written| written.span.end != fit.end);
            let span = Span::new(start, fit.end);
            self.candidate(last.get_or_insert_with(|| Written::new(window, span)), fit)
        });
        let Some(first) = candidates.next() else { return Ok(None) };
        let told_before = self.words.before(window, start);
        let mut best: Option<Graded> = None;
        for candidate in std::iter::once(first).chain(candidates) {
            let spaced = candidate.grouped && before == Before::Digits;
            match ends(window, candidate) {
                Side::Unknown => return Err(open),
                Side::Taken => continue,
                Side::Free if spaced => continue,
                Side::Free => {}
            }
            let Some(found) = self.graded(window, &candidate, &told_before, before) else {
                return Err(open);
            };
            let Some(found) = found else { continue };
            if found.is_better(best.as_ref()) {
                best = Some(found);
            }
        }
        Ok(best)
    }

    /// Whether the identifier is worth a look: not a quiet one whose words are nowhere.
    fn is_spoken(&self, number: usize, spoken: Spoken) -> bool {
        self.quiet.binary_search(&number).map_or(true, |nth| spoken.holds(nth))
    }

    fn candidate(&self, written: &Written, fit: Fit) -> Option<Candidate> {
        let ident = self.idents.get(fit.ident)?;
        let compact = written.compact()?;
        let right = (ident.check)(compact);
        let grouped = compact.len() < written.span.len();
        right.then(|| Candidate {
            ident,
            number: fit.ident,
            span: written.span,
            grouped,
            filler: !ident.fillers && is_filler(compact),
            plain: !grouped
                && compact.len() < COUNT_DIGITS
                && compact.iter().all(u8::is_ascii_digit),
        })
    }

    /// The candidate with its grade, if it has one; the outer `None` when only bytes still to come
    /// can tell.
    fn graded(
        &self,
        window: &Window<'_>,
        candidate: &Candidate,
        told_before: &Said,
        before: Before,
    ) -> Option<Option<Graded>> {
        let Candidate { ident, number, span, grouped, filler, plain } = *candidate;
        let told = ident.told;
        if told_before.names(number) {
            return Some(told.said.map(|grade| Graded::new(candidate, grade, true)));
        }
        // Another is called by its name: what it is not, this is by chance.
        let other = told_before.names_one();
        // The letters of a country before the digits begin another shape, which did not fit.
        let continues = before == Before::Digits && !grouped;
        if filler || continues || is_led(window, span.start) {
            return Some(None);
        }
        let small = is_small(window, span);
        let mut grade = match (before, grouped) {
            (Before::Weak, _) => None,
            _ if small => None,
            (_, true) => told.grouped,
            (_, false) if plain => told.bare.min(Some(Grade::Possible)),
            (_, false) => told.bare,
        };
        let mut own = false;
        if other {
            grade = grade.min(Some(Grade::Possible));
        } else if told_before.tells(number, ident) && !small {
            grade = grade.max(told.said);
        } else {
            let by_itself = told.alone.max(told.grouped.filter(|_| grouped));
            if by_itself > grade && alone(window, span.start, span.end)? {
                grade = by_itself;
            }
            if told.said > grade && !small {
                let said = self.words.after(window, span.end)?;
                if said.tells(number, ident) {
                    grade = told.said;
                    own = said.names(number);
                }
            }
        }
        Some(grade.map(|grade| Graded::new(candidate, grade, own)))
    }
}

/// Whether an identifier is so short that half of all numbers look like it, and only a word of its
/// own ever tells it.
fn is_quiet(ident: &Ident) -> bool {
    const SHORT: usize = 4;
    let told = ident.told;
    let told = told.bare.or(told.grouped).or(told.alone).is_some() || ident.topics != 0;
    !told && ident.shapes.iter().any(|shape| notation::shortest(shape) <= Some(SHORT))
}

/// A hit, with what decides between several.
struct Graded {
    hit: Hit,
    /// Its own word was said.
    own: bool,
    /// How sure it would be without any word, and with one.
    told: (Option<Grade>, Option<Grade>),
}

impl Graded {
    fn new(candidate: &Candidate, grade: Grade, own: bool) -> Self {
        let Candidate { ident, span, grouped, .. } = *candidate;
        let hit = Hit::new((ident.name, ident.class), grade, span, (ident.tag, Rank::Shape));
        let firm = own || grouped || ident.told.bare >= Some(Grade::Likely);
        Self { hit: Hit { firm, ..hit }, own, told: (ident.told.bare, ident.told.said) }
    }

    /// The one that was called by its name, then the surer one, then the one that has more to
    /// show for it, then the longer one.
    fn is_better(&self, other: Option<&Self>) -> bool {
        let key = |graded: &Self| {
            let span = graded.hit.secret;
            (graded.own, graded.hit.grade, graded.told, span.end - span.start)
        };
        other.is_none_or(|other| key(self) > key(other))
    }
}

/// Words in lower case with a blank before the digits: prose, unless nothing else is there.
fn is_small(window: &Window<'_>, span: Span) -> bool {
    let letters = window.run(span.start, GROUP_LETTERS, |byte| byte.is_ascii_alphabetic());
    letters > span.start
        && window.byte(letters) == Some(b' ')
        && window.part(span.start, letters).iter().any(u8::is_ascii_lowercase)
}

/// Where the group of letters begins that ends one sign before `start`.
fn group_before(window: &Window<'_>, start: usize) -> Option<usize> {
    let sign = start.checked_sub(1)?;
    if !is_joint(window.byte(sign)?) {
        return None;
    }
    let group = window.run_back(sign, GROUP_LETTERS, |byte| byte.is_ascii_alphabetic());
    let begins = group < sign && free_before(window, group, is_word);
    begins.then_some(group)
}

/// Whether the two letters of a country stand before `start`, with a blank between.
fn is_led(window: &Window<'_>, start: usize) -> bool {
    let Some(group) = group_before(window, start) else { return false };
    let letters = window.part(group, start - 1);
    letters.len() == 2
        && letters.iter().all(u8::is_ascii_uppercase)
        && !matches!(letters, b"ID" | b"NO" | b"NR")
}

fn is_joint(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.')
}

fn before(window: &Window<'_>, start: usize) -> Before {
    let Some(sign) = start.checked_sub(1) else { return Before::Free };
    if ends_escape(window.text, start) {
        return Before::Free;
    }
    let Some(byte) = window.byte(sign) else { return Before::Free };
    let further = window.before(sign);
    let digit = further.is_some_and(|byte| byte.is_ascii_digit());
    let letter = further.is_some_and(|byte| byte.is_ascii_alphabetic());
    let tagged = further == Some(b']') && tag_before(window, sign);
    match byte {
        b']' if tag_before(window, start) => Before::Taken,
        byte if is_word(byte) => Before::Taken,
        b'.' | b'-' | b':' | b'/' if digit || tagged => Before::Taken,
        b'.' | b'-' if letter => Before::Taken,
        b' ' if digit || tagged => Before::Digits,
        b':' | b'/' | b'=' | b'#' | b'@' | b'$' | b'%' | b'+' | b'~' | b'&' | b'*' | b'\\' => {
            Before::Weak
        }
        0x80.. => Before::Weak,
        _ => Before::Free,
    }
}

/// Whether the candidate ends where a number ends.
fn ends(window: &Window<'_>, candidate: Candidate) -> Side {
    let end = candidate.span.end;
    let side = after(window, end, |byte| is_word(byte) || byte == b'@');
    if side != Side::Free {
        return side;
    }
    let sign = window.byte(end);
    let goes_on = |next: u8| match sign {
        Some(b'-' | b'.' | b'/' | b':') if next.is_ascii_digit() => true,
        Some(b'-') => next.is_ascii_alphabetic(),
        Some(b' ') => candidate.grouped && next.is_ascii_digit(),
        _ => false,
    };
    match window.byte(end + 1) {
        None if sign.is_some() && window.dry(end + 1) => Side::Unknown,
        Some(b'[') => match super::boundary::tag_after(window, end + 1) {
            // A tag stands for digits as well as for anything else.
            Side::Taken if goes_on(b'0') => Side::Taken,
            Side::Unknown => Side::Unknown,
            _ => Side::Free,
        },
        Some(next) if goes_on(next) => Side::Taken,
        _ => Side::Free,
    }
}

/// Where the text ends with letters that an identifier may begin with.
pub(crate) fn tail(window: &Window<'_>) -> Option<Open> {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic();
    let mut end = window.len();
    let run = window.run_back(end, WORD_LETTERS + 1, is_letter);
    let mut from = None;
    if end - run > WORD_LETTERS {
        return None;
    }
    if run < end {
        from = Some(run);
        end = run;
    }
    for _ in 0..GROUPS {
        let Some(sign) = end.checked_sub(1) else { break };
        if !window.byte(sign).is_some_and(is_joint) {
            break;
        }
        let group = window.run_back(sign, GROUP_LETTERS + 1, is_letter);
        if group == sign || sign - group > GROUP_LETTERS {
            break;
        }
        from = Some(group);
        end = group;
    }
    from.map(|from| Open { from, serious: false })
}

#[cfg(test)]
mod tests {
    use crate::finding::Grade;
    use crate::{Finding, Scanner};

    /// The grade of the first finding of this class.
    fn grade(scanner: &Scanner, text: &str, class: &str) -> Option<Grade> {
        let findings = scanner.scan(text.as_bytes());
        let is = |finding: &&Finding| finding.class.as_str() == class;
        findings.iter().find(is).map(|finding| finding.grade)
    }

    #[test]
    fn what_stands_around_decides_the_grade() {
        let scanner = Scanner::new().unwrap();
        let cases = [
            ("gov_id.pl_pesel", "44051401458", Some(Grade::Likely)),
            ("gov_id.pl_pesel", "the job 44051401458 was done", Some(Grade::Possible)),
            ("gov_id.pl_pesel", "the PESEL 44051401458 was given", Some(Grade::Certain)),
            ("gov_id.pl_pesel", "44051401458 is her pesel", Some(Grade::Certain)),
            ("gov_id.pl_pesel", "44051401458, and no pesel", Some(Grade::Possible)),
            ("gov_id.pl_pesel", "/jobs/44051401458/log", None),
            ("gov_id.pl_pesel", "1.44051401458", None),
            ("gov_id.pl_pesel", "44051401459", None),
            ("gov_id.pl_pesel", "{\"body\": \"44051401458\"}", Some(Grade::Likely)),
            ("gov_id.pl_pesel", "{\"jobId\": \"44051401458\"}", Some(Grade::Possible)),
            ("gov_id.pl_pesel", "{\"peselNumber\": \"44051401458\"}", Some(Grade::Certain)),
            ("gov_id.pl_pesel", "pesel [REDACTED] is 44051401458 here", Some(Grade::Possible)),
            ("gov_id.vat_id", "VAT number is PL1234567890", Some(Grade::Likely)),
            ("gov_id.vat_id", "VAT number is PL 1234567890", None),
            // The name of another number, which this is not.
            ("gov_id.au_acn", "SIREN: 593357003", Some(Grade::Possible)),
            ("gov_id.au_acn", "company number: 593357003", Some(Grade::Certain)),
        ];
        for (class, text, expect) in cases {
            assert_eq!(grade(&scanner, text, class), expect, "{text}");
        }
    }
}
