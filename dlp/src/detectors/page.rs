//! The page of all detectors.
use std::fmt::Write;

use super::CatalogueEntry;
use crate::finding::Grade;

const HEAD: &str = "\
# Detectors

What is looked for, by family. `tollgate dlp detectors NAME` shows one with its examples. The grade
is the best that a detector gives; `by context` where only the surroundings tell.

";

/// Detectors as a page of Markdown, by family and name. `DETECTORS.md` of this crate is this text
/// for all of them.
pub fn detectors_page(entries: impl IntoIterator<Item = CatalogueEntry>) -> String {
    let mut entries: Vec<_> = entries.into_iter().collect();
    entries.sort_by_key(|entry| (entry.family(), entry.class, entry.name));
    let mut text = String::from(HEAD);
    let mut family = "";
    for entry in entries {
        if entry.family() != family {
            let gap = if family.is_empty() { "" } else { "\n" };
            family = entry.family();
            let _ = write!(
                text,
                "{gap}## {family}\n\n| detector | class | grade | what | source | examples |\n\
                 | --- | --- | --- | --- | --- | --- |\n"
            );
        }
        let _ = writeln!(
            text,
            "| `{}` | `{}` | {} | {} | {} | {} + {} |",
            entry.name,
            entry.class,
            entry.grade.map_or("by context", Grade::as_str),
            cell(entry.about),
            cell(entry.source),
            entry.examples.len(),
            entry.counter_examples.len(),
        );
    }
    text
}

/// A text that does not end its cell, and in which nothing is taken for a tag.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('\n', " ")
}
