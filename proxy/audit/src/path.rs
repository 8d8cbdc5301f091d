//! Merkle paths: that a leaf is in a tree, and that one tree is the beginning of another (RFC 9162
//! sections 2.1.3 and 2.1.4; the trees of RFC 6962 are the same).
use crate::Digest;
use crate::merkle::{Frontier, join};

/// Follows one node while its tree grows, and notes what it is joined with: the path from that
/// node to the root, at every size, in one pass and with as many hashes as the size has bits.
#[derive(Clone, Debug)]
pub struct Trail {
    tree: Frontier,
    /// Where on the edge the node is that holds what is followed.
    place: usize,
    path: Vec<Digest>,
    /// The size that had the whole tree in it, when a tree is followed.
    since: Option<u64>,
}

impl Trail {
    /// Adds a leaf to a tree and follows it; the path is the leaf's inclusion proof.
    pub fn of_leaf(tree: Frontier, leaf: Digest) -> Self {
        let place = tree.edge().len();
        let mut trail = Self { tree, place, path: Vec::new(), since: None };
        trail.push_hash(leaf);
        trail
    }

    /// Follows a tree as it is; the path is the consistency proof between it and what it becomes.
    /// There is none for an empty tree, which is the beginning of every other.
    pub fn of_tree(tree: Frontier) -> Option<Self> {
        let place = tree.edge().len().checked_sub(1)?;
        // The last full subtree is in every larger tree. Where it is the whole tree, its hash is
        // the root that whoever checks has already.
        let path = tree.edge().get(place).filter(|_| place > 0).copied().into_iter().collect();
        let since = Some(tree.size());
        Some(Self { tree, place, path, since })
    }

    /// Adds a leaf by its hash.
    pub fn push_hash(&mut self, leaf: Digest) {
        let (place, path) = (&mut self.place, &mut self.path);
        self.tree.push_seen(leaf, |at, left, right| step(place, path, at, left, right));
    }

    /// The tree as it is now.
    pub fn tree(&self) -> &Frontier {
        &self.tree
    }

    /// The path as it is now, from the node's sibling up.
    pub fn path(&self) -> Vec<Digest> {
        if self.since == Some(self.tree.size()) {
            return Vec::new();
        }
        let (mut place, mut path) = (self.place, self.path.clone());
        let mut nodes = self.tree.edge().iter().enumerate().rev();
        if let Some((_, last)) = nodes.next() {
            nodes.fold(*last, |right, (at, left)| {
                step(&mut place, &mut path, at, left, &right);
                join(left, &right)
            });
        }
        path
    }
}

/// The node at `at` is joined with the one to its right: if one of them holds what is followed,
/// the other is the path's next.
fn step(place: &mut usize, path: &mut Vec<Digest>, at: usize, left: &Digest, right: &Digest) {
    if at == *place {
        path.push(*right);
    } else if at + 1 == *place {
        path.push(*left);
        *place = at;
    }
}

/// Whether `leaf` is number `index` in the tree of that size and root (RFC 9162 2.1.3.2).
#[must_use]
pub fn is_included(leaf: &Digest, index: u64, path: &[Digest], size: u64, root: &Digest) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut here, mut last) = (*leaf, index, size - 1);
    for next in path {
        if last == 0 {
            return false;
        }
        if here & 1 == 1 || here == last {
            node = join(next, &node);
            climb_to_right_child(&mut here, &mut last);
        } else {
            node = join(&node, next);
        }
        here >>= 1;
        last >>= 1;
    }
    last == 0 && node == *root
}

/// Whether the tree of size and root `first` is the beginning of `second` (RFC 9162 2.1.4.2).
/// Nothing is said of an empty tree: it has no proof.
#[must_use]
pub fn is_consistent(first: (u64, &Digest), second: (u64, &Digest), path: &[Digest]) -> bool {
    let ((size, root), (larger, larger_root)) = (first, second);
    if size == 0 || size > larger {
        return false;
    }
    if size == larger {
        return path.is_empty() && root == larger_root;
    }
    // A full first tree is a node of the second, so the path does not repeat it.
    let full = size.is_power_of_two().then_some(root);
    let mut nodes = full.into_iter().chain(path);
    let Some(start) = nodes.next().filter(|_| !path.is_empty()) else { return false };
    let (mut here, mut last) = (size - 1, larger - 1);
    while here & 1 == 1 {
        here >>= 1;
        last >>= 1;
    }
    let (mut old, mut new) = (*start, *start);
    for next in nodes {
        if last == 0 {
            return false;
        }
        if here & 1 == 1 || here == last {
            old = join(next, &old);
            new = join(next, &new);
            climb_to_right_child(&mut here, &mut last);
        } else {
            new = join(&new, next);
        }
        here >>= 1;
        last >>= 1;
    }
    last == 0 && old == *root && new == *larger_root
}

/// At the right edge of a tree that is not full, levels without a sibling are passed over.
fn climb_to_right_child(here: &mut u64, last: &mut u64) {
    while *here & 1 == 0 && *here != 0 {
        *here >>= 1;
        *last >>= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaf_hash;

    const SIZE_MAX: u64 = 300;

    fn leaf(n: u64) -> Digest {
        leaf_hash(&n.to_be_bytes())
    }

    fn tree(size: u64) -> Frontier {
        let mut tree = Frontier::new();
        (0..size).for_each(|n| tree.push_hash(leaf(n)));
        tree
    }

    /// MTH, PATH and SUBPROOF as RFC 9162 defines them, over a range of leaves.
    fn half(count: u64) -> u64 {
        count.next_power_of_two() / 2
    }

    fn root(from: u64, to: u64) -> Digest {
        match to - from {
            1 => leaf(from),
            count => {
                let mid = from + half(count);
                join(&root(from, mid), &root(mid, to))
            }
        }
    }

    fn slow_path(index: u64, from: u64, to: u64) -> Vec<Digest> {
        if to - from == 1 {
            return Vec::new();
        }
        let mid = from + half(to - from);
        let (mut path, sibling) = if index < mid {
            (slow_path(index, from, mid), root(mid, to))
        } else {
            (slow_path(index, mid, to), root(from, mid))
        };
        path.push(sibling);
        path
    }

    fn slow_proof(first: u64, from: u64, to: u64, whole: bool) -> Vec<Digest> {
        if first == to {
            return if whole { Vec::new() } else { vec![root(from, to)] };
        }
        let mid = from + half(to - from);
        let (mut path, sibling) = if first <= mid {
            (slow_proof(first, from, mid, whole), root(mid, to))
        } else {
            (slow_proof(first, mid, to, false), root(from, mid))
        };
        path.push(sibling);
        path
    }

    /// Every change of a path that must not be believed.
    fn wrong_paths(path: &[Digest]) -> Vec<Vec<Digest>> {
        let mut wrong = vec![[path, &[leaf(7)]].concat(), [&[leaf(7)], path].concat()];
        for at in 0..path.len() {
            let mut changed = path.to_vec();
            changed[at] = leaf(SIZE_MAX + 1);
            wrong.push(changed);
            let mut shorter = path.to_vec();
            shorter.remove(at);
            wrong.push(shorter);
        }
        if path.len() > 1 {
            let mut swapped = path.to_vec();
            swapped.swap(0, 1);
            wrong.push(swapped);
        }
        wrong
    }

    #[test]
    fn every_leaf_of_every_size_is_included() {
        for index in 0..SIZE_MAX {
            let mut trail = Trail::of_leaf(tree(index), leaf(index));
            for size in index + 1..=SIZE_MAX {
                let (path, root) = (trail.path(), trail.tree().root());
                assert!(is_included(&leaf(index), index, &path, size, &root), "{index} of {size}");
                assert!(!is_included(&leaf(index + 1), index, &path, size, &root));
                assert!(!is_included(&leaf(index), index + 1, &path, size, &root));
                assert!(!is_included(&leaf(index), size, &path, size, &root));
                trail.push_hash(leaf(size));
            }
        }
    }

    #[test]
    fn every_size_is_the_beginning_of_every_larger() {
        for first in 1..SIZE_MAX {
            let old = tree(first).root();
            let mut trail = Trail::of_tree(tree(first)).unwrap();
            for size in first..=SIZE_MAX {
                let (path, new) = (trail.path(), trail.tree().root());
                let is = |n, root: &Digest| is_consistent((n, root), (size, &new), &path);
                assert!(is(first, &old), "{first} to {size}");
                assert!(!is(first, &leaf(0)) || first == 1, "{first} to {size}");
                assert!(!is(0, &old));
                assert!(!is(size + 1, &old));
                trail.push_hash(leaf(size));
            }
        }
        assert!(Trail::of_tree(Frontier::new()).is_none());
    }

    #[test]
    fn paths_are_those_of_the_definition_and_no_other_is_believed() {
        for size in 1..=40 {
            let whole = tree(size).root();
            for index in 0..size {
                let mut trail = Trail::of_leaf(tree(index), leaf(index));
                (index + 1..size).for_each(|n| trail.push_hash(leaf(n)));
                assert_eq!(trail.path(), slow_path(index, 0, size), "{index} of {size}");
                for wrong in wrong_paths(&trail.path()) {
                    assert!(!is_included(&leaf(index), index, &wrong, size, &whole));
                }
            }
            for first in 1..=size {
                let mut trail = Trail::of_tree(tree(first)).unwrap();
                (first..size).for_each(|n| trail.push_hash(leaf(n)));
                assert_eq!(trail.path(), slow_proof(first, 0, size, true), "{first} to {size}");
                let old = tree(first).root();
                for wrong in wrong_paths(&trail.path()) {
                    assert!(!is_consistent((first, &old), (size, &whole), &wrong));
                }
            }
        }
    }

    #[test]
    fn sizes_without_end() {
        let (leaf, root) = (leaf(0), leaf(1));
        let long = vec![leaf; 64];
        assert!(!is_included(&leaf, u64::MAX - 1, &long, u64::MAX, &root));
        assert!(!is_consistent((u64::MAX - 1, &leaf), (u64::MAX, &root), &long));
        assert!(!is_included(&leaf, 0, &[], 0, &leaf));
        assert!(!is_consistent((3, &leaf), (3, &root), &[]));
    }
}
