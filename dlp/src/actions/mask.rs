//! Masks: what a person needs in order to tell one value from another, and no more.
use crate::class::Class;
use crate::engine::checks::luhn_sum;

/// How card numbers are masked. The last four digits and the separators always stay.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CardMask {
    /// Stars: `**** **** **** 1111`. A JSON number gets nines.
    #[default]
    Stars,
    /// Nines, which no brand begins with: `9999 9999 9999 1111`.
    Digits,
    /// Nines and one digit that makes the check digit right, for programs that check it.
    Luhn,
}

/// What hides a whole value, however long it was.
pub(super) const HIDDEN: &str = "********";
/// A value without a form of its own is not shown longer than this.
const SHOWN_CHARS: usize = 64;

/// The masked text; `None` where a mask would break what stands around it or show too much.
pub(super) fn text(class: &Class, matched: &str, cards: CardMask) -> Option<String> {
    // An escape belongs to the syntax around the value; a mask that changed half of it would break
    // it.
    let escapes = |c: char| c.is_control() || matches!(c, '\\' | '%' | '&' | '"' | '<' | '>');
    if matched.is_empty() || matched.contains(escapes) {
        return None;
    }
    Some(match (class.family(), class.as_str()) {
        (_, "secret.private_key") => return None,
        ("secret", class) => secret(class, matched),
        (_, "pci.pan") => card(matched, cards),
        ("financial", _) => account(matched),
        (_, "gov_id.us_ssn") => hide(matched, |nth, _| nth < 3),
        (_, "contact.email") => email(matched),
        // Of signs alone (`::`) nothing would be hidden.
        _ if matched.chars().count() > SHOWN_CHARS || !matched.contains(char::is_alphanumeric) => {
            HIDDEN.to_owned()
        }
        _ => hide(matched, |_, _| false),
    })
}

/// A number for a number, with as many digits. `None` when it is written as no plain integer.
pub(super) fn number(class: &Class, matched: &str, cards: CardMask) -> Option<String> {
    if matched.is_empty() || !matched.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let keeps = match (class.as_str(), matched.len()) {
        ("pci.pan", 12..) => 4,
        _ => 0,
    };
    if keeps == 0 {
        // Round numbers: no check digit and no range of numbers given out holds for them.
        let zeros = "0".repeat(matched.len().saturating_sub(1));
        return Some(format!("1{zeros}"));
    }
    let luhn = cards == CardMask::Luhn;
    Some(nines(matched, luhn))
}

/// The beginning tells which kind of key it is; the rest, and how long it was, is hidden.
fn secret(class: &str, matched: &str) -> String {
    let keeps = match (class, matched.len()) {
        ("secret.generic" | "secret.url_credentials", _) => 0,
        (_, 24..) => 6,
        (_, 16..) => 4,
        _ => 0,
    };
    let kept = matched.get(..keeps).unwrap_or_default();
    let plain = kept.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    format!("{}{HIDDEN}", if plain { kept } else { "" })
}

fn card(matched: &str, cards: CardMask) -> String {
    match cards {
        CardMask::Stars => hide(matched, |nth, count| nth + 4 >= count),
        CardMask::Digits => nines(matched, false),
        CardMask::Luhn => nines(matched, true),
    }
}

/// The country of an account number and its last four characters.
fn account(matched: &str) -> String {
    let country = matched.chars().take(2).all(|c| c.is_ascii_alphabetic());
    let count = matched.chars().filter(|c| c.is_alphanumeric()).count();
    let keeps = if count >= 12 { 4 } else { 0 };
    hide(matched, |nth, count| (country && nth < 2) || nth + keeps >= count)
}

/// Two letters and the domain; of a name as short as that only one.
fn email(matched: &str) -> String {
    let Some((local, domain)) = matched.rsplit_once('@') else { return HIDDEN.to_owned() };
    let keeps = if local.chars().count() > 2 { 2 } else { 1 };
    let kept: String = local.chars().take(keeps).collect();
    format!("{kept}***@{domain}")
}

/// Stars for letters and digits but for those that stay (asked with how many came before and how
/// many there are); everything else stands where it stood.
fn hide(matched: &str, stays: impl Fn(usize, usize) -> bool) -> String {
    let count = matched.chars().filter(|c| c.is_alphanumeric()).count();
    let mut nth = 0;
    let star = |c: char| {
        if !c.is_alphanumeric() {
            return c;
        }
        let stays = stays(nth, count);
        nth += 1;
        if stays { c } else { '*' }
    };
    matched.chars().map(star).collect()
}

/// Nines for all but the last four digits; with `luhn`, the digit before those makes the check
/// digit right.
fn nines(matched: &str, luhn: bool) -> String {
    let digits: Vec<u32> = matched.chars().filter_map(|c| c.to_digit(10)).collect();
    let hidden = digits.len().saturating_sub(4);
    let masked = |free: u32| {
        digits.iter().enumerate().map(move |(nth, digit)| match nth {
            _ if nth >= hidden => *digit,
            _ if nth + 1 == hidden => free,
            _ => 9,
        })
    };
    let passes = |free: &u32| luhn_sum(masked(*free).rev()).is_multiple_of(10);
    // Doubled or not, ten digits give ten different sums: one of them is right.
    let free = if luhn { (0..10).find(passes).unwrap_or(9) } else { 9 };
    let mut masked = masked(free).filter_map(|digit| char::from_digit(digit, 10));
    matched
        .chars()
        .filter_map(|c| if c.is_ascii_digit() { masked.next() } else { Some(c) })
        .collect()
}
