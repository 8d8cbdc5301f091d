//! gzip (RFC 1952): one file, in one or more members.
use flate2::bufread::GzDecoder;

use super::kind::Kind;
use super::limits::Why;
use super::pack::{Entry, Pack};
use super::{Opening, text};

pub(crate) fn open(bytes: &[u8], opening: &mut Opening<'_>) -> Result<Pack, Why> {
    let mut rest = bytes;
    let mut plain = Vec::new();
    let mut beside = Vec::new();
    let mut name = None;
    while !rest.is_empty() {
        opening.budget.entry()?;
        let mut decoder = GzDecoder::new(rest);
        plain.extend(opening.budget.expand(&mut decoder, rest.len())?);
        if let Some(header) = decoder.header() {
            let fields = [header.filename(), header.comment(), header.extra()];
            beside.extend(fields.into_iter().flatten().map(<[u8]>::to_vec));
            name = name.or_else(|| {
                header.filename().and_then(|name| text::utf8(name).ok()).map(str::to_owned)
            });
        }
        rest = decoder.into_inner();
    }
    let body = opening.inner(&Kind::Any, &plain);
    let name = name.unwrap_or_else(|| "1".to_owned());
    Ok(Pack { raw: bytes.to_vec(), entries: vec![Entry { name, body }], beside })
}
