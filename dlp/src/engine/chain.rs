//! Patterns that are sets of bytes one behind the other, each so many times: what nearly all tokens
//! are. They need no automaton, which takes long to make and much memory to keep.
//!
//! A pattern becomes a few *chains*, one for each way through its alternatives. In a chain each byte
//! has one place at the most, so that a walk needs no memory but where it is. What is no such chain
//! is left to an automaton ([`super::shape`]).
use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

use super::Window;
use super::literals::Bytes;
use super::shape::Walk;

/// More ways through a pattern are not told apart.
const CHAINS: usize = 16;
/// A longer chain is none: what stands in it was repeated.
const LINKS: usize = 96;
/// Of what is repeated otherwise than byte by byte, each count is a way of its own.
const COUNTS: u32 = 4;

/// The ways through a pattern.
pub(crate) struct Chains(Vec<Vec<Link>>);

/// Bytes of one kind in a row.
#[derive(Clone, Copy)]
struct Link {
    bytes: Bytes,
    least: u32,
    most: u32,
}

/// Where a walk is: how many bytes it took in which link.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Place {
    link: usize,
    count: u32,
}

impl Chains {
    /// `None` when the pattern is none of chains.
    pub(crate) fn of(pattern: &Hir) -> Option<Self> {
        let ways = ways(pattern)?;
        ways.iter().all(|chain| is_plain(chain)).then_some(Self(ways))
    }

    /// As [`super::shape::Shape::walk`].
    pub(crate) fn walk(&self, window: &Window<'_>, at: usize, longest: usize) -> Walk {
        let part = window.part(at, at.saturating_add(longest));
        let out = part.len() < longest && window.dry(at + part.len());
        let mut all = Walk { end: None, open: false };
        for chain in &self.0 {
            let (end, whole) = walk(chain, part);
            all.end = all.end.max(end.map(|end| at + end));
            all.open |= out && whole;
        }
        all
    }

    /// As [`super::shape::Shape::next`].
    pub(crate) fn next(&self, literal: &str) -> [bool; 256] {
        let mut next = [false; 256];
        for chain in &self.0 {
            let mut places = vec![Place::default()];
            for byte in literal.bytes() {
                if places.iter().any(|place| accepts(chain, *place)) {
                    // It matched before the literal was over.
                    return [true; 256];
                }
                let cases = [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()];
                let step = |place: &Place| cases.map(|byte| step(chain, *place, byte));
                places = places.iter().flat_map(step).flatten().collect();
                places.dedup();
            }
            for (byte, next) in (0..=u8::MAX).zip(&mut next) {
                let leads =
                    |place: &Place| accepts(chain, *place) || step(chain, *place, byte).is_some();
                *next |= places.iter().any(leads);
            }
        }
        next
    }
}

/// The end of the longest match, and whether all of the text may be the beginning of one.
fn walk(chain: &[Link], text: &[u8]) -> (Option<usize>, bool) {
    let mut place = Place::default();
    let mut end = accepts(chain, place).then_some(0);
    for (at, byte) in text.iter().enumerate() {
        match step(chain, place, *byte) {
            Some(next) => place = next,
            None => return (end, false),
        }
        if accepts(chain, place) {
            end = Some(at + 1);
        }
    }
    (end, true)
}

/// Where the byte leads.
fn step(chain: &[Link], Place { link, count }: Place, byte: u8) -> Option<Place> {
    let mut links = chain.iter().enumerate().skip(link);
    if let Some((_, here)) = links.next() {
        if count < here.most && here.bytes.has(byte) {
            return Some(Place { link, count: count + 1 });
        }
        if count < here.least {
            return None;
        }
    }
    for (link, next) in links {
        if next.most > 0 && next.bytes.has(byte) {
            return Some(Place { link, count: 1 });
        }
        if next.least > 0 {
            return None;
        }
    }
    None
}

/// Whether a match may end here.
fn accepts(chain: &[Link], Place { link, count }: Place) -> bool {
    let mut links = chain.iter().skip(link);
    links.next().is_none_or(|here| count >= here.least) && links.all(|next| next.least == 0)
}

/// Whether each byte has one place at the most: where a link may end before it is full, none of its
/// bytes may begin what follows.
fn is_plain(chain: &[Link]) -> bool {
    chain.iter().enumerate().all(|(at, link)| {
        let mut open = link.least < link.most;
        chain.iter().skip(at + 1).all(|next| {
            let apart = !open || !link.bytes.meets(next.bytes);
            open &= next.least == 0;
            apart
        })
    })
}

/// All ways through a pattern.
fn ways(pattern: &Hir) -> Option<Vec<Vec<Link>>> {
    match pattern.kind() {
        HirKind::Empty => Some(vec![Vec::new()]),
        HirKind::Literal(literal) => {
            let once = |byte: &u8| Link { bytes: Bytes::one(*byte), least: 1, most: 1 };
            Some(vec![literal.0.iter().map(once).collect()])
        }
        HirKind::Class(Class::Bytes(class)) => {
            let mut bytes = Bytes::default();
            for range in class.ranges() {
                bytes = (range.start()..=range.end()).fold(bytes, Bytes::with);
            }
            Some(vec![vec![Link { bytes, least: 1, most: 1 }]])
        }
        HirKind::Class(Class::Unicode(_)) | HirKind::Look(_) => None,
        HirKind::Capture(capture) => ways(&capture.sub),
        HirKind::Repetition(repetition) => repeated(repetition),
        HirKind::Concat(parts) => {
            parts.iter().try_fold(vec![Vec::new()], |all, part| behind(&all, &ways(part)?))
        }
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(ways(part)?);
            }
            (all.len() <= CHAINS).then_some(all)
        }
    }
}

fn repeated(repetition: &Repetition) -> Option<Vec<Vec<Link>>> {
    let (least, most) = (repetition.min, repetition.max);
    let inner = ways(&repetition.sub)?;
    if let [one] = inner.as_slice()
        && let [link @ Link { least: 1, most: 1, .. }] = one.as_slice()
    {
        return Some(vec![vec![Link { least, most: most.unwrap_or(u32::MAX), ..*link }]]);
    }
    let most = most.filter(|most| most - least <= COUNTS)?;
    let mut all = Vec::new();
    let mut times = vec![Vec::new()];
    for count in 0..=most {
        if count >= least {
            all.extend(times.iter().cloned());
        }
        if count < most {
            times = behind(&times, &inner)?;
        }
    }
    (all.len() <= CHAINS).then_some(all)
}

/// Each way behind each other one.
fn behind(first: &[Vec<Link>], then: &[Vec<Link>]) -> Option<Vec<Vec<Link>>> {
    let all: Vec<Vec<Link>> = first
        .iter()
        .flat_map(|one| then.iter().map(|two| [one.as_slice(), two].concat()))
        .collect();
    (all.len() <= CHAINS && all.iter().all(|chain| chain.len() <= LINKS)).then_some(all)
}
