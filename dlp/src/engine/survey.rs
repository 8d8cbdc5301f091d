//! One look at a window: every hit, and from where on it is undecided.
use std::sync::Arc;

use memchr::memmem::Finder;

use super::boundary::is_word;
use super::custom::{Custom, Tuning};
use super::digits;
use super::everyday::{self, Everyday};
use super::glance::Glance;
use super::hit::Rank;
use super::ident::{self, Idents, Spoken};
use super::literals::{Literals, Role};
use super::neighbour::Providers;
use super::token::Token;
use super::window::Heed;
use super::{
    Hit, Open, Outcome, Span, Window, assign, bic, crypto, email, hidden, iban, neighbour, pem,
    people, phone, track, url, words,
};
use crate::actions::mark;
use crate::finding::Grade;
use crate::known::Known;
use crate::unfold::joints::Parts;
use crate::unfold::{
    self, joints,
    runs::{RUN_BYTES, in_run},
};

/// How much is held back while a candidate is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Patience {
    /// All that may still change: the result does not depend on how the text was cut.
    Exact,
    /// Only what hides something: the beginning of a prefix that anyone knows may go.
    Eager,
}

/// Whether no token goes on over the byte.
pub(crate) fn is_between(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'')
}

/// What a window holds.
pub(crate) struct Survey {
    pub(crate) hits: Vec<Hit>,
    /// Words that may be pieces of something that was taken apart, in order: those with a digit, and
    /// the beginnings of tokens that end too soon.
    pub(crate) pieces: Vec<Span>,
    /// Where literals stand that tokens are told by, in order.
    pub(crate) tokens: Vec<usize>,
    exact: usize,
    eager: usize,
    spoken: Spoken,
    /// Finds that count by themselves.
    telling: usize,
    /// Where the first find stands for which there was no room.
    over: Option<usize>,
}

/// No more is found in one text, and no more of it that counts by itself; from there on the text counts
/// as unread. A find takes many times the bytes that it stands in.
const HITS_MAX: usize = 1 << 18;
const TELLING_MAX: usize = 1 << 16;

impl Survey {
    /// The first byte that an undecided candidate may claim; the length when there is none.
    pub(crate) fn open(&self, patience: Patience) -> usize {
        match patience {
            Patience::Exact => self.exact,
            Patience::Eager => self.eager,
        }
    }

    /// What may be put together.
    pub(crate) fn parts(&self) -> Parts<'_> {
        Parts { pieces: &self.pieces, tokens: &self.tokens }
    }

    fn new(window: &Window<'_>) -> Self {
        Self {
            hits: Vec::new(),
            pieces: Vec::new(),
            tokens: Vec::new(),
            exact: window.len(),
            eager: window.len(),
            spoken: Spoken::default(),
            telling: 0,
            over: None,
        }
    }

    fn take(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Nothing => {}
            Outcome::Hit(hit) if self.hits.len() >= HITS_MAX || self.telling >= TELLING_MAX => {
                let from = hit.claim().start;
                self.over = Some(self.over.map_or(from, |over| over.min(from)));
            }
            Outcome::Hit(hit) => {
                self.telling += usize::from(hit.grade > Grade::Possible);
                self.hits.push(hit);
            }
            Outcome::Open(open) => self.hold(open),
        }
    }

    fn hold_all(&mut self, all: impl IntoIterator<Item = Open>) {
        all.into_iter().for_each(|open| self.hold(open));
    }

    fn hold(&mut self, open: Open) {
        self.exact = self.exact.min(open.from);
        if open.serious {
            self.eager = self.eager.min(open.from);
        }
    }
}

/// Everything that looks, built once.
pub(crate) struct Surveyor {
    pub(crate) literals: Literals,
    pub(crate) tokens: Arc<Vec<Token>>,
    /// Detectors of the settings.
    pub(crate) customs: Vec<Custom>,
    pub(crate) tuning: Tuning,
    /// What is known, when anything is.
    pub(crate) known: Option<Arc<Known>>,
    pub(crate) idents: Arc<Idents>,
    pub(crate) providers: Arc<Providers>,
    /// Where an event of a stream may begin.
    pub(crate) events: Finder<'static>,
    /// Whether what no literal tells is looked for: numbers, addresses, names.
    pub(crate) shapes: bool,
}

/// What an event of a stream begins with.
pub(crate) const EVENT: &[u8] = b"data:";

impl Surveyor {
    /// Looks at the whole window, and behind the codings in it.
    pub(crate) fn survey(&self, window: &Window<'_>) -> Survey {
        let mut survey = self.plain(window);
        let mut unfolded = unfold::unfold(self, window, &survey.parts());
        self.tuning.apply(&mut unfolded.hits);
        // A mark is never written in another way, and nothing else in a mark.
        let marks = survey.hits.iter().filter(|hit| mark::is_mark(hit));
        let marks: Vec<Span> = marks.map(Hit::claim).collect();
        let marked = |hit: &Hit| marks.iter().any(|mark| mark.holds(hit.secret));
        let unfolded_hits = unfolded.hits.into_iter();
        survey.hits.extend(unfolded_hits.filter(|hit| !mark::is_mark(hit) && !marked(hit)));
        if let Some((from, serious)) = unfolded.open {
            survey.hold(Open { from, serious });
        }
        survey
    }

    /// Whether the literal of a token stands in a text.
    pub(crate) fn holds_token(&self, text: &[u8]) -> bool {
        self.literals.find(text).any(|(_, _, roles)| roles.iter().any(Role::is_token))
    }

    /// Whether something that is known stands in a text, or begins at its end.
    pub(crate) fn is_known(&self, window: &Window<'_>) -> bool {
        let Some(known) = self.known.as_ref() else { return false };
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

    /// Whether anything comes of a literal in a text, or is known in it.
    pub(crate) fn tells(&self, text: &[u8]) -> bool {
        let window = Window::whole(text);
        self.is_known(&window)
            || self.literals.find(text).any(|(at, length, roles)| {
                roles.iter().any(Role::says_of_digits)
                    || !self.is_quiet_at(&window, (at, length), roles)
            })
    }

    /// Whether a token may begin with the literal that stands here: not in the middle of a word, as the
    /// `re_` of `more_items`, unless what is before it may be written in another way.
    pub(crate) fn may_begin_token(&self, text: &[u8], at: usize, roles: &[Role]) -> bool {
        const ESCAPE_BYTES: usize = 6;
        let before = text.get(at.saturating_sub(ESCAPE_BYTES)..at).unwrap_or_default();
        let plain = !before.iter().any(|byte| b"\\%&=#".contains(byte) || !byte.is_ascii());
        roles.iter().any(|role| match (role, before.last()) {
            (Role::Token(number), Some(last)) if plain => {
                self.tokens.get(*number).is_none_or(|token| token.stands_behind(*last))
            }
            (role, _) => role.is_token(),
        })
    }

    /// Whether the literal of a token stands over one of the seams of a text.
    pub(crate) fn sews_token(&self, text: &[u8], seams: &[usize]) -> bool {
        self.literals.are_sewn(text, seams)
    }

    /// Looks at the window as it is, in one pass for literals and one for words.
    pub(crate) fn plain(&self, window: &Window<'_>) -> Survey {
        let mut survey = Survey::new(window);
        let blocks = self.literals(window, &mut survey);
        self.doubt(window, &mut survey.hits);
        self.shapes(window, &blocks, &mut survey);
        if window.heed == Heed::Pieces {
            return survey;
        }
        if self.shapes {
            hidden::look(window, |outcome| survey.take(outcome));
        }
        if let Some(known) = &self.known {
            known.look(window, &blocks, window.rows, &mut |outcome| survey.take(outcome));
        }
        if !window.ended {
            self.tail(window, &blocks, &mut survey);
        }
        mark::settle(window, &mut survey.hits);
        self.tuning.apply(&mut survey.hits);
        if let Some(over) = survey.over {
            survey.hits.retain(|hit| hit.claim().end <= over);
            survey.hits.push(unfold::unread(Span::new(over, window.len())));
        }
        survey
    }

    /// Lowers what only its name made a secret when it begins like a known token and is none.
    fn doubt(&self, window: &Window<'_>, hits: &mut [Hit]) {
        const PREFIX_BYTES: usize = 32;
        const NEAR_HITS: usize = 8;
        for at in 0..hits.len() {
            let Some(hit) = hits.get(at) else { continue };
            let detector = hit.detector.as_str();
            let named = detector == assign::DETECTOR || detector == neighbour::DETECTOR;
            let told = |other: &Hit| {
                other.rank == Rank::Token
                    && other.secret.start < hit.secret.end
                    && hit.secret.start < other.secret.end
            };
            // Hits come in the order of their literals, so that a token of the same place is near.
            let near = hits.iter().skip(at.saturating_sub(NEAR_HITS)).take(2 * NEAR_HITS);
            if !named || near.clone().any(told) {
                continue;
            }
            let start = hit.secret.start;
            let head = window.part(start, start + PREFIX_BYTES);
            let owned = self.literals.leading(head).any(|(length, roles)| {
                let literal = head.get(..length).unwrap_or_default();
                roles.iter().any(|role| match role {
                    Role::Token(number) | Role::Whole(number) => {
                        self.tokens.get(*number).is_some_and(|token| token.owns(literal))
                    }
                    _ => false,
                })
            });
            if let Some(hit) = hits.get_mut(at).filter(|_| owned) {
                hit.grade = Grade::Possible;
            }
        }
    }

    /// Whether a provider is named in the bytes.
    pub(crate) fn names_provider(&self, bytes: &[u8]) -> bool {
        let is_provider = |role: &Role| matches!(role, Role::Provider(_));
        self.literals.find(bytes).any(|(_, _, roles)| roles.iter().any(is_provider))
    }

    /// Looks at every literal. Gives the private key blocks: nothing in them is looked at.
    fn literals(&self, window: &Window<'_>, survey: &mut Survey) -> Vec<Span> {
        let mut blocks = Vec::new();
        let mut window = *window;
        let mut name_end = 0;
        let mut mark_end = 0;
        for (at, length, roles) in self.literals.find(window.text) {
            for role in roles {
                match role {
                    Role::Ident(nth) => survey.spoken.add(*nth),
                    Role::Postcode => survey.spoken.postcode = true,
                    _ => {}
                }
            }
            // The class in a mark is no telling name.
            if at < window.floor || at < mark_end {
                continue;
            }
            if !window.streamed && roles.iter().any(Role::is_token) {
                survey.tokens.push(at);
            }
            for role in roles.iter().filter(|role| window.heed != Heed::Pieces || role.cuts()) {
                let outcome = match role {
                    Role::Name if at < name_end => Outcome::Nothing,
                    Role::Name => {
                        let (end, outcome) = assign::check(&window, at, length);
                        name_end = end;
                        outcome
                    }
                    _ => self.at_literal(&window, *role, at, length),
                };
                match (role, &outcome) {
                    (Role::Token(_), Outcome::Nothing) if is_cut(&window, at, length) => {
                        survey.pieces.push(Span::new(at, at + 1));
                    }
                    (Role::Mark, Outcome::Hit(hit)) => mark_end = hit.secret.end,
                    (Role::PrivateKey, Outcome::Hit(hit)) => {
                        window.floor = hit.secret.end;
                        blocks.push(hit.secret);
                    }
                    _ => {}
                }
                survey.take(outcome);
            }
        }
        blocks
    }

    /// Looks at what a literal says that stands there.
    fn at_literal(&self, window: &Window<'_>, role: Role, at: usize, length: usize) -> Outcome {
        let token = |number: usize| self.tokens.get(number);
        let checked = match role {
            Role::Token(number) | Role::Whole(number) => {
                token(number).map(|token| token.check(window, at))
            }
            Role::Custom(number) => self.customs.get(number).map(|own| own.check(window, at)),
            Role::Mark => Some(mark::check(window, at, length)),
            Role::Turned(number, turn) => {
                token(number).map(|token| turn.check(token, window, (at, at + length)))
            }
            Role::Bic => Some(bic::check(window, at, length)),
            Role::Url => Some(url::check(window, at)),
            Role::Email => Some(email::check(window, at)),
            Role::People(cue) => Some(people::behind(window, at, length, cue)),
            Role::PrivateKey => Some(pem::check(window, at)),
            Role::Provider(number) => Some(self.providers.check(window, number, at, length)),
            Role::Name => Some(assign::check(window, at, length).1),
            Role::Ident(_) | Role::Postcode => None,
        };
        checked.unwrap_or(Outcome::Nothing)
    }

    /// Whether nothing comes of a literal, by itself: what an identifier's name says of words with
    /// digits ([`Role::says_of_digits`]) is another matter.
    pub(crate) fn is_quiet_at(
        &self,
        window: &Window<'_>,
        (at, length): (usize, usize),
        roles: &[Role],
    ) -> bool {
        let nothing = |role| matches!(self.at_literal(window, role, at, length), Outcome::Nothing);
        roles.iter().all(|role| match role {
            // Nothing is found in an address but behind other literals; half of one may be the
            // beginning of them.
            Role::Url => window.ended || nothing(*role),
            Role::Ident(_) | Role::Postcode => true,
            // They have a say in what stands elsewhere.
            Role::Mark | Role::PrivateKey => false,
            // What an address holds may be found with it.
            Role::Email => false,
            Role::Token(_) => nothing(*role) && !is_cut(window, at, length),
            _ => nothing(*role),
        })
    }

    /// Whether nothing comes of a word in a text that is whole and in which no identifier is named.
    pub(crate) fn is_quiet_word(&self, window: &Window<'_>, word: Span) -> bool {
        let word = match everyday::look(window, word, self.few()) {
            Everyday::Row(_) => return true,
            Everyday::Number(last) => last,
            Everyday::Small => word,
            Everyday::No | Everyday::Open => {
                let mut survey = Survey::new(window);
                self.shape(window, word, &mut survey);
                if !survey.hits.is_empty() {
                    return false;
                }
                word
            }
        };
        // A long one may be a coding.
        let start = window.run_back(word.start, RUN_BYTES, in_run);
        let end = window.run(word.end, RUN_BYTES, in_run);
        end - start < RUN_BYTES
            && (!joints::may_join(window, word)
                || joints::is_alone(window.text, word, |text| self.tells(text)))
    }

    /// Looks at the last bytes: the beginning of a literal, of a mail address, of an account.
    fn tail(&self, window: &Window<'_>, blocks: &[Span], survey: &mut Survey) {
        // A block that runs on to the end holds nothing else.
        if survey.hits.iter().any(|hit| hit.runs_on) && blocks.last().is_some() {
            return;
        }
        survey.hold_all(self.literal_tail(window));
        // What the others hold is no secret.
        if window.heed == Heed::Secrets {
            return;
        }
        let tails =
            [email::tail(window), iban::tail(window), ident::tail(window), people::tail(window)];
        survey.hold_all(tails.into_iter().flatten());
    }

    /// The beginning of a literal at the end of the text.
    pub(crate) fn literal_tail(&self, window: &Window<'_>) -> Option<Open> {
        let known = self.literals.tail(window.text);
        let from = (known > 0).then(|| window.len() - known)?;
        let alone = !window.before(from).is_some_and(is_word);
        let telling = known > 1 && !mark::is_word(window.part(from, window.len()));
        Some(Open { from, serious: telling && alone })
    }

    /// A number of fewer digits that stands alone is nothing, when no word says what it is.
    pub(crate) fn few(&self) -> usize {
        self.idents.digits().min(phone::SHORTEST).min(digits::SHORTEST)
    }

    /// Looks at every word with a digit in it.
    fn shapes(&self, window: &Window<'_>, blocks: &[Span], survey: &mut Survey) {
        let mut window = *window;
        let mut blocks = blocks.iter().peekable();
        let from = window.floor;
        let mut passed = from;
        let cut = !survey.pieces.is_empty();
        let few = if survey.spoken == Spoken::default() { self.few() } else { 0 };
        for word in words::words(window.part(from, window.len())) {
            let mut word = Span::new(from + word.start, from + word.end);
            // Both come in order, so that each block is passed once.
            while let Some(block) = blocks.next_if(|block| block.end <= word.start) {
                window.floor = window.floor.max(block.end);
            }
            if blocks.peek().is_some_and(|block| block.start <= word.start) {
                continue;
            }
            if word.start < passed {
                continue;
            }
            let everyday = everyday::look(&window, word, few);
            match everyday {
                Everyday::Row(end) => {
                    passed = end;
                    continue;
                }
                Everyday::Open => survey.hold(Open { from: word.start, serious: false }),
                Everyday::Number(last) => {
                    passed = last.end;
                    word = last;
                }
                Everyday::No | Everyday::Small => {}
            }
            if matches!(everyday, Everyday::No | Everyday::Open) {
                self.shape(&window, word, survey);
            }
            if !window.streamed && joints::may_join(&window, word) {
                survey.pieces.push(word);
            }
        }
        if cut {
            survey.pieces.sort_unstable_by_key(|piece| piece.start);
        }
    }

    /// Asks each shape that may begin at this word, or around it, whether it does.
    fn shape(&self, window: &Window<'_>, word: Span, survey: &mut Survey) {
        if !self.shapes {
            return;
        }
        let glance = Glance::of(window, word);
        match window.heed {
            Heed::All => {}
            Heed::Pieces => return,
            // No other shape is a secret.
            Heed::Secrets => {
                if glance.open || crypto::may_be(&glance) {
                    survey.take(crypto::check(window, word));
                }
                return;
            }
        }
        survey.take(self.idents.check(window, word, survey.spoken, glance.number()));
        if glance.open || track::may_be(&glance) {
            survey.take(track::check(window, word));
        }
        people::shapes(window, word, (&glance, survey.spoken), |outcome| survey.take(outcome));
        // Only pieces that were put together have numbers within a word.
        if window.joints.is_empty() {
            if glance.first > 0 && (glance.open || glance.digits >= digits::SHORTEST) {
                survey.take(digits::check(window, word.start));
            }
            survey.take(iban::check(window, word.start + 2));
        } else {
            self.numbers(window, word, survey);
        }
    }

    /// Looks at every run of digits in the word.
    fn numbers(&self, window: &Window<'_>, word: Span, survey: &mut Survey) {
        let mut at = word.start;
        while at < word.end {
            let start = window.run(at, word.end - at, |byte| !byte.is_ascii_digit());
            if start >= word.end {
                return;
            }
            at = window.run(start, word.end - start, |byte| byte.is_ascii_digit());
            survey.take(digits::check(window, start));
            survey.take(iban::check(window, start));
        }
    }
}

/// Whether what begins with a literal is a piece of a string or of a group, and ends there.
fn is_cut(window: &Window<'_>, at: usize, length: usize) -> bool {
    const PIECE_BYTES: usize = 64;
    if window.streamed {
        return false;
    }
    let end = window.run(at + length, PIECE_BYTES, |byte| is_word(byte) || byte == b'-');
    matches!(window.byte(end), Some(b'"' | b'\'' | b'`' | b' ' | b'\\'))
        && !window.before(at).is_some_and(is_word)
}
