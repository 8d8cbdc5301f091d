use std::io::Write as _;

use flate2::Compression;
use proptest::prelude::*;

use super::*;

const ALL: [Coding; 4] = [Coding::Br, Coding::Deflate, Coding::Gzip, Coding::Zstd];
const ROOM: Limits = Limits { limit_bytes: 1 << 20, ratio: 1000 };

fn decode(codings: &[Coding], body: &[u8], limits: Limits) -> Result<Vec<u8>, CodingError> {
    let mut decoder = Decoder::new(codings, limits)?;
    let mut out = Vec::new();
    decoder.push(body, &mut out)?;
    decoder.finish()?;
    Ok(out)
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), Compression::default());
    out.write_all(body).unwrap();
    out.finish().unwrap()
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), Compression::default());
    out.write_all(body).unwrap();
    out.finish().unwrap()
}

fn bare_deflate(body: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::DeflateEncoder::new(Vec::new(), Compression::default());
    out.write_all(body).unwrap();
    out.finish().unwrap()
}

fn brotli(body: &[u8], window_log: u32) -> Vec<u8> {
    let mut out = brotli::CompressorWriter::new(Vec::new(), 4096, 5, window_log);
    out.write_all(body).unwrap();
    out.into_inner()
}

fn encode(coding: Coding, body: &[u8]) -> Vec<u8> {
    match coding {
        Coding::Br => brotli(body, 22),
        Coding::Deflate => zlib(body),
        Coding::Gzip => gzip(body),
        Coding::Zstd => zstd::encode_all(body, 3).unwrap(),
    }
}

#[test]
fn names_of_codings() {
    use Coding::*;
    let cases: &[(&str, Result<&[Coding], CodingError>)] = &[
        ("", Ok(&[])),
        ("identity", Ok(&[])),
        ("GZIP", Ok(&[Gzip])),
        ("x-gzip", Ok(&[Gzip])),
        ("gzip, identity, br", Ok(&[Gzip, Br])),
        ("gzip,gzip", Ok(&[Gzip, Gzip])),
        ("deflate , zstd", Ok(&[Deflate, Zstd])),
        ("gzip, gzip, gzip", Err(CodingError::TooMany)),
        ("compress", Err(CodingError::Unsupported)),
        ("dcb", Err(CodingError::Unsupported)),
        ("gzip;q=1", Err(CodingError::Unsupported)),
    ];
    for (text, expect) in cases {
        assert_eq!(parse(text), expect.map(<[Coding]>::to_vec), "{text}");
    }
    let mut headers = HeaderMap::new();
    headers.append("content-encoding", "gzip".parse().unwrap());
    headers.append("content-encoding", "br".parse().unwrap());
    assert_eq!(codings(&headers), Ok(vec![Gzip, Br]));
    headers.append("content-encoding", "br".parse().unwrap());
    assert_eq!(codings(&headers), Err(CodingError::TooMany));
}

#[test]
fn every_coding_and_every_pair_comes_back() {
    let body = b"{\"tool\":\"search\",\"q\":\"weather\"}".repeat(2000);
    for outer in ALL {
        assert_eq!(decode(&[outer], &encode(outer, &body), ROOM).unwrap(), body);
        for inner in ALL {
            let coded = encode(outer, &encode(inner, &body));
            assert_eq!(decode(&[inner, outer], &coded, ROOM).unwrap(), body, "{inner:?} {outer:?}");
        }
    }
    assert_eq!(decode(&[Coding::Deflate], &bare_deflate(&body), ROOM).unwrap(), body);
    assert_eq!(decode(&[], &body, ROOM).unwrap(), body);
}

#[test]
fn empty_bodies() {
    for coding in ALL {
        assert_eq!(decode(&[coding], b"", ROOM).unwrap(), b"");
        assert_eq!(decode(&[coding], &encode(coding, b""), ROOM).unwrap(), b"");
    }
}

#[test]
fn broken_bodies_are_refused() {
    let body = b"one two three four five six seven eight nine ten".repeat(20);
    for coding in ALL {
        let whole = encode(coding, &body);
        for length in 1..whole.len() {
            let cut = decode(&[coding], &whole[..length], ROOM);
            assert!(
                matches!(cut, Err(CodingError::Truncated)),
                "{coding:?} cut at {length}: {:?}",
                cut.err()
            );
        }
        for more in [&b"\0"[..], b"garbage", &whole] {
            let longer = [whole.as_slice(), more].concat();
            assert_eq!(decode(&[coding], &longer, ROOM), Err(CodingError::Trailing), "{coding:?}");
        }
        assert!(decode(&[coding], b"{\"plain\":\"json\"}", ROOM).is_err(), "{coding:?}");
    }
    let mut wrong_sum = gzip(&body);
    *wrong_sum.iter_mut().rev().nth(5).unwrap() ^= 1;
    assert_eq!(decode(&[Coding::Gzip], &wrong_sum, ROOM), Err(CodingError::Corrupt));
}

#[test]
fn gzip_headers() {
    let body = b"hello";
    let named = flate2::GzBuilder::new()
        .filename("a.json")
        .comment("a comment")
        .extra(b"extra".to_vec())
        .write(Vec::new(), Compression::default());
    let mut named = named;
    named.write_all(body).unwrap();
    assert_eq!(decode(&[Coding::Gzip], &named.finish().unwrap(), ROOM).unwrap(), &body[..]);

    let mut endless = flate2::GzBuilder::new()
        .filename(vec![b'a'; 8192])
        .write(Vec::new(), Compression::default());
    endless.write_all(body).unwrap();
    let endless = endless.finish().unwrap();
    assert_eq!(decode(&[Coding::Gzip], &endless, ROOM), Err(CodingError::Corrupt));

    for (place, value) in [(0, 0), (1, 0), (2, 7), (3, 0x80)] {
        let mut broken = gzip(body);
        broken[place] = value;
        assert_eq!(decode(&[Coding::Gzip], &broken, ROOM), Err(CodingError::Corrupt), "{place}");
    }
}

#[test]
fn bombs_stop_early() {
    let zeros = vec![0; 32 << 20];
    for coding in ALL {
        let bomb = encode(coding, &zeros);
        let limits = Limits { limit_bytes: 1 << 20, ratio: 1_000_000 };
        assert_eq!(decode(&[coding], &bomb, limits), Err(CodingError::TooLarge(1 << 20)));
        let limits = Limits { limit_bytes: u64::MAX, ratio: 100 };
        let mut decoder = Decoder::new(&[coding], limits).unwrap();
        let mut out = Vec::new();
        let (first, rest) = bomb.split_at(bomb.len().min(64));
        let result = decoder.push(first, &mut out).and_then(|()| decoder.push(rest, &mut out));
        assert_eq!(result, Err(CodingError::Ratio(100)), "{coding:?}");
        assert!(out.len() as u64 <= 100 * bomb.len() as u64 + BURST_SLACK_BYTES);
        assert_eq!(decoder.push(b"", &mut out), Err(CodingError::Ratio(100)));
        assert_eq!(decoder.finish(), Err(CodingError::Ratio(100)));

        let nested = gzip(&bomb);
        let limits = Limits { limit_bytes: 1 << 20, ratio: 1_000_000 };
        assert_eq!(
            decode(&[coding, Coding::Gzip], &nested, limits),
            Err(CodingError::TooLarge(1 << 20))
        );
    }
    let limits = Limits { limit_bytes: 4, ratio: 1 };
    assert_eq!(decode(&[], b"12345", limits), Err(CodingError::TooLarge(4)));
}

/// A stream may not save up ratio for one burst.
#[test]
fn bursts_are_bounded() {
    let noise: Vec<u8> =
        (0u32..400_000).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let mut out = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(&noise).unwrap();
    out.flush().unwrap();
    let honest = out.get_ref().len();
    out.write_all(&vec![0; 64 << 20]).unwrap();
    let coded = out.finish().unwrap();
    let limits = Limits { limit_bytes: u64::MAX, ratio: 100 };
    let mut decoder = Decoder::new(&[Coding::Gzip], limits).unwrap();
    let mut held = Vec::new();
    decoder.push(&coded[..honest], &mut held).unwrap();
    held.clear();
    let burst = decoder.push(&coded[honest..], &mut held);
    assert_eq!(burst, Err(CodingError::Ratio(100)));
    assert!(held.len() < 100 * (coded.len() - honest) + (2 << 20));
}

#[test]
fn great_windows_are_refused() {
    let body = b"window".repeat(10_000);
    let mut out = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    out.window_log(27).unwrap();
    out.write_all(&body).unwrap();
    let wide = out.finish().unwrap();
    assert_eq!(decode(&[Coding::Zstd], &wide, ROOM), Err(CodingError::Corrupt));

    // The first byte 0x11 announces a window beyond RFC 7932; the next one holds its size.
    assert!(decode(&[Coding::Br], &[0x11, 30, 0, 0, 0], ROOM).is_err());
}

#[test]
fn decoders_travel_between_threads() {
    fn is_send<T: Send>() {}
    is_send::<Decoder>();
}

proptest! {
    #[test]
    fn cuts_make_no_difference(
        body in prop::collection::vec(0u8..4, 0..3000),
        coding in prop::sample::select(&ALL[..]),
        cut in 1usize..40,
    ) {
        let coded = encode(coding, &body);
        let mut decoder = Decoder::new(&[coding], ROOM).unwrap();
        let mut out = Vec::new();
        for chunk in coded.chunks(cut) {
            decoder.push(chunk, &mut out).unwrap();
        }
        decoder.finish().unwrap();
        prop_assert_eq!(out, body);
    }

    #[test]
    fn no_bytes_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..256),
        start in 0usize..4,
        coding in prop::sample::select(&ALL[..]),
    ) {
        // A true beginning leads deeper than noise does.
        let mut coded = encode(coding, b"some text to begin with, and some more of it");
        coded.truncate(coded.len() * start / 4);
        coded.extend(bytes);
        if let Ok(out) = decode(&[coding], &coded, ROOM) {
            prop_assert!(out.len() as u64 <= ROOM.limit_bytes);
        }
    }

    #[test]
    fn flipped_bits_never_panic(
        at in any::<prop::sample::Index>(),
        bit in 0u8..8,
        coding in prop::sample::select(&ALL[..]),
    ) {
        let body = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}".repeat(30);
        let mut coded = encode(coding, &body);
        let place = at.index(coded.len());
        coded[place] ^= 1 << bit;
        let _ = decode(&[coding], &coded, ROOM);
    }
}
