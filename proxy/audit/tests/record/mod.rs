//! A small record to change.
use tollgate_audit::{
    Chain, Checkpoint, Entry, EventType, Facts, Kid, LocalKey, Registry, SignedCheckpoint, keys,
};
use uuid::Uuid;

pub(crate) struct Record {
    pub(crate) registry: Registry,
    pub(crate) lines: Vec<String>,
    pub(crate) checkpoints: Vec<SignedCheckpoint>,
    pub(crate) key: LocalKey,
}

pub(crate) fn key(seed: u8, kid: &str) -> LocalKey {
    let pem = LocalKey::pem_from_seed(&[seed; 32]);
    LocalKey::from_pem(pem.as_bytes(), Some(Kid::parse(kid).unwrap())).unwrap()
}

pub(crate) fn seal(chain: &mut Chain, key: &LocalKey, facts: Facts) -> Entry {
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let draft = chain.draft(facts, Uuid::from_u128(chain.size().into()), now, key.kid()).unwrap();
    let signature = key.sign(draft.hash()).unwrap();
    draft.close(signature).unwrap()
}

pub(crate) fn checkpoint(chain: &Chain, key: &LocalKey) -> SignedCheckpoint {
    let checkpoint = Checkpoint {
        origin: "tollgate/test".to_owned(),
        size: chain.size(),
        head_hash: *chain.head().unwrap(),
        ts: chain.last_ts(),
    };
    let signature = key.sign(&checkpoint.hash()).unwrap();
    checkpoint.close(&signature).unwrap()
}

/// Eight events, checkpoints after four and eight.
pub(crate) fn record() -> Record {
    let key = key(1, "k1");
    let mut registry = Registry::new();
    registry.add(key.kid().clone(), key.public().clone(), None, "").unwrap();
    let (mut chain, mut lines, mut checkpoints) = (Chain::new(), Vec::new(), Vec::new());
    for n in 0..8 {
        let facts = Facts::new(EventType::CallIntent, "spiffe://acme/agents/reader")
            .revision("r1")
            .manifest_signature("m1")
            .text(keys::TOOL, "send_email")
            .number("n", n);
        lines.push(seal(&mut chain, &key, facts).to_line().trim_end().to_owned());
        if n % 4 == 3 {
            checkpoints.push(checkpoint(&chain, &key));
        }
    }
    Record { registry, lines, checkpoints, key }
}
