//! What is looked for, as settings say it: own detectors, and changes to the built-in ones.
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use crate::actions::mark::is_class;
use crate::class::Class;
use crate::detectors;
use crate::engine::Window;
use crate::engine::custom::{Custom, LONGEST, Tuning};
use crate::engine::shape::{Form, Shape};
use crate::finding::Grade;
use crate::name::Name;
use crate::scanner::Scanner;

/// Which detectors look.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Detectors {
    /// Detectors beside the built-in ones.
    pub own: Vec<OwnDetector>,
    /// Names of built-in detectors whose findings are dropped.
    pub off: Vec<String>,
    /// Names of built-in detectors with the grade that their findings get.
    pub grades: Vec<(String, Grade)>,
}

/// A detector as settings describe it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OwnDetector {
    /// Its name, of its own.
    pub name: String,
    /// What it finds: `family.kind`.
    pub class: String,
    /// What replaces a finding; made from the class when absent.
    pub tag: Option<String>,
    /// Where to look, whatever the case.
    pub literals: Vec<String>,
    /// What begins with the literal and stays; without it the value begins with the literal.
    pub lead: Option<String>,
    /// The value.
    pub pattern: String,
    /// What a value must pass beside.
    pub validator: Option<Validator>,
    /// Words of which one stands shortly before.
    pub context: Vec<String>,
    /// How sure a finding is.
    pub grade: Grade,
    /// Texts in which it finds something.
    pub examples: Vec<String>,
    /// Texts in which it finds nothing.
    pub counter_examples: Vec<String>,
}

/// A check of a value beyond its form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Validator {
    /// The check digit of ISO/IEC 7812-1 over its digits.
    Luhn,
    /// ISO 7064 MOD 97-10 over its letters and digits.
    Mod97,
    /// At least so much entropy for each byte.
    Entropy(Bits),
    /// Letters and digits both.
    Mixed,
}

/// Bits in hundredths, so that settings can be compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bits(u32);

impl Bits {
    pub(crate) fn bits(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

impl Validator {
    /// Reads `luhn`, `mod97`, `mixed`, or `entropy>=3.5`.
    ///
    /// ```
    /// use tollgate_dlp::Validator;
    /// assert_eq!(Validator::parse("luhn"), Some(Validator::Luhn));
    /// assert!(Validator::parse("entropy>=3.25").is_some());
    /// assert!(Validator::parse("entropy>=9").is_none());
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "luhn" => Some(Self::Luhn),
            "mod97" => Some(Self::Mod97),
            "mixed" => Some(Self::Mixed),
            _ => {
                let bits = text.strip_prefix("entropy>=")?.trim();
                let (whole, part) = bits.split_once('.').unwrap_or((bits, "0"));
                let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
                if whole.len() != 1 || part.is_empty() || part.len() > 2 {
                    return None;
                }
                if !digits(whole) || !digits(part) {
                    return None;
                }
                let scale = if part.len() == 1 { 10 } else { 1 };
                let sum = whole.parse::<u32>().ok()? * 100 + part.parse::<u32>().ok()? * scale;
                // No byte has more than eight bits.
                (sum <= 800).then_some(Self::Entropy(Bits(sum)))
            }
        }
    }
}

/// A mistake in [`Detectors`]. It shows nothing that was written but the names in `off` and
/// `grades`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DetectorMistake {
    /// Where: `own`, `off` or `grades`.
    pub list: &'static str,
    /// Which of the list.
    pub nth: usize,
    /// Which setting of the detector; empty for a name in a list.
    pub field: &'static str,
    /// Which of that setting, when it is a list.
    pub item: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: String,
}

impl fmt::Display for DetectorMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.list, self.nth)?;
        if !self.field.is_empty() {
            write!(f, ".{}", self.field)?;
        }
        if let Some(item) = self.item {
            write!(f, "[{item}]")?;
        }
        write!(f, ": {}; {}", self.message, self.help)
    }
}

/// A literal: shorter ones stand everywhere, longer ones are no literals.
const LITERAL_BYTES: std::ops::RangeInclusive<usize> = 3..=48;
const PATTERN_BYTES: usize = 1024;
/// Longer than any built-in tag.
const TAG_BYTES: usize = 44;
const CONTEXT_BYTES: std::ops::RangeInclusive<usize> = 2..=40;

impl Detectors {
    /// Every mistake in them.
    ///
    /// ```
    /// use tollgate_dlp::Detectors;
    /// let detectors = Detectors { off: vec!["emial".to_owned()], ..Detectors::default() };
    /// let mistakes = detectors.mistakes();
    /// assert_eq!(mistakes[0].message, "no detector has the name `emial`");
    /// assert_eq!(mistakes[0].help, "did you mean `email`?");
    /// ```
    pub fn mistakes(&self) -> Vec<DetectorMistake> {
        let mut mistakes = self.compile().err().unwrap_or_default();
        let names = self.off.iter().enumerate().map(|(nth, name)| ("off", nth, name));
        let graded = self.grades.iter().enumerate().map(|(nth, (name, _))| ("grades", nth, name));
        for (list, nth, name) in names.chain(graded) {
            if detectors::catalogue().all(|known| known.name != name) {
                mistakes.push(unknown(list, nth, name));
            }
        }
        mistakes
    }

    /// The classes that own detectors report.
    pub fn classes(&self) -> Vec<Class> {
        self.own.iter().map(|own| Class::from(shared(&own.class))).collect()
    }

    pub(crate) fn tuning(&self) -> Tuning {
        let off = self.off.iter().map(|name| (name.clone(), None));
        let graded = self.grades.iter().map(|(name, grade)| (name.clone(), Some(*grade)));
        Tuning(graded.chain(off).collect())
    }

    /// The own detectors, ready to look; or what is wrong with them.
    pub(crate) fn compile(&self) -> Result<Vec<Custom>, Vec<DetectorMistake>> {
        let mut mistakes = Vec::new();
        let mut customs = Vec::new();
        let mut names = HashSet::new();
        for (nth, own) in self.own.iter().enumerate() {
            let mut check = Check { nth, own, mistakes: &mut mistakes };
            if !names.insert(own.name.as_str()) {
                check.wrong("name", None, "an earlier detector has this name", "each has its own");
            }
            customs.extend(check.compile());
        }
        if mistakes.is_empty() { Ok(customs) } else { Err(mistakes) }
    }
}

struct Check<'a> {
    nth: usize,
    own: &'a OwnDetector,
    mistakes: &'a mut Vec<DetectorMistake>,
}

impl Check<'_> {
    fn wrong(
        &mut self,
        field: &'static str,
        item: Option<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.mistakes.push(DetectorMistake {
            list: "own",
            nth: self.nth,
            field,
            item,
            message: message.into(),
            help: help.into(),
        });
    }

    /// `None` with a mistake told.
    fn compile(&mut self) -> Option<Custom> {
        let before = self.mistakes.len();
        self.names();
        self.words();
        let lead = match &self.own.lead {
            None => None,
            Some(lead) => Some(self.shape("lead", lead)?),
        };
        let body = self.shape("pattern", &self.own.pattern)?;
        if self.mistakes.len() > before {
            return None;
        }
        let own = self.own;
        self.examples(Custom {
            name: shared(&own.name),
            class: Class::from(shared(&own.class)),
            tag: shared(&tag(own)),
            grade: own.grade,
            form: Form { lead: lead.map(Box::new), body },
            validator: own.validator,
            context: own.context.clone(),
        })
    }

    fn names(&mut self) {
        let own = self.own;
        if detectors::catalogue().any(|known| known.name == own.name) {
            self.wrong(
                "name",
                None,
                "a built-in detector has this name",
                "take another; switch the built-in one off in `off` if it is to be replaced",
            );
        }
        if !is_class(&own.class) {
            self.wrong(
                "class",
                None,
                "this is not a class",
                "a family, a dot and a kind, of lower-case letters, digits and `_`: `identifier.employee`",
            );
        }
        let is_tag = |tag: &String| {
            let inner = tag.strip_prefix("[REDACTED").and_then(|tag| tag.strip_suffix(']'));
            tag.len() <= TAG_BYTES
                && inner.is_some_and(|inner| {
                    inner.bytes().all(|b| {
                        b.is_ascii_uppercase() || b.is_ascii_digit() || b"-:_".contains(&b)
                    })
                })
        };
        if own.tag.as_ref().is_some_and(|tag| !is_tag(tag)) {
            self.wrong(
                "tag",
                None,
                "this tag would not be known again",
                "`[REDACTED:` and `]` around upper-case letters, digits, `-` and `_`",
            );
        }
    }

    fn words(&mut self) {
        let own = self.own;
        if own.literals.is_empty() {
            self.wrong(
                "literals",
                None,
                "it has no literal, so it would look nowhere",
                "name what a value begins with, or a word before it together with `lead`",
            );
        }
        for (item, literal) in own.literals.iter().enumerate() {
            if !LITERAL_BYTES.contains(&literal.len()) || !literal.is_ascii() {
                self.wrong(
                    "literals",
                    Some(item),
                    "a literal has 3 to 48 ASCII characters",
                    "take more of what always stands there",
                );
            }
        }
        for (item, word) in own.context.iter().enumerate() {
            if !CONTEXT_BYTES.contains(&word.len()) {
                self.wrong("context", Some(item), "a word has 2 to 40 bytes", "take a whole word");
            }
        }
        if own.examples.is_empty() {
            self.wrong(
                "examples",
                None,
                "it has no example",
                "give a text in which it finds something; made up, not a real one",
            );
        }
    }

    fn shape(&mut self, field: &'static str, pattern: &str) -> Option<Shape> {
        const HELP: &str = "a small pattern over bytes, with bounded repeats: `EMP-[0-9]{6}`; no look-around, no back-references, no `\\b`";
        if pattern.is_empty() || pattern.len() > PATTERN_BYTES {
            self.wrong(field, None, format!("a pattern has 1 to {PATTERN_BYTES} bytes"), HELP);
            return None;
        }
        let Some(shape) = Shape::new(pattern) else {
            self.wrong(field, None, "this pattern cannot be used", HELP);
            return None;
        };
        if shape.walk(&Window::whole(b""), 0, LONGEST).end.is_some() {
            self.wrong(field, None, "this pattern fits an empty text", HELP);
            return None;
        }
        Some(shape)
    }

    /// Tries the detector with its examples, and gives it back.
    fn examples(&mut self, custom: Custom) -> Option<Custom> {
        let own = self.own;
        let mut scanner = Scanner::alone(custom, &own.literals)?;
        for (item, text) in own.examples.iter().enumerate() {
            if scanner.scan(text.as_bytes()).is_empty() {
                self.wrong(
                    "examples",
                    Some(item),
                    "nothing is found in this example",
                    "the pattern begins where a literal stands, or behind `lead`; letters and digits beside a value make it part of something longer",
                );
            }
        }
        for (item, text) in own.counter_examples.iter().enumerate() {
            if !scanner.scan(text.as_bytes()).is_empty() {
                self.wrong(
                    "counter_examples",
                    Some(item),
                    "something is found in this counter-example",
                    "make the pattern narrower, or name a validator or words of context",
                );
            }
        }
        scanner.surveyor.customs.pop()
    }
}

fn unknown(list: &'static str, nth: usize, name: &str) -> DetectorMistake {
    let near = detectors::catalogue()
        .map(|known| known.name)
        .min_by_key(|known| strsim::damerau_levenshtein(known, name))
        .unwrap_or_default();
    DetectorMistake {
        list,
        nth,
        field: "",
        item: None,
        message: format!("no detector has the name `{name}`"),
        help: format!("did you mean `{near}`?"),
    }
}

/// `[REDACTED:EMPLOYEE]` for `identifier.employee`.
fn tag(own: &OwnDetector) -> String {
    own.tag.clone().unwrap_or_else(|| {
        let kind = own.class.split_once('.').map_or("", |(_, kind)| kind);
        let kind: String = kind.chars().take(TAG_BYTES - 12).collect();
        format!("[REDACTED:{}]", kind.to_ascii_uppercase().replace('_', "-"))
    })
}

fn shared(text: &str) -> Name {
    Name::from(Arc::<str>::from(text))
}
