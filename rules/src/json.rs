//! A JSON document as it travels, and its tree once somebody asks.
use std::fmt;
use std::sync::OnceLock;

use bytes::Bytes;
use serde_json::Value;

/// One JSON document. Most are asked nothing, so the tree is made when something is; several may
/// hold the document and share it.
pub struct Json {
    /// Empty when the document was a tree first.
    text: Bytes,
    tree: OnceLock<Value>,
    read: fn(&[u8]) -> Value,
}

impl Json {
    /// A document by its text, which a strict reader wrote and can `read` again: it is well-formed, no
    /// deeper than 127, and no object in it has a key twice.
    pub fn of_text(text: Bytes, read: fn(&[u8]) -> Value) -> Self {
        Self { text, tree: OnceLock::new(), read }
    }

    /// The text that it was made of; `None` when it was a tree.
    pub fn text(&self) -> Option<&Bytes> {
        (!self.text.is_empty()).then_some(&self.text)
    }

    /// The document.
    pub fn tree(&self) -> &Value {
        self.tree.get_or_init(|| (self.read)(&self.text))
    }

    /// The document, to be changed.
    pub fn to_tree(&self) -> Value {
        self.tree.get().cloned().unwrap_or_else(|| (self.read)(&self.text))
    }
}

impl From<Value> for Json {
    fn from(tree: Value) -> Self {
        Self { text: Bytes::new(), tree: tree.into(), read: |_| Value::Null }
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.tree() == other.tree()
    }
}

/// Never what it says.
impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Json").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_and_its_tree_are_one_document() {
        let text = Bytes::from_static(br#"{"z":1,"a":[0.1,"\u00e9"]}"#);
        let read = Json::of_text(text.clone(), |text| serde_json::from_slice(text).unwrap());
        assert_eq!(read.text(), Some(&text));
        assert_eq!(*read.tree(), json!({ "z": 1, "a": [0.1, "é"] }));
        assert_eq!(read, Json::from(json!({ "z": 1, "a": [0.1, "é"] })));
        assert_eq!(Json::from(json!(1)).text(), None);
        assert_eq!(format!("{read:?}"), "Json { .. }");
    }
}
