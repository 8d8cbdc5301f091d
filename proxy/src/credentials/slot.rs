//! The places in a request that a credential can have: what stands there before, and what is put
//! there.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use zeroize::Zeroizing;

use super::Given;
use crate::clear::Permit;
use crate::head::Request;

/// What stands as it is in a query (RFC 3986 section 2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A place in a request.
pub(super) enum Slot {
    Header(HeaderName),
    Query(String),
    Cookie(String),
}

impl Slot {
    /// A header's place, if it can be one.
    pub(super) fn header(name: &str) -> Option<Self> {
        name.to_ascii_lowercase().parse().ok().map(Self::Header)
    }

    /// Whether a value can stand there.
    pub(super) fn bears(&self, value: &str) -> bool {
        match self {
            Self::Header(_) => HeaderValue::from_str(value).is_ok(),
            Self::Query(_) => true,
            // RFC 6265 section 4.1.1.
            Self::Cookie(_) => value
                .bytes()
                .all(|b| matches!(b, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)),
        }
    }

    /// Takes out what the agent sent there.
    pub(super) fn strip(&self, request: &mut Request) {
        match self {
            Self::Header(own) => strip_headers(&mut request.headers, |name| name == own.as_str()),
            Self::Query(own) => strip_query(request, |name| name.eq_ignore_ascii_case(own)),
            Self::Cookie(own) => strip_cookie(&mut request.headers, own),
        }
    }

    /// Puts a value there.
    pub(super) fn put(&self, value: &str, permit: &Permit) -> Option<Given> {
        match self {
            Self::Header(name) => Some(Given {
                headers: vec![(name.clone(), sensitive(value)?)],
                path_and_query: None,
            }),
            Self::Query(name) => {
                let before = permit.path_and_query();
                let joint = match before.split_once('?') {
                    None => "?",
                    Some((_, "")) => "",
                    Some(_) => "&",
                };
                let escaped = Zeroizing::new(utf8_percent_encode(value, ESCAPED).to_string());
                let name = utf8_percent_encode(name, ESCAPED);
                let target = format!("{before}{joint}{name}={}", escaped.as_str());
                Some(Given { headers: Vec::new(), path_and_query: Some(Zeroizing::new(target)) })
            }
            Self::Cookie(name) => {
                let others = permit.headers().get_all(header::COOKIE).iter();
                let others = others.filter_map(|cookie| cookie.to_str().ok());
                let own = Zeroizing::new(format!("{name}={value}"));
                let all = others.chain([own.as_str()]).collect::<Vec<_>>().join("; ");
                let all = sensitive(&Zeroizing::new(all))?;
                Some(Given { headers: vec![(header::COOKIE, all)], path_and_query: None })
            }
        }
    }
}

/// A header's value that nobody prints and HTTP/2 does not index.
pub(super) fn sensitive(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The value of `Authorization` for HTTP Basic (RFC 7617).
pub(super) fn basic(user: &str, password: &str) -> Zeroizing<String> {
    let pair = Zeroizing::new(format!("{user}:{password}"));
    let encoded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
    Zeroizing::new(format!("Basic {}", encoded.as_str()))
}

/// Names are compared with `_` read as `-`: CGI and WSGI servers cannot tell them apart.
pub(super) fn strip_headers(headers: &mut HeaderMap, goes: impl Fn(&str) -> bool) {
    let gone: Vec<HeaderName> = headers
        .keys()
        .filter(|name| goes(name.as_str()) || goes(&name.as_str().replace('_', "-")))
        .cloned()
        .collect();
    for name in gone {
        headers.remove(name);
    }
}

/// Takes parameters out of a query. Some servers part them at `;`, too.
pub(super) fn strip_query(request: &mut Request, goes: impl Fn(&str) -> bool) {
    let Some(query) = request.head.query() else { return };
    let is_own = |part: &str| {
        let name = part.split('=').next().unwrap_or_default().replace('+', " ");
        goes(percent_decode_str(&name).decode_utf8_lossy().trim())
    };
    if !query.split(['&', ';']).any(is_own) {
        return;
    }
    let mut kept = String::with_capacity(query.len());
    for part in query.split_inclusive(['&', ';']) {
        if !is_own(part.trim_end_matches(['&', ';'])) {
            kept.push_str(part);
        }
    }
    let kept = kept.trim_end_matches(['&', ';']).to_owned();
    request.head.set_query((!kept.is_empty()).then_some(kept));
}

fn strip_cookie(headers: &mut HeaderMap, own: &str) {
    let kept: Vec<HeaderValue> = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| {
            let pairs = value.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
            let others = pairs.filter(|pair| {
                let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
                name.trim_ascii() != own.as_bytes() && !pair.is_empty()
            });
            let joined = others.collect::<Vec<_>>().join(&b"; "[..]);
            HeaderValue::from_bytes(&joined).ok().filter(|value| !value.is_empty())
        })
        .collect();
    headers.remove(header::COOKIE);
    for value in kept {
        headers.append(header::COOKIE, value);
    }
}
