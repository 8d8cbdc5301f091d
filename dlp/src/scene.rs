//! Where a call comes from and where it goes: what rules ask beside the finding.
use globset::{Glob, GlobBuilder, GlobMatcher};
use serde_json::Value;

/// A pattern over names, hosts and addresses: `*` stays within a segment between slashes, `**`
/// goes over them; upper and lower case are one.
#[derive(Clone, Debug)]
pub struct Pattern(GlobMatcher);

impl Pattern {
    /// Longer is no pattern that anyone would write.
    const BYTES: usize = 512;

    /// Reads a pattern; `None` when it is none.
    ///
    /// ```
    /// use tollgate_dlp::Pattern;
    /// let pattern = Pattern::new("https://api.example.com/*").unwrap();
    /// assert!(pattern.is_match("https://api.example.com/a"));
    /// assert!(!pattern.is_match("https://api.example.com/a/b"));
    /// assert!(Pattern::new("[").is_none());
    /// ```
    pub fn new(text: &str) -> Option<Self> {
        if text.is_empty() || text.len() > Self::BYTES {
            return None;
        }
        let glob: Glob =
            GlobBuilder::new(text).literal_separator(true).case_insensitive(true).build().ok()?;
        Some(Self(glob.compile_matcher()))
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        self.0.glob().glob()
    }

    /// Whether it holds for the whole text.
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

/// A way on which data travels.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize,
)]
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

impl Channel {
    /// The name in settings and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HttpRequest => "http_request",
            Self::McpCall => "mcp_call",
            Self::FileWrite => "file_write",
            Self::DbQuery => "db_query",
            Self::Email => "email",
            Self::Clipboard => "clipboard",
            Self::CiArtifact => "ci_artifact",
            Self::McpResponse => "mcp_response",
            Self::TerminalOutput => "terminal_output",
        }
    }
}

/// Which channel the tools of a name are, and which argument says where the data goes.
#[derive(Clone, Debug)]
pub struct ToolChannel {
    /// The tools.
    pub tool: Pattern,
    /// What they are.
    pub channel: Channel,
    /// The argument that names the destination.
    pub destination_field: Option<String>,
}

/// A destination with all its spellings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Destination(Vec<String>);

impl Destination {
    /// A destination that several names mean: a host, its route, its address.
    pub fn new(spellings: impl IntoIterator<Item = String>) -> Self {
        Self(spellings.into_iter().collect())
    }

    /// What an argument says: one destination, or several in a list or behind commas. Nothing when
    /// it says none, or when anything in it cannot be one.
    pub fn read(value: &Value) -> Vec<Self> {
        let mut all = Vec::new();
        match value {
            Value::String(text) => {
                for part in text.split([',', ';']) {
                    match Self::of(part.trim()) {
                        Some(one) => all.push(one),
                        None => return Vec::new(),
                    }
                }
            }
            Value::Array(items) => {
                for item in items {
                    match Self::read(item) {
                        some if !some.is_empty() => all.extend(some),
                        _ => return Vec::new(),
                    }
                }
            }
            _ => {}
        }
        all
    }

    /// One mail address, URL or name. Blanks within would let readers differ about where it ends.
    fn of(text: &str) -> Option<Self> {
        let odd = |c: char| c.is_whitespace() || c.is_control();
        // `Bob <bob@example.com>`
        let text = match text.split_once('<') {
            Some((_, rest)) => rest.strip_suffix('>')?,
            None => text,
        };
        if text.is_empty() || text.contains(odd) {
            return None;
        }
        let host = host(text).map(str::to_owned);
        Some(Self(std::iter::once(text.to_owned()).chain(host).collect()))
    }

    fn fits(&self, patterns: &[Pattern]) -> bool {
        self.0.iter().any(|name| patterns.iter().any(|pattern| pattern.is_match(name)))
    }

    /// The spelling that records show first.
    pub fn as_str(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }
}

/// The host of a URL as a browser finds it: behind the last `@`, before any slash of either kind.
fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '\\', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split_once(']').map(|(host, _)| host)?,
        None => host.split_once(':').map_or(host, |(host, _)| host),
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    (!host.is_empty()).then_some(host)
}

/// A call as rules see it.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The agent's id.
    pub agent: String,
    /// Its roles.
    pub roles: Vec<String>,
    /// The way.
    pub channel: Channel,
    /// Where the data goes in the end; none when that could not be found out.
    pub to: Vec<Destination>,
    /// The upstream that it goes through.
    pub through: Destination,
    /// Seconds of any clock that only goes forward.
    pub now: u64,
}

impl Scene {
    /// The channel and the destinations of a tool call: as the first fitting entry says, else
    /// `otherwise`, with the upstream for a destination. Its arguments are only asked for where an entry
    /// names one.
    pub fn with_tool<'v>(
        mut self,
        tool: &str,
        arguments: impl FnOnce() -> &'v Value,
        channels: &[ToolChannel],
        otherwise: Channel,
    ) -> Self {
        let entry = channels.iter().find(|entry| entry.tool.is_match(tool));
        self.channel = entry.map_or(otherwise, |entry| entry.channel);
        self.to = match entry.and_then(|entry| entry.destination_field.as_deref()) {
            None => vec![self.through.clone()],
            Some(field) => arguments().get(field).map(Destination::read).unwrap_or_default(),
        };
        self
    }

    /// Whether everything goes to one of these.
    pub(crate) fn all_to(&self, patterns: &[Pattern]) -> bool {
        !self.to.is_empty() && self.to.iter().all(|to| to.fits(patterns))
    }

    /// Whether anything goes to one of these, or through one.
    pub(crate) fn any_to(&self, patterns: &[Pattern]) -> bool {
        self.through.fits(patterns) || self.to.iter().any(|to| to.fits(patterns))
    }

    /// Whether it is known where all of it goes.
    pub(crate) fn is_resolved(&self) -> bool {
        !self.to.is_empty()
    }
}
