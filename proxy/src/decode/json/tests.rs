use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Why a text is refused, with and without a tree.
fn kind(text: &[u8]) -> Option<JsonErrorKind> {
    let error = parse(text, 8).err();
    assert_eq!(error, read(text, 8).err());
    error.map(|error| error.kind())
}

#[test]
fn one_meaning_or_none() {
    use JsonErrorKind::*;
    let nested = |depth: usize| [b"[".repeat(depth), b"]".repeat(depth)].concat();
    let cases: Vec<(&str, Vec<u8>, Option<JsonErrorKind>)> = vec![
        ("object", br#"{"a":[1,-2,2.5,true,null,"x"]}"#.to_vec(), None),
        ("scalar", b" 1 ".to_vec(), None),
        ("empty", b"".to_vec(), Some(Syntax)),
        ("two documents", b"{}{}".to_vec(), Some(Syntax)),
        ("document and garbage", b"{} x".to_vec(), Some(Syntax)),
        ("trailing comma", b"[1,]".to_vec(), Some(Syntax)),
        ("comment", b"/**/{}".to_vec(), Some(Syntax)),
        ("single quotes", b"{'a':1}".to_vec(), Some(Syntax)),
        ("nan", b"NaN".to_vec(), Some(Syntax)),
        ("leading zero", b"01".to_vec(), Some(Syntax)),
        ("raw control character", b"\"\x01\"".to_vec(), Some(Syntax)),
        ("raw nul after", b"{}\0".to_vec(), Some(Syntax)),
        ("cut off", br#"{"a":"#.to_vec(), Some(Syntax)),
        ("key twice", br#"{"a":1,"a":1}"#.to_vec(), Some(DuplicateKey)),
        ("key twice by escape", br#"{"name":1,"n\u0061me":2}"#.to_vec(), Some(DuplicateKey)),
        ("key twice below", br#"[{"x":{"a":1,"b":2,"a":3}}]"#.to_vec(), Some(DuplicateKey)),
        ("same key in two objects", br#"[{"a":1},{"a":1}]"#.to_vec(), None),
        ("keys differ in case", br#"{"a":1,"A":1}"#.to_vec(), None),
        ("depth at the limit", nested(8), None),
        ("depth beyond", nested(9), Some(TooDeep)),
        ("depth far beyond", nested(100_000), Some(TooDeep)),
        ("depth in objects", br#"{"a":"#.repeat(9), Some(TooDeep)),
        ("bom", b"\xef\xbb\xbf{}".to_vec(), Some(ByteOrderMark)),
        ("utf-16le", b"{\0}\0".to_vec(), Some(Syntax)),
        ("utf-16 bom", b"\xff\xfe{\0}\0".to_vec(), Some(Encoding)),
        ("invalid utf-8", b"\"\xff\"".to_vec(), Some(Encoding)),
        ("overlong", b"\"\xc0\xaf\"".to_vec(), Some(Encoding)),
        ("encoded surrogate", b"\"\xed\xa0\x80\"".to_vec(), Some(Encoding)),
        ("lone surrogate", br#""\ud800""#.to_vec(), Some(Syntax)),
        ("lone low surrogate", br#""\udc00""#.to_vec(), Some(Syntax)),
        ("swapped surrogates", br#""\udc00\ud800""#.to_vec(), Some(Syntax)),
        ("surrogate pair", br#""\ud83d\ude00""#.to_vec(), None),
        ("largest u64", b"18446744073709551615".to_vec(), None),
        ("beyond u64", b"18446744073709551616".to_vec(), None),
        ("smallest i64", b"-9223372036854775808".to_vec(), None),
        ("beyond i64", br#"{"a":[-9223372036854775809]}"#.to_vec(), None),
        ("large double", b"1e308".to_vec(), None),
        ("beyond doubles", b"1e400".to_vec(), None),
        ("no digits behind the point", b"[1.]".to_vec(), Some(Syntax)),
        ("two numbers", b"[1-2]".to_vec(), Some(Syntax)),
        (
            "a number's own name",
            br#"{"$serde_json::private::Number":"1"}"#.to_vec(),
            Some(KeptName),
        ),
        ("by escape", br#"{"\u0024serde_json::private::Number":"1"}"#.to_vec(), Some(KeptName)),
        ("of no text", br#"{"$serde_json::private::Number":1}"#.to_vec(), Some(KeptName)),
        ("beyond doubles, and no number", b"[1e400.]".to_vec(), Some(Syntax)),
        ("digits beyond doubles", b"9".repeat(400), None),
        ("a word for a number", b"[1, nul]".to_vec(), Some(Syntax)),
        ("a zero too many", b"[01]".to_vec(), Some(Syntax)),
        ("a bare minus", b"[-]".to_vec(), Some(Syntax)),
        (
            "behind another",
            br#"{"a":1,"$serde_json::private::Number":"1"}"#.to_vec(),
            Some(KeptName),
        ),
        ("of raw text", br#"{"$serde_json::private::RawValue":"1"}"#.to_vec(), Some(KeptName)),
    ];
    for (name, text, expect) in cases {
        assert_eq!(kind(&text), expect, "{name}");
    }
}

#[test]
fn values_are_counted() {
    let list = |count: usize| format!("[{}]", vec!["1"; count].join(","));
    assert_eq!(kind(list(VALUES_MAX - 1).as_bytes()), None);
    assert_eq!(kind(list(VALUES_MAX).as_bytes()), Some(JsonErrorKind::TooMany));
}

#[test]
fn errors_say_where_but_never_what() {
    for (text, code, expect) in [
        (
            "{\n \"secret\": 1,\n \"secret\": 2}",
            Code::DuplicateKey,
            "an object in the JSON body holds the same key twice; name each key once (line 3, column 9)",
        ),
        (
            "{\"secret\": secret}",
            Code::MalformedBody,
            "the body is not exactly one well-formed JSON document (line 1, column 12)",
        ),
    ] {
        let error = parse(text.as_bytes(), 8).unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (code, expect));
    }
}

#[test]
fn order_and_numbers_survive() {
    let text = r#"{"z":1,"a":[0.1,1e-7,123456789.12345679,9007199254740993,5e-324],"m":"\u00e9"}"#;
    let value = parse(text.as_bytes(), 8).unwrap();
    let written = write(&value, 0);
    assert_eq!(
        written,
        r#"{"z":1,"a":[0.1,1e-7,123456789.12345679,9007199254740993,5e-324],"m":"é"}"#
    );
    assert_eq!(value["a"][0], json!(0.1));
}

#[test]
fn numbers_stay_as_they_are_written() {
    let text = r#"{"a":[1E5,1e+05,-0,1.10,1e-400,1e400,0.000],"\u0022b":123456789012345678901234567890,"c":"2"}"#;
    let written = text.replace("\\u0022", "\\\"");
    let (tree, reading) = (parse(text.as_bytes(), 8).unwrap(), read(text.as_bytes(), 8).unwrap());
    assert_eq!(reading.write(0), written);
    assert_eq!(write(&tree, 0), written);
    assert_eq!(write(reading.json.tree(), 0), written);
    assert!(reading.tape == Tape::of(&tree), "another tape");
}

/// Writes every letter as an escape.
struct Escaping;

impl serde_json::ser::Formatter for Escaping {
    fn write_string_fragment<W: std::io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> std::io::Result<()> {
        fragment.encode_utf16().try_for_each(|unit| write!(writer, "\\u{unit:04x}"))
    }
}

fn escaped(document: &Value) -> Vec<u8> {
    let mut text = Vec::new();
    let mut writer = serde_json::Serializer::with_formatter(&mut text, Escaping);
    serde::Serialize::serialize(document, &mut writer).unwrap();
    text
}

fn number(written: String) -> Value {
    Value::Number(serde_json::Number::from_string_unchecked(written))
}

fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Value::from),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?".prop_map(number),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            prop::collection::hash_map(".{0,6}", inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

#[test]
fn no_name_of_many_stands_twice() {
    let object = |last: &str| {
        let members: Vec<_> = (0..100).map(|n| format!("\"member number {n}\":{n}")).collect();
        format!("[{{{},\"{last}\":0}}]", members.join(","))
    };
    assert_eq!(kind(object("another").as_bytes()), None);
    for twice in ["member number 0", "member number 23", "member number 24", "member number 99"] {
        assert_eq!(kind(object(twice).as_bytes()), Some(JsonErrorKind::DuplicateKey), "{twice}");
    }
    // They begin, end and are as long alike.
    let alike = r#"{"12345678 a 12345678":1,"12345678 b 12345678":2}"#;
    assert_eq!(kind(alike.as_bytes()), None);
    assert_eq!(kind(br#"{"a":{"a":{"a":1},"b":1},"b":{"a":1}}"#), None);
}

proptest! {
    #[test]
    fn one_pass_writes_what_its_tree_is(document in documents()) {
        for text in [serde_json::to_vec_pretty(&document).unwrap(), escaped(&document)] {
            let tree = parse(&text, 64).unwrap();
            let reading = read(&text, 64).unwrap();
            prop_assert_eq!(&reading.write(0), &write(&tree, 0));
            prop_assert_eq!(reading.json.tree(), &tree);
            prop_assert!(reading.tape == Tape::of(&tree), "another tape");
        }
    }

    #[test]
    fn what_is_written_is_read_again(document in documents()) {
        let text = serde_json::to_vec_pretty(&document).unwrap();
        let read = parse(&text, 64).unwrap();
        prop_assert_eq!(&read, &document);
        prop_assert_eq!(parse(&write(&read, 0), 64).unwrap(), read);
    }

    #[test]
    fn any_bytes_are_read_as_the_other_parser_does_or_refused(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..64),
            "[\\[\\]{}\",:0-9a-e\\\\u. -]{0,48}".prop_map(String::into_bytes),
        ]
    ) {
        let tree = parse(&bytes, 16);
        let reading = read(&bytes, 16);
        prop_assert_eq!(tree.as_ref().err(), reading.as_ref().err());
        if let Some((value, reading)) = tree.ok().zip(reading.ok()) {
            prop_assert_eq!(reading.write(0), write(&value, 0));
            let other = serde_json::from_slice::<Value>(&bytes).unwrap();
            prop_assert_eq!(other, serde_json::from_slice::<Value>(&write(&value, 0)).unwrap());
        }
    }
}
