//! What is to be recorded, before it has a place in the chain.
use serde_json::{Map, Value};

use crate::EventType;
use crate::canonical::SAFE_INTEGER_MAX;
use crate::text::portable;

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
            fields: Fields::new(),
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
    map: Map<String, Value>,
    fault: Option<FieldFault>,
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

impl Fields {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A text: percent-encoded and bounded, see [`portable`].
    pub fn text(self, key: &'static str, text: &str) -> Self {
        let value = Value::String(portable(text));
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
        let value = match number {
            0..=SAFE_INTEGER_MAX => Value::from(number),
            _ => Value::String(number.to_string()),
        };
        self.put(key, value)
    }

    /// Yes or no.
    pub fn flag(self, key: &'static str, flag: bool) -> Self {
        self.put(key, Value::Bool(flag))
    }

    /// A list of texts; beyond [`LIST_ITEMS_MAX`] it ends with `%[N more]`.
    pub fn texts(
        self,
        key: &'static str,
        texts: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Self {
        let mut list = texts.into_iter();
        let mut items: Vec<Value> = list
            .by_ref()
            .take(LIST_ITEMS_MAX)
            .map(|text| Value::String(portable(text.as_ref())))
            .collect();
        let more = list.count();
        if more > 0 {
            items.push(Value::String(format!("%[{more} more]")));
        }
        self.put(key, Value::Array(items))
    }

    /// An object.
    pub fn object(mut self, key: &'static str, fields: Fields) -> Self {
        self.fault = self.fault.or(fields.fault);
        self.put(key, Value::Object(fields.map))
    }

    /// A list of objects; beyond [`LIST_ITEMS_MAX`] it ends with `{"more": N}`.
    pub fn objects(mut self, key: &'static str, list: impl IntoIterator<Item = Fields>) -> Self {
        let mut list = list.into_iter();
        let mut items = Vec::new();
        for fields in list.by_ref().take(LIST_ITEMS_MAX) {
            self.fault = self.fault.or(fields.fault);
            items.push(Value::Object(fields.map));
        }
        let more = u64::try_from(list.count()).unwrap_or(SAFE_INTEGER_MAX);
        if more > 0 {
            items.push(Value::Object(Fields::new().number("more", more).map));
        }
        self.put(key, Value::Array(items))
    }

    fn put(mut self, key: &'static str, value: Value) -> Self {
        if !is_plain_word(key) {
            self.fault = self.fault.or(Some(FieldFault::Key(key)));
        } else if self.map.insert(key.to_owned(), value).is_some() {
            self.fault = self.fault.or(Some(FieldFault::Twice(key)));
        }
        self
    }

    fn join(mut self, more: Fields) -> Self {
        self.fault = self.fault.or(more.fault);
        for (key, value) in more.map {
            if self.map.insert(key, value).is_some() {
                self.fault = self.fault.or(Some(FieldFault::Twice("joined fields")));
            }
        }
        self
    }

    pub(crate) fn finish(self) -> Result<Map<String, Value>, FieldFault> {
        match self.fault {
            Some(fault) => Err(fault),
            None => Ok(self.map),
        }
    }
}

/// Begins with a letter, so that no reader takes it for an index and sorts it first.
fn is_plain_word(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_holds_by_construction() {
        let map = Fields::new()
            .text("tool", "<a>")
            .number("small", SAFE_INTEGER_MAX)
            .number("large", SAFE_INTEGER_MAX + 1)
            .texts("many", (0..66).map(|n| n.to_string()))
            .objects("found", [Fields::new().flag("cut", true)])
            .maybe_text("none", None)
            .finish()
            .unwrap();
        assert_eq!(map["tool"], "%3Ca%3E");
        assert_eq!(map["small"], SAFE_INTEGER_MAX);
        assert_eq!(map["large"], "9007199254740992");
        assert_eq!(map["many"].as_array().unwrap().len(), 65);
        assert_eq!(map["many"][64], "%[2 more]");
        assert_eq!(map["found"][0]["cut"], true);
        assert!(!map.contains_key("none"));
    }

    #[test]
    fn a_wrong_key_is_a_fault_however_deep() {
        for (fields, fault) in [
            (Fields::new().flag("1", true), FieldFault::Key("1")),
            (Fields::new().flag("Tool", true), FieldFault::Key("Tool")),
            (Fields::new().flag("a", true).flag("a", true), FieldFault::Twice("a")),
            (Fields::new().objects("x", [Fields::new().flag("", true)]), FieldFault::Key("")),
        ] {
            assert_eq!(fields.finish().unwrap_err(), fault);
        }
    }
}
