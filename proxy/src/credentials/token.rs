//! Tokens that are fetched: OAuth 2.0 client credentials (RFC 6749 section 4.4) and token exchange
//! (RFC 8693).
//!
//! A token serves until shortly before its end. One request asks for one; whoever waits for it takes
//! what came (`turns.rs`). A refusal holds for a second, so that calls do not flood the server.
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use tollgate_config::settings::{ClientAuth, Give, Settings, TokenServer};
use tollgate_dlp::known::Fetched;
use tollgate_rules::{Code, Host, Scheme};
use url::form_urlencoded::{Serializer, byte_serialize};
use zeroize::Zeroizing;

use super::turns::Turns;
use super::{Secrets, slot, unusable};
use crate::clear::Permit;
use crate::egress::{ClientTls, Destination, Egress, Errand, Failure};
use crate::snapshot::SnapshotFault;

/// Waiting for another's request and one's own, together.
const FETCH_WAIT: Duration = Duration::from_secs(15);
/// An answer with a token is far smaller.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// The longest token that a header bears everywhere.
const TOKEN_BYTES_MAX: usize = 16 << 10;
/// Without a word about its end, a token serves for so long.
const UNTOLD_SECS: u64 = 60;
/// No token is believed for longer, whatever its server says.
const SECS_MAX: u64 = 24 * 60 * 60;
/// A token is given up so long before its end, but for a quarter of its time at most.
const AHEAD_SECS: u64 = 30;
/// How long a refusal holds.
const REFUSED: Duration = Duration::from_secs(1);
/// A token that its upstream refuses is fetched again, unless it was fetched just before.
const FRESH: Duration = Duration::from_secs(5);
/// Users whose tokens are kept at once.
const SUBJECTS_MAX: usize = 1024;

/// Who gives tokens, how it is asked, and the tokens of the moment.
pub(super) struct Tokens {
    id: Arc<str>,
    to: Destination,
    authorization: Option<HeaderValue>,
    /// The form without the user's own token.
    form: Zeroizing<String>,
    /// The agent sends the user's token with each call.
    subject_is_sent: bool,
    actors: Actors,
    known: Arc<Fetched>,
    turns: Turns,
    held: Mutex<HashMap<Subject, Held>>,
    /// What all of this was made of.
    pub(super) print: [u8; 32],
}

/// Who may act in the tokens of an exchange (RFC 8693 section 4.1).
#[derive(Default)]
struct Actors {
    /// Who acts now.
    expect: Option<String>,
    /// How many there may be, with those who acted before.
    most: Option<usize>,
}

/// A print of the user's token; that of nothing for the gate's own.
pub(super) type Subject = [u8; 32];

#[derive(Clone)]
struct Held {
    /// When the scanner was told of it.
    added: u64,
    since: Instant,
    until: Instant,
    token: Result<Zeroizing<String>, Failure>,
}

impl Tokens {
    /// `Ok(None)` for credentials that are not fetched.
    pub(super) fn build(
        id: &str,
        give: &Give,
        secrets: &Secrets,
        print: [u8; 32],
    ) -> Result<Option<Self>, SnapshotFault> {
        let Some(server) = give.server() else { return Ok(None) };
        let known = secrets.fetched().map(Arc::clone);
        let known = known.ok_or_else(|| unusable(id, "nothing can be known of it"))?;
        let client_secret = secrets.find(id, "client_secret");
        let subject_is_sent =
            matches!(give, Give::TokenExchange(exchange) if exchange.subject_token.is_none());
        let actors = match give {
            Give::TokenExchange(exchange) => Actors {
                expect: exchange.expect_actor.clone(),
                most: exchange.actors_max.and_then(|most| usize::try_from(most).ok()),
            },
            _ => Actors::default(),
        };
        Ok(Some(Self {
            id: id.into(),
            to: destination(id, server)?,
            authorization: authorization(server, client_secret.map(|secret| secret.as_str())),
            form: form(id, give, server, secrets),
            subject_is_sent,
            actors,
            known,
            turns: Turns::default(),
            held: Mutex::default(),
            print,
        }))
    }

    /// Whether the agent's own bearer token is what is exchanged.
    pub(super) fn wants_subject(&self) -> bool {
        self.subject_is_sent
    }

    /// The token of the moment, as `Authorization` has it.
    pub(super) async fn give(
        &self,
        subject: Option<&str>,
        permit: &Permit,
        egress: &Egress,
        settings: &Settings,
    ) -> Result<HeaderValue, Failure> {
        if self.subject_is_sent && subject.is_none() {
            return Err(failure("no subject token was sent"));
        }
        let key = key(subject);
        let token = match self.held(&key) {
            Some(held) => held?,
            None => {
                let fetching = self.fetch(key, subject, permit, egress, settings);
                let fetched = tokio::time::timeout(FETCH_WAIT, fetching).await;
                fetched.map_err(|_| failure("token server: it did not answer in time"))??
            }
        };
        let value = Zeroizing::new(format!("Bearer {}", token.as_str()));
        slot::sensitive(&value).ok_or_else(|| failure("the token is no bearer token"))
    }

    fn held(&self, key: &Subject) -> Option<Result<Zeroizing<String>, Failure>> {
        let held = self.held.lock();
        let held = held.get(key)?;
        let serves = held.until > Instant::now() && self.known.still_knows(held.added);
        serves.then(|| held.token.clone())
    }

    /// Asks the server, unless another call did while this one waited for its turn.
    async fn fetch(
        &self,
        key: Subject,
        subject: Option<&str>,
        permit: &Permit,
        egress: &Egress,
        settings: &Settings,
    ) -> Result<Zeroizing<String>, Failure> {
        let turn = self.turns.take(permit.agent(), key).await;
        let _turn = turn.map_err(|_| failure("the gate is stopping"))?;
        if let Some(held) = self.held(&key) {
            return held;
        }
        let asked = self.ask(subject, permit, egress, settings).await;
        let since = Instant::now();
        let (lasts, added, token) = match asked {
            Ok((token, lasts, added)) => (lasts, added, Ok(token)),
            Err(failure) => (REFUSED, u64::MAX, Err(failure)),
        };
        let mut held = self.held.lock();
        if held.len() >= SUBJECTS_MAX {
            held.retain(|_, held| held.until > since);
        }
        if held.len() >= SUBJECTS_MAX {
            // What was refused only keeps others from asking; a token that serves is worth more.
            held.retain(|_, held| held.token.is_ok());
        }
        if held.len() >= SUBJECTS_MAX {
            let soonest = held.iter().min_by_key(|(_, held)| held.until).map(|(key, _)| *key);
            soonest.map(|key| held.remove(&key));
        }
        held.insert(key, Held { added, since, until: since + lasts, token: token.clone() });
        token
    }

    async fn ask(
        &self,
        subject: Option<&str>,
        permit: &Permit,
        egress: &Egress,
        settings: &Settings,
    ) -> Result<(Zeroizing<String>, Duration, u64), Failure> {
        let mut headers = HeaderMap::new();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(header::CONTENT_TYPE, form);
        if let Some(authorization) = &self.authorization {
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        let mut body = self.form.clone();
        if let Some(subject) = subject.filter(|_| self.subject_is_sent) {
            body.push_str("&subject_token=");
            body.extend(byte_serialize(subject.as_bytes()));
        }
        let errand = Errand {
            to: &self.to,
            headers,
            body: Bytes::copy_from_slice(body.as_bytes()),
            answer_bytes_max: ANSWER_BYTES_MAX,
        };
        let (status, body) =
            egress.run(errand, permit, settings).await.map_err(|cause| Failure {
                retry_after: cause.retry_after,
                ..failure(&format!("token server: {} {}", cause.code.as_str(), cause.detail))
            })?;
        if status != StatusCode::OK {
            return Err(failure(&format!("token server: status {}", status.as_u16())));
        }
        let (token, lasts) = read(&body, &self.actors)?;
        // Known to the scanner before anybody else sees it.
        let added = self
            .known
            .add(Arc::clone(&self.id).into(), token.as_bytes())
            .map_err(|error| failure(&format!("the token cannot be known again: {error}")))?;
        Ok((token, lasts, added))
    }

    /// The upstream refused the token: the next call fetches another.
    pub(super) fn forget(&self, subject: Option<&str>) {
        let mut held = self.held.lock();
        let key = key(subject);
        if held.get(&key).is_some_and(|held| held.since.elapsed() > FRESH) {
            held.remove(&key);
        }
    }
}

fn key(subject: Option<&str>) -> Subject {
    Sha256::digest(subject.unwrap_or_default()).into()
}

fn failure(reason: &str) -> Failure {
    Failure::new(Code::CredentialUnavailable, reason)
}

fn destination(id: &str, server: &TokenServer) -> Result<Destination, SnapshotFault> {
    let wrong = || unusable(id, "`server.url` is no URL");
    let url = url::Url::parse(&server.url).map_err(|_| wrong())?;
    let host = url.host_str().and_then(|host| Host::parse(host).ok()).ok_or_else(wrong)?;
    let (scheme, tls) = match url.scheme() {
        "https" => (Scheme::Https, Some(Arc::new(ClientTls::read(id, &server.tls)?))),
        "http" => (Scheme::Http, None),
        _ => return Err(wrong()),
    };
    // No route's name has a colon, so no call shares a connection with it.
    let route = format!("credential:{id}");
    let port = url.port().unwrap_or(scheme.default_port());
    Ok(Destination {
        base_path: url.path().to_owned(),
        allow_addresses: server.allow_addresses.clone(),
        tls,
        // The parent proxy is that of the call.
        ..Destination::strict(&route, scheme, host, port)
    })
}

/// RFC 6749 section 2.3.1: both halves are form-encoded before they are joined.
fn authorization(server: &TokenServer, secret: Option<&str>) -> Option<HeaderValue> {
    let (client, secret) = (server.client_id.as_ref()?, secret?);
    if server.client_auth != ClientAuth::Basic {
        return None;
    }
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let secret = Zeroizing::new(encoded(secret));
    let pair = Zeroizing::new(format!("{}:{}", encoded(client), secret.as_str()));
    slot::sensitive(&Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes()))))
}

fn form(id: &str, give: &Give, server: &TokenServer, secrets: &Secrets) -> Zeroizing<String> {
    let find = |key| secrets.find(id, key).map(|text| text.as_str());
    let mut pairs: Vec<(&str, Option<&str>)> = Vec::new();
    match give {
        Give::TokenExchange(exchange) => {
            let actor = find("actor_token");
            pairs.extend([
                ("grant_type", Some("urn:ietf:params:oauth:grant-type:token-exchange")),
                ("subject_token_type", Some(exchange.subject_token_type.as_str())),
                ("subject_token", find("subject_token")),
                ("actor_token", actor),
                ("actor_token_type", actor.map(|_| exchange.actor_token_type.as_str())),
                ("requested_token_type", exchange.requested_token_type.as_deref()),
                ("scope", exchange.scope.as_deref()),
                ("audience", exchange.audience.as_deref()),
                ("resource", exchange.resource.as_deref()),
            ]);
        }
        Give::OauthClient(oauth) => pairs.extend([
            ("grant_type", Some("client_credentials")),
            ("scope", oauth.scope.as_deref()),
            ("audience", oauth.audience.as_deref()),
            ("resource", oauth.resource.as_deref()),
        ]),
        _ => {}
    }
    let secret = find("client_secret");
    if server.client_auth == ClientAuth::Form || secret.is_none() {
        pairs.extend([("client_id", server.client_id.as_deref()), ("client_secret", secret)]);
    }
    let mut form = Serializer::new(String::new());
    for (name, value) in pairs {
        if let Some(value) = value {
            form.append_pair(name, value);
        }
    }
    Zeroizing::new(form.finish())
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    token_type: String,
    expires_in: Option<serde_json::Number>,
}

/// The token of an answer, and for how long it serves.
fn read(body: &[u8], actors: &Actors) -> Result<(Zeroizing<String>, Duration), Failure> {
    let answer = serde_json::from_slice::<Answer>(body);
    // What is wrong with it may repeat what is in it.
    let answer = answer.map_err(|_| failure("token server: its answer holds no token"))?;
    let token = Zeroizing::new(answer.access_token);
    let fits = token.len() <= TOKEN_BYTES_MAX && token.bytes().all(|b| b.is_ascii_graphic());
    if !answer.token_type.eq_ignore_ascii_case("bearer") || !fits {
        return Err(failure("the token is no bearer token"));
    }
    actors.check(&token)?;
    let told = answer.expires_in.map_or(Some(UNTOLD_SECS), |told| told.as_u64());
    let secs = told.ok_or_else(|| failure("token server: `expires_in` is no number of seconds"))?;
    let secs = secs.min(SECS_MAX);
    Ok((token, Duration::from_secs(secs - AHEAD_SECS.min(secs / 4))))
}

impl Actors {
    /// Looks at a JWT's claim `act`. Its signature is its upstream's to check: it came from the
    /// server that makes it, over a connection that was verified.
    fn check(&self, token: &str) -> Result<(), Failure> {
        if self.expect.is_none() && self.most.is_none() {
            return Ok(());
        }
        let payload = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let claims = payload.and_then(|payload| serde_json::from_slice::<Value>(&payload).ok());
        let claims = claims.ok_or_else(|| failure("the token cannot be read for who acts"))?;
        let chain = std::iter::successors(claims.get("act"), |actor| actor.get("act"));
        let acting = claims.pointer("/act/sub").and_then(Value::as_str);
        if self.expect.is_some() && acting != self.expect.as_deref() {
            return Err(failure("the token names another actor, or none"));
        }
        match self.most {
            Some(most) if chain.count() > most => {
                let detail = "the token names more actors than `actors_max`";
                Err(Failure::new(Code::DelegationDepthExceeded, detail))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn answers_of_servers() {
        let actor = "spiffe://corp/agent/ci";
        let acts = jwt(r#"{"sub":"user","act":{"sub":"spiffe://corp/agent/ci"}}"#);
        let chain = jwt(r#"{"act":{"sub":"other","act":{"sub":"spiffe://corp/agent/ci"}}}"#);
        for (token, kind, rest, actor, secs) in [
            ("tok", "Bearer", "", None, Some(45)),
            ("tok", "bearer", r#","expires_in":300"#, None, Some(270)),
            ("tok", "bearer", r#","expires_in":100"#, None, Some(75)),
            ("tok", "bearer", r#","expires_in":0"#, None, Some(0)),
            ("tok", "bearer", r#","expires_in":99999999999"#, None, Some(86_370)),
            ("tok", "bearer", r#","expires_in":-5"#, None, None),
            ("tok", "bearer", r#","expires_in":"300""#, None, None),
            ("tok", "mac", "", None, None),
            ("tok", "N_A", "", None, None),
            ("a b", "bearer", "", None, None),
            ("a\\r\\nb", "bearer", "", None, None),
            (acts.as_str(), "Bearer", "", Some(actor), Some(45)),
            (chain.as_str(), "Bearer", "", Some(actor), None),
            ("opaque", "Bearer", "", Some(actor), None),
        ] {
            let text = format!(r#"{{"access_token":"{token}","token_type":"{kind}"{rest}}}"#);
            let actors = Actors { expect: actor.map(str::to_owned), most: None };
            let got = read(text.as_bytes(), &actors).ok().map(|(_, lasts)| lasts.as_secs());
            assert_eq!(got, secs, "{text}");
        }
        let none = jwt(r#"{"sub":"user"}"#);
        let three = jwt(r#"{"act":{"sub":"a","act":{"act":{}}}}"#);
        for (token, most, expect) in [
            (&none, 0, None),
            (&acts, 0, Some(Code::DelegationDepthExceeded)),
            (&acts, 1, None),
            (&chain, 1, Some(Code::DelegationDepthExceeded)),
            (&chain, 2, None),
            (&three, 2, Some(Code::DelegationDepthExceeded)),
            (&three, 3, None),
            (&"opaque".to_owned(), 9, Some(Code::CredentialUnavailable)),
            (&jwt("[1"), 9, Some(Code::CredentialUnavailable)),
        ] {
            let actors = Actors { expect: None, most: Some(most) };
            assert_eq!(actors.check(token).err().map(|failure| failure.code), expect, "{token}");
        }
        for text in ["", "{}", "[]", r#"{"token_type":"bearer"}"#, r#"{"access_token":"hunter2""#] {
            let failure = read(text.as_bytes(), &Actors::default()).unwrap_err();
            assert_eq!(failure.code, Code::CredentialUnavailable);
            assert!(!failure.detail.contains("hunter2"));
        }
    }
}
