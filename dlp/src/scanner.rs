//! The scanner: built once, used by everyone.
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::actions::mark;
use crate::detectors::neighbours::neighbours;
use crate::detectors::{self, CatalogueEntry, DETECTORS};
use crate::engine::custom::{Custom, Tuning};
use crate::engine::hit::{self, Cluster, Rank};
use crate::engine::ident::Idents;
use crate::engine::literals::{Literals, Role};
use crate::engine::neighbour::Providers;
use crate::engine::survey::Surveyor;
use crate::engine::token::Token;
use crate::engine::{Window, bic, key, pem, people, url};
use crate::finding::{Acted, Action, Direction, Finding, Place, Redaction};
use crate::judge::Judge;
use crate::known::Known;
use crate::name::Name;
use crate::settings::{DetectorMistake, Detectors};
use crate::unfold::turned::Turn;

/// Knows every detector; compiled once, when the process starts or its settings load.
pub struct Scanner {
    pub(crate) surveyor: Surveyor,
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
        let mut tokens = Vec::new();
        let mut turned = Vec::new();
        let mut entries: Vec<(&str, Role, bool)> =
            vec![(pem::LITERAL, Role::PrivateKey, true), (url::LITERAL, Role::Url, false)];
        entries.push(("@", Role::Email, false));
        entries.extend(bic::LITERALS.iter().map(|word| (*word, Role::Bic, false)));
        entries.extend(people::literals().map(|(text, kind)| (text, Role::People(kind), false)));
        entries.extend(key::ROOTS.iter().map(|root| (*root, Role::Name, false)));
        entries.extend([mark::TOKEN, mark::PRINT].map(|literal| (literal, Role::Mark, true)));
        for detector in DETECTORS.iter().copied().flatten() {
            let token = Token::new(detector).ok_or(ScannerError::Pattern(detector.name))?;
            let role = Role::Token(tokens.len());
            let claimed = detector.lead.is_empty();
            entries.extend(detector.literals.iter().map(|literal| (*literal, role, claimed)));
            for turn in [Turn::Reversed, Turn::Rot13] {
                let role = Role::Turned(tokens.len(), turn);
                let literals = detector.literals.iter().filter(|text| claimed && text.len() >= 4);
                turned.extend(literals.map(|literal| (turn.of(literal), role)));
            }
            tokens.push(token);
        }
        entries.extend(turned.iter().map(|(text, role)| (text.as_str(), *role, false)));
        let providers = Providers::new(neighbours()).map_err(ScannerError::Pattern)?;
        entries.extend(providers.literals().map(|(name, at)| (name, Role::Provider(at), false)));
        let customs = settings.compile().map_err(ScannerError::Settings)?;
        for (nth, own) in settings.own.iter().enumerate() {
            entries.extend(roles(&own.literals, nth, own.lead.is_none()));
        }
        let idents =
            Idents::new(detectors::idents().collect()).ok_or(ScannerError::Pattern("idents"))??;
        entries.extend(idents.literals().map(|(word, nth)| (word, Role::Ident(nth), false)));
        let literals = Literals::new(&entries, |text, role| match role {
            Role::Token(number) => tokens.get(number).map(|token: &Token| token.next(text)),
            _ => None,
        });
        let tuning = settings.tuning();
        let known = None;
        let surveyor = Surveyor { literals, tokens, customs, tuning, known, idents, providers };
        Ok(Self { surveyor })
    }

    /// Compiles one detector of the settings, to be tried with its examples.
    pub(crate) fn alone(custom: Custom, literals: &[String]) -> Option<Self> {
        let entries: Vec<_> = roles(literals, 0, custom.form.lead.is_none()).collect();
        let surveyor = Surveyor {
            literals: Literals::new(&entries, |_, _| None),
            tokens: Vec::new(),
            customs: vec![custom],
            tuning: Tuning::default(),
            known: None,
            idents: Idents::new(Vec::new())?.ok()?,
            providers: Providers::new(std::iter::empty()).ok()?,
        };
        Some(Self { surveyor })
    }

    /// Looks for what is known as well.
    pub fn with_known(mut self, known: Arc<Known>) -> Self {
        self.surveyor.known = Some(known).filter(|known| !known.is_empty());
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
        let clusters = self.look(&Window::whole(text.as_bytes()), Some((judge, way)));
        let acted = acted(&clusters, 0, |_| Place::Text);
        let text = match edited(text.as_bytes(), &clusters, Some(judge)) {
            None => Cow::Borrowed(text),
            Some(bytes) => Cow::Owned(into_text(bytes)),
        };
        Redaction { text, acted }
    }

    pub(crate) fn look(
        &self,
        window: &Window<'_>,
        judge: Option<(&Judge, Direction)>,
    ) -> Vec<Cluster> {
        hit::clusters(self.surveyor.survey(window).hits, judge)
    }

    /// The literals and the pattern of each token, for benchmarks that compare.
    #[doc(hidden)]
    pub fn patterns() -> impl Iterator<Item = (&'static [&'static str], String)> {
        let tokens = DETECTORS.iter().copied().flatten();
        tokens.map(|token| (token.literals, format!("{}{}", token.lead, token.body)))
    }

    /// All detectors, as the documentation lists them.
    pub fn detectors() -> impl Iterator<Item = CatalogueEntry> {
        detectors::catalogue()
    }
}

impl fmt::Debug for Scanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scanner").field("tokens", &self.surveyor.tokens.len()).finish()
    }
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

/// The text with the edits done, or `None` when there are none. Without a judge every edit is a tag.
pub(crate) fn edited(text: &[u8], clusters: &[Cluster], judge: Option<&Judge>) -> Option<Vec<u8>> {
    let mut out: Option<Vec<u8>> = None;
    let mut copied = 0;
    for cluster in clusters.iter().filter(|cluster| cluster.action.edits()) {
        let out = out.get_or_insert_with(|| Vec::with_capacity(text.len()));
        out.extend_from_slice(text.get(copied..cluster.edit.start).unwrap_or_default());
        out.extend_from_slice(cluster.lead.as_bytes());
        let matched = text.get(cluster.edit.start..cluster.edit.end).unwrap_or_default();
        out.extend_from_slice(replacement(cluster, matched, judge).as_bytes());
        copied = cluster.edit.end;
    }
    let mut out = out?;
    out.extend_from_slice(text.get(copied..).unwrap_or_default());
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
