//! What is in a request: body, query, path and headers, before any of it travels.
//!
//! In observe mode the judge of the snapshot alerts and never redacts or blocks, so nothing here
//! asks for the mode.
use http::{HeaderMap, HeaderValue, Method};
use tollgate_dlp::{Acted, Action, Direction, Judge, Redaction, holds_token};
use tollgate_rules::{AgentId, Call, Code, RuleId};

use crate::clear::{Outgoing, Way};
use crate::decode::http::HttpBody;
use crate::decode::mcp::{self, Message};
use crate::head::Request;
use crate::record::Found;
use crate::refuse::Refusal;
use crate::snapshot::Snapshot;
use crate::spoken::{Said, Spoken};
use crate::{scene, words};

/// Headers that carry the agent's own credential for the upstream, by design.
const CREDENTIALS: &[&str] = &[
    "api-key",
    "authorization",
    "cookie",
    "mcp-session-id",
    "private-token",
    "x-api-key",
    "x-goog-api-key",
];

/// What inspection made of a request.
#[derive(Debug)]
pub struct Inspected {
    /// What may travel, or why it may not.
    pub verdict: Result<Clean, Refusal>,
    /// What was found.
    pub found: Vec<Found>,
    /// How many beginnings of secrets had to be forgotten before their time.
    pub forgotten: u64,
}

/// What may travel.
#[derive(Debug)]
pub struct Clean {
    method: Method,
    path_and_query: String,
    headers: HeaderMap,
    body: bytes::Bytes,
}

impl Clean {
    /// Addresses it.
    pub fn outgoing(self, agent: AgentId, way: &Way) -> Outgoing {
        Outgoing {
            agent,
            to: std::sync::Arc::clone(&way.to),
            method: self.method,
            path_and_query: self.path_and_query,
            headers: self.headers,
            body: self.body,
        }
    }
}

/// Inspects a request and redacts it where it says so.
pub fn request(
    snapshot: &Snapshot,
    calls: &[Call],
    way: &Way,
    request: Request,
    spoken: &mut Spoken,
) -> Inspected {
    let judges: Vec<Judge> =
        calls.iter().map(|call| snapshot.judge.at(&scene::request(snapshot, call))).collect();
    let judge = judges.first().unwrap_or(&snapshot.judge);
    let mut look = Look { snapshot, judge, found: Vec::new(), forgotten: 0 };
    let completed = look.completed(calls, &judges);
    let verdict = look.over(&judges, way, request, spoken);
    let verdict = verdict.and_then(|clean| completed.map(|()| clean));
    Inspected { verdict, found: look.found, forgotten: look.forgotten }
}

struct Look<'s> {
    snapshot: &'s Snapshot,
    /// The judge of the call that is looked at.
    judge: &'s Judge,
    found: Vec<Found>,
    forgotten: u64,
}

impl<'s> Look<'s> {
    /// What earlier calls began and these complete. It is refused whole: most of it has left.
    fn completed(&mut self, calls: &[Call], judges: &[Judge]) -> Result<(), Refusal> {
        let mut verdict = Ok(());
        for (call, judge) in calls.iter().zip(judges) {
            let target = &call.target;
            let destination = format!("{} {}", target.route, target.host);
            let engine = (&*self.snapshot.scanner, judge);
            let (acted, forgotten) = self.snapshot.recall.completed(engine, &destination, call);
            self.forgotten += forgotten;
            if acted.iter().any(|acted| acted.action == Action::Block) {
                verdict = Err(Refusal::new(Code::ExfilFragments, words::FRAGMENTS));
            }
            let part = "calls";
            self.found.extend(acted.into_iter().map(|acted| Found { part, acted }));
        }
        verdict
    }

    fn over(
        &mut self,
        judges: &'s [Judge],
        way: &Way,
        request: Request,
        spoken: &mut Spoken,
    ) -> Result<Clean, Refusal> {
        let mut headers = request.headers;
        self.body(judges, way, spoken, &mut headers)?;
        self.path(&way.path)?;
        let query = self.query(&request.head)?;
        spoken.rebuild_headers(&mut headers);
        self.headers(&mut headers)?;
        let path_and_query = match query {
            Some(query) => format!("{}?{query}", way.path),
            None => way.path.clone(),
        };
        let method = request.head.method().clone();
        Ok(Clean { method, path_and_query, headers, body: spoken.encode() })
    }

    /// Keeps what was acted on; an error if any of it blocks.
    fn note(&mut self, acted: Vec<Acted>, part: &'static str) -> Result<(), Refusal> {
        let blocks = acted.iter().find(|acted| acted.action == Action::Block);
        let refusal = blocks.map(|acted| {
            let decided = self.judge.decided(&acted.finding, Direction::Request);
            let rule = decided.rule.map(|rule| RuleId::new(rule.as_str()));
            let refusal = match decided.is_egress {
                true => Refusal::new(Code::EgressBlocked, words::NOT_THERE),
                false => Refusal::new(Code::DlpBlocked, words::blocked(part)),
            };
            refusal.with_rule(rule)
        });
        self.found.extend(acted.into_iter().map(|acted| Found { part, acted }));
        refusal.map_or(Ok(()), Err)
    }

    fn text(&mut self, text: &str, part: &'static str) -> Result<Option<String>, Refusal> {
        let Redaction { text: clean, acted } =
            self.snapshot.scanner.redact(text, self.judge, Direction::Request);
        let changed = (clean != text).then(|| clean.into_owned());
        self.note(acted, part)?;
        Ok(changed)
    }

    fn body(
        &mut self,
        judges: &'s [Judge],
        way: &Way,
        spoken: &mut Spoken,
        headers: &mut HeaderMap,
    ) -> Result<(), Refusal> {
        match &mut spoken.said {
            Said::Mcp(call) => {
                let first = self.judge;
                // A batch has a call for each of its messages.
                for (nth, message) in call.messages_mut().iter_mut().enumerate() {
                    self.judge = judges.get(nth).unwrap_or(first);
                    self.message(message, headers)?;
                }
                self.judge = first;
                Ok(())
            }
            Said::Http(call) => match &mut call.body {
                HttpBody::Empty => Ok(()),
                HttpBody::Json(document) => {
                    let scanner = &self.snapshot.scanner;
                    let acted = scanner.redact_json(document, self.judge, Direction::Request);
                    self.note(acted, "body")
                }
                HttpBody::Text(text) => {
                    if let Some(clean) = self.text(text, "body")? {
                        *text = clean;
                    }
                    Ok(())
                }
                HttpBody::Form(pairs) => self.pairs(pairs, "body").map(|_| ()),
                HttpBody::Opaque(_) if way.to.allow_unread_requests => Ok(()),
                HttpBody::Opaque(_) => Err(Refusal::new(Code::UnreadRefused, words::UNREAD)),
            },
        }
    }

    /// Redacts one message and the headers that mirror it. A redaction that would make it another
    /// call (a secret for a tool's name, say) refuses it.
    fn message(&mut self, message: &mut Message, headers: &mut HeaderMap) -> Result<(), Refusal> {
        let scanner = &self.snapshot.scanner;
        // What comes back in a token's place is no finding, and is looked for all the same.
        let restores = self.snapshot.settings.dlp.restores();
        if scanner.scan_json(message.document()).is_empty()
            && !(restores && holds_token(message.document()))
        {
            return Ok(());
        }
        let mut document = message.document().clone();
        let acted = scanner.redact_json(&mut document, self.judge, Direction::Request);
        let changed = acted.iter().any(|acted| acted.action.edits());
        self.note(acted, "body")?;
        if !changed {
            return Ok(());
        }
        let before = message.document().clone();
        if message.redact(document).is_err() {
            return Err(Refusal::new(Code::DlpBlocked, words::blocked("body")));
        }
        mcp::remirror(headers, &before, message.document());
        Ok(())
    }

    /// Redacts names and values; whether anything changed.
    fn pairs(
        &mut self,
        pairs: &mut [(String, String)],
        part: &'static str,
    ) -> Result<bool, Refusal> {
        let mut changed = false;
        for (name, value) in pairs {
            if name.contains('=') {
                for text in [&mut *name, &mut *value] {
                    if let Some(clean) = self.text(text, part)? {
                        *text = clean;
                        changed = true;
                    }
                }
                continue;
            }
            // A sensitive name makes its value a finding, so they are looked at together.
            let joined = format!("{name}={value}");
            if let Some(clean) = self.text(&joined, part)? {
                let (clean_name, clean_value) = clean.split_once('=').unwrap_or((&clean, ""));
                (*name, *value) = (clean_name.to_owned(), clean_value.to_owned());
                changed = true;
            }
        }
        Ok(changed)
    }

    fn query(&mut self, head: &crate::decode::head::Head) -> Result<Option<String>, Refusal> {
        let Some(raw) = head.query() else { return Ok(None) };
        let mut pairs = head.query_pairs();
        if !self.pairs(&mut pairs, "query")? {
            return Ok(Some(raw.to_owned()));
        }
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(pairs);
        Ok(Some(query.finish()))
    }

    /// A path cannot be redacted without becoming another path, so what would be redacted blocks.
    fn path(&mut self, path: &str) -> Result<(), Refusal> {
        let plain = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
        match self.text(&plain, "path")? {
            None => Ok(()),
            Some(_) => Err(Refusal::new(Code::DlpBlocked, words::blocked("path"))),
        }
    }

    fn headers(&mut self, headers: &mut HeaderMap) -> Result<(), Refusal> {
        for param in mcp::params(headers) {
            if let Some(clean) = self.text(&param.value, "header")? {
                mcp::set_param(headers, &param.name, &clean);
            }
        }
        for (name, value) in headers.iter_mut() {
            if CREDENTIALS.contains(&name.as_str()) || name.as_str().starts_with("mcp-param-") {
                continue;
            }
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            if let Some(clean) = self.text(&text, "header")? {
                *value = HeaderValue::from_bytes(clean.as_bytes())
                    .map_err(|_| Refusal::new(Code::DlpBlocked, words::blocked("header")))?;
            }
        }
        Ok(())
    }
}
