//! What is in a request: body, query, path and headers, before any of it travels.
//!
//! In observe mode the judge of the snapshot alerts and never redacts or blocks, so nothing here
//! asks for the mode.
mod beside;

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, header};
use tollgate_dlp::documents::{Header, Inspection, Url};
use tollgate_dlp::{
    Acted, Action, Changes, Direction, DocumentPart, Judge, Place, Quiet, Redaction,
};
use tollgate_rules::{AgentId, Call, Code, RuleId};

use crate::clear::{Outgoing, Way};
use crate::credentials::Granted;
use crate::decode::head::Head;
use crate::decode::http::HttpBody;
use crate::decode::json::Reading;
use crate::decode::mcp::{self, Message};
use crate::head::Request;
use crate::record::{self, Found};
use crate::refuse::Refusal;
use crate::snapshot::Snapshot;
use crate::spoken::{Said, Spoken};
use crate::{scene, words};
pub(crate) use beside::Beside;

/// The class of what nobody has any business with.
const CANARY: &str = "known.canary";

/// Headers that carry the agent's own credential for the upstream, by design.
const CREDENTIALS: &[&str] =
    &["api-key", "authorization", mcp::SESSION, "private-token", "x-api-key", "x-goog-api-key"];

/// Whether it is never an agent's own credential: what is planted, what is the gate's or an
/// application's, what signs.
fn is_nobodys(class: &str) -> bool {
    matches!(class, CANARY | OWN_SECRET | PRIVATE_KEY)
}

const OWN_SECRET: &str = "known.own_secret";
const PRIVATE_KEY: &str = "secret.private_key";

/// Methods that everyone knows (RFC 9110 section 9, RFC 5789).
const REGISTERED: &[&str] =
    &["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

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
    pub fn outgoing(self, agent: AgentId, way: &Way, granted: Option<Granted>) -> Outgoing {
        Outgoing {
            agent,
            to: Arc::clone(&way.to),
            method: self.method,
            path_and_query: self.path_and_query,
            headers: self.headers,
            body: self.body,
            granted,
            socket: None,
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
        calls.iter().map(|call| scene::judge_request(snapshot, call)).collect();
    let judge = judges.first().unwrap_or(&snapshot.judge);
    let mut look = Look::new(snapshot, judge, calls);
    let beside = calls.first().map(|call| look.beside(call, &Beside::of(call, way, &request)));
    let (completed, looked) = look.documents(calls, &judges, &spoken.documents());
    let completed = completed.and(beside.unwrap_or(Ok(())));
    let verdict = look.over((&judges, looked), way, request, spoken);
    let verdict = verdict.and_then(|clean| completed.map(|()| clean));
    Inspected { verdict, found: look.found, forgotten: snapshot.recall.forgotten() }
}

/// A message that was inspected: what may not pass of it, what was found, and what was forgotten.
pub type Seen = (Result<(), Refusal>, Vec<Found>, u64);

/// Inspects one message of a WebSocket on its way out, and redacts it where it says so. Pieces of a
/// secret that come in several messages are seen as those of several calls are.
pub fn message(snapshot: &Snapshot, call: &Call, may_be_unread: bool, body: &mut HttpBody) -> Seen {
    let judges = [scene::judge_request(snapshot, call)];
    let [judge] = &judges;
    let calls = std::slice::from_ref(call);
    let mut look = Look::new(snapshot, judge, calls);
    let (completed, looked) = look.documents(calls, &judges, &[body.document()]);
    let verdict = look.http_body(may_be_unread, body, looked.into_iter().next()).and(completed);
    look.found.iter_mut().filter(|found| found.part == "body").for_each(|f| f.part = "message");
    (verdict, look.found, snapshot.recall.forgotten())
}

struct Look<'s> {
    snapshot: &'s Snapshot,
    /// The judge of the call that is looked at.
    judge: &'s Judge,
    /// Where all of it goes, as it is remembered.
    destination: String,
    found: Vec<Found>,
}

/// What was found in a document, and what is to become of it.
struct Looked {
    acted: Vec<Acted>,
    changes: Changes,
}

impl Looked {
    /// What was not looked at does not travel.
    fn at(looked: Option<Self>) -> Result<Self, Refusal> {
        looked.ok_or_else(|| Refusal::new(Code::GateBug, words::BUG))
    }
}

impl<'s> Look<'s> {
    fn new(snapshot: &'s Snapshot, judge: &'s Judge, calls: &[Call]) -> Self {
        // The calls of a batch go the same way.
        let target = calls.first().map(|call| &call.target);
        let destination = target.map(|target| format!("{} {}", target.route, target.host));
        Self { snapshot, judge, destination: destination.unwrap_or_default(), found: Vec::new() }
    }

    /// Looks at what each call says while nothing of it has changed: what it completes of earlier
    /// ones, and what its document holds. Of most nothing changes, and nobody needs a tree of them.
    fn documents(
        &mut self,
        calls: &[Call],
        judges: &[Judge],
        documents: &[Option<(&Reading, Option<DocumentPart>)>],
    ) -> (Result<(), Refusal>, Vec<Looked>) {
        let scanner = &self.snapshot.scanner;
        let mut completed = Ok(());
        let mut all = Vec::with_capacity(documents.len());
        for (nth, document) in documents.iter().enumerate() {
            let judge = judges.get(nth).unwrap_or(self.judge);
            let quiet = document.as_ref().map(|(read, _)| scanner.glance(&read.tape));
            let words = document.as_ref().map(|(_, words)| words.as_ref());
            if let Some(call) = calls.get(nth)
                // A message without parameters says nothing.
                && words != Some(None)
            {
                let seen = quiet.as_ref().zip(words.flatten());
                completed = completed.and(self.completed(call, judge, seen));
            }
            let (acted, changes) = match quiet {
                Some(quiet) => scanner.redact_glanced(quiet, judge, Direction::Request),
                None => Default::default(),
            };
            all.push(Looked { acted, changes });
        }
        (completed, all)
    }

    /// What earlier calls began and the words of this one complete.
    fn completed(
        &mut self,
        call: &Call,
        judge: &Judge,
        seen: Option<(&Quiet<'_>, &DocumentPart)>,
    ) -> Result<(), Refusal> {
        let engine = (&*self.snapshot.scanner, judge);
        let acted = self.snapshot.recall.completed(engine, &self.destination, call, seen);
        self.fragments(acted)
    }

    /// What they began and this one completes beside its words.
    fn beside(&mut self, call: &Call, beside: &Beside<'_>) -> Result<(), Refusal> {
        let engine = (&*self.snapshot.scanner, self.judge);
        let recall = &self.snapshot.recall;
        let acted = recall.completed_beside(engine, &self.destination, call, beside);
        self.fragments(acted)
    }

    /// A call that completes a secret is refused whole: most of it has left.
    fn fragments(&mut self, acted: Vec<Acted>) -> Result<(), Refusal> {
        let blocks = acted.iter().any(|acted| acted.action == Action::Block);
        let canary = acted.iter().any(|acted| acted.finding.class.as_str() == CANARY);
        let part = "calls";
        self.found.extend(acted.into_iter().map(|acted| Found { part, acted }));
        match (blocks, canary) {
            (false, _) => Ok(()),
            (true, true) => Err(Refusal::new(Code::CanaryHit, words::CANARY)),
            (true, false) => Err(Refusal::new(Code::ExfilFragments, words::FRAGMENTS)),
        }
    }

    fn over(
        &mut self,
        seen: (&'s [Judge], Vec<Looked>),
        way: &Way,
        request: Request,
        spoken: &mut Spoken,
    ) -> Result<Clean, Refusal> {
        let mut headers = request.headers;
        self.body(seen, way, spoken, &mut headers)?;
        let query = self.url(way, &request.head)?;
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
            let refusal = match acted.finding.class.as_str() {
                CANARY => Refusal::new(Code::CanaryHit, words::CANARY),
                _ if decided.is_egress => Refusal::new(Code::EgressBlocked, words::NOT_THERE),
                _ => self.blocked(part, &acted.finding.place),
            };
            refusal.with_rule(rule)
        });
        self.found.extend(acted.into_iter().map(|acted| Found { part, acted }));
        refusal.map_or(Ok(()), Err)
    }

    fn blocked(&self, part: &'static str, at: &Place) -> Refusal {
        let place = record::place(at, &self.snapshot.scanner);
        Refusal::new(Code::DlpBlocked, words::blocked(part, &place))
    }

    fn body(
        &mut self,
        (judges, looked): (&'s [Judge], Vec<Looked>),
        way: &Way,
        spoken: &mut Spoken,
        headers: &mut HeaderMap,
    ) -> Result<(), Refusal> {
        let mut looked = looked.into_iter();
        match &mut spoken.said {
            Said::Mcp(call) => {
                let first = self.judge;
                // A batch has a call for each of its messages.
                for (nth, message) in call.messages_mut().iter_mut().enumerate() {
                    self.judge = judges.get(nth).unwrap_or(first);
                    self.message(message, Looked::at(looked.next())?, headers)?;
                }
                self.judge = first;
                Ok(())
            }
            Said::Http(call) => {
                self.http_body(way.to.allow_unread_requests, &mut call.body, looked.next())
            }
        }
    }

    fn http_body(
        &mut self,
        may_be_unread: bool,
        body: &mut HttpBody,
        looked: Option<Looked>,
    ) -> Result<(), Refusal> {
        let (scanner, judge) = (&self.snapshot.scanner, self.judge);
        match body {
            HttpBody::Empty => Ok(()),
            HttpBody::Json(read) => {
                let looked = Looked::at(looked)?;
                self.note(looked.acted, "body")?;
                if let Some(changed) = read.changed(looked.changes) {
                    *read = changed.into();
                }
                Ok(())
            }
            HttpBody::Text(text) => {
                let Redaction { text: clean, acted } =
                    scanner.redact(text, judge, Direction::Request);
                let clean = (clean != *text).then(|| clean.into_owned());
                self.note(acted, "body")?;
                if let Some(clean) = clean {
                    *text = clean;
                }
                Ok(())
            }
            HttpBody::Document(document) => {
                let found = scanner.redact_document(document, judge, Direction::Request);
                self.document(found, may_be_unread)
            }
        }
    }

    /// Keeps what was found in a document and what stays unread in it: an error unless all of it
    /// may pass.
    fn document(&mut self, found: Inspection, may_be_unread: bool) -> Result<(), Refusal> {
        let Inspection { acted, unread } = found;
        let refusal = unread.first().filter(|_| !may_be_unread).map(|unread| {
            let place = record::place(&unread.place, &self.snapshot.scanner);
            Refusal::new(Code::UnreadRefused, words::unread(&place, unread.why))
        });
        let action = if may_be_unread { Action::Alert } else { Action::Block };
        self.found.extend(
            unread.into_iter().map(|unread| Found { part: "body", acted: unread.acted(action) }),
        );
        self.note(acted, "body")?;
        refusal.map_or(Ok(()), Err)
    }

    /// Redacts one message and the headers that mirror it. A redaction that would make it another
    /// call (a secret for a tool's name, say) refuses it.
    fn message(
        &mut self,
        message: &mut Message,
        Looked { acted, changes }: Looked,
        headers: &mut HeaderMap,
    ) -> Result<(), Refusal> {
        let place = acted.iter().find(|acted| acted.action.edits());
        let place = place.map(|acted| acted.finding.place.clone());
        self.note(acted, "body")?;
        let changed = message.reading().changed(changes);
        let Some((place, changed)) = place.zip(changed) else { return Ok(()) };
        let before = Arc::clone(message.document());
        if message.redact(changed).is_err() {
            return Err(self.blocked("body", &place));
        }
        mcp::remirror(headers, before.tree(), message.document().tree());
        Ok(())
    }

    /// Looks at what of the URL the agent chose, and gives the query as it travels. A path cannot
    /// be redacted without becoming another path, so what would be redacted there blocks.
    fn url(&mut self, way: &Way, head: &Head) -> Result<Option<String>, Refusal> {
        let (scanner, judge) = (&self.snapshot.scanner, self.judge);
        // A name that is looked up tells its labels to whoever serves it.
        let host = Url { host: way.to.host.name().unwrap_or_default(), ..Url::default() };
        let (_, found) = scanner.redact_url(host, judge, Direction::Request);
        self.note(found.acted, "host")?;
        if !REGISTERED.contains(&head.method().as_str()) {
            // A method is a word of the client's own.
            let word = Url { path: head.method().as_str(), ..Url::default() };
            let (_, found) = scanner.redact_url(word, judge, Direction::Request);
            self.note(found.acted, "method")?;
        }
        let path = Url { path: &way.path, ..Url::default() };
        let (_, found) = scanner.redact_url(path, judge, Direction::Request);
        self.note(found.acted, "path")?;
        let Some(raw) = head.query() else { return Ok(None) };
        let query = Url { query: raw, ..Url::default() };
        let (clean, found) = scanner.redact_url(query, judge, Direction::Request);
        self.note(found.acted, "query")?;
        Ok(Some(clean.unwrap_or_else(|| raw.to_owned())))
    }

    fn headers(&mut self, headers: &mut HeaderMap) -> Result<(), Refusal> {
        let (scanner, judge) = (&self.snapshot.scanner, self.judge);
        for (name, value) in headers.iter_mut() {
            let is_credential = CREDENTIALS.contains(&name.as_str());
            let text = String::from_utf8_lossy(value.as_bytes());
            let header = Header { name: name.as_str(), value: &text };
            let (clean, found) = scanner.redact_header(header, judge, Direction::Request);
            if is_credential {
                // A credential is the agent's own, unless nobody has any business with it.
                let acted = found.acted.into_iter();
                let others = acted.filter(|one| is_nobodys(one.finding.class.as_str())).collect();
                self.note(others, "header")?;
                continue;
            }
            self.note(found.acted, "header")?;
            let Some(clean) = clean else { continue };
            // With another boundary the body could not be read any more.
            let changed = HeaderValue::from_bytes(clean.as_bytes());
            match changed {
                Ok(changed) if *name != header::CONTENT_TYPE => *value = changed,
                _ => {
                    let place = format!("header {name}");
                    return Err(Refusal::new(Code::DlpBlocked, words::blocked("header", &place)));
                }
            }
        }
        Ok(())
    }
}
