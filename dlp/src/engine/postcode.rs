//! Postcodes: those that their letters tell, and numbers that a word tells.
use super::boundary::{Side, after, free_before, is_word};
use super::context::{Cue, told, told_any};
use super::glance::Glance;
use super::hit::Rank;
use super::ident::Spoken;
use super::{Hit, Open, Outcome, Span, Window};
use crate::finding::Grade;

pub(crate) const DETECTOR: &str = "postcode";
pub(crate) const UK_DETECTOR: &str = "uk-postcode";
pub(crate) const DE_DETECTOR: &str = "de-postcode";
pub(crate) const CLASS: &str = "contact.postcode";
pub(crate) const UK: &str = "contact.uk_postcode";
pub(crate) const DE: &str = "contact.de_postcode";

const CUE: Cue = Cue::new(
    &["zip", "zipcode", "postcode", "postal", "pincode"],
    &["postcode", "postalcode", "zipcode"],
);
const GERMAN: Cue = Cue::new(&["plz", "postleitzahl"], &[]);

/// Postcodes are words of a few letters and digits; `$4200` and `#4200` are none.
/// Those that are all digits are told by a word.
pub(crate) fn may_be(glance: &Glance, spoken: Spoken) -> bool {
    let number = glance.first == glance.length;
    let least = if number { 4 } else { 2 };
    (spoken.postcode || !number)
        && (least..=7).contains(&glance.length)
        && !matches!(glance.before, Some(b'$' | b'#' | b'.'))
}

/// The words that tell of postcodes: one stands in every text that has such a number.
pub(crate) fn words() -> impl Iterator<Item = &'static str> {
    CUE.words().chain(GERMAN.words())
}

/// Whether a word before it says that it is a postcode.
pub(crate) fn is_told(window: &Window<'_>, word: Span) -> bool {
    told_any(window, word.start, &[&CUE, &GERMAN])
}

/// Looks at the word: does a postcode begin with it?
pub(crate) fn check(window: &Window<'_>, word: Span) -> Outcome {
    let length = word.end - word.start;
    let bytes = window.part(word.start, word.end);
    if !(2..=7).contains(&length) || bytes.iter().any(u8::is_ascii_lowercase) {
        return Outcome::Nothing;
    }
    if !free_before(window, word.start, |byte| {
        is_word(byte) || matches!(byte, b'-' | b'.' | b'/' | b'#' | b'$')
    }) {
        return Outcome::Nothing;
    }
    if bytes.iter().all(u8::is_ascii_digit) { number(window, word) } else { letters(window, word) }
}

/// `SW1A 1AA`, `GIR0AA` where a word says so, `K1A 0B1`.
fn letters(window: &Window<'_>, word: Span) -> Outcome {
    let open = Outcome::Open(Open { from: word.start, serious: false });
    if window.dry(word.end) {
        return open;
    }
    let blank = window.byte(word.end) == Some(b' ');
    let end = if blank { word.end + 4 } else { word.end };
    if window.dry(end) {
        return open;
    }
    if end > window.len() {
        return Outcome::Nothing;
    }
    match after(window, end, is_word) {
        Side::Unknown => return open,
        Side::Taken => return Outcome::Nothing,
        Side::Free => {}
    }
    let text = window.part(word.start, end);
    let Some((outward, inward)) =
        text.split_last_chunk::<3>().map(|(head, tail)| (head.trim_ascii_end(), tail))
    else {
        return Outcome::Nothing;
    };
    // What stands on both sides of it is a row of codes.
    let told = told(window, word.start, &CUE);
    let (detector, class) = if (blank || told || outward == b"GIR") && is_british(outward, inward) {
        (UK_DETECTOR, UK)
    } else if (blank || told) && is_canadian(outward, inward) {
        (DETECTOR, CLASS)
    } else {
        return Outcome::Nothing;
    };
    hit((detector, class), Span::new(word.start, end))
}

/// Digits behind the word for a postcode: `PLZ 10115`, `zip: 94105-1234`, `postcode 1012 AB`.
fn number(window: &Window<'_>, word: Span) -> Outcome {
    let length = word.end - word.start;
    if !(4..=6).contains(&length) {
        return Outcome::Nothing;
    }
    if !is_told(window, word) {
        return Outcome::Nothing;
    }
    let german = length == 5 && told(window, word.start, &GERMAN);
    if !german && !told(window, word.start, &CUE) {
        return Outcome::Nothing;
    }
    let open = Outcome::Open(Open { from: word.start, serious: true });
    if window.dry(word.end + 5) {
        return open;
    }
    let rest = window.part(word.end, word.end + 5);
    let more = match rest {
        [b'-', digits @ ..]
            if (length, digits.len()) == (5, 4) && digits.iter().all(u8::is_ascii_digit) =>
        {
            5
        }
        [b' ', b'A'..=b'Z', b'A'..=b'Z', ..] if length == 4 => 3,
        _ => 0,
    };
    let end = word.end + more;
    match after(window, end, |byte| is_word(byte) || (byte == b'-' && more == 0)) {
        Side::Unknown => open,
        Side::Taken => Outcome::Nothing,
        Side::Free if german => hit((DE_DETECTOR, DE), Span::new(word.start, end)),
        Side::Free => hit((DETECTOR, CLASS), Span::new(word.start, end)),
    }
}

/// A district of an area that exists, and an inward code of the letters that one has (Royal Mail,
/// PAF programmers' guide).
fn is_british(outward: &[u8], inward: &[u8; 3]) -> bool {
    const AREAS: &[u8] = b"AB AL B BA BB BD BF BH BL BN BR BS BT BX CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC EH EN EX FK FY G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA LD LE LL LN LS LU M ME MK ML N NE NG NN NP NR NW OL OX PA PE PH PL PO PR RG RH RM S SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN WR WS WV YO ZE";
    let [digit, first, second] = inward;
    let fits = |byte: &u8| byte.is_ascii_uppercase() && !b"CIKMOV".contains(byte);
    if !digit.is_ascii_digit() || !fits(first) || !fits(second) {
        return false;
    }
    let area = outward.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let (area, district) = outward.split_at_checked(area).unwrap_or_default();
    let placed = matches!(district, [b'0'..=b'9'] | [b'0'..=b'9', b'0'..=b'9' | b'A'..=b'Z']);
    outward == b"GIR" || (placed && AREAS.split(|byte| *byte == b' ').any(|known| known == area))
}

/// A letter, a digit, a letter, and the other way round, of those that Canada Post gives out.
fn is_canadian(outward: &[u8], inward: &[u8; 3]) -> bool {
    let fits = |byte: u8| byte.is_ascii_uppercase() && !b"DFIOQU".contains(&byte);
    match (outward, inward) {
        ([first, b'0'..=b'9', second], [b'0'..=b'9', third, b'0'..=b'9']) => {
            fits(*first) && !b"WZ".contains(first) && fits(*second) && fits(*third)
        }
        _ => false,
    }
}

fn hit(of: (&'static str, &'static str), span: Span) -> Outcome {
    Outcome::Hit(Hit::new(of, Grade::Likely, span, ("[REDACTED:POSTCODE]", Rank::Shape)))
}
