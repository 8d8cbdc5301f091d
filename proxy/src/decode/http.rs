//! Plain HTTP: the body by its content type.
//!
//! JSON and forms are read strictly and written again. Text stays as it is, unless it is JSON in
//! disguise: servers that ignore the content type would execute it. What cannot be read is marked,
//! and whether it may pass unread is policy.
use std::fmt;

use bytes::Bytes;
use http::HeaderMap;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use tollgate_rules::Code;

use super::head::has_whole_escapes;
use super::json::{self, JsonErrorKind};
use super::media::MediaType;
use super::{Malformed, RPC_INVALID_REQUEST};

/// Fields of one form.
pub const FORM_FIELDS_MAX: usize = 10_000;

/// A body, as far as it could be read.
#[derive(Clone, PartialEq)]
pub enum HttpBody {
    /// There is none.
    Empty,
    /// One JSON document.
    Json(Value),
    /// `application/x-www-form-urlencoded`: names and values, decoded.
    Form(Vec<(String, String)>),
    /// Text in UTF-8.
    Text(String),
    /// Bytes that were not read: multipart, images, archives, protobuf.
    Opaque(Bytes),
}

/// The kind alone, never what was sent.
impl fmt::Debug for HttpBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::Json(_) => "Json",
            Self::Form(_) => "Form",
            Self::Text(_) => "Text",
            Self::Opaque(_) => "Opaque",
        })
    }
}

/// One call in plain HTTP.
#[derive(Clone, PartialEq, Debug)]
pub struct HttpCall {
    /// The body; redaction may change it.
    pub body: HttpBody,
}

impl HttpCall {
    /// The body could not be read, so nothing in it was seen.
    pub fn is_unread(&self) -> bool {
        matches!(self.body, HttpBody::Opaque(_))
    }

    /// What rules see as arguments: the JSON document, else `Null`.
    pub fn arguments(&self) -> &Value {
        match &self.body {
            HttpBody::Json(value) => value,
            _ => &Value::Null,
        }
    }

    /// Writes the body again from what was read; the only form that is forwarded.
    pub fn encode(&self) -> Bytes {
        match &self.body {
            HttpBody::Empty => Bytes::new(),
            HttpBody::Json(value) => json::write(value),
            HttpBody::Form(fields) => write_form(fields),
            HttpBody::Text(text) => Bytes::copy_from_slice(text.as_bytes()),
            HttpBody::Opaque(bytes) => bytes.clone(),
        }
    }
}

/// Reads a body whose content coding has been undone.
pub fn decode(headers: &HeaderMap, body: &Bytes, depth_max: usize) -> Result<HttpCall, Malformed> {
    if body.is_empty() {
        return Ok(HttpCall { body: HttpBody::Empty });
    }
    let Some(media) = MediaType::of(headers)? else {
        let body = match std::str::from_utf8(body) {
            Ok(text) => read_text(text, depth_max)?,
            Err(_) => HttpBody::Opaque(body.clone()),
        };
        return Ok(HttpCall { body });
    };
    let form = form_of(&media.essence);
    if form != Form::Opaque && !media.is_utf8() {
        return Err(Malformed::new(
            Code::EncodingUnsupported,
            "the body's charset is not utf-8; send it in UTF-8",
        ));
    }
    let body = match form {
        Form::Json => HttpBody::Json(read_json(body, depth_max)?),
        Form::Fields => HttpBody::Form(read_form(body)?),
        Form::Text => read_text(utf8(body)?, depth_max)?,
        Form::Opaque => HttpBody::Opaque(body.clone()),
    };
    Ok(HttpCall { body })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Fields,
    Text,
    Opaque,
}

fn form_of(essence: &str) -> Form {
    match essence {
        "application/x-www-form-urlencoded" => Form::Fields,
        "application/graphql"
        | "application/javascript"
        | "application/jsonl"
        | "application/ld+json-seq"
        | "application/sql"
        | "application/toml"
        | "application/x-jsonlines"
        | "application/x-ndjson"
        | "application/x-sh"
        | "application/x-yaml"
        | "application/xml"
        | "application/yaml" => Form::Text,
        // `application/jsonx`, `application/json-rpc` and their kin are read as JSON by servers.
        json if json.ends_with("/json")
            || json.ends_with("+json")
            || (json.starts_with("application/json") && !json.ends_with("-seq")) =>
        {
            Form::Json
        }
        text if text.starts_with("text/") || text.ends_with("+xml") => Form::Text,
        _ => Form::Opaque,
    }
}

fn read_json(body: &[u8], depth_max: usize) -> Result<Value, Malformed> {
    json::parse(body, depth_max)
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
    match json::parse(start.as_bytes(), depth_max) {
        Ok(value) => Ok(HttpBody::Json(value)),
        Err(error) if error.kind() == JsonErrorKind::Syntax => Ok(HttpBody::Text(text.to_owned())),
        Err(error) => Err(error.into()),
    }
}

fn utf8(body: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(body)
        .map_err(|_| Malformed::new(Code::MalformedBody, "the text in the body is not UTF-8"))
}

fn read_form(body: &[u8]) -> Result<Vec<(String, String)>, Malformed> {
    let text = utf8(body)?;
    if !has_whole_escapes(text) {
        return Err(Malformed::new(
            Code::MalformedBody,
            "the form has a `%` without two hexadecimal digits; write it as `%25`",
        ));
    }
    if memchr::memchr_iter(b'&', body).count() >= FORM_FIELDS_MAX {
        return Err(Malformed::new(Code::BodyTooLarge, "the form has more than 10000 fields"));
    }
    text.split('&')
        .filter(|field| !field.is_empty())
        .map(|field| {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            Ok((read_field(name)?, read_field(value)?))
        })
        .collect()
}

fn read_field(text: &str) -> Result<String, Malformed> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .map(|text| text.into_owned())
        .map_err(|_| Malformed::new(Code::MalformedBody, "the escapes in the form are not UTF-8"))
}

fn write_form(fields: &[(String, String)]) -> Bytes {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    fn read(content_type: &str, body: &[u8]) -> Result<HttpCall, Malformed> {
        let mut headers = HeaderMap::new();
        if !content_type.is_empty() {
            headers.insert("content-type", HeaderValue::from_str(content_type).unwrap());
        }
        decode(&headers, &Bytes::copy_from_slice(body), 16)
    }

    fn fields(pairs: &[(&str, &str)]) -> HttpBody {
        HttpBody::Form(pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn bodies_are_read_by_their_type() {
        let text = |text: &str| HttpBody::Text(text.to_owned());
        let json = |value: Value| HttpBody::Json(value);
        let cases: Vec<(&str, &[u8], HttpBody, &[u8])> = vec![
            ("", b"", HttpBody::Empty, b""),
            ("application/json", b"", HttpBody::Empty, b""),
            ("application/json", br#" { "a" : 1 } "#, json(json!({"a": 1})), br#"{"a":1}"#),
            ("APPLICATION/JSON; Charset=\"UTF-8\"", b"[1]", json(json!([1])), b"[1]"),
            ("application/vnd.api+json; profile=x", b"2.50", json(json!(2.5)), b"2.5"),
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
            ("", b"\xff\xfe", HttpBody::Opaque(Bytes::from_static(b"\xff\xfe")), b"\xff\xfe"),
            ("text/markdown", b"[a](b)", text("[a](b)"), b"[a](b)"),
            ("text/csv; charset=us-ascii", b"a,b\r\n", text("a,b\r\n"), b"a,b\r\n"),
            ("application/xml", b"<a/>", text("<a/>"), b"<a/>"),
            (
                "application/x-ndjson",
                b"{\"a\":1}\n{\"b\":2}\n",
                text("{\"a\":1}\n{\"b\":2}\n"),
                b"{\"a\":1}\n{\"b\":2}\n",
            ),
            (
                "application/x-www-form-urlencoded",
                b"a=1+2&b=%C3%A9&&c&a=%2B",
                fields(&[("a", "1 2"), ("b", "é"), ("c", ""), ("a", "+")]),
                b"a=1+2&b=%C3%A9&c=&a=%2B",
            ),
            (
                "application/x-www-form-urlencoded",
                br#"{"a":1}"#,
                fields(&[("{\"a\":1}", "")]),
                b"%7B%22a%22%3A1%7D=",
            ),
            (
                "multipart/form-data; boundary=x",
                b"--x",
                HttpBody::Opaque(Bytes::from_static(b"--x")),
                b"--x",
            ),
            ("application/grpc", b"\0\0", HttpBody::Opaque(Bytes::from_static(b"\0\0")), b"\0\0"),
        ];
        for (content_type, body, expect, written) in cases {
            let call = read(content_type, body).unwrap_or_else(|e| panic!("{content_type}: {e}"));
            assert!(call.body == expect, "{content_type} {:?}: {:?}", body, call);
            assert_eq!(call.encode(), written, "{content_type}");
            assert_eq!(call.is_unread(), matches!(expect, HttpBody::Opaque(_)));
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
        ];
        for (content_type, body, code) in cases {
            let refusal = read(content_type, body).expect_err(content_type);
            assert_eq!(refusal.code, *code, "{content_type} {body:?}");
        }
        let many = "a&".repeat(FORM_FIELDS_MAX);
        let refusal = read("application/x-www-form-urlencoded", many.as_bytes()).unwrap_err();
        assert_eq!(refusal.code, Code::BodyTooLarge);
    }

    #[test]
    fn two_content_types_are_refused() {
        let mut headers = HeaderMap::new();
        headers.append("content-type", HeaderValue::from_static("application/json"));
        headers.append("content-type", HeaderValue::from_static("text/plain"));
        let refusal = decode(&headers, &Bytes::from_static(b"{}"), 8).unwrap_err();
        assert_eq!(refusal.code, Code::MalformedHead);
    }
}
