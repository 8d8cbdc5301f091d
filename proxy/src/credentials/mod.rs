//! Credentials that agents do not have: the gate puts them into a call at the door.
//!
//! [`Credentials`] is the table of a snapshot. [`grant`](Credentials::grant) takes what the agent
//! sent in a credential's place out of a request and says which credential the call gets, before
//! anything is recorded; [`Granted::give`] makes what is put in, after the permit. Invariants:
//! - a value is read with its snapshot, is wiped with it, and is in no log, error or record;
//! - it is put into the head that is written to the upstream, and into nothing before it;
//! - at the door host, port, path, method and agent are compared again;
//! - every value is among those that the scanner knows before it is used.
mod aws;
mod secrets;
mod slot;
mod token;
mod turns;

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use tollgate_config::settings::{self, CredentialPlace, Give, Settings};
use tollgate_dlp::known::{Fetched, Known};
use tollgate_dlp::{Acted, Action, Finding, Pattern, Scanner};
use tollgate_rules::{AgentId, Code, Host, Scheme};
use zeroize::Zeroizing;

use crate::clear::{Outgoing, Permit, Way};
use crate::egress::{Destination, Egress, Failure};
use crate::head::Request;
use crate::record::Found;
use crate::snapshot::SnapshotFault;
use aws::Aws;
pub use secrets::Secrets;
use slot::Slot;
use token::Tokens;

/// Headers that carry credentials. None of an agent's reaches a host that has a credential here.
const CARRIERS: &[&str] =
    &["api-key", "authorization", "proxy-authorization", "x-api-key", "x-goog-api-key"];

/// The credentials of a snapshot.
#[derive(Default)]
pub struct Credentials {
    entries: Vec<Arc<Credential>>,
    /// Looks for credentials and placeholders, and for nothing else.
    guard: Option<Arc<Scanner>>,
    /// What is fetched, known to this and to the snapshot's scanner.
    fetched: Option<Arc<Fetched>>,
}

/// One credential.
pub struct Credential {
    id: Arc<str>,
    place: Place,
    source: Source,
}

/// Where the value comes from, and where it goes.
enum Source {
    /// It is the value.
    Fixed(Slot, Zeroizing<String>),
    /// Keys that sign.
    Aws(Aws),
    /// A server gives it.
    Fetched(Arc<Tokens>),
}

/// What a call gets.
#[derive(Clone)]
pub struct Granted {
    credential: Arc<Credential>,
    /// The user's token that the agent sent.
    subject: Option<Zeroizing<String>>,
}

/// What is put into a request's head.
pub struct Given {
    /// Headers, which take the place of others of their names.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The path and query, when they are others.
    pub path_and_query: Option<Zeroizing<String>>,
}

impl std::fmt::Debug for Granted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Granted").field(&self.credential.id).finish()
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.entries.iter().map(|entry| &entry.id)).finish()
    }
}

impl Credentials {
    /// Builds the table from what was read.
    pub fn build(
        settings: &[settings::Credential],
        secrets: &Secrets,
        before: Option<&Self>,
    ) -> Result<Self, SnapshotFault> {
        if settings.is_empty() {
            return Ok(Self::default());
        }
        let entries =
            settings.iter().map(|one| Credential::build(one, secrets, before).map(Arc::new));
        let mut known = Known::default();
        known.set_values(secrets.guarded(settings)?);
        let fetched = secrets.fetched().map(Arc::clone);
        if let Some(fetched) = &fetched {
            known.set_fetched(Arc::clone(fetched));
        }
        let guard = Scanner::of_known(Arc::new(known))
            .map_err(|error| SnapshotFault::Dlp(error.to_string()))?;
        let entries = entries.collect::<Result<_, _>>()?;
        Ok(Self { entries, guard: Some(Arc::new(guard)), fetched })
    }

    /// Takes what the agent sent in the place of a credential out of a request, and says which
    /// credential the call gets.
    pub fn grant(&self, agent: &AgentId, way: &Way, request: &mut Request) -> Option<Granted> {
        let to = &way.to;
        let bearer = self.bearer(request);
        let mut guarded = false;
        for entry in self.entries.iter().filter(|entry| entry.place.is_at(&to.host)) {
            guarded = true;
            entry.source.strip(request);
        }
        if guarded {
            slot::strip_headers(&mut request.headers, |name| CARRIERS.contains(&name));
        }
        let method = request.head.method().as_str();
        let fits = |entry: &&Arc<Credential>| entry.place.fits(agent, to, method, &way.path);
        let credential = self.entries.iter().find(fits)?;
        let subject = bearer.filter(|_| credential.source.wants_subject());
        Some(Granted { credential: Arc::clone(credential), subject })
    }

    /// The bearer token that an agent sends, unless it is a placeholder.
    fn bearer(&self, request: &Request) -> Option<Zeroizing<String>> {
        let guard = self.guard.as_ref()?;
        let value = request.headers.get(http::header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = value.split_once(' ')?;
        let is_token = scheme.eq_ignore_ascii_case("bearer")
            && !token.is_empty()
            && token.bytes().all(|byte| byte.is_ascii_graphic())
            && guard.scan(token.as_bytes()).is_empty();
        is_token.then(|| Zeroizing::new(token.to_owned()))
    }

    /// What of a request that is about to leave may not leave for there: placeholders of other
    /// hosts' credentials, and credentials themselves.
    pub fn leaks(&self, outgoing: &Outgoing) -> Vec<Found> {
        let Some(guard) = &self.guard else { return Vec::new() };
        let headers = outgoing.headers.iter().map(|(_, value)| ("header", value.as_bytes()));
        let parts = [("url", outgoing.path_and_query.as_bytes()), ("body", &outgoing.body[..])];
        let mut found = Vec::new();
        for (part, bytes) in headers.chain(parts) {
            let findings = guard.scan(bytes).into_iter();
            let findings = findings.filter(|finding| !self.may_go(finding, &outgoing.to));
            found.extend(
                findings
                    .map(|finding| Found { part, acted: Acted { finding, action: Action::Block } }),
            );
        }
        found
    }

    /// Whether a finding is the placeholder of a credential for this host.
    pub fn may_go(&self, finding: &Finding, to: &Destination) -> bool {
        is_placeholder(finding)
            && self.entries.iter().any(|entry| {
                *entry.id == *finding.detector.as_str()
                    && entry.place.is_at(&to.host)
                    && entry.place.port == to.port
            })
    }

    /// Looks for credentials and placeholders alone.
    pub fn guard(&self) -> Option<&Arc<Scanner>> {
        self.guard.as_ref()
    }
}

/// Whether a finding is a placeholder, named by its credential.
pub fn is_placeholder(finding: &Finding) -> bool {
    finding.class.as_str() == "known.placeholder"
}

impl Credential {
    fn build(
        setting: &settings::Credential,
        secrets: &Secrets,
        before: Option<&Credentials>,
    ) -> Result<Self, SnapshotFault> {
        let id = setting.id.as_str();
        let place = Place::build(&setting.place)
            .ok_or_else(|| unusable(id, "`for` names no host, or no pattern"))?;
        let source = match &setting.give {
            Give::AwsSigv4(aws) => {
                let aws = Aws::build(id, aws, secrets);
                Source::Aws(aws.ok_or_else(|| unusable(id, "half of its keys is missing"))?)
            }
            Give::OauthClient(_) | Give::TokenExchange(_) => {
                Source::Fetched(tokens(setting, secrets, before)?)
            }
            give => fixed(id, give, secrets)?,
        };
        Ok(Self { id: id.into(), place, source })
    }
}

/// A value that stands where it is put.
fn fixed(id: &str, give: &Give, secrets: &Secrets) -> Result<Source, SnapshotFault> {
    let secret = secrets.find(id, "secret").ok_or_else(|| unusable(id, "it has no secret"))?;
    let (slot, value) = match give {
        Give::Header(header) => {
            let value = Zeroizing::new(format!("{}{}", header.prefix, secret.as_str()));
            (Slot::header(&header.name), value)
        }
        Give::Basic(basic) => (Slot::header("authorization"), slot::basic(&basic.user, secret)),
        Give::Query(query) => (Some(Slot::Query(query.parameter.clone())), secret.clone()),
        Give::Cookie(cookie) => (Some(Slot::Cookie(cookie.name.clone())), secret.clone()),
        Give::AwsSigv4(_) | Give::OauthClient(_) | Give::TokenExchange(_) => (None, secret.clone()),
    };
    let slot = slot.ok_or_else(|| unusable(id, "it has no place in a request"))?;
    if !slot.bears(&value) {
        return Err(unusable(id, "it has characters that its place does not bear"));
    }
    Ok(Source::Fixed(slot, value))
}

/// Those of before when they are made of the same: their tokens still hold.
fn tokens(
    setting: &settings::Credential,
    secrets: &Secrets,
    before: Option<&Credentials>,
) -> Result<Arc<Tokens>, SnapshotFault> {
    let print = secrets.print(setting);
    let kept = before.into_iter().flat_map(|before| &before.entries);
    let kept = kept.filter_map(|entry| match &entry.source {
        Source::Fetched(tokens) if tokens.print == print => Some(Arc::clone(tokens)),
        _ => None,
    });
    if let Some(kept) = kept.into_iter().next() {
        return Ok(kept);
    }
    let made = Tokens::build(&setting.id, &setting.give, secrets, print)?;
    Ok(Arc::new(made.ok_or_else(|| unusable(&setting.id, "it names no server"))?))
}

impl Source {
    /// Takes out what the agent sent in its place.
    fn strip(&self, request: &mut Request) {
        match self {
            Self::Fixed(slot, _) => slot.strip(request),
            Self::Aws(_) => Aws::strip(request),
            // It stands in `Authorization`, which goes in any case.
            Self::Fetched(_) => {}
        }
    }

    fn wants_subject(&self) -> bool {
        matches!(self, Self::Fetched(tokens) if tokens.wants_subject())
    }
}

fn unusable(id: &str, reason: &str) -> SnapshotFault {
    SnapshotFault::Known { what: "credential", place: id.to_owned(), reason: reason.to_owned() }
}

impl Granted {
    /// Its name in record, metrics and log.
    pub fn id(&self) -> &str {
        &self.credential.id
    }

    /// What is put into the head of this call, if it is still the call that was granted.
    pub async fn give(
        &self,
        permit: &Permit,
        egress: &Egress,
        settings: &Settings,
    ) -> Result<Given, Failure> {
        let credential = &self.credential;
        let path = permit.path_and_query().split('?').next().unwrap_or_default();
        let method = permit.method().as_str();
        if !credential.place.fits(permit.agent(), permit.destination(), method, path) {
            return Err(Failure::new(Code::GateBug, "the credential is for another call"));
        }
        match &credential.source {
            Source::Fixed(slot, value) => slot
                .put(value, permit)
                .ok_or_else(|| Failure::new(Code::GateBug, "the credential has no place")),
            Source::Aws(aws) => aws.give(permit).await,
            Source::Fetched(tokens) => {
                let subject = self.subject.as_ref().map(|subject| subject.as_str());
                let value = tokens.give(subject, permit, egress, settings).await?;
                let headers = vec![(http::header::AUTHORIZATION, value)];
                Ok(Given { headers, path_and_query: None })
            }
        }
    }

    /// The upstream refused it: what was fetched or found is not used again for long.
    pub fn refused(&self) {
        match &self.credential.source {
            Source::Fixed(..) => {}
            Source::Aws(aws) => aws.forget(),
            Source::Fetched(tokens) => {
                tokens.forget(self.subject.as_ref().map(|subject| subject.as_str()));
            }
        }
    }
}

/// Which calls a credential is for.
struct Place {
    host: At,
    port: u16,
    path: Option<String>,
    methods: Vec<String>,
    agents: Vec<Pattern>,
    cleartext: bool,
}

enum At {
    Exactly(Host),
    /// A name with the dot before it.
    Below(String),
}

impl Place {
    fn build(setting: &CredentialPlace) -> Option<Self> {
        let host = match setting.host.strip_prefix("*.") {
            Some(suffix) => At::Below(format!(".{}", Host::parse(suffix).ok()?)),
            None => At::Exactly(Host::parse(&setting.host).ok()?),
        };
        let agents = setting.agents.iter().map(|agent| Pattern::new(agent));
        Some(Self {
            host,
            port: setting.port,
            path: setting.path.clone(),
            methods: setting.methods.clone(),
            agents: agents.collect::<Option<_>>()?,
            cleartext: setting.danger_cleartext,
        })
    }

    fn is_at(&self, host: &Host) -> bool {
        match &self.host {
            At::Exactly(own) => own == host,
            At::Below(suffix) => host.name().is_some_and(|name| name.ends_with(suffix.as_str())),
        }
    }

    fn fits(&self, agent: &AgentId, to: &Destination, method: &str, path: &str) -> bool {
        self.is_at(&to.host)
            && self.port == to.port
            && (self.cleartext || to.scheme == Scheme::Https || is_here(&to.host))
            && self.path.as_deref().is_none_or(|prefix| is_below(path, prefix))
            && (self.methods.is_empty() || self.methods.iter().any(|own| own == method))
            && (self.agents.is_empty() || self.agents.iter().any(|p| p.is_match(agent.as_str())))
    }
}

/// Whole segments only: `/repos` is not above `/repository`.
fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_here(host: &Host) -> bool {
    host.name() == Some("localhost") || host.address().is_some_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests;
