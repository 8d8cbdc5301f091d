//! A text in several values of one object or list, found by writing them down beside each other.
use crate::engine::survey::Surveyor;
use crate::engine::{Hit, Span};
use crate::quiet::Told;
use crate::tape::{Kind, Node};
use crate::unfold::{
    self,
    quotes::{self, are_alike},
};

/// Of a longer string only the end is written down: it may tell what follows it.
pub(crate) const STRING_BYTES: usize = 512;
pub(crate) const TAIL_BYTES: usize = 96;
/// So many values of one object or list are looked at together, and then the next, beginning with
/// the last of these: as many as can be pieces of one text.
const VALUES: usize = 4096;
const AGAIN: usize = quotes::PIECES;

/// Room for what most are written in.
const SHEET_BYTES: usize = 8192;
const VALUE_BYTES: usize = 64;

/// A value that may be a piece of a text.
pub(crate) trait Piece: Copy {
    /// It is a string.
    fn text(&self) -> Option<&str>;
    /// It is a number, as it is written.
    fn number(&self) -> Option<&str>;
    /// It is a number that is a count.
    fn is_count(&self) -> bool;
}

impl Piece for Node<'_> {
    fn text(&self) -> Option<&str> {
        Self::as_str(*self)
    }

    fn number(&self) -> Option<&str> {
        Self::number(*self)
    }

    fn is_count(&self) -> bool {
        self.kind() == Kind::Count
    }
}

/// A text of a document that is none of JSON, or something that is no text.
impl Piece for Option<&str> {
    fn text(&self) -> Option<&str> {
        *self
    }

    fn number(&self) -> Option<&str> {
        None
    }

    fn is_count(&self) -> bool {
        false
    }
}

/// Room for values one behind the other, used again for the next.
#[derive(Default)]
pub(crate) struct Room {
    joined: Vec<u8>,
    seams: Vec<usize>,
}

/// The hits in texts beside each other that only their neighbours make, each with the number of its
/// text.
pub(crate) fn of_texts(
    surveyor: &Surveyor,
    texts: &[(Option<&str>, Option<&str>)],
) -> Vec<(usize, Hit)> {
    if texts.len() < 2 {
        return Vec::new();
    }
    let told = |(_, text): &(Option<&str>, Option<&str>)| {
        let text = text.unwrap_or_default();
        let digit = text.bytes().any(|byte| byte.is_ascii_digit());
        Told::of(digit, surveyor.holds_token(text.as_bytes()))
    };
    let told: Vec<Told> = texts.iter().map(told).collect();
    let written = texts.iter().map(|(_, text)| text.unwrap_or_default().as_bytes());
    let beside = told.iter().copied().zip(written);
    hits(surveyor, (None, false), texts, beside, &mut Room::default())
}

/// The hits in the values of an object or a list that only their neighbours make, each with the
/// number of the value. `before` is the string before the object or list, and whether the literal of
/// a token stands in it; `beside` is what is told of each value, and how it is written.
pub(crate) fn hits<'v, P: Piece>(
    surveyor: &Surveyor,
    before: (Option<&str>, bool),
    values: &[(Option<&str>, P)],
    beside: impl Iterator<Item = (Told, &'v [u8])> + Clone,
    room: &mut Room,
) -> Vec<(usize, Hit)> {
    const STEP: usize = VALUES - AGAIN;
    let (mut from, mut before, mut beside) = (0, before, beside);
    let mut found = Vec::new();
    loop {
        let rest = values.get(from..).unwrap_or_default();
        let some = rest.get(..VALUES).unwrap_or(rest);
        let hits = together(surveyor, before, some, beside.clone(), room);
        found.extend(hits.into_iter().map(|(value, hit)| (from + value, hit)));
        if some.len() == rest.len() {
            break;
        }
        from += STEP;
        before = (None, false);
        // What is told of as many is passed by.
        _ = beside.nth(STEP - 1);
    }
    found.sort_by_key(|(value, _)| *value);
    found
}

fn together<'v, P: Piece>(
    surveyor: &Surveyor,
    (before, before_names): (Option<&str>, bool),
    values: &[(Option<&str>, P)],
    beside: impl Iterator<Item = (Told, &'v [u8])> + Clone,
    room: &mut Room,
) -> Vec<(usize, Hit)> {
    let (mut pieces, mut named, mut digit) = (0, false, false);
    for ((_, value), (told, text)) in values.iter().zip(beside.clone()) {
        pieces += usize::from(is_piece(value));
        named |= told.token && is_word(value, text);
        digit |= told.digit && has_digit(value);
    }
    if pieces < 2 || !(named || digit) {
        return Vec::new();
    }
    // A token's literal in one value is one in all of them.
    if !named && !before_names && !may_join(surveyor, values, beside, room) {
        return Vec::new();
    }
    let sheet = Sheet::of(before, values);
    let hits = unfold::joined(surveyor, &sheet.text, named).into_iter();
    hits.filter_map(|hit| sheet.place(hit)).collect()
}

/// Whether anything can come of putting the values together: they are long enough, and they are
/// items of a list, members of like names, or hold the literal of a token together.
fn may_join<'v, P: Piece>(
    surveyor: &Surveyor,
    values: &[(Option<&str>, P)],
    beside: impl Iterator<Item = (Told, &'v [u8])>,
    Room { joined, seams }: &mut Room,
) -> bool {
    const TEXT_BYTES: usize = 4;
    let like = |pair: &[(Option<&str>, P)]| match pair {
        [(Some(one), first), (Some(two), second)] => {
            is_piece(first) && is_piece(second) && are_alike(one.as_bytes(), two.as_bytes())
        }
        pair => pair.iter().any(|(name, _)| name.is_none()),
    };
    let like = values.windows(2).any(like);
    joined.clear();
    seams.clear();
    for ((_, value), (_, text)) in values.iter().zip(beside) {
        if !is_piece(value) {
            continue;
        }
        seams.push(joined.len());
        joined.extend_from_slice(text);
        if like && joined.len() >= TEXT_BYTES {
            return true;
        }
    }
    !like && surveyor.sews_token(joined, seams)
}

/// Values as a document would have them, and where each stands.
struct Sheet {
    text: Vec<u8>,
    /// The number of a value and its place, in order.
    places: Vec<(usize, Span)>,
}

impl Sheet {
    fn of(before: Option<&str>, values: &[(Option<&str>, impl Piece)]) -> Self {
        let text = Vec::with_capacity(SHEET_BYTES.min(values.len() * VALUE_BYTES));
        let mut sheet = Self { text, places: Vec::with_capacity(values.len()) };
        if let Some(before) = before {
            sheet.string(tail(before));
            sheet.text.extend_from_slice(b", \"in\": ");
        }
        sheet.text.push(b'[');
        for (at, (name, value)) in values.iter().enumerate() {
            if at > 0 {
                sheet.text.extend_from_slice(b", ");
            }
            if let Some(name) = name {
                sheet.string(name);
                sheet.text.extend_from_slice(b": ");
            }
            sheet.value(at, value);
        }
        sheet
    }

    fn value(&mut self, at: usize, value: &impl Piece) {
        match (value.text(), value.number()) {
            (Some(text), _) if text.len() > STRING_BYTES => self.string(tail(text)),
            (Some(text), _) => {
                let start = self.text.len() + 1;
                self.string(text);
                // With escapes in it, it is no piece of anything that is looked for.
                if self.text.len() == start + text.len() + 1 {
                    self.places.push((at, Span::new(start, start + text.len())));
                }
            }
            (None, Some(number)) => {
                let start = self.text.len() + 1;
                self.string(number);
                self.places.push((at, Span::new(start, start + number.len())));
            }
            // Nothing is joined over it.
            (None, None) => self.text.extend_from_slice(b"{}"),
        }
    }

    fn string(&mut self, text: &str) {
        let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
        if text.bytes().all(plain) {
            self.text.push(b'"');
            self.text.extend_from_slice(text.as_bytes());
            self.text.push(b'"');
        } else {
            // A string is always written.
            self.text.extend(serde_json::to_vec(text).unwrap_or_default());
        }
    }

    /// The hit counted in its value.
    fn place(&self, mut hit: Hit) -> Option<(usize, Hit)> {
        let at = self.places.partition_point(|(_, place)| place.end <= hit.secret.start);
        let (value, place) = self.places.get(at).filter(|(_, place)| place.holds(hit.secret))?;
        hit.secret.start -= place.start;
        hit.secret.end -= place.start;
        Some((*value, hit))
    }
}

/// The end of a string.
fn tail(text: &str) -> &str {
    let from = (text.len().saturating_sub(TAIL_BYTES)..text.len())
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    text.get(from..).unwrap_or_default()
}

fn is_piece(value: &impl Piece) -> bool {
    match value.text() {
        Some(text) => !text.is_empty() && text.len() <= STRING_BYTES,
        None => value.number().is_some(),
    }
}

/// Whether a value is one word of those that tokens begin with.
fn is_word(value: &impl Piece, text: &[u8]) -> bool {
    value.text().is_some() && may_be_token(text)
}

/// Whether a string is one word of those that tokens begin with.
pub(crate) fn may_be_token(text: &[u8]) -> bool {
    text.len() <= STRING_BYTES
        && memchr::memchr2(b'_', b'-', text).is_some()
        && memchr::memchr(b' ', text).is_none()
}

/// Whether a digit in the value counts.
fn has_digit(value: &impl Piece) -> bool {
    match value.text() {
        Some(text) => text.len() <= STRING_BYTES,
        None => value.is_count(),
    }
}
