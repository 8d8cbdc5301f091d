//! JSON documents: every string, every name, every number.
use std::cell::{Cell, RefCell};

use serde_json::Value;

use crate::actions::mark;
use crate::changes::{Change, Changes};
use crate::engine::hit::{self, Cluster};
use crate::engine::{Hit, Window, boundary, key, paired, people};
use crate::finding::{Acted, Action, Direction, Finding};
use crate::judge::Judge;
use crate::known::Rows;
use crate::pointer::{Part, Step, place};
use crate::quiet::{self, Quiet};
use crate::scanner::{Scanner, acted, settled};
use crate::siblings;
use crate::tape::{Node, Tape};
use crate::unfold::SPARE_BYTES;

impl Scanner {
    /// Everything found in the names, strings and numbers of a document, in its order.
    ///
    /// The document comes from a parser that limits its depth.
    pub fn scan_json(&self, value: &Value) -> Vec<Finding> {
        self.found(self.glance(&Tape::of(value)))
    }

    /// The first pass over a document: most hold nothing, and need no tree.
    pub fn glance<'t>(&self, tape: &'t Tape) -> Quiet<'t> {
        Quiet::of(&self.surveyor, &self.seen, tape)
    }

    /// The same with a look at every text.
    #[cfg(test)]
    pub(crate) fn scan_json_in_full(&self, value: &Value) -> Vec<Finding> {
        self.found(self.glance(&Tape::of(value)).nothing())
    }

    fn found(&self, quiet: Quiet<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        Walk::new(self, None, &|_| false, quiet).all(&mut |path, part, _, clusters| {
            let place = place(self, path, part);
            let told = clusters.iter().filter(|cluster| cluster.is_told());
            findings.extend(told.map(|cluster| cluster.finding(place.clone(), 0)));
        });
        findings
    }

    /// Puts tags in the place of what the judge has redacted or blocked, in names too. A number
    /// becomes a string with the tag, but stays a number where it is masked; two names that become
    /// one get a count behind them.
    ///
    /// The document comes from a parser that limits its depth.
    ///
    /// ```
    /// use serde_json::json;
    /// use tollgate_dlp::{Direction, Judge, Scanner};
    /// let scanner = Scanner::new()?;
    /// let mut value = json!({"user": "admin", "password": "hunter2hunter2"});
    /// let acted = scanner.redact_json(&mut value, &Judge::default(), Direction::Request);
    /// assert_eq!(value, json!({"user": "admin", "password": "[REDACTED]"}));
    /// assert_eq!(acted.len(), 1);
    /// # Ok::<(), tollgate_dlp::ScannerError>(())
    /// ```
    pub fn redact_json(&self, value: &mut Value, judge: &Judge, way: Direction) -> Vec<Acted> {
        self.redact_json_but(value, (judge, way), &|_| false).0
    }

    /// What is found in a document that a first pass has looked at, and what is to become of it: the
    /// same as [`Self::redact_json`] does, and no tree is needed where nothing changes.
    pub fn redact_glanced(
        &self,
        quiet: Quiet<'_>,
        judge: &Judge,
        way: Direction,
    ) -> (Vec<Acted>, Changes) {
        self.changes(quiet, (judge, way), &|_| false)
    }

    /// As [`Self::redact_json`], without the strings behind the names that `skips` says yes to. Says
    /// as well whether anything changed.
    pub(crate) fn redact_json_but(
        &self,
        value: &mut Value,
        judge: (&Judge, Direction),
        skips: &dyn Fn(Option<&str>) -> bool,
    ) -> (Vec<Acted>, bool) {
        let (all, changes) = self.changes(self.glance(&Tape::of(value)), judge, skips);
        let changed = !changes.is_empty();
        changes.apply(value);
        (all, changed)
    }

    fn changes(
        &self,
        quiet: Quiet<'_>,
        judge: (&Judge, Direction),
        skips: &dyn Fn(Option<&str>) -> bool,
    ) -> (Vec<Acted>, Changes) {
        let mut all = Vec::new();
        let mut changes = Vec::new();
        let walk = Walk::new(self, Some(judge), skips, quiet);
        walk.all(&mut |path, part, text, clusters| {
            let name = Step::name(path).filter(|_| part != Part::Key);
            let number = (part == Part::Number && clusters.iter().any(|one| one.action.edits()))
                .then(|| self.masked(name, text, clusters, judge.0))
                .flatten();
            let look = |text: &str| {
                let hits = self.hits(name, text, true, walk.around());
                hit::clusters(hits, Some(judge), text.len())
            };
            let (clean, clusters) = match number {
                Some(number) => (Some(number), clusters.to_vec()),
                None => {
                    let (clean, all) = settled(text, clusters.to_vec(), judge.0, look);
                    (clean.map(Value::String), all)
                }
            };
            let mut acted = acted(&clusters, 0, |_| place(self, path, part));
            if all.len() >= FINDINGS_MAX {
                // What is taken out is taken out all the same; what stops the call is told.
                acted.retain(|one| one.action == Action::Block);
                acted.truncate(1);
            }
            all.append(&mut acted);
            changes.extend(clean.map(|clean| Change::new(path, part, clean)));
        });
        (all, Changes::new(changes))
    }

    /// A number in the place of a number that is masked, unless something would be found in it
    /// again.
    fn masked(
        &self,
        name: Option<&str>,
        text: &str,
        clusters: &[Cluster],
        judge: &Judge,
    ) -> Option<Value> {
        let [cluster] = clusters else { return None };
        let whole = cluster.edit.start == 0 && cluster.edit.end == text.len();
        if cluster.action != Action::Mask || !whole {
            return None;
        }
        let masked = judge.means().number(&cluster.best.class, text)?;
        let number: serde_json::Number = masked.parse().ok()?;
        let same = number.to_string() == masked;
        (same && self.hits(name, &masked, false, Around::default()).is_empty())
            .then_some(Value::Number(number))
    }

    /// Whether a glance tells that a short text without a name holds nothing.
    pub(crate) fn is_quiet(&self, text: &str) -> bool {
        /// Of a longer text a full look costs little more than its bytes do.
        const SHORT_BYTES: usize = 256;
        text.len() <= SHORT_BYTES && quiet::is_quiet(&self.surveyor, text.as_bytes())
    }

    /// The hits in a string or a number, the name before it taken into account. Places count in
    /// the text alone.
    pub(crate) fn hits(
        &self,
        name: Option<&str>,
        text: &str,
        quoted: bool,
        around: Around<'_>,
    ) -> Vec<Hit> {
        let Around { rows, spare } = around;
        let telling = |name: &&str| {
            let end = end_of(name).as_bytes();
            (tells(end, text.as_bytes()) || self.surveyor.names_provider(end))
                && !mark::holds(last(name, MARKED_BYTES).as_bytes())
        };
        let Some(name) = name.filter(telling) else {
            let window = Window { rows, spare, ..Window::whole(text.as_bytes()) };
            return self.surveyor.survey(&window).hits;
        };
        let quote = if quoted { "\"" } else { "" };
        // A tag in the name cuts off what the name said.
        let name = if is_tagged(name) { "_".to_owned() } else { plain(end_of(name)) };
        self.behind(&format!("\"{name}\":{quote}{text}"), text, around)
    }

    /// What a text is by what another member of its object says that it is.
    fn called(&self, name: &str, text: &str, quoted: bool, around: Around<'_>) -> Vec<Hit> {
        let quote = if quoted { "\"" } else { "" };
        let both = format!("\"name\":\"{name}\",\"value\":{quote}{text}");
        let mut hits = self.behind(&both, text, around);
        hits.retain(|hit| hit.rank == hit::Rank::Assignment);
        hits
    }

    /// The hits in a text that stands at the end of what is written down of it.
    fn behind(&self, both: &str, text: &str, Around { rows, spare }: Around<'_>) -> Vec<Hit> {
        let value = both.len() - text.len();
        let window = Window { value: Some(value), rows, spare, ..Window::whole(both.as_bytes()) };
        let hits = self.surveyor.survey(&window).hits.into_iter();
        hits.filter_map(|hit| hit.behind(value)).collect()
    }
}

/// What a member says that another one is.
fn called_by<'v>((name, value): &(Option<&str>, Node<'v>)) -> Option<&'v str> {
    paired::called((*name)?.as_bytes(), value.as_str()?)
}

/// What the document around a text says of it, and may take for it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Around<'d> {
    /// The rows of known records that it holds.
    pub(crate) rows: &'d [Vec<u32>],
    /// What may be made of its texts beyond what each may by its length.
    pub(crate) spare: Option<&'d Cell<usize>>,
}

/// Of so many findings in one document each is told; more say no more.
const FINDINGS_MAX: usize = 1 << 15;

/// Looks through a document.
struct Walk<'a> {
    scanner: &'a Scanner,
    judge: Option<(&'a Judge, Direction)>,
    skips: &'a dyn Fn(Option<&str>) -> bool,
    /// The rows of known records that the document holds.
    rows: Rows,
    quiet: Quiet<'a>,
    spare: Cell<usize>,
    room: RefCell<siblings::Room>,
}

/// What stands beside a value.
#[derive(Default)]
struct Beside<'v> {
    /// The string before it, and whether the literal of a token stands in it.
    before: (Option<&'v str>, bool),
    /// The hits in it that only its neighbours make.
    hits: Vec<Hit>,
    /// Its members or items may make something together.
    joins: bool,
    /// What another member says that it is.
    called: Option<&'v str>,
}

/// Called for every text with something in it: where it is, the text, what is in it.
type Report<'r> = dyn FnMut(&[Step<'_>], Part, &str, &[Cluster]) + 'r;

impl<'a> Walk<'a> {
    fn new(
        scanner: &'a Scanner,
        judge: Option<(&'a Judge, Direction)>,
        skips: &'a dyn Fn(Option<&str>) -> bool,
        quiet: Quiet<'a>,
    ) -> Self {
        let known = scanner.surveyor.known.as_ref();
        let rows = known.map(|known| known.rows(quiet.tape())).unwrap_or_default();
        let spare = Cell::new(SPARE_BYTES);
        Self { scanner, judge, skips, rows, quiet, spare, room: RefCell::default() }
    }

    fn around(&self) -> Around<'_> {
        Around { rows: &self.rows, spare: Some(&self.spare) }
    }

    /// Looks at all of the document.
    fn all(&self, report: &mut Report<'_>) {
        let whole = self.quiet.whole();
        if whole.loud {
            let beside = Beside { joins: whole.joins, ..Beside::default() };
            self.value(self.quiet.tape().root(), &mut Vec::new(), beside, report);
        }
    }

    fn value<'v>(
        &self,
        value: Node<'v>,
        path: &mut Vec<Step<'v>>,
        beside: Beside<'_>,
        report: &mut Report<'_>,
    ) {
        if let Some(text) = value.as_str() {
            if !(self.skips)(Step::name(path)) {
                self.text(text, Part::Value, path, (beside, report));
            }
        } else if let Some(number) = value.number() {
            self.text(number, Part::Number, path, (beside, report));
        } else {
            let is_object = value.is_object();
            let name = |child: &Node<'v>| is_object.then(|| child.name());
            let values: Vec<_> = value.children().map(|child| (name(&child), child)).collect();
            self.values(&values, &beside, path, report);
        }
    }

    /// Looks at the values of a list or an object, each by itself and all together.
    fn values<'v>(
        &self,
        values: &[(Option<&'v str>, Node<'v>)],
        Beside { before, joins, .. }: &Beside<'_>,
        path: &mut Vec<Step<'v>>,
        report: &mut Report<'_>,
    ) {
        let joined = match joins {
            true => {
                let (beside, room) = (self.quiet.beside(), &mut self.room.borrow_mut());
                siblings::hits(&self.scanner.surveyor, *before, values, beside, room)
            }
            false => Vec::new(),
        };
        let mut joined = joined.into_iter().peekable();
        let (mut last, mut caller) = ((None, false), None);
        for (at, (name, value)) in values.iter().copied().enumerate() {
            let told = self.quiet.next();
            let before = std::mem::replace(&mut last, (value.as_str(), told.token));
            if !told.loud && joined.peek().is_none_or(|(place, _)| *place != at) {
                self.quiet.pass(told);
                continue;
            }
            path.push(Step { at, name });
            if let Some(name) = name.filter(|_| !told.name) {
                let clusters = self.scanner.look(&Window::whole(name.as_bytes()), self.judge);
                if !clusters.is_empty() {
                    report(path, Part::Key, name, &clusters);
                }
            }
            let mine = std::iter::from_fn(|| joined.next_if(|(place, _)| *place == at));
            let hits: Vec<Hit> = mine.map(|(_, hit)| hit).collect();
            let list = value.is_list() || value.is_object();
            if list || !told.quiet || !hits.is_empty() {
                let called = name.filter(|name| paired::is_value(name.as_bytes()));
                let called = called
                    .and_then(|_| *caller.get_or_insert_with(|| values.iter().find_map(called_by)));
                let beside = Beside { before, hits, joins: told.joins, called };
                self.value(value, path, beside, report);
            }
            path.pop();
        }
    }

    fn text(
        &self,
        text: &str,
        part: Part,
        path: &[Step<'_>],
        (beside, report): (Beside<'_>, &mut Report<'_>),
    ) {
        let quoted = part == Part::Value;
        let mut hits = self.scanner.hits(Step::name(path), text, quoted, self.around());
        if hits.is_empty() {
            self.quiet.keep_last(&self.scanner.seen);
        }
        if let Some(called) = beside.called {
            hits.extend(self.scanner.called(called, text, quoted, self.around()));
        }
        hits.extend(beside.hits);
        let clusters = hit::clusters(hits, self.judge, text.len());
        if !clusters.is_empty() {
            report(path, part, text, &clusters);
        }
    }
}

/// Longer texts say themselves what their numbers are.
const VALUE_BYTES: usize = 64;

/// Whether the name has a say in what the value is: it may tell of a secret, or the value may be
/// a number that only its name tells from any other.
fn tells(name: &[u8], value: &[u8]) -> bool {
    tells_of_any(name) || tells_of(name, value)
}

/// Whether the name has a say whatever the value is.
pub(crate) fn tells_of_any(name: &[u8]) -> bool {
    key::holds_root(name) || people::tells(name)
}

/// Whether the name has a say in what this value is.
pub(crate) fn tells_of(name: &[u8], value: &[u8]) -> bool {
    let short = value.len() <= VALUE_BYTES;
    let is_code = || key::rfind(name, b"swift").or_else(|| key::rfind(name, b"bic")).is_some();
    short && (value.iter().any(u8::is_ascii_digit) || is_code())
}

/// A tag or a mark further before the end of a name has no say in what that end tells: no mark is
/// longer.
const MARKED_BYTES: usize = 256;

/// The end of a name: of a long one, that is what tells. What has many values below one name is
/// looked at in no more time than they take.
fn end_of(name: &str) -> &str {
    last(name, key::SIDE_BYTES)
}

/// What the items of a list are written down behind: the end of its name, or more of it where that
/// must be looked at with what is before it.
pub(crate) fn before_items(name: &str) -> &str {
    let is_marked = || is_tagged(name) || mark::holds(last(name, MARKED_BYTES).as_bytes());
    match name.len() > key::SIDE_BYTES && is_marked() {
        true => last(name, 2 * key::SIDE_BYTES),
        false => end_of(name),
    }
}

fn is_tagged(name: &str) -> bool {
    boundary::has_tag(last(name, MARKED_BYTES).as_bytes())
}

/// The last bytes of a name, so many at most.
fn last(name: &str, bytes: usize) -> &str {
    let from = name.ceil_char_boundary(name.len().saturating_sub(bytes));
    name.get(from..).unwrap_or_default()
}

/// The same without what no name is made of: it is looked at by itself, and must not reach over into
/// the value.
fn plain(name: &str) -> String {
    name.chars().map(|c| if is_letter(c) { c } else { '_' }).collect()
}

/// Whether a name is looked at with its value as it is.
pub(crate) fn is_plain(name: &[u8]) -> bool {
    name.len() <= key::SIDE_BYTES && name.iter().all(|byte| is_letter(char::from(*byte)))
}

/// What a name is made of.
fn is_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._".contains(c)
}

impl Hit {
    /// The same hit counted from `start`, if it reaches behind it.
    fn behind(mut self, start: usize) -> Option<Self> {
        if self.secret.end <= start {
            return None;
        }
        self.secret.start = self.secret.start.saturating_sub(start);
        self.secret.end -= start;
        self.wide = self.wide.filter(|wide| wide.start >= start).map(|mut wide| {
            wide.start -= start;
            wide.end -= start;
            wide
        });
        Some(self)
    }
}
