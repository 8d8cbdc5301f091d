//! Batches of JSON lines by POST; any 2xx acknowledges.
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use tollgate_config::settings::{HttpSink, SecretRef};

use super::super::peer::Peer;
use super::super::secret;
use super::DeliveryError;
use super::feed::Batch;

/// What an answer may say; only its status counts.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// An event that was refused so often is refused for good.
const REFUSALS_MAX: u32 = 5;

/// A collector that is spoken to by one request at a time.
pub(super) struct HttpOutlet {
    peer: Peer,
    token: Option<SecretRef>,
    batch_events: usize,
    gzip: bool,
    /// Smaller than the setting after a collector refused a batch for what it is.
    fitting_events: usize,
    /// The event that was refused alone, and how often.
    refused: (u64, u32),
}

impl HttpOutlet {
    pub(super) fn new(setting: &HttpSink) -> Result<Self, String> {
        Ok(Self {
            peer: Peer::new(&setting.url, setting.ca.as_deref(), None)?,
            token: setting.token.clone(),
            batch_events: setting.batch_events.max(1),
            gzip: setting.gzip,
            fitting_events: setting.batch_events.max(1),
            refused: (0, 0),
        })
    }

    pub(super) fn events_at_once(&self) -> usize {
        self.fitting_events
    }

    pub(super) async fn deliver(&mut self, batch: &Batch) -> Result<(), DeliveryError> {
        let request = self.request(batch)?;
        let answer = self.peer.send(request, ANSWER_BYTES_MAX).await?;
        let status = answer.head.status;
        if status.is_success() {
            self.fitting_events = self.batch_events.min(self.fitting_events.saturating_mul(2));
            return Ok(());
        }
        Err(match is_about_the_batch(status) {
            true => self.refused(status.as_u16(), batch),
            false => DeliveryError::Status(status.as_u16()),
        })
    }

    /// Halves what is sent at once until the event that is refused stands alone.
    fn refused(&mut self, status: u16, batch: &Batch) -> DeliveryError {
        let events = batch.last_seq.saturating_sub(batch.first_seq) + 1;
        if events > 1 {
            self.fitting_events = usize::try_from(events / 2).unwrap_or(1);
            return DeliveryError::Parted(status);
        }
        self.refused = match self.refused {
            (seq, times) if seq == batch.first_seq => (seq, times + 1),
            _ => (batch.first_seq, 1),
        };
        match self.refused.1 {
            REFUSALS_MAX.. => {
                self.refused.1 = 0;
                DeliveryError::Dead(status)
            }
            _ => DeliveryError::Status(status),
        }
    }

    fn request(&self, batch: &Batch) -> Result<Request<Full<Bytes>>, DeliveryError> {
        let body = match self.gzip {
            true => compressed(&batch.lines)?,
            false => batch.lines.clone(),
        };
        let mut request = Request::post(self.peer.path())
            .header(CONTENT_TYPE, "application/x-ndjson")
            .header("tollgate-first-seq", batch.first_seq)
            .header("tollgate-last-seq", batch.last_seq)
            .header("tollgate-last-hash", batch.last_hash.as_str())
            .body(Full::new(body))
            .map_err(|_| DeliveryError::Status(StatusCode::BAD_REQUEST.as_u16()))?;
        if self.gzip {
            request.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Some(token) = &self.token {
            request
                .headers_mut()
                .insert(AUTHORIZATION, secret::bearer(token).map_err(DeliveryError::Token)?);
        }
        Ok(request)
    }
}

/// Whether a status says something of the batch itself, and not of the address, the token, the
/// time or the collector: then another try with the same events ends the same.
fn is_about_the_batch(status: StatusCode) -> bool {
    let elsewhere = [401, 402, 403, 404, 405, 407, 408, 410, 421, 423, 425, 426, 429];
    status.is_client_error() && !elsewhere.contains(&status.as_u16())
}

fn compressed(lines: &[u8]) -> Result<Bytes, DeliveryError> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(lines)?;
    Ok(Bytes::from(encoder.finish()?))
}
