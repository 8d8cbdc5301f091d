//! What is known, not guessed: the customer's records and documents, canaries, and the gate's own
//! secrets. All of it is held as keyed hashes and looked for in every text.
//!
//! ```
//! use std::sync::Arc;
//! use tollgate_dlp::known::{Column, Form, Known, KnownKey, RecordBuilder, RecordUse};
//! use tollgate_dlp::Scanner;
//!
//! let key = KnownKey::derive(b"0123456789abcdef0123456789abcdef").map_err(|e| e.to_string())?;
//! let column = |name: &str, form| Column { name: name.to_owned(), form };
//! let columns = vec![column("name", Form::Words), column("customer", Form::Exact)];
//! let mut builder = RecordBuilder::new(&key, columns).map_err(|e| e.to_string())?;
//! builder.row(["Zoë Müller-Lüdenscheidt", "C-0042-7"].into_iter());
//!
//! let mut known = Known::default();
//! known.add_records(builder.finish(), RecordUse::named("customers")).map_err(|e| e.to_string())?;
//! let scanner = Scanner::new().map_err(|e| e.to_string())?.with_known(Arc::new(known));
//! let found = scanner.scan("account c-0042-7 of zoë MÜLLER lüdenscheidt".as_bytes());
//! assert!(found.is_empty(), "`exact` minds the case");
//! let found = scanner.scan("account C-0042-7 of zoë MÜLLER lüdenscheidt".as_bytes());
//! assert_eq!(found.len(), 2);
//! assert_eq!(found[0].class.as_str(), "known.record");
//! # Ok::<(), String>(())
//! ```
use std::fmt;
use std::sync::Arc;

use crate::engine::{Outcome, Span, Window};
use crate::name::Name;
use crate::tape::Tape;

mod fetched;
mod file;
mod form;
mod key;
mod prints;
mod records;
mod table;
mod together;
mod values;
mod words;
mod written;

pub use fetched::Fetched;
pub use file::IndexError;
pub use form::Form;
pub use key::{KeyTooShort, KnownKey};
pub use prints::{Document, DocumentBuilder, DocumentIndex, DocumentStats};
pub use records::{Column, ColumnsError, RecordBuilder, RecordIndex, RecordStats};
pub(crate) use values::{CREDENTIAL, PLACEHOLDER};
pub use values::{Secret, ValueError, Values};

use prints::Documents;
use records::Records;
use together::{Cell, Row, Rule};
use words::Stretch;

/// The classes of what is known.
pub(crate) const CLASSES: [&str; 6] = [
    records::CLASS,
    prints::CLASS,
    values::CANARY,
    values::CREDENTIAL,
    values::OWN,
    values::PLACEHOLDER,
];

/// How an index of records is used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordUse {
    /// What its findings are called after.
    pub name: String,
    /// The columns whose cells are findings alone. `None`: mail addresses, digits and codes.
    pub alone: Option<Vec<String>>,
    /// How many columns of one row that stand close together are findings; 0 when none are.
    pub together: usize,
}

impl RecordUse {
    /// As most are used: two columns together.
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), alone: None, together: 2 }
    }
}

/// A column that an index does not have.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the index has no column `{column}`, only {columns}")]
pub struct NoColumn {
    column: String,
    columns: String,
}

/// Everything that is known, ready to be looked for.
#[derive(Default)]
pub struct Known {
    values: Option<Values>,
    fetched: Option<Arc<Fetched>>,
    records: Vec<Records>,
    documents: Vec<Documents>,
}

/// Rows that a document holds several columns of, for each index of records.
pub(crate) type Rows = Vec<Vec<u32>>;

impl Known {
    /// Looks for these values.
    pub fn set_values(&mut self, values: Values) {
        self.values = Some(values).filter(|values| !values.is_empty());
    }

    /// Looks for what these are at the time.
    pub fn set_fetched(&mut self, fetched: Arc<Fetched>) {
        self.fetched = Some(fetched);
    }

    /// Looks for these records.
    pub fn add_records(&mut self, index: RecordIndex, how: RecordUse) -> Result<(), NoColumn> {
        let columns = index.columns();
        let listed = |column: &Column| match &how.alone {
            Some(alone) => alone.contains(&column.name),
            None => matches!(column.form, Form::Email | Form::Digits | Form::Code),
        };
        let missing = |name: &&String| columns.iter().all(|column| column.name != **name);
        if let Some(column) = how.alone.iter().flatten().find(missing) {
            let names: Vec<String> =
                columns.iter().map(|column| format!("`{}`", column.name)).collect();
            return Err(NoColumn { column: column.clone(), columns: names.join(", ") });
        }
        let alone = columns.iter().map(listed).collect();
        let rule = Rule { alone, together: how.together };
        let detector: Name = Arc::<str>::from(how.name).into();
        self.records.push(Records { index, detector, rule });
        Ok(())
    }

    /// Looks for passages of these documents: so many fingerprints close together.
    pub fn add_documents(&mut self, index: DocumentIndex, name: &str, prints: usize) {
        self.documents.push(Documents::new(index, name, prints));
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.values.is_none()
            && self.fetched.is_none()
            && self.records.is_empty()
            && self.documents.is_empty()
    }

    /// Looks through a window, but not in private key blocks. `rows` are found wherever a cell of
    /// theirs stands.
    pub(crate) fn look(
        &self,
        window: &Window<'_>,
        blocks: &[Span],
        rows: &[Vec<u32>],
        sink: &mut dyn FnMut(Outcome),
    ) {
        words::stretches(window, blocks, |stretch| {
            if let Some(values) = &self.values {
                values.look(&stretch, sink);
            }
            if let Some(fetched) = &self.fetched {
                fetched.look(&stretch, sink);
            }
            for (number, records) in self.records.iter().enumerate() {
                let rows = rows.get(number).map(Vec::as_slice).unwrap_or_default();
                records.look(&stretch, rows, sink);
            }
            for documents in &self.documents {
                documents.look(&stretch, sink);
            }
        });
    }

    /// How many of a text's last bytes may be the beginning of a value.
    pub(crate) fn ends_in(&self, text: &[u8]) -> usize {
        let values = self.values.as_ref().map_or(0, |values| values.ends_in(text));
        let fetched = self.fetched.as_ref().map_or(0, |fetched| fetched.ends_in(text));
        values.max(fetched)
    }

    /// Another number once more is known.
    pub(crate) fn version(&self) -> u64 {
        self.fetched.as_ref().map_or(0, |fetched| fetched.added())
    }

    /// Whether all that is known is values, which are found letter for letter wherever they stand.
    pub(crate) fn is_of_values(&self) -> bool {
        self.records.is_empty() && self.documents.is_empty()
    }

    /// The rows of which enough columns stand near each other in a document, in whatever strings.
    pub(crate) fn rows(&self, document: &Tape) -> Rows {
        let wanted = |records: &Records| records.rule.together > 1;
        if !self.records.iter().any(wanted) {
            return Rows::new();
        }
        let mut all: Vec<Vec<Cell>> = self.records.iter().map(|_| Vec::new()).collect();
        let mut base = 0;
        for text in document.texts() {
            let window = Window::whole(text.as_bytes());
            let stretch = Stretch { window, start: 0, end: text.len() };
            for (records, cells) in self.records.iter().zip(&mut all) {
                if wanted(records) {
                    let found = records.cells(&stretch, &mut |_| ());
                    cells.extend(found.into_iter().map(|cell| cell.moved(base)));
                }
            }
            base += text.len() + 1;
        }
        let rows = |(records, cells): (&Records, Vec<Cell>)| {
            let table = &records.index.table;
            Row { table, wanted: records.rule.together }.spread(&cells)
        };
        self.records.iter().zip(all).map(rows).collect()
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known")
            .field("values", &self.values.as_ref().map_or(0, Values::len))
            .field("records", &self.records.len())
            .field("documents", &self.documents.len())
            .finish()
    }
}
