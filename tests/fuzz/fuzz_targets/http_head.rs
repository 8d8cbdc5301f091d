//! The head of a request of HTTP/1, as it is understood once the library has cut it into parts.
#![no_main]
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use libfuzzer_sys::fuzz_target;

#[allow(dead_code, unused_imports, reason = "the rest of the module")]
#[path = "../../../proxy/src/decode/mod.rs"]
mod decode;

use decode::head::{Head, strip_request_headers};

fuzz_target!(|bytes: &[u8]| {
    let mut lines = [httparse::EMPTY_HEADER; 160];
    let mut request = httparse::Request::new(&mut lines);
    if !matches!(request.parse(bytes), Ok(httparse::Status::Complete(_))) {
        return;
    }
    let (Some(method), Some(target)) = (request.method, request.path) else { return };
    let Ok(method) = Method::from_bytes(method.as_bytes()) else { return };
    let mut headers = HeaderMap::new();
    for line in request.headers.iter() {
        let name = HeaderName::from_bytes(line.name.as_bytes());
        let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(line.value)) else { return };
        headers.append(name, value);
    }
    let Ok(head) = Head::read(&method, target.as_bytes(), &headers) else { return };
    // What is passed on has one reading, and reading it again gives the same.
    let path = head.path();
    assert!(path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()), "{path}");
    assert!(path.split('/').all(|part| !matches!(part, "." | "..")), "{path}");
    let query = head.query().map(|query| format!("?{query}")).unwrap_or_default();
    let again = format!("{path}{query}");
    assert_eq!(Head::read(&method, again.as_bytes(), &headers).as_ref(), Ok(&head), "{again}");
    let framed = headers.contains_key(header::TRANSFER_ENCODING);
    assert!(!framed || head.content_length().is_none());
    strip_request_headers(&mut headers);
    for gone in ["connection", "transfer-encoding", "upgrade", "te", "x-forwarded-for", "forwarded"] {
        assert!(!headers.contains_key(gone), "{gone}");
    }
});
