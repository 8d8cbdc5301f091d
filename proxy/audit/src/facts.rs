//! What is to be recorded, before it has a place in the chain.
use std::fmt::Write as _;
use std::ops::Range;

use crate::EventType;
use crate::canonical::{SAFE_INTEGER_MAX, write_text};
use crate::text::{portable, write_portable};

/// How many items of one list are recorded; the rest is counted in a visible mark.
pub const LIST_ITEMS_MAX: usize = 64;

/// What happened and to whom, in the portable profile by construction: keys are plain static
/// words, texts are percent-encoded and bounded, numbers are integers that a double holds.
///
/// Facts hold who, which tool, which destination, codes, classes, sizes and digests. They never
/// hold an argument's value, a body, a header's value, a token or matched text.
///
/// ```
/// use tollgate_audit::{EventType, Facts, Fields, keys};
///
/// let facts = Facts::new(EventType::CallRefused, "spiffe://acme/agents/reader")
///     .text(keys::TOOL, "send_email")
///     .text(keys::CODE, "DLP_BLOCKED")
///     .number(keys::BYTES_OUT, 512)
///     .objects(keys::FINDINGS, [Fields::new().text("class", "email").text("place", "body.to")]);
/// ```
#[derive(Clone, Debug)]
pub struct Facts {
    pub(crate) event_type: EventType,
    pub(crate) actor: String,
    pub(crate) revision: String,
    pub(crate) manifest_signature_id: Option<String>,
    pub(crate) fields: Fields,
}

impl Facts {
    /// Facts about something that `actor` did or that was done to it.
    pub fn new(event_type: EventType, actor: &str) -> Self {
        Self {
            event_type,
            actor: portable(actor),
            revision: String::new(),
            manifest_signature_id: None,
            fields: Fields::with_room(),
        }
    }

    /// What the event tells of.
    pub fn event_type(&self) -> EventType {
        self.event_type
    }

    /// The revision of configuration and rulebook that was in effect; empty when not said.
    pub fn revision(mut self, revision: &str) -> Self {
        self.revision = portable(revision);
        self
    }

    /// The signature of the manifest that the action was admitted under.
    pub fn manifest_signature(mut self, id: &str) -> Self {
        self.manifest_signature_id = Some(portable(id));
        self
    }

    /// Several fields at once, after those that are there.
    pub fn fields(mut self, more: Fields) -> Self {
        self.fields = self.fields.join(more);
        self
    }
}

macro_rules! builders {
    ($( $(#[doc = $doc:literal])+ $name:ident ( $( $arg:ident : $kind:ty ),* ); )+) => {
        impl Facts {
            $( $(#[doc = $doc])+
            pub fn $name(mut self, key: &'static str, $( $arg: $kind ),*) -> Self {
                self.fields = self.fields.$name(key, $( $arg ),*);
                self
            } )+
        }
    };
}

builders! {
    /// See [`Fields::text`].
    text(text: &str);
    /// See [`Fields::maybe_text`].
    maybe_text(text: Option<&str>);
    /// See [`Fields::number`].
    number(number: u64);
    /// See [`Fields::flag`].
    flag(flag: bool);
    /// See [`Fields::texts`].
    texts(texts: impl IntoIterator<Item = impl AsRef<str>>);
    /// See [`Fields::object`].
    object(fields: Fields);
    /// See [`Fields::objects`].
    objects(list: impl IntoIterator<Item = Fields>);
}

/// Named values; the building block of [`Facts`] and of the objects inside them.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// All texts, one behind the other.
    text: String,
    fields: Vec<(&'static str, Field)>,
}

/// A value; texts are places in the text of their fields.
#[derive(Clone, Debug)]
enum Field {
    Text(Range<usize>),
    Number(u64),
    Flag(bool),
    Texts(Vec<Range<usize>>),
    Object(Fields),
    Objects(Vec<Fields>),
}

/// Why fields cannot be recorded: a mistake in the gate's own code, so the draft is refused and
/// the call with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FieldFault {
    /// Not lower-case ASCII words joined by `_`, beginning with a letter.
    #[error("`{0}` is no plain word for a fact")]
    Key(&'static str),
    /// One fact, said twice.
    #[error("the fact `{0}` was set twice")]
    Twice(&'static str),
}

/// What most events have.
const FIELDS: usize = 24;
const TEXT_BYTES: usize = 384;

impl Fields {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn with_room() -> Self {
        Self { text: String::with_capacity(TEXT_BYTES), fields: Vec::with_capacity(FIELDS) }
    }

    /// A text: percent-encoded and bounded, see [`portable`].
    pub fn text(mut self, key: &'static str, text: &str) -> Self {
        let value = Field::Text(self.keep(text));
        self.put(key, value)
    }

    /// A text, or nothing at all.
    pub fn maybe_text(self, key: &'static str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.text(key, text),
            None => self,
        }
    }

    /// A count or size; beyond 2^53 − 1 it is written as a string of digits.
    pub fn number(self, key: &'static str, number: u64) -> Self {
        match number {
            0..=SAFE_INTEGER_MAX => self.put(key, Field::Number(number)),
            _ => self.text(key, &number.to_string()),
        }
    }

    /// Yes or no.
    pub fn flag(self, key: &'static str, flag: bool) -> Self {
        self.put(key, Field::Flag(flag))
    }

    /// A list of texts; beyond [`LIST_ITEMS_MAX`] it ends with `%[N more]`.
    pub fn texts(
        mut self,
        key: &'static str,
        texts: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Self {
        let mut list = texts.into_iter();
        let mut items = Vec::new();
        for text in list.by_ref().take(LIST_ITEMS_MAX) {
            items.push(self.keep(text.as_ref()));
        }
        let more = list.count();
        if more > 0 {
            let start = self.text.len();
            self.text.push_str(&format!("%[{more} more]"));
            items.push(start..self.text.len());
        }
        self.put(key, Field::Texts(items))
    }

    /// An object.
    pub fn object(self, key: &'static str, fields: Fields) -> Self {
        self.put(key, Field::Object(fields))
    }

    /// A list of objects; beyond [`LIST_ITEMS_MAX`] it ends with `{"more": N}`.
    pub fn objects(self, key: &'static str, list: impl IntoIterator<Item = Fields>) -> Self {
        let mut list = list.into_iter();
        let mut items: Vec<Fields> = list.by_ref().take(LIST_ITEMS_MAX).collect();
        let more = u64::try_from(list.count()).unwrap_or(SAFE_INTEGER_MAX);
        if more > 0 {
            items.push(Fields::new().number("more", more));
        }
        self.put(key, Field::Objects(items))
    }

    fn put(mut self, key: &'static str, value: Field) -> Self {
        self.fields.push((key, value));
        self
    }

    /// Writes a text down; where it stands.
    fn keep(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        write_portable(text, &mut self.text);
        start..self.text.len()
    }

    fn join(mut self, more: Fields) -> Self {
        let by = self.text.len();
        self.text.push_str(&more.text);
        let moved = |place: Range<usize>| place.start + by..place.end + by;
        self.fields.extend(more.fields.into_iter().map(|(key, value)| {
            let value = match value {
                Field::Text(place) => Field::Text(moved(place)),
                Field::Texts(places) => Field::Texts(places.into_iter().map(moved).collect()),
                other => other,
            };
            (key, value)
        }));
        self
    }

    /// Writes them as an object in its canonical form (RFC 8785), or tells what is wrong with them.
    pub(crate) fn write(&mut self, out: &mut String) -> Result<(), FieldFault> {
        // Keys are ASCII, so that the order of their bytes is that of RFC 8785.
        self.fields.sort_by_key(|(key, _)| *key);
        let Self { text, fields } = self;
        let quoted = |place: &Range<usize>, out: &mut String| {
            write_text(text.get(place.clone()).unwrap_or_default(), out);
        };
        let mut last = None;
        out.push('{');
        for (key, value) in fields {
            if !is_plain_word(key) {
                return Err(FieldFault::Key(key));
            }
            match last.replace(*key) {
                Some(last) if last == *key => return Err(FieldFault::Twice(key)),
                Some(_) => out.push_str(",\""),
                None => out.push('"'),
            }
            out.push_str(key);
            out.push_str("\":");
            match value {
                Field::Text(place) => quoted(place, out),
                // A vector takes all that is written to it.
                Field::Number(number) => _ = write!(out, "{number}"),
                Field::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
                Field::Texts(places) => list(places, out, |place, out| {
                    quoted(place, out);
                    Ok(())
                })?,
                Field::Object(fields) => fields.write(out)?,
                Field::Objects(all) => list(all, out, Self::write)?,
            }
        }
        out.push('}');
        Ok(())
    }
}

fn list<T>(
    items: &mut [T],
    out: &mut String,
    mut write: impl FnMut(&mut T, &mut String) -> Result<(), FieldFault>,
) -> Result<(), FieldFault> {
    out.push('[');
    for (at, item) in items.iter_mut().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write(item, out)?;
    }
    out.push(']');
    Ok(())
}

/// Begins with a letter, so that no reader takes it for an index and sorts it first.
fn is_plain_word(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut fields: Fields) -> Result<serde_json::Value, FieldFault> {
        let mut text = String::new();
        fields.write(&mut text)?;
        let value = serde_json::from_str(&text).unwrap();
        assert_eq!(crate::canonical::canonical(&value).unwrap(), text);
        Ok(value)
    }

    #[test]
    fn the_profile_holds_by_construction() {
        let map = Fields::new()
            .text("tool", "<a>")
            .number("small", SAFE_INTEGER_MAX)
            .number("large", SAFE_INTEGER_MAX + 1)
            .texts("many", (0..66).map(|n| n.to_string()))
            .objects("found", [Fields::new().flag("cut", true).text("at", "a\"b\\")])
            .objects("none_found", [])
            .object("one", Fields::new().number("n", 0))
            .maybe_text("none", None);
        let more = Fields::new().text("more", "é").texts("more_of", ["x", "y"]);
        let map = read(map.join(more)).unwrap();
        assert_eq!(map["tool"], "%3Ca%3E");
        assert_eq!(map["small"], SAFE_INTEGER_MAX);
        assert_eq!(map["large"], "9007199254740992");
        assert_eq!(map["many"].as_array().unwrap().len(), 65);
        assert_eq!(map["many"][64], "%[2 more]");
        assert_eq!(map["found"][0]["cut"], true);
        assert_eq!(map["found"][0]["at"], "a\"b\\");
        assert_eq!(map["none_found"], serde_json::json!([]));
        assert_eq!(map["one"]["n"], 0);
        assert_eq!((&map["more"], &map["more_of"][1]), (&"é".into(), &"y".into()));
        assert!(map.get("none").is_none());
    }

    #[test]
    fn a_wrong_key_is_a_fault_however_deep() {
        for (fields, fault) in [
            (Fields::new().flag("1", true), FieldFault::Key("1")),
            (Fields::new().flag("Tool", true), FieldFault::Key("Tool")),
            (Fields::new().flag("a", true).number("a", 1), FieldFault::Twice("a")),
            (
                Fields::new().flag("a", true).join(Fields::new().text("a", "")),
                FieldFault::Twice("a"),
            ),
            (Fields::new().objects("x", [Fields::new().flag("", true)]), FieldFault::Key("")),
        ] {
            assert_eq!(read(fields).unwrap_err(), fault);
        }
    }
}
