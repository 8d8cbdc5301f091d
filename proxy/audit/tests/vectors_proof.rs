//! Merkle roots, proofs and signed notes that other implementations made and accepted.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may stop")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the crate is pure; its tests read files"
)]
mod shared;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tollgate_audit::{
    Digest, EventProof, Frontier, Note, ProofError, Registry, Trail, is_consistent, is_included,
    leaf_hash,
};

const SIZE: usize = 7;

fn text(name: &str) -> String {
    shared::text(&format!("ledger/{name}"))
}

fn vectors() -> Value {
    serde_json::from_str(&text("vectors.json")).unwrap()
}

fn hex_digest(value: &Value) -> Digest {
    Digest::parse(value.as_str().unwrap()).unwrap()
}

/// The leaves are the lines without their newlines: each is RFC 8785 itself.
fn leaves() -> Vec<Digest> {
    text("chain.jsonl").lines().map(|line| leaf_hash(line.as_bytes())).collect()
}

fn root(vectors: &Value, size: usize) -> Digest {
    hex_digest(&vectors["roots"][size.to_string()])
}

#[test]
fn leaves_and_roots() {
    let (vectors, leaves) = (vectors(), leaves());
    let expect: Vec<Digest> =
        vectors["leafHashes"].as_array().unwrap().iter().map(hex_digest).collect();
    assert_eq!((leaves.len(), &leaves), (SIZE, &expect));
    let mut tree = Frontier::new();
    assert_eq!(tree.root(), root(&vectors, 0));
    for (at, leaf) in leaves.iter().enumerate() {
        tree.push_hash(*leaf);
        assert_eq!(tree.root(), root(&vectors, at + 1));
    }
}

#[test]
fn consistency() {
    let (vectors, leaves) = (vectors(), leaves());
    let proofs = vectors["consistency"].as_object().unwrap();
    assert_eq!(proofs.len(), 21);
    for (name, proof) in proofs {
        let (first, second) = name.split_once("->").unwrap();
        let (first, second): (usize, usize) = (first.parse().unwrap(), second.parse().unwrap());
        let mut tree = Frontier::new();
        leaves[..first].iter().for_each(|leaf| tree.push_hash(*leaf));
        let mut trail = Trail::of_tree(tree).unwrap();
        leaves[first..second].iter().for_each(|leaf| trail.push_hash(*leaf));
        let path = trail.path();
        let written: Vec<String> =
            path.iter().map(|hash| STANDARD.encode(hash.as_bytes())).collect();
        assert_eq!(Value::from(written), *proof, "for {name}");
        let (old, new) = (root(&vectors, first), root(&vectors, second));
        assert!(is_consistent((first as u64, &old), (second as u64, &new), &path), "for {name}");
        assert!(!is_consistent((first as u64, &new), (second as u64, &new), &path), "for {name}");
    }
}

#[test]
fn inclusion() {
    let leaves = leaves();
    let registry = Registry::parse(text("signers.json").as_bytes()).unwrap();
    for index in 0..SIZE {
        let proof = EventProof::parse(&text(&format!("event-{index}.tlog-proof"))).unwrap();
        let note = Note::read(proof.note(), &registry).unwrap();
        let is =
            |leaf: &Digest| is_included(leaf, proof.index(), proof.path(), note.size, &note.root);
        assert_eq!(proof.index(), index as u64);
        for (at, leaf) in leaves.iter().enumerate() {
            assert_eq!(is(leaf), at == index, "leaf {at} under the proof for {index}");
        }
        let mut tree = Frontier::new();
        leaves[..index].iter().for_each(|leaf| tree.push_hash(*leaf));
        let mut trail = Trail::of_leaf(tree, leaves[index]);
        leaves[index + 1..].iter().for_each(|leaf| trail.push_hash(*leaf));
        assert_eq!(trail.path(), proof.path());
        // The vectors' proofs go without the event.
        assert!(matches!(proof.check(&registry), Err(ProofError::NoEvent)));
    }
}
