//! Protobuf without its schema: the fields of a message as the wire shows them.
//!
//! Bytes behind a length may be text, a message or anything else, and only the schema knows. Here
//! they are text when they read as text, else a message when they are one to the last byte, else
//! opened by their beginning. Text that could be a message as well is looked at both ways.
use serde_json::Value;

use super::kind::Kind;
use super::limits::Why;
use super::look::Look;
use super::{Node, Opening};
use crate::engine::Hit;
use crate::finding::Layer;

/// Messages within messages.
const DEPTH_MAX: usize = 32;
/// Numbers of 12 to 19 digits.
const LONG_NUMBERS: std::ops::Range<u64> = 100_000_000_000..10_000_000_000_000_000_000;
const BROKEN: Why = Why::Malformed("it is not a message of protobuf");

/// Where a message stands.
#[derive(Clone, Copy)]
struct Level {
    /// How many messages it stands in.
    depth: usize,
    /// Whether one of them is the other reading of a text.
    other: bool,
}

/// The fields of a message, in their order.
#[derive(Clone, PartialEq)]
pub(crate) struct Message {
    fields: Vec<Field>,
}

#[derive(Clone, PartialEq)]
struct Field {
    number: u64,
    value: Wire,
}

#[derive(Clone, PartialEq)]
enum Wire {
    Varint(u64),
    Fixed64([u8; 8]),
    Fixed32([u8; 4]),
    /// With its other reading.
    Text(String, Option<Message>),
    Message(Message),
    /// Bytes of another kind.
    Bytes(Node),
}

impl Message {
    pub(crate) fn open(bytes: &[u8], opening: &mut Opening<'_>) -> Result<Self, Why> {
        Self::read(bytes, opening, Level { depth: 0, other: false })
    }

    fn read(mut rest: &[u8], opening: &mut Opening<'_>, level: Level) -> Result<Self, Why> {
        if level.depth > DEPTH_MAX {
            return Err(Why::TooDeep);
        }
        let mut fields = Vec::new();
        while !rest.is_empty() {
            opening.budget.node()?;
            let key = varint(&mut rest)?;
            let number = key >> 3;
            if number == 0 || number >= 1 << 29 {
                return Err(BROKEN);
            }
            let value = match key & 7 {
                0 => Wire::Varint(varint(&mut rest)?),
                1 => Wire::Fixed64(fixed(&mut rest)?),
                2 => {
                    let length = varint(&mut rest)?;
                    let length = usize::try_from(length).map_err(|_| BROKEN)?;
                    let (bytes, after) = rest.split_at_checked(length).ok_or(BROKEN)?;
                    rest = after;
                    Wire::read(bytes, opening, level)?
                }
                5 => Wire::Fixed32(fixed(&mut rest)?),
                // Groups went out of use in 2008.
                _ => return Err(BROKEN),
            };
            fields.push(Field { number, value });
        }
        Ok(Self { fields })
    }

    pub(crate) fn look(&mut self, look: &mut Look<'_>) -> bool {
        let names: Vec<String> = self.fields.iter().map(Field::name).collect();
        let beside = names.iter().zip(&self.fields);
        let beside = beside.map(|(name, field)| (Some(name.as_str()), field.value.text()));
        let joined = look.joined(&beside.collect::<Vec<_>>());
        let mut changed = false;
        for (at, field) in self.fields.iter_mut().enumerate() {
            let Field { number, value } = field;
            let more = joined.of(at);
            changed |= look.within(Layer::Number(*number), |look| value.look(look, more));
        }
        changed
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for Field { number, value } in &self.fields {
            value.write(number << 3, out);
        }
    }

    pub(crate) fn view(&self) -> Value {
        let member = |field: &Field| (field.number.to_string(), field.value.view());
        super::members(self.fields.iter().map(member))
    }
}

impl Field {
    /// A name for its number, in letters: names that differ in a digit are those of one list.
    fn name(&self) -> String {
        let digits = self.number.to_string().into_bytes().into_iter();
        digits.map(|digit| char::from(digit - b'0' + b'a')).collect()
    }
}

impl Wire {
    fn read(bytes: &[u8], opening: &mut Opening<'_>, level: Level) -> Result<Self, Why> {
        let Level { depth, other } = level;
        if let Some(text) = plain(bytes) {
            // A copy of the text, so that there is one and not one for each level.
            let message = match other {
                true => None,
                false => {
                    let level = Level { depth: depth + 1, other: true };
                    optional(Message::read(bytes, opening, level))?
                }
            };
            return Ok(Self::Text(text.to_owned(), message));
        }
        let level = Level { depth: depth + 1, other };
        if let Some(message) = optional(Message::read(bytes, opening, level))? {
            return Ok(Self::Message(message));
        }
        Ok(Self::Bytes(opening.inner(&Kind::Any, bytes)))
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text, _) => Some(text),
            _ => None,
        }
    }

    /// `more` is what its neighbours make of its text.
    fn look(&mut self, look: &mut Look<'_>, more: Vec<Hit>) -> bool {
        match self {
            // Numbers of cards are that long; a tag cannot take their place.
            Self::Varint(number) => {
                if LONG_NUMBERS.contains(number) {
                    look.fixed(None, &number.to_string());
                }
                false
            }
            Self::Fixed64(bytes) => {
                let number = u64::from_le_bytes(*bytes);
                if may_be_card(number) {
                    look.fixed(None, &number.to_string());
                }
                false
            }
            // No card has so few digits.
            Self::Fixed32(_) => false,
            Self::Text(text, other) => {
                if let Some(other) = other {
                    look.frozen(|look| other.look(look));
                }
                look.text_beside(None, text, more)
            }
            Self::Message(message) => message.look(look),
            Self::Bytes(node) => node.look(look),
        }
    }

    fn write(&self, key: u64, out: &mut Vec<u8>) {
        let bytes = match self {
            Self::Varint(number) => {
                put_varint(key, out);
                return put_varint(*number, out);
            }
            Self::Fixed64(bytes) => {
                put_varint(key | 1, out);
                return out.extend_from_slice(bytes);
            }
            Self::Fixed32(bytes) => {
                put_varint(key | 5, out);
                return out.extend_from_slice(bytes);
            }
            Self::Text(text, _) => text.as_bytes().to_vec(),
            Self::Message(message) => {
                let mut inner = Vec::new();
                message.write(&mut inner);
                inner
            }
            Self::Bytes(node) => {
                let mut inner = Vec::new();
                node.write(&mut inner);
                inner
            }
        };
        put_varint(key | 2, out);
        put_varint(bytes.len() as u64, out);
        out.extend_from_slice(&bytes);
    }

    fn view(&self) -> Value {
        match self {
            Self::Varint(number) => Value::from(*number),
            Self::Fixed64(bytes) => Value::from(u64::from_le_bytes(*bytes)),
            Self::Fixed32(bytes) => Value::from(u32::from_le_bytes(*bytes)),
            Self::Text(text, _) => Value::from(text.as_str()),
            Self::Message(message) => message.view(),
            Self::Bytes(node) => node.view(),
        }
    }
}

/// Bytes that are no message have another reading; a message beyond the limits has none.
fn optional(read: Result<Message, Why>) -> Result<Option<Message>, Why> {
    match read {
        Ok(message) => Ok(Some(message)),
        Err(Why::Malformed(_)) => Ok(None),
        Err(why) => Err(why),
    }
}

/// Text without control characters. The bytes of most messages have some.
fn plain(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    (!text.contains(odd)).then_some(text)
}

/// Whether a field of fixed width may hold the number of a card: 16 digits, or the 15 of American
/// Express. Such fields are mostly fractions, times and hashes. The bits of a fraction are such a number
/// below 1e-291 only, a time in nanoseconds is longer and one in microseconds less until 2039, what
/// has 48 bits is shorter, and of random bits two in a hundred thousand are a card by chance.
///
/// Numbers with their sign in the lowest bit (`sint64`) are not looked at as what they would be: half of
/// a time in microseconds is a card too often.
fn may_be_card(number: u64) -> bool {
    matches!(
        number,
        340_000_000_000_000..350_000_000_000_000
            | 370_000_000_000_000..380_000_000_000_000
            | 2_200_000_000_000_000..8_200_000_000_000_000
    )
}

fn varint(rest: &mut &[u8]) -> Result<u64, Why> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first().ok_or(BROKEN)?;
        *rest = after;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return Err(BROKEN);
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(BROKEN)
}

fn put_varint(mut number: u64, out: &mut Vec<u8>) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            return out.push(low & 0x7f);
        }
        out.push(low | 0x80);
    }
}

fn fixed<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Why> {
    let (bytes, after) = rest.split_first_chunk::<N>().ok_or(BROKEN)?;
    *rest = after;
    Ok(*bytes)
}
