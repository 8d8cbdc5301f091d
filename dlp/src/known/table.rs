//! Keyed hashes in a table that is read as it stands in its file.
//!
//! An entry has ten bytes: forty bits of the hash, its column, its row. The highest bits of a hash
//! say in which bucket its entries stand and are not stored. A bitmap in front, eight bits to a
//! value, says of seven in eight values that are not there that they are not.

/// Bytes of an entry: five of the hash, one of the column, four of the row.
pub(super) const ENTRY_BYTES: usize = 10;
const TAG_BITS: u32 = 40;
/// With the forty bits of a tag these are all that a hash has.
const BUCKET_BITS_MAX: u32 = 64 - TAG_BITS;
/// Entries that a bucket has on average.
const BUCKET_ENTRIES: u64 = 6;
/// The column of an entry that says only that something longer begins so.
pub(super) const LEAD: u8 = u8::MAX;

/// One value of one row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Entry {
    pub(super) hash: u64,
    pub(super) row: u32,
    pub(super) column: u8,
}

impl Entry {
    /// Something longer begins with what has this hash. It stands behind all rows.
    pub(super) fn lead(hash: u64) -> Self {
        Self { hash, row: u32::MAX, column: LEAD }
    }
}

/// Where the entries of one value stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether something longer begins so.
    pub(super) leads: bool,
}

/// The table.
pub(super) struct Table {
    offsets: Vec<u8>,
    entries: Vec<u8>,
    filter: Vec<u8>,
    bits: u32,
}

/// The names of the sections that a table is written to.
pub(super) const SECTIONS: [&str; 3] = ["offsets", "entries", "filter"];

impl Table {
    /// Sorts the entries, without those that stand there twice.
    pub(super) fn build(mut entries: Vec<Entry>) -> Self {
        entries.sort_unstable();
        entries.dedup();
        let count = entries.len() as u64;
        let bits = (count / BUCKET_ENTRIES).max(2).ilog2().clamp(1, BUCKET_BITS_MAX);
        let values = entries.chunk_by(|one, other| one.hash == other.hash).count();
        let mut filter = vec![0_u8; values.max(1)];
        let mut bytes = Vec::with_capacity(entries.len() * ENTRY_BYTES);
        let mut offsets = Vec::with_capacity(((1_usize << bits) + 1) * 4);
        let mut buckets = 0;
        for (at, entry) in entries.iter().enumerate() {
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            while buckets <= bucket(entry.hash, bits) {
                offsets.extend_from_slice(&at.to_le_bytes());
                buckets += 1;
            }
            let (byte, mask) = slot(entry.hash, filter.len());
            if let Some(byte) = filter.get_mut(byte) {
                *byte |= mask;
            }
            bytes.extend(tag(entry.hash, bits).to_be_bytes().iter().skip(3));
            bytes.push(entry.column);
            bytes.extend_from_slice(&entry.row.to_le_bytes());
        }
        let all = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        while buckets <= 1 << bits {
            offsets.extend_from_slice(&all.to_le_bytes());
            buckets += 1;
        }
        Self { offsets, entries: bytes, filter, bits }
    }

    /// The table that these sections are. `None` when they cannot be one.
    pub(super) fn read([offsets, entries, filter]: [&[u8]; 3]) -> Option<Self> {
        let buckets = (offsets.len() / 4).checked_sub(1)?;
        let bits = buckets.checked_ilog2()?;
        let whole = buckets == 1 << bits
            && (1..=BUCKET_BITS_MAX).contains(&bits)
            && offsets.len().is_multiple_of(4)
            && entries.len().is_multiple_of(ENTRY_BYTES)
            && !filter.is_empty();
        whole.then(|| Self {
            offsets: offsets.to_vec(),
            entries: entries.to_vec(),
            filter: filter.to_vec(),
            bits,
        })
    }

    pub(super) fn sections(&self) -> [&[u8]; 3] {
        [&self.offsets, &self.entries, &self.filter]
    }

    /// How many bytes it holds.
    pub(super) fn bytes(&self) -> usize {
        self.sections().iter().map(|section| section.len()).sum()
    }

    /// How many entries it has.
    pub(super) fn len(&self) -> usize {
        self.entries.len() / ENTRY_BYTES
    }

    /// The entries with this hash.
    #[inline]
    pub(super) fn find(&self, hash: u64) -> Option<Found> {
        let (byte, mask) = slot(hash, self.filter.len());
        if self.filter.get(byte)? & mask == 0 {
            return None;
        }
        self.search(hash)
    }

    fn search(&self, hash: u64) -> Option<Found> {
        let bucket = bucket(hash, self.bits);
        let (from, to) = (self.offset(bucket)?, self.offset(bucket + 1)?);
        let tag = tag(hash, self.bits);
        let start = self.partition(from, to, |known| known < tag);
        let end = self.partition(start, to, |known| known <= tag);
        let last = end.checked_sub(1).filter(|last| *last >= start)?;
        let leads = self.column(last) == LEAD;
        Some(Found { start, end: if leads { last } else { end }, leads })
    }

    /// The row of an entry.
    pub(super) fn row(&self, at: usize) -> u32 {
        let bytes = self.part(at).and_then(|entry| entry.get(6..)?.try_into().ok());
        bytes.map_or(u32::MAX, u32::from_le_bytes)
    }

    /// The column of an entry.
    pub(super) fn column(&self, at: usize) -> u8 {
        self.part(at).and_then(|entry| entry.get(5)).copied().unwrap_or(LEAD)
    }

    /// Where the entry of this row stands among those found.
    pub(super) fn row_in(&self, found: Found, row: u32) -> Option<usize> {
        let (mut from, mut to) = (found.start, found.end);
        while from < to {
            let middle = from + (to - from) / 2;
            match self.row(middle) < row {
                true => from = middle + 1,
                false => to = middle,
            }
        }
        (from < found.end && self.row(from) == row).then_some(from)
    }

    /// The first entry whose tag is not `before`.
    fn partition(&self, mut from: usize, mut to: usize, before: impl Fn(u64) -> bool) -> usize {
        while from < to {
            let middle = from + (to - from) / 2;
            match self.tag(middle).is_some_and(&before) {
                true => from = middle + 1,
                false => to = middle,
            }
        }
        from
    }

    fn tag(&self, at: usize) -> Option<u64> {
        let [a, b, c, d, e]: [u8; 5] = self.part(at)?.get(..5)?.try_into().ok()?;
        Some(u64::from_be_bytes([0, 0, 0, a, b, c, d, e]))
    }

    fn part(&self, at: usize) -> Option<&[u8]> {
        let start = at.checked_mul(ENTRY_BYTES)?;
        self.entries.get(start..start + ENTRY_BYTES)
    }

    fn offset(&self, bucket: usize) -> Option<usize> {
        let start = bucket.checked_mul(4)?;
        let bytes = self.offsets.get(start..start + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    }
}

fn bucket(hash: u64, bits: u32) -> usize {
    usize::try_from(hash >> (64 - bits)).unwrap_or(usize::MAX)
}

fn tag(hash: u64, bits: u32) -> u64 {
    (hash << bits) >> (64 - TAG_BITS)
}

/// A bit of the filter, from the low half of a hash.
fn slot(hash: u64, bytes: usize) -> (usize, u8) {
    let bit = ((hash & 0xFFFF_FFFF) * bytes as u64) >> 29;
    (usize::try_from(bit / 8).unwrap_or(usize::MAX), 1 << (bit % 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_found_and_nothing_else() {
        let spread = |at: u64| (at + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        for count in [0_u64, 1, 2, 7, 1000, 20_000] {
            let mut entries: Vec<Entry> = (0..count)
                .map(|at| Entry { hash: spread(at / 3), row: at as u32, column: (at % 5) as u8 })
                .collect();
            entries.extend((0..count / 10).map(|at| Entry::lead(spread(at))));
            let table = Table::build(entries);
            let read = Table::read(table.sections()).unwrap();
            for at in 0..count {
                let found = read.find(spread(at / 3)).unwrap();
                assert_eq!(found.leads, at / 3 < count / 10);
                let place = read.row_in(found, at as u32).unwrap();
                assert_eq!(read.column(place), (at % 5) as u8);
            }
            assert!((count..count + 1000).all(|at| read.find(spread(at)).is_none()));
        }
    }
}
