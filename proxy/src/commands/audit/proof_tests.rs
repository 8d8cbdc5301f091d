//! Proofs of events from a real spool.
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;
use tollgate_audit::{Entry, LocalKey};

use super::tests::{check, run, spool};
use super::*;

/// The ids of a spool's events, in order.
fn ids(spool: &Path) -> Vec<String> {
    let files = files::event_files(&[spool.to_owned()]).unwrap();
    let text: String = files.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    text.lines().map(|line| Entry::parse(line.as_bytes()).unwrap().id().to_string()).collect()
}

/// A spool, the proof of its event number 2 and where that is.
async fn proven(dir: &TempDir) -> (PathBuf, String) {
    let spool = spool(dir).await;
    let ids = ids(&spool);
    check(&spool, &format!("prove {} {{dir}} --out {{dir}}/p.tlog-proof", ids[2]), SOUND, "");
    let text = fs::read_to_string(spool.join("p.tlog-proof")).unwrap();
    (spool, text)
}

const VERIFY: &str = "verify --proof {dir}/p.tlog-proof --signers {dir}/signers.json";

#[tokio::test(flavor = "multi_thread")]
async fn each_event_is_proven_alone() {
    let dir = TempDir::new().unwrap();
    let spool = spool(&dir).await;
    let ids = ids(&spool);
    assert_eq!(ids.len(), 5);
    // What the receiver has: the proof and the registry, and no record.
    let alone = dir.path().join("alone");
    fs::create_dir(&alone).unwrap();
    fs::copy(spool.join("signers.json"), alone.join("signers.json")).unwrap();
    for (seq, id) in ids.iter().enumerate() {
        let (code, text) = run(&spool, &format!("prove {id} {{dir}}"));
        assert_eq!(code, SOUND, "{text}");
        fs::write(alone.join("p.tlog-proof"), &text).unwrap();
        let expect = format!("proven: event {id} is number {seq} of tollgate/{}\n", ids[0]);
        check(&alone, VERIFY, SOUND, &expect);
        check(&alone, VERIFY, SOUND, "a log of 5 events");
        check(&alone, &format!("{VERIFY} --json"), SOUND, &format!("\"event\":\"{id}\""));
        // The note in it is a checkpoint for the record, too.
        let (_, note) = text.split_once("\n\n").unwrap();
        fs::write(alone.join("note"), note).unwrap();
        let record = format!("verify {} --checkpoints {{dir}}/note", spool.display());
        check(&alone, &record, SOUND, "agrees with 1 checkpoints, up to its end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_with_anything_changed() {
    let dir = TempDir::new().unwrap();
    let (spool, whole) = proven(&dir).await;
    check(&spool, VERIFY, SOUND, "\"tool\":\"gamma\"");
    let fields: Vec<&str> = whole.lines().collect();
    // The words, the event, the index, three hashes, nothing, origin, size, root, nothing, the
    // signature.
    assert_eq!(fields.len(), 12, "{whole}");
    let line = STANDARD.decode(fields[1].strip_prefix("extra ").unwrap()).unwrap();
    let forged = String::from_utf8(line).unwrap().replace("gamma", "delta");
    let forged = format!("extra {}", STANDARD.encode(forged));
    let hash = STANDARD.encode([7; 32]);
    for (at, to, code, expect) in [
        (0, "c2sp.org/tlog-proof@v9", UNUSABLE, "not a proof"),
        (1, &*forged, BROKEN, "the payload was changed"),
        (1, "extra e30=", BROKEN, "not proven"),
        (2, "index 1", BROKEN, "the event says that it is number 2"),
        (2, "index x", UNUSABLE, "not a proof"),
        (3, &*hash, BROKEN, "is not number 2 of the log of 5 events that was signed"),
        (4, &*hash, BROKEN, "is not number 2"),
        (5, &*hash, BROKEN, "is not number 2"),
        (5, "x", UNUSABLE, "not a proof"),
        (7, "tollgate/other", BROKEN, "no registered signer signed"),
        (8, "6", BROKEN, "no registered signer signed"),
        (9, &*hash, BROKEN, "no registered signer signed"),
        (11, "x", UNUSABLE, "not a signed checkpoint note"),
    ] {
        let mut changed = fields.clone();
        changed[at] = to;
        assert_ne!(changed, fields);
        fs::write(spool.join("p.tlog-proof"), changed.join("\n") + "\n").unwrap();
        check(&spool, VERIFY, code, expect);
    }
    fs::write(spool.join("p.tlog-proof"), whole.replace("\nextra ", "\n")).unwrap();
    check(&spool, VERIFY, UNUSABLE, "not a proof");
    fs::write(spool.join("p.tlog-proof"), vec![b'x'; 200 * 1024]).unwrap();
    check(&spool, VERIFY, UNUSABLE, "longer than 160 KiB");
    fs::remove_file(spool.join("p.tlog-proof")).unwrap();
    check(&spool, VERIFY, UNUSABLE, "p.tlog-proof");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_proves_nothing() {
    let (dir, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (spool_dir, _) = proven(&dir).await;
    let other = spool(&other).await;
    let line = format!(
        "verify --proof {{dir}}/p.tlog-proof --signers {}",
        other.join("signers.json").display()
    );
    check(&spool_dir, &line, BROKEN, "no registered signer signed");
    check(&spool_dir, &format!("{line} --json"), BROKEN, "\"sound\":false");
    let id = &ids(&spool_dir)[0];
    let key = format!("--key {}", other.join("signing-key.pem").display());
    check(&spool_dir, &format!("prove {id} {{dir}} {key}"), UNUSABLE, "no signer in the registry");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_proven() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = TempDir::new().unwrap();
    let (spool, _) = proven(&dir).await;
    let id = ids(&spool)[1].clone();
    let prove = format!("prove {id} {{dir}}");
    check(&spool, &format!("{prove} --out {{dir}}/p.tlog-proof"), UNUSABLE, "exists");
    let nobody = "00000000-0000-7000-8000-000000000000";
    check(&spool, &format!("prove {nobody} {{dir}}"), BROKEN, "there is no event");

    let key = spool.join("signing-key.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    check(&spool, &prove, UNUSABLE, "chmod 600");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let away = dir.path().join("key.pem");
    fs::rename(&key, &away).unwrap();
    check(&spool, &prove, UNUSABLE, "name the file of `audit.signer.key` with `--key`");
    let elsewhere = format!("{prove} --key {}", away.display());
    check(&spool, &elsewhere, SOUND, "c2sp.org/tlog-proof@v1\nextra ");
    let pem = LocalKey::pem_from_seed(&[9; 32]);
    fs::write(&away, pem.as_bytes()).unwrap();
    check(&spool, &elsewhere, UNUSABLE, "no signer in the registry");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_signed_over_a_record_that_does_not_hold() {
    let dir = TempDir::new().unwrap();
    let (spool, _) = proven(&dir).await;
    let prove = format!("prove {} {{dir}}", ids(&spool)[1]);
    let (first, last) =
        (spool.join("events-000000000001.jsonl"), spool.join("events-000000000002.jsonl"));
    let newest = files::event_files(std::slice::from_ref(&spool)).unwrap().pop().unwrap();
    let text = fs::read_to_string(&newest).unwrap();
    // The gate is writing its next event just now.
    fs::write(&newest, format!("{text}{{\"actor\":\"tollg")).unwrap();
    check(&spool, &prove, SOUND, "\n5\n");
    let cut = text.trim_end().rfind('\n').map_or("", |at| text.split_at(at + 1).0);
    fs::write(&newest, cut).unwrap();
    check(&spool, &prove, BROKEN, "its end was cut off");
    fs::write(&newest, &text).unwrap();

    let text = fs::read_to_string(&first).unwrap();
    fs::write(&first, text.replace("beta", "zeta")).unwrap();
    check(&spool, &prove, BROKEN, "events-000000000001.jsonl:2: event ");
    fs::write(&first, text.trim_end()).unwrap();
    check(&spool, &prove, BROKEN, "the line has no end");
    fs::remove_file(&first).unwrap();
    assert!(last.exists());
    check(&spool, &prove, UNUSABLE, "were released from the spool");
    fs::remove_file(spool.join("signers.json")).unwrap();
    check(&spool, &prove, UNUSABLE, "signers.json");
}
