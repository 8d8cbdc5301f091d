//! Values beside a provider's name: `ADAFRUIT_KEY=…`, `clockify ACCESS …`, `"linear": "…"`.
//!
//! Nothing in such a value tells whose it is, so the name must: it stands before the value, with
//! an assignment or a telling word in between and little else. A value counts when it has the
//! provider's shape, or when name, telling word and value together leave little doubt.
use super::boundary::{Side, after, free_before, is_word, tag_after};
use super::checks::{entropy, is_wordy};
use super::hit::Rank;
use super::key::{Strength, rfind};
use super::shape::Shape;
use super::{Hit, Open, Outcome, Span, Window, written};
use crate::detectors::neighbours::{Neighbour, Ring};
use crate::finding::Grade;

pub(crate) const DETECTOR: &str = "provider-secret";

/// How far behind the name a value may begin.
const REACH_BYTES: usize = 72;
/// How far behind the name the assignment may stand.
const NAME_BYTES: usize = 40;
/// The longest value that is looked at.
const VALUE_BYTES: usize = 512;
/// The longest word that is looked at as such.
const WORD_BYTES: usize = 128;
/// More words than this between name and value are prose.
const WORDS_BETWEEN: usize = 5;

/// Words that say a secret comes; also as parts of words: `apiKey`, `accessToken`.
const TELLING: [&[u8]; 17] = [
    b"key", b"token", b"secret", b"private", b"access", b"auth", b"pass", b"pwd", b"cred",
    b"bearer", b"licen", b"signing", b"webhook", b"tkn", b"login", b"crumb", b"unseal",
];

/// Words that say what comes is not the secret itself.
const ABOUT: [&[u8]; 34] = [
    b"sha",
    b"sha1",
    b"sha256",
    b"sha512",
    b"md5",
    b"hash",
    b"checksum",
    b"digest",
    b"integrity",
    b"commit",
    b"revision",
    b"rev",
    b"etag",
    b"version",
    b"path",
    b"file",
    b"filename",
    b"image",
    b"trace",
    b"span",
    b"request",
    b"build",
    b"job",
    b"node",
    b"uuid",
    b"guid",
    b"fingerprint",
    b"public",
    b"thumbprint",
    b"resolved",
    b"h1",
    b"shasum",
    b"ts",
    b"js",
];

/// Words that may stand between an assignment and its value: types, schemes.
const SKIPPED: [&[u8]; 10] = [
    b"params", b"string", b"str", b"bearer", b"basic", b"token", b"const", b"quot", b"value",
    b"key",
];

/// A provider with its shapes compiled.
pub(crate) struct Provider {
    neighbour: Neighbour,
    shapes: Vec<usize>,
}

/// All providers; the shapes that several share are compiled once.
pub(crate) struct Providers {
    providers: Vec<Provider>,
    shapes: Vec<Shape>,
}

/// What stands between the name and the place that is looked at.
#[derive(Default)]
struct Between {
    words: usize,
    telling: bool,
    about: bool,
    /// Where the assignment stands, counted from the name.
    sign: Option<usize>,
    /// A word that says nothing stands behind the assignment.
    strange: bool,
}

/// What a word at hand is.
enum Found {
    No,
    Open,
    Value(usize),
}

impl Providers {
    /// `Err` names the class whose shape does not compile.
    pub(crate) fn new(neighbours: impl Iterator<Item = Neighbour>) -> Result<Self, &'static str> {
        let mut known: Vec<&str> = Vec::new();
        let mut all = Self { providers: Vec::new(), shapes: Vec::new() };
        for neighbour in neighbours {
            let mut shapes = Vec::new();
            for pattern in &neighbour.shapes {
                let at = known.iter().position(|known| known == pattern);
                if at.is_none() {
                    all.shapes.push(Shape::new(pattern).ok_or(neighbour.class)?);
                    known.push(*pattern);
                }
                shapes.push(at.unwrap_or(known.len() - 1));
            }
            all.providers.push(Provider { neighbour, shapes });
        }
        Ok(all)
    }

    /// Looks behind the name of provider `number` at `at`, `length` bytes long.
    pub(crate) fn check(
        &self,
        window: &Window<'_>,
        number: usize,
        at: usize,
        length: usize,
    ) -> Outcome {
        let Some(provider) = self.providers.get(number) else { return Outcome::Nothing };
        let ring = provider.neighbour.ring;
        let from = at + length;
        if is_inside_tag(window, at) || !stands_alone(window, at, length, ring) {
            return Outcome::Nothing;
        }
        let mut between = Between::default();
        let mut at = from;
        while at < from + REACH_BYTES {
            let Some(byte) = window.byte(at) else {
                return open_if(window.dry(at), from, false);
            };
            if !byte.is_ascii_alphanumeric() {
                match between.pass(window, at, byte, from) {
                    Side::Free => at += 1,
                    Side::Unknown => return open_if(true, from, false),
                    Side::Taken => return Outcome::Nothing,
                }
                continue;
            }
            let end = window.run(at, WORD_BYTES, |byte| byte.is_ascii_alphanumeric());
            if window.dry(end) {
                let serious = end - at >= 8 && (between.telling || between.sign.is_some());
                return open_if(true, from, serious);
            }
            if at > from || between.telling {
                match self.value(window, provider, &between, at, end) {
                    Found::Value(end) => return provider.hit(Span::new(at, end)),
                    Found::Open => return open_if(true, from, end - at >= 8),
                    Found::No => {}
                }
            }
            if ring == Ring::Word && at == from && !goes_on_well(window.part(at, end)) {
                // `frontend` is not `front`.
                return Outcome::Nothing;
            }
            between.word(window.part(at, end), at > from);
            if between.words > WORDS_BETWEEN || between.strange {
                return Outcome::Nothing;
            }
            at = end;
        }
        Outcome::Nothing
    }

    /// Whether a value begins with the word from `at` to `word`.
    fn value(
        &self,
        window: &Window<'_>,
        provider: &Provider,
        between: &Between,
        at: usize,
        word: usize,
    ) -> Found {
        let near = between.sign.is_some_and(|sign| sign <= NAME_BYTES);
        let ring = provider.neighbour.ring;
        let alone = between.words == 0 && ring == Ring::Rare;
        if near || between.telling || alone {
            for shape in provider.shapes.iter().filter_map(|at| self.shapes.get(*at)) {
                let walk = shape.walk(window, at, VALUE_BYTES);
                if walk.open {
                    return Found::Open;
                }
                let Some(end) = walk.end else { continue };
                match after(window, end, |byte| is_word(byte) || b"-+/(".contains(&byte)) {
                    Side::Unknown => return Found::Open,
                    Side::Taken => continue,
                    Side::Free => {}
                }
                let value = window.part(at, end);
                if !looks_given(value) || between.about {
                    continue;
                }
                match dotted(window, end) {
                    Side::Unknown => return Found::Open,
                    Side::Taken => {}
                    Side::Free => return Found::Value(end),
                }
            }
        }
        let told = between.telling && (near || between.words == 0 || ring == Ring::Rare);
        if between.about || !(told || (alone && word - at >= 4)) {
            return Found::No;
        }
        if names_on(window.part(at, word), window.byte(word), between) {
            return Found::No;
        }
        let end = window.run(at, VALUE_BYTES, |b| is_word(b) || b"-+/.~".contains(&b));
        let end = window.run(end, 2, |byte| byte == b'=');
        if window.dry(end) {
            return Found::Open;
        }
        if matches!(window.byte(end), Some(b'(' | b'{' | b'@' | b':')) {
            return Found::No;
        }
        match after(window, end, |_| false) {
            Side::Unknown => return Found::Open,
            Side::Taken => return Found::No,
            Side::Free => {}
        }
        let tail = window.part(at, end).iter().rev();
        let end = end - tail.take_while(|byte| matches!(byte, b'.' | b'-' | b'/')).count();
        let strength = if told { Strength::Secret } else { Strength::Weak };
        if looks_made(window.part(at, end), strength) { Found::Value(end) } else { Found::No }
    }

    /// Every literal with the number of its provider.
    pub(crate) fn literals(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.providers.iter().enumerate().flat_map(|(number, provider)| {
            provider.neighbour.keywords.iter().map(move |word| (*word, number))
        })
    }
}

impl Provider {
    fn hit(&self, secret: Span) -> Outcome {
        let rank = ("[REDACTED]", Rank::Shape);
        Outcome::Hit(Hit::new((DETECTOR, self.neighbour.class), Grade::Likely, secret, rank))
    }
}

impl Between {
    /// Takes a byte that is neither letter nor digit; whether the way goes on.
    fn pass(&mut self, window: &Window<'_>, at: usize, byte: u8, from: usize) -> Side {
        match byte {
            b'[' => return tag_after(window, at),
            // `?=` assigns if nothing is there yet.
            b'?' if window.byte(at + 1) == Some(b'=') => {}
            b'?' if window.dry(at + 1) => return Side::Unknown,
            b'?' | b';' | b'{' | b'}' | b'@' | b'<' | b'/' | b'&' | b'#' | b'$' | 0x80.. => {
                return Side::Taken;
            }
            b'=' | b':' | b',' | b'>' | b'|' if self.sign.is_none() => self.sign = Some(at - from),
            _ => {}
        }
        Side::Free
    }

    /// Takes a word that is no value.
    fn word(&mut self, word: &[u8], apart: bool) {
        let tells = TELLING.iter().any(|telling| rfind(word, telling).is_some());
        let is = |other: &&[u8]| word.eq_ignore_ascii_case(other);
        let skipped = SKIPPED.iter().any(is) || tells;
        self.about |= ABOUT.iter().any(is);
        self.telling |= tells;
        self.strange |= self.sign.is_some() && !skipped;
        self.words += usize::from(apart && !tells);
    }
}

/// `None` bytes yet: open; otherwise nothing.
fn open_if(open: bool, from: usize, serious: bool) -> Outcome {
    if open { Outcome::Open(Open { from, serious }) } else { Outcome::Nothing }
}

/// Whether the name is one and no piece of another word: short ones stand in any word, and in
/// base64, by chance.
fn stands_alone(window: &Window<'_>, at: usize, length: usize, ring: Ring) -> bool {
    const LONG_BYTES: usize = 8;
    const SHORT_BYTES: usize = 5;
    if length >= LONG_BYTES && ring != Ring::Word {
        return true;
    }
    let name = window.part(at, at + length);
    let tail = name.get(1..).unwrap_or_default();
    let even = !tail.iter().any(u8::is_ascii_uppercase) || !name.iter().any(u8::is_ascii_lowercase);
    begins(window, at) && (even || length > SHORT_BYTES)
}

/// Whether a word begins at `at`.
fn begins(window: &Window<'_>, at: usize) -> bool {
    let camel = window.byte(at).is_some_and(|byte| byte.is_ascii_uppercase())
        && window.before(at).is_some_and(|byte| byte.is_ascii_lowercase());
    camel || free_before(window, at, |byte| byte.is_ascii_alphanumeric())
}

/// Whether what is written on to a name leaves it the name: `boxApiKey`, `BOX2`, `boxtoken`.
fn goes_on_well(rest: &[u8]) -> bool {
    const ON: [&[u8]; 6] = [b"api", b"client", b"app", b"io", b"dev", b"user"];
    let starts =
        |word: &&&[u8]| rest.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    rest.first().is_none_or(|first| !first.is_ascii_alphabetic())
        || ON.iter().chain(&TELLING).any(|word| starts(&word))
}

/// Whether the name stands in a tag that redaction has put there.
fn is_inside_tag(window: &Window<'_>, at: usize) -> bool {
    const TAG_BYTES: usize = 48;
    let start = window.run_back(at, TAG_BYTES, |byte| {
        byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b'_')
    });
    window.part(start.saturating_sub(1), at).starts_with(b"[REDACTED")
}

/// Whether the word is still one of the name: `_SECRET_KEY`, `-client-`.
fn names_on(word: &[u8], next: Option<u8>, between: &Between) -> bool {
    let tells = TELLING.iter().any(|telling| rfind(word, telling).is_some());
    let goes_on = next.is_some_and(|byte| b"_-.=:".contains(&byte));
    goes_on && (tells || (between.sign.is_none() && is_plain(word)))
}

/// A word in letters, not all of them great.
fn is_plain(word: &[u8]) -> bool {
    word.iter().all(u8::is_ascii_alphabetic) && word.iter().any(u8::is_ascii_lowercase)
}

/// Whether the value goes on behind a dot.
fn dotted(window: &Window<'_>, end: usize) -> Side {
    match window.byte(end) {
        Some(b'.') => after(window, end + 1, |byte| byte.is_ascii_alphanumeric()),
        _ => Side::Free,
    }
}

/// Whether a value of the right shape was given by a machine and is not made up of words.
fn looks_given(value: &[u8]) -> bool {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    if letters == 0 {
        return entropy(value) >= 1.8;
    }
    if digits == 0 {
        return value.len() >= 20 && entropy(value) >= 3.5 && !is_wordy(value);
    }
    entropy(value) >= 2.2 && !is_wordy(value)
}

/// Whether a value of any shape looks like a secret.
fn looks_made(value: &[u8], strength: Strength) -> bool {
    let digits = value.iter().any(u8::is_ascii_digit);
    let letters = value.iter().any(u8::is_ascii_alphabetic);
    let dots = value.iter().filter(|byte| **byte == b'.').count();
    if is_wordy(value)
        || written::is_slug(value)
        || dots > 2
        || (strength == Strength::Weak && is_digest(value))
    {
        return false;
    }
    match strength {
        Strength::Weak => digits && letters && value.len() >= 20 && entropy(value) >= 3.0,
        _ if digits && letters => value.len() >= 10 && entropy(value) >= 2.8,
        // Longer than any time in nanoseconds.
        _ if digits => value.len() >= 20 && entropy(value) >= 2.5,
        _ => letters && value.len() >= 20 && entropy(value) >= 3.8,
    }
}

/// Whether a value is as long as a digest and made of the same digits.
fn is_digest(value: &[u8]) -> bool {
    matches!(value.len(), 32 | 40 | 56 | 64 | 96 | 128) && value.iter().all(u8::is_ascii_hexdigit)
}
