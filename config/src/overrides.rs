//! Environment variables that override single keys: `TOLLGATE__ADMIN__BIND` is `admin.bind`.
use crate::errata::Errata;
use crate::parse::integer;
use crate::shape::{Key, Shape};
use crate::signing_variables::VARIABLES;
use crate::tree::{Entry, Kind, Node, Place};
use crate::words::{meant, showable};

/// What every override begins with. A single underscore (`TOLLGATE_…`) is never one.
pub(crate) const PREFIX: &str = "TOLLGATE__";
/// The longest value that is read; more than any text may have.
const VALUE_BYTES_MAX: usize = 16 << 10;

/// Whether [`crate::read`] looks at an environment variable of this name.
pub fn is_read(variable: &str) -> bool {
    variable.starts_with(PREFIX) || VARIABLES.iter().any(|(name, _)| *name == variable)
}

/// The variables that are text; of those that are read, another is a mistake.
pub(crate) fn legible(
    environment: &[(String, String)],
    errata: &mut Errata,
) -> Vec<(String, String)> {
    let is_text = |(name, value): &&(String, String)| {
        let is_text = !is_read(name) || !value.contains(char::REPLACEMENT_CHARACTER);
        if !is_text {
            errata.add(Place::Variable(printable(name)), "", "what it says is not UTF-8");
        }
        is_text
    };
    environment.iter().filter(is_text).cloned().collect()
}

/// Puts the overrides of `environment` into the tree.
pub(crate) fn apply(
    root: &mut Node,
    shape: &Shape,
    environment: &[(String, String)],
    errata: &mut Errata,
) {
    let known = variables(shape);
    for (name, value) in environment {
        if !name.starts_with(PREFIX) {
            continue;
        }
        let place = Place::Variable(printable(name));
        let Some((_, steps, shape)) = known.iter().find(|(known, ..)| known == name) else {
            let draft = errata.add(place, "", "no setting has this name");
            match meant_variable(name, &known) {
                Some(meant) => draft.help(format!("did you mean `{meant}`?")),
                None => draft.help(
                    "only single values outside lists can be set this way; sections are parted by `__`",
                ),
            }
            continue;
        };
        if value.len() > VALUE_BYTES_MAX {
            let message =
                format!("the value has {} bytes, more than {VALUE_BYTES_MAX}", value.len());
            errata.add(place, steps.join("."), message);
            continue;
        }
        put(root, steps, Node::from_variable(name, typed(value, shape)));
    }
}

/// Every variable there is, with the steps to its key and the key's shape.
pub(crate) fn variables(shape: &Shape) -> Vec<(String, Vec<String>, &Shape)> {
    let mut found = Vec::new();
    gather(shape, &mut Vec::new(), &mut found);
    found
}

fn gather<'a>(
    shape: &'a Shape,
    steps: &mut Vec<String>,
    found: &mut Vec<(String, Vec<String>, &'a Shape)>,
) {
    for Key { name, shape, .. } in shape.keys() {
        steps.push(name.clone());
        if shape.is_scalar() {
            let variable = steps.join("__").to_ascii_uppercase();
            found.push((format!("{PREFIX}{variable}"), steps.clone(), shape));
        } else {
            gather(shape, steps, found);
        }
        steps.pop();
    }
}

fn meant_variable<'a>(name: &str, known: &'a [(String, Vec<String>, &Shape)]) -> Option<&'a str> {
    let upper = name.to_ascii_uppercase();
    if let Some((known, ..)) = known.iter().find(|(known, ..)| *known == upper) {
        return Some(known);
    }
    // Compared in lower case, as keys are; the common beginning is no likeness.
    let rest = upper.strip_prefix(PREFIX)?.to_ascii_lowercase();
    let lower: Vec<String> = known
        .iter()
        .map(|(known, ..)| known.trim_start_matches(PREFIX).to_ascii_lowercase())
        .collect();
    let meant = meant(&rest, lower.iter().map(String::as_str))?;
    let nth = lower.iter().position(|word| word == meant)?;
    known.get(nth).map(|(known, ..)| known.as_str())
}

/// A variable's name as it may be told.
fn printable(name: &str) -> String {
    if showable(name) { name.to_owned() } else { format!("{PREFIX}…") }
}

/// A variable is text; the key says what it means.
fn typed(value: &str, shape: &Shape) -> Kind {
    match (shape, value) {
        (Shape::Flag, "true") => Kind::Flag(true),
        (Shape::Flag, "false") => Kind::Flag(false),
        (Shape::Integer { .. }, _) => {
            integer(value).map_or_else(|| Kind::Text(value.to_owned()), Kind::Integer)
        }
        _ => Kind::Text(value.to_owned()),
    }
}

/// Puts a value at the end of some steps, and makes the maps on the way.
pub(crate) fn put(node: &mut Node, steps: &[String], value: Node) {
    // A section of the wrong type is told by the walk.
    let Kind::Map(entries) = &mut node.kind else { return };
    let Some((step, rest)) = steps.split_first() else { return };
    let at = entries.iter().position(|entry| entry.key == *step);
    let value = match (rest, at.and_then(|at| entries.get_mut(at))) {
        ([], Some(entry)) => {
            entry.value = value;
            return;
        }
        (rest, Some(entry)) => return put(&mut entry.value, rest, value),
        ([], None) => value,
        (rest, None) => {
            let mut section =
                Node { kind: Kind::Map(Vec::new()), place: value.place.clone(), extent: 0..0 };
            put(&mut section, rest, value);
            section
        }
    };
    entries.push(Entry { key: step.clone(), place: value.place.clone(), extent: 0..0, value });
}
