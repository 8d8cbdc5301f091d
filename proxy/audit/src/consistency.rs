//! Two signed notes of one log, with the proof that the older log is the beginning of the newer:
//! a file that stands for itself.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::path::is_consistent;
use crate::{Digest, Note, NoteError, Registry, Trail};

/// Twice a path's hashes and two notes are far below this.
pub const CONSISTENCY_BYTES_MAX: usize = 160 * 1024;

const HEAD: &str = "tollgate/consistency-proof@v1";
/// A size has 64 bits, so no path is longer.
const PATH_MAX: usize = 64;

/// A path between two signed notes. Nothing is believed yet: see [`Self::check`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsistencyProof {
    path: Vec<Digest>,
    old: String,
    new: String,
}

/// Why two notes are not shown to be of one log.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConsistencyError {
    /// Not the form.
    #[error("not a consistency proof: {0}")]
    Form(&'static str),
    /// A note's signature.
    #[error("the {0} note: {1}")]
    Note(&'static str, NoteError),
    /// Two logs.
    #[error("the notes are of two logs, `{0}` and `{1}`")]
    Origins(String, String),
    /// The path does not lead from the one to the other.
    #[error("the log of {old} events is not the beginning of the log of {new} events")]
    Fork {
        /// The older size.
        old: u64,
        /// The newer size.
        new: u64,
    },
}

impl ConsistencyProof {
    /// The proof that a trail followed from the old note's tree to the new note's.
    pub fn new(trail: &Trail, old: &str, new: &str) -> Self {
        Self { path: trail.path(), old: old.to_owned(), new: new.to_owned() }
    }

    /// The written form.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEAD}\n");
        for hash in &self.path {
            text.push_str(&STANDARD.encode(hash.as_bytes()));
            text.push('\n');
        }
        format!("{text}\n{}\n{}", self.old, self.new)
    }

    /// Reads the written form, and no other way to write the same.
    pub fn parse(text: &str) -> Result<Self, ConsistencyError> {
        let form = ConsistencyError::Form;
        if text.len() > CONSISTENCY_BYTES_MAX {
            return Err(form("it is longer than 160 KiB"));
        }
        let parts: Vec<&str> = text.split("\n\n").collect();
        let [head, old, old_signed, new, new_signed] = parts.as_slice() else {
            return Err(form("it has not two signed notes"));
        };
        let mut lines = head.split('\n');
        if lines.next() != Some(HEAD) {
            return Err(form("it does not begin with `tollgate/consistency-proof@v1`"));
        }
        let mut path = Vec::new();
        for line in lines {
            let bytes: Option<[u8; 32]> =
                STANDARD.decode(line).ok().and_then(|bytes| bytes.try_into().ok());
            let hash = bytes.filter(|_| path.len() < PATH_MAX).map(Digest::new);
            path.push(hash.ok_or(form("a line is not one of at most 64 hashes in base64"))?);
        }
        let old = format!("{old}\n\n{old_signed}\n");
        let proof = Self { path, old, new: format!("{new}\n\n{new_signed}") };
        if proof.to_text() != text {
            return Err(form("it is not in its one written form"));
        }
        Ok(proof)
    }

    /// The two notes, older first, if registered signers signed both and the path leads from the
    /// one to the other.
    pub fn check(&self, registry: &Registry) -> Result<(Note, Note), ConsistencyError> {
        let read =
            |which, text| Note::read(text, registry).map_err(|e| ConsistencyError::Note(which, e));
        let (old, new) = (read("old", &self.old)?, read("new", &self.new)?);
        if old.origin != new.origin {
            return Err(ConsistencyError::Origins(old.origin, new.origin));
        }
        if !is_consistent((old.size, &old.root), (new.size, &new.root), &self.path) {
            return Err(ConsistencyError::Fork { old: old.size, new: new.size });
        }
        Ok((old, new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Frontier, LocalKey, leaf_hash};

    #[test]
    fn every_two_sizes_and_nothing_else() {
        let key = LocalKey::from_pem(LocalKey::pem_from_seed(&[1; 32]).as_bytes(), None).unwrap();
        let mut registry = Registry::new();
        registry.add(key.kid().clone(), key.public().clone(), None, "").unwrap();
        let sign = |tree: &Frontier| {
            let origin = "tollgate/x".to_owned();
            Note { origin, size: tree.size(), root: tree.root() }.sign(&key).unwrap()
        };
        let leaf = |n: u64| leaf_hash(&n.to_be_bytes());
        for old_size in 1..20 {
            let mut tree = Frontier::new();
            (0..old_size).for_each(|n| tree.push_hash(leaf(n)));
            let old = sign(&tree);
            let mut trail = Trail::of_tree(tree).unwrap();
            for new_size in old_size..30 {
                let text = ConsistencyProof::new(&trail, &old, &sign(trail.tree())).to_text();
                let proof = ConsistencyProof::parse(&text).unwrap();
                let (first, second) = proof.check(&registry).unwrap();
                assert_eq!((first.size, second.size), (old_size, new_size));
                let no_one = proof.check(&Registry::new());
                assert_eq!(no_one, Err(ConsistencyError::Note("old", NoteError::Unsigned)));
                // Another log of the same size.
                let mut fork = Frontier::new();
                (0..new_size).for_each(|n| fork.push_hash(leaf(n + 7)));
                let forked = ConsistencyProof::new(&trail, &old, &sign(&fork));
                let fork = ConsistencyError::Fork { old: old_size, new: new_size };
                assert_eq!(forked.check(&registry), Err(fork));
                trail.push_hash(leaf(new_size));
            }
        }
        for text in ["", "tollgate/consistency-proof@v1\n\na\n\nb\n", "x\n\na\n\nb\n\nc\n\nd\n"] {
            assert!(matches!(ConsistencyProof::parse(text), Err(ConsistencyError::Form(_))));
        }
    }
}
