//! What a rule may write instead of one exact word.
use globset::{GlobBuilder, GlobMatcher};

use crate::Host;

/// An exact text, a prefix, or a glob over `/`-separated segments.
#[derive(Clone)]
pub(crate) enum Pattern {
    /// The text itself.
    Exact(String),
    /// Whatever starts so; the empty prefix is `*`.
    Prefix(String),
    /// Stars elsewhere than at the end.
    Glob(GlobMatcher),
}

impl Pattern {
    /// Reads a glob. A `*` at the end matches all that follows, `/` included; elsewhere it stays
    /// within one segment; `**` stands for any number of whole segments. Nothing else is special.
    pub(crate) fn glob(text: &str) -> Result<Self, String> {
        let simple = Self::prefix(text);
        if !matches!(&simple, Self::Exact(word) | Self::Prefix(word) if word.contains('*')) {
            return Ok(simple);
        }
        let misplaced = text.split('/').any(|segment| segment.contains("**") && segment != "**");
        if misplaced {
            return Err("`**` must be a whole segment, as in `/a/**/b`".to_owned());
        }
        let quoted = text.split('*').map(escape).collect::<Vec<_>>().join("*");
        // The star at the end also crosses `/`, as it does in a plain prefix.
        let whole = if quoted.ends_with('*') && !quoted.ends_with("**") {
            format!("{{{quoted},{quoted}/**}}")
        } else {
            quoted
        };
        GlobBuilder::new(&whole)
            .literal_separator(true)
            .backslash_escape(false)
            .build()
            .map(|glob| Self::Glob(glob.compile_matcher()))
            .map_err(|_| "cannot be read as a pattern".to_owned())
    }

    /// Reads an exact word or one with `*` at its end; a star elsewhere is itself.
    pub(crate) fn prefix(text: &str) -> Self {
        match text.strip_suffix('*') {
            Some(start) => Self::Prefix(start.to_owned()),
            None => Self::Exact(text.to_owned()),
        }
    }

    /// Whether the text matches; upper and lower case differ.
    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(word) => word == text,
            Self::Prefix(start) => text.starts_with(start.as_str()),
            Self::Glob(glob) => glob.is_match(text),
        }
    }
}

/// Takes the meaning from every character that the glob language would read.
fn escape(piece: &str) -> String {
    let mut quoted = String::with_capacity(piece.len());
    for c in piece.chars() {
        if matches!(c, '?' | '[' | ']' | '{' | '}' | ',') {
            quoted.extend(['[', c, ']']);
        } else {
            quoted.push(c);
        }
    }
    quoted
}

/// Which hosts a rule is about.
#[derive(Clone)]
pub(crate) enum HostPattern {
    /// Every host.
    Any,
    /// This one.
    Exact(Host),
    /// Every name under it, but not itself; holds `.example.com`.
    Under(String),
}

impl HostPattern {
    /// Reads `api.example.com`, `*.example.com` or `*`.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let (parent, under) = match text.strip_prefix("*.") {
            Some(parent) => (parent, true),
            None => (text, false),
        };
        if parent.contains('*') {
            return Err("a star may only stand in front, as in `*.example.com`".to_owned());
        }
        let host = Host::parse(parent).map_err(|_| {
            "is no host name or address; write it without scheme, port and path".to_owned()
        })?;
        match (under, host.name()) {
            (false, _) => Ok(Self::Exact(host)),
            (true, Some(name)) => Ok(Self::Under(format!(".{name}"))),
            (true, None) => Err("an address has no names under it".to_owned()),
        }
    }

    /// Whether the host is meant.
    pub(crate) fn matches(&self, host: &Host) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => exact == host,
            Self::Under(suffix) => host.name().is_some_and(|name| name.ends_with(suffix.as_str())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_match_what_the_readme_says() {
        for (pattern, text, expect) in [
            ("*", "", true),
            ("*", "/a/b", true),
            ("/a", "/a", true),
            ("/a", "/A", false),
            ("/a/*", "/a/b/c", true),
            ("/a/*", "/a", false),
            ("/a*", "/ab/c", true),
            ("/repos/*/issues", "/repos/x/issues", true),
            ("/repos/*/issues", "/repos/x/y/issues", false),
            ("/repos/*/issues*", "/repos/x/issues/1/comments", true),
            ("/repos/*/issues*", "/repos/x/issues", true),
            ("/repos/*/issues*", "/repos/x/y/issues", false),
            ("/a/**/z", "/a/z", true),
            ("/a/**/z", "/a/b/c/z", true),
            ("/a/**/z", "/a/b/c/y", false),
            ("**/admin", "/x/admin", true),
            ("/a/*/{id}", "/a/b/{id}", true),
            ("/a/*/{id}", "/a/b/id", false),
            ("/a/*/[x]?", "/a/b/[x]?", true),
            ("/a/*/[x]?", "/a/b/xy", false),
            ("/a/*/,!", "/a/b/,!", true),
            (r"/a/*/\d", r"/a/b/\d", true),
            ("spiffe://acme/*/bot", "spiffe://acme/eu/bot", true),
            ("/a/*/z", "/a/\n/z", true),
            ("/*/é*", "/x/éa/b", true),
        ] {
            assert_eq!(Pattern::glob(pattern).unwrap().matches(text), expect, "{pattern} {text}");
        }
        assert!(Pattern::glob("/a**b/c").is_err());
    }

    #[test]
    fn hosts_are_compared_normalised() {
        for (pattern, host, expect) in [
            ("API.example.com.", "api.example.com", true),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "badexample.com", false),
            ("*", "10.0.0.1", true),
            ("2130706433", "127.0.0.1", true),
        ] {
            let read = HostPattern::read(pattern).unwrap();
            assert_eq!(read.matches(&Host::parse(host).unwrap()), expect, "{pattern} {host}");
        }
        for bad in ["https://x", "x:443", "a.*.com", "*.10.0.0.1", "*x.com", "", "x/y"] {
            assert!(HostPattern::read(bad).is_err(), "{bad}");
        }
    }
}
