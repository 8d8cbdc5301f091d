//! A tree held against the shape it should have.
use std::collections::HashSet;

use crate::errata::{Cover, Errata};
use crate::formats;
use crate::shape::{Key, Shape, Variant};
use crate::tree::{Kind, Node, Place};
use crate::words::{listed, meant, names_secret, showable, shown};

/// Holds a whole file against its shape.
pub(crate) fn walk(root: &Node, shape: &Shape, errata: &mut Errata) {
    Walk { errata }.value(root, shape, "", &root.place);
}

struct Walk<'a> {
    errata: &'a mut Errata,
}

impl Walk<'_> {
    /// One value. `owner` is the place of its key, where what is missing is told.
    fn value(&mut self, node: &Node, shape: &Shape, path: &str, owner: &Place) {
        match (shape, &node.kind) {
            (_, Kind::Broken) | (Shape::Unknown, _) | (Shape::Flag, Kind::Flag(_)) => {}
            (Shape::Integer { least, most }, Kind::Integer(number)) => {
                self.integer(node, *number, *least, *most, path);
            }
            (Shape::Words(words), Kind::Text(text)) => self.word(node, text, words, path),
            (Shape::Text { format, least, most }, Kind::Text(text)) => {
                self.text(node, text, format, *least..=*most, path);
            }
            (Shape::List { item, least, most }, Kind::List(items)) => {
                self.list(node, items, item, *least..=*most, path, owner);
            }
            (Shape::Map(keys), Kind::Map(_)) => self.map(node, keys, path, owner),
            (Shape::Choice(keys), Kind::Map(_)) => self.choice(node, keys, path, owner),
            (Shape::Variants(variants), Kind::Map(_)) => {
                self.variants(node, variants, path, owner);
            }
            (shape, _) => self.wrong_kind(node, shape, path),
        }
    }

    fn integer(&mut self, node: &Node, number: i128, least: i128, most: i128, path: &str) {
        if (least..=most).contains(&number) {
            return;
        }
        let (word, bound) = if number < least { ("less", least) } else { ("more", most) };
        let message = format!("`{number}` is {word} than `{bound}`");
        let draft = self.errata.add(node.place.clone(), path, message);
        if least == most {
            draft.help(format!("it is always `{least}`"));
        } else {
            draft.help(format!("a whole number from {least} to {most}"));
        }
    }

    fn word(&mut self, node: &Node, text: &str, words: &[String], path: &str) {
        if words.iter().any(|word| word == text) {
            return;
        }
        let known = || words.iter().map(String::as_str);
        let message = format!("{} is none of {}", shown(text), listed(known(), "and"));
        let draft = self.errata.add(node.place.clone(), path, message);
        if let Some(meant) = meant(text, known()) {
            draft.help(format!("did you mean `{meant}`?"));
        }
    }

    fn text(
        &mut self,
        node: &Node,
        text: &str,
        format: &str,
        length: std::ops::RangeInclusive<usize>,
        path: &str,
    ) {
        let count = text.chars().count();
        if text.chars().any(char::is_control) {
            self.errata
                .add(node.place.clone(), path, "it has a line break or another control character")
                .help("write the value itself in one line; contents of files stay in files");
        } else if count == 0 {
            self.errata.add(node.place.clone(), path, "it is empty");
        } else if !length.contains(&count) {
            let (least, most) = length.into_inner();
            self.errata
                .add(node.place.clone(), path, format!("it has {count} characters"))
                .help(format!("{least} to {most} characters"));
        } else if let Err(wrong) = formats::check(format, text) {
            let draft = self.errata.add(node.place.clone(), path, wrong.message);
            draft.help(wrong.help);
        }
    }

    fn list(
        &mut self,
        node: &Node,
        items: &[Node],
        item: &Shape,
        length: std::ops::RangeInclusive<usize>,
        path: &str,
        owner: &Place,
    ) {
        if items.len() < *length.start() {
            let place = if items.is_empty() { owner } else { &node.place };
            self.errata.add(
                place.clone(),
                path,
                format!(
                    "the list has {} items, at least {} is needed",
                    items.len(),
                    length.start()
                ),
            );
        }
        if items.len() > *length.end() {
            let message = format!("the list has {} items, more than {}", items.len(), length.end());
            self.errata.add(node.place.clone(), path, message);
            return;
        }
        let mut seen = HashSet::new();
        for (nth, node) in items.iter().enumerate() {
            let path = format!("{path}[{nth}]");
            self.value(node, item, &path, &node.place);
            let word = match &node.kind {
                Kind::Text(text) => text.clone(),
                Kind::Integer(number) => number.to_string(),
                _ => continue,
            };
            if !seen.insert(word.clone()) {
                let message = format!("{} is in the list twice", shown(&word));
                self.errata.add(node.place.clone(), path, message);
            }
        }
    }

    fn map(&mut self, node: &Node, keys: &[Key], path: &str, owner: &Place) {
        let mut taken = Vec::new();
        for entry in node.entries() {
            let path = join(path, &entry.key);
            match keys.iter().find(|key| key.name == entry.key) {
                Some(key) => self.value(&entry.value, &key.shape, &path, &entry.place),
                None => taken.extend(self.unknown(node, entry, keys, &path)),
            }
        }
        for key in keys.iter().filter(|key| key.required) {
            // A key that was misspelt is told once.
            if node.value(&key.name).is_none() && !taken.contains(&key.name) {
                self.missing(key, path, owner);
            }
        }
    }

    fn missing(&mut self, key: &Key, path: &str, owner: &Place) {
        let message = format!("key `{}` is missing", key.name);
        let help = match &key.example {
            Some(serde_json::Value::String(word)) => {
                format!("{}; for example `{}: {word}`", first_sentence(&key.description), key.name)
            }
            _ => first_sentence(&key.description).to_owned(),
        };
        self.errata.add(owner.clone(), path, message).help(help);
    }

    /// Tells an unknown key; gives the known one that was meant.
    fn unknown(
        &mut self,
        node: &Node,
        entry: &crate::tree::Entry,
        keys: &[Key],
        path: &str,
    ) -> Option<String> {
        // Nobody knows what is behind it.
        let cover = if names_secret(&entry.key) { Cover::Lines } else { Cover::Stars };
        entry.value.extents(&mut |bytes| self.errata.conceal(bytes, cover));
        if self.errata.is_full() {
            self.errata.add(entry.place.clone(), "", "");
            return None;
        }
        let free =
            || keys.iter().map(|key| key.name.as_str()).filter(|name| node.value(name).is_none());
        let meant = meant(&entry.key, free());
        let path = if showable(&entry.key) { path } else { "" };
        let message = format!("key {} is not known", shown(&entry.key));
        let draft = self.errata.add(entry.place.clone(), path, message);
        match meant {
            Some(meant) => draft.help(format!("did you mean `{meant}`?")),
            None if free().next().is_none() => draft.help("every known key is there already"),
            None => draft.help(format!("known here: {}", listed(free(), "and"))),
        }
        meant.map(String::from)
    }

    fn choice(&mut self, node: &Node, keys: &[Key], path: &str, owner: &Place) {
        self.map(node, keys, path, owner);
        let names = || keys.iter().map(|key| key.name.as_str());
        let count = names().filter(|name| node.value(name).is_some()).count();
        if count != 1 {
            let message = format!("exactly one of {} is needed", listed(names(), "and"));
            self.errata.add(owner.clone(), path, message);
        }
    }

    fn variants(&mut self, node: &Node, variants: &[Variant], path: &str, owner: &Place) {
        let words: Vec<String> = variants.iter().map(|variant| variant.name.clone()).collect();
        let known = || words.iter().map(String::as_str);
        let Some(kind) = node.value("type") else {
            self.errata
                .add(owner.clone(), path, "key `type` is missing")
                .help(format!("it is {}", listed(known(), "or")));
            return;
        };
        let path_of_type = join(path, "type");
        let shape = Shape::Words(words.clone());
        self.value(kind, &shape, &path_of_type, owner);
        let Kind::Text(word) = &kind.kind else { return };
        let Some(variant) = variants.iter().find(|variant| variant.name == *word) else { return };
        // `type` was told above; here it is only known.
        let rest = Node {
            kind: Kind::Map(
                node.entries().iter().filter(|entry| entry.key != "type").cloned().collect(),
            ),
            ..node.clone()
        };
        self.map(&rest, &variant.keys, path, owner);
    }

    fn wrong_kind(&mut self, node: &Node, shape: &Shape, path: &str) {
        let message = match &node.kind {
            Kind::Null => "it has no value".to_owned(),
            _ => format!("{} is needed here, this is {}", noun(shape), node.noun()),
        };
        let draft = self.errata.add(node.place.clone(), path, message);
        match (shape, &node.kind) {
            (Shape::Choice(keys), Kind::Text(_)) => {
                let names: Vec<_> = keys.iter().map(|key| format!("`{}: …`", key.name)).collect();
                draft.help(format!(
                    "a secret never stands in this file; say where it is with {}",
                    names.join(" or ")
                ));
            }
            (_, Kind::Null) => draft.help("give it a value, or leave the key out"),
            (Shape::Flag, Kind::Text(text))
                if ["yes", "no", "on", "off"].contains(&text.as_str()) =>
            {
                draft.help("write `true` or `false`");
            }
            (
                Shape::Text { .. } | Shape::Words(_),
                Kind::Flag(_) | Kind::Integer(_) | Kind::Float,
            ) => {
                draft.help("put it in quotes if it is meant as text");
            }
            (Shape::Integer { .. }, Kind::Text(_)) => {
                draft.help("write digits only, without quotes, units and separators");
            }
            (Shape::List { .. }, _) => draft.help("begin each item with `- `, even a single one"),
            _ => {}
        }
    }
}

fn noun(shape: &Shape) -> &'static str {
    match shape {
        Shape::Choice(_) => "the place of a secret",
        Shape::Flag => "`true` or `false`",
        Shape::Integer { .. } => "a whole number",
        Shape::List { .. } => "a list",
        Shape::Map(_) | Shape::Variants(_) => "a map",
        Shape::Text { .. } => "text",
        Shape::Unknown => "something else",
        Shape::Words(_) => "a word",
    }
}

/// The path of a key below a path.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// The first sentence of a description, without its full stop.
fn first_sentence(description: &str) -> &str {
    let end = description.find(". ").unwrap_or(description.len());
    description.get(..end).unwrap_or(description).trim_end_matches('.')
}
