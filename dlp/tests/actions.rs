//! Judges by call, and what they put in the place of findings.
#![allow(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where it is wrong"
)]
use std::sync::Arc;

use serde_json::{Value, json};
use tollgate_dlp::{
    Action, CardMask, Channel, Class, Deltas, Destination, Detectors, Direction, Grade, Judge,
    JudgeRule, JudgeSettings, Means, OwnDetector, Pattern, Scanner, Scene, TextStream, ToolChannel,
    Validator, Vault, VaultLimits,
};

fn rule(classes: &[&str], action: Action) -> JudgeRule {
    let classes = classes.iter().map(|class| (*class).to_owned()).collect();
    JudgeRule::new(classes, None, action)
}

fn judge(rules: Vec<JudgeRule>) -> Judge {
    let means = Means::new(b"a key of tests");
    Judge::with(JudgeSettings { rules, means, ..JudgeSettings::default() }).unwrap()
}

fn scene(agent: &str, host: &str) -> Scene {
    let through = Destination::new([host.to_owned()]);
    Scene {
        agent: agent.to_owned(),
        roles: vec!["reader".to_owned()],
        channel: Channel::HttpRequest,
        to: vec![through.clone()],
        through,
        now: 0,
    }
}

fn list(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn what_is_done_when_no_rule_fits() {
    use Action::{Alert, Block, Redact};
    for (class, request, answer) in [
        ("secret.private_key", Block, Redact),
        ("known.canary", Block, Redact),
        ("known.own_secret", Block, Redact),
        ("content.unread", Redact, Redact),
        ("known.record", Redact, Redact),
        ("secret.github", Redact, Redact),
        ("secret.generic", Redact, Redact),
        ("pci.pan", Redact, Redact),
        ("financial.iban", Redact, Redact),
        ("gov_id.us_ssn", Redact, Redact),
        ("health.mrn", Redact, Redact),
        ("contact.email", Redact, Redact),
        ("contact.phone", Alert, Alert),
        ("network.ip", Alert, Alert),
        ("identifier.uuid", Alert, Alert),
        ("person.name", Alert, Alert),
        ("hash.sha256", Alert, Alert),
        ("device.imei", Alert, Alert),
        ("content.injection", Alert, Alert),
        // A family of somebody's own.
        ("acme.project", Redact, Redact),
    ] {
        let class = Class::from(class);
        assert_eq!(Judge::by_default(&class, Direction::Request), request, "{class}");
        assert_eq!(Judge::by_default(&class, Direction::Answer), answer, "{class}");
    }
    // What only may be something is left alone, unless a rule names that grade.
    let scanner = Scanner::new().unwrap();
    let findings = scanner.scan(b"password: hello");
    assert_eq!(findings[0].grade, Grade::Possible);
    assert_eq!(Judge::default().decide(&findings[0], Direction::Request), Action::Allow);
    let named = JudgeRule { grade: Some(Grade::Possible), ..rule(&["secret.*"], Action::Mask) };
    assert_eq!(judge(vec![named]).decide(&findings[0], Direction::Request), Action::Mask);
}

#[test]
fn actions_in_texts() {
    let scanner = Scanner::new().unwrap();
    let redact = |action, text: &str| {
        let judge = judge(vec![rule(&["*"], action)]);
        scanner.redact(text, &judge, Direction::Request).text.into_owned()
    };
    assert_eq!(
        redact(Action::Mask, "pay 4111 1111 1111 1111 for bob@example.com, ssn 123-45-6789"),
        "pay **** **** **** 1111 for bo***@example.com, ssn 123-**-****"
    );
    assert_eq!(redact(Action::Mask, "password = 'hunter2hunter2'"), "password = '********'");
    assert_eq!(
        redact(Action::Mask, "a=1&password=hunter2hunter2&b=2"),
        "a=1&password=********&b=2"
    );
    assert_eq!(redact(Action::Mask, "x https://u:hunter2@h/"), "x https://********@h/");
    assert_eq!(
        redact(
            Action::Mask,
            "-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEAq7Xw2Rb9Kd4Ts6Vn\n-----END PRIVATE KEY-----"
        ),
        "[REDACTED-PRIVATE-KEY]"
    );
    let text =
        redact(Action::Tokenise, "{\"password\":\"hunter2hunter2\",\"mail\":\"bob@example.com\"}");
    let value: Value = serde_json::from_str(&text).unwrap();
    assert!(value["password"].as_str().unwrap().starts_with("tok_secret.generic_"), "{text}");
    assert!(value["mail"].as_str().unwrap().starts_with("tok_contact.email_"), "{text}");
    let text = redact(Action::Hash, "<bob@example.com>.");
    assert!(text.starts_with("<hmac_contact.email_") && text.ends_with(">."), "{text}");
}

#[test]
fn numbers_stay_numbers_where_they_are_masked() {
    let scanner = Scanner::new().unwrap();
    let masked = |action, cards, value: Value| {
        let means = Means::new(b"k").with_cards(cards);
        let rules = vec![rule(&["*"], action)];
        let settings = JudgeSettings { rules, means, ..JudgeSettings::default() };
        let mut value = value;
        scanner.redact_json(&mut value, &Judge::with(settings).unwrap(), Direction::Request);
        value
    };
    let card = json!({ "card": 4_111_111_111_111_111_u64, "id": 7 });
    let value = masked(Action::Mask, CardMask::Stars, card.clone());
    assert_eq!(value, json!({ "card": 9_999_999_999_991_111_u64, "id": 7 }));
    let value = masked(Action::Mask, CardMask::Luhn, card.clone());
    assert_eq!(value["card"].as_u64().unwrap() % 10_000, 1111);
    assert!(scanner.scan_json(&value).is_empty());
    let value = masked(Action::Mask, CardMask::Stars, json!({ "ssn": 514_690_360 }));
    assert_eq!(value, json!({ "ssn": 100_000_000 }));
    let value = masked(Action::Redact, CardMask::Stars, card);
    assert_eq!(value["card"], "[REDACTED:PAN]");
}

#[test]
fn rules_ask_who_and_where() {
    let scanner = Scanner::new().unwrap();
    let findings = scanner.scan(b"4111 1111 1111 1111");
    let decide = |judge: &Judge| judge.decide(&findings[0], Direction::Request);
    let judge = judge(vec![
        JudgeRule { agents: list(&["spiffe://acme/*"]), ..rule(&["pci.*"], Action::Block) },
        JudgeRule { roles: list(&["writer"]), ..rule(&["pci.*"], Action::Hash) },
        JudgeRule {
            id: Some("pay".to_owned()),
            destinations: list(&["pay.example.com"]),
            ..rule(&["pci.*"], Action::Allow)
        },
        JudgeRule {
            id: Some("partners".to_owned()),
            allowed_destinations: list(&["*.partner.example"]),
            blocked_destinations: list(&["bad.partner.example"]),
            ..rule(&["pci.*"], Action::Block)
        },
        JudgeRule { channels: vec![Channel::Email], ..rule(&["pci.*"], Action::Tokenise) },
        rule(&["pci.*"], Action::Mask),
    ]);
    assert_eq!(decide(&judge.at(&scene("spiffe://acme/a", "pay.example.com"))), Action::Block);
    assert_eq!(decide(&judge.at(&scene("a", "pay.example.com"))), Action::Allow);
    assert_eq!(decide(&judge.at(&scene("a", "a.partner.example"))), Action::Mask);
    assert_eq!(decide(&judge.at(&scene("a", "BAD.partner.example"))), Action::Block);
    let other = judge.at(&scene("a", "other.example"));
    let decided = other.decided(&findings[0], Direction::Request);
    assert_eq!((decided.action, decided.is_egress), (Action::Block, true));
    assert_eq!(decided.rule.unwrap(), "partners");
    let mut mail = scene("a", "a.partner.example");
    mail.channel = Channel::Email;
    assert_eq!(decide(&judge.at(&mail)), Action::Tokenise);
    mail.roles = vec!["writer".to_owned()];
    assert_eq!(decide(&judge.at(&mail)), Action::Hash);
    // Where it goes is not known: what lets pass does not hold, what restricts does.
    let mut lost = scene("a", "pay.example.com");
    lost.to = Vec::new();
    assert_eq!(decide(&judge.at(&lost)), Action::Block);
    // Nothing at all is known.
    assert_eq!(decide(&judge), Action::Block);
}

#[test]
fn destinations_of_tools() {
    let entry = |tool, channel, field: Option<&str>| ToolChannel {
        tool: Pattern::new(tool).unwrap(),
        channel,
        destination_field: field.map(str::to_owned),
    };
    let channels = [
        entry("send_email", Channel::Email, Some("to")),
        entry("http_*", Channel::HttpRequest, Some("url")),
        entry("write_*", Channel::FileWrite, None),
    ];
    let hosts = Pattern::new("api.example.com").unwrap();
    let find = |tool: &str, arguments: Value| {
        let scene = scene("a", "tools.test");
        let scene = scene.with_tool(tool, || &arguments, &channels, Channel::McpCall);
        let to = scene.to.iter().map(|to| to.as_str().to_owned()).collect::<Vec<_>>();
        (scene.channel, to, scene)
    };
    let found = find("send_email", json!({ "to": "a@x.test, Bob <b@y.test>" }));
    assert_eq!((found.0, found.1), (Channel::Email, list(&["a@x.test", "b@y.test"])));
    let found = find("send_email", json!({ "to": ["a@x.test", "b@y.test"] }));
    assert_eq!(found.1, list(&["a@x.test", "b@y.test"]));
    for lost in
        [json!({}), json!({ "to": 7 }), json!({ "to": "a b" }), json!({ "to": ["a", null] })]
    {
        assert_eq!(find("send_email", lost).1, list(&[]));
    }
    assert_eq!(find("write_file", json!({})).1, list(&["tools.test"]));
    assert_eq!(find("other", json!({})).0, Channel::McpCall);
    let scanner = Scanner::new().unwrap();
    let findings = scanner.scan(b"4111 1111 1111 1111");
    let judge = judge(vec![JudgeRule {
        allowed_destinations: vec![hosts.as_str().to_owned()],
        ..rule(&["*"], Action::Block)
    }]);
    for (url, expect) in [
        ("https://api.example.com/a", Action::Redact),
        ("https://API.example.com.:443/a", Action::Redact),
        ("https://api.example.com@evil.test/", Action::Block),
        ("https://evil.test\\@api.example.com/", Action::Block),
        ("https://evil.test/?api.example.com", Action::Block),
        ("https://api.example.com/,https://evil.test", Action::Block),
    ] {
        let (.., scene) = find("http_post", json!({ "url": url }));
        assert_eq!(judge.at(&scene).decide(&findings[0], Direction::Request), expect, "{url}");
    }
}

fn vaulted(vault: &Arc<Vault>) -> Judge {
    let rules = vec![
        JudgeRule {
            direction: Some(Direction::Request),
            ..rule(&["pci.pan", "contact.email"], Action::Tokenise)
        },
        JudgeRule { direction: Some(Direction::Answer), ..rule(&["pci.*"], Action::Restore) },
    ];
    let means = Means::new(b"a key of tests").with_vault(Arc::clone(vault));
    Judge::with(JudgeSettings { rules, means, ..JudgeSettings::default() }).unwrap()
}

#[test]
fn tokens_come_back_to_their_agent_alone() {
    let scanner = Arc::new(Scanner::new().unwrap());
    let vault = Arc::new(Vault::new(VaultLimits { seconds: 60, values: 8, agents: 8 }));
    let judge = vaulted(&vault);
    let mine = Arc::new(judge.at(&scene("a", "x")));
    let sent = "4111 1111 1111 1111 and bob@example.com";
    let sent = scanner.redact(sent, &mine, Direction::Request).text.into_owned();
    let (card, mail) = sent.split_once(" and ").unwrap();
    assert!(card.starts_with("tok_pci.pan_") && mail.starts_with("tok_contact.email_"));
    // A token is no finding, and goes out again as it is.
    assert!(scanner.scan(sent.as_bytes()).is_empty());
    assert_eq!(scanner.redact(&sent, &mine, Direction::Request).text, sent);

    let answer = format!("paid with {card}. Told {mail}");
    let expect = format!("paid with 4111 1111 1111 1111. Told {mail}");
    let back = scanner.redact(&answer, &mine, Direction::Answer);
    assert_eq!(back.text, expect);
    assert_eq!(back.acted.len(), 1);
    assert_eq!(back.acted[0].action, Action::Restore);
    let theirs = judge.at(&scene("b", "x"));
    assert_eq!(scanner.redact(&answer, &theirs, Direction::Answer).text, answer);
    let late = Scene { now: 60, ..scene("a", "x") };
    assert_eq!(scanner.redact(&answer, &judge.at(&late), Direction::Answer).text, answer);

    // However the answer comes.
    for size in 1..20 {
        let mut stream =
            TextStream::new(Arc::clone(&scanner), Arc::clone(&mine), Direction::Answer);
        let mut out = Vec::new();
        for chunk in answer.as_bytes().chunks(size) {
            stream.push(chunk, &mut out);
        }
        stream.finish(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expect, "{size}");
    }
    let begins = answer.find("tok_").unwrap();
    for cut in 0..answer.len() {
        let mut deltas = Deltas::new(Arc::clone(&scanner), Arc::clone(&mine), Direction::Answer);
        let mut events = Vec::new();
        for piece in [&answer[..cut], &answer[cut..]] {
            events.extend(deltas.push(json!({ "delta": { "content": piece } }), false));
        }
        events.extend(deltas.flush());
        let joined: String =
            events.iter().filter_map(|(event, _)| event["delta"]["content"].as_str()).collect();
        // A text may end in `to`, and is not held for that: a token cut there stays a token.
        let cut_short = cut == begins + 1 || cut == begins + 2;
        assert_eq!(joined, if cut_short { &answer } else { &expect }.as_str(), "{cut}");
    }
    let mut value = json!({ "note": answer, "n": [card] });
    scanner.redact_json(&mut value, &mine, Direction::Answer);
    assert_eq!(value, json!({ "note": expect, "n": ["4111 1111 1111 1111"] }));
    assert!(!format!("{mine:?} {vault:?}").contains("4111"));
}

fn employee() -> OwnDetector {
    OwnDetector {
        name: "employee".to_owned(),
        class: "identifier.employee".to_owned(),
        tag: None,
        literals: list(&["employee"]),
        lead: Some("(?i)employee[ #:]{1,4}".to_owned()),
        pattern: "[0-9]{6}".to_owned(),
        validator: None,
        context: Vec::new(),
        grade: Grade::Certain,
        examples: list(&["employee #123456"]),
        counter_examples: list(&["employee #12345", "employee 1234567", "123456"]),
    }
}

#[test]
fn own_detectors() {
    let with = |own: OwnDetector| {
        let detectors = Detectors { own: vec![own], ..Detectors::default() };
        Scanner::with(&detectors)
    };
    let scanner = with(employee()).unwrap();
    let settings = JudgeSettings {
        rules: vec![rule(&["identifier.employee"], Action::Redact)],
        classes: vec![Class::from("identifier.employee")],
        ..JudgeSettings::default()
    };
    let judge = Judge::with(settings).unwrap();
    let text = "badge of Employee #123456, mail bob@example.com";
    let redacted = scanner.redact(text, &judge, Direction::Request).text;
    assert_eq!(redacted, "badge of Employee #[REDACTED:EMPLOYEE], mail [REDACTED:EMAIL]");
    assert!(scanner.redact(&redacted, &judge, Direction::Request).acted.is_empty());

    let card = OwnDetector {
        name: "loyalty".to_owned(),
        class: "acme.loyalty".to_owned(),
        literals: list(&["loy-"]),
        lead: None,
        pattern: "LOY-[0-9]{8}".to_owned(),
        validator: Validator::parse("luhn"),
        context: list(&["member"]),
        examples: list(&["member LOY-12345674"]),
        counter_examples: list(&["member LOY-12345675", "LOY-12345674"]),
        ..employee()
    };
    assert_eq!(with(card.clone()).unwrap().scan(b"member LOY-12345674.").len(), 1);

    let bad: [(&str, OwnDetector); 10] = [
        ("own[0].name: a built-in", OwnDetector { name: "email".to_owned(), ..employee() }),
        (
            "own[0].class: this is not a class",
            OwnDetector { class: "Employee".to_owned(), ..employee() },
        ),
        ("own[0].tag:", OwnDetector { tag: Some("<gone>".to_owned()), ..employee() }),
        ("own[0].literals: it has no", OwnDetector { literals: Vec::new(), ..employee() }),
        ("own[0].literals[0]: a literal", OwnDetector { literals: list(&["em"]), ..employee() }),
        (
            "own[0].pattern: this pattern cannot",
            OwnDetector { pattern: "(".to_owned(), ..employee() },
        ),
        (
            "own[0].pattern: this pattern fits",
            OwnDetector { pattern: "a*".to_owned(), ..employee() },
        ),
        ("own[0].context[0]:", OwnDetector { context: list(&["x"]), ..employee() }),
        ("own[0].examples[0]: nothing", OwnDetector { examples: list(&["no"]), ..employee() }),
        (
            "own[0].counter_examples[0]: something",
            OwnDetector { counter_examples: list(&["employee 654321"]), ..employee() },
        ),
    ];
    for (expect, own) in bad {
        let error = with(own).unwrap_err().to_string();
        assert!(error.starts_with(expect), "{error}");
    }
    let twice = Detectors { own: vec![employee(), employee()], ..Detectors::default() };
    let error = Scanner::with(&twice).unwrap_err().to_string();
    assert!(error.starts_with("own[1].name: an earlier"), "{error}");
}

#[test]
fn built_in_detectors_can_be_switched_off_and_graded() {
    let detectors = Detectors {
        off: list(&["email"]),
        grades: vec![("us-ssn".to_owned(), Grade::Possible)],
        ..Detectors::default()
    };
    let scanner = Scanner::with(&detectors).unwrap();
    let text = "bob@example.com 123-45-6789 4111 1111 1111 1111";
    let findings = scanner.scan(text.as_bytes());
    let found: Vec<_> = findings.iter().map(|f| (f.detector.as_str(), f.grade)).collect();
    assert_eq!(found, [("us-ssn", Grade::Possible), ("payment-card", Grade::Certain)]);
    let typo = Detectors { grades: vec![("us_ssn".to_owned(), Grade::Likely)], ..detectors };
    let error = Scanner::with(&typo).unwrap_err().to_string();
    assert!(error.contains("did you mean `us-ssn`?"), "{error}");
}
