//! Much below a long name, or many changes in one object: what costs as much as all of them times the
//! name, or times each other, does not end here within hours.
use serde_json::{Value, json};
use tollgate_dlp::{Direction, Judge, Memory, MemoryLimits, Scanner};

const BYTES: usize = 1 << 18;
const TOKEN: &str = "ghp_abcd1234efgh5678ijkl9012mnop3456qrst";
const TAG: &str = "[REDACTED-GITHUB-TOKEN]";

/// Looks at a document in every way; gives how much was found, and what became of it.
fn look(scanner: &Scanner, mut document: Value) -> (usize, Value) {
    let judge = Judge::default();
    let memory = Memory::new(MemoryLimits { seconds: 60, bytes: 4096, pairs: 4 });
    memory.look((scanner, &judge), ("a", "x"), &document, 0);
    let found = scanner.scan_json(&document).len();
    scanner.redact_json(&mut document, &judge, Direction::Request);
    (found, document)
}

#[test]
fn many_values_below_a_long_name() {
    let scanner = Scanner::new().unwrap();
    let name = "k".repeat(BYTES);
    let many = |item: Value, length: usize| vec![item; BYTES / 2 / length];
    for (items, is_found) in [
        (many(json!(1), 8), false),
        (many(json!("a"), 8), false),
        (many(json!({ "b": 1 }), 8), false),
        (many(json!([[]]), 8), false),
        (many(json!(TOKEN), 40), true),
    ] {
        let (found, clean) = look(&scanner, json!({ &name: items }));
        assert_eq!(found, if is_found { items.len() } else { 0 });
        assert_eq!(clean[&name].as_array().unwrap().len(), items.len());
        assert_eq!(clean[&name][1] == json!(TAG), is_found);
    }
}

#[test]
fn a_long_name_tells_by_its_end() {
    let scanner = Scanner::new().unwrap();
    let name = |end: &str| format!("{}{end}", "k".repeat(BYTES));
    let values = vec!["hunter2hunter2"; 1000];
    let (found, clean) =
        look(&scanner, json!({ name("_password"): values, name("_colour"): values }));
    assert_eq!(found, values.len());
    assert_eq!(clean[name("_password")][999], "[REDACTED]");
    assert_eq!(clean[name("_colour")][999], values[999]);
}

#[test]
fn many_names_are_changed_at_once() {
    let scanner = Scanner::new().unwrap();
    let token = |n: usize| format!("ghp_abcd1234efgh5678ijkl{n:08}3456qrst");
    let members = (0..BYTES / 40).map(|n| (token(n), json!(n)));
    let (found, clean) = look(&scanner, Value::Object(members.collect()));
    let clean = clean.as_object().unwrap();
    assert_eq!((found, clean.len()), (BYTES / 40, BYTES / 40));
    // The last has the tag alone; each keeps its place.
    assert_eq!(clean.iter().next_back().unwrap(), (&TAG.to_owned(), &json!(clean.len() - 1)));
    let first = (&format!("{TAG} {}", clean.len()), &json!(0));
    assert_eq!(clean.iter().next().unwrap(), first);
}

#[test]
fn what_a_long_name_holds_is_not_shown() {
    let scanner = Scanner::new().unwrap();
    for (name, shown) in [
        (format!("{TOKEN}{}", " k".repeat(BYTES)), TAG),
        (format!("about {TOKEN}"), "about [REDACTED-GITHUB-TOKEN]"),
        // It goes on behind what is looked at.
        (format!("key eyJ{}", "hbGciOiJI".repeat(BYTES)), "key"),
    ] {
        let document = json!({ name: TOKEN });
        let places = scanner.scan_json(&document).into_iter().map(|found| found.place.to_string());
        let places: Vec<_> = places.collect();
        assert!(places.iter().all(|place| place.contains(shown)), "{places:?}");
        assert!(!format!("{places:?}").contains("ghp_") && !format!("{places:?}").contains("eyJ"));
        assert!(places.iter().all(|place| place.len() < 400), "{places:?}");
    }
}
