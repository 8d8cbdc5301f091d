//! The media type of a body (RFC 9110 section 8.3).
use http::{HeaderMap, header};
use tollgate_dlp::documents::MediaType;
use tollgate_rules::Code;

use super::Malformed;

/// The one `Content-Type`; `None` when there is none.
pub fn media_type(headers: &HeaderMap) -> Result<Option<MediaType>, Malformed> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Malformed::new(
            Code::MalformedHead,
            "the request has more than one content-type; send exactly one",
        ));
    }
    value.to_str().ok().and_then(MediaType::parse).map(Some).ok_or_else(|| {
        Malformed::new(
            Code::EncodingUnsupported,
            "the content-type cannot be read; send one media type such as `application/json`",
        )
    })
}
