//! Credentials: one for each place, in a place that they can have.
use tollgate_rules::Host;

use super::{place, routes, unique};
use crate::errata::{Draft, Errata};
use crate::formats::is_loopback_url;
use crate::tree::{Kind, Node};
use crate::words::{meant, showable, shown};

pub(super) fn check(root: &Node, errata: &mut Errata) {
    unique(root, "credentials", "id", errata);
    places(root, errata);
    placeholders(root, errata);
    for (nth, credential) in root.items("credentials").iter().enumerate() {
        let at = format!("credentials[{nth}]");
        if let Some(bound) = credential.value("for") {
            bound_to(root, bound, &format!("{at}.for"), errata);
        }
        if let Some(give) = credential.value("give") {
            given(give, &format!("{at}.give"), errata);
        }
    }
}

/// What a credential is for.
struct For<'a> {
    host: String,
    port: i128,
    path: Option<&'a str>,
    methods: Vec<&'a str>,
    agents: Vec<&'a str>,
}

impl<'a> For<'a> {
    /// `None` when it has another form; the walk tells that.
    fn read(node: &'a Node) -> Option<Self> {
        let host = node.text("host")?;
        let host = match host.strip_prefix("*.") {
            Some(suffix) => format!("*.{}", Host::parse(suffix).ok()?),
            None => Host::parse(host).ok()?.to_string(),
        };
        let port = match node.value("port").map(|port| &port.kind) {
            None => 443,
            Some(Kind::Integer(port)) => *port,
            Some(_) => return None,
        };
        let path = node.text("path");
        Some(Self {
            host,
            port,
            path,
            methods: texts(node, "methods"),
            agents: texts(node, "agents"),
        })
    }

    /// Whether every call of `other` is taken already.
    fn covers(&self, other: &Self) -> bool {
        let host = self.host == other.host
            || self.host.strip_prefix('*').is_some_and(|suffix| other.host.ends_with(suffix));
        let path = match (self.path, other.path) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(other)) => {
                other.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
        };
        let all = |own: &[&str], other: &[&str]| {
            own.is_empty() || (!other.is_empty() && other.iter().all(|word| own.contains(word)))
        };
        host && self.port == other.port
            && path
            && all(&self.methods, &other.methods)
            && all(&self.agents, &other.agents)
    }
}

fn texts<'a>(node: &'a Node, key: &str) -> Vec<&'a str> {
    let texts = node.items(key).iter().filter_map(|item| match &item.kind {
        Kind::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

/// Two credentials for one place: the second would never be given.
fn places(root: &Node, errata: &mut Errata) {
    let mut earlier: Vec<(usize, For<'_>)> = Vec::new();
    for (nth, credential) in root.items("credentials").iter().enumerate() {
        let Some(node) = credential.value("for") else { continue };
        let Some(bound) = For::read(node) else { continue };
        if let Some((first, _)) = earlier.iter().find(|(_, other)| other.covers(&bound)) {
            let message = format!("no call gets it: `credentials[{first}]` is for all of them");
            errata.add(node.place.clone(), format!("credentials[{nth}].for"), message).help(
                "the first credential that fits is taken: put the narrower one first, or remove one",
            );
        }
        earlier.push((nth, bound));
    }
}

/// Each has a placeholder of its own, which does not hold another.
fn placeholders(root: &Node, errata: &mut Errata) {
    let mut taken: Vec<(usize, String)> = Vec::new();
    for (nth, credential) in root.items("credentials").iter().enumerate() {
        let own = credential.text("placeholder").map(str::to_owned);
        let made = || credential.text("id").map(|id| format!("tollgate-{id}"));
        let Some(text) = own.or_else(made) else { continue };
        let path = format!("credentials[{nth}].placeholder");
        let at = place(credential, "placeholder");
        if credential.text("placeholder").is_some() && !text.bytes().all(|b| b.is_ascii_graphic()) {
            errata
                .add(at, path, "it has a character that no header bears as it is")
                .help("visible ASCII without spaces, such as `tollgate-github`");
        } else if let Some((first, _)) = taken.iter().find(|(_, other)| *other == text) {
            errata
                .add(at, path, format!("it is also the placeholder of `credentials[{first}]`"))
                .help("each has its own");
        }
        taken.push((nth, text));
    }
}

fn bound_to(root: &Node, bound: &Node, at: &str, errata: &mut Errata) {
    for (nth, method) in bound.items("methods").iter().enumerate() {
        let Kind::Text(word) = &method.kind else { continue };
        if word.is_empty() || !word.bytes().all(|b| b.is_ascii_uppercase() || b == b'-') {
            let message = format!("{} is no method", shown(word));
            errata
                .add(method.place.clone(), format!("{at}.methods[{nth}]"), message)
                .help("in upper case, such as `GET`");
        }
    }
    let known: Vec<&str> = root.items("agents").iter().filter_map(|a| a.text("id")).collect();
    for (nth, agent) in bound.items("agents").iter().enumerate() {
        let Kind::Text(id) = &agent.kind else { continue };
        if id.contains(['*', '?', '[', '{']) || known.contains(&id.as_str()) {
            continue;
        }
        let message = format!("{} is no agent of the registry", shown(id));
        let draft = errata.add(agent.place.clone(), format!("{at}.agents[{nth}]"), message);
        match meant(id, known.iter().copied().filter(|id| showable(id))) {
            Some(near) => draft.help(format!("did you mean `{near}`?")),
            None => draft
                .help("add it to `agents`, or write a pattern such as `spiffe://example.org/**`"),
        }
    }
}

/// Headers that say how a request is read or where it goes, and those that have a type of their
/// own here.
const NOT_SET: &[&str] = &[
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "last-event-id",
    "max-forwards",
    "origin",
    "range",
    "te",
    "tollgate-receipt",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];
const NOT_SET_PREFIXES: &[&str] = &["mcp-", "proxy-", "x-forwarded-"];

fn given(give: &Node, at: &str, errata: &mut Errata) {
    match give.text("type") {
        Some("header") => header(give, at, errata),
        Some("basic") if give.text("user").is_some_and(|user| user.contains(':')) => {
            add(give, at, "user", "a user of HTTP Basic has no `:`", errata)
                .help("what stands behind the first `:` is read as the password");
        }
        Some("cookie") if give.text("name").is_some_and(|name| name.starts_with("__")) => {
            add(give, at, "name", "a cookie of this name is set by its server only", errata)
                .help("names that begin with `__` have rules of their own");
        }
        Some("aws_sigv4") => aws(give, at, errata),
        Some("oauth_client") => server(give, at, true, errata),
        Some("token_exchange") => server(give, at, false, errata),
        _ => {}
    }
}

fn header(give: &Node, at: &str, errata: &mut Errata) {
    let name = give.text("name").unwrap_or("authorization").to_ascii_lowercase();
    if name == "cookie" {
        add(give, at, "name", "cookies are not given as a header", errata)
            .help("write `type: cookie`");
    } else if NOT_SET.contains(&name.as_str())
        || NOT_SET_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || name.contains('.')
    {
        add(give, at, "name", "this header may not be set", errata)
            .help("a header that carries a credential, such as `authorization` or `x-api-key`");
    }
    if give.text("prefix").is_some_and(|text| !text.bytes().all(|b| matches!(b, b' '..=b'~'))) {
        add(give, at, "prefix", "it has a character that no header bears as it is", errata)
            .help("such as `Bearer ` with its space");
    }
}

fn aws(give: &Node, at: &str, errata: &mut Errata) {
    for (have, need) in [
        ("access_key_id", "secret_access_key"),
        ("secret_access_key", "access_key_id"),
        ("session_token", "access_key_id"),
    ] {
        if give.value(have).is_some() && give.value(need).is_none() {
            add(give, at, have, &format!("it needs `{need}`"), errata)
                .help("name both, or neither: then they are found as every AWS client finds them");
        }
    }
}

/// `must` there be a client: it asks for itself.
fn server(give: &Node, at: &str, must: bool, errata: &mut Errata) {
    let Some(server) = give.value("server") else { return };
    let at = format!("{at}.server");
    if routes::is_cleartext(server) && !server.text("url").is_some_and(is_loopback_url) {
        add(server, &at, "url", "secrets would be sent in clear text", errata)
            .help("write `https://`; `http://` is for loopback");
    }
    routes::tls(server, &at, errata);
    for (have, need) in [("client_secret", "client_id"), ("client_id", "client_secret")] {
        let lacks = server.value(have).is_some() && server.value(need).is_none();
        // A client that a certificate proves has no secret (RFC 8705).
        let proven = have == "client_id"
            && server
                .value("tls")
                .is_some_and(|tls| tls.value("client_certificate").is_some() || tls.flag("svid"));
        if lacks && !proven {
            add(server, &at, have, &format!("it needs `{need}`"), errata)
                .help("who the gate is there, and what proves it");
        }
    }
    if must && server.value("client_id").is_none() && server.value("client_secret").is_none() {
        errata
            .add(server.place.clone(), at, "key `client_id` is missing")
            .help("the gate asks for itself here: who it is, and what proves it");
    }
}

fn add<'e>(
    node: &Node,
    at: &str,
    key: &str,
    message: &str,
    errata: &'e mut Errata,
) -> &'e mut Draft {
    errata.add(place(node, key), format!("{at}.{key}"), message)
}
