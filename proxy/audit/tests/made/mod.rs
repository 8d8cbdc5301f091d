//! Entries made for tests: of every type, and of any facts whatever.
#![allow(dead_code, reason = "each test file uses its own part")]
use proptest::prelude::*;
use proptest::sample::select;
use tollgate_audit::{Chain, Entry, EventType, Facts, Fields, LocalKey, Registry, keys};
use uuid::Uuid;

pub(crate) fn key() -> LocalKey {
    LocalKey::from_pem(LocalKey::pem_from_seed(&[1; 32]).as_bytes(), None).unwrap()
}

pub(crate) fn registry() -> Registry {
    let mut registry = Registry::new();
    registry.add(key().kid().clone(), key().public().clone(), None, "").unwrap();
    registry
}

/// The next entry of a chain.
pub(crate) fn seal(chain: &mut Chain, key: &LocalKey, facts: Facts) -> Entry {
    let now = "2026-01-01T00:00:00.5Z".parse().unwrap();
    let id = Uuid::from_u128(7 + u128::from(chain.size()));
    let draft = chain.draft(facts, id, now, key.kid()).unwrap();
    let signature = key.sign(draft.hash()).unwrap();
    draft.close(signature).unwrap()
}

/// The first entry of a chain of its own.
pub(crate) fn entry(facts: Facts) -> Entry {
    seal(&mut Chain::new(), &key(), facts)
}

/// One of every type, with much to say.
pub(crate) fn of_every_type() -> impl Iterator<Item = Facts> {
    EventType::ALL.iter().map(|kind| {
        Facts::new(*kind, "spiffe://acme/agents/reader")
            .revision("r7")
            .text(keys::EFFECT, "allow")
            .text(keys::RULE, "may-send")
            .text(keys::PROTOCOL, "mcp")
            .text(keys::METHOD, "tools/call")
            .text("http_method", "POST")
            .text(keys::TOOL, "send_email")
            .text(keys::HOST, "api.example")
            .text(keys::PATH, "/mcp")
            .number(keys::PORT, 443)
            .text(keys::SOURCE, "10.0.0.5")
            .text(keys::DESTINATION, "[2001:db8::1]:443")
            .number(keys::STATUS, 200)
    })
}

const TEXTS: [&str; 16] = [
    keys::EFFECT,
    keys::CODE,
    keys::RULE,
    keys::PROTOCOL,
    keys::TOOL,
    keys::METHOD,
    keys::PATH,
    keys::HOST,
    keys::SOURCE,
    keys::DESTINATION,
    keys::INTENT,
    keys::SESSION,
    keys::ROUTE,
    keys::REASON,
    "http_method",
    "outcome",
];
const NUMBERS: [&str; 6] =
    [keys::PORT, keys::STATUS, keys::BYTES_IN, keys::BYTES_OUT, keys::DURATION_MS, keys::SIZE];

/// One of those, or one that is cut.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![4 => short_text(), 1 => "\\PC{500,600}"]
}

/// Words that mean something to a writer, addresses, and anything at all.
fn short_text() -> impl Strategy<Value = String> {
    let known = select(vec![
        "allow",
        "deny",
        "hold",
        "DLP_BLOCKED",
        "IDENTITY_MISSING",
        "GLOBAL_KILL_SWITCH",
        "mcp",
        "http",
        "GET",
        "POST",
        "cut",
        "refused",
        "released",
        "10.0.0.5",
        "::ffff:1.2.3.4",
        "[2001:db8::1]:443",
        "api.example",
        "",
        " ",
        "a=b",
        "c:\\x",
        "^",
        "|",
        "x\r\ny",
        "\u{2028}",
        "\0",
        "<a>&%",
        "😀",
        "\u{202e}",
        "payload=",
        "\"",
        "\\\"",
        "\\u005e",
        "%5E",
    ]);
    prop_oneof![known.prop_map(str::to_owned), any::<String>(), "[ =|^\\\"\n\r\t]{0,12}",]
}

fn any_finding() -> impl Strategy<Value = (String, &'static str, String)> {
    (short_text(), select(vec!["alert", "allow", "block", "redact"]), short_text())
}

fn fields(depth: u32) -> BoxedStrategy<Fields> {
    let leaf =
        (short_text(), any::<u64>(), any::<bool>(), prop::collection::vec(short_text(), 0..4))
            .prop_map(|(text, number, flag, texts)| {
                Fields::new().text("a", &text).number("b", number).flag("c", flag).texts("d", texts)
            });
    match depth {
        0 => leaf.boxed(),
        _ => (leaf, fields(depth - 1), prop::collection::vec(fields(depth - 1), 0..3))
            .prop_map(|(fields, inner, list)| fields.object("e", inner).objects("f", list))
            .boxed(),
    }
}

/// Facts of any type with any of the known words, each said or not, and some of no meaning.
pub(crate) fn any_facts() -> impl Strategy<Value = Facts> {
    let texts = prop::collection::vec(prop::option::of(any_text()), TEXTS.len());
    let numbers = prop::collection::vec(prop::option::of(any::<u64>()), NUMBERS.len());
    let findings = prop::collection::vec(any_finding(), 0..4);
    (
        select(EventType::ALL),
        (any_text(), any_text(), prop::option::of(any_text())),
        texts,
        numbers,
        findings,
        prop::option::of(fields(2)),
    )
        .prop_map(|(kind, (actor, revision, manifest), texts, numbers, findings, more)| {
            let mut facts = Facts::new(kind, &actor).revision(&revision);
            if let Some(id) = manifest {
                facts = facts.manifest_signature(&id);
            }
            for (key, text) in TEXTS.iter().zip(texts) {
                facts = facts.maybe_text(key, text.as_deref());
            }
            for (key, number) in NUMBERS.iter().zip(numbers) {
                facts = match number {
                    Some(number) => facts.number(key, number),
                    None => facts,
                };
            }
            if !findings.is_empty() {
                let classes: Vec<&String> = findings.iter().map(|(class, ..)| class).collect();
                facts = facts.texts(keys::CLASSES, classes);
                let list = findings.iter().map(|(class, action, place)| {
                    Fields::new().text("class", class).text("action", action).text("place", place)
                });
                facts = facts.objects(keys::FINDINGS, list.collect::<Vec<_>>());
            }
            match more {
                Some(more) => facts.object("more", more),
                None => facts,
            }
        })
}
