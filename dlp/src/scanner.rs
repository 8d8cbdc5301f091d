//! The scanner: built once, used by everyone.
use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

use memchr::memmem::Finder;

use crate::actions::mark;
use crate::detectors::neighbours::neighbours;
use crate::detectors::{self, CatalogueEntry, DETECTORS};
use crate::engine::custom::{Custom, Tuning};
use crate::engine::hit::{self, Cluster, Rank};
use crate::engine::ident::Idents;
use crate::engine::literals::{Literals, Role};
use crate::engine::neighbour::Providers;
use crate::engine::survey::{EVENT, Surveyor};
use crate::engine::token::Token;
use crate::engine::{Span, Window, bic, key, pem, people, postcode, shape, url};
use crate::finding::{Acted, Action, Direction, Finding, Place, Redaction};
use crate::judge::Judge;
use crate::known::Known;
use crate::name::Name;
use crate::quiet::Seen;
use crate::settings::{DetectorMistake, Detectors};
use crate::unfold::turned::Turn;

/// Knows every detector; compiled once, when the process starts or its settings load.
pub struct Scanner {
    pub(crate) surveyor: Surveyor,
    /// What was looked at before.
    pub(crate) seen: Seen,
}

/// Detectors that do not make a scanner.
#[derive(Debug, thiserror::Error)]
pub enum ScannerError {
    /// A pattern that does not compile, or needs too many states. It can only happen to who changes
    /// the tables.
    #[error("the pattern of detector `{0}` cannot be used")]
    Pattern(&'static str),
    /// Settings that cannot be used; every mistake in them.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Settings(Vec<DetectorMistake>),
    /// The words that tell of identifiers together need too many states.
    #[error("the words of the identifiers cannot be used: {0}")]
    Words(#[from] aho_corasick::BuildError),
}

impl Scanner {
    /// Compiles the built-in detectors.
    pub fn new() -> Result<Self, ScannerError> {
        Self::with(&Detectors::default())
    }

    /// Compiles the built-in detectors as settings change them, and those that settings bring.
    ///
    /// ```
    /// use tollgate_dlp::{Detectors, Scanner};
    /// let off = Detectors { off: vec!["email".to_owned()], ..Detectors::default() };
    /// assert!(Scanner::with(&off)?.scan(b"mail bob@example.com").is_empty());
    /// # Ok::<(), tollgate_dlp::ScannerError>(())
    /// ```
    pub fn with(settings: &Detectors) -> Result<Self, ScannerError> {
        let mistakes = settings.mistakes();
        if !mistakes.is_empty() {
            return Err(ScannerError::Settings(mistakes));
        }
        let BuiltIn { tokens, idents, providers } = BuiltIn::get()?;
        let mut turned = Vec::new();
        let mut entries: Vec<(&str, Role, bool)> =
            vec![(pem::LITERAL, Role::PrivateKey, true), (url::LITERAL, Role::Url, false)];
        entries.push(("@", Role::Email, false));
        entries.extend(bic::LITERALS.iter().map(|word| (*word, Role::Bic, false)));
        entries.extend(postcode::words().map(|word| (word, Role::Postcode, false)));
        entries.extend(people::literals().map(|(text, kind)| (text, Role::People(kind), false)));
        entries.extend(key::ROOTS.iter().map(|root| (*root, Role::Name, false)));
        entries.extend([mark::TOKEN, mark::PRINT].map(|literal| (literal, Role::Mark, true)));
        for (number, detector) in DETECTORS.iter().copied().flatten().enumerate() {
            let role = if detector.whole { Role::Whole(number) } else { Role::Token(number) };
            let claimed = detector.lead.is_empty();
            entries.extend(detector.literals.iter().map(|literal| (*literal, role, claimed)));
            for turn in [Turn::Reversed, Turn::Rot13] {
                let role = Role::Turned(number, turn);
                let literals = detector.literals.iter().filter(|text| claimed && text.len() >= 4);
                turned.extend(literals.map(|literal| (turn.of(literal), role)));
            }
        }
        entries.extend(turned.iter().map(|(text, role)| (text.as_str(), *role, false)));
        entries.extend(providers.literals().map(|(name, at)| (name, Role::Provider(at), false)));
        let customs = settings.compile().map_err(ScannerError::Settings)?;
        for (nth, own) in settings.own.iter().enumerate() {
            entries.extend(roles(&own.literals, nth, own.lead.is_none()));
        }
        entries.extend(idents.literals().map(|(word, nth)| (word, Role::Ident(nth), false)));
        let literals = Literals::new(&entries, |text, role| match role {
            Role::Token(number) | Role::Whole(number) => {
                tokens.get(number).map(|token: &Token| token.next(text))
            }
            _ => None,
        });
        let tuning = settings.tuning();
        let known = None;
        let events = Finder::new(EVENT);
        let surveyor = Surveyor {
            literals,
            tokens,
            customs,
            tuning,
            known,
            idents,
            providers,
            events,
            shapes: true,
        };
        Ok(Self::from(surveyor))
    }

    /// Compiles one detector of the settings, to be tried with its examples.
    pub(crate) fn alone(custom: Custom, literals: &[String]) -> Option<Self> {
        let entries: Vec<_> = roles(literals, 0, custom.form.lead.is_none()).collect();
        let literals = Literals::new(&entries, |_, _| None);
        let surveyor = Surveyor { literals, customs: vec![custom], ..nothing().ok()? };
        Some(Self::from(surveyor))
    }

    /// Looks for what is known and for nothing else, in whatever encoding.
    pub fn of_known(known: Arc<Known>) -> Result<Self, ScannerError> {
        Ok(Self::from(nothing()?).with_known(known))
    }

    /// Looks for what is known as well.
    pub fn with_known(mut self, known: Arc<Known>) -> Self {
        self.surveyor.known = Some(known).filter(|known| !known.is_empty());
        self.seen = Seen::default();
        self
    }

    /// Everything found in a text, sorted by place. Findings that overlap are one.
    ///
    /// A clean text costs no allocation.
    pub fn scan(&self, text: &[u8]) -> Vec<Finding> {
        self.look(&Window::whole(text), None)
            .iter()
            .filter(|cluster| cluster.is_told())
            .map(|cluster| cluster.finding(Place::Text, 0))
            .collect()
    }

    /// Puts tags in the place of what the judge has redacted or blocked.
    ///
    /// ```
    /// use tollgate_dlp::{Direction, Judge, Scanner};
    /// let scanner = Scanner::new()?;
    /// let redaction = scanner.redact("password=hunter2", &Judge::default(), Direction::Request);
    /// assert_eq!(redaction.text, "password=[REDACTED]");
    /// # Ok::<(), tollgate_dlp::ScannerError>(())
    /// ```
    pub fn redact<'t>(&self, text: &'t str, judge: &Judge, way: Direction) -> Redaction<'t> {
        let look = |text: &str| self.look(&Window::whole(text.as_bytes()), Some((judge, way)));
        let (clean, clusters) = settled(text, look(text), judge, look);
        let acted = acted(&clusters, 0, |_| Place::Text);
        Redaction { text: clean.map_or(Cow::Borrowed(text), Cow::Owned), acted }
    }

    pub(crate) fn look(
        &self,
        window: &Window<'_>,
        judge: Option<(&Judge, Direction)>,
    ) -> Vec<Cluster> {
        hit::clusters(self.surveyor.survey(window).hits, judge, window.len())
    }

    /// The literals and the pattern of each token, for benchmarks that compare.
    #[doc(hidden)]
    pub fn patterns() -> impl Iterator<Item = (&'static [&'static str], String)> {
        let tokens = DETECTORS.iter().copied().flatten();
        tokens.map(|token| {
            let pattern = format!("{}{}", token.lead, token.body);
            (token.literals, shape::spelled(&pattern))
        })
    }

    /// All detectors, as the documentation lists them.
    pub fn detectors() -> impl Iterator<Item = CatalogueEntry> {
        detectors::catalogue()
    }
}

impl From<Surveyor> for Scanner {
    fn from(surveyor: Surveyor) -> Self {
        Self { surveyor, seen: Seen::default() }
    }
}

impl fmt::Debug for Scanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scanner").field("tokens", &self.surveyor.tokens.len()).finish()
    }
}

/// What comes of the tables alone: built once in a process, since it takes most of the time that a
/// scanner does.
#[derive(Clone)]
struct BuiltIn {
    tokens: Arc<Vec<Token>>,
    idents: Arc<Idents>,
    providers: Arc<Providers>,
}

impl BuiltIn {
    fn get() -> Result<Self, ScannerError> {
        static BUILT: OnceLock<BuiltIn> = OnceLock::new();
        if let Some(built) = BUILT.get() {
            return Ok(built.clone());
        }
        let token = |detector| Token::new(detector).ok_or(ScannerError::Pattern(detector.name));
        let tokens = DETECTORS.iter().copied().flatten().map(token).collect::<Result<_, _>>()?;
        let idents = Idents::new(detectors::idents().collect());
        let built = Self {
            tokens: Arc::new(tokens),
            idents: Arc::new(idents.ok_or(ScannerError::Pattern("idents"))??),
            providers: Arc::new(Providers::new(neighbours()).map_err(ScannerError::Pattern)?),
        };
        Ok(BUILT.get_or_init(|| built).clone())
    }
}

/// Looks for nothing.
fn nothing() -> Result<Surveyor, ScannerError> {
    Ok(Surveyor {
        literals: Literals::new(&[], |_, _| None),
        tokens: Arc::default(),
        customs: Vec::new(),
        tuning: Tuning::default(),
        known: None,
        idents: Arc::new(Idents::new(Vec::new()).ok_or(ScannerError::Pattern("nothing"))??),
        providers: Arc::new(Providers::new(std::iter::empty()).map_err(ScannerError::Pattern)?),
        events: Finder::new(EVENT),
        shapes: false,
    })
}

/// What was acted on.
pub(crate) fn acted(
    clusters: &[Cluster],
    base: usize,
    place: impl Fn(&Cluster) -> Place,
) -> Vec<Acted> {
    clusters
        .iter()
        .filter(|cluster| cluster.action > Action::Allow && cluster.is_told())
        .map(|cluster| cluster.acted(place(cluster), base))
        .collect()
}

/// So many times a text is looked at: what stands in the place of a finding may make another one of
/// what stands beside it. It seldom does, and hardly ever twice.
const LOOKS: usize = 5;
/// From this look on all that is found gets a tag, beside which the least is found.
const LOOKS_FOR_TAGS: usize = 3;

/// The text with the edits done, until a further look would change nothing, and all that they were
/// done for; or `None` when there are none.
pub(crate) fn settled(
    text: &str,
    clusters: Vec<Cluster>,
    judge: &Judge,
    look: impl Fn(&str) -> Vec<Cluster>,
) -> (Option<String>, Vec<Cluster>) {
    let Some(first) = edited(text.as_bytes(), &clusters, Some(judge)) else {
        return (None, clusters);
    };
    let (mut all, mut moves) = (clusters, vec![first.moves]);
    let mut text = into_text(first.bytes);
    // What was given back would be taken away again.
    let restored = |cluster: &Cluster| cluster.action == Action::Restore;
    if all.iter().any(restored) {
        return (Some(text), all);
    }
    for looks in 1..LOOKS {
        let found = look(&text).into_iter();
        let found: Vec<_> = found.filter(|one| one.action.edits() && !restored(one)).collect();
        let judge = (looks < LOOKS_FOR_TAGS).then_some(judge);
        let Some(next) = edited(text.as_bytes(), &found, judge) else { break };
        text = into_text(next.bytes);
        all.extend(found.into_iter().map(|mut cluster| {
            let secret = &mut cluster.best.secret;
            *secret = moves.iter().rev().fold(*secret, |at, moves| moves.back(at));
            cluster
        }));
        moves.push(next.moves);
    }
    (Some(text), all)
}

/// A text with the edits done.
pub(crate) struct Edited {
    pub(crate) bytes: Vec<u8>,
    moves: Moves,
}

/// What stood where, and what stands there now.
struct Moves(Vec<(Span, Span)>);

impl Moves {
    /// Where that stood which stands at `span` now.
    fn back(&self, span: Span) -> Span {
        let (mut start, mut end) = (span.start, span.end);
        for (was, is) in &self.0 {
            if span.start >= is.end {
                start = was.end + (span.start - is.end);
            } else if span.start >= is.start {
                start = was.start;
            }
            if span.end > is.end {
                end = was.end + (span.end - is.end);
            } else if span.end > is.start {
                end = was.end;
            }
        }
        Span::new(start, end)
    }
}

/// The text with the edits done, or `None` when there are none. Without a judge every edit is a tag.
pub(crate) fn edited(text: &[u8], clusters: &[Cluster], judge: Option<&Judge>) -> Option<Edited> {
    let mut out: Option<Edited> = None;
    let mut copied = 0;
    for cluster in clusters.iter().filter(|cluster| cluster.action.edits()) {
        let new = || Edited { bytes: Vec::with_capacity(text.len()), moves: Moves(Vec::new()) };
        let Edited { bytes, moves } = out.get_or_insert_with(new);
        bytes.extend_from_slice(text.get(copied..cluster.edit.start).unwrap_or_default());
        let start = bytes.len();
        bytes.extend_from_slice(cluster.lead.as_bytes());
        let matched = text.get(cluster.edit.start..cluster.edit.end).unwrap_or_default();
        bytes.extend_from_slice(replacement(cluster, matched, judge).as_bytes());
        moves.0.push((cluster.edit, Span::new(start, bytes.len())));
        copied = cluster.edit.end;
    }
    let mut out = out?;
    out.bytes.extend_from_slice(text.get(copied..).unwrap_or_default());
    Some(out)
}

/// What stands in the place of `matched`: the tag, or what the action makes of the matched text.
/// What was written in another way is replaced by a tag, since a mask would show only its writing
/// and a token stand for that; and so is a private key, whose end may be anywhere.
pub(crate) fn replacement(cluster: &Cluster, matched: &[u8], judge: Option<&Judge>) -> Name {
    let hit = &cluster.best;
    let masks_part = cluster.action == Action::Mask && hit.secret != cluster.edit;
    let made = match (judge, std::str::from_utf8(matched)) {
        _ if hit.rank == Rank::Block || !hit.via.is_empty() || masks_part => None,
        (Some(judge), Ok(text)) if !text.is_empty() => judge.replace(hit, cluster.action, text),
        _ => None,
    };
    made.unwrap_or_else(|| cluster.tag.clone())
}

fn roles(
    literals: &[String],
    nth: usize,
    claimed: bool,
) -> impl Iterator<Item = (&str, Role, bool)> {
    literals.iter().map(move |literal| (literal.as_str(), Role::Custom(nth), claimed))
}

/// Edits begin and end between characters, so that text stays text.
pub(crate) fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|broken| String::from_utf8_lossy(broken.as_bytes()).into_owned())
}
