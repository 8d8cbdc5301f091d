//! The copies that others keep: an entry written in any format and read back is the same entry,
//! whatever an agent wrote; and a copy in which anything was changed is no copy.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]
mod made;

use made::{any_facts, entry, of_every_type, registry};
use proptest::prelude::*;
use serde_json::{Map, Value};
use tollgate_audit::{
    CopyError, Entry, EventType, Facts, Profile, Verifier, cef, keys, leef, ocsf,
};

type Write = fn(&Entry) -> String;
type Read = fn(&[u8]) -> Result<Entry, CopyError>;

const FORMATS: [(&str, Write, Read); 3] = [
    ("cef", cef::write_cef, cef::read_cef),
    ("leef", leef::write_leef, leef::read_leef),
    ("ocsf", ocsf::write_ocsf, ocsf::read_ocsf),
];

const HEAD: &str = "<108>1 2026-01-01T00:00:00Z host tollgate 1 call.refused - ";

fn same(entry: &Entry) {
    for (name, write, read) in FORMATS {
        let line = write(entry);
        assert!(!line.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']), "{name}: {line}");
        let back = read(line.as_bytes()).map_err(|e| format!("{name}: {e}: {line}")).unwrap();
        assert_eq!(back.to_line(), entry.to_line(), "{name}");
        let again = read(format!("{HEAD}{line}").as_bytes()).unwrap();
        assert_eq!(again.to_line(), entry.to_line(), "{name} in a message");
    }
}

/// As a verifier of a part sees it.
fn holds(read: Read, line: &[u8]) -> bool {
    let registry = registry();
    let mut verifier = Verifier::new(Profile::Tollgate, &registry).part();
    read(line).is_ok_and(|entry| verifier.push(entry.to_line().trim_end().as_bytes()).is_ok())
}

fn refused() -> Entry {
    let facts = Facts::new(EventType::CallRefused, "spiffe://acme/agents/reader")
        .revision("r7")
        .text(keys::EFFECT, "deny")
        .text(keys::CODE, "DLP_BLOCKED")
        .text(keys::SOURCE, "10.0.0.5")
        .text(keys::HOST, "api.example")
        .number(keys::PORT, 443)
        .text(keys::TOOL, "a=b ^ c | d");
    entry(facts)
}

#[test]
fn every_type_of_event() {
    for facts in of_every_type() {
        same(&entry(facts));
    }
}

#[test]
fn every_changed_byte_shows() {
    for (name, write, read) in FORMATS {
        let line = write(&refused());
        assert!(holds(read, line.as_bytes()), "{name}");
        // No signature covers the version, which stands once before the payload.
        let version = line.find(env!("CARGO_PKG_VERSION")).unwrap();
        let version = version..version + env!("CARGO_PKG_VERSION").len();
        for at in (0..line.len()).filter(|at| !version.contains(at)) {
            for other in *b"\\= |0^x\n" {
                let mut bytes = line.clone().into_bytes();
                if std::mem::replace(&mut bytes[at], other) == other {
                    continue;
                }
                // In JSON a blank between two tokens says nothing.
                let says_nothing = name == "ocsf"
                    && serde_json::from_slice::<Value>(&bytes).ok()
                        == serde_json::from_str::<Value>(&line).ok();
                let text = String::from_utf8_lossy(&bytes);
                assert!(says_nothing || !holds(read, &bytes), "{name} at {at}: {text}");
            }
            assert!(!holds(read, &line.as_bytes()[..at]), "{name} cut at {at}");
        }
    }
}

#[track_caller]
fn check(read: Read, line: &str, expect: &str) {
    let found = read(line.as_bytes()).map_or_else(|e| e.to_string(), |_| "good".into());
    assert_eq!(found, expect, "for {line}");
}

#[test]
fn a_changed_leef_field_is_named() {
    let line = leef::write_leef(&refused());
    assert!(line.starts_with("LEEF:2.0|Tollgate|Tollgate|"), "{line}");
    assert!(line.contains("|call.refused|^|devTime=1767225600500^sev=8^cat=call^"), "{line}");
    assert!(line.contains("^resource=a=b %5E c | d^"), "{line}");
    assert!(line.contains("\"tool\":\"a=b \\u005e c | d\""), "{line}");
    let read = leef::read_leef;
    check(read, &line, "good");
    let differs = |from: &str, to: &str, name: &str| {
        let changed = line.replacen(from, to, 1);
        assert_ne!(changed, line, "{from}");
        check(read, &changed, &format!("`{name}` is not what its payload says"));
    };
    differs("|call.refused|", "|call.intent|", "event id");
    differs("^sev=8", "^sev=1", "sev");
    differs("usrName=spiffe", "usrName=other", "usrName");
    differs("action=deny", "action=allow", "action");
    differs("^seq=0", "^seq=1", "seq");
    differs("^dstPort=443", "", "resource");
    check(read, &format!("{line}^more=1"), "`more` is not what its payload says");
    check(read, &format!("{line}^sev=8"), "`sev` stands twice in it");
    check(read, &format!("{line}^x"), "a pair of its LEEF attributes cannot be read");
    let header = "its LEEF header is not one of ours";
    check(read, &line.replacen("|^|", "|x5E|", 1), header);
    check(read, &line.replacen("|Tollgate|", "|Other|", 1), header);
    check(read, "LEEF:2.0|Tollgate|Tollgate|1", header);
    check(read, &line.replacen("LEEF:2.0", "LEEF:1.0", 1), header);
    let other = "it is neither LEEF nor LEEF in an RFC 5424 message";
    check(read, "{}", other);
    check(read, &format!("<192>1 a b c d e - {line}"), other);
    check(read, "LEEF:2.0|Tollgate|Tollgate|1|c|^|payload={}", "`hash` is missing in it");
    assert_eq!(read(b"LEEF:\xff").err(), Some(CopyError::Text));
}

#[test]
fn a_changed_ocsf_attribute_is_named() {
    let entry = refused();
    let event: Value = serde_json::from_str(&ocsf::write_ocsf(&entry)).unwrap();
    let read = ocsf::read_ocsf;
    let changed = |place: &str, value: Value, expect: &str| {
        let mut event = event.clone();
        *event.pointer_mut(place).unwrap() = value;
        check(read, &event.to_string(), expect);
    };
    for (place, value, name) in [
        ("/severity_id", Value::from(1), "severity_id"),
        ("/class_uid", Value::from(6003), "class_uid"),
        ("/type_uid", Value::from("200601"), "type_uid"),
        ("/time", Value::from(1), "time"),
        ("/actor/user/uid", Value::from("other"), "actor.user.uid"),
        ("/metadata/sequence", Value::from(2), "metadata.sequence"),
        ("/unmapped/seq", Value::from(2), "unmapped.seq"),
        ("/resources", Value::Null, "resources"),
        ("/dst_endpoint/port", Value::from(80), "dst_endpoint.port"),
        ("/metadata", serde_json::json!({"product": {"version": "1"}}), "metadata.product.name"),
    ] {
        let expect = format!("`{name}` is not what its payload says");
        changed(place, value, &expect);
    }
    changed("/metadata/product/version", "1 2".into(), "its OCSF header is not one of ours");
    changed("/metadata/product/version", 1.into(), "`version` is missing in it");
    changed("/unmapped/hash", Value::Null, "`hash` is missing in it");
    changed("/unmapped", Value::Null, "`payload` is missing in it");
    let payload = "/unmapped/payload/data/tool";
    changed(
        payload,
        "x".into(),
        "not an entry of this ledger: its hash is not the hash of its payload",
    );
    let mut more = event.clone();
    more["secret"] = Value::from("hunter2");
    check(read, &more.to_string(), "`event` is not what its payload says");
    check(read, "[]", "it is neither OCSF nor OCSF in an RFC 5424 message");
    check(
        read,
        "{",
        "it is not JSON with one meaning: EOF while parsing an object at line 1 column 1",
    );
    // A collector that writes JSON anew, in its own order and with its own white space, does no harm.
    let mut keys: Vec<&String> = event.as_object().unwrap().keys().collect();
    keys.sort();
    let sorted: Map<String, Value> =
        keys.into_iter().map(|key| (key.clone(), event[key].clone())).collect();
    check(read, &serde_json::to_string_pretty(&Value::Object(sorted)).unwrap(), "good");
}

#[test]
fn classes() {
    use ocsf::Class;
    let of = |facts: Facts| Class::of(&entry(facts));
    let call = |code: &str| Facts::new(EventType::CallRefused, "a").text(keys::CODE, code);
    assert_eq!(of(call("DLP_BLOCKED")), Class::DataSecurityFinding);
    assert_eq!(of(call("IDENTITY_UNKNOWN")), Class::Authentication);
    assert_eq!(of(call("RATE_LIMIT_AGENT")), Class::ApiActivity);
    for kind in EventType::ALL {
        // Whoever adds a type decides where it belongs.
        assert_ne!(of(Facts::new(*kind, "a")), Class::BaseEvent, "{kind}");
    }
}

#[test]
fn the_page_has_every_type_in_its_class() {
    let page = include_str!("../FORMATS.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).collect();
    for kind in EventType::ALL {
        let class = ocsf::Class::of(&entry(Facts::new(*kind, "a")));
        let due = format!("| {} ({}) |", class.name(), class.uid());
        let row = rows.iter().find(|row| row.starts_with(&due)).unwrap();
        assert!(row.contains(&format!("`{kind}`")), "FORMATS.md has no `{kind}` in {row}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_copy_is_the_entry(facts in any_facts()) {
        same(&entry(facts));
    }

    #[test]
    fn one_format_after_the_other(facts in any_facts(), order in Just([0, 1, 2]).prop_shuffle()) {
        let first = entry(facts);
        let mut through = first.clone();
        for at in order {
            let (_, write, read) = FORMATS[at];
            through = read(write(&through).as_bytes()).unwrap();
        }
        prop_assert_eq!(through.to_line(), first.to_line());
    }

    #[test]
    fn anything_is_read_without_a_panic(
        head in prop::sample::select(vec!["", "LEEF:2.0|Tollgate|Tollgate|1|c|^|", "{\"unmapped\":{", HEAD]),
        text in "\\PC{0,80}",
    ) {
        for (_, _, read) in FORMATS {
            let _ = read(format!("{head}{text}").as_bytes());
        }
    }
}
