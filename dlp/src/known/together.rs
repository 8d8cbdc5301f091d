//! Cells of one row that stand close together.
use super::table::{Found, LEAD, Table};
use super::words::Stretch;
use crate::engine::{Span, boundary};
use crate::finding::Grade;

/// Within how many bytes the cells of a row must stand. With the longest tag before it this is
/// less than a check may look back.
pub(crate) const WINDOW_BYTES: usize = 256;
/// Within how many bytes of strings they must stand in a JSON document.
const DOCUMENT_BYTES: usize = 1024;
/// How many rows of a JSON document are told by their cells anywhere in it.
const ROWS_NAMED: usize = 256;
/// How many cells before one are looked at with it, the nearest first.
const CELLS_BEFORE: usize = 12;
/// A value that more rows share tells none of them; it only speaks for a row that another names.
const ROWS_SHARED: usize = 128;
/// How many rows that two cells share are looked at.
const ROWS_TRIED: usize = 16;

/// A value of the index in the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    pub(super) span: Span,
    pub(super) found: Found,
    /// Whether it says by itself whose it is.
    pub(super) telling: bool,
}

impl Cell {
    /// The same cell, counted from elsewhere.
    pub(super) fn moved(mut self, by: usize) -> Self {
        self.span = Span::new(self.span.start + by, self.span.end + by);
        self
    }
}

/// What counts as a finding.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// Which columns' cells are findings alone, by number.
    pub(super) alone: Vec<bool>,
    /// How many columns of one row are a finding; 0 when none are.
    pub(super) together: usize,
}

/// What each cell is: `None` when it is no finding.
pub(super) fn together(
    table: &Table,
    rule: &Rule,
    stretch: &Stretch<'_>,
    cells: &[Cell],
    rows: &[u32],
) -> Vec<Option<Grade>> {
    let alone = |cell: &Cell| {
        let mut columns = (cell.found.start..cell.found.end).take(ROWS_TRIED);
        let listed = columns.any(|at| {
            let column = table.column(at);
            column != LEAD && rule.alone.get(usize::from(column)).copied().unwrap_or(false)
        });
        let named = || rows.iter().any(|row| table.row_in(cell.found, *row).is_some());
        ((listed && cell.telling) || named()).then_some(Grade::Certain)
    };
    let mut grades: Vec<Option<Grade>> = cells.iter().map(alone).collect();
    if rule.together < 2 {
        return grades;
    }
    let row = Row { table, wanted: rule.together };
    for (last, cell) in cells.iter().enumerate() {
        let before = cells.get(..last).unwrap_or_default();
        let near = before.iter().enumerate().rev().take(CELLS_BEFORE);
        let near = near.take_while(|(_, other)| other.span.start + WINDOW_BYTES >= cell.span.end);
        let near: Vec<usize> = near
            .take_while(|(_, other)| {
                let between = stretch.part(other.span.end.min(cell.span.start), cell.span.start);
                !boundary::has_tag(between)
            })
            .map(|(at, _)| at)
            .collect();
        for other in &near {
            let Some(other) = cells.get(*other) else { continue };
            if other.span.end > cell.span.start {
                continue;
            }
            for shared in row.shared(cell.found, other.found) {
                let Some((members, grade)) = row.members(cells, (last, cell), &near, shared) else {
                    continue;
                };
                for member in members {
                    if let Some(known) = grades.get_mut(member) {
                        *known = (*known).max(Some(grade));
                    }
                }
            }
        }
    }
    grades
}

/// Looks for the cells of one row.
pub(super) struct Row<'a> {
    pub(super) table: &'a Table,
    pub(super) wanted: usize,
}

impl Row<'_> {
    /// Rows that have both.
    pub(super) fn shared(&self, one: Found, other: Found) -> impl Iterator<Item = u32> + '_ {
        let rows = |found: Found| found.end - found.start;
        let (few, many) = if rows(one) <= rows(other) { (one, other) } else { (other, one) };
        let tried = if rows(few) > ROWS_SHARED { 0 } else { rows(few) };
        let rows = (few.start..few.start + tried).map(|at| self.table.row(at));
        rows.filter(move |row| self.table.row_in(many, *row).is_some()).take(ROWS_TRIED)
    }

    /// The rows of which enough columns stand near each other in a document.
    pub(super) fn spread(&self, cells: &[Cell]) -> Vec<u32> {
        let mut rows = Vec::new();
        for (last, cell) in cells.iter().enumerate() {
            let before = cells.get(..last).unwrap_or_default().iter().enumerate().rev();
            let near = before.take(CELLS_BEFORE);
            let near: Vec<usize> = near
                .take_while(|(_, other)| other.span.start + DOCUMENT_BYTES >= cell.span.end)
                .map(|(at, _)| at)
                .collect();
            for other in near.iter().filter_map(|at| cells.get(*at)) {
                let apart = other.span.end <= cell.span.start;
                for row in self.shared(cell.found, other.found).filter(|_| apart) {
                    if !rows.contains(&row)
                        && rows.len() < ROWS_NAMED
                        && self.members(cells, (last, cell), &near, row).is_some()
                    {
                        rows.push(row);
                    }
                }
            }
        }
        rows
    }

    /// The cells of the row among these, if they are of enough columns.
    fn members(
        &self,
        cells: &[Cell],
        (last, cell): (usize, &Cell),
        near: &[usize],
        row: u32,
    ) -> Option<(Vec<usize>, Grade)> {
        let mut members = vec![last];
        let mut columns = vec![self.column(cell, row)?];
        let mut start = cell.span.start;
        let mut telling = cell.telling;
        for at in near {
            let Some(other) = cells.get(*at) else { continue };
            let Some(column) = self.column(other, row) else { continue };
            if other.span.end > start || columns.contains(&column) {
                continue;
            }
            members.push(*at);
            columns.push(column);
            start = other.span.start;
            telling |= other.telling;
        }
        let grade = if telling || columns.len() > 2 { Grade::Certain } else { Grade::Likely };
        (columns.len() >= self.wanted).then_some((members, grade))
    }

    /// Which column of the row this cell is.
    pub(super) fn column(&self, cell: &Cell, row: u32) -> Option<u8> {
        Some(self.table.column(self.table.row_in(cell.found, row)?))
    }
}
