//! Another implementation of RFC 6962 (the crate `ct-merkle`) says the same of roots and proofs.
#![allow(clippy::unwrap_used, reason = "a test may stop")]
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use sha2_judge::Sha256;
use tollgate_audit::{Digest, Frontier, Trail, is_consistent, is_included, leaf_hash};

/// Beyond two full trees, so that every shape of a right edge up to seven bits is there.
const SIZE_MAX: u64 = 130;

type Theirs = MemoryBackedTree<Sha256, Vec<u8>>;

fn leaf(n: u64) -> Vec<u8> {
    format!("{{\"seq\":{n}}}").into_bytes()
}

fn theirs(size: u64) -> Theirs {
    let mut tree = Theirs::new();
    (0..size).for_each(|n| tree.push(leaf(n)));
    tree
}

fn ours(size: u64) -> Frontier {
    let mut tree = Frontier::new();
    (0..size).for_each(|n| tree.push(&leaf(n)));
    tree
}

fn their_root(root: Digest, size: u64) -> RootHash<Sha256> {
    RootHash::new((*root.as_bytes()).into(), size)
}

fn bytes(path: &[Digest]) -> Vec<u8> {
    path.iter().flat_map(|hash| hash.as_bytes().to_owned()).collect()
}

fn digests(bytes: &[u8]) -> Vec<Digest> {
    bytes.chunks_exact(32).map(|hash| Digest::new(hash.try_into().unwrap())).collect()
}

#[test]
fn roots() {
    for size in 0..=SIZE_MAX {
        let root = theirs(size).root();
        assert_eq!(ours(size).root().as_bytes().as_slice(), root.as_bytes().as_slice(), "{size}");
    }
}

#[test]
fn inclusion() {
    for size in 1..=SIZE_MAX {
        let (tree, root) = (theirs(size), ours(size).root());
        for index in 0..size {
            let mut trail = Trail::of_leaf(ours(index), leaf_hash(&leaf(index)));
            (index + 1..size).for_each(|n| trail.push_hash(leaf_hash(&leaf(n))));
            let path = trail.path();
            // Ours is theirs to the byte, they believe it, and of a wrong one they do not.
            let expect = tree.prove_inclusion(usize::try_from(index).unwrap());
            assert_eq!(bytes(&path), expect.as_bytes(), "{index} of {size}");
            let proof = InclusionProof::try_from_bytes(bytes(&path)).unwrap();
            let they = their_root(root, size);
            assert!(they.verify_inclusion(&leaf(index), index, &proof).is_ok());
            assert!(they.verify_inclusion(&leaf(index + 1), index, &proof).is_err());
            // And we believe theirs.
            let leaf = leaf_hash(&leaf(index));
            assert!(is_included(&leaf, index, &digests(expect.as_bytes()), size, &root));
        }
    }
}

#[test]
fn consistency() {
    for size in 1..=SIZE_MAX {
        let (tree, root) = (theirs(size), ours(size).root());
        for first in 1..=size {
            let old = ours(first).root();
            let mut trail = Trail::of_tree(ours(first)).unwrap();
            (first..size).for_each(|n| trail.push_hash(leaf_hash(&leaf(n))));
            let path = trail.path();
            let expect = tree.prove_consistency(usize::try_from(size - first).unwrap());
            assert_eq!(bytes(&path), expect.as_bytes(), "{first} to {size}");
            let proof = ConsistencyProof::try_from_bytes(bytes(&path)).unwrap();
            let they = their_root(root, size);
            assert!(they.verify_consistency(&their_root(old, first), &proof).is_ok());
            let other = their_root(leaf_hash(b"another"), first);
            assert!(they.verify_consistency(&other, &proof).is_err());
            let path = digests(expect.as_bytes());
            assert!(is_consistent((first, &old), (size, &root), &path), "{first} to {size}");
        }
    }
}
