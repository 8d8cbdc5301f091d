//! What was measured: the share of each kind that is found at least, in percent. What is packed comes
//! out in other bytes with other builds of the packer, so that one find more or less is no change.
use super::positives::Kind;

/// A way, and the floors of tokens, other secrets, payment, numbers of persons, and all else.
pub type Floor = (&'static str, [u32; Kind::ALL.len()]);

/// Each example in each way. Of secrets, fewer than 95 % are found
/// - reversed and moved by thirteen, which are looked for at the literals of tokens with four letters
///   or more: a name that is turned as well tells nothing;
/// - with something between all characters, where the text around them looks the same, or a find ends
///   in the middle of a group; and in lines and strings, where what is broken is the sign that tells
///   it, or holds words (seed phrases, the first line of a private key);
/// - as mail has it, where a dollar before a digit is written as a number.
pub const ONE_DEEP: &[Floor] = &[
    ("JSON in JSON", [99, 98, 100, 100, 97]),
    ("base32", [100, 100, 100, 100, 97]),
    ("base64", [100, 100, 100, 99, 97]),
    ("base64 in lines", [100, 100, 100, 100, 98]),
    ("base64 of URLs", [100, 100, 100, 99, 97]),
    ("base64 of URLs without padding", [100, 100, 96, 98, 95]),
    ("base64 of UTF-16", [100, 100, 100, 88, 97]),
    ("base64 of the find", [100, 100, 90, 90, 72]),
    ("base64 without padding", [100, 100, 96, 98, 95]),
    ("behind an escaped line end", [99, 98, 93, 97, 89]),
    ("blanks between all", [95, 46, 87, 85, 4]),
    ("brotli", [98, 96, 96, 92, 92]),
    ("controls of direction", [100, 100, 100, 100, 100]),
    ("deflate", [99, 100, 100, 100, 98]),
    ("entities", [100, 100, 100, 100, 100]),
    ("entities in hex", [100, 100, 100, 100, 100]),
    ("escapes of C", [100, 100, 100, 100, 100]),
    ("escapes of JSON", [100, 100, 100, 100, 100]),
    ("full-width", [100, 100, 100, 100, 100]),
    ("groups of four", [95, 77, 81, 67, 29]),
    ("gzip", [100, 100, 100, 100, 100]),
    ("hex", [100, 100, 100, 100, 97]),
    ("hex in capitals", [100, 100, 100, 100, 97]),
    ("homoglyphs", [100, 100, 100, 91, 97]),
    ("hyphens between all", [96, 84, 78, 75, 14]),
    ("labels in hex", [98, 89, 90, 98, 89]),
    ("lines of twenty", [99, 86, 90, 98, 92]),
    ("percent", [100, 100, 100, 100, 100]),
    ("percent of signs", [99, 100, 100, 100, 100]),
    ("percent twice", [100, 100, 100, 100, 100]),
    ("quoted-printable", [100, 100, 100, 100, 100]),
    ("quoted-printable of mail", [97, 79, 59, 40, 51]),
    ("reversed", [81, 3, 0, 2, 5]),
    ("rot13", [80, 13, 18, 19, 26]),
    ("soft hyphens", [100, 100, 100, 100, 100]),
    ("strings of JavaScript", [96, 74, 81, 77, 50]),
    ("strings of Python", [97, 77, 96, 96, 54]),
    ("tags", [100, 100, 100, 100, 100]),
    ("zero width", [100, 100, 100, 100, 100]),
    ("zlib", [100, 100, 93, 100, 97]),
    ("zstd", [100, 100, 100, 100, 97]),
];

/// A sample of the examples in each way, by the outer one.
pub const TWO_DEEP: &[Floor] = &[
    ("JSON in JSON", [99, 100, 100, 97, 100]),
    ("base32", [99, 100, 100, 98, 100]),
    ("base64", [99, 100, 100, 98, 100]),
    ("base64 in lines", [99, 100, 100, 98, 100]),
    ("base64 of URLs", [99, 100, 100, 98, 100]),
    ("base64 of URLs without padding", [99, 100, 100, 98, 100]),
    ("base64 without padding", [99, 100, 100, 98, 100]),
    ("brotli", [98, 98, 100, 98, 98]),
    ("deflate", [96, 98, 100, 98, 100]),
    ("entities", [99, 100, 100, 98, 100]),
    ("entities in hex", [99, 100, 100, 98, 100]),
    ("escapes of C", [99, 100, 100, 98, 100]),
    ("escapes of JSON", [99, 100, 100, 98, 100]),
    ("full-width", [99, 100, 100, 98, 100]),
    ("gzip", [99, 100, 100, 98, 100]),
    ("hex", [99, 100, 100, 98, 100]),
    ("hex in capitals", [99, 100, 100, 98, 100]),
    ("homoglyphs", [96, 92, 100, 92, 94]),
    ("percent", [99, 100, 100, 98, 100]),
    ("percent of signs", [94, 98, 100, 93, 96]),
    ("percent twice", [99, 100, 100, 98, 100]),
    ("quoted-printable", [99, 100, 100, 98, 100]),
    ("zero width", [99, 100, 100, 98, 100]),
    ("zlib", [99, 100, 100, 98, 100]),
    ("zstd", [99, 100, 100, 98, 100]),
];

/// Each example in pieces, wherever it is cut. Of calls, only secrets with a literal are remembered, and
/// none with a short one: two numbers that make a third, or an id and a word, are in any two calls. And
/// a piece must look like one, where any word would complete the token.
pub const IN_PIECES: &[Floor] = &[
    ("bytes", [100, 100, 100, 100, 100]),
    ("calls", [86, 31, 0, 2, 16]),
    ("chunks", [100, 100, 100, 100, 100]),
    ("deltas of OpenAI", [100, 100, 100, 100, 100]),
    ("deltas of a tool call", [100, 100, 100, 100, 100]),
    ("events of a text", [100, 98, 100, 100, 98]),
    ("items", [98, 56, 90, 92, 25]),
    ("items of a text", [98, 60, 90, 92, 25]),
    ("members", [98, 58, 90, 92, 25]),
    ("members of a text", [99, 63, 90, 92, 25]),
];
