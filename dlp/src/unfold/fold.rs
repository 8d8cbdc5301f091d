//! Characters that look like others, and characters that are not seen.
use unicode_normalization::UnicodeNormalization;
use unicode_security::confusable_detection::skeleton;

use super::atoms::Atoms;
use crate::coding::Coding;
use crate::engine::Span;

/// Adds what stands for ASCII without being it. Letters of another script that look like ours
/// count only in words that hold ours too: prose in another script is no disguise.
pub(crate) fn find(text: &[u8], atoms: &mut Atoms) {
    let mut word = Word::default();
    let mut at = 0;
    for chunk in text.utf8_chunks() {
        for (offset, c) in chunk.valid().char_indices() {
            if atoms.count(word.alike.len()) {
                return;
            }
            let span = Span::new(at + offset, at + offset + c.len_utf8());
            if c.is_ascii() {
                let inside = c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
                word.ascii |= c.is_ascii_alphanumeric();
                if !inside {
                    word.end(atoms);
                }
            } else if is_unseen(c) {
                atoms.push(span, Coding::Unicode, &[], true);
            } else if let Some(tag) = tag(c).or_else(|| compatible(c)) {
                atoms.push(span, Coding::Unicode, &[tag], tag.is_ascii_alphanumeric());
                word.ascii |= tag.is_ascii_alphanumeric();
            } else if is_mark(c) {
                word.alike.push((span, None));
            } else if let Some(alike) = alike(c) {
                word.alike.push((span, Some(alike)));
            } else if c.is_alphanumeric() {
                word.foreign = true;
            } else {
                word.end(atoms);
            }
        }
        at += chunk.valid().len() + chunk.invalid().len();
        word.end(atoms);
    }
}

/// Where a character begins whose last bytes are missing.
pub(crate) fn unfinished(text: &[u8]) -> Option<usize> {
    let last = text.utf8_chunks().last()?;
    let missing = std::str::from_utf8(last.invalid()).err()?.error_len().is_none();
    missing.then(|| text.len() - last.invalid().len())
}

/// A word as far as it was read.
#[derive(Default)]
struct Word {
    ascii: bool,
    /// It has a letter that is like none of ours.
    foreign: bool,
    alike: Vec<(Span, Option<u8>)>,
}

impl Word {
    fn end(&mut self, atoms: &mut Atoms) {
        // A word of nothing else may be one of another script: something else near it must tell.
        if self.ascii || !self.foreign {
            for (span, alike) in self.alike.drain(..) {
                let meaning = alike.as_slice();
                atoms.push(span, Coding::Unicode, meaning, self.ascii);
            }
        }
        self.ascii = false;
        self.foreign = false;
        self.alike.clear();
    }
}

/// Default ignorable code points (Unicode Standard section 5.21) and the bidirectional controls.
fn is_unseen(c: char) -> bool {
    matches!(
        u32::from(c),
        0x00AD | 0x034F | 0x061C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F
            | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F
            | 0xFEFF | 0xFFA0 | 0xE0001 | 0xE007F | 0xE0100..=0xE01EF
    )
}

/// Tag characters (Unicode Standard section 23.9): ASCII that nobody sees.
fn tag(c: char) -> Option<u8> {
    u32::from(c)
        .checked_sub(0xE0000)
        .and_then(|c| u8::try_from(c).ok())
        .filter(u8::is_ascii_graphic)
}

/// What the compatibility form (NFKC, UAX #15) makes one ASCII character of: full-width forms,
/// mathematical letters, letters in circles. Digits of other scripts as well.
fn compatible(c: char) -> Option<u8> {
    let mut folded = c.nfkc();
    let first = folded.next()?;
    if folded.next().is_some() {
        return None;
    }
    if first.is_ascii_graphic() {
        return u8::try_from(first).ok();
    }
    digit(first)
}

/// Decimal digits of scripts in daily use, by where their zero stands.
fn digit(c: char) -> Option<u8> {
    const ZEROS: [u32; 10] =
        [0x0660, 0x06F0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0BE6, 0x0E50, 0x0ED0, 0x17E0];
    ZEROS.iter().find_map(|zero| {
        let value = u32::from(c).checked_sub(*zero).filter(|value| *value < 10)?;
        u8::try_from(value).ok().map(|value| b'0' + value)
    })
}

/// The ASCII letter or digit that it is confusable with (UTS #39 section 4).
fn alike(c: char) -> Option<u8> {
    let mut utf8 = [0; 4];
    let mut skeleton = skeleton(c.encode_utf8(&mut utf8));
    let first = skeleton.next().filter(char::is_ascii_alphanumeric)?;
    if skeleton.next().is_some() {
        return None;
    }
    // There `l` stands for `I` and `1` too.
    let upper = c.is_uppercase() && first == 'l';
    u8::try_from(if upper { 'I' } else { first }).ok()
}

/// Combining marks that stand on anything.
fn is_mark(c: char) -> bool {
    matches!(u32::from(c), 0x0300..=0x036F | 0x1AB0..=0x1AFF | 0x20D0..=0x20FF)
}
