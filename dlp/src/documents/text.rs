//! Plain text, and text that is JSON in disguise.
use serde_json::Value;

use super::limits::Why;

/// A reader of JSON that knows one meaning only.
pub type JsonReader<'r> = dyn Fn(&[u8]) -> Result<Value, NotJson> + 'r;

/// Why a text is not one JSON document with one meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotJson {
    /// It is no JSON.
    Syntax,
    /// Readers would understand it differently, or it is larger than they may be asked to read:
    /// what is wrong.
    Refused(&'static str),
}

pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, Why> {
    let text = std::str::from_utf8(bytes).map_err(|_| Why::Charset)?;
    // UTF-16 and UTF-32 without a mark are UTF-8 full of NUL, and some readers guess them.
    match text.contains('\0') {
        true => Err(Why::Malformed("its text has NUL characters; send plain UTF-8")),
        false => Ok(text),
    }
}

/// Text that is a JSON object or list, for those who read it so whatever its type says.
pub(crate) fn disguised(text: &str, json: &JsonReader<'_>) -> Result<Option<Value>, Why> {
    // A byte order mark hides JSON from some readers, not from all.
    let start = text.trim_start_matches('\u{feff}').trim_start();
    if !start.starts_with(['{', '[']) {
        return Ok(None);
    }
    match json(start.as_bytes()) {
        Ok(value) => Ok(Some(value)),
        Err(NotJson::Syntax) => Ok(None),
        Err(NotJson::Refused(what)) => Err(Why::Malformed(what)),
    }
}
