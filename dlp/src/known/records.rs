//! Records: cells of the customer's own tables, found in texts by their keyed hashes.
use memchr::memchr_iter;
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher24;

use super::file::{self, IndexError, Kind};
use super::form::{Form, Written};
use super::key::KnownKey;
use super::table::{Entry, Found, SECTIONS, Table};
use super::together::{Cell, Rule, WINDOW_BYTES, together};
use super::words::{Next, Stretch, WORD_BYTES, Word};
use crate::engine::boundary::{Side, tag_before};
use crate::engine::hit::Rank;
use crate::engine::{Hit, Open, Outcome, Span};
use crate::name::Name;

pub(super) const CLASS: &str = "known.record";
pub(super) const TAG: &str = "[REDACTED:RECORD]";
/// RFC 5321 section 4.5.3.1.1.
const LOCAL_BYTES: usize = 64;

/// A column of the records.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What its values are.
    pub form: Form,
}

/// How long the values of a form are: what is not so long is not looked up.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reach {
    /// Lengths of whole values, as they are written down; a bit each.
    whole: Lengths,
    /// Lengths of their first words.
    first: Lengths,
    /// The most words of a value.
    words: usize,
}

/// A set of lengths.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<u8>", into = "Vec<u8>")]
struct Lengths(u128);

impl Lengths {
    fn add(&mut self, length: usize) {
        self.0 |= u32::try_from(length).ok().and_then(|bit| 1_u128.checked_shl(bit)).unwrap_or(0);
    }

    #[inline]
    fn has(self, length: usize) -> bool {
        length < 128 && self.0 >> length & 1 == 1
    }
}

impl From<Vec<u8>> for Lengths {
    fn from(lengths: Vec<u8>) -> Self {
        let mut all = Self::default();
        lengths.into_iter().for_each(|length| all.add(usize::from(length)));
        all
    }
}

impl From<Lengths> for Vec<u8> {
    fn from(lengths: Lengths) -> Self {
        (0..128).filter(|length| lengths.has(usize::from(*length))).collect()
    }
}

/// What the head of the file says.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    columns: Vec<Column>,
    rows: u32,
    cells: u64,
    skipped: u64,
    /// By the number of the form.
    reaches: [Reach; 5],
}

/// An index of records, as it was built or read.
pub struct RecordIndex {
    hasher: SipHasher24,
    key: String,
    about: About,
    pub(super) table: Table,
}

/// Counts of an index; nothing of what is in it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct RecordStats {
    /// Which key it was made with.
    pub key: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Rows that were read.
    pub rows: u32,
    /// Cells that are found.
    pub cells: u64,
    /// Cells that are empty, too short, too long, or not of their column's form.
    pub skipped: u64,
    /// Bytes it holds.
    pub bytes: usize,
}

impl RecordIndex {
    /// Reads a file.
    pub fn read(file: &[u8], key: &KnownKey) -> Result<Self, IndexError> {
        let (about, sections): (About, _) =
            file::read(file, (Kind::Records, "records"), key, SECTIONS)?;
        let unread = IndexError::Unread { part: "table", start: 0 };
        let table = Table::read(sections).ok_or(unread)?;
        Ok(Self { hasher: key.cells, key: key.id(), about, table })
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.about.columns
    }

    /// What it holds, counted.
    pub fn stats(&self) -> RecordStats {
        RecordStats {
            key: self.key.clone(),
            columns: self.about.columns.clone(),
            rows: self.about.rows,
            cells: self.about.cells,
            skipped: self.about.skipped,
            bytes: self.table.bytes(),
        }
    }
}

/// Builds an index, row by row. No cell is kept.
pub struct RecordBuilder {
    key: KnownKey,
    about: About,
    entries: Vec<Entry>,
}

/// Columns that make no index.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ColumnsError {
    /// Not one, or too many for one byte.
    #[error("an index has between 1 and {max} columns, and this has {0}", max = RecordBuilder::COLUMNS_MAX)]
    Count(usize),
    /// Two of one name.
    #[error("two columns are called `{0}`")]
    Twice(String),
}

impl RecordBuilder {
    /// More have no number.
    pub const COLUMNS_MAX: usize = 200;

    /// A builder without rows.
    pub fn new(key: &KnownKey, columns: Vec<Column>) -> Result<Self, ColumnsError> {
        if columns.is_empty() || columns.len() > Self::COLUMNS_MAX {
            return Err(ColumnsError::Count(columns.len()));
        }
        for (at, column) in columns.iter().enumerate() {
            if columns.iter().take(at).any(|other| other.name == column.name) {
                return Err(ColumnsError::Twice(column.name.clone()));
            }
        }
        let reaches = Default::default();
        let about = About { columns, rows: 0, cells: 0, skipped: 0, reaches };
        Ok(Self { key: key.clone(), about, entries: Vec::new() })
    }

    /// Adds a row: its cells in the order of the columns. What is missing or cannot be found is
    /// counted and skipped.
    pub fn row<'c>(&mut self, cells: impl Iterator<Item = &'c str>) {
        let row = self.about.rows;
        self.about.rows = row.saturating_add(1);
        let forms: Vec<Form> = self.about.columns.iter().map(|column| column.form).collect();
        for ((column, form), cell) in (0..).zip(forms).zip(cells) {
            match self.cell(form, cell, (row, column)) {
                Some(()) => self.about.cells += 1,
                None => self.about.skipped += 1,
            }
        }
    }

    fn cell(&mut self, form: Form, cell: &str, (row, column): (u32, u8)) -> Option<()> {
        let (value, first, words) = written(form, cell)?;
        if form.is_weak(&value) {
            return None;
        }
        let reach = self.about.reaches.get_mut(form as usize)?;
        reach.whole.add(value.text().len());
        let length = first.text().len();
        // A letter beyond ASCII may have more bytes, or fewer, in the other case.
        let play = if first.text().is_ascii() { 0 } else { 4 };
        (length.saturating_sub(play)..=length + play).for_each(|length| reach.first.add(length));
        reach.words = reach.words.max(words);
        let hash = self.key.cells.hash(value.hashed());
        self.entries.push(Entry { hash, row, column });
        if words > 1 && matches!(form, Form::Exact | Form::Words) {
            self.entries.push(Entry::lead(self.key.cells.hash(first.hashed())));
            // Leads repeat without end; now and then they are made few again.
            if self.entries.len() == self.entries.capacity() {
                self.entries.sort_unstable();
                self.entries.dedup();
            }
        }
        Some(())
    }

    /// The index.
    pub fn finish(self) -> RecordIndex {
        let table = Table::build(self.entries);
        RecordIndex { hasher: self.key.cells, key: self.key.id(), about: self.about, table }
    }

    /// The index as a file.
    pub fn write(self) -> (RecordStats, Vec<u8>) {
        let key = self.key.clone();
        let index = self.finish();
        let [offsets, entries, filter] = index.table.sections();
        let [a, b, c] = SECTIONS;
        let sections = [(a, offsets), (b, entries), (c, filter)];
        let file = file::write(Kind::Records, &key, &index.about, &sections);
        (index.stats(), file)
    }
}

/// A cell as a text would be asked for it: the value, its first word, and how many words it has.
/// `None` when no text can hold it so that it is found.
fn written(form: Form, cell: &str) -> Option<(Written, Written, usize)> {
    let window = crate::engine::Window::whole(cell.as_bytes());
    let stretch = Stretch { window, start: 0, end: cell.len() };
    if form == Form::Email {
        let at = memchr_iter(b'@', cell.as_bytes()).next()?;
        let span = address(&stretch, at)?;
        let value = Written::new(form, stretch.part(span.start, span.end))?;
        return (cell.trim().len() == span.end - span.start).then_some((value, value, 1));
    }
    let first = stretch.word(0)?;
    let (mut last, mut words) = (first, 1);
    while let Next::Word(word) = stretch.next(last.end) {
        (last, words) = (word, words + 1);
    }
    let fits = |word: &Word| form != Form::Digits || word.digits;
    let whole = stretch.word(last.end).is_none() && words <= form.words_max() && fits(&first);
    let value = Written::new(form, stretch.part(first.start, last.end)).filter(|_| whole)?;
    let head = Written::new(form, stretch.part(first.start, first.end))?;
    let second = match stretch.next(first.end) {
        Next::Word(word) => word.digit,
        _ => false,
    };
    let coded = form != Form::Code || first.digit || second;
    coded.then_some((value, head, words))
}

/// Where the mail address around the `@` at `at` begins, and where its domain may end.
fn around(stretch: &Stretch<'_>, at: usize) -> (usize, usize) {
    let window = &stretch.window;
    let start = window.run_back(at, LOCAL_BYTES, in_local).max(stretch.start);
    (start, window.run(at + 1, WORD_BYTES, in_domain).min(stretch.end))
}

/// The mail address around an `@`.
fn address(stretch: &Stretch<'_>, at: usize) -> Option<Span> {
    let (start, end) = around(stretch, at);
    let cut = at - start >= LOCAL_BYTES || tag_before(&stretch.window, start);
    // A full stop or a hyphen at the end belongs to the sentence.
    let back = stretch.part(at + 1, end).iter().rev().take_while(|b| b"-.".contains(b)).count();
    (start < at && end - back > at + 1 && !cut).then(|| Span::new(start, end - back))
}

fn in_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-')
}

fn in_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
}

/// An index in use, with what counts as a finding.
pub(super) struct Records {
    pub(super) index: RecordIndex,
    pub(super) detector: Name,
    pub(super) rule: Rule,
}

impl Records {
    /// Looks through a stretch.
    pub(super) fn look(&self, stretch: &Stretch<'_>, rows: &[u32], sink: &mut dyn FnMut(Outcome)) {
        let cells = self.cells(stretch, sink);
        if cells.is_empty() {
            return;
        }
        let grades = together(&self.index.table, &self.rule, stretch, &cells, rows);
        for (cell, grade) in cells.iter().zip(grades) {
            if let Some(grade) = grade {
                sink(Outcome::Hit(Hit::new(
                    (self.detector.clone(), CLASS),
                    grade,
                    cell.span,
                    (TAG, Rank::Shape),
                )));
            }
            let waits = self.rule.together > 0
                && stretch.goes_on()
                && stretch.end < cell.span.start + WINDOW_BYTES;
            if waits {
                sink(Outcome::Open(Open { from: cell.span.start, serious: false }));
            }
        }
    }

    /// Every cell in a stretch, in the order of their places.
    pub(super) fn cells(&self, stretch: &Stretch<'_>, sink: &mut dyn FnMut(Outcome)) -> Vec<Cell> {
        let mut seek = Seek { records: self, stretch, sink, cells: Vec::new() };
        seek.addresses();
        seek.words();
        let mut cells = seek.cells;
        cells.sort_unstable_by_key(|cell| (cell.span.start, cell.span.end));
        cells
    }

    fn reach(&self, form: Form) -> Option<&Reach> {
        self.index.about.reaches.get(form as usize).filter(|reach| reach.words > 0)
    }
}

/// One search.
struct Seek<'a, 't, 's> {
    records: &'a Records,
    stretch: &'a Stretch<'t>,
    sink: &'s mut dyn FnMut(Outcome),
    cells: Vec<Cell>,
}

impl Seek<'_, '_, '_> {
    fn addresses(&mut self) {
        if self.records.reach(Form::Email).is_none() {
            return;
        }
        let stretch = self.stretch;
        for at in memchr_iter(b'@', stretch.part(stretch.start, stretch.end)) {
            let at = stretch.start + at;
            let (start, end) = around(stretch, at);
            if stretch.goes_on() && end == stretch.end && end < at + 1 + WORD_BYTES {
                self.open(start, true);
            } else if let Some(span) = address(stretch, at) {
                self.look_up(Form::Email, span);
            }
        }
        if stretch.goes_on() {
            let start = stretch.window.run_back(stretch.end, LOCAL_BYTES, in_local);
            if start < stretch.end {
                self.open(start.max(stretch.start), false);
            }
        }
    }

    fn words(&mut self) {
        let reach = |form| self.records.reach(form);
        let spread = [Form::Exact, Form::Words].map(|form| Some((form, reach(form)?.clone())));
        let joined = [Form::Digits, Form::Code].map(|form| Some((form, reach(form)?.clone())));
        if spread.iter().chain(&joined).all(Option::is_none) {
            return;
        }
        let mut from = self.stretch.start;
        while let Some(word) = self.stretch.word(from) {
            from = word.end;
            if let Some(end) = self.stretch.tag_around(word) {
                from = end;
                continue;
            }
            let open = self.stretch.is_open(word.end);
            if open && word.len() <= WORD_BYTES {
                self.open(word.start, false);
                continue;
            }
            if word.len() > WORD_BYTES || !self.stretch.may_begin(word.start) {
                continue;
            }
            for (form, reach) in spread.iter().flatten() {
                self.spread(*form, reach, word);
            }
            for (form, reach) in joined.iter().flatten() {
                if *form == Form::Code || word.digits {
                    self.joined(*form, reach, word);
                }
            }
        }
        // A word may begin with a character of which only the beginning is there.
        if let Some(from) = self.stretch.cut_from() {
            self.open(from, false);
        }
    }

    /// Values whose first word is known to begin one.
    #[inline]
    fn spread(&mut self, form: Form, reach: &Reach, word: Word) {
        let known = reach.first.has(word.len());
        if !known || !self.look_up(form, Span::new(word.start, word.end)) {
            return;
        }
        let mut end = word.end;
        for _ in 1..reach.words {
            let next = match self.stretch.next(end) {
                Next::Word(next) => next,
                Next::Nothing => return,
                Next::Dry => return self.open(word.start, true),
            };
            if self.stretch.is_open(next.end) {
                return self.open(word.start, true);
            }
            end = next.end;
            if end - word.start > 2 * WORD_BYTES {
                return;
            }
            self.look_up(form, Span::new(word.start, end));
        }
    }

    /// Values whose words count as one.
    fn joined(&mut self, form: Form, reach: &Reach, word: Word) {
        let (mut end, mut count) = (word.end, word.len());
        let mut digit = word.digit;
        for number in 1..=form.words_max() {
            let coded = form == Form::Digits || digit;
            if coded && reach.whole.has(count) {
                self.look_up(form, Span::new(word.start, end));
            }
            if number == 2 && !coded {
                return;
            }
            let next = match self.stretch.next(end) {
                Next::Word(next) => next,
                Next::Nothing => return,
                Next::Dry => return self.open(word.start, false),
            };
            if self.stretch.is_open(next.end) {
                return self.open(word.start, false);
            }
            if form == Form::Digits && !next.digits {
                return;
            }
            digit |= next.digit;
            count += next.len();
            end = next.end;
            if reach.whole.0 >> count.min(127) == 0 {
                return;
            }
        }
    }

    /// Looks a value up; whether a longer one may begin so.
    #[inline]
    fn look_up(&mut self, form: Form, span: Span) -> bool {
        let Some(value) = Written::new(form, self.stretch.part(span.start, span.end)) else {
            return false;
        };
        let index = &self.records.index;
        let Some(found) = index.table.find(index.hasher.hash(value.hashed())) else {
            return false;
        };
        self.found(form, span, &value, found);
        found.leads
    }

    #[cold]
    fn found(&mut self, form: Form, span: Span, value: &Written, found: Found) {
        if found.start == found.end {
            return;
        }
        match self.stretch.side(span.end) {
            Side::Taken => return,
            Side::Unknown => return self.open(span.start, true),
            Side::Free => {}
        }
        let telling = form.is_telling(value);
        self.cells.push(Cell { span, found, telling });
    }

    fn open(&mut self, from: usize, serious: bool) {
        (self.sink)(Outcome::Open(Open { from, serious }));
    }
}
