//! How a cell is written down before it is hashed: the same for the record and for the text.
use serde::{Deserialize, Serialize};

/// What kind of values a column has, and so what of their spelling counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Form {
    /// Letter for letter, from the first letter or digit to the last.
    Exact,
    /// Words whatever their case, whatever stands between them: names, streets.
    Words,
    /// Digits, whatever stands between them: cards, accounts, telephone numbers.
    Digits,
    /// Letters and digits whatever their case, with at least one digit, whatever stands between
    /// them: IBANs, passports, licence plates.
    Code,
    /// Mail addresses whatever their case.
    Email,
}

impl Form {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Exact, Self::Words, Self::Digits, Self::Code, Self::Email];

    /// The word in files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Words => "words",
            Self::Digits => "digits",
            Self::Code => "code",
            Self::Email => "email",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.as_str() == word)
    }

    /// How many words a value may have.
    pub(super) fn words_max(self) -> usize {
        match self {
            Self::Exact | Self::Digits | Self::Code => 12,
            Self::Words => 8,
            Self::Email => 1,
        }
    }

    /// Whether a value this short is too common to be told from others.
    pub(super) fn is_weak(self, value: &Written) -> bool {
        let text = value.text();
        let letters = text.iter().filter(|byte| **byte != b' ').count();
        match self {
            Self::Email => text.len() < 6,
            Self::Digits | Self::Code => letters < 5,
            Self::Exact | Self::Words => letters < 3,
        }
    }

    /// Whether a value says by itself whose it is: long enough, and no single word.
    pub(super) fn is_telling(self, value: &Written) -> bool {
        let text = value.text();
        match self {
            Self::Email => true,
            Self::Digits | Self::Code => text.len() >= 8,
            Self::Exact => text.len() >= 8 && text.iter().any(u8::is_ascii_digit),
            Self::Words => text.len() >= 8 && text.contains(&b' '),
        }
    }
}

/// The longest value, as it is written down.
pub(super) const VALUE_BYTES: usize = 120;

/// A value as it is written down, behind a byte that tells its form.
#[derive(Clone, Copy)]
pub(super) struct Written {
    bytes: [u8; VALUE_BYTES + 1],
    length: usize,
}

impl Written {
    /// Writes down what stands in `text`, which begins and ends with a letter or digit. `None`
    /// when no value of this form looks so.
    #[inline]
    pub(super) fn new(form: Form, text: &[u8]) -> Option<Self> {
        let mut bytes = [0; VALUE_BYTES + 1];
        *bytes.first_mut()? = form as u8 + 1;
        let mut written = Self { bytes, length: 0 };
        let whole = match form {
            Form::Exact => written.copy(text, |byte| byte),
            Form::Email => written.copy(text, |byte| byte.to_ascii_lowercase()),
            Form::Words if text.iter().all(u8::is_ascii_alphanumeric) => {
                written.copy(text, |byte| byte.to_ascii_lowercase())
            }
            Form::Words => written.words(text),
            Form::Digits => written.joined(text, |byte| byte.is_ascii_digit().then_some(byte)),
            Form::Code => written.joined(text, |byte| {
                byte.is_ascii_alphanumeric().then_some(byte.to_ascii_uppercase())
            }),
        };
        whole.filter(|()| written.length > 0).map(|()| written)
    }

    /// The value.
    pub(super) fn text(&self) -> &[u8] {
        self.bytes.get(1..=self.length).unwrap_or_default()
    }

    /// What is hashed.
    #[inline]
    pub(super) fn hashed(&self) -> &[u8] {
        self.bytes.get(..=self.length).unwrap_or_default()
    }

    #[inline]
    fn copy(&mut self, text: &[u8], change: impl Fn(u8) -> u8) -> Option<()> {
        let room = self.bytes.get_mut(1..=text.len())?;
        room.iter_mut().zip(text).for_each(|(slot, byte)| *slot = change(*byte));
        self.length = text.len();
        Some(())
    }

    fn push(&mut self, byte: u8) -> Option<()> {
        *self.bytes.get_mut(self.length + 1)? = byte;
        self.length += 1;
        Some(())
    }

    fn joined(&mut self, text: &[u8], takes: impl Fn(u8) -> Option<u8>) -> Option<()> {
        for byte in text {
            match takes(*byte) {
                Some(byte) => self.push(byte)?,
                None if b" -./()".contains(byte) => {}
                None => return None,
            }
        }
        Some(())
    }

    fn words(&mut self, text: &[u8]) -> Option<()> {
        let mut apart = false;
        for letter in std::str::from_utf8(text).ok()?.chars() {
            if !letter.is_alphanumeric() {
                apart = true;
                continue;
            }
            if std::mem::take(&mut apart) && self.length > 0 {
                self.push(b' ')?;
            }
            let mut room = [0; 4];
            for lower in letter.to_lowercase() {
                lower.encode_utf8(&mut room).bytes().try_for_each(|byte| self.push(byte))?;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_value_are_written_alike() {
        let written = |form, text: &str| {
            let written = Written::new(form, text.as_bytes());
            written.map(|value| String::from_utf8(value.text().to_vec()).unwrap())
        };
        let cases = [
            (Form::Words, "Zoë  MÜLLER-Lüdenscheidt", Some("zoë müller lüdenscheidt")),
            (Form::Words, "O'Brien", Some("o brien")),
            (Form::Digits, "4111 1111-1111.1111", Some("4111111111111111")),
            (Form::Digits, "4111x1111", None),
            (Form::Code, "de89 3704 0044", Some("DE8937040044")),
            (Form::Exact, "CUST-0042/7", Some("CUST-0042/7")),
            (Form::Email, "Bob.Smith@Example.com", Some("bob.smith@example.com")),
        ];
        for (form, text, expect) in cases {
            assert_eq!(written(form, text).as_deref(), expect, "{text}");
        }
        assert_eq!(written(Form::Exact, &"x".repeat(VALUE_BYTES + 1)), None);
    }
}
