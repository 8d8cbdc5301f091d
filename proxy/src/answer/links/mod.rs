//! Where an answer leads to. On a base-URL route an upstream knows its own address and not the
//! gate's, so what it says of itself would lead its callers past the gate: redirects, pages of a
//! list, the cards of agents, the servers of an API. What points below the route's upstream is made
//! the route's own address; what points elsewhere is left as it is, and told.
mod cookies;
mod documents;
mod servers;
mod yaml;

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::Value;
use tollgate_config::settings::{Elsewhere, SignedCards};
use tollgate_rules::{Host, Scheme};
use url::Url;

use crate::clear::{Base, Way};
use crate::egress::Destination;
use crate::head::Request;
use crate::listen::Conn;

pub(super) use yaml::is_yaml;

/// How many foreign hosts of one answer are told.
const FOREIGN_MAX: usize = 4;
/// The headers whose value is a URL.
const PLACES: [HeaderName; 2] = [header::LOCATION, header::CONTENT_LOCATION];
/// Where a challenge says who gives tokens (RFC 9728 section 5.1).
const METADATA: &str = "resource_metadata=\"";

/// What an answer's links are compared with, and what they become.
#[derive(Debug)]
pub(crate) struct Links {
    base: Arc<Base>,
    to: Arc<Destination>,
    /// What the upstream was asked for: relative references start there.
    asked: Url,
    /// The gate as the caller addressed it, without a slash at its end.
    origin: String,
}

/// What became of an answer's links.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Led {
    /// How many were made the route's own.
    pub rewritten: u64,
    /// Foreign hosts that a redirect or a location names.
    pub foreign: Vec<Host>,
    /// What became of a card's signature.
    pub signature: Option<&'static str>,
    /// Cookies that have no place on the route.
    pub cookies_dropped: u64,
}

/// Where one link leads.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Lead {
    /// Below the route's upstream: the address at the gate.
    Here(String),
    /// Elsewhere: the whole URL, and its host.
    There(String, Option<Host>),
}

impl Links {
    /// Those of a call on a base-URL route; nothing on other ways, where the caller knows the
    /// upstream's own address.
    pub(crate) fn of(way: &Way, request: &Request, conn: &Conn) -> Option<Self> {
        let base = Arc::clone(way.base.as_ref()?);
        // Only a TLS listener knows names of certificates.
        let scheme = if conn.names.is_some() { Scheme::Https } else { Scheme::Http };
        let port = request.port.filter(|port| *port != scheme.default_port());
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        let origin = format!("{}://{}{port}", scheme.as_str(), request.host);
        Self::between(base, Arc::clone(&way.to), &way.path, origin)
    }

    fn between(base: Arc<Base>, to: Arc<Destination>, path: &str, origin: String) -> Option<Self> {
        let asked = format!("{}://{}{path}", to.scheme.as_str(), to.authority());
        Some(Self { base, asked: Url::parse(&asked).ok()?, to, origin })
    }

    /// Rewrites what the head says. A redirect to elsewhere may not be wanted: then it is refused.
    pub(super) fn head(&self, headers: &mut HeaderMap, led: &mut Led, redirects: bool) -> bool {
        let mut wanted = true;
        for name in PLACES {
            let values = headers.get_all(&name).iter().cloned().collect::<Vec<_>>();
            headers.remove(&name);
            for value in values {
                let lead = value.to_str().ok().and_then(|text| self.lead(text));
                // A reference that cannot be read leads nobody knows where, and does not travel.
                let (text, host) = match lead {
                    Some(Lead::Here(text)) => (text, None),
                    Some(Lead::There(text, host)) => (text, Some(host)),
                    None => continue,
                };
                match host {
                    None => led.rewritten += u64::from(text.as_bytes() != value.as_bytes()),
                    Some(host) => {
                        led.foreign.extend(host.filter(|_| led.foreign.len() < FOREIGN_MAX));
                        let refuses = self.base.redirects_elsewhere == Elsewhere::Refuse;
                        wanted &= !(refuses && redirects && name == header::LOCATION);
                    }
                }
                headers.extend(HeaderValue::from_str(&text).ok().map(|text| (name.clone(), text)));
            }
        }
        self.between_marks(headers, &header::LINK, "<", ">", led);
        self.between_marks(headers, &header::WWW_AUTHENTICATE, METADATA, "\"", led);
        self.cookies(headers, led);
        wanted
    }

    /// Rewrites URLs that stand between two marks in a header's values.
    fn between_marks(
        &self,
        headers: &mut HeaderMap,
        name: &HeaderName,
        open: &str,
        close: &str,
        led: &mut Led,
    ) {
        if !headers.contains_key(name) {
            return;
        }
        let values = headers.get_all(name).iter().cloned().collect::<Vec<_>>();
        headers.remove(name);
        for value in values {
            let Some(text) = value.to_str().ok().filter(|text| text.contains(open)) else {
                headers.append(name, value);
                continue;
            };
            let mut clean = String::with_capacity(text.len());
            let mut rest = text;
            while let Some((before, (url, after))) = rest
                .split_once(open)
                .and_then(|(before, after)| Some((before, after.split_once(close)?)))
            {
                let here = match self.lead(url) {
                    Some(Lead::Here(here)) => here,
                    Some(Lead::There(there, _)) => there,
                    None => url.to_owned(),
                };
                led.rewritten += u64::from(here != url);
                clean.extend([before, open, &here, close]);
                rest = after;
            }
            clean.push_str(rest);
            headers.append(name, HeaderValue::from_str(&clean).unwrap_or(value));
        }
    }

    /// What an event of a stream says of the upstream itself. The first one of MCP's older transport is
    /// the place that messages are sent to, which a client completes from the stream's own address.
    pub(super) fn event(&self, name: Option<&str>, data: &mut Value, is_mcp: bool, led: &mut Led) {
        match data {
            Value::String(text) if is_mcp && name == Some("endpoint") => match self.lead(text) {
                Some(Lead::Here(here)) => {
                    led.rewritten += u64::from(here != *text);
                    *text = here;
                }
                Some(Lead::There(there, host)) => {
                    *text = there;
                    led.foreign.extend(host.filter(|_| led.foreign.len() < FOREIGN_MAX));
                }
                None => {}
            },
            document => self.document(document, led),
        }
    }

    /// Where a reference leads that the upstream wrote; nothing when it cannot be read.
    fn lead(&self, text: &str) -> Option<Lead> {
        let url = self.asked.join(text).ok()?;
        if let Some(path) = self.below(&url) {
            // A slash that nobody wrote is the parser's, and would stand twice before a path.
            let path = if path == "/" && !text.ends_with('/') { "" } else { path };
            let mut here = format!("{}{}{path}", self.origin, self.base.prefix);
            if path.is_empty() && self.base.prefix.is_empty() {
                here.push('/');
            }
            for (mark, part) in [('?', url.query()), ('#', url.fragment())] {
                if let Some(part) = part {
                    here.push(mark);
                    here.push_str(part);
                }
            }
            return Some(Lead::Here(here));
        }
        let host = url.host_str().and_then(|host| Host::parse(host).ok());
        Some(Lead::There(url.into(), host))
    }

    /// What stands behind the upstream's base, when a URL leads below it.
    fn below<'u>(&self, url: &'u Url) -> Option<&'u str> {
        let same = url.scheme() == self.to.scheme.as_str()
            && url.port_or_known_default() == Some(self.to.port)
            && url.host_str().and_then(|host| Host::parse(host).ok()).as_ref()
                == Some(&self.to.host)
            && url.username().is_empty()
            && url.password().is_none();
        let rest = url.path().strip_prefix(self.to.base_path.as_str()).filter(|_| same)?;
        // Whole segments only, as on the way out.
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    }

    /// Whether a card that is signed is left as it is.
    fn leaves_signed(&self) -> bool {
        self.base.signed_cards == SignedCards::Leave
    }
}

#[cfg(test)]
mod tests;
