//! One event's proof: believed whole, and not with anything in it changed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use tollgate_audit::{
    Chain, EventProof, EventType, Facts, Frontier, LocalKey, Note, NoteError, ProofError, Registry,
    Trail, keys, leaf_hash,
};
use uuid::Uuid;

const SIZE: u64 = 11;

fn key(seed: u8) -> LocalKey {
    LocalKey::from_pem(LocalKey::pem_from_seed(&[seed; 32]).as_bytes(), None).unwrap()
}

fn registry(keys: &[&LocalKey]) -> Registry {
    let mut registry = Registry::new();
    for key in keys {
        registry.add(key.kid().clone(), key.public().clone(), None, "").unwrap();
    }
    registry
}

fn lines(key: &LocalKey) -> Vec<String> {
    let mut chain = Chain::new();
    let event = |n: u64| {
        let facts = Facts::new(EventType::CallIntent, "spiffe://acme/agents/reader")
            .text(keys::TOOL, &format!("tool-{n}"));
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let draft = chain.draft(facts, Uuid::from_u128(n.into()), now, key.kid()).unwrap();
        let signature = key.sign(draft.hash()).unwrap();
        draft.close(signature).unwrap().to_line().trim_end().to_owned()
    };
    (0..SIZE).map(event).collect()
}

/// The proof of an event in the record, with a note by `signer`.
fn prove(lines: &[String], index: usize, signer: &LocalKey) -> EventProof {
    let mut tree = Frontier::new();
    lines[..index].iter().for_each(|line| tree.push(line.as_bytes()));
    let mut trail = Trail::of_leaf(tree, leaf_hash(lines[index].as_bytes()));
    lines[index + 1..].iter().for_each(|line| trail.push_hash(leaf_hash(line.as_bytes())));
    let tree = trail.tree();
    let note = Note { origin: "tollgate/x".to_owned(), size: tree.size(), root: tree.root() };
    let note = note.sign(signer).unwrap();
    EventProof::new(lines[index].as_bytes(), index.try_into().unwrap(), &trail, &note)
}

fn check(text: &str, registry: &Registry) -> Result<u64, ProofError> {
    EventProof::parse(text)?.check(registry).map(|proven| proven.entry.seq())
}

#[test]
fn each_event_is_proven() {
    let key = key(1);
    let lines = lines(&key);
    for size in 1..=lines.len() {
        for index in 0..size {
            let proof = prove(&lines[..size], index, &key);
            let proven = EventProof::parse(&proof.to_text()).unwrap();
            assert_eq!(proven, proof);
            let proven = proven.check(&registry(&[&key])).unwrap();
            assert_eq!(proven.entry.to_line().trim_end(), lines[index]);
            assert_eq!(
                (proven.note.size, proven.note.origin.as_str()),
                (size as u64, "tollgate/x")
            );
        }
    }
}

#[test]
fn who_signed() {
    let (ours, other) = (key(1), key(2));
    let lines = lines(&ours);
    let whole = prove(&lines, 4, &ours).to_text();
    let noted = prove(&lines, 4, &other).to_text();
    assert_eq!(check(&whole, &registry(&[&ours])), Ok(4));
    assert_eq!(check(&noted, &registry(&[&ours, &other])), Ok(4));
    let unsigned = Err(ProofError::Note(NoteError::Unsigned));
    assert_eq!(check(&noted, &registry(&[&ours])), unsigned);
    assert_eq!(check(&whole, &Registry::new()), unsigned);
    assert!(matches!(check(&noted, &registry(&[&other])), Err(ProofError::Event(_))));
}

/// The lines of a proof of event 4, to be changed: the words, the event, the index, four hashes,
/// nothing, origin, size, root, nothing, the signature.
fn fields() -> (Vec<String>, Registry) {
    let key = key(1);
    let text = prove(&lines(&key), 4, &key).to_text();
    let fields: Vec<String> = text.lines().map(str::to_owned).collect();
    assert_eq!(fields.len(), 13, "{text}");
    (fields, registry(&[&key]))
}

#[test]
fn any_field_that_is_changed() {
    let (fields, registry) = fields();
    let text = |fields: &[String]| fields.join("\n") + "\n";
    assert_eq!(check(&text(&fields), &registry), Ok(4));
    let lines = lines(&key(1));
    let extra = |line: &str| format!("extra {}", STANDARD.encode(line));
    let forged = lines[4].replace("tool-4", "tool-9");
    let hash = STANDARD.encode([7; 32]);
    let other = |c: char| if c == 'A' { 'B' } else { 'A' };
    let signature: String =
        fields[12].chars().enumerate().map(|(at, c)| if at == 40 { other(c) } else { c }).collect();
    for (at, to, expect) in [
        (0, "c2sp.org/tlog-proof@v2", "not a proof: it does not begin"),
        (1, &extra(&forged), "the event: line 1"),
        (1, &extra(&lines[5]), "the proof is for number 4, but the event says that it is number 5"),
        (1, &extra(&format!("{}\n", lines[4])), "the event: line 1"),
        (1, &extra("{}"), "the event: line 1"),
        (1, "extra %", "not a proof: `extra` is not base64"),
        (1, "more e30=", "not a proof: `index` is missing"),
        (2, "index 5", "the proof is for number 5, but the event says that it is number 4"),
        (2, "index 04", "not a proof: it is not in its one written form"),
        (2, "index +4", "not a proof: it is not in its one written form"),
        (2, "index 18446744073709551615", "the proof is for number 18446744073709551615"),
        (2, "index 18446744073709551616", "not a proof: `index` is missing or no number"),
        (3, &hash, "the event is not number 4 of the log of 11 events"),
        (4, &hash, "the event is not number 4"),
        (5, &hash, "the event is not number 4"),
        (6, &hash, "the event is not number 4"),
        (6, "AAAA", "not a proof: a line is not a hash"),
        (8, "tollgate/y", "no registered signer signed"),
        (9, "12", "no registered signer signed"),
        (9, "011", "not a signed checkpoint note"),
        (10, &hash, "no registered signer signed"),
        (12, &signature, "no registered signer signed"),
        (12, "", "not a signed checkpoint note"),
    ] {
        let mut changed = fields.clone();
        changed[at] = to.to_owned();
        assert_ne!(changed, fields, "field {at} to {to}");
        let error = check(&text(&changed), &registry).unwrap_err().to_string();
        assert!(error.starts_with(expect), "field {at} to {to}: {error}");
    }
    for at in 0..fields.len() {
        let mut without = fields.clone();
        without.remove(at);
        assert!(check(&text(&without), &registry).is_err(), "without line {at}");
        let mut twice = fields.clone();
        twice.insert(at, fields[at].clone());
        // A signature that stands twice is still one.
        assert_eq!(check(&text(&twice), &registry).is_err(), at != 12, "line {at} twice");
    }
}

#[test]
fn what_is_no_proof() {
    let (fields, registry) = fields();
    let text = fields.join("\n") + "\n";
    let hashes = format!("{}\n", STANDARD.encode([7; 32])).repeat(65);
    for (name, text, expect) in [
        ("nothing", String::new(), "not a proof: it has no signed note"),
        ("windows", text.replace('\n', "\r\n"), "not a proof"),
        ("a longer one", text.clone() + &"x".repeat(160 * 1024), "not a proof: it is longer"),
        ("a path", text.replace("index 4\n", &format!("index 4\n{hashes}")), "not a proof: it has"),
        ("no event", text.replace(&format!("{}\n", fields[1]), ""), "the proof has no event in it"),
    ] {
        let error = check(&text, &registry).unwrap_err().to_string();
        assert!(error.starts_with(expect), "{name}: {error}");
    }
}

proptest! {
    /// No byte can be another. Bytes after the signature's line are nobody's word.
    #[test]
    fn any_byte_that_is_changed(at in any::<prop::sample::Index>(), flip in 1_u8..128) {
        let (fields, registry) = fields();
        let mut bytes = (fields.join("\n") + "\n").into_bytes();
        let at = at.index(bytes.len() - 1);
        bytes[at] ^= flip;
        if let Ok(text) = String::from_utf8(bytes) {
            prop_assert!(check(&text, &registry).is_err(), "byte {at} by {flip}");
        }
    }
}
