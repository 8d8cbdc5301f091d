//! Media types, read strictly (RFC 9110 section 8.3).
use http::{HeaderMap, HeaderValue, header};
use tollgate_rules::Code;

use super::Malformed;

/// A `Content-Type` that can be read in one way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MediaType {
    /// `type/subtype` in lower case.
    pub essence: String,
    /// The `charset` parameter in lower case.
    pub charset: Option<String>,
    /// There are parameters besides `charset`.
    pub has_other_parameters: bool,
}

impl MediaType {
    /// The one `Content-Type`; `None` when there is none.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, Malformed> {
        let mut values = headers.get_all(header::CONTENT_TYPE).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Malformed::new(
                Code::MalformedHead,
                "the request has more than one content-type; send exactly one",
            ));
        }
        Self::parse(value).map(Some).ok_or_else(|| {
            Malformed::new(
                Code::EncodingUnsupported,
                "the content-type cannot be read; send one media type such as `application/json`",
            )
        })
    }

    /// Text in UTF-8, by its own word or by saying nothing.
    pub fn is_utf8(&self) -> bool {
        matches!(self.charset.as_deref(), None | Some("utf-8" | "utf8" | "us-ascii"))
    }

    fn parse(value: &HeaderValue) -> Option<Self> {
        let mut parts = value.to_str().ok()?.split(';').map(|part| part.trim_matches([' ', '\t']));
        let essence = parts.next()?.to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/')?;
        if !is_token(kind) || !is_token(subtype) {
            return None;
        }
        let mut charset = None;
        let mut has_other_parameters = false;
        for part in parts {
            let (name, value) = part.split_once('=')?;
            let value = unquote(value)?;
            if !is_token(name) {
                return None;
            }
            if !name.eq_ignore_ascii_case("charset") {
                has_other_parameters = true;
            } else if charset.replace(value.to_ascii_lowercase()).is_some() {
                return None;
            }
        }
        Some(Self { essence, charset, has_other_parameters })
    }
}

/// A parameter's value; quoted strings without escapes and without `;` only, since the split above
/// would cut them and parsers differ on them.
fn unquote(value: &str) -> Option<&str> {
    match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').filter(|inner| !inner.contains(['"', '\\'])),
        None => is_token(value).then_some(value),
    }
}

/// RFC 9110 section 5.6.2.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}
