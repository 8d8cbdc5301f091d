//! Members that differ in case alone: readers that ignore it (Go's `encoding/json`) take the last of
//! them, whatever its case, so that what was decided about is not what is done.
use std::collections::HashSet;

use tollgate_dlp::Node;
use tollgate_rules::{Code, folded, is_one_name};

use super::super::Malformed;

/// So few names are held to each other as they stand.
const FEW: usize = 16;

/// Whether two members have one name but for its case.
pub(super) fn among(object: Node<'_>) -> bool {
    let names = || object.members().map(|(name, _)| name);
    if names().nth(FEW).is_none() && names().all(str::is_ascii) {
        let twin = |at: usize, name: &str| names().take(at).any(|n| n.eq_ignore_ascii_case(name));
        return names().enumerate().any(|(at, name)| twin(at, name));
    }
    let mut seen = HashSet::new();
    names().any(|name| !seen.insert(folded(name)))
}

/// The name, of those that are known, that a member has in another case.
pub(super) fn misspelt(object: Node<'_>, known: &[&'static str]) -> Option<&'static str> {
    let like = |name: &str| {
        let same = |known: &&&str| **known != name && is_one_name(name, known);
        known.iter().find(same).copied()
    };
    object.members().find_map(|(name, _)| like(name))
}

pub(super) fn refuse(place: &str) -> Malformed {
    let sentence = format!("`{place}` has two members whose names differ in case alone");
    Malformed::new(Code::DuplicateKey, &sentence)
}

#[cfg(test)]
mod tests {
    use tollgate_dlp::Tape;

    use super::*;

    #[test]
    fn names_that_differ_in_case_alone_are_twins() {
        for (document, twins) in [
            (r#"{"name":1,"Name":2}"#, true),
            (r#"{"task":1,"ta\u017fk":2}"#, true),
            (r#"{"kind":1,"\u212aind":2}"#, true),
            (r#"{"name":1,"names":2}"#, false),
            (r#"{"name":{"a":1},"b":{"A":1}}"#, false),
        ] {
            let tape = Tape::of(&serde_json::from_str(document).unwrap());
            assert_eq!(among(tape.root()), twins, "{document}");
        }
    }

    #[test]
    fn a_known_name_in_another_case_is_told() {
        let tape = Tape::of(&serde_json::json!({ "name": 1, "ARGUMENTS": {} }));
        assert_eq!(misspelt(tape.root(), &["name", "arguments"]), Some("arguments"));
        assert_eq!(misspelt(tape.root(), &["name"]), None);
    }
}
