//! Reading keys out of a map: each wrong one becomes a mistake, and reading goes on.
use super::mistake::{Mistake, Mistakes, Place, one_of, quoted, suggestion};
use super::node::{Entry, Kind, Node};

/// Where the reader is: which rule, which key path.
#[derive(Clone)]
pub(crate) struct At {
    pub(crate) rule: Option<String>,
    pub(crate) path: String,
}

impl At {
    /// The bundle itself.
    pub(crate) fn top() -> Self {
        Self { rule: None, path: String::new() }
    }

    /// A rule, by its id or number.
    pub(crate) fn rule(name: String) -> Self {
        Self { rule: Some(name), path: String::new() }
    }

    /// One key deeper.
    pub(crate) fn key(&self, key: &str) -> Self {
        let path =
            if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Self { rule: self.rule.clone(), path }
    }

    /// A mistake here.
    pub(crate) fn mistake(&self, place: Option<Place>, message: impl Into<String>) -> Mistake {
        Mistake {
            place,
            rule: self.rule.clone(),
            field: self.path.clone(),
            message: message.into(),
        }
    }
}

/// A map being read.
pub(crate) struct Section<'n> {
    pub(crate) at: At,
    pub(crate) place: Option<Place>,
    entries: &'n [Entry],
}

impl<'n> Section<'n> {
    /// Opens a map; anything else is a mistake.
    pub(crate) fn open(node: &'n Node, at: At, mistakes: &mut Mistakes) -> Option<Self> {
        if let Kind::Map(entries) = &node.kind {
            return Some(Self { at, place: node.place, entries });
        }
        let message = format!("is {}, but must be a mapping of keys to values", noun(node));
        mistakes.push(at.mistake(node.place, message));
        None
    }

    /// The value under a key.
    pub(crate) fn field(&self, key: &str) -> Option<&'n Node> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// The keys that are not known.
    pub(crate) fn unknown<'s>(&'s self, known: &'s [&str]) -> impl Iterator<Item = &'n Entry> + 's {
        self.entries.iter().filter(|entry| !known.contains(&entry.key.as_str()))
    }

    /// Every key that is not known is a mistake.
    pub(crate) fn refuse_unknown(&self, known: &[&str], mistakes: &mut Mistakes) {
        for entry in self.unknown(known) {
            let message =
                format!("unknown key {}, {}", quoted(&entry.key), suggestion(&entry.key, known));
            mistakes.push(self.at.mistake(entry.place.or(entry.node.place), message));
        }
    }

    /// A key that must be there.
    pub(crate) fn required(&self, key: &str, mistakes: &mut Mistakes) -> Option<&'n Node> {
        let found = self.field(key);
        if found.is_none() {
            mistakes.push(self.at.key(key).mistake(self.place, "is missing"));
        }
        found
    }

    /// A text, if the key is there.
    pub(crate) fn text(&self, key: &str, limit: usize, mistakes: &mut Mistakes) -> Option<&'n str> {
        word(self.field(key)?, &self.at.key(key), limit, mistakes)
    }

    /// A text or a list of texts, if the key is there; `None` too when it is wrong.
    pub(crate) fn words(
        &self,
        key: &str,
        limit: usize,
        mistakes: &mut Mistakes,
    ) -> Option<Words<'n>> {
        let node = self.field(key)?;
        let at = self.at.key(key);
        let words = match &node.kind {
            Kind::List(items) => {
                let listed = items
                    .iter()
                    .filter_map(|item| Some((item, word(item, &at, limit, mistakes)?)))
                    .collect();
                Words { listed, one: false, at, place: node.place }
            }
            _ => {
                let text = word(node, &at, limit, mistakes)?;
                Words { listed: vec![(node, text)], one: true, at, place: node.place }
            }
        };
        Some(words)
    }
}

/// One text or a list of texts, with their places.
pub(crate) struct Words<'n> {
    pub(crate) listed: Vec<(&'n Node, &'n str)>,
    /// A plain text, not a list.
    pub(crate) one: bool,
    pub(crate) at: At,
    pub(crate) place: Option<Place>,
}

impl Words<'_> {
    /// The texts alone.
    pub(crate) fn owned(&self) -> Vec<String> {
        self.listed.iter().map(|(_, text)| (*text).to_owned()).collect()
    }

    /// An empty list matches nothing, and nobody means that.
    pub(crate) fn refuse_empty(&self, mistakes: &mut Mistakes) {
        if self.listed.is_empty() {
            let message = "an empty list matches nothing; leave the key out to match everything";
            mistakes.push(self.at.mistake(self.place, message));
        }
    }

    /// Where `*` is no wildcard, nobody means the star.
    pub(crate) fn refuse_star(&self, mistakes: &mut Mistakes) {
        for (node, _) in self.listed.iter().filter(|(_, text)| *text == "*") {
            let message = "`*` is no wildcard here; leave the key out to match everything";
            mistakes.push(self.at.mistake(node.place, message));
        }
    }

    /// Reads each text as something else; what cannot be read is a mistake.
    pub(crate) fn each<T>(
        &self,
        mistakes: &mut Mistakes,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        self.refuse_empty(mistakes);
        let mut all = Vec::with_capacity(self.listed.len());
        for (node, text) in &self.listed {
            match read(text) {
                Ok(one) => all.push(one),
                Err(message) => mistakes.push(self.at.mistake(node.place, message)),
            }
        }
        all
    }
}

/// A non-empty text without control characters, within the limit.
pub(crate) fn word<'n>(
    node: &'n Node,
    at: &At,
    limit: usize,
    mistakes: &mut Mistakes,
) -> Option<&'n str> {
    let Some(text) = node.text() else {
        let hint = match node.kind {
            Kind::Bool(_) | Kind::Number(_) => "; put it in quotes",
            _ => "",
        };
        mistakes.push(at.mistake(node.place, format!("is {}, but must be text{hint}", noun(node))));
        return None;
    };
    let wrong = if text.is_empty() {
        "is empty".to_owned()
    } else if text.chars().count() > limit {
        format!("is longer than {limit} characters")
    } else if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        "holds a control character".to_owned()
    } else {
        return Some(text);
    };
    mistakes.push(at.mistake(node.place, wrong));
    None
}

/// One of a few words.
pub(crate) fn choice<T: Copy>(
    node: &Node,
    at: &At,
    known: &[(&str, T)],
    mistakes: &mut Mistakes,
) -> Option<T> {
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let Some(text) = node.text() else {
        let message = format!("is {}, use {}", noun(node), one_of(&names));
        mistakes.push(at.mistake(node.place, message));
        return None;
    };
    let found = known.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
    if found.is_none() {
        let message = format!("{} is not known, {}", quoted(text), suggestion(text, &names));
        mistakes.push(at.mistake(node.place, message));
    }
    found
}

/// What a node is, for people.
pub(crate) fn noun(node: &Node) -> &'static str {
    match &node.kind {
        Kind::Null => "null",
        Kind::Bool(_) => "a truth value",
        Kind::Number(_) => "a number",
        Kind::Text(_) => "text",
        Kind::List(_) => "a list",
        Kind::Map(_) => "a mapping",
    }
}
