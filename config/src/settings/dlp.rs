//! What is looked for, and what is done about it.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Known, SecretRef, formats};

/// Inspection, both ways.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Dlp {
    /// The least certain finding that is acted on.
    pub minimum_grade: MinimumGrade,
    /// What is done about a finding: the first rule that fits. Where none fits, private keys,
    /// canaries and the gate's own secrets do not leave; secrets, payment data, papers, health data and mail addresses are
    /// redacted; addresses of machines, names, telephone numbers, digests and identifiers are only
    /// recorded.
    #[schemars(length(max = 256))]
    pub rules: Vec<DlpRule>,
    /// What tools do with what they are given, so that rules can ask for a channel and for where
    /// data goes in the end. The first entry whose pattern fits the tool's name holds.
    #[schemars(length(max = 1024))]
    pub channels: Vec<DlpChannel>,
    /// How values are masked.
    pub mask: DlpMask,
    /// Tokens and prints, and how long a token's value is kept where a rule restores it.
    pub tokens: DlpTokens,
    /// Detectors beside the built-in ones.
    #[schemars(length(max = 128))]
    pub detectors: Vec<DlpDetector>,
    /// Built-in detectors that do not look.
    #[schemars(with = "Vec<formats::DlpDetectorName>", length(max = 1024))]
    pub off: Vec<String>,
    /// Built-in detectors whose findings get another grade.
    #[schemars(length(max = 1024))]
    pub grades: Vec<DlpGrade>,
    /// What is remembered of an agent's calls, so that a secret sent in pieces is seen.
    pub memory: DlpMemory,
    /// What is known and looked for: records, documents, canaries, the gate's own secrets.
    pub known: Known,
}

/// See [`Dlp::minimum_grade`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MinimumGrade {
    /// Checksum or unmistakable structure.
    Certain,
    /// Very probably what it looks like.
    #[default]
    Likely,
    /// It may be.
    Possible,
}

/// What is done about findings of some classes. What is absent holds for all.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DlpRule {
    /// A name for refusals and the record.
    #[serde(default)]
    #[schemars(with = "Option<formats::Name>")]
    pub id: Option<String>,
    /// Classes by name (`secret.github`, `pci.pan`) or family (`secret.*`, `*`).
    #[schemars(with = "Vec<formats::DlpClass>", length(min = 1, max = 256))]
    pub classes: Vec<String>,
    /// The least certain finding that this rule acts on; `dlp.minimum_grade` when absent.
    #[serde(default)]
    pub grade: Option<MinimumGrade>,
    /// Only this way: `request` from the agent, or `answer` to it; both when absent.
    #[serde(default)]
    pub direction: Option<Direction>,
    /// Patterns over agents' ids.
    #[serde(default)]
    #[schemars(with = "Vec<formats::Pattern>", length(max = 256))]
    pub agents: Vec<String>,
    /// Patterns over roles; one of the agent's roles must fit.
    #[serde(default)]
    #[schemars(with = "Vec<formats::Pattern>", length(max = 256))]
    pub roles: Vec<String>,
    /// Channels: what plain HTTP or a tool does with the data.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub channels: Vec<Channel>,
    /// Patterns over destinations: hosts, `route:` and a route's name, or what the argument of a
    /// tool says. The rule holds for calls that go there.
    #[serde(default)]
    #[schemars(with = "Vec<formats::Pattern>", length(max = 1024))]
    pub destinations: Vec<String>,
    /// The rule holds for calls that go anywhere else, and for those of which it cannot be told.
    #[serde(default)]
    #[schemars(with = "Vec<formats::Pattern>", length(max = 1024))]
    pub allowed_destinations: Vec<String>,
    /// The rule holds for calls that go there, whatever is allowed.
    #[serde(default)]
    #[schemars(with = "Vec<formats::Pattern>", length(max = 1024))]
    pub blocked_destinations: Vec<String>,
    /// What to do.
    pub action: DlpAction,
}

/// Which way a body travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the agent to the upstream.
    Request,
    /// Back to the agent.
    Answer,
}

/// See [`DlpRule::action`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DlpAction {
    /// Record nothing, change nothing.
    Allow,
    /// Record it, change nothing.
    Alert,
    /// Hide most of it: `**** **** **** 1111`, `bo***@example.com`. A JSON number stays a number.
    Mask,
    /// Put a token in its place, the same for the same value.
    Tokenise,
    /// Put a keyed print in its place, the same for the same value and without a way back.
    Hash,
    /// Put a typed tag in its place.
    Redact,
    /// Refuse the call, or cut the answer.
    Block,
    /// Put the value of this agent's own token in its place again.
    Restore,
}

/// A way on which data travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Plain HTTP.
    HttpRequest,
    /// A tool call that no other channel is given for.
    McpCall,
    /// A tool that writes files.
    FileWrite,
    /// A tool that asks a database.
    DbQuery,
    /// A tool that sends mail.
    Email,
    /// A tool that fills a clipboard.
    Clipboard,
    /// A tool that keeps what a build made.
    CiArtifact,
    /// A tool server's answer.
    McpResponse,
    /// A tool whose output a person sees.
    TerminalOutput,
}

/// What some tools do with what they are given.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DlpChannel {
    /// A pattern over tools' names.
    #[schemars(with = "formats::Pattern")]
    pub tool: String,
    /// The channel that they are.
    pub channel: Channel,
    /// The argument that says where the data goes: a mail address, a URL, a name, or a list of
    /// them. Without it the data goes to the upstream.
    #[serde(default)]
    #[schemars(with = "Option<formats::Word>")]
    pub destination_field: Option<String>,
}

/// How values are masked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DlpMask {
    /// Card numbers: the last four digits and the separators stay.
    pub cards: CardMask,
}

/// See [`DlpMask::cards`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CardMask {
    /// Stars, and nines in a JSON number.
    #[default]
    Stars,
    /// Nines, which no brand begins with.
    Digits,
    /// Nines, and one digit that makes the check digit right.
    Luhn,
}

/// Tokens and prints.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DlpTokens {
    /// Where the key of tokens and prints is. Without it each start makes another, so that tokens
    /// of before mean nothing any more.
    pub key: Option<SecretRef>,
    /// How long the value of a token is kept, in memory alone, where a rule restores it.
    #[schemars(range(min = 1, max = 604_800))]
    pub keep_seconds: u64,
    /// Values that are kept for one agent; beyond it the oldest goes.
    #[schemars(range(min = 1, max = 100_000))]
    pub values_per_agent: usize,
    /// Agents that values are kept for; beyond it the one that rested longest goes.
    #[schemars(range(min = 1, max = 10_000))]
    pub agents: usize,
}

impl Default for DlpTokens {
    fn default() -> Self {
        // An hour is a task; a value has 512 bytes at most, so an agent has half a megabyte.
        Self { key: None, keep_seconds: 3600, values_per_agent: 1000, agents: 1000 }
    }
}

/// A detector of one's own.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DlpDetector {
    /// Its name; none that a built-in detector has.
    #[schemars(with = "formats::Name")]
    pub name: String,
    /// What it finds: a family, a dot and a kind.
    #[schemars(with = "formats::Word", extend("examples" = ["identifier.employee"]))]
    pub class: String,
    /// What a finding is replaced with; made from the class when absent.
    #[serde(default)]
    #[schemars(with = "Option<formats::Word>", extend("examples" = ["[REDACTED:EMPLOYEE]"]))]
    pub tag: Option<String>,
    /// What a value begins with, or a word before it together with `lead`; whatever the case.
    #[schemars(with = "Vec<formats::Word>", length(min = 1, max = 64))]
    pub literals: Vec<String>,
    /// A pattern that begins with the literal and stays; without it the value begins there.
    #[serde(default)]
    #[schemars(with = "Option<formats::Word>", extend("examples" = ["employee[ #:]{1,4}"]))]
    pub lead: Option<String>,
    /// The value, as a small regular expression over bytes; 512 bytes of it are looked at.
    #[schemars(with = "formats::Word", extend("examples" = ["[0-9]{6}"]))]
    pub pattern: String,
    /// What a value must pass beside: `luhn`, `mod97`, `mixed`, or `entropy>=3.5`.
    #[serde(default)]
    #[schemars(with = "Option<formats::Validator>")]
    pub validator: Option<String>,
    /// Words of which one stands shortly before.
    #[serde(default)]
    #[schemars(with = "Vec<formats::Word>", length(max = 64))]
    pub context: Vec<String>,
    /// How sure a finding is.
    #[serde(default)]
    pub grade: MinimumGrade,
    /// Texts in which it finds something; made up, not real ones.
    #[schemars(with = "Vec<formats::Word>", length(min = 1, max = 64))]
    pub examples: Vec<String>,
    /// Texts in which it finds nothing.
    #[serde(default)]
    #[schemars(with = "Vec<formats::Word>", length(max = 64))]
    pub counter_examples: Vec<String>,
}

/// Another grade for a built-in detector.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DlpGrade {
    /// Its name.
    #[schemars(with = "formats::DlpDetectorName")]
    pub detector: String,
    /// What its findings are graded.
    pub grade: MinimumGrade,
}

/// What is remembered of calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DlpMemory {
    /// How long the beginning of a secret is remembered; `0` remembers nothing.
    #[schemars(range(min = 0, max = 86_400))]
    pub window_seconds: u64,
    /// Bytes that are remembered of one agent's calls to one destination.
    #[schemars(range(min = 256, max = 65_536))]
    pub bytes: usize,
    /// Pairs of agent and destination that are remembered; beyond it the one that rested longest
    /// goes.
    #[schemars(range(min = 1, max = 100_000))]
    pub agents: usize,
}

impl Default for DlpMemory {
    fn default() -> Self {
        // Long enough for a loop of an agent, short enough for chance to stay out.
        Self { window_seconds: 300, bytes: 4096, agents: 1024 }
    }
}

impl Dlp {
    /// The detectors as the engine takes them. A validator that is none is left out; reading the
    /// file has told of it.
    pub fn engine_detectors(&self) -> tollgate_dlp::Detectors {
        tollgate_dlp::Detectors {
            own: self.detectors.iter().map(DlpDetector::engine).collect(),
            off: self.off.clone(),
            grades: self.grades.iter().map(|it| (it.detector.clone(), it.grade.engine())).collect(),
        }
    }

    /// The rules as the engine takes them.
    pub fn engine_rules(&self) -> Vec<tollgate_dlp::JudgeRule> {
        self.rules.iter().map(DlpRule::engine).collect()
    }

    /// Whether any rule puts values back.
    pub fn restores(&self) -> bool {
        self.rules.iter().any(|rule| rule.action == DlpAction::Restore)
    }
}

impl MinimumGrade {
    /// The grade as the engine takes it.
    pub fn engine(self) -> tollgate_dlp::Grade {
        match self {
            Self::Certain => tollgate_dlp::Grade::Certain,
            Self::Likely => tollgate_dlp::Grade::Likely,
            Self::Possible => tollgate_dlp::Grade::Possible,
        }
    }
}

impl DlpRule {
    fn engine(&self) -> tollgate_dlp::JudgeRule {
        let direction = self.direction.map(|direction| match direction {
            Direction::Request => tollgate_dlp::Direction::Request,
            Direction::Answer => tollgate_dlp::Direction::Answer,
        });
        let action = match self.action {
            DlpAction::Allow => tollgate_dlp::Action::Allow,
            DlpAction::Alert => tollgate_dlp::Action::Alert,
            DlpAction::Mask => tollgate_dlp::Action::Mask,
            DlpAction::Tokenise => tollgate_dlp::Action::Tokenise,
            DlpAction::Hash => tollgate_dlp::Action::Hash,
            DlpAction::Redact => tollgate_dlp::Action::Redact,
            DlpAction::Block => tollgate_dlp::Action::Block,
            DlpAction::Restore => tollgate_dlp::Action::Restore,
        };
        tollgate_dlp::JudgeRule {
            id: self.id.clone(),
            grade: self.grade.map(MinimumGrade::engine),
            agents: self.agents.clone(),
            roles: self.roles.clone(),
            channels: self.channels.iter().copied().map(Channel::engine).collect(),
            destinations: self.destinations.clone(),
            allowed_destinations: self.allowed_destinations.clone(),
            blocked_destinations: self.blocked_destinations.clone(),
            ..tollgate_dlp::JudgeRule::new(self.classes.clone(), direction, action)
        }
    }
}

impl Channel {
    /// The channel as the engine takes it.
    pub fn engine(self) -> tollgate_dlp::Channel {
        match self {
            Self::HttpRequest => tollgate_dlp::Channel::HttpRequest,
            Self::McpCall => tollgate_dlp::Channel::McpCall,
            Self::FileWrite => tollgate_dlp::Channel::FileWrite,
            Self::DbQuery => tollgate_dlp::Channel::DbQuery,
            Self::Email => tollgate_dlp::Channel::Email,
            Self::Clipboard => tollgate_dlp::Channel::Clipboard,
            Self::CiArtifact => tollgate_dlp::Channel::CiArtifact,
            Self::McpResponse => tollgate_dlp::Channel::McpResponse,
            Self::TerminalOutput => tollgate_dlp::Channel::TerminalOutput,
        }
    }
}

impl CardMask {
    /// The mask as the engine takes it.
    pub fn engine(self) -> tollgate_dlp::CardMask {
        match self {
            Self::Stars => tollgate_dlp::CardMask::Stars,
            Self::Digits => tollgate_dlp::CardMask::Digits,
            Self::Luhn => tollgate_dlp::CardMask::Luhn,
        }
    }
}

impl DlpDetector {
    fn engine(&self) -> tollgate_dlp::OwnDetector {
        tollgate_dlp::OwnDetector {
            name: self.name.clone(),
            class: self.class.clone(),
            tag: self.tag.clone(),
            literals: self.literals.clone(),
            lead: self.lead.clone(),
            pattern: self.pattern.clone(),
            validator: self.validator.as_deref().and_then(tollgate_dlp::Validator::parse),
            context: self.context.clone(),
            grade: self.grade.engine(),
            examples: self.examples.clone(),
            counter_examples: self.counter_examples.clone(),
        }
    }
}
