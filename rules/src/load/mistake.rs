//! What is wrong with a bundle, where, and what would be right.
use std::fmt;

/// A place in the text, counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The column, in characters.
    pub column: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// One mistake in a bundle.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mistake {
    /// Where it stands; known for YAML, and for JSON that is not JSON.
    pub place: Option<Place>,
    /// The rule's id, or `#3` for the third rule when it has none.
    pub rule: Option<String>,
    /// The key's path inside the rule or the bundle; empty for the whole.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.place {
            write!(f, "{place}: ")?;
        }
        if let Some(rule) = &self.rule {
            write!(f, "rule `{rule}`: ")?;
        }
        if !self.field.is_empty() {
            write!(f, "`{}`: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

/// Every mistake found in a bundle, one per line.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}", lines(.mistakes))]
pub struct LoadError {
    /// The mistakes, in the order of the text; never empty.
    pub mistakes: Vec<Mistake>,
}

fn lines(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

impl LoadError {
    /// A bundle that fails as a whole.
    pub(crate) fn whole(field: &str, message: impl Into<String>, place: Option<Place>) -> Self {
        let mistake =
            Mistake { place, rule: None, field: field.to_owned(), message: message.into() };
        Self { mistakes: vec![mistake] }
    }
}

/// A page of mistakes is as much as a person reads; the rest is counted, never dropped silently.
const LISTED_MAX: usize = 100;

/// Gathers mistakes while a bundle is read.
#[derive(Default)]
pub(crate) struct Mistakes {
    listed: Vec<Mistake>,
    more: usize,
}

impl Mistakes {
    /// Adds one.
    pub(crate) fn push(&mut self, mistake: Mistake) {
        if self.listed.len() < LISTED_MAX {
            self.listed.push(mistake);
        } else {
            self.more += 1;
        }
    }

    /// `Ok` when there is none.
    pub(crate) fn finish(mut self) -> Result<(), LoadError> {
        if self.listed.is_empty() {
            return Ok(());
        }
        self.listed.sort_by_key(|mistake| mistake.place.map(|at| (at.line, at.column)));
        if self.more > 0 {
            self.listed.push(Mistake {
                place: None,
                rule: None,
                field: String::new(),
                message: format!("and {} more mistakes", self.more),
            });
        }
        Err(LoadError { mistakes: self.listed })
    }
}

/// The known word that was probably meant.
pub(crate) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    // The distance is quadratic in the length, and no known word is that long.
    if word.len() > 64 {
        return None;
    }
    let lowered = word.to_lowercase();
    let slack = (lowered.chars().count() / 3).clamp(1, 3);
    known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&lowered, &known.to_lowercase()), *known))
        .filter(|(distance, _)| *distance <= slack)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// The writer's word in backticks, short and without control characters.
pub(crate) fn quoted(word: &str) -> String {
    let short: String = word.chars().take(60).flat_map(char::escape_debug).collect();
    if word.chars().nth(60).is_some() { format!("`{short}…`") } else { format!("`{short}`") }
}

/// "`x` …, did you mean `y`?" or the list of what is known.
pub(crate) fn suggestion(word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("use {}", one_of(known)),
    }
}

/// "`a`, `b` or `c`".
pub(crate) fn one_of(words: &[&str]) -> String {
    let ticked: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match ticked.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_meant() {
        let outcomes = ["ALLOW", "DENY", "REQUIRE_APPROVAL", "STEP_UP"];
        for (word, expect) in [
            ("allow", Some("ALLOW")),
            ("DNEY", Some("DENY")),
            ("REQUIRE_APROVAL", Some("REQUIRE_APPROVAL")),
            ("MAYBE", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, &outcomes), expect, "{word}");
        }
    }

    #[test]
    fn more_mistakes_than_a_page_are_counted() {
        let mut mistakes = Mistakes::default();
        for _ in 0..103 {
            mistakes.push(Mistake {
                place: None,
                rule: None,
                field: "x".into(),
                message: "bad".into(),
            });
        }
        let error = mistakes.finish().unwrap_err();
        assert_eq!(error.mistakes.len(), 101);
        assert!(error.to_string().ends_with("and 3 more mistakes"));
    }
}
