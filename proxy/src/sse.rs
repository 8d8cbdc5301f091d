//! Event streams, read as the WHATWG HTML standard (section 9.2.6) reads them and written again
//! one event per message.
//!
//! Reading is incremental, and where chunks are cut makes no difference. Stricter than the standard
//! in two ways: bytes that are not UTF-8 are an error instead of a replacement character, and an
//! event has a size limit. Fields that the standard does not know are dropped.

use std::fmt;

use serde_json::Value;

/// One event. A field that was not sent stays unsent when it is written again.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// The event's name; readers take `message` when there is none.
    pub event: Option<String>,
    /// The id that a client resumes from.
    pub id: Option<String>,
    /// Milliseconds a client waits before it reconnects.
    pub retry: Option<u64>,
    /// The data lines joined with line feeds. `Some("")` is an event with empty data, as servers
    /// send it to announce an id; `None` is one without any.
    pub data: Option<String>,
}

/// What a stream consists of.
#[derive(Clone, PartialEq, Eq)]
pub enum Item {
    /// A complete event.
    Event(Event),
    /// A comment line, sent to keep the connection alive.
    Comment(String),
}

/// Sizes alone, never what was sent.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = |field: &Option<String>| field.as_ref().map(String::len);
        f.debug_struct("Event")
            .field("event_bytes", &bytes(&self.event))
            .field("id_bytes", &bytes(&self.id))
            .field("data_bytes", &bytes(&self.data))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(event) => event.fmt(f),
            Self::Comment(text) => write!(f, "Comment({} bytes)", text.len()),
        }
    }
}

/// Why a stream cannot be read on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SseError {
    /// One event, or one line, is larger than the limit.
    #[error("an event of the stream is larger than {0} bytes")]
    TooLarge(usize),
    /// A line is not UTF-8.
    #[error("the event stream is not UTF-8")]
    Encoding,
}

/// Reads an event stream chunk by chunk.
pub struct Parser {
    limit_bytes: usize,
    line: Vec<u8>,
    event: Event,
    /// Bytes in `event`.
    held_bytes: usize,
    at_start: bool,
    /// The last line ended with CR, so a LF that comes next belongs to it.
    after_cr: bool,
    failed: Option<SseError>,
}

impl Parser {
    /// A parser whose events, and lines, hold at most `limit_bytes`.
    pub fn new(limit_bytes: usize) -> Self {
        Self {
            limit_bytes,
            line: Vec::new(),
            event: Event::default(),
            held_bytes: 0,
            at_start: true,
            after_cr: false,
            failed: None,
        }
    }

    /// Bytes of the event that is not complete.
    pub fn held(&self) -> usize {
        self.line.capacity() + self.held_bytes
    }

    /// Reads the next chunk and appends what became complete. After an error every call repeats
    /// it: there is no place from which the stream could be read on.
    pub fn push(&mut self, chunk: &[u8], items: &mut Vec<Item>) -> Result<(), SseError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = self.read(chunk, items);
        self.failed = result.err();
        result
    }

    /// The stream has ended. What was begun but not ended by an empty line is handed over: the
    /// standard drops it, but some readers do not, so it must be inspected before it is dropped or
    /// passed on.
    pub fn finish(mut self) -> Result<Option<Event>, SseError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let mut items = Vec::new();
        if !self.line.is_empty() {
            self.end_line(&mut items)?;
        }
        let event = std::mem::take(&mut self.event);
        Ok((event != Event::default()).then_some(event))
    }

    fn read(&mut self, chunk: &[u8], items: &mut Vec<Item>) -> Result<(), SseError> {
        let mut rest = chunk;
        if self.after_cr && !rest.is_empty() {
            self.after_cr = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(end) = memchr::memchr2(b'\n', b'\r', rest) {
            let (line, tail) = rest.split_at(end);
            self.extend_line(line)?;
            self.end_line(items)?;
            rest = match tail {
                [b'\r', b'\n', after @ ..] => after,
                [b'\r'] => {
                    self.after_cr = true;
                    &[]
                }
                [_, after @ ..] => after,
                [] => &[],
            };
        }
        self.extend_line(rest)
    }

    fn extend_line(&mut self, bytes: &[u8]) -> Result<(), SseError> {
        if self.line.len() + bytes.len() + self.held_bytes > self.limit_bytes {
            return Err(SseError::TooLarge(self.limit_bytes));
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, items: &mut Vec<Item>) -> Result<(), SseError> {
        let bytes = std::mem::take(&mut self.line);
        let line = std::str::from_utf8(&bytes).map_err(|_| SseError::Encoding)?;
        let line = match std::mem::take(&mut self.at_start) {
            true => line.strip_prefix('\u{feff}').unwrap_or(line),
            false => line,
        };
        if line.is_empty() {
            self.held_bytes = 0;
            let event = std::mem::take(&mut self.event);
            if event != Event::default() {
                items.push(Item::Event(event));
            }
        } else if let Some(comment) = line.strip_prefix(':') {
            let comment = comment.strip_prefix(' ').unwrap_or(comment);
            items.push(Item::Comment(comment.to_owned()));
        } else {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            self.take_field(field, value.strip_prefix(' ').unwrap_or(value));
        }
        // Long lines are rare; the buffer of a usual one is used again.
        let mut bytes = bytes;
        bytes.clear();
        if bytes.capacity() <= 64 << 10 {
            self.line = bytes;
        }
        Ok(())
    }

    fn take_field(&mut self, field: &str, value: &str) {
        match field {
            "data" => {
                // One more for the line feed that joins it.
                self.held_bytes += value.len() + 1;
                match &mut self.event.data {
                    Some(data) => {
                        data.push('\n');
                        data.push_str(value);
                    }
                    None => self.event.data = Some(value.to_owned()),
                }
            }
            "event" => {
                self.held_bytes += value.len();
                self.event.event = Some(value.to_owned());
            }
            // The standard ignores an id with NUL.
            "id" if !value.contains('\0') => {
                self.held_bytes += value.len();
                self.event.id = Some(value.to_owned());
            }
            "retry" if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) => {
                self.event.retry = value.parse().ok();
            }
            _ => {}
        }
    }
}

impl Event {
    /// An event named `message`, as MCP servers send each JSON-RPC message.
    pub fn message(data: impl Into<String>) -> Self {
        Self { event: Some("message".to_owned()), data: Some(data.into()), ..Self::default() }
    }

    /// Writes the event with a document in the place of its data.
    pub fn encode_json(&self, document: &Value, out: &mut Vec<u8>) {
        self.encode_fields(out);
        out.extend_from_slice(b"data: ");
        // A vector takes all that is written to it. JSON holds no line end as it is written here.
        _ = serde_json::to_writer(&mut *out, document);
        out.extend_from_slice(b"\n\n");
    }

    /// Writes all but the data.
    fn encode_fields(&self, out: &mut Vec<u8>) {
        if let Some(name) = &self.event {
            write_field(out, "event", name.as_bytes());
        }
        if let Some(id) = &self.id {
            write_field(out, "id", id.as_bytes());
        }
        if let Some(retry) = self.retry {
            write_field(out, "retry", retry.to_string().as_bytes());
        }
    }
}

impl Item {
    /// Bytes of what it says.
    pub fn len(&self) -> usize {
        let length = |field: &Option<String>| field.as_ref().map_or(0, String::len);
        match self {
            Self::Comment(text) => text.len(),
            Self::Event(event) => length(&event.event) + length(&event.id) + length(&event.data),
        }
    }

    /// Writes the item so that reading it gives the same item.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Comment(text) => write_field(out, "", text.as_bytes()),
            Self::Event(event) => {
                event.encode_fields(out);
                if let Some(data) = &event.data {
                    write_lines(out, "data", data.as_bytes());
                }
                out.push(b'\n');
            }
        }
    }
}

/// One line; line ends inside a value would begin another field, so they are left out.
fn write_field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    value.split(|byte| is_line_end(*byte)).for_each(|part| out.extend_from_slice(part));
    out.push(b'\n');
}

/// A field for each line of a value. A CR would end the line for the reader as well.
fn write_lines(out: &mut Vec<u8>, name: &str, mut value: &[u8]) {
    while let Some(end) = memchr::memchr2(b'\n', b'\r', value) {
        let (line, rest) = value.split_at(end);
        write_field(out, name, line);
        value = rest.strip_prefix(b"\r\n").or_else(|| rest.get(1..)).unwrap_or_default();
    }
    write_field(out, name, value);
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

#[cfg(test)]
mod tests;
