//! A text in several values beside each other, whatever they are written as. A finding is told of
//! once, at its first piece; all of them are taken out.
use super::*;

/// A token in two pieces, of which neither is anything.
fn pieces() -> (String, String) {
    let token = token();
    let (one, two) = token.split_at(15);
    (one.to_owned(), two.to_owned())
}

#[test]
fn fields_of_a_form() {
    let (one, two) = pieces();
    check(
        &Kind::Form,
        format!("part1={one}&part2={two}&note=x"),
        &["secret.github at field part1"],
        "part1=%5BREDACTED-GITHUB-TOKEN%5D&part2=%5BREDACTED-GITHUB-TOKEN%5D&note=x",
    );
    check(&Kind::Form, "part1=12&part2=main&part3=2026", &[], "part1=12&part2=main&part3=2026");
}

#[test]
fn the_query_of_a_url_and_cookies() {
    let (one, two) = pieces();
    let scanner = Scanner::new().unwrap();
    let query = format!("a={one}&b={two}");
    let url = Url { user: "", host: "one.test", path: "/", query: &query, fragment: "" };
    let (clean, found) = scanner.redact_url(url, &Judge::default(), Direction::Request);
    let tag = "%5BREDACTED-GITHUB-TOKEN%5D";
    assert_eq!(clean.unwrap(), format!("a={tag}&b={tag}"));
    assert_eq!(found.acted.len(), 1);
    let sent = format!("a={one}; b={two}; c=1");
    let header = Header { name: "cookie", value: &sent };
    let (clean, _) = scanner.redact_header(header, &Judge::default(), Direction::Request);
    assert_eq!(clean.unwrap(), format!("a={TAG}; b={TAG}; c=1"));
}

#[test]
fn parts_of_a_multipart_body() {
    let (one, two) = pieces();
    let head = |name: &str| format!("content-disposition: form-data; name=\"{name}\"");
    let (a, b, c) = (head("k1"), head("k2"), head("c"));
    let sent =
        |one: &str, two: &str| multipart(&[(&a, one.as_bytes()), (&b, two.as_bytes()), (&c, b"3")]);
    check(&parts(), sent(&one, &two), &["secret.github at part k1"], sent(TAG, TAG));
}

#[test]
fn elements_and_attributes_of_xml() {
    let (one, two) = pieces();
    check(
        &Kind::Xml,
        format!("<a>\n <i> {one} </i>\n <i>{two}</i><j k1=\"{one}\" k2=\"{two}\"/></a>"),
        &["secret.github at element a/i", "secret.github at element a/j/@k1"],
        format!("<a>\n <i> {TAG} </i>\n <i>{TAG}</i><j k1=\"{TAG}\" k2=\"{TAG}\"/></a>"),
    );
    let (head, rest) = one.split_at(7);
    check(
        &Kind::Xml,
        format!("<a>{head}<!-- x -->{rest}{two}<?y z?></a>"),
        &["secret.github at element a"],
        format!("<a><!-- x --><?y z?>{TAG}</a>"),
    );
    check(
        &Kind::Xml,
        format!("<r><a>{head}<b>{rest}{two}</b></a></r>"),
        &["secret.github at element r/a"],
        format!("<r><a>{TAG}<b>{TAG}</b></a></r>"),
    );
    let apart = "<a><r><x>4111</x></r><r><x>1111</x></r><r><x>1111</x></r><r><x>1111</x></r></a>";
    check(&Kind::Xml, apart, &[], apart);
}

#[test]
fn strings_of_a_message() {
    let (one, two) = pieces();
    let sent = |one: &str, two: &str| {
        let field = |key: u8, text: &str| [&[key, text.len() as u8][..], text.as_bytes()].concat();
        [field(0x0A, one), field(0x0A, two), field(0x12, "a word")].concat()
    };
    check(&Kind::Protobuf, sent(&one, &two), &["secret.github at number 1"], sent(TAG, TAG));
}

#[test]
fn however_many_stand_beside_each_other() {
    let (one, two) = pieces();
    for before in [0, 4000, 4031, 4032, 4090, 4094, 4095, 4096, 9000] {
        let mut items: Vec<_> = (0..before).map(|_| "word".to_owned()).collect();
        items.extend([one.clone(), two.clone(), "and".to_owned()]);
        let form = items.iter().map(|item| format!("i={item}")).collect::<Vec<_>>().join("&");
        let mut form = open(&Kind::Form, form.as_bytes());
        let scanner = Scanner::new().unwrap();
        let found = scanner.redact_document(&mut form, &Judge::default(), Direction::Request);
        assert_eq!(found.acted.len(), 1, "form, {before} before");
        let found = scanner.scan_json(&json!({ "list": items }));
        assert_eq!(found.len(), 1, "list, {before} before");
    }
}

#[test]
fn what_is_whole_already_takes_no_word_with_it() {
    let token = token();
    for next in ["1", "abc", "description", "none-at-all"] {
        let mut list = json!([token, next]);
        let judge = Judge::default();
        Scanner::new().unwrap().redact_json(&mut list, &judge, Direction::Request);
        assert_eq!(list, json!([TAG, next]));
        let mut members = json!({"a1": token, "a2": next});
        Scanner::new().unwrap().redact_json(&mut members, &judge, Direction::Request);
        assert_eq!(members, json!({"a1": TAG, "a2": next}));
    }
}

#[test]
fn a_digit_beside_a_card_makes_no_other_number() {
    check(
        &Kind::Form,
        "a=1&b=4111+1111+1111+1111",
        &["pci.pan at field b"],
        "a=1&b=%5BREDACTED%3APAN%5D",
    );
    let scanner = Scanner::new().unwrap();
    for (one, two) in [("1", CARD), (CARD, "1"), ("12", "078 05 1120 33")] {
        let found = scanner.scan_json(&json!({"a": one, "b": two}));
        assert!(found.iter().all(|finding| finding.via.is_empty()), "{one} {two}: {found:?}");
    }
    let found = scanner.scan_json(&json!(["4111 11", "11 1111 1111"]));
    assert_eq!(found.len(), 1, "{found:?}");
}

/// What stands in several lines or events is refused: a reader takes them one by one.
#[test]
fn lines_and_events() {
    let token = token();
    let (one, two) = token.split_at(7);
    let refused = |kind: &Kind, text: &str, place: &str| {
        let (found, written) = redacted(kind, text.as_bytes());
        assert_eq!(found, [format!("block secret.github {place}")], "{text}");
        assert_eq!(String::from_utf8_lossy(&written), text);
    };
    let said = |text: &str| {
        format!("{{\"model\":\"m\",\"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}}}}")
    };
    let lines = format!("{}\n{}\n{}\n", said("use "), said(one), said(&format!("{two} now")));
    refused(&Kind::Lines, &lines, "at line 2");
    let events = format!("data: {}\n\ndata: {}\n\n", said(one), said(two));
    refused(&Kind::Events, &events, "at event 1");
    // Rows of a table.
    let row = |id: &str, sum: &str| format!("{{\"card_id\":\"{id}\",\"sum\":\"{sum}\"}}\n");
    let table = row("4111", "11") + &row("1111", "12") + &row("1111", "10") + &row("1111", "11");
    check(&Kind::Lines, &table, &[], &table);
}
