//! How examples are written down.

/// `<36>` becomes 36 letters and digits, `<32x>` hexadecimal ones, `<16A>` upper-case letters and
/// digits, `<20a>` lower-case letters and digits, `<10d>` digits: no token is written out in this
/// repository, and none is a real one.
///
/// ```
/// assert_eq!(tollgate_dlp::expand("key=ab_<6d>."), "key=ab_729401.");
/// ```
pub fn expand(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once('<') {
        out.push_str(before);
        let spec = tail.split_once('>').and_then(|(spec, tail)| {
            let digits = spec.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let alphabet: &[u8] = match spec.strip_prefix(digits)? {
                "" => b"q7Xw2Rb9Kd4Ts6Vn1Zh8Gj3Lp5Fm0Yc",
                "x" => b"3fa9c17e08bd5246",
                "A" => b"Q7XW2RB4KDTS6VNZHGJ3LPFMYC5",
                "a" => b"q7xw2rb9kd4ts6vn1zh8gj3lp5fm0yc",
                "d" => b"7294016385",
                _ => return None,
            };
            Some((digits.parse::<usize>().ok()?, alphabet, tail))
        });
        match spec {
            Some((count, alphabet, tail)) => {
                out.extend(alphabet.iter().cycle().take(count).map(|byte| char::from(*byte)));
                rest = tail;
            }
            None => {
                out.push('<');
                rest = tail;
            }
        }
    }
    out + rest
}
