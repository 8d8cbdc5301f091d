//! The head of a request: method, path, query and headers, in one spelling.
use http::{HeaderMap, HeaderName, Method, header};
use tollgate_rules::Code;

use super::Malformed;
use super::media::media_type;
use super::path;

/// Bytes of path and query together. RFC 9110 section 4.1 asks for at least 8000 octets.
pub const TARGET_BYTES_MAX: usize = 16 << 10;

/// Header lines of one request. Browsers and SDKs send fewer than forty.
pub const HEADERS_MAX: usize = 128;

/// A header that stands twice has two meanings, one for each reader that takes the first or the
/// last.
const SINGLE: &[&str] = &[
    "api-key",
    "authorization",
    "content-length",
    "content-location",
    "content-range",
    "content-type",
    "date",
    "from",
    "host",
    "last-event-id",
    "mcp-session-id",
    "origin",
    "proxy-authorization",
    "referer",
    "sec-websocket-key",
    "sec-websocket-version",
    "transfer-encoding",
    "user-agent",
    "x-api-key",
    "x-goog-api-key",
];

/// Headers that belong to one connection (RFC 9110 section 7.6.1) and those that go with them.
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers that would tell the upstream where the call comes from, who sent it, or that it is
/// another call than the one that was decided.
const CLAIMS: &[&str] = &[
    "accept-encoding",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "client-ip",
    "expect",
    "fastly-client-ip",
    "forwarded",
    "forwarded-for",
    "if-range",
    "max-forwards",
    "range",
    "remote-user",
    "true-client-ip",
    "via",
    "x-agent-id",
    "x-amzn-mtls-clientcert",
    "x-authenticated-user",
    "x-authenticated-userid",
    "x-azure-clientip",
    "x-client-cert",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-envoy-external-address",
    "x-envoy-original-dst-host",
    "x-envoy-original-path",
    "x-forwarded",
    "x-host",
    "x-http-host-override",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-ms-client-principal",
    "x-ms-client-principal-id",
    "x-ms-client-principal-idp",
    "x-ms-client-principal-name",
    "x-original-forwarded-for",
    "x-original-host",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-originating-ip",
    "x-proxy-url",
    "x-proxyuser-ip",
    "x-real-ip",
    "x-remote-addr",
    "x-remote-ip",
    "x-remote-user",
    "x-rewrite-uri",
    "x-rewrite-url",
    "x-spiffe-id",
    "x-webauth-user",
];

/// Whole families of them: proxies and load balancers that vouch for who calls (Cloudflare Access,
/// Google's IAP, AWS's load balancer, oauth2-proxy, Tailscale), and those that say where a call was.
const CLAIM_PREFIXES: &[&str] = &[
    "cf-access-",
    "proxy-",
    "ssl-client-",
    "tailscale-",
    "wl-proxy-",
    "x-amzn-mtls-",
    "x-amzn-oidc-",
    "x-appengine-",
    "x-auth-request-",
    "x-client-cert-",
    "x-forwarded-",
    "x-goog-authenticated-user-",
    "x-goog-iap-",
    "x-sentinel-",
    "x-spiffe-",
    "x-ssl-",
];

/// What may not be dropped by naming it in `Connection`.
const END_TO_END: &[&str] = &[
    "accept",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "origin",
];

/// A head that can be read in one way only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    method: Method,
    path: String,
    query: Option<String>,
    content_length: Option<u64>,
}

impl Head {
    /// Reads method, origin-form target (path and query, RFC 9112 section 3.2.1) and headers.
    pub fn read(method: &Method, target: &[u8], headers: &HeaderMap) -> Result<Self, Malformed> {
        check_method(method)?;
        let (path, query) = read_target(target)?;
        check_names(headers)?;
        check_connection(headers)?;
        let content_length = read_framing(headers)?;
        // Read again where the body is; here it only has to be readable.
        media_type(headers)?;
        Ok(Self { method: method.clone(), path, query, content_length })
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path as rules see it and as it is forwarded.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query as it came, without `?`.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Replaces the query.
    pub fn set_query(&mut self, query: Option<String>) {
        self.query = query;
    }

    /// The query's names and values with escapes decoded, for inspection. What is no UTF-8 is
    /// replaced.
    pub fn query_pairs(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.query.as_deref().unwrap_or_default().as_bytes())
            .into_owned()
            .collect()
    }

    /// The length that the client announced.
    pub fn content_length(&self) -> Option<u64> {
        self.content_length
    }
}

/// Removes from a request what ends at this connection, what claims an origin or identity, and
/// what would make the upstream read another method, path or coding than the one decided.
pub fn strip_request_headers(headers: &mut HeaderMap) {
    strip(headers, |name| {
        HOP_BY_HOP.contains(&name)
            || CLAIMS.contains(&name)
            || CLAIM_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    });
}

/// Removes cookies, or the answer's wish to set some. A session that a credential of the gate opened
/// is as good as that credential, and must not end in the agent's hands.
pub fn strip_cookies(headers: &mut HeaderMap) {
    strip(headers, |name| matches!(name, "cookie" | "cookie2" | "set-cookie" | "set-cookie2"));
}

/// Removes from an answer what ends at this connection, and `Alt-Svc`, which would send the next
/// call around the gate. `Content-Length` and `Content-Encoding` are the caller's, who knows the
/// body.
pub fn strip_answer_headers(headers: &mut HeaderMap) {
    strip(headers, |name| {
        HOP_BY_HOP.contains(&name) || name == "alt-svc" || name.starts_with("proxy-")
    });
}

/// Names are compared with `_` read as `-`: CGI and WSGI servers cannot tell them apart.
fn strip(headers: &mut HeaderMap, goes: impl Fn(&str) -> bool) {
    let nominated = nominated(headers);
    let gone: Vec<HeaderName> = headers
        .keys()
        .filter(|name| {
            let dashed = name.as_str().replace('_', "-");
            goes(&dashed)
                || (nominated.iter().any(|n| n == name.as_str()) && !is_end_to_end(&dashed))
        })
        .cloned()
        .collect();
    for name in gone {
        headers.remove(name);
    }
}

fn is_end_to_end(name: &str) -> bool {
    END_TO_END.contains(&name) || name.starts_with("mcp-")
}

/// The names that `Connection` lists, in lower case.
fn nominated(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|b| *b == b','))
        .map(|name| String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase())
        .collect()
}

fn check_method(method: &Method) -> Result<(), Malformed> {
    let word = method.as_str();
    // Methods are case-sensitive (RFC 9110 section 9.1), yet some servers fold them.
    let is_plain = word.len() <= 32 && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'-');
    if is_plain && *method != Method::TRACE && *method != Method::CONNECT {
        return Ok(());
    }
    Err(Malformed::new(
        Code::MethodUnknown,
        "the method is not one that is passed on; methods are in upper case, and TRACE and CONNECT \
         are not forwarded",
    ))
}

fn read_target(target: &[u8]) -> Result<(String, Option<String>), Malformed> {
    let refuse = |sentence: &str| Err(Malformed::new(Code::MalformedHead, sentence));
    if target.len() > TARGET_BYTES_MAX {
        return refuse("path and query are longer than 16 KiB");
    }
    if !target.iter().all(|b| matches!(b, 0x21..=0x7e)) {
        return refuse("the target has a space, control character or byte outside ASCII");
    }
    let text = std::str::from_utf8(target).unwrap_or_default();
    if text.contains('#') {
        return refuse("the target has a fragment; send path and query only");
    }
    let (path, query) = match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (text, None),
    };
    if query.is_some_and(|query| !has_whole_escapes(query)) {
        return refuse("the query has a `%` without two hexadecimal digits; write it as `%25`");
    }
    Ok((path::normalise(path)?, query.map(str::to_owned)))
}

pub(super) fn has_whole_escapes(text: &str) -> bool {
    text.split('%').skip(1).all(|after| path::unescape(after.as_bytes()).is_some())
}

fn check_names(headers: &HeaderMap) -> Result<(), Malformed> {
    if headers.len() > HEADERS_MAX {
        return Err(Malformed::new(Code::MalformedHead, "the request has more than 128 headers"));
    }
    for name in headers.keys() {
        let name = name.as_str();
        if SINGLE.contains(&name) && headers.get_all(name).iter().nth(1).is_some() {
            let sentence = format!("the header `{name}` stands more than once; send it once");
            return Err(Malformed::new(Code::MalformedHead, sentence));
        }
        let dashed = name.replace('_', "-");
        if dashed != name
            && (SINGLE.contains(&dashed.as_str())
                || is_end_to_end(&dashed)
                || headers.contains_key(dashed.as_str()))
        {
            return Err(Malformed::new(
                Code::MalformedHead,
                "a header's name is that of another one but for `_`; write it with `-`",
            ));
        }
    }
    Ok(())
}

fn check_connection(headers: &HeaderMap) -> Result<(), Malformed> {
    if nominated(headers).iter().any(|name| is_end_to_end(&name.replace('_', "-"))) {
        return Err(Malformed::new(
            Code::MalformedHead,
            "`connection` names a header that belongs to the request itself",
        ));
    }
    Ok(())
}

/// RFC 9112 section 6.3: a message with both lengths is a smuggling attempt or a broken client.
fn read_framing(headers: &HeaderMap) -> Result<Option<u64>, Malformed> {
    let refuse = |sentence: &str| Err(Malformed::new(Code::MalformedHead, sentence));
    let length = headers.get(header::CONTENT_LENGTH);
    if let Some(coding) = headers.get(header::TRANSFER_ENCODING) {
        if length.is_some() {
            return refuse("the request has both content-length and transfer-encoding");
        }
        if !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
            return refuse("the transfer-encoding is not `chunked`");
        }
    }
    let Some(length) = length else { return Ok(None) };
    let digits = length.as_bytes();
    let number = std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok());
    match number {
        // `parse` would take a leading `+`.
        Some(number) if digits.iter().all(u8::is_ascii_digit) => Ok(Some(number)),
        _ => refuse("the content-length is not a number"),
    }
}

#[cfg(test)]
mod tests;
