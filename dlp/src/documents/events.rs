//! Event streams that are held whole (WHATWG HTML section 9.2.6). Fields that the standard does not
//! know are dropped, as its readers drop them.
use serde_json::Value;

use super::limits::Why;
use super::look::Look;
use super::{Opening, text};
use crate::finding::Layer;

/// The events of a stream.
#[derive(Clone, PartialEq)]
pub(crate) struct Events {
    events: Vec<Event>,
}

/// An event: its fields in their order, the data of all its lines where the first one stood.
#[derive(Clone, PartialEq, Default)]
struct Event {
    fields: Vec<(String, String)>,
    /// The data when it is JSON.
    document: Option<Value>,
}

const DATA: &str = "data";
/// All names; a comment has none.
const NAMES: [&str; 5] = ["", DATA, "event", "id", "retry"];

impl Events {
    pub(crate) fn open(bytes: &[u8], opening: &mut Opening<'_>) -> Result<Self, Why> {
        let text = text::utf8(bytes)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // A CR ends a line as well, with or without a LF behind it.
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let mut events = Vec::new();
        let mut event = Event::default();
        for line in text.split('\n') {
            opening.budget.node()?;
            if line.is_empty() {
                events.extend(std::mem::take(&mut event).end(opening)?);
                continue;
            }
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            if !NAMES.contains(&name) {
                continue;
            }
            event.take(name, value.strip_prefix(' ').unwrap_or(value));
        }
        events.extend(event.end(opening)?);
        Ok(Self { events })
    }

    pub(crate) fn look(&mut self, look: &mut Look<'_>) -> bool {
        let mut text = Vec::new();
        self.write(&mut text);
        look.events(&text, b"\n\n", Layer::Event);
        let mut changed = false;
        for (at, event) in self.events.iter_mut().enumerate() {
            changed |= look.within(Layer::Event(at + 1), |look| event.look(look));
        }
        changed
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for event in &self.events {
            event.write(out);
        }
    }

    pub(crate) fn view(&self) -> Value {
        let data = |event: &Event| match &event.document {
            Some(document) => document.clone(),
            None => Value::from(event.data().unwrap_or_default()),
        };
        Value::Array(self.events.iter().map(data).collect())
    }
}

impl Event {
    fn take(&mut self, name: &str, value: &str) {
        match self.fields.iter_mut().find(|(known, _)| known == name && name == DATA) {
            None => self.fields.push((name.to_owned(), value.to_owned())),
            Some((_, data)) => {
                data.push('\n');
                data.push_str(value);
            }
        }
    }

    fn data(&self) -> Option<&str> {
        self.fields.iter().find(|(name, _)| name == DATA).map(|(_, data)| data.as_str())
    }

    fn end(mut self, opening: &mut Opening<'_>) -> Result<Option<Self>, Why> {
        if self.fields.is_empty() {
            return Ok(None);
        }
        if let Some(data) = self.data() {
            self.document = opening.json(data)?;
        }
        Ok(Some(self))
    }

    fn look(&mut self, look: &mut Look<'_>) -> bool {
        let mut changed = false;
        for (name, value) in &mut self.fields {
            changed |= match &mut self.document {
                Some(document) if name == DATA => look.json(document),
                _ => look.text(None, value),
            };
        }
        changed
    }

    fn write(&self, out: &mut Vec<u8>) {
        for (name, value) in &self.fields {
            match &self.document {
                Some(document) if name == DATA => line(name, &document.to_string(), out),
                _ => value.split('\n').for_each(|value| line(name, value, out)),
            }
        }
        out.push(b'\n');
    }
}

fn line(name: &str, value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.push(b'\n');
}
