//! Messages of protobuf, archives, and the limits of both.
use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use serde_json::json;

use super::*;

fn field(number: u64, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![u8::try_from(number << 3 | 2).unwrap()];
    let mut length = bytes.len();
    while length > 127 {
        out.push(u8::try_from(length % 128 + 128).unwrap());
        length /= 128;
    }
    out.push(u8::try_from(length).unwrap());
    out.extend_from_slice(bytes);
    out
}

#[test]
fn protobuf_lengths_follow_what_is_redacted() {
    let token = token();
    let message = |secret: &str| {
        let inner = [field(1, b"x"), field(2, format!("use {secret} now").as_bytes())].concat();
        [field(1, b"name"), field(3, &inner), vec![0x20, 0x96, 0x01], vec![0x2d, 1, 2, 3, 4]]
            .concat()
    };
    check(&Kind::Protobuf, message(&token), &["secret.github at number 3 number 2"], message(TAG));
    let frame = |body: &[u8]| {
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&[0][..], &length, body].concat()
    };
    let sent = [frame(&message("it")), frame(&message(&token))].concat();
    let expect = [frame(&message("it")), frame(&message(TAG))].concat();
    check(&Kind::Grpc(None), sent, &["secret.github at message 2 number 3 number 2"], expect);
    // A compressed one may go uncompressed.
    let mut packed = frame(&gzip(&message(&token)));
    packed[0] = 1;
    let coding = Kind::Grpc(Some("gzip".to_owned()));
    check(
        &coding,
        &packed,
        &["secret.github at message 1 number 3 number 2"],
        frame(&message(TAG)),
    );
    assert_eq!(open(&Kind::Grpc(None), &packed).unread(), Some(Why::Coding));
    assert_eq!(
        open(&Kind::Protobuf, &message("it")).view(),
        json!({"1": "name", "3": {"1": "x", "2": "use it now"}, "4": 150, "5": 0x0403_0201})
    );
}

#[test]
fn protobuf_numbers_and_other_readings_block() {
    // A card as a number.
    let mut number = vec![0x08];
    let mut card = 4_111_111_111_111_111_u64;
    while card > 127 {
        number.push(u8::try_from(card % 128 + 128).unwrap());
        card /= 128;
    }
    number.push(u8::try_from(card).unwrap());
    check(&Kind::Protobuf, &number, &["block pci.pan at number 1"], &number);
    // Every byte of the inner message is one of text, and its length byte is a letter.
    let inner = field(9, format!("{}{}", token(), " ".repeat(34)).as_bytes());
    assert_eq!(inner[..2], [b'J', b'J']);
    let (found, _) = redacted(&Kind::Protobuf, &field(1, &inner));
    assert_eq!(found, ["block secret.github at number 1 number 9"]);
    // Bytes of no known kind.
    let bytes = field(1, &[0xff, 0x00, 0x80, 0x99]);
    check(&Kind::Protobuf, &bytes, &["unread-kind at number 1"], &bytes);
    for bad in [&[0x0b][..], &[0x08], &[0x0a, 5, 1], &[0x00], &[0x08; 1], &[0xff; 11], b"text"] {
        assert!(open(&Kind::Protobuf, bad).unread().is_some(), "{bad:?}");
    }
}

#[test]
fn protobuf_cards_of_fixed_width_block_and_little_else() {
    let fixed = |number: u64| [&[0x09][..], &number.to_le_bytes()].concat();
    for card in [4_111_111_111_111_111, 5_555_555_555_554_444, 378_282_246_310_005] {
        check(&Kind::Protobuf, fixed(card), &["block pci.pan at number 1"], fixed(card));
    }
    let found = |numbers: &mut dyn Iterator<Item = u64>| {
        redacted(&Kind::Protobuf, &numbers.flat_map(fixed).collect::<Vec<_>>()).0.len()
    };
    let mut state = 7_u64;
    // SplitMix64, so that each run is the same.
    let mut random = std::iter::from_fn(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Some(mixed ^ (mixed >> 31))
    });
    const COUNT: usize = 100_000;
    let mut next = |make: &dyn Fn(u64) -> u64| found(&mut random.by_ref().take(COUNT).map(make));
    let year = 31_557_600_000_000_000;
    assert_eq!(next(&|bits| (bits as f64 / 1e19).to_bits()), 0, "fractions");
    assert_eq!(next(&|bits| ((bits >> 20) as f64).to_bits()), 0, "whole numbers as doubles");
    assert_eq!(next(&|bits| 50 * year + bits % (30 * year)), 0, "nanoseconds");
    assert_eq!(next(&|bits| (50 * year + bits % (18 * year)) / 1_000), 0, "microseconds");
    assert_eq!(next(&|bits| (400 * year + bits % (50 * year)) / 100), 0, "ticks since 1601");
    assert_eq!(next(&|bits| bits >> 16), 0, "addresses of devices");
    let hashes = next(&|bits| bits);
    // Two of them on average.
    assert!(hashes <= 10, "{hashes} hashes");
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut out);
    for (name, bytes) in files {
        let method = rawzip::CompressionMethod::DEFLATE;
        let (mut entry, config) =
            archive.new_file(name).compression_method(method).start().unwrap();
        let encoder = DeflateEncoder::new(&mut entry, Compression::default());
        let mut writer = config.wrap(encoder);
        writer.write_all(bytes).unwrap();
        let (encoder, told) = writer.finish().unwrap();
        encoder.finish().unwrap();
        entry.finish(told).unwrap();
    }
    archive.finish().unwrap();
    out
}

#[test]
fn archives_are_read_and_never_written() {
    let token = token();
    let zipped =
        zip(&[("readme", b"hello"), ("k/key.json", format!("{{\"k\":\"{token}\"}}").as_bytes())]);
    check(&Kind::Any, &zipped, &["block secret.github at entry k/key.json /k"], &zipped);
    let named = zip(&[(&format!("{token}.txt"), b"hello")]);
    let (found, _) = redacted(&Kind::Any, &named);
    assert!(
        found.contains(
            &"block secret.github at entry [REDACTED-GITHUB-TOKEN].txt (name)".to_owned()
        ),
        "{found:?}"
    );
    let packed = gzip(token.as_bytes());
    check(&Kind::Any, &packed, &["block secret.github at entry 1"], &packed);
    let twice = [gzip(&token.as_bytes()[..20]), gzip(&token.as_bytes()[20..])].concat();
    check(&Kind::Any, &twice, &["block secret.github at entry 1"], &twice);
    let mut tape = ::tar::Builder::new(Vec::new());
    let mut header = ::tar::Header::new_ustar();
    header.set_size(token.len() as u64);
    header.set_cksum();
    tape.append_data(&mut header, "etc/key", token.as_bytes()).unwrap();
    let tape = tape.into_inner().unwrap();
    check(&Kind::Any, &tape, &["block secret.github at entry etc/key"], &tape);
    check(&Kind::Any, gzip(&tape), &["block secret.github at entry 1 entry etc/key"], gzip(&tape));
    assert_eq!(open(&Kind::Any, &zip(&[("a", b"x")])).view(), json!({"a": "x"}));
}

#[test]
fn texts_of_office_documents_are_put_together() {
    let token = token();
    let (start, end) = token.split_at(6);
    let word = format!(
        "<?xml version=\"1.0\"?><w:document><w:p><w:r><w:t>see {start}</w:t></w:r><w:r><w:t>{end}</w:t></w:r></w:p></w:document>"
    );
    let document = zip(&[
        ("[Content_Types].xml", b"<?xml version=\"1.0\"?><Types/>"),
        ("word/document.xml", word.as_bytes()),
    ]);
    check(&Kind::Any, &document, &["block secret.github at entry word/document.xml"], &document);
}

#[test]
fn archives_with_two_readings_are_not_read() {
    let whole = zip(&[("a", b"hello"), ("b", b"world")]);
    let hidden = [zip(&[("h", b"hidden")]), whole.clone()].concat();
    for (name, bad) in [
        ("before", hidden),
        ("behind", [whole.clone(), b"x".to_vec()].concat()),
        ("cut", whole[..whole.len() - 30].to_vec()),
        ("header only", b"PK\x03\x04".to_vec()),
    ] {
        let document = open(&Kind::Any, &bad);
        assert!(matches!(document.unread(), Some(Why::Malformed(_))), "{name}: {document:?}");
    }
    // Another name in the header before the file than in the directory.
    let mut renamed = whole.clone();
    renamed[30] = b'c';
    assert!(matches!(open(&Kind::Any, &renamed).unread(), Some(Why::Malformed(_))));
    // Two entries that share their bytes.
    let one = zip(&[("a", b"hello")]);
    let at = one.len() - 22 - 47;
    let (files, rest) = one.split_at(at);
    let (record, end) = rest.split_at(47);
    let mut end = end.to_vec();
    (end[8], end[10], end[12]) = (2, 2, 94);
    let shared = [files, record, record, &end].concat();
    assert!(matches!(open(&Kind::Any, &shared).unread(), Some(Why::Malformed(_))));
    let trailing = [gzip(b"a"), b"more".to_vec()].concat();
    assert!(matches!(open(&Kind::Any, &trailing).unread(), Some(Why::Malformed(_))));
}

#[test]
fn limits_are_told_with_their_place() {
    let tight = Limits { depth: 3, entries: 4, nodes: 100, expanded_bytes: 2 << 20, ratio: 50 };
    let why = |kind: &Kind, bytes: &[u8]| {
        opener(tight, |opener| {
            let mut document = Document::open(kind, bytes, opener);
            let scanner = Scanner::new().unwrap();
            let judge = Judge::default();
            let found = scanner.redact_document(&mut document, &judge, Direction::Request);
            assert_eq!(document.write(), bytes);
            let line = |unread: &Unread| format!("{} {}", unread.why.as_str(), unread.place);
            found.unread.iter().map(line).collect::<Vec<_>>().join(", ").trim_end().to_owned()
        })
    };
    let deep = gzip(&gzip(&gzip(&gzip(b"x"))));
    assert_eq!(why(&Kind::Any, &deep), "unread-too-deep entry 1 entry 1 entry 1");
    let files = zip(&[("a", b"1"), ("b", b"2"), ("c", b"3"), ("d", b"4"), ("e", b"5")]);
    assert_eq!(why(&Kind::Any, &files), "unread-too-many");
    assert_eq!(why(&Kind::Form, b"a&b&c&d&e"), "unread-too-many");
    assert_eq!(why(&Kind::Lines, "1\n".repeat(200).as_bytes()), "unread-too-many");
    let bomb = zip(&[("bomb", &vec![0; 1_500_000])]);
    assert_eq!(why(&Kind::Any, &bomb), "unread-ratio entry bomb");
    let noise: Vec<u8> =
        (0..700_000_u32).flat_map(|n| n.wrapping_mul(0x9e37_79b1).to_be_bytes()).collect();
    let large = zip(&[("large", &noise)]);
    assert_eq!(why(&Kind::Any, &large), "unread-too-large entry large");
}
