//! The notation of shapes, and the table that finds those that fit.
//!
//! What is written is turned into its signature: `9` for a digit, `A` for a letter, and what joins
//! groups as it is. Every signature of every shape is in one table, so that a look-up at the end
//! of each group gives the few shapes worth comparing, however many there are.
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::super::Window;

/// The longest identifier as it is written.
pub(crate) const LONGEST: usize = 40;
/// How many shapes may fit at one place; the rest is passed over.
const FITS: usize = 48;
/// The most signatures of one shape.
const SIGNATURES: usize = 1 << 12;
/// A shape with so many places for letters or digits is looked up by its length alone.
const WILD: usize = 7;

/// A shape that fits: which detector's, and where it ends.
#[derive(Clone, Copy, Default)]
pub(crate) struct Fit {
    pub(crate) ident: usize,
    pub(crate) end: usize,
}

/// All that fits at one place.
#[derive(Default)]
pub(crate) struct Fits {
    /// Mostly nothing fits; then there is no room made.
    fits: Option<[Fit; FITS]>,
    count: usize,
    /// The text ran out while something longer might still fit.
    pub(crate) open: bool,
}

impl Fits {
    pub(crate) fn iter(&self) -> impl Iterator<Item = Fit> + '_ {
        self.fits.iter().flatten().take(self.count).copied()
    }

    fn add(&mut self, fit: Fit) {
        let known = self.iter().any(|other| other.ident == fit.ident && other.end == fit.end);
        let fits = self.fits.get_or_insert_with(|| [Fit::default(); FITS]);
        if let Some(slot) = fits.get_mut(self.count).filter(|_| !known) {
            *slot = fit;
            self.count += 1;
        }
    }
}

/// One shape of one detector.
struct Shape {
    ident: usize,
    items: Vec<Item>,
    /// Whatever has its signature fits.
    told: bool,
}

/// A sign, and how often it stands there.
struct Item {
    sign: Sign,
    least: usize,
    most: usize,
}

enum Sign {
    Digit,
    Letter,
    Either,
    /// One of blank, hyphen and full stop.
    Joint,
    /// One of these, letters in upper case.
    OneOf(Vec<u8>),
}

/// The shapes of all detectors by their signatures.
pub(crate) struct Shapes {
    shapes: Vec<Shape>,
    /// Hashes of signatures and of their beginnings up to and with a joint, each with the shapes
    /// that have it.
    table: HashMap<u64, Vec<usize>, BuildHasherDefault<Mixed>>,
    /// No shape has fewer letters and digits.
    shortest: usize,
    /// Shapes that are letters or digits mostly, by length.
    wild: Vec<Vec<usize>>,
}

impl Shapes {
    /// Reads the shapes of each detector. `None` when one is not in the notation.
    pub(crate) fn new<'s>(idents: impl Iterator<Item = &'s [&'s str]>) -> Option<Self> {
        let mut shapes = Vec::new();
        for (ident, all) in idents.enumerate() {
            for shape in all {
                let items = items(shape)?;
                let told = items.iter().all(|item| item.sign.is_told());
                shapes.push(Shape { ident, items, told });
            }
        }
        let mut rows: Vec<(u64, usize)> = Vec::new();
        let mut wild: Vec<Vec<usize>> = (0..=LONGEST).map(|_| Vec::new()).collect();
        for (number, shape) in shapes.iter().enumerate() {
            if shape.is_wild() {
                let (least, most) = shape.lengths();
                for length in least..=most {
                    wild.get_mut(length)?.push(number);
                }
                continue;
            }
            for signature in shape.signatures()? {
                let mut hash = HASH;
                for sign in signature {
                    let joint = !sign.is_ascii_alphanumeric();
                    rows.extend(joint.then_some((hash, usize::MAX)));
                    hash = mix(hash, sign);
                    rows.extend(joint.then_some((hash, usize::MAX)));
                }
                rows.push((hash, number));
            }
        }
        let mut table: HashMap<u64, Vec<usize>, _> = HashMap::default();
        rows.sort_unstable();
        rows.dedup();
        for (hash, number) in rows {
            let numbers = table.entry(hash).or_default();
            numbers.extend(Some(number).filter(|number| *number != usize::MAX));
        }
        let shortest = shapes.iter().map(|shape| letters(&shape.items)).min().unwrap_or(0);
        Some(Self { shapes, table, wild, shortest })
    }

    /// Whether so many letters and digits stand in a row from `at` on that a shape may fit, or may
    /// once more bytes have come.
    pub(crate) fn may_fit(&self, window: &Window<'_>, at: usize) -> bool {
        let mut count = 0;
        let mut joint = false;
        for byte in window.part(at, at + LONGEST) {
            match byte {
                byte if byte.is_ascii_alphanumeric() => {
                    count += 1;
                    joint = false;
                    if count >= self.shortest {
                        return true;
                    }
                }
                byte if is_joint(*byte) && !joint => joint = true,
                _ => return false,
            }
        }
        window.dry(at + LONGEST)
    }

    /// Every shape that fits from `at` on.
    pub(crate) fn walk(&self, window: &Window<'_>, at: usize) -> Fits {
        let mut fits = Fits::default();
        let mut hash = HASH;
        let mut end = at;
        loop {
            let start = end;
            end = window.run(start, LONGEST, |byte| byte.is_ascii_alphanumeric());
            if window.dry(end) && end - at < LONGEST {
                fits.open = true;
                return fits;
            }
            if end == start || end - at > LONGEST {
                return fits;
            }
            for byte in window.part(start, end) {
                hash = mix(hash, class(*byte));
            }
            if start == at {
                // Of these nothing is known but the length.
                self.add(window.part(at, end), end, self.wild.get(end - at), false, &mut fits);
            }
            let Some(numbers) = self.table.get(&hash) else { return fits };
            self.add(window.part(at, end), end, Some(numbers), true, &mut fits);
            let Some(joint) = window.byte(end).filter(|byte| is_joint(*byte)) else { return fits };
            hash = mix(hash, class(joint));
            end += 1;
            let Some(numbers) = self.table.get(&hash) else { return fits };
            // Some end with a bracket.
            self.add(window.part(at, end), end, Some(numbers), true, &mut fits);
        }
    }

    /// Adds those of some shapes that fit what is `written`; `signed` when it has their signature.
    fn add(
        &self,
        written: &[u8],
        end: usize,
        numbers: Option<&Vec<usize>>,
        signed: bool,
        fits: &mut Fits,
    ) {
        for shape in numbers.into_iter().flatten().filter_map(|number| self.shapes.get(*number)) {
            if signed && shape.told || fit(&shape.items, written) {
                fits.add(Fit { ident: shape.ident, end });
            }
        }
    }
}

/// The hashes are mixed already.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| mix(hash, *byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// FNV-1a, with 64 bits.
const HASH: u64 = 0xcbf2_9ce4_8422_2325;

fn mix(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
}

/// A byte in a signature.
fn class(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => b'9',
        b'A'..=b'Z' | b'a'..=b'z' => b'A',
        b'[' => b'(',
        b']' => b')',
        byte => byte,
    }
}

fn is_joint(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'/' | b':' | b'_' | b'+' | b'(' | b')' | b'[' | b']')
}

/// Whether the items are all of the text.
fn fit(items: &[Item], text: &[u8]) -> bool {
    let Some((item, rest)) = items.split_first() else { return text.is_empty() };
    let run = text.iter().take(item.most).take_while(|byte| item.sign.takes(**byte)).count();
    (item.least..=run).rev().any(|count| text.get(count..).is_some_and(|tail| fit(rest, tail)))
}

impl Sign {
    fn takes(&self, byte: u8) -> bool {
        match self {
            Self::Digit => byte.is_ascii_digit(),
            Self::Letter => byte.is_ascii_alphabetic(),
            Self::Either => byte.is_ascii_alphanumeric(),
            Self::Joint => matches!(byte, b' ' | b'-' | b'.'),
            Self::OneOf(bytes) => bytes.contains(&byte.to_ascii_uppercase()),
        }
    }

    /// Whether it takes every byte that what stands for it in signatures stands for.
    fn is_told(&self) -> bool {
        let classes = self.classes();
        let mut all = (0..=u8::MAX).filter(|byte| classes.contains(&class(*byte)));
        all.all(|byte| self.takes(byte))
    }

    /// What stands for it in signatures.
    fn classes(&self) -> Vec<u8> {
        match self {
            Self::Digit => vec![b'9'],
            Self::Letter => vec![b'A'],
            Self::Either => vec![b'9', b'A'],
            Self::Joint => vec![b' ', b'-', b'.'],
            Self::OneOf(bytes) => {
                let mut classes: Vec<u8> = bytes.iter().map(|byte| class(*byte)).collect();
                classes.sort_unstable();
                classes.dedup();
                classes
            }
        }
    }
}

impl Shape {
    fn is_wild(&self) -> bool {
        let either = self.items.iter().filter(|item| item.sign.classes().contains(&b'A'));
        let either = either.filter(|item| item.sign.classes().contains(&b'9'));
        either.map(|item| item.most).sum::<usize>() >= WILD
    }

    fn lengths(&self) -> (usize, usize) {
        self.items.iter().fold((0, 0), |(least, most), item| (least + item.least, most + item.most))
    }

    fn signatures(&self) -> Option<Vec<Vec<u8>>> {
        let mut all: Vec<Vec<u8>> = vec![Vec::new()];
        for item in &self.items {
            let classes = item.sign.classes();
            // All the ways to write the item, from none to the most.
            let mut ways: Vec<Vec<u8>> = vec![Vec::new()];
            let mut runs: Vec<Vec<u8>> = ways.clone();
            for count in 1..=item.most {
                let longer = |run: &Vec<u8>| {
                    let run = run.clone();
                    classes
                        .iter()
                        .map(move |class| {
                            let mut run = run.clone();
                            run.push(*class);
                            run
                        })
                        .collect::<Vec<_>>()
                };
                runs = runs.iter().flat_map(longer).collect();
                if count <= item.least {
                    ways.clear();
                }
                ways.extend(runs.iter().cloned());
            }
            all = all
                .iter()
                .flat_map(|head| ways.iter().map(move |way| [head.as_slice(), way].concat()))
                .collect();
            if all.len() > SIGNATURES {
                return None;
            }
        }
        Some(all)
    }
}

/// How many letters and digits the items have at the least.
fn letters(items: &[Item]) -> usize {
    let letters = |item: &&Item| item.sign.classes().iter().all(u8::is_ascii_alphanumeric);
    items.iter().filter(letters).map(|item| item.least).sum()
}

/// How many digits what has this shape has at the least when it is digits and signs alone; `None`
/// when it has letters.
pub(crate) fn digits(shape: &str) -> Option<usize> {
    let items = items(shape)?;
    let numbers = |item: &Item| {
        let classes = item.sign.classes();
        item.least == 0 || classes.iter().any(|class| !class.is_ascii_alphabetic())
    };
    items.iter().all(numbers).then(|| letters(&items))
}

/// How many letters and digits what has this shape has at the least.
pub(crate) fn shortest(shape: &str) -> Option<usize> {
    items(shape).map(|items| letters(&items))
}

/// `9` is a digit, `A` a letter, `X` either; `~` one of blank, hyphen and full stop, or nothing;
/// `[…]`, `{m,n}` and `?` mean what they mean in a pattern; everything else stands for itself,
/// letters in lower case for either case and round brackets for square ones too.
fn items(shape: &str) -> Option<Vec<Item>> {
    let mut items: Vec<Item> = Vec::new();
    let mut rest = shape.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        let (sign, least) = match first {
            b'{' => {
                let (count, tail) = braced(rest, b'}')?;
                rest = tail;
                let mut bounds = count.split(|byte| *byte == b',').map(|part| {
                    super::super::check_digits::number(part).and_then(|n| usize::try_from(n).ok())
                });
                let item = items.last_mut()?;
                item.least = bounds.next()??;
                item.most = bounds.next().unwrap_or(Some(item.least))?;
                continue;
            }
            b'?' => {
                items.last_mut()?.least = 0;
                continue;
            }
            b'[' => {
                let (list, tail) = braced(rest, b']')?;
                rest = tail;
                (Sign::OneOf(listed(list)?), 1)
            }
            b'9' => (Sign::Digit, 1),
            b'A' => (Sign::Letter, 1),
            b'X' => (Sign::Either, 1),
            b'~' => (Sign::Joint, 0),
            b'(' => (Sign::OneOf(b"([".to_vec()), 1),
            b')' => (Sign::OneOf(b")]".to_vec()), 1),
            b'a'..=b'z' | b'0'..=b'8' => (Sign::OneOf(vec![first.to_ascii_uppercase()]), 1),
            other if is_joint(*other) => (Sign::OneOf(vec![*other]), 1),
            _ => return None,
        };
        items.push(Item { sign, least, most: 1 });
    }
    Some(items)
}

/// What stands up to the closing bracket, and what stands behind it.
fn braced(text: &[u8], close: u8) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| *byte == close)?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

/// The bytes of a list with ranges: `a-f9`, `-+`.
fn listed(list: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = list;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match rest {
            [b'-', last, tail @ ..] if first.is_ascii_alphanumeric() => {
                bytes.extend((*first..=*last).map(|byte| byte.to_ascii_uppercase()));
                rest = tail;
            }
            _ => bytes.push(first.to_ascii_uppercase()),
        }
    }
    (!bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(shapes: &[&[&str]], text: &str) -> Vec<(usize, usize)> {
        let shapes = Shapes::new(shapes.iter().copied()).unwrap();
        let window = Window::whole(text.as_bytes());
        shapes.walk(&window, 0).iter().map(|fit| (fit.ident, fit.end)).collect()
    }

    #[test]
    fn shapes_fit() {
        let shapes: &[&[&str]] =
            &[&["999-99-9999"], &["de~9{3}~999"], &["X{17}"], &["A9{2,3}(9)"], &["[a-c+]?99"]];
        assert_eq!(fits(shapes, "123-45-6789 ok"), [(0, 11)]);
        assert_eq!(fits(shapes, "DE 123.456"), [(1, 10)]);
        assert_eq!(fits(shapes, "FE 123.456"), []);
        assert_eq!(fits(shapes, "DE 123 x"), []);
        assert_eq!(fits(shapes, "1M8GDM9AXKP042788"), [(2, 17)]);
        assert_eq!(fits(shapes, "Q803[0] "), [(3, 7)]);
        assert_eq!(fits(shapes, "b12"), [(4, 3)]);
        assert_eq!(fits(shapes, "d12"), []);
        for wrong in ["9{3", "9@", "[", "{3}", "?"] {
            assert!(items(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_shape_stays_open_while_the_text_may_go_on() {
        let shapes = Shapes::new([&["999 99"][..]].into_iter()).unwrap();
        let open = |text: &'static [u8]| {
            shapes.walk(&Window { ended: false, ..Window::whole(text) }, 0).open
        };
        assert!(open(b"12") && open(b"123") && open(b"123 ") && open(b"123 45"));
        assert!(!open(b"12 ") && !open(b"123-") && !open(b"123 45,"));
    }
}
