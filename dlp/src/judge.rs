//! What is done about a finding.
use std::sync::Arc;

use crate::actions::{Means, mark};
use crate::class::Class;
use crate::engine::Hit;
use crate::finding::{Action, Direction, Finding, Grade};
use crate::known;
use crate::name::Name;
use crate::scene::{Channel, Pattern, Scene};

/// One rule as it is written. What is empty or absent holds for all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JudgeRule {
    /// A name for records and refusals.
    pub id: Option<String>,
    /// Classes (`pci.pan`), families (`secret.*`) or `*`; at least one.
    pub classes: Vec<String>,
    /// The least grade that it acts on; the judge's own minimum when absent.
    pub grade: Option<Grade>,
    /// The way.
    pub direction: Option<Direction>,
    /// Patterns over agents' ids.
    pub agents: Vec<String>,
    /// Patterns over roles; one that the agent has must fit.
    pub roles: Vec<String>,
    /// Channels.
    pub channels: Vec<Channel>,
    /// Patterns over destinations: it holds for calls that go there.
    pub destinations: Vec<String>,
    /// It holds for calls that go anywhere else. Where it cannot be told where a call goes, it
    /// holds.
    pub allowed_destinations: Vec<String>,
    /// It holds for calls that go there, whatever is allowed.
    pub blocked_destinations: Vec<String>,
    /// What to do.
    pub action: Action,
}

impl JudgeRule {
    /// A rule for classes, one way or both.
    pub fn new(classes: Vec<String>, direction: Option<Direction>, action: Action) -> Self {
        Self {
            id: None,
            classes,
            grade: None,
            direction,
            agents: Vec::new(),
            roles: Vec::new(),
            channels: Vec::new(),
            destinations: Vec::new(),
            allowed_destinations: Vec::new(),
            blocked_destinations: Vec::new(),
            action,
        }
    }
}

/// What a judge is made of.
#[derive(Clone, Debug)]
pub struct JudgeSettings {
    /// Findings graded lower are allowed, but for a rule that names a lower grade.
    pub minimum: Grade,
    /// The rules, in order.
    pub rules: Vec<JudgeRule>,
    /// Classes beyond the built-in ones that rules may name.
    pub classes: Vec<Class>,
    /// Nothing is changed or blocked: what would be is told.
    pub observes: bool,
    /// What masks, tokens and prints are made with.
    pub means: Means,
}

impl Default for JudgeSettings {
    fn default() -> Self {
        Self {
            minimum: Grade::Likely,
            rules: Vec::new(),
            classes: Vec::new(),
            observes: false,
            means: Means::default(),
        }
    }
}

/// Decides about findings: the first rule that fits, else what [`Judge::by_default`] says.
///
/// Rules may ask who calls and where the call goes. [`Judge::at`] gives the judge of one call;
/// without it nothing of that is known, and a rule that asks holds where it restricts.
#[derive(Clone, Debug, Default)]
pub struct Judge {
    terms: Arc<Terms>,
    bound: Option<Arc<Bound>>,
}

/// A decision, and where it comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decided {
    /// What is done.
    pub action: Action,
    /// The rule that said so, when it has a name.
    pub rule: Option<Name>,
    /// Whether the rule asked where the data goes or on which channel.
    pub is_egress: bool,
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
    /// A pattern over names or destinations that is none.
    #[error("rule {0}: `{1}` is no pattern")]
    Pattern(usize, String),
    /// A rule that lets pass what goes nowhere known.
    #[error("rule {0} lets pass, so it says where in `destinations`")]
    Lists(usize),
}

impl Judge {
    /// Reads the rules. Findings graded below `minimum` are allowed.
    ///
    /// ```
    /// use tollgate_dlp::{Action, Direction, Grade, Judge, JudgeRule};
    /// let keys = vec!["secret.private_key".to_owned()];
    /// let keys = JudgeRule::new(keys, Some(Direction::Request), Action::Block);
    /// assert!(Judge::new(Grade::Likely, vec![keys]).is_ok());
    /// let typo = JudgeRule::new(vec!["secret.githb".to_owned()], None, Action::Alert);
    /// assert_eq!(
    ///     Judge::new(Grade::Likely, vec![typo]).unwrap_err().to_string(),
    ///     "unknown class `secret.githb`, did you mean `secret.github`?"
    /// );
    /// ```
    pub fn new(minimum: Grade, rules: Vec<JudgeRule>) -> Result<Self, JudgeError> {
        Self::with(JudgeSettings { minimum, rules, ..JudgeSettings::default() })
    }

    /// Reads all that a judge can be told.
    pub fn with(settings: JudgeSettings) -> Result<Self, JudgeError> {
        let mut known = Class::all();
        known.extend(settings.classes);
        known.sort_unstable();
        known.dedup();
        let rules = settings.rules.into_iter().enumerate();
        let rules = rules.map(|(at, rule)| Rule::read(at.saturating_add(1), rule, &known));
        let terms = Terms {
            minimum: settings.minimum,
            rules: rules.collect::<Result<_, _>>()?,
            observes: settings.observes,
            means: settings.means,
        };
        Ok(Self { terms: Arc::new(terms), bound: None })
    }

    /// The judge of one call.
    #[must_use]
    pub fn at(&self, scene: &Scene) -> Self {
        let fits = self.terms.rules.iter().map(|rule| rule.is_in(scene)).collect();
        let bound = Bound { fits, agent: scene.agent.clone(), now: scene.now };
        Self { terms: Arc::clone(&self.terms), bound: Some(Arc::new(bound)) }
    }

    /// Whether any rule asks who calls or where the call goes. When none does, [`Self::anywhere`] gives
    /// the judge of a call, and no scene is needed.
    pub fn asks(&self) -> bool {
        self.terms.rules.iter().any(Rule::asks)
    }

    /// The judge of one call of this agent, `now` in seconds of any clock that only goes forward.
    /// A rule that asks holds where it restricts.
    #[must_use]
    pub fn anywhere(&self, agent: &str, now: u64) -> Self {
        let fits = self.terms.rules.iter().map(Rule::holds_anywhere).collect();
        let bound = Bound { fits, agent: agent.to_owned(), now };
        Self { terms: Arc::clone(&self.terms), bound: Some(Arc::new(bound)) }
    }

    /// What is to be done about this finding on this way.
    pub fn decide(&self, finding: &Finding, direction: Direction) -> Action {
        self.action(&finding.class, finding.grade, direction)
    }

    /// The same, with the rule that says so.
    pub fn decided(&self, finding: &Finding, direction: Direction) -> Decided {
        let rule = self.rule(&finding.class, finding.grade, direction, false);
        let rule = rule.filter(|_| Self::always(&finding.class, direction).is_none());
        Decided {
            action: self.decide(finding, direction),
            rule: rule.and_then(|rule| rule.id.clone()),
            is_egress: rule.is_some_and(|rule| rule.is_egress()),
        }
    }

    /// What is done when no rule fits.
    ///
    /// Private keys, canaries and the gate's own secrets do not leave. What opens a door or belongs
    /// to a person's money, health or papers is redacted, and so are mail addresses and what could
    /// not be read. Addresses of machines, names, numbers of telephones, digests and identifiers
    /// are only told: agents send them all day, and redacting them would break more than it guards.
    pub fn by_default(class: &Class, direction: Direction) -> Action {
        let leaves = direction == Direction::Request;
        match (class.family(), class.as_str()) {
            (_, "secret.private_key" | "known.canary" | "known.own_secret") if leaves => {
                Action::Block
            }
            (_, "contact.email" | "content.unread") => Action::Redact,
            (
                "network" | "identifier" | "person" | "contact" | "hash" | "device" | "content",
                _,
            ) => Action::Alert,
            _ => Action::Redact,
        }
    }

    /// What no rule says otherwise, and what holds for who only watches, too. Credentials that the
    /// gate gives are seen by their upstreams alone. Where a placeholder may go, only who knows
    /// whose it is can say: it is told.
    fn always(class: &Class, direction: Direction) -> Option<Action> {
        match (class.as_str(), direction) {
            (known::CREDENTIAL, Direction::Request) => Some(Action::Block),
            (known::CREDENTIAL, Direction::Answer) => Some(Action::Redact),
            (known::PLACEHOLDER, Direction::Request) => Some(Action::Alert),
            (known::PLACEHOLDER, Direction::Answer) => Some(Action::Allow),
            _ => None,
        }
    }

    pub(crate) fn action(&self, class: &Class, grade: Grade, direction: Direction) -> Action {
        if let Some(action) = Self::always(class, direction) {
            return action;
        }
        let action = match self.rule(class, grade, direction, false) {
            Some(rule) => rule.action,
            None if grade < self.terms.minimum => Action::Allow,
            None => Self::by_default(class, direction),
        };
        if self.terms.observes { action.min(Action::Alert) } else { action }
    }

    /// What is done about a hit: for one of our own tokens, whether its value comes back. On the way
    /// out it only does where it is `all` that a text says.
    pub(crate) fn act(&self, hit: &Hit, direction: Direction, all: bool) -> Action {
        if !mark::is_mark(hit) {
            return self.action(&hit.class, hit.grade, direction);
        }
        // Glued to something else it could come back as what no detector knows.
        let alone = all || direction == Direction::Answer;
        let asked =
            alone && !hit.echo && self.rule(&hit.class, hit.grade, direction, true).is_some();
        if asked && self.value(&hit.tag).is_some() { Action::Restore } else { Action::Allow }
    }

    /// What stands in the place of `matched`; `None` where the tag does.
    pub(crate) fn replace(&self, hit: &Hit, action: Action, matched: &str) -> Option<Name> {
        if action == Action::Restore {
            return self.value(matched);
        }
        let new = self.terms.means.replace(action, &hit.class, matched)?;
        if let (Action::Tokenise, Some(vault), Some(bound)) =
            (action, self.terms.means.vault(), &self.bound)
        {
            vault.put(&bound.agent, &new, matched, bound.now);
        }
        Some(new)
    }

    pub(crate) fn means(&self) -> &Means {
        &self.terms.means
    }

    /// What a token stands for, for this call's agent.
    fn value(&self, token: &str) -> Option<Name> {
        let (vault, bound) = (self.terms.means.vault()?, self.bound.as_ref()?);
        let value = vault.find(&bound.agent, token, bound.now)?;
        Some(Name::from(Arc::<str>::from(value.as_str())))
    }

    /// The first rule that fits, among those that restore values or among the others.
    fn rule(
        &self,
        class: &Class,
        grade: Grade,
        direction: Direction,
        restores: bool,
    ) -> Option<&Rule> {
        let fits = self.bound.as_ref().map(|bound| &bound.fits);
        self.terms.rules.iter().enumerate().find_map(|(at, rule)| {
            let here = match fits {
                Some(fits) => fits.get(at).copied().unwrap_or(false),
                None => rule.holds_anywhere(),
            };
            let fits = here
                && (rule.action == Action::Restore) == restores
                && grade >= rule.grade.unwrap_or(self.terms.minimum)
                && rule.direction.is_none_or(|way| way == direction)
                && rule.kinds.iter().any(|kind| kind.holds(class));
            fits.then_some(rule)
        })
    }
}

/// What holds for every call.
#[derive(Debug)]
struct Terms {
    minimum: Grade,
    rules: Vec<Rule>,
    observes: bool,
    means: Means,
}

impl Default for Terms {
    fn default() -> Self {
        Self { minimum: Grade::Likely, rules: Vec::new(), observes: false, means: Means::default() }
    }
}

/// What holds for one call.
#[derive(Debug)]
struct Bound {
    /// Which rules hold there.
    fits: Vec<bool>,
    agent: String,
    now: u64,
}

#[derive(Debug)]
struct Rule {
    id: Option<Name>,
    kinds: Vec<Kind>,
    grade: Option<Grade>,
    direction: Option<Direction>,
    agents: Vec<Pattern>,
    roles: Vec<Pattern>,
    channels: Vec<Channel>,
    destinations: Vec<Pattern>,
    allowed: Vec<Pattern>,
    blocked: Vec<Pattern>,
    action: Action,
}

impl Rule {
    fn read(at: usize, rule: JudgeRule, known: &[Class]) -> Result<Self, JudgeError> {
        if rule.classes.is_empty() {
            return Err(JudgeError::NoClass(at));
        }
        let patterns = |texts: Vec<String>| {
            let read = |text: String| Pattern::new(&text).ok_or(JudgeError::Pattern(at, text));
            texts.into_iter().map(read).collect::<Result<Vec<_>, _>>()
        };
        let read = Self {
            id: rule.id.map(|id| Name::from(Arc::<str>::from(id))),
            kinds: rule
                .classes
                .iter()
                .map(|name| Kind::parse(name, known))
                .collect::<Result<_, _>>()?,
            grade: rule.grade,
            direction: rule.direction,
            agents: patterns(rule.agents)?,
            roles: patterns(rule.roles)?,
            channels: rule.channels,
            destinations: patterns(rule.destinations)?,
            allowed: patterns(rule.allowed_destinations)?,
            blocked: patterns(rule.blocked_destinations)?,
            action: rule.action,
        };
        if read.lets_pass() && !(read.allowed.is_empty() && read.blocked.is_empty()) {
            return Err(JudgeError::Lists(at));
        }
        Ok(read)
    }

    /// Whether it takes something back that another rule would do.
    fn lets_pass(&self) -> bool {
        matches!(self.action, Action::Allow | Action::Restore)
    }

    fn is_egress(&self) -> bool {
        !(self.channels.is_empty()
            && self.destinations.is_empty()
            && self.allowed.is_empty()
            && self.blocked.is_empty())
    }

    /// Whether it asks who calls or where the call goes.
    fn asks(&self) -> bool {
        self.is_egress() || !self.agents.is_empty() || !self.roles.is_empty()
    }

    /// Whether it holds for a call of which nothing is known: what restricts does.
    fn holds_anywhere(&self) -> bool {
        !self.asks() || !self.lets_pass()
    }

    /// Whether it holds for this call.
    fn is_in(&self, scene: &Scene) -> bool {
        let any = |patterns: &[Pattern], name: &str| patterns.iter().any(|p| p.is_match(name));
        let agent = self.agents.is_empty() || any(&self.agents, &scene.agent);
        let role = self.roles.is_empty() || scene.roles.iter().any(|role| any(&self.roles, role));
        let channel = self.channels.is_empty() || self.channels.contains(&scene.channel);
        agent && role && channel && self.goes(scene)
    }

    /// Whether it holds for where this call goes. What is not known is taken for the worse.
    fn goes(&self, scene: &Scene) -> bool {
        if self.lets_pass() {
            return self.destinations.is_empty() || scene.all_to(&self.destinations);
        }
        let named = self.destinations.is_empty()
            || !scene.is_resolved()
            || scene.any_to(&self.destinations);
        let listed = if self.allowed.is_empty() && self.blocked.is_empty() {
            true
        } else {
            !scene.is_resolved()
                || scene.any_to(&self.blocked)
                || !(self.allowed.is_empty() || scene.all_to(&self.allowed))
        };
        named && listed
    }
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
