use proptest::prelude::*;

use super::*;

fn read(chunks: &[&[u8]]) -> Result<(Vec<Item>, Option<Event>), SseError> {
    let mut parser = Parser::new(256);
    let mut items = Vec::new();
    for chunk in chunks {
        parser.push(chunk, &mut items)?;
    }
    Ok((items, parser.finish()?))
}

fn event(event: Option<&str>, id: Option<&str>, retry: Option<u64>, data: Option<&str>) -> Event {
    Event {
        event: event.map(str::to_owned),
        id: id.map(str::to_owned),
        retry,
        data: data.map(str::to_owned),
    }
}

fn data(text: &str) -> Item {
    Item::Event(event(None, None, None, Some(text)))
}

fn comment(text: &str) -> Item {
    Item::Comment(text.to_owned())
}

#[test]
fn streams_are_read_as_the_standard_says() {
    let message = |text| Item::Event(Event::message(text));
    let cases: Vec<(&str, &str, Vec<Item>)> = vec![
        ("nothing", "", vec![]),
        ("empty lines", "\n\n\r\n\r", vec![]),
        ("one event", "event: message\ndata: {}\n\n", vec![message("{}")]),
        ("cr lf", "event: message\r\ndata: {}\r\n\r\n", vec![message("{}")]),
        ("cr only", "event: message\rdata: {}\r\r", vec![message("{}")]),
        ("no space", "data:x\n\n", vec![data("x")]),
        ("two spaces", "data:  x\n\n", vec![data(" x")]),
        ("several data lines", "data: {\ndata: }\n\n", vec![data("{\n}")]),
        ("empty data line in the middle", "data: a\ndata\ndata: b\n\n", vec![data("a\n\nb")]),
        ("colon in data", "data: a: b\n\n", vec![data("a: b")]),
        ("byte order mark", "\u{feff}data: x\n\n", vec![data("x")]),
        (
            "byte order mark later is part of a name",
            "data: x\n\n\u{feff}data: y\n\n",
            vec![data("x")],
        ),
        ("keep-alive", ": ping\n\n:\n\n", vec![comment("ping"), comment("")]),
        ("comment inside", "data: a\n: c\ndata: b\n\n", vec![comment("c"), data("a\nb")]),
        (
            "priming event",
            "data: \nid: 0\nretry: 3000\n\n",
            vec![Item::Event(event(None, Some("0"), Some(3000), Some("")))],
        ),
        ("id without data", "id: 7\n\n", vec![Item::Event(event(None, Some("7"), None, None))]),
        ("empty id", "id\ndata: x\n\n", vec![Item::Event(event(None, Some(""), None, Some("x")))]),
        ("nul in id", "id: a\0b\ndata: x\n\n", vec![data("x")]),
        ("retry is no number", "retry: 1s\nretry: -1\ndata: x\n\n", vec![data("x")]),
        (
            "empty event",
            "event:\ndata: x\n\n",
            vec![Item::Event(event(Some(""), None, None, Some("x")))],
        ),
        (
            "last event wins",
            "event: a\nevent: b\ndata: x\n\n",
            vec![Item::Event(event(Some("b"), None, None, Some("x")))],
        ),
        ("unknown fields", "foo: 1\nDATA: x\ndata: y\n\n", vec![data("y")]),
        ("space before colon", "data : x\n\n", vec![]),
    ];
    for (name, text, expect) in cases {
        let (items, rest) = read(&[text.as_bytes()]).unwrap();
        assert!(items == expect, "{name}");
        assert!(rest.is_none(), "{name}");
    }
}

#[test]
fn what_is_not_ended_is_handed_over() {
    for text in ["data: x", "data: x\n", "data: x\r\n"] {
        let (items, rest) = read(&[text.as_bytes()]).unwrap();
        assert!(items.is_empty());
        assert!(rest == Some(event(None, None, None, Some("x"))), "{text:?}");
    }
}

#[test]
fn limits_and_encodings() {
    let long_line = "data: ".to_owned() + &"x".repeat(300);
    let many_lines = "data: xxxxxxxxxxxxxxxx\n".repeat(20);
    let unended_name = "x".repeat(257);
    for text in [long_line, many_lines, unended_name, format!(":{}", "x".repeat(300))] {
        assert!(read(&[text.as_bytes()]).err() == Some(SseError::TooLarge(256)));
    }
    // The limit is for one event, not for the stream.
    let many_events = "data: xxxxxxxxxxxxxxxx\n\n".repeat(100);
    assert_eq!(read(&[many_events.as_bytes()]).unwrap().0.len(), 100);
    assert!(read(&[b"data: \xff\n\n"]).err() == Some(SseError::Encoding));
    let mut parser = Parser::new(8);
    let mut items = Vec::new();
    assert_eq!(parser.push(b"123456789", &mut items), Err(SseError::TooLarge(8)));
    assert_eq!(parser.push(b"\n", &mut items), Err(SseError::TooLarge(8)));
    assert_eq!(parser.finish().err(), Some(SseError::TooLarge(8)));
}

#[test]
fn an_item_cannot_smuggle_another() {
    let mut out = Vec::new();
    Item::Event(event(Some("a\ndata: y"), Some("1\r\n\r\n"), None, Some("x\rdata: z\n\nq")))
        .encode(&mut out);
    let (items, rest) = read(&[&out]).unwrap();
    assert!(rest.is_none());
    let expect = event(Some("adata: y"), Some("1"), None, Some("x\ndata: z\n\nq"));
    assert!(items == [Item::Event(expect)]);
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    let line = "[a-z :\u{e9}{}\"]{0,8}";
    let one = prop_oneof![
        1 => line.prop_map(Item::Comment),
        3 => (
            prop::option::of(line),
            prop::option::of(line),
            prop::option::of(any::<u64>()),
            prop::option::of("[a-z :\n{}]{0,16}"),
        )
            .prop_filter("something", |(a, b, c, d)| {
                a.is_some() || b.is_some() || c.is_some() || d.is_some()
            })
            .prop_map(|(event, id, retry, data)| Item::Event(Event { event, id, retry, data })),
    ];
    prop::collection::vec(one, 0..6)
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(items in items()) {
        let mut text = Vec::new();
        for item in &items {
            item.encode(&mut text);
        }
        let (read, rest) = read(&[&text]).unwrap();
        prop_assert!(read == items);
        prop_assert!(rest.is_none());
    }

    #[test]
    fn cuts_make_no_difference(
        text in prop_oneof![
            "[\r\n :aditevn\u{feff}\u{e9}0-9]{0,64}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..64),
        ],
        cut in 1usize..9,
    ) {
        let whole = read(&[&text]);
        let chunks: Vec<&[u8]> = text.chunks(cut).collect();
        prop_assert!(read(&chunks) == whole);
    }
}

#[test]
fn a_document_is_written_as_its_text_is() {
    let document = serde_json::json!({ "text": "a\nb\r\u{2028}\"", "n": [1, null] });
    for known in [event(Some("message"), Some("7"), Some(5), None), event(None, None, None, None)] {
        let (mut one, mut other) = (Vec::new(), Vec::new());
        known.encode_json(&document, &mut one);
        let data = Some(document.to_string());
        Item::Event(Event { data, ..known }).encode(&mut other);
        assert_eq!(one, other);
    }
}
