//! Facts to sealed entries, and back to certainty.
//!
//! An event goes through three hands: the [`Chain`] gives it a place and bytes ([`Draft`]), a key
//! signs its hash, wherever that key is ([`Signature`]), and the two are closed into an [`Entry`].
//! A [`Verifier`] reads entries and says whether they are what was written, or names the first
//! break in a sentence.
//!
//! ```
//! use tollgate_audit::{Chain, EventType, Facts, LocalKey, Profile, Registry, Verifier, keys};
//! use uuid::Uuid;
//!
//! let pem = LocalKey::pem_from_seed(&[7; 32]); // from a random source, in earnest
//! let key = LocalKey::from_pem(pem.as_bytes(), None)?;
//! let mut registry = Registry::new();
//! registry.add(key.kid().clone(), key.public().clone(), None, "")?;
//!
//! let mut chain = Chain::new();
//! let facts = Facts::new(EventType::CallIntent, "spiffe://acme/agents/reader")
//!     .text(keys::TOOL, "search");
//! let now = "2026-11-21T02:54:00Z".parse()?;
//! let draft = chain.draft(facts, Uuid::from_u128(1), now, key.kid())?;
//! let signature = key.sign(draft.hash())?;
//! let line = draft.close(signature)?.to_line();
//!
//! let mut verifier = Verifier::new(Profile::Tollgate, &registry);
//! verifier.push(line.trim_end().as_bytes())?;
//! assert_eq!(verifier.finish()?.events, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Invariants, held by `clippy.toml` and by the tidy test:
//! - no socket, file, environment, clock, randomness, task or global: ids, times and key bytes are
//!   arguments;
//! - the bytes under a hash are fixed (README.md), and each thing has one written form: a verifier
//!   refuses every other;
//! - facts are in the portable profile by construction, and nothing in them is cut silently.
mod canonical;
pub mod cef;
mod chain;
mod checkpoint;
mod delegation;
mod digest;
mod entry;
mod event_type;
mod facts;
pub mod keys;
mod merkle;
mod note;
mod path;
mod proof;
mod registry;
mod signer;
mod stamp;
mod strict;
mod text;
pub mod verify;

pub use canonical::{CanonicalError, SAFE_INTEGER_MAX, canonical};
pub use chain::{Chain, CloseError, Draft, DraftError, PAYLOAD_BYTES_MAX, event_hash};
pub use checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
pub use delegation::{Delegation, SignedDelegation};
pub use digest::Digest;
pub use entry::{Entry, EntryError};
pub use event_type::EventType;
pub use facts::{Facts, FieldFault, Fields, LIST_ITEMS_MAX};
pub use merkle::{Frontier, leaf_hash};
pub use note::{Note, NoteError};
pub use path::{Trail, is_consistent, is_included};
pub use proof::{EventProof, PROOF_BYTES_MAX, ProofError, Proven};
pub use registry::{Registry, RegistryError, Signer, SignerRefusal};
pub use signer::{
    Algorithm, KeyError, Kid, LocalKey, PublicKey, Signature, SignatureError, ToSign,
};
pub use stamp::{read_stamp, write_stamp};
pub use strict::{ReadError, read_json};
pub use text::{TEXT_BYTES_MAX, portable};
pub use verify::{Break, Examined, Examiner, Flaw, Profile, Summary, Verifier};
