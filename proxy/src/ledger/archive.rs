//! Names in an archive.

/// The first and the last number of the events in a file or object of an archive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Span {
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// What an object's name says: `…events-<first>-<last>.jsonl`, with or without `.gz`.
pub(crate) fn span(key: &str) -> Option<Span> {
    let name = key.rsplit('/').next()?;
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let (first, last) = name.strip_prefix("events-")?.strip_suffix(".jsonl")?.split_once('-')?;
    let span = Span { first: first.parse().ok()?, last: last.parse().ok()? };
    (span.first <= span.last).then_some(span)
}
