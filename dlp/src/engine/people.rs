//! What tells of people, places and machines: where each of its checks is asked.
use super::glance::Glance;
use super::ident::Spoken;
use super::letters::{self, Letters};
use super::{
    Open, Outcome, Span, Window, boundary, crypto, email, ip, key, mac, person, phone, place,
    postcode, seed,
};

/// What a literal says that follows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// The `[at]` of a mail address.
    At,
    /// A word that announces a day of birth.
    Birth,
    /// The name of a box that mail goes to.
    Box,
    /// Two streets.
    Corner,
    /// The name of a field whose value is a name.
    Field,
    /// A word for a place on the globe.
    Globe,
    /// `Name:`
    Label,
    /// The name of a hardware address.
    Mac,
    /// A post office of armed forces.
    Military,
    /// A phrase that a name follows.
    Phrase,
    /// A phrase that an address follows.
    Place,
    /// A word that announces a phrase of words.
    Seed,
    /// A title.
    Title,
}

/// Parts of names of members that tell what their value is.
const NAMES: [&[u8]; 40] = [
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
    b"first",
    b"last",
    b"full",
    b"name",
    b"birth",
    b"dob",
    b"born",
    b"zip",
    b"post",
    b"plz",
    b"gps",
    b"geo",
    b"seed",
    b"mnemonic",
    b"recovery",
    b"holder",
];

const NAME_LETTERS: [Letters; NAMES.len()] = letters::of_all(&NAMES);

/// Whether a member of this name may tell of people, places and machines.
pub(crate) fn tells(name: &[u8]) -> bool {
    key::holds_any(name, NAMES.into_iter(), &NAME_LETTERS)
}

/// The literals, with what is looked for behind each.
pub(crate) fn literals() -> impl Iterator<Item = (&'static str, Kind)> {
    let all: [(&[&str], Kind); 13] = [
        (&email::LITERALS, Kind::At),
        (&person::BIRTHS, Kind::Birth),
        (&place::BOXES, Kind::Box),
        (&[place::CORNER], Kind::Corner),
        (&person::FIELDS, Kind::Field),
        (&place::GLOBE, Kind::Globe),
        (&[person::LABEL], Kind::Label),
        (&mac::LITERALS, Kind::Mac),
        (&place::MILITARY, Kind::Military),
        (&person::PHRASES, Kind::Phrase),
        (&place::PHRASES, Kind::Place),
        (&seed::LITERALS, Kind::Seed),
        (&person::TITLES, Kind::Title),
    ];
    all.into_iter().flat_map(|(texts, kind)| texts.iter().map(move |text| (*text, kind)))
}

type Check = fn(&Window<'_>, Span) -> Outcome;

/// Looks at a word with a digit in it.
pub(crate) fn shapes(
    window: &Window<'_>,
    word: Span,
    (glance, spoken): (&Glance, Spoken),
    mut take: impl FnMut(Outcome),
) {
    let checks: [(bool, Check); 6] = [
        (ip::may_be(glance), ip::check),
        (mac::may_be(glance), mac::check),
        (crypto::may_be(glance), crypto::check),
        (phone::may_be(glance), phone::check),
        (postcode::may_be(glance, spoken), postcode::check),
        (place::may_be(glance), place::check),
    ];
    for (_, check) in checks.iter().filter(|(may_be, _)| glance.open || *may_be) {
        take(check(window, word));
    }
}

/// Looks behind a literal.
pub(crate) fn behind(window: &Window<'_>, at: usize, length: usize, kind: Kind) -> Outcome {
    // The words of a tag say nothing.
    if boundary::is_inside_tag(window, at) {
        return Outcome::Nothing;
    }
    match kind {
        Kind::At => email::disguised(window, at, length),
        Kind::Birth => person::birth(window, at, length),
        Kind::Box => place::boxed(window, at, length),
        Kind::Corner => place::corner(window, at, length),
        Kind::Field => person::field(window, at, length),
        Kind::Globe => place::globe(window, at, length),
        Kind::Label => person::labelled(window, at, length),
        Kind::Mac => mac::behind(window, at, length),
        Kind::Military => place::military(window, at, length),
        Kind::Phrase => person::announced(window, at, length),
        Kind::Place => place::announced(window, at, length),
        Kind::Seed => seed::behind(window, at, length),
        Kind::Title => person::titled(window, at, length),
    }
}

/// Where the text ends with what may be the beginning of something.
pub(crate) fn tail(window: &Window<'_>) -> Option<Open> {
    let tails = [ip::tail(window), mac::tail(window), phone::tail(window)];
    tails.into_iter().flatten().min_by_key(|open| open.from)
}
