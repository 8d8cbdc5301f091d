//! Telephone numbers: by the numbering plan of their country, by how they are grouped, and by the
//! words before them.
use super::boundary::{Side, is_word, tag_after, tag_before};
use super::context::{self, Cue, told};
use super::glance::Glance;
use super::hit::Rank;
use super::ranges;
use super::window::ends_escape;
use super::{Hit, Open, Outcome, Span, Window};
use crate::detectors::plans::{AREAS, Form, PLANS, Plan};
use crate::finding::Grade;

pub(crate) const DETECTOR: &str = "phone-number";
pub(crate) const CLASS: &str = "contact.phone";

/// ITU-T E.164 has 15 digits; two or three may be dialled before them.
const DIGITS: usize = 18;
const GROUPS: usize = 8;
/// The shortest number that is told by its groups or its plan.
pub(crate) const SHORTEST: usize = 7;
/// How many digits must be there before it is worth waiting for more.
const SERIOUS_DIGITS: usize = 4;

/// Words that say: a telephone number follows.
const CUE: Cue = Cue::new(
    &[
        "tel", "tlf", "telf", "cell", "mob", "gsm", "handy", "cep", "sms", "mobil", "hotline",
        "whatsapp", "fax", "faks",
    ],
    &[
        "phone",
        "telephon",
        "telefon",
        "tel\u{e9}f",
        "t\u{e9}l\u{e9}",
        "telepono",
        "mobile",
        "cellphone",
        "msisdn",
        "celular",
        "m\u{f3}vil",
        "movil",
        "handynummer",
        "smartphone",
    ],
);
/// Words that say so of a number in groups.
const WEAK: Cue = Cue::new(
    &[
        "call",
        "calling",
        "dial",
        "ring",
        "reach",
        "answering",
        "messages",
        "text",
        "registered",
        "desk",
    ],
    &[],
);
/// Words that say so of a number in groups that a plan has.
const NUMBER: Cue = Cue::new(&["number", "nummer", "numara", "numero", "no", "nr", "contact"], &[]);

/// Fewer digits in a row make no number.
pub(crate) fn may_be(glance: &Glance) -> bool {
    glance.first > 0 && glance.digits >= SHORTEST
}

/// Looks at the number that begins with the word, or with the sign or bracket before it.
pub(crate) fn check(window: &Window<'_>, word: Span) -> Outcome {
    if !window.byte(word.start).is_some_and(|byte| byte.is_ascii_digit()) {
        return Outcome::Nothing;
    }
    let Some(start) = Start::at(window, word.start) else { return Outcome::Nothing };
    // What goes on from other digits is a part of them.
    if start.continued && !start.plus {
        return Outcome::Nothing;
    }
    let number = Number::read(window, start.at);
    if number.open {
        let serious = number.count >= SERIOUS_DIGITS;
        return Outcome::Open(Open { from: start.at, serious });
    }
    if number.count < SHORTEST {
        return Outcome::Nothing;
    }
    let known = Known::new(window, &start, &number);
    // The most groups that make a number; what follows a blank may belong to something else.
    for groups in (1..=number.group_count).rev() {
        let (count, end) = number.group(groups);
        let cut = number.cut || groups < number.group_count;
        // Behind a `+` the groups are all of one number, unless it was written in one.
        let apart = window.byte(end) == Some(b' ') && (!start.plus || groups == 1);
        if count < SHORTEST || (cut && !apart) {
            continue;
        }
        let written = Written { number: &number, digits: number.first(count), groups, cut };
        if let Some(grade) = written.grade(&known) {
            return Outcome::Hit(Hit::new(
                (DETECTOR, CLASS),
                grade,
                Span::new(start.at, end),
                ("[REDACTED:PHONE]", Rank::Shape),
            ));
        }
    }
    Outcome::Nothing
}

/// Where the text ends with a sign or bracket that may open a number.
pub(crate) fn tail(window: &Window<'_>) -> Option<Open> {
    let start = window.run_back(window.len(), 2, |byte| matches!(byte, b'+' | b'('));
    (start < window.len()).then_some(Open { from: start, serious: false })
}

/// Where a number begins.
struct Start {
    at: usize,
    plus: bool,
    /// Digits, or what was a number once, stand before it.
    continued: bool,
}

impl Start {
    fn at(window: &Window<'_>, digit: usize) -> Option<Self> {
        let mut at = digit;
        let mut plus = false;
        for _ in 0..2 {
            match window.before(at) {
                Some(b'+') if !plus => plus = true,
                Some(b'(') => {}
                _ => break,
            }
            at -= 1;
        }
        if at < window.floor {
            return None;
        }
        let Some(before) = at.checked_sub(1) else {
            return Some(Self { at, plus, continued: false });
        };
        let digit_before = |at: usize| window.before(at).is_some_and(|byte| byte.is_ascii_digit());
        let continued = match window.byte(before) {
            _ if ends_escape(window.text, at) => false,
            Some(b']') if tag_before(window, at) => return None,
            Some(byte) if is_word(byte) => return None,
            Some(b'-' | b'/' | b'#' | b'$' | b'*' | b'%' | b'+') => return None,
            Some(b'.' | b')' | b':' | b'\\' | b',') if digit_before(before) => return None,
            Some(b'.' | b')' | b':' | b'\\' | b',') if tag_before(window, before) => return None,
            Some(b' ') => digit_before(before) || tag_before(window, before),
            _ => false,
        };
        Some(Self { at, plus, continued })
    }
}

/// A number as it is written.
struct Number {
    digits: [u8; DIGITS],
    count: usize,
    /// For each group: how many digits stand up to its end, and where it ends.
    groups: [(usize, usize); GROUPS],
    group_count: usize,
    /// Something other than blanks stands between groups.
    signs: bool,
    /// There may have been more of it.
    cut: bool,
    /// It may go on behind the text.
    open: bool,
}

impl Number {
    fn read(window: &Window<'_>, start: usize) -> Self {
        let mut number = Self {
            digits: [0; DIGITS],
            count: 0,
            groups: [(0, 0); GROUPS],
            group_count: 0,
            signs: false,
            cut: false,
            open: false,
        };
        let mut at = window.run(start, 2, |byte| matches!(byte, b'+' | b'('));
        number.signs = window.part(start, at).contains(&b'(');
        loop {
            let end = window.run(at, DIGITS + 1, |byte| byte.is_ascii_digit());
            if window.dry(end) {
                number.open = true;
                return number;
            }
            if number.count + (end - at) > DIGITS || number.group_count == GROUPS {
                // Too long for a number: what stands before it is none either.
                if window.byte(at.saturating_sub(1)) != Some(b' ') {
                    number.count = 0;
                    number.group_count = 0;
                }
                return number;
            }
            // `+46 (0)157`: the zero is dialled within the country only.
            let inner = window.part(at.saturating_sub(1), end + 1) == b"(0)"
                && window.byte(start) == Some(b'+');
            if !inner {
                number.take(window.part(at, end));
            }
            match glued(window, end) {
                Side::Unknown => {
                    number.open = true;
                    return number;
                }
                Side::Taken => {
                    number.cut = true;
                    return number;
                }
                Side::Free if inner => {}
                Side::Free => number.close(end),
            }
            match gap(window, end) {
                Gap::Open => {
                    number.open = true;
                    return number;
                }
                Gap::None => return number,
                Gap::Tag => {
                    number.cut = true;
                    if window.part(end, end + 2) != b" [" {
                        number.group_count = 0;
                    }
                    return number;
                }
                Gap::Until(next) => {
                    number.signs |= window.part(end, next).iter().any(|byte| *byte != b' ');
                    at = next;
                }
            }
        }
    }

    fn take(&mut self, digits: &[u8]) {
        for digit in digits {
            if let Some(slot) = self.digits.get_mut(self.count) {
                *slot = *digit;
                self.count += 1;
            }
        }
    }

    fn close(&mut self, end: usize) {
        if let Some(group) = self.groups.get_mut(self.group_count) {
            *group = (self.count, end);
            self.group_count += 1;
        }
    }

    /// How many digits the first groups have, and where they end.
    fn group(&self, groups: usize) -> (usize, usize) {
        groups.checked_sub(1).and_then(|at| self.groups.get(at)).copied().unwrap_or_default()
    }

    fn first(&self, count: usize) -> &[u8] {
        self.digits.get(..count).unwrap_or_default()
    }
}

/// Whether what stands right behind a group makes it part of something else: a letter, a time, a
/// share. An extension does not: `x12`, `ext. 12`.
fn glued(window: &Window<'_>, at: usize) -> Side {
    match window.byte(at) {
        Some(b'[') => tag_after(window, at),
        Some(b'x' | b'X') if window.dry(at + 1) => Side::Unknown,
        Some(b'x' | b'X') if window.byte(at + 1).is_some_and(|byte| byte.is_ascii_digit()) => {
            Side::Free
        }
        Some(b'e') if window.part(at, at + 3) == b"ext" => Side::Free,
        Some(b':' | b',') if window.dry(at + 1) => Side::Unknown,
        Some(b':' | b',') if window.byte(at + 1).is_some_and(|byte| byte.is_ascii_digit()) => {
            Side::Taken
        }
        // A tag stands where there may have been digits.
        Some(b':' | b',' | b'-' | b'.' | b'/' | b'(' | b')') => tag_after(window, at + 1),
        Some(byte) if is_word(byte) || matches!(byte, b'@' | b'%' | b'=' | b'*') => Side::Taken,
        _ => Side::Free,
    }
}

enum Gap {
    None,
    /// A blank and a tag, where there may have been digits.
    Tag,
    Open,
    Until(usize),
}

/// What stands between two groups: a blank or a sign, brackets around a group.
fn gap(window: &Window<'_>, at: usize) -> Gap {
    let end = window.run(at, 3, |byte| matches!(byte, b' ' | b'-' | b'.' | b'/' | b'(' | b')'));
    if end == at {
        return Gap::None;
    }
    if window.dry(end) {
        return Gap::Open;
    }
    match tag_after(window, end) {
        Side::Unknown => return Gap::Open,
        Side::Taken => return Gap::Tag,
        Side::Free => {}
    }
    let gap = window.part(at, end);
    let plain = gap.iter().filter(|byte| !matches!(byte, b'(' | b')')).count() <= 1;
    let digit = window.byte(end).is_some_and(|byte| byte.is_ascii_digit());
    if digit && (plain || gap == b" - ") { Gap::Until(end) } else { Gap::None }
}

/// What is known from around a number.
struct Known {
    plus: bool,
    told: bool,
    weak: bool,
    number: bool,
}

impl Known {
    fn new(window: &Window<'_>, start: &Start, number: &Number) -> Self {
        let told = told(window, start.at, &CUE);
        // These count for numbers in groups, and for those as long as with their area.
        let grouped = !told && !start.plus && (number.group_count > 1 || number.count >= 10);
        Self {
            plus: start.plus,
            told,
            weak: grouped && context::told(window, start.at, &WEAK),
            number: grouped && context::told(window, start.at, &NUMBER),
        }
    }
}

/// The first groups of a number.
struct Written<'n> {
    number: &'n Number,
    digits: &'n [u8],
    groups: usize,
    cut: bool,
}

impl Written<'_> {
    fn grade(&self, known: &Known) -> Option<Grade> {
        if is_dull(self.digits) {
            return None;
        }
        if known.plus {
            let sure = if known.told { Grade::Certain } else { Grade::Likely };
            return self.is_international(self.digits).then_some(sure);
        }
        if self.is_formatted() {
            return Some(if known.told { Grade::Certain } else { Grade::Likely });
        }
        let grouped = self.groups > 1;
        let found = (known.told && (self.is_national() || self.is_grouped() || self.is_parted()))
            || (known.weak && !self.cut && !grouped && is_american(self.digits))
            || (known.number && !self.cut && !grouped && is_chinese(self.digits))
            || (known.weak && !self.cut && self.is_grouped())
            || ((known.number || known.weak) && grouped && !self.cut && self.is_dialled(true))
            || (!grouped && self.digits.len() == 11 && self.is_dialled(false));
        found.then_some(Grade::Likely)
    }

    /// The digits behind a `+`.
    fn is_international(&self, digits: &[u8]) -> bool {
        if let Some(rest) = digits.strip_prefix(b"1") {
            return is_american(rest);
        }
        country(digits).is_some_and(|(plan, rest)| {
            // In groups the code is one by itself.
            let apart = self.length(1) == plan.code.len();
            let other = if self.groups > 1 { apart && self.groups > 2 } else { plan.open };
            ranges::hold(plan.mobile, rest) || (other && ranges::hold(plan.other, rest))
        })
    }

    /// Groups that only telephone numbers have.
    fn is_formatted(&self) -> bool {
        let shape = |lengths: &[usize]| self.has_groups(lengths);
        let american = (self.number.signs && shape(&[3, 3, 4]) && is_american(self.digits))
            || (self.number.signs
                && (shape(&[1, 3, 3, 4]) || shape(&[1, 3, 7]))
                && self.digits.strip_prefix(b"1").is_some_and(is_american));
        let zero = [
            &[4, 3, 4][..],
            &[4, 3, 2, 2],
            &[3, 4, 4],
            &[2, 2, 2, 2, 2],
            &[1, 3, 3, 2, 2],
            &[1, 3, 7],
        ]
        .iter()
        .any(|lengths| shape(lengths));
        american || (zero && self.digits.starts_with(b"0") && self.is_dialled(true))
    }

    /// A number as it is dialled within a country that has one, with its trunk prefix.
    fn is_dialled(&self, other: bool) -> bool {
        self.digits.starts_with(b"0")
            && PLANS.iter().any(|plan| {
                let rest = self.digits.strip_prefix(plan.trunk.as_bytes());
                !plan.trunk.is_empty()
                    && rest.is_some_and(|rest| {
                        ranges::hold(plan.mobile, rest) || (other && ranges::hold(plan.other, rest))
                    })
            })
    }

    /// A number that a plan has, as people of the country write it.
    fn is_national(&self) -> bool {
        let digits = self.digits;
        if self.groups == 1 && digits.len() < 8 {
            return false;
        }
        if self.groups > 1 && (!self.is_even() || self.is_other()) {
            return false;
        }
        let abroad = digits.strip_prefix(b"00").or(digits.strip_prefix(b"011"));
        if abroad.is_some_and(|digits| self.groups > 1 && self.is_international(digits)) {
            return true;
        }
        let coded = digits.len() >= 10
            && country(digits).is_some_and(|(plan, rest)| ranges::hold(plan.mobile, rest));
        coded
            || (is_american(digits) && (self.groups == 1 || self.has_groups(&[3, 3, 4])))
            || digits.strip_prefix(b"1").is_some_and(is_american)
            || PLANS.iter().any(|plan| self.is_of(plan))
    }

    fn is_of(&self, plan: &Plan) -> bool {
        let alone = self.groups == 1;
        let trunk = match plan.form {
            Form::Trunk => !alone || self.digits.len() >= 10,
            Form::GroupedTrunk => !alone,
            Form::International | Form::Bare => false,
        };
        let bare = alone && plan.form == Form::Bare;
        let dialled = self
            .digits
            .strip_prefix(plan.trunk.as_bytes())
            .filter(|_| trunk && !plan.trunk.is_empty());
        dialled.is_some_and(|rest| ranges::hold(plan.mobile, rest))
            || (bare && !self.digits.starts_with(b"0") && ranges::hold(plan.mobile, self.digits))
    }

    /// Groups as people make them, whatever the plan.
    fn is_grouped(&self) -> bool {
        let lengths = (1..=self.groups).map(|group| self.length(group));
        self.groups > 1
            && (SHORTEST..=12).contains(&self.digits.len())
            && lengths.enumerate().all(|(at, length)| length <= 4 && (length > 1 || at == 0))
            && !self.is_other()
            && !self.has_groups(&[4, 4, 4])
    }

    /// An area and a number, in one or in two: `(11) 98765-4321`, `0151 12345678`.
    fn is_parted(&self) -> bool {
        let parted = [&[2, 5, 4][..], &[2, 8], &[3, 7]].iter().any(|shape| self.has_groups(shape));
        parted || (self.has_groups(&[4, 8]) && self.is_dialled(false))
    }

    /// Groups of a date, or of a social security number.
    fn is_other(&self) -> bool {
        [&[4, 2, 2][..], &[2, 2, 4], &[3, 2, 4]].iter().any(|shape| self.has_groups(shape))
    }

    /// No group is so long that the others are not groups of the same number.
    fn is_even(&self) -> bool {
        (1..=self.groups).all(|group| self.length(group) <= 7)
    }

    fn length(&self, group: usize) -> usize {
        self.number.group(group).0 - self.number.group(group.saturating_sub(1)).0
    }

    fn has_groups(&self, lengths: &[usize]) -> bool {
        self.groups == lengths.len()
            && lengths.iter().enumerate().all(|(at, length)| self.length(at + 1) == *length)
    }
}

/// The country whose code the digits begin with, and the rest.
fn country(digits: &[u8]) -> Option<(&'static Plan, &[u8])> {
    (1..=3).find_map(|length| {
        let (code, rest) = digits.split_at_checked(length)?;
        let at = PLANS.binary_search_by(|plan| plan.code.as_bytes().cmp(code)).ok()?;
        Some((PLANS.get(at)?, rest))
    })
}

/// An area code that exists, and an exchange that may (NANPA: `NXX`, not `N11`).
fn is_american(digits: &[u8]) -> bool {
    let (Some(area), Some(exchange)) = (digits.get(..3), digits.get(3..6)) else { return false };
    digits.len() == 10
        && matches!(exchange, [b'2'..=b'9', ..])
        && exchange.get(1..) != Some(b"11")
        && ranges::hold(AREAS, area)
}

/// A mobile number of China as it is mostly written, in one.
fn is_chinese(digits: &[u8]) -> bool {
    digits.len() == 11 && matches!(digits, [b'1', b'3'..=b'9', ..])
}

/// Digits in order or all the same: the place of a number.
fn is_dull(digits: &[u8]) -> bool {
    let row = b"01234567890123456789";
    let first = digits.get(..8).unwrap_or(digits);
    memchr::memmem::find(row, first).is_some()
        || digits.iter().all(|digit| Some(digit) == digits.first())
}
