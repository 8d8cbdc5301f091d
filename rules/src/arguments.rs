//! A document that several hold, or a part of it.
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde_json::Value;

use crate::Json;

/// What a call says: a document, or one member of it, without a copy of its own. Reads as the
/// [`Value`] that it is, which is made when it is asked for first.
#[derive(Clone)]
pub struct Arguments {
    /// Nothing is not worth a place in memory of its own.
    document: Option<Arc<Json>>,
    at: &'static [&'static str],
    /// What is said in names and values beside it.
    pairs: Option<Arc<[(String, Value)]>>,
    /// The document is a view of something else than JSON.
    view: bool,
}

static NULL: Value = Value::Null;

impl Arguments {
    /// Nothing was said, or what was said is let go.
    pub const NONE: Self = Self { document: None, at: &[], pairs: None, view: false };

    /// The member that these names lead to from the document's top; `Null` when there is none.
    pub fn within(document: Arc<Json>, at: &'static [&'static str]) -> Self {
        Self { document: Some(document), at, pairs: None, view: false }
    }

    /// The same of a call that says something in names and values as well: in its query, or in a body
    /// that is a form. Several may have one name, and which of them a server takes is not known: a
    /// rule that lets pass must hold of each, one that does not of any.
    #[must_use]
    pub fn beside(self, pairs: Vec<(String, Value)>) -> Self {
        Self { pairs: (!pairs.is_empty()).then(|| pairs.into()), ..self }
    }

    /// The same of what was no JSON: how its server reads it is not known, and what it finds there may
    /// be the argument that a query names as well.
    #[must_use]
    pub fn as_view(self) -> Self {
        Self { view: true, ..self }
    }

    /// Whether what is said beside the document may stand in it, too, where no rule sees it.
    pub(crate) fn hides(&self) -> bool {
        self.view || !matches!(**self, Value::Object(_) | Value::Null)
    }

    /// What is said in names and values beside the document.
    pub fn pairs(&self) -> &[(String, Value)] {
        self.pairs.as_deref().unwrap_or_default()
    }
}

impl Deref for Arguments {
    type Target = Value;

    fn deref(&self) -> &Value {
        let Some(document) = &self.document else { return &NULL };
        let member = self.at.iter().try_fold(document.tree(), |value, name| value.get(name));
        member.unwrap_or(&NULL)
    }
}

impl From<Arc<Json>> for Arguments {
    fn from(document: Arc<Json>) -> Self {
        Self::within(document, &[])
    }
}

impl From<Value> for Arguments {
    fn from(document: Value) -> Self {
        match document {
            Value::Null => Self::NONE,
            document => Arc::new(Json::from(document)).into(),
        }
    }
}

impl PartialEq for Arguments {
    fn eq(&self, other: &Self) -> bool {
        **self == **other && self.pairs() == other.pairs()
    }
}

impl fmt::Debug for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_part_reads_as_itself() {
        let tree = json!({ "params": { "arguments": { "n": 3 } } });
        let document = Arc::new(Json::from(tree.clone()));
        let within = |at| Arguments::within(Arc::clone(&document), at);
        assert_eq!(*within(&["params", "arguments"]), json!({ "n": 3 }));
        assert_eq!(within(&["params", "arguments"]), json!({ "n": 3 }).into());
        assert_eq!(*within(&[]), tree);
        assert_eq!(*within(&["params", "arguments", "n", "m"]), Value::Null);
        assert_eq!(*within(&["result"]), Value::Null);
        assert_eq!(*Arguments::NONE, Value::Null);
        assert_eq!(Arguments::from(Value::Null), within(&["result"]));
    }
}
