//! Where literals stand in a text, whatever their case: many literals in one pass.
//!
//! The [`filter`] tells the few places at which something may stand; there the literal is compared
//! as a whole. Cost follows these places, not the number of literals: for each one the window is
//! chosen that is the rarest in what agents usually send ([`usual`]).
mod filter;
#[cfg(test)]
mod tests;
mod usual;

use filter::{Filter, PLACES, Places};
use usual::Usual;

/// A window may begin so many bytes after the beginning of its literal.
const OFFSETS: usize = 13;
const WINDOW: usize = 4;

/// A literal, lower case.
struct Literal {
    text: Vec<u8>,
    /// The longest other literal that is a beginning of this one.
    within: Option<usize>,
    /// Literals that this one is the longest beginning of.
    longer: Vec<usize>,
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
    /// Entries by the first three bytes of their window.
    entries: Table,
    /// Literals of one or two bytes that no other is a beginning of.
    shorts: Vec<usize>,
}

impl Sieve {
    /// Builds the sieve. Literals have a byte at least and are all different.
    pub(super) fn new(texts: Vec<Vec<u8>>) -> Self {
        let mut sieve = Self {
            literals: related(texts),
            filter: Filter::new(),
            entries: Table::default(),
            shorts: Vec::new(),
        };
        let usual = Usual::new();
        let mut entries = Vec::new();
        // Short ones first: they have the least choice.
        let mut roots: Vec<usize> = (0..sieve.literals.len()).collect();
        roots.retain(|n| sieve.literals.get(*n).is_some_and(|literal| literal.within.is_none()));
        roots.sort_by_key(|n| sieve.literals.get(*n).map(|literal| literal.text.len()));
        for number in roots {
            let Some(literal) = sieve.literals.get(number) else { continue };
            match *literal.text.as_slice() {
                [] => {}
                [first] => {
                    sieve.filter.let_short(first, None);
                    sieve.shorts.push(number);
                }
                [first, second] => {
                    sieve.filter.let_short(first, Some(second));
                    sieve.shorts.push(number);
                }
                [a, b, c] => {
                    for last in 0..=u8::MAX {
                        sieve.filter.let_window(fold([a, b, c, last]));
                    }
                    entries.push((fold([a, b, c, 0]), Entry { literal: number, offset: 0 }));
                }
                ref text => {
                    let Some((offset, window)) = choose(text, &usual, &sieve.filter) else {
                        continue;
                    };
                    sieve.filter.let_window(window);
                    entries.push((window, Entry { literal: number, offset }));
                }
            }
        }
        sieve.entries = Table::new(entries);
        sieve
    }

    /// Every literal in the text by its beginning, each with its number; at one place the longest
    /// first.
    pub(super) fn find<'s, 't>(&'s self, text: &'t [u8]) -> Find<'s, 't> {
        Find {
            sieve: self,
            text,
            base: 0,
            next: 0,
            places: [0; PLACES / 64],
            word: 0,
            waiting: [(0, 0); OFFSETS],
            count: 0,
            chain: None,
        }
    }

    pub(super) fn length(&self, literal: usize) -> usize {
        self.literals.get(literal).map_or(0, |literal| literal.text.len())
    }

    fn stands(&self, literal: usize, text: &[u8], at: usize) -> bool {
        let Some(Literal { text: known, .. }) = self.literals.get(literal) else { return false };
        let part = text.get(at..at + known.len());
        part.is_some_and(|part| part.eq_ignore_ascii_case(known))
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
    let within: Vec<Option<usize>> = texts
        .iter()
        .map(|text| {
            let shorter = texts
                .iter()
                .enumerate()
                .filter(|(_, other)| other.len() < text.len() && text.starts_with(other));
            shorter.max_by_key(|(_, other)| other.len()).map(|(number, _)| number)
        })
        .collect();
    let longer = |number: usize| {
        within
            .iter()
            .enumerate()
            .filter(move |(_, w)| **w == Some(number))
            .map(|(n, _)| n)
            .collect()
    };
    let longer: Vec<Vec<usize>> = (0..texts.len()).map(longer).collect();
    let parts = texts.into_iter().zip(within).zip(longer);
    parts.map(|((text, within), longer)| Literal { text, within, longer }).collect()
}

/// The window that costs the least: rare in usual text, and not in the way of others.
fn choose(text: &[u8], usual: &Usual, filter: &Filter) -> Option<(usize, u32)> {
    let windows = text.array_windows::<WINDOW>().take(OFFSETS).enumerate();
    let cost = |window: &[u8; WINDOW]| (filter.crowds(fold(*window)), usual.cost(window));
    windows.min_by_key(|(_, window)| cost(window)).map(|(offset, window)| (offset, fold(*window)))
}

/// Letters lose their case. Some signs become others: what counts is that no letter is missed.
fn fold(window: [u8; WINDOW]) -> u32 {
    u32::from_le_bytes(window) | 0x2020_2020
}

/// Entries by the first three bytes of a window: open addressing, a quarter full at most.
#[derive(Default)]
struct Table {
    /// Three bytes, and where their entries are.
    keys: Vec<(u32, u32, u32)>,
    entries: Vec<Entry>,
    shift: u32,
}

impl Table {
    fn new(mut windows: Vec<(u32, Entry)>) -> Self {
        const FREE: (u32, u32, u32) = (u32::MAX, 0, 0);
        windows.sort_by_key(|(window, _)| window & 0xFF_FFFF);
        let size = (windows.len() * 4).next_power_of_two().max(2);
        let shift = 32 - size.trailing_zeros();
        let mut table = Self { keys: vec![FREE; size], entries: Vec::new(), shift };
        for same in windows.chunk_by(|(one, _), (other, _)| one << 8 == other << 8) {
            let Some(key) = same.first().map(|(window, _)| window & 0xFF_FFFF) else { continue };
            let from = table.entries.len() as u32;
            table.entries.extend(same.iter().map(|(_, entry)| *entry));
            let to = table.entries.len() as u32;
            let home = table.home(key);
            let mut steps = (home..size).chain(0..home);
            let free = steps.find(|at| table.keys.get(*at) == Some(&FREE));
            if let Some(slot) = free.and_then(|at| table.keys.get_mut(at)) {
                *slot = (key, from, to);
            }
        }
        table
    }

    fn home(&self, key: u32) -> usize {
        (key.wrapping_mul(0x9E37_79B1) >> self.shift) as usize
    }

    /// The entries whose window may begin with these bytes.
    fn find(&self, window: u32) -> &[Entry] {
        let key = window & 0xFF_FFFF;
        let home = self.home(key);
        let (before, after) = self.keys.split_at_checked(home).unwrap_or_default();
        for (known, from, to) in after.iter().chain(before) {
            if *known == key {
                return self.entries.get(*from as usize..*to as usize).unwrap_or_default();
            }
            if *known == u32::MAX {
                break;
            }
        }
        &[]
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
    fn place(&mut self) -> Option<usize> {
        loop {
            while let Some(word) = self.places.get(self.word) {
                if *word != 0 {
                    return Some(self.base + self.word * 64 + word.trailing_zeros() as usize);
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
        self.waiting.copy_within(1.., 0);
        self.count -= 1;
    }

    /// Looks which literals have their window at this place, and is done with it.
    fn look(&mut self, place: usize) {
        if let Some(word) = self.places.get_mut(self.word) {
            *word &= word.wrapping_sub(1);
        }
        let sieve = self.sieve;
        let mut bytes = [0; WINDOW];
        for (to, from) in bytes.iter_mut().zip(self.text.get(place..).unwrap_or_default()) {
            *to = *from;
        }
        for entry in sieve.entries.find(fold(bytes)) {
            if let Some(at) = place.checked_sub(entry.offset) {
                self.take(entry.literal, at);
            }
        }
        for short in &sieve.shorts {
            self.take(*short, place);
        }
    }

    /// Lets a literal wait if it stands there. One that others begin with is the only one of its
    /// beginning, so that there is room for all.
    #[inline]
    fn take(&mut self, literal: usize, at: usize) {
        if !self.sieve.stands(literal, self.text, at) {
            return;
        }
        let longest = self.sieve.longest(literal, self.text, at);
        let behind = |(other, _): &&(usize, usize)| *other > at;
        let later = self.waiting.iter().take(self.count).rev().take_while(behind).count();
        let from = self.count - later;
        if self.count < OFFSETS {
            self.waiting.copy_within(from..self.count, from + 1);
            self.count += 1;
        }
        if let Some(slot) = self.waiting.get_mut(from) {
            *slot = (at, longest);
        }
    }
}
