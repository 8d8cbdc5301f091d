//! Places in a JSON document.
use std::borrow::Cow;

use crate::engine::survey::Patience;
use crate::engine::{Window, hit};
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
pub(crate) struct Step<'v> {
    /// The number of the member or item.
    pub(crate) at: usize,
    /// The member's name.
    pub(crate) name: Option<&'v str>,
}

impl<'v> Step<'v> {
    /// The name of the member that a path ends in or, in a list, that the list is.
    pub(crate) fn name(path: &[Self]) -> Option<&'v str> {
        path.iter().rev().find_map(|step| step.name)
    }
}

/// A place as a finding shows it. Names with anything found in them are shown redacted.
pub(crate) fn place(scanner: &Scanner, path: &[Step<'_>], part: Part) -> Place {
    let mut pointer = String::new();
    for step in path {
        pointer.push('/');
        match step.name {
            None => pointer.push_str(&step.at.to_string()),
            Some(name) => pointer.push_str(&escaped(&shown(scanner, name))),
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

/// So much of a name is looked at to show its beginning, so that many findings below a long name cost
/// no more than they are.
const LOOKED_NAME_BYTES: usize = 1024;

/// A name as a finding shows it: without what is found in it, and cut.
pub(crate) fn shown(scanner: &Scanner, name: &str) -> String {
    let ended = name.len() <= LOOKED_NAME_BYTES;
    let head = name.get(..name.floor_char_boundary(LOOKED_NAME_BYTES)).unwrap_or_default();
    let window = Window { ended, ..Window::whole(head.as_bytes()) };
    let survey = scanner.surveyor.survey(&window);
    // What only the rest of it could tell is not shown.
    let told = head.floor_char_boundary(survey.open(Patience::Exact));
    let head = head.get(..told).unwrap_or_default();
    let mut clusters = hit::clusters(survey.hits, None, 0);
    clusters.retain(|cluster| cluster.edit.start < told);
    let clean = edited(head.as_bytes(), &clusters, None)
        .map_or_else(|| head.to_owned(), |edited| into_text(edited.bytes));
    if ended && clean.chars().count() <= SHOWN_NAME_CHARS {
        return clean;
    }
    clean.chars().take(SHOWN_NAME_CHARS).chain(['…']).collect()
}

/// The beginning of a name, to be shown once it has been looked at.
pub(crate) fn cut(name: &str) -> &str {
    name.get(..name.floor_char_boundary(LOOKED_NAME_BYTES)).unwrap_or_default()
}

/// A path that outlives the borrow of its document: the number of each member or item.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Steps(Vec<usize>);

impl Steps {
    pub(crate) fn new(path: &[Step<'_>]) -> Self {
        Self(path.iter().map(|step| step.at).collect())
    }

    /// The step at this depth; `None` when the path ends before it.
    pub(crate) fn at(&self, depth: usize) -> Option<usize> {
        self.0.get(depth).copied()
    }
}
