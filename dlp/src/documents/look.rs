//! Looks at the texts of a document one after the other, and knows where it is.
use std::cell::Cell;

use memchr::memmem;
use serde_json::Value;

use super::limits::Why;
use crate::class::Class;
use crate::coding::Codings;
use crate::engine::hit::{self, Cluster};
use crate::engine::{Hit, Window};
use crate::finding::{Acted, Action, Direction, Finding, Grade, Layer, Place};
use crate::json::Around;
use crate::judge::Judge;
use crate::pointer;
use crate::scanner::{Scanner, acted, settled};
use crate::siblings;
use crate::unfold::{self, SPARE_BYTES};

/// What was found in a document.
#[derive(Debug, Default)]
pub struct Inspection {
    /// What was acted on, in order. What would be redacted where nothing can be written again is
    /// blocked.
    pub acted: Vec<Acted>,
    /// What could not be read.
    pub unread: Vec<Unread>,
}

/// Something that could not be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unread {
    /// Where.
    pub place: Place,
    /// Why.
    pub why: Why,
}

impl Unread {
    /// The class of findings that tell of something unread.
    pub const CLASS: &'static str = "content.unread";

    /// The same as a finding, for records.
    pub fn acted(self, action: Action) -> Acted {
        let finding = Finding {
            detector: self.why.as_str().into(),
            class: Class::from(Self::CLASS),
            grade: Grade::Certain,
            place: self.place,
            via: Codings::default(),
            start: 0,
            end: 0,
        };
        Acted { finding, action }
    }
}

/// One walk through a document.
pub(crate) struct Look<'s> {
    scanner: &'s Scanner,
    judge: (&'s Judge, Direction),
    trail: Vec<Layer>,
    /// How many of the containers around cannot be written again.
    frozen: usize,
    spare: Cell<usize>,
    found: Inspection,
}

/// What neighbours make of texts.
pub(crate) struct Joined(Vec<(usize, Hit)>);

impl Joined {
    /// All, each with the number of its text.
    pub(crate) fn all(self) -> Vec<(usize, Hit)> {
        self.0
    }

    /// What they make of the text with this number.
    pub(crate) fn of(&self, number: usize) -> Vec<Hit> {
        let from = self.0.partition_point(|(at, _)| *at < number);
        let mine = self.0.iter().skip(from).take_while(|(at, _)| *at == number);
        mine.map(|(_, hit)| hit.clone()).collect()
    }
}

/// How a text is looked at.
type Find<'f, 's> = &'f dyn Fn(&Look<'s>, &str) -> Vec<Cluster>;

impl<'s> Look<'s> {
    pub(crate) fn new(scanner: &'s Scanner, judge: (&'s Judge, Direction)) -> Self {
        let spare = Cell::new(SPARE_BYTES);
        Self { scanner, judge, trail: Vec::new(), frozen: 0, spare, found: Inspection::default() }
    }

    pub(crate) fn done(self) -> Inspection {
        self.found
    }

    /// Does something one step further in.
    pub(crate) fn within<T>(&mut self, layer: Layer, then: impl FnOnce(&mut Self) -> T) -> T {
        self.trail.push(layer);
        let told = then(self);
        self.trail.pop();
        told
    }

    /// Does something in what cannot be written again.
    pub(crate) fn frozen<T>(&mut self, then: impl FnOnce(&mut Self) -> T) -> T {
        self.frozen += 1;
        let told = then(self);
        self.frozen -= 1;
        told
    }

    /// Redacts a text behind its name; whether it changed.
    pub(crate) fn text(&mut self, name: Option<&str>, text: &mut String) -> bool {
        self.text_beside(name, text, Vec::new())
    }

    /// The same with what its neighbours make of it.
    pub(crate) fn text_beside(
        &mut self,
        name: Option<&str>,
        text: &mut String,
        more: Vec<Hit>,
    ) -> bool {
        let clusters = self.find_beside(name, text, more);
        self.settle(clusters, text, &|look, text| look.find(name, text))
    }

    /// What only neighbours make of texts that stand beside each other, each behind its name.
    pub(crate) fn joined(&self, texts: &[(Option<&str>, Option<&str>)]) -> Joined {
        Joined(siblings::of_texts(&self.scanner.surveyor, texts))
    }

    /// Redacts a name; whether it changed.
    pub(crate) fn key(&mut self, name: &mut String) -> bool {
        let clusters = self.find(None, name);
        let find: Find<'_, 's> = &|look, text| look.find(None, text);
        self.edit(clusters, name, (&Place::Key(String::new()), find))
    }

    /// Looks at a text that cannot be changed.
    pub(crate) fn fixed(&mut self, name: Option<&str>, text: &str) {
        let clusters = self.find(name, text);
        self.frozen(|look| look.note(&clusters, &Place::Text));
    }

    /// What is in a text, without a word about it yet: where it stands may be dear to tell.
    pub(crate) fn find(&self, name: Option<&str>, text: &str) -> Vec<Cluster> {
        self.find_beside(name, text, Vec::new())
    }

    /// The same with what its neighbours make of it.
    pub(crate) fn find_beside(
        &self,
        name: Option<&str>,
        text: &str,
        more: Vec<Hit>,
    ) -> Vec<Cluster> {
        if more.is_empty() && name.is_none() && self.scanner.is_quiet(text) {
            return Vec::new();
        }
        let around = Around { spare: Some(&self.spare), ..Around::default() };
        let mut hits = self.scanner.hits(name, text, true, around);
        hits.extend(more);
        hit::clusters(hits, Some(self.judge), text.len())
    }

    /// Notes what was found in a text and takes it out, and what `find` finds then; whether it
    /// changed.
    pub(crate) fn settle(
        &mut self,
        clusters: Vec<Cluster>,
        text: &mut String,
        find: Find<'_, 's>,
    ) -> bool {
        self.edit(clusters, text, (&Place::Text, find))
    }

    /// Redacts a JSON document; whether it changed.
    pub(crate) fn json(&mut self, document: &mut Value) -> bool {
        let (judge, way) = self.judge;
        let acted = if self.frozen == 0 {
            self.scanner.redact_json(document, judge, way)
        } else {
            self.scanner.redact_json(&mut document.clone(), judge, way)
        };
        let edits = acted.iter().any(|acted| acted.action.edits());
        for acted in acted {
            self.keep(acted);
        }
        edits && self.frozen == 0
    }

    /// Looks at what only several events or lines hold together. Most of them may have left where they
    /// are read one by one, so that what would be taken out is refused. `between` stands between two,
    /// of which `layer` names one by its number.
    pub(crate) fn events(&mut self, text: &[u8], between: &[u8], layer: impl Fn(usize) -> Layer) {
        let hits = unfold::events(&self.scanner.surveyor, text);
        let (mut number, mut ends) = (1, memmem::find_iter(text, between).peekable());
        for cluster in hit::clusters(hits, Some(self.judge), text.len()) {
            let start = cluster.best.secret.start;
            while ends.next_if(|end| end + between.len() <= start).is_some() {
                number += 1;
            }
            self.within(layer(number), |look| {
                look.frozen(|look| look.note(&[cluster], &Place::Text));
            });
        }
    }

    /// Looks at bytes that were not opened: only what is certain counts, since chance writes many
    /// short texts into them.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        let hits = self.scanner.surveyor.survey(&Window::whole(bytes)).hits;
        let certain: Vec<Hit> =
            hits.into_iter().filter(|hit| hit.grade == Grade::Certain).collect();
        let clusters = hit::clusters(certain, Some(self.judge), bytes.len());
        self.frozen(|look| look.note(&clusters, &Place::Text));
    }

    /// Notes bytes that could not be opened.
    pub(crate) fn unread(&mut self, bytes: &[u8], why: Why) {
        self.raw(bytes);
        let place = self.place(Place::Text);
        self.found.unread.push(Unread { place, why });
    }

    /// Notes what was found in a text.
    pub(crate) fn note(&mut self, clusters: &[Cluster], leaf: &Place) {
        for acted in acted(clusters, 0, |_| leaf.clone()) {
            self.keep(acted);
        }
    }

    fn keep(&mut self, mut acted: Acted) {
        acted.finding.place = self.place(acted.finding.place);
        if self.frozen > 0 && acted.action == Action::Restore {
            // A token that stays is no harm.
            return;
        }
        if self.frozen > 0 && acted.action.edits() {
            acted.action = Action::Block;
        }
        self.found.acted.push(acted);
    }

    fn edit(
        &mut self,
        clusters: Vec<Cluster>,
        text: &mut String,
        (leaf, find): (&Place, Find<'_, 's>),
    ) -> bool {
        if self.frozen > 0 {
            self.note(&clusters, leaf);
            return false;
        }
        let find = |text: &str| find(self, text);
        let (clean, clusters) = settled(text, clusters, self.judge.0, find);
        self.note(&clusters, leaf);
        clean.map(|clean| *text = clean).is_some()
    }

    /// A place in this one. Names with anything found in them are shown redacted.
    fn place(&self, leaf: Place) -> Place {
        if self.trail.is_empty() {
            return leaf;
        }
        let shown = |layer: &Layer| layer.shown(|name| pointer::shown(self.scanner, name));
        Place::Within(self.trail.iter().map(shown).collect(), Box::new(leaf))
    }
}
