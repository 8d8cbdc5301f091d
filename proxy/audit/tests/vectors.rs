//! The vectors that the parts of the project share: what other systems hash, sign and accept.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a test may stop, and reads the vectors' files"
)]
mod shared;

use serde_json::Value;
use sha2::Digest as _;
use shared::text;
use tollgate_audit::cef::CefLine;
use tollgate_audit::{
    Break, Digest, Note, Profile, Registry, Summary, Verifier, canonical, event_hash, read_json,
};

fn json(name: &str) -> Value {
    serde_json::from_str(&text(name)).unwrap()
}

fn array(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn string(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn rfc_8785_files() {
    for name in ["arrays", "french", "structures", "unicode", "values", "weird"] {
        let input = read_json(text(&format!("jcs/input/{name}.json")).as_bytes()).unwrap();
        let written = canonical(&input).unwrap();
        assert_eq!(written, text(&format!("jcs/output/{name}.json")), "for {name}");
        let bytes: String = text(&format!("jcs/outhex/{name}.txt")).split_whitespace().collect();
        assert_eq!(hex::encode(written), bytes, "for {name}");
    }
}

/// The published sequence of doubles (README of the vectors), as many as asked for.
fn doubles(count: usize) -> Vec<f64> {
    let script = text("jcs/numgen.js");
    let head = script.split("staticF64s").next().unwrap();
    let mut bits: Vec<u64> = head
        .split("0x")
        .skip(1)
        .map(|rest| u64::from_str_radix(rest.split('n').next().unwrap(), 16).unwrap())
        .collect();
    bits.extend((0..2000).map(|n| 0x0010_0000_0000_0000 + n));
    let mut all: Vec<f64> = bits.into_iter().map(f64::from_bits).collect();
    let mut block = [0_u8; 32];
    while all.len() < count {
        block = sha2::Sha256::digest(block).into();
        let some = block.chunks_exact(8).map(|c| f64::from_le_bytes(c.try_into().unwrap()));
        all.extend(some.filter(|f| *f != 0.0 && f.is_finite()));
    }
    all.truncate(count);
    all
}

#[test]
fn es6_numbers() {
    let expect = [
        (1000, "be18b62b6f69cdab33a7e0dae0d9cfa869fda80ddc712221570f9f40a5878687"),
        (10_000, "b9f7a8e75ef22a835685a52ccba7f7d6bdc99e34b010992cbc5864cd12be6892"),
        (100_000, "22776e6d4b49fa294a0d0f349268e5c28808fe7e0cb2bcbe28f63894e494d4c7"),
    ];
    for (count, expect) in expect {
        let mut lines = String::new();
        for double in doubles(count) {
            let written = canonical(&Value::from(double)).unwrap();
            lines.push_str(&format!("{:x},{written}\n", double.to_bits()));
            // And read back, it is the same number: else a sound chain would seem broken.
            let back = read_json(written.as_bytes()).unwrap();
            assert_eq!(canonical(&back).unwrap(), written);
        }
        assert_eq!(Digest::of(&[lines.as_bytes()]).to_string(), expect, "for {count}");
    }
}

#[test]
fn canonical_json() {
    for vector in array(&json("illuvrse_canonical_json.json")["vectors"]) {
        let written = canonical(&vector["value"]).unwrap();
        assert_eq!(written, string(&vector["canonical"]), "for {}", vector["name"]);
        let hash = Digest::of(&[written.as_bytes()]).to_string();
        assert_eq!(hash, string(&vector["sha256"]), "for {}", vector["name"]);
    }
}

#[test]
fn payload_edge_cases() {
    for case in array(&json("illuvrse_payload_edge_cases.json")) {
        let (name, used) = (string(&case["case"]), string(&case["canonical_used"]));
        let read = read_json(string(&case["payload_json"]).as_bytes());
        let written = read.map(|value| canonical(&value).unwrap());
        match (name, string(&case["result"])) {
            // The database keeps the last of two keys; we refuse both.
            ("duplicate keys: last wins in jsonb", _) | ("lone surrogate", _) => {
                assert!(written.is_err(), "{name}");
            }
            (_, "reject") => assert_ne!(written.as_deref(), Ok(used), "{name}"),
            _ => assert_eq!(written.as_deref(), Ok(used), "{name}"),
        }
    }
}

fn signers() -> Registry {
    Registry::parse(text("illuvrse_signers_example.json").as_bytes()).unwrap()
}

fn verify(registry: &Registry, rows: &[Value]) -> Result<Summary, Break> {
    let mut verifier = Verifier::new(Profile::Foreign, registry);
    for row in rows {
        verifier.push(serde_json::to_string(row).unwrap().as_bytes())?;
    }
    verifier.finish()
}

#[test]
fn audit_chain_and_portable_chain() {
    for (name, events) in [("illuvrse_audit_chain.json", 8), ("illuvrse_portable_chain.json", 4)] {
        let rows = json(name)["rows"].clone();
        for row in array(&rows) {
            let written = canonical(&row["payload"]).unwrap();
            assert_eq!(written, string(&row["canonical_payload_utf8"]), "for {}", row["name"]);
            let prev = row["prev_hash"].as_str().map(|text| Digest::parse(text).unwrap());
            let hash = event_hash(&written, prev.as_ref());
            assert_eq!(hash.to_string(), string(&row["hash"]), "for {}", row["name"]);
        }
        let summary = verify(&signers(), array(&rows)).unwrap();
        assert_eq!(summary.events, events, "for {name}");
    }
}

type Tamper = fn(&mut Vec<Value>);

/// The matrix's changes, made to rows instead of a table.
const TAMPER: [(&str, Tamper); 17] = [
    ("payload changed", |rows| rows[1]["payload"]["data"]["decision"] = "DENY".into()),
    ("event_type changed", |rows| rows[1]["event_type"] = "policy.allow".into()),
    ("ts/created_at shifted", |rows| {
        for row in rows {
            row["ts"] = string(&row["ts"]).replace("2026", "2027").into();
        }
    }),
    ("actor_id changed", |rows| rows.iter_mut().for_each(|row| row["actor_id"] = "mallory".into())),
    ("tail truncated", |rows| rows.truncate(2)),
    ("prefix truncated", |rows| drop(rows.drain(..2))),
    ("middle row deleted", |rows| drop(rows.remove(2))),
    ("two rows swap timestamps", |rows| {
        let ts = rows[1]["ts"].take();
        rows[1]["ts"] = rows[2]["ts"].take();
        rows[2]["ts"] = ts;
    }),
    ("all rows same created_at and ts", |rows| {
        for row in rows {
            row["ts"] = "2026-01-15T10:30:00Z".into();
            row["created_at"] = "2026-01-15T10:30:00Z".into();
        }
    }),
    ("hash column emptied", |rows| rows.iter_mut().for_each(|row| row["hash"] = Value::Null)),
    ("one signature corrupted", |rows| {
        rows[2]["signature"] =
            format!("AAAA{}", string(&rows[2]["signature"]).split_at(4).1).into();
    }),
    ("one signature NULL", |rows| rows[2]["signature"] = Value::Null),
    ("signature as hex", |rows| {
        for row in rows {
            use base64::Engine as _;
            let bytes = base64::engine::general_purpose::STANDARD
                .decode(string(&row["signature"]))
                .unwrap();
            row["signature"] = hex::encode(bytes).into();
        }
    }),
    ("hash/prev_hash upper-case", |rows| {
        for row in rows {
            row["hash"] = string(&row["hash"]).to_uppercase().into();
        }
    }),
    ("genesis prev_hash = ''", |rows| rows[0]["prev_hash"] = "".into()),
    ("genesis prev_hash = 64 zeros", |rows| rows[0]["prev_hash"] = "0".repeat(64).into()),
    ("unknown signer_kid", |rows| rows[2]["signer_kid"] = "nobody".into()),
];

#[test]
fn tamper_matrix() {
    let matrix = json("illuvrse_tamper_matrix.json");
    let names: Vec<&str> = array(&matrix).iter().map(|case| string(&case["case"])).collect();
    // Every case of the matrix has its change here, but the first, which changes nothing.
    for name in &names[1..] {
        assert!(TAMPER.iter().any(|(head, _)| name.starts_with(head)), "`{name}` is not tried");
    }
    let rows = json("illuvrse_portable_chain.json")["rows"].clone();
    let signers = signers();
    verify(&signers, array(&rows)).unwrap();
    for (name, tamper) in TAMPER {
        let mut changed = array(&rows).clone();
        tamper(&mut changed);
        let broken = verify(&signers, &changed);
        if name == "tail truncated" {
            // A chain alone cannot show it; ours does with a checkpoint (tests/tamper.rs, and the
            // ledger's `neg-truncated-tail` below).
            assert_eq!(broken.unwrap().anchored, 0);
        } else {
            assert!(broken.is_err(), "`{name}` is not seen");
        }
    }
    // Rows whose payloads repeat nothing: what hash, link and time alone can show.
    let bare = json("illuvrse_audit_chain.json")["rows"].clone();
    for (name, tamper) in &TAMPER[4..] {
        if ["tail truncated"].contains(name) {
            continue;
        }
        let mut changed = array(&bare).clone();
        tamper(&mut changed);
        assert!(verify(&signers, &changed).is_err(), "`{name}` is not seen in bare rows");
    }
}

fn ledger(file: &str, note: Option<&str>) -> Result<Summary, Break> {
    let registry = Registry::parse(text("ledger/signers.json").as_bytes()).unwrap();
    let mut verifier = Verifier::new(Profile::Foreign, &registry);
    if let Some(note) = note {
        let note = Note::read(&text(&format!("ledger/{note}")), &registry).unwrap();
        verifier.note(&note)?;
    }
    for line in text(&format!("ledger/{file}")).lines() {
        verifier.push(line.as_bytes())?;
    }
    verifier.finish()
}

#[test]
fn ledger_records_and_their_checkpoints() {
    for (size, note) in [1, 3, 4, 7].map(|n| (n, format!("checkpoint-{n}.txt"))) {
        let summary = ledger("chain.jsonl", Some(&note)).unwrap();
        assert_eq!((summary.events, summary.anchored), (7, size));
    }
    for (file, expect) in [
        ("neg-tampered-payload.jsonl", "the payload was changed"),
        ("neg-dropped-middle.jsonl", "are missing before it"),
        ("neg-reordered.jsonl", "are missing before it"),
        ("neg-duplicated.jsonl", "repeated or out of order"),
        ("neg-sig-swapped.jsonl", "not by this key"),
    ] {
        let broken = ledger(file, None).unwrap_err().to_string();
        assert!(broken.contains(expect), "{file}: {broken}");
    }
    let broken = ledger("neg-truncated-tail.jsonl", Some("checkpoint-7.txt")).unwrap_err();
    assert!(broken.to_string().contains("there were 7 events, but the chain ends after 5"));
}

#[test]
fn a_note_by_nobody() {
    let registry = Registry::parse(text("ledger/signers.json").as_bytes()).unwrap();
    let note = text("ledger/checkpoint-4.txt");
    for (changed, name) in [
        (note.replace("\n4\n", "\n5\n"), "another size"),
        (note.replace("\n4\n", "\n04\n"), "another form of the size"),
        (note.replace("Qyyj", "Qyyk"), "another key"),
        (note.replace("sidecar-1 Q", "sidecar-2 Q"), "another name"),
        (note.replace("\n\n", "\n"), "no signature"),
    ] {
        assert_ne!(changed, note);
        assert!(Note::read(&changed, &registry).is_err(), "{name}");
    }
}

#[test]
fn cef_lines_of_another_system() {
    let vectors = json("agent_spm_cef.json");
    for case in array(&vectors["cases"]) {
        let event = &case["event"];
        let outcome = string(&event["outcome"]);
        let severity = vectors["upstream_severity"][outcome]
            .as_u64()
            .or(vectors["upstream_severity_default"].as_u64())
            .unwrap();
        let name = event["reasons"].get(0).map_or("", |reason| string(&reason["message"]));
        let mut line = CefLine::new(
            "AgentSPM",
            "AgentSecurityPosture",
            "1.0",
            outcome,
            name,
            severity.try_into().unwrap(),
        );
        for (key, field) in [
            ("agent_id", "agent_id"),
            ("tool_name", "tool_name"),
            ("request_id", "request_id"),
            ("event_id", "event_id"),
        ] {
            line = line.pair(key, event[field].as_str().unwrap_or_default());
        }
        assert_eq!(line.finish(), string(&case["spec_conformant_cef"]), "for {}", case["name"]);
    }
}

/// What a line says: header fields and pairs, unescaped; a reader that knows the keys.
fn read_cef(line: &str, keys: &[&str]) -> (Vec<String>, Vec<(String, String)>) {
    let mut header = vec![String::new()];
    let mut chars = line.chars();
    while header.len() < 8 {
        match chars.next().expect("the header ends early") {
            '\\' => header.last_mut().unwrap().push(chars.next().unwrap()),
            '|' => header.push(String::new()),
            c => header.last_mut().unwrap().push(c),
        }
    }
    header.pop();
    let extension = format!(" {}", chars.as_str());
    let mut starts: Vec<(usize, &str)> = Vec::new();
    for key in keys {
        if let Some(at) = extension.find(&format!(" {key}=")) {
            starts.push((at, key));
        }
    }
    starts.sort_unstable();
    let mut pairs = Vec::new();
    for (place, (at, key)) in starts.iter().enumerate() {
        let end = starts.get(place + 1).map_or(extension.len(), |(next, _)| *next);
        let raw = extension.get(at + key.len() + 2..end).unwrap();
        let mut value = String::new();
        let mut chars = raw.chars();
        while let Some(c) = chars.next() {
            value.push(match c {
                '\\' => match chars.next().unwrap() {
                    'n' => '\n',
                    'r' => '\r',
                    c => c,
                },
                c => c,
            });
        }
        pairs.push(((*key).to_owned(), value));
    }
    (header, pairs)
}

#[test]
fn hostile_cef_lines_are_written_as_they_were_read() {
    let keys = [
        "rt",
        "act",
        "src",
        "suser",
        "requestMethod",
        "cs1Label",
        "cs1",
        "cs2Label",
        "cs2",
        "cn1Label",
        "cn1",
        "externalId",
        "outcome",
        "msg",
        "fname",
    ];
    for line in text("cef_hostile.txt").lines() {
        let (header, pairs) = read_cef(line, &keys);
        let severity = header[6].parse().unwrap();
        let mut again =
            CefLine::new(&header[1], &header[2], &header[3], &header[4], &header[5], severity);
        for (key, value) in &pairs {
            again = again.pair(key, value);
        }
        let again = again.finish();
        assert_eq!(again.lines().count(), 1);
        let (header_again, pairs_again) = read_cef(&again, &keys);
        assert_eq!(header_again[1..], header[1..], "for {line}");
        // Values come back but for blanks at their ends, empty ones and a raw tab.
        let kept: Vec<(String, String)> = pairs
            .into_iter()
            .map(|(key, value)| (key, value.trim_matches(' ').replace('\t', "%09")))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        assert_eq!(pairs_again, kept, "for {line}");
    }
}
