//! Where literals stand in a text, whatever their case: many literals in one pass.
//!
//! The [`filter`] tells the few places at which something may stand; there the literal is compared
//! as a whole. Cost follows these places, not the number of literals: for each one the window is
//! chosen that is the rarest in what agents usually send ([`usual`]).
mod filter;
#[cfg(test)]
mod tests;
mod usual;

use std::collections::HashMap;

use filter::{Filter, PLACES, Places, padded};
use usual::Usual;

use super::bits::BLOCK;

/// A window may begin so many bytes after the beginning of its literal.
const OFFSETS: usize = 13;
const WINDOW: usize = 4;

/// Bytes that may follow a literal; any when there is none.
pub(super) type Next = Option<[bool; 256]>;

/// A literal, lower case.
struct Literal {
    text: Vec<u8>,
    /// The first bytes, to be compared at once.
    head: Head,
    /// The longest other literal that is a beginning of this one.
    within: Option<usize>,
    /// Literals that this one is the longest beginning of.
    longer: Vec<usize>,
}

/// What sixteen bytes must be after `or`: letters lose their case, and what is behind the literal
/// does not matter.
#[derive(Clone, Copy)]
struct Head {
    or: u128,
    is: u128,
}

const HEAD: usize = size_of::<u128>();

impl Head {
    fn new(text: &[u8]) -> Self {
        let (mut or, mut is) = ([0xFF; HEAD], [0xFF; HEAD]);
        for ((or, is), byte) in or.iter_mut().zip(&mut is).zip(text) {
            *or = if byte.is_ascii_alphabetic() { 0x20 } else { 0 };
            *is = byte | *or;
        }
        Self { or: u128::from_le_bytes(or), is: u128::from_le_bytes(is) }
    }

    fn begins(self, text: &[u8; HEAD]) -> bool {
        u128::from_le_bytes(*text) | self.or == self.is
    }
}

/// A place of a window: which literal, and how far behind its beginning.
#[derive(Clone, Copy)]
struct Entry {
    literal: usize,
    offset: usize,
}

/// All literals, built once.
pub(super) struct Sieve {
    literals: Vec<Literal>,
    filter: Filter,
    windows: Table,
    /// Literals of one or two bytes that no other is a beginning of.
    shorts: Vec<usize>,
}

impl Sieve {
    /// Builds the sieve. Literals have a byte at least, are lower case and all different. One of
    /// three bytes is found before the bytes that may follow it, before any other literal that it
    /// is a beginning of, and at the end of the text.
    pub(super) fn new(texts: Vec<(Vec<u8>, Next)>) -> Self {
        let (texts, nexts): (Vec<_>, Vec<_>) = texts.into_iter().unzip();
        let literals = related(texts);
        let mut filter = Filter::new();
        let mut windows = Vec::new();
        let mut shorts = Vec::new();
        let usual = Usual::new();
        let roots = literals.iter().zip(&nexts).enumerate();
        let mut roots: Vec<_> = roots.filter(|(_, (root, _))| root.within.is_none()).collect();
        // Those that have the least choice come first.
        roots.sort_by_key(|(_, (root, _))| root.text.len());
        for (literal, (root, nexts_to)) in roots {
            match *root.text.as_slice() {
                [] => {}
                [first] => {
                    filter.let_short(first, None);
                    shorts.push(literal);
                }
                [first, second] => {
                    filter.let_short(first, Some(second));
                    shorts.push(literal);
                }
                [a, b, c] => {
                    let longer = |next| {
                        let fourth = |n: &usize| literals.get(*n)?.text.get(3).copied();
                        root.longer.iter().filter_map(fourth).any(|byte| byte == next)
                    };
                    let may = |next: u8| {
                        let listed = |list: [bool; 256]| list.get(usize::from(next)) == Some(&true);
                        next == 0 || nexts_to.is_none_or(listed) || longer(next)
                    };
                    let mut all: Vec<u32> =
                        (0..=u8::MAX).filter(|n| may(*n)).map(|n| fold([a, b, c, n])).collect();
                    all.sort_unstable();
                    all.dedup();
                    for window in all {
                        filter.let_window(window);
                        windows.push((window, Entry { literal, offset: 0 }));
                    }
                }
                ref text => {
                    let Some((offset, window)) = choose(text, &usual, &filter) else { continue };
                    filter.let_window(window);
                    windows.push((window, Entry { literal, offset }));
                }
            }
        }
        Self { literals, filter, windows: Table::new(windows), shorts }
    }

    /// Every literal in the text by its beginning, each with its number; at one place the longest
    /// first.
    pub(super) fn find<'s, 't>(&'s self, text: &'t [u8]) -> Find<'s, 't> {
        Find {
            sieve: self,
            text,
            base: 0,
            next: 0,
            places: [0; PLACES / BLOCK],
            word: 0,
            waiting: [(0, 0); OFFSETS],
            count: 0,
            chain: None,
        }
    }

    pub(super) fn length(&self, literal: usize) -> usize {
        self.literals.get(literal).map_or(0, |literal| literal.text.len())
    }

    #[inline]
    fn stands(&self, literal: usize, text: &[u8], at: usize) -> bool {
        let Some(literal) = self.literals.get(literal) else { return false };
        if let Some(bytes) = text.get(at..).and_then(<[u8]>::first_chunk)
            && (literal.text.len() <= HEAD || !literal.head.begins(bytes))
        {
            return literal.head.begins(bytes);
        }
        let part = text.get(at..at + literal.text.len());
        part.is_some_and(|part| part.eq_ignore_ascii_case(&literal.text))
    }

    /// The longest literal that stands where this one does.
    fn longest(&self, mut literal: usize, text: &[u8], at: usize) -> usize {
        let longer = |literal: usize| {
            let longer = &self.literals.get(literal)?.longer;
            longer.iter().copied().find(|longer| self.stands(*longer, text, at))
        };
        while let Some(next) = longer(literal) {
            literal = next;
        }
        literal
    }
}

/// Literals with which is a beginning of which. Only those that have no beginning in the set need
/// to be looked for; the others are asked for behind them.
fn related(texts: Vec<Vec<u8>>) -> Vec<Literal> {
    let numbers: HashMap<&[u8], usize> =
        texts.iter().enumerate().map(|(number, text)| (text.as_slice(), number)).collect();
    let within: Vec<Option<usize>> = texts
        .iter()
        .map(|text| {
            let beginnings = (1..text.len()).rev().filter_map(|length| text.get(..length));
            beginnings.filter_map(|beginning| numbers.get(beginning).copied()).next()
        })
        .collect();
    let mut longer = vec![Vec::new(); texts.len()];
    for (number, within) in within.iter().enumerate() {
        if let Some(longer) = within.and_then(|within| longer.get_mut(within)) {
            longer.push(number);
        }
    }
    let parts = texts.into_iter().zip(within).zip(longer);
    parts
        .map(|((text, within), longer)| Literal { head: Head::new(&text), text, within, longer })
        .collect()
}

/// The window that costs the least: rare in usual text, and not in the way of others.
fn choose(text: &[u8], usual: &Usual, filter: &Filter) -> Option<(usize, u32)> {
    let windows = text.array_windows::<WINDOW>().take(OFFSETS).enumerate();
    let cost = |window: &[u8; WINDOW]| {
        let (seen, pairs) = usual.cost(window);
        (seen, filter.crowds(fold(*window)), pairs)
    };
    windows.min_by_key(|(_, window)| cost(window)).map(|(offset, window)| (offset, fold(*window)))
}

/// Letters lose their case. Some signs become others: what counts is that no letter is missed.
fn fold(window: [u8; WINDOW]) -> u32 {
    u32::from_le_bytes(window) | 0x2020_2020
}

/// Entries by their window: open addressing, half full at most.
struct Table {
    /// Windows, and where their entries begin.
    keys: Vec<(u32, u32)>,
    /// In groups of one window; the last of each has no other behind it.
    entries: Vec<(Entry, bool)>,
    shift: u32,
}

/// No window: folded, each has a bit in every byte.
const FREE: u32 = 0;

impl Table {
    fn new(mut windows: Vec<(u32, Entry)>) -> Self {
        windows.sort_by_key(|(window, _)| *window);
        let size = (windows.len() * 2).next_power_of_two().max(2);
        let shift = u32::BITS - size.trailing_zeros();
        let mut table = Self { keys: vec![(FREE, 0); size], entries: Vec::new(), shift };
        for same in windows.chunk_by(|(one, _), (other, _)| one == other) {
            let from = table.entries.len() as u32;
            table.entries.extend(same.iter().map(|(_, entry)| (*entry, true)));
            if let (Some(last), Some((window, _))) = (table.entries.last_mut(), same.first()) {
                last.1 = false;
                let home = table.home(*window);
                let free = (home..size)
                    .chain(0..home)
                    .find(|at| table.keys.get(*at).is_some_and(|(known, _)| *known == FREE));
                if let Some(key) = free.and_then(|at| table.keys.get_mut(at)) {
                    *key = (*window, from);
                }
            }
        }
        table
    }

    #[inline]
    fn home(&self, window: u32) -> usize {
        (window.wrapping_mul(0x9E37_79B1) >> self.shift) as usize
    }

    /// Where the entries with this window begin.
    #[inline]
    fn find(&self, window: u32) -> Option<usize> {
        let mut at = self.home(window);
        loop {
            match self.keys.get(at) {
                Some((known, from)) if *known == window => return Some(*from as usize),
                Some((FREE, _)) => return None,
                Some(_) => at += 1,
                None => at = 0,
            }
        }
    }
}

/// The literals of a text, one after the other.
pub(super) struct Find<'s, 't> {
    sieve: &'s Sieve,
    text: &'t [u8],
    /// Where `places` begins, and where what was not looked at yet.
    base: usize,
    next: usize,
    places: Places,
    /// The first of `places` that may not be empty.
    word: usize,
    /// Found, but one that begins before may still come: by their beginning.
    waiting: [(usize, usize); OFFSETS],
    count: usize,
    /// The literal to be told next, and where it begins.
    chain: Option<(usize, usize)>,
}

impl Iterator for Find<'_, '_> {
    /// Where it begins, and its number.
    type Item = (usize, usize);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((at, literal)) = self.chain {
                let within = self.sieve.literals.get(literal).and_then(|literal| literal.within);
                self.chain = within.map(|within| (at, within));
                return Some((at, literal));
            }
            let place = self.place();
            match self.waiting.first().filter(|_| self.count > 0) {
                // What is found from now on begins behind it.
                Some((at, _)) if place.is_none_or(|place| at + OFFSETS <= place) => self.release(),
                _ => self.look(place?),
            }
        }
    }
}

impl Find<'_, '_> {
    /// The next place at which something may stand.
    #[inline]
    fn place(&mut self) -> Option<usize> {
        loop {
            while let Some(word) = self.places.get(self.word) {
                if *word != 0 {
                    return Some(self.base + self.word * BLOCK + word.trailing_zeros() as usize);
                }
                self.word += 1;
            }
            if self.next >= self.text.len() {
                return None;
            }
            self.places = self.sieve.filter.places(self.text, self.next);
            self.base = self.next;
            self.next += PLACES;
            self.word = 0;
        }
    }

    /// Tells of the first that waits.
    fn release(&mut self) {
        self.chain = self.waiting.first().copied();
        // Mostly it is the only one.
        if self.count > 1 {
            self.waiting.copy_within(1..self.count, 0);
        }
        self.count -= 1;
    }

    /// Looks which literals have their window at this place, and is done with it.
    #[inline]
    fn look(&mut self, place: usize) {
        if let Some(word) = self.places.get_mut(self.word) {
            *word &= word.wrapping_sub(1);
        }
        let sieve = self.sieve;
        let rest = self.text.get(place..).unwrap_or_default();
        let window = rest.first_chunk().copied().unwrap_or_else(|| padded(rest));
        if let Some(from) = sieve.windows.find(fold(window)) {
            for (entry, more) in sieve.windows.entries.get(from..).unwrap_or_default() {
                if let Some(at) = place.checked_sub(entry.offset) {
                    self.take(entry.literal, at);
                }
                if !more {
                    break;
                }
            }
        }
        for short in &sieve.shorts {
            let first = sieve.literals.get(*short).and_then(|literal| literal.text.first());
            if first == rest.first().map(u8::to_ascii_lowercase).as_ref() {
                self.take(*short, place);
            }
        }
    }

    /// Lets a literal wait if it stands there. One that others begin with is the only one of its
    /// beginning, so that there is room for all.
    fn take(&mut self, literal: usize, at: usize) {
        if !self.sieve.stands(literal, self.text, at) {
            return;
        }
        let longest = self.sieve.longest(literal, self.text, at);
        let behind = |(other, _): &&(usize, usize)| *other > at;
        let later = self.waiting.iter().take(self.count).rev().take_while(behind).count();
        let from = self.count - later;
        if self.count < OFFSETS {
            if later > 0 {
                self.waiting.copy_within(from..self.count, from + 1);
            }
            self.count += 1;
        }
        if let Some(slot) = self.waiting.get_mut(from) {
            *slot = (at, longest);
        }
    }
}
