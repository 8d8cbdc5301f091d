//! Places in a JSON document.
use std::borrow::Cow;

use serde_json::Value;

use crate::engine::Window;
use crate::finding::Place;
use crate::scanner::{Scanner, edited, into_text};

/// A name that is shown in a pointer is cut here, so that a finding stays small.
const SHOWN_NAME_CHARS: usize = 64;

/// Which text of a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    Key,
    /// A string.
    Value,
    Number,
}

/// One step down into a document.
#[derive(Clone, Copy)]
pub(crate) enum Step<'v> {
    Item(usize),
    Name(&'v str),
}

impl<'v> Step<'v> {
    /// The name of the member that a path ends in or, in a list, that the list is.
    pub(crate) fn name(path: &[Self]) -> Option<&'v str> {
        path.iter().rev().find_map(|step| match step {
            Step::Name(name) => Some(*name),
            Step::Item(_) => None,
        })
    }
}

/// A place as a finding shows it. Names with anything found in them are shown redacted.
pub(crate) fn place(scanner: &Scanner, path: &[Step<'_>], part: Part) -> Place {
    let mut pointer = String::new();
    for step in path {
        pointer.push('/');
        match step {
            Step::Item(at) => pointer.push_str(&at.to_string()),
            Step::Name(name) => pointer.push_str(&escaped(&shown(scanner, name))),
        }
    }
    match part {
        Part::Key => Place::Key(pointer),
        Part::Value | Part::Number => Place::Value(pointer),
    }
}

/// A reference token of RFC 6901.
pub(crate) fn escaped(name: &str) -> Cow<'_, str> {
    match name.contains(['~', '/']) {
        true => Cow::Owned(name.replace('~', "~0").replace('/', "~1")),
        false => Cow::Borrowed(name),
    }
}

/// A name as a finding shows it: without what is found in it, and cut.
pub(crate) fn shown(scanner: &Scanner, name: &str) -> String {
    let clusters = scanner.look(&Window::whole(name.as_bytes()), None);
    let clean = edited(name.as_bytes(), &clusters, None)
        .map_or_else(|| name.to_owned(), |edited| into_text(edited.bytes));
    if clean.chars().count() <= SHOWN_NAME_CHARS {
        return clean;
    }
    clean.chars().take(SHOWN_NAME_CHARS).chain(['…']).collect()
}

/// A path that outlives the borrow of its document.
pub(crate) struct Steps(Vec<Owned>);

enum Owned {
    Item(usize),
    Name(String),
}

impl Steps {
    pub(crate) fn new(path: &[Step<'_>]) -> Self {
        let own = |step: &Step<'_>| match step {
            Step::Item(at) => Owned::Item(*at),
            Step::Name(name) => Owned::Name((*name).to_owned()),
        };
        Self(path.iter().map(own).collect())
    }

    /// The value at this path.
    pub(crate) fn find<'v>(&self, document: &'v mut Value) -> Option<&'v mut Value> {
        descend(&self.0, document)
    }

    /// The object that the last step goes down from, and the name that it takes.
    pub(crate) fn find_member(self, document: &mut Value) -> Option<(&mut Value, String)> {
        let mut steps = self.0;
        let Some(Owned::Name(name)) = steps.pop() else { return None };
        Some((descend(&steps, document)?, name))
    }
}

fn descend<'v>(steps: &[Owned], document: &'v mut Value) -> Option<&'v mut Value> {
    steps.iter().try_fold(document, |value, step| match step {
        Owned::Item(at) => value.get_mut(*at),
        Owned::Name(name) => value.get_mut(name.as_str()),
    })
}
