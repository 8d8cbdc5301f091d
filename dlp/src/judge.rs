//! What is done about a finding.
use crate::class::Class;
use crate::finding::{Action, Direction, Finding, Grade};

/// One rule as it is written: classes, the way it holds for (both when absent), what to do.
pub type JudgeRule = (Vec<String>, Option<Direction>, Action);

/// Decides about findings: the first rule that fits, and redaction when none does.
#[derive(Clone, Debug)]
pub struct Judge {
    minimum: Grade,
    rules: Vec<Rule>,
}

/// Rules that do not make a judge.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum JudgeError {
    /// A class that no detector reports; with the nearest that one does.
    #[error("unknown class `{0}`, did you mean `{1}`?")]
    UnknownClass(String, String),
    /// A family that no class belongs to.
    #[error("unknown family `{0}`: the families are {1}")]
    UnknownFamily(String, String),
    /// A rule that names no class would never fit.
    #[error("rule {0} names no class")]
    NoClass(usize),
}

impl Judge {
    /// Reads the rules. Findings graded below `minimum` are allowed.
    ///
    /// ```
    /// use tollgate_dlp::{Action, Direction, Grade, Judge};
    /// let keys = (vec!["secret.private_key".to_owned()], Some(Direction::Request), Action::Block);
    /// assert!(Judge::new(Grade::Likely, vec![keys]).is_ok());
    /// let typo = (vec!["secret.githb".to_owned()], None, Action::Alert);
    /// assert_eq!(
    ///     Judge::new(Grade::Likely, vec![typo]).unwrap_err().to_string(),
    ///     "unknown class `secret.githb`, did you mean `secret.github`?"
    /// );
    /// ```
    pub fn new(minimum: Grade, rules: Vec<JudgeRule>) -> Result<Self, JudgeError> {
        let known = Class::all();
        let rules = rules
            .into_iter()
            .enumerate()
            .map(|(at, (names, direction, action))| {
                if names.is_empty() {
                    return Err(JudgeError::NoClass(at.saturating_add(1)));
                }
                let kinds =
                    names.iter().map(|name| Kind::parse(name, &known)).collect::<Result<_, _>>()?;
                Ok(Rule { kinds, direction, action })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { minimum, rules })
    }

    /// What is to be done about this finding on this way.
    pub fn decide(&self, finding: &Finding, direction: Direction) -> Action {
        self.action(&finding.class, finding.grade, direction)
    }

    pub(crate) fn action(&self, class: &Class, grade: Grade, direction: Direction) -> Action {
        if grade < self.minimum {
            return Action::Allow;
        }
        let fits = |rule: &&Rule| {
            rule.direction.is_none_or(|way| way == direction)
                && rule.kinds.iter().any(|kind| kind.holds(class))
        };
        self.rules.iter().find(fits).map_or(Action::Redact, |rule| rule.action)
    }
}

impl Default for Judge {
    /// Everything likely or certain is redacted.
    fn default() -> Self {
        Self { minimum: Grade::Likely, rules: Vec::new() }
    }
}

#[derive(Clone, Debug)]
struct Rule {
    kinds: Vec<Kind>,
    direction: Option<Direction>,
    action: Action,
}

#[derive(Clone, Debug)]
enum Kind {
    All,
    Family(String),
    One(Class),
}

impl Kind {
    fn parse(name: &str, known: &[Class]) -> Result<Self, JudgeError> {
        if name == "*" {
            return Ok(Self::All);
        }
        if let Some(family) = name.strip_suffix(".*") {
            let found = known.iter().map(Class::family).find(|known| *known == family);
            return found.map(|family| Self::Family(family.to_owned())).ok_or_else(|| {
                let mut families: Vec<_> = known.iter().map(Class::family).collect();
                families.dedup();
                JudgeError::UnknownFamily(name.to_owned(), families.join(", "))
            });
        }
        if let Some(class) = known.iter().find(|class| class.as_str() == name) {
            return Ok(Self::One(class.clone()));
        }
        let nearest = known
            .iter()
            .min_by_key(|class| strsim::damerau_levenshtein(class.as_str(), name))
            .map_or("*", Class::as_str);
        Err(JudgeError::UnknownClass(name.to_owned(), nearest.to_owned()))
    }

    fn holds(&self, class: &Class) -> bool {
        match self {
            Self::All => true,
            Self::Family(family) => class.family() == family,
            Self::One(one) => one == class,
        }
    }
}
