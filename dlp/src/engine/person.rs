//! Names of people and days of birth, behind the words that announce them.
use super::boundary::{Side, is_word, tag_after};
use super::hit::Rank;
use super::{Hit, Open, Outcome, Span, Window};
use crate::finding::Grade;

pub(crate) const NAME_DETECTOR: &str = "person-name";
pub(crate) const NAME: &str = "person.name";
pub(crate) const BIRTH_DETECTOR: &str = "birth-date";
pub(crate) const BIRTH: &str = "person.date_of_birth";

/// Titles, with what ends them.
pub(crate) const TITLES: [&str; 15] = [
    "mr. ",
    "mr ",
    "mrs. ",
    "mrs ",
    "ms. ",
    "dr. ",
    "prof. ",
    "professor ",
    "herr ",
    "frau ",
    "madame ",
    "monsieur ",
    "signora ",
    "señor ",
    "señora ",
];
/// Names of members and fields whose value is a name.
pub(crate) const FIELDS: [&str; 27] = [
    "first_name",
    "last_name",
    "full_name",
    "firstname",
    "lastname",
    "fullname",
    "first name",
    "last name",
    "full name",
    "first-name",
    "last-name",
    "surname",
    "given_name",
    "family_name",
    "givenname",
    "familyname",
    "given name",
    "family name",
    "maiden_name",
    "maiden name",
    "cardholder",
    "patient_name",
    "patient name",
    "customer_name",
    "contact_name",
    "account_holder",
    "middle_name",
];
/// Phrases that a name follows.
pub(crate) const PHRASES: [&str; 8] =
    ["name is ", "name? ", "regards,\n", "sincerely,\n", "dear ", "hello ", "attn: ", "hi "];
/// The field of a letter or a form.
pub(crate) const LABEL: &str = "name:";
/// Words that a day of birth follows.
pub(crate) const BIRTHS: [&str; 8] =
    ["born", "dob", "birth", "geburtsdatum", "geboren", "nacimiento", "naissance", "nascita"];

/// The longest name that is looked at.
const NAME_BYTES: usize = 96;
/// Given names, initials, particles and family names.
const WORDS: usize = 6;
const WORD_BYTES: usize = 32;

/// What a name may be followed by, and how many words it must have.
struct Ask {
    words: usize,
    comma: bool,
}

/// Looks behind a title.
pub(crate) fn titled(window: &Window<'_>, at: usize, length: usize) -> Outcome {
    let capital = window.byte(at).is_some_and(|byte| byte.is_ascii_uppercase());
    if !capital || !starts(window, at) {
        return Outcome::Nothing;
    }
    name(window, at + length, &Ask { words: 1, comma: false })
}

/// Looks behind a phrase.
pub(crate) fn announced(window: &Window<'_>, at: usize, length: usize) -> Outcome {
    let phrase = window.part(at, at + length);
    let from = at + length;
    if phrase.starts_with(b"n") || phrase.starts_with(b"N") {
        let told = whose(window, at);
        return if told {
            name(window, from, &Ask { words: 1, comma: false })
        } else {
            Outcome::Nothing
        };
    }
    let line =
        window.before(at).is_none_or(|byte| matches!(byte, b'\n' | b'"' | b'>' | b'\'' | b'.'));
    let spaced = window.before(at) == Some(b' ')
        && window.before(at - 1).is_none_or(|byte| b".:!\n>".contains(&byte));
    let greeting = matches!(phrase.first(), Some(b'r' | b'R' | b's' | b'S'));
    if !(line || spaced || greeting) {
        return Outcome::Nothing;
    }
    let comma = matches!(phrase.first(), Some(b'd' | b'D' | b'h' | b'H'));
    name(window, window.run(from, 2, |byte| byte == b'\n'), &Ask { words: 1, comma })
}

/// Looks behind the name of a field.
pub(crate) fn field(window: &Window<'_>, at: usize, length: usize) -> Outcome {
    let end = at + length;
    let start =
        window.run(end, 8, |byte| matches!(byte, b'"' | b'\'' | b':' | b'=' | b' ' | b'\\' | b'>'));
    if window.dry(start) {
        return Outcome::Nothing;
    }
    let sign = window.part(end, start).iter().any(|byte| matches!(byte, b':' | b'=' | b'>'));
    // `First name` in a sentence, `"first_name": {`.
    if !sign && window.part(end, end + 4) != b" is " {
        return Outcome::Nothing;
    }
    let start = if sign { start } else { end + 4 };
    name(window, start, &Ask { words: 1, comma: false })
}

/// Looks behind `Name:` in a letter or a form: a name of two words, and a line for how to reach
/// its owner.
pub(crate) fn labelled(window: &Window<'_>, at: usize, length: usize) -> Outcome {
    const NEXT: [&[u8]; 9] =
        [b"phone", b"e-mail", b"email", b"address", b"tel", b"mobile", b"dob", b"date", b"company"];
    let line = window.run_back(at, 4, |byte| matches!(byte, b' ' | b'>' | b'*' | b'-'));
    if window.before(line).is_some_and(|byte| byte != b'\n') {
        return Outcome::Nothing;
    }
    let start = window.run(at + length, 8, |byte| byte == b' ' || byte == b'\t');
    let found = name(window, start, &Ask { words: 2, comma: false });
    let Outcome::Hit(hit) = found else { return found };
    let next =
        window.run(hit.secret.end, 6, |byte| matches!(byte, b'\r' | b'\n' | b' ' | b'>' | b'*'));
    let word = window.part(next, next + 8);
    if window.dry(next + 8) {
        return Outcome::Open(Open { from: start, serious: true });
    }
    let told = next > hit.secret.end
        && NEXT.iter().any(|known| {
            word.get(..known.len()).is_some_and(|part| part.eq_ignore_ascii_case(known))
        });
    if told { Outcome::Hit(hit) } else { Outcome::Nothing }
}

/// Looks behind a word that announces a day of birth.
pub(crate) fn birth(window: &Window<'_>, at: usize, length: usize) -> Outcome {
    if !starts(window, at) {
        return Outcome::Nothing;
    }
    let from = at + length;
    // `born on 12 May 1980`, `"date_of_birth": "1980-05-12"`, `birthday: May 12, 1980`.
    let word = window.run(from, 4, |byte| byte.is_ascii_alphabetic() || byte == b'_');
    let mut start = window.run(word, 6, |byte| {
        matches!(byte, b' ' | b'"' | b'\'' | b':' | b'=' | b'\\' | b'(' | b')')
    });
    if start == word {
        return Outcome::Nothing;
    }
    for word in [&b"on "[..], b"is ", b"the ", b"am "] {
        if window.part(start, start + word.len()).eq_ignore_ascii_case(word) {
            start += word.len();
        }
    }
    if window.dry(start) {
        return Outcome::Nothing;
    }
    match date(window, start) {
        Day::Open => Outcome::Open(Open { from: start, serious: true }),
        Day::None => Outcome::Nothing,
        Day::Until(end) => Outcome::Hit(Hit::new(
            (BIRTH_DETECTOR, BIRTH),
            Grade::Likely,
            Span::new(start, end),
            ("[REDACTED:BIRTH-DATE]", Rank::Shape),
        )),
    }
}

/// Whether the word `name` at `at` is said of someone: `my name`, `last name`, `her maiden name`.
fn whose(window: &Window<'_>, at: usize) -> bool {
    const WHOSE: [&[u8]; 14] = [
        b"my",
        b"his",
        b"her",
        b"their",
        b"your",
        b"maiden",
        b"last",
        b"first",
        b"full",
        b"family",
        b"middle",
        b"real",
        b"patient",
        b"customer",
    ];
    let Some(end) = at.checked_sub(1).filter(|end| window.byte(*end) == Some(b' ')) else {
        return false;
    };
    let word = window.part(window.run_back(end, 10, |byte| byte.is_ascii_alphabetic()), end);
    let owner = window.part(end.saturating_sub(2), end) == b"'s";
    owner || WHOSE.iter().any(|known| known.eq_ignore_ascii_case(word))
}

fn starts(window: &Window<'_>, at: usize) -> bool {
    !window.before(at).is_some_and(|byte| is_word(byte) && byte != b'_' || byte >= 0x80)
}

/// The name that begins at `start`.
fn name(window: &Window<'_>, start: usize, ask: &Ask) -> Outcome {
    let open = Outcome::Open(Open { from: start, serious: true });
    if start < window.floor {
        return Outcome::Nothing;
    }
    let mut at = start;
    let mut end = start;
    let mut words = 0;
    for number in 0..WORDS {
        let stop = window.run(at, WORD_BYTES, in_word);
        let word = window.part(at, stop);
        let small = number == 0 && !word.is_empty() && !may_begin(word);
        if small || (window.dry(stop) && stop == start) {
            return Outcome::Nothing;
        }
        if window.dry(stop) {
            return open;
        }
        let initial = word.len() == 1 && window.byte(stop) == Some(b'.');
        let part = is_name(word) && !(number == 0 && is_other(word));
        if !(part || words > 0 && is_particle(word)) {
            break;
        }
        match ends(window, stop) {
            Side::Unknown => return open,
            Side::Taken => break,
            Side::Free => {}
        }
        let stop = stop + usize::from(initial);
        if part {
            words += usize::from(word.len() > 1);
            end = stop;
        }
        if window.dry(stop) {
            return open;
        }
        if window.byte(stop) != Some(b' ') || stop - start > NAME_BYTES {
            break;
        }
        at = stop + 1;
    }
    let comma = !ask.comma || window.byte(end) == Some(b',');
    if words < ask.words || !comma {
        return Outcome::Nothing;
    }
    // `'s` is not the name's.
    let name = window.part(start, end);
    let end = end - if name.ends_with(b"'s") { 2 } else { 0 };
    Outcome::Hit(Hit::new(
        (NAME_DETECTOR, NAME),
        Grade::Likely,
        Span::new(start, end),
        ("[REDACTED:NAME]", Rank::Shape),
    ))
}

/// What stands behind a word: a digit or a tag makes it no name.
fn ends(window: &Window<'_>, at: usize) -> Side {
    match window.byte(at) {
        Some(b'[') => tag_after(window, at),
        Some(byte) if is_word(byte) || matches!(byte, b'(' | b'/' | b'=' | b'@') => Side::Taken,
        _ => Side::Free,
    }
}

/// A capital, then small letters mostly: `Anna`, `O'Neil`, `Jean-Luc`, `McRae`, `J`.
fn is_name(word: &[u8]) -> bool {
    let capitals = word.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    may_begin(word) && (capitals <= 2 || word.contains(&b'-'))
}

/// A capital; of letters beyond ASCII, those of Latin, Greek and Cyrillic.
fn may_begin(word: &[u8]) -> bool {
    word.first().is_some_and(|byte| byte.is_ascii_uppercase() || matches!(byte, 0xC3..=0xD4))
}

fn is_particle(word: &[u8]) -> bool {
    const PARTICLES: [&[u8]; 20] = [
        b"de", b"da", b"di", b"del", b"della", b"van", b"von", b"der", b"den", b"la", b"le",
        b"bin", b"al", b"el", b"y", b"dos", b"du", b"ter", b"ten", b"zu",
    ];
    PARTICLES.contains(&word)
}

/// Words with a capital that begin no name.
fn is_other(word: &[u8]) -> bool {
    const OTHERS: [&[u8]; 56] = [
        b"The",
        b"A",
        b"An",
        b"I",
        b"It",
        b"This",
        b"That",
        b"You",
        b"Your",
        b"We",
        b"Our",
        b"My",
        b"Please",
        b"User",
        b"Users",
        b"Sir",
        b"Madam",
        b"All",
        b"Team",
        b"Customer",
        b"Friend",
        b"Friends",
        b"Everyone",
        b"World",
        b"There",
        b"String",
        b"Str",
        b"Text",
        b"Name",
        b"First",
        b"Last",
        b"Full",
        b"Given",
        b"Family",
        b"Required",
        b"Optional",
        b"None",
        b"Null",
        b"True",
        b"False",
        b"Unknown",
        b"Test",
        b"Example",
        b"Default",
        b"Enter",
        b"Field",
        b"Not",
        b"No",
        b"Yes",
        b"And",
        b"Or",
        b"If",
        b"Claude",
        b"Assistant",
        b"Agent",
        b"Foo",
    ];
    OTHERS.contains(&word)
}

fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0x80 || matches!(byte, b'\'' | b'-')
}

enum Day {
    None,
    Open,
    Until(usize),
}

/// A date: `1980-05-12`, `12/5/1980`, `12. 5. 80`, `12 May 1980`, `May 12, 1980`, `5-MAY-2021`.
fn date(window: &Window<'_>, start: usize) -> Day {
    let mut at = start;
    let mut numbers = 0;
    let mut long = 0;
    let mut month = false;
    for part in 0..3 {
        let end = window.run(at, 10, |byte| byte.is_ascii_alphanumeric());
        if window.dry(end) {
            return Day::Open;
        }
        let word = window.part(at, end);
        let digits = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
        match word.get(digits..).unwrap_or_default() {
            b"" | b"st" | b"nd" | b"rd" | b"th" if matches!(digits, 1 | 2 | 4) => {
                numbers += 1;
                long += usize::from(digits == 4);
            }
            letters if digits == 0 && !month && is_month(letters) => month = true,
            // A day and the time behind it: `1980-05-12T00:00:00Z`.
            letters if part == 2 && digits == 2 && letters.first() == Some(&b'T') => {
                return done(window, numbers + 1 + usize::from(month), long, at + 2);
            }
            _ => return Day::None,
        }
        if part == 2 {
            let year = long == 1 || digits == 2;
            return if year {
                done(window, numbers + usize::from(month), long, end)
            } else {
                Day::None
            };
        }
        at = window.run(end, 2, |byte| matches!(byte, b'-' | b'/' | b'.' | b' ' | b','));
        if window.dry(at) {
            return Day::Open;
        }
        if at == end {
            return Day::None;
        }
    }
    Day::None
}

fn done(window: &Window<'_>, parts: usize, long: usize, end: usize) -> Day {
    if window.byte(end) != Some(b'T') {
        match ends(window, end) {
            Side::Unknown => return Day::Open,
            Side::Taken => return Day::None,
            Side::Free => {}
        }
    }
    // A fourth number makes it something else.
    if window.byte(end) == Some(b'.') {
        if window.dry(end + 1) {
            return Day::Open;
        }
        if window.byte(end + 1).is_some_and(|byte| byte.is_ascii_digit() || byte == b'[') {
            return Day::None;
        }
    }
    if parts == 3 && long <= 1 { Day::Until(end) } else { Day::None }
}

fn is_month(word: &[u8]) -> bool {
    const MONTHS: [&[u8]; 14] = [
        b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov",
        b"dec", b"okt", b"mai",
    ];
    word.get(..3).is_some_and(|word| MONTHS.iter().any(|known| known.eq_ignore_ascii_case(word)))
}
