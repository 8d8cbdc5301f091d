//! Plain HTTP: the body by its content type.
//!
//! JSON, forms, parts, XML, lines and events are read strictly and written again. Text stays as it
//! is, unless it is JSON in disguise: servers that ignore the content type would execute it. What
//! cannot be read is marked, and whether it may pass unread is policy.
use std::fmt;

use bytes::Bytes;
use http::HeaderMap;
use tollgate_config::settings::Bounds;
use tollgate_dlp::DocumentPart;
use tollgate_dlp::documents::{Document, Kind, Limits, NotJson, Opener, Why};
use tollgate_rules::Code;

use super::json::{self, JsonErrorKind, Reading};
use super::media::media_type;
use super::{Malformed, RPC_INVALID_REQUEST};

/// A body, as far as it could be read.
#[derive(Clone, PartialEq)]
pub enum HttpBody {
    /// There is none.
    Empty,
    /// One JSON document.
    Json(Reading),
    /// Text in UTF-8.
    Text(String),
    /// Anything else: cut into its texts, or bytes that were not read.
    Document(Document),
}

/// The kind alone, never what was sent.
impl fmt::Debug for HttpBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Json(_) => f.write_str("Json"),
            Self::Text(_) => f.write_str("Text"),
            Self::Document(document) => document.fmt(f),
        }
    }
}

impl HttpBody {
    /// The document of JSON that it is, all of which are its words.
    pub fn document(&self) -> Option<(&Reading, Option<DocumentPart>)> {
        match self {
            Self::Json(read) => Some((read, Some(DocumentPart::default()))),
            Self::Empty | Self::Text(_) | Self::Document(_) => None,
        }
    }
}

/// One call in plain HTTP.
#[derive(Clone, PartialEq, Debug)]
pub struct HttpCall {
    /// The body; redaction may change it.
    pub body: HttpBody,
}

impl HttpCall {
    /// Writes the body again from what was read; the only form that is forwarded.
    /// `room` is about how many bytes it will have.
    pub fn encode(&self, room: usize) -> Bytes {
        match &self.body {
            HttpBody::Empty => Bytes::new(),
            HttpBody::Json(read) => read.write(room),
            HttpBody::Text(text) => Bytes::copy_from_slice(text.as_bytes()),
            HttpBody::Document(document) => document.write().into(),
        }
    }
}

/// Reads a body whose content coding has been undone.
pub fn decode(headers: &HeaderMap, body: &Bytes, bounds: &Bounds) -> Result<HttpCall, Malformed> {
    if body.is_empty() {
        return Ok(HttpCall { body: HttpBody::Empty });
    }
    let depth_max = bounds.json_depth;
    let kind = match media_type(headers)? {
        Some(media) => Kind::of(&media),
        // Text without a type is read as text is.
        None if std::str::from_utf8(body).is_ok_and(|text| !text.contains('\0')) => Kind::Text,
        None => Kind::Any,
    };
    let body = match kind {
        Kind::Strange => return Err(strange()),
        Kind::Json => HttpBody::Json(read_json(body, depth_max)?),
        Kind::Text => read_text(utf8(body)?, depth_max)?,
        Kind::Grpc(_) => read_document(&Kind::Grpc(message_coding(headers)), body, bounds)?,
        kind => read_document(&kind, body, bounds)?,
    };
    Ok(HttpCall { body })
}

/// How the messages of a gRPC call are compressed.
fn message_coding(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("grpc-encoding")?.to_str().ok()?;
    Some(value.trim_matches([' ', '\t']).to_ascii_lowercase())
}

/// Opens a document. What has a form of its own and breaks it is refused; what only might have
/// been opened stays unread.
fn read_document(kind: &Kind, body: &[u8], bounds: &Bounds) -> Result<HttpBody, Malformed> {
    let read = |bytes: &[u8]| {
        json::parse(bytes, bounds.json_depth).map_err(|error| match error.kind() {
            JsonErrorKind::Syntax => NotJson::Syntax,
            _ => NotJson::Refused(error.reason()),
        })
    };
    let limits = Limits {
        expanded_bytes: bounds.request_body_bytes,
        ratio: usize::try_from(bounds.decompression_ratio).unwrap_or(usize::MAX),
        ..Limits::default()
    };
    let document = Document::open(kind, body, &Opener { limits, json: &read });
    let strict =
        matches!(kind, Kind::Events | Kind::Form | Kind::Lines | Kind::Multipart(_) | Kind::Xml);
    // UTF-16 and UTF-32 without a mark are UTF-8 full of NUL.
    let hidden = *kind == Kind::Any && std::str::from_utf8(body).is_ok();
    match document.unread() {
        Some(Why::Malformed(what)) if strict || hidden => Err(Malformed::new(
            Code::MalformedBody,
            format!("the body cannot be read in one way: {what}"),
        )),
        Some(Why::Charset) if strict => Err(strange()),
        Some(why @ Why::TooMany) if strict => {
            Err(Malformed::new(Code::BodyTooLarge, format!("the body cannot be read: {why}")))
        }
        _ => Ok(HttpBody::Document(document)),
    }
}

fn strange() -> Malformed {
    Malformed::new(Code::EncodingUnsupported, "the body's charset is not utf-8; send it in UTF-8")
}

fn read_json(body: &[u8], depth_max: usize) -> Result<Reading, Malformed> {
    json::read(body, depth_max)
        .map_err(|error| Malformed::from(error).with_rpc(RPC_INVALID_REQUEST))
}

/// Text that is a JSON object or array is read as such, so that it is inspected like one. Text
/// that would be JSON but for a rule of [`json`] has two readings and is refused.
fn read_text(text: &str, depth_max: usize) -> Result<HttpBody, Malformed> {
    // UTF-16 and UTF-32 without a mark are UTF-8 full of NUL, and some JSON readers guess them.
    if text.contains('\0') {
        return Err(Malformed::new(
            Code::MalformedBody,
            "the text in the body has NUL characters; send plain UTF-8",
        ));
    }
    // A byte order mark hides JSON from this parser, not from all others.
    let start = text.trim_start_matches('\u{feff}').trim_start();
    if !start.starts_with(['{', '[']) {
        return Ok(HttpBody::Text(text.to_owned()));
    }
    match json::read(start.as_bytes(), depth_max) {
        Ok(read) => Ok(HttpBody::Json(read)),
        Err(error) if error.kind() == JsonErrorKind::Syntax => Ok(HttpBody::Text(text.to_owned())),
        Err(error) => Err(error.into()),
    }
}

fn utf8(body: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(body)
        .map_err(|_| Malformed::new(Code::MalformedBody, "the text in the body is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::{Value, json};

    use super::*;

    fn read(content_type: &str, body: &[u8]) -> Result<HttpCall, Malformed> {
        let mut headers = HeaderMap::new();
        if !content_type.is_empty() {
            headers.insert("content-type", HeaderValue::from_str(content_type).unwrap());
        }
        decode(&headers, &Bytes::copy_from_slice(body), &bounds(16))
    }

    fn bounds(json_depth: usize) -> Bounds {
        Bounds { json_depth, ..Bounds::default() }
    }

    /// Content type, body, how it is read, and what is written again.
    type Case<'c> = (&'c str, &'c [u8], Result<HttpBody, &'c str>, &'c [u8]);

    #[test]
    fn bodies_are_read_by_their_type() {
        let text = |text: &str| HttpBody::Text(text.to_owned());
        let json = |value: Value| HttpBody::Json(value.into());
        let opened = |name: &'static str| Err(name);
        let text = |body: &str| Ok(text(body));
        let json = |value: Value| Ok(json(value));
        let cases: Vec<Case<'_>> = vec![
            ("", b"", Ok(HttpBody::Empty), b""),
            ("application/json", b"", Ok(HttpBody::Empty), b""),
            ("application/json", br#" { "a" : 1 } "#, json(json!({"a": 1})), br#"{"a":1}"#),
            ("APPLICATION/JSON; Charset=\"UTF-8\"", b"[1]", json(json!([1])), b"[1]"),
            (
                "application/vnd.api+json; profile=x",
                b"2.50",
                json("2.50".parse().unwrap()),
                b"2.50",
            ),
            ("application/jsonx", br#"{"a":1}"#, json(json!({"a": 1})), br#"{"a":1}"#),
            ("application/json-rpc", br#"{"a":1}"#, json(json!({"a": 1})), br#"{"a":1}"#),
            (
                "text/plain",
                br#" {"method":"x"}"#,
                json(json!({"method": "x"})),
                br#"{"method":"x"}"#,
            ),
            ("text/plain", "\u{feff}{\"a\":1}".as_bytes(), json(json!({"a": 1})), br#"{"a":1}"#),
            ("", br#"{"a":1}"#, json(json!({"a": 1})), br#"{"a":1}"#),
            ("", b"hello", text("hello"), b"hello"),
            ("", b"\xff\xfe", opened("Document(Unread(unread-kind))"), b"\xff\xfe"),
            ("text/markdown", b"[a](b)", text("[a](b)"), b"[a](b)"),
            ("text/csv; charset=us-ascii", b"a,b\r\n", text("a,b\r\n"), b"a,b\r\n"),
            (
                "application/xml",
                b"<a  b='1'>&#65;</a>",
                opened("Document(Xml)"),
                b"<a b=\"1\">A</a>",
            ),
            (
                "application/x-ndjson",
                b"{\"a\" :1}\n{\"b\":2}\n",
                opened("Document(Lines)"),
                b"{\"a\":1}\n{\"b\":2}\n",
            ),
            (
                "application/x-www-form-urlencoded",
                b"a=1+2&b=%C3%A9&&c&a=%2B",
                opened("Document(Form)"),
                b"a=1+2&b=%C3%A9&c=&a=%2B",
            ),
            (
                "application/x-www-form-urlencoded",
                br#"{"a":1}"#,
                opened("Document(Form)"),
                b"%7B%22a%22%3A1%7D=",
            ),
            (
                "multipart/form-data; boundary=x",
                b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--",
                opened("Document(Multipart)"),
                b"--x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n",
            ),
            (
                "application/grpc",
                b"\0\0\0\0\x03\x0a\x01a",
                opened("Document(Frames)"),
                b"\0\0\0\0\x03\x0a\x01a",
            ),
            ("application/grpc", b"\0\0", opened("Document(Unread(unread-malformed))"), b"\0\0"),
        ];
        for (content_type, body, expect, written) in cases {
            let call = read(content_type, body).unwrap_or_else(|e| panic!("{content_type}: {e}"));
            let is_it = match &expect {
                Ok(expect) => call.body == *expect,
                Err(name) => format!("{:?}", call.body) == *name,
            };
            assert!(is_it, "{content_type} {body:?}: {call:?}");
            assert_eq!(call.encode(body.len()), written, "{content_type}");
        }
    }

    #[test]
    fn bodies_with_two_readings_are_refused() {
        let cases: &[(&str, &[u8], Code)] = &[
            ("application/json", b"{", Code::MalformedBody),
            ("application/json", br#"{"a":1,"a":2}"#, Code::DuplicateKey),
            ("application/json", b"{\"a\":\"\xff\"}", Code::MalformedBody),
            ("application/json", b"\xef\xbb\xbf{}", Code::MalformedBody),
            ("application/json; charset=utf-16le", b"{\0}\0", Code::EncodingUnsupported),
            ("application/json; charset=utf-7", b"{}", Code::EncodingUnsupported),
            ("application/json; charset=utf-8; charset=utf-7", b"{}", Code::EncodingUnsupported),
            ("application/json, text/plain", b"{}", Code::EncodingUnsupported),
            ("json", b"{}", Code::EncodingUnsupported),
            ("text/plain; charset=iso-8859-1", b"\xe9", Code::EncodingUnsupported),
            ("text/plain", b"\xe9", Code::MalformedBody),
            ("text/plain", b"{\0}\0", Code::MalformedBody),
            ("", b"\0{\0}", Code::MalformedBody),
            ("text/plain", br#"{"method":"a","method":"b"}"#, Code::DuplicateKey),
            ("", br#"{"method":"a","method":"b"}"#, Code::DuplicateKey),
            ("application/x-www-form-urlencoded", b"a=%4", Code::MalformedBody),
            ("application/x-www-form-urlencoded", b"a=%ff", Code::MalformedBody),
            ("application/octet-stream", b"{\0}\0", Code::MalformedBody),
            ("application/x-ndjson", br#"{"a":1,"a":2}"#, Code::MalformedBody),
            ("application/xml", b"<a>", Code::MalformedBody),
            ("application/xml", b"{}", Code::MalformedBody),
            (
                "application/xml",
                b"<?xml version='1.0' encoding='utf-7'?><a/>",
                Code::EncodingUnsupported,
            ),
            ("multipart/form-data", b"--x--", Code::MalformedBody),
            ("multipart/form-data; boundary=x", b"--x", Code::MalformedBody),
            ("multipart/form-data; boundary=x", b"--x\n\n1\n--x--", Code::MalformedBody),
        ];
        for (content_type, body, code) in cases {
            let refusal = read(content_type, body).expect_err(content_type);
            assert_eq!(refusal.code, *code, "{content_type} {body:?}");
        }
        let many = "a&".repeat(Limits::default().entries + 1);
        let refusal = read("application/x-www-form-urlencoded", many.as_bytes()).unwrap_err();
        assert_eq!(refusal.code, Code::BodyTooLarge);
    }

    #[test]
    fn two_content_types_are_refused() {
        let mut headers = HeaderMap::new();
        headers.append("content-type", HeaderValue::from_static("application/json"));
        headers.append("content-type", HeaderValue::from_static("text/plain"));
        let refusal = decode(&headers, &Bytes::from_static(b"{}"), &bounds(8)).unwrap_err();
        assert_eq!(refusal.code, Code::MalformedHead);
    }
}
