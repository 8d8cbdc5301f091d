//! One spelling of a resource's URI, beside the one that was sent.
//!
//! Servers resolve what they are sent: `file:////etc/passwd`, `FILE:///%65tc/passwd` and
//! `file://localhost/etc/./passwd` are one file to them (RFC 3986 section 6.2, RFC 8089, and the URL
//! standard of WHATWG).
use url::Url;

/// The URI with its scheme in small letters, escapes decoded, no dot segments and no empty ones;
/// `None` when it is no URI, or written like that already.
pub(crate) fn plain(uri: &str) -> Option<String> {
    let parsed = Url::parse(uri).ok()?;
    let mut plain = format!("{}:", parsed.scheme());
    if !parsed.cannot_be_a_base() {
        let host = parsed.host_str().unwrap_or_default().trim_end_matches('.');
        let host = if parsed.scheme() == "file" { "" } else { host };
        plain.push_str("//");
        plain.push_str(&host.to_ascii_lowercase());
        if let Some(port) = parsed.port() {
            plain.push_str(&format!(":{port}"));
        }
    }
    plain.push_str(&path(parsed.path(), parsed.cannot_be_a_base()));
    if let Some(query) = parsed.query() {
        plain.push('?');
        plain.push_str(query);
    }
    (plain != uri).then_some(plain)
}

/// A path as a server reads it that takes what follows a semicolon in a segment for parameters and
/// cuts it off (Tomcat and its kin; RFC 3986 section 3.3): `None` when nothing is cut.
pub(crate) fn without_parameters(path: &str) -> Option<String> {
    const MARKS: [&str; 3] = [";", "%3B", "%3b"];
    if !MARKS.iter().any(|mark| path.contains(mark)) {
        return None;
    }
    let name = |segment: &str| {
        let end = MARKS.iter().filter_map(|mark| segment.find(mark)).min();
        end.and_then(|end| segment.get(..end)).unwrap_or(segment).to_owned()
    };
    Some(path.split('/').map(name).collect::<Vec<_>>().join("/"))
}

fn path(path: &str, opaque: bool) -> String {
    let decoded = decoded(path);
    if opaque {
        return decoded;
    }
    let mut segments: Vec<&str> = Vec::new();
    for segment in decoded.split(['/', '\\']) {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let end = if decoded.ends_with('/') && !segments.is_empty() { "/" } else { "" };
    format!("/{}{end}", segments.join("/"))
}

/// Escapes decoded until none is left, a few times at most: `%2565` is `e` to who decodes twice.
fn decoded(text: &str) -> String {
    const TIMES: usize = 3;
    let mut text = text.to_owned();
    for _ in 0..TIMES {
        let Some(next) = once(&text) else { break };
        text = next;
    }
    text
}

fn once(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    let mut changed = false;
    while let Some((first, after)) = rest.split_first() {
        let escape = after.first_chunk::<2>().filter(|_| *first == b'%');
        let value = escape.and_then(|digits| std::str::from_utf8(digits).ok());
        let value = value.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match value {
            Some(value) => {
                bytes.push(value);
                rest = after.get(2..).unwrap_or_default();
                changed = true;
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    changed.then(|| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_cut_off_each_segment() {
        for (path, expect) in [
            ("/api;x/admin", Some("/api/admin")),
            ("/api%3Bx/admin;y=1;z", Some("/api/admin")),
            ("/caf\u{e9};v=1", Some("/caf\u{e9}")),
            ("/api;/admin", Some("/api/admin")),
            ("/api/admin", None),
        ] {
            assert_eq!(without_parameters(path).as_deref(), expect, "{path}");
        }
    }

    #[test]
    fn one_resource_has_one_plain_spelling() {
        for uri in [
            "file:////etc/passwd",
            "FILE:///etc/passwd",
            "file:///%65tc/passwd",
            "file:///%2565tc/passwd",
            "file://localhost/etc/passwd",
            "file:/etc/passwd",
            "file:///./etc/passwd",
            "file:///work/../etc/passwd",
            "file:///work/%2e%2e/etc/passwd",
            "file:///etc//passwd",
        ] {
            assert_eq!(plain(uri).as_deref(), Some("file:///etc/passwd"), "{uri}");
        }
        assert_eq!(
            plain("Repo://Acme.Test./a/../b?x=1").as_deref(),
            Some("repo://acme.test/b?x=1")
        );
        for uri in ["file:///etc/passwd", "https://a.test/b/", "summary", "repo://acme/b?x=1"] {
            assert_eq!(plain(uri), None, "{uri}");
        }
    }
}
