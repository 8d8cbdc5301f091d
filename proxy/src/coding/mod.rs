//! Undoes content codings (RFC 9110 section 8.4) within limits.
//!
//! Every stage hands on at most a few KiB at a time, so memory stays at the output held plus one
//! window for each coding: 32 KiB for gzip and deflate, 16 MiB for br, 8 MiB for zstd. Anything
//! after the end of a coded body is an error: some readers would ignore it, some would read on.
mod layer;

use http::{HeaderMap, header};
use tollgate_rules::Code;

use self::layer::Layer;

/// Codings of one body. Clients undo `gzip, gzip`; nobody honest sends more.
pub const CODINGS_MAX: usize = 2;

/// Output that is never held against the ratio, so that short bodies may be mostly header.
const RATIO_SLACK_BYTES: u64 = 64 << 10;
/// The same for the output of one push, so that a stream cannot save up for one great burst.
const BURST_SLACK_BYTES: u64 = 1 << 20;

/// One content coding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coding {
    /// Brotli (RFC 7932).
    Br,
    /// zlib (RFC 1950), or bare deflate as some servers send it.
    Deflate,
    /// gzip (RFC 1952), one member.
    Gzip,
    /// Zstandard (RFC 8878), one frame, windows up to 8 MiB (RFC 9659).
    Zstd,
}

/// Why a body cannot be decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CodingError {
    /// A coding that is not understood.
    #[error("the content-encoding is not gzip, deflate, br, zstd or identity")]
    Unsupported,
    /// More than [`CODINGS_MAX`].
    #[error("the body is encoded more than twice")]
    TooMany,
    /// The bytes are not what the coding says.
    #[error("the body is not what its content-encoding says")]
    Corrupt,
    /// It ends too early.
    #[error("the encoded body ends too early")]
    Truncated,
    /// Something follows the end.
    #[error("the encoded body goes on after its end")]
    Trailing,
    /// Decoded, it is larger than allowed.
    #[error("the decoded body is larger than {0} bytes")]
    TooLarge(u64),
    /// It grows by more than allowed.
    #[error("the body grows by more than {0} times when decoded")]
    Ratio(u32),
}

impl CodingError {
    /// The code of the refusal when a request was read.
    pub fn code(self) -> Code {
        match self {
            Self::Unsupported | Self::TooMany => Code::EncodingUnsupported,
            Self::Corrupt | Self::Truncated | Self::Trailing => Code::MalformedBody,
            Self::TooLarge(_) | Self::Ratio(_) => Code::BodyTooLarge,
        }
    }
}

/// What decoding may cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Decoded bytes of the whole body; `u64::MAX` for streams that are passed on piece by piece.
    pub limit_bytes: u64,
    /// Decoded bytes for each encoded byte.
    pub ratio: u32,
}

/// The codings that `Content-Encoding` lists, in the order they were applied; `identity` is none.
pub fn codings(headers: &HeaderMap) -> Result<Vec<Coding>, CodingError> {
    let mut all = Vec::new();
    for value in headers.get_all(header::CONTENT_ENCODING) {
        all.extend(parse(value.to_str().map_err(|_| CodingError::Unsupported)?)?);
    }
    match all.len() {
        0..=CODINGS_MAX => Ok(all),
        _ => Err(CodingError::TooMany),
    }
}

/// Reads one `Content-Encoding` value.
pub fn parse(encoding: &str) -> Result<Vec<Coding>, CodingError> {
    let mut all = Vec::new();
    for word in encoding.split(',').map(|word| word.trim_matches([' ', '\t'])) {
        match word.to_ascii_lowercase().as_str() {
            "" | "identity" => {}
            "br" => all.push(Coding::Br),
            "deflate" => all.push(Coding::Deflate),
            "gzip" | "x-gzip" => all.push(Coding::Gzip),
            "zstd" => all.push(Coding::Zstd),
            _ => return Err(CodingError::Unsupported),
        }
    }
    match all.len() {
        0..=CODINGS_MAX => Ok(all),
        _ => Err(CodingError::TooMany),
    }
}

/// Decodes a body chunk by chunk. An empty body is empty in every coding.
pub struct Decoder {
    layers: Vec<Layer>,
    meter: Meter,
    failed: Option<CodingError>,
}

impl Decoder {
    /// A decoder for codings in the order they were applied.
    pub fn new(codings: &[Coding], limits: Limits) -> Result<Self, CodingError> {
        if codings.len() > CODINGS_MAX {
            return Err(CodingError::TooMany);
        }
        let layers = codings.iter().rev().map(|c| Layer::new(*c)).collect::<Result<_, _>>()?;
        Ok(Self { layers, meter: Meter { limits, taken: 0, chunk: 0 }, failed: None })
    }

    /// Decodes the next chunk and appends what came out. After an error every call repeats it.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), CodingError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let length = chunk.len() as u64;
        self.meter = Meter { taken: self.meter.taken + length, chunk: length, ..self.meter };
        self.layers.iter_mut().for_each(Layer::start_push);
        let result = match self.layers.is_empty() {
            true => self.meter.check_plain().map(|()| out.extend_from_slice(chunk)),
            false => run(&mut self.layers, self.meter, chunk, out),
        };
        self.failed = result.err();
        result
    }

    /// The body has ended; it must have ended for every coding.
    pub fn finish(&mut self) -> Result<(), CodingError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if self.meter.taken == 0 {
            return Ok(());
        }
        match self.layers.iter().all(Layer::is_complete) {
            true => Ok(()),
            false => Err(CodingError::Truncated),
        }
    }
}

/// Feeds the outermost layer; each piece that comes out goes through the layers below.
fn run(
    layers: &mut [Layer],
    meter: Meter,
    input: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), CodingError> {
    match layers.split_first_mut() {
        Some((outer, inner)) => {
            outer.push(input, meter, &mut |piece| run(inner, meter, piece, out))
        }
        None => {
            out.extend_from_slice(input);
            Ok(())
        }
    }
}

/// What went in, and what may come out of each layer for it. Layers in the middle are held to the
/// same limits, or a bomb inside a bomb would burn time without a byte of output.
#[derive(Clone, Copy)]
struct Meter {
    limits: Limits,
    /// Encoded bytes so far.
    taken: u64,
    /// Encoded bytes of this push.
    chunk: u64,
}

impl Meter {
    fn check(self, given_total: u64, given_now: u64) -> Result<(), CodingError> {
        let ratio = u64::from(self.limits.ratio);
        if given_total > self.limits.limit_bytes {
            return Err(CodingError::TooLarge(self.limits.limit_bytes));
        }
        if given_total > self.taken.saturating_mul(ratio).saturating_add(RATIO_SLACK_BYTES)
            || given_now > self.chunk.saturating_mul(ratio).saturating_add(BURST_SLACK_BYTES)
        {
            return Err(CodingError::Ratio(self.limits.ratio));
        }
        Ok(())
    }

    fn check_plain(self) -> Result<(), CodingError> {
        match self.taken > self.limits.limit_bytes {
            true => Err(CodingError::TooLarge(self.limits.limit_bytes)),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
