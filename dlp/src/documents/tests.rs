//! Every kind: what is found in it and where, what it is written as, and what stays unread.
mod containers;
mod joined;

use serde_json::json;

use self::containers::{gzip, zip};
use super::*;
use crate::expand;
use crate::finding::Action;

fn opener<T>(limits: Limits, then: impl FnOnce(&Opener<'_>) -> T) -> T {
    let json = |bytes: &[u8]| serde_json::from_slice(bytes).map_err(|_| NotJson::Syntax);
    then(&Opener { limits, json: &json })
}

fn open(kind: &Kind, bytes: &[u8]) -> Document {
    opener(Limits::default(), |opener| Document::open(kind, bytes, opener))
}

/// What was found and where, what stays unread and where, and what is written.
fn redacted(kind: &Kind, bytes: &[u8]) -> (Vec<String>, Vec<u8>) {
    let mut document = open(kind, bytes);
    let scanner = Scanner::new().unwrap();
    let found = scanner.redact_document(&mut document, &Judge::default(), Direction::Request);
    let acted = found.acted.iter().map(|acted| {
        let word = if acted.action == Action::Block { "block " } else { "" };
        format!("{word}{} at {}", acted.finding.class, acted.finding.place)
    });
    let unread =
        found.unread.iter().map(|unread| format!("{} at {}", unread.why.as_str(), unread.place));
    (acted.chain(unread).map(|line| line.trim_end().to_owned()).collect(), document.write())
}

fn check(kind: &Kind, bytes: impl AsRef<[u8]>, found: &[&str], written: impl AsRef<[u8]>) {
    let (lines, out) = redacted(kind, bytes.as_ref());
    assert_eq!(lines, found, "{}", String::from_utf8_lossy(bytes.as_ref()));
    assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(written.as_ref()));
    // What was written is read again, and nothing is found in it.
    let (again, twice) = redacted(kind, &out);
    let fresh = again.iter().filter(|line| !line.starts_with("block") && !line.contains("unread"));
    assert_eq!(fresh.count(), 0, "{again:?}");
    assert_eq!(twice, out);
}

fn token() -> String {
    expand("ghp_<36>")
}

const TAG: &str = "[REDACTED-GITHUB-TOKEN]";
const CARD: &str = "4111 1111 1111 1111";

#[test]
fn forms() {
    check(&Kind::Form, "a=1+2&b=%C3%A9&&c", &[], "a=1+2&b=%C3%A9&c=");
    check(
        &Kind::Form,
        format!("note=use+{}&card=4111+1111+1111+1111&password=hunter2hunter2", token()),
        &[
            "secret.github at field note",
            "pci.pan at field card",
            "secret.generic at field password",
        ],
        "note=use+%5BREDACTED-GITHUB-TOKEN%5D&card=%5BREDACTED%3APAN%5D&password=%5BREDACTED%5D",
    );
    check(
        &Kind::Form,
        format!("{}=1", token()),
        &["secret.github at field [REDACTED-GITHUB-TOKEN] (name)"],
        "%5BREDACTED-GITHUB-TOKEN%5D=1",
    );
    assert_eq!(open(&Kind::Form, b"a=1&b=2&a=3").view(), json!({"a": ["1", "3"], "b": "2"}));
    for (bad, why) in [(&b"a=%4"[..], "malformed"), (b"a=%ff", "malformed"), (b"\xff", "malformed")]
    {
        let why = format!("unread-{why}");
        assert_eq!(open(&Kind::Form, bad).unread().map(Why::as_str), Some(why.as_str()));
    }
}

fn multipart(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (head, body) in parts {
        out.extend_from_slice(format!("--b\r\n{head}\r\n\r\n").as_bytes());
        out.extend_from_slice(body);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"--b--\r\n");
    out
}

fn parts() -> Kind {
    Kind::Multipart("b".to_owned())
}

#[test]
fn parts_are_looked_at_by_their_type() {
    let token = token();
    let sent = multipart(&[
        ("content-disposition: form-data; name=\"password\"", b"hunter2hunter2"),
        (
            "content-disposition: form-data; name=\"file\"; filename=\"notes.txt\"\r\ncontent-type: text/plain",
            format!("see {token}").as_bytes(),
        ),
        (
            "content-disposition: form-data; name=\"meta\"\r\ncontent-type: application/json",
            format!("{{ \"k\": \"{token}\" }}").as_bytes(),
        ),
        (
            "content-disposition: form-data; name=\"same\"\r\ncontent-type: application/json",
            b"{ \"k\": 1 }",
        ),
    ]);
    let expect = multipart(&[
        ("content-disposition: form-data; name=\"password\"", b"[REDACTED]"),
        (
            "content-disposition: form-data; name=\"file\"; filename=\"notes.txt\"\r\ncontent-type: text/plain",
            format!("see {TAG}").as_bytes(),
        ),
        (
            "content-disposition: form-data; name=\"meta\"\r\ncontent-type: application/json",
            format!("{{\"k\":\"{TAG}\"}}").as_bytes(),
        ),
        (
            "content-disposition: form-data; name=\"same\"\r\ncontent-type: application/json",
            b"{ \"k\": 1 }",
        ),
    ]);
    let found = [
        "secret.generic at part password",
        "secret.github at part file/notes.txt",
        "secret.github at part meta /k",
    ];
    check(&parts(), &sent, &found, &expect);
    let view = open(&parts(), &sent).view();
    assert_eq!(view["file"], format!("see {token}"));
    assert_eq!(view["same"], json!({"k": 1}));
}

#[test]
fn names_of_parts_and_files_are_looked_at() {
    let token = token();
    let head = |name: &str, file: &str| {
        format!("content-disposition: form-data; name=\"{name}\"; filename=\"{file}\"")
    };
    check(
        &parts(),
        multipart(&[(&head(&token, "a"), b"1"), (&head("x", &format!("{token}.txt")), b"2")]),
        &[
            "secret.github at part [REDACTED-GITHUB-TOKEN]/a",
            "secret.github at part x/[REDACTED-GITHUB-TOKEN].txt",
        ],
        multipart(&[(&head(TAG, "a"), b"1"), (&head("x", &format!("{TAG}.txt")), b"2")]),
    );
}

#[test]
fn names_of_files_are_values() {
    let named = |parameter: &str, names: &[&str]| {
        let head = format!("content-disposition: form-data; name=\"x\"; {parameter}");
        let pairs = open(&parts(), &multipart(&[(&head, b"1")])).pairs().unwrap();
        let called = pairs.iter().filter(|(name, _)| name == "filename").map(|(_, value)| value);
        assert_eq!(called.collect::<Vec<_>>(), names, "{parameter}");
        assert_eq!(pairs[0], ("x".to_owned(), "1".into()));
    };
    named("filename=\"a é.txt\"", &["a é.txt"]);
    named("filename=\"a%22b.txt\"", &["a%22b.txt", "a\"b.txt"]);
    named("filename=\"100%.txt\"", &["100%.txt"]);
    named("filename*=UTF-8''a%20%C3%A9.txt", &["a é.txt"]);
    named("filename*=iso-8859-1'fr'%e9.txt", &["é.txt"]);
    let card =
        "content-disposition: form-data; name=\"x\"; filename*=UTF-8''4111%201111%201111%201111";
    let clean =
        "content-disposition: form-data; name=\"x\"; filename*=\"UTF-8''%5BREDACTED%3APAN%5D\"";
    let sent = multipart(&[(card, b"1")]);
    check(&parts(), sent, &["pci.pan at part x"], multipart(&[(clean, b"1")]));
}

#[test]
fn parts_within_parts_and_files_within_files() {
    let token = token();
    let inner = format!("--c\r\ncontent-type: text/plain\r\n\r\n{token}\r\n--c--\r\n");
    let zipped = zip(&[("a/b.txt", token.as_bytes())]);
    let sent = multipart(&[
        (
            "content-disposition: form-data; name=\"n\"\r\ncontent-type: multipart/mixed; boundary=c",
            inner.as_bytes(),
        ),
        ("content-disposition: form-data; name=\"z\"", &gzip(&zipped)),
    ]);
    let (found, _) = redacted(&parts(), &sent);
    assert_eq!(
        found,
        ["secret.github at part n part 1", "block secret.github at part z entry 1 entry a/b.txt"]
    );
}

#[test]
fn parts_with_two_readings_are_not_read() {
    let head = "content-disposition: form-data; name=\"a\"";
    let cases: Vec<String> = vec![
        String::new(),
        "--b".into(),
        "--b\r\n".into(),
        "before\r\n--b\r\n\r\n1\r\n--b--".into(),
        "--b\n\n1\n--b--".into(),
        "--b\r\n\r\n1\r\n--b--behind".into(),
        "--b\r\n\r\n1\r\n--b".into(),
        "--b\r\n\r\n1\r\n--bb\r\n\r\n2\r\n--b--".into(),
        "--b\r\n\r\n1\n--b\r\n\r\n2\r\n--b--".into(),
        "--b\r\n\r\nx--b\r\n--b--".into(),
        format!("--b\r\n{head}\r\n1\r\n--b--"),
        format!("--b\r\n{head}\r\n{head}\r\n\r\n1\r\n--b--"),
        format!("--b\r\n{head}; name=\"b\"\r\n\r\n1\r\n--b--"),
        format!("--b\r\n{head}; filename=\"a\\\"; x=\"b\"\r\n\r\n1\r\n--b--"),
        format!("--b\r\n{head}; filename=\"a\"; filename*=utf-8''b\r\n\r\n1\r\n--b--"),
        format!("--b\r\n{head}; filename*=utf-16''a\r\n\r\n1\r\n--b--"),
        format!("--b\r\n{head}; filename*=utf-8''%ff\r\n\r\n1\r\n--b--"),
        format!("--b\r\n{head}; filename*=utf-8''1%\r\n\r\n1\r\n--b--"),
        format!("--b\r\n{head}; filename*=utf-8''é\r\n\r\n1\r\n--b--"),
        format!("--b\r\n{head}; filename*=a\r\n\r\n1\r\n--b--"),
        format!("--b\r\n{head}; name*=utf-8''amount\r\n\r\n1\r\n--b--"),
        format!("--b\r\n{head}; name*0=amo; name*1=unt\r\n\r\n1\r\n--b--"),
        format!("--b\r\n{head}; filename*0=a; filename*1=b\r\n\r\n1\r\n--b--"),
        format!("--b\r\n{head}\r\n folded\r\n\r\n1\r\n--b--"),
        format!("--b\r\n{head}\r\ncontent-type: text\r\n\r\n1\r\n--b--"),
        format!("--b\r\n{head}\r\nx y: z\r\n\r\n1\r\n--b--"),
    ];
    for case in cases {
        let document = open(&parts(), case.as_bytes());
        assert!(matches!(document.unread(), Some(Why::Malformed(_))), "{case:?}");
    }
    for boundary in ["", " ", "a\"b", &"x".repeat(71)] {
        let kind = Kind::Multipart(boundary.to_owned());
        assert!(open(&kind, b"--\r\n").unread().is_some(), "{boundary:?}");
    }
}

#[test]
fn parts_that_cannot_be_opened_say_so() {
    let head = |more: &str| format!("content-disposition: form-data; name=\"a\"\r\n{more}");
    for (more, body, why) in [
        ("content-type: image/png", &b"\x89PNG\r\n\x1a\n\0\0"[..], "unread-kind"),
        ("content-type: application/pdf", b"%PDF-1.7\n\xe2\xe3", "unread-kind"),
        ("content-type: text/plain; charset=utf-16le", b"a\0", "unread-charset"),
        ("content-type: text/plain", b"\xe9", "unread-charset"),
        ("content-type: text/plain", b"a\0", "unread-malformed"),
        ("content-transfer-encoding: base64", b"Z2hw", "unread-coding"),
        ("content-encoding: gzip", b"x", "unread-coding"),
        ("content-type: application/json", b"{", "unread-malformed"),
    ] {
        let sent = multipart(&[(&head(more), body)]);
        check(&parts(), &sent, &[&format!("{why} at part a")], &sent);
    }
}

#[test]
fn xml_texts_attributes_and_comments() {
    let token = token();
    check(
        &Kind::Xml,
        format!(
            "<?xml version=\"1.0\"?>\n<a b='{token}'><!-- {token} --><c:key>{token}</c:key><d/>\
             gh<![CDATA[p_]]>{}</a>",
            token.trim_start_matches("ghp_")
        ),
        &[
            "secret.github at element /a/@b",
            "secret.github",
            "secret.github at element a/c:key",
            "secret.github at element a",
        ]
        .map(|line| if line == "secret.github" { "secret.github at" } else { line }),
        format!(
            "<?xml version=\"1.0\"?>\n<a b=\"{TAG}\"><!-- {TAG} --><c:key>{TAG}</c:key><d/>{TAG}</a>"
        ),
    );
    check(
        &Kind::Xml,
        "<u:Token><u:Password>hunter2hunter2</u:Password></u:Token>",
        &["secret.generic at element u:Token/u:Password"],
        "<u:Token><u:Password>[REDACTED]</u:Password></u:Token>",
    );
    check(
        &Kind::Xml,
        "<a x='&lt;&#10;&#x41;'>&amp;&#103;&gt;]]&gt;</a>",
        &[],
        "<a x=\"&lt;&#10;A\">&amp;g&gt;]]&gt;</a>",
    );
    check(
        &Kind::Xml,
        "<a>4111&#32;1111&#32;1111&#32;1111</a>",
        &["pci.pan at element a"],
        "<a>[REDACTED:PAN]</a>",
    );
}

#[test]
fn xml_that_others_would_read_otherwise_is_not_read() {
    for bad in [
        "",
        "text",
        "<a>",
        "<a></b>",
        "<a/><",
        "<a b='1' b='2'/>",
        "<a b=1/>",
        "<a>&unknown;</a>",
        "<a b='&unknown;'/>",
        "<a>&#xFFFFFFF;</a>",
        "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
        "<!DOCTYPE a [<!ENTITY % x SYSTEM \"http://x\"> %x;]><a/>",
        "<a><!-- -- --></a>",
    ] {
        let document = open(&Kind::Xml, bad.as_bytes());
        assert!(matches!(document.unread(), Some(Why::Malformed(_))), "{bad}: {document:?}");
    }
    let foreign = "<?xml version='1.0' encoding='utf-16'?><a/>";
    assert_eq!(open(&Kind::Xml, foreign.as_bytes()).unread(), Some(Why::Charset));
    let deep = "<a>".repeat(200) + &"</a>".repeat(200);
    assert_eq!(open(&Kind::Xml, deep.as_bytes()).unread(), Some(Why::TooDeep));
}

#[test]
fn lines_and_events() {
    let token = token();
    check(
        &Kind::Lines,
        format!("{{\"a\" :1}}\r\r\n\n{{\"t\":\"{token}\"}}\nplain {token}\n"),
        &["secret.github at line 3 /t", "secret.github at line 4"],
        format!("{{\"a\":1}}\n\n{{\"t\":\"{TAG}\"}}\nplain {TAG}\n"),
    );
    check(
        &Kind::Events,
        format!(
            ": hello\nevent: x\nid: {token}\ndata: {{\"t\":\ndata: \"{token}\"}}\n\ndata: {token}\n\n"
        ),
        &["secret.github at event 1", "secret.github at event 1 /t", "secret.github at event 2"],
        format!(": hello\nevent: x\nid: {TAG}\ndata: {{\"t\":\"{TAG}\"}}\n\ndata: {TAG}\n\n"),
    );
    assert_eq!(open(&Kind::Lines, b"{\"a\":1}\nx\n").view(), json!([{"a": 1}, "x"]));
    assert_eq!(open(&Kind::Lines, b"\xff").unread(), Some(Why::Charset));
}

#[test]
fn what_is_unread_is_searched_for_what_is_certain() {
    let mut image = b"\x89PNG\r\n\x1a\n\0\0".to_vec();
    image.extend_from_slice(format!(" {CARD} bob@example.com\0").as_bytes());
    check(&Kind::Any, &image, &["block pci.pan at", "unread-kind at"], &image);
}

#[test]
fn urls() {
    let scanner = Scanner::new().unwrap();
    let judge = Judge::default();
    let token = token();
    let look = |text: &str| {
        let (query, found) = scanner.redact_url(Url::cut(text), &judge, Direction::Request);
        let lines = found.acted.iter().map(|acted| {
            let word = if acted.action == Action::Block { "block " } else { "" };
            format!("{word}{} at {}", acted.finding.class, acted.finding.place)
        });
        (query, lines.collect::<Vec<_>>())
    };
    let (query, found) = look(&format!("https://api.test/v1/{token}/x?d={token}&e=1#{token}"));
    assert_eq!(query.as_deref(), Some("d=%5BREDACTED-GITHUB-TOKEN%5D&e=1"));
    assert_eq!(
        found,
        [
            "block secret.github at segment 2",
            "block secret.github at fragment",
            "secret.github at query d"
        ]
    );
    assert_eq!(
        look(&format!("/a?{token}")).1,
        ["secret.github at query [REDACTED-GITHUB-TOKEN] (name)"]
    );
    let (first, second) = token.split_at(6);
    assert_eq!(
        look(&format!("https://{first}.{second}.evil.test/")).1,
        ["block secret.github at host"]
    );
    assert_eq!(look(&format!("https://{token}@api.test:80/")).1, ["block secret.github at user"]);
    assert_eq!(look("https://[::1]:80/a/b?c=d#e"), (None, Vec::new()));
    assert_eq!(Url::cut("https://[::1]:80/a").host, "[::1]");
}

#[test]
fn headers_and_cookies() {
    use base64::Engine as _;
    let scanner = Scanner::new().unwrap();
    let judge = Judge::default();
    let token = token();
    let look = |name: &str, value: &str| {
        let header = Header { name, value };
        let (value, found) = scanner.redact_header(header, &judge, Direction::Request);
        let places = found.acted.iter().map(|acted| acted.finding.place.to_string());
        (value, places.collect::<Vec<_>>().join(", "))
    };
    assert_eq!(
        look("x-note", &format!("a {token}")),
        (Some(format!("a {TAG}")), "header x-note".into())
    );
    assert_eq!(
        look("cookie", &format!("a=1; b={token};c")),
        (Some(format!("a=1; b={TAG};c")), "header cookie cookie b".into())
    );
    let wrap = |text: &str| {
        format!("=?base64?{}?=", base64::engine::general_purpose::STANDARD.encode(text))
    };
    assert_eq!(look("mcp-param-q", &wrap(&token)), (Some(wrap(TAG)), "header mcp-param-q".into()));
    let (value, places) = look(&format!("x-{token}"), CARD);
    assert_eq!(value.as_deref(), Some("[REDACTED:PAN]"));
    assert_eq!(places, format!("header x-{TAG} (name), header x-{TAG}"));
}

#[test]
fn media_types() {
    let kind = |text: &str| MediaType::parse(text).map(|media| Kind::of(&media));
    for (text, expect) in [
        ("application/json", Some(Kind::Json)),
        ("Application/JSON; Charset=\"UTF-8\"", Some(Kind::Json)),
        ("application/jsonx", Some(Kind::Json)),
        ("text/plain; charset=utf-16", Some(Kind::Strange)),
        ("multipart/form-data; boundary=\"a b\"", Some(Kind::Multipart("a b".into()))),
        ("application/xml", Some(Kind::Xml)),
        ("image/svg+xml", Some(Kind::Xml)),
        ("application/x-ndjson", Some(Kind::Lines)),
        ("application/grpc+proto", Some(Kind::Grpc(None))),
        ("application/zip", Some(Kind::Any)),
        ("image/png", Some(Kind::Any)),
        ("json", None),
        ("text/plain; a=1; a=2", None),
        ("text/plain; a", None),
        ("text/plain, text/html", None),
        ("text/plain; a=\"\\\"\"", None),
    ] {
        assert_eq!(kind(text), expect, "{text}");
    }
}
