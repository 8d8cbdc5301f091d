//! Numbers: payment cards and social security numbers, found where a run of digits begins.
use super::boundary::{Side, is_word, tag_after, tag_before};
use super::check_digits::americas::us_ssn;
use super::check_digits::is_filler;
use super::checks::luhn;
use super::context::{alone, before, said};
use super::hit::Rank;
use super::{Hit, Open, Outcome, Span, Window};
use crate::finding::Grade;

pub(crate) const PAN_DETECTOR: &str = "payment-card";
pub(crate) const PAN: &str = "pci.pan";
pub(crate) const SSN_DETECTOR: &str = "us-ssn";
pub(crate) const SSN: &str = "gov_id.us_ssn";

/// ISO/IEC 7812-1: a card number has 19 digits at most.
const DIGITS: usize = 19;
/// The shortest that is looked for: a social security number.
pub(crate) const SHORTEST: usize = 9;
/// How many digits must be there before it is worth waiting for more.
const SERIOUS_DIGITS: usize = 4;

/// A number as it is written: digits with single blanks, hyphens or full stops between groups.
struct Number {
    digits: [u8; DIGITS],
    count: usize,
    /// For each group: how many digits stand up to its end, and where it ends.
    groups: [(usize, usize); DIGITS],
    group_count: usize,
    /// Where the number ends, and whether it may go on behind the text.
    end: usize,
    open: bool,
}

/// Looks at the number that begins at `at`, where a digit stands and none before it.
pub(crate) fn check(window: &Window<'_>, at: usize) -> Outcome {
    if is_part(window, at) {
        return Outcome::Nothing;
    }
    let first = window.run(at, DIGITS + 1, |byte| byte.is_ascii_digit());
    if first - at > DIGITS || (first - at < 3 && !window.dry(first)) {
        return Outcome::Nothing;
    }
    let number = Number::read(window, at);
    if number.open {
        return Outcome::Open(Open { from: at, serious: number.count >= SERIOUS_DIGITS });
    }
    if let Some(card) = card(window, at, &number) {
        return Outcome::Hit(card);
    }
    match ssn(window, at, &number) {
        None => Outcome::Open(Open { from: at, serious: true }),
        Some(hit) => hit.map_or(Outcome::Nothing, Outcome::Hit),
    }
}

/// Whether the digit at `at` goes on from something: a word, a fraction, a longer number.
fn is_part(window: &Window<'_>, at: usize) -> bool {
    match window.before(at) {
        None => false,
        Some(b']') => tag_before(window, at),
        // A fraction, a version, a date, a longer number with separators.
        Some(b'.' | b'-') => window.before(at - 1).is_some_and(|byte| {
            byte.is_ascii_digit() || (byte == b']' && tag_before(window, at - 1))
        }),
        Some(byte) => is_word(byte) || byte >= 0x80,
    }
}

impl Number {
    fn read(window: &Window<'_>, start: usize) -> Self {
        let mut number = Self {
            digits: [0; DIGITS],
            count: 0,
            groups: [(0, 0); DIGITS],
            group_count: 0,
            end: start,
            open: false,
        };
        let mut at = start;
        while let Some(byte) = window.byte(at) {
            let slot = number.digits.get_mut(number.count);
            match (byte, slot) {
                (b'0'..=b'9', Some(slot)) => {
                    *slot = byte - b'0';
                    number.count += 1;
                    at += 1;
                }
                (b' ' | b'-' | b'.', Some(_)) => {
                    number.close(at);
                    if window.dry(at + 1) {
                        number.open = true;
                        return number;
                    }
                    if !window.byte(at + 1).is_some_and(|next| next.is_ascii_digit()) {
                        return number;
                    }
                    at += 1;
                }
                _ => break,
            }
        }
        number.open = window.dry(at) || tag_after(window, at) == Side::Unknown;
        // Letters, digits or a tag right behind: this group is not a number by itself.
        let glued = window.byte(at).is_some_and(|byte| is_word(byte) || byte >= 0x80)
            || (window.byte(at) == Some(b'[') && tag_after(window, at) == Side::Taken);
        if !glued {
            number.close(at);
        }
        number
    }

    fn close(&mut self, at: usize) {
        if let Some(group) = self.groups.get_mut(self.group_count) {
            *group = (self.count, at);
            self.group_count += 1;
            self.end = at;
        }
    }

    fn groups(&self) -> &[(usize, usize)] {
        self.groups.get(..self.group_count).unwrap_or_default()
    }

    fn first(&self, count: usize) -> &[u8] {
        self.digits.get(..count).unwrap_or_default()
    }

    /// The lengths of the groups up to the one that ends after `count` digits.
    fn is_grouped(&self, count: usize, shape: &[usize]) -> bool {
        let mut sum = 0;
        let ends = shape.iter().map(|length| {
            sum += length;
            sum
        });
        let groups = self.groups().iter().map(|(digits, _)| *digits).take_while(|d| *d <= count);
        groups.eq(ends)
    }
}

/// The shortest card number among the groups that passes: brand, length and check digit.
fn card(window: &Window<'_>, start: usize, number: &Number) -> Option<Hit> {
    for (count, end) in number.groups() {
        let digits = number.first(*count);
        let Some(usual) = brand(digits) else { continue };
        if !luhn(digits) || is_dull(digits) {
            continue;
        }
        let plain = end - start == *count;
        let grouped = [&[4, 4, 4, 4][..], &[4, 6, 5], &[4, 6, 4], &[4, 4, 4, 4, 3], &[4, 4, 4, 1]]
            .iter()
            .any(|shape| number.is_grouped(*count, shape));
        let said = names(window, start, b"pan")
            || said(window, start, &[b"card", b"visa", b"credit", b"debit", b"amex", b" cc "]);
        let grade = match (plain, grouped) {
            (false, false) => Grade::Possible,
            _ if !said && is_order(window, start) => Grade::Possible,
            _ if said || grouped => Grade::Certain,
            _ if usual && is_bounded(window, start, *end) => Grade::Likely,
            _ => Grade::Possible,
        };
        let secret = Span::new(start, *end);
        return Some(hit(PAN_DETECTOR, PAN, grade, secret, "[REDACTED:PAN]"));
    }
    None
}

/// Whether the number is called one of an order or a parcel: `order_number: 5105…`. Some shops give
/// out numbers in the groups of a card.
fn is_order(window: &Window<'_>, start: usize) -> bool {
    const WORDS: [&[u8]; 5] = [b"order", b"invoice", b"ticket", b"tracking", b"shipment"];
    const MORE: [&[u8]; 5] = [b"", b"id", b"no", b"nr", b"number"];
    /// `_number": "` and the like.
    const SIGN_BYTES: usize = 12;
    let signs = |byte: &u8| b"_- \":=#.".contains(byte);
    let text = before(window, start);
    WORDS.iter().any(|word| {
        let text = text.get(text.len().saturating_sub(word.len() + SIGN_BYTES)..);
        let text = text.unwrap_or_default();
        let at = text.windows(word.len()).rposition(|part| part.eq_ignore_ascii_case(word));
        let rest = at.and_then(|at| text.get(at + word.len()..));
        rest.is_some_and(|rest| {
            rest.split(signs).all(|part| MORE.iter().any(|more| part.eq_ignore_ascii_case(more)))
        })
    })
}

/// A decimal point behind the number makes it a fraction or an amount.
fn is_bounded(window: &Window<'_>, start: usize, end: usize) -> bool {
    let fraction = window.byte(end) == Some(b'.')
        && window.byte(end + 1).is_some_and(|byte| byte.is_ascii_digit());
    !fraction && !matches!(window.before(start), Some(b'.' | b'$' | b'#' | b'/'))
}

/// `Some(usual)` when the digits have a brand's first digits and length (the brands' published
/// ranges); `usual` when it is the length that its cards really have.
fn brand(digits: &[u8]) -> Option<bool> {
    let head = |count: usize| {
        digits.iter().take(count).fold(0_u32, |sum, digit| sum * 10 + u32::from(*digit))
    };
    let count = digits.len();
    match head(4) {
        4000..=4999 => matches!(count, 13 | 16 | 19).then_some(count == 16),
        5100..=5599 | 2221..=2720 => (count == 16).then_some(true),
        3400..=3499 | 3700..=3799 => (count == 15).then_some(true),
        3000..=3059 | 3095 | 3600..=3699 | 3800..=3999 => {
            matches!(count, 14 | 16 | 19).then_some(count == 14)
        }
        6011 | 6440..=6599 => matches!(count, 16 | 19).then_some(count == 16),
        3528..=3589 => matches!(count, 16 | 19).then_some(count == 16),
        // JCB's older ranges and those that only test data has: only where a word says so.
        1800 | 2131 => (count == 15).then_some(false),
        3500..=3599 => (count == 16).then_some(false),
        6200..=6299 | 8100..=8199 => (16..=19).contains(&count).then_some(count == 16),
        // Maestro and its kin.
        5000..=5099 | 5600..=6999 => (12..=19).contains(&count).then_some(count == 16),
        // Mir.
        2200..=2204 => matches!(count, 16..=19).then_some(count == 16),
        _ => None,
    }
}

/// Fewer than three different digits: a filler, unless it is the round test number of a brand.
fn is_dull(digits: &[u8]) -> bool {
    let mut seen = [false; 10];
    for digit in digits {
        if let Some(seen) = seen.get_mut(usize::from(*digit)) {
            *seen = true;
        }
    }
    seen.iter().filter(|seen| **seen).count() < 2
}

/// `123-45-6789`, or nine digits where a word says what they are or nothing else is said (ranges:
/// SSA, POMS RM 10201). The outer `None` when only bytes still to come can tell.
fn ssn(window: &Window<'_>, start: usize, number: &Number) -> Option<Option<Hit>> {
    let Some((_, end)) = number.groups().iter().find(|(count, _)| *count == 9) else {
        return Some(None);
    };
    let end = *end;
    if number.groups().iter().any(|(count, _)| *count > 9) && window.byte(end) != Some(b' ') {
        return Some(None);
    }
    let plain = end - start == 9;
    let grouped = number.is_grouped(9, &[3, 2, 4]);
    let half = number.is_grouped(9, &[3, 6]) || number.is_grouped(9, &[5, 4]);
    let even = grouped && window.byte(start + 3) == window.byte(start + 6);
    let mut digits = [0_u8; 9];
    digits.iter_mut().zip(number.digits).for_each(|(slot, digit)| *slot = digit + b'0');
    if !(grouped || half || plain) || !us_ssn(&digits) || (!grouped && is_filler(&digits)) {
        return Some(None);
    }
    let said = names(window, start, b"ssn")
        || said(window, start, &[b"social sec", b"socialsec", b"social_sec", b"ss#"]);
    let grade = match (grouped, said) {
        (true, true) => Grade::Certain,
        (false, true) => Grade::Likely,
        (true, false) if even => Grade::Likely,
        (true, false) => return Some(None),
        (false, false) if alone(window, start, end)? => Grade::Likely,
        (false, false) => return Some(None),
    };
    Some(Some(hit(SSN_DETECTOR, SSN, grade, Span::new(start, end), "[REDACTED:SSN]")))
}

/// Whether a short word stands shortly before `start`: `userSSN`, `pan_number`, not `businessName`
/// and not `company`.
fn names(window: &Window<'_>, start: usize, word: &[u8]) -> bool {
    let text = before(window, start);
    text.windows(word.len()).enumerate().any(|(at, part)| {
        let upper = part.first().is_some_and(u8::is_ascii_uppercase);
        let glued = at.checked_sub(1).and_then(|at| text.get(at)).is_some_and(|byte| {
            byte.is_ascii_alphabetic() && !(upper && byte.is_ascii_lowercase())
        });
        let last = part.last().is_some_and(u8::is_ascii_uppercase);
        // `SSNs`, `ssnno`.
        let goes_on = text.get(at + word.len()).is_some_and(|byte| {
            byte.is_ascii_alphabetic()
                && byte.is_ascii_uppercase() == last
                && !matches!(byte, b's' | b'S' | b'n' | b'N')
        });
        part.eq_ignore_ascii_case(word) && !glued && !goes_on
    })
}

fn hit(
    detector: &'static str,
    class: &'static str,
    grade: Grade,
    secret: Span,
    tag: &'static str,
) -> Hit {
    Hit::new((detector, class), grade, secret, (tag, Rank::Shape))
}
