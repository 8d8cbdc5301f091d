//! What is known is found: records and documents by their indexes, canaries, the gate's own
//! secrets; and none of it is written down.
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use serde_json::{Value, json};
use tollgate_tests::{HttpClient, Upstream, World, binary, full};

const KEY: &str = "b3f1c2d4e5a697887766554433221100ffeeddccbbaa99887766554433221100";
const ROW: &str = "name,email,card\nZoe Lindqvist,zoe.l@kunde.example,9000111122223333\n";
const CANARY: &str = "cnry-5521-Gentian-Mooring";
const VALUE: &str = "pq/9Xr+Tz=Kv7-Harbour";

fn write(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Runs `tollgate dlp index` and gives what it says, and whether it went well.
fn index(arguments: &[&str]) -> (bool, String) {
    let ended = Command::new(binary()).args(["dlp", "index"]).args(arguments).output().unwrap();
    let said = [ended.stdout, ended.stderr].concat();
    (ended.status.success(), String::from_utf8(said).unwrap())
}

fn paper() -> String {
    let words = ["covenant", "escrow", "Northwind", "price", "closing", "quorum", "tender"];
    (0..200)
        .map(|at| format!("{} {} {} ", words[at * 3 % 7], words[at * at % 7], at * at * 31))
        .collect()
}

/// An index of records and one of documents.
fn indexes() -> (Vec<u8>, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let key = write(folder.path(), "key", KEY);
    let rows = write(folder.path(), "rows.csv", ROW);
    std::fs::create_dir(at("papers")).unwrap();
    write(&folder.path().join("papers"), "tender.txt", &paper());
    let columns = ["--columns", "name:words,email:email,card:digits"];
    let (good, said) = index(&[&["--key-file", &key], &columns[..], &[&rows, &at("r")]].concat());
    assert!(good && said.contains("1 rows; 3 cells are found"), "{said}");
    let (good, said) = index(&["--key-file", &key, "--documents", &at("papers"), &at("d")]);
    assert!(good && said.contains("tender.txt: "), "{said}");
    for file in ["r", "d"] {
        let (good, said) = index(&["--key-file", &key, "--explain", &at(file)]);
        assert!(good && !said.contains("Zoe") && !said.contains("Northwind"), "{said}");
    }
    (std::fs::read(at("r")).unwrap(), std::fs::read(at("d")).unwrap())
}

fn known() -> Value {
    let key = json!({ "file": "known.key" });
    json!({
        "records": [{ "name": "customers", "file": "customers.idx", "key": key }],
        "documents": [{ "name": "papers", "file": "papers.idx", "key": key }],
        "canaries": [{ "name": "bait", "value": { "file": "bait" } }],
        "secrets": { "env_files": ["app.env"] },
    })
}

#[tokio::test]
async fn what_is_known_does_not_leave() {
    let (records, documents) = indexes();
    let upstream = Upstream::start().await;
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .file("customers.idx", records)
        .file("papers.idx", documents)
        .file("known.key", KEY)
        .file("bait", CANARY)
        .file("app.env", format!("MODE=production\nAPI_VALUE=\"{VALUE}\"\n"))
        .set("/dlp/known", known())
        .start()
        .await;
    let mut client = HttpClient::plain(world.plain(), false).await;

    let body = json!({
        "customer": { "name": "zoe LINDQVIST", "contact": { "mail": "Zoe.L@kunde.example" } },
        "card": "9000-1111-2222-3333",
        "note": "Zoe and others",
    });
    let reply = client.post("/up/ok", "application/json", full(body.to_string())).await;
    assert_eq!(reply.status, 200);
    let came: Value = serde_json::from_slice(&upstream.take_seen().remove(0).body).unwrap();
    assert_eq!(came["customer"]["name"], "[REDACTED:RECORD]", "{came}");
    assert_eq!(came["card"], "[REDACTED:RECORD]", "{came}");
    assert_ne!(came["customer"]["contact"]["mail"], "Zoe.L@kunde.example", "{came}");
    assert_eq!(came["note"], "Zoe and others");

    let copied = json!({ "text": format!("as they say: {}", &paper()[300..700]) }).to_string();
    let reply = client.post("/up/ok", "application/json", full(copied)).await;
    assert_eq!(reply.status, 200);
    let came = String::from_utf8(upstream.take_seen().remove(0).body).unwrap();
    assert!(came.contains("[REDACTED:DOCUMENT]"), "{came}");

    let hidden = base64::engine::general_purpose::STANDARD.encode(format!("see {CANARY} there"));
    let secret: String = VALUE.bytes().map(|byte| format!("{byte:02x}")).collect();
    for text in [CANARY.to_owned(), hidden.clone(), VALUE.to_owned(), secret, KEY.to_owned()] {
        let body = json!({ "text": text }).to_string();
        let reply = client.post("/up/ok", "application/json", full(body)).await;
        let canary = text.contains(CANARY) || text == hidden;
        let code = if canary { "CANARY_HIT" } else { "DLP_BLOCKED" };
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (403, code), "{text}");
    }
    assert!(upstream.take_seen().is_empty());
    let seen = world.metric("tollgate_canaries_seen_total{direction=\"request\"}").await;
    assert_eq!(seen, 2.0);
    world.says("a canary was seen").await;
    let written = String::from_utf8_lossy(&world.everything_written()).into_owned();
    for secret in [CANARY, VALUE, "LINDQVIST", "kunde.example", "9000-1111"] {
        assert!(!written.contains(secret), "{secret} is written down");
    }
    assert!(written.contains("known.canary") && written.contains("known.own_secret"));
}

#[tokio::test]
async fn what_cannot_be_read_is_named() {
    let (records, documents) = indexes();
    let cases: [(&str, Vec<u8>, &str); 4] = [
        ("customers.idx", records[..records.len() - 9].to_vec(), "it ends at byte"),
        ("papers.idx", b"something else".to_vec(), "it is no index"),
        ("known.key", b"short".to_vec(), "a key of 5 bytes is too short"),
        ("bait", b"canary!".to_vec(), "it has 7 bytes, and needs 8"),
    ];
    for (name, content, reason) in cases {
        let not = World::builder()
            .route("up", "/up", "http://127.0.0.1:9")
            .file("customers.idx", records.clone())
            .file("papers.idx", documents.clone())
            .file("known.key", KEY)
            .file("bait", CANARY)
            .file("app.env", "")
            .file(name, content)
            .set("/dlp/known", known())
            .try_start()
            .await
            .unwrap_err();
        assert!(not.stderr.contains(name) && not.stderr.contains(reason), "{}", not.stderr);
    }
}

#[test]
fn what_is_wrong_with_records_is_told_and_nothing_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let key = write(folder.path(), "key", KEY);
    let out = folder.path().join("out").to_str().unwrap().to_owned();
    let cases = [
        ("a.csv", "name,mail\nZoe,z@x.example,Hidden\n", "line 2 has 3 fields, and line 1 has 2"),
        ("b.csv", "Zoe,Hidden\nZoe,Hidden\n", "line 1 names no column `name`"),
        (
            "c.jsonl",
            "{\"name\": \"Hidden\"}\n{\"name\": [\"Hidden\"]}\n",
            "line 2: `name` is neither",
        ),
        ("d.jsonl", "{\"name\": \"Hidden\"}\n{Hidden\n", "line 2, column 2: not JSON"),
    ];
    for (name, content, expect) in cases {
        let rows = write(folder.path(), name, content);
        let (good, said) = index(&["--key-file", &key, "--columns", "name:words", &rows, &out]);
        assert!(!good && said.contains(expect) && !said.contains("Hidden"), "{said}");
        assert!(!Path::new(&out).exists());
    }
    let (good, said) = index(&["--key-file", &key, "--columns", "name:wrds", "-", &out]);
    assert!(!good && said.contains("exact, words, digits, code, email"), "{said}");
}

/// In two values of one call, in two calls, and in a call's query and its document.
#[tokio::test]
async fn what_is_known_does_not_leave_in_pieces() {
    let upstream = Upstream::start().await;
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .file("bait", CANARY)
        .file("app.env", format!("API_VALUE=\"{VALUE}\"\n"))
        .set(
            "/dlp/known",
            json!({
                "canaries": [{ "name": "bait", "value": { "file": "bait" } }],
                "secrets": { "env_files": ["app.env"] },
            }),
        )
        .start()
        .await;
    let mut client = HttpClient::plain(world.plain(), false).await;
    for (value, code) in [(CANARY, "CANARY_HIT"), (VALUE, "EXFIL_FRAGMENTS")] {
        let (one, two) = value.split_at(9);
        let body = json!({ "a": one, "n": 1, "more": { "b": two } }).to_string();
        let reply = client.post("/up/ok", "application/json", full(body)).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (403, code));
        assert!(upstream.take_seen().is_empty());

        let (one, two) = value.split_at(12);
        let target = format!("/up/ok?part={}", one.replace('/', "%2F").replace('+', "%2B"));
        let reply = client.post(&target, "application/json", full("{}".to_owned())).await;
        assert_eq!(reply.status, 200);
        let body = json!({ "part": two }).to_string();
        let reply = client.post("/up/ok", "application/json", full(body)).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (403, code));
        assert_eq!(upstream.take_seen().len(), 1);
    }
    let seen = world.metric("tollgate_canaries_seen_total{direction=\"request\"}").await;
    assert_eq!(seen, 2.0);
    let written = String::from_utf8_lossy(&world.everything_written()).into_owned();
    assert!(!written.contains(&CANARY[12..]) && !written.contains(&VALUE[12..]));
}
