//! JSON answers: held whole, parsed once, and only what was parsed is passed on.
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::Instant;
use tollgate_dlp::Direction;
use tollgate_rules::Code;

use super::{Answer, client};
use crate::decode::json;
use crate::decode::mcp::Handle;
use crate::outcome::Ending;
use crate::refuse::Refusal;
use crate::words;

impl Answer<'_, '_> {
    pub(super) async fn pass_json(&mut self) -> Ending {
        let whole = match self.hold().await {
            Ok(whole) => whole,
            Err(ending) => return ending,
        };
        let (desks, bytes, patience) = (self.desks, whole.len(), self.flight.patience());
        let holder = self.holder();
        let body = match desks.at(&holder, bytes, patience, || self.look(whole)).await {
            Ok(Ok(body)) => body,
            Ok(Err(ending)) => return ending,
            Err(code) => return refused(code, words::body(code)),
        };
        let headers = std::mem::take(&mut self.headers);
        let written = client::write_head(self.session, self.status, &headers, Some(body.len()))
            .await
            && client::write_end(self.session, body).await;
        if written { Ending::Answered } else { Ending::Abandoned }
    }

    /// The document as it may pass on. Nothing is waited for here.
    fn look(&mut self, whole: BytesMut) -> Result<Bytes, Ending> {
        if whole.is_empty() {
            return Ok(whole.freeze());
        }
        let snapshot = Arc::clone(&self.flight.snapshot);
        let (bytes, depth) = (whole.len(), snapshot.settings.bounds.json_depth);
        let Ok(mut read) = json::read(&whole, depth) else {
            return Err(refused(Code::UpstreamProtocol, words::ANSWER_UNREADABLE));
        };
        drop(whole);
        self.given(Handle::given(|path| read.tape.root().within(path)?.as_str()));
        let links = self.flight.links.as_ref().filter(|links| links.concern(read.tape.root()));
        if links.is_some() || self.heard.filters(read.tape.root()) {
            let mut document = read.json.to_tree();
            if let Some(links) = links {
                links.document(&mut document, &mut self.so_far.led);
            }
            self.heard.filter_lists(&mut document, self.flight);
            read = document.into();
        }
        let (scanner, judge) = (&snapshot.scanner, &self.flight.judge);
        let quiet = scanner.glance(&read.tape);
        let (acted, changes) = scanner.redact_glanced(quiet, judge, Direction::Answer);
        if self.note(acted, "answer") {
            return Err(refused(Code::DlpBlocked, words::ANSWER_BLOCKED));
        }
        let changed = read.changed(changes);
        Ok(changed.map_or_else(|| read.write(bytes), |document| json::write(&document, bytes)))
    }

    pub(super) async fn hold(&mut self) -> Result<BytesMut, Ending> {
        let settings = &self.flight.snapshot.settings;
        let limit = settings.bounds.answer_body_bytes;
        let until = Instant::now() + Duration::from_millis(settings.deadlines.held_answer_ms);
        let patience = self.flight.patience();
        let mut whole = BytesMut::new();
        loop {
            // A byte now and then is no silence, and would hold its place for ever.
            let next = tokio::time::timeout_at(until, self.next()).await;
            let piece = match next.unwrap_or(Err(Ending::Cut(Code::UpstreamTimeout))) {
                Ok(Some(piece)) => piece,
                Ok(None) => return Ok(whole),
                // Nothing was passed on yet, so a broken answer can still be refused in words.
                Err(Ending::Cut(code)) => return Err(refused(code, words::failed(code))),
                Err(ending) => return Err(ending),
            };
            let length = whole.len().saturating_add(piece.len());
            if length > limit {
                return Err(refused(Code::UpstreamProtocol, words::ANSWER_TOO_LARGE));
            }
            if let Err(code) = self.share.grow(length, Instant::now() + patience).await {
                return Err(refused(code, words::body(code)));
            }
            whole.extend_from_slice(&piece);
        }
    }
}

pub(super) fn refused(code: Code, sentence: &str) -> Ending {
    Ending::Refused(Refusal::new(code, sentence))
}
