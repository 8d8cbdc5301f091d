//! What each `format` of the schema asks of a text.
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use tollgate_rules::Host;
use url::Url;

use crate::words::{meant, shown};

/// Why a text is not what its format asks.
pub(crate) struct Wrong {
    pub(crate) message: String,
    pub(crate) help: String,
}

fn wrong<T>(message: impl Into<String>, help: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { message: message.into(), help: help.into() })
}

/// Every format that [`check`] knows.
#[cfg(test)]
pub(crate) const KNOWN: [&str; 20] = [
    "agent-id",
    "dlp-class",
    "dlp-detector",
    "dlp-validator",
    "dns-server",
    "file-mode",
    "host",
    "host-path",
    "host-pattern",
    "http-url",
    "ip-range",
    "name",
    "path",
    "path-prefix",
    "pattern",
    "socket-address",
    "sql-name",
    "trust-domain",
    "variable",
    "word",
];

/// Holds a text of one line against a format.
pub(crate) fn check(format: &str, text: &str) -> Result<(), Wrong> {
    match format {
        "agent-id" => agent_id(text),
        "dlp-class" => dlp_class(text),
        "dlp-detector" => dlp_detector(text),
        "dlp-validator" => match tollgate_dlp::Validator::parse(text) {
            Some(_) => Ok(()),
            None => wrong(
                format!("{} is not a check of a value", shown(text)),
                "`luhn`, `mod97`, `mixed`, or `entropy>=3.5`: bits for each byte, 8 at most",
            ),
        },
        "dns-server" => match text.parse::<crate::settings::DnsServer>() {
            Ok(server) if server.port != Some(0) => Ok(()),
            _ => wrong(
                format!("{} is not the address of a DNS server", shown(text)),
                "an address such as `192.0.2.53` or `2001:db8::53`, or with a port: `192.0.2.53:5353`, `[2001:db8::53]:5353`",
            ),
        },
        "file-mode" => match u32::from_str_radix(text, 8) {
            Ok(mode) if mode <= 0o777 && matches!(text.len(), 3..=4) && !text.starts_with('+') => {
                Ok(())
            }
            _ => wrong(
                format!("{} is not a file's permissions", shown(text)),
                "three octal digits behind a zero, in quotes: `\"0600\"` for the gate's own user, `\"0660\"` for its group as well",
            ),
        },
        "host" => host(text),
        "host-path" => match text.find('/') {
            None => host(text),
            Some(at) => {
                let (name, prefix) = text.split_at(at);
                host(name).and_then(|()| path_prefix(prefix))
            }
        },
        "host-pattern" => host_pattern(text),
        "http-url" => http_url(text).map(drop),
        "ip-range" => ip_range(text),
        "name" => name(text),
        "pattern" => match tollgate_dlp::Pattern::new(text) {
            Some(_) => Ok(()),
            None => wrong(
                format!("{} is not a pattern", shown(text)),
                "a name in which `*` stands for anything but a slash and `**` for anything: `*.example.org`",
            ),
        },
        "path-prefix" => path_prefix(text),
        "socket-address" => match text.parse::<SocketAddr>() {
            Ok(_) => Ok(()),
            Err(_) => wrong(
                format!("{} is not an address with a port", shown(text)),
                "an IP address and a port, such as `127.0.0.1:8080` or `[::1]:8080`",
            ),
        },
        "sql-name" => sql_name(text),
        "trust-domain" if is_trust_domain(text) => Ok(()),
        "trust-domain" => wrong(
            format!("{} is not a trust domain", shown(text)),
            "small letters, digits, `.`, `-` and `_`, as between `spiffe://` and the next slash",
        ),
        "variable" => variable(text),
        // A path or a word: whatever has one line will do.
        _ => Ok(()),
    }
}

fn name(text: &str) -> Result<(), Wrong> {
    let first = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if first && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
        return Ok(());
    }
    wrong(
        format!("{} cannot be a name", shown(text)),
        "letters, digits, `-`, `_` and `.`, beginning with a letter or digit",
    )
}

/// Nothing that SQL would have to quote, so that nothing can end a name early.
fn sql_name(text: &str) -> Result<(), Wrong> {
    let first = text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if first && text.chars().all(rest) {
        return Ok(());
    }
    wrong(
        format!("{} cannot be a name in SQL here", shown(text)),
        "lower-case letters, digits and `_`, beginning with a letter or `_`",
    )
}

fn variable(text: &str) -> Result<(), Wrong> {
    let first = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if first && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(());
    }
    // Not repeated: whoever mixes the two up writes the secret itself here.
    wrong(
        "this is not the name of an environment variable",
        "the variable's name, such as `TOLLGATE_TOKEN`; never its value",
    )
}

fn is_trust_domain(text: &str) -> bool {
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
    matches!(text.len(), 1..=255) && text.chars().all(lower)
}

/// An agent's id: a word, or a SPIFFE ID (SPIFFE-ID section 2; a leaf's ID has a path, X509-SVID
/// section 2).
fn agent_id(text: &str) -> Result<(), Wrong> {
    const FORM: &str = "a SPIFFE ID is `spiffe://trust-domain/path`: a lower-case domain without port, then letters, digits, `.`, `-` and `_` in each segment";
    let Some(rest) = text.strip_prefix("spiffe://") else {
        let scheme = text.get(..9).is_some_and(|head| head.eq_ignore_ascii_case("spiffe://"));
        if scheme {
            return wrong("the scheme `spiffe` is written in lower case", FORM);
        }
        if text.len() > 255 {
            return wrong(format!("the id has {} bytes", text.len()), "up to 255 bytes");
        }
        return Ok(());
    };
    if text.len() > 2048 {
        return wrong(format!("the SPIFFE ID has {} bytes", text.len()), "up to 2048 bytes");
    }
    let (domain, path) = rest.split_once('/').unwrap_or((rest, ""));
    if !is_trust_domain(domain) {
        return wrong("the trust domain of the SPIFFE ID is not valid", FORM);
    }
    if path.is_empty() {
        return wrong("the SPIFFE ID has no path", FORM);
    }
    let segment = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c))
    };
    if !path.split('/').all(segment) {
        return wrong("the path of the SPIFFE ID is not valid", FORM);
    }
    Ok(())
}

fn host(text: &str) -> Result<(), Wrong> {
    // The URL standard allows a star in a name; here it would look like a pattern.
    if Host::parse(text).is_ok() && !text.contains('*') {
        return Ok(());
    }
    wrong(
        format!("{} is not a host", shown(text)),
        "a name or an address without scheme, port and path; IPv6 in brackets",
    )
}

fn host_pattern(text: &str) -> Result<(), Wrong> {
    let named = match text.strip_prefix("*.") {
        Some(suffix) => Host::parse(suffix).is_ok_and(|host| host.name().is_some()),
        None => Host::parse(text).is_ok(),
    };
    if named && !text.strip_prefix("*.").unwrap_or(text).contains('*') {
        return Ok(());
    }
    wrong(
        format!("{} is neither a host nor `*.` and a name", shown(text)),
        "such as `api.example.org`, or `*.example.org` for everything below it; no port, no scheme",
    )
}

/// Reads the URL of something the gate connects to.
pub(crate) fn http_url(text: &str) -> Result<Url, Wrong> {
    // A URL is never repeated: this is where secrets are pasted.
    const FORM: &str = "`http://` or `https://`, a host, and if need be a port and a base path";
    let Ok(url) = Url::parse(text) else {
        return wrong("this is not a URL", FORM);
    };
    if !matches!(url.scheme(), "http" | "https") {
        return wrong("the URL is neither `http://` nor `https://`", FORM);
    }
    if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
        return wrong(
            "the URL has a user or password in it",
            "remove it; credentials never stand in this file",
        );
    }
    if url.query().is_some() {
        return wrong("the URL has a query", FORM);
    }
    if url.fragment().is_some() {
        return wrong("the URL has a fragment", FORM);
    }
    if url.port() == Some(0) {
        return wrong("port 0 cannot be connected to", FORM);
    }
    // The URL parser mends what it can; what had to be mended was perhaps meant differently.
    let path = text
        .get(url.scheme().len() + 3..)
        .and_then(|rest| rest.find('/').and_then(|at| rest.get(at..)));
    let written = text
        .get(..url.scheme().len() + 3)
        .is_some_and(|head| head.eq_ignore_ascii_case(&format!("{}://", url.scheme())));
    if !written || path.unwrap_or("/") != url.path() {
        return wrong("the URL can be read in more than one way", FORM);
    }
    let address = match url.host() {
        Some(url::Host::Ipv4(ip)) => Some(ip.to_string()),
        _ => None,
    };
    if let Some(address) = address
        && !(authority(text) == address || authority(text).starts_with(&format!("{address}:")))
    {
        return wrong("the host is an address in disguise", format!("write it as `{address}`"));
    }
    Ok(url)
}

/// Whether a URL leads to this machine, or is none.
pub(crate) fn is_loopback_url(text: &str) -> bool {
    let Ok(url) = http_url(text) else { return true };
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.to_canonical().is_loopback(),
        None => true,
    }
}

/// What stands between `://` and the next slash, as written.
fn authority(text: &str) -> &str {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#', '\\']).next().unwrap_or_default()
}

fn ip_range(text: &str) -> Result<(), Wrong> {
    if text.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    let Ok(range) = text.parse::<IpNet>() else {
        return wrong(
            format!("{} is not a range of addresses", shown(text)),
            "an address and a prefix length, such as `10.20.0.0/16`, or a single address",
        );
    };
    if range.trunc() != range {
        return wrong(
            format!("{} has bits beyond its prefix", shown(text)),
            format!(
                "write `{}` for the range, or `{}` for the address",
                range.trunc(),
                range.addr()
            ),
        );
    }
    Ok(())
}

fn path_prefix(text: &str) -> Result<(), Wrong> {
    const FORM: &str = "a path such as `/tools`: segments of letters, digits, `.`, `-`, `_` and `~`, no slash at the end";
    let problem = match text.strip_prefix('/') {
        None => "does not begin with `/`",
        Some("") => "has no segment",
        Some(rest) if rest.ends_with('/') => "ends with `/`",
        Some(_) if text.contains('%') => "has a percent-escape in it",
        Some(rest) if rest.split('/').any(|segment| matches!(segment, "" | "." | "..")) => {
            "has an empty segment, `.` or `..` in it"
        }
        Some(rest) if !rest.chars().all(|c| c.is_ascii_alphanumeric() || "/.-_~".contains(c)) => {
            "has a character in it that no prefix may have"
        }
        Some(_) => return Ok(()),
    };
    wrong(format!("{} {problem}", shown(text)), FORM)
}

/// Whether it is a class of anything is asked where all classes are known.
fn dlp_class(text: &str) -> Result<(), Wrong> {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let formed = match text.split_once('.') {
        Some((family, kind)) => part(family) && (kind == "*" || part(kind)),
        None => text == "*",
    };
    if formed {
        return Ok(());
    }
    let classes = tollgate_dlp::Class::all();
    let form = "a class such as `pci.pan`, a family such as `secret.*`, or `*`";
    let help = match meant(text, classes.iter().map(tollgate_dlp::Class::as_str)) {
        Some(near) => format!("did you mean `{near}`? {form}"),
        None => form.to_owned(),
    };
    wrong(format!("{} is not a class of findings", shown(text)), help)
}

fn dlp_detector(text: &str) -> Result<(), Wrong> {
    let names = || tollgate_dlp::Scanner::detectors().map(|entry| entry.name);
    if names().any(|name| name == text) {
        return Ok(());
    }
    let help = match meant(text, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`tollgate scan` names the detector of each finding".to_owned(),
    };
    wrong(format!("no detector has the name {}", shown(text)), help)
}
