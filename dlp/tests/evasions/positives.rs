//! What is written in other ways: the detectors' own examples, so that none is written out here
//! and each new detector comes with its own.
use std::sync::{Arc, LazyLock};

use tollgate_dlp::{Grade, Scanner, Trial};

pub static SCANNER: LazyLock<Arc<Scanner>> = LazyLock::new(|| Arc::new(Scanner::new().unwrap()));

/// What belongs together in the tables of floors.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// Secrets with a literal of their own.
    Token,
    /// Secrets that a name, a form or a command tells.
    Secret,
    /// Cards, accounts, addresses of wallets.
    Payment,
    /// Numbers of persons, of health and of firms.
    Id,
    /// Mail, phone, address, names, devices, networks and all else.
    Other,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::Token, Self::Secret, Self::Payment, Self::Id, Self::Other];

    fn of(class: &str, literals: bool) -> Self {
        match class.split('.').next().unwrap_or(class) {
            "secret" if literals && class != "secret.password" => Self::Token,
            "secret" | "hash" => Self::Secret,
            "pci" | "financial" => Self::Payment,
            "gov_id" | "health" | "identifier" => Self::Id,
            _ => Self::Other,
        }
    }
}

/// A text in which something is found in plain form.
pub struct Positive {
    pub detector: &'static str,
    pub kind: Kind,
    pub text: String,
    family: String,
    /// Where the find stands in the text.
    pub span: (usize, usize),
}

impl Positive {
    /// Whether the same family is found, as sure as what counts by default.
    pub fn is_found_in(&self, text: &[u8]) -> bool {
        let findings = SCANNER.scan(text);
        findings.iter().any(|one| self.is_kin(one.class.family()) && one.grade >= Grade::Likely)
    }

    /// What is found in its stead.
    pub fn instead(&self, text: &[u8]) -> String {
        let findings = SCANNER.scan(text);
        let told =
            findings.iter().map(|one| format!(" {:?} {} by {}", one.grade, one.class, one.via));
        told.collect()
    }

    /// Whether a find of a family is the find: something of the same family, or a secret of
    /// something that is no secret, is not.
    pub fn is_kin(&self, family: &str) -> bool {
        self.family == family
    }

    /// The text with the find written in another way; in quotes, if that is in more than one and
    /// none stand around it.
    pub fn with(&self, write: &fn(&str) -> String) -> String {
        let (before, find, after) = self.parts();
        let quoted = before.ends_with('"');
        let find = write(find);
        let quote = if find.contains('"') && !quoted { "\"" } else { "" };
        format!("{before}{quote}{find}{quote}{after}")
    }

    /// What stands before the find, the find, and what stands behind it.
    pub fn parts(&self) -> (&str, &str, &str) {
        let (start, end) = self.span;
        (&self.text[..start], &self.text[start..end], &self.text[end..])
    }
}

/// All examples of all detectors that are found in plain form, in a letter, by default.
pub static POSITIVES: LazyLock<Vec<Positive>> = LazyLock::new(|| {
    let mut positives = Vec::new();
    for entry in Scanner::detectors() {
        let trial = Trial::from(&entry);
        for text in trial.examples {
            let findings = SCANNER.scan(text.as_bytes());
            let is_it = |class: &str, grade| class == entry.class && grade >= Grade::Likely;
            let Some(found) = findings.iter().find(|one| is_it(one.class.as_str(), one.grade))
            else {
                continue;
            };
            let positive = Positive {
                detector: entry.name,
                kind: Kind::of(entry.class, !entry.literals.is_empty()),
                span: (found.start, found.end),
                family: entry.family().to_owned(),
                text,
            };
            if positive.is_found_in(letter(&positive.text).as_bytes()) {
                positives.push(positive);
            }
        }
    }
    positives
});

/// What an encoded text stands in: a few lines that say nothing of it.
pub fn letter(text: &str) -> String {
    format!("As we said, here it is:\n{text}\nAnd that is all of it.\n")
}
