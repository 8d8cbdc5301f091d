//! What holds for every document: nothing panics, work is bounded, what was written is read as the
//! same again and has nothing left in it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]
use std::io::Write as _;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use tollgate_dlp::documents::{
    Document, Header, Inspection, Kind, Limits, MediaType, NotJson, Opener, Url,
};
use tollgate_dlp::{Action, Direction, Judge, Scanner};

static SCANNER: LazyLock<Scanner> = LazyLock::new(|| Scanner::new().unwrap());

const CARD: &str = "4111 1111 1111 1111";

fn kinds() -> [Kind; 10] {
    [
        Kind::Any,
        Kind::Events,
        Kind::Form,
        Kind::Grpc(Some("gzip".to_owned())),
        Kind::Json,
        Kind::Lines,
        Kind::Multipart("b".to_owned()),
        Kind::Protobuf,
        Kind::Text,
        Kind::Xml,
    ]
}

fn open(kind: &Kind, bytes: &[u8], limits: Limits) -> Document {
    let json = |bytes: &[u8]| serde_json::from_slice(bytes).map_err(|_| NotJson::Syntax);
    Document::open(kind, bytes, &Opener { limits, json: &json })
}

fn redact(document: &mut Document) -> Inspection {
    SCANNER.redact_document(document, &Judge::default(), Direction::Request)
}

/// Bytes that look like something, put together in any order.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&[u8]> = vec![
        b"--b",
        b"\r\n",
        b"\r\n\r\n",
        b"--",
        b"content-disposition: form-data; name=\"a\"",
        b"content-type: multipart/mixed; boundary=b",
        b"content-type: application/json",
        b"<a b=\"",
        b"\">",
        b"</a>",
        b"<!--",
        b"-->",
        b"<![CDATA[",
        b"]]>",
        b"&#65;",
        b"&amp;",
        b"<?xml version=\"1.0\"?>",
        b"<!DOCTYPE a [",
        b"data: ",
        b"event: ",
        b"\n",
        b"\n\n",
        b"{\"a\":",
        b"}",
        b"[",
        b"]",
        b"a=",
        b"&",
        b"%41",
        b"%",
        b"+",
        b"PK\x03\x04",
        b"PK\x01\x02",
        b"PK\x05\x06",
        b"\x1f\x8b\x08\0",
        b"\x0a\x05",
        b"\x12\x80\x01",
        b"\0\0\0\0\x03",
        b"\0",
        CARD.as_bytes(),
        b"password",
        b"hunter2hunter2",
        b"bob@example.com",
    ];
    prop_oneof![
        6 => prop::sample::select(words).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| gzip(&bytes)),
    ]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(piece(), 0..16).prop_map(|pieces| pieces.concat())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A document of each kind that holds the text where a secret may stand.
fn around(kind: &Kind, text: &str) -> Option<Vec<u8>> {
    let quoted = serde_json::to_string(text).unwrap();
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    Some(match kind {
        Kind::Form => {
            let escape = |byte: u8| format!("%{byte:02X}");
            format!("a=1&b={}", text.bytes().map(escape).collect::<String>()).into_bytes()
        }
        Kind::Json => format!("{{\"a\": [{quoted}]}}").into_bytes(),
        Kind::Lines => format!("1\n{{\"a\": {quoted}}}\n").into_bytes(),
        Kind::Events => format!("data: {{\"a\": {quoted}}}\n\n").into_bytes(),
        Kind::Multipart(_) => {
            let head = "--b\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n";
            format!("{head}{text}\r\n--b--\r\n").into_bytes()
        }
        Kind::Xml => format!("<a b=\"1\">{escaped}<c/></a>").into_bytes(),
        Kind::Protobuf => {
            [&[0x0a, u8::try_from(text.len()).ok().filter(|n| *n < 128)?], text.as_bytes()].concat()
        }
        Kind::Text | Kind::Any => text.as_bytes().to_vec(),
        Kind::Grpc(_) | Kind::Strange => return None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic_and_written_is_stable(bytes in bytes()) {
        for kind in kinds() {
            let mut document = open(&kind, &bytes, Limits::default());
            let _ = document.view();
            redact(&mut document);
            let once = document.write();
            let mut again = open(&kind, &once, Limits::default());
            prop_assert_eq!(document.unread().is_some(), again.unread().is_some(), "{:?}", kind);
            let found = redact(&mut again);
            prop_assert!(
                found.acted.iter().all(|acted| acted.action == Action::Block),
                "{:?} {:?}: {:?}", kind, String::from_utf8_lossy(&bytes), found
            );
            prop_assert_eq!(again.write(), once, "{:?}", kind);
        }
    }

    #[test]
    fn what_is_found_in_a_text_is_found_in_every_document(
        before in "[a-z<>&=%+ ]{0,8}",
        after in "[a-z<>&=%+ ]{0,8}",
    ) {
        let text = format!("{before} {CARD} {after}");
        for kind in kinds() {
            let Some(bytes) = around(&kind, &text) else { continue };
            let mut document = open(&kind, &bytes, Limits::default());
            prop_assert!(document.unread().is_none(), "{:?} {:?}", kind, text);
            let found = redact(&mut document);
            prop_assert!(found.acted.iter().any(|a| a.finding.class.as_str() == "pci.pan"), "{kind:?}");
            let written = String::from_utf8_lossy(&document.write()).into_owned();
            prop_assert!(!written.contains("1111"), "{:?}: {}", kind, written);
        }
    }

    #[test]
    fn limits_hold(bytes in bytes(), entries in 0_usize..4, nodes in 0_usize..8, depth in 0_usize..3) {
        let limits = Limits { depth, entries, nodes, expanded_bytes: 64, ratio: 2 };
        for kind in kinds() {
            let mut document = open(&kind, &bytes, limits);
            redact(&mut document);
            if document.unread().is_some() {
                prop_assert_eq!(document.write(), bytes.clone());
            }
        }
    }

    #[test]
    fn no_text_panics(text in ".{0,60}", name in "[a-z-]{1,12}") {
        let _ = MediaType::parse(&text).map(|media| Kind::of(&media));
        SCANNER.redact_url(Url::cut(&text), &Judge::default(), Direction::Request);
        for name in [name.as_str(), "cookie", "mcp-param-a"] {
            let header = Header { name, value: &text };
            SCANNER.redact_header(header, &Judge::default(), Direction::Request);
        }
    }
}
