//! What a check answers, and how overlapping answers become one.
use crate::actions::mark;
use crate::class::Class;
use crate::coding::Codings;
use crate::finding::{Acted, Action, Direction, Finding, Grade, Place};
use crate::judge::Judge;
use crate::name::Name;

/// Bytes from `start` to before `end`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    pub(crate) fn len(self) -> usize {
        self.end - self.start
    }

    pub(crate) fn is_empty(self) -> bool {
        self.start == self.end
    }

    pub(crate) fn with(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    pub(crate) fn holds(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

/// The answer of a check.
pub(crate) enum Outcome {
    Nothing,
    Open(Open),
    Hit(Hit),
}

/// A candidate that only further bytes can decide.
#[derive(Clone, Copy)]
pub(crate) struct Open {
    /// The first byte that it may still claim.
    pub(crate) from: usize,
    /// Whether what it claims already is worth hiding: secret bytes, not only a beginning that
    /// anyone knows.
    pub(crate) serious: bool,
}

/// A match, before it is merged with what overlaps it.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    pub(crate) detector: Name,
    pub(crate) class: Class,
    pub(crate) grade: Grade,
    /// The secret itself.
    pub(crate) secret: Span,
    /// For `key = 'value'`: from the end of the key to the end of the value with its quotes. It
    /// becomes `=` and the tag.
    pub(crate) wide: Option<Span>,
    pub(crate) tag: Name,
    pub(crate) rank: Rank,
    /// How it was written.
    pub(crate) via: Codings,
    /// A further piece of what another hit reports: it is put out of sight and not told again.
    pub(crate) echo: bool,
    /// A private key block whose end has not been seen.
    pub(crate) runs_on: bool,
    /// Its groups, its word or several checks speak for it, more than for a number of a telephone
    /// of the same digits.
    pub(crate) firm: bool,
}

/// Which of several overlapping hits gives the name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Rank {
    /// A value behind a telling name.
    Assignment,
    /// A shape, or a token whose own tag gives way to the `key=[REDACTED]` around it.
    Shape,
    /// A token with a prefix of its own.
    Token,
    /// A private key block: it swallows what is in it.
    Block,
}

impl Hit {
    /// A match in the open.
    pub(crate) fn new(
        (detector, class): (impl Into<Name>, impl Into<Class>),
        grade: Grade,
        secret: Span,
        (tag, rank): (impl Into<Name>, Rank),
    ) -> Self {
        Self {
            detector: detector.into(),
            class: class.into(),
            grade,
            secret,
            wide: None,
            tag: tag.into(),
            rank,
            via: Codings::default(),
            echo: false,
            runs_on: false,
            firm: false,
        }
    }

    /// All that it may change.
    pub(crate) fn claim(&self) -> Span {
        self.wide.map_or(self.secret, |wide| wide.with(self.secret))
    }
}

/// Hits that overlap, as one finding and one edit.
#[derive(Clone)]
pub(crate) struct Cluster {
    /// All that its hits claim.
    pub(crate) claim: Span,
    pub(crate) best: Hit,
    pub(crate) action: Action,
    /// What is replaced when the action edits.
    pub(crate) edit: Span,
    /// What is replaced when the beginning of that went already.
    pub(crate) narrow: Span,
    /// The replacement: `=` or nothing, then the tag.
    pub(crate) lead: &'static str,
    pub(crate) tag: Name,
    /// How far a private key block has got whose end has not been seen.
    pub(crate) runs_on: Option<usize>,
}

impl Cluster {
    /// Whether it is reported, or only a further piece of what is.
    pub(crate) fn is_told(&self) -> bool {
        !self.best.echo
    }

    pub(crate) fn finding(&self, place: Place, base: usize) -> Finding {
        Finding {
            detector: self.best.detector.clone(),
            class: self.best.class.clone(),
            grade: self.best.grade,
            place,
            via: self.best.via,
            start: base + self.best.secret.start,
            end: base + self.best.secret.end,
        }
    }

    pub(crate) fn acted(&self, place: Place, base: usize) -> Acted {
        Acted { finding: self.finding(place, base), action: self.action }
    }
}

/// Sorts hits and merges those that overlap. Without a judge every hit counts as redacted.
pub(crate) fn clusters(
    mut hits: Vec<Hit>,
    judge: Option<(&Judge, Direction)>,
    length: usize,
) -> Vec<Cluster> {
    if judge.is_none() {
        hits.retain(|hit| !mark::is_mark(hit));
    }
    hits.sort_by_key(|hit| (hit.claim().start, hit.claim().end));
    let mut clusters = Vec::new();
    let mut group: Vec<(Hit, Action)> = Vec::new();
    let mut end = 0;
    for hit in hits {
        if hit.claim().start >= end && !group.is_empty() {
            clusters.extend(merge(&group));
            group.clear();
        }
        end = end.max(hit.claim().end);
        let all = hit.claim() == Span::new(0, length);
        let act = |(judge, direction): (&Judge, _)| judge.act(&hit, direction, all);
        let action = judge.map_or(Action::Redact, act);
        group.push((hit, action));
    }
    clusters.extend(merge(&group));
    clusters
}

fn merge(group: &[(Hit, Action)]) -> Option<Cluster> {
    let (best, action) = group.iter().max_by_key(|(hit, action)| {
        let length = hit.secret.end - hit.secret.start;
        // Of the same find as it stands and as it is meant, the one that stands there.
        (*action, !hit.echo, hit.rank, hit.grade, length, hit.via.is_empty(), hit.firm)
    })?;
    let action = *action;
    let claim = group.iter().map(|(hit, _)| hit.claim()).reduce(Span::with)?;
    let edited = || group.iter().filter(|(_, other)| other.edits() == action.edits());
    let union = edited().map(|(hit, _)| hit.secret).reduce(Span::with)?;
    let named = edited()
        .map(|(hit, _)| hit)
        .filter(|hit| hit.rank == Rank::Assignment && best.rank <= Rank::Shape)
        .find(|hit| hit.secret.holds(best.secret));
    let tag = named.map_or(&best.tag, |hit| &hit.tag).clone();
    let wide = named.and_then(|hit| hit.wide).filter(|wide| wide.holds(union));
    let wide = wide.filter(|_| !action.keeps_form());
    Some(Cluster {
        claim,
        best: best.clone(),
        action,
        edit: wide.unwrap_or(union),
        narrow: union,
        lead: if wide.is_some() { "=" } else { "" },
        tag,
        runs_on: group.iter().filter(|(hit, _)| hit.runs_on).map(|(hit, _)| hit.secret.end).max(),
    })
}
