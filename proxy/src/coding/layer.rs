//! One coding being undone, piece by piece.
use brotli::enc::StandardAlloc;
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState};
use flate2::{Crc, Decompress, FlushDecompress, Status};
use zstd::stream::raw::{DParameter, Decoder as ZstdDecoder, InBuffer, Operation, OutBuffer};

use super::{Coding, CodingError, Meter};

/// Bytes that leave a layer at a time.
const PIECE_BYTES: usize = 16 << 10;
/// RFC 9659: content in `zstd` has windows of at most 8 MiB.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;
/// Names and comments in a gzip header; file names are shorter.
const GZIP_HEADER_BYTES_MAX: usize = 4 << 10;
/// RFC 1952 section 2.3.1: CRC-32 and length.
const GZIP_TRAILER_BYTES: usize = 8;

type Brotli = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

/// Where the pieces go.
type Sink<'s> = dyn FnMut(&[u8]) -> Result<(), CodingError> + 's;

pub(super) struct Layer {
    codec: Codec,
    piece: Vec<u8>,
    given_total: u64,
    given_now: u64,
    ended: bool,
}

enum Codec {
    Br(Box<Brotli>),
    /// The first two bytes tell zlib from bare deflate.
    DeflateStart(Vec<u8>),
    Deflate(Decompress),
    GzipHeader(Vec<u8>),
    Gzip {
        inflate: Decompress,
        crc: Crc,
    },
    GzipTrailer {
        crc: Crc,
        read: Vec<u8>,
    },
    Zstd(ZstdDecoder<'static>),
}

impl Layer {
    pub(super) fn new(coding: Coding) -> Result<Self, CodingError> {
        let codec = match coding {
            // Strict: without the large windows of up to 1 GiB that RFC 7932 does not have.
            Coding::Br => Codec::Br(Box::new(BrotliState::new_strict(
                StandardAlloc::default(),
                StandardAlloc::default(),
                StandardAlloc::default(),
            ))),
            Coding::Deflate => Codec::DeflateStart(Vec::new()),
            Coding::Gzip => Codec::GzipHeader(Vec::new()),
            Coding::Zstd => {
                let mut decoder = ZstdDecoder::new().map_err(|_| CodingError::Corrupt)?;
                decoder
                    .set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX))
                    .map_err(|_| CodingError::Corrupt)?;
                Codec::Zstd(decoder)
            }
        };
        Ok(Self { codec, piece: Vec::new(), given_total: 0, given_now: 0, ended: false })
    }

    pub(super) fn is_complete(&self) -> bool {
        self.ended
    }

    pub(super) fn start_push(&mut self) {
        self.given_now = 0;
    }

    pub(super) fn push(
        &mut self,
        input: &[u8],
        meter: Meter,
        sink: &mut Sink<'_>,
    ) -> Result<(), CodingError> {
        let Self { codec, piece, given_total, given_now, ended } = self;
        piece.reserve(PIECE_BYTES);
        let mut metered = |bytes: &[u8]| {
            *given_total += bytes.len() as u64;
            *given_now += bytes.len() as u64;
            meter.check(*given_total, *given_now)?;
            match bytes.is_empty() {
                true => Ok(()),
                false => sink(bytes),
            }
        };
        let mut rest = input;
        while !rest.is_empty() {
            if *ended {
                return Err(CodingError::Trailing);
            }
            let (taken, step) = codec.step(rest, piece, &mut metered)?;
            rest = rest.get(taken..).unwrap_or_default();
            match step {
                Step::Hungry if rest.is_empty() => {}
                // No decoder leaves input while it could go on.
                Step::Hungry => return Err(CodingError::Corrupt),
                Step::Become(next) => *codec = next,
                Step::End => *ended = true,
            }
        }
        Ok(())
    }
}

enum Step {
    /// All input was used; more is needed.
    Hungry,
    /// The next part of the format begins.
    Become(Codec),
    /// The coded body is complete.
    End,
}

impl Codec {
    /// Uses input until something changes; gives how many bytes were used.
    fn step(
        &mut self,
        input: &[u8],
        piece: &mut Vec<u8>,
        sink: &mut Sink<'_>,
    ) -> Result<(usize, Step), CodingError> {
        match self {
            Self::Br(state) => unbrotli(state, input, piece, sink),
            Self::DeflateStart(start) => {
                let taken = top_up(start, input, 2);
                let [first, second] = start.as_slice() else { return Ok((taken, Step::Hungry)) };
                let is_zlib = has_zlib_header(*first, *second);
                let mut inflate = Decompress::new(is_zlib);
                let start = std::mem::take(start);
                // Two bytes end no stream of either kind and leave nothing unread.
                inflate_all(&mut inflate, &start, piece, sink)?;
                Ok((taken, Step::Become(Self::Deflate(inflate))))
            }
            Self::Deflate(inflate) => {
                let (taken, ended) = inflate_all(inflate, input, piece, sink)?;
                Ok((taken, if ended { Step::End } else { Step::Hungry }))
            }
            Self::GzipHeader(header) => read_gzip_header(header, input),
            Self::Gzip { inflate, crc } => {
                let (taken, ended) = inflate_all(inflate, input, piece, &mut |bytes| {
                    crc.update(bytes);
                    sink(bytes)
                })?;
                if !ended {
                    return Ok((taken, Step::Hungry));
                }
                let crc = std::mem::take(crc);
                Ok((taken, Step::Become(Self::GzipTrailer { crc, read: Vec::new() })))
            }
            Self::GzipTrailer { crc, read } => {
                let taken = top_up(read, input, GZIP_TRAILER_BYTES);
                if read.len() < GZIP_TRAILER_BYTES {
                    return Ok((taken, Step::Hungry));
                }
                let expect = [crc.sum().to_le_bytes(), crc.amount().to_le_bytes()].concat();
                match *read == expect {
                    true => Ok((taken, Step::End)),
                    false => Err(CodingError::Corrupt),
                }
            }
            Self::Zstd(decoder) => unzstd(decoder, input, piece, sink),
        }
    }
}

/// Appends to `held` until it holds `wanted` bytes; gives how many were used.
fn top_up(held: &mut Vec<u8>, input: &[u8], wanted: usize) -> usize {
    let taken = wanted.saturating_sub(held.len()).min(input.len());
    held.extend(input.iter().take(taken));
    taken
}

/// RFC 1950 section 2.2: deflate, a window within 32 KiB, and a checksum of both bytes.
fn has_zlib_header(first: u8, second: u8) -> bool {
    first & 0x0f == 8 && first >> 4 <= 7 && u16::from_be_bytes([first, second]).is_multiple_of(31)
}

fn inflate_all(
    inflate: &mut Decompress,
    input: &[u8],
    piece: &mut Vec<u8>,
    sink: &mut Sink<'_>,
) -> Result<(usize, bool), CodingError> {
    let mut rest = input;
    loop {
        piece.clear();
        let before = inflate.total_in();
        let status = inflate
            .decompress_vec(rest, piece, FlushDecompress::None)
            .map_err(|_| CodingError::Corrupt)?;
        let used = usize::try_from(inflate.total_in() - before).unwrap_or(usize::MAX);
        rest = rest.get(used..).unwrap_or_default();
        sink(piece)?;
        let is_stuck = used == 0 && piece.is_empty();
        if status == Status::StreamEnd || is_stuck {
            return Ok((input.len() - rest.len(), status == Status::StreamEnd));
        }
    }
}

fn read_gzip_header(header: &mut Vec<u8>, input: &[u8]) -> Result<(usize, Step), CodingError> {
    let held = header.len();
    header.extend(input.iter().take(GZIP_HEADER_BYTES_MAX.saturating_sub(held)));
    let Some(length) = gzip_header_length(header)? else {
        if header.len() >= GZIP_HEADER_BYTES_MAX {
            return Err(CodingError::Corrupt);
        }
        return Ok((input.len(), Step::Hungry));
    };
    let gzip = Codec::Gzip { inflate: Decompress::new(false), crc: Crc::new() };
    Ok((length.saturating_sub(held), Step::Become(gzip)))
}

/// The length of the header (RFC 1952 section 2.3), when all of it is there.
fn gzip_header_length(bytes: &[u8]) -> Result<Option<usize>, CodingError> {
    const HEADER_CRC: u8 = 2;
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    const RESERVED: u8 = 0xe0;

    let Some(([0x1f, 0x8b, method, flags, ..], _)) = bytes.split_at_checked(10) else {
        let is_prefix = [0x1f, 0x8b, 8].iter().zip(bytes).all(|(expect, got)| expect == got);
        return if is_prefix && bytes.len() < 10 { Ok(None) } else { Err(CodingError::Corrupt) };
    };
    if *method != 8 || flags & RESERVED != 0 {
        return Err(CodingError::Corrupt);
    }
    let mut length = 10;
    if flags & EXTRA != 0 {
        let Some([low, high]) = bytes.get(length..length + 2) else { return Ok(None) };
        length += 2 + usize::from(u16::from_le_bytes([*low, *high]));
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let Some(end) = bytes.get(length..).and_then(|rest| memchr::memchr(0, rest)) else {
                return Ok(None);
            };
            length += end + 1;
        }
    }
    if flags & HEADER_CRC != 0 {
        length += 2;
    }
    Ok((length <= bytes.len()).then_some(length))
}

fn unbrotli(
    state: &mut Brotli,
    input: &[u8],
    piece: &mut Vec<u8>,
    sink: &mut Sink<'_>,
) -> Result<(usize, Step), CodingError> {
    piece.resize(PIECE_BYTES, 0);
    let (mut left, mut taken) = (input.len(), 0);
    loop {
        let (mut room, mut filled, mut total) = (piece.len(), 0, 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut taken,
            input,
            &mut room,
            &mut filled,
            piece,
            &mut total,
            state,
        );
        sink(piece.get(..filled).unwrap_or_default())?;
        match result {
            BrotliResult::ResultSuccess => return Ok((taken, Step::End)),
            BrotliResult::NeedsMoreOutput => {}
            BrotliResult::NeedsMoreInput => return Ok((taken, Step::Hungry)),
            BrotliResult::ResultFailure => return Err(CodingError::Corrupt),
        }
    }
}

fn unzstd(
    decoder: &mut ZstdDecoder<'static>,
    input: &[u8],
    piece: &mut Vec<u8>,
    sink: &mut Sink<'_>,
) -> Result<(usize, Step), CodingError> {
    piece.resize(PIECE_BYTES, 0);
    let mut source = InBuffer::around(input);
    loop {
        let before = source.pos();
        let mut target = OutBuffer::around(piece.as_mut_slice());
        let hint = decoder.run(&mut source, &mut target).map_err(|_| CodingError::Corrupt)?;
        let filled = target.pos();
        sink(piece.get(..filled).unwrap_or_default())?;
        if hint == 0 {
            return Ok((source.pos(), Step::End));
        }
        let has_more = filled == piece.len() || source.pos() < input.len();
        if !has_more || (filled == 0 && source.pos() == before) {
            return Ok((source.pos(), Step::Hungry));
        }
    }
}
