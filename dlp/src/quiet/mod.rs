//! Which texts of a document hold nothing, told for all of them at once.
//!
//! Most values are short and say nothing. Looking at each by itself costs more than its bytes do:
//! here all are written one behind the other, and one pass for literals and one for words tell
//! which need no look. What is told to be quiet would give no finding of any grade; what is not, is
//! looked at in full.
mod coded;

use std::cell::Cell;
use std::io::Write as _;

use serde_json::Value;

use crate::engine::everyday::{self, Everyday};
use crate::engine::literals::{BETWEEN, Role};
use crate::engine::survey::Surveyor;
use crate::engine::{Outcome, Span, Window, words};
use crate::json;
use crate::unfold::runs::{RUN_BYTES, in_run};

/// A longer name says too much to be passed by.
const NAME_BYTES: usize = 64;
/// Room for what most documents have.
const SHEET_BYTES: usize = 8192;
const SHEET_TEXTS: usize = 128;
/// The signs behind a name: `":`.
const SIGNS_BYTES: usize = 2;
/// Room for the signs around a name and a value.
const MARGIN_BYTES: usize = 8;
/// Where an event of a stream may begin.
const EVENT: &[u8] = b"data:";

/// Whether a text that stands alone holds nothing: a full look would give no finding of any grade.
/// Says no of what it cannot tell.
pub(crate) fn is_quiet(surveyor: &Surveyor, text: &[u8]) -> bool {
    let window = Window::whole(text);
    coded::places(text).next().is_none()
        && memchr::memmem::find(text, EVENT).is_none()
        && !is_known(surveyor, &window)
        && are_quiet(surveyor, &window)
}

/// Whether a text that goes on may go as it is: nothing is found in it, and it does not end in what
/// hides something once more has come. Only words tell that; no of every text with a digit in it.
pub(crate) fn may_go(surveyor: &Surveyor, window: &Window<'_>) -> bool {
    let text = window.text;
    // A run may go on behind its padding, and in the next line.
    let end =
        window.run_back(window.len(), RUN_BYTES, |byte| byte == b'=' || byte.is_ascii_whitespace());
    let run = window.run_back(end, RUN_BYTES, in_run);
    window.len() - run < RUN_BYTES
        && words::words(text).next().is_none()
        && coded::places(text).next().is_none()
        && surveyor.literal_tail(window).is_none_or(|open| !open.serious)
        && surveyor
            .literals
            .find(text)
            .all(|(at, length, roles)| surveyor.is_quiet_at(window, (at, length), roles))
        && !is_known(surveyor, window)
}

/// Whether something that is known stands in a text, or begins at its end.
fn is_known(surveyor: &Surveyor, window: &Window<'_>) -> bool {
    let Some(known) = surveyor.known.as_ref() else { return false };
    let mut stands = !known.is_of_values();
    if !stands {
        known.look(window, &[], &[], &mut |outcome| {
            stands |= match outcome {
                Outcome::Nothing => false,
                Outcome::Hit(_) => true,
                Outcome::Open(open) => open.serious,
            };
        });
    }
    stands
}

fn are_quiet(surveyor: &Surveyor, window: &Window<'_>) -> bool {
    let mut named = false;
    let mut literals = surveyor.literals.find(window.text);
    let quiet = literals.all(|(at, length, roles)| {
        named |= roles.iter().any(Role::says_of_digits);
        surveyor.is_quiet_at(window, (at, length), roles)
    });
    let few = surveyor.few();
    let mut passed = 0;
    let mut words = words::words(window.text);
    quiet
        && words.all(|word| {
            if named {
                return false;
            }
            if word.start < passed {
                return true;
            }
            if let Everyday::Row(end) = everyday::look(window, word, few) {
                passed = end;
                return true;
            }
            surveyor.is_quiet_word(window, word)
        })
}

/// What is told of the members and items of a document, in its order.
pub(crate) struct Quiet {
    bytes: Vec<u8>,
    texts: Vec<Text>,
    next: Cell<usize>,
}

/// What is told of a member or an item.
#[derive(Clone, Copy)]
pub(crate) struct Told {
    /// It holds nothing, and its name neither.
    pub(crate) quiet: bool,
    /// Its name holds nothing.
    pub(crate) name: bool,
    /// Its value holds the literal of a token.
    pub(crate) token: bool,
    /// Its value holds a digit.
    pub(crate) digit: bool,
    /// Where its value is written.
    value: Span,
    /// How many members and items it has, and they have.
    inside: usize,
}

impl Told {
    const UNKNOWN: Self = Self {
        quiet: false,
        name: false,
        token: false,
        digit: false,
        value: Span { start: 0, end: 0 },
        inside: 0,
    };

    /// Of a text that stands alone.
    pub(crate) fn of(digit: bool, token: bool) -> Self {
        Self { digit, token, ..Self::UNKNOWN }
    }
}

impl Quiet {
    pub(crate) fn of(surveyor: &Surveyor, document: &Value) -> Self {
        let mut sheet = Sheet {
            bytes: Vec::with_capacity(SHEET_BYTES),
            texts: Vec::with_capacity(SHEET_TEXTS),
        };
        sheet.values(None, document);
        sheet.look(surveyor);
        let quiet = Self { bytes: sheet.bytes, texts: sheet.texts, next: Cell::new(0) };
        // Records and documents may be anything.
        match &surveyor.known {
            Some(known) if !known.is_of_values() => quiet.nothing(),
            _ => quiet,
        }
    }

    /// The same with a look at everything.
    pub(crate) fn nothing(mut self) -> Self {
        for Text { told, .. } in &mut self.texts {
            (told.quiet, told.name) = (false, false);
        }
        self
    }

    /// What is told of the next member or item.
    pub(crate) fn next(&self) -> Told {
        let at = self.next.replace(self.next.get() + 1);
        self.texts.get(at).map_or(Told::UNKNOWN, |text| text.told)
    }

    /// The members or items that come next and stand beside each other, with what is told of each
    /// and its value as it is written.
    pub(crate) fn beside(&self) -> impl Iterator<Item = (Told, &[u8])> + Clone {
        let mut at = self.next.get();
        std::iter::from_fn(move || {
            let told = self.texts.get(at)?.told;
            at += 1 + told.inside;
            let Span { start, end } = told.value;
            Some((told, self.bytes.get(start..end).unwrap_or_default()))
        })
    }
}

/// All members and items, one behind the other.
struct Sheet {
    bytes: Vec<u8>,
    texts: Vec<Text>,
}

struct Text {
    /// Where it begins; it ends with its value.
    start: usize,
    /// Its value is a string behind a name.
    quoted: bool,
    /// Its name has the name of a provider in it.
    provider: bool,
    /// An identifier is named in it, which says what words with digits are.
    ident: bool,
    /// Whether its name tells of any value, once it was asked.
    tells: Option<bool>,
    told: Told,
}

impl Text {
    /// Its name, without the signs around it; empty when it has none.
    fn name(&self) -> Span {
        let Span { start, .. } = self.told.value;
        let end = start.saturating_sub(SIGNS_BYTES + usize::from(self.quoted)).max(self.start);
        Span::new((self.start + 1).min(end), end)
    }

    /// The text as it is looked at by itself, and where that begins; `None` when it is not written
    /// down like that.
    fn window<'t>(&mut self, bytes: &'t [u8]) -> Option<(Window<'t>, usize)> {
        let value = self.told.value;
        let named = self.start < value.start;
        let part = |start: usize| bytes.get(start..value.end).unwrap_or_default();
        let name = self.name();
        let name = bytes.get(name.start..name.end).unwrap_or_default();
        let tells = *self.tells.get_or_insert_with(|| json::tells_of_any(name));
        let tells = tells || self.provider || json::tells_of(name, part(value.start));
        if !named || !tells {
            return Some((Window::whole(part(value.start)), value.start));
        }
        let window =
            Window { value: Some(value.start - self.start), ..Window::whole(part(self.start)) };
        json::is_plain(name).then_some((window, self.start))
    }
}

impl Sheet {
    /// Items are looked at behind the name of their list.
    fn values(&mut self, name: Option<&str>, document: &Value) {
        match document {
            Value::Array(items) => {
                self.texts.reserve(items.len());
                for item in items {
                    self.value(name, item);
                }
            }
            Value::Object(members) => {
                self.texts.reserve(members.len());
                for (name, member) in members {
                    self.value(Some(name), member);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// Writes a value down as it is looked at: behind its name, or alone.
    fn value(&mut self, name: Option<&str>, value: &Value) {
        let start = self.bytes.len();
        let short = name.is_none_or(|name| name.len() <= NAME_BYTES);
        if let Some(name) = name {
            let text = value.as_str().map_or(0, str::len);
            self.bytes.reserve(name.len() + text + MARGIN_BYTES);
            self.bytes.push(b'"');
            self.bytes.extend_from_slice(name.as_bytes());
            self.bytes.extend_from_slice(b"\":");
        }
        let quoted = name.is_some() && value.is_string();
        self.bytes.extend(quoted.then_some(b'"'));
        let begins = self.bytes.len();
        match value {
            Value::String(text) => self.bytes.extend_from_slice(text.as_bytes()),
            // A vector takes all that is written to it.
            Value::Number(number) => _ = write!(self.bytes, "{number}"),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {}
        }
        let value_at = Span::new(begins, self.bytes.len());
        let told = Told { quiet: short, name: short, value: value_at, ..Told::UNKNOWN };
        let number = self.texts.len();
        self.texts.push(Text { start, provider: false, ident: false, tells: None, quoted, told });
        self.bytes.push(BETWEEN);
        self.values(name, value);
        let inside = self.texts.len() - number - 1;
        if let Some(text) = self.texts.get_mut(number) {
            text.told.inside = inside;
        }
    }

    fn look(&mut self, surveyor: &Surveyor) {
        let Self { bytes, texts } = self;
        let window = Window::whole(bytes);
        let mut texts = Texts { bytes, texts, at: 0 };
        for (at, length, roles) in surveyor.literals.find(bytes) {
            texts.literal(surveyor, (at, length), roles);
        }
        texts.at = 0;
        let mut passed = 0;
        let few = surveyor.few();
        for word in words::words(bytes) {
            if word.start < passed {
                continue;
            }
            let Some(text) = texts.holding(word.start) else { break };
            let name = word.start < text.told.value.start;
            text.told.name &= !name;
            text.told.digit |= !name;
            match everyday::look(&window, word, few) {
                Everyday::Row(end) => passed = end,
                // With a number that stands alone its text ends.
                Everyday::Number(last) if window.byte(last.end) == Some(BETWEEN) => {
                    passed = last.end;
                }
                _ => texts.word(surveyor, word),
            }
        }
        let mut known = Vec::new();
        if let Some(values) = &surveyor.known {
            values.look(&window, &[], &[], &mut |outcome| {
                if let Outcome::Hit(hit) = outcome {
                    known.extend([hit.secret.start, hit.secret.end]);
                }
            });
        }
        known.sort_unstable();
        texts.at = 0;
        for at in known {
            texts.speaks(at);
        }
        texts.at = 0;
        for at in memchr::memmem::find_iter(bytes, EVENT) {
            texts.speaks(at);
        }
        texts.at = 0;
        for at in coded::places(bytes) {
            texts.speaks(at);
        }
        for text in texts.texts {
            text.told.quiet &= text.told.name && !(text.ident && text.told.digit);
        }
    }
}

/// Texts, found by a place in them; places come in order.
struct Texts<'t> {
    bytes: &'t [u8],
    texts: &'t mut [Text],
    at: usize,
}

impl Texts<'_> {
    fn holding(&mut self, place: usize) -> Option<&mut Text> {
        while self.texts.get(self.at).is_some_and(|text| text.told.value.end < place) {
            self.at += 1;
        }
        self.texts.get_mut(self.at)
    }

    /// Something stands at a place.
    fn speaks(&mut self, place: usize) {
        let Some(text) = self.holding(place) else { return };
        text.told.quiet = false;
        text.told.name &= place >= text.told.value.start;
    }

    /// A literal stands at a place: it is looked at as when each text is looked at by itself.
    fn literal(&mut self, surveyor: &Surveyor, (at, length): (usize, usize), roles: &[Role]) {
        let bytes = self.bytes;
        let Some(text) = self.holding(at) else { return };
        let value = text.told.value;
        let in_name = at < value.start;
        text.ident |= roles.iter().any(Role::says_of_digits);
        text.told.token |= !in_name && roles.iter().any(Role::is_token);
        if in_name {
            text.provider |= roles.iter().any(|role| matches!(role, Role::Provider(_)));
            let name = text.name();
            let window = Window::whole(bytes.get(name.start..name.end).unwrap_or_default());
            let quiet = at >= name.start
                && at + length <= name.end
                && surveyor.is_quiet_at(&window, (at - name.start, length), roles);
            text.told.name &= quiet;
            text.told.quiet &= quiet;
        }
        text.told.quiet = text.told.quiet
            && text.window(bytes).is_some_and(|(window, start)| {
                // A name that says nothing of the value is not before it.
                at < start || surveyor.is_quiet_at(&window, (at - start, length), roles)
            });
    }

    /// A word stands at a place that is not of every day.
    fn word(&mut self, surveyor: &Surveyor, word: Span) {
        let bytes = self.bytes;
        let Some(text) = self.holding(word.start) else { return };
        text.told.quiet = text.told.quiet
            && text.window(bytes).is_some_and(|(window, start)| {
                let word =
                    (word.start.checked_sub(start)).map(|at| Span::new(at, word.end - start));
                word.is_none_or(|word| surveyor.is_quiet_word(&window, word))
            });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use crate::Scanner;
    use crate::engine::Window;
    use crate::engine::survey::Patience;
    use crate::known::{Known, Secret, Values};

    /// Names and values that tell, look as if they told, or tell nothing.
    fn text() -> impl Strategy<Value = String> {
        let known = prop::sample::select(vec![
            "name",
            "id",
            "zip",
            "postcode",
            "cvv",
            "pesel",
            "tel",
            "phone",
            "token",
            "password",
            "text",
            "note",
            "swift",
            "dob",
            "ip",
            "mac",
            "iban",
            "first_name",
            "seed",
            "coordinates",
            "94105",
            "4111111111111111",
            "12",
            "2.0",
            "737",
            "44051401458",
            "415-555-0132",
            "large-2",
            "2026-11-26",
            "2026-11-26T10:15:00Z",
            "550e8400-e29b-41d4-a716-446655440000",
            "A12",
            "192.168.1.7",
            "1.2.3",
            "ab:cd:ef:01:02:03",
            "DE89370400440532013000",
            "COBADEFFXXX",
            "bob@example.com",
            "hunter2hunter2",
            "aGVsbG8gd29ybGQK",
            "GHIJKLMNOPQRST",
            "%34%31",
            "\\u0034",
            "data: 1",
            "12 Main Street",
            "John Smith",
            "Dr. Anna Bell",
            "+14155550132",
            "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
            "078-05-1120",
            "eu-12",
            "D-1",
            "12.5%",
            "=41",
            KNOWN,
            "a correct horse battery staple",
            "https://one.test/two/123",
            "https://user:hunter2@one.test/",
            "https://one.test/?token=hunter2hunter2",
            "about 3248 of them",
            "from 4111 1111 1111 1111 on",
            "in 4 ms",
            "4111 1111",
            "1111 1111",
            "3 rooms at 12 Main Street, 94105",
            "username",
            "author",
            "prompt_tokens",
            "stripe",
            "openai key",
            "ether 0a:1b:2c:3d:4e:5f",
            "because",
            "production_",
            "b \"gh\" + \"p_1\" c",
            "it's 'gh' 'p_12' or",
            "line 1\nline 22\nline 333",
            "tel 415 555 0132",
            "ace1",
            "ac00000000000000000000000000000001",
            "date of birth 1980-02-03",
            "a1 b2 c3 d4 e5 f6 a7 b8",
            "sk_live_",
            "sk-",
            "ghp_",
            "abcd1234efgh5678ijkl9012mnop3456qrst",
            "limit=3)",
            "a && b %",
            "\\n\\x41",
            "&amp;&#65;1",
            "=3D",
            "this line is longer than others are, and =\ngoes on",
            "postal code",
            "order number",
            "passport",
            "**",
        ]);
        prop_oneof![4 => known.prop_map(str::to_owned), 1 => "[a-z_]{1,12}", 1 => "[ -~é]{0,24}"]
    }

    /// Words that stand before secrets, and what tokens begin with.
    fn begun() -> impl Strategy<Value = String> {
        let literals = Scanner::patterns().flat_map(|(literals, _)| literals.iter().copied());
        let words = [
            "password",
            "passwd: ",
            "api_key",
            "secret is ",
            "token",
            "my name is ",
            "Mr. ",
            "born in",
            "Authorization: Bearer ",
            "-----BEGIN",
            "user@",
            "http://",
            "//user:",
            "[at]",
            "ABCDEFGHIJKL",
            "abcdefghijklm",
            "aGVsbG",
            "seed phrase: abandon ability able about ",
            "configuration",
            "\\u",
            "&#",
            "=",
            "%",
        ];
        let all: Vec<&str> = literals.chain(words).collect();
        (prop::sample::select(all), 0_usize..40)
            .prop_map(|(text, cut)| text.chars().take(cut).collect())
    }

    fn document() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            4 => text().prop_map(Value::String),
            2 => (0_u64..1_000_000).prop_map(|number| json!(number)),
            1 => any::<u64>().prop_map(|number| json!(number)),
            1 => (-1e6..1e6_f64).prop_map(|number| json!((number * 100.0).round() / 100.0)),
            1 => Just(Value::Null),
        ];
        leaf.prop_recursive(3, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
                prop::collection::vec((text(), inner), 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_told_quiet_gives_no_finding(documents in prop::collection::vec(document(), 1..4)) {
            let scanner = SCANNER.with(std::clone::Clone::clone);
            for document in documents {
                prop_assert_eq!(scanner.scan_json(&document), scanner.scan_json_in_full(&document));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_text_told_quiet_gives_no_finding(
            texts in prop::collection::vec(text(), 1..4),
            between in prop::sample::select(vec!["", " ", ", ", "/", "; ", "-"]),
        ) {
            let scanner = SCANNER.with(std::clone::Clone::clone);
            let text = texts.join(between);
            if super::is_quiet(&scanner.surveyor, text.as_bytes()) {
                prop_assert_eq!(scanner.scan(text.as_bytes()), Vec::new());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_may_go_is_neither_found_nor_held(
            texts in prop::collection::vec(prop_oneof![text(), begun()], 1..6),
            between in prop::sample::select(vec!["", " ", ", ", "/", "; ", "-", ": ", "\n"]),
            cut in 0_usize..40,
        ) {
            let scanner = SCANNER.with(std::clone::Clone::clone);
            let text = texts.join(between);
            let length = text.len().saturating_sub(cut);
            let text = &text.as_bytes()[..length];
            let window = Window { ended: false, streamed: true, ..Window::whole(text) };
            if super::may_go(&scanner.surveyor, &window) {
                let survey = scanner.surveyor.survey(&window);
                prop_assert_eq!(survey.hits.len(), 0);
                prop_assert_eq!(survey.open(Patience::Eager), length);
            }
        }
    }

    thread_local! {
        static SCANNER: std::rc::Rc<Scanner> = std::rc::Rc::new(scanner());
    }

    /// It knows a value, which stands in some texts.
    fn scanner() -> Scanner {
        let mut values = Values::new(b"0123456789abcdef");
        values.add(Secret::Own, "own".into(), KNOWN.as_bytes()).unwrap();
        let mut known = Known::default();
        known.set_values(values);
        Scanner::new().unwrap().with_known(std::sync::Arc::new(known))
    }

    const KNOWN: &str = "correct horse battery";
}
