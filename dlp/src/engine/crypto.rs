//! Addresses and keys of ledgers: each kind by its own checksum.
use super::boundary::{Side, after, free_before, is_word};
use super::codes;
use super::context::{Cue, told};
use super::glance::Glance;
use super::hit::Rank;
use super::{Hit, Open, Outcome, Span, Window};
use crate::finding::Grade;

pub(crate) const DETECTOR: &str = "crypto-address";
pub(crate) const CLASS: &str = "financial.crypto_address";
pub(crate) const KEY_DETECTOR: &str = "crypto-key";
pub(crate) const KEY_CLASS: &str = "secret.crypto_key";

/// The shortest is `bc1` with a program of two bytes; no address is looked for below an account
/// of 20 bytes in base58.
const SHORTEST: usize = 25;
/// How long a word must be before it is worth waiting for more.
const SERIOUS: usize = 12;
/// Cardano's addresses with a part for staking have 103 letters, its keys 114.
const LONGEST: usize = 120;

const CUE: Cue = Cue::new(
    &[
        "btc", "eth", "ltc", "xrp", "xmr", "sol", "trx", "ada", "dot", "usdt", "usdc", "erc",
        "bep", "web", "evm",
    ],
    &[
        "wallet", "bitcoin", "ethereum", "litecoin", "dogecoin", "ripple", "monero", "solana",
        "phantom", "tron", "cardano", "polkadot", "kusama", "crypto", "metamask", "ledger",
        "binance", "polygon", "payout",
    ],
);

/// Names of keys before the `1` of Bech32.
const KEYS: [&[u8]; 5] = [b"nsec", b"ed25519sk", b"xprv", b"acctxsk", b"rootxsk"];

/// What the bytes turn out to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Address(Grade),
    Key,
}

/// Nothing is shorter than the shortest address.
pub(crate) fn may_be(glance: &Glance) -> bool {
    glance.length >= SHORTEST
}

/// Whether the last word of a text may be the beginning of a private key: long enough to be worth
/// keeping, with letters of both cases as base58 has them, behind the `S` of Stellar's, or behind a
/// name.
pub(crate) fn may_begin_key(text: &[u8]) -> bool {
    let length = text.iter().rev().take(LONGEST).take_while(|byte| is_word(**byte)).count();
    let word = text.get(text.len() - length..).unwrap_or_default();
    let (upper, lower) = (|b: &u8| b.is_ascii_uppercase(), |b: &u8| b.is_ascii_lowercase());
    let named =
        |name: &&[u8]| word.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name));
    word.len() >= SERIOUS
        && word.iter().any(u8::is_ascii_digit)
        && (word.iter().any(upper) && (word.iter().any(lower) || word.first() == Some(&b'S'))
            || KEYS.iter().any(named))
}

/// Looks at the word: is it an address or a key?
pub(crate) fn check(window: &Window<'_>, word: Span) -> Outcome {
    let length = word.end - word.start;
    let taken = |byte| is_word(byte) || byte >= 0x80;
    let start = word.start;
    // Cardano's names for its test network have an underscore: `addr_test1…`.
    let named = [&b"addr_"[..], b"stake_"]
        .iter()
        .any(|name| window.part(start.saturating_sub(name.len()), start) == *name);
    if length > LONGEST || (!named && !free_before(window, start, taken)) {
        return Outcome::Nothing;
    }
    match after(window, word.end, |byte| taken(byte) || byte == b'+') {
        Side::Unknown => {
            return Outcome::Open(Open { from: start, serious: length >= SERIOUS });
        }
        Side::Free if length >= SHORTEST => {}
        Side::Taken | Side::Free => return Outcome::Nothing,
    }
    let Some(kind) = kind(window, start, window.part(word.start, word.end)) else {
        return Outcome::Nothing;
    };
    let span = Span::new(start, word.end);
    Outcome::Hit(match kind {
        Kind::Address(grade) => {
            Hit::new((DETECTOR, CLASS), grade, span, ("[REDACTED:CRYPTO]", Rank::Shape))
        }
        Kind::Key => Hit::new(
            (KEY_DETECTOR, KEY_CLASS),
            Grade::Certain,
            span,
            ("[REDACTED-CRYPTO-KEY]", Rank::Token),
        ),
    })
}

fn kind(window: &Window<'_>, start: usize, word: &[u8]) -> Option<Kind> {
    if let Some(hex) = word.strip_prefix(b"0x").or(word.strip_prefix(b"0X")) {
        return ethereum(window, start, hex);
    }
    if codes::bech32(word) {
        return bech32_kind(word);
    }
    match word.len() {
        56 | 58 => base32(word),
        _ => None,
    }
    .or_else(|| base58(window, start, word))
}

/// EIP-55: the case of its letters is the checksum.
fn ethereum(window: &Window<'_>, start: usize, hex: &[u8]) -> Option<Kind> {
    if hex.len() != 40 || !hex.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let capital = hex.iter().any(u8::is_ascii_uppercase);
    let small = hex.iter().any(u8::is_ascii_lowercase);
    Some(Kind::Address(match (capital && small, codes::eip_55(hex)) {
        (true, true) => Grade::Certain,
        (true, false) => Grade::Possible,
        (false, _) if told(window, start, &CUE) => Grade::Likely,
        (false, _) => Grade::Possible,
    }))
}

/// Whose the name before the last `1` is (SLIP-0173, and the registries of the chains).
fn bech32_kind(word: &[u8]) -> Option<Kind> {
    const ADDRESSES: [&[u8]; 48] = [
        b"bc",
        b"tb",
        b"bcrt",
        b"ltc",
        b"tltc",
        b"rltc",
        b"sp",
        b"tsp",
        b"addr",
        b"stake",
        b"test",
        b"cosmos",
        b"osmo",
        b"juno",
        b"terra",
        b"inj",
        b"kava",
        b"secret",
        b"axelar",
        b"celestia",
        b"stars",
        b"akash",
        b"evmos",
        b"sei",
        b"thor",
        b"maya",
        b"bnb",
        b"tbnb",
        b"band",
        b"dydx",
        b"noble",
        b"neutron",
        b"stride",
        b"persistence",
        b"agoric",
        b"regen",
        b"iota",
        b"smr",
        b"avax",
        b"erd",
        b"zil",
        b"one",
        b"zs",
        b"dgb",
        b"vtc",
        b"btg",
        b"grs",
        b"sys",
    ];
    let at = memchr::memrchr(b'1', word)?;
    let name = word.get(..at)?;
    let known = |names: &[&[u8]]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    if known(&ADDRESSES) {
        Some(Kind::Address(Grade::Certain))
    } else if known(&KEYS) {
        Some(Kind::Key)
    } else {
        None
    }
}

/// Stellar's accounts (56 letters, a CRC) and Algorand's (58, a part of a digest).
fn base32(word: &[u8]) -> Option<Kind> {
    let mut bytes = [0_u8; 36];
    let length = codes::base32(word, &mut bytes)?;
    let bytes = bytes.get(..length)?;
    match word.first() {
        Some(b'G' | b'M' | b'C') if length == 35 && codes::stellar(bytes) => {
            Some(Kind::Address(Grade::Certain))
        }
        Some(b'S') if length == 35 && codes::stellar(bytes) => Some(Kind::Key),
        _ if length == 36 && codes::algorand(bytes) => Some(Kind::Address(Grade::Certain)),
        _ => None,
    }
}

fn base58(window: &Window<'_>, start: usize, word: &[u8]) -> Option<Kind> {
    if !matches!(word.len(), 25..=53 | 58 | 95 | 106 | 111..=113) {
        return None;
    }
    let both = word.iter().any(u8::is_ascii_uppercase) && word.iter().any(u8::is_ascii_lowercase);
    if !both {
        return None;
    }
    if matches!(word.len(), 95 | 106) {
        return codes::monero(word).then_some(Kind::Address(Grade::Certain));
    }
    let mut bytes = [0_u8; codes::BASE58_BYTES];
    if word.first() == Some(&b'r') || word.first() == Some(&b's') {
        let ripple =
            codes::base58(word, codes::RIPPLE, &mut bytes).filter(|b| codes::double_sha(b));
        match (ripple.map(<[u8]>::len), ripple.and_then(<[u8]>::first)) {
            (Some(25), Some(0)) => return Some(Kind::Address(Grade::Certain)),
            (Some(21 | 23), _) => return Some(Kind::Key),
            _ => {}
        }
    }
    let bytes = codes::base58(word, codes::BITCOIN, &mut bytes)?;
    if codes::double_sha(bytes) {
        return match bytes.len() {
            // A version of one, two or three bytes and the digest of a key or a script.
            25..=27 => Some(Kind::Address(Grade::Certain)),
            // A private key as wallets import it, and one behind a passphrase (BIP-38).
            37 | 38 if bytes.first().is_some_and(|version| *version >= 0x80) => Some(Kind::Key),
            43 if bytes.starts_with(&[1, 0x42]) || bytes.starts_with(&[1, 0x43]) => Some(Kind::Key),
            // An extended key (BIP-32): a zero byte stands before a private one.
            82 if bytes.get(45) == Some(&0) => Some(Kind::Key),
            82 => Some(Kind::Address(Grade::Certain)),
            _ => None,
        };
    }
    // Of these the checksum is none, or another digest than those above: a word must say it. So
    // must it for an address of Bitcoin that was copied with a mistake.
    let shaped = match bytes.len() {
        32 | 35 => true,
        24..=26 => matches!(word.first(), Some(b'1' | b'3')) && word.len() <= 35,
        _ => false,
    };
    (shaped && told(window, start, &CUE)).then_some(Kind::Address(Grade::Likely))
}
