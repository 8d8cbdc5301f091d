//! Answers without structure: nothing, text, and what cannot be read.
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{StatusCode, header};
use tollgate_dlp::{Direction, Scanner, TextStream};
use tollgate_rules::Code;

use super::json::refused;
use super::legible::Legible;
use super::{Answer, client};
use crate::outcome::Ending;
use crate::words;

/// How long an answer without a body may take to end.
const AFTER_NOTHING: Duration = Duration::from_millis(200);

impl Answer<'_, '_> {
    pub(super) async fn pass_empty(&mut self) -> Ending {
        let mut headers = std::mem::take(&mut self.headers);
        if self.status == StatusCode::NO_CONTENT {
            // It has none (RFC 9110 section 8.6): a client that waits for it waits for the next answer.
            headers.remove(header::CONTENT_LENGTH);
        }
        // A HEAD answer's length is that of the body a GET would have had: passed as it is.
        if !client::write_head(self.session, self.status, &headers, None).await {
            return Ending::Abandoned;
        }
        let written = client::write_end(self.session, Bytes::new()).await;
        // There is no more to it: who goes on sending is not listened to.
        let end = tokio::time::timeout(AFTER_NOTHING, self.upstream.next());
        self.spoilt = !matches!(end.await, Ok(Ok(None)));
        if written { Ending::Answered } else { Ending::Abandoned }
    }

    /// Passes what cannot be read; the record says so.
    pub(super) async fn pass_opaque(&mut self) -> Ending {
        let headers = std::mem::take(&mut self.headers);
        if !client::write_head(self.session, self.status, &headers, None).await {
            return Ending::Abandoned;
        }
        loop {
            let written = match self.next().await {
                Err(ending) => return ending,
                Ok(None) => break,
                Ok(Some(piece)) => client::write(self.session, piece).await,
            };
            if !written {
                return Ending::Abandoned;
            }
        }
        if client::write_end(self.session, Bytes::new()).await {
            Ending::Answered
        } else {
            Ending::Abandoned
        }
    }

    /// A document that may say where its upstream is: held whole, led back, scanned.
    pub(super) async fn pass_described(&mut self) -> Ending {
        let whole = match self.hold().await {
            Ok(whole) => whole.freeze(),
            Err(ending) => return ending,
        };
        let (desks, bytes, patience) = (self.desks, whole.len(), self.flight.patience());
        let holder = self.holder();
        let clean = match desks.at(&holder, bytes, patience, || self.look_at_text(whole)).await {
            Ok(Some(clean)) => clean,
            Ok(None) => return refused(Code::DlpBlocked, words::ANSWER_BLOCKED),
            Err(code) => return refused(code, words::body(code)),
        };
        let headers = std::mem::take(&mut self.headers);
        let length = Some(clean.len());
        let written = client::write_head(self.session, self.status, &headers, length).await
            && client::write_end(self.session, clean.into()).await;
        if written { Ending::Answered } else { Ending::Abandoned }
    }

    /// A description as it may pass on, if it may. Nothing is waited for here.
    fn look_at_text(&mut self, whole: Bytes) -> Option<Vec<u8>> {
        let mut legible = Legible::default();
        legible.push(&whole);
        self.so_far.unread |= !legible.is_read();
        let links = self.flight.links.as_ref();
        let text = std::str::from_utf8(&whole).ok();
        let led = links.zip(text).and_then(|(links, text)| links.yaml(text, &mut self.so_far.led));
        let body = led.map_or(whole, Bytes::from);
        let scanner = Arc::clone(&self.flight.snapshot.scanner);
        let mut stream =
            TextStream::new(scanner, Arc::clone(&self.flight.judge), Direction::Answer);
        let mut clean = Vec::with_capacity(body.len());
        let mut acted = stream.push(&body, &mut clean);
        acted.extend(stream.finish(&mut clean));
        (!self.note(acted, "answer")).then_some(clean)
    }

    /// Scans text as it streams, holding back only what may be the beginning of something.
    pub(super) async fn pass_text(&mut self, scanner: Arc<Scanner>) -> Ending {
        let headers = std::mem::take(&mut self.headers);
        if !client::write_head(self.session, self.status, &headers, None).await {
            return Ending::Abandoned;
        }
        let mut stream =
            TextStream::new(scanner, Arc::clone(&self.flight.judge), Direction::Answer);
        let (mut legible, patience) = (Legible::default(), self.flight.patience());
        loop {
            let piece = match self.next().await {
                Err(ending) => return ending,
                Ok(piece) => piece,
            };
            // What is held back is looked at again with each piece.
            let bytes = stream.held_bytes() + piece.as_ref().map_or(0, Bytes::len);
            let look = || {
                let mut clean = Vec::new();
                let acted = match &piece {
                    Some(piece) => {
                        legible.push(piece);
                        stream.push(piece, &mut clean)
                    }
                    None => stream.finish(&mut clean),
                };
                (clean, acted)
            };
            let looked = self.desks.at(&self.holder(), bytes, patience, look).await;
            let (clean, acted) = match looked {
                Ok(looked) => looked,
                Err(code) => return Ending::Cut(code),
            };
            self.so_far.unread |=
                if piece.is_some() { legible.is_spoilt() } else { !legible.is_read() };
            if self.note(acted, "answer") {
                return Ending::Cut(Code::DlpBlocked);
            }
            let written = match piece {
                Some(_) => client::write(self.session, clean.into()).await,
                None => client::write_end(self.session, clean.into()).await,
            };
            match (written, piece.is_some()) {
                (false, _) => return Ending::Abandoned,
                (true, true) => {}
                (true, false) => return Ending::Answered,
            }
        }
    }
}
