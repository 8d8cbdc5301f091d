//! What becomes of a document: all its changes, done in one walk over what they change.
use std::collections::{HashMap, HashSet};
use std::fmt;

use serde_json::{Map, Value};

use crate::pointer::{Part, Step, Steps};

/// A text of a document that becomes another one.
pub(crate) struct Change {
    steps: Steps,
    part: Part,
    clean: Value,
}

impl Change {
    pub(crate) fn new(path: &[Step<'_>], part: Part, clean: Value) -> Self {
        Self { steps: Steps::new(path), part, clean }
    }
}

/// What is to become of a document.
#[derive(Default)]
pub struct Changes(Vec<Change>);

impl Changes {
    pub(crate) fn new(mut changes: Vec<Change>) -> Self {
        // A name comes before its value, and that before what it has.
        changes.sort_by(|one, two| one.steps.cmp(&two.steps));
        Self(changes)
    }

    /// Whether it stays as it is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Changes the document that was looked at.
    pub fn apply(mut self, document: &mut Value) {
        // The document itself has no name.
        _ = here(document, 0, &mut self.0);
    }
}

/// How many there are, and none of them.
impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Changes").field(&self.0.len()).finish()
    }
}

/// Changes a value; gives the name that it gets, if it gets another.
fn here(value: &mut Value, depth: usize, changes: &mut [Change]) -> Option<String> {
    let mine = changes.iter().take_while(|change| change.steps.at(depth).is_none()).count();
    let (mine, inside) = changes.split_at_mut(mine);
    let mut name = None;
    for change in mine {
        match (change.part, change.clean.take()) {
            (Part::Key, Value::String(clean)) => name = Some(clean),
            (Part::Key, _) => {}
            (Part::Value | Part::Number, clean) => *value = clean,
        }
    }
    if !inside.is_empty() {
        below(value, depth, inside);
    }
    name
}

/// Changes what a value has.
fn below(value: &mut Value, depth: usize, changes: &mut [Change]) {
    let step = |change: &Change| change.steps.at(depth);
    let runs = changes.chunk_by_mut(|one, two| step(one) == step(two));
    let runs = runs.filter_map(|run| Some((run.first().and_then(step)?, run)));
    match value {
        Value::Array(items) => {
            for (at, run) in runs {
                if let Some(item) = items.get_mut(at) {
                    // An item has no name.
                    _ = here(item, depth + 1, run);
                }
            }
        }
        Value::Object(members) => {
            let mut names = Vec::new();
            let mut values = members.values_mut().enumerate();
            for (at, run) in runs {
                if let Some((_, member)) = values.find(|(nth, _)| *nth == at) {
                    names.extend(here(member, depth + 1, run).map(|name| (at, name)));
                }
            }
            if !names.is_empty() {
                rename(members, names);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Gives members other names, in their places, and never that of another member: of two that would
/// have the same, the last gets it and the others get a count behind them.
fn rename(members: &mut Map<String, Value>, names: Vec<(usize, String)>) {
    let mut taken: HashSet<String> = members.keys().cloned().collect();
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut renamed: HashMap<usize, String> = HashMap::new();
    for (at, clean) in names.into_iter().rev() {
        let count = counts.entry(clean.clone()).or_insert(0);
        let new = loop {
            *count += 1;
            let new = if *count == 1 { clean.clone() } else { format!("{clean} {count}") };
            if !taken.contains(&new) {
                break new;
            }
        };
        taken.insert(new.clone());
        renamed.insert(at, new);
    }
    let old = std::mem::take(members).into_iter().enumerate();
    *members =
        old.map(|(at, (name, value))| (renamed.remove(&at).unwrap_or(name), value)).collect();
}
