//! Ways of writing a text so that it does not look like what it is.
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use data_encoding::{BASE32, HEXLOWER, HEXUPPER};
use serde_json::json;

/// A name, and how a text is written.
pub type Way = (&'static str, fn(&str) -> String);

/// Those that write every text, and can be written in one another.
pub const CODINGS: [Way; 25] = [
    ("percent", |text| bytes(text, |byte| format!("%{byte:02X}"))),
    ("percent of signs", |text| signs(text, |byte| format!("%{byte:02x}"))),
    ("percent twice", |text| bytes(text, |byte| format!("%25{byte:02x}"))),
    ("base64", |text| STANDARD.encode(text)),
    ("base64 without padding", |text| STANDARD_NO_PAD.encode(text)),
    ("base64 of URLs", |text| URL_SAFE.encode(text)),
    ("base64 of URLs without padding", |text| URL_SAFE_NO_PAD.encode(text)),
    ("base64 in lines", wrapped),
    ("base32", |text| BASE32.encode(text.as_bytes())),
    ("hex", |text| HEXLOWER.encode(text.as_bytes())),
    ("hex in capitals", |text| HEXUPPER.encode(text.as_bytes())),
    ("escapes of JSON", |text| chars(text, escaped)),
    ("escapes of C", |text| bytes(text, |byte| format!("\\x{byte:02x}"))),
    ("JSON in JSON", |text| {
        json!({ "arguments": json!({ "note": text }).to_string() }).to_string()
    }),
    ("entities", |text| chars(text, |c| format!("&#{};", u32::from(c)))),
    ("entities in hex", |text| chars(text, |c| format!("&#x{:x};", u32::from(c)))),
    ("quoted-printable", |text| bytes(text, |byte| format!("={byte:02X}"))),
    ("gzip", |text| STANDARD.encode(gzip(text))),
    ("zlib", |text| STANDARD.encode(zlib(text))),
    ("deflate", |text| STANDARD.encode(deflate(&asked(text)))),
    ("brotli", |text| STANDARD.encode(brotli(&asked(text)))),
    ("zstd", |text| STANDARD.encode(zstd::encode_all(text.as_bytes(), 3).unwrap())),
    ("full-width", |text| chars(text, |c| full_width(c).to_string())),
    ("zero width", |text| between(text, "\u{200b}")),
    ("homoglyphs", |text| chars(text, |c| alike(c).to_string())),
];

/// Those that are the last step.
pub const DISGUISES: [Way; 9] = [
    ("behind an escaped line end", |text| {
        let note = format!("as said:\n{text}\nand so on");
        json!({ "arguments": json!({ "note": note }).to_string() }).to_string()
    }),
    ("base64 of UTF-16", |text| {
        let units = text.encode_utf16().flat_map(u16::to_le_bytes);
        STANDARD.encode(units.collect::<Vec<u8>>())
    }),
    ("quoted-printable of mail", mail),
    ("soft hyphens", |text| between(text, "\u{ad}")),
    ("controls of direction", |text| format!("\u{202a}{}\u{202c}", between(text, "\u{200e}"))),
    ("tags", |text| chars(text, |c| tag(c).to_string())),
    ("reversed", |text| text.chars().rev().collect()),
    ("rot13", |text| chars(text, |c| rot13(c).to_string())),
    ("labels in hex", labels),
];

/// Those that write the find alone in another way, where it stands.
pub const BROKEN: [Way; 7] = [
    ("base64 of the find", |find| STANDARD.encode(find)),
    ("blanks between all", |find| between(find, " ")),
    ("hyphens between all", |find| between(find, "-")),
    ("groups of four", |find| pieces(find, 4).join(" ")),
    ("lines of twenty", |find| pieces(find, 20).join("\n")),
    ("strings of Python", |find| strings(find, " + ")),
    ("strings of JavaScript", |find| strings(find, ", ")),
];

fn bytes(text: &str, write: impl Fn(u8) -> String) -> String {
    text.bytes().map(write).collect()
}

fn chars(text: &str, write: impl Fn(char) -> String) -> String {
    text.chars().map(write).collect()
}

/// As programs write URLs: letters and digits stay.
fn signs(text: &str, write: impl Fn(u8) -> String) -> String {
    bytes(text, |byte| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(byte).to_string(),
        _ => write(byte),
    })
}

/// With enough before it that it takes two lines; and that it is long enough to be tried where no
/// first bytes tell how it is packed.
fn asked(text: &str) -> String {
    format!("The following was asked for by the night shift of the second plant. {text}")
}

/// As mail has it (RFC 2045 section 6.8).
fn wrapped(text: &str) -> String {
    pieces(&STANDARD.encode(asked(text)), 76).join("\r\n")
}

fn escaped(c: char) -> String {
    let mut units = [0; 2];
    c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

/// RFC 2045 section 6.7: what is no letter and no digit, and soft line ends.
fn mail(text: &str) -> String {
    pieces(&signs(text, |byte| format!("={byte:02X}")), 60)
        .into_iter()
        .reduce(|lines, line| {
            // An escape is not broken.
            let cut = lines.rfind('=').filter(|at| lines.len() - at < 3).unwrap_or(lines.len());
            format!("{}=\n{}{line}", &lines[..cut], &lines[cut..])
        })
        .unwrap_or_default()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let level = flate2::Compression::default();
    flate2::read::GzEncoder::new(text.as_bytes(), level).read_to_end(&mut out).unwrap();
    out
}

fn zlib(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let level = flate2::Compression::default();
    flate2::read::ZlibEncoder::new(text.as_bytes(), level).read_to_end(&mut out).unwrap();
    out
}

fn deflate(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let level = flate2::Compression::default();
    flate2::read::DeflateEncoder::new(text.as_bytes(), level).read_to_end(&mut out).unwrap();
    out
}

fn brotli(text: &str) -> Vec<u8> {
    let mut packed = Vec::new();
    let params = brotli::enc::BrotliEncoderParams::default();
    brotli::BrotliCompress(&mut text.as_bytes(), &mut packed, &params).unwrap();
    packed
}

fn full_width(c: char) -> char {
    match c {
        '!'..='~' => char::from_u32(u32::from(c) + 0xFEE0).unwrap(),
        _ => c,
    }
}

fn tag(c: char) -> char {
    if c.is_ascii_graphic() { char::from_u32(u32::from(c) + 0xE0000).unwrap() } else { c }
}

/// Letters of Cyrillic and Greek that look the same.
fn alike(c: char) -> char {
    const LATIN: &str = "aceopxyijsABCEHKMOPTXYZIN";
    const OTHERS: &str = "асеорхуіјѕАВСЕНКМОРТХΥΖΙΝ";
    let known = LATIN.chars().zip(OTHERS.chars()).find(|(latin, _)| *latin == c);
    known.map_or(c, |(_, other)| other)
}

fn rot13(c: char) -> char {
    let turn = |base: u8| char::from((c as u8 - base + 13) % 26 + base);
    match c {
        'a'..='z' => turn(b'a'),
        'A'..='Z' => turn(b'A'),
        _ => c,
    }
}

fn between(text: &str, sign: &str) -> String {
    text.chars().map(String::from).collect::<Vec<_>>().join(sign)
}

pub fn pieces(text: &str, length: usize) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(length).map(|piece| piece.iter().collect()).collect()
}

/// Strings of nine letters and what stands between them. The quotes around them are those that
/// stand there already.
fn strings(find: &str, between: &str) -> String {
    pieces(&find.replace('\n', "\\n"), 9).join(&format!("\"{between}\""))
}

/// What a host name carries away, sixty digits a label.
fn labels(text: &str) -> String {
    let labels = pieces(&HEXLOWER.encode(text.as_bytes()), 60).join(".");
    format!("nslookup {labels}.a.example.com")
}
