//! The RFC 6962 tree hash over records, kept as they come (section 2.1).
use crate::Digest;

/// A Merkle tree that only remembers its right edge: as many hashes as the size has bits.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Frontier {
    size: u64,
    edge: Vec<Digest>,
}

impl Frontier {
    /// An empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// A tree as [`Self::edge`] told it; `None` when no tree of that size has that many hashes.
    pub fn from_edge(size: u64, edge: Vec<Digest>) -> Option<Self> {
        let fits = usize::try_from(size.count_ones()).is_ok_and(|ones| ones == edge.len());
        fits.then_some(Self { size, edge })
    }

    /// How many leaves it has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf.
    pub fn push(&mut self, leaf: &[u8]) {
        self.push_hash(leaf_hash(leaf));
    }

    /// Adds a leaf that is hashed already.
    pub fn push_hash(&mut self, leaf: Digest) {
        self.push_seen(leaf, |_, _, _| {});
    }

    /// Adds a leaf and tells of each join: the place of the left node on the edge, and both nodes.
    pub(crate) fn push_seen(
        &mut self,
        mut node: Digest,
        mut seen: impl FnMut(usize, &Digest, &Digest),
    ) {
        let mut full = self.size;
        // Each one bit at the end is a full subtree to the left, of the size of what we carry.
        while full & 1 == 1 {
            let Some(left) = self.edge.pop() else { break };
            seen(self.edge.len(), &left, &node);
            node = join(&left, &node);
            full >>= 1;
        }
        self.edge.push(node);
        self.size += 1;
    }

    /// The full subtrees, largest first: the nodes that the root is joined from, and all that has
    /// to be kept of a tree to go on with it.
    pub fn edge(&self) -> &[Digest] {
        &self.edge
    }

    /// The root over all leaves.
    pub fn root(&self) -> Digest {
        let mut nodes = self.edge.iter().rev();
        let Some(last) = nodes.next() else { return Digest::of(&[]) };
        nodes.fold(*last, |right, left| join(left, &right))
    }
}

/// The hash of a leaf: SHA-256 over a zero byte and the leaf.
pub fn leaf_hash(leaf: &[u8]) -> Digest {
    Digest::of(&[&[0], leaf])
}

pub(crate) fn join(left: &Digest, right: &Digest) -> Digest {
    Digest::of(&[&[1], left.as_bytes(), right.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition as RFC 6962 writes it, split at the largest power of two.
    fn slow(leaves: &[Vec<u8>]) -> Digest {
        match leaves {
            [] => Digest::of(&[]),
            [leaf] => Digest::of(&[&[0], leaf]),
            _ => {
                let half = (leaves.len().next_power_of_two() / 2).max(1);
                let (left, right) = leaves.split_at(half);
                join(&slow(left), &slow(right))
            }
        }
    }

    #[test]
    fn as_the_definition_says() {
        let mut tree = Frontier::new();
        let mut leaves = Vec::new();
        assert_eq!(tree.root(), slow(&leaves));
        for n in 0..70_u8 {
            tree.push(&[n]);
            leaves.push(vec![n]);
            assert_eq!(tree.root(), slow(&leaves), "at size {}", leaves.len());
            assert_eq!(tree.size(), u64::from(n) + 1);
            let kept = Frontier::from_edge(tree.size(), tree.edge().to_vec()).unwrap();
            assert_eq!(kept, tree);
            assert!(Frontier::from_edge(tree.size() + 2, Vec::new()).is_none());
        }
    }
}
