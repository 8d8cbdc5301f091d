//! What is wrong with a configuration, told to a person.
use std::fmt;
use std::sync::Arc;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode, SourceSpan,
};

use crate::errata::Draft;
use crate::page::{Page, tame};
use crate::tree::Place;

/// Every mistake of one configuration, in the order of the file; those of environment variables
/// come last.
///
/// What may be a secret is in no message, and is covered in the source that comes with it.
#[derive(Clone, thiserror::Error)]
#[error("{} in `{}`", counted(.all.len()), .file_name)]
pub struct Mistakes {
    file_name: String,
    all: Vec<Mistake>,
}

fn counted(number: usize) -> String {
    if number == 1 { "1 mistake".to_owned() } else { format!("{number} mistakes") }
}

impl Mistakes {
    pub(crate) fn new(file_name: &str, shown: String, all: impl Iterator<Item = Mistake>) -> Self {
        let source = Arc::new(Page::new(file_name, shown));
        let all = all.map(|mistake| Mistake { source: Arc::clone(&source), ..mistake }).collect();
        Self { file_name: tame(file_name), all }
    }

    /// The mistakes one by one.
    pub fn iter(&self) -> std::slice::Iter<'_, Mistake> {
        self.all.iter()
    }

    /// All mistakes with their lines and carets, for a terminal; `colour` adds ANSI colours.
    pub fn render(&self, colour: bool) -> String {
        let theme =
            if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_context_lines(1)
            .with_links(false)
            .with_width(100);
        let mut text = format!("{self}\n");
        for mistake in &self.all {
            text.push('\n');
            // Writing to a String cannot fail; a span that miette cannot read still leaves the
            // sentence itself.
            let before = text.len();
            if handler.render_report(&mut text, mistake).is_err() {
                text.truncate(before);
                text.push_str(&format!("  × {mistake}\n"));
            }
        }
        text
    }
}

impl<'a> IntoIterator for &'a Mistakes {
    type Item = &'a Mistake;
    type IntoIter = std::slice::Iter<'a, Mistake>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.all).finish()
    }
}

impl Diagnostic for Mistakes {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.all.iter().map(|mistake| mistake as &dyn Diagnostic)))
    }
}

/// One mistake and its place.
#[derive(Clone)]
pub struct Mistake {
    place: Place,
    path: String,
    message: String,
    help: Option<String>,
    dark: bool,
    source: Arc<Page>,
}

impl Mistake {
    pub(crate) fn new(draft: Draft, dark: bool) -> Self {
        let Draft { place, path, message, help } = draft;
        let source = Arc::new(Page::new("", String::new()));
        Self { place, path, message, help, dark, source }
    }

    /// Its line in the file, from 1.
    pub fn line(&self) -> Option<usize> {
        match self.place {
            Place::File { line, .. } => Some(line),
            _ => None,
        }
    }

    /// Its column in the file, from 1, in characters.
    pub fn column(&self) -> Option<usize> {
        match self.place {
            Place::File { column, .. } => Some(column),
            _ => None,
        }
    }

    /// The environment variable that it is in, when it is in none of the file's lines.
    pub fn variable(&self) -> Option<&str> {
        match &self.place {
            Place::Variable(name) => Some(name),
            _ => None,
        }
    }

    /// The key that it is about, such as `listeners[1].bind`; empty for the file as a whole.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What would be right.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Place::Variable(name) = &self.place {
            write!(f, "`{name}`: ")?;
        } else if !self.path.is_empty() {
            write!(f, "`{}`: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match self.place {
            Place::File { line, column, .. } if self.dark => write!(
                f,
                " (line {line}, column {column}; the line is not shown, it may hold a secret)"
            ),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mistake")
            .field("place", &self.place)
            .field("path", &self.path)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Mistake {}

impl Diagnostic for Mistake {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        match self.place {
            Place::File { .. } if !self.dark => Some(self.source.as_ref()),
            _ => None,
        }
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let Place::File { bytes, .. } = &self.place else { return None };
        let span = SourceSpan::from(bytes.clone());
        (!self.dark).then(|| Box::new(std::iter::once(LabeledSpan::underline(span))) as _)
    }
}
