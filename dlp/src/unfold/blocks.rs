//! A long text of which nearly all is written in another way is looked at in blocks: what is kept of
//! each escape is many times as long as the escape.
use super::view::on_char;
use crate::engine::Span;

/// Of so many atoms a text is no longer looked at in one: they take some megabytes.
pub(crate) const ATOMS_MAX: usize = 1 << 16;
/// How much is looked at at once then.
const BLOCK_BYTES: usize = 1 << 19;
/// How much of a block is looked at again with the next one: no less than a block of a run.
const OVERLAP_BYTES: usize = 1 << 17;
/// What begins so near to the beginning of a block, or ends so near to its end, may be a part of
/// something.
const MARGIN_BYTES: usize = 1 << 12;

/// A block of a text.
#[derive(Clone, Copy)]
pub(crate) struct Block {
    /// What is looked at.
    pub(crate) span: Span,
    /// What begins here is its own to tell of.
    own: Span,
    /// Where the block before it ends.
    before: usize,
}

impl Block {
    /// Whether a find in it is its own to tell of: the other block that holds it does not, or has not
    /// seen all of it.
    pub(crate) fn tells(&self, find: Span) -> bool {
        let begun = find.start >= self.own.start || find.end + MARGIN_BYTES > self.before;
        begun && find.start < self.own.end
    }
}

/// Whether a text is long enough to be cut. No block is.
pub(crate) fn is_long(text: &[u8]) -> bool {
    text.len() > BLOCK_BYTES + OVERLAP_BYTES
}

/// The blocks of a text.
pub(crate) fn of(text: &[u8]) -> impl Iterator<Item = Block> {
    let mut next = Some((0, 0, 0));
    std::iter::from_fn(move || {
        let (from, own, before) = next.take()?;
        let end = on_char(text, text.len().min(from + BLOCK_BYTES));
        let mut until = usize::MAX;
        if end < text.len() {
            let from = on_char(text, end - OVERLAP_BYTES);
            until = from + MARGIN_BYTES;
            next = Some((from, until, end));
        }
        Some(Block { span: Span::new(from, end), own: Span::new(own, until), before })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_find_is_told_by_the_block_that_has_seen_it() {
        let text = "é".repeat(BLOCK_BYTES);
        let blocks: Vec<_> = of(text.as_bytes()).collect();
        assert!(blocks.len() > 2);
        assert!(
            !blocks.iter().any(|block| is_long(&text.as_bytes()[block.span.start..block.span.end]))
        );
        assert_eq!(blocks.last().map(|block| block.span.end), Some(text.len()));
        for start in (0..text.len()).step_by(911) {
            for length in [1, 100, OVERLAP_BYTES - 2 * MARGIN_BYTES] {
                let find = Span::new(start, text.len().min(start + length));
                let told: Vec<_> = blocks.iter().filter(|block| block.tells(find)).collect();
                let [block] = told[..] else { panic!("{find:?} is told {} times", told.len()) };
                assert!(block.span.holds(find), "{find:?}");
            }
        }
    }

    #[test]
    fn what_no_block_has_all_of_is_told_as_far_as_each_has_seen_it() {
        let text = vec![b'a'; 2 * BLOCK_BYTES];
        let blocks: Vec<_> = of(&text).collect();
        let [first, second] = [blocks[0], blocks[1]];
        assert!(first.tells(Span::new(1000, first.span.end)));
        assert!(second.tells(Span::new(second.span.start, second.span.end)));
    }
}
