//! Findings, judges and lines: own cases.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where it is wrong"
)]
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use serde_json::{Value, json};
use tollgate_dlp::{
    Action, Class, Direction, Grade, Judge, JudgeError, JudgeRule, Place, Scanner, scan_line,
    scan_text,
};

const CANARY: &str = "hunter2Canary0815";

fn rule(classes: &[&str], direction: Option<Direction>, action: Action) -> JudgeRule {
    let classes = classes.iter().map(|class| (*class).to_owned()).collect();
    JudgeRule::new(classes, direction, action)
}

#[test]
fn nothing_shows_what_was_matched() {
    let scanner = Scanner::new().unwrap();
    let text = format!("password={CANARY} https://u:{CANARY}@h/ {{\"token\":\"{CANARY}\"}}");
    let findings = scanner.scan(text.as_bytes());
    assert_eq!(findings.len(), 3);
    let mut value = json!({ format!("x ghp_{CANARY}"): {"password": CANARY}, "a": [text] });
    let places = scanner.scan_json(&value);
    let redaction = scanner.redact(&text, &Judge::default(), Direction::Request);
    let shown = format!("{findings:?} {places:?} {redaction:?} {scanner:?}");
    assert!(!shown.contains(CANARY), "{shown}");
    let acted = scanner.redact_json(&mut value, &Judge::default(), Direction::Request);
    assert!(!format!("{acted:?} {value}").contains(CANARY));
    let line = json!({"id": CANARY, "txt": CANARY}).to_string();
    assert!(!scan_line(&scanner, &Judge::default(), &line).contains(CANARY));
}

#[test]
fn places_are_pointers() {
    let scanner = Scanner::new().unwrap();
    let value =
        json!({"a/b": [{"password": "hunter2hunter2"}], "n": {"card": 4242424242424242_u64}});
    let findings = scanner.scan_json(&value);
    let places: Vec<_> = findings.iter().map(|finding| finding.place.clone()).collect();
    let expect = ["/a~1b/0/password", "/n/card"];
    assert_eq!(places, expect.map(|place| Place::Value(place.to_owned())));
    assert_eq!((findings[0].start, findings[0].end), (0, 14));
    assert_eq!((findings[1].start, findings[1].end), (0, 16));
}

#[test]
fn names_are_redacted_and_never_collide() {
    let scanner = Scanner::new().unwrap();
    let mut value = json!({
        "ghp_a1B2c3D4e5F6": 1,
        "keep": 2,
        "ghp_f6E5d4C3b2A1": {"bob@example.com": 3},
    });
    scanner.redact_json(&mut value, &Judge::default(), Direction::Answer);
    let expect = json!({
        "[REDACTED-GITHUB-TOKEN] 2": 1,
        "keep": 2,
        "[REDACTED-GITHUB-TOKEN]": {"[REDACTED:EMAIL]": 3},
    });
    assert_eq!(value, expect);
    assert_eq!(value.as_object().unwrap().keys().nth(1).unwrap(), "keep");
}

#[test]
fn redaction_in_texts() {
    let scanner = Scanner::new().unwrap();
    let cases = [
        ("password = 'hunter2hunter2'", "password=[REDACTED]"),
        ("password: hunter2hunter2", "password: [REDACTED]"),
        ("{\"password\":\"hunter2hunter2\"}", "{\"password\":\"[REDACTED]\"}"),
        ("{\\\"password\\\":\\\"hunter2hunter2\\\"}", "{\\\"password\\\":\\\"[REDACTED]\\\"}"),
        ("a=1&password=hunter2hunter2&b=2", "a=1&password=[REDACTED]&b=2"),
        ("Authorization: Bearer abcdef0123456789", "Authorization: Bearer [REDACTED]"),
        ("token=ghp_abcd1234efgh", "token=[REDACTED-GITHUB-TOKEN]"),
        ("amqp://app:S3cret@mq:5672/v", "amqp://[REDACTED]@mq:5672/v"),
        ("mail bob@example.com, please", "mail [REDACTED:EMAIL], please"),
        ("ssn 123-45-6789.", "ssn [REDACTED:SSN]."),
        ("pay 4111-1111-1111-1111 now", "pay [REDACTED:PAN] now"),
        ("to DE89 3704 0044 0532 0130 00!", "to [REDACTED:IBAN]!"),
        ("nothing to see", "nothing to see"),
    ];
    for (text, expect) in cases {
        let redaction = scanner.redact(text, &Judge::default(), Direction::Request);
        assert_eq!(redaction.text, expect);
    }
}

/// Signs that a shell would read, in quotes; nothing of what stands behind them is left.
#[test]
fn passwords_in_commands_are_covered_to_their_end() {
    let scanner = Scanner::new().unwrap();
    for (before, password, after) in [
        ("docker login -u me -p '", "S3cr$tPw%9", "' registry.example.com"),
        ("htpasswd -b /etc/users me '", "S3cret$Pw", "'"),
        ("smbclient //srv/s -U me%", "S3cr%t$Pw", " -c ls"),
        ("redis-cli -h db -a '", "S3cret$Pw9", "' ping"),
        ("openssl rsa -in k.pem -passin pass:", "S3cret$Pw", " -out k"),
        ("ConvertTo-SecureString '", "S3cret $Pw (of mine)", "' -AsPlainText -Force"),
    ] {
        let text = format!("{before}{password}{after}");
        let findings = scanner.scan(text.as_bytes());
        let spans: Vec<_> = findings.iter().map(|one| (one.start, one.end)).collect();
        assert_eq!(spans, [(before.len(), before.len() + password.len())], "{text}");
    }
    for text in ["docker login -u me -p $(cat x) reg", "ldapsearch -D cn=me -w ${PASSWORD} x"] {
        assert!(scanner.scan(text.as_bytes()).is_empty(), "{text}");
    }
}

#[test]
fn harmless_texts_are_left_alone() {
    let scanner = Scanner::new().unwrap();
    let cases = [
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "id 550e8400-e29b-41d4-a716-446655440000",
        "\"integrity\": \"sha512-9fceb02d0ae598e95dc970b74767f19372d61af89fceb02d==\"",
        "sha256:7abd5a20bfcdf8690e228f4ad9a7f7d30ba3ef5584a6363da209a0ba8fbfd508",
        "let token = tokenizer.next_token();",
        "const password = process.env.PASSWORD;",
        "def login(user, password=None):",
        "max_tokens: 4096, temperature: 0.7",
        "Chrome/125.0.9222.102 Safari/537.36",
        "2024-05-20T12:34:56.789012345Z",
        "\"primary_key\": \"id\", \"foreign_key\": \"user_id\"",
        "keyboard: qwerty1234567890 monkey: banana123456",
        "Platform=\"Mac OS\" TimeStamp=\"1643648382745602\"",
        "{\"businessName\": \"Example\", \"order\": \"078051121\"}",
        "order 5105-1051-0510-5100 is delayed",
        "password = \"some-fake-key\"",
        "api_key = \"PUT_YOUR_KEY_4_HERE\"",
        "this.addPassword = \"#add-password\";",
        "VAT number: 12345678901",
        "IBAN: FR7630006000011234567890189@example",
    ];
    for text in cases {
        let findings = scanner.scan(text.as_bytes());
        assert!(
            findings.iter().all(|finding| finding.grade == Grade::Possible),
            "{text}: {findings:?}"
        );
    }
}

#[test]
fn the_judge_decides_by_grade_then_by_the_first_rule() {
    let scanner = Scanner::new().unwrap();
    let text = "password=hunter2 bob@example.com 4111 1111 1111 1111";
    let rules = || {
        vec![
            rule(&["contact.email"], Some(Direction::Answer), Action::Allow),
            rule(&["secret.*", "contact.email"], None, Action::Alert),
            rule(&["*"], Some(Direction::Request), Action::Block),
        ]
    };
    let actions = |judge: &Judge, way: Direction| {
        let findings = scanner.scan(text.as_bytes());
        findings.iter().map(|finding| judge.decide(finding, way)).collect::<Vec<_>>()
    };
    use Action::{Alert, Allow, Block, Redact};
    let judge = Judge::new(Grade::Likely, rules()).unwrap();
    assert_eq!(actions(&judge, Direction::Request), [Alert, Alert, Block]);
    assert_eq!(actions(&judge, Direction::Answer), [Alert, Allow, Redact]);
    let judge = Judge::new(Grade::Certain, rules()).unwrap();
    assert_eq!(actions(&judge, Direction::Request), [Allow, Allow, Block]);
    // What is only recorded stays as it is; what is blocked is hidden as well.
    let judge = Judge::new(Grade::Likely, rules()).unwrap();
    let redaction = scanner.redact(text, &judge, Direction::Request);
    assert_eq!(redaction.text, "password=hunter2 bob@example.com [REDACTED:PAN]");
    assert_eq!(redaction.acted.len(), 3);
}

/// Of two findings on one place the stricter decision holds, whichever of them is shown.
#[test]
fn an_allowed_finding_does_not_cover_a_forbidden_one() {
    let scanner = Scanner::new().unwrap();
    let text = "password=4111111111111111";
    for (allowed, expect) in
        [("secret.*", "password=[REDACTED:PAN]"), ("pci.*", "password=[REDACTED]")]
    {
        let rule = rule(&[allowed], None, Action::Allow);
        let judge = Judge::new(Grade::Possible, vec![rule]).unwrap();
        assert_eq!(scanner.redact(text, &judge, Direction::Request).text, expect);
    }
}

#[test]
fn rules_that_make_no_judge() {
    let one = |class: &str| vec![rule(&[class], None, Action::Alert)];
    let cases = [
        ("secret.githup", "unknown class `secret.githup`, did you mean `secret.github`?"),
        ("pan", "unknown class `pan`, did you mean `pci.pan`?"),
        ("secrets.*", "unknown family `secrets.*`: the families are contact, "),
    ];
    for (class, expect) in cases {
        let error = Judge::new(Grade::Likely, one(class)).unwrap_err();
        assert!(error.to_string().starts_with(expect), "{error}");
    }
    let none = Judge::new(Grade::Likely, vec![rule(&[], None, Action::Alert)]);
    assert_eq!(none.unwrap_err(), JudgeError::NoClass(1));
    for class in Class::all() {
        assert!(Judge::new(Grade::Likely, one(class.as_str())).is_ok(), "{class}");
    }
}

#[test]
fn lines() {
    let scanner = Scanner::new().unwrap();
    let judge = Judge::default();
    let line = json!({"id": "a1", "text": "x password=hunter2"}).to_string();
    let answer: Value = serde_json::from_str(&scan_line(&scanner, &judge, &line)).unwrap();
    let expect = json!({
        "id": "a1",
        "findings": [{
            "detector": "assigned-secret", "class": "secret.generic",
            "start": 11, "end": 18, "grade": "likely",
        }],
        "redacted": "x password=[REDACTED]",
    });
    assert_eq!(answer, expect);
    let text: Value =
        serde_json::from_str(&scan_text(&scanner, &judge, "a1", "x password=hunter2")).unwrap();
    assert_eq!(text, expect);
    for (bad, reason) in [
        ("{\"id\": \"a\"", "not JSON, at column 10"),
        ("[1]", "not an object with `id` and a string `text`, at column 3"),
        ("{\"id\": 1}", "not an object with `id` and a string `text`, at column 9"),
        ("", "not JSON, at column 0"),
    ] {
        let answer: Value = serde_json::from_str(&scan_line(&scanner, &judge, bad)).unwrap();
        assert_eq!(answer, json!({"id": null, "error": reason}));
    }
}

#[test]
fn everyone_may_share_a_scanner() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Scanner>();
    shared::<Judge>();
    shared::<tollgate_dlp::TextStream>();
    shared::<tollgate_dlp::Deltas>();
}

#[test]
fn a_token_in_pieces_is_found_and_put_out_of_sight() {
    let scanner = Scanner::new().unwrap();
    let token = ["ghp_", "q7Xw2Rb9Kd4Ts6Vn1", "Zh8Gj3Lp5Fm0Ycq7Xw2"];
    let cases = [
        json!({"parts": token}),
        json!({"part_a": token[0..2].concat(), "part_b": token[2]}),
        json!({"x": {"note": "see", "one": token[0], "two": token[1], "three": token[2]}}),
        json!({"code": format!("x = \"{}\" + \"{}\" + \"{}\"", token[0], token[1], token[2])}),
        json!([{"text": token.concat().bytes().map(|b| format!("%{b:02x}")).collect::<String>()}]),
    ];
    for mut value in cases {
        let acted = scanner.redact_json(&mut value, &Judge::default(), Direction::Request);
        let classes: Vec<_> = acted.iter().map(|a| a.finding.class.as_str()).collect();
        assert_eq!(classes, ["secret.github"], "{value}");
        assert!(!acted[0].finding.via.is_empty(), "{acted:?}");
        let text = value.to_string();
        assert!(token[1..].iter().all(|piece| !text.contains(piece)), "{text}");
        assert!(scanner.scan_json(&value).is_empty(), "{value}");
    }
}

#[test]
fn a_card_in_numbers_is_found() {
    let scanner = Scanner::new().unwrap();
    let findings = scanner.scan_json(&json!({"card": [4111, 1111, 1111, 1111]}));
    assert_eq!(findings[0].class.as_str(), "pci.pan");
    assert_eq!(findings[0].via.to_string(), "joined");
    assert!(scanner.scan_json(&json!({"ids": [4111, 1111, 1111, 1112]})).is_empty());
}

#[test]
fn a_token_without_a_digit_is_put_together() {
    let scanner = Scanner::new().unwrap();
    let (head, tail) = ("hf_qpXwRbKdTsVnZhGj", "LpFmYcqQXwRbKdTsVn");
    let cases = [
        format!("{{\"parts\": [\"{head}\", \"{tail}\"]}}"),
        format!("x = \"{head}\" + \"{tail}\""),
        format!("{{\"code\": \"x = \\\"{head}\\\" + \\\"{tail}\\\"  # none\"}}"),
    ];
    for text in cases {
        let findings = scanner.scan(text.as_bytes());
        let classes: Vec<_> = findings.iter().map(|found| found.class.as_str()).collect();
        assert_eq!(classes, ["secret.huggingface"], "{text}");
    }
    let mut value = json!({"parts": [head, tail]});
    let acted = scanner.redact_json(&mut value, &Judge::default(), Direction::Request);
    assert_eq!(acted.len(), 1, "{value}");
    assert!(!value.to_string().contains(tail), "{value}");
}

#[test]
fn an_id_that_is_all_that_an_encoding_holds_is_believed() {
    let scanner = Scanner::new().unwrap();
    let hex: String = "44051401458".bytes().map(|byte| format!("{byte:02x}")).collect();
    let entities: String = "44051401458".bytes().map(|byte| format!("&#{byte};")).collect();
    let cases = [
        format!("{{\"blob\": \"{hex}\"}}"),
        format!("https://{hex}.example.net/"),
        format!("<p>{entities}</p>"),
        "{\"src\": \"data:text/plain;base64,NDQwNTE0MDE0NTg=\"}".to_owned(),
        "{\"code\": \"x = \\\"44051401\\\" + \\\"458\\\"  # \"}".to_owned(),
    ];
    for text in cases {
        let findings = scanner.scan(text.as_bytes());
        let classes: Vec<_> = findings.iter().map(|found| found.class.as_str()).collect();
        assert_eq!(classes, ["gov_id.pl_pesel"], "{text}");
        assert_eq!(findings[0].grade, Grade::Likely, "{text}");
    }
    // In its groups it is no number of a telephone.
    assert_eq!(scanner.scan(b"347-677-452")[0].class.as_str(), "gov_id.ca_sin");
}

/// Raw deflate has no first bytes to know it by, and digests are as long as some of it.
#[test]
fn no_length_of_what_is_packed_hides_it() {
    let scanner = Scanner::new().unwrap();
    let token = "ghp_x7Kq2mVb9TzLw4Rn8PdYc3Hs6FgJt1Aa5BeQ";
    let mut letters = (b'a'..=b'z').map(char::from).cycle().step_by(11);
    let mut text = format!("token {token} ");
    let mut digests = 0;
    while text.len() < 200 {
        let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), Compression::best());
        packer.write_all(text.as_bytes()).unwrap();
        let packed = packer.finish().unwrap();
        digests += usize::from(matches!(packed.len(), 48 | 64 | 128));
        let sent = json!({ "note": STANDARD.encode(&packed) }).to_string();
        let findings = scanner.scan(sent.as_bytes());
        assert!(
            findings.iter().any(|one| one.class.as_str() == "secret.github"),
            "{} bytes of {text:?} are not found: {findings:?}",
            packed.len()
        );
        text.extend(letters.next());
    }
    assert!(digests > 0, "no text packs to the length of a digest");
}

/// As people write them in their country, where a word says what comes.
#[test]
fn a_phone_number_in_an_area_and_the_rest() {
    let scanner = Scanner::new().unwrap();
    for number in ["(11) 98765-4321", "+55 11 98765-4321", "0151 12345678", "327 6561188"] {
        let text = format!("Phone: {number}");
        let findings = scanner.scan(text.as_bytes());
        let told = findings.iter().any(|one| {
            one.class.as_str() == "contact.phone"
                && one.grade >= Grade::Likely
                && text.get(one.start..one.end) == Some(number)
        });
        assert!(told, "{text}: {findings:?}");
    }
    for text in ["call 2128069063", "My number is 13842050891"] {
        assert_eq!(scanner.scan(text.as_bytes())[0].class.as_str(), "contact.phone", "{text}");
    }
    for text in ["order 0151 12345678", "number 2128069063", "my number 23842050891"] {
        assert!(
            scanner.scan(text.as_bytes()).iter().all(|one| one.class.as_str() != "contact.phone"),
            "{text}"
        );
    }
}

/// In the groups of the card, and of the letter that gives it.
#[test]
fn identifiers_as_they_are_written() {
    let scanner = Scanner::new().unwrap();
    for (text, class) in [
        ("NIR 2 95 10 99 126 111 93", "gov_id.fr_nir"),
        ("IRD 136-410-132", "gov_id.nz_ird"),
        ("unified social credit code 91350100M000100Y43", "gov_id.cn_credit_code"),
    ] {
        let found = scanner.scan(text.as_bytes());
        assert!(found.iter().any(|one| one.class.as_str() == class), "{text}: {found:?}");
    }
}

/// What is known alone is looked for, and no number.
#[test]
fn a_scanner_of_known_values_finds_nothing_else() {
    let scanner = Scanner::of_known(std::sync::Arc::default()).unwrap();
    assert!(scanner.scan(b"card 4111 1111 1111 1111, mail bob@example.com").is_empty());
}

/// In a call, and where the name is a member of its own. What asks for a secret, or says what it is
/// called, is none.
#[test]
fn secrets_that_are_given_and_listed() {
    let scanner = Scanner::new().unwrap();
    let secret = ["Tr0ub4", "dor3x"].concat();
    for (before, after) in [
        (".username(\"sa\").password(\"", "\").build()"),
        ("SET PASSWORD FOR 'bob'@'%' = PASSWORD('", "');"),
        ("client.withPassword( '", "' , true)"),
        ("[{\"name\":\"DB_PASSWORD\",\"value\":\"", "\"}]"),
        ("{\"Name\": \"/db/password\", \"Type\": \"SecureString\", \"Value\": \"", "\"}"),
        ("env:\n- name: DB_PASSWORD\n  value: ", "\n- name: x\n"),
        ("<property><name>db.password</name><value>", "</value></property>"),
    ] {
        let found = scanner.scan(format!("{before}{secret}{after}").as_bytes());
        assert_eq!(found.len(), 1, "{before}");
        assert_eq!(found[0].class.as_str(), "secret.generic");
        assert_eq!((found[0].start, found[0].end), (before.len(), before.len() + secret.len()));
    }
    for member in ["value", "ParameterValue"] {
        for name in ["DB_PASSWORD", "/prod/db/password"] {
            let mut value = json!({ member: secret, "type": "x", "name": name });
            let acted = scanner.redact_json(&mut value, &Judge::default(), Direction::Request);
            assert_eq!(acted[0].finding.place, Place::Value(format!("/{member}")));
            assert_eq!(value[member], "[REDACTED]", "{value}");
        }
    }
    for text in [
        "getPassword(\"hunter22x\")",
        "password.encode(\"latin1\")",
        "input_password(\"Enter your password 2\")",
        "{\"name\":\"password\",\"value\":\"Parola\"}",
        "{\"name\":\"token\"},{\"name\":\"x\",\"value\":\"a1b2c3d4e5f6a7b8\"}",
        "- name: token\n- name: other\n  value: a1b2c3d4e5f6a7b8",
    ] {
        let found = scanner.scan(text.as_bytes());
        assert!(found.iter().all(|found| found.grade < Grade::Likely), "{text}: {found:?}");
    }
    let harmless = json!([{ "name": "password", "value": "Parola" }, { "value": "hunter22x" }]);
    assert!(scanner.scan_json(&harmless).iter().all(|found| found.grade < Grade::Likely));
}

/// What a shell leaves out of a word hides none.
#[test]
fn a_token_with_what_a_shell_leaves_out() {
    let scanner = Scanner::new().unwrap();
    let (one, two) = ("ghp_q7Xw2Rb", "9Kd4Ts6Vn1Zh8Gj3Lp5Fm0Yc8Qw3E");
    for nothing in ["\"\"", "''", "\\\n", "\"\"''"] {
        let text = format!("echo {one}{nothing}{two}; a\"\" ''b \\\n");
        let clean = scanner.redact(&text, &Judge::default(), Direction::Request).text;
        assert_eq!(clean, "echo [REDACTED-GITHUB-TOKEN]; a\"\" ''b \\\n", "{text}");
        let value = json!({ "command": text });
        assert_eq!(scanner.scan_json(&value).len(), 1, "{text}");
    }
}
