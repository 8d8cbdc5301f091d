//! What tells of people, places and machines: where each of its checks is asked.
use super::{Open, Outcome, Span, Window, crypto, email, ip, mac, phone};

/// What a literal says that follows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// The `[at]` of a mail address.
    At,
    /// The name of a hardware address.
    Mac,
}

/// Parts of names of members that tell what their value is.
pub(crate) const NAMES: &[&[u8]] = &[
    b"phone",
    b"mobile",
    b"tel",
    b"fax",
    b"cell",
    b"msisdn",
    b"whatsapp",
    b"sms",
    b"gsm",
    b"ip",
    b"host",
    b"addr",
    b"server",
    b"client",
    b"network",
    b"subnet",
    b"mac",
    b"bssid",
    b"wallet",
    b"btc",
    b"bitcoin",
    b"eth",
    b"crypto",
    b"version",
];

/// The literals, with what is looked for behind each.
pub(crate) fn literals() -> impl Iterator<Item = (&'static str, Kind)> {
    let at = email::LITERALS.iter().map(|text| (*text, Kind::At));
    at.chain(mac::LITERALS.iter().map(|text| (*text, Kind::Mac)))
}

/// Looks at a word with a digit in it.
pub(crate) fn shapes(window: &Window<'_>, word: Span, mut take: impl FnMut(Outcome)) {
    take(ip::check(window, word));
    take(mac::check(window, word));
    take(crypto::check(window, word));
    take(phone::check(window, word));
}

/// Looks behind a literal.
pub(crate) fn behind(window: &Window<'_>, at: usize, length: usize, kind: Kind) -> Outcome {
    match kind {
        Kind::At => email::disguised(window, at, length),
        Kind::Mac => mac::behind(window, at, length),
    }
}

/// Where the text ends with what may be the beginning of something.
pub(crate) fn tail(window: &Window<'_>) -> Option<Open> {
    let tails = [ip::tail(window), mac::tail(window), phone::tail(window)];
    tails.into_iter().flatten().min_by_key(|open| open.from)
}
